/*
 * Assistants in the model: the job stands in the transaction of the message, a reply ends once, tokens are
 * reserved and given back, a model is told what who asks may see, and what a dead process left has an end.
 */
#include "model/assistants.h"

#include <CUnit/Basic.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lib/fixture.h"
#include "lib/until.h"
#include "model/answerer.h"
#include "model/deliver.h"
#include "model/helps.h"
#include "model/log.h"
#include "model/prompt.h"
#include "model/replies.h"
#include "model/replytext.h"
#include "model/spending.h"
#include "model/writer.h"

enum { WAIT_MS = 20000, PROCESS = 77 };

static struct conf conf;
static struct house *house;
static struct writer *writer;

/* ---- the scene ---- */

/* Somebody and an assistant for `allowed` (NULL: everybody), and their conversation. */
struct scene {
    struct person *p;
    uint64_t bot, conversation;
};

static uint64_t bot_new(struct person *p, const struct str *allowed)
{
    const struct str name = str_of(arena_printf(p->ctx.arena, "bot%" PRIu64 "x%" PRIu64, p->id % 1000000007,
                                                (uint64_t)clock_mono_us() % 1000000007));
    const struct assistant_new in = {.username = name,
                                     .nickname = STR("Bot"),
                                     .provider = STR("p"),
                                     .prompt = STR("Be short."),
                                     .usernames = allowed,
                                     .n_usernames = allowed ? 1 : 0};
    struct ctx ctx = p->ctx;

    ctx.actor = (struct actor){.app_id = 1};
    CU_ASSERT_EQUAL_FATAL(assistant_add(&ctx, &in), OK);
    return fixture_number(p, "SELECT id FROM users WHERE username = '%.*s'", STR_ARG(name));
}

struct opening {
    uint64_t user_id, id;
    bool made;
};

static enum err do_open(struct ctx *ctx, void *arg)
{
    struct opening *o = arg;
    return conversation_open(ctx, o->user_id, &o->id, &o->made);
}

static struct scene scene_new(void)
{
    struct scene s = {.p = person_new(house, 1)};
    struct opening o = {0};

    s.bot = o.user_id = bot_new(s.p, NULL);
    CU_ASSERT_EQUAL_FATAL(tx_run(&s.p->ctx, do_open, &o), OK);
    s.conversation = o.id;
    return s;
}

struct sent {
    enum err err;
    bool repeated;
    atomic_int times;
};

static void on_done(void *arg, enum err err, struct str json, bool repeated, const struct problem *problem)
{
    struct sent *sent = arg;

    (void)json;
    (void)problem;
    sent->err = err;
    sent->repeated = repeated;
    sent->times++;
}

static struct sent *awaited;

static bool is_sent(void)
{
    return awaited->times > 0;
}

/* Through the writer; the seq that it got. */
static uint64_t say(const struct scene *s, const char *text, unsigned char id, bool *repeated)
{
    struct sent sent = {.err = OK};
    struct send send = {.app_id = 1,
                        .user_id = s->p->id,
                        .conversation_id = s->conversation,
                        .client_msg_id = {id},
                        .request_hash = {id},
                        .type = ENTRY_TEXT,
                        .content = entry_text_content(s->p->ctx.arena, str_of(text)),
                        .deadline_mono_ms = clock_mono_ms() + WAIT_MS};

    CU_ASSERT_EQUAL_FATAL(writer_send(writer, &send, on_done, &sent), LATER);
    awaited = &sent;
    CU_ASSERT_TRUE_FATAL(until(is_sent));
    CU_ASSERT_EQUAL_FATAL(sent.err, OK);
    if (repeated)
        *repeated = sent.repeated;
    return fixture_number(s->p, "SELECT last_seq FROM conversations WHERE id = %" PRIu64, s->conversation);
}

static uint64_t replies(const struct scene *s, const char *where)
{
    return fixture_number(s->p, "SELECT COUNT(*) FROM ai_replies WHERE conversation_id = %" PRIu64 " AND %s",
                          s->conversation, where);
}

static uint64_t entries(const struct scene *s)
{
    return fixture_number(s->p, "SELECT COUNT(*) FROM entries WHERE conversation_id = %" PRIu64,
                          s->conversation);
}

