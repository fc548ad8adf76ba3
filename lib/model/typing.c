#include "model/typing.h"

#include "model/conversations.h"
#include "model/house.h"
#include "model/ringer.h"

/* The others of a small conversation; none of a large one. */
static enum err others(struct ctx *ctx, const struct conversation_access *access, uint64_t *ids, size_t *n)
{
    struct member_id_row *rows;
    size_t n_rows;

    *n = 0;
    if (access->member_count > TYPING_MEMBERS_MAX)
        return OK;
    TRY(q_members_present(ctx, access->id, TYPING_MEMBERS_MAX, &rows, &n_rows));
    for (size_t i = 0; i < n_rows; i++)
        if (rows[i].user_id != ctx->actor.user_id)
            ids[(*n)++] = rows[i].user_id;
    return OK;
}

enum err typing_tell(struct ctx *ctx, uint64_t conversation_id)
{
    const uint64_t me = ctx->actor.user_id;
    struct buf event = buf_in(ctx->arena);
    struct conversation_access access;
    uint64_t ids[TYPING_MEMBERS_MAX];
    size_t n;

    TRY(conversation_for_writer(ctx, conversation_id, &access));
    TRY(others(ctx, &access, ids, &n));
    if (!n)
        return OK;
    buf_printf(&event, "{\"type\":\"typing\",\"conversation_id\":\"%llu\",\"user_id\":\"%llu\"}",
               (unsigned long long)conversation_id, (unsigned long long)me);
    ringer_whisper(house_ringer(ctx->house), ids, n, buf_done(&event), ctx->actor.session_id);
    return OK;
}
