/*
 * Search: a merge of my conversations. Each is a stream of blocks (terms.h) in which the words stand, the newest first,
 * with a time that nothing left in it is after. The stream with the latest time is looked into; what is found waits
 * in the pool until no stream can have anything later. Only then it is read, checked and shown.
 */
#include "model/search.h"

#include <stdlib.h>

#include "ext/json.h"
#include "model/conversations.h"
#include "model/page.h"
#include "model/snippet.h"
#include "model/terms.h"
#include "model/wording.h"

enum {
    TERMS_MAX = 12, /* of a query are looked up; the words behind them are looked for in the text alone */
    SIZE_MAX_BLOCKS = 1000,
    LOOKS_MAX = 200,   /* into streams, in one call */
    READS_MAX = 200,   /* of entries */
    READ_AT_ONCE = 32, /* of them */
    SKEW_S = 1,        /* by so much an entry may be dated before the one above it: clocks of two machines */
    CURSOR_BYTES = 24,
};

#define PART(member) .at = offsetof(struct snippet_part, member)
static const struct field part_fields[] = {
    {.name = "text", .type = FIELD_STR, PART(text)},
    {.name = "hit", .type = FIELD_BOOL, PART(hit)},
};
static const struct shape part_shape = SHAPE("SnippetPart", struct snippet_part, part_fields);

static const struct field hit_fields[] = {
    {.name = "entry", .type = FIELD_OBJECT, .at = offsetof(struct search_hit, entry), .shape = &entry_shape},
    {.name = "snippet", .type = FIELD_LIST, .at = offsetof(struct search_hit, snippet), .shape = &part_shape},
};
const struct shape search_hit_shape = SHAPE("SearchHit", struct search_hit, hit_fields);

/* Where a hit stands in the order: the newest first, then by conversation and seq, downwards. */
struct place {
    int64_t at;
    uint64_t conversation_id, seq;
};

struct stream {
    uint64_t conversation_id, block;
    int64_t last_s;                    /* of the block, and so of all below it */
    bool is_known;                     /* his rights were read */
    uint64_t lowest_seq, highest_seq;  /* that he may see */
};

struct search {
    struct ctx *ctx;
    const struct search_query *query;
    struct words words;
    struct terms terms;  /* the rarest first */
    struct place before; /* hits are behind this */
    uint64_t from_s, to_s;
    struct stream *streams;
    size_t n_streams;
    struct place *pool;
    size_t n_pool, pool_room;
    struct search_hit *hits;
    size_t n_hits, looks, reads;
};

/* ---- places ---- */

/* Below 0: a comes before b. */
static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->at != y->at)
        return x->at > y->at ? -1 : 1;
    if (x->conversation_id != y->conversation_id)
        return x->conversation_id > y->conversation_id ? -1 : 1;
    return (x->seq < y->seq) - (x->seq > y->seq);
}

static struct str cursor_of(struct arena *arena, const struct place *place)
{
    const uint64_t numbers[] = {(uint64_t)place->at, place->conversation_id, place->seq};
    unsigned char bytes[CURSOR_BYTES];
    char *text = arena_alloc(arena, 2 * CURSOR_BYTES + 1);

    for (int i = 0; i < CURSOR_BYTES; i++)
        bytes[i] = (unsigned char)(numbers[i / 8] >> (56 - 8 * (i % 8)));
    hex_encode(bytes, CURSOR_BYTES, text);
    return (struct str){text, 2 * CURSOR_BYTES};
}

static enum err place_of(struct ctx *ctx, struct str cursor, struct place *out)
{
    unsigned char bytes[CURSOR_BYTES];
    uint64_t numbers[3] = {0};

    if (!hex_decode(cursor, bytes, CURSOR_BYTES))
        return fail_field(ctx, "cursor", "is not one of ours");
    for (int i = 0; i < CURSOR_BYTES; i++)
        numbers[i / 8] = numbers[i / 8] << 8 | bytes[i];
    if (numbers[0] > INT64_MAX)
        return fail_field(ctx, "cursor", "is not one of ours");
    *out = (struct place){(int64_t)numbers[0], numbers[1], numbers[2]};
    return OK;
}

