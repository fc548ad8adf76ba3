/* Groups: their wire form, and reading them. */
#include "model/groups.h"

#include "base/clock.h"
#include "model/conversations.h"
#include "model/page.h"

const char *const join_policies[] = {"open", "approval", "invite", NULL};
const char *const group_roles[] = {"member", "admin", "owner", NULL};

/* ---- wire form ---- */

#define AT(member) .at = offsetof(struct group, member)
#define HAS(member) .has_at = offsetof(struct group, member)
/* `member` is what is not on a card, `mine` what is null there. */
#define GROUP_FIELDS(member, mine)                                                                           \
    {.name = "id", .type = FIELD_ID, AT(id)}, {.name = "name", .type = FIELD_STR, AT(name)},                 \
        {.name = "avatar_file_id", .type = FIELD_ID, .flags = F_NULLABLE, AT(avatar_file_id)},               \
        {.name = "announcement",                                                                             \
         .type = FIELD_STR,                                                                                  \
         .flags = F_NULLABLE | (member),                                                                     \
         AT(announcement),                                                                                   \
         HAS(has_announcement)},                                                                             \
        {.name = "announcement_by",                                                                          \
         .type = FIELD_ID,                                                                                   \
         .flags = F_NULLABLE | (member),                                                                     \
         AT(announcement_by),                                                                                \
         HAS(has_announcement)},                                                                             \
        {.name = "announcement_at",                                                                          \
         .type = FIELD_TIME,                                                                                 \
         .flags = F_NULLABLE | (member),                                                                     \
         AT(announcement_at),                                                                                \
         HAS(has_announcement)},                                                                             \
        {.name = "join_policy", .type = FIELD_ENUM, AT(join_policy), .names = join_policies},                \
        {.name = "mute_all", .type = FIELD_BOOL, .flags = (member), AT(mute_all), HAS(is_member)},           \
        {.name = "history_for_new",                                                                          \
         .type = FIELD_BOOL,                                                                                 \
         .flags = (member),                                                                                  \
         AT(history_for_new),                                                                                \
         HAS(is_member)},                                                                                    \
        {.name = "strangers_may_write",                                                                      \
         .type = FIELD_BOOL,                                                                                 \
         .flags = (member),                                                                                  \
         AT(strangers_may_write),                                                                            \
         HAS(is_member)},                                                                                    \
        {.name = "owner_id", .type = FIELD_ID, .flags = (member), AT(owner_id), HAS(is_member)},             \
        {.name = "member_count", .type = FIELD_INT, AT(member_count)},                                       \
        {.name = "my_role",                                                                                  \
         .type = FIELD_ENUM,                                                                                 \
         .flags = (mine),                                                                                    \
         AT(my_role),                                                                                        \
         HAS(is_member),                                                                                     \
         .names = group_roles},                                                                              \
        {.name = "my_nickname", .type = FIELD_STR, .flags = (member), AT(my_nickname), HAS(is_member)},      \
        {.name = "my_muted_until",                                                                           \
         .type = FIELD_TIME,                                                                                 \
         .flags = F_NULLABLE | (member),                                                                     \
         AT(my_muted_until),                                                                                 \
         HAS(has_my_muted_until)},                                                                           \
    {                                                                                                        \
        .name = "version", .type = FIELD_INT, .flags = (member), AT(version), HAS(is_member)                 \
    }

static const struct field group_fields[] = {GROUP_FIELDS(0, 0)};
static const struct field view_fields[] = {GROUP_FIELDS(F_OPTIONAL, F_NULLABLE)};
const struct shape group_shape = SHAPE("Group", struct group, group_fields);
const struct shape group_view_shape = SHAPE("GroupView", struct group, view_fields);
#undef AT
#undef HAS

#define AT(member) .at = offsetof(struct group_member, member)
static const struct field member_fields[] = {
    {.name = "user", .type = FIELD_OBJECT, AT(user), .shape = &user_shape},
    {.name = "role", .type = FIELD_ENUM, AT(role), .names = group_roles},
    {.name = "nickname", .type = FIELD_STR, AT(nickname)},
    {.name = "muted_until", .type = FIELD_TIME, .flags = F_NULLABLE, AT(muted_until)},
    {.name = "joined_at", .type = FIELD_TIME, AT(joined_at)},
};
#undef AT
const struct shape group_member_shape = SHAPE("GroupMember", struct group_member, member_fields);

/* ---- one and many ---- */

/* Of a mute that is over nothing is said. */
static int64_t still(int64_t muted_until)
{
    return muted_until > clock_wall_ms() ? muted_until : 0;
}

static void from_row(const struct my_group_row *row, struct group *out)
{
    const int64_t muted_until = still(row->muted_until);

    *out = (struct group){
        .id = row->id,
        .name = row->name,
        .avatar_file_id = row->avatar_file_id,
        .announcement = row->announcement,
        .announcement_by = row->announcement_by,
        .announcement_at = row->announcement_at,
        .has_announcement = row->announcement.n ? HAS_VALUE : HAS_NULL,
        .join_policy = (int)row->join_policy,
        .mute_all = row->flags & GROUP_MUTE_ALL,
        .history_for_new = row->flags & GROUP_HISTORY_FOR_NEW,
        .strangers_may_write = row->flags & GROUP_STRANGERS_MAY_WRITE,
        .owner_id = row->owner_id,
        .member_count = (int64_t)row->member_count,
        .my_role = (int)row->role,
        .my_nickname = row->nickname,
        .my_muted_until = muted_until,
        .has_my_muted_until = muted_until ? HAS_VALUE : HAS_NULL,
        .version = (int64_t)row->version,
        .is_member = HAS_VALUE,
    };
}

