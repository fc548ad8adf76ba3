/*
 * messages: conversations, sending, what is done to what was said, reading, typing.
 *
 * Surprising: sending has no database connection of its own. It is checked in the
 * event loop and handed to the log writer, which decides from the locked
 * conversation who may write, and answers after the commit. Repeating a send
 * with its client_msg_id is always safe.
 */
#include "ext/crypt.h"
#include "model/changes.h"
#include "model/contents.h"
#include "model/conversations.h"
#include "model/forward.h"
#include "model/mentions.h"
#include "model/own.h"
#include "model/page.h"
#include "model/pins.h"
#include "model/reads.h"
#include "model/typing.h"
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

struct send_in {
    uint64_t id;
    unsigned char client_msg_id[16];
    int type;
    unsigned char has_type;
    union content content;
    int64_t reply_to_seq;
    struct list mentions; /* of struct str */
};
static const struct choice send_content = {offsetof(struct send_in, type), offsetof(struct send_in, has_type),
                                           content_shapes};
#define AT(member) .at = offsetof(struct send_in, member)
static const struct field send_in_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, AT(id)},
    {.name = "client_msg_id", .type = FIELD_UUID, .flags = F_REQUIRED, AT(client_msg_id)},
    {.name = "type",
     .type = FIELD_ENUM,
     .flags = F_REQUIRED,
     AT(type),
     .has_at = offsetof(struct send_in, has_type),
     .names = content_names},
    {.name = "content", .type = FIELD_CHOICE, .flags = F_REQUIRED, AT(content), .choice = &send_content},
    {.name = "reply_to_seq", .type = FIELD_INT, .flags = F_NULLABLE, AT(reply_to_seq), .min = 1, .max = 0},
    {.name = "mentions", .type = FIELD_STRS, AT(mentions), .min = 0, .max = MENTIONS_MAX},
};
#undef AT
static const struct shape send_in = SHAPE("SendRequest", struct send_in, send_in_fields);

struct edit_in {
    struct entry_ref ref;
    struct text_content content;
};
static const struct field edit_in_fields[] = {
    ENTRY_PATH_FIELDS(offsetof(struct edit_in, ref)),
    {.name = "content",
     .type = FIELD_OBJECT,
     .flags = F_REQUIRED,
     .at = offsetof(struct edit_in, content),
     .shape = &text_content_shape},
};
static const struct shape edit_in = SHAPE("EditRequest", struct edit_in, edit_in_fields);

struct delete_in {
    struct entry_ref ref;
    int whom;
    unsigned char for_me;
};
static const char *const whom_names[] = {"me", NULL};
static const struct field delete_in_fields[] = {
    ENTRY_PATH_FIELDS(offsetof(struct delete_in, ref)),
    {.name = "for",
     .type = FIELD_ENUM,
     .flags = F_QUERY,
     .at = offsetof(struct delete_in, whom),
     .has_at = offsetof(struct delete_in, for_me),
     .names = whom_names},
};
static const struct shape delete_in = SHAPE("MessagePath", struct delete_in, delete_in_fields);

struct pin_in {
    struct entry_ref ref;
};
static const struct field pin_in_fields[] = {ENTRY_PATH_FIELDS(offsetof(struct pin_in, ref))};
static const struct shape pin_in = SHAPE("PinPath", struct pin_in, pin_in_fields);

struct react_in {
    struct entry_ref ref;
    struct str emoji;
};
static const struct field react_in_fields[] = {
    ENTRY_PATH_FIELDS(offsetof(struct react_in, ref)),
    {.name = "emoji",
     .type = FIELD_STR,
     .flags = F_PATH | F_REQUIRED,
     .at = offsetof(struct react_in, emoji),
     .min = 1,
     .max = REACTION_MAX},
};
static const struct shape react_in = SHAPE("ReactionPath", struct react_in, react_in_fields);

