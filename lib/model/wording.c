/* Wording: cutting a text, its terms, and finding a query's words in it. */
#include "model/wording.h"

#include <stdlib.h>

#include "ext/unicode.h"

/* ---- cutting ---- */

/* Puts one folded character behind the others: a new word begins where there was a gap or the kind changes.
 */
static void put(struct words *w, int32_t c, enum unicode_kind kind, bool *in_word)
{
    const bool is_dense = kind == UNICODE_DENSE;

    if (!*in_word || w->items[w->n - 1].is_dense != is_dense)
        w->items[w->n++] = (struct word){.at = (uint32_t)w->n_chars, .is_dense = is_dense};
    *in_word = true;
    w->items[w->n - 1].n++;
    w->chars[w->n_chars] = c;
    w->source[w->n_chars++] = (uint32_t)w->n_source;
}

/* Arrays grow by hand: most characters fold to one, some to eighteen. */
static void grow(struct arena *arena, struct words *w, size_t *room)
{
    const size_t more = 2 * *room + UNICODE_FOLD_MAX;
    int32_t *chars = arena_array(arena, more, sizeof *chars);
    uint32_t *source = arena_array(arena, more, sizeof *source);
    struct word *items = arena_array(arena, more, sizeof *items);

    if (w->n_chars) {
        memcpy(chars, w->chars, w->n_chars * sizeof *chars);
        memcpy(source, w->source, w->n_chars * sizeof *source);
        memcpy(items, w->items, w->n * sizeof *items);
    }
    w->chars = chars;
    w->source = source;
    w->items = items;
    *room = more;
}

enum err wording_of(struct arena *arena, struct str text, struct words *out)
{
    int32_t folded[UNICODE_FOLD_MAX];
    struct words w = {0};
    size_t room = 0, n;
    bool in_word = false;

    for (struct str rest = text; rest.n; w.n_source++) {
        TRY(unicode_fold_next(&rest, folded, &n));
        if (w.n_chars + n > room || !room)
            grow(arena, &w, &room);
        for (size_t i = 0; i < n; i++) {
            const enum unicode_kind kind = unicode_kind_of(folded[i]);
            if (kind == UNICODE_OTHER)
                in_word = false;
            else
                put(&w, folded[i], kind, &in_word);
        }
    }
    *out = w;
    return OK;
}

/* ---- terms ---- */

/* A word is filed under its beginnings of these lengths: a longer query looks under the next shorter one. */
static const uint32_t lengths[] = {1, 2, 3, 4, 6, 8, 12, WORDING_TERM_MAX};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

static struct str term(struct arena *arena, const int32_t *chars, size_t n)
{
    struct buf b = buf_in(arena);

    for (size_t i = 0; i < n; i++)
        unicode_put(&b, chars[i]);
    return buf_done(&b);
}

static int compare(const void *a, const void *b)
{
    const struct str *x = a, *y = b;
    const int order = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

    return order ? order : (x->n > y->n) - (x->n < y->n);
}

static void sort_once(struct terms *t)
{
    size_t kept = 0;

    if (t->n)
        qsort(t->items, t->n, sizeof *t->items, compare);
    for (size_t i = 0; i < t->n; i++)
        if (!kept || !str_eq(t->items[kept - 1], t->items[i]))
            t->items[kept++] = t->items[i];
    t->n = kept;
}

static void file_word(struct arena *arena, const int32_t *chars, uint32_t n, struct terms *t)
{
    for (size_t i = 0; i < LENGTHS && lengths[i] <= n && t->n < WORDING_TERMS_MAX; i++)
        t->items[t->n++] = term(arena, chars, lengths[i]);
}

/* Two by two; one that stands alone by itself. */
static void file_dense(struct arena *arena, const int32_t *chars, uint32_t n, struct terms *t, size_t max)
{
    if (n == 1 && t->n < max)
        t->items[t->n++] = term(arena, chars, 1);
    for (uint32_t i = 0; i + 1 < n && t->n < max; i++)
        t->items[t->n++] = term(arena, chars + i, 2);
}