/* ---- what is looked for ---- */

static uint64_t seconds(int64_t ms)
{
    return ms / 1000 > UINT32_MAX ? UINT32_MAX : (uint64_t)(ms / 1000);
}

/* The time of `to` alone: a place before everything at it. */
static enum err set_limits(struct search *s)
{
    const struct search_query *q = s->query;

    s->before = (struct place){INT64_MAX, UINT64_MAX, UINT64_MAX};
    if (q->cursor.p)
        TRY(place_of(s->ctx, q->cursor, &s->before));
    if (q->to_ms && q->to_ms <= s->before.at)
        s->before = (struct place){q->to_ms, 0, 0};
    s->from_s = seconds(q->from_ms);
    s->to_s = seconds(s->before.at);
    return OK;
}

static void add_filters(struct search *s)
{
    struct arena *arena = s->ctx->arena;

    if (s->query->sender_id)
        s->terms.items[s->terms.n++] = terms_sender(arena, s->query->sender_id);
    if (s->query->type != SEARCH_ANY_TYPE)
        s->terms.items[s->terms.n++] = terms_type(arena, s->query->type);
}

/* The rarest of them leads: the others are only looked at where it stands. */
static enum err put_rarest_first(struct search *s)
{
    int64_t sizes[TERMS_MAX + 2];

    if (s->terms.n < 2)
        return OK;
    for (size_t i = 0; i < s->terms.n; i++) {
        struct search_size_row size;
        TRY(q_search_size(s->ctx, s->ctx->actor.user_id, s->terms.items[i], SIZE_MAX_BLOCKS, &size));
        const struct str term = s->terms.items[i];
        size_t at = i;
        for (; at && sizes[at - 1] > size.blocks; at--) {
            sizes[at] = sizes[at - 1];
            s->terms.items[at] = s->terms.items[at - 1];
        }
        sizes[at] = size.blocks;
        s->terms.items[at] = term;
    }
    return OK;
}

static enum err set_terms(struct search *s)
{
    struct arena *arena = s->ctx->arena;

    TRY(wording_of(arena, s->query->text, &s->words));
    const struct terms found = wording_query_terms(arena, &s->words, TERMS_MAX);
    s->terms = (struct terms){arena_array(arena, TERMS_MAX + 2, sizeof(struct str)), found.n};
    memcpy(s->terms.items, found.items, found.n * sizeof(struct str));
    if (!found.n)
        return OK; /* nothing that could be found */
    add_filters(s);
    return put_rarest_first(s);
}

/* The first three lead to a block; the empty one stands everywhere. */
static struct str leading(const struct search *s, size_t i)
{
    return i < s->terms.n ? s->terms.items[i] : STR("");
}

/* ---- streams ---- */

static int64_t bound_of(const struct search *s, const struct stream *stream)
{
    const int64_t last_s = stream->last_s + SKEW_S, to_s = (int64_t)s->to_s;

    return last_s < to_s ? last_s : to_s;
}

static struct stream *latest(const struct search *s)
{
    struct stream *found = NULL;

    for (size_t i = 0; i < s->n_streams; i++)
        if (!found || bound_of(s, &s->streams[i]) > bound_of(s, found))
            found = &s->streams[i];
    return found;
}

static void close_stream(struct search *s, struct stream *stream)
{
    *stream = s->streams[--s->n_streams];
}

/* Of all that he is a member of: his rights are read when a stream is looked into. */
static enum err open_all(struct search *s)
{
    const struct q_search_newest_in in = {.user_id = s->ctx->actor.user_id,
                                          .term = leading(s, 0),
                                          .second = leading(s, 1),
                                          .third = leading(s, 2),
                                          .from_s = s->from_s,
                                          .to_s = s->to_s};
    struct search_newest_row *rows;
    size_t n;

    TRY(q_search_newest(s->ctx, &in, &rows, &n));
    s->streams = arena_array(s->ctx->arena, n, sizeof *s->streams);
    for (size_t i = 0; i < n; i++)
        if (rows[i].newest)
            s->streams[s->n_streams++] = (struct stream){.conversation_id = rows[i].conversation_id,
                                                         .block = rows[i].newest >> 32,
                                                         .last_s = rows[i].newest & UINT32_MAX};
    return OK;
}

