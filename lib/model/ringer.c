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
    FRIENDS_MAX = 50000,
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

struct batch {
    struct ctx ctx;
    struct fan_target *targets;
    size_t n, cap;
};

static void add_target(struct batch *b, uint64_t user_id, struct fan_event *event)
{
    if (b->n == b->cap) {
        const size_t cap = b->cap ? 2 * b->cap : 256;
        struct fan_target *targets = arena_array(b->ctx.arena, cap, sizeof *targets);
        if (b->n)
            memcpy(targets, b->targets, b->n * sizeof *targets);
        b->targets = targets;
        b->cap = cap;
    }
    b->targets[b->n++] = (struct fan_target){user_id, event};
}

static enum err add_members(struct batch *b, const struct event *e, struct fan_event *fan)
{
    struct member_id_row *rows;
    size_t n;

    TRY(q_members_seeing(&b->ctx, e->id, e->seq, &rows, &n));
    for (size_t i = 0; i < n; i++)
        add_target(b, rows[i].user_id, fan);
    return OK;
}

static enum err add_group(struct batch *b, uint64_t group_id, struct fan_event *fan)
{
    struct group_member_version_row *rows;
    size_t n;

    TRY(q_group_members_all(&b->ctx, group_id, &rows, &n));
    for (size_t i = 0; i < n; i++)
        add_target(b, rows[i].user_id, fan);
    return OK;
}

static enum err add_friends(struct batch *b, uint64_t user_id, struct fan_event *fan)
{
    struct audience_row *rows;
    size_t n;

    TRY(q_outbox_audience(&b->ctx, user_id, FRIENDS_MAX, &rows, &n));
    for (size_t i = 0; i < n; i++)
        add_target(b, rows[i].friend_id, fan);
    return OK;
}

static enum err add_recipients(struct batch *b, const struct event *e, const struct ring_entry *known,
                               struct fan_event *fan)
{
    for (size_t i = 0; i < known->n_members; i++)
        add_target(b, known->member_ids[i], fan);
    if (known->n_members)
        return OK;
    if (e->kind == EVENT_ENTRY || e->kind == EVENT_AI_FINISHED)
        return add_members(b, e, fan);
    if (e->kind == EVENT_USER)
        return add_friends(b, e->id, fan);
    if (e->kind == EVENT_GROUP && !e->to_id)
        return add_group(b, e->id, fan);
    add_target(b, e->to_id, fan);
    return OK;
}

/* The entry as an event on the wire; empty when it is not known here. */
static struct str entry_event(struct arena *arena, struct str entry_json)
{
    struct buf b = buf_in(arena);

    if (!entry_json.n)
        return STR("");
    buf_c(&b, "{\"type\":\"entry\",\"entry\":");
    buf_str(&b, entry_json);
    buf_char(&b, '}');
    return buf_done(&b);
}

static enum err add_job(struct batch *b, const struct ringjob *job, struct fan_event *fans)
{
    if (!job->outbox_id) {
        fans[0] = (struct fan_event){.json = job->entries[0].json, .origin = job->origin};
        return add_recipients(b, &job->events[0], &job->entries[0], &fans[0]);
    }
    for (size_t i = 0; i < job->n; i++) {
        const struct event *e = &job->events[i];
        fans[i] = (struct fan_event){
            .reference = event_pack(e, 1, b->ctx.arena),
            .json = e->kind == EVENT_ENTRY ? entry_event(b->ctx.arena, job->entries[i].json) : STR(""),
            .origin = e->kind == EVENT_ENTRY ? e->origin_session : 0,
        };
        TRY(add_recipients(b, e, &job->entries[i], &fans[i]));
    }
    return OK;
}

static bool is_rung(const struct ringjob *job, const struct fan_event *fans)
{
    for (size_t i = 0; i < job->n; i++)
        if (fans[i].left)
            return false;
    return true;
}

/* Rings a list of jobs and frees it. Those that were rung whole are done. */
static void ring_jobs(struct ringer *r, struct ringjob *jobs)
{
    struct problem problem = {0};
    struct batch b = {.ctx = {.arena = r->arena, .db = r->db, .house = r->house, .problem = &problem}};
    struct fan_event *fans[BATCH_JOBS];
    bool known[BATCH_JOBS];
    size_t i = 0;

    db_deadline(r->db, clock_mono_ms() + DATABASE_MS);
    for (const struct ringjob *job = jobs; job; job = job->next, i++) {
        const size_t before = b.n;
        fans[i] = arena_array(r->arena, job->n, sizeof *fans[i]);
        known[i] = add_job(&b, job, fans[i]) == OK;
        if (!known[i])
            b.n = before; /* whom to tell could not be read: the row stays */
    }
    fanout_run(r->fanout, r->arena, b.targets, b.n);

    pthread_mutex_lock(&r->lock);
    for (i = 0; jobs; i++) {
        struct ringjob *job = jobs;
        jobs = job->next;
        if (known[i] && job->outbox_id && is_rung(job, fans[i]) && r->n_done < DONE_MAX) {
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
