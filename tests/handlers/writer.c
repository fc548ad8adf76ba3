/*
 * The log writer: who may, in groups too as they are at that moment, repetitions, equal ids at once, two
 * writers on the same conversations, connections killed at any moment, and an answer to COMMIT that never
 * comes.
 */
#include "model/writer.h"

#include <CUnit/Basic.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "ext/crypt.h"
#include "lib/fixture.h"
#include "lib/proxy.h"
#include "model/entries.h"
#include "model/groups.h"

enum { WAIT_MS = 20000 };

static struct conf conf;
static struct house *house;
static struct writer *writer;

/* ---- one send and its answer ---- */

struct answer {
    struct send send;
    char json[512];
    enum err err;
    bool repeated;
    char field[64];
    atomic_int times; /* answered */
};

static void on_done(void *arg, enum err err, struct str json, bool repeated, const struct problem *problem)
{
    struct answer *a = arg;

    a->err = err;
    a->repeated = repeated;
    snprintf(a->json, sizeof a->json, "%.*s", STR_ARG(json));
    snprintf(a->field, sizeof a->field, "%s", problem->n_fields ? problem->fields[0].field : "");
    a->times++;
}

static struct answer send_of(const struct person *p, uint64_t conversation_id, const char *content)
{
    struct answer a = {.send = {.app_id = p->ctx.actor.app_id,
                                .user_id = p->id,
                                .session_id = p->ctx.actor.session_id,
                                .conversation_id = conversation_id,
                                .type = ENTRY_TEXT,
                                .content = str_of(content),
                                .deadline_mono_ms = clock_mono_ms() + WAIT_MS}};

    crypt_random(a.send.client_msg_id, sizeof a.send.client_msg_id);
    memset(a.send.request_hash, content[9], sizeof a.send.request_hash); /* the first letter of the text */
    return a;
}

static bool wait_for(struct answer *answers, size_t n)
{
    const int64_t until = clock_mono_ms() + WAIT_MS;

    for (size_t i = 0; i < n; i++)
        while (!answers[i].times) {
            if (clock_mono_ms() > until)
                return false;
            poll(NULL, 0, 1);
        }
    return true;
}

static enum err say(struct answer *a)
{
    a->times = 0;
    if (writer_send(writer, &a->send, on_done, a) != LATER)
        return ERR_UNAVAILABLE;
    CU_ASSERT_TRUE_FATAL(wait_for(a, 1));
    CU_ASSERT_EQUAL(a->times, 1);
    return a->err;
}

static uint64_t count(struct person *p, uint64_t conversation_id)
{
    return fixture_number(p, "SELECT COUNT(*) FROM entries WHERE conversation_id = %" PRIu64,
                          conversation_id);
}

/* seq is 1, 2, 3, … and last_seq the last of them. */
static bool is_dense(struct person *p, uint64_t id)
{
    const uint64_t n = count(p, id);
    return fixture_number(p, "SELECT COALESCE(MAX(seq), 0) FROM entries WHERE conversation_id = %" PRIu64,
                          id) == n &&
           fixture_number(p, "SELECT last_seq FROM conversations WHERE id = %" PRIu64, id) == n;
}

/* ---- the tests ---- */

static void test_a_send_is_stored_and_answered(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1);
    const uint64_t id = fixture_friends(a, b);
    struct answer first = send_of(a, id, "{\"text\":\"你好 👍\"}"),
                  second = send_of(b, id, "{\"text\":\"hi\"}");
    char expected[128];

    CU_ASSERT_EQUAL(say(&first), OK);
    CU_ASSERT_FALSE(first.repeated);
    snprintf(expected, sizeof expected,
             "{\"conversation_id\":\"%" PRIu64 "\",\"seq\":1,\"type\":\"text\",\"sender_id\":\"%" PRIu64 "\"",
             id, a->id);
    CU_ASSERT_PTR_EQUAL(strstr(first.json, expected), first.json);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(first.json, "\"content\":{\"text\":\"你好 👍\"},\"summary\":\"你好 👍\",\"reply_to_seq\":null"));
    second.send.reply_to_seq = 1;
    CU_ASSERT_EQUAL(say(&second), OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(second.json, "\"seq\":2,"));
    CU_ASSERT_PTR_NOT_NULL(strstr(second.json, "\"reply_to_seq\":1,"));
    CU_ASSERT_EQUAL(
        fixture_number(a, "SELECT reply_to_seq FROM entries WHERE conversation_id = %" PRIu64 " AND seq = 2",
                       id),
        1);
    CU_ASSERT_TRUE(is_dense(a, id));
    person_free(a);
    person_free(b);
}

