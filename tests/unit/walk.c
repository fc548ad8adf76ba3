/* The walk over FastCGI records: whole, cut at every byte, past every limit; and that libfcgi reads what it
 * let through. */
#include <CUnit/Basic.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "ext/fcgi.h"
#include "lib/fixture.h"
#include "lib/records.h"
#include "web/walk.h"

enum { BEGIN = 1, ABORT = 2, PARAMS = 4, STDIN = 5 };

static struct records r;
static struct walk w;

static enum walk_verdict look(size_t n)
{
    /* A copy of exactly n bytes, so that a look past the end is seen. */
    unsigned char *copy = malloc(n ? n : 1);
    memcpy(copy, r.p, n);
    const enum walk_verdict verdict = walk(copy, n, &w);
    free(copy);
    return verdict;
}

static const char *const pairs[] = {"REQUEST_METHOD", "GET", "REQUEST_URI", "/", "EMPTY", "", NULL};

static void test_whole_and_cut(void)
{
    for (size_t piece = 1; piece < 80; piece += 7) {
        r.n = 0;
        records_begin(&r, 513, 1, piece % 2);
        records_params(&r, 513, pairs, piece);
        records_body(&r, 513, STR("hello"), 2);
        for (size_t n = 0; n < r.n; n++)
            CU_ASSERT_EQUAL(look(n), WALK_MORE);
        CU_ASSERT_EQUAL(look(r.n), WALK_WHOLE);
        CU_ASSERT(w.length == r.n && w.id == 513 && w.keep == (piece % 2 == 1));
        records_begin(&r, 513, 1, true); /* what follows is not looked at */
        CU_ASSERT_EQUAL(look(r.n), WALK_WHOLE);
        CU_ASSERT_EQUAL(w.length, r.n - 16);
    }
}

/* A request with one thing in it that is wrong. */
static enum walk_verdict with(unsigned type, unsigned id, const char *content, size_t n)
{
    r.n = 0;
    records_begin(&r, 1, 1, true);
    records_add(&r, type, id, content, n, 0);
    return look(r.n);
}

static void test_bad(void)
{
    CU_ASSERT_EQUAL(with(STDIN, 1, "", 0), WALK_BAD);
    CU_ASSERT_EQUAL(with(BEGIN, 1, "\0\1\0\0\0\0\0\0", 8), WALK_BAD);
    CU_ASSERT_EQUAL(with(BEGIN, 2, "\0\1\0\0\0\0\0\0", 8), WALK_MULTIPLEX);
    CU_ASSERT_EQUAL(w.other_id, 2);
    CU_ASSERT_EQUAL(with(PARAMS, 2, "", 0), WALK_BAD);
    CU_ASSERT_EQUAL(with(ABORT, 1, "", 0), WALK_ABORT);
    CU_ASSERT_EQUAL(with(9, 0, "", 0), WALK_BAD);
    CU_ASSERT_EQUAL(with(99, 1, "", 0), WALK_BAD);
    CU_ASSERT_EQUAL(with(PARAMS, 1, "\1\1ab", 4), WALK_MORE);
    CU_ASSERT_EQUAL(with(PARAMS, 1, "\377\377\377\377\377\377\377\377", 8), WALK_BAD);
    CU_ASSERT_EQUAL(with(PARAMS, 1, "\200\1\0\0\200\1\0\0", 8), WALK_BAD);
    CU_ASSERT_EQUAL(with(PARAMS, 1, "\200\0\377\377\1", 5), WALK_MORE);

    r.n = 0; /* the parameters end in the middle of a pair */
    records_begin(&r, 1, 1, true);
    records_add(&r, PARAMS, 1, "\5\5abc", 5, 0);
    records_add(&r, PARAMS, 1, NULL, 0, 0);
    CU_ASSERT_EQUAL(look(r.n), WALK_BAD);

    r.n = 0; /* another role */
    records_begin(&r, 7, 3, true);
    CU_ASSERT_EQUAL(look(r.n), WALK_ROLE);
    CU_ASSERT_EQUAL(w.id, 7);

    r.n = 0; /* padding that libfcgi does not skip */
    records_add(&r, BEGIN, 1, "\0\1\0\0\0\0\0\0", 8, 8);
    CU_ASSERT_EQUAL(look(r.n), WALK_BAD);
    r.n = 0;
    records_begin(&r, 1, 1, true);
    records_add(&r, PARAMS, 1, NULL, 0, 8);
    CU_ASSERT_EQUAL(look(r.n), WALK_BAD);

    r.n = 0; /* no request 0, no other version, nothing but a beginning at the beginning */
    records_begin(&r, 0, 1, true);
    CU_ASSERT_EQUAL(look(r.n), WALK_VALUES);
    r.n = 0;
    records_begin(&r, 1, 1, true);
    r.p[0] = 2;
    CU_ASSERT_EQUAL(look(r.n), WALK_BAD);
    r.n = 0;
    records_add(&r, ABORT, 1, NULL, 0, 0);
    CU_ASSERT_EQUAL(look(r.n), WALK_BAD);
    r.n = 0;
    records_add(&r, BEGIN, 1, "\0\1\0", 3, 0);
    CU_ASSERT_EQUAL(look(r.n), WALK_BAD);
}

static void test_management(void)
{
    r.n = 0;
    records_add(&r, 9, 0, "\5\0abcde", 7, 1);
    for (size_t n = 0; n < r.n; n++)
        CU_ASSERT_EQUAL(look(n), WALK_MORE);
    CU_ASSERT_EQUAL(look(r.n), WALK_VALUES);
    CU_ASSERT(w.length == r.n && w.type == 9);
}

static void begin_with_params(void)
{
    r.n = 0;
    records_begin(&r, 1, 1, true);
    records_params(&r, 1, pairs, 100);
}

