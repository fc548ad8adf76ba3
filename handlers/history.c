/*
 * history: reading the log of a conversation, who read and reacted, what is pinned, what was missed in
 * all of them, and finding what was said.
 *
 * Surprising: it reads what is committed, at the reader's rights of now; a page
 * never says more than the membership lets it, and says by `covers` what is
 * complete with it.
 */
#include "model/history.h"
#include "model/changes.h"
#include "model/page.h"
#include "model/pins.h"
#include "model/reads.h"
#include "model/search.h"
#include "model/sync.h"
#include "web/web.h"

struct list_in {
    uint64_t id;
    int64_t before_seq, around_seq, after_seq, limit;
    unsigned char has_before, has_around, has_after;
};

static const struct field list_in_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, .at = offsetof(struct list_in, id)},
    {.name = "before_seq",
     .type = FIELD_INT,
     .flags = F_QUERY,
     .at = offsetof(struct list_in, before_seq),
     .has_at = offsetof(struct list_in, has_before),
     .min = 1,
     .max = 0},
    {.name = "around_seq",
     .type = FIELD_INT,
     .flags = F_QUERY,
     .at = offsetof(struct list_in, around_seq),
     .has_at = offsetof(struct list_in, has_around),
     .min = 1,
     .max = 0},
    {.name = "after_seq",
     .type = FIELD_INT,
     .flags = F_QUERY,
     .at = offsetof(struct list_in, after_seq),
     .has_at = offsetof(struct list_in, has_after),
     .min = 0,
     .max = -1},
    {.name = "limit",
     .type = FIELD_INT,
     .flags = F_QUERY,
     .at = offsetof(struct list_in, limit),
     .min = 1,
     .max = PAGE_MAX},
};
static const struct shape list_in = SHAPE("MessagesQuery", struct list_in, list_in_fields);

static const struct field list_out_fields[] = {
    {.name = "items", .type = FIELD_JSON, .at = offsetof(struct history_page, items)},
    {.name = "covers", .type = FIELD_JSON, .flags = F_NULLABLE, .at = offsetof(struct history_page, covers)},
    {.name = "last_seq", .type = FIELD_INT, .at = offsetof(struct history_page, last_seq)},
};
static const struct shape list_out = SHAPE("MessageList", struct history_page, list_out_fields);

static enum err messages_list(struct req *r)
{
    const struct list_in *in = r->in;
    const size_t limit = in->limit ? (size_t)in->limit : PAGE_DEFAULT;

    if (!!in->has_before + !!in->has_around + !!in->has_after > 1)
        return fail_field(r->ctx, in->has_after ? "after_seq" : "around_seq",
                          "at most one of before_seq, around_seq and after_seq");
    if (in->has_after)
        return history_after(r->ctx, in->id, (uint64_t)in->after_seq, limit, r->out);
    if (in->has_around)
        return history_around(r->ctx, in->id, (uint64_t)in->around_seq, limit, r->out);
    return history_before(r->ctx, in->id, in->has_before ? (uint64_t)in->before_seq : INT64_MAX, limit,
                          r->out);
}

/* ---- who read, who reacted, what is pinned ---- */

struct readers_in {
    struct entry_ref ref;
    bool read;
    unsigned char has_read;
    struct page_in page;
};
static const struct field readers_in_fields[] = {
    ENTRY_PATH_FIELDS(offsetof(struct readers_in, ref)),
    {.name = "read",
     .type = FIELD_BOOL,
     .flags = F_QUERY,
     .at = offsetof(struct readers_in, read),
     .has_at = offsetof(struct readers_in, has_read)},
    PAGE_IN_FIELDS(offsetof(struct readers_in, page)),
};
static const struct shape readers_in = SHAPE("ReadersQuery", struct readers_in, readers_in_fields);

static enum err readers_list(struct req *r)
{
    const struct readers_in *in = r->in;
    return readers_page(r->ctx, &in->ref, !in->has_read || in->read, &in->page, r->out);
}

struct reactions_in {
    struct entry_ref ref;
    struct str emoji;
    struct page_in page;
};
static const struct field reactions_in_fields[] = {
    ENTRY_PATH_FIELDS(offsetof(struct reactions_in, ref)),
    {.name = "emoji",
     .type = FIELD_STR,
     .flags = F_QUERY,
     .at = offsetof(struct reactions_in, emoji),
     .min = 1,
     .max = REACTION_MAX},
    PAGE_IN_FIELDS(offsetof(struct reactions_in, page)),
};
static const struct shape reactions_in = SHAPE("ReactionsQuery", struct reactions_in, reactions_in_fields);
static const struct field reactions_out_fields[] = {PAGE_OUT_FIELDS(&reaction_by_shape)};
static const struct shape reactions_out = SHAPE("ReactionList", struct page_out, reactions_out_fields);

static enum err reactions_get(struct req *r)
{
    const struct reactions_in *in = r->in;
    return reactions_list(r->ctx, &in->ref, in->emoji, &in->page, r->out);
}

struct pins_in {
    uint64_t id;
    struct page_in page;
};
static const struct field pins_in_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, .at = offsetof(struct pins_in, id)},
    PAGE_IN_FIELDS(offsetof(struct pins_in, page)),
};
static const struct shape pins_in = SHAPE("PinsQuery", struct pins_in, pins_in_fields);
static const struct field pins_out_fields[] = {PAGE_OUT_FIELDS(&pin_shape)};
static const struct shape pins_out = SHAPE("PinList", struct page_out, pins_out_fields);

