/*
 * The front of every handler: one thread with epoll over the listening socket and
 * the kept connections. It reads whole requests and starts them; answers are sent
 * from wherever they are made. Nothing in it blocks.
 */
#ifndef WEB_FRONT_H
#define WEB_FRONT_H

#include "web/serve.h"

/* Binds `path` (0660; refused when a living process answers there) and listens. */
enum err front_open(const struct site *site, const char *path, struct problem *problem) MUST_CHECK;
/*
 * Serves until SIGTERM or SIGINT (blocked in all threads by the caller), then
 * stops with grace: the listener closes, parked requests are due at once, what
 * comes within 2 s is served, idle connections are closed.
 */
void front_run(void);
void front_close(void);

/* A worker: reads and refuses a request whose body is too long for the loop. */
void front_read_long(struct request *q, struct fcgi *fcgi);

const struct site *front_site(void);

#endif
