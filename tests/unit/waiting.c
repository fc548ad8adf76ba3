/* The table of waiting sessions: bell orders, generations, origin, superseded polls, losses. */
#include "model/waiting.h"

#include <CUnit/Basic.h>

#include "lib/fixture.h"

enum { APP = 1, ANN = 10, PHONE = 100, LAPTOP = 101, FAR = 1000000 };

static struct waiting *w;
static struct arena *arena;
static struct answers out;
static struct epoch house, other;

static void begin(void)
{
    memset(house.text, 'a', sizeof house.text);
    memset(other.text, 'b', sizeof other.text);
    w = waiting_new();
    arena = arena_new();
    out = (struct answers){.arena = arena};
}

static void end(void)
{
    waiting_free(w);
    arena_free(arena);
}

static bool arrive(uint64_t session, uint64_t ticket, uint64_t n)
{
    const struct arrival a = {APP,  ANN,  session, ticket, {.epoch = n ? house : (struct epoch){{0}}, .n = n},
                              1000, false};
    out.n = 0;
    return waiting_arrive(w, &a, &out);
}

static bool hear(enum bell_kind kind, struct epoch epoch, uint64_t n, uint64_t session, const char *json)
{
    struct bell_pair pair = {ANN, n};
    const struct bell b = {.kind = kind,
                           .session_id = session,
                           .epoch = epoch,
                           .pairs = &pair,
                           .n_pairs = 1,
                           .json = str_of(json)};
    out.n = 0;
    return waiting_bell(w, &b, 50, &out);
}

static bool ring(uint64_t n, uint64_t origin)
{
    return hear(BELL_EVENT, house, n, origin, "{}");
}

static bool supersede(uint64_t session, uint64_t generation)
{
    return hear(BELL_SUPERSEDED, house, generation, session, "");
}

/* The one session that has to be read. */
static struct reading take(void)
{
    struct reading r[4] = {{0}};
    CU_ASSERT_EQUAL(waiting_take(w, r, 4), 1);
    return r[0];
}

static bool give(struct reading r, const struct reading_result *result)
{
    out.n = 0;
    return waiting_read(w, &r, result, 60, &out);
}

static bool read_done(struct reading r, uint64_t n, uint64_t generation, bool has_events)
{
    return give(r, &(struct reading_result){.cursor = {.epoch = house, .n = n},
                                            .newest = n,
                                            .generation = generation,
                                            .stands_until_ms = FAR,
                                            .has_events = has_events});
}

static bool made_anew(struct reading r, struct epoch epoch, uint64_t n)
{
    return give(r, &(struct reading_result){.resync = true,
                                            .cursor = {.epoch = epoch, .n = n},
                                            .newest = n,
                                            .generation = 9,
                                            .stands_until_ms = FAR});
}

/* A poll at cursor n that is open. */
static void open_at(uint64_t session, uint64_t ticket, uint64_t n)
{
    CU_ASSERT_TRUE(arrive(session, ticket, n));
    CU_ASSERT_FALSE(read_done(take(), n, 1, false));
    CU_ASSERT_EQUAL(out.n, 0);
}

static void expect(enum answer_kind kind, uint64_t ticket, uint64_t n)
{
    CU_ASSERT_EQUAL_FATAL(out.n, 1);
    CU_ASSERT_EQUAL(out.items[0].kind, kind);
    CU_ASSERT_EQUAL(out.items[0].ticket, ticket);
    CU_ASSERT_EQUAL(out.items[0].cursor.n, n);
}

static void expect_nothing(void)
{
    CU_ASSERT_EQUAL(out.n, 0);
}

/* ---- bells ---- */

static void exact_bell_answers(void)
{
    begin();
    open_at(PHONE, 1, 5);
    CU_ASSERT_FALSE(ring(5, 0)); /* known already */
    CU_ASSERT_FALSE(ring(3, 0));
    expect_nothing();
    CU_ASSERT_FALSE(ring(6, 0));
    expect(ANSWER_EVENT, 1, 6);
    CU_ASSERT_FALSE(arrive(PHONE, 2, 6)); /* comes back with what is known: parks at once */
    CU_ASSERT_FALSE(ring(7, 0));
    expect(ANSWER_EVENT, 2, 7);
    CU_ASSERT_EQUAL(waiting_parked(w), 0);
    end();
}

static void gap_reads_the_box(void)
{
    begin();
    open_at(PHONE, 1, 5);
    CU_ASSERT_TRUE(ring(7, 0)); /* two ringers: 7 overtook 6 */
    expect_nothing();
    const struct reading r = take();
    CU_ASSERT_EQUAL(r.cursor.n, 5);
    CU_ASSERT_FALSE(read_done(r, 7, 1, true));
    expect(ANSWER_READ, 1, 7);
    CU_ASSERT_FALSE(arrive(PHONE, 2, 7));
    CU_ASSERT_FALSE(ring(6, 0)); /* the late one */
    expect_nothing();
    end();
}

static void what_the_bell_does_not_say_is_read(void)
{
    begin();
    open_at(PHONE, 1, 5);
    CU_ASSERT_TRUE(hear(BELL_EVENT, house, 6, 0, ""));
    CU_ASSERT_FALSE(read_done(take(), 6, 1, true));
    expect(ANSWER_READ, 1, 6);
    open_at(LAPTOP, 2, 6);
    CU_ASSERT_TRUE(ring(0, 0)); /* the box is gone */
    CU_ASSERT_EQUAL(take().session_id, LAPTOP);
    end();
}

static void another_epoch_reads(void)
{
    begin();
    open_at(PHONE, 1, 5);
    CU_ASSERT_TRUE(hear(BELL_EVENT, other, 6, 0, "{}"));
    expect_nothing();
    end();
}

