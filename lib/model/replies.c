/* Replies: as people see them, asked for again, and their end. */
#include "model/replies.h"

#include "base/clock.h"
#include "ext/json.h"
#include "model/assistants.h"
#include "model/contents.h"
#include "model/conversations.h"
#include "model/house.h"
#include "model/log.h"
#include "model/replytext.h"
#include "model/roster.h"
#include "model/spending.h"

/* ---- wire form ---- */

const char *const reply_states[] = {"waiting", "writing", "done", "failed", "cancelled", "interrupted", NULL};

#define AT(member) .at = offsetof(struct reply, member)
static const struct field reply_fields[] = {
    {.name = "id", .type = FIELD_ID, AT(id)},
    {.name = "conversation_id", .type = FIELD_ID, AT(conversation_id)},
    {.name = "assistant_id", .type = FIELD_ID, AT(assistant_id)},
    {.name = "asker_id", .type = FIELD_ID, AT(asker_id)},
    {.name = "reply_to_seq", .type = FIELD_INT, AT(reply_to_seq)},
    {.name = "state", .type = FIELD_ENUM, AT(state), .names = reply_states},
    {.name = "text", .type = FIELD_STR, AT(text)},
    {.name = "offset", .type = FIELD_INT, AT(offset)},
    {.name = "seq", .type = FIELD_INT, .flags = F_NULLABLE, AT(seq)},
    {.name = "reason", .type = FIELD_STR, .flags = F_NULLABLE, AT(reason)},
    {.name = "input_tokens", .type = FIELD_INT, AT(input_tokens)},
    {.name = "output_tokens", .type = FIELD_INT, AT(output_tokens)},
    {.name = "cost_micros", .type = FIELD_INT, AT(cost)},
    {.name = "created_at", .type = FIELD_TIME, AT(created_at)},
    {.name = "finished_at", .type = FIELD_TIME, .flags = F_NULLABLE, AT(finished_at)},
};
#undef AT
const struct shape reply_shape = SHAPE("AiReply", struct reply, reply_fields);

static void fill(const struct ai_reply_row *row, struct reply *out)
{
    *out = (struct reply){
        .id = row->id,
        .conversation_id = row->conversation_id,
        .assistant_id = row->assistant_id,
        .asker_id = row->asker_id,
        .reply_to_seq = (int64_t)row->ask_seq,
        .state = (int)row->state,
        .text = STR(""),
        .seq = (int64_t)row->seq,
        .reason = row->reason.n ? row->reason : STR_NONE,
        .input_tokens = (int64_t)row->input_tokens,
        .output_tokens = (int64_t)row->output_tokens,
        .cost = (int64_t)row->cost,
        .created_at = row->created_at,
        .finished_at = row->finished_at,
    };
}

/* ---- for people ---- */

static enum err find(struct ctx *ctx, const struct reply_ref *ref, struct ai_reply_row *out)
{
    struct conversation_access access = {0};
    struct ai_reply_row *rows;
    size_t n;

    TRY(conversation_for_reader(ctx, ref->conversation_id, &access));
    TRY(q_ai_replies_get(ctx, &ref->reply_id, 1, &rows, &n));
    if (!n || rows[0].kind || rows[0].conversation_id != access.id ||
        rows[0].ask_seq < access.visible_from_seq || rows[0].ask_seq > conversation_visible_to(&access))
        return fail(ctx, ERR_NOT_FOUND, "no such reply");
    *out = rows[0];
    return OK;
}

/* The answer as its entry has it now: nothing of one that was recalled, or that is no text. */
static enum err entry_text(struct ctx *ctx, const struct ai_reply_row *row, struct str *out)
{
    const struct entry_ref ref = {row->conversation_id, row->seq};
    struct text_content content = {STR("")};
    struct problem problem = {0};
    struct entry entry = {0};

    *out = STR("");
    const enum err err = entry_for_reader(ctx, &ref, &entry);
    if (err == ERR_NOT_FOUND || (err == OK && (entry.type != ENTRY_TEXT || entry.recalled_at)))
        return OK;
    TRY(err);
    if (json_decode(entry.content, &text_content_shape, &content, ctx->arena, &problem) == OK)
        *out = content.text;
    return OK;
}

static enum err show(struct ctx *ctx, const struct reply_ref *ref, const struct ai_reply_row *row,
                     struct reply *out)
{
    struct str text = STR("");

    fill(row, out);
    if (row->state == REPLY_WRITING)
        TRY(reply_kept(ctx, row->id, &text));
    else if (row->seq)
        TRY(entry_text(ctx, row, &text));
    out->text = reply_text_from(text, ref->offset, &out->offset);
    return OK;
}

enum err reply_load(struct ctx *ctx, const struct reply_ref *ref, struct reply *out)
{
    struct ai_reply_row row = {0};

    TRY(find(ctx, ref, &row));
    return show(ctx, ref, &row, out);
}

enum err reply_cancel(struct ctx *ctx, const struct reply_ref *ref, struct reply *out)
{
    struct ai_reply_row row = {0};

