/*
 * Blocks: what I refuse to hear from somebody. The blocked person's messages and
 * requests are refused; a friendship stays as it is and works again afterwards.
 *
 * Like all between two people, under the pair lock (friends.h), with the
 * conversation's flags kept in the same transaction.
 */
#ifndef MODEL_BLOCKS_H
#define MODEL_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "model/accounts.h"
#include "model/ctx.h"

struct block {
    struct user user;
    int64_t created_at;
};

extern const struct shape block_shape;

/* Which of `ids` the actor blocks now: blocked[i]. */
enum err blocks_among(struct ctx *ctx, const uint64_t *ids, size_t n, bool *blocked) MUST_CHECK;

#endif
