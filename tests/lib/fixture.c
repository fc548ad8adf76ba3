/* A house for tests of the model, and people in it. */
#include "lib/fixture.h"

#include <CUnit/Basic.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void die(const char *what, const char *why)
{
    fprintf(stderr, "fixture: %s: %s\n", what, why);
    exit(2);
}

struct house *fixture_house(const struct conf *conf)
{
    struct problem problem = {0};
    struct house *house;

    if (house_open(conf, "test", &problem, &house) != OK)
        die("no house", problem.detail);
    return house;
}

struct house *fixture_open(struct conf *conf)
{
    struct problem problem = {0};

    if (conf_load(conf, NULL, &problem) != OK)
        die("no configuration", problem.detail);
    return fixture_house(conf);
}

static enum err nothing(unsigned statement, const struct str *columns, unsigned n, void *arg)
{
    (void)statement;
    if (n && arg && !str_u64(columns[0], arg))
        return ERR_UNAVAILABLE;
    return OK;
}

uint64_t fixture_number(struct person *p, const char *fmt, ...)
{
    char sql[1024];
    uint64_t number = 0;
    va_list args;

    va_start(args, fmt);
    vsnprintf(sql, sizeof sql, fmt, args);
    va_end(args);
    if (db_batch(p->ctx.db, str_of(sql), nothing, &number, NULL) != OK)
        die(sql, db_error(p->ctx.db));
    return number;
}

struct person *person_new(struct house *house, uint64_t app_id)
{
    struct person *p = calloc(1, sizeof *p);

    if (!p)
        abort();
    p->ctx = (struct ctx){.arena = arena_new(),
                          .db = db_new(house_conf(house)),
                          .house = house,
                          .problem = &p->problem,
                          .actor = {.app_id = app_id}};
    if (ctx_id(&p->ctx, &p->id) != OK)
        die("no id", p->problem.detail);
    p->ctx.actor.user_id = p->id;
    p->ctx.actor.session_id = p->id + 1;
    fixture_number(
        p,
        "INSERT INTO users (id, app_id, username, username_key, nickname, nickname_key, signature,"
        " gender, kind, state, role, locale, timezone, strangers_may_write, findable, show_last_seen,"
        " friend_count, version, created_at, last_seen_at) VALUES (%" PRIu64 ",%" PRIu64 ",'u%" PRIu64
        "','u%" PRIu64 "','n','n','',0,0,0,0,'en','UTC',0,1,1,0,1,1,0)",
        p->id, app_id, p->id, p->id);
    return p;
}

void person_free(struct person *p)
{
    db_free(p->ctx.db);
    arena_free(p->ctx.arena);
    free(p);
}

struct pair {
    uint64_t a, b, id;
    unsigned flags;
};

static enum err open_pair(struct ctx *ctx, void *arg)
{
    struct pair *pair = arg;
    struct conversation_row conv;

    TRY(conversation_pair_lock(ctx, pair->a, pair->b, &conv));
    TRY(conversation_open_pair(ctx, &conv));
    TRY(conversation_set_flags(ctx, &conv, pair->flags));
    pair->id = conv.id;
    return OK;
}

static uint64_t open_as(struct person *a, struct person *b, unsigned flags)
{
    struct pair pair = {.a = a->id, .b = b->id, .flags = flags};

    if (tx_run(&a->ctx, open_pair, &pair) != OK)
        die("no conversation", db_error(a->ctx.db));
    return pair.id;
}

uint64_t fixture_friends(struct person *a, struct person *b)
{
    return open_as(a, b, a == b ? 0 : PAIR_FRIENDS);
}

void fixture_set_flags(struct person *a, struct person *b, unsigned flags)
{
    open_as(a, b, flags);
}

unsigned fixture_block_flag(const struct person *blocker, const struct person *other)
{
    return blocker->id < other->id ? PAIR_LOW_BLOCKS : PAIR_HIGH_BLOCKS;
}

int fixture_run(const char *name, const struct fixture_test *tests, size_t n)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        die(name, "no CUnit");
    CU_pSuite suite = CU_add_suite(name, NULL, NULL);
    for (size_t i = 0; i < n; i++)
        CU_add_test(suite, tests[i].name, tests[i].run);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    const unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures ? 1 : 0;
}
