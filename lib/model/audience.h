/*
 * Audiences: who is told of what a job of the ringer says, and in which words.
 *
 * An entry that is the same for everybody goes out with the bell, so that it is read once and not by each
 * who waits. Whoever sees it in his own way is told by the reference alone and reads it with his rights: he
 * reacted to it, hid it, or was not there yet when it was said; of an operation, the entry that it changed.
 */
#ifndef MODEL_AUDIENCE_H
#define MODEL_AUDIENCE_H

#include "model/ctx.h"
#include "model/fanout.h"
#include "model/ringjob.h"

struct audience {
    struct ctx *ctx; /* nobody acts */
    struct fan_target *targets;
    size_t n, cap;
};

/* One event of a job, in two ways. */
struct told {
    struct fan_event common; /* to most */
    struct fan_event apart;  /* to those who read it themselves */
};

/* Adds everybody whom the job tells; `told` has one place for each of its events. All of it is in the ctx's
 * arena. An error leaves some of them added. */
enum err audience_add(struct audience *a, const struct ringjob *job, struct told *told) MUST_CHECK;
/* All that the job tells has reached everybody, after fanout_run(). */
bool audience_has_heard(const struct ringjob *job, const struct told *told);

#endif