static void bell_between_polls_is_read(void)
{
    begin();
    open_at(PHONE, 1, 5);
    ring(6, 0);
    ring(7, 0); /* nobody is parked */
    expect_nothing();
    CU_ASSERT_TRUE(arrive(PHONE, 2, 6));
    end();
}

static void lost_answer_is_read_again(void)
{
    begin();
    open_at(PHONE, 1, 5);
    ring(6, 0);
    expect(ANSWER_EVENT, 1, 6);
    CU_ASSERT_TRUE(arrive(PHONE, 2, 5)); /* the answer never came */
    CU_ASSERT_EQUAL(take().cursor.n, 5);
    end();
}

static void own_entry_passes_silently(void)
{
    begin();
    open_at(PHONE, 1, 5);
    CU_ASSERT_FALSE(ring(6, PHONE));
    expect_nothing();
    CU_ASSERT_FALSE(ring(7, 0));
    expect(ANSWER_EVENT, 1, 7);
    CU_ASSERT_FALSE(ring(8, PHONE)); /* between two polls */
    CU_ASSERT_FALSE(arrive(PHONE, 2, 7));
    CU_ASSERT_FALSE(ring(9, 0));
    expect(ANSWER_EVENT, 2, 9);
    end();
}

static void other_device_hears_it(void)
{
    begin();
    open_at(PHONE, 1, 5);
    open_at(LAPTOP, 2, 5);
    CU_ASSERT_FALSE(ring(6, PHONE));
    expect(ANSWER_EVENT, 2, 6);
    end();
}

static void whispers_only_to_open_polls(void)
{
    begin();
    CU_ASSERT_TRUE(arrive(PHONE, 1, 5));
    hear(BELL_WHISPER, house, 0, 0, "{}");
    expect_nothing();
    CU_ASSERT_FALSE(read_done(take(), 5, 1, false));
    hear(BELL_WHISPER, house, 0, PHONE, "{}");
    expect_nothing();
    hear(BELL_WHISPER, house, 0, 0, "{}");
    expect(ANSWER_EVENT, 1, 5);
    CU_ASSERT_FALSE(arrive(PHONE, 2, 5));
    end();
}

/* ---- a bell rings while the box is read ---- */

static void bell_before_the_box_was_read(void)
{
    begin();
    CU_ASSERT_TRUE(arrive(PHONE, 1, 5));
    const struct reading r = take();
    CU_ASSERT_FALSE(ring(6, 0)); /* registered, and not read yet */
    expect_nothing();
    CU_ASSERT_TRUE(read_done(r, 5, 1, false)); /* read before 6 was written: once more */
    CU_ASSERT_FALSE(read_done(take(), 6, 2, true));
    expect(ANSWER_READ, 1, 6);
    end();
}

static void bell_while_an_open_poll_is_read(void)
{
    begin();
    open_at(PHONE, 1, 5);
    CU_ASSERT_TRUE(ring(7, 0));
    const struct reading r = take();
    CU_ASSERT_FALSE(ring(6, 0));
    expect(ANSWER_EVENT, 1, 6); /* exact: answers, and the reading comes too late */
    CU_ASSERT_FALSE(read_done(r, 7, 2, true));
    expect_nothing();
    CU_ASSERT_TRUE(arrive(PHONE, 2, 6)); /* 7 is known to be there */
    end();
}

static void own_entry_while_an_open_poll_is_read(void)
{
    begin();
    open_at(PHONE, 1, 5);
    waiting_lost(w);
    const struct reading r = take();
    CU_ASSERT_FALSE(ring(6, PHONE));
    CU_ASSERT_TRUE(read_done(r, 5, 1, false)); /* does not move the cursor back */
    CU_ASSERT_EQUAL(take().cursor.n, 6);
    end();
}

static void bell_while_a_box_is_made_anew(void)
{
    begin();
    open_at(PHONE, 1, 5);
    waiting_lost(w);
    const struct reading r = take();
    CU_ASSERT_FALSE(
        hear(BELL_EVENT, other, 901, 0, "{}")); /* of the new box, of which nothing is known yet */
    CU_ASSERT_FALSE(made_anew(r, other, 900));
    expect(ANSWER_RESYNC, 1, 900);
    const struct arrival back = {APP, ANN, PHONE, 2, {.epoch = other, .n = 900}, 1000, false};
    CU_ASSERT_TRUE(waiting_arrive(w, &back, &out)); /* so it is read, not parked */
    end();
}

static void resync_begins_anew(void)
{
    begin();
    CU_ASSERT_TRUE(arrive(PHONE, 1, 0));
    const struct reading r = take();
    CU_ASSERT_TRUE(epoch_is_none(r.cursor.epoch));
    CU_ASSERT_FALSE(made_anew(r, house, 900));
    expect(ANSWER_RESYNC, 1, 900);
    CU_ASSERT_FALSE(arrive(PHONE, 2, 900));
    CU_ASSERT_FALSE(ring(901, 0));
    expect(ANSWER_EVENT, 2, 901);
    end();
}

/* ---- one poll per session ---- */

static void second_poll_supersedes(void)
{
    begin();
    open_at(PHONE, 1, 5);
    CU_ASSERT_FALSE(arrive(PHONE, 2, 5));
    expect(ANSWER_SUPERSEDED, 1, 5);
    CU_ASSERT_EQUAL(waiting_parked(w), 1);
    waiting_leave(w, PHONE, 1, 10); /* the first one's hang-up comes late */
    CU_ASSERT_EQUAL(waiting_parked(w), 1);
    CU_ASSERT_FALSE(ring(6, 0));
    expect(ANSWER_EVENT, 2, 6);
    end();
}