/* Moves to the next block below `below`; the stream ends where there is none. */
static enum err move_below(struct search *s, struct stream *stream, uint64_t below)
{
    const struct q_search_below_in in = {.conversation_id = stream->conversation_id,
                                         .lowest = stream->lowest_seq / TERMS_BLOCK,
                                         .below = below,
                                         .term = leading(s, 0),
                                         .second = leading(s, 1),
                                         .third = leading(s, 2),
                                         .from_s = s->from_s,
                                         .to_s = s->to_s};
    struct search_below_row row;
    const enum err err = q_search_below(s->ctx, &in, &row);

    if (err == ERR_NOT_FOUND) {
        close_stream(s, stream);
        return OK;
    }
    if (err == OK) {
        stream->block = row.block;
        stream->last_s = (int64_t)row.last_s;
    }
    return err;
}

static enum err read_rights(struct search *s, struct stream *stream)
{
    struct conversation_access access;

    TRY(conversation_for_reader(s->ctx, stream->conversation_id, &access));
    stream->is_known = true;
    stream->lowest_seq = access.visible_from_seq;
    stream->highest_seq = conversation_visible_to(&access);
    return OK;
}

static enum err open_one(struct search *s)
{
    s->streams = arena_array(s->ctx->arena, 1, sizeof *s->streams);
    s->streams[s->n_streams++] = (struct stream){.conversation_id = s->query->conversation_id};
    TRY(read_rights(s, &s->streams[0]));
    return move_below(s, &s->streams[0], s->streams[0].highest_seq / TERMS_BLOCK + 1);
}

/* ---- looking into a block ---- */

/* In which of its entries all terms stand. */
static enum err read_bits(struct search *s, const struct stream *stream, uint64_t *bits)
{
    struct search_place places[TERMS_MAX + 2];
    struct search_bits_row *rows;
    size_t n;

    for (size_t i = 0; i < s->terms.n; i++)
        places[i] = (struct search_place){stream->conversation_id, s->terms.items[i], stream->block};
    TRY(q_search_bits(s->ctx, places, s->terms.n, &rows, &n));
    *bits = n == s->terms.n ? UINT64_MAX : 0;
    for (size_t i = 0; i < n; i++)
        *bits &= rows[i].bits;
    return OK;
}

static void add_to_pool(struct search *s, const struct place *place)
{
    if (s->n_pool == s->pool_room) {
        s->pool_room = s->pool_room ? 2 * s->pool_room : 256;
        struct place *pool = arena_array(s->ctx->arena, s->pool_room, sizeof *pool);
        if (s->n_pool)
            memcpy(pool, s->pool, s->n_pool * sizeof *pool);
        s->pool = pool;
    }
    s->pool[s->n_pool++] = *place;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static enum err read_block(struct search *s, const struct stream *stream, uint64_t bits)
{
    const uint64_t first = stream->block * TERMS_BLOCK;
    const uint64_t lowest = most(first + (uint64_t)__builtin_ctzll(bits), stream->lowest_seq);
    const uint64_t highest = least(first + 63 - (uint64_t)__builtin_clzll(bits), stream->highest_seq);
    struct search_head *heads;
    size_t n;

    TRY(q_search_heads(s->ctx, stream->conversation_id, lowest, highest, &heads, &n));
    for (size_t i = 0; i < n; i++) {
        const struct place place = {heads[i].created_at, stream->conversation_id, heads[i].seq};
        if (bits >> heads[i].seq % TERMS_BLOCK & 1 && place.at >= s->query->from_ms &&
            compare_places(&place, &s->before) > 0)
            add_to_pool(s, &place);
    }
    return OK;
}

static enum err look(struct search *s, struct stream *stream)
{
    uint64_t bits;

    s->looks++;
    if (!stream->is_known) {
        const enum err err = read_rights(s, stream);
        if (err == ERR_NOT_FOUND) { /* he has left it */
            close_stream(s, stream);
            return OK;
        }
        TRY(err);
    }
    TRY(read_bits(s, stream, &bits));
    if (bits)
        TRY(read_block(s, stream, bits));
    return move_below(s, stream, stream->block);
}

/* ---- hits ---- */

static bool is_hidden(const struct search_hidden_row *rows, size_t n, const struct entry_ref *ref)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].conversation_id == ref->conversation_id && rows[i].seq == ref->seq)
            return true;
    return false;
}

