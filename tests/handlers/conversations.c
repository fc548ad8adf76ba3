/*
 * Conversations, read marks and history: who sees what, pages in both directions, unread counts, and two
 * people at the same moment.
 */
#include "model/conversations.h"

#include <CUnit/Basic.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lib/fixture.h"
#include "model/contents.h"
#include "model/history.h"
#include "model/log.h"
#include "model/reads.h"

static struct conf conf;
static struct house *house;

/* ---- saying something, without the writer ---- */

struct words {
    uint64_t id;
    int n;
    bool system;
};

static enum err append(struct ctx *ctx, void *arg)
{
    const struct words *w = arg;
    struct conversation_row conv;

    TRY(conversation_lock(ctx, w->id, &conv));
    for (int i = 0; i < w->n; i++) {
        struct log_draft draft = {.sender_id = ctx->actor.user_id, .type = ENTRY_TEXT, .counts = true};
        if (w->system) {
            TRY(log_append_system(ctx, &conv, "friends_now", STR("{}")));
            continue;
        }
        const uint64_t seq = conv.last_seq + 1;
        memcpy(draft.client_msg_id, &seq, sizeof seq);
        draft.content = entry_text_content(ctx->arena, str_of(arena_printf(ctx->arena, "m%" PRIu64, seq)));
        TRY(log_append(ctx, &conv, &draft, NULL));
    }
    return OK;
}

static void say(struct person *p, uint64_t id, int n)
{
    struct words w = {id, n, false};
    CU_ASSERT_EQUAL_FATAL(tx_run(&p->ctx, append, &w), OK);
}

static enum err mark(struct ctx *ctx, void *arg)
{
    uint64_t *in = arg; /* conversation, seq; the answer stands behind them */
    struct read_mark out;

    TRY(read_mark_set(ctx, in[0], in[1], &out));
    in[2] = (uint64_t)out.read_seq;
    in[3] = (uint64_t)out.unread;
    return OK;
}

static enum err read_to(struct person *p, uint64_t id, uint64_t seq, uint64_t *read_seq, uint64_t *unread)
{
    uint64_t in[4] = {id, seq};
    const enum err err = tx_run(&p->ctx, mark, in);

    *read_seq = in[2];
    *unread = in[3];
    return err;
}

/* ---- the tests ---- */

