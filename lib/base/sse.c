/* Event streams: lines are put together, then fields, then events. */
#include "base/sse.h"

#include <stdlib.h>

/* Grows up to the maximum, and is used again. */
struct piece {
    char *p;
    size_t n, cap;
};

struct sse {
    size_t max;
    sse_event fn;
    void *arg;
    struct piece line, data;
    bool has_data; /* also of an empty line of data */
    bool after_cr; /* an LF that comes now belongs to it */
    bool began;    /* a byte order mark may stand before the first line alone */
};

struct sse *sse_new(size_t max, sse_event fn, void *arg)
{
    struct sse *sse = calloc(1, sizeof *sse);

    if (!sse)
        abort();
    sse->max = max;
    sse->fn = fn;
    sse->arg = arg;
    return sse;
}

void sse_free(struct sse *sse)
{
    free(sse->line.p);
    free(sse->data.p);
    free(sse);
}

static bool add(const struct sse *sse, struct piece *to, const char *bytes, size_t n)
{
    if (n > sse->max - to->n)
        return false;
    if (to->n + n > to->cap) {
        size_t cap = to->cap ? to->cap : 256;
        while (cap < to->n + n)
            cap *= 2;
        char *p = realloc(to->p, cap);
        if (!p)
            abort();
        to->p = p;
        to->cap = cap;
    }
    if (n)
        memcpy(to->p + to->n, bytes, n);
    to->n += n;
    return true;
}

/* An empty line: what was gathered is an event, if there is any. */
static bool end_event(struct sse *sse)
{
    const struct str data = {sse->data.p ? sse->data.p : "", sse->data.n};

    if (!sse->has_data)
        return true;
    sse->has_data = false;
    sse->data.n = 0;
    return sse->fn(sse->arg, data);
}

static bool end_line(struct sse *sse)
{
    static const char mark[] = "\xef\xbb\xbf";
    struct str rest = {sse->line.p ? sse->line.p : "", sse->line.n}, name;

    sse->line.n = 0;
    if (!sse->began && str_starts(rest, ((struct str){mark, sizeof mark - 1})))
        rest = (struct str){rest.p + sizeof mark - 1, rest.n - (sizeof mark - 1)};
    sse->began = true;
    if (!rest.n)
        return end_event(sse);
    const char *colon = memchr(rest.p, ':', rest.n);
    name = (struct str){rest.p, colon ? (size_t)(colon - rest.p) : rest.n};
    if (!str_eq(name, STR("data")))
        return true;
    struct str value = {rest.p + rest.n, 0};
    if (colon)
        value = (struct str){colon + 1, rest.n - name.n - 1};
    if (value.n && *value.p == ' ')
        value = (struct str){value.p + 1, value.n - 1};
    if (sse->has_data && !add(sse, &sse->data, "\n", 1))
        return false;
    sse->has_data = true;
    return add(sse, &sse->data, value.p, value.n);
}

bool sse_feed(struct sse *sse, const char *bytes, size_t n)
{
    size_t from = 0;

    for (size_t at = 0; at < n; at++) {
        const char c = bytes[at];
        if (c == '\n' && sse->after_cr) {
            from = at + 1;
            sse->after_cr = false;
            continue;
        }
        sse->after_cr = c == '\r';
        if (c != '\n' && c != '\r')
            continue;
        if (!add(sse, &sse->line, bytes + from, at - from) || !end_line(sse))
            return false;
        from = at + 1;
    }
    return add(sse, &sse->line, bytes + from, n - from);
}
