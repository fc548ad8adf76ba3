/*
 * Workers: threads for requests that may block, each with its own connections
 * to the database and to Redis, before one bounded queue.
 */
#ifndef WEB_POOL_H
#define WEB_POOL_H

#include <stdbool.h>

#include "web/serve.h"

/* `name`: of the counter that says how many wait. */
struct pool *pool_new(const struct conf *conf, int workers, int queue, const char *name);
/* Runs what is queued, then ends the threads. */
void pool_free(struct pool *pool);
/* False: the queue is full. */
bool pool_put(struct pool *pool, struct request *q);
/* The same for one that is not read yet, because it is too long to wait for in the loop. */
bool pool_put_unread(struct pool *pool, struct request *q);

#endif
