/* The database layer: strings of any length, errors by meaning, time-outs, and connections that break. */
#include "ext/db.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "lib/fixture.h"
#include "lib/proxy.h"

static struct conf conf;
static struct arena *arena;
static struct db *db;

/* ---- statements as the generator makes them ---- */

static const enum db_type number[] = {DB_U64}, text[] = {DB_STR}, bytes[] = {DB_BYTES},
                          signed_number[] = {DB_I64};

static const struct db_statement insert_bytes = {
    .index = 0,
    .name = "insert_bytes",
    .n_params = 2,
    .params = (const enum db_type[]){DB_U64, DB_BYTES},
    .sql = "INSERT INTO outbox (id, created_at, claimed_until, events) VALUES (?, 0, 0, ?)"};
static const struct db_statement select_bytes = {.index = 1,
                                                 .name = "select_bytes",
                                                 .n_params = 1,
                                                 .params = number,
                                                 .n_columns = 1,
                                                 .columns = bytes,
                                                 .sql = "SELECT events FROM outbox WHERE id = ?"};
static const struct db_statement nap = {.index = 2,
                                        .name = "nap",
                                        .n_params = 1,
                                        .params = number,
                                        .n_columns = 1,
                                        .columns = number,
                                        .sql = "SELECT SLEEP(?) + 1 DIV 1 AS n FROM apps WHERE id = 1"};
static const struct db_statement connection = {.index = 3,
                                               .name = "connection",
                                               .n_columns = 1,
                                               .columns = number,
                                               .sql = "SELECT CONNECTION_ID() AS id"};
static const struct db_statement wrong_type = {.index = 4,
                                               .name = "wrong_type",
                                               .n_columns = 1,
                                               .columns = number,
                                               .sql = "SELECT name FROM apps WHERE id = 1"};
static const struct db_statement nulls = {.index = 5,
                                          .name = "nulls",
                                          .n_columns = 1,
                                          .columns = text,
                                          .sql = "SELECT username FROM users WHERE id = 0"};
static const struct db_statement minimum = {.index = 6,
                                            .name = "minimum",
                                            .n_columns = 1,
                                            .columns = signed_number,
                                            .sql = "SELECT CAST(-9223372036854775808 AS SIGNED) AS n"};

static enum err take(const struct db_value *columns, void *arg)
{
    *(struct db_value *)arg = columns[0];
    return OK;
}

static struct db_value u64(uint64_t v)
{
    return (struct db_value){.type = DB_U64, .u64 = v};
}

static enum err get(const struct db_statement *st, const struct db_value *params, struct db_value *out)
{
    return db_run(db, st, params, arena, take, out, NULL);
}

static uint64_t connection_id(void)
{
    struct db_value v = {0};

    CU_ASSERT_EQUAL(get(&connection, NULL, &v), OK);
    return v.u64;
}

static enum err no_row(unsigned statement, const struct str *columns, unsigned n, void *arg)
{
    (void)statement;
    (void)columns;
    (void)n;
    (void)arg;
    return OK;
}

static enum err batch(struct db *with, const char *sql, unsigned *failed)
{
    return db_batch(with, str_of(sql), no_row, NULL, failed);
}

static enum err take_number(unsigned statement, const struct str *columns, unsigned n, void *arg)
{
    (void)statement;
    (void)n;
    return str_u64(columns[0], arg) ? OK : ERR_UNAVAILABLE;
}

/* Another connection ends this one, and sees it gone: that comes a moment after the order. */
static void kill_connection(uint64_t id)
{
    struct db *other = db_new(&conf);
    const char *look = arena_printf(
        arena, "SELECT COUNT(*) FROM information_schema.processlist WHERE id = %llu", (unsigned long long)id);
    uint64_t there = 1;

    CU_ASSERT_EQUAL(batch(other, arena_printf(arena, "KILL CONNECTION %llu", (unsigned long long)id), NULL),
                    OK);
    for (const int64_t until = clock_mono_ms() + 5000; there && clock_mono_ms() < until;)
        CU_ASSERT_EQUAL(db_batch(other, str_of(look), take_number, &there, NULL), OK);
    CU_ASSERT_EQUAL(there, 0);
    db_free(other);
}

/* ---- the tests ---- */

static void test_strings_of_any_length(void)
{
    static const size_t lengths[] = {0, 1, 511, 512, 513, 70000, 1000000};

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char *p = arena_alloc(arena, lengths[i]);
        for (size_t j = 0; j < lengths[i]; j++)
            p[j] = (char)(j * 7);
        const struct db_value params[] = {u64(i + 1), {.type = DB_BYTES, .str = {p, lengths[i]}}};
        struct db_value found = {0};
        uint64_t affected = 0;
        CU_ASSERT_EQUAL(db_run(db, &insert_bytes, params, arena, NULL, NULL, &affected), OK);
        CU_ASSERT_EQUAL(affected, 1);
        CU_ASSERT_EQUAL(get(&select_bytes, params, &found), OK);
        CU_ASSERT_TRUE(str_eq(found.str, (struct str){p, lengths[i]}));
        CU_ASSERT_PTR_NOT_NULL(found.str.p);
    }
    CU_ASSERT_EQUAL(batch(db, "DELETE FROM outbox", NULL), OK);
}

