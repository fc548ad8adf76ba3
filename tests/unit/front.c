/*
 * The front and the life of a request, over a real unix socket with requests made by hand.
 */
#include <CUnit/Basic.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/count.h"
#include "lib/records.h"
#include "unit/site.h"
#include "web/cgi.h"

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

/* ---- plain CGI, in a process of its own ---- */

static void serve_cgi(int out, int in, const char *method, const char *uri, const char *body)
{
    char length[24];

    snprintf(length, sizeof length, "%zu", strlen(body));
    setenv("REQUEST_METHOD", method, 1);
    setenv("REQUEST_URI", uri, 1);
    setenv("HTTP_AUTHORIZATION", "Bearer 7", 1);
    setenv("CONTENT_LENGTH", length, 1);
    dup2(out, STDOUT_FILENO);
    dup2(in, STDIN_FILENO);
    const struct site cgi = {.service = &tested, .conf = &conf, .rate = rate_new(0, 1, 1)};
    if (!cgi_is_here() || !cgi_serve(&cgi))
        _exit(1);
    _exit(0);
}

static void ask_cgi(const char *method, const char *uri, const char *body)
{
    int out[2], in[2], status;

    CU_ASSERT_FATAL(pipe(out) == 0 && pipe(in) == 0);
    CU_ASSERT(write(in[1], body, strlen(body)) == (ssize_t)strlen(body));
    const pid_t child = fork();
    if (!child)
        serve_cgi(out[1], in[0], method, uri, body);
    close(out[1]);
    got.n = 0;
    for (ssize_t n; (n = read(out[0], got.text + got.n, sizeof got.text - 1 - got.n)) > 0;)
        got.n += (size_t)n;
    got.text[got.n] = 0;
    records_split(&got);
    close(out[0]);
    close(in[0]);
    close(in[1]);
    CU_ASSERT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_cgi(void)
{
    ask_cgi("GET", "/api/v1/ping", "");
    CU_ASSERT(got.status == 204 && got.body.n == 0);
    ask_cgi("POST", "/api/v1/echo/5", "{\"text\":\"a\"}");
    CU_ASSERT(got.status == 200 && says("\"id\":\"5\""));
    ask_cgi("POST", "/api/v1/echo/5", "{\"text\":");
    check_problem(400, "invalid_request");
    ask_cgi("GET", "/api/v1/nothing", "");
    check_problem(404, "not_found");
    ask_cgi("GET", "/api/v1/later", "");
    CU_ASSERT(got.status == 200 && says("later"));
    ask_cgi("GET", "/api/v1/wait?ms=50", "");
    CU_ASSERT(got.status == 200 && says("waited"));
    ask_cgi("GET", "/api/v1/stream?ms=50", "");
    CU_ASSERT(got.status == 200 && says("data: over\n\n"));
}

static void test_start(void)
{
    CU_ASSERT_EQUAL_FATAL(site_start(), 0);
}

/* ---- over the socket ---- */

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
static int hangups_wanted;
static bool is_gone(void)
{
    return hangups == hangups_wanted;
}
static bool is_ticket_known(void)
{
    return last_ticket != 0;
}
static bool is_somebody_parked(void)
{
    return park_count() == 1;
}

static int begin(const char *uri)
{
    const int fd = records_connect(path);

    request.n = 0;
    records_request(&request, "GET", uri, STR(""), NULL);
    CU_ASSERT(records_send(fd, request.p, request.n));
    return fd;
}

static int begin_wait(const char *uri)
{
    const int fd = begin(uri);

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

        hangups_wanted = hangups + 1;
        fd = begin_wait(uri);
        close(fd);
        CU_ASSERT(until(is_gone));
        CU_ASSERT(is_nobody_parked());

        hangups_wanted++;
        fd = begin_wait(uri); /* who talks while he waits is taken as gone */
        CU_ASSERT(records_send(fd, "\1\2\0\1\0\0\0\0", 8));
        CU_ASSERT(until(is_gone));
        CU_ASSERT(is_nobody_parked());
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

/* ---- streams ---- */

/* What has come over a connection, without the records around it, until it holds `text`. */
static bool comes(int fd, const char *text)
{
    got.n = 0;
    got.text[0] = 0;
    while (!strstr(got.text, text))
        if (!records_read_piece(fd, &got))
            return false;
    return true;
}

/* A stream that was parked and told nothing yet. */
static int begin_stream(const char *uri)
{
    last_ticket = 0;
    const int fd = begin(uri);
    CU_ASSERT_FATAL(until(is_ticket_known));
    return fd;
}

static void test_stream(void)
{
    const int before = takens, fd = begin_stream("/api/v1/stream?ms=30000");
    const ticket t = last_ticket;

    CU_ASSERT(park_tell(t, STR("data: 1\n\n"), true));
    CU_ASSERT_EQUAL(takens, before + 1);
    CU_ASSERT(comes(fd, "data: 1\n\n"));
    CU_ASSERT(strstr(got.text, "Content-Type: text/event-stream; charset=utf-8\r\n") != NULL);
    CU_ASSERT(strstr(got.text, "X-Accel-Buffering: no\r\n") != NULL);
    CU_ASSERT(strstr(got.text, "Cache-Control: no-store\r\n") != NULL);
    CU_ASSERT(comes(fd, ":\n\n"));         /* nothing was said for a second */
    CU_ASSERT(!park_answer(t, STR("{}"))); /* too late for an answer */
    CU_ASSERT(park_tell(t, STR("data: 2\n\n"), true));
    CU_ASSERT(comes(fd, "data: 2\n\n"));
    CU_ASSERT(park_tell(t, STR("data: 3\n\n"), false));
    CU_ASSERT(!park_tell(t, STR("data: 4\n\n"), false));
    records_read(fd, &got);
    CU_ASSERT_EQUAL(got.protocol_status, 0);
    CU_ASSERT_STRING_EQUAL(got.text, "data: 3\n\n");
    CU_ASSERT_EQUAL(takens, before + 2);
    ask_over(fd, "GET", "/ping", "", NULL); /* the connection goes on */
    CU_ASSERT_EQUAL(got.status, 204);
    CU_ASSERT(!park_tell(t, STR("data: 5\n\n"), true));
    CU_ASSERT(!park_tell(12345, STR(""), true) && !park_tell(UINT64_MAX, STR(""), true));
    close(fd);
}

static void test_stream_that_does_not_begin(void)
{
    const struct problem problem = {.detail = "away", .retry_after_s = 3};
    const int fd = begin_stream("/api/v1/stream?ms=30000");

    CU_ASSERT(park_fail(last_ticket, ERR_UNAVAILABLE, &problem));
    records_read(fd, &got);
    check_problem(503, "unavailable");
    close(fd);
}

static void test_stream_that_fails_ends(void)
{
    const struct problem problem = {.detail = "away"};
    const int fd = begin_stream("/api/v1/stream?ms=30000");

    CU_ASSERT(park_tell(last_ticket, STR("data: 1\n\n"), true));
    CU_ASSERT(park_fail(last_ticket, ERR_UNAVAILABLE, &problem));
    records_read(fd, &got);
    CU_ASSERT_EQUAL(got.status, 200);
    CU_ASSERT(str_eq(got.body, STR("data: 1\n\n")));
    close(fd);
}

static void test_stream_deadline(void)
{
    const int before = dues;

    ask("GET", "/api/v1/stream?ms=120", "", NULL);
    CU_ASSERT_EQUAL(got.status, 200);
    CU_ASSERT(says("data: over"));
    CU_ASSERT_EQUAL(dues, before + 1);
}

static void test_stream_hang_up(void)
{
    for (int i = 0; i < 3; i++) {
        const int fd = begin_stream("/api/v1/stream?ms=30000");
        hangups_wanted = hangups + 1;
        if (i)
            CU_ASSERT(park_tell(last_ticket, STR("data: 1\n\n"), true));
        if (i == 2) /* who talks while he listens is taken as gone */
            CU_ASSERT(records_send(fd, "\1\2\0\1\0\0\0\0", 8));
        if (i < 2)
            close(fd);
        CU_ASSERT(until(is_gone));
        CU_ASSERT(is_nobody_parked());
        CU_ASSERT(!park_tell(last_ticket, STR("data: 2\n\n"), true));
        if (i == 2)
            close(fd);
    }
}

/* More than a socket holds. */
static struct str large(void)
{
    static char text[400 * 1024];

    memset(text, 'x', sizeof text - 3);
    memcpy(text + sizeof text - 3, "!\n\n", 3);
    return (struct str){text, sizeof text};
}

static int takens_wanted;
static bool is_taken(void)
{
    return takens == takens_wanted;
}

static void test_stream_to_a_slow_client(void)
{
    const int fd = begin_stream("/api/v1/stream?ms=30000");
    const ticket t = last_ticket;

    takens_wanted = takens + 1;
    CU_ASSERT(park_tell(t, large(), true));
    CU_ASSERT(!is_taken()); /* the next piece waits until this one is on its way */
    CU_ASSERT(comes(fd, "!\n\n"));
    CU_ASSERT(got.n > large().n && memcmp(got.text + got.n - large().n, large().p, large().n) == 0);
    CU_ASSERT(until(is_taken));
    takens_wanted++;
    CU_ASSERT(park_tell(t, large(), true));
    CU_ASSERT(park_tell(t, STR("data: last\n\n"), false)); /* last words wait behind it */
    records_read(fd, &got);
    CU_ASSERT_EQUAL(got.protocol_status, 0);
    CU_ASSERT(got.n == large().n + 12 && strcmp(got.text + large().n, "data: last\n\n") == 0);
    close(fd);
}

static void test_stream_that_is_not_taken(void)
{
    const uint64_t cut = *count_cell("posthouse_streams_cut_total");
    const int fd = begin_stream("/api/v1/stream?ms=300");

    hangups_wanted = hangups + 1;
    CU_ASSERT(park_tell(last_ticket, large(), true));
    CU_ASSERT(until(is_gone)); /* after output_timeout_s; its deadline makes it no longer */
    CU_ASSERT_EQUAL(*count_cell("posthouse_streams_cut_total"), cut + 1);
    records_read(fd, &got);
    CU_ASSERT(got.closed);
    close(fd);
}

/* A client that takes a little, so that it never took nothing for long. */
static struct {
    int fd;
    int64_t since_ms;
    size_t taken;
} trickle;
static bool is_gone_while_it_trickles(void)
{
    const size_t may = (size_t)(clock_mono_ms() - trickle.since_ms) * 200;
    char some[4096];

    while (trickle.taken < may) {
        const size_t most = may - trickle.taken < sizeof some ? may - trickle.taken : sizeof some;
        const ssize_t n = recv(trickle.fd, some, most, MSG_DONTWAIT);
        if (n <= 0)
            break;
        trickle.taken += (size_t)n;
    }
    return is_gone();
}

static void test_stream_that_is_taken_too_slowly(void)
{
    const uint64_t cut = *count_cell("posthouse_streams_cut_total");

    trickle.fd = begin_stream("/api/v1/stream?ms=300");
    trickle.since_ms = clock_mono_ms();
    trickle.taken = 0;
    hangups_wanted = hangups + 1;
    CU_ASSERT(park_tell(last_ticket, large(), true));
    CU_ASSERT(until(is_gone_while_it_trickles)); /* output_timeout_s after its deadline */
    CU_ASSERT_EQUAL(*count_cell("posthouse_streams_cut_total"), cut + 1);
    close(trickle.fd);
}

/* Answers, hang-ups and new polls at the same time, from several threads. */
static void *waiter(void *arg)
{
    struct records *r = calloc(1, sizeof *r);
    struct records_answer *a = calloc(1, sizeof *a);
    unsigned seed = (unsigned)(uintptr_t)arg;

    static const char *const uris[] = {"/api/v1/wait?ms=40", "/api/v1/wait-worker?ms=40",
                                       "/api/v1/stream?ms=40"};

    records_request(r, "GET", uris[seed % 3], STR(""), NULL);
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
        (void)park_tell(last_ticket, STR("data: 1\n\n"), true);
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
    enum { BACKLOG = 50 };
    int early[BACKLOG];
    const int idle = records_connect(path);
    ask_over(idle, "GET", "/ping", "", NULL);
    const int waiting = begin_wait("/api/v1/wait?ms=30000");
    const int listening = begin_stream("/api/v1/stream?ms=30000");

    CU_ASSERT(park_tell(last_ticket, STR("data: 1\n\n"), true));
    held = true;
    entered = false;
    const int working = records_connect(path);
    request.n = 0;
    records_request(&request, "GET", "/api/v1/hold", STR(""), NULL);
    CU_ASSERT(records_send(working, request.p, request.n));
    CU_ASSERT(until(is_entered));
    for (int i = 0; i < BACKLOG; i++)
        early[i] = records_connect(path);
    kill(getpid(), SIGTERM);
    records_read(waiting, &got);
    CU_ASSERT_EQUAL(got.status, 200);
    CU_ASSERT(says("waited"));
    records_read(listening, &got);
    CU_ASSERT(got.protocol_status == 0 && says("data: 1\n\ndata: over\n\n"));
    CU_ASSERT_EQUAL(records_connect(path), -1);
    for (int i = 0; i < BACKLOG; i++) { /* who was in the backlog then is served */
        ask_over(early[i], "GET", "/ping", "", NULL);
        CU_ASSERT_EQUAL(got.status, 204);
        close(early[i]);
    }
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
    close(listening);
    close(working);
    CU_ASSERT_EQUAL(access(path, F_OK), -1);
}

static void test_stop_idle(void)
{
    CU_ASSERT_EQUAL_FATAL(site_start(), 0);
    CU_ASSERT(site_stop() < 1000); /* nobody is there: nothing to wait for */
    CU_ASSERT_EQUAL_FATAL(site_start(), 0);
    const int fd = records_connect(path);
    ask_over(fd, "GET", "/ping", "", NULL);
    const int64_t took = site_stop();
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
    return site_prepare();
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
    CU_ADD_TEST(suite, test_cgi); /* first: it forks, and there are no threads yet */
    CU_ADD_TEST(suite, test_start);
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
    CU_ADD_TEST(suite, test_stream);
    CU_ADD_TEST(suite, test_stream_that_does_not_begin);
    CU_ADD_TEST(suite, test_stream_that_fails_ends);
    CU_ADD_TEST(suite, test_stream_deadline);
    CU_ADD_TEST(suite, test_stream_hang_up);
    CU_ADD_TEST(suite, test_stream_to_a_slow_client);
    CU_ADD_TEST(suite, test_stream_that_is_not_taken);
    CU_ADD_TEST(suite, test_stream_that_is_taken_too_slowly);
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