/* The newest reply, claimed by PROCESS. */
static struct ai_reply_row claimed(const struct scene *s)
{
    const uint64_t id = fixture_number(
        s->p, "SELECT MAX(id) FROM ai_replies WHERE conversation_id = %" PRIu64, s->conversation);
    struct ai_reply_row *rows;
    uint64_t changed;
    size_t n;

    CU_ASSERT_EQUAL_FATAL(q_ai_reply_claim(&s->p->ctx, id, PROCESS, 60000, &changed), OK);
    CU_ASSERT_EQUAL_FATAL(changed, 1);
    CU_ASSERT_EQUAL_FATAL(q_ai_reply_claim(&s->p->ctx, id, PROCESS + 1, 60000, &changed), OK);
    CU_ASSERT_EQUAL(changed, 0);
    CU_ASSERT_EQUAL_FATAL(q_ai_replies_get(&s->p->ctx, &id, 1, &rows, &n), OK);
    CU_ASSERT_EQUAL_FATAL(n, 1);
    return rows[0];
}

/* ---- the tests ---- */

static void test_the_job_stands_with_the_message(void)
{
    const struct scene s = scene_new();
    bool repeated = false;
    const uint64_t seq = say(&s, "hello", 1, &repeated);

    CU_ASSERT_FALSE(repeated);
    CU_ASSERT_EQUAL(replies(&s, "state = 0"), 1);
    CU_ASSERT_EQUAL(
        fixture_number(s.p, "SELECT ask_seq FROM ai_replies WHERE assistant_id = %" PRIu64, s.bot), seq);
    say(&s, "hello", 1, &repeated);
    CU_ASSERT_TRUE(repeated);
    CU_ASSERT_EQUAL(replies(&s, "1 = 1"), 1);
    person_free(s.p);
}

static void test_who_may_use_it(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1), *c = person_new(house, 2);
    char name[64];
    struct assistant_row row;

    snprintf(name, sizeof name, "n%" PRIu64, a->id);
    fixture_number(a, "UPDATE users SET username = '%s', username_key = '%s' WHERE id = %" PRIu64, name, name,
                   a->id);
    const struct str allowed = str_of(name);
    const uint64_t bot = bot_new(a, &allowed);
    CU_ASSERT_EQUAL(assistant_for(&a->ctx, bot, &row), OK);
    CU_ASSERT_EQUAL(assistant_for(&b->ctx, bot, &row), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(assistant_for(&c->ctx, bot_new(a, NULL), &row), ERR_NOT_FOUND);
    struct opening o = {.user_id = bot};
    CU_ASSERT_EQUAL(tx_run(&b->ctx, do_open, &o), ERR_NOT_FOUND);
    person_free(a);
    person_free(b);
    person_free(c);
}

static void test_a_reply_ends_once(void)
{
    const struct scene s = scene_new();
    const struct reply_end done = {
        .state = REPLY_DONE, .text = STR("an answer"), .reason = "", .input_tokens = 3, .output_tokens = 2};
    struct ctx ctx = s.p->ctx;

    say(&s, "hello", 1, NULL);
    const struct ai_reply_row reply = claimed(&s);
    CU_ASSERT_EQUAL(reply_end(&ctx, &reply, PROCESS + 1, &done), ERR_CONFLICT);
    CU_ASSERT_EQUAL(entries(&s), 1);
    CU_ASSERT_EQUAL(reply_end(&ctx, &reply, PROCESS, &done), OK);
    CU_ASSERT_EQUAL(reply_end(&ctx, &reply, PROCESS, &done), ERR_CONFLICT);
    CU_ASSERT_EQUAL(entries(&s), 2);
    CU_ASSERT_EQUAL(replies(&s, "state = 2 AND seq = 2 AND lease_until = 0"), 1);
    CU_ASSERT_EQUAL(fixture_number(s.p,
                                   "SELECT COUNT(*) FROM entries WHERE conversation_id = %" PRIu64
                                   " AND sender_id = %" PRIu64 " AND reply_to_seq = 1 AND counts = 1",
                                   s.conversation, s.bot),
                    1);
    person_free(s.p);
}