static void test_a_repetition_answers_the_first_result(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1);
    const uint64_t id = fixture_friends(a, b);
    struct answer first = send_of(a, id, "{\"text\":\"x\"}"), again, other;

    CU_ASSERT_EQUAL(say(&first), OK);
    again = first;
    CU_ASSERT_EQUAL(say(&again), OK);
    CU_ASSERT_TRUE(again.repeated);
    CU_ASSERT_STRING_EQUAL(again.json, first.json);
    other = send_of(a, id, "{\"text\":\"y\"}");
    memcpy(other.send.client_msg_id, first.send.client_msg_id, sizeof other.send.client_msg_id);
    CU_ASSERT_EQUAL(say(&other), ERR_CONFLICT);
    /* The same id of another person is another id. */
    other = send_of(b, id, "{\"text\":\"y\"}");
    memcpy(other.send.client_msg_id, first.send.client_msg_id, sizeof other.send.client_msg_id);
    CU_ASSERT_EQUAL(say(&other), OK);
    CU_ASSERT_FALSE(other.repeated);
    /* Also when nothing new may be said any more. */
    fixture_set_flags(a, b, 0);
    again = first;
    CU_ASSERT_EQUAL(say(&again), OK);
    CU_ASSERT_TRUE(again.repeated);
    CU_ASSERT_STRING_EQUAL(again.json, first.json);
    CU_ASSERT_EQUAL(count(a, id), 2);
    CU_ASSERT_TRUE(is_dense(a, id));
    person_free(a);
    person_free(b);
}

static enum err try_to_say(struct person *p, uint64_t id)
{
    struct answer a = send_of(p, id, "{\"text\":\"x\"}");
    return say(&a);
}

