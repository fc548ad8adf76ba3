/*
 * Boxes and bells on a real Redis and database: numbering, epochs, losses of a part, registrations, the
 * fan-out, the outbox row that goes or stays, presence, and delivery with the reader's rights.
 */
#include <CUnit/Basic.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lib/fixture.h"
#include "model/bell.h"
#include "model/deliver.h"
#include "model/inbox.h"
#include "model/log.h"
#include "model/presence.h"
#include "model/ringer.h"
#include "queries.h"
#include "scripts.h"

enum { APP = 1, HERE = 0x1111, THERE = 0x2222, HOLD_MS = 60000, WAIT_MS = 10000, PHONE = 7, LAPTOP = 8 };

static struct conf conf;
static struct house *house;
static struct redis *redis;
static struct arena *arena;
static uint64_t next_user = 1000;

static struct redis_reply command(const char *text)
{
    struct str argv[16], rest = str_of(text);
    struct redis_reply reply = {0};
    size_t n = 0;

    while (n < 16 && str_cut(&rest, ' ', &argv[n]))
        n++;
    CU_ASSERT_EQUAL_FATAL(redis_add(redis, argv, n), OK);
    CU_ASSERT_EQUAL_FATAL(redis_answer(redis, arena, &reply), OK);
    return reply;
}

static struct redis_reply commandf(const char *fmt, uint64_t user_id)
{
    char text[256];

    snprintf(text, sizeof text, fmt, (unsigned long long)user_id);
    return command(text);
}

static struct epoch epoch_now(void)
{
    struct epoch e;

    CU_ASSERT_EQUAL_FATAL(epoch_read(redis, arena, &e), OK);
    return e;
}

/* ---- one poll ---- */

static struct inbox_answer open_by(uint64_t process, uint64_t user, uint64_t session, struct cursor cursor,
                                   int64_t hold_ms)
{
    const struct inbox_ask ask = {user, session, cursor, hold_ms, 0};
    struct inbox_answer answer;

    CU_ASSERT_EQUAL_FATAL(inbox_open(redis, arena, process, epoch_now(), &ask, 1, &answer), OK);
    CU_ASSERT_EQUAL(answer.err, OK);
    return answer;
}

static struct inbox_answer open_at(uint64_t user, uint64_t n)
{
    return open_by(HERE, user, PHONE, (struct cursor){.epoch = epoch_now(), .n = n}, HOLD_MS);
}

/* Somebody whose box begins at *n. */
static uint64_t somebody(uint64_t *n)
{
    const struct inbox_answer a = open_by(HERE, ++next_user, PHONE, (struct cursor){0}, HOLD_MS);

    CU_ASSERT_TRUE(a.resync);
    CU_ASSERT_EQUAL(a.n_items, 0);
    *n = a.n;
    return next_user;
}

static struct inbox_pushed push(uint64_t user, uint64_t seq)
{
    const struct event e = {.kind = EVENT_ENTRY, .id = 5, .seq = seq, .origin_session = LAPTOP};
    struct inbox_pushed pushed;

    CU_ASSERT_EQUAL(inbox_push(redis, user, event_pack(&e, 1, arena)), OK);
    CU_ASSERT_EQUAL(inbox_push_answer(redis, arena, &pushed), OK);
    return pushed;
}

/* ---- Redis itself ---- */

static void test_arguments_are_bytes(void)
{
    const struct str odd = {"a b\r\n\0%s{}\xff", 12};
    struct redis_reply reply;

    CU_ASSERT_EQUAL(redis_call(redis, arena, &reply, (struct str[]){STR("SET"), STR("odd"), odd}, 3), OK);
    CU_ASSERT_EQUAL(redis_call(redis, arena, &reply, (struct str[]){STR("GET"), STR("odd")}, 2), OK);
    CU_ASSERT_TRUE(str_eq(reply.str, odd));
    CU_ASSERT_EQUAL(redis_call(redis, arena, &reply, (struct str[]){STR("GET"), STR("")}, 2), OK);
    CU_ASSERT_EQUAL(reply.type, REDIS_NIL);
}

