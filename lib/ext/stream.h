/*
 * POSTs whose answers come piece by piece: libcurl's multi interface, and the only
 * file that includes its header.
 *
 * All streams of a `struct streams` are one thread's: it opens and closes them, and
 * streams_wait() moves them all and hands out what came; none is closed meanwhile. No redirect is followed
 * and no proxy of the environment used: the address that the operator wrote is the one that is asked.
 */
#ifndef EXT_STREAM_H
#define EXT_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct streams;
struct stream;

struct stream_ask {
    const char *url;            /* http or https */
    const char *const *headers; /* "Name: value", ended by NULL */
    struct str body;            /* copied */
    bool may_be_private; /* else loopback, link-local and private addresses are refused, by whatever name */
    int connect_ms;
    /* Bytes of an answer with status 200. False: no more is wanted, and it ends as STREAM_BROKEN. */
    bool (*on_bytes)(void *arg, const char *bytes, size_t n);
    void *arg;
};

enum stream_state {
    STREAM_RUNS,
    STREAM_DONE,        /* the answer is there, whatever its status */
    STREAM_UNREACHABLE, /* no connection */
    STREAM_BROKEN,      /* cut off in between */
};

struct streams *streams_new(void);
/* All of its streams were closed. */
void streams_free(struct streams *all);
/* Moves all streams; returns after at most `ms`, or when something happened. */
void streams_wait(struct streams *all, int ms);

struct stream *stream_open(struct streams *all, const struct stream_ask *ask);
void stream_close(struct stream *s);
enum stream_state stream_state(const struct stream *s);
/* 0: none yet. */
int stream_status(const struct stream *s);
/* Of an answer with Retry-After in seconds; 0: it has none. */
int stream_retry_after_s(const struct stream *s);

#endif
