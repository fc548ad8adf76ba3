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

enum { BLOCKS_MAX = 10000 }; /* of one person */

struct block {
    struct user user;
    int64_t created_at;
};

extern const struct shape block_shape;

/* Which of `ids` the actor blocks now: blocked[i]. */
enum err blocks_among(struct ctx *ctx, const uint64_t *ids, size_t n, bool *blocked) MUST_CHECK;
/* People whom the actor blocks, by id. `next` is absent at the end. */
enum err blocks_list(struct ctx *ctx, struct str cursor, size_t limit, struct list *out,
                     struct str *next) MUST_CHECK;
/*
 * Inside a transaction; again: nothing. An open request between the two ends.
 * ERR_INVALID_REQUEST (oneself), ERR_NOT_FOUND, ERR_QUOTA_EXCEEDED.
 */
enum err block_add(struct ctx *ctx, uint64_t user_id, struct block *out) MUST_CHECK;
/* Inside a transaction. ERR_NOT_FOUND if there is none. */
enum err block_remove(struct ctx *ctx, uint64_t user_id) MUST_CHECK;

#endif
