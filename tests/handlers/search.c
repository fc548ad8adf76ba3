/*
 * Search: what is found, by whom and in which order; that a stale index never shows what may not be seen; the
 * queue and the sweep that keep the index.
 */
#include "model/search.h"

#include <CUnit/Basic.h>
#include <inttypes.h>
#include <stdlib.h>

#include "lib/fixture.h"
#include "model/indexer.h"
#include "model/log.h"
#include "model/terms.h"

static struct conf conf;
static struct house *house;

/* ---- saying ---- */

struct saying {
    uint64_t conversation_id, seq;
    int type;
    struct str content;
};

static enum err append(struct ctx *ctx, void *arg)
{
    struct saying *s = arg;
    struct conversation_row conv;
    struct log_draft draft = {
        .sender_id = ctx->actor.user_id, .type = s->type, .counts = true, .content = s->content};

    TRY(conversation_lock(ctx, s->conversation_id, &conv));
    s->seq = conv.last_seq + 1;
    memcpy(draft.client_msg_id, &s->seq, sizeof s->seq);
    return log_append(ctx, &conv, &draft, NULL);
}

static uint64_t say_content(struct person *p, uint64_t id, int type, struct str content)
{
    struct saying s = {.conversation_id = id, .type = type, .content = content};

    CU_ASSERT_EQUAL_FATAL(tx_run(&p->ctx, append, &s), OK);
    return s.seq;
}

static uint64_t say(struct person *p, uint64_t id, const char *text)
{
    return say_content(p, id, ENTRY_TEXT, entry_text_content(p->ctx.arena, str_of(text)));
}

/* As the courier does it, until nothing waits. */
static void file_all(struct person *p)
{
    size_t filed = 1;

    while (filed)
        CU_ASSERT_EQUAL_FATAL(indexer_queue(&p->ctx, &filed), OK);
    CU_ASSERT_EQUAL(fixture_number(p, "SELECT COUNT(*) FROM search_queue"), 0);
}

/* ---- finding ---- */

static struct search_query query_of(const char *text)
{
    return (struct search_query){.text = str_of(text), .type = SEARCH_ANY_TYPE, .limit = 20};
}

/* All pages of it; "seq seq …" of one conversation, or of several "conversation:seq". */
static const char *find_by(struct person *p, struct search_query query, bool with_conversation)
{
    struct buf found = buf_in(p->ctx.arena);
    struct list hits;

    do {
        CU_ASSERT_EQUAL_FATAL(search_page(&p->ctx, &query, &hits, &query.cursor), OK);
        CU_ASSERT_TRUE(hits.n <= query.limit);
        for (size_t i = 0; i < hits.n; i++) {
            const struct entry *e = &((const struct search_hit *)hits.items)[i].entry;
            if (found.n)
                buf_char(&found, ' ');
            if (with_conversation)
                buf_printf(&found, "%" PRIu64 ":", e->conversation_id);
            buf_i64(&found, e->seq);
        }
    } while (query.cursor.p);
    return str_c(p->ctx.arena, buf_done(&found));
}

static void expect(struct person *p, const char *text, const char *seqs)
{
    CU_ASSERT_STRING_EQUAL(find_by(p, query_of(text), false), seqs);
}

/* ---- the tests ---- */

static void test_words(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1);
    const uint64_t id = fixture_friends(a, b);

    say(a, id, "Hello world");           /* 1 */
    say(b, id, "你好世界, hello again"); /* 2 */
    say(a, id, "Übermut tut selten gut 42");
    say(b, id, "only 👍 and 猫");
    expect(a, "hello", ""); /* not filed yet */
    file_all(a);
    expect(a, "hello", "2 1");
    expect(b, "HEL", "2 1");
    expect(a, "hello world", "1");
    expect(a, "world hel", "1");
    expect(a, "ello", "");
    expect(a, "你好", "2");
    expect(a, "好世", "2");
    expect(a, "好世界 hello", "2");
    expect(a, "你界", "");
    expect(a, "uber", "3");
    expect(a, "4", "3");
    expect(a, "猫", "4");
    expect(a, "你", ""); /* it does not stand alone */
    person_free(a);
    person_free(b);
}

