/*
 * The ringer: tells people, after a commit. One thread per process, with its own
 * Redis and database connection; the only way to ring is outbox_ring().
 *
 * For each event it finds the recipients, writes a reference into their boxes,
 * and puts one element on the bell of each poll process where one of them is
 * (fanout.h; the keys are described in inbox.h). Then the outbox row
 * is deleted, within 200 ms. If Redis is down or the process dies, the row
 * stays, and the courier rings it.
 */
#ifndef MODEL_RINGER_H
#define MODEL_RINGER_H

#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"
#include "model/event.h"

struct ringer;
struct house;

/* An entry that is known already, so that ringing it reads nothing: made by the log writer. */
struct ring_entry {
    struct str json;            /* the entry as on the wire, without `mine` in reactions */
    const uint64_t *member_ids; /* who may see it */
    size_t n_members;
};

enum err ringer_new(struct house *house, struct ringer **out) MUST_CHECK;
/* Rings what is queued, for at most 2 s, then stops. */
void ringer_free(struct ringer *ringer);

/*
 * Hands over the events of a committed outbox row. Everything is copied. `entries`
 * may be NULL, or holds one item per event (its json empty where unknown).
 * Never blocks and never fails: when the queue is full the courier will ring it.
 */
void outbox_ring(struct ringer *ringer, uint64_t outbox_id, const struct event *events, size_t n,
                 const struct ring_entry *entries);

/* Ephemeral: one bell element for these people with this event JSON; no box, no outbox. Best effort. */
void ringer_whisper(struct ringer *ringer, const uint64_t *user_ids, size_t n, struct str event_json,
                    uint64_t origin_session);

/*
 * Outbox ids that were rung and may be deleted, for a caller that has a transaction
 * going anyway (the log writer); up to `max`. Give them back by ringer_untake() if it rolled back.
 */
size_t ringer_take(struct ringer *ringer, uint64_t *ids, size_t max);
void ringer_untake(struct ringer *ringer, const uint64_t *ids, size_t n);
/* Rows and whispers that wait to be rung. */
size_t ringer_waiting(struct ringer *ringer);

#endif