static void test_who_is_blocked_says_nothing(void)
{
    const struct scene s = scene_new();
    const struct reply_end done = {.state = REPLY_DONE, .text = STR("an answer"), .reason = ""};
    struct ctx ctx = s.p->ctx;

    say(&s, "hello", 1, NULL);
    const struct ai_reply_row reply = claimed(&s);
    fixture_number(s.p, "UPDATE conversations SET flags = flags | 2 WHERE id = %" PRIu64, s.conversation);
    CU_ASSERT_EQUAL(reply_end(&ctx, &reply, PROCESS, &done), OK);
    CU_ASSERT_EQUAL(replies(&s, "state = 3 AND reason = 'not_allowed'"), 1);
    CU_ASSERT_EQUAL(fixture_number(s.p,
                                   "SELECT COUNT(*) FROM entries WHERE conversation_id = %" PRIu64
                                   " AND content LIKE '%%an answer%%'",
                                   s.conversation),
                    0);
    person_free(s.p);
}

/* What this event is for a reader; absent: nothing. */
static struct str told(struct person *reader, struct redis *redis, const struct event *event)
{
    struct ctx ctx = reader->ctx;
    struct str json;

    ctx.redis = redis;
    CU_ASSERT_EQUAL_FATAL(deliver(&ctx, event, 1, &json), OK);
    return json;
}

/* Found by a device that was away: as it is by then, by who may read it, until its end. */
static void test_its_beginning_is_told_durably(void)
{
    const struct reply_end done = {.state = REPLY_DONE, .text = STR("one two"), .reason = ""};
    const struct scene s = scene_new();
    struct person *stranger = person_new(house, 1);
    struct redis *redis = redis_new(&conf, WAIT_MS);
    struct ctx ctx = s.p->ctx;

    ctx.redis = redis;
    const uint64_t seq = say(&s, "hello", 1, NULL);
    const struct ai_reply_row reply = claimed(&s);
    const struct event begun = {
        .kind = EVENT_AI_BEGUN, .to_id = s.p->id, .id = s.conversation, .other_id = reply.id, .seq = seq};
    CU_ASSERT_EQUAL(reply_say_begun(&ctx, &reply), OK);
    CU_ASSERT_EQUAL_FATAL(reply_keep(&ctx, reply.id, STR("one")), OK);
    const struct str json = told(s.p, redis, &begun);
    CU_ASSERT_TRUE(str_eq(json, reply_delta(ctx.arena, &reply, STR("one"), 0)));
    CU_ASSERT_PTR_NULL(told(stranger, redis, &begun).p);
    CU_ASSERT_EQUAL(reply_end(&ctx, &reply, PROCESS, &done), OK);
    CU_ASSERT_PTR_NULL(told(s.p, redis, &begun).p);
    redis_free(redis);
    person_free(stranger);
    person_free(s.p);
}

static uint64_t reserved(const struct scene *s)
{
    return fixture_number(
        s->p, "SELECT SUM(reserved) FROM ai_spending WHERE scope = 0 AND subject_id = %" PRIu64, s->p->id);
}

static void test_tokens(void)
{
    const struct scene s = scene_new();
    const uint64_t most = (uint64_t)conf.ai_user_tokens_per_day;
    const struct reply_end failed = {
        .state = REPLY_FAILED, .reason = "timeout", .input_tokens = 10, .output_tokens = 5};
    struct ctx ctx = s.p->ctx;

    say(&s, "hello", 1, NULL);
    const struct ai_reply_row first = claimed(&s);
    CU_ASSERT_EQUAL(reply_reserve(&ctx, &first, PROCESS + 1, 10), ERR_CONFLICT);
    CU_ASSERT_EQUAL(reply_reserve(&ctx, &first, PROCESS, most - 10), OK);
    say(&s, "and", 2, NULL);
    const struct ai_reply_row second = claimed(&s);
    CU_ASSERT_EQUAL(reply_reserve(&ctx, &second, PROCESS, 11), ERR_AI_LIMIT);
    CU_ASSERT_EQUAL(reserved(&s), most - 10);
    CU_ASSERT_EQUAL(reply_end(&ctx, &first, PROCESS, &failed), OK);
    CU_ASSERT_EQUAL(reserved(&s), 0);
    CU_ASSERT_EQUAL(reply_reserve(&ctx, &second, PROCESS, 11), OK);
    CU_ASSERT_EQUAL(reply_release(&ctx, &second, PROCESS, 0), OK);
    CU_ASSERT_EQUAL(reserved(&s), 0);
    CU_ASSERT_EQUAL(replies(&s, "state = 0 AND claimed_by = 0"), 1);
    struct ai_usage usage;
    CU_ASSERT_EQUAL(ai_usage_load(&ctx, &usage), OK);
    CU_ASSERT_EQUAL(usage.used, 15);
    CU_ASSERT_EQUAL(usage.left, (int64_t)most - 15);
    person_free(s.p);
}