static void second_poll_while_the_first_is_read(void)
{
    begin();
    CU_ASSERT_TRUE(arrive(PHONE, 1, 5));
    const struct reading r = take();
    CU_ASSERT_FALSE(arrive(PHONE, 2, 4));
    expect(ANSWER_SUPERSEDED, 1, 5);
    CU_ASSERT_TRUE(read_done(r, 6, 1, true)); /* for the first, which is gone */
    expect_nothing();
    const struct reading again = take();
    CU_ASSERT_EQUAL(again.ticket, 2);
    CU_ASSERT_EQUAL(again.cursor.n, 4);
    end();
}

static void superseded_elsewhere(void)
{
    begin();
    open_at(PHONE, 1, 5); /* generation 1 */
    supersede(PHONE, 1);
    expect_nothing(); /* not higher than ours */
    supersede(PHONE, 2);
    expect(ANSWER_SUPERSEDED, 1, 5);
    CU_ASSERT_TRUE(arrive(PHONE, 2, 5)); /* the registration is gone: ask again */
    CU_ASSERT_FALSE(read_done(take(), 5, 3, false));
    expect_nothing();
    end();
}

static void superseded_and_the_bell_was_lost(void)
{
    begin();
    open_at(PHONE, 1, 5); /* generation 1 */
    waiting_lost(w);
    struct reading r = take();
    CU_ASSERT_EQUAL(r.holds, 1);
    CU_ASSERT_FALSE(read_done(r, 5, 0, true)); /* another process has a newer poll: this one takes nothing */
    expect(ANSWER_SUPERSEDED, 1, 5);
    CU_ASSERT_TRUE(arrive(PHONE, 2, 5)); /* known no more */
    r = take();
    CU_ASSERT_EQUAL(r.holds, 0); /* a new poll takes the session over */
    CU_ASSERT_FALSE(read_done(r, 5, 9, false));
    expect_nothing();
    end();
}

static void superseded_while_it_registers(void)
{
    begin();
    CU_ASSERT_TRUE(arrive(PHONE, 1, 5));
    struct reading r = take();
    supersede(PHONE, 8);
    CU_ASSERT_FALSE(read_done(r, 5, 7, false)); /* the other one came later */
    expect(ANSWER_SUPERSEDED, 1, 5);
    CU_ASSERT_TRUE(arrive(PHONE, 2, 5));
    r = take();
    supersede(PHONE, 8);
    CU_ASSERT_FALSE(read_done(r, 5, 9, false)); /* this one came later */
    expect_nothing();
    end();
}

static void revoked_ends_at_once(void)
{
    struct inbox_leave leave;
    struct reading r[1];
    begin();
    open_at(PHONE, 1, 5);
    out.n = 0;
    CU_ASSERT_TRUE(waiting_revoke(w, PHONE, &out));
    expect(ANSWER_REVOKED, 1, 5);
    CU_ASSERT_EQUAL_FATAL(waiting_idle(w, 0, &leave, 1), 1); /* at once, not after a minute */
    CU_ASSERT_EQUAL(leave.session_id, PHONE);
    CU_ASSERT_EQUAL(leave.generation, 1);
    CU_ASSERT_EQUAL(waiting_sessions(w), 0);
    CU_ASSERT_FALSE(waiting_revoke(w, PHONE, &out));
    CU_ASSERT_TRUE(arrive(LAPTOP, 2, 5)); /* while it waits to be read */
    CU_ASSERT_TRUE(waiting_revoke(w, LAPTOP, &out));
    CU_ASSERT_EQUAL(waiting_take(w, r, 1), 0);
    CU_ASSERT_EQUAL(waiting_idle(w, 0, &leave, 1), 0); /* it was not registered yet */
    CU_ASSERT_EQUAL(waiting_sessions(w), 0);
    end();
}

static void revoked_while_it_registers(void)
{
    struct inbox_leave leave;
    begin();
    CU_ASSERT_TRUE(arrive(PHONE, 1, 5));
    const struct reading r = take();
    CU_ASSERT_TRUE(waiting_revoke(w, PHONE, &out));
    CU_ASSERT_EQUAL(waiting_idle(w, 0, &leave, 1), 0);
    CU_ASSERT_FALSE(read_done(r, 5, 7, true));
    expect_nothing();
    CU_ASSERT_EQUAL_FATAL(waiting_idle(w, 0, &leave, 1), 1);
    CU_ASSERT_EQUAL(leave.generation, 7);
    end();
}

/* ---- losses and failures ---- */

static void loss_reads_everybody(void)
{
    struct reading r[4];
    begin();
    open_at(PHONE, 1, 5);
    open_at(LAPTOP, 2, 5);
    waiting_lost(w);
    CU_ASSERT_EQUAL(waiting_take(w, r, 4), 2);
    waiting_lost(w);                              /* again, while they are read */
    CU_ASSERT_TRUE(read_done(r[0], 5, 1, false)); /* read before the second loss */
    CU_ASSERT_FALSE(read_done(take(), 5, 1, false));
    CU_ASSERT_FALSE(ring(6, r[1].session_id));
    expect(ANSWER_EVENT, r[0].ticket, 6);
    end();
}

static void loss_between_polls(void)
{
    begin();
    open_at(PHONE, 1, 5);
    ring(6, 0);
    waiting_lost(w);
    CU_ASSERT_TRUE(arrive(PHONE, 2, 6)); /* the same cursor, but 7 may have been lost */
    end();
}

