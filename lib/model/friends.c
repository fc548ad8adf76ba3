#include "model/friends.h"

#include "ext/unicode.h"
#include "model/page.h"

/* ---- wire form ---- */

static const struct field friend_fields[] = {
    {.name = "user", .type = FIELD_OBJECT, .at = offsetof(struct friend, user), .shape = &user_shape},
    {.name = "remark", .type = FIELD_STR, .at = offsetof(struct friend, remark)},
    {.name = "tag", .type = FIELD_STR, .at = offsetof(struct friend, tag)},
    {.name = "conversation_id", .type = FIELD_ID, .at = offsetof(struct friend, conversation_id)},
    {.name = "created_at", .type = FIELD_TIME, .at = offsetof(struct friend, created_at)},
    {.name = "version", .type = FIELD_INT, .at = offsetof(struct friend, version)},
};
const struct shape friend_shape = SHAPE("Friend", struct friend, friend_fields);

/* ---- reading ---- */

/* The rows as friends, in their order. */
static enum err fill(struct ctx *ctx, const struct friend_row *rows, size_t n, struct friend **out)
{
    uint64_t *ids = arena_array(ctx->arena, n, sizeof *ids);
    struct user *users = arena_array(ctx->arena, n, sizeof *users);

    *out = arena_array(ctx->arena, n, sizeof **out);
    for (size_t i = 0; i < n; i++)
        ids[i] = rows[i].friend_id;
    TRY(n ? users_load(ctx, ids, n, users) : OK);
    for (size_t i = 0; i < n; i++)
        (*out)[i] = (struct friend){.user = users[i],
                                    .remark = rows[i].remark,
                                    .tag = rows[i].tag,
                                    .conversation_id = rows[i].conversation_id,
                                    .created_at = rows[i].created_at,
                                    .version = (int64_t)rows[i].version};
    return OK;
}

enum err friends_load(struct ctx *ctx, const uint64_t *ids, size_t n, struct friend *out)
{
    struct friend_row *rows;
    struct friend *friends;
    size_t found;

    TRY(q_friends_get(ctx, ctx->actor.user_id, ids, n, &rows, &found));
    TRY(fill(ctx, rows, found, &friends));
    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < found && !out[i].user.id; j++)
            if (friends[j].user.id == ids[i])
                out[i] = friends[j];
    return OK;
}

enum err friend_load(struct ctx *ctx, uint64_t user_id, struct friend *out)
{
    struct friend friend;

    TRY(friends_load(ctx, &user_id, 1, &friend));
    if (!friend.user.id)
        return fail(ctx, ERR_NOT_FOUND, "no such friend");
    *out = friend;
    return OK;
}

enum err friends_list(struct ctx *ctx, struct str cursor, size_t limit, struct list *out, struct str *next)
{
    struct page_mark after = {0};
    struct friend_row *rows;
    struct friend *friends;
    size_t n;

    TRY(page_mark_of(ctx, cursor, &after));
    TRY(q_friends_page(ctx, ctx->actor.user_id, after.id, limit + 1, &rows, &n));
    *next = STR_NONE;
    if (n > limit) {
        n = limit;
        *next = page_cursor(ctx->arena, (struct page_mark){.id = rows[n - 1].friend_id});
    }
    TRY(fill(ctx, rows, n, &friends));
    *out = (struct list){friends, n};
    return OK;
}

/* ---- changing ---- */

static enum err check_line(struct ctx *ctx, const char *field, const struct str *text)
{
    if (text && text->n && !unicode_is_plain(*text, false))
        return fail_field(ctx, field, "must be one line without control characters");
    return OK;
}

enum err friend_update(struct ctx *ctx, uint64_t user_id, const struct str *remark, const struct str *tag)
{
    const uint64_t me = ctx->actor.user_id;
    struct account_row account;
    struct friend_row *rows;
    uint64_t version;
    size_t n;

    TRY(check_line(ctx, "remark", remark));
    TRY(check_line(ctx, "tag", tag));
    TRY(q_user_lock(ctx, ctx->actor.app_id, me, &account));
    TRY(q_friends_get(ctx, me, &user_id, 1, &rows, &n));
    if (!n)
        return fail(ctx, ERR_NOT_FOUND, "no such friend");
    const struct str new_remark = remark ? *remark : rows->remark, new_tag = tag ? *tag : rows->tag;
    if (str_eq(new_remark, rows->remark) && str_eq(new_tag, rows->tag))
        return OK;
    TRY(user_touch(ctx, me, &version));
    const struct q_friendship_update_in in = {
        .user_id = me, .friend_id = user_id, .remark = new_remark, .tag = new_tag, .version = version};
    TRY(q_friendship_update(ctx, &in, NULL));
    event_add(&ctx->events, ctx->arena,
              (struct event){.kind = EVENT_FRIEND, .to_id = me, .id = user_id, .version = version});
    return OK;
}

/* One side of the end. */
static enum err part(struct ctx *ctx, uint64_t user_id, uint64_t friend_id)
{
    struct version_row row;

    TRY(q_user_unfriend(ctx, user_id, NULL)); /* the person's row before the friendship's, as everywhere */
    TRY(q_friendship_delete(ctx, user_id, friend_id, NULL));
    TRY(q_user_version(ctx, user_id, &row));
    event_add(&ctx->events, ctx->arena,
              (struct event){
                  .kind = EVENT_FRIEND_REMOVED, .to_id = user_id, .id = friend_id, .version = row.version});
    return OK;
}

enum err friend_remove(struct ctx *ctx, uint64_t user_id)
{
    const uint64_t me = ctx->actor.user_id;
    struct conversation_row pair;
    struct friend_row *rows;
    size_t n;

    TRY(q_friends_get(ctx, me, &user_id, 1, &rows, &n));
    if (!n)
        return fail(ctx, ERR_NOT_FOUND, "no such friend");
    TRY(conversation_pair_lock(ctx, me, user_id, &pair));
    if (!(pair.flags & PAIR_FRIENDS))
        return fail(ctx, ERR_NOT_FOUND, "no such friend");
    TRY(part(ctx, pair.low_id, pair.high_id));
    TRY(part(ctx, pair.high_id, pair.low_id));
    TRY(conversation_set_flags(ctx, &pair,
                               (unsigned)pair.flags & ~(unsigned)(PAIR_FRIENDS | PAIR_STRANGERS)));
    conversation_tell(ctx, &pair, pair.low_id);
    conversation_tell(ctx, &pair, pair.high_id);
    return OK;
}