static void test_who_may_write(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1), *c = person_new(house, 1);
    struct person *foreign = person_new(house, 2);
    const uint64_t id = fixture_friends(a, b), notebook = fixture_friends(a, a);
    struct answer reply = send_of(a, id, "{\"text\":\"x\"}");

    CU_ASSERT_EQUAL(try_to_say(c, id), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(try_to_say(a, 12345), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(try_to_say(b, notebook), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(try_to_say(a, notebook), OK);
    a->ctx.actor.app_id = 2; /* the same ids under another app's token */
    CU_ASSERT_EQUAL(try_to_say(a, id), ERR_NOT_FOUND);
    a->ctx.actor.app_id = 1;
    CU_ASSERT_EQUAL(try_to_say(foreign, id), ERR_NOT_FOUND);
    reply.send.reply_to_seq = 1;
    CU_ASSERT_EQUAL(say(&reply), ERR_INVALID_REQUEST);
    CU_ASSERT_STRING_EQUAL(reply.field, "reply_to_seq");
    fixture_set_flags(a, b, PAIR_FRIENDS | fixture_block_flag(b, a));
    CU_ASSERT_EQUAL(try_to_say(a, id), ERR_BLOCKED);
    CU_ASSERT_EQUAL(try_to_say(b, id), ERR_BLOCKED);
    fixture_set_flags(a, b, 0);
    CU_ASSERT_EQUAL(try_to_say(a, id), ERR_NOT_FRIENDS);
    fixture_set_flags(a, b, PAIR_FRIENDS);
    CU_ASSERT_EQUAL(try_to_say(a, id), OK);
    CU_ASSERT_EQUAL(count(a, id), 1);
    person_free(a);
    person_free(b);
    person_free(c);
    person_free(foreign);
}

/* While the row is locked by somebody else, sends gather and become one batch. */
static void test_equal_ids_in_one_batch(void)
{
    enum { N = 12 };
    static struct answer answers[N];
    struct person *a = person_new(house, 1), *b = person_new(house, 1);
    const uint64_t id = fixture_friends(a, b);
    struct answer opener = send_of(a, id, "{\"text\":\"o\"}");
    unsigned firsts = 0, repetitions = 0, conflicts = 0;

    CU_ASSERT_EQUAL_FATAL(db_begin(a->ctx.db), OK);
    fixture_number(a, "SELECT last_seq FROM conversations WHERE id = %" PRIu64 " FOR UPDATE", id);
    CU_ASSERT_EQUAL(writer_send(writer, &opener.send, on_done, &opener), LATER);
    for (int i = 0; i < N; i++) {
        answers[i] = send_of(b, id, i % 4 == 3 ? "{\"text\":\"y\"}" : "{\"text\":\"x\"}");
        memset(answers[i].send.client_msg_id, i < N / 2 ? 1 : 2, 16);
        CU_ASSERT_EQUAL(writer_send(writer, &answers[i].send, on_done, &answers[i]), LATER);
    }
    CU_ASSERT_EQUAL(db_commit(a->ctx.db), OK);
    CU_ASSERT_TRUE_FATAL(wait_for(&opener, 1) && wait_for(answers, N));
    for (int i = 0; i < N; i++) {
        CU_ASSERT_EQUAL(answers[i].times, 1);
        firsts += answers[i].err == OK && !answers[i].repeated;
        repetitions += answers[i].err == OK && answers[i].repeated;
        conflicts += answers[i].err == ERR_CONFLICT;
    }
    CU_ASSERT_EQUAL(firsts, 2);
    CU_ASSERT_EQUAL(conflicts, 3);
    CU_ASSERT_EQUAL(repetitions, N - 5);
    CU_ASSERT_EQUAL(count(a, id), 3);
    CU_ASSERT_TRUE(is_dense(a, id));
    person_free(a);
    person_free(b);
}

/* ---- many at once ---- */

enum { THREADS = 8, EACH = 150, CONVERSATIONS = 3 };

struct load {
    struct writer *writer;
    struct person *people[2];
    const uint64_t *ids;
    int me;
    bool repeats; /* everything is said twice, by two writers at once */
    struct answer answers[EACH];
};

static void *say_many(void *arg)
{
    struct load *l = arg;

    for (int i = 0; i < EACH; i++) {
        struct answer *a = &l->answers[i];
        *a = send_of(l->people[l->me % 2], l->ids[i % CONVERSATIONS], "{\"text\":\"x\"}");
        if (l->repeats) /* the same for each pair of threads */
            memcpy(a->send.client_msg_id, &(uint64_t[]){(uint64_t)i, (uint64_t)(l->me / 4 * 2 + l->me % 2)},
                   16);
        while (writer_send(l->writer, &a->send, on_done, a) != LATER)
            poll(NULL, 0, 1);
    }
    return wait_for(l->answers, EACH) ? l : NULL;
}

static void run_load(struct load *loads, struct writer *const *writers, bool repeats, const uint64_t *ids,
                     struct person *a, struct person *b)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++) {
        loads[i].writer = writers[i / 2 % 2];
        loads[i].people[0] = a;
        loads[i].people[1] = b;
        loads[i].ids = ids;
        loads[i].me = i;
        loads[i].repeats = repeats;
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, say_many, &loads[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *done;
        pthread_join(threads[i], &done);
        CU_ASSERT_PTR_NOT_NULL(done);
    }
}

static void test_two_writers_on_the_same_conversations(void)
{
    static struct load loads[THREADS];
    struct person *a = person_new(house, 1), *b = person_new(house, 1), *c = person_new(house, 1);
    const uint64_t ids[CONVERSATIONS] = {fixture_friends(a, b), fixture_friends(a, b), fixture_friends(b, a)};
    struct writer *second;

    person_free(c);
    CU_ASSERT_EQUAL_FATAL(writer_new(house, &second), OK);
    run_load(loads, (struct writer *const[]){writer, second}, false, ids, a, b);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < EACH; j++) {
            CU_ASSERT_EQUAL(loads[i].answers[j].err, OK);
            CU_ASSERT_EQUAL(loads[i].answers[j].times, 1);
        }
    CU_ASSERT_EQUAL(count(a, ids[0]), THREADS * EACH);
    CU_ASSERT_TRUE(is_dense(a, ids[0]));
    writer_free(second);
    person_free(a);
    person_free(b);
}

