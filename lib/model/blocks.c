#include "model/blocks.h"

#include "model/friendrequests.h"
#include "model/page.h"

static const struct field block_fields[] = {
    {.name = "user", .type = FIELD_OBJECT, .at = offsetof(struct block, user), .shape = &user_shape},
    {.name = "created_at", .type = FIELD_TIME, .at = offsetof(struct block, created_at)},
};
const struct shape block_shape = SHAPE("Block", struct block, block_fields);

enum err blocks_among(struct ctx *ctx, const uint64_t *ids, size_t n, bool *blocked)
{
    struct block_row *rows;
    size_t found;

    TRY(q_blocks_get(ctx, ctx->actor.user_id, ids, n, &rows, &found));
    for (size_t i = 0; i < n; i++) {
        blocked[i] = false;
        for (size_t j = 0; j < found; j++)
            blocked[i] |= rows[j].blocked_id == ids[i];
    }
    return OK;
}

enum err blocks_list(struct ctx *ctx, struct str cursor, size_t limit, struct list *out, struct str *next)
{
    struct page_mark after = {0};
    struct block_row *rows;
    size_t n;

    TRY(page_mark_of(ctx, cursor, &after));
    TRY(q_blocks_page(ctx, ctx->actor.user_id, after.id, limit + 1, &rows, &n));
    *next = STR_NONE;
    if (n > limit) {
        n = limit;
        *next = page_cursor(ctx->arena, (struct page_mark){.id = rows[n - 1].blocked_id});
    }
    uint64_t *ids = arena_array(ctx->arena, n, sizeof *ids);
    struct user *users = arena_array(ctx->arena, n, sizeof *users);
    struct block *blocks = arena_array(ctx->arena, n, sizeof *blocks);
    for (size_t i = 0; i < n; i++)
        ids[i] = rows[i].blocked_id;
    TRY(n ? users_load(ctx, ids, n, users) : OK);
    for (size_t i = 0; i < n; i++)
        blocks[i] = (struct block){users[i], rows[i].created_at};
    *out = (struct list){blocks, n};
    return OK;
}

/* The actor's side of the pair is raised, and his devices hear of it. */
static enum err tell(struct ctx *ctx, const struct conversation_row *pair, uint64_t version)
{
    const uint64_t me = ctx->actor.user_id;

    event_add(
        &ctx->events, ctx->arena,
        (struct event){
            .kind = EVENT_BLOCK, .to_id = me, .id = conversation_peer_id(pair, me), .version = version});
    if (pair->flags & PAIR_OPEN)
        conversation_tell(ctx, pair, me);
    return OK;
}

static enum err insert(struct ctx *ctx, struct conversation_row *pair, uint64_t user_id)
{
    const uint64_t me = ctx->actor.user_id;
    struct count_row count;
    uint64_t version;

    TRY(friend_request_drop(ctx, pair, me)); /* first: it holds both people's rows, in their order */
    TRY(user_touch(ctx, me,
                   &version)); /* holds my row: two of mine at once are counted one after the other */
    TRY(q_blocks_count(ctx, me, &count));
    if (count.n >= BLOCKS_MAX)
        return fail(ctx, ERR_QUOTA_EXCEEDED, "you block as many people as one can");
    TRY(q_block_insert(ctx, me, user_id, version, NULL));
    TRY(conversation_set_flags(ctx, pair, (unsigned)pair->flags | conversation_block_flag(pair, me)));
    return tell(ctx, pair, version);
}

enum err block_add(struct ctx *ctx, uint64_t user_id, struct block *out)
{
    struct conversation_row pair;
    struct block_row *rows;
    size_t n;

    if (user_id == ctx->actor.user_id)
        return fail_field(ctx, "user_id", "is yourself");
    TRY(user_profile(ctx, user_id, &out->user));
    TRY(conversation_pair_lock(ctx, ctx->actor.user_id, user_id, &pair));
    if (!(pair.flags & conversation_block_flag(&pair, ctx->actor.user_id)))
        TRY(insert(ctx, &pair, user_id));
    TRY(q_blocks_get(ctx, ctx->actor.user_id, &user_id, 1, &rows, &n));
    out->created_at = n ? rows->created_at : 0;
    return OK;
}

enum err block_remove(struct ctx *ctx, uint64_t user_id)
{
    const uint64_t me = ctx->actor.user_id;
    struct conversation_row pair;
    struct block_row *rows;
    uint64_t version;
    size_t n;

    TRY(q_blocks_get(ctx, me, &user_id, 1, &rows, &n));
    if (!n)
        return fail(ctx, ERR_NOT_FOUND, "you do not block this person");
    TRY(conversation_pair_lock(ctx, me, user_id, &pair));
    if (!(pair.flags & conversation_block_flag(&pair, me))) /* another device was faster */
        return fail(ctx, ERR_NOT_FOUND, "you do not block this person");
    TRY(user_touch(ctx, me, &version));
    TRY(q_block_delete(ctx, me, user_id, NULL));
    TRY(conversation_set_flags(ctx, &pair, (unsigned)pair.flags & ~conversation_block_flag(&pair, me)));
    return tell(ctx, &pair, version);
}
