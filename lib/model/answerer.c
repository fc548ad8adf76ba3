/* The answerer: what waits, what is written, what is left over. */
#include "model/answerer.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "ext/crypt.h"
#include "model/house.h"
#include "model/replying.h"
#include "model/replytext.h"

enum {
    WAIT_MS = 50,
    CLAIM_EVERY_MS = 100,
    CLAIMS = 16,         /* at once */
    LOOK_EVERY_MS = 300, /* whether they are still wanted */
    LEASE_MS = 10 * 1000,
    RENEW_EVERY_MS = 2000,
    EXPIRE_EVERY_MS = 1000,
    FIRST_MS = 500,
    REDIS_MS = 1000,
};

static void forget(struct answerer *a, struct replying *answer)
{
    if (answer->call)
        call_free(answer->call);
    if (answer->glance)
        glance_free(answer->glance);
    free(answer);
    a->n--;
}

/* True: it is no more ours. */
static bool is_gone(struct answerer *a, struct replying *answer)
{
    if (answer->is_lost)
        return true;
    if ((!answer->is_over && !answer->is_early) || clock_mono_ms() < answer->next_ms)
        return false;
    return answer->is_over ? replying_end(a, answer) : replying_postpone(a, answer);
}

static void step_all(struct answerer *a)
{
    for (struct replying **at = &a->first; *at;) {
        struct replying *answer = *at;
        if (!answer->is_lost)
            replying_step(a, answer);
        if (is_gone(a, answer)) {
            *at = answer->next;
            forget(a, answer);
        } else {
            at = &answer->next;
        }
    }
}

/* ---- leases ---- */

static void take(struct answerer *a, const struct ai_reply_row *row)
{
    struct replying *answer = calloc(1, sizeof *answer);

    if (!answer)
        abort();
    answer->reply = *row;
    answer->reply.reason = STR_NONE; /* the row's memory is gone soon */
    answer->is_cancelled = row->cancelled;
    answer->next = a->first;
    a->first = answer;
    a->n++;
}

static enum err claim(struct answerer *a)
{
    struct ctx ctx = replying_ctx(a, NULL);
    const size_t room = (size_t)house_conf(a->house)->ai_answers - a->n;
    struct ai_reply_row *rows;
    size_t n;

    TRY(q_ai_replies_waiting(&ctx, room < CLAIMS ? room : CLAIMS, &rows, &n));
    for (size_t i = 0; i < n; i++) {
        uint64_t claimed = 0;
        TRY(q_ai_reply_claim(&ctx, rows[i].id, a->process, LEASE_MS, &claimed));
        if (claimed)
            take(a, &rows[i]);
    }
    return OK;
}

static size_t ids_of(const struct answerer *a, uint64_t *ids)
{
    size_t n = 0;

    for (const struct replying *answer = a->first; answer; answer = answer->next)
        ids[n++] = answer->reply.id;
    return n;
}

/* Whether who asked still wants it, and it is still ours: else whoever has it ends it. */
static void look_at(const struct answerer *a, struct replying *answer, const struct ai_reply_row *now)
{
    answer->is_cancelled |= now->cancelled;
    answer->is_lost = now->state != REPLY_WRITING || now->claimed_by != a->process;
    if (answer->is_lost)
        log_warn("a reply is another process's by now", log_id("reply_id", now->id));
}

static enum err look(struct answerer *a)
{
    struct ctx ctx = replying_ctx(a, NULL);
    uint64_t *ids = arena_array(ctx.arena, a->n, sizeof *ids);
    const size_t n_ids = ids_of(a, ids);
    struct ai_reply_row *rows;
    size_t n;

    TRY(q_ai_replies_get(&ctx, ids, n_ids, &rows, &n));
    for (struct replying *answer = a->first; answer; answer = answer->next)
        for (size_t i = 0; i < n; i++)
            if (rows[i].id == answer->reply.id)
                look_at(a, answer, &rows[i]);
    return OK;
}

static enum err renew(struct answerer *a)
{
    struct ctx ctx = replying_ctx(a, NULL);
    uint64_t *ids = arena_array(ctx.arena, a->n, sizeof *ids);
    const size_t n = ids_of(a, ids);

    return q_ai_replies_renew(&ctx, a->process, LEASE_MS, ids, n, NULL);
}

