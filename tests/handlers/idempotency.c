/* Idempotency keys: the first answer again, another request refused, two at the same moment, and a first that
 * fails. */
#include "model/idempotency.h"

#include <CUnit/Basic.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "lib/fixture.h"
#include "queries.h"

enum { THREADS = 8, ROUNDS = 20 };

static struct conf conf;
static struct house *house;

/* One request with a key: it answers how often the key was carried out. */
struct request {
    struct person *p;
    struct idempotency key;
    atomic_int *carried_out;
    bool fails, first;
    int status;
    char answer[16];
    enum err err;
};

static enum err handle(struct ctx *ctx, void *arg)
{
    struct request *r = arg;
    struct str answer;

    TRY(idempotency_claim(ctx, &r->key, &r->first, &r->status, &answer));
    if (r->first) {
        if (r->fails)
            return fail(ctx, ERR_FORBIDDEN, "this one fails");
        r->status = 201;
        answer = str_of(arena_printf(ctx->arena, "%d", atomic_fetch_add(r->carried_out, 1)));
        TRY(idempotency_store(ctx, &r->key, r->status, answer));
    }
    snprintf(r->answer, sizeof r->answer, "%.*s", STR_ARG(answer));
    return OK;
}

static void *run(void *arg)
{
    struct request *r = arg;
    r->err = tx_run(&r->p->ctx, handle, r);
    return NULL;
}

static void test_again(void)
{
    atomic_int carried_out = 7;
    struct person *p = person_new(house, 1), *q = person_new(house, 1);
    struct request r = {.p = p, .carried_out = &carried_out};

    idempotency_init(&r.key, p->id, STR("op"), STR("key"), STR("body"));
    run(&r);
    CU_ASSERT(r.err == OK && r.first);
    run(&r);
    CU_ASSERT(r.err == OK && !r.first);
    CU_ASSERT_EQUAL(r.status, 201);
    CU_ASSERT_STRING_EQUAL(r.answer, "7");
    idempotency_init(&r.key, p->id, STR("op"), STR("key"), STR("other body"));
    run(&r);
    CU_ASSERT_EQUAL(r.err, ERR_CONFLICT);
    /* Another operation, and another person, have keys of their own. */
    idempotency_init(&r.key, p->id, STR("other"), STR("key"), STR("body"));
    run(&r);
    CU_ASSERT(r.err == OK && r.first);
    idempotency_init(&r.key, q->id, STR("op"), STR("key"), STR("body"));
    run(&r);
    CU_ASSERT(r.err == OK && r.first);
    /* After a day the key is new. */
    idempotency_init(&r.key, p->id, STR("op"), STR("key"), STR("other body"));
    fixture_number(
        p, "UPDATE idempotency_keys SET created_at = created_at - 86400001 WHERE user_id = %" PRIu64, p->id);
    run(&r);
    CU_ASSERT(r.err == OK && r.first);
    CU_ASSERT_STRING_EQUAL(r.answer, "10");
    person_free(p);
    person_free(q);
}

static void at_once(struct request *requests)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, run, &requests[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void test_at_once(void)
{
    struct request requests[THREADS] = {0};

    for (int i = 0; i < THREADS; i++)
        requests[i].p = person_new(house, 1);
    for (int round = 0; round < ROUNDS; round++) {
        atomic_int carried_out = round;
        char key[16], first[16];
        int firsts = 0;
        snprintf(key, sizeof key, "%d", round);
        snprintf(first, sizeof first, "%d", round);
        for (int i = 0; i < THREADS; i++) {
            requests[i].carried_out = &carried_out;
            requests[i].fails = round % 2 && i < THREADS / 2; /* and the next in line goes on as the first */
            idempotency_init(&requests[i].key, requests[0].p->id, STR("op"), str_of(key), STR("body"));
        }
        at_once(requests);
        for (int i = 0; i < THREADS; i++) {
            firsts += requests[i].err == OK && requests[i].first;
            CU_ASSERT(requests[i].err == OK || (requests[i].fails && requests[i].err == ERR_FORBIDDEN));
            if (requests[i].err == OK)
                CU_ASSERT_STRING_EQUAL(requests[i].answer, first);
        }
        CU_ASSERT_EQUAL(firsts, 1);
        CU_ASSERT_EQUAL(carried_out, round + 1);
    }
    for (int i = 0; i < THREADS; i++)
        person_free(requests[i].p);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"the first answer again", test_again},
        {"from many sides at once", test_at_once},
    };

    house = fixture_open(&conf);
    const int code = FIXTURE_RUN("idempotency", tests);
    house_close(house);
    return code;
}
