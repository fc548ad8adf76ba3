#include "model/snippet.h"

#include "ext/unicode.h"
#include "model/search.h"

/* Takes the next `n` characters off the text. */
static struct str take(struct str *rest, size_t n)
{
    const struct str piece = unicode_cut(*rest, n);

    *rest = (struct str){rest->p + piece.n, rest->n - piece.n};
    return piece;
}

/* A copy in which nothing breaks the line. */
static struct str on_one_line(struct arena *arena, struct str s)
{
    char *copy = arena_copy(arena, s.p, s.n);

    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)copy[i] < ' ')
            copy[i] = ' ';
    return (struct str){copy, s.n};
}

struct cutting {
    struct arena *arena;
    struct str rest;
    uint32_t at, end; /* characters of the text */
    struct snippet_part *parts;
    size_t n;
};

/* Up to a character, which may lie before or behind the piece that is shown. */
static void cut_to(struct cutting *c, uint32_t to, bool hit)
{
    const uint32_t until = to < c->end ? to : c->end;

    if (until <= c->at)
        return;
    const struct str text = take(&c->rest, until - c->at);
    c->at = until;
    c->parts[c->n++] = (struct snippet_part){on_one_line(c->arena, text), hit};
}

struct list snippet_of(struct arena *arena, struct str text, const struct spans *found)
{
    const uint32_t first = found->n ? found->items[0].at : 0;
    const uint32_t from = first > SNIPPET_BEFORE ? first - SNIPPET_BEFORE : 0;
    struct cutting c = {.arena = arena,
                        .rest = text,
                        .at = from,
                        .end = from + SNIPPET_MAX,
                        .parts = arena_array(arena, 2 * SPANS_MAX + 3, sizeof(struct snippet_part))};

    take(&c.rest, from);
    if (from)
        c.parts[c.n++] = (struct snippet_part){STR("…"), false};
    for (size_t i = 0; i < found->n; i++) {
        cut_to(&c, found->items[i].at, false);
        cut_to(&c, found->items[i].at + found->items[i].n, true);
    }
    const struct str left = unicode_cut(c.rest, c.end - c.at);
    const bool is_cut = left.n < c.rest.n;
    if (left.n)
        c.parts[c.n++] = (struct snippet_part){on_one_line(arena, left), false};
    if (is_cut)
        c.parts[c.n++] = (struct snippet_part){STR("…"), false};
    return (struct list){c.parts, c.n};
}
