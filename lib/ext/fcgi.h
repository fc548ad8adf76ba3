/*
 * FastCGI input: libfcgi as the parser, and the only file that includes its header.
 *
 * It reads one request from a connected descriptor and copies what we use of it
 * into an arena. It never accepts, never writes and, on success, never closes:
 * descriptors and answers are web/front.c's and web/answer.c's.
 */
#ifndef EXT_FCGI_H
#define EXT_FCGI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* What nginx passes, and all that is looked at: PARAM(its name). */
#define FCGI_PARAMS_(PARAM)                                                                                  \
    PARAM(REQUEST_METHOD)                                                                                    \
    PARAM(REQUEST_URI)                                                                                       \
    PARAM(QUERY_STRING)                                                                                      \
    PARAM(CONTENT_LENGTH)                                                                                    \
    PARAM(REMOTE_ADDR)                                                                                       \
    PARAM(HTTP_AUTHORIZATION)                                                                                \
    PARAM(HTTP_IDEMPOTENCY_KEY)                                                                              \
    PARAM(HTTP_X_HTTP_METHOD_OVERRIDE)                                                                       \
    PARAM(HTTP_TRACEPARENT)                                                                                  \
    PARAM(HTTP_X_REQUEST_ID)                                                                                 \
    PARAM(REQUEST_SCHEME)                                                                                    \
    PARAM(HTTP_HOST)                                                                                         \
    PARAM(ASKED_METHOD)                                                                                      \
    PARAM(CONTENT_TYPE)                                                                                      \
    PARAM(HTTP_X_FILE_NAME)                                                                                  \
    PARAM(HTTP_TUS_RESUMABLE)                                                                                \
    PARAM(HTTP_UPLOAD_LENGTH)                                                                                \
    PARAM(HTTP_UPLOAD_OFFSET)                                                                                \
    PARAM(HTTP_UPLOAD_METADATA)                                                                              \
    PARAM(HTTP_UPLOAD_CHECKSUM)

enum fcgi_param {
#define PARAM(name) FCGI_##name,
    FCGI_PARAMS_(PARAM)
#undef PARAM
        FCGI_PARAMS
};
extern const char *const fcgi_param_names[FCGI_PARAMS];

struct fcgi_request {
    uint16_t id;                    /* FastCGI's, within the connection */
    bool keep;                      /* the peer wants to use the connection again */
    struct str params[FCGI_PARAMS]; /* absent: STR_NONE; NUL-terminated */
    struct str body;                /* empty when it was longer than `body_max` */
    size_t body_bytes;              /* of all that came */
};

/* Once per process, before any signal handler of ours: libfcgi installs its own. */
enum err fcgi_init(void) MUST_CHECK;

/* One parser is used by one thread. */
struct fcgi *fcgi_new(void);
void fcgi_free(struct fcgi *fcgi);

/*
 * Reads one request to the end of its body. Blocks as long as the descriptor's
 * SO_RCVTIMEO lets each read, and until `until_mono_ms` in all.
 * ERR_INVALID_REQUEST: cut off, malformed, too slow or endless; the descriptor is closed then.
 */
enum err fcgi_read(struct fcgi *fcgi, int fd, size_t body_max, int64_t until_mono_ms, struct arena *arena,
                   struct fcgi_request *out) MUST_CHECK;

/*
 * The same in pieces, for a body that is not to be held: begin, body until it is over, end. `out` has no
 * body. On failure of fcgi_begin() the descriptor is closed, and there is nothing to end.
 */
enum err fcgi_begin(struct fcgi *fcgi, int fd, struct arena *arena, struct fcgi_request *out) MUST_CHECK;
/* So many bytes, fewer only at the end; 0: the end; -1: it was cut off, or nothing came for SO_RCVTIMEO. */
long fcgi_body(struct fcgi *fcgi, char *out, size_t max);
/* Leaves the descriptor open. */
void fcgi_end(struct fcgi *fcgi);

#endif
