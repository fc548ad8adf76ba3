/*
 * Ids: 63 bits, ordered by time: 41 bits of milliseconds since 2024, 11 bits of
 * node, 11 bits of a counter.
 *
 * The node number is leased in the database (model/lease.c). The invariant: an
 * id is made only while the monotonic clock stands inside the lease, and at a
 * time above all that an earlier holder of the number may have used.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <pthread.h>
#include <stdint.h>

#include "base/err.h"

enum { ID_NODES = 2048, ID_PER_MS = 2048 };

struct id_maker {
    pthread_mutex_t lock;
    unsigned node;
    int64_t after_ms;      /* wall: only above this */
    int64_t until_ms;      /* wall: at most this, which the database knows as used */
    int64_t until_mono_ms; /* the lease by our own monotonic clock; 0: none held */
    int64_t last_ms;       /* of the newest id */
    unsigned next;         /* counter within last_ms */
};

void id_init(struct id_maker *m);
/* A fresh lease or a renewal of the same node. */
void id_lease(struct id_maker *m, unsigned node, int64_t after_ms, int64_t until_ms, int64_t until_mono_ms);
/* The newest time that may have been used, for renewing the lease and giving it back. */
int64_t id_used_ms(struct id_maker *m);
/* ERR_UNAVAILABLE outside the lease. Thread-safe. */
enum err id_next(struct id_maker *m, uint64_t *id) MUST_CHECK;
int64_t id_time_ms(uint64_t id);

#endif
