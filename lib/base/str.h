/*
 * Strings: a borrowed slice, a growing buffer in an arena, UTF-8.
 *
 * A slice owns nothing and need not end in NUL; its owner is the arena it was
 * made in. A slice whose `p` is NULL is absent (SQL NULL, JSON null), which is
 * something else than empty.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_NONE ((struct str){NULL, 0})
/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_of(const char *cstr)
{
    return (struct str){cstr, cstr ? strlen(cstr) : 0};
}
static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
bool str_starts(struct str s, struct str prefix);
/* NUL-terminated, in the arena. */
char *str_c(struct arena *arena, struct str s);
struct str str_copy(struct arena *arena, struct str s);
/* Cuts off what stands before `sep` and moves `rest` behind it; false when nothing is left. */
bool str_cut(struct str *rest, char sep, struct str *piece);

/* Whole decimal numbers only: no sign for u64, no spaces, no overflow, no leading zeros but "0" itself. */
bool str_u64(struct str s, uint64_t *out);
bool str_i64(struct str s, int64_t *out);

/* Valid UTF-8 without NUL, surrogates or overlong forms. Counts its characters (code points) if `chars`. */
bool utf8_check(struct str s, size_t *chars);

bool hex_decode(struct str hex, unsigned char *out, size_t n);    /* exactly n bytes */
void hex_encode(const unsigned char *bytes, size_t n, char *out); /* 2 n characters, no NUL */
/* Canonical 8-4-4-4-12, either case. */
bool uuid_decode(struct str text, unsigned char out[16]);
void uuid_encode(const unsigned char in[16], char out[37]);

/* The decimal digits, no NUL; how many they are. */
size_t u64_text(uint64_t v, char out[20]);

/* Bytes that grow in an arena. Past `max` the process ends: callers bound what they put in. */
struct buf {
    struct arena *arena;
    char *p;
    size_t n, cap;
};

struct buf buf_in(struct arena *arena);
void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_str(struct buf *b, struct str s);
void buf_c(struct buf *b, const char *cstr);
void buf_char(struct buf *b, char c);
void buf_u64(struct buf *b, uint64_t v);
void buf_i64(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A JSON string with its quotes; `s` must be valid UTF-8. Absent gives null. */
void buf_json(struct buf *b, struct str s);
/* The hex digits of a number or of bytes. */
void buf_hex(struct buf *b, const void *bytes, size_t n);
static inline struct str buf_done(const struct buf *b)
{
    return (struct str){b->p ? b->p : "", b->n};
}

#endif
