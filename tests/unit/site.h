/*
 * A site to test the front with: a small service, and stand-ins for the database,
 * Redis, the house and tokens, so that such a test runs alone, also under
 * ThreadSanitizer. Included once, by the test program's one file.
 */
#ifndef TESTS_UNIT_SITE_H
#define TESTS_UNIT_SITE_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "lib/until.h"
#include "model/idempotency.h"
#include "model/token.h"
#include "web/bodies.h"
#include "web/front.h"
#include "web/park.h"
#include "web/pool.h"

/* ---- stand-ins ---- */

static atomic_bool house_stale, database_fails;
static _Atomic int transactions, redo;

struct db {
    bool in_transaction;
};

struct db *db_new(const struct conf *conf)
{
    (void)conf;
    return calloc(1, sizeof(struct db));
}
void db_free(struct db *db)
{
    free(db);
}
void db_deadline(struct db *db, int64_t until_mono_ms)
{
    (void)db, (void)until_mono_ms;
}
bool db_in_transaction(const struct db *db)
{
    return db->in_transaction;
}
void db_rollback(struct db *db)
{
    db->in_transaction = false;
}
struct redis *redis_new(const struct conf *conf, int timeout_ms)
{
    (void)conf, (void)timeout_ms;
    return NULL;
}
void redis_free(struct redis *r)
{
    (void)r;
}
bool house_is_current(const struct house *house)
{
    (void)house;
    return !house_stale;
}
struct token_keys *house_token_keys(struct house *house)
{
    (void)house;
    return NULL;
}
struct revoked_set *house_revoked(struct house *house)
{
    (void)house;
    return NULL;
}
/* The token is the user's number. */
enum err token_check(struct token_keys *keys, struct revoked_set *revoked, enum token_kind kind,
                     struct str text, int64_t now_ms, struct actor *out)
{
    (void)keys, (void)revoked, (void)kind, (void)now_ms;
    if (str_eq(text, STR("old")))
        return ERR_TOKEN_EXPIRED;
    if (!str_u64(text, &out->user_id))
        return ERR_UNAUTHENTICATED;
    out->app_id = 1;
    out->session_id = out->user_id + 1000;
    return OK;
}
enum err tx_run(struct ctx *ctx, enum err (*fn)(struct ctx *ctx, void *arg), void *arg)
{
    enum err err = ERR_RETRY;

    if (database_fails)
        return problem_set(ctx->problem, ERR_UNAVAILABLE, "the database is away");
    transactions++;
    for (int i = 0; i < 3 && err == ERR_RETRY; i++)
        err = fn(ctx, arg);
    return err;
}

/* One remembered answer. */
static struct {
    bool used;
    struct idempotency key;
    int status;
    char answer[256];
} remembered;

void idempotency_init(struct idempotency *k, uint64_t user_id, struct str operation, struct str key,
                      struct str target)
{
    *k = (struct idempotency){.user_id = user_id};
    memcpy(k->key_hash, key.p, key.n < 32 ? key.n : 32);
    k->key_hash[31] = (unsigned char)operation.n;
    for (size_t i = 0; i < target.n; i++)
        k->request_hash[i % 32] ^= (unsigned char)((unsigned char)target.p[i] + i);
}
enum err idempotency_claim(struct ctx *ctx, const struct idempotency *k, bool *first, int *status,
                           struct str *answer)
{
    *first = !remembered.used || memcmp(remembered.key.key_hash, k->key_hash, 32) != 0;
    if (*first)
        return OK;
    if (memcmp(remembered.key.request_hash, k->request_hash, 32) != 0)
        return fail(ctx, ERR_CONFLICT, "the key was used for another request");
    *status = remembered.status;
    *answer = str_of(remembered.answer);
    return OK;
}
enum err idempotency_store(struct ctx *ctx, const struct idempotency *k, int status, struct str answer)
{
    (void)ctx;
    remembered.used = true;
    remembered.key = *k;
    remembered.status = status;
    snprintf(remembered.answer, sizeof remembered.answer, "%.*s", STR_ARG(answer));
    return OK;
}

/* ---- the service under test ---- */

