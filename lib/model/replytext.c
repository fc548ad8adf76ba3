/* The text of a reply while it grows. */
#include "model/replytext.h"

#include "model/conversations.h"
#include "model/inbox.h"
#include "model/replies.h"

#define KEPT_SECONDS "3600" /* longer than any reply is written */

bool reply_ask_parse(struct str text, struct reply_ask *out)
{
    struct str id = STR_NONE;

    return str_cut(&text, ':', &id) && str_u64(id, &out->reply_id) && out->reply_id &&
           str_i64(text, &out->offset) && out->offset >= 0;
}

enum err reply_keep(struct ctx *ctx, uint64_t id, struct str text)
{
    const struct inbox_key key = inbox_reply_key(id);
    struct redis_reply reply;

    return redis_call(ctx->redis, ctx->arena, &reply,
                      (struct str[]){STR("SET"), {key.text, key.n}, text, STR("EX"), STR(KEPT_SECONDS)}, 5);
}

enum err reply_kept(struct ctx *ctx, uint64_t id, struct str *text)
{
    const struct inbox_key key = inbox_reply_key(id);
    struct redis_reply reply;

    *text = STR("");
    TRY(redis_call(ctx->redis, ctx->arena, &reply, (struct str[]){STR("GET"), {key.text, key.n}}, 2));
    if (reply.type == REDIS_STR && utf8_check(reply.str, NULL))
        *text = reply.str;
    return OK;
}

struct str reply_text_from(struct str text, int64_t chars, int64_t *offset)
{
    size_t at = 0;

    for (*offset = 0; at < text.n && *offset < chars; ++*offset)
        for (at++; at < text.n && ((unsigned char)text.p[at] & 0xc0) == 0x80; at++)
            ;
    return (struct str){text.p + at, text.n - at};
}

struct str reply_delta(struct arena *arena, const struct ai_reply_row *reply, struct str text, int64_t offset)
{
    struct buf b = buf_in(arena);

    buf_printf(
        &b,
        "{\"type\":\"ai.delta\",\"conversation_id\":\"%llu\",\"reply_id\":\"%llu\",\"assistant_id\":\"%llu\","
        "\"reply_to_seq\":%llu,\"offset\":%lld,\"text\":",
        (unsigned long long)reply->conversation_id, (unsigned long long)reply->id,
        (unsigned long long)reply->assistant_id, (unsigned long long)reply->ask_seq, (long long)offset);
    buf_json(&b, text);
    buf_char(&b, '}');
    return buf_done(&b);
}

enum err reply_begun(struct ctx *ctx, const struct ai_reply_row *reply, struct str *event)
{
    struct str text;

    if (reply->state != REPLY_WRITING)
        return OK;
    TRY(reply_kept(ctx, reply->id, &text));
    *event = reply_delta(ctx->arena, reply, text, 0);
    return OK;
}

struct str reply_finished(struct arena *arena, const struct ai_reply_row *reply)
{
    struct buf b = buf_in(arena);

    buf_printf(&b,
               "{\"type\":\"ai.finished\",\"conversation_id\":\"%llu\",\"reply_id\":\"%llu\",\"seq\":%llu,"
               "\"state\":\"%s\",\"version\":1}",
               (unsigned long long)reply->conversation_id, (unsigned long long)reply->id,
               (unsigned long long)reply->seq, reply_states[reply->state]);
    return buf_done(&b);
}

/* Whether the actor may read what is answered there. */
static enum err may_read(struct ctx *ctx, const struct ai_reply_row *row, bool *may)
{
    struct conversation_access access = {0};

    const enum err err = conversation_for_reader(ctx, row->conversation_id, &access);
    *may = err == OK && row->ask_seq >= access.visible_from_seq &&
           row->ask_seq <= conversation_visible_to(&access);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err add_news(struct ctx *ctx, const struct ai_reply_row *row, int64_t known, struct buf *out)
{
    struct str text;
    int64_t offset;
    bool may;

    TRY(may_read(ctx, row, &may));
    if (!may)
        return OK;
    TRY(reply_kept(ctx, row->id, &text));
    text = reply_text_from(text, known, &offset);
    if (!text.n)
        return OK;
    if (out->n)
        buf_char(out, ',');
    buf_str(out, reply_delta(ctx->arena, row, text, offset));
    return OK;
}

enum err reply_news(struct ctx *ctx, const struct reply_ask *asks, size_t n, struct str *events)
{
    uint64_t *ids = arena_array(ctx->arena, n, sizeof *ids);
    struct buf out = buf_in(ctx->arena);
    struct ai_reply_row *rows;
    size_t n_rows;

    for (size_t i = 0; i < n; i++)
        ids[i] = asks[i].reply_id;
    TRY(q_ai_replies_get(ctx, ids, n, &rows, &n_rows));
    for (size_t i = 0; i < n_rows; i++)
        for (size_t j = 0; j < n; j++)
            if (rows[i].id == asks[j].reply_id && !rows[i].kind && rows[i].state == REPLY_WRITING) {
                TRY(add_news(ctx, &rows[i], asks[j].offset, &out));
                break; /* asked twice it is told once */
            }
    *events = buf_done(&out);
    return OK;
}
