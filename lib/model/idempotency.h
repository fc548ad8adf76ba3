/*
 * Idempotency keys: the answer of a creating POST is kept for 24 hours, written
 * in the same transaction, so that a repetition answers the first result.
 *
 * Two at the same moment: the unique key decides. The second waits in
 * idempotency_claim() for the first to commit, then finds its answer; if the first
 * rolled back, the second goes on as the first.
 */
#ifndef MODEL_IDEMPOTENCY_H
#define MODEL_IDEMPOTENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "model/ctx.h"

enum { IDEMPOTENCY_KEY_MAX = 64 };

struct idempotency {
    uint64_t user_id;
    unsigned char key_hash[32], request_hash[32];
};

/*
 * Names the request: `operation` is the route's, `target` what else of the request
 * decides what it does (path and body, as they came).
 */
void idempotency_init(struct idempotency *k, uint64_t user_id, struct str operation, struct str key,
                      struct str target);

/* The answer of a request that was carried out with this key, whatever it was; STR_NONE: there is none. */
enum err idempotency_look(struct ctx *ctx, const struct idempotency *k, struct str *answer) MUST_CHECK;

/*
 * Inside the transaction, before anything else of it. `*first`: go on, then
 * call idempotency_store(). Otherwise `*status` and `*answer` (in ctx->arena) are
 * the first result. ERR_CONFLICT: the key was used for another request.
 */
enum err idempotency_claim(struct ctx *ctx, const struct idempotency *k, bool *first, int *status,
                           struct str *answer) MUST_CHECK;
/* The answer of the one that claimed it, in the same transaction. */
enum err idempotency_store(struct ctx *ctx, const struct idempotency *k, int status,
                           struct str answer) MUST_CHECK;

#endif
