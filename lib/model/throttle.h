/*
 * Guessing passwords is slowed down, by account and by address; nobody is locked out.
 *
 * An attempt is counted as a failure before its password is looked at, and taken
 * back when it was right, so that a thousand at once are no way around it. After
 * some free failures the next attempt has to wait 1, 2, 4, … at most 30 seconds
 * (429 with Retry-After; an attempt that is refused so is not counted).
 *
 * The owner: an address from which somebody signed in to the account before is
 * counted by itself, so that strangers who fail elsewhere do not slow it down. From
 * a new address the owner waits 30 s at most.
 */
#ifndef MODEL_THROTTLE_H
#define MODEL_THROTTLE_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "model/ctx.h"

enum { THROTTLE_ACCOUNT_FREE = 5, THROTTLE_ADDRESS_FREE = 20, THROTTLE_DELAY_MAX_S = 30 };

/* The two counters of one attempt, in the order of their locks. */
struct throttle {
    unsigned char subjects[2][32];
    unsigned account; /* which of them is the account's */
};

/*
 * Counts an attempt at the account `user_id` with this username key (user_id 0: there is none, which
 * changes nothing for the caller). In a transaction of its own. ERR_RATE_LIMITED with retry_after_s.
 */
enum err throttle_enter(struct ctx *ctx, struct str username_key, uint64_t user_id,
                        struct throttle *out) MUST_CHECK;
/* The password was right: the account's failures are forgotten, the address gets its attempt back. Inside a
 * transaction. */
enum err throttle_passed(struct ctx *ctx, const struct throttle *t) MUST_CHECK;
/* How long to wait after so many failures, the last of them `age_ms` ago; 0: not at all. */
int throttle_wait_s(uint64_t failures, unsigned free_failures, int64_t age_ms);

#endif
