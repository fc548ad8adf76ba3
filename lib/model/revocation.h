/*
 * Revoked sessions whose access tokens may still be alive: a set in the memory
 * of each process, read from the table `revocations` every 500 ms by the watch.
 *
 * A transaction may commit after a later one was read; so each reading goes
 * back over an overlap, and adding twice is harmless. What is older than any
 * token can live is dropped.
 */
#ifndef MODEL_REVOCATION_H
#define MODEL_REVOCATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/ctx.h"

/* Thread-safe. */
struct revoked_set;

struct revoked_set *revoked_new(void);
void revoked_free(struct revoked_set *set);
/* True when it was not in the set. `until_ms`: kept at least as long, by the database's clock. */
bool revoked_add(struct revoked_set *set, uint64_t session_id, int64_t until_ms);
bool revoked_has(struct revoked_set *set, uint64_t session_id);
size_t revoked_count(struct revoked_set *set);

/*
 * Reads what is new into the set, calling `fn(arg, session_id, user_id)` (may be
 * NULL) for each that was not in it, and drops what is too old. One caller at a time.
 */
enum err revocations_read(struct ctx *ctx, struct revoked_set *set,
                          void (*fn)(void *arg, uint64_t session_id, uint64_t user_id), void *arg) MUST_CHECK;

/* How long a revocation matters: the life of the longest token and what clocks may disagree. */
int64_t revocations_kept_ms(const struct conf *conf);

#endif