struct echo {
    uint64_t id;
    int64_t n;
    struct str text, secret;
};
static const struct field echo_in_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH, .at = offsetof(struct echo, id)},
    {.name = "n",
     .type = FIELD_INT,
     .flags = F_QUERY,
     .at = offsetof(struct echo, n),
     .min = 0,
     .max = 300000},
    {.name = "text",
     .type = FIELD_STR,
     .flags = F_REQUIRED,
     .at = offsetof(struct echo, text),
     .min = 1,
     .max = 60000},
    {.name = "secret", .type = FIELD_STR, .flags = F_SECRET, .at = offsetof(struct echo, secret), .max = 100},
};
static const struct field echo_out_fields[] = {
    {.name = "id", .type = FIELD_ID, .at = offsetof(struct echo, id)},
    {.name = "n", .type = FIELD_INT, .at = offsetof(struct echo, n)},
    {.name = "text", .type = FIELD_STR, .at = offsetof(struct echo, text)},
    {.name = "secret", .type = FIELD_STR, .flags = F_SECRET, .at = offsetof(struct echo, secret)},
};
static const struct shape echo_in = SHAPE("EchoIn", struct echo, echo_in_fields);
static const struct shape echo_out = SHAPE("Echo", struct echo, echo_out_fields);

struct wait_in {
    int64_t ms;
};
static const struct field wait_fields[] = {
    {.name = "ms", .type = FIELD_INT, .flags = F_QUERY, .at = offsetof(struct wait_in, ms), .max = 60000},
};
static const struct shape wait_in = SHAPE("WaitIn", struct wait_in, wait_fields);

static enum err ping(struct req *r)
{
    (void)r;
    return OK;
}

static enum err echo(struct req *r)
{
    const struct echo *in = r->in;
    struct echo *out = r->out;

    *out = *in;
    if (in->n) { /* a large answer, of that many bytes */
        char *p = arena_alloc(r->ctx->arena, (size_t)in->n);
        memset(p, 'x', (size_t)in->n);
        out->text = (struct str){p, (size_t)in->n};
    }
    return OK;
}

/* A worker that waits until the test lets it go. */
static atomic_bool held, entered;
static enum err hold(struct req *r)
{
    (void)r;
    entered = true;
    while (held)
        until_step();
    return OK;
}

static enum err fails(struct req *r)
{
    r->ctx->problem->retry_after_s = 7;
    return fail_field(r->ctx, "thing", "is wrong");
}

static enum err inner(struct req *r)
{
    return fail(r->ctx, ERR_DUPLICATE, "a key");
}

static enum err leaves_open(struct req *r)
{
    r->ctx->db->in_transaction = true;
    return OK;
}

static enum err create(struct req *r)
{
    const struct echo *in = r->in;
    struct echo *out = r->out;

    if (redo-- > 0) {
        out->n = 99; /* must not be seen */
        return ERR_RETRY;
    }
    out->text = in->text;
    return OK;
}

static void *finish_later(void *arg)
{
    struct req *r = arg;

    req_finish(r, OK, STR("{\"later\":true}"));
    return NULL;
}

static enum err later(struct req *r)
{
    pthread_t thread;
    pthread_attr_t attr;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attr, finish_later, r) != 0)
        abort();
    pthread_attr_destroy(&attr);
    return LATER;
}

static _Atomic ticket last_ticket;
static _Atomic int hangups, dues, takens;

static void parked(void *arg, ticket t, enum park_event what)
{
    (void)arg;
    if (what == PARK_DUE) {
        dues++;
        (void)park_answer(t, STR("{\"waited\":true}"));
    } else {
        hangups++;
    }
}

static enum err wait_here(struct req *r)
{
    const struct wait_in *in = r->in;
    ticket t = 0;

    const enum err err = req_park(r, clock_mono_ms() + in->ms, parked, NULL, &t);
    if (err == LATER)
        last_ticket = t;
    return err;
}

static void streamed(void *arg, ticket t, enum park_event what)
{
    (void)arg;
    dues += what == PARK_DUE;
    hangups += what == PARK_GONE;
    takens += what == PARK_TAKEN;
    if (what == PARK_DUE)
        (void)park_tell(t, STR("data: over\n\n"), false);
}

static enum err stream_here(struct req *r)
{
    const struct wait_in *in = r->in;
    ticket t = 0;

    const enum err err = req_park(r, clock_mono_ms() + in->ms, streamed, NULL, &t);
    if (err == LATER)
        last_ticket = t;
    return err;
}

/* Reads its body itself. One that begins with Q is over a quota, which is known before the rest is there. */
static _Atomic int with_db_calls;
static enum err count_db(struct ctx *ctx, void *arg)
{
    (void)arg;
    with_db_calls++;
    return ctx->db ? OK : ERR_UNAVAILABLE;
}

static enum err read_body_here(struct req *r)
{
    char chunk[1000];
    long n, all = 0;

