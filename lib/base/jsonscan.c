/*
 * The pre-scan of JSON (RFC 8259): one pass with a stack of open containers, no
 * recursion. Keys of open objects are remembered as slices of the text.
 */
#include "base/jsonscan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct level {
    bool object;
    unsigned first_key; /* of an object: its keys are keys[first_key…n_keys) while it is the innermost */
    unsigned index;     /* of an array: the element that is being read */
};

struct scan {
    struct str text;
    size_t i;
    struct level levels[JSON_DEPTH_MAX];
    unsigned depth;
    struct str keys[JSON_KEYS_MAX]; /* raw, between the quotes */
    unsigned n_keys;
    struct problem *problem;
};

/* ---- words for an error ---- */

static size_t put_key(char *out, size_t size, size_t n, struct str key)
{
    if (n && n + 1 < size)
        out[n++] = '.';
    for (size_t i = 0; i < key.n && n + 1 < size; i++)
        out[n++] = key.p[i] > 0x20 && key.p[i] < 0x7f ? key.p[i] : '?';
    return n;
}

/* "device.name", "items[2].id", or "body". */
static void put_path(const struct scan *s, char *out, size_t size)
{
    size_t n = 0;

    for (unsigned d = 0; d < s->depth && n + 16 < size; d++) {
        const struct level *l = &s->levels[d];
        const unsigned end = d + 1 < s->depth ? s->levels[d + 1].first_key : s->n_keys;
        if (!l->object)
            n += (size_t)snprintf(out + n, size - n, "[%u]", l->index);
        else if (end > l->first_key)
            n = put_key(out, size, n, s->keys[end - 1]);
    }
    out[n] = 0;
    if (!n)
        snprintf(out, size, "body");
}

static enum err PRINTF_LIKE(2, 3) refuse(const struct scan *s, const char *fmt, ...)
{
    char reason[72], path[64];
    va_list args;

    va_start(args, fmt);
    vsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);
    put_path(s, path, sizeof path);
    return problem_field(s->problem, path, "%s (byte %zu)", reason, s->i);
}

/* ---- tokens ---- */

/* The next byte, or -1 at the end. */
static int peek(const struct scan *s)
{
    return s->i < s->text.n ? (unsigned char)s->text.p[s->i] : -1;
}

static int peek_after_space(struct scan *s)
{
    int c = peek(s);

    while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        s->i++;
        c = peek(s);
    }
    return c;
}

static int hex4(const char *p)
{
    unsigned char bytes[2];

    return hex_decode((struct str){p, 4}, bytes, 2) ? bytes[0] << 8 | bytes[1] : -1;
}

/* The code point of the \u escape at p (p points at the backslash), with its length; -1 if it is wrong. */
static int32_t escape_u(const char *p, size_t n, size_t *length)
{
    const int high = n >= 6 && p[1] == 'u' ? hex4(p + 2) : -1;

    *length = 6;
    if (high < 0 || (high & 0xfc00) == 0xdc00)
        return -1;
    if ((high & 0xfc00) != 0xd800)
        return high;
    const int low = n >= 12 && p[6] == '\\' && p[7] == 'u' ? hex4(p + 8) : -1;
    *length = 12;
    return low >= 0 && (low & 0xfc00) == 0xdc00 ? 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff) : -1;
}

static enum err scan_escape(struct scan *s)
{
    const char *p = s->text.p + s->i;
    const size_t n = s->text.n - s->i;
    size_t length = 2;

    if (n < 2)
        return refuse(s, "a string does not end");
    if (p[1] == 'u') {
        const int32_t code = escape_u(p, n, &length);
        if (code < 0)
            return refuse(s, "a \\u escape is not a character");
        if (code == 0)
            return refuse(s, "NUL is not accepted");
    } else if (!p[1] || !strchr("\"\\/bfnrt", p[1])) {
        return refuse(s, "an escape is unknown");
    }
    s->i += length;
    return OK;
}

/* Reads a string; `raw` is what stands between its quotes. */
static enum err scan_string(struct scan *s, struct str *raw)
{
    const size_t start = ++s->i;

    for (;;) {
        const int c = peek(s);
        if (c < 0)
            return refuse(s, "a string does not end");
        if (c == '"')
            break;
        if (c < 0x20)
            return refuse(s, c ? "a control character must be escaped" : "NUL is not accepted");
        if (c == '\\')
            TRY(scan_escape(s));
        else
            s->i++;
    }
    *raw = (struct str){s->text.p + start, s->i - start};
    if (!utf8_check(*raw, NULL))
        return refuse(s, "must be valid UTF-8");
    s->i++;
    return OK;
}

static size_t digits(struct scan *s)
{
    const size_t start = s->i;

    while (peek(s) >= '0' && peek(s) <= '9')
        s->i++;
    return s->i - start;
}

/* The grammar of a number; false where it breaks. */
static bool scan_number_form(struct scan *s, bool *whole)
{
    *whole = true;
    if (peek(s) == '-')
        s->i++;
    if (peek(s) == '0')
        s->i++;
    else if (!digits(s))
        return false;
    if (peek(s) == '.') {
        *whole = false;
        s->i++;
        if (!digits(s))
            return false;
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        *whole = false;
        s->i++;
        if (peek(s) == '+' || peek(s) == '-')
            s->i++;
        if (!digits(s))
            return false;
    }
    return true;
}

static enum err scan_number(struct scan *s)
{
    const size_t start = s->i;
    char copy[JSON_NUMBER_MAX + 1];
    bool whole;
    int64_t v;

