/*
 * Accounts and sessions on a real database: names that collide, passwords, throttling, refresh tokens that
 * are stolen, sessions that end, people who leave; and all of it at the same moment.
 */
#include "model/accounts.h"

#include <CUnit/Basic.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "lib/fixture.h"
#include "model/admin.h"
#include "model/conversations.h"
#include "model/friendrequests.h"
#include "model/friends.h"
#include "model/presence.h"
#include "model/revocation.h"
#include "model/throttle.h"
#include "model/token.h"

#define PASSWORD STR("a horse between two houses")
#define OTHER_PASSWORD STR("another horse, further on")
enum { THREADS = 8 };

static struct conf conf;
static struct house *house;
static const struct device device = {{"a test", 6}, 0};

/* Somebody who is not signed in yet, with a connection of his own, at an address. */
static struct person *visitor(const char *address)
{
    struct person *p = person_new(house, 1);

    fixture_number(p, "DELETE FROM users WHERE id = %" PRIu64, p->id);
    p->ctx.actor = (struct actor){.address = address};
    return p;
}

static struct str unique(struct person *p, const char *prefix)
{
    static atomic_int n;
    return str_of(arena_printf(p->ctx.arena, "%s.%d", prefix, atomic_fetch_add(&n, 1)));
}

static enum err sign_up(struct person *p, struct str username, struct str password, struct tokens *out)
{
    const struct sign_up in = {
        .username = username, .password = password, .nickname = STR("name"), .device = device};

    p->problem = (struct problem){0};
    p->ctx.actor = (struct actor){.address = p->ctx.actor.address};
    const enum err err = account_register(&p->ctx, &in, out);
    p->id = p->ctx.actor.user_id;
    return err;
}

/* Signed up and in, from 192.0.2.1. */
static struct person *somebody(struct str *username, struct tokens *out)
{
    struct person *p = visitor("192.0.2.1");

    *username = unique(p, "somebody");
    CU_ASSERT_EQUAL_FATAL(sign_up(p, *username, PASSWORD, out), OK);
    return p;
}

static enum err sign_in(struct person *p, struct str username, struct str password, struct tokens *out)
{
    p->problem = (struct problem){0};
    p->ctx.actor = (struct actor){.address = p->ctx.actor.address};
    return account_login(&p->ctx, username, password, &device, out);
}

static enum err refresh(struct person *p, struct str token, struct tokens *out)
{
    p->ctx.actor = (struct actor){.address = "192.0.2.1"};
    return session_refresh(&p->ctx, token, out);
}

/* Runs `fn` in THREADS threads at once. */
static void at_once(void *(*fn)(void *), void *args, size_t size)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, fn, (char *)args + (size_t)i * size);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

/* ---- signing up and in ---- */

static void test_names(void)
{
    struct person *p = visitor("192.0.2.1");
    const struct str name = unique(p, "Zhāng.Wěi"), wide = unique(p, "王小明");
    const char *bad[] = {"ab",  "with space",      "a@b",       "...",          "tab\tname",
                         "👍👍👍", "\u202eabc\u202c", "\u0301abc", "a\u3164\u3164"};
    struct tokens t;

    CU_ASSERT_EQUAL(sign_up(p, name, PASSWORD, &t), OK);
    CU_ASSERT_EQUAL(sign_up(p, wide, PASSWORD, &t), OK);
    CU_ASSERT_EQUAL(sign_up(p, str_of(arena_printf(p->ctx.arena, "ZHĀNG.WĚI%s", name.p + 11)), PASSWORD, &t),
                    ERR_USERNAME_TAKEN);
    CU_ASSERT_EQUAL(sign_up(p, STR("Ａdmin"), PASSWORD, &t), ERR_USERNAME_TAKEN);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_EQUAL(sign_up(p, str_of(bad[i]), PASSWORD, &t), ERR_INVALID_REQUEST);
    CU_ASSERT_EQUAL(sign_in(p, name, PASSWORD, &t), OK);
    CU_ASSERT_EQUAL(sign_in(p, unique(p, "nobody"), PASSWORD, &t), ERR_WRONG_PASSWORD);
    CU_ASSERT_EQUAL(sign_in(p, name, STR("not the password"), &t), ERR_WRONG_PASSWORD);
    person_free(p);
}