enum err groups_load(struct ctx *ctx, const uint64_t *ids, size_t n, struct group *out)
{
    struct my_group_row *rows;
    size_t n_rows;

    memset(out, 0, n * sizeof *out);
    TRY(q_groups_get(ctx, ctx->actor.app_id, ctx->actor.user_id, ids, n, &rows, &n_rows));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n_rows && !out[i].id; j++)
            if (rows[j].id == ids[i])
                from_row(&rows[j], &out[i]);
    return OK;
}

static enum err no_such_group(struct ctx *ctx)
{
    return fail(ctx, ERR_NOT_FOUND, "no such group");
}

enum err group_load(struct ctx *ctx, uint64_t id, struct group *out)
{
    struct group group;

    TRY(groups_load(ctx, &id, 1, &group));
    if (!group.id)
        return no_such_group(ctx);
    *out = group;
    return OK;
}

enum err group_view(struct ctx *ctx, uint64_t id, struct group *out)
{
    struct group_row row;

    TRY(groups_load(ctx, &id, 1, out));
    if (out->id)
        return OK;
    const enum err err = q_group_get(ctx, id, &row);
    if (err == ERR_NOT_FOUND)
        return no_such_group(ctx);
    TRY(err);
    if (row.app_id != ctx->actor.app_id || row.flags & GROUP_IS_DISMISSED || row.join_policy == JOIN_INVITE)
        return no_such_group(ctx);
    *out = (struct group){.id = id,
                          .name = row.name,
                          .avatar_file_id = row.avatar_file_id,
                          .join_policy = (int)row.join_policy,
                          .member_count = (int64_t)row.member_count};
    return OK;
}

enum err groups_list(struct ctx *ctx, struct str cursor, size_t limit, struct list *out, struct str *next)
{
    struct page_mark before = {.id = INT64_MAX};
    struct my_group_row *rows;
    size_t n;

    TRY(page_mark_of(ctx, cursor, &before));
    TRY(q_groups_page(ctx, ctx->actor.app_id, ctx->actor.user_id, before.id, limit + 1, &rows, &n));
    *next = STR_NONE;
    if (n > limit) {
        n = limit;
        *next = page_cursor(ctx->arena, (struct page_mark){.id = rows[n - 1].id});
    }
    struct group *groups = arena_array(ctx->arena, n, sizeof *groups);
    for (size_t i = 0; i < n; i++)
        from_row(&rows[i], &groups[i]);
    *out = (struct list){groups, n};
    return OK;
}

/* ---- members ---- */

static enum err fill_members(struct ctx *ctx, const struct group_member_row *rows, size_t n,
                             struct group_member *out)
{
    uint64_t *ids = arena_array(ctx->arena, n, sizeof *ids);
    struct user *users = arena_array(ctx->arena, n, sizeof *users);

    for (size_t i = 0; i < n; i++)
        ids[i] = rows[i].user_id;
    TRY(n ? users_load(ctx, ids, n, users) : OK);
    for (size_t i = 0; i < n; i++)
        out[i] = (struct group_member){.user = users[i],
                                       .role = (int)rows[i].role,
                                       .nickname = rows[i].nickname,
                                       .muted_until = still(rows[i].muted_until),
                                       .joined_at = rows[i].joined_at};
    return OK;
}

/* The actor is in it, or ERR_NOT_FOUND. */
static enum err check_member(struct ctx *ctx, uint64_t id)
{
    struct group group;
    return group_load(ctx, id, &group);
}

/* A page's mark is a role and, in it, an id: the roles one after the other. */
enum err group_members_list(struct ctx *ctx, uint64_t id, struct str cursor, size_t limit, struct list *out,
                            struct str *next)
{
    struct page_mark after = {.at = GROUP_OWNER};
    struct group_member_row *rows;
    size_t n;

    TRY(check_member(ctx, id));
    TRY(page_mark_of(ctx, cursor, &after));
    if (after.at < GROUP_MEMBER || after.at > GROUP_OWNER)
        return fail_field(ctx, "cursor", "is of no use here");
    if (after.at == GROUP_MEMBER)
        TRY(q_group_plain_members_page(ctx, id, after.id, limit + 1, &rows, &n));
    else
        TRY(q_group_members_page(ctx, id, (uint64_t)after.at, after.id, limit + 1, &rows, &n));
    *next = STR_NONE;
    if (n > limit) {
        n = limit;
        *next = page_cursor(ctx->arena, (struct page_mark){(int64_t)rows[n - 1].role, rows[n - 1].user_id});
    }
    struct group_member *members = arena_array(ctx->arena, n, sizeof *members);
    TRY(fill_members(ctx, rows, n, members));
    *out = (struct list){members, n};
    return OK;
}

enum err group_member_load(struct ctx *ctx, uint64_t id, uint64_t user_id, struct group_member *out)
{
    struct group_member_row *rows;
    size_t n;

    TRY(check_member(ctx, id));
    TRY(q_group_members_get(ctx, id, &user_id, 1, &rows, &n));
    if (!n)
        return fail(ctx, ERR_NOT_FOUND, "no such member");
    return fill_members(ctx, rows, 1, out);
}
