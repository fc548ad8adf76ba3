/* Read marks and unread counts. */
#include "model/reads.h"

#include "base/planted.h"

enum err unread_load(struct ctx *ctx, const uint64_t *ids, size_t n, int64_t *out)
{
    struct unread_row *rows;
    size_t n_rows;

    memset(out, 0, n * sizeof *out);
    TRY(q_unread_counts(ctx, ctx->actor.user_id, ids, n, &rows, &n_rows));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n_rows; j++)
            if (rows[j].conversation_id == ids[i])
                out[i] = rows[j].unread;
    return OK;
}

static void tell(struct ctx *ctx, const struct conversation_row *conv, uint64_t to_id, uint64_t read_seq)
{
    event_add(&ctx->events, ctx->arena,
              (struct event){.kind = EVENT_CONVERSATION_READ,
                             .to_id = to_id,
                             .id = conv->id,
                             .other_id = ctx->actor.user_id,
                             .seq = read_seq,
                             .version = conv->version});
}

/* The version of a direct conversation rises for both, since both see the mark. */
static enum err move(struct ctx *ctx, struct conversation_row *conv, uint64_t seq)
{
    const uint64_t me = ctx->actor.user_id, peer = conversation_peer_id(conv, me);

    TRY(q_member_set_read(ctx, conv->id, me, seq, NULL));
    TRY(q_conversation_touch(ctx, conv->id, NULL));
    conv->version++;
    tell(ctx, conv, me, seq);
    if (conv->kind == CONVERSATION_DIRECT && peer != me)
        tell(ctx, conv, peer, seq);
    return OK;
}

static enum err advance(struct ctx *ctx, uint64_t conversation_id, uint64_t seq, int64_t *read_seq)
{
    struct conversation_row conv;
    struct member_row member;

    TRY(conversation_lock(ctx, conversation_id, &conv));
    TRY(q_member_get(ctx, conversation_id, ctx->actor.user_id, &member));
#if PLANTED_BUG == LAST_MARK_WINS
    member.read_seq = 0;
#endif
    if (seq > member.read_seq) /* another device may have been faster */
        TRY(move(ctx, &conv, seq));
    *read_seq = (int64_t)(seq > member.read_seq ? seq : member.read_seq);
    return OK;
}

enum err read_mark_set(struct ctx *ctx, uint64_t conversation_id, uint64_t seq, struct read_mark *out)
{
    struct conversation_access access;

    TRY(conversation_for_reader(ctx, conversation_id, &access));
    const uint64_t last = conversation_visible_to(&access);
    if (seq > last)
        return fail_field(ctx, "seq", "is past the last entry, %llu", (unsigned long long)last);
    out->read_seq = (int64_t)access.read_seq;
    if (seq > access.read_seq)
        TRY(advance(ctx, conversation_id, seq, &out->read_seq));
    return unread_load(ctx, &conversation_id, 1, &out->unread);
}
