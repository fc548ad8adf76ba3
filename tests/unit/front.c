/*
 * The front and the life of a request, over a real unix socket with requests made
 * by hand. The database, Redis, the house and tokens are stand-ins of this file, so
 * that it runs alone, also under ThreadSanitizer.
 */
#include <CUnit/Basic.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "lib/records.h"
#include "lib/until.h"
#include "model/idempotency.h"
#include "model/token.h"
#include "web/cgi.h"
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
static _Atomic int hangups, dues;

static void parked(void *arg, ticket t, bool due)
{
    (void)arg;
    if (due) {
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

static const struct route routes[] = {
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

static int start(void)
{
    struct problem problem = {0};

    site = (struct site){.service = &tested, .conf = &conf};
    site.rate = rate_new(conf.rate_user_per_s, conf.rate_user_burst, 1);
    site.pool = pool_new(&conf, conf.workers, conf.queue, "posthouse_queue");
    if (front_open(&site, path, &problem) != OK || pthread_create(&loop, NULL, run_loop, NULL) != 0) {
        fprintf(stderr, "%s\n", problem.detail);
        return -1;
    }
    return 0;
}

/* Ends it; returns how long that took. */
static int64_t stop(void)
{
    const int64_t began = clock_mono_ms();

    kill(getpid(), SIGTERM);
    pthread_join(loop, NULL);
    pool_free(site.pool);
    front_close();
    rate_free(site.rate);
    return clock_mono_ms() - began;
}

static const char *const signed_in[] = {"HTTP_AUTHORIZATION", "Bearer 7", "HTTP_X_REQUEST_ID",
                                        "00112233445566778899aabbccddeeff", NULL};
static struct records request;
static struct records_answer got;

/* One request over a connection of its own or a given one. */
static void ask_over(int fd, const char *method, const char *uri, const char *body, const char *const *more)
{
    request.n = 0;
    records_request(&request, method, uri, str_of(body), more);
    CU_ASSERT(records_send(fd, request.p, request.n));
    records_read(fd, &got);
}

static void ask(const char *method, const char *uri, const char *body, const char *const *more)
{
    const int fd = records_connect(path);

    CU_ASSERT_FATAL(fd >= 0);
    ask_over(fd, method, uri, body, more);
    close(fd);
}

static bool says(const char *text)
{
    return strstr(got.body.p, text) != NULL;
}

static void check_problem(int status, const char *code)
{
    char want[64];

    CU_ASSERT_EQUAL(got.status, status);
    snprintf(want, sizeof want, "\"code\":\"%s\"", code);
    if (!says(want))
        fprintf(stderr, "no %s in %.*s\n", want, STR_ARG(got.body));
    CU_ASSERT(says(want));
    CU_ASSERT(str_eq(records_header(&got, "Content-Type"), STR("application/problem+json")));
    CU_ASSERT_EQUAL(records_header(&got, "X-Request-Id").n, 32);
}

/* ---- tests ---- */

static void test_inline(void)
{
    ask("GET", "/api/v1/ping", "", NULL);
    CU_ASSERT_EQUAL(got.status, 204);
    CU_ASSERT_EQUAL(got.protocol_status, 0);
    CU_ASSERT_EQUAL(got.body.n, 0);
    CU_ASSERT_EQUAL(records_header(&got, "Content-Type").n, 0);
    CU_ASSERT(str_eq(records_header(&got, "Cache-Control"), STR("no-store")));
    ask("GET", "/ping", "", NULL);
    CU_ASSERT_EQUAL(got.status, 204);
    ask("GET", "/hold", "", NULL);
    check_problem(404, "not_found");
    ask("PUT", "/api/v1/ping", "", NULL);
    check_problem(404, "not_found");
    ask("BREW", "/api/v1/ping", "", NULL);
    check_problem(404, "not_found");
}

static void test_input(void)
{
    ask("POST", "/api/v1/echo/12?n=0&x=%zz", "{\"text\":\"驿站 \\ud83d\\ude00\",\"secret\":\"s\"}",
        signed_in);
    CU_ASSERT_EQUAL(got.status, 200);
    CU_ASSERT(str_eq(got.body, STR("{\"id\":\"12\",\"n\":0,\"text\":\"驿站 😀\",\"secret\":\"s\"}")));
    CU_ASSERT(str_eq(records_header(&got, "Content-Type"), STR("application/json")));
    CU_ASSERT(str_eq(records_header(&got, "X-Request-Id"), STR("00112233445566778899aabbccddeeff")));
    ask("POST", "/api/v1/echo/0x?n=-1", "{\"text\":5}", signed_in);
    check_problem(400, "invalid_request");
    CU_ASSERT(says("{\"field\":\"id\"") && says("{\"field\":\"n\"") && says("{\"field\":\"text\""));
    CU_ASSERT(says("\"request_id\":\"00112233445566778899aabbccddeeff\""));
    ask("POST", "/api/v1/echo/1?n=1&n=2", "{\"text\":\"a\"}", signed_in);
    check_problem(400, "invalid_request");
    ask("POST", "/api/v1/echo/1", "", signed_in);
    check_problem(400, "invalid_request");
    CU_ASSERT(says("is missing"));
    ask("POST", "/api/v1/echo/1", "{\"text\":\"a\",\"text\":\"b\"}", signed_in);
    check_problem(400, "invalid_request");
    CU_ASSERT(says("{\"field\":\"text\",\"reason\":\"stands there twice"));
}

static void test_worker_and_override(void)
{
    static const char *const overridden[] = {"HTTP_AUTHORIZATION", "Bearer 7", "HTTP_X_HTTP_METHOD_OVERRIDE",
                                             "PATCH", NULL};
    static const char *const get[] = {"HTTP_AUTHORIZATION", "Bearer 7", "HTTP_X_HTTP_METHOD_OVERRIDE", "GET",
                                      NULL};

    ask("PATCH", "/api/v1/echo/3", "{\"text\":\"a\"}", signed_in);
    CU_ASSERT_EQUAL(got.status, 201);
    ask("POST", "/api/v1/echo/3", "{\"text\":\"a\"}", overridden);
    CU_ASSERT_EQUAL(got.status, 201);
    ask("POST", "/api/v1/echo/3", "{\"text\":\"a\"}", get);
    CU_ASSERT_EQUAL(got.status, 200);
}

static void test_authentication(void)
{
    static const char *const old[] = {"HTTP_AUTHORIZATION", "Bearer old", NULL};
    static const char *const forged[] = {"HTTP_AUTHORIZATION", "bearer forged", NULL};
    static const char *const basic[] = {"HTTP_AUTHORIZATION", "Basic 7", NULL};

    ask("POST", "/api/v1/echo/1", "{", NULL);
    check_problem(401, "unauthenticated");
    CU_ASSERT(str_eq(records_header(&got, "WWW-Authenticate"), STR("Bearer")));
    ask("POST", "/api/v1/echo/1", "{\"text\":\"a\"}", old);
    check_problem(401, "token_expired");
    ask("POST", "/api/v1/echo/1", "{\"text\":\"a\"}", forged);
    check_problem(401, "unauthenticated");
    ask("POST", "/api/v1/echo/1", "{\"text\":\"a\"}", basic);
    check_problem(401, "unauthenticated");
    house_stale = true;
    ask("POST", "/api/v1/echo/1", "{\"text\":\"a\"}", signed_in);
    check_problem(503, "unavailable");
    CU_ASSERT(records_header(&got, "Retry-After").n > 0);
    ask("GET", "/api/v1/ping", "", NULL);
    CU_ASSERT_EQUAL(got.status, 204);
    house_stale = false;
}

static void test_errors(void)
{
    ask("GET", "/api/v1/fails", "", NULL);
    check_problem(400, "invalid_request");
    CU_ASSERT(says("\"detail\":\"thing: is wrong\"") && says("\"title\":\"The request is not valid\""));
    CU_ASSERT(str_eq(records_header(&got, "Retry-After"), STR("7")));
    ask("GET", "/api/v1/inner", "", NULL);
    check_problem(503, "unavailable");
    CU_ASSERT(!says("a key"));
    ask("GET", "/api/v1/open", "", NULL);
    CU_ASSERT_EQUAL(got.status, 204);
}

static void test_rate(void)
{
    static const char *const other[] = {"HTTP_AUTHORIZATION", "Bearer 99", NULL};
    int refused = 0;
    const int fd = records_connect(path);

    for (int i = 0; i < 60; i++) {
        ask_over(fd, "POST", "/api/v1/echo/1", "{\"text\":\"a\"}", other);
        refused += got.status == 429;
    }
    CU_ASSERT(refused > 0 && refused < 60);
    check_problem(429, "rate_limited");
    CU_ASSERT(records_header(&got, "Retry-After").n > 0);
    close(fd);
    ask("POST", "/api/v1/echo/1", "{\"text\":\"a\"}", signed_in);
    CU_ASSERT_EQUAL(got.status, 200);
}

static void test_idempotency(void)
{
    static const char *const key[] = {"HTTP_AUTHORIZATION", "Bearer 8", "HTTP_IDEMPOTENCY_KEY", "k-1", NULL};
    static const char *const space[] = {"HTTP_AUTHORIZATION", "Bearer 8", "HTTP_IDEMPOTENCY_KEY", "k 1",
                                        NULL};
    static const char *const empty[] = {"HTTP_AUTHORIZATION", "Bearer 8", "HTTP_IDEMPOTENCY_KEY", "", NULL};
    char first[256];

    redo = 2;
    ask("POST", "/api/v1/things/1", "{\"text\":\"a\"}", key);
    CU_ASSERT_EQUAL(got.status, 201);
    CU_ASSERT(says("\"n\":0"));
    snprintf(first, sizeof first, "%.*s", STR_ARG(got.body));
    redo = 0;
    ask("POST", "/api/v1/things/1", "{\"text\":\"a\"}", key);
    CU_ASSERT_EQUAL(got.status, 200);
    CU_ASSERT(str_eq(got.body, str_of(first)));
    ask("POST", "/api/v1/things/1", "{\"text\":\"b\"}", key);
    check_problem(409, "conflict");
    ask("POST", "/api/v1/things/1", "{\"text\":\"a\"}", space);
    check_problem(400, "invalid_request");
    CU_ASSERT(says("Idempotency-Key"));
    ask("POST", "/api/v1/things/1", "{\"text\":\"a\"}", empty);
    check_problem(400, "invalid_request");
    database_fails = true;
    ask("POST", "/api/v1/things/1", "{\"text\":\"a\"}", key);
    check_problem(503, "unavailable");
    database_fails = false;
    redo = 5;
    ask("POST", "/api/v1/things/2", "{\"text\":\"a\"}", signed_in);
    check_problem(503, "unavailable");
    redo = 0;
}

static void test_kept_connection(void)
{
    const int fd = records_connect(path);

    for (int i = 0; i < 500; i++) {
        ask_over(fd, "GET", i % 3 ? "/api/v1/ping" : "/api/v1/later", "", NULL);
        CU_ASSERT_EQUAL_FATAL(got.protocol_status, 0);
        CU_ASSERT_EQUAL(got.status, i % 3 ? 204 : 200);
    }
    for (int i = 0; i < 200; i++) {
        ask_over(fd, "PATCH", "/api/v1/echo/1", "{\"text\":\"a\"}", NULL);
        CU_ASSERT_EQUAL_FATAL(got.status, 401);
    }
    close(fd);
}

static void test_not_kept(void)
{
    static const char *const pairs[] = {"REQUEST_METHOD", "GET", "REQUEST_URI", "/ping", NULL};
    const int fd = records_connect(path);
    char byte;

    request.n = 0;
    records_begin(&request, 300, 1, false);
    records_params(&request, 300, pairs, 3);
    records_body(&request, 300, STR(""), 10);
    CU_ASSERT(records_send(fd, request.p, request.n));
    records_read(fd, &got);
    CU_ASSERT_EQUAL(got.status, 204);
    CU_ASSERT_EQUAL(read(fd, &byte, 1), 0);
    close(fd);
}

/* A request may come in two pieces, cut anywhere. */
static void test_split_everywhere(void)
{
    struct records *whole = calloc(1, sizeof *whole);
    const int fd = records_connect(path);

    CU_ASSERT_FATAL(whole != NULL);
    records_request(whole, "POST", "/api/v1/echo/1", STR("{\"text\":\"hello\"}"),
                    (const char *const[]){"HTTP_AUTHORIZATION", "Bearer 4000000", NULL});
    for (size_t i = 1; i < whole->n; i++) {
        CU_ASSERT(records_send(fd, whole->p, i));
        if (i % 16 == 0)
            sched_yield();
        CU_ASSERT(records_send(fd, whole->p + i, whole->n - i));
        records_read(fd, &got);
        CU_ASSERT_FATAL(got.status == 200 || got.status == 429);
    }
    close(fd);
    free(whole);
}

/* A request that is cut off anywhere is never answered, and costs nobody else anything. */
static void test_cut_everywhere(void)
{
    struct records *whole = calloc(1, sizeof *whole);

    CU_ASSERT_FATAL(whole != NULL);
    records_request(whole, "POST", "/api/v1/echo/1", STR("{\"text\":\"hello\"}"), signed_in);
    for (size_t i = 0; i < whole->n; i += 3) {
        const int fd = records_connect(path);
        CU_ASSERT(records_send(fd, whole->p, i));
        shutdown(fd, SHUT_WR);
        records_read(fd, &got);
        CU_ASSERT(got.closed && got.n == 0);
        close(fd);
    }
    free(whole);
    ask("GET", "/ping", "", NULL);
    CU_ASSERT_EQUAL(got.status, 204);
}

static void expect_closed(const struct records *r)
{
    const int fd = records_connect(path);

    CU_ASSERT(records_send(fd, r->p, r->n));
    records_read(fd, &got);
    CU_ASSERT(got.closed || got.protocol_status >= 0);
    close(fd);
}

static void test_garbage(void)
{
    unsigned seed = 1;

    for (int i = 0; i < 300; i++) {
        request.n = 0;
        records_request(&request, "GET", "/ping", STR(""), NULL);
        for (int k = 0; k < 3; k++)
            request.p[(size_t)rand_r(&seed) % request.n] = (unsigned char)rand_r(&seed);
        const int fd = records_connect(path);
        CU_ASSERT_FATAL(fd >= 0);
        (void)records_send(fd, request.p, request.n);
        shutdown(fd, SHUT_WR);
        close(fd);
    }
    ask("GET", "/ping", "", NULL);
    CU_ASSERT_EQUAL(got.status, 204);
}

static void test_protocol(void)
{
    static const char *const pairs[] = {"REQUEST_METHOD", "GET", "REQUEST_URI", "/ping", NULL};
    static const unsigned char wanted[] = "\016\000FCGI_MAX_CONNS\017\000FCGI_MPXS_CONNS";
    unsigned char reply[256];

    request.n = 0; /* an authorizer */
    records_begin(&request, 1, 2, true);
    expect_closed(&request);
    CU_ASSERT_EQUAL(got.protocol_status, 3);

    request.n = 0; /* a second request within the first */
    records_begin(&request, 1, 1, true);
    records_begin(&request, 2, 1, true);
    expect_closed(&request);
    CU_ASSERT_EQUAL(got.protocol_status, 1);

    request.n = 0; /* taken back */
    records_begin(&request, 1, 1, true);
    records_add(&request, 2, 1, NULL, 0, 0);
    expect_closed(&request);
    CU_ASSERT_EQUAL(got.protocol_status, 0);
    CU_ASSERT_EQUAL(got.status, 0);

    request.n = 0; /* no FastCGI at all */
    memcpy(request.p, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 28);
    request.n = 28;
    expect_closed(&request);
    CU_ASSERT(got.closed);

    request.n = 0; /* a name of two gigabytes */
    records_begin(&request, 1, 1, true);
    records_add(&request, 4, 1, "\377\377\377\377\377\377\377\377abc", 11, 0);
    expect_closed(&request);
    CU_ASSERT(got.closed);

    request.n = 0; /* parameters without end */
    records_begin(&request, 1, 1, true);
    for (int i = 0; i < 3; i++) {
        static unsigned char lots[60000] = {0x80, 0, 0xff, 0xff, 0x80, 0, 0xff, 0xff};
        records_add(&request, 4, 1, lots, sizeof lots, 0);
    }
    expect_closed(&request);
    CU_ASSERT(got.closed);

    const int fd = records_connect(path); /* what we can do */
    request.n = 0;
    records_add(&request, 9, 0, wanted, sizeof wanted - 1, 3);
    records_add(&request, 77, 0, NULL, 0, 0);
    CU_ASSERT(records_send(fd, request.p, request.n));
    CU_ASSERT_EQUAL(recv(fd, reply, 8 + 2 + 14 + 5 + 2 + 15 + 1 + 16, MSG_WAITALL), 63);
    CU_ASSERT_EQUAL(reply[1], 10);
    CU_ASSERT(!memcmp(reply + 8, "\016\005FCGI_MAX_CONNS10000\017\001FCGI_MPXS_CONNS0", 39));
    CU_ASSERT(reply[8 + 39 + 1] == 11 && reply[8 + 39 + 8] == 77);
    request.n = 0; /* and the connection still serves */
    records_begin(&request, 9, 1, true);
    records_params(&request, 9, pairs, 100);
    records_body(&request, 9, STR(""), 100);
    CU_ASSERT(records_send(fd, request.p, request.n));
    records_read(fd, &got);
    CU_ASSERT_EQUAL(got.status, 204);
    close(fd);
}

static void test_lengths(void)
{
    static char large[200000];
    static const char *const pairs[] = {
        "REQUEST_METHOD", "POST", "REQUEST_URI", "/api/v1/echo/1", "HTTP_AUTHORIZATION", "Bearer 9",
        "CONTENT_LENGTH", "5",    NULL};
    int fd = records_connect(path);

    request.n = 0; /* longer than it says */
    records_begin(&request, 1, 1, true);
    records_params(&request, 1, pairs, 100);
    records_body(&request, 1, STR("{\"text\":\"a\"}"), 100);
    CU_ASSERT(records_send(fd, request.p, request.n));
    records_read(fd, &got);
    check_problem(400, "invalid_request");
    request.n = 0; /* it does not say */
    records_begin(&request, 1, 1, true);
    records_params(&request, 1,
                   (const char *const[]){"REQUEST_METHOD", "POST", "REQUEST_URI", "/api/v1/echo/1", NULL},
                   100);
    records_body(&request, 1, STR("{\"text\":\"a\"}"), 100);
    CU_ASSERT(records_send(fd, request.p, request.n));
    records_read(fd, &got);
    check_problem(411, "length_required");
    close(fd);

    memset(large, 'y', sizeof large);
    for (size_t n = 65535; n <= sizeof large; n = n < 65537 ? n + 1 : n + sizeof large - 65537) {
        fd = records_connect(path);
        request.n = 0;
        records_request(&request, "POST", "/api/v1/echo/1", (struct str){large, n}, signed_in);
        CU_ASSERT(records_send(fd, request.p, request.n));
        records_read(fd, &got);
        check_problem(n > 65536 ? 413 : 400, n > 65536 ? "too_large" : "invalid_request");
        close(fd);
    }
}

/* An answer that the socket does not take at once, read slowly; and one that nobody reads. */
static void test_large_answer(void)
{
    for (int i = 0; i < 3; i++) {
        const int fd = records_connect(path);
        request.n = 0;
        records_request(&request, i % 2 ? "PATCH" : "POST", "/api/v1/echo/1?n=300000",
                        STR("{\"text\":\"a\"}"), signed_in);
        CU_ASSERT(records_send(fd, request.p, request.n));
        records_read(fd, &got);
        CU_ASSERT_EQUAL(got.protocol_status, 0);
        CU_ASSERT_EQUAL(got.body.n,
                        300000 + strlen("{\"id\":\"1\",\"n\":300000,\"text\":\"\",\"secret\":\"\"}"));
        ask_over(fd, "GET", "/ping", "", NULL);
        CU_ASSERT_EQUAL(got.status, 204);
        close(fd);
    }
    const int fd = records_connect(path);
    request.n = 0;
    records_request(&request, "POST", "/api/v1/echo/1?n=300000", STR("{\"text\":\"a\"}"), signed_in);
    CU_ASSERT(records_send(fd, request.p, request.n));
    close(fd);
    ask("GET", "/ping", "", NULL);
    CU_ASSERT_EQUAL(got.status, 204);
}

static int64_t cpu_of_loop_us(void)
{
    struct timespec t;
    clockid_t clock;

    pthread_getcpuclockid(loop, &clock);
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool is_entered(void)
{
    return entered;
}

/* The peer hangs up while a worker has its request: no busy loop, nobody else's descriptor closed. */
static void test_hangup_while_working(void)
{
    int64_t used_us;

    held = true;
    entered = false;
    const int fd = records_connect(path);
    request.n = 0;
    records_request(&request, "GET", "/api/v1/hold", STR(""), NULL);
    CU_ASSERT(records_send(fd, request.p, request.n));
    CU_ASSERT(until(is_entered));
    close(fd);
    const int other = records_connect(path);
    ask_over(other, "GET", "/ping", "", NULL);
    used_us = cpu_of_loop_us();
    ask_over(other, "GET", "/api/v1/wait?ms=200", "", NULL);
    CU_ASSERT(cpu_of_loop_us() - used_us < 100000);
    held = false;
    for (int i = 0; i < 20; i++) {
        ask_over(other, "GET", "/ping", "", NULL);
        CU_ASSERT_EQUAL(got.status, 204);
    }
    close(other);
}

static bool is_nobody_parked(void)
{
    return park_count() == 0;
}
static bool is_ticket_known(void)
{
    return last_ticket != 0;
}
static bool is_somebody_parked(void)
{
    return park_count() == 1;
}

static int begin_wait(const char *uri)
{
    const int fd = records_connect(path);

    request.n = 0;
    records_request(&request, "GET", uri, STR(""), NULL);
    CU_ASSERT(records_send(fd, request.p, request.n));
    CU_ASSERT(until(is_somebody_parked));
    return fd;
}

static void test_parking(void)
{
    const struct problem problem = {.detail = "gone", .retry_after_s = 3};

    for (int i = 0; i < 2; i++) {
        const char *uri = i ? "/api/v1/wait-worker?ms=30000" : "/api/v1/wait?ms=30000";
        last_ticket = 0;
        int fd = begin_wait(uri);
        CU_ASSERT_FATAL(until(is_ticket_known));
        ticket t = last_ticket;
        CU_ASSERT(park_answer(t, STR("{\"n\":1}")));
        CU_ASSERT(!park_answer(t, STR("{\"n\":2}")));
        records_read(fd, &got);
        CU_ASSERT_EQUAL(got.status, 200);
        CU_ASSERT(str_eq(got.body, STR("{\"n\":1}")));
        ask_over(fd, "GET", "/ping", "", NULL); /* the connection goes on */
        CU_ASSERT_EQUAL(got.status, 204);
        CU_ASSERT(!park_answer(t, STR("{\"n\":3}")));
        close(fd);

        last_ticket = 0;
        fd = begin_wait(uri);
        CU_ASSERT_FATAL(until(is_ticket_known));
        t = last_ticket;
        CU_ASSERT(park_fail(t, ERR_UNAVAILABLE, &problem));
        records_read(fd, &got);
        check_problem(503, "unavailable");
        CU_ASSERT(str_eq(records_header(&got, "Retry-After"), STR("3")));
        close(fd);

        const int before = hangups;
        fd = begin_wait(uri);
        close(fd);
        CU_ASSERT(until(is_nobody_parked));
        CU_ASSERT_EQUAL(hangups, before + 1);

        fd = begin_wait(uri); /* who talks while he waits is taken as gone */
        CU_ASSERT(records_send(fd, "\1\2\0\1\0\0\0\0", 8));
        CU_ASSERT(until(is_nobody_parked));
        CU_ASSERT_EQUAL(hangups, before + 2);
        close(fd);
    }
    CU_ASSERT(!park_answer(12345, STR("{}")));
    CU_ASSERT(!park_answer(UINT64_MAX, STR("{}")));
}

static void test_deadline_of_parked(void)
{
    const int before = dues;
    const int64_t began = clock_mono_ms();

    ask("GET", "/api/v1/wait?ms=120", "", NULL);
    CU_ASSERT_EQUAL(got.status, 200);
    CU_ASSERT(says("waited"));
    CU_ASSERT(clock_mono_ms() - began >= 120);
    CU_ASSERT_EQUAL(dues, before + 1);
}

/* Answers, hang-ups and new polls at the same time, from several threads. */
static void *waiter(void *arg)
{
    struct records *r = calloc(1, sizeof *r);
    struct records_answer *a = calloc(1, sizeof *a);
    unsigned seed = (unsigned)(uintptr_t)arg;

    records_request(r, "GET", seed % 2 ? "/api/v1/wait?ms=40" : "/api/v1/wait-worker?ms=40", STR(""), NULL);
    for (int i = 0; i < 60; i++) {
        const int fd = records_connect(path);
        if (fd < 0 || !records_send(fd, r->p, r->n))
            abort();
        if (rand_r(&seed) % 3)
            records_read(fd, a);
        close(fd);
    }
    free(r);
    free(a);
    return NULL;
}

static atomic_bool answering;
static void *answerer(void *arg)
{
    (void)arg;
    while (answering) {
        (void)park_answer(last_ticket, STR("{\"now\":1}"));
        until_step();
    }
    return NULL;
}

static void test_many_at_once(void)
{
    pthread_t waiters[6], answerers[2];

    answering = true;
    for (int i = 0; i < 2; i++)
        pthread_create(&answerers[i], NULL, answerer, NULL);
    for (int i = 0; i < 6; i++)
        pthread_create(&waiters[i], NULL, waiter, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < 6; i++)
        pthread_join(waiters[i], NULL);
    answering = false;
    for (int i = 0; i < 2; i++)
        pthread_join(answerers[i], NULL);
    CU_ASSERT(until(is_nobody_parked));
}

static void test_slow_input(void)
{
    const int fd = records_connect(path);
    const int64_t began = clock_mono_ms();

    request.n = 0;
    records_request(&request, "GET", "/ping", STR(""), NULL);
    CU_ASSERT(records_send(fd, request.p, request.n - 4));
    records_read(fd, &got);
    CU_ASSERT(got.closed);
    CU_ASSERT(clock_mono_ms() - began >= 900);
    close(fd);
}

static void test_full_queue(void)
{
    enum { MANY = 40 };
    int fds[MANY], refused = 0;

    held = true;
    for (int i = 0; i < MANY; i++) {
        fds[i] = records_connect(path);
        request.n = 0;
        records_request(&request, "GET", "/api/v1/hold", STR(""), NULL);
        CU_ASSERT(records_send(fds[i], request.p, request.n));
    }
    records_read(fds[MANY - 1], &got); /* it comes last, when all places are taken */
    check_problem(503, "unavailable");
    held = false;
    for (int i = 0; i < MANY - 1; i++) {
        records_read(fds[i], &got);
        CU_ASSERT(got.status == 204 || got.status == 503);
        refused += got.status == 503;
    }
    CU_ASSERT(refused > 0 && refused < MANY - 16);
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
}

/* No descriptors: who waits in the backlog is served when there are some again, and the loop does not spin.
 */
static void test_no_descriptors(void)
{
    struct rlimit limit, tight;
    int fds[64];
    unsigned n = 0;

    getrlimit(RLIMIT_NOFILE, &limit);
    const int probe = dup(0);
    tight = limit;
    tight.rlim_cur = (rlim_t)probe + 8;
    close(probe);
    setrlimit(RLIMIT_NOFILE, &tight);
    while (n < 64 && (fds[n] = records_connect(path)) >= 0)
        n++;
    CU_ASSERT(n > 0);
    request.n = 0;
    records_request(&request, "GET", "/ping", STR(""), NULL);
    for (unsigned i = 0; i < n; i++)
        CU_ASSERT(records_send(fds[i], request.p, request.n));
    setrlimit(RLIMIT_NOFILE, &limit);
    for (unsigned i = 0; i < n; i++) {
        records_read(fds[i], &got);
        CU_ASSERT_EQUAL(got.status, 204);
        close(fds[i]);
    }
}

static void test_one_process_per_socket(void)
{
    CU_ASSERT_EQUAL(access(path, F_OK), 0);
    const int fd = records_connect(path);
    CU_ASSERT(fd >= 0);
    close(fd);
}

/* SIGTERM: the parked are answered, a request in work too, new connections are refused. */
static void test_stop(void)
{
    const int idle = records_connect(path);
    ask_over(idle, "GET", "/ping", "", NULL);
    const int waiting = begin_wait("/api/v1/wait?ms=30000");

    held = true;
    entered = false;
    const int working = records_connect(path);
    request.n = 0;
    records_request(&request, "GET", "/api/v1/hold", STR(""), NULL);
    CU_ASSERT(records_send(working, request.p, request.n));
    CU_ASSERT(until(is_entered));
    kill(getpid(), SIGTERM);
    records_read(waiting, &got);
    CU_ASSERT_EQUAL(got.status, 200);
    CU_ASSERT(says("waited"));
    CU_ASSERT_EQUAL(records_connect(path), -1);
    ask_over(idle, "GET", "/api/v1/wait?ms=30000", "",
             NULL); /* who comes late is served, and does not wait */
    CU_ASSERT_EQUAL(got.status, 200);
    held = false;
    records_read(working, &got);
    CU_ASSERT_EQUAL(got.status, 204);
    pthread_join(loop, NULL);
    pool_free(site.pool);
    front_close();
    rate_free(site.rate);
    close(idle);
    close(waiting);
    close(working);
    CU_ASSERT_EQUAL(access(path, F_OK), -1);
}

static void test_stop_idle(void)
{
    CU_ASSERT_EQUAL_FATAL(start(), 0);
    CU_ASSERT(stop() < 1000); /* nobody is there: nothing to wait for */
    CU_ASSERT_EQUAL_FATAL(start(), 0);
    const int fd = records_connect(path);
    ask_over(fd, "GET", "/ping", "", NULL);
    const int64_t took = stop();
    CU_ASSERT(took >= 1900 && took < 4000);
    close(fd);
}

static void test_counters(void)
{
    struct count_file *read = calloc(1, sizeof *read);
    struct problem problem = {0};
    char file[128];

    CU_ASSERT_FATAL(read != NULL);
    CU_ASSERT_EQUAL_FATAL(count_open(folder, "tested", &problem), OK);
    CU_ASSERT_EQUAL(count_route("GET", "/a"), 0);
    CU_ASSERT_EQUAL(count_route("GET", "/b"), 1);
    count_request(1, 204, 700);
    count_request(1, 503, 99999999);
    count_add(count_cell("x_total"), 3);
    CU_ASSERT_PTR_EQUAL(count_cell("x_total"), count_cell("x_total"));
    snprintf(file, sizeof file, "%s/tested.%ld.counters", folder, (long)getpid());
    CU_ASSERT_EQUAL(count_read(file, read), OK);
    CU_ASSERT_EQUAL(read->n_routes, 2);
    CU_ASSERT_EQUAL(read->routes[1].classes[1], 1);
    CU_ASSERT_EQUAL(read->routes[1].classes[4], 1);
    CU_ASSERT_EQUAL(read->routes[1].buckets[3], 1);
    CU_ASSERT_EQUAL(read->routes[1].buckets[COUNT_BUCKETS - 1], 1);
    CU_ASSERT_EQUAL(read->cells[0].value, 3);
    CU_ASSERT_STRING_EQUAL(read->cells[0].name, "x_total");
    count_close();
    CU_ASSERT_EQUAL(count_read(file, read), ERR_NOT_FOUND);
    free(read);
}

static int set_up(void)
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
                         .rate_user_per_s = 20,
                         .rate_user_burst = 40};
    log_init("tested", LOG_ERROR);
    return start();
}

static int tear_down(void)
{
    return rmdir(folder);
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    CU_pSuite suite = CU_add_suite("front", set_up, tear_down);
    CU_ADD_TEST(suite, test_inline);
    CU_ADD_TEST(suite, test_input);
    CU_ADD_TEST(suite, test_worker_and_override);
    CU_ADD_TEST(suite, test_authentication);
    CU_ADD_TEST(suite, test_errors);
    CU_ADD_TEST(suite, test_rate);
    CU_ADD_TEST(suite, test_idempotency);
    CU_ADD_TEST(suite, test_kept_connection);
    CU_ADD_TEST(suite, test_not_kept);
    CU_ADD_TEST(suite, test_split_everywhere);
    CU_ADD_TEST(suite, test_cut_everywhere);
    CU_ADD_TEST(suite, test_garbage);
    CU_ADD_TEST(suite, test_protocol);
    CU_ADD_TEST(suite, test_lengths);
    CU_ADD_TEST(suite, test_large_answer);
    CU_ADD_TEST(suite, test_hangup_while_working);
    CU_ADD_TEST(suite, test_parking);
    CU_ADD_TEST(suite, test_deadline_of_parked);
    CU_ADD_TEST(suite, test_many_at_once);
    CU_ADD_TEST(suite, test_slow_input);
    CU_ADD_TEST(suite, test_full_queue);
    CU_ADD_TEST(suite, test_no_descriptors);
    CU_ADD_TEST(suite, test_one_process_per_socket);
    CU_ADD_TEST(suite, test_stop);
    CU_ADD_TEST(suite, test_stop_idle);
    CU_ADD_TEST(suite, test_counters);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    const unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed ? 1 : 0;
}