static void test_weak_passwords(void)
{
    struct person *p = visitor("192.0.2.1");
    const struct str name = unique(p, "weakling");
    const struct str weak[] = {STR("password"), STR("PassWord"), STR("12345678"), STR("woaini1314"), name};
    struct tokens t;

    for (size_t i = 0; i < sizeof weak / sizeof *weak; i++)
        CU_ASSERT_EQUAL(sign_up(p, name, weak[i], &t), ERR_WEAK_PASSWORD);
    CU_ASSERT_EQUAL(fixture_number(p, "SELECT COUNT(*) FROM users WHERE username = '%.*s'", STR_ARG(name)),
                    0);
    person_free(p);
}

struct race {
    struct person *p;
    struct str text;
    enum err err;
    struct tokens tokens;
};

static void *race_sign_up(void *arg)
{
    struct race *r = arg;
    r->err = sign_up(r->p, r->text, PASSWORD, &r->tokens);
    return NULL;
}

static void test_one_name_once(void)
{
    struct race races[THREADS] = {0};
    struct str name = {0};
    int won = 0;

    for (int i = 0; i < THREADS; i++) {
        races[i].p = visitor("192.0.2.1");
        name = name.p ? name : unique(races[0].p, "race");
        races[i].text = name;
    }
    at_once(race_sign_up, races, sizeof *races);
    for (int i = 0; i < THREADS; i++) {
        won += races[i].err == OK;
        CU_ASSERT(races[i].err == OK || races[i].err == ERR_USERNAME_TAKEN);
    }
    CU_ASSERT_EQUAL(won, 1);
    for (int i = 0; i < THREADS; i++)
        person_free(races[i].p);
}

static void test_throttle(void)
{
    struct tokens t;
    struct str name;
    struct person *owner = somebody(&name, &t), *thief = visitor("198.51.100.7");
    int refused = 0, slowed = 0;

    for (int i = 0; i < 20; i++) {
        const enum err err = sign_in(thief, name, STR("a guess of somebody"), &t);
        refused += err == ERR_WRONG_PASSWORD;
        slowed += err == ERR_RATE_LIMITED;
        if (err == ERR_RATE_LIMITED)
            CU_ASSERT(thief->problem.retry_after_s >= 1 &&
                      thief->problem.retry_after_s <= THROTTLE_DELAY_MAX_S);
    }
    CU_ASSERT_EQUAL(refused, THROTTLE_ACCOUNT_FREE);
    CU_ASSERT_EQUAL(slowed, 20 - THROTTLE_ACCOUNT_FREE);
    /* The owner, where he has been before, is not slowed down; a new address waits, and no longer than it was
     * told. */
    CU_ASSERT_EQUAL(sign_in(owner, name, PASSWORD, &t), OK);
    owner->ctx.actor.address = "2001:db8::1";
    CU_ASSERT_EQUAL(sign_in(owner, name, PASSWORD, &t), ERR_RATE_LIMITED);
    fixture_number(owner, "UPDATE login_throttle SET last_at = last_at - 1000 * %d",
                   owner->problem.retry_after_s);
    CU_ASSERT_EQUAL(sign_in(owner, name, PASSWORD, &t), OK);
    /* The whole /64 is known now, and what was right is forgotten. */
    owner->ctx.actor.address = "2001:db8::ffff";
    CU_ASSERT_EQUAL(sign_in(owner, name, PASSWORD, &t), OK);
    /* Somebody who does not exist is slowed down in the same way. */
    slowed = 0;
    const struct str nobody = unique(owner, "nobody");
    for (int i = 0; i < THROTTLE_ACCOUNT_FREE + 1; i++)
        slowed += sign_in(thief, nobody, STR("a guess of somebody"), &t) == ERR_RATE_LIMITED;
    CU_ASSERT_EQUAL(slowed, 1);
    person_free(owner);
    person_free(thief);
}