static void test_hostile_queries(void)
{
    static const char *const queries[] = {"%",   "_",    "' OR 1=1 --", "\\",  "👍",
                                          "...", "\x01", "\"",          "zzz", " "};
    struct person *a = person_new(house, 1);
    const uint64_t id = fixture_friends(a, a);
    char lots[SEARCH_TEXT_MAX + 1];

    say(a, id, "Hello 1 world");
    file_all(a);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        expect(a, queries[i], "");
    expect(a, "hello 1", "1");
    expect(a, "+hello -world *", "1"); /* no operators */
    for (size_t i = 0; i < SEARCH_TEXT_MAX; i++)
        lots[i] = i % 2 ? ' ' : (char)('a' + i / 2 % 26);
    lots[SEARCH_TEXT_MAX] = '\0';
    expect(a, lots, "");
    struct search_query q = query_of("hello");
    struct list hits;
    struct str next;
    q.cursor = STR("00ff");
    CU_ASSERT_EQUAL(search_page(&a->ctx, &q, &hits, &next), ERR_INVALID_REQUEST);
    q.cursor = STR("ffffffffffffffffffffffffffffffffffffffffffffffff");
    CU_ASSERT_EQUAL(search_page(&a->ctx, &q, &hits, &next), ERR_INVALID_REQUEST);
    CU_ASSERT_STRING_EQUAL(a->problem.fields[0].field, "cursor");
    person_free(a);
}

static void test_filters(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1), *c = person_new(house, 1);
    const uint64_t ab = fixture_friends(a, b), ac = fixture_friends(a, c);
    struct search_query q = query_of("letter");
    struct list hits;
    struct str next;

    say(a, ab, "letter one");
    say(b, ab, "letter two");
    say_content(b, ab, ENTRY_FILE, STR("{\"file_id\":\"7\",\"name\":\"Letter.pdf\",\"size\":1}"));
    say(c, ac, "letter of c");
    for (int i = 1; i <= 3; i++)
        fixture_number(a,
                       "UPDATE entries SET created_at = %d WHERE conversation_id = %" PRIu64 " AND seq = %d",
                       i * 10000, ab, i);
    file_all(a);
    q.conversation_id = ab;
    CU_ASSERT_STRING_EQUAL(find_by(a, q, false), "3 2 1");
    q.sender_id = b->id;
    CU_ASSERT_STRING_EQUAL(find_by(a, q, false), "3 2");
    q.type = ENTRY_FILE;
    CU_ASSERT_STRING_EQUAL(find_by(a, q, false), "3");
    q = query_of("letter");
    q.from_ms = 20000;
    q.to_ms = 30000;
    CU_ASSERT_STRING_EQUAL(find_by(a, q, false), "2");
    q.to_ms = 30001;
    CU_ASSERT_STRING_EQUAL(find_by(a, q, false), "3 2");
    q.from_ms = 20001;
    CU_ASSERT_STRING_EQUAL(find_by(a, q, false), "3");
    q = query_of("letter");
    q.sender_id = c->id;
    CU_ASSERT_STRING_EQUAL(find_by(a, q, false), "1");
    q.conversation_id = ac;
    CU_ASSERT_EQUAL(search_page(&b->ctx, &q, &hits, &next), ERR_NOT_FOUND);
    q.conversation_id = 12345;
    CU_ASSERT_EQUAL(search_page(&a->ctx, &q, &hits, &next), ERR_NOT_FOUND);
    person_free(a);
    person_free(b);
    person_free(c);
}

