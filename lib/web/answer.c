/* FastCGI records, written. */
#include "web/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    HEADER = 8,
    CONTENT_MAX = 65528, /* the largest multiple of 8 that a record holds: only the last one is padded */
    TAIL = HEADER + HEADER + 8, /* an empty STDOUT, END_REQUEST */
    SMALL = 4096,
    VALUES_MAX = 256,
};

enum { VERSION = 1, END_REQUEST = 3, STDOUT = 6, GET_VALUES = 9, GET_VALUES_RESULT = 10, UNKNOWN_TYPE = 11 };

static unsigned char *put_header(unsigned char *p, unsigned type, unsigned id, size_t content, size_t padding)
{
    const unsigned char header[HEADER] = {VERSION,
                                          (unsigned char)type,
                                          (unsigned char)(id >> 8),
                                          (unsigned char)id,
                                          (unsigned char)(content >> 8),
                                          (unsigned char)content,
                                          (unsigned char)padding,
                                          0};
    memcpy(p, header, HEADER);
    return p + HEADER;
}

static unsigned char *put_end(unsigned char *p, unsigned id, enum answer_end status)
{
    p = put_header(p, END_REQUEST, id, 8, 0);
    memset(p, 0, 8);
    p[4] = (unsigned char)status;
    return p + 8;
}

static size_t size_of(size_t n, bool ends)
{
    const size_t records = (n + CONTENT_MAX - 1) / CONTENT_MAX;

    return records * HEADER + ((n + 7) & ~(size_t)7) + (ends ? TAIL : 0);
}

static void encode(unsigned char *p, unsigned id, struct str http, bool ends)
{
    while (http.n) {
        const size_t n = http.n < CONTENT_MAX ? http.n : CONTENT_MAX, padding = (8 - (n & 7)) & 7;
        p = put_header(p, STDOUT, id, n, padding);
        memcpy(p, http.p, n);
        memset(p + n, 0, padding);
        p += n + padding;
        http = (struct str){http.p + n, http.n - n};
    }
    if (!ends)
        return;
    p = put_header(p, STDOUT, id, 0, 0);
    put_end(p, id, ANSWER_COMPLETE);
}

/* How much of it went; -1: broken. */
static ssize_t send_some(int fd, const unsigned char *p, size_t n)
{
    ssize_t sent;

    do
        sent = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    return sent;
}

static struct answer_rest *rest_new(size_t n)
{
    struct answer_rest *rest = malloc(sizeof *rest + n);

    if (!rest)
        abort();
    rest->n = n;
    rest->at = 0;
    return rest;
}

static bool send_small(int fd, const unsigned char *p, size_t n, struct answer_rest **rest)
{
    const ssize_t sent = send_some(fd, p, n);

    if (sent >= 0 && (size_t)sent < n) {
        *rest = rest_new(n - (size_t)sent);
        memcpy((*rest)->bytes, p + sent, (*rest)->n);
    }
    return sent >= 0;
}

bool answer_piece(int fd, uint16_t request_id, struct str text, bool ends, struct answer_rest **rest)
{
    const size_t n = size_of(text.n, ends);
    struct answer_rest *before = *rest;
    const size_t n_before = before ? before->n - before->at : 0;
    unsigned char small[SMALL];

    if (!before && n <= sizeof small) {
        encode(small, request_id, text, ends);
        return send_small(fd, small, n, rest);
    }
    *rest = rest_new(n_before + n);
    if (before)
        memcpy((*rest)->bytes, before->bytes + before->at, n_before);
    free(before);
    encode((*rest)->bytes + n_before, request_id, text, ends);
    return answer_continue(fd, rest);
}

bool answer_send(int fd, uint16_t request_id, struct str http, struct answer_rest **rest)
{
    *rest = NULL;
    return answer_piece(fd, request_id, http, true, rest);
}

bool answer_continue(int fd, struct answer_rest **rest)
{
    struct answer_rest *r = *rest;
    ssize_t sent = 0;

    while (r->at < r->n && (sent = send_some(fd, r->bytes + r->at, r->n - r->at)) > 0)
        r->at += (size_t)sent;
    if (sent >= 0 && r->at < r->n)
        return true;
    free(r);
    *rest = NULL;
    return sent >= 0;
}

void answer_end(int fd, uint16_t request_id, enum answer_end status)
{
    unsigned char record[HEADER + 8];

    put_end(record, request_id, status);
    (void)send_some(fd, record, sizeof record);
}

/* The values that we have, of those asked for: names and answers are short, so lengths are one byte. */
static size_t put_values(const unsigned char *p, size_t n, unsigned char *out)
{
    static const struct {
        struct str name, value;
    } known[] = {{STR("FCGI_MAX_CONNS"), STR("10000")},
                 {STR("FCGI_MAX_REQS"), STR("10000")},
                 {STR("FCGI_MPXS_CONNS"), STR("0")}};
    unsigned char *const start = out;
    unsigned given = 0;

    while (n >= 2 && p[0] < 128 && p[1] < 128 && (size_t)p[0] + p[1] + 2 <= n) {
        const struct str name = {(const char *)p + 2, p[0]};
        for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
            if (!str_eq(name, known[i].name) || given & 1U << i)
                continue;
            given |= 1U << i;
            *out++ = (unsigned char)name.n;
            *out++ = (unsigned char)known[i].value.n;
            memcpy(out, name.p, name.n);
            memcpy(out + name.n, known[i].value.p, known[i].value.n);
            out += name.n + known[i].value.n;
        }
        const size_t step = (size_t)p[0] + p[1] + 2;
        p += step;
        n -= step;
    }
    return (size_t)(out - start);
}

bool answer_values(int fd, const unsigned char *record, size_t n)
{
    const size_t content = (size_t)(record[4] << 8 | record[5]);
    unsigned char out[HEADER + VALUES_MAX] = {0};
    size_t length = 8;

    if (record[1] == GET_VALUES && HEADER + content <= n) {
        length = put_values(record + HEADER, content, out + HEADER);
        put_header(out, GET_VALUES_RESULT, 0, length, 0);
    } else {
        put_header(out, UNKNOWN_TYPE, 0, length, 0);
        out[HEADER] = record[1];
    }
    return send_some(fd, out, HEADER + length) == (ssize_t)(HEADER + length);
}
