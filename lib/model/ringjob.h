/* What waits to be rung: a copy of one outbox row's events, or of one whisper. The ringer's own. */
#ifndef MODEL_RINGJOB_H
#define MODEL_RINGJOB_H

#include "model/ringer.h"

/* One block of memory, given back by free(). */
struct ringjob {
    struct ringjob *next;
    size_t bytes;
    uint64_t outbox_id; /* 0: a whisper; its one event is empty, its people and JSON are in entries[0] */
    uint64_t origin;    /* of a whisper */
    size_t n;
    struct event *events;
    struct ring_entry *entries;
};

/* Copies everything. `entries` may be NULL. */
struct ringjob *ringjob_new(uint64_t outbox_id, const struct event *events, size_t n,
                            const struct ring_entry *entries);

#endif
