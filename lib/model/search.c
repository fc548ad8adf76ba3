/* Search: a query becomes terms, the finder says where they stand, and each entry there is read, checked and
 * shown. */
#include "model/search.h"

#include "model/finder.h"
#include "model/page.h"
#include "model/snippet.h"
#include "model/terms.h"
#include "model/wording.h"

enum {
    TERMS_MAX = FINDER_TERMS_MAX -
                2, /* of a query are looked up; the words behind them are looked for in the text alone */
    SIZE_MAX_BLOCKS = 1000,
    LOOKS_MAX = 200,   /* into streams, in one call */
    READS_MAX = 200,   /* of entries */
    READ_AT_ONCE = 32, /* of them */
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

struct search {
    struct ctx *ctx;
    const struct search_query *query;
    struct words words;
    struct finder finder;
    struct search_hit *hits;
    size_t n_hits, looks, reads;
};

/* ---- cursors ---- */

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

    s->finder.before = (struct place){INT64_MAX, UINT64_MAX, UINT64_MAX};
    if (q->cursor.p)
        TRY(place_of(s->ctx, q->cursor, &s->finder.before));
    if (q->to_ms && q->to_ms <= s->finder.before.at)
        s->finder.before = (struct place){q->to_ms, 0, 0};
    s->finder.from_s = seconds(q->from_ms);
    s->finder.to_s = seconds(s->finder.before.at);
    return OK;
}

static void add_filters(struct search *s)
{
    struct arena *arena = s->ctx->arena;

    if (s->query->sender_id)
        s->finder.terms.items[s->finder.terms.n++] = terms_sender(arena, s->query->sender_id);
    if (s->query->type != SEARCH_ANY_TYPE)
        s->finder.terms.items[s->finder.terms.n++] = terms_type(arena, s->query->type);
}

/* The rarest of them leads: the others are only looked at where it stands. */
static enum err put_rarest_first(struct search *s)
{
    int64_t sizes[FINDER_TERMS_MAX];

    if (s->finder.terms.n < 2)
        return OK;
    for (size_t i = 0; i < s->finder.terms.n; i++) {
        struct search_size_row size;
        TRY(q_search_size(s->ctx, s->ctx->actor.user_id, s->finder.terms.items[i], SIZE_MAX_BLOCKS, &size));
        const struct str term = s->finder.terms.items[i];
        size_t at = i;
        for (; at && sizes[at - 1] > size.blocks; at--) {
            sizes[at] = sizes[at - 1];
            s->finder.terms.items[at] = s->finder.terms.items[at - 1];
        }
        sizes[at] = size.blocks;
        s->finder.terms.items[at] = term;
    }
    return OK;
}

static enum err set_terms(struct search *s)
{
    struct arena *arena = s->ctx->arena;

    TRY(wording_of(arena, s->query->text, &s->words));
    const struct terms found = wording_query_terms(arena, &s->words, TERMS_MAX);
    s->finder.terms = (struct terms){arena_array(arena, FINDER_TERMS_MAX, sizeof(struct str)), found.n};
    memcpy(s->finder.terms.items, found.items, found.n * sizeof(struct str));
    if (!found.n)
        return OK; /* nothing that could be found */
    add_filters(s);
    return put_rarest_first(s);
}

/* ---- hits ---- */

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
    struct entry_ref refs[READ_AT_ONCE] = {0};
    struct entry entries[READ_AT_ONCE];

    for (size_t i = 0; i < n; i++)
        refs[i] = (struct entry_ref){s->finder.pool[i].conversation_id, s->finder.pool[i].seq};
    TRY(entries_load(s->ctx, refs, n, entries));
    for (size_t i = 0; i < n; i++)
        if (entries[i].seq && !entries[i].hidden)
            TRY(try_entry(s, &entries[i]));
    s->reads += n;
    finder_take(&s->finder, n);
    return OK;
}

static enum err show(struct search *s)
{
    while (s->n_hits < s->query->limit && s->reads < READS_MAX) {
        const size_t left = s->query->limit - s->n_hits;
        const size_t n = finder_ready(&s->finder, left < READ_AT_ONCE ? left : READ_AT_ONCE);
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
    const struct place there = {(finder_bound_s(&s->finder) + 1) * 1000, 0, 0};

    if (s->looks < LOOKS_MAX || place_compare(&there, &s->finder.before) <= 0)
        return false;
    s->finder.before = there;
    return true;
}

static enum err run(struct search *s)
{
    struct finder *f = &s->finder;

    TRY(finder_open(f, s->query->conversation_id));
    for (;; s->looks++) {
        TRY(show(s));
        if (s->n_hits == s->query->limit || s->reads >= READS_MAX || !f->n_streams || stop_at_bound(s))
            return OK;
        TRY(finder_look(f));
    }
}

enum err search_page(struct ctx *ctx, const struct search_query *query, struct list *hits,
                     struct str *next_cursor)
{
    struct search s = {.ctx = ctx,
                       .query = query,
                       .finder = {.ctx = ctx, .from_ms = query->from_ms},
                       .hits = arena_array(ctx->arena, query->limit, sizeof(struct search_hit))};

    TRY(set_limits(&s));
    TRY(set_terms(&s));
    *hits = (struct list){s.hits, 0};
    *next_cursor = STR_NONE;
    if (!s.finder.terms.n)
        return OK; /* no word, no hit */
    TRY(run(&s));
    hits->n = s.n_hits;
    if (s.finder.n_streams || s.finder.n_pool)
        *next_cursor = cursor_of(ctx->arena, &s.finder.before);
    return OK;
}