static void test_pipeline_keeps_order(void)
{
    struct redis_reply reply;

    for (int i = 0; i < 1000; i++) {
        char text[16];
        const struct str number = {text, (size_t)snprintf(text, sizeof text, "%d", i)};
        CU_ASSERT_EQUAL_FATAL(redis_add(redis, (struct str[]){STR("ECHO"), number}, 2), OK);
    }
    for (int i = 0; i < 1000; i++) {
        uint64_t number = 0;
        CU_ASSERT_EQUAL_FATAL(redis_answer(redis, arena, &reply), OK);
        CU_ASSERT_TRUE(str_u64(reply.str, &number));
        CU_ASSERT_EQUAL(number, (uint64_t)i);
    }
    CU_ASSERT_EQUAL(redis_answer(redis, arena, &reply), ERR_UNAVAILABLE); /* nothing was asked */
}

static void test_silence_is_a_failure(void)
{
    struct redis *impatient = redis_new(&conf, 100);
    struct redis_reply reply;
    const int64_t began = clock_mono_ms();

    CU_ASSERT_EQUAL(
        redis_call(impatient, arena, &reply, (struct str[]){STR("BLPOP"), STR("none"), STR("5")}, 3),
        ERR_UNAVAILABLE);
    CU_ASSERT_EQUAL(redis_open(impatient), ERR_UNAVAILABLE); /* at once: it is down for a moment */
    CU_ASSERT_TRUE(clock_mono_ms() - began < 2000);
    redis_free(impatient);
}

static void test_nobody_listens(void)
{
    struct conf nowhere = conf;
    struct redis *r = redis_new(&nowhere, 100);

    snprintf(nowhere.redis_socket, sizeof nowhere.redis_socket, "%.1000s/nobody.sock", conf.run_dir);
    CU_ASSERT_EQUAL(redis_open(r), ERR_UNAVAILABLE);
    CU_ASSERT_TRUE(redis_error(r)[0] != 0);
    redis_free(r);
}

static void test_forgotten_scripts(void)
{
    uint64_t n;
    const uint64_t user = somebody(&n);

    command("SCRIPT FLUSH");
    const struct inbox_ask ask = {user, PHONE, {.epoch = epoch_now(), .n = n}, HOLD_MS, 0};
    struct inbox_answer answer;
    CU_ASSERT_EQUAL(inbox_open(redis, arena, HERE, epoch_now(), &ask, 1, &answer), OK);
    CU_ASSERT_EQUAL(answer.err, ERR_UNAVAILABLE); /* once */
    CU_ASSERT_FALSE(open_at(user, n).resync);
}

static void test_epoch(void)
{
    const struct epoch before = epoch_now();

    CU_ASSERT_FALSE(epoch_is_none(before));
    CU_ASSERT_TRUE(epoch_eq(before, epoch_now()));
    command("FLUSHALL");
    CU_ASSERT_FALSE(epoch_eq(before, epoch_now()));
}