/* Each id is said to both writers at the same moment: stored once, and both hear of the same entry. */
static void test_the_same_id_at_two_writers(void)
{
    static struct load loads[THREADS];
    struct person *a = person_new(house, 1), *b = person_new(house, 1);
    const uint64_t id = fixture_friends(a, b), ids[CONVERSATIONS] = {id, id, id};
    struct writer *second;
    unsigned firsts = 0;

    CU_ASSERT_EQUAL_FATAL(writer_new(house, &second), OK);
    run_load(loads, (struct writer *const[]){writer, second}, true, ids, a, b);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < EACH; j++) {
            CU_ASSERT_EQUAL(loads[i].answers[j].err, OK);
            firsts += !loads[i].answers[j].repeated;
            CU_ASSERT_STRING_EQUAL(loads[i].answers[j].json, loads[i ^ 2].answers[j].json);
        }
    CU_ASSERT_EQUAL(firsts, THREADS / 2 * EACH);
    CU_ASSERT_EQUAL(count(a, id), THREADS / 2 * EACH);
    CU_ASSERT_TRUE(is_dense(a, id));
    writer_free(second);
    person_free(a);
    person_free(b);
}

/* What was answered is there once; what was refused is not there; nothing is there twice. */
static void check_truth(struct person *p, const struct answer *a)
{
    char hex[33] = {0};

    hex_encode(a->send.client_msg_id, 16, hex);
    const uint64_t stored = fixture_number(
        p, "SELECT COUNT(*) FROM entries WHERE client_msg_id = 0x%s AND conversation_id = %" PRIu64, hex,
        a->send.conversation_id);
    CU_ASSERT_EQUAL(a->times, 1);
    if (a->err == OK)
        CU_ASSERT_EQUAL(stored, 1);
    if (a->err == ERR_UNAVAILABLE)
        CU_ASSERT_EQUAL(stored, 0);
    CU_ASSERT_TRUE(a->err == OK || a->err == ERR_UNAVAILABLE || a->err == ERR_OUTCOME_UNKNOWN);
}

static atomic_bool enough;

/*
 * Kills every connection but its own, again and again, but ever more slowly: on a busy machine one batch
 * takes longer than the first pauses, and would be killed each time that it is tried.
 */
static void *kill_connections(void *arg)
{
    struct person *p = arg;

    for (int pause_ms = 3; !enough; poll(NULL, 0, pause_ms)) {
        const uint64_t victim = fixture_number(
            p, "SELECT COALESCE(MAX(id), 0) FROM information_schema.processlist WHERE id <> CONNECTION_ID()"
               " AND (info LIKE 'INSERT INTO entries%%' OR info LIKE 'START TRANSACTION;%%' OR info LIKE "
               "'COMMIT%%'"
               " OR info LIKE 'UPDATE conversations%%' OR info LIKE 'SELECT id, app_id%%')");
        if (!victim)
            continue;
        fixture_number(
            p,
            "BEGIN NOT ATOMIC DECLARE CONTINUE HANDLER FOR 1094 BEGIN END; KILL CONNECTION %" PRIu64 "; END",
            victim);
        pause_ms += 1 + pause_ms / 8;
    }
    return NULL;
}

