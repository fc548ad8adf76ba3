/*
 * The writer's queue and its two threads: one writes, the other encodes, rings
 * and answers, so that the next transaction does not wait for that.
 */
#include "model/writer.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "base/planted.h"
#include "model/batch.h"
#include "model/entries.h"
#include "model/house.h"
#include "model/ringer.h"
#include "model/roster.h"

enum {
    TRIES_MAX = 20,     /* of a transaction that others push aside */
    PAUSE_MS = 50,      /* between tries while the database does not answer */
    STATEMENT_MS = 3000 /* the least that a round trip is given */
};

struct writer {
    struct house *house;
    struct db *db;
    struct rosters *rosters; /* of the thread that writes */
    pthread_t write_thread, answer_thread;
    pthread_mutex_t lock;
    pthread_cond_t may_write, may_answer;
    struct item *first, *last;      /* waiting */
    size_t n, max;                  /* accepted and not answered */
    struct batch *done, **done_end; /* to be answered, oldest first */
    struct batch *spare;
    bool closed, written_out;
    _Atomic uint64_t *waiting, *batches, *sends, *doubts; /* counters */
};

/* ---- the queue ---- */

/* False, and still the caller's, when the queue is full or closed. */
static bool put(struct writer *w, struct item *item)
{
    pthread_mutex_lock(&w->lock);
    const bool is_in = !w->closed && w->n < w->max;
    if (is_in) {
        if (w->first)
            w->last->next = item;
        else
            w->first = item;
        w->last = item;
        count_set(w->waiting, ++w->n);
        pthread_cond_signal(&w->may_write);
    }
    pthread_mutex_unlock(&w->lock);
    return is_in;
}

enum err writer_send(struct writer *w, const struct send *send, send_done done, void *arg)
{
    struct item *item = calloc(1, sizeof *item);

    if (!item)
        return ERR_UNAVAILABLE;
    *item = (struct item){.send = *send, .done = done, .arg = arg};
    if (put(w, item))
        return LATER;
    free(item);
    return ERR_UNAVAILABLE;
}

static struct batch *batch_new(void)
{
    struct batch *b = calloc(1, sizeof *b);
    if (!b)
        abort();
    b->arena = arena_new();
    return b;
}

static void batch_free(struct batch *b)
{
    arena_free(b->arena);
    free(b);
}

/* All that waits, up to the limits of a batch; NULL when closed and empty. */
static struct batch *take(struct writer *w)
{
    size_t bytes = 0;

    pthread_mutex_lock(&w->lock);
    while (!w->first && !w->closed)
        pthread_cond_wait(&w->may_write, &w->lock);
    struct batch *b = w->first ? w->spare : NULL;
    if (b)
        w->spare = b->next;
    else if (w->first)
        b = batch_new();
    while (b && w->first && b->n < BATCH_MAX &&
           (!b->n || bytes + w->first->send.content.n < BATCH_BYTES_MAX)) {
        struct item *item = w->first;
        w->first = item->next;
        bytes += item->send.content.n;
        b->items[b->n++] = item;
    }
    pthread_mutex_unlock(&w->lock);
    return b;
}

/* ---- writing ---- */

static void settle_all(struct batch *b, int64_t expired_at, enum err err)
{
    for (size_t i = 0; i < b->n; i++) {
        struct item *item = b->items[i];
        if (item->settled || item->send.deadline_mono_ms > expired_at)
            continue;
        item->settled = true;
        item->err = err;
    }
}

static bool is_settled(const struct batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (!b->items[i]->settled)
            return false;
    return true;
}

static int64_t earliest_deadline(const struct batch *b)
{
    int64_t earliest = INT64_MAX;

    for (size_t i = 0; i < b->n; i++)
        if (!b->items[i]->settled && b->items[i]->send.deadline_mono_ms < earliest)
            earliest = b->items[i]->send.deadline_mono_ms;
    return earliest;
}

static enum err try_once(struct writer *w, struct batch *b)
{
    const struct tools tools = {w->db, house_ids(w->house), house_ringer(w->house), w->rosters};
    const int64_t least = clock_mono_ms() + STATEMENT_MS, earliest = earliest_deadline(b);

    db_deadline(w->db, earliest > least ? earliest : least);
    const enum err err = batch_write(b, &tools);
    if (err != OK)
        db_rollback(w->db);
    return err;
}

/*
 * Until everything is settled. A database that is away is tried once more on a new connection, then
 * the batch is refused; but one in doubt is tried until the senders' deadlines, since only
 * another try can tell what was stored.
 */
static void write_batch(struct writer *w, struct batch *b)
{
    int refusals = 0, doubts = 0;

    for (int tries = 0; !is_settled(b); tries++) {
        settle_all(b, clock_mono_ms(), b->in_doubt ? ERR_OUTCOME_UNKNOWN : ERR_UNAVAILABLE);
        if (is_settled(b))
            break;
        const enum err err = try_once(w, b);
        refusals += err == ERR_UNAVAILABLE;
        doubts += err == ERR_OUTCOME_UNKNOWN;
        if ((err == ERR_UNAVAILABLE && refusals == 1) || (err == ERR_OUTCOME_UNKNOWN && doubts == 1))
            log_warn("a batch was not written at once", log_c("code", err_code(err)),
                     log_c("why", db_error(w->db)), log_num("sends", (int64_t)b->n));
        if (b->in_doubt && refusals)
            poll(NULL, 0, PAUSE_MS);
        else if (!b->in_doubt && (refusals > 1 || tries > TRIES_MAX))
            settle_all(b, INT64_MAX, ERR_UNAVAILABLE);
    }
    count_add(w->batches, 1);
    count_add(w->sends, b->n);
    count_add(w->doubts, (uint64_t)doubts);
}