static const char *const mode_names[] = {"each", "merged", NULL};
struct forward_in {
    uint64_t id, from_id;
    struct list seqs;
    int mode;
    unsigned char client_msg_id[16];
};
#define AT(member) .at = offsetof(struct forward_in, member)
static const struct field forward_in_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, AT(id)},
    {.name = "from_conversation_id", .type = FIELD_ID, .flags = F_REQUIRED, AT(from_id)},
    {.name = "seqs", .type = FIELD_INTS, .flags = F_REQUIRED, AT(seqs), .min = 1, .max = FORWARD_MAX},
    {.name = "mode", .type = FIELD_ENUM, .flags = F_REQUIRED, AT(mode), .names = mode_names},
    {.name = "client_msg_id", .type = FIELD_UUID, .flags = F_REQUIRED, AT(client_msg_id)},
};
#undef AT
static const struct shape forward_in = SHAPE("ForwardRequest", struct forward_in, forward_in_fields);

struct forward_out {
    struct list items;
};
static const struct field forward_out_fields[] = {
    {.name = "items", .type = FIELD_LIST, .at = offsetof(struct forward_out, items), .shape = &entry_shape},
};
static const struct shape forward_out = SHAPE("ForwardAnswer", struct forward_out, forward_out_fields);

struct update_in {
    uint64_t id;
    struct own_change change;
};
#define AT(member)                                                                                           \
    .at = offsetof(struct update_in, change.member), .has_at = offsetof(struct update_in, change.has_##member)
static const struct field update_in_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, .at = offsetof(struct update_in, id)},
    {.name = "pinned", .type = FIELD_BOOL, AT(pinned)},
    {.name = "notify", .type = FIELD_ENUM, AT(notify), .names = notify_names},
    {.name = "draft", .type = FIELD_STR, .flags = F_NULLABLE, AT(draft), .min = 0, .max = DRAFT_MAX},
    {.name = "remark", .type = FIELD_STR, .flags = F_NULLABLE, AT(remark), .min = 0, .max = OWN_REMARK_MAX},
    {.name = "marked_unread", .type = FIELD_BOOL, AT(marked_unread)},
};
#undef AT
static const struct shape update_in = SHAPE("UpdateConversationRequest", struct update_in, update_in_fields);

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

static enum err conversation_patch(struct req *r)
{
    const struct update_in *in = r->in;

    TRY(own_update(r->ctx, in->id, &in->change));
    return conversation_load(r->ctx, in->id, r->out);
}

static enum err conversation_delete(struct req *r)
{
    const struct id_in *in = r->in;
    return own_clear(r->ctx, in->id);
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
static void hash_send(const struct send_in *in, const struct send *send, unsigned char out[16])
{
    unsigned char reply[8];
    const struct str parts[] = {str_of(content_names[in->type]),
                                send->type == ENTRY_TEXT ? in->content.text.text : send->content,
                                {(const char *)reply, sizeof reply},
                                send->mentions};
    unsigned char whole[CRYPT_SHA256_BYTES];

    for (int i = 0; i < 8; i++)
        reply[i] = (unsigned char)(in->reply_to_seq >> (56 - 8 * i));
    crypt_sha256(parts, sizeof parts / sizeof *parts, whole);
    memcpy(out, whole, 16);
}

/* In the event loop, or in a worker where the content needs the database. */
static enum err send_now(struct req *r)
{
    const struct send_in *in = r->in;
    const struct actor *actor = &r->ctx->actor;
    struct send send = {
        .app_id = actor->app_id,
        .user_id = actor->user_id,
        .session_id = actor->session_id,
        .conversation_id = in->id,
        .type = (int)content_types[in->type],
        .reply_to_seq = (uint64_t)in->reply_to_seq,
        .deadline_mono_ms = r->deadline_mono_ms,
    };

