/*
 * Bodies that a handler reads itself, over a real unix socket: whole, cut off, of another length than was
 * said, slow, too many; and that other requests of such a process are as they always are.
 */
#include <CUnit/Basic.h>
#include <sys/socket.h>

#include "base/count.h"
#include "lib/records.h"
#include "unit/site.h"

enum { AT_ONCE = 4, LARGE = 300000 };

static struct records request;
static struct records_answer got;
static char large[LARGE];

static int begin(const char *method, const char *uri, const char *length)
{
    const char *const pairs[] = {
        "REQUEST_METHOD",     method, "REQUEST_URI", uri, length ? "CONTENT_LENGTH" : "X",
        length ? length : "", NULL};
    const int fd = records_connect(path);

    CU_ASSERT_FATAL(fd >= 0);
    request.n = 0;
    records_begin(&request, 1, 1, true);
    records_params(&request, 1, pairs, 100);
    CU_ASSERT(records_send(fd, request.p, request.n));
    return fd;
}

/* A part of a body, without its end. */
static void send_part(int fd, size_t n)
{
    for (size_t at = 0; at < n; at += 60000) {
        request.n = 0;
        records_add(&request, 5, 1, large, n - at < 60000 ? n - at : 60000, 0);
        CU_ASSERT(records_send(fd, request.p, request.n));
    }
}

static void send_end(int fd)
{
    request.n = 0;
    records_add(&request, 5, 1, "", 0, 0);
    CU_ASSERT(records_send(fd, request.p, request.n));
}

static void expect(int fd, int status, const char *bytes)
{
    records_read(fd, &got);
    CU_ASSERT_EQUAL(got.status, status);
    if (bytes)
        CU_ASSERT(str_eq(records_header(&got, "X-Bytes"), str_of(bytes)));
    close(fd);
}

static void expect_problem(int fd, int status, const char *code)
{
    expect(fd, status, NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.body.p, code));
}

static void test_whole(void)
{
    static const size_t sizes[] = {0, 1, 999, 65535, 65536, 65537, LARGE};
    char length[24];

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        snprintf(length, sizeof length, "%zu", sizes[i]);
        int fd = begin("POST", "/api/v1/bodies", length);
        send_part(fd, sizes[i]);
        send_end(fd);
        expect(fd, 201, length);
        fd = begin("PUT", "/api/v1/bodies", NULL); /* it does not say */
        send_part(fd, sizes[i]);
        send_end(fd);
        expect(fd, 201, length);
    }
    CU_ASSERT_EQUAL(with_db_calls, 2 * (int)(sizeof sizes / sizeof *sizes));
}

static void test_lengths(void)
{
    static const char *const bad[] = {"-1", "x", "1.5", "99999999999999999999"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_problem(begin("POST", "/api/v1/bodies", bad[i]), 400, "invalid_request");
    expect_problem(begin("POST", "/api/v1/bodies", NULL), 411, "length_required");
    for (size_t off = 0; off <= 2; off += 2) { /* shorter and longer than was said */
        int fd = begin("POST", "/api/v1/bodies", "1000");
        send_part(fd, 999 + off);
        send_end(fd);
        expect_problem(fd, 400, "invalid_request");
        fd = begin("POST", "/api/v1/bodies", "200000");
        send_part(fd, 199999 + off);
        send_end(fd);
        expect_problem(fd, 400, "invalid_request");
    }
}

static bool nobody_reads(void)
{
    return atomic_load(count_cell("posthouse_uploads")) == 0;
}

/* Nothing stays behind of who hangs up, nor of who says nothing more. */
static void test_cut(void)
{
    static const size_t sizes[] = {0, 1, 70000, 250000};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int fd = begin("POST", "/api/v1/bodies", "300000");
        send_part(fd, sizes[i]);
        close(fd);
    }
    CU_ASSERT(until(nobody_reads));
    const int silent = begin("POST", "/api/v1/bodies", "300000");
    send_part(silent, 10);
    expect_problem(silent, 400, "invalid_request"); /* after upload_stall_s */
    CU_ASSERT(until(nobody_reads));
}

/* The answer comes before the body, and is read although the body goes on. */
static void test_early(void)
{
    const int fd = begin("POST", "/api/v1/bodies", "300000");

    *large = 'Q';
    send_part(fd, 100000);
    *large = 'x';
    expect_problem(fd, 403, "quota_exceeded");
    CU_ASSERT(until(nobody_reads));
}

static bool all_read(void)
{
    return atomic_load(count_cell("posthouse_uploads")) == AT_ONCE;
}

static void test_too_many(void)
{
    int fds[AT_ONCE];

    for (int i = 0; i < AT_ONCE; i++) {
        fds[i] = begin("POST", "/api/v1/bodies", "100");
        send_part(fds[i], 50);
    }
    CU_ASSERT(until(all_read));
    expect_problem(begin("POST", "/api/v1/bodies", "100"), 503, "unavailable");
    for (int i = 0; i < AT_ONCE; i++) {
        send_part(fds[i], 50);
        send_end(fds[i]);
        expect(fds[i], 201, "100");
    }
    CU_ASSERT(until(nobody_reads));
}

/* Other requests of the process, whole at once or not, short or long. */
static void test_others(void)
{
    int fd = begin("GET", "/api/v1/ping", NULL);

    send_end(fd);
    expect(fd, 204, NULL);
    fd = begin("GET", "/api/v1/hold", NULL); /* its end comes later */
    send_part(fd, 0);
    send_end(fd);
    expect(fd, 204, NULL);
    fd = begin("POST", "/api/v1/echo/1", "100000");
    send_part(fd, 100000);
    send_end(fd);
    expect_problem(fd, 413, "too_large");
    fd = begin("POST", "/api/v1/nowhere", "100000");
    expect_problem(fd, 404, "not_found");
    CU_ASSERT(until(nobody_reads));
}

static void test_stop(void)
{
    const int fd = begin("POST", "/api/v1/bodies", "300000");

    send_part(fd, 100000);
    CU_ASSERT(site_stop() < 12000);
    close(fd);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {{"whole", test_whole},           {"lengths", test_lengths},   {"cut off", test_cut},
                 {"an early answer", test_early}, {"too many", test_too_many}, {"others", test_others},
                 {"stopping", test_stop}};

    memset(large, 'x', sizeof large);
    if (site_prepare() != 0)
        return 2;
    conf.uploads_per_process = AT_ONCE;
    conf.upload_stall_s = 1;
    if (site_start() != 0 || CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    CU_pSuite suite = CU_add_suite("bodies", NULL, NULL);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        CU_add_test(suite, tests[i].name, tests[i].run);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    const unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures ? 1 : 0;
}
