/*
 * Wording: what a text is searched by, and what of it a search found.
 *
 * A text is folded character by character (ext/unicode.h) and cut into words at
 * everything that is no letter, mark or digit. Scripts that are written without spaces
 * make words of their own ("dense"), in which any two adjacent characters can be
 * looked for; the others are looked for by how a word begins. Each folded character
 * knows which character of the text it came from, so that a hit can be shown there.
 */
#ifndef MODEL_WORDING_H
#define MODEL_WORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    WORDING_TERM_MAX = 16,    /* characters of a term: at most 64 bytes */
    WORDING_TERMS_MAX = 2048, /* of one text, repeated ones counted: what stands behind them is not found */
};

struct word {
    uint32_t at, n; /* in words.chars */
    bool is_dense;
};

struct words {
    int32_t *chars;   /* folded */
    uint32_t *source; /* of each: the character (code point) of the text */
    struct word *items;
    size_t n, n_chars, n_source; /* n_source: characters of the text */
};

/* ERR_INVALID_REQUEST for what is not UTF-8. */
enum err wording_of(struct arena *arena, struct str text, struct words *out) MUST_CHECK;

struct terms {
    struct str *items;
    size_t n;
};

/* What a text is filed under: sorted, each once. */
struct terms wording_terms(struct arena *arena, const struct words *words);
/* What all texts that may match are filed under: the longest first, each once, at most `max`. */
struct terms wording_query_terms(struct arena *arena, const struct words *query, size_t max);

/* A piece of a text, in characters. */
struct span {
    uint32_t at, n;
};

enum { SPANS_MAX = 16 };
struct spans {
    struct span items[SPANS_MAX];
    size_t n;
};

/* Whether every word of the query stands in the text (false for a query without words), and where: in order,
 * joined where they touch, the first SPANS_MAX. */
bool wording_match(struct arena *arena, const struct words *text, const struct words *query,
                   struct spans *out);

#endif