static enum err pins_get(struct req *r)
{
    const struct pins_in *in = r->in;
    return pins_list(r->ctx, in->id, &in->page, r->out);
}

/* ---- sync ---- */

struct sync_in {
    struct list conversations; /* of struct sync_known */
    int64_t limit;             /* 0: not said */
    uint64_t next;             /* 0: the first call */
};

static const struct field known_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_REQUIRED, .at = offsetof(struct sync_known, id)},
    {.name = "seq",
     .type = FIELD_INT,
     .flags = F_REQUIRED,
     .at = offsetof(struct sync_known, seq),
     .min = 0,
     .max = -1},
    {.name = "version",
     .type = FIELD_INT,
     .at = offsetof(struct sync_known, version),
     .has_at = offsetof(struct sync_known, has_version),
     .min = 0,
     .max = -1},
};
static const struct shape known = SHAPE("SyncKnown", struct sync_known, known_fields);

static const struct field sync_in_fields[] = {
    {.name = "conversations",
     .type = FIELD_LIST,
     .flags = F_REQUIRED,
     .at = offsetof(struct sync_in, conversations),
     .min = 0,
     .max = SYNC_KNOWN_MAX,
     .shape = &known},
    {.name = "limit",
     .type = FIELD_INT,
     .at = offsetof(struct sync_in, limit),
     .min = 1,
     .max = SYNC_ENTRIES_MAX},
    {.name = "next", .type = FIELD_ID, .flags = F_NULLABLE, .at = offsetof(struct sync_in, next)},
};
static const struct shape sync_in = SHAPE("SyncRequest", struct sync_in, sync_in_fields);

static const struct field sync_out_fields[] = {
    {.name = "items",
     .type = FIELD_LIST,
     .at = offsetof(struct sync_answer, changes),
     .shape = &sync_change_shape},
    {.name = "removed", .type = FIELD_IDS, .at = offsetof(struct sync_answer, removed)},
    {.name = "next", .type = FIELD_ID, .flags = F_NULLABLE, .at = offsetof(struct sync_answer, next)},
};
static const struct shape sync_out = SHAPE("SyncAnswer", struct sync_answer, sync_out_fields);

static enum err sync_changes(struct req *r)
{
    const struct sync_in *in = r->in;

    return sync_read(r->ctx, &in->conversations, in->limit ? (size_t)in->limit : SYNC_ENTRIES_DEFAULT,
                     in->next, r->out);
}

/* ---- search ---- */

struct search_in {
    struct str q;
    uint64_t conversation_id, sender_id;
    int type; /* of search_types */
    unsigned char has_type;
    int64_t from, to;
    struct page_in page;
};

/* Whatever people send, in the order of enum entry_type without the house's. */
static const char *const search_types[] = {"text",     "image", "file",   "voice",  "video",
                                           "location", "card",  "merged", "custom", NULL};

#define AT(member) .at = offsetof(struct search_in, member)
static const struct field search_in_fields[] = {
    {.name = "q", .type = FIELD_STR, .flags = F_QUERY | F_REQUIRED, AT(q), .min = 1, .max = SEARCH_TEXT_MAX},
    {.name = "conversation_id", .type = FIELD_ID, .flags = F_QUERY, AT(conversation_id)},
    {.name = "sender_id", .type = FIELD_ID, .flags = F_QUERY, AT(sender_id)},
    {.name = "type",
     .type = FIELD_ENUM,
     .flags = F_QUERY,
     AT(type),
     .has_at = offsetof(struct search_in, has_type),
     .names = search_types},
    {.name = "from", .type = FIELD_INT, .flags = F_QUERY, AT(from), .min = 0, .max = -1},
    {.name = "to", .type = FIELD_INT, .flags = F_QUERY, AT(to), .min = 0, .max = -1},
    PAGE_IN_FIELDS(offsetof(struct search_in, page)),
};
#undef AT
static const struct shape search_in = SHAPE("SearchQuery", struct search_in, search_in_fields);

static const struct field search_out_fields[] = {PAGE_OUT_FIELDS(&search_hit_shape)};
static const struct shape search_out = SHAPE("SearchHitList", struct page_out, search_out_fields);

static enum err messages_search(struct req *r)
{
    const struct search_in *in = r->in;
    struct page_out *out = r->out;
    const struct search_query query = {
        .text = in->q,
        .conversation_id = in->conversation_id,
        .sender_id = in->sender_id,
        .type = in->has_type != HAS_VALUE ? SEARCH_ANY_TYPE
                : in->type < ENTRY_SYSTEM ? in->type
                                          : in->type + 1,
        .from_ms = in->from,
        .to_ms = in->to,
        .limit = page_limit(&in->page),
        .cursor = in->page.cursor,
    };

    return search_page(r->ctx, &query, &out->items, &out->next_cursor);
}

static const struct route routes[] = {
    {GET, "/conversations/{id}/messages", "listMessages", messages_list, &list_in, &list_out, 200, 0},
    {GET, "/conversations/{id}/messages/{seq}/readers", "listReaders", readers_list, &readers_in,
     &readers_shape, 200, 0},
    {GET, "/conversations/{id}/messages/{seq}/reactions", "listReactions", reactions_get, &reactions_in,
     &reactions_out, 200, 0},
    {GET, "/conversations/{id}/pins", "listPins", pins_get, &pins_in, &pins_out, 200, 0},
    {GET, "/search/messages", "searchMessages", messages_search, &search_in, &search_out, 200, 0},
    {POST, "/sync", "sync", sync_changes, &sync_in, &sync_out, 200, 0},
};

const struct service service = {SERVICE("history", routes)};