static void redis_down(void)
{
    const struct reading_result down = {.redis = ERR_UNAVAILABLE};
    begin();
    open_at(PHONE, 1, 5);
    waiting_lost(w);
    CU_ASSERT_FALSE(give(take(), &down));
    expect_nothing(); /* what is parked stays parked */
    CU_ASSERT_TRUE(waiting_retry(w));
    const struct reading r = take();
    waiting_due(w, PHONE, 1);
    CU_ASSERT_FALSE(give(r, &down));
    expect(ANSWER_NOTHING, 1, 5);
    CU_ASSERT_TRUE(arrive(PHONE, 2, 0));
    CU_ASSERT_FALSE(give(take(), &down));
    expect_nothing(); /* a new one waits too: for Redis, or for waiting_away() */
    CU_ASSERT_TRUE(waiting_due(w, PHONE, 2));
    CU_ASSERT_FALSE(give(take(), &down));
    expect(ANSWER_FAILED, 2, 0); /* it has no cursor that it could keep */
    end();
}

/* ---- without Redis ---- */

static bool arrive_with(uint64_t session, uint64_t ticket, uint64_t digest)
{
    const struct arrival a = {APP, ANN, session, ticket, {.digest = digest}, 1000, false};
    out.n = 0;
    return waiting_arrive(w, &a, &out);
}

/* The one session whose digest is wanted. */
static struct watched watch(void)
{
    struct watched some[4] = {{0}};
    CU_ASSERT_EQUAL(waiting_watch(w, some, 4), 1);
    return some[0];
}

static void found(struct watched of, uint64_t digest)
{
    out.n = 0;
    waiting_watched(w, &of, digest, 70, &out);
}

static void expect_digest(enum answer_kind kind, uint64_t ticket, uint64_t digest)
{
    expect(kind, ticket, 0);
    CU_ASSERT_EQUAL(out.items[0].cursor.digest, digest);
    CU_ASSERT_TRUE(epoch_is_none(out.items[0].cursor.epoch));
}

static void away_and_back_is_a_resync_each(void)
{
    struct reading none;
    begin();
    open_at(PHONE, 1, 5);
    waiting_away(w);
    CU_ASSERT_TRUE(waiting_is_away(w));
    CU_ASSERT_EQUAL(waiting_take(w, &none, 1), 0); /* nothing is read */
    found(watch(), 77);
    expect_digest(ANSWER_RESYNC, 1, 77);
    CU_ASSERT_TRUE(arrive_with(PHONE, 2, 77));
    found(watch(), 77);
    expect_nothing(); /* it waits */
    waiting_back(w);
    CU_ASSERT_FALSE(waiting_is_away(w));
    struct reading r = take();
    CU_ASSERT_TRUE(epoch_is_none(r.cursor.epoch)); /* the box is asked from nowhere: it says resync */
    CU_ASSERT_EQUAL(r.holds, 0);
    CU_ASSERT_FALSE(made_anew(r, house, 9));
    expect(ANSWER_RESYNC, 2, 9);
    CU_ASSERT_FALSE(arrive(PHONE, 3, 9)); /* and all is as ever */
    end();
}

static void rounds_find_what_changed(void)
{
    begin();
    waiting_away(w);
    CU_ASSERT_TRUE(arrive_with(PHONE, 1, 77));
    found(watch(), 77);
    expect_nothing();
    struct watched none;
    CU_ASSERT_EQUAL(waiting_watch(w, &none, 1), 0); /* until the next round */
    waiting_watch_all(w);
    found(watch(), 77);
    expect_nothing();
    waiting_watch_all(w);
    found(watch(), 78);
    expect_digest(ANSWER_RESYNC, 1, 78);
    waiting_watch_all(w);
    CU_ASSERT_EQUAL(waiting_watch(w, &none, 1), 0);
    end();
}

static void other_cursors_resync_at_once(void)
{
    begin();
    waiting_away(w);
    CU_ASSERT_TRUE(arrive(PHONE, 1, 5)); /* of a box */
    found(watch(), 77);
    expect_digest(ANSWER_RESYNC, 1, 77);
    CU_ASSERT_TRUE(arrive(PHONE, 2, 0)); /* none */
    found(watch(), 77);
    expect_digest(ANSWER_RESYNC, 2, 77);
    CU_ASSERT_TRUE(arrive_with(PHONE, 3, 70)); /* an older one */
    found(watch(), 77);
    expect_digest(ANSWER_RESYNC, 3, 77);
    end();
}

static void deadline_without_redis(void)
{
    begin();
    waiting_away(w);
    CU_ASSERT_TRUE(arrive_with(PHONE, 1, 77));
    found(watch(), 77);
    CU_ASSERT_TRUE(waiting_due(w, PHONE, 1));
    found(watch(), 77);
    expect_digest(ANSWER_NOTHING, 1, 77);
    CU_ASSERT_TRUE(arrive_with(PHONE, 2, 77));
    CU_ASSERT_FALSE(waiting_due(w, PHONE, 2)); /* queued already */
    found(watch(), 78);
    expect_digest(ANSWER_RESYNC, 2, 78);
    end();
}

static void neither_redis_nor_database(void)
{
    begin();
    open_at(PHONE, 1, 5);
    waiting_away(w);
    found(watch(), 0);
    expect_nothing(); /* what is parked stays parked */
    CU_ASSERT_TRUE(waiting_due(w, PHONE, 1));
    found(watch(), 0);
    expect(ANSWER_NOTHING, 1, 5); /* and keeps its cursor */
    CU_ASSERT_TRUE(arrive_with(PHONE, 2, 77));
    CU_ASSERT_FALSE(waiting_due(w, PHONE, 2));
    found(watch(), 0);
    expect_digest(ANSWER_NOTHING, 2, 77);
    CU_ASSERT_TRUE(arrive(PHONE, 3, 0));
    found(watch(), 0);
    expect_nothing();
    CU_ASSERT_TRUE(waiting_due(w, PHONE, 3));
    found(watch(), 0);
    expect(ANSWER_FAILED, 3, 0);
    end();
}

