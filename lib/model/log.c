/* The log, one entry at a time, inside somebody's transaction. */
#include "model/log.h"

#include "base/clock.h"

static struct entry_row draft_row(const struct log_draft *draft, uint64_t conversation_id, uint64_t seq,
                                  int64_t now)
{
    return (struct entry_row){
        .conversation_id = conversation_id,
        .seq = seq,
        .sender_id = draft->sender_id,
        .client_msg_id = {(const char *)draft->client_msg_id, sizeof draft->client_msg_id},
        .type = (uint64_t)draft->type,
        .content = draft->content,
        .reply_to_seq = draft->reply_to_seq,
        .created_at = now,
    };
}

enum err log_append(struct ctx *ctx, struct conversation_row *conv, const struct log_draft *draft,
                    struct entry *out)
{
    const bool is_shown = !entry_is_operation(draft->type);
    const int64_t now = clock_wall_ms(), last_at = is_shown && now > conv->last_at ? now : conv->last_at;
    const struct entry_row row = draft_row(draft, conv->id, conv->last_seq + 1, now);
    const struct q_entry_insert_in insert = {
        .conversation_id = row.conversation_id,
        .seq = row.seq,
        .sender_id = row.sender_id,
        .client_msg_id = row.client_msg_id,
        .part = draft->part,
        .request_hash = {(const char *)draft->request_hash, sizeof draft->request_hash},
        .type = row.type,
        .counts = draft->counts,
        .content = row.content,
        .mentions = STR(""),
        .reply_to_seq = row.reply_to_seq,
        .created_at = row.created_at,
    };

    TRY(q_entry_insert(ctx, &insert, NULL));
    const uint64_t last_shown_seq = is_shown ? row.seq : conv->last_shown_seq;
    TRY(q_conversation_advance(ctx, conv->id, row.seq, last_shown_seq, last_at, NULL));
    conv->last_seq = row.seq;
    conv->last_shown_seq = last_shown_seq;
    conv->last_at = last_at;
    event_add(
        &ctx->events, ctx->arena,
        (struct event){
            .kind = EVENT_ENTRY, .id = conv->id, .seq = row.seq, .origin_session = draft->origin_session});
    if (out)
        entry_from_row(ctx->arena, &row, out);
    return OK;
}

/* No client made this id, so the house does. */
static enum err own_id(struct ctx *ctx, struct log_draft *draft)
{
    uint64_t id;

    TRY(ctx_id(ctx, &id));
    memcpy(draft->client_msg_id, &id, sizeof id);
    return OK;
}

enum err log_append_system(struct ctx *ctx, struct conversation_row *conv, const char *code,
                           struct str params)
{
    struct log_draft draft = {.type = ENTRY_SYSTEM,
                              .content = entry_system_content(ctx->arena, str_of(code), params)};

    TRY(own_id(ctx, &draft));
    return log_append(ctx, conv, &draft, NULL);
}

enum err log_append_operation(struct ctx *ctx, struct conversation_row *conv, enum entry_type type,
                              uint64_t target_seq, uint64_t *seq)
{
    struct log_draft draft = {.sender_id = ctx->actor.user_id,
                              .type = (int)type,
                              .content = entry_operation_content(ctx->arena, target_seq)};

    TRY(own_id(ctx, &draft));
    TRY(log_append(ctx, conv, &draft, NULL));
    *seq = conv->last_seq;
    return OK;
}