/* Of processes that are gone: what they wrote is kept in the entry that says so. */
static enum err expire(struct answerer *a)
{
    struct ctx ctx = replying_ctx(a, NULL);
    struct ai_reply_row *rows, row;
    uint64_t taken = 0;
    struct str text;
    size_t n;

    TRY(q_ai_replies_expired(&ctx, 1, &rows, &n));
    if (!n)
        return ERR_NOT_FOUND;
    row = rows[0];
    row.reason = STR_NONE;
    TRY(q_ai_reply_expire(&ctx, row.id, a->process, LEASE_MS, &taken));
    if (!taken)
        return OK;
    ctx = replying_ctx(a, &row);
    if (reply_kept(&ctx, row.id, &text) != OK)
        text = STR("");
    const struct reply_end end = {.state = REPLY_INTERRUPTED,
                                  .reason = "interrupted",
                                  .text = text,
                                  .input_tokens = row.reserved > 0 ? row.reserved : 0};
    TRY(reply_end(&ctx, &row, a->process, &end));
    count_add(a->failed, 1);
    return OK;
}

/* ---- the thread ---- */

static bool is_due(int64_t *due_ms, int64_t every_ms)
{
    const int64_t now = clock_mono_ms();

    if (now < *due_ms)
        return false;
    *due_ms = now + every_ms;
    return true;
}

static void complain(struct answerer *a, const char *what, enum err err)
{
    if (err != OK && err != ERR_NOT_FOUND)
        log_warn(what, log_c("detail", db_error(a->db)));
}

static void turn(struct answerer *a)
{
    if (a->n < (size_t)house_conf(a->house)->ai_answers && is_due(&a->claim_ms, CLAIM_EVERY_MS))
        complain(a, "waiting replies cannot be claimed", claim(a));
    if (a->n && is_due(&a->renew_ms, RENEW_EVERY_MS))
        complain(a, "leases of replies cannot be renewed", renew(a));
    if (a->n && is_due(&a->look_ms, LOOK_EVERY_MS))
        complain(a, "replies cannot be read", look(a));
    if (is_due(&a->expire_ms, EXPIRE_EVERY_MS)) {
        enum err err = OK;
        for (int i = 0; i < CLAIMS && err == OK; i++)
            err = expire(a);
        complain(a, "replies of a dead process cannot be ended", err);
    }
    streams_wait(a->streams, WAIT_MS);
    step_all(a);
    count_set(a->running, a->n);
}

static void leave(struct answerer *a)
{
    while (a->first) {
        struct replying *answer = a->first;
        struct ctx ctx = replying_ctx(a, &answer->reply);
        if (!answer->is_over && (!answer->call || !call_has_begun(answer->call))) {
            if (reply_release(&ctx, &answer->reply, a->process, 0) != OK)
                log_warn("a reply could not be given back", log_id("reply_id", answer->reply.id));
        } else {
            if (!answer->is_over)
                replying_over(answer, REPLY_INTERRUPTED, "interrupted");
            (void)replying_end(a,
                               answer); /* should it fail, the lease runs out and another process ends it */
        }
        a->first = answer->next;
        forget(a, answer);
    }
}

static void *run(void *arg)
{
    struct answerer *a = arg;

    while (!atomic_load(&a->stopping))
        turn(a);
    leave(a);
    return NULL;
}

struct answerer *answerer_new(struct house *house, const struct providers *providers)
{
    struct answerer *a = calloc(1, sizeof *a);

    if (!a)
        abort();
    a->house = house;
    a->providers = providers;
    a->streams = streams_new();
    a->glances = glances_new(house);
    a->arena = arena_new();
    a->db = db_new(house_conf(house));
    a->redis = redis_new(house_conf(house), REDIS_MS);
    a->running = count_cell("posthouse_ai_answers_running");
    a->done = count_cell("posthouse_ai_answers_total");
    a->failed = count_cell("posthouse_ai_failures_total");
    crypt_random(&a->process, sizeof a->process);
    a->process |= 1; /* 0 is nobody */
    /* A process that answers one request in a shell is gone by then. */
    a->claim_ms = a->expire_ms = clock_mono_ms() + FIRST_MS;
    if (pthread_create(&a->thread, NULL, run, a) != 0)
        abort();
    return a;
}

void answerer_free(struct answerer *a)
{
    atomic_store(&a->stopping, true);
    pthread_join(a->thread, NULL);
    streams_free(a->streams);
    glances_free(a->glances);
    redis_free(a->redis);
    db_free(a->db);
    arena_free(a->arena);
    free(a);
}
