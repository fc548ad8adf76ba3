/* Any text and any query: spans lie in the text, in order and apart; a match is filed under all that is
 * looked under, as far as the text is filed; a snippet is UTF-8. */
#include <stdlib.h>

#include "model/search.h"
#include "model/snippet.h"
#include "model/wording.h"

static void check_snippet(struct arena *arena, struct str text, const struct spans *spans)
{
    const struct list parts = snippet_of(arena, text, spans);
    const struct snippet_part *part = parts.items;

    for (size_t i = 0; i < parts.n; i++)
        if (!part[i].text.n || !utf8_check(part[i].text, NULL))
            abort();
}

static void check_spans(const struct words *text, const struct spans *spans)
{
    uint32_t end = 0;

    for (size_t i = 0; i < spans->n; i++) {
        const struct span *s = &spans->items[i];
        if (!s->n || (i && s->at <= end) || s->at + s->n > text->n_source)
            abort();
        end = s->at + s->n;
    }
}

static void check_terms(struct arena *arena, const struct words *text, const struct words *query)
{
    const struct terms filed = wording_terms(arena, text), sought = wording_query_terms(arena, query, 12);
    size_t found = 0;

    for (size_t i = 0; i < sought.n; i++)
        for (size_t j = 0; j < filed.n; j++)
            found += str_eq(sought.items[i], filed.items[j]);
    if (found != sought.n && text->n_chars < WORDING_TERMS_MAX / 8)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    struct words text, query;
    struct spans spans;

    if (!arena)
        arena = arena_new();
    arena_reset(arena);
    const size_t cut = size ? data[0] % size : 0; /* the query is at the beginning */
    const struct str all = {(const char *)data, size}, asked = {all.p, cut}, said = {all.p + cut, size - cut};
    if (!utf8_check(asked, NULL) || !utf8_check(said, NULL))
        return 0;
    if (wording_of(arena, said, &text) != OK || wording_of(arena, asked, &query) != OK)
        abort();
    if (!wording_match(arena, &text, &query, &spans))
        return 0;
    check_spans(&text, &spans);
    check_terms(arena, &text, &query);
    check_snippet(arena, said, &spans);
    return 0;
}