/* Shows it, if it says what was looked for. */
static enum err try_entry(struct search *s, const struct entry *entry)
{
    struct arena *arena = s->ctx->arena;
    const struct search_query *q = s->query;
    const struct str text = terms_text(arena, entry->type, entry->content);
    struct spans found;
    struct words words;

    if (entry->recalled_at || (q->type != SEARCH_ANY_TYPE && entry->type != q->type) ||
        (q->sender_id && entry->sender_id != q->sender_id))
        return OK;
    TRY(wording_of(arena, text, &words));
    if (wording_match(arena, &words, &s->words, &found))
        s->hits[s->n_hits++] = (struct search_hit){*entry, snippet_of(arena, text, &found)};
    return OK;
}

/* The first `n` of the pool. */
static enum err read_hits(struct search *s, size_t n)
{
    struct entry_ref refs[READ_AT_ONCE];
    struct entry entries[READ_AT_ONCE];
    struct search_hidden_row *hidden;
    size_t n_hidden;

    for (size_t i = 0; i < n; i++)
        refs[i] = (struct entry_ref){s->pool[i].conversation_id, s->pool[i].seq};
    TRY(entries_load(s->ctx, refs, n, entries));
    TRY(q_search_hidden(s->ctx, s->ctx->actor.user_id, refs, n, &hidden, &n_hidden));
    for (size_t i = 0; i < n; i++)
        if (entries[i].seq && !is_hidden(hidden, n_hidden, &refs[i]))
            TRY(try_entry(s, &entries[i]));
    s->reads += n;
    s->before = s->pool[n - 1];
    s->n_pool -= n;
    memmove(s->pool, s->pool + n, s->n_pool * sizeof *s->pool);
    return OK;
}

/* Shows of the pool what nothing can come before any more. */
static enum err show(struct search *s)
{
    const struct stream *next = latest(s);
    const int64_t bound_s = next ? bound_of(s, next) : -1;

    if (s->n_pool)
        qsort(s->pool, s->n_pool, sizeof *s->pool, compare_places);
    while (s->n_hits < s->query->limit && s->reads < READS_MAX) {
        const size_t most_now = least(least(s->query->limit - s->n_hits, READ_AT_ONCE), s->n_pool);
        size_t n = 0;
        while (n < most_now && s->pool[n].at / 1000 > bound_s)
            n++;
        if (!n)
            break;
        TRY(read_hits(s, n));
    }
    return OK;
}

/* ---- a page ---- */

/* All after the bound has been seen: the next page goes on there, if that is a step. */
static bool stop_at_bound(struct search *s)
{
    const struct place there = {(bound_of(s, latest(s)) + 1) * 1000, 0, 0};

    if (s->looks < LOOKS_MAX || compare_places(&there, &s->before) <= 0)
        return false;
    s->before = there;
    return true;
}

static enum err run(struct search *s)
{
    TRY(s->query->conversation_id ? open_one(s) : open_all(s));
    for (;;) {
        TRY(show(s));
        if (s->n_hits == s->query->limit || s->reads >= READS_MAX || !s->n_streams || stop_at_bound(s))
            return OK;
        TRY(look(s, latest(s)));
    }
}

enum err search_page(struct ctx *ctx, const struct search_query *query, struct list *hits, struct str *next_cursor)
{
    struct search s = {.ctx = ctx,
                       .query = query,
                       .hits = arena_array(ctx->arena, query->limit, sizeof(struct search_hit))};

    TRY(set_limits(&s));
    TRY(set_terms(&s));
    *hits = (struct list){s.hits, 0};
    *next_cursor = STR_NONE;
    if (!s.terms.n)
        return OK;
    TRY(run(&s));
    hits->n = s.n_hits;
    if (s.n_streams || s.n_pool)
        *next_cursor = cursor_of(ctx->arena, &s.before);
    return OK;
}
