/*
 * HTTP as a client: libcurl, and the only file that includes its header.
 *
 * One request at a time per call, blocking, with kept connections: a handle that
 * was used is used again. A body is streamed from a callback, an answer to one;
 * nothing here holds a whole body but short answers. Thread-safe.
 */
#ifndef EXT_HTTP_H
#define EXT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct http;

/* Gives up to `max` bytes of the body; 0: its end; -1: it cannot be had, the request is given up. */
typedef long (*http_source)(void *arg, char *out, size_t max);
/* Takes bytes of the answer; false: give up. */
typedef bool (*http_sink)(void *arg, const char *bytes, size_t n);

enum { HTTP_SHORT_MAX = 256 * 1024, HTTP_ETAG_MAX = 128 };

struct http_request {
    const char *method;
    const char *url;
    const char *const *headers; /* "Name: value", ended by NULL */
    int64_t body_bytes;         /* of the source, exactly; -1: no body */
    http_source source;
    void *source_arg;
    http_sink sink; /* of an answer with status 2xx; NULL: short answers go to `body` */
    void *sink_arg;
};

enum http_end {
    HTTP_DONE,        /* there is an answer, whatever its status */
    HTTP_UNREACHABLE, /* no connection: certainly nothing was done */
    HTTP_BROKEN,      /* it broke, or took too long: perhaps it was done */
    HTTP_GIVEN_UP,    /* by the source or the sink */
};

struct http_answer {
    enum http_end end;
    int status;
    int64_t length; /* Content-Length; -1: not said */
    char etag[HTTP_ETAG_MAX];
    struct str body; /* at most HTTP_SHORT_MAX; of errors too */
    bool asked;      /* the source was asked for bytes */
    char why[128];   /* when there is no answer */
};

/* No connection within `connect_ms`, or nothing moving for `stall_s`, ends a request. */
struct http *http_new(int connect_ms, int stall_s);
void http_free(struct http *http);

void http_call(struct http *http, const struct http_request *r, struct arena *arena, struct http_answer *out);

#endif
