/*
 * Sync: what counts as changed, what is told of it, where an answer ends, that the number of statements
 * does not grow with the number of conversations, and that an entry is shown as of one moment.
 */
#include "model/sync.h"

#include <CUnit/Basic.h>
#include <inttypes.h>
#include <stdlib.h>

#include "lib/fixture.h"
#include "model/changes.h"

#define COLUMNS                                                                                              \
    "(conversation_id, seq, sender_id, client_msg_id, part, request_hash, type, counts, content, "           \
    "reply_to_seq,"                                                                                          \
    " created_at, edited_at, recalled_at)"

static struct conf conf;
static struct house *house;

/* Entries up to `last` in a conversation, as the writer leaves them. */
static void say(struct person *p, uint64_t id, unsigned last, const char *text)
{
    fixture_number(p,
                   "INSERT INTO entries " COLUMNS " SELECT %" PRIu64 ", s.seq, %" PRIu64
                   ", UNHEX(LPAD(HEX(s.seq), 32, '0')), 0, UNHEX(REPEAT('00', 16)), 0, 1,"
                   " CONCAT('{\"text\":\"', %s, '\"}'), NULL, s.seq, NULL, NULL FROM seq_1_to_%u AS s",
                   id, p->id, text, last);
    fixture_number(p, "UPDATE conversations SET last_seq = %u, last_shown_seq = %u WHERE id = %" PRIu64, last,
                   last, id);
}

static struct sync_answer sync_of(struct person *p, struct sync_known *known, size_t n, size_t limit,
                                  uint64_t after)
{
    const struct list list = {known, n};
    struct sync_answer answer = {0};

    CU_ASSERT_EQUAL_FATAL(sync_read(&p->ctx, &list, limit, after, &answer), OK);
    return answer;
}

static const struct sync_change *change(const struct sync_answer *answer, size_t i)
{
    CU_ASSERT_FATAL(i < answer->changes.n);
    return &((const struct sync_change *)answer->changes.items)[i];
}

static void expect_range(const struct sync_change *c, int64_t from_seq, int64_t to_seq, bool limited)
{
    CU_ASSERT_EQUAL(c->from_seq, from_seq);
    CU_ASSERT_EQUAL(c->to_seq, to_seq);
    CU_ASSERT_EQUAL(c->limited, limited);
}

static void test_what_changed(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1);
    const uint64_t id = fixture_friends(a, b);
    struct sync_known held = {.id = id};
    struct sync_answer answer = sync_of(a, NULL, 0, 20, 0);

    CU_ASSERT_EQUAL(answer.changes.n, 1); /* it is not named, and empty */
    expect_range(change(&answer, 0), 1, 0, false);
    CU_ASSERT_TRUE(str_eq(change(&answer, 0)->items, STR("[]")));
    CU_ASSERT_EQUAL(answer.next, 0);
    held.version = change(&answer, 0)->conversation.version;
    CU_ASSERT_EQUAL(sync_of(a, &held, 1, 20, 0).changes.n, 0);
    held.has_version = HAS_VALUE;
    CU_ASSERT_EQUAL(sync_of(a, &held, 1, 20, 0).changes.n, 0);
    fixture_set_flags(a, b, 0); /* its version rises */
    CU_ASSERT_EQUAL(sync_of(a, &held, 1, 20, 0).changes.n, 1);
    held.has_version = HAS_NOT;
    CU_ASSERT_EQUAL(sync_of(a, &held, 1, 20, 0).changes.n, 0);
    say(b, id, 5, "s.seq");
    answer = sync_of(a, &held, 1, 5, 0);
    expect_range(change(&answer, 0), 1, 5, false);
    answer = sync_of(a, &held, 1, 4, 0);
    expect_range(change(&answer, 0), 2, 5, true);
    held.seq = 5;
    CU_ASSERT_EQUAL(sync_of(a, &held, 1, 20, 0).changes.n, 0);
    CU_ASSERT_EQUAL(sync_of(a, NULL, 0, 20, id).changes.n, 0); /* told before */
    person_free(a);
    person_free(b);
}

