/*
 * Friends, requests and blocks: what each answers, and both sides pressing every button at the same moment,
 * after which the two halves of everything must agree.
 */
#include "model/friends.h"

#include <CUnit/Basic.h>
#include <inttypes.h>
#include <pthread.h>

#include "lib/fixture.h"
#include "model/blocks.h"
#include "model/friendrequests.h"
#include "queries.h"

enum { PEOPLE = 6, ROUNDS = 40 };

static struct conf conf;
static struct house *house;

/* ---- the model's functions as transactions ---- */

struct call {
    uint64_t id; /* of the person or the request */
    struct str message, remark, tag;
    uint64_t out_id;
    bool made;
};

static enum err do_ask(struct ctx *ctx, void *arg)
{
    struct call *c = arg;
    return friend_request_send(ctx, c->id, c->message, &c->out_id, &c->made);
}
static enum err do_accept(struct ctx *ctx, void *arg)
{
    struct call *c = arg;
    return friend_request_accept(ctx, c->id, &c->out_id);
}
static enum err do_decline(struct ctx *ctx, void *arg)
{
    return friend_request_decline(ctx, ((struct call *)arg)->id);
}
static enum err do_withdraw(struct ctx *ctx, void *arg)
{
    return friend_request_withdraw(ctx, ((struct call *)arg)->id);
}
static enum err do_remove(struct ctx *ctx, void *arg)
{
    return friend_remove(ctx, ((struct call *)arg)->id);
}
static enum err do_update(struct ctx *ctx, void *arg)
{
    struct call *c = arg;
    return friend_update(ctx, c->id, c->remark.p ? &c->remark : NULL, c->tag.p ? &c->tag : NULL);
}
static enum err do_block(struct ctx *ctx, void *arg)
{
    struct block block;
    return block_add(ctx, ((struct call *)arg)->id, &block);
}
static enum err do_unblock(struct ctx *ctx, void *arg)
{
    return block_remove(ctx, ((struct call *)arg)->id);
}

typedef enum err (*action)(struct ctx *ctx, void *arg);

static enum err run(struct person *p, action fn, uint64_t id)
{
    struct call c = {.id = id, .message = STR("hello")};

    p->problem = (struct problem){0};
    return tx_run(&p->ctx, fn, &c);
}

static uint64_t ask(struct person *from, struct person *to)
{
    struct call c = {.id = to->id, .message = STR("hello")};

    CU_ASSERT_EQUAL_FATAL(tx_run(&from->ctx, do_ask, &c), OK);
    return c.out_id;
}

static bool are_friends(struct person *a, struct person *b)
{
    struct friend friend;
    const bool mine = friend_load(&a->ctx, b->id, &friend) == OK;

    CU_ASSERT_EQUAL(friend_load(&b->ctx, a->id, &friend) == OK, mine);
    return mine;
}

static enum request_state state_of(struct person *p, uint64_t id)
{
    struct friend_request request = {0};

    CU_ASSERT_EQUAL(friend_request_load(&p->ctx, id, &request), OK);
    return (enum request_state)request.state;
}