    TRY(req_with_db(r, count_db, NULL));
    while ((n = req_body(r, chunk, all ? sizeof chunk : 1)) > 0) {
        if (!all && *chunk == 'Q')
            return fail(r->ctx, ERR_QUOTA_EXCEEDED, "no room");
        all += n;
    }
    if (n < 0 || req_body(r, chunk, 1) != 0)
        return fail(r->ctx, ERR_INVALID_REQUEST, "cut off");
    r->headers = str_of(arena_printf(r->ctx->arena, "X-Bytes: %ld\r\n", all));
    return OK;
}

static const struct route routes[] = {
    {POST, "/bodies", "readBody", read_body_here, NULL, NULL, 201, ROUTE_OPEN | ROUTE_BODY},
    {PUT, "/bodies", "readAnyBody", read_body_here, NULL, NULL, 201,
     ROUTE_OPEN | ROUTE_BODY | ROUTE_ANY_LENGTH},
    {GET, "/ping", "ping", ping, NULL, NULL, 204, ROUTE_OPEN | ROUTE_INLINE | ROUTE_BARE},
    {POST, "/echo/{id}", "echo", echo, &echo_in, &echo_out, 200, ROUTE_INLINE},
    {PATCH, "/echo/{id}", "echoWorker", echo, &echo_in, &echo_out, 201, 0},
    {GET, "/hold", "hold", hold, NULL, NULL, 204, ROUTE_OPEN},
    {GET, "/fails", "fails", fails, NULL, NULL, 204, ROUTE_OPEN | ROUTE_INLINE},
    {GET, "/inner", "inner", inner, NULL, NULL, 204, ROUTE_OPEN},
    {GET, "/open", "leavesOpen", leaves_open, NULL, NULL, 204, ROUTE_OPEN},
    {POST, "/things/{id}", "create", create, &echo_in, &echo_out, 201, ROUTE_IDEMPOTENT},
    {GET, "/later", "later", later, NULL, NULL, 200, ROUTE_OPEN | ROUTE_LATER},
    {GET, "/wait", "wait", wait_here, &wait_in, NULL, 200, ROUTE_OPEN | ROUTE_INLINE | ROUTE_LATER},
    {GET, "/wait-worker", "waitWorker", wait_here, &wait_in, NULL, 200, ROUTE_OPEN | ROUTE_LATER},
    {GET, "/stream", "stream", stream_here, &wait_in, NULL, 200,
     ROUTE_OPEN | ROUTE_INLINE | ROUTE_LATER | ROUTE_STREAM},
};
static const struct service tested = {SERVICE("tested", routes)};

/* ---- running it ---- */

static struct conf conf;
static struct site site;
static char folder[] = "/tmp/posthouse-front-XXXXXX", path[sizeof folder + 16];
static pthread_t loop;

static void *run_loop(void *arg)
{
    (void)arg;
    front_run();
    return NULL;
}

/* The signals are blocked, so that the loop hears them. */
static int site_prepare(void)
{
    sigset_t signals;

    signal(SIGPIPE, SIG_IGN);
    if (fcgi_init() != OK || !mkdtemp(folder))
        return -1;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    snprintf(path, sizeof path, "%s/t.sock", folder);
    conf = (struct conf){.workers = 2,
                         .queue = 16,
                         .request_timeout_s = 5,
                         .input_timeout_s = 1,
                         .polls_per_process = 1000,
                         .output_timeout_s = 1,
                         .stream_beat_s = 1,
                         .rate_user_per_s = 20,
                         .rate_user_burst = 40};
    log_init("tested", LOG_ERROR);
    return 0;
}

static int site_start(void)
{
    struct problem problem = {0};

    site = (struct site){.service = &tested, .conf = &conf};
    site.rate = rate_new(conf.rate_user_per_s, conf.rate_user_burst, 1);
    site.pool = pool_new(&conf, conf.workers, conf.queue, "posthouse_queue");
    if (conf.uploads_per_process)
        site.bodies = bodies_new(&conf);
    if (front_open(&site, path, &problem) != OK || pthread_create(&loop, NULL, run_loop, NULL) != 0) {
        fprintf(stderr, "%s\n", problem.detail);
        return -1;
    }
    return 0;
}

/* Ends it; returns how long that took. */
static int64_t site_stop(void)
{
    const int64_t began = clock_mono_ms();

    kill(getpid(), SIGTERM);
    pthread_join(loop, NULL);
    if (site.bodies)
        bodies_free(site.bodies);
    pool_free(site.pool);
    front_close();
    rate_free(site.rate);
    return clock_mono_ms() - began;
}

#endif
