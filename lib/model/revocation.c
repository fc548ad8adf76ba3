#include "model/revocation.h"

#include <pthread.h>
#include <stdlib.h>

#include "model/house.h"
#include "model/token.h"
#include "queries.h"

enum {
    LATE_MS = 60 * 1000,    /* beyond the longest request: how late a transaction may commit */
    MARGIN_MS = 300 * 1000, /* clocks that disagree */
    PRUNE_MS = 60 * 1000,
    PAGE = 1000,
    SLOTS_MIN = 64,
};

/* One revoked session; id 0: a free slot. */
struct slot {
    uint64_t id;
    int64_t until_ms;
};

/* Open addressing; at most half full. */
struct revoked_set {
    pthread_rwlock_t lock;
    struct slot *slots;
    size_t cap, n;
    int64_t read_ms;   /* the reader's own: the database's time of the last reading; 0: none yet */
    int64_t pruned_ms; /* and of the last pruning */
};

static struct slot *slots_new(size_t cap)
{
    struct slot *slots = calloc(cap, sizeof *slots);

    if (!slots)
        abort();
    return slots;
}

struct revoked_set *revoked_new(void)
{
    struct revoked_set *set = calloc(1, sizeof *set);

    if (!set)
        abort();
    pthread_rwlock_init(&set->lock, NULL);
    set->cap = SLOTS_MIN;
    set->slots = slots_new(set->cap);
    return set;
}

void revoked_free(struct revoked_set *set)
{
    if (!set)
        return;
    pthread_rwlock_destroy(&set->lock);
    free(set->slots);
    free(set);
}

/* Where this id is, or the free slot where it belongs. Ids differ in their low bits least, so they are mixed.
 */
static struct slot *place(struct slot *slots, size_t cap, uint64_t id)
{
    size_t at = (size_t)(id * 0x9E3779B97F4A7C15u >> 20) & (cap - 1);

    while (slots[at].id && slots[at].id != id)
        at = (at + 1) & (cap - 1);
    return &slots[at];
}

/* Moves what lives after `now_ms` into a table with room for twice as many. */
static void rebuild(struct revoked_set *set, int64_t now_ms)
{
    size_t live = 0, cap = SLOTS_MIN;

    for (size_t i = 0; i < set->cap; i++)
        live += set->slots[i].id && set->slots[i].until_ms > now_ms;
    while (cap < 4 * (live + 1))
        cap *= 2;
    struct slot *slots = slots_new(cap);
    for (size_t i = 0; i < set->cap; i++)
        if (set->slots[i].id && set->slots[i].until_ms > now_ms)
            *place(slots, cap, set->slots[i].id) = set->slots[i];
    free(set->slots);
    set->slots = slots;
    set->cap = cap;
    set->n = live;
}

bool revoked_add(struct revoked_set *set, uint64_t session_id, int64_t until_ms)
{
    pthread_rwlock_wrlock(&set->lock);
    if (2 * (set->n + 1) > set->cap)
        rebuild(set, INT64_MIN);
    struct slot *slot = place(set->slots, set->cap, session_id);
    const bool fresh = !slot->id;
    if (fresh)
        *slot = (struct slot){session_id, until_ms};
    else if (slot->until_ms < until_ms)
        slot->until_ms = until_ms;
    set->n += fresh;
    pthread_rwlock_unlock(&set->lock);
    return fresh;
}

bool revoked_has(struct revoked_set *set, uint64_t session_id)
{
    pthread_rwlock_rdlock(&set->lock);
    const bool has = place(set->slots, set->cap, session_id)->id != 0;
    pthread_rwlock_unlock(&set->lock);
    return has;
}

size_t revoked_count(struct revoked_set *set)
{
    pthread_rwlock_rdlock(&set->lock);
    const size_t n = set->n;
    pthread_rwlock_unlock(&set->lock);
    return n;
}

static void prune(struct revoked_set *set, int64_t now_ms)
{
    if (now_ms - set->pruned_ms < PRUNE_MS)
        return;
    pthread_rwlock_wrlock(&set->lock);
    rebuild(set, now_ms);
    pthread_rwlock_unlock(&set->lock);
    set->pruned_ms = now_ms;
}

int64_t revocations_kept_ms(const struct conf *conf)
{
    const int longest_s = conf->access_token_s > TOKEN_FILE_S ? conf->access_token_s : TOKEN_FILE_S;
    return longest_s * INT64_C(1000) + MARGIN_MS;
}

enum err revocations_read(struct ctx *ctx, struct revoked_set *set,
                          void (*fn)(void *arg, uint64_t session_id, uint64_t user_id), void *arg)
{
    const struct conf *conf = house_conf(ctx->house);
    const int64_t kept_ms = revocations_kept_ms(conf);
    struct clock_row now;
    struct revocation_row *rows;
    size_t n;

    TRY(q_clock_now(ctx, &now));
    int64_t since = now.now_ms - kept_ms;
    const int64_t overlap = set->read_ms - LATE_MS - conf->request_timeout_s * INT64_C(1000);
    if (set->read_ms && overlap > since)
        since = overlap;
    uint64_t after_id = 0;
    do {
        TRY(q_revocations_since(ctx, since, after_id, PAGE, &rows, &n));
        for (size_t i = 0; i < n; i++)
            if (revoked_add(set, rows[i].session_id, rows[i].revoked_at + kept_ms) && fn)
                fn(arg, rows[i].session_id, rows[i].user_id);
        if (n) {
            since = rows[n - 1].revoked_at;
            after_id = rows[n - 1].session_id;
        }
    } while (n == PAGE);
    set->read_ms = now.now_ms;
    prune(set, now.now_ms);
    return OK;
}