/* A listener for both kinds writes an IPv4 address as an IPv6 one: that is neither another network nor
 * everybody's. */
static void test_throttle_mapped(void)
{
    struct tokens t;
    struct str name;
    struct person *owner = somebody(&name, &t), *thief = visitor("::ffff:198.51.100.8");

    for (int i = 0; i < THROTTLE_ACCOUNT_FREE; i++)
        CU_ASSERT_EQUAL(sign_in(thief, name, STR("a guess of somebody"), &t), ERR_WRONG_PASSWORD);
    owner->ctx.actor.address = "::ffff:192.0.2.1";
    CU_ASSERT_EQUAL(sign_in(owner, name, PASSWORD, &t), OK);
    CU_ASSERT_EQUAL(sign_in(thief, name, PASSWORD, &t), ERR_RATE_LIMITED);
    person_free(owner);
    person_free(thief);
}

static void *race_guess(void *arg)
{
    struct race *r = arg;
    r->err = sign_in(r->p, r->text, STR("a guess of somebody"), &r->tokens);
    return NULL;
}

static void test_throttle_at_once(void)
{
    struct race races[THREADS] = {0};
    struct tokens t;
    struct str name;
    struct person *owner = somebody(&name, &t);
    int refused = 0;

    for (int i = 0; i < THREADS; i++)
        races[i] = (struct race){.p = visitor("198.51.100.8"), .text = name};
    at_once(race_guess, races, sizeof *races);
    for (int i = 0; i < THREADS; i++) {
        refused += races[i].err == ERR_WRONG_PASSWORD;
        person_free(races[i].p);
    }
    CU_ASSERT_EQUAL(refused, THROTTLE_ACCOUNT_FREE);
    person_free(owner);
}

/* ---- refresh tokens ---- */