static void test_what_is_not_his(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1), *c = person_new(house, 1);
    const uint64_t theirs = fixture_friends(a, b), mine = fixture_friends(b, c);
    struct sync_known held[] = {{.id = theirs}, {.id = mine}, {.id = 7}};
    struct sync_answer answer = sync_of(c, held, 3, 20, 0);

    CU_ASSERT_EQUAL(answer.changes.n, 0);
    CU_ASSERT_EQUAL_FATAL(answer.removed.n, 2);
    CU_ASSERT_EQUAL(((const uint64_t *)answer.removed.items)[0], 7);
    CU_ASSERT_EQUAL(((const uint64_t *)answer.removed.items)[1], theirs);
    c->ctx.actor.app_id = 2; /* the same person under another app's token */
    answer = sync_of(c, held, 2, 20, 0);
    CU_ASSERT_EQUAL(answer.removed.n, 2);
    c->ctx.actor.app_id = 1;
    held[2].id = mine;
    CU_ASSERT_EQUAL(sync_read(&c->ctx, &(struct list){held, 3}, 20, 0, &answer), ERR_INVALID_REQUEST);
    CU_ASSERT_STRING_EQUAL(c->problem.fields[0].field, "conversations");
    person_free(a);
    person_free(b);
    person_free(c);
}

/* One in which much was said is told with less; the one behind it waits for the next answer. */
static void test_where_an_answer_ends(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1), *c = person_new(house, 1);
    const uint64_t first = fixture_friends(a, b), second = fixture_friends(a, c);
    struct sync_answer answer;

    say(b, first, 40, "REPEAT('\\\\u0001', 8000)");
    say(c, second, 3, "REPEAT('a', 8000)");
    answer = sync_of(a, NULL, 0, 40, 0);
    CU_ASSERT_EQUAL(answer.changes.n, 1);
    CU_ASSERT_EQUAL(answer.next, first);
    CU_ASSERT_EQUAL(change(&answer, 0)->to_seq, 40);
    CU_ASSERT_TRUE(change(&answer, 0)->limited);
    CU_ASSERT_TRUE(change(&answer, 0)->from_seq > 10 && change(&answer, 0)->from_seq < 30);
    CU_ASSERT_TRUE(change(&answer, 0)->items.n < SYNC_ANSWER_MAX);
    answer = sync_of(a, NULL, 0, 40, answer.next);
    CU_ASSERT_EQUAL(answer.changes.n, 1);
    expect_range(change(&answer, 0), 1, 3, false);
    CU_ASSERT_EQUAL(answer.next, 0);
    person_free(a);
    person_free(b);
    person_free(c);
}

/* Somebody's conversations with people who are nowhere else; their ids follow the returned one. */
static uint64_t many(struct person *p, unsigned n)
{
    static uint64_t taken = UINT64_C(1) << 62; /* above all that the house makes */
    const uint64_t base = taken;

    taken += n + 1;

    fixture_number(p,
                   "INSERT INTO conversations (id, app_id, kind, low_id, high_id, flags, last_seq, last_at,"
                   " members_version, version, created_at, last_shown_seq) SELECT %" PRIu64
                   " + s.seq, 1, 0, %" PRIu64 ", %" PRIu64
                   " + s.seq, 9, 1, 1, 1, 1, 1, 1 FROM seq_1_to_%u AS s",
                   base, p->id, base, n);
    fixture_number(
        p,
        "INSERT INTO members (conversation_id, user_id, visible_from_seq, left_seq, read_seq, version,"
        " joined_at) SELECT %" PRIu64 " + s.seq, %" PRIu64 ", 1, NULL, 0, 0, 1 FROM seq_1_to_%u AS s",
        base, p->id, n);
    fixture_number(p,
                   "INSERT INTO entries " COLUMNS " SELECT %" PRIu64
                   " + s.seq, 1, 1, UNHEX(REPEAT('00', 16)), 0,"
                   " UNHEX(REPEAT('00', 16)), 0, 1, '{\"text\":\"hi\"}', NULL, 1, NULL, NULL"
                   " FROM seq_1_to_%u AS s",
                   base, n);
    return base;
}

static uint64_t statements(struct person *p)
{
    return fixture_number(p, "SELECT CAST(variable_value AS UNSIGNED) FROM information_schema.session_status"
                             " WHERE variable_name = 'COM_STMT_EXECUTE'");
}