static void test_cursor_text(void)
{
    char text[INBOX_CURSOR_BYTES];
    const struct cursor c = {.epoch = epoch_now(), .n = 1234567890123};
    const struct cursor back = cursor_parse(cursor_format(c, text));

    CU_ASSERT_TRUE(epoch_eq(back.epoch, c.epoch));
    CU_ASSERT_EQUAL(back.n, c.n);
    static const char *const wrong[] = {"",
                                        ".",
                                        "1.1",
                                        "m.0011",
                                        "0123456789abcdef0123456789abcdef",
                                        "0123456789abcdef0123456789abcdef.",
                                        "0123456789abcdef0123456789abcdef.-1",
                                        "0123456789abcdef0123456789abcdef.18446744073709551615",
                                        "0123456789abcdef0123456789abcdeg.1",
                                        "0123456789abcdef0123456789abcdef.1x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CU_ASSERT_TRUE(epoch_is_none(cursor_parse(str_of(wrong[i])).epoch));
}

/* ---- boxes ---- */

static void test_box_is_numbered(void)
{
    uint64_t n;
    const uint64_t user = somebody(&n);

    CU_ASSERT_EQUAL(push(user, 1).n, n + 1);
    CU_ASSERT_EQUAL(push(user, 2).n, n + 2);
    const struct inbox_answer all = open_at(user, n), rest = open_at(user, n + 1),
                              none = open_at(user, n + 2);
    CU_ASSERT_EQUAL_FATAL(all.n_items, 2);
    CU_ASSERT_EQUAL(all.n, n + 2);
    CU_ASSERT_EQUAL(all.items[0].n, n + 1);
    CU_ASSERT_EQUAL(all.items[0].event.seq, 1);
    CU_ASSERT_EQUAL(all.items[0].event.origin_session, LAPTOP);
    CU_ASSERT_EQUAL_FATAL(rest.n_items, 1);
    CU_ASSERT_EQUAL(rest.items[0].event.seq, 2);
    CU_ASSERT_EQUAL(none.n_items, 0);
    CU_ASSERT_FALSE(all.resync || rest.resync || none.resync);
    CU_ASSERT_TRUE(open_at(user, n + 3).resync); /* above */
    CU_ASSERT_TRUE(open_at(user, n - 1).resync); /* below */
    CU_ASSERT_TRUE(open_at(user, 0).resync);
}

static void test_long_box_in_parts(void)
{
    uint64_t n;
    const uint64_t user = somebody(&n);

    for (uint64_t i = 1; i <= 300; i++)
        push(user, i);
    struct inbox_answer a = open_at(user, n);
    CU_ASSERT_EQUAL(a.n_items, INBOX_ITEMS_MAX);
    CU_ASSERT_EQUAL(a.n, n + INBOX_ITEMS_MAX);
    CU_ASSERT_EQUAL(a.newest, n + 300);
    a = open_at(user, a.n);
    CU_ASSERT_EQUAL(a.n_items, 300 - INBOX_ITEMS_MAX);
    for (uint64_t i = 301; i <= 1000; i++)
        push(user, i);
    CU_ASSERT_TRUE(commandf("XLEN ph:{u%llu}:box", user).number < 700);
    CU_ASSERT_TRUE(open_at(user, n + 300).resync); /* cut off */
    CU_ASSERT_EQUAL(open_at(user, n + 999).n_items, 1);
}

static void test_no_box_is_made_by_pushing(void)
{
    const struct inbox_pushed pushed = push(++next_user, 1);

    CU_ASSERT_EQUAL(pushed.n, 0);
    CU_ASSERT_EQUAL(pushed.n_at, 0);
    CU_ASSERT_EQUAL(commandf("EXISTS ph:{u%llu}:box", next_user).number, 0);
}

static void test_half_a_box_is_none(void)
{
    static const char *const losses[] = {"DEL ph:{u%llu}:box", "DEL ph:{u%llu}:meta",
                                         "HDEL ph:{u%llu}:meta n", "HSET ph:{u%llu}:meta epoch other"};

    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        uint64_t n;
        const uint64_t user = somebody(&n);
        push(user, 1);
        commandf(losses[i], user);
        const struct inbox_answer a = open_at(user, n + 1);
        CU_ASSERT_TRUE(a.resync);
        CU_ASSERT_TRUE(a.n >= n);
        CU_ASSERT_FALSE(open_at(user, a.n).resync);
    }
}

static void test_a_box_made_anew_is_above_the_former(void)
{
    uint64_t n;
    const uint64_t user = somebody(&n);

    push(user, 1);
    const int64_t now = clock_wall_ms();
    while (clock_wall_ms() < now + 3)
        poll(NULL, 0, 1);
    commandf("DEL ph:{u%llu}:box", user);
    const uint64_t again = open_by(THERE, user, LAPTOP, (struct cursor){0}, HOLD_MS).n;
    push(user, 2);
    push(user, 3);
    CU_ASSERT_TRUE(again > n + 1);
    CU_ASSERT_TRUE(open_at(user, n + 1).resync); /* not the second event of another box */
}