static void test_killed_connections_lose_nothing(void)
{
    static struct load loads[THREADS];
    struct person *a = person_new(house, 1), *b = person_new(house, 1), *killer = person_new(house, 1);
    const uint64_t id = fixture_friends(a, b), ids[CONVERSATIONS] = {id, id, id};
    pthread_t thread;

    enough = false;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, kill_connections, killer), 0);
    run_load(loads, (struct writer *const[]){writer, writer}, false, ids, a, b);
    enough = true;
    pthread_join(thread, NULL);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < EACH; j++)
            check_truth(a, &loads[i].answers[j]);
    CU_ASSERT_TRUE(is_dense(a, id));
    person_free(a);
    person_free(b);
    person_free(killer);
}

/* ---- a COMMIT without an answer ---- */

static void test_an_unanswered_commit(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1);
    const uint64_t id = fixture_friends(a, b);
    struct proxy *proxy = proxy_new(conf.db_socket);
    static struct conf through;
    struct house *far;
    struct writer *near = writer;

    through = conf;
    snprintf(through.db_socket, sizeof through.db_socket, "%s", proxy_path(proxy));
    far = fixture_house(&through);
    CU_ASSERT_EQUAL_FATAL(writer_new(far, &writer), OK);
    struct answer plain = send_of(a, id, "{\"text\":\"x\"}"), kept = plain, lost, late;
    CU_ASSERT_EQUAL(say(&plain), OK);

    /* It was stored, and the answer was lost. */
    kept = send_of(a, id, "{\"text\":\"k\"}");
    proxy_break(proxy, PROXY_AFTER_COMMIT, 1);
    CU_ASSERT_EQUAL(say(&kept), OK);
    CU_ASSERT_FALSE(kept.repeated);
    CU_ASSERT_EQUAL(proxy_broken(proxy), 1);
    check_truth(a, &kept);

    /* It never came to the database. */
    lost = send_of(a, id, "{\"text\":\"l\"}");
    proxy_break(proxy, PROXY_BEFORE_COMMIT, 1);
    CU_ASSERT_EQUAL(say(&lost), OK);
    CU_ASSERT_EQUAL(proxy_broken(proxy), 2);
    check_truth(a, &lost);

    /* It was stored, and the database is away until after the deadline. */
    late = send_of(a, id, "{\"text\":\"m\"}");
    late.send.deadline_mono_ms = clock_mono_ms() + 2000; /* enough to get as far as the COMMIT */
    proxy_break(proxy, PROXY_AFTER_COMMIT, 1000000);
    CU_ASSERT_EQUAL(say(&late), ERR_OUTCOME_UNKNOWN);

    /* While it is away nothing is stored, and that is said at once. */
    struct answer refused = send_of(a, id, "{\"text\":\"n\"}");
    CU_ASSERT_EQUAL(say(&refused), ERR_UNAVAILABLE);
    proxy_break(proxy, PROXY_NOTHING, 0);
    CU_ASSERT_EQUAL(fixture_number(a, "SELECT COUNT(*) FROM entries WHERE conversation_id = %" PRIu64, id),
                    4);
    struct answer again = late;
    again.send.deadline_mono_ms = clock_mono_ms() + WAIT_MS;
    CU_ASSERT_EQUAL(say(&again), OK);
    CU_ASSERT_TRUE(again.repeated);
    CU_ASSERT_EQUAL(say(&refused), OK);
    CU_ASSERT_EQUAL(count(a, id), 5);
    CU_ASSERT_TRUE(is_dense(a, id));

    writer_free(writer);
    writer = near;
    house_close(far);
    proxy_free(proxy);
    person_free(a);
    person_free(b);
}

/* ---- bounds and the end ---- */

