/*
 * News while Redis is killed, frozen or full, and when it is back; what moves a digest and what does not; and
 * news although every bell is lost. On a waiting room of this process, a Redis of its own, and the database.
 *
 * A test waits 10 s for what must come within 2 s, because machines may be busy, and prints what it took.
 */
#include <CUnit/Basic.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/count.h"
#include "lib/fixture.h"
#include "lib/proxy.h"
#include "lib/until.h"
#include "model/blocks.h"
#include "model/changes.h"
#include "model/friendrequests.h"
#include "model/friends.h"
#include "model/log.h"
#include "model/own.h"
#include "model/pins.h"
#include "model/reads.h"
#include "model/sessions.h"
#include "web/room.h"

enum { APP = 1, POLLS = 4096, TEXT = 2048, WAIT_MS = 10000, LONG_MS = 600 * 1000, MANY = 600 };

static struct conf conf;
static struct house *house;
static struct room *room;
static struct person *ann, *bob;
static uint64_t conversation;

/* ---- answers: what would go to nginx ---- */

static struct poll {
    char text[TEXT];
    bool is_answered, has_failed;
    int64_t at_ms;
} polls[POLLS];
static pthread_mutex_t polls_lock = PTHREAD_MUTEX_INITIALIZER;
static ticket last_ticket;

static bool answer(ticket t, struct str text, bool failed)
{
    pthread_mutex_lock(&polls_lock);
    struct poll *p = &polls[t];
    const bool first = !p->is_answered;
    if (first) {
        snprintf(p->text, sizeof p->text, "%.*s", STR_ARG(text));
        p->has_failed = failed;
        p->at_ms = clock_mono_ms();
        p->is_answered = true;
    }
    pthread_mutex_unlock(&polls_lock);
    return first;
}

bool park_answer(ticket t, struct str json)
{
    return answer(t, json, false);
}

bool park_fail(ticket t, enum err err, const struct problem *problem)
{
    (void)problem;
    CU_ASSERT_EQUAL(err, ERR_UNAVAILABLE);
    return answer(t, STR(""), true);
}

/* No stream waits here. */
bool park_tell(ticket t, struct str piece, bool goes_on)
{
    (void)t;
    (void)piece;
    (void)goes_on;
    CU_FAIL("a poll was answered like a stream");
    return false;
}

static bool is_answered(ticket t)
{
    pthread_mutex_lock(&polls_lock);
    const bool is = polls[t].is_answered;
    pthread_mutex_unlock(&polls_lock);
    return is;
}

static const char *answer_of(ticket t)
{
    const int64_t until = clock_mono_ms() + WAIT_MS;

    while (!is_answered(t) && clock_mono_ms() < until)
        until_step();
    CU_ASSERT_TRUE_FATAL(is_answered(t));
    return polls[t].text;
}

/* ---- polls ---- */

static struct room_guest guest(uint64_t user_id, uint64_t session_id, const char *cursor)
{
    CU_ASSERT_TRUE_FATAL(last_ticket + 1 < POLLS);
    return (struct room_guest){.app_id = APP,
                               .user_id = user_id,
                               .session_id = session_id,
                               .cursor = cursor_parse(str_of(cursor)),
                               .due_mono_ms = clock_mono_ms() + LONG_MS,
                               .ticket = ++last_ticket};
}

static ticket ask(uint64_t user_id, uint64_t session_id, const char *cursor)
{
    const struct room_guest g = guest(user_id, session_id, cursor);

    room_enter(room, &g);
    return g.ticket;
}

static ticket ask_bob(const char *cursor)
{
    return ask(bob->id, bob->ctx.actor.session_id, cursor);
}

static ticket look_bob_until(const char *cursor, int64_t due_mono_ms)
{
    struct room_guest g = guest(bob->id, bob->ctx.actor.session_id, cursor);

    g.due_mono_ms = due_mono_ms;
    room_look(room, &g);
    return g.ticket;
}

static ticket look_bob(const char *cursor)
{
    return look_bob_until(cursor, clock_mono_ms() + LONG_MS);
}

static bool is_resync(ticket t)
{
    return strstr(answer_of(t), "\"resync\":true") != NULL;
}

/* The cursor of an answer, until it is asked for again four times. */
static const char *cursor_of(ticket t)
{
    static char cursors[4][INBOX_CURSOR_BYTES];
    static unsigned next;
    char *out = cursors[next++ % 4];
    const char *at = strstr(answer_of(t), "\"cursor\":\"");

    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    CU_ASSERT_EQUAL(sscanf(at, "\"cursor\":\"%63[^\"]", out), 1);
    return out;
}