static void test_content_and_summary(void)
{
    struct arena *arena = arena_new();
    static const struct {
        const char *text, *summary;
    } cases[] = {
        {"hi", "hi"},
        {"  two\n\n lines\t\"quoted\" \\ / ", "two lines \"quoted\" \\ / "},
        {"你好 👍🏽", "你好 👍🏽"},
        {"\x01\x02", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct str content = entry_text_content(arena, str_of(cases[i].text));
        const struct str summary = entry_summary(arena, ENTRY_TEXT, content);
        CU_ASSERT_TRUE(str_eq(summary, str_of(cases[i].summary)));
    }
    char *lengthy = arena_alloc(arena, 3 * TEXT_MAX + 1);
    for (int i = 0; i < TEXT_MAX; i++)
        memcpy(lengthy + 3 * i, "字", 3);
    const struct str summary = entry_summary(arena, ENTRY_TEXT, entry_text_content(arena, str_of(lengthy)));
    CU_ASSERT_EQUAL(summary.n, 3 * SUMMARY_MAX);
    const struct str system = entry_system_content(arena, STR("friends_now"), STR("{}"));
    CU_ASSERT_TRUE(str_eq(entry_summary(arena, ENTRY_SYSTEM, system), STR("friends_now")));
    CU_ASSERT_TRUE(str_eq(entry_summary(arena, ENTRY_TEXT, STR("{}")), STR("")));
    CU_ASSERT_TRUE(str_eq(entry_summary(arena, ENTRY_TEXT, STR("{\"text\":\"\\")), STR("\\")));
    arena_free(arena);
}

static void test_who_sees_it(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1), *c = person_new(house, 1);
    const uint64_t id = fixture_friends(a, b);
    struct conversation_access access;
    struct conversation conv;

    CU_ASSERT_EQUAL(conversation_for_reader(&a->ctx, id, &access), OK);
    CU_ASSERT_EQUAL(conversation_load(&b->ctx, id, &conv), OK);
    CU_ASSERT_EQUAL(conv.peer.id, a->id);
    CU_ASSERT_EQUAL(conv.has_last_entry, HAS_NULL);
    CU_ASSERT_EQUAL(conv.last_seq, 0);
    CU_ASSERT_EQUAL(conversation_for_reader(&c->ctx, id, &access), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(conversation_load(&c->ctx, id, &conv), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(conversation_load(&a->ctx, 999, &conv), ERR_NOT_FOUND);
    a->ctx.actor.app_id = 2; /* the same person under another app's token */
    CU_ASSERT_EQUAL(conversation_for_reader(&a->ctx, id, &access), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(conversation_load(&a->ctx, id, &conv), ERR_NOT_FOUND);
    a->ctx.actor.app_id = 1;
    fixture_set_flags(a, b, 0); /* no friends any more: it stays readable */
    CU_ASSERT_EQUAL(conversation_load(&a->ctx, id, &conv), OK);
    person_free(a);
    person_free(b);
    person_free(c);
}

/* A row that only locks two people is nothing that anybody sees. */
static enum err only_lock(struct ctx *ctx, void *arg)
{
    uint64_t *ids = arg;
    struct conversation_row conv;

    TRY(conversation_pair_lock(ctx, ids[0], ids[1], &conv));
    ids[2] = conv.id;
    return OK;
}

struct opening {
    uint64_t user_id, id;
    bool made;
};

static enum err open_one(struct ctx *ctx, void *arg)
{
    struct opening *o = arg;
    return conversation_open(ctx, o->user_id, &o->id, &o->made);
}

static void test_opening(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1), *foreign = person_new(house, 2);
    uint64_t ids[3] = {a->id, b->id};
    struct opening with_b = {.user_id = b->id}, notebook = {.user_id = a->id}, nobody = {.user_id = 12345},
                   with_foreign = {.user_id = foreign->id};
    struct conversation conv;

    CU_ASSERT_EQUAL(tx_run(&a->ctx, open_one, &with_b), ERR_NOT_FRIENDS);
    CU_ASSERT_EQUAL(
        fixture_number(a, "SELECT COUNT(*) FROM conversations WHERE %" PRIu64 " IN (low_id, high_id)", a->id),
        0);
    CU_ASSERT_EQUAL(tx_run(&a->ctx, only_lock, ids), OK);
    CU_ASSERT_EQUAL(conversation_load(&a->ctx, ids[2], &conv), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(tx_run(&a->ctx, open_one, &nobody), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(tx_run(&a->ctx, open_one, &with_foreign), ERR_NOT_FOUND);

    CU_ASSERT_EQUAL(tx_run(&a->ctx, open_one, &notebook), OK);
    CU_ASSERT_TRUE(notebook.made);
    CU_ASSERT_EQUAL(tx_run(&a->ctx, open_one, &notebook), OK);
    CU_ASSERT_FALSE(notebook.made);
    CU_ASSERT_EQUAL(conversation_load(&a->ctx, notebook.id, &conv), OK);
    CU_ASSERT_EQUAL(conv.peer.id, a->id);

    CU_ASSERT_EQUAL(fixture_friends(a, b), ids[2]);
    CU_ASSERT_EQUAL(tx_run(&b->ctx, open_one, &(struct opening){.user_id = a->id}), OK);
    CU_ASSERT_EQUAL(tx_run(&a->ctx, open_one, &with_b), OK);
    CU_ASSERT_FALSE(with_b.made);
    CU_ASSERT_EQUAL(with_b.id, ids[2]);
    fixture_set_flags(a, b, fixture_block_flag(b, a));
    CU_ASSERT_EQUAL(tx_run(&a->ctx, open_one, &with_b), OK); /* it exists */
    person_free(a);
    person_free(b);
    person_free(foreign);
}

static void *lock_and_open(void *arg)
{
    struct person *p = arg;
    struct opening o = {.user_id = p->ctx.actor.session_id};
    return tx_run(&p->ctx, open_one, &o) == OK ? (void *)(uintptr_t)o.id : NULL;
}

/* Many at once make one notebook. */
static void test_opening_at_once(void)
{
    enum { N = 8 };
    struct person *people[N];
    pthread_t threads[N];
    void *ids[N];

    for (int i = 0; i < N; i++) {
        people[i] = person_new(house, 1);
        people[i]->ctx.actor.user_id = people[0]->id;
        people[i]->ctx.actor.session_id = people[0]->id;
    }
    for (int i = 0; i < N; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, lock_and_open, people[i]), 0);
    for (int i = 0; i < N; i++)
        pthread_join(threads[i], &ids[i]);
    for (int i = 0; i < N; i++) {
        CU_ASSERT_PTR_NOT_NULL(ids[i]);
        CU_ASSERT_PTR_EQUAL(ids[i], ids[0]);
        person_free(people[i]);
    }
}

static void test_reading(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1), *c = person_new(house, 1);
    const uint64_t id = fixture_friends(a, b);
    struct words system = {id, 1, true};
    struct conversation conv;
    uint64_t read_seq, unread;

    CU_ASSERT_EQUAL(tx_run(&a->ctx, append, &system), OK);
    say(a, id, 5);
    say(b, id, 2);
    CU_ASSERT_EQUAL(conversation_load(&b->ctx, id, &conv), OK);
    CU_ASSERT_EQUAL(conv.unread, 5); /* not the house's, not the own */
    CU_ASSERT_EQUAL(conv.last_entry.seq, 8);
    const int64_t version = conv.version;
    CU_ASSERT_EQUAL(read_to(b, id, 4, &read_seq, &unread), OK);
    CU_ASSERT_EQUAL(read_seq, 4);
    CU_ASSERT_EQUAL(unread, 2);
    CU_ASSERT_EQUAL(read_to(b, id, 2, &read_seq, &unread), OK); /* never back */
    CU_ASSERT_EQUAL(read_seq, 4);
    CU_ASSERT_EQUAL(unread, 2);
    CU_ASSERT_EQUAL(read_to(b, id, 9, &read_seq, &unread), ERR_INVALID_REQUEST);
    CU_ASSERT_STRING_EQUAL(b->problem.fields[0].field, "seq");
    CU_ASSERT_EQUAL(read_to(c, id, 1, &read_seq, &unread), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(conversation_load(&a->ctx, id, &conv), OK);
    CU_ASSERT_EQUAL(conv.peer_read_seq, 4);
    CU_ASSERT_EQUAL(conv.read_seq, 0);
    CU_ASSERT_EQUAL(conv.unread, 2);
    CU_ASSERT_EQUAL(conv.version, version + 1);
    CU_ASSERT_EQUAL(read_to(b, id, 8, &read_seq, &unread), OK);
    CU_ASSERT_EQUAL(unread, 0);
    person_free(a);
    person_free(b);
    person_free(c);
}

static void test_the_list(void)
{
    enum { N = 9 };
    struct person *me = person_new(house, 1), *others[N];
    struct page_mark mark_at = {INT64_MAX, INT64_MAX};
    struct conversation *items;
    struct str cursor;
    uint64_t ids[N];
    size_t n, seen = 0;

    for (int i = 0; i < N; i++) {
        others[i] = person_new(house, 1);
        ids[i] = fixture_friends(me, others[i]);
        fixture_number(me, "UPDATE conversations SET last_at = %d WHERE id = %" PRIu64, 1000 + i / 2, ids[i]);
    }
    say(others[3], ids[3], 1); /* now the newest */
    do {
        CU_ASSERT_EQUAL_FATAL(conversations_page(&me->ctx, mark_at, 4, &items, &n, &cursor), OK);
        for (size_t i = 0; i < n; i++, seen++) {
            if (!seen) {
                CU_ASSERT_EQUAL(items[i].id, ids[3]);
                CU_ASSERT_EQUAL(items[i].unread, 1);
                CU_ASSERT_EQUAL(items[i].peer.id, others[3]->id);
                CU_ASSERT_TRUE(str_eq(items[i].last_entry.summary, STR("m1")));
            } else {
                CU_ASSERT_TRUE(items[i].last_at <= 1000 + N / 2);
                CU_ASSERT_EQUAL(items[i].has_last_entry, HAS_NULL);
            }
        }
        CU_ASSERT_TRUE(n <= 4);
        if (cursor.p)
            CU_ASSERT_EQUAL(page_mark_of(&me->ctx, cursor, &mark_at), OK);
    } while (cursor.p);
    CU_ASSERT_EQUAL(seen, N);
    for (int i = 0; i < N; i++)
        person_free(others[i]);
    person_free(me);
}

/* ---- history ---- */

enum direction { BEFORE, AROUND, AFTER };

static void expect_page(struct person *p, enum direction direction, uint64_t id, uint64_t seq, size_t limit,
                        const char *seqs, const char *covers)
{
    static enum err (*const read[])(struct ctx *, uint64_t, uint64_t, size_t,
                                    struct history_page *) = {history_before, history_around, history_after};
    struct history_page page;
    struct buf found = buf_in(p->ctx.arena);

    CU_ASSERT_EQUAL_FATAL(read[direction](&p->ctx, id, seq, limit, &page), OK);
    const char *items = str_c(p->ctx.arena, page.items);
    for (const char *at = items; (at = strstr(at, "\"seq\":")); at += 6)
        buf_printf(&found, "%s%d%s", found.n ? " " : "", atoi(at + 6),
                   strncmp(at - 1, "{\"seq\"", 6) == 0 ? "h" : "");
    if (!str_eq(buf_done(&found), str_of(seqs)) ||
        !str_eq(page.covers.p ? page.covers : STR("null"), str_of(covers))) {
        printf("\n    %d %d: %.*s %.*s, not %s %s", (int)direction, (int)seq, STR_ARG(buf_done(&found)),
               STR_ARG(page.covers), seqs, covers);
        CU_FAIL("another page");
    }
}

static void test_history(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1), *c = person_new(house, 1);
    const uint64_t id = fixture_friends(a, b);
    struct history_page page;

    expect_page(a, BEFORE, id, INT64_MAX, 5, "", "null");
    expect_page(a, AROUND, id, 3, 5, "", "null");
    expect_page(a, AFTER, id, 0, 5, "", "null");
    say(a, id, 10);
    expect_page(a, BEFORE, id, INT64_MAX, 3, "10 9 8", "[8,10]");
    expect_page(a, BEFORE, id, 8, 3, "7 6 5", "[5,7]");
    expect_page(a, BEFORE, id, 3, 5, "2 1", "[1,2]");
    expect_page(a, BEFORE, id, 1, 5, "", "null");
    expect_page(a, AFTER, id, 0, 4, "1 2 3 4", "[1,4]");
    expect_page(a, AFTER, id, 8, 4, "9 10", "[9,10]");
    expect_page(a, AFTER, id, 10, 4, "", "null");
    expect_page(a, AFTER, id, INT64_MAX, 4, "", "null");
    expect_page(a, AROUND, id, 5, 4, "7 6 5 4", "[4,7]");
    expect_page(a, AROUND, id, 5, 1, "5", "[5,5]");
    expect_page(a, AROUND, id, 1, 4, "4 3 2 1", "[1,4]");
    expect_page(a, AROUND, id, 99, 4, "10 9", "[9,10]");
    CU_ASSERT_EQUAL(history_before(&c->ctx, id, 5, 5, &page), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(history_after(&c->ctx, id, 5, 5, &page), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(history_around(&c->ctx, id, 5, 5, &page), ERR_NOT_FOUND);

    /* Who came late and left early sees what was said between. */
    fixture_number(a,
                   "UPDATE members SET visible_from_seq = 4, left_seq = 7 WHERE conversation_id = %" PRIu64
                   " AND user_id = %" PRIu64,
                   id, b->id);
    expect_page(b, BEFORE, id, INT64_MAX, 10, "7 6 5 4", "[4,7]");
    expect_page(b, AROUND, id, 1, 3, "6 5 4", "[4,6]");
    expect_page(b, AROUND, id, 10, 10, "7 6 5 4", "[4,7]");
    expect_page(b, AFTER, id, 1, 10, "2h 3h 4 5 6 7", "[2,7]");
    expect_page(b, AFTER, id, 7, 10, "", "null");
    CU_ASSERT_EQUAL(history_after(&b->ctx, id, 0, 5, &page), OK);
    CU_ASSERT_EQUAL(page.last_seq, 7);
    struct conversation conv;
    uint64_t read_seq, unread;
    CU_ASSERT_EQUAL(conversation_load(&b->ctx, id, &conv), OK);
    CU_ASSERT_EQUAL(conv.last_seq, 7);
    CU_ASSERT_EQUAL(conv.last_entry.seq, 7);
    CU_ASSERT_EQUAL(conv.unread, 4);
    CU_ASSERT_EQUAL(read_to(b, id, 8, &read_seq, &unread), ERR_INVALID_REQUEST);
    person_free(a);
    person_free(b);
    person_free(c);
}

/* Whom a card names is looked up: a database that does not answer has not said that he is there. */
static void test_card(void)
{
    struct person *a = person_new(house, 1), *foreign = person_new(house, 2);
    union content card = {.card = {.user_id = a->id}};
    struct send send = {.type = ENTRY_CARD};

    CU_ASSERT_EQUAL(content_take(&a->ctx, &card, &send), OK);
    db_deadline(a->ctx.db, clock_mono_ms() - 1);
    CU_ASSERT_EQUAL(content_take(&a->ctx, &card, &send), ERR_UNAVAILABLE);
    db_deadline(a->ctx.db, 0);
    card.card.user_id = foreign->id;
    CU_ASSERT_EQUAL(content_take(&a->ctx, &card, &send), ERR_NOT_FOUND);
    person_free(a);
    person_free(foreign);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"content and summary", test_content_and_summary},
        {"who sees it", test_who_sees_it},
        {"opening", test_opening},
        {"opening at once", test_opening_at_once},
        {"reading", test_reading},
        {"the list", test_the_list},
        {"history", test_history},
        {"card", test_card},
    };

    house = fixture_open(&conf);
    const int failed = FIXTURE_RUN("conversations", tests);
    house_close(house);
    return failed;
}
