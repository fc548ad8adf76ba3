/* The bottom layer: arenas, strings, UTF-8, numbers, ids, settings, problems, the log. */
#include <CUnit/Basic.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/field.h"
#include "base/id.h"
#include "base/jsonscan.h"
#include "base/log.h"
#include "lib/fixture.h"

/* ---- arena ---- */

static int order[4], n_order;

static void note(void *arg)
{
    order[n_order++] = *(int *)arg;
}

static void test_arena(void)
{
    struct arena *arena = arena_new();
    int numbers[3] = {1, 2, 3};

    for (int round = 0; round < 3; round++) {
        unsigned char *before = NULL;
        for (size_t size = 0; size < 30000; size = size * 3 / 2 + 1) {
            unsigned char *p = arena_alloc(arena, size);
            CU_ASSERT(p != before && (uintptr_t)p % alignof(max_align_t) == 0);
            for (size_t i = 0; i < size; i++)
                CU_ASSERT_EQUAL_FATAL(p[i], 0);
            memset(p, 0xff, size);
            before = p;
        }
        n_order = 0;
        for (int i = 0; i < 3; i++)
            arena_defer(arena, note, &numbers[i]);
        arena_reset(arena);
        CU_ASSERT(n_order == 3 && order[0] == 3 && order[1] == 2 && order[2] == 1);
    }
    CU_ASSERT_STRING_EQUAL(arena_printf(arena, "%d-%s", 5, "x"), "5-x");
    CU_ASSERT_STRING_EQUAL(arena_copy(arena, "abc", 2), "ab");
    CU_ASSERT(arena_array(arena, 0, 8) != NULL);
    n_order = 0;
    arena_defer(arena, note, &numbers[0]);
    arena_free(arena);
    CU_ASSERT_EQUAL(n_order, 1);
    arena_free(NULL);
}

/* ---- strings ---- */

static void test_slices(void)
{
    struct str rest = STR("a,,b"), piece;

    CU_ASSERT(str_eq(STR(""), STR_NONE) && str_eq(STR("ab"), str_of("ab")) && !str_eq(STR("ab"), STR("ac")));
    CU_ASSERT(str_starts(STR("abc"), STR("ab")) && str_starts(STR("a"), STR("")) &&
              !str_starts(STR("a"), STR("ab")));
    CU_ASSERT(str_cut(&rest, ',', &piece) && str_eq(piece, STR("a")));
    CU_ASSERT(str_cut(&rest, ',', &piece) && piece.n == 0);
    CU_ASSERT(str_cut(&rest, ',', &piece) && str_eq(piece, STR("b")));
    CU_ASSERT(!str_cut(&rest, ',', &piece));
    rest = STR_NONE;
    CU_ASSERT(!str_cut(&rest, ',', &piece));
}

static void test_numbers(void)
{
    static const char *const bad_u64[] = {"",
                                          "-1",
                                          "+1",
                                          " 1",
                                          "1 ",
                                          "01",
                                          "00",
                                          "1a",
                                          "0x1",
                                          "1.0",
                                          "18446744073709551616",
                                          "99999999999999999999999"};
    static const char *const bad_i64[] = {
        "", "-", "--1", "+1", "-01", "9223372036854775808", "-9223372036854775809"};
    uint64_t u;
    int64_t i;

    for (size_t k = 0; k < sizeof bad_u64 / sizeof *bad_u64; k++)
        CU_ASSERT(!str_u64(str_of(bad_u64[k]), &u));
    for (size_t k = 0; k < sizeof bad_i64 / sizeof *bad_i64; k++)
        CU_ASSERT(!str_i64(str_of(bad_i64[k]), &i));
    CU_ASSERT(str_u64(STR("0"), &u) && u == 0);
    CU_ASSERT(str_u64(STR("18446744073709551615"), &u) && u == UINT64_MAX);
    CU_ASSERT(str_i64(STR("-9223372036854775808"), &i) && i == INT64_MIN);
    CU_ASSERT(str_i64(STR("9223372036854775807"), &i) && i == INT64_MAX);
}

