#include "model/invitelinks.h"

#include "ext/crypt.h"
#include "model/accounts.h"
#include "model/grouplock.h"
#include "model/page.h"

#define AT(member) .at = offsetof(struct invite_link, member)
#define LINK_FIELDS                                                                                          \
    {.name = "id", .type = FIELD_ID, AT(id)}, {.name = "created_by", .type = FIELD_ID, AT(created_by)},      \
        {.name = "created_at", .type = FIELD_TIME, AT(created_at)},                                          \
        {.name = "expires_at", .type = FIELD_TIME, AT(expires_at)},                                          \
        {.name = "uses", .type = FIELD_INT, AT(uses)},                                                       \
    {                                                                                                        \
        .name = "uses_left", .type = FIELD_INT, .flags = F_NULLABLE, AT(uses_left),                          \
        .has_at = offsetof(struct invite_link, has_uses_left)                                                \
    }
static const struct field link_fields[] = {LINK_FIELDS};
static const struct field new_link_fields[] = {
    LINK_FIELDS,
    {.name = "token", .type = FIELD_STR, .flags = F_SECRET, AT(token)},
};
#undef AT
const struct shape invite_link_shape = SHAPE("InviteLink", struct invite_link, link_fields);
const struct shape new_invite_link_shape = SHAPE("NewInviteLink", struct invite_link, new_link_fields);

#define AT(member) .at = offsetof(struct invite_look, member)
static const struct field look_fields[] = {
    {.name = "id", .type = FIELD_ID, AT(id)},
    {.name = "name", .type = FIELD_STR, AT(name)},
    {.name = "avatar_file_id", .type = FIELD_ID, .flags = F_NULLABLE, AT(avatar_file_id)},
    {.name = "member_count", .type = FIELD_INT, AT(member_count)},
    {.name = "join_policy", .type = FIELD_ENUM, AT(join_policy), .names = join_policies},
    {.name = "joined", .type = FIELD_BOOL, AT(joined)},
};
#undef AT
const struct shape invite_look_shape = SHAPE("InviteLook", struct invite_look, look_fields);

/* ---- of a group ---- */

static struct invite_link from_row(const struct invite_link_row *row)
{
    return (struct invite_link){.id = row->id,
                                .created_by = row->created_by,
                                .created_at = row->created_at,
                                .expires_at = row->expires_at,
                                .uses = (int64_t)row->uses,
                                .uses_left = (int64_t)row->uses_left,
                                .has_uses_left = row->limited ? HAS_VALUE : HAS_NULL};
}

enum err invite_links_list(struct ctx *ctx, uint64_t group_id, struct str cursor, size_t limit,
                           struct list *out, struct str *next)
{
    struct page_mark before = {.id = INT64_MAX};
    struct invite_link_row *rows;
    struct group group;
    size_t n;

    TRY(group_load(ctx, group_id, &group));
    if (group.my_role < GROUP_ADMIN)
        return fail(ctx, ERR_FORBIDDEN, "this is for the owner and admins");
    TRY(page_mark_of(ctx, cursor, &before));
    TRY(q_invite_links_page(ctx, group_id, before.id, limit + 1, &rows, &n));
    *next = STR_NONE;
    if (n > limit) {
        n = limit;
        *next = page_cursor(ctx->arena, (struct page_mark){.id = rows[n - 1].id});
    }
    struct invite_link *links = arena_array(ctx->arena, n, sizeof *links);
    for (size_t i = 0; i < n; i++)
        links[i] = from_row(&rows[i]);
    *out = (struct list){links, n};
    return OK;
}

enum err invite_link_make(struct ctx *ctx, uint64_t group_id, int64_t life_s, int64_t max_uses,
                          struct invite_link *out)
{
    unsigned char hash[CRYPT_SHA256_BYTES];
    struct invite_links_count_row count;
    struct invite_link_row row;
    struct group_held g;
    uint64_t id;

    TRY(group_hold(ctx, group_id, GROUP_ADMIN, &g));
    TRY(q_invite_links_count(ctx, group_id, &count));
    if (count.n >= LINKS_MAX)
        return fail(ctx, ERR_QUOTA_EXCEEDED, "a group has %d links; take one back", LINKS_MAX);
    const struct str token = secret_make(ctx->arena, hash);
    TRY(ctx_id(ctx, &id));
    const struct q_invite_link_insert_in in = {.id = id,
                                               .conversation_id = group_id,
                                               .token_hash = {(const char *)hash, sizeof hash},
                                               .created_by = ctx->actor.user_id,
                                               .uses_left = (uint64_t)max_uses,
                                               .lives_ms = life_s * 1000};
    TRY(q_invite_link_insert(ctx, &in, NULL));
    TRY(q_invite_link_get(ctx, group_id, id, &row));
    *out = from_row(&row);
    out->token = token;
    return OK;
}

enum err invite_link_revoke(struct ctx *ctx, uint64_t group_id, uint64_t id)
{
    struct invite_link_row row;
    struct group_held g;

    TRY(group_hold(ctx, group_id, GROUP_ADMIN, &g));
    const enum err err = q_invite_link_get(ctx, group_id, id, &row);
    if (err == ERR_NOT_FOUND)
        return fail(ctx, err, "no such link");
    TRY(err);
    return row.lives ? q_invite_link_revoke(ctx, id, NULL) : OK;
}

/* ---- for who has one ---- */

static enum err expired(struct ctx *ctx)
{
    return fail(ctx, ERR_LINK_EXPIRED, "the link is too old, used up or was taken back");
}

static enum err find(struct ctx *ctx, struct str token, struct invite_link_row *out)
{
    unsigned char hash[CRYPT_SHA256_BYTES];

    secret_hash(token, hash);
    const enum err err = q_invite_link_find(ctx, (struct str){(const char *)hash, sizeof hash}, out);
    return err == ERR_NOT_FOUND ? fail(ctx, err, "no such link") : err;
}

enum err invite_look(struct ctx *ctx, struct str token, struct invite_look *out)
{
    struct invite_link_row link;
    struct group_row group;
    struct group mine;

    TRY(find(ctx, token, &link));
    TRY(q_group_get(ctx, link.conversation_id, &group));
    if (group.app_id != ctx->actor.app_id)
        return fail(ctx, ERR_NOT_FOUND, "no such link");
    if (!link.lives || group.flags & GROUP_IS_DISMISSED)
        return expired(ctx);
    TRY(groups_load(ctx, &group.id, 1, &mine));
    *out = (struct invite_look){.id = group.id,
                                .name = group.name,
                                .avatar_file_id = group.avatar_file_id,
                                .member_count = (int64_t)group.member_count,
                                .join_policy = (int)group.join_policy,
                                .joined = mine.id != 0};
    return OK;
}

/* Uses are counted under the group's lock, so the last one is one person's. */
enum err invite_join(struct ctx *ctx, struct str token, uint64_t *group_id, bool *joined)
{
    struct invite_look look = {0};
    struct invite_link_row link;
    struct group_held g;
    uint64_t used;

    TRY(invite_look(ctx, token, &look));
    *group_id = look.id;
    const enum err held = group_hold_any(ctx, look.id, &g);
    if (held == ERR_NOT_FOUND) /* dismissed just now */
        return expired(ctx);
    TRY(held);
    *joined = !g.me.user_id;
    if (!*joined)
        return OK;
    TRY(find(ctx, token, &link));
    TRY(q_invite_link_use(ctx, link.id, &used));
    return used ? group_join(ctx, &g, ctx->actor.user_id, "link", 0) : expired(ctx);
}
