/*
 * What answers cost: tokens per day (UTC) of a person, of an assistant, of an app and
 * of all, each with a limit of the configuration; and how many answers are written for
 * one person at once.
 *
 * Invariant: what a call may cost at most is reserved before it, in all four rows or in
 * none, and settled once, in the transaction that ends the answer. So calls that begin
 * at the same moment stay below each limit together.
 */
#ifndef MODEL_SPENDING_H
#define MODEL_SPENDING_H

#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "model/ctx.h"

struct ai_usage {
    int64_t day_at;            /* when it began */
    int64_t used, limit, left; /* limit 0: none */
    unsigned char has_left;
    int64_t cost;        /* in millionths of the currency */
    struct str currency; /* absent: no provider has a price; set by the caller */
};
extern const struct shape ai_usage_shape;
/* Of the actor, today. What is reserved counts as used. */
enum err ai_usage_load(struct ctx *ctx, struct ai_usage *out) MUST_CHECK;

/* Today, as days since 1970, UTC. */
uint64_t ai_day(void);

/* Whose tokens an answer takes; assistant 0: a help. */
struct spender {
    uint64_t user_id, assistant_id, app_id;
};
/* A look, before anything is prepared. ERR_RATE_LIMITED, ERR_AI_LIMIT: as below, by what the person himself
 * may. */
enum err spending_check(struct ctx *ctx, uint64_t user_id) MUST_CHECK;
/*
 * Inside a transaction. ERR_RATE_LIMITED: as many answers as he may have are being written for him; later.
 * ERR_AI_LIMIT: the tokens of the day are used up.
 */
enum err spending_reserve(struct ctx *ctx, const struct spender *who, uint64_t day,
                          uint64_t tokens) MUST_CHECK;
struct spent {
    uint64_t reserved, used, cost;
};
/* Inside a transaction: what was reserved is no more, what was used is counted. */
enum err spending_settle(struct ctx *ctx, const struct spender *who, uint64_t day,
                         const struct spent *spent) MUST_CHECK;

#endif
