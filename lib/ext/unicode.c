#include "ext/unicode.h"

#include <stdlib.h>
#include <utf8proc.h>

/* The next character of `rest`, or -1 at the end and for invalid UTF-8. */
static int32_t next(struct str *rest)
{
    utf8proc_int32_t c;

    if (!rest->n)
        return -1;
    const utf8proc_ssize_t n =
        utf8proc_iterate((const utf8proc_uint8_t *)rest->p, (utf8proc_ssize_t)rest->n, &c);
    if (n <= 0)
        return -1;
    rest->p += n;
    rest->n -= (size_t)n;
    return c;
}

struct str unicode_key(struct arena *arena, struct str s)
{
    utf8proc_uint8_t *made = NULL;

    if (s.n > UNICODE_INPUT_MAX)
        return STR_NONE;
    if (!s.n)
        return STR("");
    const utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, &made,
                                            UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                                UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    if (n == UTF8PROC_ERROR_NOMEM)
        abort();
    if (n < 0)
        return STR_NONE;
    const struct str key = str_copy(arena, (struct str){(const char *)made, (size_t)n});
    explicit_bzero(made, key.n); /* it may be of a password */
    free(made);
    return key;
}

static bool is_mark(utf8proc_category_t category)
{
    return category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
}

/* What is drawn as nothing, or as a gap, whatever its category says: the Hangul fillers are letters. */
static bool is_unseen(int32_t c)
{
    return utf8proc_get_property(c)->ignorable || c == 0x2800; /* Braille without a dot */
}

static bool is_letter_or_digit(utf8proc_category_t category)
{
    return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
           category == UTF8PROC_CATEGORY_ND;
}

bool unicode_is_name(struct str s)
{
    bool first = true, solid = false;

    while (s.n) {
        const int32_t c = next(&s);
        if (c < 0 || is_unseen(c))
            return false;
        const utf8proc_category_t category = utf8proc_category(c);
        if (is_letter_or_digit(category))
            solid = true;
        else if (c != '_' && c != '.' && c != '-' && (first || !is_mark(category)))
            return false;
        first = false;
    }
    return solid;
}

/* Embeddings, overrides and isolates: what follows them would be shown in another order. */
static bool is_direction(int32_t c)
{
    return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

bool unicode_is_plain(struct str s, bool lines)
{
    bool visible = false;

    while (s.n) {
        const int32_t c = next(&s);
        if (c < 0 || is_direction(c))
            return false;
        switch (utf8proc_category(c)) {
        case UTF8PROC_CATEGORY_CC:
            if (!(lines && c == '\n'))
                return false;
            break;
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
            return false;
        case UTF8PROC_CATEGORY_ZS:
        case UTF8PROC_CATEGORY_CF:
            break;
        default:
            visible |= !is_unseen(c);
        }
    }
    return visible;
}

/* ---- what a search compares ---- */

/* The accents of Latin, Greek and Cyrillic: who searches leaves them out. */
static bool is_accent(int32_t c)
{
    return c >= 0x0300 && c <= 0x036F;
}

enum err unicode_fold_next(struct str *rest, int32_t out[UNICODE_FOLD_MAX], size_t *n)
{
    utf8proc_int32_t made[UNICODE_FOLD_MAX];
    const int32_t c = next(rest);

    if (c < 0)
        return ERR_INVALID_REQUEST;
    *n = 0;
    const utf8proc_ssize_t many = utf8proc_decompose_char(
        c, made, UNICODE_FOLD_MAX,
        UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE, NULL);
    if (many < 0 || many > UNICODE_FOLD_MAX) /* no character of Unicode is so long */
        return OK;
    for (utf8proc_ssize_t i = 0; i < many; i++)
        if (!is_accent(made[i]))
            out[(*n)++] = made[i];
    return OK;
}

/* By script, in the order of their first character: Thai, Lao, Burmese, Khmer, Kana, Bopomofo, Han. */
static bool is_dense(int32_t c)
{
    static const struct {
        int32_t first, last;
    } scripts[] = {{0x0E01, 0x0E7F},  {0x0E81, 0x0EFF}, {0x1000, 0x109F}, {0x1780, 0x17FF},
                   {0x3005, 0x3007},  {0x3041, 0x30FF}, {0x3105, 0x312F}, {0x31F0, 0x31FF},
                   {0x3400, 0x4DBF},  {0x4E00, 0x9FFF}, {0xF900, 0xFAFF}, {0x1B000, 0x1B16F},
                   {0x20000, 0x3FFFF}};
    size_t i = 0;

    while (i < sizeof scripts / sizeof *scripts && c > scripts[i].last)
        i++;
    return i < sizeof scripts / sizeof *scripts && c >= scripts[i].first;
}

enum unicode_kind unicode_kind_of(int32_t folded)
{
    const utf8proc_category_t category = utf8proc_category(folded);

    if (!is_mark(category) && (category < UTF8PROC_CATEGORY_LU || category > UTF8PROC_CATEGORY_LO) &&
        (category < UTF8PROC_CATEGORY_ND || category > UTF8PROC_CATEGORY_NO))
        return UNICODE_OTHER;
    return is_dense(folded) ? UNICODE_DENSE : UNICODE_WORD;
}

void unicode_put(struct buf *b, int32_t c)
{
    utf8proc_uint8_t bytes[4];

    buf_add(b, bytes, (size_t)utf8proc_encode_char(c, bytes));
}

struct str unicode_cut(struct str s, size_t max)
{
    struct str rest = s;

    for (size_t i = 0; i < max && rest.n; i++)
        if (next(&rest) < 0)
            break;
    return (struct str){s.p, s.n - rest.n};
}