/* The index still says that it is there. */
static void test_stale_index(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1), *c = person_new(house, 1);
    const uint64_t id = fixture_friends(a, b);

    for (int i = 1; i <= 6; i++)
        say(a, id, "secret");
    file_all(a);
    expect(c, "secret", "");
    c->ctx.actor.user_id = a->id;
    c->ctx.actor.app_id = 2; /* his token of another app */
    expect(c, "secret", "");
    expect(a, "secret", "6 5 4 3 2 1");
    fixture_number(a,
                   "UPDATE entries SET recalled_at = 1, content = '{}' WHERE conversation_id = %" PRIu64
                   " AND seq = 2",
                   id);
    fixture_number(a,
                   "UPDATE entries SET content = '{\"text\":\"edited\"}' WHERE conversation_id = %" PRIu64
                   " AND seq = 3",
                   id);
    fixture_number(
        a, "INSERT INTO hidden_entries (user_id, conversation_id, seq) VALUES (%" PRIu64 ", %" PRIu64 ", 4)",
        a->id, id);
    expect(a, "secret", "6 5 1");
    expect(b, "secret", "6 5 4 1");
    fixture_number(a,
                   "UPDATE members SET visible_from_seq = 4 WHERE conversation_id = %" PRIu64
                   " AND user_id = %" PRIu64,
                   id, b->id);
    expect(b, "secret", "6 5 4");
    fixture_number(
        a, "UPDATE members SET left_seq = 5 WHERE conversation_id = %" PRIu64 " AND user_id = %" PRIu64, id,
        b->id);
    expect(b, "secret", "5 4");
    fixture_number(a, "DELETE FROM members WHERE conversation_id = %" PRIu64 " AND user_id = %" PRIu64, id,
                   b->id);
    expect(b, "secret", "");
    person_free(a);
    person_free(b);
    person_free(c);
}

struct forgetting {
    struct entry_ref ref;
    struct str content;
};

static enum err forget(struct ctx *ctx, void *arg)
{
    const struct forgetting *f = arg;

    return terms_forget(ctx, &f->ref, ENTRY_TEXT, f->content);
}