static void a_reading_that_hangs_holds_nobody(void)
{
    begin();
    CU_ASSERT_TRUE(arrive(PHONE, 1, 5));
    const struct reading hangs = take();
    waiting_away(w);
    found(watch(), 77); /* does not wait for the reading */
    expect_digest(ANSWER_RESYNC, 1, 77);
    CU_ASSERT_TRUE(arrive_with(PHONE, 2, 77));
    waiting_back(w);
    struct reading none;
    CU_ASSERT_EQUAL(waiting_take(w, &none, 1), 0); /* one at a time */
    CU_ASSERT_TRUE(give(hangs, &(struct reading_result){.redis = ERR_UNAVAILABLE}));
    expect_nothing();
    CU_ASSERT_EQUAL(take().ticket, 2);
    end();
}

static void a_reading_that_comes_too_late(void)
{
    begin();
    CU_ASSERT_TRUE(arrive(PHONE, 1, 5));
    const struct reading r = take();
    waiting_away(w);
    CU_ASSERT_FALSE(read_done(r, 5, 1, true));
    expect_nothing(); /* what it found belongs to another time */
    found(watch(), 77);
    expect_digest(ANSWER_RESYNC, 1, 77);
    end();
}

static void a_digest_that_comes_too_late(void)
{
    begin();
    waiting_away(w);
    CU_ASSERT_TRUE(arrive_with(PHONE, 1, 77));
    struct watched of = watch();
    waiting_back(w);
    found(of, 78);
    expect_nothing();
    const struct reading r = take();
    CU_ASSERT_EQUAL(r.ticket, 1);
    waiting_away(w);
    of = watch();
    waiting_leave(w, PHONE, 1, 60);
    found(of, 78);
    expect_nothing();
    CU_ASSERT_TRUE(arrive_with(PHONE, 2, 78));
    found(of, 79);
    expect_nothing(); /* of the poll before */
    end();
}

static void revoked_without_redis(void)
{
    begin();
    waiting_away(w);
    CU_ASSERT_TRUE(arrive_with(PHONE, 1, 77));
    CU_ASSERT_TRUE(waiting_revoke(w, PHONE, &out));
    expect_digest(ANSWER_REVOKED, 1, 77);
    struct watched none;
    CU_ASSERT_EQUAL(waiting_watch(w, &none, 1), 0);
    end();
}

static void database_down(void)
{
    begin();
    CU_ASSERT_TRUE(arrive(PHONE, 1, 5));
    CU_ASSERT_FALSE(give(take(), &(struct reading_result){.events = ERR_UNAVAILABLE, .generation = 1}));
    expect_nothing();
    CU_ASSERT_TRUE(waiting_retry(w));
    CU_ASSERT_FALSE(read_done(take(), 6, 1, true));
    expect(ANSWER_READ, 1, 6);
    end();
}

/* ---- time ---- */

static void deadline_reads_once_more(void)
{
    begin();
    open_at(PHONE, 1, 5);
    CU_ASSERT_TRUE(waiting_due(w, PHONE, 1));
    CU_ASSERT_FALSE(read_done(take(), 5, 2, false));
    expect(ANSWER_NOTHING, 1, 5);
    CU_ASSERT_FALSE(waiting_due(w, PHONE, 1)); /* gone */
    end();
}

static void registration_must_outlast_the_poll(void)
{
    begin();
    open_at(PHONE, 1, 5);
    ring(6, 0);
    const struct arrival a = {APP, ANN, PHONE, 2, {.epoch = house, .n = 6}, FAR + 1, false};
    CU_ASSERT_TRUE(waiting_arrive(w, &a, &out));
    end();
}

static void idle_sessions_go(void)
{
    struct inbox_leave leaves[4];
    begin();
    open_at(PHONE, 1, 5);
    CU_ASSERT_EQUAL(waiting_idle(w, FAR, leaves, 4), 0); /* parked */
    waiting_leave(w, PHONE, 1, 100);
    CU_ASSERT_EQUAL(waiting_idle(w, 100 + WAITING_IDLE_MS - 1, leaves, 4), 0);
    CU_ASSERT_EQUAL(waiting_idle(w, 100 + WAITING_IDLE_MS, leaves, 4), 1);
    CU_ASSERT_EQUAL(leaves[0].session_id, PHONE);
    CU_ASSERT_EQUAL(waiting_sessions(w), 0);
    end();
}

static void seen_at_most_once_a_minute(void)
{
    struct waiting_seen seen[4];
    begin();
    open_at(PHONE, 1, 5);
    CU_ASSERT_EQUAL(waiting_seen(w, 1000, seen, 4), 1);
    CU_ASSERT_EQUAL(seen[0].user_id, ANN);
    CU_ASSERT_EQUAL(waiting_seen(w, 1000 + WAITING_SEEN_MS - 1, seen, 4), 0);
    CU_ASSERT_EQUAL(waiting_seen(w, 1000 + WAITING_SEEN_MS, seen, 4), 1);
    waiting_leave(w, PHONE, 1, 1001);
    CU_ASSERT_EQUAL(waiting_seen(w, 1000 + 2 * WAITING_SEEN_MS, seen, 4), 0); /* it has not polled since */
    end();
}

/* ---- streams ---- */

static bool arrive_stream(uint64_t session, uint64_t ticket, uint64_t n)
{
    const struct arrival a = {APP,  ANN, session, ticket, {.epoch = n ? house : (struct epoch){{0}}, .n = n},
                              1000, true};
    out.n = 0;
    return waiting_arrive(w, &a, &out);
}

