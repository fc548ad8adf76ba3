/* Unread: what counts, up to 999, wherever it stands in the log; and that what is read is not read again. */
#include <CUnit/Basic.h>
#include <inttypes.h>

#include "lib/fixture.h"
#include "model/conversations.h"

static struct conf conf;
static struct house *house;

/* Entries in which every `nth` is of `others` and the rest of p's own, as the writer leaves them. */
static void fill(struct person *p, uint64_t id, const struct person *others, unsigned from, unsigned to,
                 unsigned nth)
{
    fixture_number(p,
                   "INSERT INTO entries (conversation_id, seq, sender_id, client_msg_id, part, request_hash,"
                   " type, counts, content, created_at) SELECT %" PRIu64 ", s.seq, IF(s.seq %% %u, %" PRIu64
                   ", %" PRIu64 "), UNHEX(LPAD(HEX(s.seq), 32, '0')), 0, UNHEX(REPEAT('00', 16)), 0, 1,"
                   " '{\"text\":\"hi\"}', s.seq FROM seq_%u_to_%u AS s",
                   id, nth, p->id, others->id, from, to);
    fixture_number(p, "UPDATE conversations SET last_seq = %u, last_shown_seq = %u WHERE id = %" PRIu64, to,
                   to, id);
}

static void read_to(struct person *p, uint64_t id, unsigned seq)
{
    fixture_number(
        p, "UPDATE members SET read_seq = %u WHERE conversation_id = %" PRIu64 " AND user_id = %" PRIu64, seq,
        id, p->id);
}

static struct conversation load(struct person *p, uint64_t id)
{
    struct conversation found;

    CU_ASSERT_EQUAL_FATAL(conversation_load(&p->ctx, id, &found), OK);
    return found;
}

static void test_counted_to_999(void)
{
    struct person *me = person_new(house, 1), *peer = person_new(house, 1);
    const uint64_t id = fixture_friends(me, peer);

    fill(me, id, peer, 1, 998, 1);
    CU_ASSERT_EQUAL(load(me, id).unread, 998);
    CU_ASSERT_EQUAL(load(peer, id).unread, 0);
    fill(me, id, peer, 999, 999, 1);
    CU_ASSERT_EQUAL(load(me, id).unread, 999);
    fill(me, id, peer, 1000, 1500, 1);
    CU_ASSERT_EQUAL(load(me, id).unread, 999);
    person_free(me);
    person_free(peer);
}

/* One of twenty counts, so that it takes several rounds to find them, and the last stands at the very end. */
static void test_far_apart(void)
{
    struct person *me = person_new(house, 1), *peer = person_new(house, 1);
    const uint64_t id = fixture_friends(me, peer);

    fill(me, id, peer, 1, 12000, 20);
    CU_ASSERT_EQUAL(load(me, id).unread, 600);
    CU_ASSERT_FALSE(load(me, id).mentioned);
    for (unsigned i = 0; i < 3; i++) /* first, in the middle, last */
        fixture_number(me, "INSERT INTO hidden_entries VALUES (%" PRIu64 ", %" PRIu64 ", %u)", me->id, id,
                       (unsigned[]){20, 1040, 12000}[i]);
    CU_ASSERT_EQUAL(load(me, id).unread, 597);
    read_to(me, id, 20);
    CU_ASSERT_EQUAL(load(me, id).unread, 597);
    fixture_number(me, "INSERT INTO mentions VALUES (%" PRIu64 ", %" PRIu64 ", 12000)", me->id, id);
    CU_ASSERT_FALSE(load(me, id).mentioned); /* he hid it */
    fixture_number(me, "INSERT INTO mentions VALUES (0, %" PRIu64 ", 11980)", id);
    CU_ASSERT_TRUE(load(me, id).mentioned);
    read_to(me, id, 11980);
    CU_ASSERT_FALSE(load(me, id).mentioned);
    CU_ASSERT_EQUAL(load(me, id).unread, 0);
    person_free(me);
    person_free(peer);
}

/* More conversations than one statement takes, each with a number of its own. */
static void test_many_conversations(void)
{
    enum { N = 150 };
    struct person *me = person_new(house, 1), *peer = person_new(house, 1);
    static struct conversation found[N];
    uint64_t ids[N];

    ids[0] = fixture_friends(me, peer);
    for (unsigned i = 1; i < N; i++) {
        struct person *other = person_new(house, 1);
        ids[i] = fixture_friends(me, other);
        person_free(other);
    }
    for (unsigned i = 0; i < N; i++)
        fill(me, ids[i], peer, 1, i % 50 ? i : 2000 + i, 1);
    CU_ASSERT_EQUAL_FATAL(conversations_load(&me->ctx, ids, N, found), OK);
    for (unsigned i = 0; i < N; i++)
        CU_ASSERT_EQUAL(found[i].unread, i % 50 ? i : 999);
    person_free(me);
    person_free(peer);
}

static uint64_t rows_read(struct person *p)
{
    return fixture_number(p, "SELECT CAST(SUM(variable_value) AS UNSIGNED)"
                             " FROM information_schema.session_status WHERE variable_name IN"
                             " ('HANDLER_READ_NEXT', 'HANDLER_READ_PREV', 'HANDLER_READ_RND_NEXT')");
}

/* It costs what is unread, not what the conversation is long. */
static void test_what_it_costs(void)
{
    enum { LENGTH = 20000, DEEP = 5000, UNREAD = 30 };
    struct person *me = person_new(house, 1), *peer = person_new(house, 1);
    const uint64_t id = fixture_friends(me, peer);

    fill(me, id, peer, 1, LENGTH, 1);
    fixture_number(me, "INSERT INTO mentions SELECT %" PRIu64 ", %" PRIu64 ", s.seq FROM seq_1_to_%d AS s",
                   me->id, id, LENGTH - DEEP);
    read_to(me, id, LENGTH - UNREAD);
    uint64_t before = rows_read(me);
    CU_ASSERT_EQUAL(load(me, id).unread, UNREAD);
    const uint64_t few = rows_read(me) - before;
    CU_ASSERT_TRUE(few >= UNREAD && few < 500); /* the two readings of the counter are some of them */
    read_to(me, id, LENGTH - DEEP);
    before = rows_read(me);
    CU_ASSERT_EQUAL(load(me, id).unread, 999);
    CU_ASSERT_TRUE(rows_read(me) - before < 3000);
    person_free(me);
    person_free(peer);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"counted to 999", test_counted_to_999},
        {"far apart", test_far_apart},
        {"many conversations", test_many_conversations},
        {"what it costs", test_what_it_costs},
    };

    house = fixture_open(&conf);
    const int failed = FIXTURE_RUN("unread", tests);
    house_close(house);
    return failed;
}