/* What is spent in all scopes by one answer; `what`: a column. */
static uint64_t spent(const struct scene *s, const char *what)
{
    return fixture_number(
        s->p,
        "SELECT COALESCE(SUM(%s), 0) FROM ai_spending WHERE (scope = 0 AND subject_id = %" PRIu64
        ") OR (scope = 1 AND subject_id = %" PRIu64 ")",
        what, s->p->id, s->bot);
}

/* One limit that is reached, and nothing is reserved in any row. */
static void test_every_limit(void)
{
    const int answers_were = conf.ai_user_answers;
    int *const limits[] = {&conf.ai_assistant_tokens_per_day, &conf.ai_app_tokens_per_day,
                           &conf.ai_site_tokens_per_day};
    const struct reply_end done = {.state = REPLY_DONE,
                                   .text = STR("yes"),
                                   .reason = "",
                                   .input_tokens = 2,
                                   .output_tokens = 1,
                                   .cost = 7};
    const struct scene s = scene_new();
    struct ctx ctx = s.p->ctx;

    say(&s, "hello", 1, NULL);
    const struct ai_reply_row first = claimed(&s);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const int was = *limits[i];
        *limits[i] = 1;
        CU_ASSERT_EQUAL(reply_reserve(&ctx, &first, PROCESS, 100), ERR_AI_LIMIT);
        CU_ASSERT_EQUAL(spent(&s, "reserved + running"), 0);
        *limits[i] = was;
    }
    conf.ai_user_answers = 1;
    CU_ASSERT_EQUAL(reply_reserve(&ctx, &first, PROCESS, 100), OK);
    CU_ASSERT_EQUAL(spent(&s, "reserved"), 200);
    say(&s, "and", 2, NULL);
    const struct ai_reply_row second = claimed(&s);
    CU_ASSERT_EQUAL(spending_check(&ctx, s.p->id), ERR_RATE_LIMITED);
    CU_ASSERT_EQUAL(reply_reserve(&ctx, &second, PROCESS, 100), ERR_RATE_LIMITED);
    CU_ASSERT_EQUAL(reply_release(&ctx, &second, PROCESS, 60000), OK);
    CU_ASSERT_EQUAL(replies(&s, "state = 0 AND lease_until > 0"), 1);
    CU_ASSERT_EQUAL(reply_end(&ctx, &first, PROCESS, &done), OK);
    CU_ASSERT_EQUAL(spent(&s, "reserved + running"), 0);
    CU_ASSERT_EQUAL(spent(&s, "used"), 6);
    CU_ASSERT_EQUAL(spent(&s, "cost"), 14);
    CU_ASSERT_EQUAL(spending_check(&ctx, s.p->id), OK);
    conf.ai_user_answers = answers_were;
    person_free(s.p);
}

struct asking {
    struct help_about about;
    struct help help;
};

static const struct provider helper = {
    .name = "p", .model = "m", .context_tokens = 8000, .max_output_tokens = 100};

static enum err do_ask(struct ctx *ctx, void *arg)
{
    struct asking *a = arg;
    return help_ask(ctx, &a->about, &helper, &a->help);
}

static uint64_t ask_again(const struct scene *s, struct asking *a)
{
    CU_ASSERT_EQUAL_FATAL(tx_run(&s->p->ctx, do_ask, a), OK);
    return a->help.id;
}