/* What must hold between any two, whatever they did. */
static void check_house(struct person *p)
{
    /* Both halves of a friendship, or none; and the pair's flag says the same. */
    CU_ASSERT_EQUAL(
        fixture_number(p, "SELECT COUNT(*) FROM friendships AS f LEFT JOIN friendships AS g"
                          " ON g.user_id = f.friend_id AND g.friend_id = f.user_id WHERE g.user_id IS NULL"),
        0);
    CU_ASSERT_EQUAL(
        fixture_number(p, "SELECT COUNT(*) FROM conversations AS c WHERE low_id < high_id AND (flags & 1) <>"
                          " (SELECT COUNT(*) FROM friendships AS f WHERE f.user_id = c.low_id"
                          " AND f.friend_id = c.high_id)"),
        0);
    CU_ASSERT_EQUAL(fixture_number(p, "SELECT COUNT(*) FROM users AS u WHERE friend_count <>"
                                      " (SELECT COUNT(*) FROM friendships AS f WHERE f.user_id = u.id)"),
                    0);
    /* The flags of blocks are the blocks. */
    CU_ASSERT_EQUAL(
        fixture_number(p,
                       "SELECT COUNT(*) FROM conversations AS c WHERE low_id < high_id AND (flags & 2) / 2 <>"
                       " (SELECT COUNT(*) FROM blocks AS b WHERE b.user_id = c.low_id"
                       " AND b.blocked_id = c.high_id)"),
        0);
    CU_ASSERT_EQUAL(
        fixture_number(p,
                       "SELECT COUNT(*) FROM conversations AS c WHERE low_id < high_id AND (flags & 4) / 4 <>"
                       " (SELECT COUNT(*) FROM blocks AS b WHERE b.user_id = c.high_id"
                       " AND b.blocked_id = c.low_id)"),
        0);
    /* Nobody waits for an answer of a friend, or of somebody who blocks or is blocked. */
    CU_ASSERT_EQUAL(
        fixture_number(p, "SELECT COUNT(*) FROM friend_requests AS r JOIN conversations AS c"
                          " ON c.low_id = r.low_id AND c.high_id = r.high_id"
                          " WHERE (r.pending = 1) <> (r.state = 0) OR (r.pending = 1 AND c.flags & 7)"),
        0);
    /* A conversation that was opened has both members, and its log is whole. */
    CU_ASSERT_EQUAL(
        fixture_number(p, "SELECT COUNT(*) FROM conversations AS c WHERE low_id < high_id AND flags & 8 AND"
                          " (SELECT COUNT(*) FROM members AS m WHERE m.conversation_id = c.id) <> 2"),
        0);
    CU_ASSERT_EQUAL(fixture_number(p, "SELECT COUNT(*) FROM conversations AS c WHERE last_seq <>"
                                      " (SELECT COUNT(*) FROM entries AS e WHERE e.conversation_id = c.id)"),
                    0);
}

/* ---- one after the other ---- */