static void test_utf8(void)
{
    static const char *const bad[] = {
        "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xc2",
        "\xe0\x80\x80", "\xe0\x9f\xbf",     "\xed\xa0\x80",     "\xed\xbf\xbf",
        "\xe2\x82",     "\xe2\x28\xa1",     "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
        "\xf0\x9f\x98", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
        "a\xfe",        "\xc2\xc2"};
    size_t chars;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT(!utf8_check(str_of(bad[i]), NULL));
    CU_ASSERT(!utf8_check((struct str){"a\0b", 3}, NULL));
    CU_ASSERT(
        utf8_check(STR("a驿😀\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"), &chars));
    CU_ASSERT_EQUAL(chars, 9);
    CU_ASSERT(utf8_check(STR(""), &chars) && chars == 0);
}

static void test_hex_and_uuid(void)
{
    unsigned char bytes[16];
    char text[37];

    CU_ASSERT(hex_decode(STR("00fFa9"), bytes, 3) && bytes[1] == 0xff && bytes[2] == 0xa9);
    CU_ASSERT(!hex_decode(STR("00f"), bytes, 2) && !hex_decode(STR("0g"), bytes, 1));
    CU_ASSERT(uuid_decode(STR("00112233-4455-6677-8899-aaBBccddeeff"), bytes));
    uuid_encode(bytes, text);
    CU_ASSERT_STRING_EQUAL(text, "00112233-4455-6677-8899-aabbccddeeff");
    CU_ASSERT(!uuid_decode(STR("00112233445566778899aabbccddeeff----"), bytes));
    CU_ASSERT(!uuid_decode(STR("00112233-4455-6677-8899-aabbccddeef"), bytes));
    CU_ASSERT(!uuid_decode(STR("0011223-34455-6677-8899-aabbccddeeff"), bytes));
}

static void test_buffers(void)
{
    struct arena *arena = arena_new();
    struct buf b = buf_in(arena);

    CU_ASSERT(buf_done(&b).p && !buf_done(&b).n);
    for (int i = 0; i < 5000; i++)
        buf_char(&b, 'x');
    CU_ASSERT_EQUAL(b.n, 5000);
    b = buf_in(arena);
    buf_u64(&b, UINT64_MAX), buf_char(&b, ' '), buf_i64(&b, INT64_MIN), buf_char(&b, ' '), buf_u64(&b, 0);
    buf_printf(&b, " %s", "y"), buf_hex(&b, "\x01\xff", 2), buf_json(&b, STR("\"\\\n\t驿")),
        buf_json(&b, STR_NONE);
    CU_ASSERT(str_eq(buf_done(&b),
                     STR("18446744073709551615 -9223372036854775808 0 y01ff\"\\\"\\\\\\n\\u0009驿\"null")));
    arena_free(arena);
}

/* ---- ids ---- */

static void test_ids(void)
{
    struct id_maker m;
    uint64_t id = 0, last = 0;

    id_init(&m);
    CU_ASSERT_EQUAL(id_next(&m, &id), ERR_UNAVAILABLE); /* no lease */
    const int64_t now = clock_wall_ms();
    id_lease(&m, 5, now - 10, now + 60000, clock_mono_ms() + 60000);
    for (int i = 0; i < 20000; i++) {
        CU_ASSERT_EQUAL_FATAL(id_next(&m, &id), OK);
        CU_ASSERT_FATAL(id > last && id < UINT64_C(1) << 63);
        last = id;
    }
    CU_ASSERT(id_time_ms(id) >= now && id_time_ms(id) < now + 5000);
    CU_ASSERT(id_used_ms(&m) >= id_time_ms(id));
    id_lease(&m, 5, now, now + 60000, clock_mono_ms() - 1);
    CU_ASSERT_EQUAL(id_next(&m, &id), ERR_UNAVAILABLE); /* the lease is over */
}

/* ---- settings ---- */

static struct conf conf;
static struct problem problem;
static char path[] = "/tmp/posthouse-conf-XXXXXX";

static enum err load(const char *text)
{
    const int fd = open(path, O_WRONLY | O_TRUNC);

