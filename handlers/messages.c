/*
 * messages: conversations, sending, reading, typing.
 *
 * Surprising: sending has no database connection of its own. It is checked in the
 * event loop and handed to the log writer, which decides from the locked
 * conversation who may write, and answers after the commit. Repeating a send
 * with its client_msg_id is always safe.
 */
#include "ext/crypt.h"
#include "model/conversations.h"
#include "model/entries.h"
#include "model/gate.h"
#include "model/house.h"
#include "model/page.h"
#include "model/reads.h"
#include "model/ringer.h"
#include "model/writer.h"
#include "web/web.h"

static struct writer *writer; /* of the process: one thread writes for all */

/* ---- what comes and goes ---- */

struct id_in {
    uint64_t id;
};
static const struct field id_in_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, .at = offsetof(struct id_in, id)},
};
static const struct shape id_in = SHAPE("ConversationPath", struct id_in, id_in_fields);

static const struct field list_out_fields[] = {PAGE_OUT_FIELDS(&conversation_shape)};
static const struct shape list_out = SHAPE("ConversationList", struct page_out, list_out_fields);

struct open_in {
    uint64_t user_id;
};
static const struct field open_in_fields[] = {
    {.name = "user_id", .type = FIELD_ID, .flags = F_REQUIRED, .at = offsetof(struct open_in, user_id)},
};
static const struct shape open_in = SHAPE("OpenConversationRequest", struct open_in, open_in_fields);

struct content_in {
    struct str text;
};
static const struct field content_in_fields[] = {
    {.name = "text",
     .type = FIELD_STR,
     .flags = F_REQUIRED,
     .at = offsetof(struct content_in, text),
     .min = 1,
     .max = TEXT_MAX},
};
static const struct shape content_in = SHAPE("TextContent", struct content_in, content_in_fields);

struct send_in {
    uint64_t id;
    unsigned char client_msg_id[16];
    int type;
    struct content_in content;
    int64_t reply_to_seq;
};
static const char *const send_types[] = {"text", NULL};
static const struct field send_in_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, .at = offsetof(struct send_in, id)},
    {.name = "client_msg_id",
     .type = FIELD_UUID,
     .flags = F_REQUIRED,
     .at = offsetof(struct send_in, client_msg_id)},
    {.name = "type",
     .type = FIELD_ENUM,
     .flags = F_REQUIRED,
     .at = offsetof(struct send_in, type),
     .names = send_types},
    {.name = "content",
     .type = FIELD_OBJECT,
     .flags = F_REQUIRED,
     .at = offsetof(struct send_in, content),
     .shape = &content_in},
    {.name = "reply_to_seq",
     .type = FIELD_INT,
     .flags = F_NULLABLE,
     .at = offsetof(struct send_in, reply_to_seq),
     .min = 1,
     .max = 0},
};
static const struct shape send_in = SHAPE("SendRequest", struct send_in, send_in_fields);

struct read_in {
    uint64_t id;
    int64_t seq;
};
static const struct field read_in_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, .at = offsetof(struct read_in, id)},
    {.name = "seq",
     .type = FIELD_INT,
     .flags = F_REQUIRED,
     .at = offsetof(struct read_in, seq),
     .min = 0,
     .max = -1},
};
static const struct shape read_in = SHAPE("ReadRequest", struct read_in, read_in_fields);

static const struct field read_out_fields[] = {
    {.name = "read_seq", .type = FIELD_INT, .at = offsetof(struct read_mark, read_seq)},
    {.name = "unread", .type = FIELD_INT, .at = offsetof(struct read_mark, unread)},
};
static const struct shape read_out = SHAPE("ReadMark", struct read_mark, read_out_fields);

/* ---- conversations ---- */

static enum err conversations_list(struct req *r)
{
    const struct page_in *in = r->in;
    struct page_out *out = r->out;
    struct page_mark before = {INT64_MAX, INT64_MAX};
    struct conversation *items;

    TRY(page_mark_of(r->ctx, in->cursor, &before));
    TRY(conversations_page(r->ctx, before, page_limit(in), &items, &out->items.n, &out->next_cursor));
    out->items.items = items;
    return OK;
}

static enum err conversation_post(struct req *r)
{
    const struct open_in *in = r->in;
    uint64_t id;
    bool made;

    TRY(conversation_open(r->ctx, in->user_id, &id, &made));
    r->status = made ? 201 : 200;
    return conversation_load(r->ctx, id, r->out);
}

