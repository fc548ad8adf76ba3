/*
 * Parking: a request that waits without a thread. It keeps a descriptor, a
 * FastCGI request id and a table entry; its arena is given back.
 *
 * A route with ROUTE_LATER calls req_park(), which takes over the request and
 * gives a ticket. Whoever answers first wins: park_answer() from any thread, or
 * the hang-up. A ticket is never reused, so a late answer to a gone poll is a no-op.
 *
 * One of a route with ROUTE_STREAM is told many things, by park_tell(), until the last.
 */
#ifndef WEB_PARK_H
#define WEB_PARK_H

#include <stdint.h>

#include "web/web.h"

typedef uint64_t ticket; /* 0: none */

enum park_event {
    PARK_GONE,  /* the client hung up, or takes nothing: the ticket is void */
    PARK_DUE,   /* the deadline; it is to be answered now */
    PARK_TAKEN, /* a stream: what it was told last is on its way */
};
/* Called in the event loop's thread; PARK_TAKEN, and a stream's PARK_GONE, in park_tell()'s too. */
typedef void (*park_fn)(void *arg, ticket t, enum park_event what);

/*
 * Parks r until `due_mono_ms`; `fn(arg, ticket, …)` hears of what happens to it. The
 * return value is for the handler to return (LATER). The ticket is written to
 * `*out` before anything can answer it, under the lock that park_answer() takes;
 * afterwards `r` must not be touched.
 */
enum err req_park(struct req *r, int64_t due_mono_ms, park_fn fn, void *arg, ticket *out) MUST_CHECK;
/* Answers 200 with this JSON body; false if the request is gone. Thread-safe, never blocks. */
bool park_answer(ticket t, struct str json);
/*
 * Tells a stream something: a piece of an event stream. `goes_on`: not the last; the
 * next one may be told after PARK_TAKEN, the last one at any time. False if the request
 * is gone. Thread-safe, never blocks. Under plain CGI the first is the last.
 */
bool park_tell(ticket t, struct str piece, bool goes_on);
/* Answers with an error; a stream that has begun just ends. */
bool park_fail(ticket t, enum err err, const struct problem *problem);
/* Parked now. */
unsigned park_count(void);

#endif