static void test_refresh(void)
{
    struct tokens first, second, again, t;
    struct str name;
    struct person *p = somebody(&name, &first);
    const uint64_t session = first.session_id;

    CU_ASSERT_EQUAL(refresh(p, first.refresh_token, &second), OK);
    CU_ASSERT_EQUAL(second.session_id, session);
    CU_ASSERT(!str_eq(first.refresh_token, second.refresh_token));
    /* The reply was lost: once more, and the successor is replaced. */
    CU_ASSERT_EQUAL(refresh(p, first.refresh_token, &again), OK);
    CU_ASSERT_EQUAL(refresh(p, again.refresh_token, &t), OK);
    CU_ASSERT_EQUAL(refresh(p, t.refresh_token, &t), OK);
    /* What was never issued touches nothing. */
    char *forged = arena_copy(p->ctx.arena, t.refresh_token.p, t.refresh_token.n);
    forged[30] = forged[30] == 'A' ? 'B' : 'A';
    CU_ASSERT_EQUAL(refresh(p, (struct str){forged, t.refresh_token.n}, &again), ERR_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(refresh(p, STR(""), &again), ERR_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(refresh(p, t.refresh_token, &t), OK);
    person_free(p);
}

/* Which token is used when it must not be. */
static void steal(int which)
{
    struct tokens first, second, third, t;
    struct str name;
    struct person *p = somebody(&name, &first);

    CU_ASSERT_EQUAL(refresh(p, first.refresh_token, &second), OK);
    third = second;
    struct str stolen = first.refresh_token;
    if (which == 0) { /* the replaced successor */
        CU_ASSERT_EQUAL(refresh(p, first.refresh_token, &third), OK);
        stolen = second.refresh_token;
    } else if (which == 1) { /* a third time */
        CU_ASSERT_EQUAL(refresh(p, first.refresh_token, &third), OK);
    } else if (which == 2) { /* after the successor was used */
        CU_ASSERT_EQUAL(refresh(p, second.refresh_token, &third), OK);
    } else { /* too late */
        fixture_number(p, "UPDATE sessions SET rotated_at = rotated_at - 60001 WHERE id = %" PRIu64,
                       first.session_id);
    }
    CU_ASSERT_EQUAL(refresh(p, stolen, &t), ERR_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(refresh(p, third.refresh_token, &t), ERR_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(
        fixture_number(p, "SELECT COUNT(*) FROM revocations WHERE session_id = %" PRIu64, first.session_id),
        1);
    CU_ASSERT_EQUAL(
        fixture_number(
            p, "SELECT COUNT(*) FROM audit WHERE action = 'session.token_reused' AND session_id = %" PRIu64,
            first.session_id),
        1);
    person_free(p);
}

static void test_stolen(void)
{
    for (int which = 0; which < 4; which++)
        steal(which);
}

static void *race_refresh(void *arg)
{
    struct race *r = arg;
    r->err = refresh(r->p, r->text, &r->tokens);
    return NULL;
}

static void test_refresh_at_once(void)
{
    struct race races[THREADS] = {0};
    struct tokens t;
    struct str name;
    struct person *p = somebody(&name, &t);
    int good = 0;

    for (int i = 0; i < THREADS; i++)
        races[i] = (struct race){.p = visitor("192.0.2.1"), .text = t.refresh_token};
    at_once(race_refresh, races, sizeof *races);
    for (int i = 0; i < THREADS; i++) {
        good += races[i].err == OK;
        CU_ASSERT(races[i].err == OK || races[i].err == ERR_UNAUTHENTICATED);
        person_free(races[i].p);
    }
    CU_ASSERT_EQUAL(good, 2); /* the rotation and the one retry; the third was theft */
    person_free(p);
}

/* ---- sessions that end ---- */

static enum err check(struct tokens *t, struct actor *out)
{
    return token_check(house_token_keys(house), house_revoked(house), TOKEN_ACCESS, t->access_token,
                       clock_wall_ms(), out);
}

static enum err sign_out(struct ctx *ctx, void *arg)
{
    return session_sign_out(ctx, *(const uint64_t *)arg);
}

/* The house's watch reads every 500 ms; here it need not be waited for longer than it promises. */
static bool ends_soon(struct tokens *t)
{
    const int64_t until = clock_mono_ms() + 1000;
    struct actor who;

    while (check(t, &who) == OK && clock_mono_ms() < until)
        sched_yield();
    return check(t, &who) == ERR_UNAUTHENTICATED;
}

static void test_sign_out(void)
{
    struct tokens here, there, t;
    struct str name;
    struct person *p = somebody(&name, &here), *other = visitor("192.0.2.9");
    struct actor who;

    CU_ASSERT_EQUAL(sign_in(p, name, PASSWORD, &there), OK);
    CU_ASSERT_EQUAL(check(&there, &who), OK);
    CU_ASSERT_EQUAL(who.user_id, p->id);
    CU_ASSERT_EQUAL(sign_up(other, unique(other, "other"), PASSWORD, &t), OK);
    CU_ASSERT_EQUAL(tx_run(&other->ctx, sign_out, &there.session_id), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(tx_run(&p->ctx, sign_out, &there.session_id), OK);
    CU_ASSERT(ends_soon(&there));
    CU_ASSERT_EQUAL(check(&here, &who), OK);
    CU_ASSERT_EQUAL(tx_run(&p->ctx, sign_out, &there.session_id), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(refresh(p, there.refresh_token, &t), ERR_UNAUTHENTICATED);
    person_free(p);
    person_free(other);
}

static void test_sessions_max(void)
{
    struct tokens first, t;
    struct str name;
    struct person *p = somebody(&name, &first);

    for (int i = 0; i < conf.sessions_max; i++)
        CU_ASSERT_EQUAL(sign_in(p, name, PASSWORD, &t), OK);
    CU_ASSERT_EQUAL(
        fixture_number(p, "SELECT COUNT(*) FROM sessions WHERE revoked_at IS NULL AND user_id = %" PRIu64,
                       p->id),
        (uint64_t)conf.sessions_max);
    CU_ASSERT_EQUAL(fixture_number(p,
                                   "SELECT COUNT(*) FROM audit WHERE action = 'session.revoked' AND object ="
                                   " 'session:%" PRIu64 "'",
                                   first.session_id),
                    1);
    CU_ASSERT_EQUAL(refresh(p, first.refresh_token, &t), ERR_UNAUTHENTICATED);
    person_free(p);
}

static void test_password_change(void)
{
    struct tokens here, there, t;
    struct str name;
    struct person *p = somebody(&name, &here);

    CU_ASSERT_EQUAL(sign_in(p, name, PASSWORD, &there), OK);
    CU_ASSERT_EQUAL(account_change_password(&p->ctx, OTHER_PASSWORD, STR("whatever it is")),
                    ERR_WRONG_PASSWORD);
    CU_ASSERT_EQUAL(account_change_password(&p->ctx, PASSWORD, STR("12345678")), ERR_WEAK_PASSWORD);
    CU_ASSERT_EQUAL(account_change_password(&p->ctx, PASSWORD, OTHER_PASSWORD), OK);
    CU_ASSERT_EQUAL(refresh(p, here.refresh_token, &t), ERR_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(refresh(p, there.refresh_token, &t), OK); /* it was this one that asked */
    CU_ASSERT_EQUAL(sign_in(p, name, PASSWORD, &t), ERR_WRONG_PASSWORD);
    CU_ASSERT_EQUAL(sign_in(p, name, OTHER_PASSWORD, &t), OK);
    person_free(p);
}

static void *race_reset(void *arg)
{
    struct race *r = arg;
    r->err = account_reset_password(&r->p->ctx, r->text, OTHER_PASSWORD);
    return NULL;
}

static void test_reset(void)
{
    struct race races[THREADS] = {0};
    struct tokens t;
    struct str name, token, void_token;
    struct person *p = somebody(&name, &t), *admin = visitor(NULL);
    int won = 0;

    admin->ctx.actor.app_id = 1;
    CU_ASSERT_EQUAL(admin_reset_link(&admin->ctx, name, &void_token), OK);
    CU_ASSERT_EQUAL(admin_reset_link(&admin->ctx, name, &token), OK);
    CU_ASSERT_EQUAL(account_reset_password(&admin->ctx, void_token, OTHER_PASSWORD), ERR_LINK_EXPIRED);
    for (int i = 0; i < THREADS; i++)
        races[i] = (struct race){.p = visitor("192.0.2.1"), .text = token};
    at_once(race_reset, races, sizeof *races);
    for (int i = 0; i < THREADS; i++) {
        won += races[i].err == OK;
        CU_ASSERT(races[i].err == OK || races[i].err == ERR_LINK_EXPIRED);
        person_free(races[i].p);
    }
    CU_ASSERT_EQUAL(won, 1);
    CU_ASSERT_EQUAL(refresh(p, t.refresh_token, &t), ERR_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(sign_in(p, name, OTHER_PASSWORD, &t), OK);
    person_free(p);
    person_free(admin);
}

static void test_suspension(void)
{
    struct tokens t, t2;
    struct str name;
    struct person *p = somebody(&name, &t), *admin = visitor(NULL);

    admin->ctx.actor.app_id = 1;
    CU_ASSERT_EQUAL(admin_suspend(&admin->ctx, unique(admin, "nobody")), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(admin_suspend(&admin->ctx, name), OK);
    CU_ASSERT(ends_soon(&t));
    CU_ASSERT_EQUAL(sign_in(p, name, PASSWORD, &t2), ERR_ACCOUNT_SUSPENDED);
    CU_ASSERT_EQUAL(fixture_number(p,
                                   "SELECT COUNT(*) FROM audit WHERE action = 'session.refused' AND object ="
                                   " 'user:%" PRIu64 "'",
                                   p->id),
                    1);
    CU_ASSERT_EQUAL(sign_in(p, name, OTHER_PASSWORD, &t2), ERR_WRONG_PASSWORD);
    CU_ASSERT_EQUAL(refresh(p, t.refresh_token, &t2), ERR_ACCOUNT_SUSPENDED);
    CU_ASSERT_EQUAL(admin_resume(&admin->ctx, name), OK);
    CU_ASSERT_EQUAL(refresh(p, t.refresh_token, &t2), ERR_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(sign_in(p, name, PASSWORD, &t2), OK);
    person_free(p);
    person_free(admin);
}

/* ---- leaving ---- */

static enum err ask(struct ctx *ctx, void *arg)
{
    uint64_t id;
    bool made;
    return friend_request_send(ctx, *(const uint64_t *)arg, STR(""), &id, &made);
}

static enum err open_notebook(struct ctx *ctx, void *arg)
{
    uint64_t id;
    bool made;

    (void)arg;
    return conversation_open(ctx, ctx->actor.user_id, &id, &made);
}

static enum err rename_me(struct ctx *ctx, void *arg)
{
    (void)arg;
    return me_update(ctx, &(struct me_change){.nickname = STR("again"), .has_nickname = HAS_VALUE});
}

/* His access token is still accepted for a moment, and when he was last here is written late: neither brings
 * anything of him back. */
static void check_gone(struct person *p, uint64_t id, struct str stem, uint64_t other)
{
    struct str next = STR_NONE;
    struct list page;

    CU_ASSERT_EQUAL(tx_run(&p->ctx, ask, &other), ERR_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(tx_run(&p->ctx, open_notebook, NULL), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(tx_run(&p->ctx, rename_me, NULL), ERR_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(presence_seen(&p->ctx, &id, &p->ctx.actor.session_id, 1), OK);
    CU_ASSERT_EQUAL(fixture_number(p, "SELECT last_seen_at FROM users WHERE id = %" PRIu64, id), 0);
    /* A list that stopped at him ends there, and does not begin anew. */
    CU_ASSERT_EQUAL(
        users_find(&p->ctx, stem, page_cursor(p->ctx.arena, (struct page_mark){.id = id}), 3, &page, &next),
        OK);
    CU_ASSERT(page.n == 0 && !next.p);
}

static void test_deletion(void)
{
    struct tokens t, t2;
    struct str name, name2;
    struct person *a = somebody(&name, &t), *b = somebody(&name2, &t2);
    const uint64_t a_id = a->id, b_id = b->id;

    CU_ASSERT_EQUAL(tx_run(&a->ctx, ask, &b->id), OK);
    CU_ASSERT_EQUAL(tx_run(&b->ctx, ask, &a->id), OK);
    CU_ASSERT_EQUAL(fixture_number(b, "SELECT friend_count FROM users WHERE id = %" PRIu64, b_id), 1);
    CU_ASSERT_EQUAL(account_delete(&a->ctx, OTHER_PASSWORD), ERR_WRONG_PASSWORD);
    CU_ASSERT_EQUAL(account_delete(&a->ctx, PASSWORD), OK);
    check_gone(a, a_id, STR("somebody"), b_id);
    CU_ASSERT(ends_soon(&t));
    CU_ASSERT_EQUAL(sign_in(a, name, PASSWORD, &t), ERR_WRONG_PASSWORD);
    CU_ASSERT_EQUAL(fixture_number(b, "SELECT friend_count FROM users WHERE id = %" PRIu64, b_id), 0);
    CU_ASSERT_EQUAL(
        fixture_number(b, "SELECT COUNT(*) FROM friendships WHERE user_id IN (%" PRIu64 ",%" PRIu64 ")", a_id,
                       b_id),
        0);
    CU_ASSERT_EQUAL(fixture_number(b,
                                   "SELECT COUNT(*) FROM friend_requests WHERE from_id = %" PRIu64
                                   " OR to_id = %" PRIu64,
                                   a_id, a_id),
                    0);
    CU_ASSERT_EQUAL(fixture_number(b,
                                   "SELECT COUNT(*) FROM conversations WHERE flags & 1 AND %" PRIu64
                                   " IN (low_id, high_id)",
                                   a_id),
                    0);
    CU_ASSERT_EQUAL(fixture_number(b, "SELECT COUNT(*) FROM sessions WHERE user_id = %" PRIu64, a_id), 0);
    CU_ASSERT_EQUAL(fixture_number(b,
                                   "SELECT COUNT(*) FROM users WHERE id = %" PRIu64
                                   " AND username IS NULL AND nickname = ''"
                                   " AND password_hash IS NULL AND state = 2",
                                   a_id),
                    1);
    struct user seen;
    CU_ASSERT_EQUAL(user_profile(&b->ctx, a_id, &seen), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(user_load(&b->ctx, a_id, &seen), OK);
    CU_ASSERT_EQUAL(seen.username.n, 0);
    CU_ASSERT_EQUAL(tx_run(&b->ctx, ask, &(uint64_t){a_id}), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(sign_up(a, name, PASSWORD, &t), OK); /* the name is free again */
    CU_ASSERT_NOT_EQUAL(a->id, a_id);
    person_free(a);
    person_free(b);
}

struct leaving {
    struct person *p;
    uint64_t other;
    bool leaves;
    enum err err;
};

static void *leave_or_ask(void *arg)
{
    struct leaving *l = arg;
    l->err = l->leaves ? account_delete(&l->p->ctx, PASSWORD) : tx_run(&l->p->ctx, ask, &l->other);
    return NULL;
}

/* One leaves while seven, whom he had asked, become his friends by asking back: whatever comes first, nothing
 * is left of him. */
static void test_deletion_at_once(void)
{
    struct leaving all[THREADS] = {0};
    struct tokens t;
    struct str name;

    for (int i = 0; i < THREADS; i++)
        all[i] = (struct leaving){.p = somebody(&name, &t), .leaves = i == 0};
    const uint64_t leaver = all[0].p->id;
    for (int i = 1; i < THREADS; i++) {
        all[i].other = leaver;
        CU_ASSERT_EQUAL(tx_run(&all[0].p->ctx, ask, &all[i].p->id), OK);
    }
    at_once(leave_or_ask, all, sizeof *all);
    CU_ASSERT_EQUAL(all[0].err, OK);
    for (int i = 1; i < THREADS; i++)
        CU_ASSERT(all[i].err == OK || all[i].err == ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(
        fixture_number(all[0].p, "SELECT COUNT(*) FROM friendships WHERE %" PRIu64 " IN (user_id, friend_id)",
                       leaver),
        0);
    CU_ASSERT_EQUAL(fixture_number(all[0].p,
                                   "SELECT COUNT(*) FROM users WHERE friend_count > 0 AND id IN (%" PRIu64
                                   ",%" PRIu64 ",%" PRIu64 ")",
                                   all[1].p->id, all[2].p->id, all[7].p->id),
                    0);
    CU_ASSERT_EQUAL(fixture_number(all[0].p,
                                   "SELECT COUNT(*) FROM conversations WHERE flags & 1 AND %" PRIu64
                                   " IN (low_id, high_id)",
                                   leaver),
                    0);
    CU_ASSERT_EQUAL(
        fixture_number(all[0].p, "SELECT COUNT(*) FROM friend_requests WHERE %" PRIu64 " IN (from_id, to_id)",
                       leaver),
        0);
    for (int i = 0; i < THREADS; i++)
        person_free(all[i].p);
}

/* ---- finding, and the own profile ---- */

static void test_finding(void)
{
    struct tokens t;
    struct person *p = visitor("192.0.2.1");
    const struct str stem = unique(p, "find_me");
    struct str next = STR_NONE;
    struct list page;
    uint64_t ids[8], found[16];
    size_t n = 0;

    for (int i = 0; i < 7; i++) {
        CU_ASSERT_EQUAL(
            sign_up(p, str_of(arena_printf(p->ctx.arena, "%.*s.%d", STR_ARG(stem), 6 - i)), PASSWORD, &t),
            OK);
        ids[i] = p->id;
    }
    CU_ASSERT_EQUAL(sign_up(p, stem, PASSWORD, &t), OK);
    ids[7] = p->id;
    for (int pages = 0; pages < 20; pages++) {
        CU_ASSERT_EQUAL_FATAL(users_find(&p->ctx, stem, next, 3, &page, &next), OK);
        for (size_t i = 0; i < page.n && n < 16; i++)
            found[n++] = ((struct user *)page.items)[i].id;
        if (!next.p)
            break;
    }
    CU_ASSERT_EQUAL_FATAL(n, 8);
    CU_ASSERT_EQUAL(found[0], ids[7]); /* the exact name first, then in the order of names */
    for (int i = 0; i < 7; i++)
        CU_ASSERT_EQUAL(found[i + 1], ids[6 - i]);
    CU_ASSERT_EQUAL(users_find(&p->ctx, STR("find%me"), STR_NONE, 3, &page, &next), OK);
    CU_ASSERT_EQUAL(page.n, 0);
    CU_ASSERT_EQUAL(users_find(&p->ctx, STR("find"), STR("garbage"), 3, &page, &next), ERR_INVALID_REQUEST);
    person_free(p);
}

static enum err update(struct ctx *ctx, void *arg)
{
    return me_update(ctx, arg);
}

static void test_profile(void)
{
    struct tokens t;
    struct str name;
    struct person *p = somebody(&name, &t);
    struct me_change change = {.signature = STR("on the road\n🐎"), .has_signature = HAS_VALUE};
    struct me before, after;

    CU_ASSERT_EQUAL(me_load(&p->ctx, &before), OK);
    CU_ASSERT_EQUAL(tx_run(&p->ctx, update, &change), OK);
    CU_ASSERT_EQUAL(me_load(&p->ctx, &after), OK);
    CU_ASSERT(after.user.version > before.user.version);
    CU_ASSERT(str_eq(after.user.signature, change.signature));
    CU_ASSERT_EQUAL(tx_run(&p->ctx, update, &change), OK);
    CU_ASSERT_EQUAL(me_load(&p->ctx, &before), OK);
    CU_ASSERT_EQUAL(after.user.version, before.user.version);
    change = (struct me_change){.nickname = STR("a\tb"), .has_nickname = HAS_VALUE};
    CU_ASSERT_EQUAL(tx_run(&p->ctx, update, &change), ERR_INVALID_REQUEST);
    person_free(p);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"usernames are one however they are written", test_names},
        {"common passwords are refused", test_weak_passwords},
        {"a name that many want is given once", test_one_name_once},
        {"guessing is slowed down, the owner is not locked out", test_throttle},
        {"guessing at once is no way around it", test_throttle_at_once},
        {"an IPv4 address in an IPv6 listener's words is the same network", test_throttle_mapped},
        {"refresh tokens rotate, and a lost reply is repeated once", test_refresh},
        {"a stolen refresh token ends the session", test_stolen},
        {"one refresh token from many sides", test_refresh_at_once},
        {"a session that ended is known everywhere", test_sign_out},
        {"one device too many ends the oldest", test_sessions_max},
        {"a new password ends the other sessions", test_password_change},
        {"a reset token works once", test_reset},
        {"suspension", test_suspension},
        {"who leaves is gone", test_deletion},
        {"who leaves while others become his friends is gone", test_deletion_at_once},
        {"finding people, page by page", test_finding},
        {"the own profile", test_profile},
    };

    house = fixture_open(&conf);
    const int code = FIXTURE_RUN("accounts", tests);
    house_close(house);
    return code;
}