static enum err conversation_get(struct req *r)
{
    const struct id_in *in = r->in;
    return conversation_load(r->ctx, in->id, r->out);
}

/* ---- sending ---- */

/* The answer, after the commit, in a thread of the writer. */
static void sent(void *arg, enum err err, struct str entry_json, bool repeated, const struct problem *problem)
{
    struct req *r = arg;

    *r->ctx->problem = *problem;
    if (repeated)
        r->status = 200;
    req_finish(r, err, entry_json);
}

/* All that the request says, in 16 bytes: a repetition must say the same. */
static void hash_send(const struct send_in *in, unsigned char out[16])
{
    const unsigned char reply[8] = {
        (unsigned char)(in->reply_to_seq >> 56), (unsigned char)(in->reply_to_seq >> 48),
        (unsigned char)(in->reply_to_seq >> 40), (unsigned char)(in->reply_to_seq >> 32),
        (unsigned char)(in->reply_to_seq >> 24), (unsigned char)(in->reply_to_seq >> 16),
        (unsigned char)(in->reply_to_seq >> 8),  (unsigned char)in->reply_to_seq};
    const struct str parts[] = {
        str_of(send_types[in->type]), in->content.text, {(const char *)reply, sizeof reply}};
    unsigned char whole[CRYPT_SHA256_BYTES];

    crypt_sha256(parts, sizeof parts / sizeof *parts, whole);
    memcpy(out, whole, 16);
}

static enum err message_send(struct req *r)
{
    const struct send_in *in = r->in;
    const struct actor *actor = &r->ctx->actor;
    struct str text = in->content.text;
    struct send send = {
        .app_id = actor->app_id,
        .user_id = actor->user_id,
        .session_id = actor->session_id,
        .conversation_id = in->id,
        .type = ENTRY_TEXT,
        .reply_to_seq = (uint64_t)in->reply_to_seq,
        .deadline_mono_ms = r->deadline_mono_ms,
    };

    memcpy(send.client_msg_id, in->client_msg_id, sizeof send.client_msg_id);
    hash_send(in, send.request_hash);
    TRY(gate_text(r->ctx, in->id, &text));
    send.content = entry_text_content(r->ctx->arena, text);
    const enum err err = writer_send(writer, &send, sent, r);
    return err == ERR_UNAVAILABLE ? fail(r->ctx, err, "too many messages wait to be written") : err;
}

/* ---- reading and typing ---- */

static enum err read_post(struct req *r)
{
    const struct read_in *in = r->in;
    return read_mark_set(r->ctx, in->id, (uint64_t)in->seq, r->out);
}

static enum err typing_post(struct req *r)
{
    const struct id_in *in = r->in;
    struct conversation_access access;
    struct buf event = buf_in(r->ctx->arena);

    TRY(conversation_for_reader(r->ctx, in->id, &access));
    const uint64_t me = r->ctx->actor.user_id, peer = access.low_id == me ? access.high_id : access.low_id;
    TRY(conversation_may_write(access.low_id, access.high_id, (unsigned)access.flags, me));
    if (peer == me)
        return OK;
    buf_printf(&event, "{\"type\":\"typing\",\"conversation_id\":\"%llu\",\"user_id\":\"%llu\"}",
               (unsigned long long)in->id, (unsigned long long)me);
    ringer_whisper(house_ringer(r->ctx->house), &peer, 1, buf_done(&event), r->ctx->actor.session_id);
    return OK;
}

/* ---- the service ---- */

static const struct route routes[] = {
    {GET, "/conversations", "listConversations", conversations_list, &page_in_shape, &list_out, 200, 0},
    {POST, "/conversations", "openConversation", conversation_post, &open_in, &conversation_shape, 201,
     ROUTE_TX},
    {GET, "/conversations/{id}", "getConversation", conversation_get, &id_in, &conversation_shape, 200, 0},
    {POST, "/conversations/{id}/messages", "sendMessage", message_send, &send_in, NULL, 201,
     ROUTE_INLINE | ROUTE_LATER},
    {POST, "/conversations/{id}/read", "markRead", read_post, &read_in, &read_out, 200, ROUTE_TX},
    {POST, "/conversations/{id}/typing", "sendTyping", typing_post, &id_in, NULL, 204, 0},
};

static enum err open_writer(struct house *house, const struct conf *conf)
{
    (void)conf;
    return writer_new(house, &writer);
}

static void close_writer(void)
{
    writer_free(writer);
}

const struct service service = {SERVICE("messages", routes), .open = open_writer, .close = close_writer};
