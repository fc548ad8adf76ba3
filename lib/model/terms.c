/* Terms: filing entries, and taking out of the index what was recalled or edited. */
#include "model/terms.h"

#include <stdlib.h>

#include "ext/json.h"
#include "model/entries.h"
#include "model/wording.h"

/* A control character begins them, which no word has. */
enum { SENDER_MARK = 1, TYPE_MARK = 2, MARKED_BYTES = 9 };

/* ---- what an entry is filed under ---- */

struct said {
    struct str text, name, title;
    int64_t target_seq;
};

static const struct field said_fields[] = {
    {.name = "text", .type = FIELD_STR, .at = offsetof(struct said, text), .min = 0, .max = INT32_MAX},
    {.name = "name", .type = FIELD_STR, .at = offsetof(struct said, name), .min = 0, .max = INT32_MAX},
    {.name = "title", .type = FIELD_STR, .at = offsetof(struct said, title), .min = 0, .max = INT32_MAX},
    {.name = "target_seq", .type = FIELD_INT, .at = offsetof(struct said, target_seq)},
};
static const struct shape said_shape = SHAPE("Said", struct said, said_fields);

/* Content of another form (custom, of a later release) says nothing that can be searched. */
static struct said read_said(struct arena *arena, struct str content)
{
    struct problem problem = {0};
    struct said said = {0};

    if (json_decode(content, &said_shape, &said, arena, &problem) != OK)
        return (struct said){0};
    return said;
}

static bool has_text(int type)
{
    return type != ENTRY_SYSTEM && type != ENTRY_CUSTOM && type < ENTRY_RECALL;
}

struct str terms_text(struct arena *arena, int type, struct str content)
{
    if (!has_text(type))
        return STR("");
    const struct said said = read_said(arena, content);
    const struct str text = said.text.p ? said.text : said.name.p ? said.name : said.title;
    return text.p ? text : STR("");
}

static struct str marked(struct arena *arena, unsigned char mark, uint64_t value)
{
    unsigned char *bytes = arena_alloc(arena, MARKED_BYTES);

    bytes[0] = mark;
    for (int i = 1; i < MARKED_BYTES; i++)
        bytes[i] = (unsigned char)(value >> (64 - 8 * i));
    return (struct str){(const char *)bytes, MARKED_BYTES};
}

struct str terms_sender(struct arena *arena, uint64_t sender_id)
{
    return marked(arena, SENDER_MARK, sender_id);
}

struct str terms_type(struct arena *arena, int type)
{
    return marked(arena, TYPE_MARK, (uint64_t)type);
}

/* The words of an entry. */
static enum err terms_of(struct ctx *ctx, int type, struct str content, struct terms *out)
{
    struct words words;

    TRY(wording_of(ctx->arena, terms_text(ctx->arena, type, content), &words));
    *out = wording_terms(ctx->arena, &words);
    return OK;
}

/* ---- filing ---- */

enum { POSTINGS_FIRST = 1024 };

struct postings {
    struct arena *arena;
    struct search_posting *items;
    size_t n, room;
};

static void add(struct postings *p, const struct search_entry *e, struct str term)
{
    const uint64_t at_s = (uint64_t)(e->created_at / 1000);

    if (p->n == p->room) {
        p->room = p->room ? 2 * p->room : POSTINGS_FIRST;
        struct search_posting *items = arena_array(p->arena, p->room, sizeof *items);
        if (p->n)
            memcpy(items, p->items, p->n * sizeof *items);
        p->items = items;
    }
    p->items[p->n++] = (struct search_posting){.conversation_id = e->conversation_id,
                                               .term = term,
                                               .block = e->seq / TERMS_BLOCK,
                                               .bits = 1ULL << e->seq % TERMS_BLOCK,
                                               .first_s = at_s,
                                               .last_s = at_s};
}