static bool is_digest(const char *cursor)
{
    return strncmp(cursor, "m.", 2) == 0;
}

static uint64_t digests(void)
{
    return *count_cell("posthouse_digests_total");
}

static void until_digests(uint64_t enough)
{
    const int64_t until = clock_mono_ms() + WAIT_MS;

    while (digests() < enough && clock_mono_ms() < until)
        until_step();
    CU_ASSERT_TRUE(digests() >= enough);
}

/* All who waited at the call have been looked at in a whole round since. */
static void rounds(uint64_t waiting)
{
    until_digests(digests() + 3 * waiting);
}

/* Bob waits, with the cursor of now, and was looked at. */
static ticket park_bob(void)
{
    const char *cursor = cursor_of(ask_bob(""));
    const uint64_t before = digests();
    const ticket t = ask_bob(cursor);

    until_digests(before + 1);
    CU_ASSERT_FALSE_FATAL(is_answered(t));
    return t;
}

static void took(const char *what, int64_t since_ms, ticket t)
{
    printf("\n    %s: %lld ms", what, (long long)(polls[t].at_ms - since_ms));
}

/* ---- Redis ---- */

static pid_t redis_pid;

static bool redis_answers(void)
{
    struct arena *arena = arena_new();
    struct redis *redis = redis_new(&conf, 1000);
    struct redis_reply reply;
    const bool is = redis_call(redis, arena, &reply, (struct str[]){STR("PING")}, 1) == OK;

    redis_free(redis);
    arena_free(arena);
    return is;
}

static void redis_start(void)
{
    redis_pid = fork();
    if (redis_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", conf.redis_socket, "--save", "",
               "--dir", conf.run_dir, "--logfile", "/dev/null", NULL);
        _exit(127);
    }
    if (!until(redis_answers)) {
        fprintf(stderr, "no redis-server\n");
        exit(2);
    }
}

static void redis_kill(void)
{
    kill(redis_pid, SIGKILL);
    waitpid(redis_pid, NULL, 0);
}

static void redis_config(const char *name, const char *value)
{
    struct arena *arena = arena_new();
    struct redis *redis = redis_new(&conf, 1000);
    struct redis_reply reply;

    CU_ASSERT_EQUAL(redis_call(redis, arena, &reply,
                               (struct str[]){STR("CONFIG"), STR("SET"), str_of(name), str_of(value)}, 4),
                    OK);
    redis_free(redis);
    arena_free(arena);
}

/* Bob waits with a cursor of his box. */
static ticket park_at_box(void)
{
    const int64_t until_ms = clock_mono_ms() + WAIT_MS;
    const char *cursor = "";

    do
        cursor = cursor_of(ask_bob(cursor));
    while (is_digest(cursor) && clock_mono_ms() < until_ms);
    CU_ASSERT_FALSE_FATAL(is_digest(cursor));
    return ask_bob(cursor);
}

/* ---- what people do ---- */

static uint64_t said; /* the last entry of all */

static enum err do_say(struct ctx *ctx, void *arg)
{
    struct conversation_row conv;
    struct log_draft draft = {.sender_id = ctx->actor.user_id,
                              .counts = true,
                              .content = entry_text_content(ctx->arena, STR("a letter"))};

    TRY(conversation_lock(ctx, *(uint64_t *)arg, &conv));
    said = conv.last_seq + 1;
    memcpy(draft.client_msg_id, &said, sizeof said);
    return log_append(ctx, &conv, &draft, NULL);
}

static int64_t say(struct person *by)
{
    CU_ASSERT_EQUAL_FATAL(tx_run(&by->ctx, do_say, &conversation), OK);
    return clock_mono_ms();
}

static uint64_t request_id;