static void test_errors_have_meanings(void)
{
    const struct db_value params[] = {u64(1), {.type = DB_BYTES, .str = STR("x")}};
    struct db_value found = {0};
    unsigned failed = 99;

    CU_ASSERT_EQUAL(db_run(db, &insert_bytes, params, arena, NULL, NULL, NULL), OK);
    CU_ASSERT_EQUAL(db_run(db, &insert_bytes, params, arena, NULL, NULL, NULL), ERR_DUPLICATE);
    CU_ASSERT_EQUAL(get(&wrong_type, NULL, &found), ERR_UNAVAILABLE);
    CU_ASSERT_EQUAL(db_prepare(db, &wrong_type), ERR_UNAVAILABLE);
    CU_ASSERT_EQUAL(db_prepare(db, &nulls), OK);
    CU_ASSERT_EQUAL(get(&minimum, NULL, &found), OK);
    CU_ASSERT_EQUAL(found.i64, INT64_MIN);
    CU_ASSERT_EQUAL(batch(db, "SELECT 1;INSERT INTO outbox VALUES (1, 0, 0, 0x00);SELECT 2", &failed),
                    ERR_DUPLICATE);
    CU_ASSERT_EQUAL(failed, 1);
    CU_ASSERT_EQUAL(batch(db, "SELECT 1;nonsense", &failed), ERR_UNAVAILABLE);
    CU_ASSERT_EQUAL(failed, 1);
    CU_ASSERT_EQUAL(batch(db, "DELETE FROM outbox", &failed), OK);
}

static void test_transactions(void)
{
    const struct db_value params[] = {u64(1), {.type = DB_BYTES, .str = STR("x")}};
    struct db_value found = {0};

    CU_ASSERT_EQUAL(db_begin(db), OK);
    CU_ASSERT_TRUE(db_in_transaction(db));
    CU_ASSERT_EQUAL(db_run(db, &insert_bytes, params, arena, NULL, NULL, NULL), OK);
    db_rollback(db);
    CU_ASSERT_FALSE(db_in_transaction(db));
    CU_ASSERT_EQUAL(get(&select_bytes, params, &found), OK);
    CU_ASSERT_PTR_NULL(found.str.p);
    CU_ASSERT_EQUAL(batch(db, "START TRANSACTION;INSERT INTO outbox VALUES (1, 0, 0, 0x78)", NULL), OK);
    CU_ASSERT_TRUE(db_in_transaction(db));
    CU_ASSERT_EQUAL(batch(db, "DELETE FROM outbox;COMMIT", NULL), OK);
    CU_ASSERT_FALSE(db_in_transaction(db));
}

static void test_deadlock_is_retry(void)
{
    struct db *other = db_new(&conf);
    unsigned retries = 0;

    CU_ASSERT_EQUAL(batch(db, "INSERT INTO outbox VALUES (1, 0, 0, 0x78), (2, 0, 0, 0x78)", NULL), OK);
    CU_ASSERT_EQUAL(batch(db, "SET innodb_lock_wait_timeout = 1", NULL), OK);
    CU_ASSERT_EQUAL(batch(other, "START TRANSACTION;SELECT id FROM outbox WHERE id = 1 FOR UPDATE", NULL),
                    OK);
    CU_ASSERT_EQUAL(db_begin(db), OK);
    retries += batch(db, "SELECT id FROM outbox WHERE id = 1 FOR UPDATE", NULL) == ERR_RETRY; /* 1205 */
    db_rollback(db);
    CU_ASSERT_EQUAL(retries, 1);
    db_rollback(other);
    db_close(db);
    CU_ASSERT_EQUAL(batch(other, "DELETE FROM outbox", NULL), OK);
    db_free(other);
}

static void test_time_outs(void)
{
    const struct db_value seconds = u64(5);
    struct db_value found = {0};
    const int64_t from = clock_mono_ms();

    db_deadline(db, from + 250);
    CU_ASSERT_EQUAL(batch(db, "SELECT SLEEP(5)", NULL), ERR_UNAVAILABLE);
    CU_ASSERT_TRUE(clock_mono_ms() - from < 2000);
    CU_ASSERT_EQUAL(get(&connection, NULL, &found), ERR_UNAVAILABLE); /* it has passed */
    db_deadline(db, clock_mono_ms() + 250);
    CU_ASSERT_NOT_EQUAL(get(&nap, &seconds, &found), OK);
    CU_ASSERT_TRUE(clock_mono_ms() - from < 4000);
    db_deadline(db, 0);
    CU_ASSERT_EQUAL(get(&connection, NULL, &found), OK);
}