static void *write_main(void *arg)
{
    struct writer *w = arg;
    struct batch *b;

    while ((b = take(w))) {
        write_batch(w, b);
        b->next = NULL;
        pthread_mutex_lock(&w->lock);
        *w->done_end = b;
        w->done_end = &b->next;
        pthread_cond_signal(&w->may_answer);
        pthread_mutex_unlock(&w->lock);
    }
    pthread_mutex_lock(&w->lock);
    w->written_out = true;
    pthread_cond_signal(&w->may_answer);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- answering ---- */

static struct str encode(struct arena *arena, const struct item *item)
{
    const struct send *s = &item->send;
    const struct entry_row row = {
        .conversation_id = s->conversation_id,
        .seq = item->seq,
        .sender_id = s->user_id,
        .client_msg_id = {(const char *)s->client_msg_id, sizeof s->client_msg_id},
        .type = (uint64_t)s->type,
        .content = s->content,
        .mentions = s->mentions,
        .reply_to_seq = s->reply_to_seq,
        .created_at = item->created_at,
    };
    struct buf b = buf_in(arena);
    struct entry entry;

    entry_from_row(arena, &row, &entry);
    entry_encode(&b, &entry);
    return buf_done(&b);
}

static void ring(struct writer *w, struct batch *b, const struct str *json)
{
    struct ring_entry *entries = arena_array(b->arena, b->n_events, sizeof *entries);

    for (size_t i = 0; i < b->n_events; i++)
        entries[i] = (struct ring_entry){json[i], b->written[i]->member_ids, b->written[i]->n_members};
#if PLANTED_BUG == FORGET_BEFORE_RING
    ringer_untake(house_ringer(w->house), &b->outbox_id, 1);
#endif
    outbox_ring(house_ringer(w->house), b->outbox_id, b->events, b->n_events, entries);
}

static void answer_item(struct batch *b, struct item *item, struct str json)
{
    struct problem problem = {0};

    if (item->err == ERR_UNAVAILABLE)
        problem.retry_after_s = 1;
    if (item->err == ERR_CONFLICT)
        problem_set(&problem, item->err, "this client_msg_id was used for something else");
    if (item->field && (item->err == ERR_INVALID_REQUEST || item->err == ERR_FORBIDDEN))
        problem_field(&problem, item->field, "%s", item->reason);
    if (item->err == OK && !json.p)
        json = encode(b->arena, item);
    item->done(item->arg, item->err, item->err == OK ? json : STR_NONE, item->repeated, &problem);
    free(item);
}

static void answer_batch(struct writer *w, struct batch *b)
{
    struct str *json = arena_array(b->arena, b->n_events, sizeof *json);
    size_t next = 0; /* of what was written, which is in the order of `items` */

    for (size_t i = 0; i < b->n_events; i++)
        json[i] = encode(b->arena, b->written[i]);
    if (b->n_events)
        ring(w, b, json);
    for (size_t i = 0; i < b->n; i++) {
        const bool was_written = next < b->n_events && b->items[i] == b->written[next];
        answer_item(b, b->items[i], was_written ? json[next] : STR_NONE);
        next += was_written;
    }
}

static void *answer_main(void *arg)
{
    struct writer *w = arg;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->done && !w->written_out)
            pthread_cond_wait(&w->may_answer, &w->lock);
        struct batch *b = w->done;
        if (!b)
            break;
        w->done = b->next;
        if (!w->done)
            w->done_end = &w->done;
        pthread_mutex_unlock(&w->lock);
        const size_t n = b->n;
        answer_batch(w, b);
        arena_reset(b->arena);
        *b = (struct batch){.arena = b->arena};
        pthread_mutex_lock(&w->lock);
        w->n -= n;
        count_set(w->waiting, w->n);
        b->next = w->spare;
        w->spare = b;
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- life ---- */

enum err writer_new(struct house *house, struct writer **out)
{
    struct writer *w = calloc(1, sizeof *w);

    if (!w)
        abort();
    w->house = house;
    w->max = (size_t)house_conf(house)->queue;
    w->db = db_new(house_conf(house));
    w->rosters = rosters_new();
    w->done_end = &w->done;
    w->waiting = count_cell("posthouse_writer_waiting");
    w->batches = count_cell("posthouse_writer_batches_total");
    w->sends = count_cell("posthouse_writer_sends_total");
    w->doubts = count_cell("posthouse_writer_doubts_total");
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->may_write, NULL);
    pthread_cond_init(&w->may_answer, NULL);
    if (pthread_create(&w->write_thread, NULL, write_main, w) ||
        pthread_create(&w->answer_thread, NULL, answer_main, w))
        abort();
    *out = w;
    return OK;
}

void writer_free(struct writer *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->closed = true;
    pthread_cond_signal(&w->may_write);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->write_thread, NULL);
    pthread_join(w->answer_thread, NULL);
    for (struct batch *b = w->spare, *next; b; b = next) {
        next = b->next;
        batch_free(b);
    }
    db_free(w->db);
    rosters_free(w->rosters);
    pthread_cond_destroy(&w->may_answer);
    pthread_cond_destroy(&w->may_write);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
