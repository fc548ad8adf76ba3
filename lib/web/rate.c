/*
 * Token buckets in a table of fixed size: sets of eight, the one that was used
 * longest ago makes room. Who is pushed out comes back with a full bucket, so the
 * table is larger than the number of users that one process sees within a burst.
 */
#include "web/rate.h"

#include <pthread.h>
#include <stdlib.h>

enum { SETS = 4096, WAYS = 8, LOCKS = 16, WHOLE = 1000000 /* a token in millionths */ };

struct bucket {
    uint64_t user_id;
    int64_t at_ms;
    int64_t level; /* millionths of tokens */
};

struct rate {
    int64_t per_s, burst; /* millionths, of this process: per second; at most */
    pthread_mutex_t locks[LOCKS];
    struct bucket buckets[SETS][WAYS];
};

static int64_t share(int of_pool, int processes)
{
    return (int64_t)of_pool * WHOLE / (processes > 0 ? processes : 1);
}

struct rate *rate_new(int per_s, int burst, int processes)
{
    struct rate *rate = calloc(1, sizeof *rate); /* touched only where somebody asks */

    if (!rate)
        abort();
    rate->per_s = share(per_s, processes);
    rate->burst = share(burst, processes);
    if (rate->burst < WHOLE)
        rate->burst = WHOLE;
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_init(&rate->locks[i], NULL);
    return rate;
}

void rate_free(struct rate *rate)
{
    free(rate);
}

/* The bucket of the user, or the oldest of its set, made anew. */
static struct bucket *find(struct rate *rate, struct bucket *set, uint64_t user_id, int64_t now_ms)
{
    struct bucket *oldest = set;

    for (int i = 0; i < WAYS; i++) {
        if (set[i].user_id == user_id)
            return &set[i];
        if (set[i].at_ms < oldest->at_ms)
            oldest = &set[i];
    }
    *oldest = (struct bucket){.user_id = user_id, .at_ms = now_ms, .level = rate->burst};
    return oldest;
}

static bool take(struct rate *rate, struct bucket *b, int64_t now_ms, int *retry_after_s)
{
    if (now_ms > b->at_ms) {
        const int64_t passed_ms = now_ms - b->at_ms < 3600000 ? now_ms - b->at_ms : 3600000;
        b->level += passed_ms * rate->per_s / 1000;
        if (b->level > rate->burst)
            b->level = rate->burst;
        b->at_ms = now_ms;
    }
    if (b->level < WHOLE) {
        *retry_after_s = (int)((WHOLE - b->level) / rate->per_s) + 1;
        return false;
    }
    b->level -= WHOLE;
    return true;
}

bool rate_take(struct rate *rate, uint64_t user_id, int64_t now_mono_ms, int *retry_after_s)
{
    if (!rate->per_s)
        return true;
    const uint64_t hash = (user_id * 0x9e3779b97f4a7c15u) >> 32;
    const size_t set = hash % SETS;
    pthread_mutex_t *lock = &rate->locks[set % LOCKS];

    pthread_mutex_lock(lock);
    struct bucket *b = find(rate, rate->buckets[set], user_id, now_mono_ms);
    const bool ok = take(rate, b, now_mono_ms, retry_after_s);
    pthread_mutex_unlock(lock);
    return ok;
}