static void live_long(uint64_t user)
{
    static const char *const keys[] = {"PTTL ph:{u%llu}:box", "PTTL ph:{u%llu}:meta", "PTTL ph:{u%llu}:at"};

    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_TRUE(commandf(keys[i], user).number > 6LL * 24 * 3600 * 1000);
}

static void test_keys_live_together(void)
{
    uint64_t n;
    const uint64_t user = somebody(&n);

    live_long(user);
    commandf("PEXPIRE ph:{u%llu}:box 3600000", user); /* all were not renewed for long */
    commandf("PEXPIRE ph:{u%llu}:meta 3600000", user);
    commandf("PEXPIRE ph:{u%llu}:at 3600000", user);
    open_at(user, n);
    live_long(user);
    commandf("DEL ph:{u%llu}:at", user); /* all who were there have left: it is made anew */
    open_at(user, n);
    live_long(user);
}

/* ---- registrations ---- */

static void test_generations_rise(void)
{
    uint64_t n;
    const uint64_t user = somebody(&n);
    const struct inbox_answer first = open_at(user, n),
                              other = open_by(THERE, user, PHONE, (struct cursor){0}, HOLD_MS),
                              back = open_at(user, n);

    CU_ASSERT_EQUAL(first.former, 0); /* it was this process */
    CU_ASSERT_TRUE(first.was_online);
    CU_ASSERT_EQUAL(other.former, HERE);
    CU_ASSERT_EQUAL(back.former, THERE);
    CU_ASSERT_TRUE(first.generation < other.generation && other.generation < back.generation);
}

static void test_going_on_takes_nothing_over(void)
{
    uint64_t n;
    const uint64_t user = somebody(&n);
    const struct inbox_answer mine = open_at(user, n);
    struct inbox_ask ask = {user, PHONE, {.epoch = epoch_now(), .n = n}, HOLD_MS, mine.generation};
    struct inbox_answer again, stale, back;

    CU_ASSERT_EQUAL(inbox_open(redis, arena, HERE, epoch_now(), &ask, 1, &again), OK);
    CU_ASSERT_TRUE(again.generation > mine.generation); /* nobody else has it */
    ask.holds = again.generation;
    const struct inbox_answer other = open_by(THERE, user, PHONE, (struct cursor){0}, HOLD_MS);
    CU_ASSERT_EQUAL(inbox_open(redis, arena, HERE, epoch_now(), &ask, 1, &stale), OK);
    CU_ASSERT_EQUAL(stale.generation, 0);
    ask.holds = other.generation;
    CU_ASSERT_EQUAL(inbox_open(redis, arena, THERE, epoch_now(), &ask, 1, &back), OK);
    CU_ASSERT_EQUAL(back.former, 0); /* it was left to the other */
    CU_ASSERT_TRUE(back.generation > other.generation);
}

static void test_looking_registers_nothing(void)
{
    const struct inbox_answer a = open_by(HERE, ++next_user, PHONE, (struct cursor){0}, 0);

    CU_ASSERT_TRUE(a.resync);
    CU_ASSERT_FALSE(a.was_online);
    CU_ASSERT_EQUAL(commandf("EXISTS ph:{u%llu}:at", next_user).number, 0);
    CU_ASSERT_EQUAL(push(next_user, 1).n, a.n + 1); /* the box is there: the cursor is good */
}

static void test_leaving(void)
{
    uint64_t n;
    const uint64_t user = somebody(&n);
    const struct inbox_answer phone = open_at(user, n),
                              laptop = open_by(HERE, user, LAPTOP, (struct cursor){0}, HOLD_MS);
    struct inbox_leave leaves[] = {{user, PHONE, phone.generation - 1, false},
                                   {user, PHONE, phone.generation, false}};

    CU_ASSERT_EQUAL(inbox_close(redis, arena, HERE, leaves, 2), OK);
    CU_ASSERT_FALSE(leaves[0].was_last); /* replaced meanwhile */
    CU_ASSERT_FALSE(leaves[1].was_last); /* the laptop is there */
    struct inbox_leave last = {user, LAPTOP, laptop.generation, false};
    CU_ASSERT_EQUAL(inbox_close(redis, arena, THERE, &last, 1), OK);
    CU_ASSERT_FALSE(last.was_last); /* not theirs */
    CU_ASSERT_EQUAL(inbox_close(redis, arena, HERE, &last, 1), OK);
    CU_ASSERT_TRUE(last.was_last);
}