    memcpy(send.client_msg_id, in->client_msg_id, sizeof send.client_msg_id);
    TRY(mentions_take(r->ctx, &in->mentions, &send));
    TRY(content_take(r->ctx, &in->content, &send));
    hash_send(in, &send, send.request_hash);
    const enum err err = writer_send(writer, &send, sent, r);
    return err == ERR_UNAVAILABLE ? fail(r->ctx, err, "too many messages wait to be written") : err;
}

static enum err message_send(struct req *r)
{
    const struct send_in *in = r->in;
    return content_needs_database(content_types[in->type]) ? req_elsewhere(r, send_now) : send_now(r);
}

static enum err messages_forward(struct req *r)
{
    const struct forward_in *in = r->in;
    struct forward_out *out = r->out;
    struct forward forward = {
        .to_id = in->id, .from_id = in->from_id, .seqs = in->seqs, .merged = in->mode == 1};
    bool repeated;

    memcpy(forward.client_msg_id, in->client_msg_id, sizeof forward.client_msg_id);
    TRY(forward_send(r->ctx, &forward, &out->items, &repeated));
    r->status = repeated ? 200 : 201;
    return OK;
}

/* ---- what is done to what was said ---- */

static enum err message_patch(struct req *r)
{
    const struct edit_in *in = r->in;
    return entry_edit(r->ctx, &in->ref, in->content.text, r->out);
}

static enum err message_delete(struct req *r)
{
    const struct delete_in *in = r->in;
    return in->for_me ? entry_hide(r->ctx, &in->ref) : entry_recall(r->ctx, &in->ref);
}

static enum err reaction_put(struct req *r)
{
    const struct react_in *in = r->in;
    return entry_react(r->ctx, &in->ref, in->emoji, true, r->out);
}

static enum err reaction_delete(struct req *r)
{
    const struct react_in *in = r->in;
    return entry_react(r->ctx, &in->ref, in->emoji, false, r->out);
}

static enum err pin_put(struct req *r)
{
    const struct pin_in *in = r->in;
    return pin_set(r->ctx, &in->ref, true);
}

static enum err pin_delete(struct req *r)
{
    const struct pin_in *in = r->in;
    return pin_set(r->ctx, &in->ref, false);
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
    return typing_tell(r->ctx, in->id);
}

/* ---- the service ---- */

static const struct route routes[] = {
    {GET, "/conversations", "listConversations", conversations_list, &page_in_shape, &list_out, 200, 0},
    {POST, "/conversations", "openConversation", conversation_post, &open_in, &conversation_shape, 201,
     ROUTE_TX},
    {GET, "/conversations/{id}", "getConversation", conversation_get, &id_in, &conversation_shape, 200, 0},
    {PATCH, "/conversations/{id}", "updateConversation", conversation_patch, &update_in, &conversation_shape,
     200, ROUTE_TX},
    {DELETE, "/conversations/{id}", "clearConversation", conversation_delete, &id_in, NULL, 204, ROUTE_TX},
    {POST, "/conversations/{id}/messages", "sendMessage", message_send, &send_in, NULL, 201,
     ROUTE_INLINE | ROUTE_LATER},
    {PATCH, "/conversations/{id}/messages/{seq}", "editMessage", message_patch, &edit_in, &entry_shape, 200,
     ROUTE_TX},
    {DELETE, "/conversations/{id}/messages/{seq}", "deleteMessage", message_delete, &delete_in, NULL, 204,
     ROUTE_TX},
    {PUT, "/conversations/{id}/messages/{seq}/reactions/{emoji}", "addReaction", reaction_put, &react_in,
     &entry_shape, 200, ROUTE_TX},
    {DELETE, "/conversations/{id}/messages/{seq}/reactions/{emoji}", "removeReaction", reaction_delete,
     &react_in, &entry_shape, 200, ROUTE_TX},
    {POST, "/conversations/{id}/forward", "forwardMessages", messages_forward, &forward_in, &forward_out, 201,
     ROUTE_TX},
    {PUT, "/conversations/{id}/pins/{seq}", "pinMessage", pin_put, &pin_in, NULL, 204, ROUTE_TX},
    {DELETE, "/conversations/{id}/pins/{seq}", "unpinMessage", pin_delete, &pin_in, NULL, 204, ROUTE_TX},
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
