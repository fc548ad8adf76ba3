/*
 * Rate limits: a token bucket per user, in this process. The pool's limit is
 * divided by the number of its processes; nothing is asked over the network.
 */
#ifndef WEB_RATE_H
#define WEB_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate;

/* `per_s` and `burst` are of the whole pool of `processes`. 0 per second: no limit. */
struct rate *rate_new(int per_s, int burst, int processes);
void rate_free(struct rate *rate);
/* Takes one token of `user_id`; false when there is none, with the seconds until there is. Thread-safe. */
bool rate_take(struct rate *rate, uint64_t user_id, int64_t now_mono_ms, int *retry_after_s);

#endif
