/*
 * The house epoch: which life of Redis this is.
 *
 * The random number in `ph:house` changes when Redis was wiped, the server's
 * run_id when it was started again, perhaps from an old snapshot, or when another
 * server took over. A box that was made under another epoch counts as absent.
 */
#ifndef MODEL_EPOCH_H
#define MODEL_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "ext/redis.h"

enum { EPOCH_BYTES = 32, EPOCH_AGE_MS = 1000 };

/* Hex digits without NUL; all zero bytes: none. */
struct epoch {
    char text[EPOCH_BYTES];
};

/* What one connection knows of it. Zero it first. */
struct epoch_watch {
    struct epoch epoch;
    unsigned connection;
    int64_t read_mono_ms;
};

bool epoch_eq(struct epoch a, struct epoch b);
bool epoch_is_none(struct epoch e);
static inline struct str epoch_str(const struct epoch *e)
{
    return (struct str){e->text, epoch_is_none(*e) ? 0 : EPOCH_BYTES};
}

/* Reads both parts, making `ph:house` if it is absent. ERR_UNAVAILABLE too from a server that writes nothing.
 */
enum err epoch_read(struct redis *redis, struct arena *arena, struct epoch *out) MUST_CHECK;
/*
 * The epoch that holds on this connection: read again on a new connection, after
 * EPOCH_AGE_MS, and when it differs from `other` (what another thread saw, perhaps later; NULL: nobody did).
 */
enum err epoch_current(struct epoch_watch *watch, struct redis *redis, struct arena *arena,
                       const struct epoch *other) MUST_CHECK;

#endif