    CU_ASSERT(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    problem = (struct problem){0};
    return conf_load(&conf, path, &problem);
}

static bool says(const char *what)
{
    if (!strstr(problem.detail, what))
        fprintf(stderr, "%s\n", problem.detail);
    return strstr(problem.detail, what) != NULL;
}

static void test_settings(void)
{
    CU_ASSERT_EQUAL(load(""), OK);
    CU_ASSERT(conf.workers == 4 && conf.registration == REGISTRATION_OPEN &&
              !strcmp(conf.db_host, "127.0.0.1"));
    CU_ASSERT_EQUAL(load("# a comment\n\n  workers =  9 \nregistration=invite\ndb_password = a = b # c\r\n"),
                    OK);
    CU_ASSERT(conf.workers == 9 && conf.registration == REGISTRATION_INVITE);
    CU_ASSERT_STRING_EQUAL(conf.db_password, "a = b # c");
    CU_ASSERT(load("\nwerkers = 3\n") != OK && says("line 2") && says("werkers"));
    CU_ASSERT(load("workers\n") != OK && says("name = value"));
    CU_ASSERT(load("workers = many\n") != OK && says("workers"));
    CU_ASSERT(load("workers = 0\n") != OK && says("from 1 to 64"));
    CU_ASSERT(load("workers = 65\n") != OK);
    CU_ASSERT(load("workers = 4.5\n") != OK);
    CU_ASSERT(load("workers =\n") != OK);
    CU_ASSERT(load("registration = maybe\n") != OK && says("open|invite|closed"));
    setenv("POSTHOUSE_WORKERS", "11", 1);
    CU_ASSERT(load("workers = 9\n") == OK && conf.workers == 11);
    setenv("POSTHOUSE_WORKERS", "eleven", 1);
    CU_ASSERT(load("") != OK && says("environment") && says("workers"));
    unsetenv("POSTHOUSE_WORKERS");
    setenv("POSTHOUSE_WERKERS", "11", 1);
    CU_ASSERT(load("") != OK && says("POSTHOUSE_WERKERS"));
    unsetenv("POSTHOUSE_WERKERS");
    CU_ASSERT(conf_load(&conf, "/nowhere/at/all", &problem) != OK);
    CU_ASSERT(conf_load(&conf, "/tmp", &problem) != OK && says("cannot be read"));
}

/* The documentation is a file that could be used; the JSON is JSON, and no secret is in it. */
static void test_settings_printed(void)
{
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    conf_print_docs(out);
    fclose(out);
    for (char *at = text; (at = strstr(at, "\n#")); at++)
        if (at[2] != ' ')
            memcpy(at, "\n ", 2);
    CU_ASSERT_EQUAL(load(text), OK);
    free(text);

    CU_ASSERT_EQUAL(load("db_password = hidden\ndb_name = a\"b\n"), OK);
    out = open_memstream(&text, &n);
    conf_print_json(&conf, out);
    fclose(out);
    CU_ASSERT_EQUAL(jsonscan((struct str){text, n}, &problem), OK);
    CU_ASSERT(!strstr(text, "hidden") && strstr(text, "\"db_password\": \"***\""));
    free(text);
}

/* ---- errors ---- */

static void test_problems(void)
{
    struct problem p = {0};
    char lots[400];

    for (int e = OK + 2; e < ERR_COUNT; e++) {
        CU_ASSERT(err_status((enum err)e) >= 400 && err_status((enum err)e) < 600);
        CU_ASSERT(err_title((enum err)e)[0] != 0);
    }
    CU_ASSERT_EQUAL(problem_set(&p, ERR_CONFLICT, "%d", 5), ERR_CONFLICT);
    CU_ASSERT_STRING_EQUAL(p.detail, "5");
    memset(lots, 'x', sizeof lots - 1);
    lots[sizeof lots - 1] = 0;
    for (int i = 0; i < PROBLEM_FIELDS + 3; i++)
        CU_ASSERT_EQUAL(problem_field(&p, lots, "%s", lots), ERR_INVALID_REQUEST);
    CU_ASSERT_EQUAL(p.n_fields, PROBLEM_FIELDS);
    CU_ASSERT_EQUAL(strlen(p.fields[0].field), sizeof p.fields[0].field - 1);
    CU_ASSERT_EQUAL(problem_set(NULL, ERR_CONFLICT, "x"), ERR_CONFLICT);
    CU_ASSERT_EQUAL(problem_field(NULL, "a", "x"), ERR_INVALID_REQUEST);
}

/* ---- the clock: dates without gmtime() ---- */

static void test_clock_text(void)
{
    const int64_t last_ms = 253402300799999; /* the end of the year 9999 */

    /* Steps that meet every day of the week, month and leap year sooner or later, and all times of a day. */
    for (int64_t ms = 0; ms <= last_ms; ms += ms < 4000000000000 ? 79200001 : 86400000LL * 13 + 7) {
        const time_t s = (time_t)(ms / 1000);
        struct tm t;
        char text[CLOCK_TEXT_BYTES], wanted[64];
        gmtime_r(&s, &t);
        snprintf(wanted, sizeof wanted, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900, t.tm_mon + 1,
                 t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, (int)(ms % 1000));
        clock_text(ms, text);
        CU_ASSERT_FATAL(memcmp(text, wanted, sizeof text) == 0);
    }
    char end[CLOCK_TEXT_BYTES];
    clock_text(last_ms, end);
    CU_ASSERT(memcmp(end, "9999-12-31T23:59:59.999Z", sizeof end) == 0);
}

/* ---- the log: every line is JSON, whatever is put into it ---- */

static void test_log(void)
{
    char long_text[3000], letters[1023], line[32768];
    int pair[2];

    memset(long_text, '"', sizeof long_text);
    for (size_t i = 0; i < sizeof letters; i++)
        letters[i] = "驿"[i % 3];
    const struct str many = {letters, sizeof letters};
    CU_ASSERT_FATAL(pipe(pair) == 0);
    const int saved = dup(STDERR_FILENO);
    dup2(pair[1], STDERR_FILENO);
    log_init("tested", LOG_INFO);
    log_debug("unseen", log_num("n", 1));
    log_info("seen \"\n", log_c("a", "\x01\xff\"\\"), log_num("n", INT64_MIN), log_c("none", NULL),
             log_id("id", UINT64_MAX));
    log_error("long", log_str("a", (struct str){long_text, sizeof long_text}),
              log_str("b", (struct str){long_text, sizeof long_text}), log_c("c", "end"));
    for (int i = 0; i < 3; i++) /* wherever the line ends, it is between two letters */
        log_info(&"..."[i], log_str("a", many), log_str("b", many), log_str("c", many), log_str("d", many));
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pair[1]);
    size_t n = 0;
    for (ssize_t got; (got = read(pair[0], line + n, sizeof line - n)) > 0;)
        n += (size_t)got;
    close(pair[0]);
    struct str rest = {line, n}, one;
    int lines = 0;
    for (; str_cut(&rest, '\n', &one); lines++) {
        CU_ASSERT_EQUAL(jsonscan(one, &problem), OK);
        CU_ASSERT(utf8_check(one, NULL));
        CU_ASSERT(memmem(one.p, one.n, "\"process\":\"tested\"", 18) != NULL);
    }
    CU_ASSERT_EQUAL(lines, 5);
    CU_ASSERT(memmem(line, n, "\"n\":-9223372036854775808,", 25) != NULL);
    CU_ASSERT(memmem(line, n, "\"id\":\"18446744073709551615\"}", 28) != NULL);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"arena", test_arena},
        {"slices", test_slices},
        {"numbers", test_numbers},
        {"utf8", test_utf8},
        {"hex and uuid", test_hex_and_uuid},
        {"buffers", test_buffers},
        {"ids", test_ids},
        {"settings", test_settings},
        {"settings printed", test_settings_printed},
        {"problems", test_problems},
        {"clock text", test_clock_text},
        {"log", test_log},
    };

    const int fd = mkstemp(path);

    if (fd < 0 || close(fd) != 0)
        return 2;
    const int failed = FIXTURE_RUN("base", tests);
    unlink(path);
    return failed;
}
