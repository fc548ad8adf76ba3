/*
 * Parking: a request that waits without a thread. It keeps a descriptor, a
 * FastCGI request id and a table entry; its arena is given back.
 *
 * A route with ROUTE_LATER calls req_park(), which takes over the request and
 * gives a ticket. Whoever answers first wins: park_answer() from any thread, or
 * the hang-up. A ticket is never reused, so a late answer to a gone poll is a no-op.
 */
#ifndef WEB_PARK_H
#define WEB_PARK_H

#include <stdint.h>

#include "web/web.h"

typedef uint64_t ticket; /* 0: none */

/* Called in the event loop's thread when the client of a parked request hung up, or with due = true at its
 * deadline. */
typedef void (*park_fn)(void *arg, ticket t, bool due);

/*
 * Parks r until `due_mono_ms`; `fn(arg, ticket, …)` hears of hang-up and deadline. The
 * return value is for the handler to return (LATER). The ticket is written to
 * `*out` before anything can answer it, under the lock that park_answer() takes;
 * afterwards `r` must not be touched.
 */
enum err req_park(struct req *r, int64_t due_mono_ms, park_fn fn, void *arg, ticket *out) MUST_CHECK;
/* Answers 200 with this JSON body; false if the request is gone. Thread-safe, never blocks. */
bool park_answer(ticket t, struct str json);
/* Answers with an error. */
bool park_fail(ticket t, enum err err, const struct problem *problem);
/* Parked now, and the most this process takes. */
unsigned park_count(void);

#endif