static void test_a_full_queue_refuses(void)
{
    enum { N = 40 };
    static struct answer answers[N];
    struct person *a = person_new(house, 1), *b = person_new(house, 1);
    const uint64_t id = fixture_friends(a, b);
    static struct conf small;
    unsigned refused = 0, written = 0;
    struct writer *narrow;

    small = conf;
    small.queue = 16;
    struct house *other = fixture_house(&small);
    CU_ASSERT_EQUAL_FATAL(writer_new(other, &narrow), OK);
    CU_ASSERT_EQUAL_FATAL(db_begin(a->ctx.db), OK);
    fixture_number(a, "SELECT last_seq FROM conversations WHERE id = %" PRIu64 " FOR UPDATE", id);
    for (int i = 0; i < N; i++) {
        answers[i] = send_of(b, id, "{\"text\":\"x\"}");
        refused += writer_send(narrow, &answers[i].send, on_done, &answers[i]) == ERR_UNAVAILABLE;
    }
    CU_ASSERT_EQUAL(refused, N - 16);
    CU_ASSERT_EQUAL(db_commit(a->ctx.db), OK);
    writer_free(narrow); /* what was accepted is written and answered before it ends */
    for (int i = 0; i < N; i++)
        written += answers[i].times == 1 && answers[i].err == OK;
    CU_ASSERT_EQUAL(written, 16);
    CU_ASSERT_EQUAL(count(a, id), 16);
    CU_ASSERT_TRUE(is_dense(a, id));
    house_close(other);
    person_free(a);
    person_free(b);
}

static void test_long_texts_and_large_batches(void)
{
    enum { N = 300, TEXT = 32000 };
    static struct answer answers[N];
    struct person *a = person_new(house, 1), *b = person_new(house, 1);
    const uint64_t id = fixture_friends(a, b);
    char *content = malloc(TEXT + 16);

    CU_ASSERT_PTR_NOT_NULL_FATAL(content);
    memcpy(content, "{\"text\":\"", 9);
    memset(content + 9, 'x', TEXT);
    memcpy(content + 9 + TEXT, "\"}", 3);
    for (int i = 0; i < N; i++) {
        answers[i] = send_of(i % 2 ? a : b, id, content);
        CU_ASSERT_EQUAL(writer_send(writer, &answers[i].send, on_done, &answers[i]), LATER);
    }
    CU_ASSERT_TRUE_FATAL(wait_for(answers, N));
    for (int i = 0; i < N; i++)
        CU_ASSERT_EQUAL(answers[i].err, OK);
    CU_ASSERT_EQUAL(count(a, id), N);
    CU_ASSERT_EQUAL(
        fixture_number(a, "SELECT MIN(LENGTH(content)) FROM entries WHERE conversation_id = %" PRIu64, id),
        TEXT + 11);
    free(content);
    person_free(a);
    person_free(b);
}

/* ---- groups ---- */

struct grouping {
    uint64_t id, member_id;
    struct member_change change;
};

static enum err do_make(struct ctx *ctx, void *arg)
{
    struct grouping *g = arg;
    return group_make(ctx, STR("g"), JOIN_INVITE, &g->member_id, 1, &g->id);
}
static enum err do_bring(struct ctx *ctx, void *arg)
{
    struct grouping *g = arg;
    bool any;
    return group_bring_in(ctx, g->id, &g->member_id, 1, &any);
}
static enum err do_remove(struct ctx *ctx, void *arg)
{
    const struct grouping *g = arg;
    return group_remove(ctx, g->id, g->member_id);
}
static enum err do_change(struct ctx *ctx, void *arg)
{
    const struct grouping *g = arg;
    return group_member_change(ctx, g->id, g->member_id, &g->change);
}

static enum err say_to(struct person *p, uint64_t id, const uint64_t *mentioned, bool all, char field[64])
{
    struct answer a = send_of(p, id, "{\"text\":\"x\"}");

    a.send.mentions = STR("[]");
    a.send.mention_ids = mentioned;
    a.send.n_mentions = mentioned ? 1 : 0;
    a.send.mentions_all = all;
    const enum err err = say(&a);
    snprintf(field, 64, "%s", a.field);
    return err;
}

