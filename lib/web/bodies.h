/*
 * Requests whose bodies are read while they run: a thread with a small stack for each, at most
 * conf->uploads_per_process, since a phone may take minutes for one.
 *
 * Such a request holds no connection to the database while it waits for bytes: a
 * few are lent for as long as a question takes. An answer that comes before the
 * whole body is sent at once; what still comes is thrown away for a moment, so
 * that nginx reads the answer before the connection is gone.
 */
#ifndef WEB_BODIES_H
#define WEB_BODIES_H

#include <stdbool.h>

#include "base/conf.h"
#include "base/str.h"

struct bodies;
struct request;

struct bodies *bodies_new(const struct conf *conf);
/* Ends what still runs: its bodies are cut off. */
void bodies_free(struct bodies *bodies);

/* A request of which nothing was read from its connection yet. False: too many already; it is the caller's.
 */
bool bodies_read(struct bodies *bodies, struct request *q);
/* One that was read whole, for a route with ROUTE_BODY. Always answered. */
void bodies_run(struct bodies *bodies, struct request *q);

/* What its Content-Length says of a body that a handler reads itself. That it is so long is seen at its end.
 */
enum err bodies_check(struct request *q, struct str length) MUST_CHECK;

#endif