static enum err do_ask(struct ctx *ctx, void *arg)
{
    bool made;
    return friend_request_send(ctx, *(uint64_t *)arg, STR("hello"), &request_id, &made);
}
static enum err do_withdraw(struct ctx *ctx, void *arg)
{
    (void)arg;
    return friend_request_withdraw(ctx, request_id);
}
static enum err do_accept(struct ctx *ctx, void *arg)
{
    uint64_t id;
    (void)arg;
    return friend_request_accept(ctx, request_id, &id);
}
static enum err do_remark(struct ctx *ctx, void *arg)
{
    const struct str remark = STR("neighbour");
    return friend_update(ctx, *(uint64_t *)arg, &remark, NULL);
}
static enum err do_remove(struct ctx *ctx, void *arg)
{
    return friend_remove(ctx, *(uint64_t *)arg);
}
static enum err do_block(struct ctx *ctx, void *arg)
{
    struct block block;
    return block_add(ctx, *(uint64_t *)arg, &block);
}
static enum err do_unblock(struct ctx *ctx, void *arg)
{
    return block_remove(ctx, *(uint64_t *)arg);
}
static enum err do_profile(struct ctx *ctx, void *arg)
{
    const struct me_change change = {.nickname = STR("Robert"), .has_nickname = HAS_VALUE};
    (void)arg;
    return me_update(ctx, &change);
}
static enum err do_say_it(struct ctx *ctx, void *arg)
{
    (void)arg;
    return do_say(ctx, &conversation);
}
static enum err do_read(struct ctx *ctx, void *arg)
{
    struct read_mark mark;
    (void)arg;
    return read_mark_set(ctx, conversation, 1, &mark);
}
/* To what Ann said last. */
static enum err do_edit(struct ctx *ctx, void *arg)
{
    struct entry entry;
    (void)arg;
    return entry_edit(ctx, &(struct entry_ref){conversation, said}, STR("better"), &entry);
}
static enum err do_react(struct ctx *ctx, void *arg)
{
    struct entry entry;
    (void)arg;
    return entry_react(ctx, &(struct entry_ref){conversation, said}, STR("!"), true, &entry);
}
static enum err do_pin(struct ctx *ctx, void *arg)
{
    (void)arg;
    return pin_set(ctx, &(struct entry_ref){conversation, said}, true);
}
static enum err do_recall(struct ctx *ctx, void *arg)
{
    (void)arg;
    return entry_recall(ctx, &(struct entry_ref){conversation, said});
}
static enum err do_hide(struct ctx *ctx, void *arg)
{
    (void)arg;
    return entry_hide(ctx, &(struct entry_ref){conversation, said});
}
static enum err do_draft(struct ctx *ctx, void *arg)
{
    const struct own_change change = {.draft = STR("half"), .has_draft = HAS_VALUE};
    (void)arg;
    return own_update(ctx, conversation, &change);
}
static enum err do_clear(struct ctx *ctx, void *arg)
{
    (void)arg;
    return own_clear(ctx, conversation);
}
static enum err do_revoke(struct ctx *ctx, void *arg)
{
    return session_revoke(ctx, bob->id, *(uint64_t *)arg);
}

/* A device of Bob's that only stands in the table. */
static uint64_t device(void)
{
    uint64_t id = 0;

    CU_ASSERT_EQUAL(ctx_id(&bob->ctx, &id), OK);
    fixture_number(bob,
                   "INSERT INTO sessions (id, app_id, user_id, device_name, platform, address, refresh_hash,"
                   " rotated_at, retried, created_at, last_seen_at, expires_at) VALUES (%" PRIu64
                   ", 1, %" PRIu64 ", '', 0, '', REPEAT('x', 32), 0, 0, 0, 0, 1 << 50)",
                   id, bob->id);
    return id;
}

/* ---- tests ---- */

static void test_killed_and_back(void)
{
    ticket t = park_at_box();

    redis_kill();
    int64_t since = say(ann);
    CU_ASSERT_TRUE(is_resync(t));
    CU_ASSERT_TRUE(is_digest(cursor_of(t)));
    took("said as Redis was killed", since, t);

    t = park_bob();
    since = say(ann);
    CU_ASSERT_TRUE(is_resync(t));
    took("said while it was away", since, t);

    t = park_bob();
    redis_start();
    since = clock_mono_ms();
    CU_ASSERT_TRUE(is_resync(t));
    took("resync once it was back", since, t);
    CU_ASSERT_FALSE(is_digest(cursor_of(t)));
    t = ask_bob(cursor_of(t));
    say(ann);
    CU_ASSERT_FALSE(is_resync(t)); /* by its box, or by its bell */
    CU_ASSERT_PTR_NOT_NULL(strstr(answer_of(t), "\"type\":\"entry\""));
}

static void test_frozen_and_thawed(void)
{
    ticket t = park_at_box();

    kill(redis_pid, SIGSTOP);
    int64_t since = say(ann);
    CU_ASSERT_TRUE(is_resync(t));
    CU_ASSERT_TRUE(is_digest(cursor_of(t)));
    took("said as Redis froze", since, t);
    t = park_bob();
    since = say(ann);
    CU_ASSERT_TRUE(is_resync(t));
    took("said while it was frozen", since, t);
    t = park_bob();
    kill(redis_pid, SIGCONT);
    CU_ASSERT_TRUE(is_resync(t));
    CU_ASSERT_FALSE(is_digest(cursor_of(t)));
}