    if (!scan_number_form(s, &whole))
        return refuse(s, "a number is not well-formed");
    const struct str number = {s->text.p + start, s->i - start};
    if (number.n > JSON_NUMBER_MAX)
        return refuse(s, "a number is too long");
    if (whole)
        return str_i64(number, &v) ? OK : refuse(s, "a number is out of range");
    memcpy(copy, number.p, number.n);
    copy[number.n] = 0;
    return isfinite(strtod(copy, NULL)) ? OK : refuse(s, "a number is out of range");
}

static enum err scan_word(struct scan *s)
{
    static const char *const words[] = {"true", "false", "null"};
    const struct str rest = {s->text.p + s->i, s->text.n - s->i};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_starts(rest, str_of(words[i]))) {
            s->i += strlen(words[i]);
            return OK;
        }
    }
    return refuse(s, rest.n ? "is not JSON" : "the JSON ends too early");
}

/* ---- keys ---- */

/* The next UTF-16 escape, simple escape or byte of a checked string; -1 at its end. */
static int32_t next_unit(struct str *raw)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";

    if (!raw->n)
        return -1;
    size_t length = 1;
    int32_t unit = (unsigned char)raw->p[0];
    if (unit == '\\' && raw->p[1] == 'u') {
        unit = escape_u(raw->p, raw->n, &length);
    } else if (unit == '\\') {
        const char *at = strchr(from, raw->p[1]);
        unit = at ? to[at - from] : raw->p[1];
        length = 2;
    } else if (unit >= 0x80) { /* a whole character, to compare with its escape; well-formed by now */
        length = unit >= 0xf0 ? 4 : unit >= 0xe0 ? 3 : 2;
        unit &= 0x7f >> length;
        for (size_t i = 1; i < length; i++)
            unit = unit << 6 | ((unsigned char)raw->p[i] & 0x3f);
    }
    raw->p += length;
    raw->n -= length;
    return unit;
}

static bool same_key(struct str a, struct str b)
{
    if (!memchr(a.p, '\\', a.n) && !memchr(b.p, '\\', b.n))
        return str_eq(a, b);
    int32_t unit = 0;
    while (unit >= 0) {
        unit = next_unit(&a);
        if (unit != next_unit(&b))
            return false;
    }
    return true;
}

/* A key and its colon; the object is the innermost level. */
static enum err scan_key(struct scan *s)
{
    const struct level *l = &s->levels[s->depth - 1];
    struct str key = STR("");

    if (peek_after_space(s) != '"')
        return refuse(s, "an object's key is missing");
    TRY(scan_string(s, &key));
    if (s->n_keys - l->first_key >= JSON_MEMBERS_MAX || s->n_keys >= JSON_KEYS_MAX)
        return refuse(s, "an object has too many members");
    s->keys[s->n_keys++] = key;
    for (unsigned k = l->first_key; k + 1 < s->n_keys; k++)
        if (same_key(s->keys[k], key))
            return refuse(s, "stands there twice");
    if (peek_after_space(s) != ':')
        return refuse(s, "a colon is missing");
    s->i++;
    return OK;
}

/* ---- values ---- */

/* Opens a container; `*complete` when it is empty and therefore closed again. */
static enum err open_container(struct scan *s, bool *complete)
{
    const bool object = peek(s) == '{';

    if (s->depth >= JSON_DEPTH_MAX)
        return refuse(s, "nests deeper than %d", JSON_DEPTH_MAX);
    s->levels[s->depth++] = (struct level){.object = object, .first_key = s->n_keys};
    s->i++;
    *complete = peek_after_space(s) == (object ? '}' : ']');
    if (*complete) {
        s->depth--;
        s->i++;
        return OK;
    }
    return object ? scan_key(s) : OK;
}

/* A scalar, or the beginning of a container whose first value comes next. */
static enum err scan_value(struct scan *s, bool *complete)
{
    const int c = peek_after_space(s);
    struct str raw;

    *complete = true;
    if (c == '{' || c == '[')
        return open_container(s, complete);
    if (c == '"')
        return scan_string(s, &raw);
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(s);
    return scan_word(s);
}

/* Behind a value: closes containers, or goes on to the next value of one; `*end` at the end of the text. */
static enum err after_value(struct scan *s, bool *end)
{
    for (;;) {
        const int c = peek_after_space(s);
        *end = s->depth == 0;
        if (*end)
            return c < 0 ? OK : refuse(s, "something follows the JSON");
        struct level *l = &s->levels[s->depth - 1];
        if (c == ',') {
            s->i++;
            l->index++;
            return l->object ? scan_key(s) : OK;
        }
        if (c != (l->object ? '}' : ']'))
            return refuse(s, c < 0 ? "the JSON ends too early" : "a comma or an end is missing");
        s->i++;
        s->n_keys = l->first_key;
        s->depth--;
    }
}

enum err jsonscan(struct str text, struct problem *problem)
{
    struct scan s;
    bool complete, end = false;

    s.text = text; /* not zeroed as a whole: the stacks are 17 KiB and written before they are read */
    s.i = 0;
    s.depth = s.n_keys = 0;
    s.problem = problem;
    while (!end) {
        TRY(scan_value(&s, &complete));
        if (complete)
            TRY(after_value(&s, &end));
    }
    return OK;
}

size_t json_depth(struct str json)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;

    for (size_t i = 0; i < json.n; i++) {
        const char c = json.p[i];
        if (c == '"')
            in_string = !in_string;
        else if (in_string)
            i += c == '\\';
        else if (c == '{' || c == '[')
            deepest = ++depth > deepest ? depth : deepest;
        else if (c == '}' || c == ']')
            depth--;
    }
    return deepest;
}