/* At least as many as the words are filed under. */
static size_t room_for(const struct words *words)
{
    size_t room = 0;

    for (size_t i = 0; i < words->n && room < WORDING_TERMS_MAX; i++)
        room += words->items[i].is_dense || words->items[i].n < LENGTHS ? words->items[i].n : LENGTHS;
    return room < WORDING_TERMS_MAX ? room : WORDING_TERMS_MAX;
}

struct terms wording_terms(struct arena *arena, const struct words *words)
{
    struct terms t = {.items = arena_array(arena, room_for(words), sizeof(struct str))};

    for (size_t i = 0; i < words->n && t.n < WORDING_TERMS_MAX; i++) {
        const struct word *w = &words->items[i];
        if (w->is_dense)
            file_dense(arena, words->chars + w->at, w->n, &t, WORDING_TERMS_MAX);
        else
            file_word(arena, words->chars + w->at, w->n, &t);
    }
    sort_once(&t);
    return t;
}

/* The longest of its beginnings under which a word is filed. */
static uint32_t filed_length(uint32_t n)
{
    size_t i = LENGTHS - 1;

    while (lengths[i] > n)
        i--;
    return lengths[i];
}

static int longest_first(const void *a, const void *b)
{
    const struct str *x = a, *y = b;

    return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : compare(a, b);
}

struct terms wording_query_terms(struct arena *arena, const struct words *query, size_t max)
{
    struct terms t = {.items = arena_array(arena, query->n_chars, sizeof(struct str))};

    for (size_t i = 0; i < query->n; i++) {
        const struct word *w = &query->items[i];
        if (w->is_dense)
            file_dense(arena, query->chars + w->at, w->n, &t, query->n_chars);
        else
            t.items[t.n++] = term(arena, query->chars + w->at, filed_length(w->n));
    }
    sort_once(&t);
    if (t.n)
        qsort(t.items, t.n, sizeof *t.items, longest_first);
    if (t.n > max)
        t.n = max;
    return t;
}

/* ---- finding ---- */

/* A character that stands alone is filed only where it does so, and found only there. */
static bool stands_at(const struct words *text, const struct word *in, uint32_t at, const struct words *query,
                      const struct word *w)
{
    if (in->is_dense != w->is_dense || at + w->n > in->n || (w->is_dense && w->n == 1 && in->n != 1))
        return false;
    return memcmp(text->chars + in->at + at, query->chars + w->at, w->n * sizeof *text->chars) == 0;
}

/* Marks the characters of the text at which this word of the query stands. */
static bool mark(const struct words *text, const struct words *query, const struct word *w,
                 unsigned char *marked)
{
    bool found = false;

    for (size_t i = 0; i < text->n; i++) {
        const struct word *in = &text->items[i];
        const uint32_t places = in->is_dense ? in->n : 1; /* a word must begin so */
        for (uint32_t at = 0; at < places; at++) {
            if (!stands_at(text, in, at, query, w))
                continue;
            found = true;
            for (uint32_t j = 0; j < w->n; j++)
                marked[text->source[in->at + at + j]] = 1;
        }
    }
    return found;
}

bool wording_match(struct arena *arena, const struct words *text, const struct words *query,
                   struct spans *out)
{
    unsigned char *marked = arena_array(arena, text->n_source, 1);

    *out = (struct spans){0};
    for (size_t i = 0; i < query->n; i++)
        if (!mark(text, query, &query->items[i], marked))
            return false;
    for (uint32_t i = 0; i < text->n_source && out->n < SPANS_MAX; i++) {
        if (!marked[i])
            continue;
        const uint32_t from = i;
        while (i < text->n_source && marked[i])
            i++;
        out->items[out->n++] = (struct span){from, i - from};
    }
    return query->n > 0;
}