static void expect_more(enum answer_kind kind, uint64_t ticket, uint64_t n)
{
    expect(kind, ticket, n);
    CU_ASSERT_TRUE(out.items[0].stream);
    CU_ASSERT_TRUE(out.items[0].goes_on);
}

static void expect_last(enum answer_kind kind, uint64_t ticket, uint64_t n)
{
    expect(kind, ticket, n);
    CU_ASSERT_TRUE(out.items[0].stream);
    CU_ASSERT_FALSE(out.items[0].goes_on);
    CU_ASSERT_EQUAL(waiting_parked(w), 0);
}

/* A stream at cursor n that is open and was told so. */
static void stream_at(uint64_t session, uint64_t ticket, uint64_t n)
{
    CU_ASSERT_TRUE(arrive_stream(session, ticket, n));
    CU_ASSERT_FALSE(read_done(take(), n, 1, false));
    expect_more(ANSWER_NOTHING, ticket, n);
    CU_ASSERT_FALSE(waiting_told(w, session, ticket));
}

static void stream_stays(void)
{
    begin();
    stream_at(PHONE, 1, 5);
    for (uint64_t n = 6; n < 9; n++) {
        CU_ASSERT_FALSE(ring(n, 0));
        expect_more(ANSWER_EVENT, 1, n);
        CU_ASSERT_EQUAL(waiting_parked(w), 1);
        CU_ASSERT_FALSE(waiting_told(w, PHONE, 1));
        CU_ASSERT_FALSE(waiting_told(w, PHONE, 1)); /* once is enough */
    }
    CU_ASSERT_FALSE(ring(9, PHONE)); /* its own */
    expect_nothing();
    CU_ASSERT_FALSE(ring(10, 0));
    expect_more(ANSWER_EVENT, 1, 10);
    end();
}

static void one_answer_is_on_its_way(void)
{
    begin();
    stream_at(PHONE, 1, 5);
    ring(6, 0);
    expect_more(ANSWER_EVENT, 1, 6);
    CU_ASSERT_FALSE(ring(7, 0));
    CU_ASSERT_FALSE(ring(8, 0));
    CU_ASSERT_FALSE(hear(BELL_WHISPER, house, 0, 0, "{}"));
    expect_nothing();
    waiting_lost(w);
    struct reading none[1];
    CU_ASSERT_EQUAL(waiting_take(w, none, 1), 0);
    CU_ASSERT_TRUE(waiting_told(w, PHONE, 1));
    const struct reading r = take();
    CU_ASSERT_EQUAL(r.cursor.n, 6);
    CU_ASSERT_EQUAL(r.holds, 1); /* it goes on: it takes nothing over */
    CU_ASSERT_FALSE(read_done(r, 8, 2, true));
    expect_more(ANSWER_READ, 1, 8);
    CU_ASSERT_FALSE(waiting_told(w, PHONE, 1));
    end();
}

static void more_is_read_at_once(void)
{
    begin();
    CU_ASSERT_TRUE(arrive_stream(PHONE, 1, 5));
    give(take(), &(struct reading_result){.cursor = {.epoch = house, .n = 7},
                                          .newest = 9,
                                          .generation = 1,
                                          .stands_until_ms = FAR,
                                          .has_events = true});
    expect_more(ANSWER_READ, 1, 7);
    CU_ASSERT_TRUE(waiting_told(w, PHONE, 1));
    CU_ASSERT_EQUAL(take().cursor.n, 7);
    end();
}

static void bell_while_a_stream_is_read(void)
{
    begin();
    stream_at(PHONE, 1, 5);
    CU_ASSERT_TRUE(ring(7, 0));
    const struct reading r = take();
    CU_ASSERT_FALSE(ring(6, 0));
    expect_more(ANSWER_EVENT, 1, 6);
    CU_ASSERT_FALSE(waiting_told(w, PHONE, 1)); /* the reading's end sees to it */
    CU_ASSERT_TRUE(read_done(r, 7, 2, true));   /* of the turn before: 6 would come twice */
    expect_nothing();
    CU_ASSERT_EQUAL(take().cursor.n, 6);
    end();
}

static void resync_in_a_stream(void)
{
    begin();
    CU_ASSERT_TRUE(arrive_stream(PHONE, 1, 0));
    CU_ASSERT_FALSE(made_anew(take(), house, 900));
    expect_more(ANSWER_RESYNC, 1, 900);
    CU_ASSERT_FALSE(waiting_told(w, PHONE, 1));
    CU_ASSERT_FALSE(ring(901, 0));
    expect_more(ANSWER_EVENT, 1, 901);
    end();
}

static void stream_then_poll_then_stream(void)
{
    begin();
    stream_at(PHONE, 1, 5);
    ring(6, 0);
    waiting_leave(w, PHONE, 1, 10); /* while it is told */
    CU_ASSERT_FALSE(waiting_told(w, PHONE, 1));
    CU_ASSERT_EQUAL(waiting_parked(w), 0);
    CU_ASSERT_FALSE(arrive(PHONE, 2, 6)); /* what is known stays known */
    CU_ASSERT_FALSE(ring(7, 0));
    expect(ANSWER_EVENT, 2, 7);
    CU_ASSERT_FALSE(out.items[0].stream || out.items[0].goes_on);
    CU_ASSERT_FALSE(arrive_stream(PHONE, 3, 7));
    expect_more(ANSWER_NOTHING, 3, 7); /* it is open, and says so */
    CU_ASSERT_FALSE(waiting_told(w, PHONE, 3));
    CU_ASSERT_FALSE(ring(8, 0));
    expect_more(ANSWER_EVENT, 3, 8);
    end();
}

