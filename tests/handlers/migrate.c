/*
 * Migrations that are repeated, raced, interrupted and changed; token keys that rotate; revocations that
 * commit late.
 */
#include "model/migrate.h"

#include <CUnit/Basic.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "lib/fixture.h"
#include "migrations.h"
#include "model/revocation.h"
#include "model/token.h"

enum { THREADS = 4 };

static struct conf conf;
static struct house *house;

static void count_applied(void *arg, const char *file)
{
    (void)file;
    ++*(int *)arg;
}

struct migrator {
    struct person *p;
    int applied;
    enum err err;
};

static void *migrate(void *arg)
{
    struct migrator *m = arg;

    m->p->problem = (struct problem){0};
    m->applied = 0;
    m->err = migrate_run(&m->p->ctx, count_applied, &m->applied);
    return NULL;
}

static void test_again(void)
{
    struct migrator m[THREADS];
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        m[i] = (struct migrator){.p = person_new(house, 1)};
    /* The last file as if its end had not been written down: one of them does it. */
    fixture_number(m[0].p, "UPDATE schema_migrations SET applied_at = NULL WHERE number = %zu",
                   migrations_count);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, migrate, &m[i]);
    int applied = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CU_ASSERT_EQUAL(m[i].err, OK);
        applied += m[i].applied;
    }
    CU_ASSERT_EQUAL(applied, 1);
    CU_ASSERT_EQUAL(
        fixture_number(m[0].p, "SELECT COUNT(*) FROM schema_migrations WHERE applied_at IS NOT NULL"),
        migrations_count);
    for (int i = 0; i < THREADS; i++)
        person_free(m[i].p);
}

static void test_broken(void)
{
    struct migrator m = {.p = person_new(house, 1)};

    /* It broke off before its last statement was written down: that one is tried again, and what is wrong is
     * said. */
    fixture_number(
        m.p, "UPDATE schema_migrations SET applied_at = NULL, statements = statements - 1 WHERE number = 1");
    migrate(&m);
    CU_ASSERT_EQUAL(m.err, ERR_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(m.p->problem.detail, "0001_house, statement"));
    fixture_number(m.p, "UPDATE schema_migrations SET statements = statements + 1 WHERE number = 1");
    migrate(&m);
    CU_ASSERT_EQUAL(m.err, OK);
    CU_ASSERT_EQUAL(m.applied, 1);
    /* A file that is another one than was applied. */
    fixture_number(
        m.p, "UPDATE schema_migrations SET checksum = UNHEX(SHA2(HEX(checksum), 256)) WHERE number = 1");
    migrate(&m);
    CU_ASSERT_EQUAL(m.err, ERR_CONFLICT);
    CU_ASSERT_PTR_NOT_NULL(strstr(m.p->problem.detail, "0001_house was changed"));
    person_free(m.p);
}

/* ---- token keys ---- */

static enum err rotate(struct ctx *ctx, void *arg)
{
    unsigned id;
    return token_key_rotate(ctx, *(const int64_t *)arg, &id);
}

static struct str sign(struct person *p, struct token_keys *keys)
{
    struct str text = {0};

    CU_ASSERT_EQUAL(
        token_make(keys, TOKEN_ACCESS, &p->ctx.actor, clock_wall_ms() + 60000, p->ctx.arena, &text), OK);
    return text;
}

static bool accepts(struct token_keys *keys, struct str text)
{
    struct revoked_set *none = revoked_new();
    struct actor who;
    const enum err err = token_check(keys, none, TOKEN_ACCESS, text, clock_wall_ms(), &who);

    revoked_free(none);
    return err == OK;
}

static struct token_keys *load(struct person *p)
{
    struct token_keys *keys;

    CU_ASSERT_EQUAL_FATAL(token_keys_new(&conf, &keys, &p->problem), OK);
    CU_ASSERT_EQUAL_FATAL(token_keys_load(&p->ctx, keys), OK);
    return keys;
}