static void test_full_is_away(void)
{
    ticket t = park_at_box();

    redis_config("maxmemory", "1");
    const int64_t since = say(ann);
    CU_ASSERT_TRUE(is_resync(t));
    CU_ASSERT_TRUE(is_digest(cursor_of(t)));
    took("said while it was full", since, t);
    t = park_bob();
    redis_config("maxmemory", "0");
    CU_ASSERT_TRUE(is_resync(t));
    CU_ASSERT_FALSE(is_digest(cursor_of(t)));
}

static void test_what_moves_a_digest(void)
{
    const uint64_t other = device();
    struct person *cid = person_new(house, APP);
    const struct {
        const char *what;
        struct person *by;
        enum err (*fn)(struct ctx *ctx, void *arg);
        uint64_t arg;
    } changes[] = {
        {"an entry", ann, do_say_it, 0},
        {"a read mark from another device", bob, do_read, 0},
        {"a read mark of the other person", ann, do_read, 0},
        {"an edit", ann, do_edit, 0},
        {"a reaction", bob, do_react, 0},
        {"a pin", ann, do_pin, 0},
        {"a recall", ann, do_recall, 0},
        {"an entry hidden on another device", bob, do_hide, 0},
        {"a draft on another device", bob, do_draft, 0},
        {"a conversation cleared on another device", bob, do_clear, 0},
        {"a request to somebody", bob, do_ask, cid->id},
        {"it is withdrawn", bob, do_withdraw, 0},
        {"a request from somebody", cid, do_ask, bob->id},
        {"it is accepted: a friend, a conversation", bob, do_accept, 0},
        {"a remark", bob, do_remark, cid->id},
        {"somebody ends a friendship", cid, do_remove, bob->id},
        {"a block", bob, do_block, cid->id},
        {"a block taken back", bob, do_unblock, cid->id},
        {"the own profile", bob, do_profile, 0},
        {"another device is signed out", bob, do_revoke, other},
    };

    redis_kill();
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        uint64_t arg = changes[i].arg;
        const ticket t = park_bob();
        CU_ASSERT_EQUAL_FATAL(tx_run(&changes[i].by->ctx, changes[i].fn, &arg), OK);
        const int64_t since = clock_mono_ms();
        CU_ASSERT_TRUE(is_resync(t));
        took(changes[i].what, since, t);
    }
    const ticket t = park_bob();
    fixture_number(bob, "UPDATE users SET last_seen_at = last_seen_at + 1 WHERE id = %" PRIu64, bob->id);
    CU_ASSERT_EQUAL(tx_run(&cid->ctx, do_profile, NULL), OK); /* no friend, nobody's business */
    rounds(1);
    CU_ASSERT_FALSE(is_answered(t));
    redis_start();
    (void)answer_of(t);
    person_free(cid);
}

static void test_one_cursor_for_all_ways(void)
{
    redis_kill();
    const ticket t = park_bob();
    static const char *const none[] = {"",
                                       "m.",
                                       "m.0000000000000000",
                                       "m.00ff",
                                       "m.zzzzzzzzzzzzzzzz",
                                       "m.00000000000000ff",
                                       "0123456789abcdef0123456789abcdef.7"};

    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        const ticket look = look_bob(none[i]);
        CU_ASSERT_TRUE(is_resync(look));
        CU_ASSERT_TRUE(is_digest(cursor_of(look)));
    }
    CU_ASSERT_FALSE(is_answered(t)); /* a look supersedes nothing */
    ticket look = look_bob(cursor_of(look_bob("")));
    CU_ASSERT_FALSE(is_resync(look));
    const char *cursor = cursor_of(look);
    say(ann);
    (void)answer_of(t);
    CU_ASSERT_TRUE(is_resync(look_bob(cursor)));
    const ticket poll = ask_bob(cursor_of(t)), second = ask_bob(cursor_of(t));
    CU_ASSERT_PTR_NOT_NULL(strstr(answer_of(poll), "superseded"));
    CU_ASSERT_FALSE(is_resync(poll));
    rounds(1);
    CU_ASSERT_FALSE(is_answered(second));
    room_parked(room, bob->ctx.actor.session_id, second, PARK_DUE); /* its time is over */
    CU_ASSERT_FALSE(is_resync(second));
    CU_ASSERT_STRING_EQUAL(cursor_of(second), cursor_of(t));
    redis_start();
    const ticket last = ask_bob(cursor_of(second));
    CU_ASSERT_TRUE(is_resync(last));
    CU_ASSERT_FALSE(is_resync(look_bob(cursor_of(last))));
}

