/*
 * The walk: looks at the bytes that wait in a connection and says whether a
 * whole FastCGI request is there. A pure function on bytes; it consumes nothing.
 *
 * libfcgi reads blocking, so it is only given a request that is whole. It also
 * believes the lengths that a request states, so they are checked here.
 */
#ifndef WEB_WALK_H
#define WEB_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WALK_BODY_MAX = 64 * 1024,   /* of a request that the loop takes; more is read by a worker */
    WALK_PARAMS_MAX = 64 * 1024, /* four times what nginx's own limits let through */
    /* How much is looked at: all of the above with record headers and padding. */
    WALK_BYTES = WALK_BODY_MAX + WALK_PARAMS_MAX + 32 * 1024,
};

enum walk_verdict {
    WALK_MORE,      /* not whole yet: wait */
    WALK_WHOLE,     /* a request of `length` bytes */
    WALK_LONG,      /* its parameters are whole, its body is long: somebody who may block must read it */
    WALK_VALUES,    /* a management record of `length` bytes, whole */
    WALK_ROLE,      /* a request for a role that we don't play */
    WALK_MULTIPLEX, /* a second request, `other_id`, within the first */
    WALK_ABORT,     /* the request was taken back before it was whole */
    WALK_BAD,       /* no FastCGI, or past the limits */
};

struct walk {
    size_t length;
    uint16_t id, other_id;
    bool params;  /* they are whole: with WALK_MORE, only of the body something is missing */
    bool keep;    /* the peer will use the connection again */
    uint8_t type; /* of a management record */
};

enum walk_verdict walk(const unsigned char *bytes, size_t n, struct walk *out);

#endif
