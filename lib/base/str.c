/* Strings: slices, numbers, UTF-8, hex and the growing buffer. */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && memcmp(s.p, prefix.p, prefix.n) == 0;
}

char *str_c(struct arena *arena, struct str s)
{
    return arena_copy(arena, s.p, s.n);
}

struct str str_copy(struct arena *arena, struct str s)
{
    return s.p ? (struct str){arena_copy(arena, s.p, s.n), s.n} : STR_NONE;
}

bool str_cut(struct str *rest, char sep, struct str *piece)
{
    if (!rest->p || !rest->n)
        return false;
    const char *at = memchr(rest->p, sep, rest->n);
    const size_t n = at ? (size_t)(at - rest->p) : rest->n;
    *piece = (struct str){rest->p, n};
    const size_t gone = at ? n + 1 : n;
    *rest = (struct str){rest->p + gone, rest->n - gone};
    return true;
}

bool str_u64(struct str s, uint64_t *out)
{
    uint64_t v = 0;

    if (!s.n || s.n > 20 || (s.p[0] == '0' && s.n > 1))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        const unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';
        if (digit > 9 || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

bool str_i64(struct str s, int64_t *out)
{
    const bool minus = s.n && s.p[0] == '-';
    uint64_t v;

    if (!str_u64((struct str){s.p + minus, s.n - minus}, &v) || v > (uint64_t)INT64_MAX + minus)
        return false;
    *out = minus ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

/* The length of the character that starts at p, or 0 if it is not well-formed (RFC 3629, table 3-7 of
 * Unicode). */
static size_t utf8_length(const unsigned char *p, size_t n)
{
    static const struct {
        unsigned char first, last, low, high;
        size_t length;
    } forms[] = {
        {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        if (p[0] < forms[f].first || p[0] > forms[f].last)
            continue;
        if (n < forms[f].length)
            return 0;
        if (forms[f].length > 1 && (p[1] < forms[f].low || p[1] > forms[f].high))
            return 0;
        for (size_t i = 2; i < forms[f].length; i++)
            if ((p[i] & 0xc0) != 0x80)
                return 0;
        return forms[f].length;
    }
    return 0;
}

bool utf8_check(struct str s, size_t *chars)
{
    size_t count = 0;

    for (size_t i = 0; i < s.n; count++) {
        const size_t length = utf8_length((const unsigned char *)s.p + i, s.n - i);
        if (!length)
            return false;
        i += length;
    }
    if (chars)
        *chars = count;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_decode(struct str hex, unsigned char *out, size_t n)
{
    if (hex.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        const int high = hex_digit(hex.p[2 * i]), low = hex_digit(hex.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

void hex_encode(const unsigned char *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

bool uuid_decode(struct str text, unsigned char out[16])
{
    char hex[32];
    size_t n = 0;

    if (text.n != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text.p[i] != '-')
                return false;
        } else {
            hex[n++] = text.p[i];
        }
    }
    return hex_decode((struct str){hex, 32}, out, 16);
}

void uuid_encode(const unsigned char in[16], char out[37])
{
    char hex[32];

    hex_encode(in, 16, hex);
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

struct buf buf_in(struct arena *arena)
{
    return (struct buf){.arena = arena};
}

static char *buf_room(struct buf *b, size_t n)
{
    if (b->cap - b->n < n) {
        const size_t cap = 2 * b->cap + n + 64;
        char *p = arena_alloc(b->arena, cap);
        if (b->n)
            memcpy(p, b->p, b->n);
        b->p = p;
        b->cap = cap;
    }
    return b->p + b->n;
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
    if (!n)
        return;
    memcpy(buf_room(b, n), bytes, n);
    b->n += n;
}

void buf_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.n);
}

void buf_c(struct buf *b, const char *cstr)
{
    buf_add(b, cstr, strlen(cstr));
}

void buf_char(struct buf *b, char c)
{
    *buf_room(b, 1) = c;
    b->n++;
}

size_t u64_text(uint64_t v, char out[20])
{
    char digits[20];
    size_t i = sizeof digits;

    do
        digits[--i] = (char)('0' + v % 10);
    while (v /= 10);
    memcpy(out, digits + i, sizeof digits - i);
    return sizeof digits - i;
}

void buf_u64(struct buf *b, uint64_t v)
{
    b->n += u64_text(v, buf_room(b, 20));
}

void buf_i64(struct buf *b, int64_t v)
{
    if (v < 0)
        buf_char(b, '-');
    buf_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n <= 0)
        return;
    va_start(args, fmt);
    vsnprintf(buf_room(b, (size_t)n + 1), (size_t)n + 1, fmt, args);
    va_end(args);
    b->n += (size_t)n;
}

void buf_json(struct buf *b, struct str s)
{
    if (!s.p) {
        buf_c(b, "null");
        return;
    }
    buf_char(b, '"');
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_add(b, s.p + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else if (c == '\n')
            buf_c(b, "\\n");
        else
            buf_printf(b, "\\u%04x", c);
    }
    buf_add(b, s.p + from, s.n - from);
    buf_char(b, '"');
}

void buf_hex(struct buf *b, const void *bytes, size_t n)
{
    hex_encode(bytes, n, buf_room(b, 2 * n));
    b->n += 2 * n;
}