static void test_limits(void)
{
    static char body[70000];

    begin_with_params();
    records_body(&r, 1, (struct str){body, WALK_BODY_MAX}, 20000);
    CU_ASSERT_EQUAL(look(r.n), WALK_WHOLE);
    begin_with_params();
    records_body(&r, 1, (struct str){body, WALK_BODY_MAX + 1}, 65528);
    CU_ASSERT_EQUAL(look(r.n), WALK_LONG);
    CU_ASSERT_EQUAL(look(r.n - 20), WALK_LONG); /* known from the header already */

    begin_with_params(); /* a body of tiny records: the headers fill what is looked at */
    for (int i = 0; i < 20000; i++)
        records_add(&r, STDIN, 1, "x", 1, 0);
    CU_ASSERT_EQUAL(look(WALK_BYTES), WALK_LONG);
    CU_ASSERT_EQUAL(look(WALK_BYTES - 1), WALK_MORE);

    r.n = 0; /* parameters of nothing but record headers */
    records_begin(&r, 1, 1, true);
    for (int i = 0; i < 20000; i++)
        records_add(&r, PARAMS, 1, "\0", 1, 0);
    CU_ASSERT_EQUAL(look(WALK_BYTES), WALK_BAD);

    char *value = malloc(WALK_PARAMS_MAX + 1);
    memset(value, 'v', WALK_PARAMS_MAX);
    value[WALK_PARAMS_MAX] = 0;
    const char *const large[] = {"HTTP_HOST", value, NULL};
    r.n = 0;
    records_begin(&r, 1, 1, true);
    records_params(&r, 1, large, 60000);
    CU_ASSERT_EQUAL(look(r.n), WALK_BAD);
    value[WALK_PARAMS_MAX - 20] = 0;
    r.n = 0;
    records_begin(&r, 1, 1, true);
    records_params(&r, 1, large, 60000);
    records_body(&r, 1, STR(""), 1);
    CU_ASSERT_EQUAL(look(r.n), WALK_WHOLE);
    free(value);
}

/* ---- libfcgi, given a descriptor of ours ---- */

static struct arena *arena;
static struct fcgi *fcgi;
static struct fcgi_request q;

/* Reads what `r` holds; the other end is closed behind it when `cut`. The descriptor, or -1 when it was
 * closed. */
static int read_back(bool cut, enum err *err)
{
    const struct timeval patience = {.tv_usec = 200000};
    int pair[2];

    CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    CU_ASSERT(records_send(pair[1], r.p, r.n));
    if (cut)
        close(pair[1]);
    arena_reset(arena);
    *err = fcgi_read(fcgi, pair[0], 1000, clock_mono_ms() + 1000, arena, &q);
    if (!cut)
        close(pair[1]);
    return fcntl(pair[0], F_GETFD) < 0 ? -1 : pair[0];
}

static void test_libfcgi(void)
{
    static char body[1001];
    enum err err;

    for (int i = 0; i < 50; i++) { /* again and again with one parser */
        r.n = 0;
        records_begin(&r, 700, 1, i % 2);
        records_params(&r, 700,
                       (const char *const[]){"REQUEST_METHOD", "POST", "HTTP_HOST", "a=b", "NOT_OURS", "x",
                                             "HTTP_HOST", "second", "QUERY_STRING", "", NULL},
                       5);
        records_body(&r, 700, STR("hello"), 2);
        const int fd = read_back(false, &err);
        CU_ASSERT_EQUAL_FATAL(err, OK);
        CU_ASSERT(fd >= 0);
        close(fd);
        CU_ASSERT(q.id == 700 && q.keep == (i % 2 == 1) && q.body_bytes == 5 && str_eq(q.body, STR("hello")));
        CU_ASSERT(str_eq(q.params[FCGI_REQUEST_METHOD], STR("POST")) &&
                  str_eq(q.params[FCGI_HTTP_HOST], STR("a=b")));
        CU_ASSERT(q.params[FCGI_QUERY_STRING].p && !q.params[FCGI_QUERY_STRING].n &&
                  !q.params[FCGI_REMOTE_ADDR].p);
    }
    begin_with_params();
    records_body(&r, 1, (struct str){body, sizeof body}, 100);
    int fd = read_back(false, &err);
    CU_ASSERT(err == OK && fd >= 0 && q.body_bytes == sizeof body && q.body.n == 0);
    close(fd);
}

/* Whatever is missing: an error, and the descriptor is closed, soon. */
static void test_libfcgi_cut(void)
{
    const int64_t began = clock_mono_ms();
    enum err err;

    begin_with_params();
    records_body(&r, 1, STR("hello"), 2);
    const size_t whole = r.n;
    for (size_t n = 0; n < whole; n++) {
        r.n = n;
        const int fd = read_back(true, &err);
        CU_ASSERT_EQUAL(err, ERR_INVALID_REQUEST);
        CU_ASSERT_EQUAL(fd, -1);
    }
    r.n = whole - 3; /* and if the peer just stays there */
    CU_ASSERT_EQUAL(read_back(false, &err), -1);
    CU_ASSERT_EQUAL(err, ERR_INVALID_REQUEST);
    CU_ASSERT(clock_mono_ms() - began < 1500);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"whole and cut", test_whole_and_cut},
        {"bad", test_bad},
        {"management", test_management},
        {"limits", test_limits},
        {"libfcgi", test_libfcgi},
        {"libfcgi cut", test_libfcgi_cut},
    };

    if (fcgi_init() != OK)
        return 2;
    arena = arena_new();
    fcgi = fcgi_new();
    const int failed = FIXTURE_RUN("walk", tests);
    arena_free(arena);
    fcgi_free(fcgi);
    return failed;
}