static void check_looks(bool away)
{
    const ticket over = look_bob_until("", clock_mono_ms()), look = look_bob("");

    CU_ASSERT_TRUE(is_resync(look));
    CU_ASSERT_EQUAL(is_digest(cursor_of(look)), away);
    CU_ASSERT_FALSE(is_answered(over));
}

/* Their deadline has answered them, perhaps long ago: what piled up while nobody could be read is not read.
 */
static void test_looks_that_are_over(void)
{
    const ticket t = park_at_box();

    check_looks(false);
    redis_kill();
    say(ann);
    (void)answer_of(t);
    check_looks(true);
    redis_start();
    (void)park_at_box();
}

static void test_a_session_that_ends(void)
{
    uint64_t session = device();

    redis_kill();
    const ticket t = ask(bob->id, session, cursor_of(ask(bob->id, session, "")));
    rounds(1);
    CU_ASSERT_FALSE_FATAL(is_answered(t));
    CU_ASSERT_EQUAL(tx_run(&ann->ctx, do_revoke, &session), OK);
    /* The same change moves the digest: whichever is first. The session's own poll ends by it. */
    if (is_resync(t))
        CU_ASSERT_PTR_NOT_NULL(strstr(answer_of(ask(bob->id, session, cursor_of(t))), "session_revoked"));
    redis_start();
}

static void test_many_in_chunks(void)
{
    static ticket tickets[MANY];
    const uint64_t first = bob->id + 1000000;

    redis_kill();
    fixture_number(bob,
                   "INSERT INTO users (id, app_id, nickname, nickname_key, signature, gender, kind, state,"
                   " role, locale, timezone, strangers_may_write, findable, show_last_seen, friend_count,"
                   " version, created_at, last_seen_at) SELECT %" PRIu64
                   " + seq, 1, 'n', 'n', '', 0, 0, 0, 0, '', '', 0, 0, 0, 0, 1, 1, 0 FROM seq_0_to_%d",
                   first, MANY - 1);
    for (uint64_t i = 0; i < MANY; i++)
        tickets[i] = ask(first + i, first + i, "");
    for (uint64_t i = 0; i < MANY; i++)
        tickets[i] = ask(first + i, first + i, cursor_of(tickets[i]));
    rounds(MANY);
    for (uint64_t i = 0; i < MANY; i++)
        CU_ASSERT_FALSE(is_answered(tickets[i]));
    fixture_number(bob,
                   "UPDATE users SET version = version + 1 WHERE id >= %" PRIu64 " AND id < %" PRIu64
                   " AND id %% 2 = 0",
                   first, first + MANY);
    const int64_t since = clock_mono_ms();
    int64_t longest = 0;
    for (uint64_t i = 0; i < MANY; i++)
        if ((first + i) % 2 == 0) {
            CU_ASSERT_TRUE(is_resync(tickets[i]));
            longest = polls[tickets[i]].at_ms > longest ? polls[tickets[i]].at_ms : longest;
        }
    printf("\n    the last of %d: %lld ms", MANY / 2, (long long)(longest - since));
    rounds(MANY / 2);
    for (uint64_t i = 0; i < MANY; i++)
        CU_ASSERT_EQUAL(is_answered(tickets[i]), (first + i) % 2 == 0);
    redis_start();
    for (uint64_t i = 0; i < MANY; i++)
        (void)answer_of(tickets[i]);
}

static void test_neither_redis_nor_database(void)
{
    struct conf nowhere = conf;
    const char *digest = "m.00000000000000ff";

    redis_kill();
    room_free(room);
    snprintf(nowhere.db_socket, sizeof nowhere.db_socket, "%.1000s/nobody.sock", conf.run_dir);
    room = room_new(house, &nowhere);
    const ticket with = ask_bob(digest), without = ask(ann->id, ann->ctx.actor.session_id, ""),
                 look = look_bob(digest);
    (void)answer_of(look);
    CU_ASSERT_TRUE(polls[look].has_failed);
    rounds(2);
    CU_ASSERT_FALSE(is_answered(with) || is_answered(without)); /* parked, not wrong */
    room_parked(room, bob->ctx.actor.session_id, with, PARK_DUE);
    room_parked(room, ann->ctx.actor.session_id, without, PARK_DUE);
    CU_ASSERT_FALSE(is_resync(with));
    CU_ASSERT_STRING_EQUAL(cursor_of(with), digest);
    (void)answer_of(without);
    CU_ASSERT_TRUE(polls[without].has_failed);
    room_free(room);
    room = room_new(house, &conf);
    redis_start();
}