static void test_expired_registrations_go(void)
{
    uint64_t n;
    const uint64_t user = somebody(&n);

    commandf("HSET ph:{u%llu}:at 99 0000000000003333:5:1000", user);
    commandf("HSET ph:{u%llu}:at 98 rubbish", user);
    CU_ASSERT_EQUAL(push(user, 1).n_at, 2); /* PHONE and the old one */
    open_at(user, n);
    CU_ASSERT_EQUAL(commandf("HLEN ph:{u%llu}:at", user).number, 1);
}

static void test_presence(void)
{
    uint64_t n;
    const uint64_t ids[] = {somebody(&n), ++next_user};
    struct presence p[2];
    struct ctx ctx = {.arena = arena, .redis = redis, .house = house};

    CU_ASSERT_EQUAL(presence_of(&ctx, ids, 2, p), OK);
    CU_ASSERT_TRUE(p[0].online && p[0].last_seen_at > 0);
    CU_ASSERT_FALSE(p[1].online);
    open_by(HERE, ids[0], PHONE, (struct cursor){0}, 1);
    const int64_t until = clock_wall_ms() + WAIT_MS;
    while (p[0].online && clock_wall_ms() < until)
        CU_ASSERT_EQUAL_FATAL(presence_of(&ctx, ids, 1, p), OK);
    CU_ASSERT_FALSE(p[0].online);
}

/* ---- ringing ---- */

/* Takes elements off a process's list until one tells `user` of something. */
static bool hears(uint64_t process, uint64_t user, struct bell *bell)
{
    const struct inbox_key key = inbox_bell_key(process);
    const int64_t until = clock_mono_ms() + WAIT_MS;
    struct redis_reply reply;

    while (clock_mono_ms() < until) {
        if (redis_call(redis, arena, &reply, (struct str[]){STR("BLPOP"), {key.text, key.n}, STR("1")}, 3) !=
            OK)
            return false;
        if (reply.type != REDIS_LIST || bell_unpack(reply.items[1].str, arena, bell) != OK)
            continue;
        for (size_t i = 0; i < bell->n_pairs; i++)
            if (bell->pairs[i].user_id == user) {
                bell->pairs[0] = bell->pairs[i];
                return true;
            }
    }
    return false;
}

static uint64_t outbox_row(struct person *p, const struct event *events, size_t n)
{
    uint64_t id = 0;

    CU_ASSERT_EQUAL(ctx_id(&p->ctx, &id), OK);
    CU_ASSERT_EQUAL(q_outbox_insert(&p->ctx, id, event_pack(events, n, p->ctx.arena), NULL), OK);
    return id;
}

static bool row_goes(struct person *p, uint64_t id)
{
    const int64_t until = clock_mono_ms() + WAIT_MS;

    while (fixture_number(p, "SELECT COUNT(*) FROM outbox WHERE id = %" PRIu64, id))
        if (clock_mono_ms() > until || poll(NULL, 0, 10) < 0)
            return false;
    return true;
}

static void test_ring_with_everything_known(void)
{
    uint64_t n, m;
    const uint64_t ann = somebody(&n), bob = somebody(&m);
    struct person *p = person_new(house, APP);
    const struct event e = {.kind = EVENT_ENTRY, .id = 5, .seq = 9, .origin_session = PHONE};
    const uint64_t members[] = {ann, bob};
    const struct ring_entry entry = {STR("{\"seq\":9}"), members, 2};
    struct bell bell;

    open_by(THERE, bob, LAPTOP, (struct cursor){0}, HOLD_MS);
    const uint64_t id = outbox_row(p, &e, 1);
    outbox_ring(house_ringer(house), id, &e, 1, &entry);
    CU_ASSERT_TRUE_FATAL(hears(HERE, bob, &bell));
    CU_ASSERT_EQUAL(bell.kind, BELL_EVENT);
    CU_ASSERT_EQUAL(bell.session_id, PHONE);
    CU_ASSERT_EQUAL(bell.n_pairs, 2);
    CU_ASSERT_EQUAL(bell.pairs[0].n, m + 1);
    CU_ASSERT_TRUE(epoch_eq(bell.epoch, epoch_now()));
    CU_ASSERT_TRUE(str_eq(bell.json, STR("{\"type\":\"entry\",\"entry\":{\"seq\":9}}")));
    CU_ASSERT_TRUE_FATAL(hears(THERE, bob, &bell));
    CU_ASSERT_EQUAL(bell.n_pairs, 1);
    CU_ASSERT_EQUAL(bell.number, 1); /* the first for that process */
    CU_ASSERT_TRUE(row_goes(p, id));
    CU_ASSERT_EQUAL(open_at(ann, n).n_items, 1);
    person_free(p);
}