    TRY(find(ctx, ref, &row));
    if (row.asker_id != ctx->actor.user_id)
        return fail(ctx, ERR_FORBIDDEN, "who asked can cancel it");
    TRY(q_ai_reply_cancel(ctx, row.id, NULL));
    return show(ctx, ref, &row, out);
}

enum err reply_regenerate(struct ctx *ctx, const struct reply_ref *ref, struct reply *out)
{
    struct ai_reply_open_row *open;
    struct assistant_row assistant;
    struct ai_reply_row row = {0};
    struct acting acting = {0};
    struct entry entry = {0};
    size_t n;

    TRY(find(ctx, ref, &row));
    if (row.asker_id != ctx->actor.user_id)
        return fail(ctx, ERR_FORBIDDEN, "who asked can ask again");
    TRY(conversation_act(ctx, row.conversation_id, &acting));
    TRY(conversation_act_may_send(ctx, &acting));
    const struct entry_ref ask = {row.conversation_id, row.ask_seq};
    TRY(entry_for_reader(ctx, &ask, &entry));
    if (entry.recalled_at)
        return fail(ctx, ERR_CONFLICT, "what was asked is recalled");
    TRY(assistant_for(ctx, row.assistant_id, &assistant));
    TRY(q_ai_replies_of_ask(ctx, row.conversation_id, row.ask_seq, row.assistant_id, 1, &open, &n));
    if (n)
        return fail(ctx, ERR_CONFLICT, "a reply to it is being written");
    const struct q_ai_reply_insert_in again = {.app_id = row.app_id,
                                               .conversation_id = row.conversation_id,
                                               .assistant_id = row.assistant_id,
                                               .asker_id = row.asker_id,
                                               .ask_seq = row.ask_seq,
                                               .created_at = clock_wall_ms()};
    struct q_ai_reply_insert_in insert = again;
    TRY(ctx_id(ctx, &insert.id));
    TRY(q_ai_reply_insert(ctx, &insert, NULL));
    row = (struct ai_reply_row){.id = insert.id,
                                .conversation_id = row.conversation_id,
                                .assistant_id = row.assistant_id,
                                .asker_id = row.asker_id,
                                .ask_seq = row.ask_seq,
                                .created_at = insert.created_at};
    fill(&row, out);
    return OK;
}

/* ---- its beginning ---- */

static enum err say_begun(struct ctx *ctx, void *arg)
{
    const struct ai_reply_row *reply = arg;

    event_add(&ctx->events, ctx->arena,
              (struct event){.kind = EVENT_AI_BEGUN,
                             .to_id = reply->asker_id,
                             .id = reply->conversation_id,
                             .other_id = reply->id,
                             .seq = reply->ask_seq});
    return OK;
}

enum err reply_say_begun(struct ctx *ctx, const struct ai_reply_row *reply)
{
    struct ai_reply_row row = *reply;

    return tx_run(ctx, say_begun, &row);
}

/* ---- tokens ---- */

struct reserving {
    const struct ai_reply_row *reply;
    uint64_t process, tokens;
};

static struct spender spender_of(const struct ai_reply_row *reply)
{
    return (struct spender){reply->asker_id, reply->assistant_id, reply->app_id};
}

static enum err reserve(struct ctx *ctx, void *arg)
{
    const struct reserving *r = arg;
    const struct spender who = spender_of(r->reply);
    const uint64_t day = ai_day();
    uint64_t changed;

    TRY(q_ai_reply_reserve(ctx, r->reply->id, r->process, day, r->tokens, &changed));
    if (!changed)
        return fail(ctx, ERR_CONFLICT, "it is another process's by now");
    return spending_reserve(ctx, &who, day, r->tokens);
}

enum err reply_reserve(struct ctx *ctx, const struct ai_reply_row *reply, uint64_t process, uint64_t tokens)
{
    return tx_run(ctx, reserve, &(struct reserving){reply, process, tokens});
}

/* Under the lock of the reply's row: what was reserved for it is no more. One that reserved nothing cost
 * nothing. */
static enum err settle(struct ctx *ctx, const struct ai_reply_row *row, uint64_t used, uint64_t cost)
{
    const struct spender who = spender_of(row);
    const struct spent spent = {row->reserved, used, cost};

    return row->reserved ? spending_settle(ctx, &who, row->day, &spent) : OK;
}

/* ---- the end ---- */

struct ending {
    const struct ai_reply_row *reply;
    uint64_t process;
    const struct reply_end *end;
    int64_t later_ms; /* of one that is given back */
};

/* Whether the assistant may still say something there. */
static enum err may_answer(struct ctx *ctx, const struct conversation_row *conv, uint64_t assistant_id,
                           bool *may)
{
    const struct place place = {conv->kind, conv->low_id, conv->high_id, conv->flags};
    struct member_row row;

    const enum err err = q_member_get(ctx, conv->id, assistant_id, &row);
    *may = err == OK && !row.left_seq;
    if (!*may)
        return err == ERR_NOT_FOUND ? OK : err;
    const struct roster_member me = {.user_id = assistant_id,
                                     .visible_from_seq = row.visible_from_seq,
                                     .role = row.role,
                                     .muted_until = row.muted_until};
    *may = conversation_may_send(&place, assistant_id, &me, clock_wall_ms()) == OK;
    return OK;
}

