/*
 * The ringer: a queue, a thread, and the list of outbox rows that may go.
 *
 * Nothing here is needed for anything to arrive: a job that is dropped, because
 * the queue is full, Redis is down or the process is killed, still has its outbox
 * row, and the courier rings it. A row is deleted only after all of its fan-out,
 * so killed before the deletion means rung twice, which is harmless.
 */
#include "model/ringer.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/audience.h"
#include "model/ctx.h"
#include "model/fanout.h"
#include "model/house.h"
#include "model/ringjob.h"
#include "queries.h"

enum {
    JOBS_MAX = 8192,
    JOB_BYTES_MAX = 64 * 1024 * 1024, /* of all that wait */
    BATCH_JOBS = 256,
    DONE_MAX = 8192,
    DELETE_AFTER_MS = 150, /* nobody took the ids until then */
    DELETE_AT_ONCE = 512,
    DATABASE_MS = 2000,
    STOP_MS = 2000,
};

struct ringer {
    struct house *house;
    struct fanout *fanout;
    struct db *db;
    struct arena *arena;
    bool delete_failed; /* the thread's own: the next try waits its time */
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    bool stopping;
    struct ringjob *first, **last;
    size_t jobs, bytes;
    uint64_t done[DONE_MAX]; /* rung rows */
    size_t n_done;
    int64_t done_since_ms;
};

/* ---- handing over ---- */

/* Drops it when too much waits: the courier rings the row. */
static void enqueue(struct ringer *r, struct ringjob *job)
{
    pthread_mutex_lock(&r->lock);
    const bool full = r->jobs >= JOBS_MAX || r->bytes + job->bytes > JOB_BYTES_MAX;
    if (!full) {
        *r->last = job;
        r->last = &job->next;
        r->jobs++;
        r->bytes += job->bytes;
        pthread_cond_signal(&r->wake);
    }
    pthread_mutex_unlock(&r->lock);
    if (full)
        free(job);
}

void outbox_ring(struct ringer *r, uint64_t outbox_id, const struct event *events, size_t n,
                 const struct ring_entry *entries)
{
    enqueue(r, ringjob_new(outbox_id, events, n, entries));
}

void ringer_whisper(struct ringer *r, const uint64_t *user_ids, size_t n, struct str event_json,
                    uint64_t origin_session)
{
    const struct event nothing = {.kind = EVENT_ENTRY};
    const struct ring_entry entry = {.json = event_json, .member_ids = user_ids, .n_members = n};
    struct ringjob *job = ringjob_new(0, &nothing, 1, &entry);

    job->origin = origin_session;
    enqueue(r, job);
}

/* ---- one batch ---- */

/* Rings a list of jobs and frees it. Those that were rung whole are done. */
static void ring_jobs(struct ringer *r, struct ringjob *jobs)
{
    struct problem problem = {0};
    struct ctx ctx = {.arena = r->arena, .db = r->db, .house = r->house, .problem = &problem};
    struct audience audience = {.ctx = &ctx};
    struct told *told[BATCH_JOBS];
    bool known[BATCH_JOBS];
    size_t i = 0;

    db_deadline(r->db, clock_mono_ms() + DATABASE_MS);
    for (const struct ringjob *job = jobs; job; job = job->next, i++) {
        const size_t before = audience.n;
        told[i] = arena_array(r->arena, job->n, sizeof *told[i]);
        known[i] = audience_add(&audience, job, told[i]) == OK;
        if (!known[i])
            audience.n = before; /* whom to tell could not be read: the row stays */
    }
    fanout_run(r->fanout, r->arena, audience.targets, audience.n);

    pthread_mutex_lock(&r->lock);
    for (i = 0; jobs; i++) {
        struct ringjob *job = jobs;
        jobs = job->next;
        if (known[i] && job->outbox_id && audience_has_heard(job, told[i]) && r->n_done < DONE_MAX) {
            if (!r->n_done)
                r->done_since_ms = clock_mono_ms();
            r->done[r->n_done++] = job->outbox_id;
        }
        free(job);
    }
    pthread_mutex_unlock(&r->lock);
    arena_reset(r->arena);
}

/* ---- rows that may go ---- */