static void stream_superseded(void)
{
    begin();
    stream_at(PHONE, 1, 5);
    CU_ASSERT_FALSE(arrive(PHONE, 2, 5)); /* by a poll */
    CU_ASSERT_EQUAL(out.n, 1);
    CU_ASSERT_EQUAL(out.items[0].kind, ANSWER_SUPERSEDED);
    CU_ASSERT_FALSE(out.items[0].goes_on);
    CU_ASSERT_FALSE(arrive_stream(PHONE, 3, 5)); /* and the poll by a stream */
    CU_ASSERT_EQUAL_FATAL(out.n, 2);
    CU_ASSERT_EQUAL(out.items[0].kind, ANSWER_SUPERSEDED);
    CU_ASSERT_EQUAL(out.items[0].ticket, 2);
    CU_ASSERT_FALSE(out.items[0].stream);
    CU_ASSERT_EQUAL(out.items[1].kind, ANSWER_NOTHING);
    CU_ASSERT_EQUAL(waiting_parked(w), 1);
    CU_ASSERT_FALSE(arrive_stream(PHONE, 4, 5)); /* while it is told that it is open */
    CU_ASSERT_EQUAL(out.items[0].ticket, 3);
    CU_ASSERT_EQUAL(out.items[0].kind, ANSWER_SUPERSEDED);
    CU_ASSERT_FALSE(waiting_told(w, PHONE, 3)); /* late */
    CU_ASSERT_FALSE(waiting_told(w, PHONE, 4));
    supersede(PHONE, 2); /* by another process */
    expect_last(ANSWER_SUPERSEDED, 4, 5);
    end();
}

static void stream_superseded_elsewhere_while_it_is_told(void)
{
    begin();
    stream_at(PHONE, 1, 5);
    ring(6, 0);
    supersede(PHONE, 2);
    expect_last(ANSWER_SUPERSEDED, 1, 6);
    CU_ASSERT_FALSE(waiting_told(w, PHONE, 1));
    end();
}

static void stream_is_revoked(void)
{
    begin();
    stream_at(PHONE, 1, 5);
    ring(6, 0);
    out.n = 0;
    CU_ASSERT_TRUE(waiting_revoke(w, PHONE, &out)); /* while it is told */
    expect_last(ANSWER_REVOKED, 1, 6);
    CU_ASSERT_FALSE(waiting_told(w, PHONE, 1));
    end();
}

static void stream_ends_at_its_deadline(void)
{
    begin();
    stream_at(PHONE, 1, 5);
    CU_ASSERT_TRUE(waiting_due(w, PHONE, 1));
    CU_ASSERT_FALSE(read_done(take(), 5, 2, false));
    expect_last(ANSWER_NOTHING, 1, 5);
    CU_ASSERT_FALSE(arrive_stream(PHONE, 2, 5));
    CU_ASSERT_FALSE(waiting_told(w, PHONE, 2));
    ring(6, 0);
    CU_ASSERT_FALSE(waiting_due(w, PHONE, 2)); /* while it is told */
    CU_ASSERT_TRUE(waiting_told(w, PHONE, 2));
    CU_ASSERT_FALSE(read_done(take(), 7, 3, true));
    expect_last(ANSWER_READ, 2, 7);
    end();
}

static void stream_is_renewed(void)
{
    struct reading r[1];
    begin();
    stream_at(PHONE, 1, 5);
    open_at(LAPTOP, 2, 5);
    CU_ASSERT_FALSE(waiting_renew(w, 999));
    CU_ASSERT_TRUE(waiting_renew(w, 1000)); /* the poll is not: its deadline does it */
    CU_ASSERT_EQUAL_FATAL(waiting_take(w, r, 1), 1);
    CU_ASSERT_EQUAL(r[0].session_id, PHONE);
    CU_ASSERT_EQUAL(r[0].until_ms, 1000 + WAITING_RENEW_MS);
    CU_ASSERT_EQUAL(r[0].holds, 1);
    CU_ASSERT_FALSE(read_done(r[0], 6, 2, true)); /* its bell was lost */
    expect_more(ANSWER_READ, 1, 6);
    CU_ASSERT_FALSE(waiting_renew(w, FAR)); /* not while it is told */
    CU_ASSERT_FALSE(waiting_told(w, PHONE, 1));
    end();
}

static void stream_begins_only_with_what_was_read(void)
{
    begin();
    CU_ASSERT_TRUE(arrive_stream(PHONE, 1, 5));
    CU_ASSERT_FALSE(give(take(), &(struct reading_result){.redis = ERR_UNAVAILABLE}));
    expect_nothing(); /* it is back soon, or the database tells */
    CU_ASSERT_TRUE(waiting_retry(w));
    CU_ASSERT_FALSE(give(take(), &(struct reading_result){.events = ERR_UNAVAILABLE, .generation = 1}));
    expect_last(ANSWER_FAILED, 1, 5);
    end();
}

static void stream_without_redis(void)
{
    begin();
    waiting_away(w);
    CU_ASSERT_TRUE(arrive_stream(PHONE, 1, 5));
    found(watch(), 70);
    expect_more(ANSWER_RESYNC, 1, 0);
    CU_ASSERT_EQUAL(out.items[0].cursor.digest, 70);
    out.n = 0;
    waiting_watch_all(w); /* while it is told nothing else can be */
    struct watched none;
    CU_ASSERT_EQUAL(waiting_watch(w, &none, 1), 0);
    CU_ASSERT_TRUE(waiting_told(w, PHONE, 1));
    found(watch(), 70);
    expect_nothing();
    waiting_watch_all(w);
    found(watch(), 71);
    expect_more(ANSWER_RESYNC, 1, 0);
    end();
}

