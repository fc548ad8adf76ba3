/*
 * Guessing passwords is slowed down, by account and by address; nobody is locked out.
 *
 * An attempt is counted as a failure before its password is looked at, and taken
 * back when it was right, so that a thousand at once are no way around it. After
 * some free failures the next attempt has to wait 1, 2, 4, … at most 30 seconds
 * (429 with Retry-After; an attempt that is refused so is not counted). Each minute of
 * quiet forgives one failure.
 *
 * The owner: at an address from which somebody signed in to the account before, only
 * that account's failures from there count, so neither strangers elsewhere nor
 * neighbours behind the same address slow him down. From a new address he waits as everybody
 * does: 30 s at most after the last attempt, whoever made that.
 */
#ifndef MODEL_THROTTLE_H
#define MODEL_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "model/ctx.h"

enum {
    THROTTLE_ACCOUNT_FREE = 5,
    THROTTLE_ADDRESS_FREE = 50,
    THROTTLE_DELAY_MAX_S = 30,
    THROTTLE_FORGIVE_MS = 60 * 1000
};

/* The counters of one attempt: of the account, and (at a new address) of the address. */
struct throttle {
    unsigned char account[32], address[32];
    bool has_address;
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
/* How long to wait after so many failures, the last of them `age_ms` ago, before the next attempt; 0: not at
 * all. */
int throttle_wait_s(uint64_t failures, unsigned free_failures, int64_t age_ms);

#endif
