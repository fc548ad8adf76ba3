/*
 * A proxy in front of a unix socket: of the database it breaks off a connection just
 * before or just after a COMMIT, for tests of what is in doubt; of Redis it swallows
 * bells.
 */
#ifndef LIB_PROXY_H
#define LIB_PROXY_H

#include <stdbool.h>

struct proxy;

enum proxy_break {
    PROXY_NOTHING,
    PROXY_BEFORE_COMMIT, /* the COMMIT is not passed on */
    PROXY_AFTER_COMMIT,  /* the COMMIT is passed on and answered, the answer is not */
};

/* Listens beside `target`. Ends the program when it cannot. */
struct proxy *proxy_new(const char *target);
void proxy_free(struct proxy *p);
const char *proxy_path(const struct proxy *p);
/* The next `times` COMMITs; more than one: after the first no connection is taken at all. */
void proxy_break(struct proxy *p, enum proxy_break how, int times);
/* What is pushed onto the list of a poll process goes to a list that nobody has; all answers are the same. */
void proxy_swallow_bells(struct proxy *p, bool swallow);
/* How often it did. */
int proxy_broken(struct proxy *p);

#endif