static struct str failure(struct arena *arena, const struct ai_reply_row *reply, const char *reason,
                          struct str text)
{
    struct buf params = buf_in(arena);

    buf_printf(&params, "{\"assistant_id\":\"%llu\",\"reply_id\":\"%llu\",\"reason\":\"%s\",\"text\":",
               (unsigned long long)reply->assistant_id, (unsigned long long)reply->id, reason);
    buf_json(&params, text.n ? text : STR(""));
    buf_char(&params, '}');
    return entry_system_content(arena, STR("ai.failed"), buf_done(&params));
}

/* The one entry: the answer of the assistant, or the house's word that there is none. */
static enum err say(struct ctx *ctx, struct conversation_row *conv, const struct ai_reply_row *reply,
                    const struct reply_end *end)
{
    const bool is_answer = end->state == REPLY_DONE || (end->state == REPLY_CANCELLED && end->text.n);
    struct log_draft draft = {.type = ENTRY_SYSTEM, .reply_to_seq = reply->ask_seq};

    memcpy(draft.client_msg_id, &reply->id, sizeof reply->id);
    memcpy(draft.client_msg_id + 8, "ai.reply", 8);
    if (is_answer) {
        draft.sender_id = reply->assistant_id;
        draft.type = ENTRY_TEXT;
        draft.counts = true;
        draft.content = entry_text_content(ctx->arena, end->text);
    } else {
        draft.content = failure(ctx->arena, reply, end->reason, end->text);
    }
    return log_append(ctx, conv, &draft, NULL);
}

/* The row, which says whether it is ours to end; `seq` 0: there is no entry. */
static enum err close_row(struct ctx *ctx, const struct ending *e, const struct reply_end *end, uint64_t seq)
{
    struct ai_reply_row *rows;
    uint64_t changed;
    size_t n;

    TRY(q_ai_replies_get(ctx, &e->reply->id, 1, &rows, &n));
    const struct q_ai_reply_end_in in = {.id = e->reply->id,
                                         .process = e->process,
                                         .state = end->state,
                                         .seq = seq,
                                         .reason = str_of(end->reason),
                                         .input_tokens = end->input_tokens,
                                         .output_tokens = end->output_tokens,
                                         .cost = end->cost,
                                         .finished_at = clock_wall_ms()};
    TRY(q_ai_reply_end(ctx, &in, &changed));
    if (!changed || !n)
        return fail(ctx, ERR_CONFLICT, "it is another process's by now");
    return settle(ctx, &rows[0], end->input_tokens + end->output_tokens, end->cost);
}

/* First the row, then the entry that it names. */
static enum err end_it(struct ctx *ctx, void *arg)
{
    const struct ending *e = arg;
    struct reply_end end = *e->end;
    struct conversation_row conv;
    bool may;

    TRY(conversation_lock(ctx, e->reply->conversation_id, &conv));
    TRY(may_answer(ctx, &conv, e->reply->assistant_id, &may));
    if (!may) {
        end.state = end.state == REPLY_DONE ? REPLY_FAILED : end.state;
        end.reason = "not_allowed";
        end.text = STR("");
    }
    TRY(close_row(ctx, e, &end, conv.last_seq + 1));
    TRY(say(ctx, &conv, e->reply, &end));
    event_add(&ctx->events, ctx->arena,
              (struct event){
                  .kind = EVENT_AI_FINISHED, .id = conv.id, .other_id = e->reply->id, .seq = conv.last_seq});
    return OK;
}

static enum err end_help(struct ctx *ctx, void *arg)
{
    const struct ending *e = arg;

    TRY(close_row(ctx, e, e->end, 0));
    return e->end->state == REPLY_DONE ? q_help_done(ctx, e->reply->id, e->end->text, NULL) : OK;
}

enum err reply_end(struct ctx *ctx, const struct ai_reply_row *reply, uint64_t process,
                   const struct reply_end *end)
{
    ctx->actor = (struct actor){.app_id = reply->app_id, .user_id = reply->asker_id};
    return tx_run(ctx, reply->kind ? end_help : end_it,
                  &(struct ending){.reply = reply, .process = process, .end = end});
}

static enum err release(struct ctx *ctx, void *arg)
{
    const struct ending *e = arg;
    struct ai_reply_row *rows;
    uint64_t changed;
    size_t n;

    TRY(q_ai_replies_get(ctx, &e->reply->id, 1, &rows, &n));
    TRY(q_ai_reply_release(ctx, e->reply->id, e->process, e->later_ms, &changed));
    return changed && n ? settle(ctx, &rows[0], 0, 0) : OK;
}

enum err reply_release(struct ctx *ctx, const struct ai_reply_row *reply, uint64_t process, int64_t later_ms)
{
    return tx_run(ctx, release, &(struct ending){.reply = reply, .process = process, .later_ms = later_ms});
}