static void test_requests(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1), *c = person_new(house, 1),
                  *d = person_new(house, 2);
    uint64_t id = ask(a, b);

    CU_ASSERT_EQUAL(ask(a, b), id);
    CU_ASSERT_EQUAL(run(a, do_ask, a->id), ERR_INVALID_REQUEST);
    CU_ASSERT_EQUAL(run(a, do_ask, 12345), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(run(a, do_ask, d->id), ERR_NOT_FOUND); /* of another app */
    CU_ASSERT_EQUAL(run(d, do_accept, id), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(run(c, do_accept, id), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(run(a, do_accept, id), ERR_NOT_FOUND); /* one's own */
    CU_ASSERT_EQUAL(run(b, do_withdraw, id), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(run(b, do_decline, id), OK);
    CU_ASSERT_EQUAL(run(b, do_decline, id), OK);
    CU_ASSERT_EQUAL(run(b, do_accept, id), ERR_CONFLICT);
    CU_ASSERT_EQUAL(run(a, do_withdraw, id), ERR_CONFLICT);
    CU_ASSERT(!are_friends(a, b));
    id = ask(a, b);
    CU_ASSERT_EQUAL(run(a, do_withdraw, id), OK);
    CU_ASSERT_EQUAL(run(a, do_withdraw, id), OK);
    CU_ASSERT_EQUAL(run(b, do_accept, id), ERR_CONFLICT);
    id = ask(b, a);
    CU_ASSERT_EQUAL(ask(a, b), id); /* they cross */
    CU_ASSERT(are_friends(a, b));
    CU_ASSERT_EQUAL(state_of(a, id), REQUEST_ACCEPTED);
    CU_ASSERT_EQUAL(run(a, do_accept, id), OK);
    CU_ASSERT_EQUAL(run(a, do_ask, b->id), ERR_CONFLICT);
    CU_ASSERT_EQUAL(run(a, do_remove, b->id), OK);
    CU_ASSERT_EQUAL(run(a, do_remove, b->id), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(run(a, do_accept, id), ERR_CONFLICT);
    check_house(a);
    person_free(a);
    person_free(b);
    person_free(c);
    person_free(d);
}

static void test_remarks(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1);
    struct call c = {.id = b->id, .remark = STR("小李"), .tag = STR("work")};
    struct friend before, after;

    CU_ASSERT_EQUAL(tx_run(&a->ctx, do_update, &c), ERR_NOT_FOUND);
    ask(a, b);
    ask(b, a);
    CU_ASSERT_EQUAL(tx_run(&a->ctx, do_update, &c), OK);
    CU_ASSERT_EQUAL(friend_load(&a->ctx, b->id, &before), OK);
    CU_ASSERT(str_eq(before.remark, STR("小李")));
    c.remark = STR_NONE;
    CU_ASSERT_EQUAL(tx_run(&a->ctx, do_update, &c), OK);
    CU_ASSERT_EQUAL(friend_load(&a->ctx, b->id, &after), OK);
    CU_ASSERT_EQUAL(after.version, before.version);
    CU_ASSERT(str_eq(after.remark, STR("小李")));
    c.tag = STR("two\nlines");
    CU_ASSERT_EQUAL(tx_run(&a->ctx, do_update, &c), ERR_INVALID_REQUEST);
    CU_ASSERT_EQUAL(friend_load(&b->ctx, a->id, &after), OK);
    CU_ASSERT_EQUAL(after.remark.n, 0);
    /* A friendship that ends and begins again is newer than it was. */
    CU_ASSERT_EQUAL(run(b, do_remove, a->id), OK);
    ask(a, b);
    ask(b, a);
    CU_ASSERT_EQUAL(friend_load(&a->ctx, b->id, &after), OK);
    CU_ASSERT(after.version > before.version);
    CU_ASSERT_EQUAL(after.remark.n, 0);
    CU_ASSERT_EQUAL(after.conversation_id, before.conversation_id);
    person_free(a);
    person_free(b);
}

/* How many hear whether this person is here. */
static size_t audience(struct person *p)
{
    struct audience_row *rows;
    size_t n = 0;

    CU_ASSERT_EQUAL(q_presence_audience(&p->ctx, p->id, 10, &rows, &n), OK);
    return n;
}

static void test_blocks(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1);
    uint64_t id = ask(a, b);

    CU_ASSERT_EQUAL(run(a, do_block, a->id), ERR_INVALID_REQUEST);
    CU_ASSERT_EQUAL(run(a, do_block, 12345), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(run(b, do_block, a->id), OK);
    CU_ASSERT_EQUAL(run(b, do_block, a->id), OK);
    CU_ASSERT_EQUAL(state_of(a, id), REQUEST_DECLINED);
    CU_ASSERT_EQUAL(run(a, do_ask, b->id), ERR_BLOCKED);
    CU_ASSERT_EQUAL(run(b, do_ask, a->id), ERR_BLOCKED);
    CU_ASSERT_EQUAL(run(a, do_unblock, b->id), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(run(b, do_unblock, a->id), OK);
    id = ask(a, b);
    CU_ASSERT_EQUAL(run(a, do_block, b->id), OK);
    CU_ASSERT_EQUAL(state_of(b, id), REQUEST_WITHDRAWN);
    CU_ASSERT_EQUAL(run(a, do_unblock, b->id), OK);
    ask(a, b);
    ask(b, a);
    CU_ASSERT_EQUAL(audience(a), 1);
    CU_ASSERT_EQUAL(run(a, do_block, b->id), OK);
    CU_ASSERT(are_friends(a, b));
    CU_ASSERT_EQUAL(audience(a), 0); /* the blocked one no longer hears whether the other is here */
    CU_ASSERT_EQUAL(audience(b), 1);
    check_house(a);
    person_free(a);
    person_free(b);
}

/* With room for two friends, whoever asks and whoever answers. */
static void test_friends_max(void)
{
    struct conf small = conf;
    struct person *p[4];
    uint64_t ids[4];

    small.friends_max = 2;
    struct house *narrow = fixture_house(&small);
    for (int i = 0; i < 4; i++)
        p[i] = person_new(narrow, 1);
    for (int i = 1; i < 4; i++)
        ids[i] = ask(p[i], p[0]);
    CU_ASSERT_EQUAL(run(p[0], do_accept, ids[1]), OK);
    CU_ASSERT_EQUAL(run(p[0], do_accept, ids[2]), OK);
    CU_ASSERT_EQUAL(run(p[0], do_accept, ids[3]), ERR_QUOTA_EXCEEDED);
    CU_ASSERT_EQUAL(state_of(p[3], ids[3]), REQUEST_PENDING);
    CU_ASSERT_EQUAL(run(p[0], do_ask, p[3]->id), ERR_QUOTA_EXCEEDED);
    CU_ASSERT_EQUAL(run(p[0], do_remove, p[1]->id), OK);
    CU_ASSERT_EQUAL(run(p[0], do_accept, ids[3]), OK);
    check_house(p[0]);
    for (int i = 0; i < 4; i++)
        person_free(p[i]);
    house_close(narrow);
}

static void test_lists(void)
{
    struct person *a = person_new(house, 1), *others[PEOPLE];
    struct str next = STR_NONE;
    uint64_t last = 0;
    struct list page;
    size_t n = 0;

    for (int i = 0; i < PEOPLE; i++) {
        others[i] = person_new(house, 1);
        ask(a, others[i]);
        ask(others[i], a);
    }
    do {
        CU_ASSERT_EQUAL_FATAL(friends_list(&a->ctx, next, 4, &page, &next), OK);
        for (size_t i = 0; i < page.n; i++, n++) {
            const struct friend *friend = (struct friend *)page.items + i;
            CU_ASSERT(friend->user.id > last);
            last = friend->user.id;
        }
    } while (next.p);
    CU_ASSERT_EQUAL(n, PEOPLE);
    n = 0;
    do {
        CU_ASSERT_EQUAL_FATAL(friend_requests_list(&a->ctx, true, next, 4, &page, &next), OK);
        n += page.n;
    } while (next.p);
    CU_ASSERT_EQUAL(n, PEOPLE);
    CU_ASSERT_EQUAL(friends_list(&a->ctx, STR("zz"), 4, &page, &next), ERR_INVALID_REQUEST);
    for (int i = 0; i < PEOPLE; i++)
        person_free(others[i]);
    person_free(a);
}

/* ---- at the same moment ---- */

struct side {
    struct person *p;
    action fn;
    uint64_t id;
    enum err err;
};

static void *act(void *arg)
{
    struct side *s = arg;
    s->err = run(s->p, s->fn, s->id);
    return NULL;
}

/* Both at once, from a common start. */
static void both(struct side *a, struct side *b)
{
    pthread_t thread;

    pthread_create(&thread, NULL, act, a);
    act(b);
    pthread_join(thread, NULL);
}

static void test_crossing(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1);

    for (int i = 0; i < ROUNDS; i++) {
        struct side x = {a, do_ask, b->id, OK}, y = {b, do_ask, a->id, OK};
        both(&x, &y);
        CU_ASSERT_EQUAL(x.err, OK);
        CU_ASSERT_EQUAL(y.err, OK);
        CU_ASSERT(are_friends(a, b));
        x.fn = y.fn = do_remove;
        both(&x, &y);
        CU_ASSERT((x.err == OK) != (y.err == OK)); /* one ends it, the other finds it ended */
        CU_ASSERT(!are_friends(a, b));
    }
    /* One conversation, with one entry for each time that they became friends. */
    CU_ASSERT_EQUAL(fixture_number(a,
                                   "SELECT last_seq FROM conversations WHERE low_id = LEAST(%" PRIu64
                                   ",%" PRIu64 ") AND high_id = GREATEST(%" PRIu64 ",%" PRIu64 ")",
                                   a->id, b->id, a->id, b->id),
                    ROUNDS);
    check_house(a);
    person_free(a);
    person_free(b);
}

static void test_answers_meet(void)
{
    static const action against[] = {do_withdraw, do_block};
    struct person *a = person_new(house, 1), *b = person_new(house, 1);

    for (int i = 0; i < ROUNDS; i++) {
        const uint64_t id = ask(a, b);
        const bool blocks = i % 2;
        struct side x = {b, do_accept, id, OK}, y = {a, against[i % 2], blocks ? b->id : id, OK};
        both(&x, &y);
        CU_ASSERT_EQUAL(are_friends(a, b), x.err == OK);
        if (blocks) {
            CU_ASSERT_EQUAL(y.err, OK);
            CU_ASSERT_EQUAL(run(a, do_unblock, b->id), OK);
        } else {
            CU_ASSERT((x.err == OK) != (y.err == OK));
        }
        if (x.err == OK)
            CU_ASSERT_EQUAL(run(a, do_remove, b->id), OK);
    }
    check_house(a);
    person_free(a);
    person_free(b);
}

/* Everybody does anything to anybody. */
struct hammer {
    struct person *all[PEOPLE];
    int me, wrong; /* answers that must not be */
};

static void *hammer(void *arg)
{
    static const action acts[] = {do_ask,   do_ask,     do_ask,    do_remove,
                                  do_block, do_unblock, do_accept, do_decline};
    struct hammer *h = arg;
    struct person *me = h->all[h->me];
    unsigned dice = (unsigned)h->me * 2654435761u + 1;

    for (int i = 0; i < ROUNDS; i++) {
        dice = dice * 1664525 + 1013904223;
        struct person *other = h->all[(h->me + 1 + (int)(dice >> 20) % (PEOPLE - 1)) % PEOPLE];
        const action fn = acts[(dice >> 12) % (sizeof acts / sizeof *acts)];
        struct str next;
        struct list open;
        uint64_t id = other->id;

        if (fn == do_accept || fn == do_decline) {
            h->wrong += friend_requests_list(&me->ctx, false, STR_NONE, 5, &open, &next) != OK;
            if (!open.n)
                continue;
            id = ((struct friend_request *)open.items)[dice % open.n].id;
        }
        const enum err err = run(me, fn, id);
        h->wrong += err != OK && err != ERR_CONFLICT && err != ERR_NOT_FOUND && err != ERR_BLOCKED;
    }
    return NULL;
}

static void test_hammering(void)
{
    struct hammer h[PEOPLE] = {0};
    pthread_t threads[PEOPLE];

    for (int i = 0; i < PEOPLE; i++)
        h[0].all[i] = person_new(house, 1);
    for (int i = 0; i < PEOPLE; i++) {
        h[i] = h[0];
        h[i].me = i;
    }
    for (int i = 0; i < PEOPLE; i++)
        pthread_create(&threads[i], NULL, hammer, &h[i]);
    for (int i = 0; i < PEOPLE; i++) {
        pthread_join(threads[i], NULL);
        CU_ASSERT_EQUAL(h[i].wrong, 0);
    }
    check_house(h[0].all[0]);
    for (int i = 0; i < PEOPLE; i++)
        person_free(h[0].all[i]);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"requests, and who may answer them", test_requests},
        {"remarks and tags are one side's", test_remarks},
        {"blocks end requests, not friendships", test_blocks},
        {"nobody has more friends than there is room for", test_friends_max},
        {"lists, page by page", test_lists},
        {"two requests that cross make one friendship, two ends one end", test_crossing},
        {"accepting meets withdrawing and blocking", test_answers_meet},
        {"everybody does anything to anybody", test_hammering},
    };

    house = fixture_open(&conf);
    const int code = FIXTURE_RUN("friends", tests);
    house_close(house);
    return code;
}