static void stream_begins_without_redis(void)
{
    const struct arrival a = {APP, ANN, PHONE, 1, {.digest = 70}, 1000, true};
    begin();
    waiting_away(w);
    CU_ASSERT_TRUE(waiting_arrive(w, &a, &out));
    found(watch(), 70);
    expect_more(ANSWER_NOTHING, 1, 0);
    waiting_leave(w, PHONE, 1, 0);
    out.n = 0;
    CU_ASSERT_TRUE(waiting_arrive(w, &a, &out));
    found(watch(), 0); /* the database is away, too */
    CU_ASSERT_EQUAL_FATAL(out.n, 1);
    CU_ASSERT_EQUAL(out.items[0].kind, ANSWER_FAILED);
    end();
}

static void failures_do_not_end_a_stream(void)
{
    const struct reading_result down = {.redis = ERR_UNAVAILABLE};
    begin();
    stream_at(PHONE, 1, 5);
    waiting_lost(w);
    CU_ASSERT_FALSE(give(take(), &down));
    expect_nothing();
    CU_ASSERT_FALSE(ring(6, 0)); /* a bell is a bell */
    expect_more(ANSWER_EVENT, 1, 6);
    CU_ASSERT_TRUE(waiting_told(w, PHONE, 1));
    CU_ASSERT_FALSE(give(take(), &down)); /* not open, and still not ended */
    expect_nothing();
    CU_ASSERT_TRUE(waiting_retry(w));
    const struct reading r = take();
    waiting_due(w, PHONE, 1);
    CU_ASSERT_FALSE(give(r, &down));
    expect_last(ANSWER_NOTHING, 1, 6);
    end();
}

static void many_sessions(void)
{
    struct reading r[64];
    size_t n, all = 0;
    begin();
    for (uint64_t i = 1; i <= 50000; i++) {
        const struct arrival a = {APP, i, i, i, {.epoch = house, .n = 1}, 1000, false};
        CU_ASSERT_TRUE(waiting_arrive(w, &a, &out));
    }
    while ((n = waiting_take(w, r, 64)))
        for (size_t i = 0; i < n; i++, all++)
            read_done(r[i], 1, 1, false);
    CU_ASSERT_EQUAL(all, 50000);
    CU_ASSERT_EQUAL(waiting_parked(w), 50000);
    end();
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"exact bell answers", exact_bell_answers},
        {"gap reads the box", gap_reads_the_box},
        {"what the bell does not say is read", what_the_bell_does_not_say_is_read},
        {"another epoch reads", another_epoch_reads},
        {"bell between polls is read", bell_between_polls_is_read},
        {"lost answer is read again", lost_answer_is_read_again},
        {"own entry passes silently", own_entry_passes_silently},
        {"other device hears it", other_device_hears_it},
        {"whispers only to open polls", whispers_only_to_open_polls},
        {"bell before the box was read", bell_before_the_box_was_read},
        {"bell while an open poll is read", bell_while_an_open_poll_is_read},
        {"own entry while an open poll is read", own_entry_while_an_open_poll_is_read},
        {"bell while a box is made anew", bell_while_a_box_is_made_anew},
        {"resync begins anew", resync_begins_anew},
        {"second poll supersedes", second_poll_supersedes},
        {"second poll while the first is read", second_poll_while_the_first_is_read},
        {"superseded elsewhere", superseded_elsewhere},
        {"superseded and the bell was lost", superseded_and_the_bell_was_lost},
        {"superseded while it registers", superseded_while_it_registers},
        {"revoked ends at once", revoked_ends_at_once},
        {"revoked while it registers", revoked_while_it_registers},
        {"loss reads everybody", loss_reads_everybody},
        {"loss between polls", loss_between_polls},
        {"redis down", redis_down},
        {"away and back is a resync each", away_and_back_is_a_resync_each},
        {"rounds find what changed", rounds_find_what_changed},
        {"other cursors resync at once", other_cursors_resync_at_once},
        {"deadline without redis", deadline_without_redis},
        {"neither redis nor database", neither_redis_nor_database},
        {"a reading that hangs holds nobody", a_reading_that_hangs_holds_nobody},
        {"a reading that comes too late", a_reading_that_comes_too_late},
        {"a digest that comes too late", a_digest_that_comes_too_late},
        {"revoked without redis", revoked_without_redis},
        {"database down", database_down},
        {"deadline reads once more", deadline_reads_once_more},
        {"registration must outlast the poll", registration_must_outlast_the_poll},
        {"idle sessions go", idle_sessions_go},
        {"seen at most once a minute", seen_at_most_once_a_minute},
        {"stream stays", stream_stays},
        {"one answer is on its way", one_answer_is_on_its_way},
        {"more is read at once", more_is_read_at_once},
        {"bell while a stream is read", bell_while_a_stream_is_read},
        {"resync in a stream", resync_in_a_stream},
        {"stream, then poll, then stream", stream_then_poll_then_stream},
        {"stream superseded", stream_superseded},
        {"stream superseded elsewhere while it is told", stream_superseded_elsewhere_while_it_is_told},
        {"stream is revoked", stream_is_revoked},
        {"stream ends at its deadline", stream_ends_at_its_deadline},
        {"stream is renewed", stream_is_renewed},
        {"stream begins only with what was read", stream_begins_only_with_what_was_read},
        {"stream without Redis", stream_without_redis},
        {"stream begins without Redis", stream_begins_without_redis},
        {"failures do not end a stream", failures_do_not_end_a_stream},
        {"many sessions", many_sessions},
    };
    return FIXTURE_RUN("waiting", tests);
}
