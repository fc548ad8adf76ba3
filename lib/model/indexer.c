/* The indexer: its thread, the queue, the sweep. */
#include "model/indexer.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "model/terms.h"
#include "queries.h"

enum {
    TURN_MS = 500,
    LATE_MS = 750,      /* an older row is not left to the next turn */
    PATIENCE_MS = 5000, /* of the database */
    QUEUE_ROWS = 256,   /* of up to 256 entries */
    TAKEN_MAX = 4096,   /* entries at once, and what the last row has more */
    CLAIM_MS = 10 * 1000,
    FILED_MAX = 512, /* entries of one transaction: for so long nobody can recall them */
    SWEEP_CONVERSATIONS = 64,
    SWEEP_ENTRIES = 1024, /* of a conversation, at once */
    SWEEP_TURN_MS = 50,   /* of each turn at most */
    SWEEP_PAUSE_MS = 60 * 1000,
};

/* ---- filing ---- */

struct filing {
    const struct entry_ref *refs;
    size_t n;
    const uint64_t *done; /* rows of the queue that are through with it */
    size_t n_done;
};

static enum err file_some(struct ctx *ctx, void *arg)
{
    const struct filing *f = arg;

    TRY(terms_file(ctx, f->refs, f->n));
    return f->n_done ? q_search_queue_delete(ctx, f->done, f->n_done, NULL) : OK;
}

/* A piece at a time; the rows go with the last. */
static enum err file_all(struct ctx *ctx, const struct filing *all)
{
    for (size_t at = 0; at <= all->n; at += FILED_MAX) {
        struct filing some = {.refs = all->refs + at, .n = all->n - at};
        if (some.n > FILED_MAX) {
            some.n = FILED_MAX;
        } else {
            some.done = all->done;
            some.n_done = all->n_done;
        }
        TRY(tx_run(ctx, file_some, &some));
        if (some.n_done)
            break;
    }
    return OK;
}

/* ---- the queue ---- */

/* A row of another release that we cannot read goes too: the sweep finds what it named. */
static void take_refs(struct ctx *ctx, const struct outbox_row *row, struct event_list *events)
{
    struct event_list its = {0};

    if (event_unpack(row->events, ctx->arena, &its) != OK)
        log_warn("a row of search_queue cannot be read; its entries are found by the sweep",
                 log_num("id", (int64_t)row->id));
    for (size_t i = 0; i < its.n; i++)
        if (its.items[i].kind == EVENT_ENTRY)
            event_add(events, ctx->arena, its.items[i]);
}

static int compare_refs(const void *a, const void *b)
{
    const struct entry_ref *x = a, *y = b;

    if (x->conversation_id != y->conversation_id)
        return x->conversation_id < y->conversation_id ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

/* A conversation's entries side by side: they share rows of the index, which are then written once for all.
 */
static struct entry_ref *sorted_refs(struct ctx *ctx, const struct event_list *events)
{
    struct entry_ref *refs = arena_array(ctx->arena, events->n, sizeof *refs);

    for (size_t i = 0; i < events->n; i++)
        refs[i] = (struct entry_ref){events->items[i].id, events->items[i].seq};
    if (events->n)
        qsort(refs, events->n, sizeof *refs, compare_refs);
    return refs;
}

enum err indexer_queue(struct ctx *ctx, size_t *filed)
{
    struct event_list events = {0};
    struct outbox_row *rows;
    uint64_t ids[QUEUE_ROWS], claimed;
    size_t n_due, n = 0;

    *filed = 0;
    TRY(q_search_queue_due(ctx, QUEUE_ROWS, &rows, &n_due));
    for (; n < n_due && events.n < TAKEN_MAX; n++) {
        ids[n] = rows[n].id;
        take_refs(ctx, &rows[n], &events);
    }
    if (!n)
        return OK;
    TRY(q_search_queue_claim(ctx, CLAIM_MS, ids, n, &claimed));
    if (!claimed)
        return OK; /* another indexer has them */
    const struct entry_ref *refs = sorted_refs(ctx, &events);
    TRY(file_all(ctx, &(struct filing){.refs = refs, .n = events.n, .done = ids, .n_done = n}));
    *filed = events.n ? events.n : 1;
    return OK;
}

/* ---- the sweep ---- */

static bool is_done(const struct search_done_row *rows, size_t n, uint64_t seq)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].block == seq / TERMS_BLOCK)
            return rows[i].bits >> seq % TERMS_BLOCK & 1;
    return false;
}

/* The next entries of a conversation: those that are not in the index are filed. */
static enum err sweep_one(struct ctx *ctx, const struct search_unswept_row *conv, size_t *filed)
{
    const uint64_t first = conv->swept_seq + 1;
    const uint64_t last =
        conv->last_seq - conv->swept_seq > SWEEP_ENTRIES ? conv->swept_seq + SWEEP_ENTRIES : conv->last_seq;
    struct search_done_row *rows;
    struct filing missing = {0};
    size_t n;

