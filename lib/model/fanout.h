/*
 * The fan-out: many (person, event) into boxes and onto bells, in chunks.
 *
 * Two connections: the boxes of the next chunk are written by the server while
 * the bells of this one are put on their lists. An event counts as rung when every
 * box was written and every bell is on its list; anything less is done again, as a
 * whole, by whoever finds its outbox row, and doing it twice is harmless.
 */
#ifndef MODEL_FANOUT_H
#define MODEL_FANOUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/conf.h"
#include "base/str.h"

struct fanout;

struct fan_event {
    struct str reference; /* packed, for the boxes; absent for a whisper, which writes none */
    struct str json;      /* the event as on the wire, or empty */
    uint64_t origin;      /* the session that is not told; 0: none */
    size_t left;          /* out: recipients not reached; set by fanout_run() */
};

struct fan_target {
    uint64_t user_id;
    struct fan_event *event;
};

/* Connects when it is needed. `conf` is borrowed. */
struct fanout *fanout_new(const struct conf *conf);
void fanout_free(struct fanout *f);
/* Rings them in this order. What Redis did not take is in `left` of the events. One thread at a time. */
void fanout_run(struct fanout *f, struct arena *arena, const struct fan_target *targets, size_t n);

#endif