/* Nothing of its words stays in the index; its neighbours keep theirs. */
static void test_forgetting(void)
{
    struct person *a = person_new(house, 1);
    const uint64_t id = fixture_friends(a, a);
    struct forgetting f = {.ref = {.conversation_id = id}, .content = STR("{\"text\":\"alpha beta\"}")};

    f.ref.seq = say(a, id, "alpha beta");
    say(a, id, "alpha");
    file_all(a);
    expect(a, "alpha", "2 1");
    CU_ASSERT_EQUAL(tx_run(&a->ctx, forget, &f), OK);
    expect(a, "alpha", "2");
    CU_ASSERT_EQUAL(fixture_number(a,
                                   "SELECT COUNT(*) FROM search_terms WHERE conversation_id = %" PRIu64
                                   " AND (bits & 2) <> 0 AND term >= 'a'",
                                   id),
                    0);
    person_free(a);
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * Everything once and in order, over many conversations and pages, with equal times and times that are out of
 * order by less than a second, and while more is said.
 */
static void test_paging(void)
{
    enum { PEOPLE = 30, ENTRIES = 150, ALL = PEOPLE * ENTRIES };
    struct person *a = person_new(house, 1);
    struct search_query q = query_of("common");
    struct list hits;
    char *seen[ALL];
    size_t n = 0;
    int64_t last_at = INT64_MAX;

    for (int i = 0; i < PEOPLE; i++) {
        struct person *b = person_new(house, 1);
        const uint64_t id = fixture_friends(a, b);
        fixture_number(
            a,
            "INSERT INTO entries (conversation_id, seq, sender_id, client_msg_id, part, request_hash, type,"
            " counts, content, created_at) SELECT %" PRIu64 ", s.seq, %" PRIu64 ", UNHEX(LPAD(HEX(s.seq), 32,"
            " '0')), 0, UNHEX(REPEAT('00', 16)), 0, 1, CONCAT('{\"text\":\"common ', IF(s.seq %% 40 = 7, "
            "'rare',"
            " ''), '\"}'), 1000000 + s.seq * 700 - (s.seq %% 3) * 300 FROM seq_1_to_%d AS s",
            id, b->id, ENTRIES);
        fixture_number(a, "UPDATE conversations SET last_seq = %d WHERE id = %" PRIu64, ENTRIES, id);
        person_free(b);
    }
    uint64_t above = 0;
    size_t filed;
    do {
        CU_ASSERT_EQUAL_FATAL(indexer_sweep(&a->ctx, &above, &filed), OK);
    } while (above);
    for (q.limit = 37; n < ALL + 1;) {
        CU_ASSERT_EQUAL_FATAL(search_page(&a->ctx, &q, &hits, &q.cursor), OK);
        for (size_t i = 0; i < hits.n && n < ALL; i++) {
            const struct entry *e = &((const struct search_hit *)hits.items)[i].entry;
            CU_ASSERT_TRUE(e->created_at <= last_at);
            last_at = e->created_at;
            seen[n++] = arena_printf(a->ctx.arena, "%" PRIu64 ":%" PRId64, e->conversation_id, e->seq);
        }
        if (!q.cursor.p)
            break;
    }
    CU_ASSERT_EQUAL(n, ALL);
    qsort(seen, n, sizeof *seen, compare_text);
    for (size_t i = 1; i < n; i++)
        CU_ASSERT_STRING_NOT_EQUAL(seen[i - 1], seen[i]);
    q = query_of("common rare");
    q.limit = 7;
    const char *rare = find_by(a, q, true);
    size_t words = 1;
    for (const char *c = rare; *c; c++)
        words += *c == ' ';
    CU_ASSERT_EQUAL(words, PEOPLE * 4); /* 7, 47, 87, 127 */
    person_free(a);
}

/* Each transaction that says something leaves a row; what no row names is found by the sweep. */
static void test_queue_and_sweep(void)
{
    struct person *a = person_new(house, 1);
    const uint64_t id = fixture_friends(a, a);
    uint64_t above = 0;
    size_t filed, all = 0;

    say(a, id, "queued one");
    say(a, id, "queued two");
    CU_ASSERT_EQUAL(fixture_number(a, "SELECT COUNT(*) FROM search_queue"), 2);
    fixture_number(a, "UPDATE search_queue SET claimed_until = UNIX_TIMESTAMP() * 1000 + 60000");
    CU_ASSERT_EQUAL(indexer_queue(&a->ctx, &filed), OK);
    CU_ASSERT_EQUAL(filed, 0); /* another's */
    fixture_number(a, "UPDATE search_queue SET claimed_until = 1");
    file_all(a);
    expect(a, "queued", "2 1");

    say(a, id, "unnamed");
    fixture_number(a, "DELETE FROM search_queue");
    fixture_number(
        a, "INSERT INTO search_queue (id, created_at, claimed_until, events) VALUES (1, 0, 0, 'rubbish')");
    file_all(a);
    expect(a, "unnamed", "");
    do {
        CU_ASSERT_EQUAL_FATAL(indexer_sweep(&a->ctx, &above, &filed), OK);
        all += filed;
    } while (above);
    CU_ASSERT_EQUAL(all, 1);
    expect(a, "unnamed", "3");
    CU_ASSERT_EQUAL(fixture_number(a, "SELECT seq FROM search_sweeps WHERE conversation_id = %" PRIu64, id),
                    3);
    do {
        CU_ASSERT_EQUAL_FATAL(indexer_sweep(&a->ctx, &above, &filed), OK);
        CU_ASSERT_EQUAL(filed, 0);
    } while (above);
    person_free(a);
}

/* An edit's target is filed anew; an operation is found by nothing. */
static void test_edits(void)
{
    struct person *a = person_new(house, 1);
    const uint64_t id = fixture_friends(a, a);

    say(a, id, "before");
    file_all(a);
    fixture_number(
        a, "UPDATE entries SET content = '{\"text\":\"afterwards\"}' WHERE conversation_id = %" PRIu64, id);
    say_content(a, id, ENTRY_EDIT, STR("{\"target_seq\":1}"));
    file_all(a);
    expect(a, "afterwards", "1");
    expect(a, "before", "");
    person_free(a);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"words", test_words},           {"hostile queries", test_hostile_queries},
        {"filters", test_filters},       {"stale index", test_stale_index},
        {"forgetting", test_forgetting}, {"queue and sweep", test_queue_and_sweep},
        {"edits", test_edits},           {"paging", test_paging},
    };

    house = fixture_open(&conf);
    const int failed = FIXTURE_RUN("search", tests);
    house_close(house);
    return failed;
}
