/*
 * The last step of every request: its answer as an HTTP text (headers as of CGI),
 * one line in the log, and the counters. Never bodies, tokens or queries in the log.
 */
#ifndef WEB_REPLY_H
#define WEB_REPLY_H

#include "web/conn.h"

struct reply {
    int status;
    enum err err;                  /* OK: `body` is JSON; else it is made from the problem */
    const struct problem *problem; /* in words; never NULL */
    struct str body;
    struct str headers, location; /* as in struct req; only of a good answer */
};

/* `us`: how long it took. The text is in `arena`. */
struct str reply_conclude(const struct service *of, const struct trail *t, const struct reply *a, int64_t us,
                          struct arena *arena);

enum { REPLY_STREAM_HEAD = 320 };
/* The head of an answer that is a stream of events. */
struct str reply_stream_head(const struct trail *t, char out[REPLY_STREAM_HEAD]);
/* The end of a stream of so many bytes: the line in the log, and the counters. */
void reply_stream_done(const struct service *of, const struct trail *t, int64_t us, uint64_t bytes);

/*
 * Errors that must not leave the house (ERR_DUPLICATE, ERR_RETRY) were forgotten by
 * somebody: that is logged, and the answer is ERR_UNAVAILABLE. Others come back as they are.
 */
enum err reply_public_error(const struct trail *t, enum err err, struct problem *problem);

#endif