static void test_keys(void)
{
    struct person *p = person_new(house, 1);
    struct token_keys *before = load(p);
    const struct str old = sign(p, before);

    CU_ASSERT_EQUAL(tx_run(&p->ctx, rotate, &(int64_t){60000}), OK);
    struct token_keys *after = load(p);
    CU_ASSERT(accepts(after, old));
    CU_ASSERT(accepts(before, sign(p, after))); /* the new key does not sign yet: not everybody has read it */
    fixture_number(p, "UPDATE token_keys SET created_at = created_at - 15000");
    CU_ASSERT_EQUAL(token_keys_load(&p->ctx, after), OK);
    const struct str new = sign(p, after);
    CU_ASSERT(!accepts(before, new));
    CU_ASSERT(accepts(after, new) && accepts(after, old));
    CU_ASSERT_EQUAL(tx_run(&p->ctx, rotate, &(int64_t){0}), OK); /* all others are void at once */
    CU_ASSERT_EQUAL(token_keys_load(&p->ctx, after), OK);
    CU_ASSERT(!accepts(after, new) && !accepts(after, old));
    CU_ASSERT(accepts(after, sign(p, after)));
    fixture_number(p, "UPDATE token_keys SET retired_at = 1");
    CU_ASSERT_EQUAL(token_keys_load(&p->ctx, after), ERR_UNAVAILABLE);
    CU_ASSERT(accepts(after, sign(p, after))); /* what could not be read changes nothing */
    fixture_number(p, "UPDATE token_keys SET retired_at = NULL ORDER BY id DESC LIMIT 1");
    token_keys_free(before);
    token_keys_free(after);
    person_free(p);
}

static void test_secret(void)
{
    struct conf other = conf;
    struct token_keys *keys;
    struct problem problem = {0};

    snprintf(other.token_secret_file, sizeof other.token_secret_file, "%.900s.none", conf.token_secret_file);
    CU_ASSERT_EQUAL(token_keys_new(&other, &keys, &problem), ERR_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(problem.detail, "token_secret_file"));
    FILE *file = fopen(other.token_secret_file, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs("31 bytes are not enough for it.", file);
    fclose(file);
    CU_ASSERT_EQUAL(token_keys_new(&other, &keys, &problem), ERR_UNAVAILABLE);
    remove(other.token_secret_file);
}

/* ---- revocations ---- */

static void count_told(void *arg, uint64_t session_id, uint64_t user_id)
{
    (void)user_id;
    *(uint64_t *)arg += session_id;
}

static uint64_t read_told(struct person *p, struct revoked_set *set)
{
    uint64_t told = 0;

    CU_ASSERT_EQUAL(revocations_read(&p->ctx, set, count_told, &told), OK);
    return told;
}

static void revoke(struct person *p, uint64_t session_id, int64_t ago_ms)
{
    fixture_number(p,
                   "INSERT INTO revocations VALUES (%" PRIu64
                   ", 1, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - %" PRId64 ")",
                   session_id, ago_ms);
}

static void test_revocations(void)
{
    struct person *p = person_new(house, 1);
    struct revoked_set *set = revoked_new();

    fixture_number(p, "DELETE FROM revocations");
    revoke(p, 7, 1000);
    revoke(p, 8, revocations_kept_ms(&conf) + 1000); /* no token of it lives any more */
    CU_ASSERT_EQUAL(read_told(p, set), 7);
    CU_ASSERT(revoked_has(set, 7) && !revoked_has(set, 8));
    CU_ASSERT_EQUAL(read_told(p, set), 0);
    revoke(p, 100, 59000); /* of a transaction that committed only now */
    CU_ASSERT_EQUAL(read_told(p, set), 100);
    /* More than a page at one moment. */
    fixture_number(p, "INSERT INTO revocations SELECT 1000 + node, 1, revoked_at FROM id_nodes, revocations"
                      " WHERE session_id = 7");
    read_told(p, set);
    CU_ASSERT_EQUAL(revoked_count(set), 2 + ID_NODES);
    revoked_free(set);
    person_free(p);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"token keys rotate", test_keys},
        {"the secret has to be there, and long enough", test_secret},
        {"revocations, also those that commit late", test_revocations},
        {"migrations again, many at once", test_again},
        {"migrations that broke off or were changed", test_broken},
    };

    house = fixture_open(&conf);
    const int code = FIXTURE_RUN("migrate", tests);
    house_close(house);
    return code;
}