static void test_a_connection_that_breaks(void)
{
    const uint64_t first = connection_id();
    struct db_value found = {0};

    kill_connection(first); /* while it is idle: nobody notices */
    const uint64_t second = connection_id();
    CU_ASSERT_NOT_EQUAL(second, first);

    CU_ASSERT_EQUAL(db_begin(db), OK);
    kill_connection(second);
    CU_ASSERT_EQUAL(get(&connection, NULL, &found), ERR_UNAVAILABLE);
    CU_ASSERT_EQUAL(get(&connection, NULL, &found),
                    ERR_UNAVAILABLE);                /* nothing outside the transaction by mistake */
    CU_ASSERT_EQUAL(db_commit(db), ERR_UNAVAILABLE); /* it was never sent */
    CU_ASSERT_FALSE(db_in_transaction(db));
    CU_ASSERT_EQUAL(get(&connection, NULL, &found), OK);
}

static void test_a_commit_without_an_answer(void)
{
    struct proxy *proxy = proxy_new(conf.db_socket);
    struct conf through = conf;

    snprintf(through.db_socket, sizeof through.db_socket, "%s", proxy_path(proxy));
    struct db *far = db_new(&through);
    CU_ASSERT_EQUAL(db_begin(far), OK);
    proxy_break(proxy, PROXY_AFTER_COMMIT, 1);
    CU_ASSERT_EQUAL(db_commit(far), ERR_OUTCOME_UNKNOWN);
    CU_ASSERT_FALSE(db_in_transaction(far));
    proxy_break(proxy, PROXY_BEFORE_COMMIT, 1);
    CU_ASSERT_EQUAL(batch(far, "START TRANSACTION;SELECT 1;COMMIT", NULL), ERR_OUTCOME_UNKNOWN);
    CU_ASSERT_EQUAL(batch(far, "SELECT 1", NULL), OK);
    db_free(far);
    proxy_free(proxy);
}

/* The server forgets all prepared statements of a connection that is reset under us. */
static void test_statements_are_prepared_again(void)
{
    struct db_value found = {0};

    CU_ASSERT_EQUAL(get(&connection, NULL, &found), OK);
    CU_ASSERT_EQUAL(batch(db, "ALTER TABLE outbox COMMENT = 'x'", NULL), OK);
    CU_ASSERT_EQUAL(get(&select_bytes, (struct db_value[]){u64(1)}, &found), OK);
    CU_ASSERT_EQUAL(batch(db, "ALTER TABLE outbox COMMENT = ''", NULL), OK);
    CU_ASSERT_EQUAL(get(&select_bytes, (struct db_value[]){u64(1)}, &found), OK);
}

static void test_nobody_there(void)
{
    struct conf nowhere = conf;
    const int64_t from = clock_mono_ms();

    snprintf(nowhere.db_socket, sizeof nowhere.db_socket, "%.1000s.none", conf.db_socket);
    struct db *none = db_new(&nowhere);
    CU_ASSERT_EQUAL(db_open(none), ERR_UNAVAILABLE);
    CU_ASSERT_EQUAL(db_begin(none), ERR_UNAVAILABLE);
    CU_ASSERT_FALSE(db_in_transaction(none));
    CU_ASSERT_EQUAL(batch(none, "SELECT 1;COMMIT", NULL),
                    ERR_UNAVAILABLE); /* never sent, so never in doubt */
    CU_ASSERT_TRUE(strlen(db_error(none)) > 0);
    CU_ASSERT_TRUE(clock_mono_ms() - from < 2000);
    db_free(none);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"strings of any length", test_strings_of_any_length},
        {"errors have meanings", test_errors_have_meanings},
        {"transactions", test_transactions},
        {"a lock that is not had is retry", test_deadlock_is_retry},
        {"time-outs", test_time_outs},
        {"a connection that breaks", test_a_connection_that_breaks},
        {"a COMMIT without an answer", test_a_commit_without_an_answer},
        {"statements are prepared again", test_statements_are_prepared_again},
        {"nobody there", test_nobody_there},
    };
    struct problem problem = {0};

    if (conf_load(&conf, NULL, &problem) != OK) {
        fprintf(stderr, "%s\n", problem.detail);
        return 2;
    }
    arena = arena_new();
    db = db_new(&conf);
    const int failed = FIXTURE_RUN("db", tests);
    db_free(db);
    arena_free(arena);
    return failed;
}