static void test_the_number_of_statements(void)
{
    enum { FEW = 5, MANY = 250 };
    struct person *few = person_new(house, 1), *lots = person_new(house, 1);
    uint64_t of_few, of_many;

    many(few, FEW);
    many(lots, MANY);
    of_few = statements(few);
    CU_ASSERT_EQUAL(sync_of(few, NULL, 0, 20, 0).changes.n, FEW);
    of_few = statements(few) - of_few;
    of_many = statements(lots);
    CU_ASSERT_EQUAL(sync_of(lots, NULL, 0, 20, 0).changes.n, MANY);
    of_many = statements(lots) - of_many;
    CU_ASSERT_TRUE(of_few > 0 && of_few <= 12);
    CU_ASSERT_TRUE(of_many <= 12);
    person_free(few);
    person_free(lots);
}

/* A full list speaks of nothing above its highest id. */
static void test_a_full_list(void)
{
    struct person *p = person_new(house, 1);
    const uint64_t base = many(p, SYNC_KNOWN_MAX + 2);
    struct sync_known *held = calloc(SYNC_KNOWN_MAX, sizeof *held);
    struct sync_answer answer;

    for (unsigned i = 0; i < SYNC_KNOWN_MAX; i++)
        held[i] = (struct sync_known){.id = base + SYNC_KNOWN_MAX - i, .seq = i != 9};
    answer = sync_of(p, held, SYNC_KNOWN_MAX, 20, 0);
    CU_ASSERT_EQUAL(answer.changes.n, 1);
    CU_ASSERT_EQUAL(change(&answer, 0)->conversation.id, held[9].id);
    CU_ASSERT_EQUAL(answer.next, base + SYNC_KNOWN_MAX);
    answer = sync_of(p, held, SYNC_KNOWN_MAX, 20, answer.next); /* the same list again: it is ignored */
    CU_ASSERT_EQUAL(answer.changes.n, 2);
    CU_ASSERT_EQUAL(answer.removed.n, 0);
    CU_ASSERT_EQUAL(answer.next, 0);
    free(held);
    person_free(p);
}

struct reacting {
    struct entry_ref ref;
    struct str emoji;
    bool there;
    struct entry after;
};

static enum err do_react(struct ctx *ctx, void *arg)
{
    struct reacting *r = arg;
    return entry_react(ctx, &r->ref, r->emoji, r->there, &r->after);
}

/* Rows that were read before a reaction came or went: what is shown is of after it, all of it. */
static void test_reactions_of_one_moment(void)
{
    static const struct {
        bool is_one, there;
        size_t n;
    } steps[] = {{true, true, 1}, {false, true, 2}, {true, false, 1}, {false, false, 0}};
    struct person *a = person_new(house, 1), *b = person_new(house, 1);
    const uint64_t id = fixture_friends(a, b);
    struct entry_row *rows = NULL;
    struct entry shown = {0};
    size_t n = 0;

    say(a, id, 1, "'a word'");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct reacting r = {.ref = {id, 1},
                             .emoji = steps[i].is_one ? STR("\xf0\x9f\x91\x8d") : STR("\xf0\x9f\x90\x8e"),
                             .there = steps[i].there};
        CU_ASSERT_EQUAL(tx_run(&b->ctx, do_react, &r), OK);
        if (n)
            CU_ASSERT_EQUAL(entries_show(&a->ctx, rows, n, &shown), OK);
        CU_ASSERT_EQUAL_FATAL(q_entries_at(&a->ctx, &r.ref, 1, &rows, &n), OK);
        if (!i)
            continue;
        CU_ASSERT_EQUAL(shown.changed_seq, r.after.changed_seq);
        CU_ASSERT_EQUAL(shown.reactions.n, steps[i].n);
    }
    person_free(a);
    person_free(b);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"what changed", test_what_changed},
        {"what is not his", test_what_is_not_his},
        {"where an answer ends", test_where_an_answer_ends},
        {"the number of statements", test_the_number_of_statements},
        {"a full list", test_a_full_list},
        {"reactions of one moment", test_reactions_of_one_moment},
    };

    house = fixture_open(&conf);
    const int failed = FIXTURE_RUN("sync", tests);
    house_close(house);
    return failed;
}