/* A help ends without an entry, is found again, and goes with what it was made of. */
static void test_a_help(void)
{
    const struct scene s = scene_new();
    const struct reply_end done = {.state = REPLY_DONE, .text = STR("- all [1]"), .reason = ""},
                           failed = {.state = REPLY_FAILED, .reason = "timeout"};
    struct asking a = {.about = {.kind = HELP_SUMMARY, .conversation_id = s.conversation}};
    struct ctx ctx = s.p->ctx;
    struct help help;

    say(&s, "hello", 1, NULL);
    const uint64_t id = ask_again(&s, &a);
    CU_ASSERT_EQUAL(a.help.state, REPLY_WAITING);
    CU_ASSERT_EQUAL(ask_again(&s, &a), id);
    struct ai_reply_row job = claimed(&s);
    CU_ASSERT_EQUAL_FATAL(job.id, id);
    CU_ASSERT_EQUAL(reply_end(&ctx, &job, PROCESS, &failed), OK);
    const uint64_t second = ask_again(&s, &a);
    CU_ASSERT_NOT_EQUAL(second, id);
    job = claimed(&s);
    CU_ASSERT_EQUAL(reply_end(&ctx, &job, PROCESS, &done), OK);
    CU_ASSERT_EQUAL(reply_end(&ctx, &job, PROCESS, &done), ERR_CONFLICT);
    CU_ASSERT_EQUAL(entries(&s), 1);
    CU_ASSERT_EQUAL(ask_again(&s, &a), second);
    CU_ASSERT_EQUAL(a.help.state, REPLY_DONE);
    CU_ASSERT_EQUAL(a.help.points.n, 1);
    CU_ASSERT_EQUAL(help_load(&ctx, id, &helper, &help), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(help_load(&ctx, second, &helper, &help), OK);
    const struct reply_ref as_reply = {s.conversation, second, 0};
    struct reply reply;
    CU_ASSERT_EQUAL(reply_load(&ctx, &as_reply, &reply), ERR_NOT_FOUND);
    struct person *other = person_new(house, 1);
    CU_ASSERT_EQUAL(help_load(&other->ctx, second, &helper, &help), ERR_NOT_FOUND);
    fixture_number(s.p, "UPDATE entries SET recalled_at = 1 WHERE conversation_id = %" PRIu64,
                   s.conversation);
    CU_ASSERT_EQUAL(help_load(&ctx, second, &helper, &help), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(tx_run(&ctx, do_ask, &a), ERR_NOT_FOUND);
    person_free(other);
    person_free(s.p);
}

static void test_what_is_not_seen(void)
{
    static const char reversed[] = {(char)0xe2, (char)0x80, (char)0xae, 'x', 0};
    static const struct {
        const char *text, *plain;
    } cases[] = {
        {"plain 你好 👍🏽", "plain 你好 👍🏽"},
        {"a\xe2\x80\x8b"
         "b\xe2\x80\x8d"
         "c\xef\xbb\xbf"
         "d",
         "abcd"},
        {reversed, "x"},
        {"x\xe2\x81\xa0"
         "\xc2\xad",
         "x"},
        {"a\xf3\xa0\x81\x81\xf3\xa0\x84\x80"
         "b",
         "ab"},
        {"\xe2\x80", "\xe2\x80"},
        {"a\xcd\x8f\xd8\x9c\xe1\xa0\x8b\xe3\x85\xa4\xef\xb8\x80\xef\xbe\xa0\xef\xbf\xb9"
         "b",
         "ab"},
        {"\xe2\x9d\xa4\xef\xb8\x8f \xef\xb8\xb0\xef\xbf\xbc\xc2\xac\xc2\xae",
         "\xe2\x9d\xa4 \xef\xb8\xb0\xef\xbf\xbc\xc2\xac\xc2\xae"},
        {"", ""},
    };
    struct arena *arena = arena_new();

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CU_ASSERT_TRUE(str_eq(prompt_plain(arena, str_of(cases[i].text)), str_of(cases[i].plain)));
    arena_free(arena);
}

static void test_what_a_model_is_told(void)
{
    const struct scene s = scene_new();
    struct provider provider = {.name = "p", .model = "m", .context_tokens = 8000, .max_output_tokens = 100};
    struct assistant_row assistant;
    struct prompt prompt;

    say(&s, "first \"words\"", 1, NULL);
    say(&s, "recalled", 2, NULL);
    fixture_number(s.p, "UPDATE entries SET recalled_at = 1 WHERE conversation_id = %" PRIu64 " AND seq = 2",
                   s.conversation);
    const uint64_t seq = say(&s, "what did I say?", 3, NULL);
    say(&s, "later", 4, NULL);
    const struct ai_reply_row reply = {
        .conversation_id = s.conversation, .assistant_id = s.bot, .asker_id = s.p->id, .ask_seq = seq};
    CU_ASSERT_EQUAL_FATAL(assistant_for(&s.p->ctx, s.bot, &assistant), OK);
    CU_ASSERT_EQUAL_FATAL(prompt_make(&s.p->ctx, &reply, &assistant, &provider, NULL, &prompt), OK);
    CU_ASSERT_TRUE(str_eq(
        prompt.json,
        STR("{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"max_tokens\":100,"
            "\"messages\":[{\"role\":\"system\",\"content\":\"Be short.\"},"
            "{\"role\":\"user\",\"content\":\"first \\\"words\\\"\"},"
            "{\"role\":\"user\",\"content\":\"what did I say?\"}]}")));
    provider.context_tokens = 120; /* room for what is asked alone */
    CU_ASSERT_EQUAL_FATAL(prompt_make(&s.p->ctx, &reply, &assistant, &provider, NULL, &prompt), OK);
    CU_ASSERT_PTR_NULL(strstr(prompt.json.p, "first"));
    CU_ASSERT_PTR_NOT_NULL(strstr(prompt.json.p, "what did I say?"));
    fixture_number(
        s.p, "UPDATE entries SET recalled_at = 1 WHERE conversation_id = %" PRIu64 " AND seq = %" PRIu64,
        s.conversation, seq);
    CU_ASSERT_EQUAL(prompt_make(&s.p->ctx, &reply, &assistant, &provider, NULL, &prompt), ERR_NOT_FOUND);
    struct person *stranger = person_new(house, 1);
    CU_ASSERT_EQUAL(prompt_make(&stranger->ctx, &reply, &assistant, &provider, NULL, &prompt), ERR_NOT_FOUND);
    person_free(stranger);
    person_free(s.p);
}

static const struct scene *watched;

static bool has_ended(void)
{
    return replies(watched, "state >= 2") == 2;
}

/* An answerer without providers: what waits is told that there is none, what was left over is interrupted. */
static void test_nothing_hangs(void)
{
    const struct conf none = {.providers = ""};
    struct problem problem = {0};
    const struct scene s = scene_new();
    struct providers *providers;

    watched = &s;
    say(&s, "left over", 1, NULL);
    claimed(&s);
    fixture_number(s.p, "UPDATE ai_replies SET lease_until = 1 WHERE conversation_id = %" PRIu64,
                   s.conversation);
    say(&s, "waits", 2, NULL);
    CU_ASSERT_EQUAL_FATAL(providers_open(&none, &problem, &providers), OK);
    struct answerer *answerer = answerer_new(house, providers);
    CU_ASSERT_TRUE(until(has_ended));
    answerer_free(answerer);
    providers_free(providers);
    CU_ASSERT_EQUAL(replies(&s, "state = 5 AND reason = 'interrupted'"), 1);
    CU_ASSERT_EQUAL(replies(&s, "state = 3 AND reason = 'off'"), 1);
    CU_ASSERT_EQUAL(entries(&s), 4);
    person_free(s.p);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"the job stands with the message", test_the_job_stands_with_the_message},
        {"who may use it", test_who_may_use_it},
        {"a reply ends once", test_a_reply_ends_once},
        {"who is blocked says nothing", test_who_is_blocked_says_nothing},
        {"its beginning is told durably", test_its_beginning_is_told_durably},
        {"tokens", test_tokens},
        {"every limit", test_every_limit},
        {"a help", test_a_help},
        {"what is not seen", test_what_is_not_seen},
        {"what a model is told", test_what_a_model_is_told},
        {"nothing hangs", test_nothing_hangs},
    };

    house = fixture_open(&conf);
    if (writer_new(house, &writer) != OK)
        return 2;
    const int failed = FIXTURE_RUN("assistants", tests);
    writer_free(writer);
    house_close(house);
    return failed;
}