static void test_ring_finds_the_members(void)
{
    struct person *a = person_new(house, APP), *b = person_new(house, APP);
    const uint64_t conversation = fixture_friends(a, b);
    const struct event e = {.kind = EVENT_ENTRY, .id = conversation, .seq = 1};
    struct bell bell;

    open_by(HERE, b->id, LAPTOP, (struct cursor){0}, HOLD_MS);
    const uint64_t id = outbox_row(a, &e, 1);
    outbox_ring(house_ringer(house), id, &e, 1, NULL);
    CU_ASSERT_TRUE(hears(HERE, b->id, &bell));
    CU_ASSERT_EQUAL(bell.json.n, 0);
    CU_ASSERT_TRUE(row_goes(a, id));
    person_free(a);
    person_free(b);
}

static void test_many_recipients_in_chunks(void)
{
    enum { MANY = 300 };
    struct person *p = person_new(house, APP);
    uint64_t members[MANY], n;
    const struct event e = {.kind = EVENT_ENTRY, .id = 5, .seq = 1};
    const struct ring_entry entry = {STR("{}"), members, MANY};
    struct bell bell;
    uint64_t numbers = 0;

    for (size_t i = 0; i < MANY; i++) {
        members[i] = somebody(&n);
        open_by(0x3333, members[i], LAPTOP, (struct cursor){0}, HOLD_MS);
    }
    const uint64_t id = outbox_row(p, &e, 1);
    outbox_ring(house_ringer(house), id, &e, 1, &entry);
    for (size_t i = 0; i < MANY; i += bell.n_pairs) {
        CU_ASSERT_TRUE_FATAL(hears(0x3333, members[i], &bell));
        CU_ASSERT_EQUAL(bell.number, ++numbers);
    }
    CU_ASSERT_TRUE(row_goes(p, id));
    person_free(p);
}

static void test_whisper(void)
{
    uint64_t n;
    const uint64_t user = somebody(&n);
    struct bell bell;

    ringer_whisper(house_ringer(house), &user, 1, STR("{\"type\":\"typing\"}"), LAPTOP);
    CU_ASSERT_TRUE_FATAL(hears(HERE, user, &bell));
    CU_ASSERT_EQUAL(bell.kind, BELL_WHISPER);
    CU_ASSERT_EQUAL(bell.session_id, LAPTOP);
    CU_ASSERT_TRUE(str_eq(bell.json, STR("{\"type\":\"typing\"}")));
    CU_ASSERT_EQUAL(open_at(user, n).n_items, 0); /* never in a box */
}

