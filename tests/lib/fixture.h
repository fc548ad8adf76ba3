/*
 * What the tests of the model share: a house on the private services, contexts of
 * people, and direct conversations between them.
 */
#ifndef LIB_FIXTURE_H
#define LIB_FIXTURE_H

#include "model/conversations.h"
#include "model/ctx.h"
#include "model/house.h"

/* Opens the house by POSTHOUSE_*; ends the program with words when that fails. */
struct house *fixture_open(struct conf *conf);
/* One with a configuration of its own. */
struct house *fixture_house(const struct conf *conf);

/* Somebody, with a connection of his own. */
struct person {
    struct ctx ctx;
    struct problem problem;
    uint64_t id;
};
/* Signed up in the app, by a row in users. */
struct person *person_new(struct house *house, uint64_t app_id);
void person_free(struct person *p);

/* The conversation of two friends (a == b: the notebook). */
uint64_t fixture_friends(struct person *a, struct person *b);
/* Sets the pair's flags but PAIR_OPEN. */
void fixture_set_flags(struct person *a, struct person *b, unsigned flags);
unsigned fixture_block_flag(const struct person *blocker, const struct person *other);

/* One number that a query gives, straight from the database; `fmt` as printf's. */
uint64_t fixture_number(struct person *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Runs this program's CUnit tests and gives its exit code. */
struct fixture_test {
    const char *name;
    void (*run)(void);
};
int fixture_run(const char *name, const struct fixture_test *tests, size_t n);
#define FIXTURE_RUN(suite, tests) fixture_run((suite), (tests), sizeof(tests) / sizeof *(tests))

#endif