    TRY(q_search_done(ctx, conv->id, first / TERMS_BLOCK, last / TERMS_BLOCK, &rows, &n));
    struct entry_ref *refs = arena_array(ctx->arena, SWEEP_ENTRIES, sizeof *refs);
    for (uint64_t seq = first; seq <= last; seq++)
        if (!is_done(rows, n, seq))
            refs[missing.n++] = (struct entry_ref){conv->id, seq};
    missing.refs = refs;
    if (missing.n)
        TRY(file_all(ctx, &missing));
    *filed += missing.n;
    return q_search_swept(ctx, conv->id, last, NULL);
}

enum err indexer_sweep(struct ctx *ctx, uint64_t *above, size_t *filed)
{
    struct search_unswept_row *convs;
    size_t n;

    *filed = 0;
    TRY(q_search_unswept(ctx, *above, SWEEP_CONVERSATIONS, &convs, &n));
    for (size_t i = 0; i < n; i++) {
        if (convs[i].last_seq > convs[i].swept_seq)
            TRY(sweep_one(ctx, &convs[i], filed));
        if (convs[i].last_seq > convs[i].swept_seq + SWEEP_ENTRIES)
            return OK; /* the rest of it next time */
        *above = convs[i].id;
    }
    if (n < SWEEP_CONVERSATIONS)
        *above = 0;
    return OK;
}

/* ---- the thread ---- */

struct indexer {
    struct house *house;
    struct db *db;
    struct arena *arena;
    uint64_t swept_above;
    int64_t sweep_due_ms;
    _Atomic uint64_t *age_ms, *filed;
    pthread_mutex_t lock;
    pthread_cond_t stop_said;
    bool stopping;
    pthread_t thread;
};

static bool is_stopping(struct indexer *x)
{
    pthread_mutex_lock(&x->lock);
    const bool stopping = x->stopping;
    pthread_mutex_unlock(&x->lock);
    return stopping;
}

static void rest(struct indexer *x, int64_t ms)
{
    const int64_t until_ms = clock_mono_ms() + ms;
    const struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    int woken = 0;

    pthread_mutex_lock(&x->lock);
    while (!x->stopping && woken == 0)
        woken = pthread_cond_timedwait(&x->stop_said, &x->lock, &until);
    pthread_mutex_unlock(&x->lock);
}

/*
 * Once a turn, so that what a busy conversation says meanwhile is filed together. When it is late it goes on,
 * and rests as long as it works: who sends at the same time has the greater part of the database.
 */
static enum err drain(struct indexer *x, struct ctx *ctx)
{
    struct outbox_age_row age;
    size_t filed;

    do {
        const int64_t began_ms = clock_mono_ms();
        db_deadline(x->db, began_ms + PATIENCE_MS);
        TRY(q_search_queue_age(ctx, &age));
        count_set(x->age_ms, age.age_ms > 0 ? (uint64_t)age.age_ms : 0);
        TRY(indexer_queue(ctx, &filed));
        count_add(x->filed, filed);
        arena_reset(x->arena);
        if (age.age_ms >= LATE_MS)
            rest(x, clock_mono_ms() - began_ms);
    } while (filed && age.age_ms >= LATE_MS && !is_stopping(x));
    return OK;
}

static enum err sweep(struct indexer *x, struct ctx *ctx)
{
    const int64_t until_ms = clock_mono_ms() + SWEEP_TURN_MS;
    size_t filed;

    while (clock_mono_ms() < until_ms && clock_mono_ms() >= x->sweep_due_ms && !is_stopping(x)) {
        db_deadline(x->db, clock_mono_ms() + PATIENCE_MS);
        TRY(indexer_sweep(ctx, &x->swept_above, &filed));
        count_add(x->filed, filed);
        if (!x->swept_above)
            x->sweep_due_ms = clock_mono_ms() + SWEEP_PAUSE_MS;
        arena_reset(x->arena);
    }
    return OK;
}

static void turn(struct indexer *x)
{
    struct problem problem = {0};
    struct ctx ctx = {.arena = x->arena, .db = x->db, .house = x->house, .problem = &problem};

    if (drain(x, &ctx) != OK || sweep(x, &ctx) != OK)
        log_warn("the search index was not brought up to date; it is tried again",
                 log_c("database", db_error(x->db)));
    arena_reset(x->arena);
}

static void *index_until_stopped(void *arg)
{
    struct indexer *x = arg;

    while (!is_stopping(x)) {
        turn(x);
        rest(x, TURN_MS);
    }
    return NULL;
}

struct indexer *indexer_new(const struct conf *conf, struct house *house)
{
    struct indexer *x = calloc(1, sizeof *x);
    pthread_condattr_t attr;

    if (!x)
        abort();
    x->house = house;
    x->db = db_new(conf);
    x->arena = arena_new();
    x->age_ms = count_cell("posthouse_search_queue_age_ms");
    x->filed = count_cell("posthouse_search_filed_total");
    pthread_mutex_init(&x->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&x->stop_said, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&x->thread, NULL, index_until_stopped, x) != 0)
        abort();
    return x;
}

void indexer_free(struct indexer *indexer)
{
    struct indexer *x = indexer;

    pthread_mutex_lock(&x->lock);
    x->stopping = true;
    pthread_cond_signal(&x->stop_said);
    pthread_mutex_unlock(&x->lock);
    pthread_join(x->thread, NULL);
    pthread_cond_destroy(&x->stop_said);
    pthread_mutex_destroy(&x->lock);
    db_free(x->db);
    arena_free(x->arena);
    free(x);
}