static uint64_t boxes_wanted;
static bool are_boxes_read(void)
{
    return *count_cell("posthouse_boxes_read_total") >= boxes_wanted;
}
static bool is_stale(void)
{
    return !house_is_current(house);
}

/* Redis is there, and so is what was said; but nobody knows whose session is over. */
static void test_sign_outs_cannot_be_read(void)
{
    struct person *locker = person_new(house, APP);
    const ticket t = park_at_box();

    fixture_number(locker, "LOCK TABLES revocations WRITE");
    CU_ASSERT_TRUE_FATAL(until(is_stale));
    boxes_wanted = *count_cell("posthouse_boxes_read_total") + 2;
    say(ann);
    CU_ASSERT_TRUE(until(are_boxes_read)); /* again and again, for nothing */
    CU_ASSERT_TRUE(is_stale());
    CU_ASSERT_FALSE(is_answered(t));
    fixture_number(locker, "UNLOCK TABLES");
    CU_ASSERT_PTR_NOT_NULL(strstr(answer_of(t), "\"type\":\"entry\""));
    person_free(locker);
}

static uint64_t losses(void)
{
    return *count_cell("posthouse_bell_losses_total");
}

static void until_losses(uint64_t enough)
{
    const int64_t until = clock_mono_ms() + WAIT_MS;

    while (losses() < enough && clock_mono_ms() < until)
        until_step();
    CU_ASSERT_TRUE(losses() >= enough);
}

static void hear_entry(struct person *by, const char *what)
{
    const ticket t = park_at_box();
    const int64_t since = say(by);

    CU_ASSERT_FALSE(is_resync(t));
    CU_ASSERT_PTR_NOT_NULL(strstr(answer_of(t), "\"type\":\"entry\""));
    took(what, since, t);
}

static void test_every_bell_is_lost(void)
{
    struct proxy *proxy = proxy_new(conf.redis_socket);
    struct conf through = conf;

    snprintf(through.redis_socket, sizeof through.redis_socket, "%s", proxy_path(proxy));
    struct house *deaf = fixture_house(&through);
    struct person *cid = person_new(deaf, APP);
    hear_entry(cid, "said, and the bell rang");
    const uint64_t before = losses();
    proxy_swallow_bells(proxy, true);
    for (int i = 1; i <= 3; i++) {
        hear_entry(cid, "said, and the bell was lost");
        CU_ASSERT_EQUAL(proxy_broken(proxy), i);
        until_losses(before + (uint64_t)i); /* so that the next one is not found with this one */
    }
    proxy_swallow_bells(proxy, false);
    hear_entry(cid, "said, and the bell rang");
    person_free(cid);
    house_close(deaf);
    proxy_free(proxy);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"killed and back", test_killed_and_back},
        {"frozen and thawed", test_frozen_and_thawed},
        {"full is away", test_full_is_away},
        {"what moves a digest", test_what_moves_a_digest},
        {"one cursor for all ways", test_one_cursor_for_all_ways},
        {"looks that are over", test_looks_that_are_over},
        {"a session that ends", test_a_session_that_ends},
        {"many in chunks", test_many_in_chunks},
        {"neither redis nor database", test_neither_redis_nor_database},
        {"sign-outs cannot be read", test_sign_outs_cannot_be_read},
        {"every bell is lost", test_every_bell_is_lost},
    };
    struct problem problem = {0};

    signal(SIGPIPE, SIG_IGN);
    if (conf_load(&conf, NULL, &problem) != OK)
        return 2;
    snprintf(conf.redis_socket, sizeof conf.redis_socket, "%.90s/own.sock", conf.run_dir);
    house = fixture_house(&conf);
    ann = person_new(house, APP);
    bob = person_new(house, APP);
    conversation = fixture_friends(ann, bob);
    redis_start();
    room = room_new(house, &conf);
    const int failed = FIXTURE_RUN("withoutredis", tests);
    room_free(room);
    person_free(ann);
    person_free(bob);
    house_close(house);
    redis_kill();
    return failed;
}