size_t ringer_take(struct ringer *r, uint64_t *ids, size_t max)
{
    pthread_mutex_lock(&r->lock);
    const size_t n = r->n_done < max ? r->n_done : max;
    r->n_done -= n;
    if (n)
        memcpy(ids, r->done + r->n_done, n * sizeof *ids);
    pthread_mutex_unlock(&r->lock);
    return n;
}

void ringer_untake(struct ringer *r, const uint64_t *ids, size_t n)
{
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < n && r->n_done < DONE_MAX;
         i++) /* past the limit the courier rings and deletes them */
        r->done[r->n_done++] = ids[i];
    r->done_since_ms = clock_mono_ms();
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
}

size_t ringer_waiting(struct ringer *r)
{
    pthread_mutex_lock(&r->lock);
    const size_t n = r->jobs;
    pthread_mutex_unlock(&r->lock);
    return n;
}

static void delete_done(struct ringer *r)
{
    struct problem problem = {0};
    struct ctx ctx = {.arena = r->arena, .db = r->db, .house = r->house, .problem = &problem};
    uint64_t ids[DELETE_AT_ONCE];

    const size_t n = ringer_take(r, ids, DELETE_AT_ONCE);
    if (!n)
        return;
    db_deadline(r->db, clock_mono_ms() + DATABASE_MS);
    r->delete_failed = q_outbox_delete(&ctx, ids, n, NULL) != OK;
    if (r->delete_failed) {
        log_warn("rung outbox rows were not deleted; again soon", log_c("detail", db_error(r->db)));
        ringer_untake(r, ids, n);
    }
    arena_reset(r->arena);
}

/* ---- the thread ---- */

static void wait_until(struct ringer *r, int64_t until_ms)
{
    const struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};

    if (until_ms)
        pthread_cond_timedwait(&r->wake, &r->lock, &until);
    else
        pthread_cond_wait(&r->wake, &r->lock);
}

/* Waits for jobs (up to BATCH_JOBS of them are taken off the queue), for rows to delete, or for the end. */
static struct ringjob *next_jobs(struct ringer *r, bool *delete_now, bool *stopping)
{
    pthread_mutex_lock(&r->lock);
    for (;;) {
        const int64_t due = r->n_done ? r->done_since_ms + DELETE_AFTER_MS : 0;
        *stopping = r->stopping;
        const bool at_once = !r->delete_failed && (r->n_done >= DELETE_AT_ONCE || r->stopping);
        *delete_now = r->n_done && (at_once || clock_mono_ms() >= due);
        if (r->first || *delete_now || r->stopping)
            break;
        wait_until(r, due);
    }
    struct ringjob *taken = r->first, *job = taken;
    for (size_t i = 1; job; job = job->next, i++) {
        r->jobs--;
        r->bytes -= job->bytes;
        r->first = job->next;
        if (i == BATCH_JOBS) {
            job->next = NULL;
            break;
        }
    }
    if (!r->first)
        r->last = &r->first;
    pthread_mutex_unlock(&r->lock);
    return taken;
}

static void *ring_until_stopped(void *arg)
{
    struct ringer *r = arg;
    int64_t stop_at = 0;
    bool delete_now, stopping;

    for (;;) {
        struct ringjob *jobs = next_jobs(r, &delete_now, &stopping);
        if (jobs)
            ring_jobs(r, jobs);
        if (delete_now)
            delete_done(r);
        if (!stopping)
            continue;
        if (!stop_at)
            stop_at = clock_mono_ms() + STOP_MS;
        if ((!jobs && !delete_now) || clock_mono_ms() > stop_at)
            return NULL;
    }
}

enum err ringer_new(struct house *house, struct ringer **out)
{
    struct ringer *r = calloc(1, sizeof *r);
    pthread_condattr_t attr;

    if (!r)
        abort();
    r->house = house;
    r->last = &r->first;
    r->fanout = fanout_new(house_conf(house));
    r->db = db_new(house_conf(house));
    r->arena = arena_new();
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wake, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&r->thread, NULL, ring_until_stopped, r) != 0)
        abort();
    *out = r;
    return OK;
}

void ringer_free(struct ringer *r)
{
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    while (r->first) { /* their rows are the courier's now */
        struct ringjob *job = r->first;
        r->first = job->next;
        free(job);
    }
    fanout_free(r->fanout);
    db_free(r->db);
    arena_free(r->arena);
    free(r);
}
