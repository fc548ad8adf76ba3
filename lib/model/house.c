/*
 * The house: shared state of a process, and the watch that keeps it current.
 *
 * The watch is one thread with one database connection. Each of its duties has
 * a period; a duty that fails is tried again at the next turn, and the time of
 * its last success decides whether the process still serves.
 */
#include "model/house.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/ctx.h"
#include "model/lease.h"
#include "model/revocation.h"
#include "model/ringer.h"
#include "model/token.h"

enum {
    TURN_MS = 500,
    KEYS_MS = 5000,
    STALE_MS = 5000,      /* revocations older than this: fail closed */
    OPEN_WAIT_MS = 30000, /* for the database, at the start */
};

struct house {
    const struct conf *conf;
    const char *name;
    struct id_maker ids;
    struct lease lease;
    struct token_keys *keys;
    struct revoked_set *revoked;
    struct ringer *ringer;
    _Atomic int64_t current_mono_ms; /* of the last good reading of revocations */
    int64_t lease_due, keys_due;     /* the watch's own */
    struct db *db;
    struct arena *arena;
    pthread_t watch;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    bool stopping;
    void (*on_revoked)(void *arg, uint64_t session_id, uint64_t user_id);
    void *on_revoked_arg;
};

/* ---- the duties of the watch ---- */

static enum err keep_lease(struct house *house, struct ctx *ctx)
{
    if (clock_mono_ms() < house->lease_due)
        return OK;
    enum err err = house->lease.held ? lease_renew(ctx, &house->lease, &house->ids) : ERR_NOT_FOUND;
    if (err == ERR_NOT_FOUND)
        err = lease_take(ctx, &house->lease, &house->ids);
    if (err == OK)
        house->lease_due = clock_mono_ms() + LEASE_RENEW_MS;
    return err;
}

static enum err keep_keys(struct house *house, struct ctx *ctx)
{
    if (clock_mono_ms() < house->keys_due)
        return OK;
    TRY(token_keys_load(ctx, house->keys));
    house->keys_due = clock_mono_ms() + KEYS_MS;
    return OK;
}

static void tell_revoked(void *arg, uint64_t session_id, uint64_t user_id)
{
    struct house *house = arg;

    pthread_mutex_lock(&house->lock); /* throughout: whoever takes his listener back may free it then */
    if (house->on_revoked)
        house->on_revoked(house->on_revoked_arg, session_id, user_id);
    pthread_mutex_unlock(&house->lock);
}

static enum err keep_revoked(struct house *house, struct ctx *ctx)
{
    const int64_t asked = clock_mono_ms();

    TRY(revocations_read(ctx, house->revoked, tell_revoked, house));
    atomic_store(&house->current_mono_ms, asked);
    return OK;
}

/* All duties once; the first failure ends the turn, since they share one database. */
static enum err turn(struct house *house, struct problem *problem)
{
    struct ctx ctx = {.arena = house->arena, .db = house->db, .house = house, .problem = problem};

    enum err err = keep_lease(house, &ctx);
    if (err == OK)
        err = keep_revoked(house, &ctx);
    if (err == OK)
        err = keep_keys(house, &ctx);
    if (err != OK && !problem->detail[0])
        err = problem_set(problem, err, "database: %s", db_error(house->db));
    arena_reset(house->arena);
    return err;
}

/* True when it is time to stop. */
static bool wait_turn(struct house *house)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TURN_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&house->lock);
    if (!house->stopping)
        pthread_cond_timedwait(&house->wake, &house->lock, &until);
    const bool stopping = house->stopping;
    pthread_mutex_unlock(&house->lock);
    return stopping;
}

static void *watch(void *arg)
{
    struct house *house = arg;

    while (!wait_turn(house)) {
        struct problem problem = {0};
        if (turn(house, &problem) != OK)
            log_warn("the watch could not do its duties; it tries again", log_c("detail", problem.detail));
    }
    return NULL;
}

/* ---- opening and closing ---- */

static enum err open_until(struct house *house, int64_t until_mono_ms, struct problem *problem)
{
    enum err err;

    do {
        *problem = (struct problem){0};
        err = turn(house, problem);
    } while (err != OK && clock_mono_ms() < until_mono_ms && !wait_turn(house));
    return err;
}

static void init_wake(pthread_cond_t *wake)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(wake, &attr);
    pthread_condattr_destroy(&attr);
}

static void free_parts(struct house *house)
{
    db_free(house->db);
    arena_free(house->arena);
    token_keys_free(house->keys);
    revoked_free(house->revoked);
    free(house);
}

enum err house_open(const struct conf *conf, const char *name, struct problem *problem, struct house **out)
{
    struct house *house = calloc(1, sizeof *house);

    if (!house)
        abort();
    house->conf = conf;
    house->name = name;
    house->arena = arena_new();
    house->db = db_new(conf);
    pthread_mutex_init(&house->lock, NULL);
    init_wake(&house->wake);
    id_init(&house->ids);
    house->revoked = revoked_new();
    enum err err = token_keys_new(conf, &house->keys, problem);
    if (err == OK)
        err = open_until(house, clock_mono_ms() + OPEN_WAIT_MS, problem);
    if (err == OK)
        err = ringer_new(house, &house->ringer);
    if (err != OK) {
        free_parts(house);
        return err;
    }
    if (pthread_create(&house->watch, NULL, watch, house) != 0)
        abort();
    *out = house;
    return OK;
}

void house_close(struct house *house)
{
    struct problem problem = {0};
    struct ctx ctx = {.db = house->db, .house = house, .problem = &problem, .arena = house->arena};

    ringer_free(house->ringer);
    pthread_mutex_lock(&house->lock);
    house->stopping = true;
    pthread_cond_signal(&house->wake);
    pthread_mutex_unlock(&house->lock);
    pthread_join(house->watch, NULL);
    if (lease_release(&ctx, &house->lease, &house->ids) != OK)
        log_warn("the node number was not given back; its lease will end by itself",
                 log_num("node", house->lease.node));
    free_parts(house);
}

const struct conf *house_conf(const struct house *house)
{
    return house->conf;
}

struct id_maker *house_ids(struct house *house)
{
    return &house->ids;
}

struct ringer *house_ringer(struct house *house)
{
    return house->ringer;
}

struct token_keys *house_token_keys(struct house *house)
{
    return house->keys;
}

struct revoked_set *house_revoked(struct house *house)
{
    return house->revoked;
}

bool house_is_current(const struct house *house)
{
    return clock_mono_ms() - atomic_load(&house->current_mono_ms) <= STALE_MS;
}

void house_on_revoked(struct house *house, void (*fn)(void *arg, uint64_t session_id, uint64_t user_id),
                      void *arg)
{
    pthread_mutex_lock(&house->lock);
    house->on_revoked = fn;
    house->on_revoked_arg = arg;
    pthread_mutex_unlock(&house->lock);
}