static void test_full_server_keeps_the_row(void)
{
    uint64_t n, m;
    const uint64_t ann = somebody(&n), bob = somebody(&m);
    struct person *p = person_new(house, APP);
    const struct event e = {.kind = EVENT_ME, .to_id = ann, .id = ann};
    const struct event marker = {.kind = EVENT_ME, .to_id = bob, .id = bob};
    struct bell bell;

    command("CONFIG SET maxmemory 1");
    const uint64_t id = outbox_row(p, &e, 1);
    outbox_ring(house_ringer(house), id, &e, 1, NULL);
    const int64_t until = clock_mono_ms() + WAIT_MS;
    while (ringer_waiting(house_ringer(house)) && clock_mono_ms() < until)
        poll(NULL, 0, 1);
    ringer_whisper(house_ringer(house), &bob, 1, STR("{}"), 0); /* rung after it, in the same order */
    while (ringer_waiting(house_ringer(house)) && clock_mono_ms() < until)
        poll(NULL, 0, 1);
    command("CONFIG SET maxmemory 0");
    const uint64_t after = outbox_row(p, &marker, 1);
    outbox_ring(house_ringer(house), after, &marker, 1, NULL);
    CU_ASSERT_TRUE(hears(HERE, bob, &bell));
    CU_ASSERT_TRUE(row_goes(p, after));
    CU_ASSERT_EQUAL(fixture_number(p, "SELECT COUNT(*) FROM outbox WHERE id = %" PRIu64, id), 1);
    outbox_ring(house_ringer(house), id, &e, 1, NULL); /* as the courier does */
    CU_ASSERT_TRUE(row_goes(p, id));
    CU_ASSERT_EQUAL(open_at(ann, n).n_items, 1);
    person_free(p);
}

static void test_claims(void)
{
    struct person *p = person_new(house, APP);
    const struct event e = {.kind = EVENT_ME, .to_id = p->id, .id = p->id};
    const uint64_t id = outbox_row(p, &e, 1);
    struct outbox_row *rows;
    uint64_t claimed;
    size_t n;

    CU_ASSERT_EQUAL(q_outbox_due(&p->ctx, 2000, 10, &rows, &n), OK);
    CU_ASSERT_EQUAL(n, 0); /* too young */
    CU_ASSERT_EQUAL(q_outbox_due(&p->ctx, -1000, 10, &rows, &n), OK);
    CU_ASSERT_EQUAL_FATAL(n, 1);
    CU_ASSERT_EQUAL(rows[0].id, id);
    CU_ASSERT_EQUAL(q_outbox_claim(&p->ctx, 60000, &id, 1, &claimed), OK);
    CU_ASSERT_EQUAL(claimed, 1);
    CU_ASSERT_EQUAL(q_outbox_claim(&p->ctx, 60000, &id, 1, &claimed), OK);
    CU_ASSERT_EQUAL(claimed, 0); /* somebody has it */
    CU_ASSERT_EQUAL(q_outbox_due(&p->ctx, -1000, 10, &rows, &n), OK);
    CU_ASSERT_EQUAL(n, 0);
    CU_ASSERT_EQUAL(q_outbox_delete(&p->ctx, &id, 1, NULL), OK);
    person_free(p);
}

/* ---- delivery ---- */

static enum err say(struct ctx *ctx, void *arg)
{
    struct conversation_row conv;
    uint64_t *id = arg;

    TRY(conversation_lock(ctx, *id, &conv));
    return log_append_system(ctx, &conv, "friends_now", STR("{}"));
}

static void test_delivery_with_the_rights_of_now(void)
{
    struct person *a = person_new(house, APP), *b = person_new(house, APP), *c = person_new(house, APP);
    uint64_t conversation = fixture_friends(a, b);
    const struct event events[] = {
        {.kind = EVENT_ENTRY, .id = conversation, .seq = 1},
        {.kind = EVENT_ENTRY, .id = conversation, .seq = 99},
        {.kind = EVENT_CONVERSATION, .id = conversation, .version = 1},
        {.kind = EVENT_CONVERSATION, .id = conversation, .version = 2},
        {.kind = EVENT_CONVERSATION_READ, .id = conversation, .other_id = b->id, .seq = 1, .version = 3},
        {.kind = EVENT_FRIEND_REQUEST, .id = 12345},
        {.kind = EVENT_ME},
        {.kind = EVENT_SESSION_REVOKED, .id = 77},
    };
    enum { N = sizeof events / sizeof *events };
    struct str json[N];

    CU_ASSERT_EQUAL_FATAL(tx_run(&a->ctx, say, &conversation), OK);
    CU_ASSERT_EQUAL_FATAL(deliver(&b->ctx, events, N, json), OK);
    CU_ASSERT_TRUE(str_starts(json[0], STR("{\"type\":\"entry\",\"entry\":{\"conversation_id\":\"")));
    CU_ASSERT_PTR_NULL(json[1].p); /* not there */
    CU_ASSERT_PTR_NULL(json[2].p); /* told by the next one */
    CU_ASSERT_TRUE(str_starts(json[3], STR("{\"type\":\"conversation\",\"conversation\":{\"id\":\"")));
    CU_ASSERT_TRUE(str_starts(json[4], STR("{\"type\":\"conversation.read\",\"conversation_id\":\"")));
    CU_ASSERT_PTR_NULL(json[5].p);
    CU_ASSERT_TRUE(str_starts(json[6], STR("{\"type\":\"me\",\"user\":{\"id\":\"")));
    CU_ASSERT_TRUE(str_eq(json[7], STR("{\"type\":\"session.revoked\",\"session_id\":\"77\"}")));
    CU_ASSERT_EQUAL_FATAL(deliver(&c->ctx, events, 5, json), OK); /* a stranger */
    for (size_t i = 0; i < 5; i++)
        CU_ASSERT_PTR_NULL(json[i].p);
    person_free(a);
    person_free(b);
    person_free(c);
}