static enum err add_entry(struct ctx *ctx, const struct search_entry *e, struct postings *p)
{
    struct terms terms;

    add(p, e, STR(""));
    if (!has_text((int)e->type) || e->recalled_at)
        return OK;
    TRY(terms_of(ctx, (int)e->type, e->content, &terms));
    for (size_t i = 0; i < terms.n; i++)
        add(p, e, terms.items[i]);
    if (!terms.n)
        return OK;
    add(p, e, terms_sender(ctx->arena, e->sender_id));
    add(p, e, terms_type(ctx->arena, (int)e->type));
    return OK;
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* In the order of the key: two that write the same rows wait for each other instead of deadlocking. */
static int compare_postings(const void *a, const void *b)
{
    const struct search_posting *x = a, *y = b;
    int order = compare_u64(x->conversation_id, y->conversation_id);

    if (!order)
        order = memcmp(x->term.p, y->term.p, x->term.n < y->term.n ? x->term.n : y->term.n);
    if (!order)
        order = compare_u64(x->term.n, y->term.n);
    return order ? order : compare_u64(x->block, y->block);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void merge(struct postings *p)
{
    size_t kept = 0;

    if (p->n)
        qsort(p->items, p->n, sizeof *p->items, compare_postings);
    for (size_t i = 0; i < p->n; i++) {
        struct search_posting *last = kept ? &p->items[kept - 1] : NULL;
        const struct search_posting *one = &p->items[i];
        if (!last || compare_postings(last, one) != 0) {
            p->items[kept++] = *one;
            continue;
        }
        last->bits |= one->bits;
        last->first_s = least(last->first_s, one->first_s);
        last->last_s = most(last->last_s, one->last_s);
    }
    p->n = kept;
}

/* Operations say which entry they changed. */
static size_t add_targets(struct ctx *ctx, const struct search_entry *entries, size_t n,
                          struct entry_ref *targets)
{
    size_t n_targets = 0;

    for (size_t i = 0; i < n; i++) {
        if (entries[i].type != ENTRY_EDIT)
            continue;
        const int64_t seq = read_said(ctx->arena, entries[i].content).target_seq;
        if (seq > 0)
            targets[n_targets++] = (struct entry_ref){entries[i].conversation_id, (uint64_t)seq};
    }
    return n_targets;
}

static enum err add_all(struct ctx *ctx, const struct search_entry *entries, size_t n, struct postings *p)
{
    for (size_t i = 0; i < n; i++)
        TRY(add_entry(ctx, &entries[i], p));
    return OK;
}

enum err terms_file(struct ctx *ctx, const struct entry_ref *refs, size_t n)
{
    struct postings p = {.arena = ctx->arena};
    struct search_entry *entries, *changed;
    size_t n_entries, n_changed = 0;

    if (!n)
        return OK;
    TRY(q_search_entries(ctx, refs, n, &entries, &n_entries));
    TRY(add_all(ctx, entries, n_entries, &p));
    struct entry_ref *targets = arena_array(ctx->arena, n_entries, sizeof *targets);
    const size_t n_targets = add_targets(ctx, entries, n_entries, targets);
    if (n_targets)
        TRY(q_search_entries(ctx, targets, n_targets, &changed, &n_changed));
    if (n_changed)
        TRY(add_all(ctx, changed, n_changed, &p));
    merge(&p);
    return p.n ? q_search_add(ctx, p.items, p.n, NULL) : OK;
}

/* ---- forgetting ---- */

enum err terms_forget(struct ctx *ctx, const struct entry_ref *ref, int type, struct str content)
{
    const uint64_t bit = 1ULL << ref->seq % TERMS_BLOCK;
    struct terms terms;

    TRY(terms_of(ctx, type, content, &terms));
    return terms.n ? q_search_forget(ctx, ref->conversation_id, ref->seq / TERMS_BLOCK, ~bit, terms.items,
                                     terms.n, NULL)
                   : OK;
}