/* The roster is kept from send to send, and is the one of the moment all the same. */
static void test_a_group_as_it_is_now(void)
{
    struct person *owner = person_new(house, 1), *b = person_new(house, 1), *c = person_new(house, 1);
    struct grouping with_b = {.member_id = b->id}, with_c;
    char field[64];

    fixture_friends(owner, b);
    fixture_friends(owner, c);
    CU_ASSERT_EQUAL_FATAL(tx_run(&owner->ctx, do_make, &with_b), OK);
    const uint64_t id = with_b.id;
    with_c = (struct grouping){.id = id, .member_id = c->id};
    CU_ASSERT_EQUAL(try_to_say(b, id), OK);
    CU_ASSERT_EQUAL(try_to_say(owner, id), OK);
    CU_ASSERT_EQUAL(try_to_say(c, id), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(say_to(b, id, &c->id, false, field), ERR_INVALID_REQUEST);
    CU_ASSERT_STRING_EQUAL(field, "mentions");
    CU_ASSERT_EQUAL(tx_run(&owner->ctx, do_bring, &with_c), OK);
    CU_ASSERT_EQUAL(try_to_say(c, id), OK);
    CU_ASSERT_EQUAL(say_to(b, id, &c->id, false, field), OK);
    CU_ASSERT_EQUAL(say_to(b, id, NULL, true, field), ERR_FORBIDDEN);
    CU_ASSERT_STRING_EQUAL(field, "mentions");
    with_b.change = (struct member_change){.role = GROUP_ADMIN, .has_role = HAS_VALUE};
    CU_ASSERT_EQUAL(tx_run(&owner->ctx, do_change, &with_b), OK);
    CU_ASSERT_EQUAL(say_to(b, id, NULL, true, field), OK);
    with_c.change =
        (struct member_change){.muted_until = clock_wall_ms() + WAIT_MS, .has_muted_until = HAS_VALUE};
    CU_ASSERT_EQUAL(tx_run(&owner->ctx, do_change, &with_c), OK);
    CU_ASSERT_EQUAL(try_to_say(c, id), ERR_MUTED);
    CU_ASSERT_EQUAL(tx_run(&owner->ctx, do_remove, &with_c), OK);
    CU_ASSERT_EQUAL(try_to_say(c, id), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(tx_run(&owner->ctx, do_bring, &with_c), OK);
    CU_ASSERT_EQUAL(say_to(owner, id, &c->id, false, field), OK);
    CU_ASSERT_EQUAL(
        fixture_number(owner, "SELECT COUNT(*) FROM mentions WHERE conversation_id = %" PRIu64, id), 3);
    CU_ASSERT_TRUE(is_dense(owner, id));
    CU_ASSERT_EQUAL(
        fixture_number(owner, "SELECT last_seq - last_shown_seq FROM conversations WHERE id = %" PRIu64, id),
        0);
    person_free(owner);
    person_free(b);
    person_free(c);
}

static void test_mentions_between_two(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1);
    const uint64_t id = fixture_friends(a, b);
    char field[64];

    CU_ASSERT_EQUAL(say_to(a, id, &b->id, false, field), ERR_INVALID_REQUEST);
    CU_ASSERT_STRING_EQUAL(field, "mentions");
    CU_ASSERT_EQUAL(count(a, id), 0);
    person_free(a);
    person_free(b);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"a send is stored and answered", test_a_send_is_stored_and_answered},
        {"a repetition answers the first result", test_a_repetition_answers_the_first_result},
        {"who may write", test_who_may_write},
        {"a group as it is now", test_a_group_as_it_is_now},
        {"mentions between two", test_mentions_between_two},
        {"equal ids in one batch", test_equal_ids_in_one_batch},
        {"two writers on the same conversations", test_two_writers_on_the_same_conversations},
        {"the same id at two writers", test_the_same_id_at_two_writers},
        {"killed connections lose nothing", test_killed_connections_lose_nothing},
        {"an unanswered commit", test_an_unanswered_commit},
        {"a full queue refuses", test_a_full_queue_refuses},
        {"long texts and large batches", test_long_texts_and_large_batches},
    };

    house = fixture_open(&conf);
    if (writer_new(house, &writer) != OK)
        return 2;
    const int failed = FIXTURE_RUN("writer", tests);
    writer_free(writer);
    house_close(house);
    return failed;
}