/* A row that was rung once more comes after what is newer. */
static void test_an_older_event_hides_no_newer_one(void)
{
    struct person *a = person_new(house, APP), *b = person_new(house, APP);
    const uint64_t conversation = fixture_friends(a, b);
    const struct event events[] = {
        {.kind = EVENT_CONVERSATION_READ, .id = conversation, .other_id = b->id, .seq = 1, .version = 3},
        {.kind = EVENT_CONVERSATION_READ, .id = conversation, .other_id = b->id, .seq = 9, .version = 5},
        {.kind = EVENT_CONVERSATION_READ, .id = conversation, .other_id = b->id, .seq = 4, .version = 4},
    };
    struct str json[3];

    CU_ASSERT_EQUAL_FATAL(deliver(&a->ctx, events, 3, json), OK);
    CU_ASSERT_PTR_NULL(json[0].p);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json[1].p);
    CU_ASSERT_PTR_NOT_NULL(strstr(json[1].p, "\"read_seq\":9"));
    person_free(a);
    person_free(b);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"arguments are bytes", test_arguments_are_bytes},
        {"a pipeline keeps its order", test_pipeline_keeps_order},
        {"silence is a failure", test_silence_is_a_failure},
        {"nobody listens", test_nobody_listens},
        {"forgotten scripts are loaded again", test_forgotten_scripts},
        {"the epoch changes when Redis is wiped", test_epoch},
        {"cursors as text", test_cursor_text},
        {"a box is numbered", test_box_is_numbered},
        {"a long box in parts, and cut", test_long_box_in_parts},
        {"pushing makes no box", test_no_box_is_made_by_pushing},
        {"half a box is none", test_half_a_box_is_none},
        {"a box made anew is above the former", test_a_box_made_anew_is_above_the_former},
        {"the keys of a person live together", test_keys_live_together},
        {"generations rise", test_generations_rise},
        {"going on takes nothing over", test_going_on_takes_nothing_over},
        {"looking registers nothing", test_looking_registers_nothing},
        {"leaving", test_leaving},
        {"expired registrations go", test_expired_registrations_go},
        {"presence", test_presence},
        {"a ring with everything known", test_ring_with_everything_known},
        {"a ring finds the members", test_ring_finds_the_members},
        {"many recipients in chunks", test_many_recipients_in_chunks},
        {"a whisper", test_whisper},
        {"a full server keeps the row", test_full_server_keeps_the_row},
        {"claims", test_claims},
        {"delivery with the rights of now", test_delivery_with_the_rights_of_now},
        {"an older event hides no newer one", test_an_older_event_hides_no_newer_one},
    };

    house = fixture_open(&conf);
    redis = redis_new(&conf, 3000);
    arena = arena_new();
    const int failed = FIXTURE_RUN("realtime", tests);
    redis_free(redis);
    arena_free(arena);
    house_close(house);
    return failed;
}
