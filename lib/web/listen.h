/* The listening socket of a process: a unix socket that it binds and removes itself. */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

#include "base/err.h"

/* Binds `path` with mode 0660 and listens; non-blocking. Refused when a living process answers there. */
enum err listen_open(const char *path, int *fd, struct problem *problem) MUST_CHECK;
/* Closes it, and removes the path if it is still ours. */
void listen_close(int fd);

#endif
