/*
 * Groups: who may do what, what each change says in the log and to whom, who sees what after coming in and
 * going out, limits; and everybody doing anything at the same moment, after which counts, roles and the log
 * must agree.
 */
#include "model/groups.h"

#include <CUnit/Basic.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

#include "lib/fixture.h"
#include "model/deliver.h"
#include "model/invitelinks.h"
#include "model/joinrequests.h"
#include "queries.h"

enum { PEOPLE = 6, ROUNDS = 30, MANY = 5000, PEOPLE_MAX = 32, HANDINGS = 300 };

static struct conf conf;
static struct house *house;

/* ---- the model's functions as transactions, and the events that they cause ---- */

struct call {
    enum err (*fn)(struct ctx *ctx, struct call *c);
    uint64_t id, user_id, request_id;
    uint64_t ids[4];
    size_t n;
    enum join_policy policy;
    struct group_change change;
    struct member_change member;
    struct str token;
    int64_t uses;
    bool done;
    struct event events[64];
    size_t n_events;
};

static enum err run_call(struct ctx *ctx, void *arg)
{
    struct call *c = arg;

    TRY(c->fn(ctx, c));
    c->n_events = ctx->events.n < 64 ? ctx->events.n : 64;
    if (c->n_events)
        memcpy(c->events, ctx->events.items, c->n_events * sizeof *c->events);
    return OK;
}

static enum err do_call(struct person *p, struct call *c)
{
    p->problem = (struct problem){0};
    return tx_run(&p->ctx, run_call, c);
}

static enum err fn_make(struct ctx *ctx, struct call *c)
{
    return group_make(ctx, STR("Tea house"), c->policy, c->ids, c->n, &c->id);
}
static enum err fn_bring(struct ctx *ctx, struct call *c)
{
    return group_bring_in(ctx, c->id, c->ids, c->n, &c->done);
}
static enum err fn_remove(struct ctx *ctx, struct call *c)
{
    return group_remove(ctx, c->id, c->user_id);
}
static enum err fn_dismiss(struct ctx *ctx, struct call *c)
{
    return group_dismiss(ctx, c->id);
}
static enum err fn_hand_over(struct ctx *ctx, struct call *c)
{
    return group_hand_over(ctx, c->id, c->user_id);
}
static enum err fn_change(struct ctx *ctx, struct call *c)
{
    c->change.id = c->id;
    return group_update(ctx, &c->change);
}
static enum err fn_member(struct ctx *ctx, struct call *c)
{
    return group_member_change(ctx, c->id, c->user_id, &c->member);
}
static enum err fn_ask(struct ctx *ctx, struct call *c)
{
    return join_request_send(ctx, c->id, STR("let me in"), &c->request_id, &c->done);
}
static enum err fn_accept(struct ctx *ctx, struct call *c)
{
    return join_request_decide(ctx, c->id, c->request_id, true);
}
static enum err fn_decline(struct ctx *ctx, struct call *c)
{
    return join_request_decide(ctx, c->id, c->request_id, false);
}
static enum err fn_link(struct ctx *ctx, struct call *c)
{
    struct invite_link link;

    TRY(invite_link_make(ctx, c->id, LINK_LIFE_S, c->uses, &link));
    c->token = link.token;
    c->request_id = link.id;
    return OK;
}
static enum err fn_revoke(struct ctx *ctx, struct call *c)
{
    return invite_link_revoke(ctx, c->id, c->request_id);
}
static enum err fn_follow(struct ctx *ctx, struct call *c)
{
    return invite_join(ctx, c->token, &c->id, &c->done);
}
static enum err fn_abandon(struct ctx *ctx, struct call *c)
{
    (void)c;
    return groups_abandon(ctx);
}

/* ---- shorter words ---- */

static struct person *people[PEOPLE_MAX];
static size_t n_people;

static struct person *somebody(struct house *of, uint64_t app_id)
{
    CU_ASSERT_FATAL(n_people < PEOPLE_MAX);
    return people[n_people++] = person_new(of, app_id);
}

/* At the end of each test. */
static void all_free(void)
{
    while (n_people)
        person_free(people[--n_people]);
}

static uint64_t make(struct person *owner, enum join_policy policy, struct person *a, struct person *b)
{
    struct call c = {.fn = fn_make, .policy = policy};

    for (int i = 0; i < 2; i++) {
        struct person *friend = i ? b : a;
        if (!friend)
            continue;
        fixture_friends(owner, friend);
        c.ids[c.n++] = friend->id;
    }
    CU_ASSERT_EQUAL_FATAL(do_call(owner, &c), OK);
    return c.id;
}

static enum err bring(struct person *by, uint64_t id, struct person *whom)
{
    struct call c = {.fn = fn_bring, .id = id, .ids = {whom->id}, .n = 1};
    return do_call(by, &c);
}

static enum err kick(struct person *by, uint64_t id, struct person *whom)
{
    struct call c = {.fn = fn_remove, .id = id, .user_id = whom->id};
    return do_call(by, &c);
}

static enum err set_role(struct person *by, uint64_t id, struct person *whom, enum group_role role)
{
    struct call c = {
        .fn = fn_member, .id = id, .user_id = whom->id, .member = {.role = role, .has_role = HAS_VALUE}};
    return do_call(by, &c);
}

static enum err mute(struct person *by, uint64_t id, struct person *whom, int64_t until)
{
    struct call c = {.fn = fn_member,
                     .id = id,
                     .user_id = whom->id,
                     .member = {.muted_until = until, .has_muted_until = until ? HAS_VALUE : HAS_NULL}};
    return do_call(by, &c);
}

static struct group seen_by(struct person *p, uint64_t id)
{
    struct group group = {0};

    if (group_load(&p->ctx, id, &group) != OK)
        group = (struct group){0};
    return group;
}

/* Whether he can read it in any way that there is. */
static bool reads(struct person *p, uint64_t id)
{
    struct conversation conversation;
    struct conversation_access access, *all;
    struct list members;
    struct str next;
    size_t n, listed = 0;

    const bool is_in = group_load(&p->ctx, id, &(struct group){0}) == OK;
    CU_ASSERT_EQUAL(conversation_for_reader(&p->ctx, id, &access), is_in ? OK : ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(conversation_load(&p->ctx, id, &conversation), is_in ? OK : ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(group_members_list(&p->ctx, id, STR_NONE, 5, &members, &next),
                    is_in ? OK : ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(conversations_for_reader(&p->ctx, 0, 100, &all, &n), OK);
    for (size_t i = 0; i < n; i++)
        listed += all[i].id == id;
    CU_ASSERT_EQUAL(listed, is_in);
    return is_in;
}

/* The content of an entry, from the database. */
static bool says(struct person *p, uint64_t id, uint64_t seq, const char *like)
{
    return fixture_number(p,
                          "SELECT COUNT(*) FROM entries WHERE conversation_id = %" PRIu64
                          " AND seq = %" PRIu64 " AND type = 1 AND counts = 0 AND content LIKE '%s'",
                          id, seq, like) == 1;
}

static uint64_t last_seq(struct person *p, uint64_t id)
{
    return fixture_number(p, "SELECT last_seq FROM conversations WHERE id = %" PRIu64, id);
}

static size_t events_of(const struct call *c, enum event_kind kind, uint64_t to_id)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n_events; i++)
        n += c->events[i].kind == kind && c->events[i].to_id == to_id;
    return n;
}

/* What must hold of all groups, whatever was done. */
static void check_groups(struct person *p)
{
    CU_ASSERT_EQUAL(
        fixture_number(p, "SELECT COUNT(*) FROM conversations AS c WHERE kind = 1 AND member_count <>"
                          " (SELECT COUNT(*) FROM members AS m WHERE m.conversation_id = c.id"
                          " AND m.left_seq IS NULL)"),
        0);
    /* One owner, and he is in it; in a dismissed one nobody is. */
    CU_ASSERT_EQUAL(
        fixture_number(p, "SELECT COUNT(*) FROM conversations AS c WHERE kind = 1 AND flags & 512 = 0"
                          " AND (SELECT COUNT(*) FROM members AS m WHERE m.conversation_id = c.id"
                          " AND m.left_seq IS NULL AND m.role = 2 AND m.user_id = c.owner_id) <> 1"),
        0);
    CU_ASSERT_EQUAL(fixture_number(p, "SELECT COUNT(*) FROM members AS m JOIN conversations AS c"
                                      " ON c.id = m.conversation_id WHERE c.kind = 1 AND m.role = 2"
                                      " AND m.user_id <> c.owner_id"),
                    0);
    CU_ASSERT_EQUAL(fixture_number(p,
                                   "SELECT COUNT(*) FROM conversations WHERE kind = 1 AND flags & 512 = 512"
                                   " AND member_count <> 0"),
                    0);
    /* The log has no holes, and nobody's range goes beyond it. */
    CU_ASSERT_EQUAL(fixture_number(p, "SELECT COUNT(*) FROM conversations AS c WHERE kind = 1 AND last_seq <>"
                                      " (SELECT COUNT(*) FROM entries AS e WHERE e.conversation_id = c.id)"),
                    0);
    CU_ASSERT_EQUAL(fixture_number(p, "SELECT COUNT(*) FROM members AS m JOIN conversations AS c"
                                      " ON c.id = m.conversation_id WHERE c.kind = 1 AND"
                                      " (m.left_seq > c.last_seq OR m.read_seq > c.last_seq)"),
                    0);
    /* Nobody who is in it asks to be let in. */
    CU_ASSERT_EQUAL(fixture_number(p, "SELECT COUNT(*) FROM join_requests AS r JOIN members AS m"
                                      " ON m.conversation_id = r.conversation_id AND m.user_id = r.user_id"
                                      " WHERE r.pending = 1 AND m.left_seq IS NULL"),
                    0);
    CU_ASSERT_EQUAL(fixture_number(p, "SELECT COUNT(*) FROM members AS m JOIN users AS u ON u.id = m.user_id"
                                      " JOIN conversations AS c ON c.id = m.conversation_id"
                                      " WHERE c.kind = 1 AND m.left_seq IS NULL AND u.state = 2"),
                    0);
}

/* ---- the tests ---- */

static void test_make(void)
{
    struct person *a = somebody(house, 1), *b = somebody(house, 1), *c = somebody(house, 1);
    struct call stranger = {.fn = fn_make, .ids = {somebody(house, 1)->id}, .n = 1};
    const uint64_t id = make(a, JOIN_INVITE, b, c),
                   groups = fixture_number(a, "SELECT COUNT(*) FROM group_profiles");
    const struct group mine = seen_by(a, id), theirs = seen_by(b, id);

    CU_ASSERT_TRUE(str_eq(mine.name, STR("Tea house")));
    CU_ASSERT_EQUAL(mine.member_count, 3);
    CU_ASSERT_EQUAL(mine.my_role, GROUP_OWNER);
    CU_ASSERT_EQUAL(mine.owner_id, a->id);
    CU_ASSERT_EQUAL(theirs.my_role, GROUP_MEMBER);
    CU_ASSERT_EQUAL(theirs.join_policy, JOIN_INVITE);
    CU_ASSERT_EQUAL(mine.has_announcement, HAS_NULL);
    CU_ASSERT_TRUE(
        says(a, id, 1, "{\"code\":\"group.created\",\"params\":{\"user_id\":\"%\",\"name\":\"Tea house\"}}"));
    CU_ASSERT_TRUE(
        says(a, id, 2, "{\"code\":\"member.added\",\"params\":{\"by\":\"%\",\"user_ids\":[\"%\",\"%\"]}}"));
    CU_ASSERT_EQUAL(last_seq(a, id), 2);
    /* With somebody who is no friend, or is not there, there is no group at all. */
    CU_ASSERT_EQUAL(do_call(a, &stranger), ERR_NOT_FRIENDS);
    stranger.ids[0] = 4711;
    CU_ASSERT_EQUAL(do_call(a, &stranger), ERR_NOT_FOUND);
    stranger.ids[0] = b->id;
    fixture_set_flags(a, b, PAIR_FRIENDS | fixture_block_flag(b, a));
    CU_ASSERT_EQUAL(do_call(a, &stranger), ERR_BLOCKED);
    CU_ASSERT_EQUAL(fixture_number(a, "SELECT COUNT(*) FROM group_profiles"), groups);
    check_groups(a);
    all_free();
}

static void test_coming_in(void)
{
    struct person *a = somebody(house, 1), *b = somebody(house, 1), *c = somebody(house, 1),
                  *d = somebody(house, 1);
    const uint64_t id = make(a, JOIN_INVITE, b, NULL);
    struct call again = {.fn = fn_bring, .id = id, .ids = {b->id, a->id, b->id}, .n = 3};
    struct call both = {.fn = fn_bring, .id = id, .ids = {0, 0, 0, 0}, .n = 4};
    struct conversation_access access;

    CU_ASSERT_EQUAL(do_call(a, &again), OK); /* all were in it: nothing happens */
    CU_ASSERT_FALSE(again.done);
    CU_ASSERT_EQUAL(again.n_events, 0);
    CU_ASSERT_EQUAL(last_seq(a, id), 2);

    fixture_friends(b, c); /* a member brings friends of his, each once, all or nobody */
    both.ids[0] = both.ids[2] = c->id;
    both.ids[1] = b->id;
    both.ids[3] = d->id;
    CU_ASSERT_EQUAL(do_call(b, &both), ERR_NOT_FRIENDS);
    CU_ASSERT_FALSE(reads(c, id));
    fixture_friends(b, d);
    CU_ASSERT_EQUAL(do_call(b, &both), OK);
    CU_ASSERT_TRUE(both.done);
    CU_ASSERT_EQUAL(events_of(&both, EVENT_CONVERSATION, c->id), 1);
    CU_ASSERT_EQUAL(events_of(&both, EVENT_GROUP, 0), 1);
    CU_ASSERT_EQUAL(seen_by(c, id).member_count, 4);
    CU_ASSERT_EQUAL_FATAL(conversation_for_reader(&c->ctx, id, &access), OK);
    CU_ASSERT_EQUAL(access.visible_from_seq, 3); /* the entry that says that he came */
    CU_ASSERT_EQUAL(access.read_seq, 2);

    /* In an approval group the owner and admins decide. */
    struct call policy = {
        .fn = fn_change, .id = id, .change = {.join_policy = JOIN_APPROVAL, .has_join_policy = HAS_VALUE}};
    struct person *e = somebody(house, 1);
    CU_ASSERT_EQUAL(do_call(a, &policy), OK);
    fixture_friends(b, e);
    CU_ASSERT_EQUAL(bring(b, id, e), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(set_role(a, id, b, GROUP_ADMIN), OK);
    CU_ASSERT_EQUAL(bring(b, id, e), OK);
    CU_ASSERT_EQUAL(bring(somebody(house, 1), id, e), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(bring(somebody(house, 2), id, e), ERR_NOT_FOUND);
    check_groups(a);
    all_free();
}

static void test_going_out_and_in_again(void)
{
    struct person *a = somebody(house, 1), *b = somebody(house, 1);
    const uint64_t id = make(a, JOIN_INVITE, b, NULL);
    struct call leave = {.fn = fn_remove, .id = id, .user_id = b->id};
    struct call open = {
        .fn = fn_change, .id = id, .change = {.history_for_new = true, .has_history_for_new = HAS_VALUE}};
    struct conversation_access access;

    CU_ASSERT_EQUAL(mute(a, id, b, INT64_MAX / 2), OK);
    const int64_t version = seen_by(b, id).version;
    CU_ASSERT_EQUAL(do_call(b, &leave), OK);
    CU_ASSERT_EQUAL(events_of(&leave, EVENT_GROUP_LEFT, b->id), 1);
    for (size_t i = 0; i < leave.n_events; i++)
        if (leave.events[i].kind == EVENT_GROUP_LEFT) {
            CU_ASSERT_EQUAL(leave.events[i].other_id, GROUP_LEFT);
            CU_ASSERT_TRUE((int64_t)leave.events[i].version > version);
        }
    CU_ASSERT_FALSE(reads(b, id));
    CU_ASSERT_TRUE(reads(a, id));
    CU_ASSERT_EQUAL(do_call(b, &leave), ERR_NOT_FOUND);
    CU_ASSERT_TRUE(says(a, id, 4, "{\"code\":\"member.left\",%"));
    CU_ASSERT_EQUAL(fixture_number(a,
                                   "SELECT left_seq FROM members WHERE conversation_id = %" PRIu64
                                   " AND user_id = %" PRIu64,
                                   id, b->id),
                    3); /* not the entry that says so */

    CU_ASSERT_EQUAL(bring(a, id, b), OK);
    CU_ASSERT_EQUAL_FATAL(conversation_for_reader(&b->ctx, id, &access), OK);
    CU_ASSERT_EQUAL(access.visible_from_seq, 5);
    CU_ASSERT_EQUAL(access.read_seq, 4);
    CU_ASSERT_TRUE(seen_by(b, id).version > version);
    CU_ASSERT_NOT_EQUAL(seen_by(b, id).my_muted_until, 0); /* leaving ends no mute */

    CU_ASSERT_EQUAL(kick(a, id, b), OK);
    CU_ASSERT_FALSE(reads(b, id));
    CU_ASSERT_TRUE(says(a, id, 6, "{\"code\":\"member.removed\",%"));
    CU_ASSERT_EQUAL(do_call(a, &open), OK);
    CU_ASSERT_EQUAL(bring(a, id, b), OK);
    CU_ASSERT_EQUAL_FATAL(conversation_for_reader(&b->ctx, id, &access), OK);
    CU_ASSERT_EQUAL(access.visible_from_seq, 1);

    struct call owner = {.fn = fn_remove, .id = id, .user_id = a->id};
    CU_ASSERT_EQUAL(do_call(a, &owner), ERR_CONFLICT);
    check_groups(a);
    all_free();
}

static void test_roles(void)
{
    struct person *owner = somebody(house, 1), *admin = somebody(house, 1), *member = somebody(house, 1),
                  *other = somebody(house, 1), *none = somebody(house, 1);
    const uint64_t id = make(owner, JOIN_INVITE, admin, member);
    const int64_t later = INT64_MAX / 2;
    struct call over = {.fn = fn_hand_over, .id = id, .user_id = none->id};
    struct call end = {.fn = fn_dismiss, .id = id};

    fixture_friends(owner, other);
    CU_ASSERT_EQUAL(bring(owner, id, other), OK);
    CU_ASSERT_EQUAL(set_role(member, id, other, GROUP_ADMIN), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(set_role(owner, id, none, GROUP_ADMIN), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(set_role(none, id, member, GROUP_ADMIN), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(set_role(owner, id, owner, GROUP_MEMBER), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(set_role(owner, id, admin, GROUP_ADMIN), OK);
    CU_ASSERT_TRUE(says(owner, id, last_seq(owner, id), "{\"code\":\"group.role\",%\"role\":\"admin\"}}"));
    CU_ASSERT_EQUAL(set_role(admin, id, member, GROUP_ADMIN), ERR_FORBIDDEN);

    const uint64_t seq = last_seq(owner, id);
    CU_ASSERT_EQUAL(set_role(owner, id, admin, GROUP_ADMIN), OK); /* again: nothing */
    CU_ASSERT_EQUAL(last_seq(owner, id), seq);

    CU_ASSERT_EQUAL(mute(member, id, other, later), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(mute(member, id, member, 0), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(mute(admin, id, owner, later), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(mute(admin, id, admin, later), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(mute(admin, id, member, later), OK);
    CU_ASSERT_EQUAL(seen_by(member, id).my_muted_until, later);
    CU_ASSERT_TRUE(says(owner, id, seq + 1, "{\"code\":\"group.member_muted\",%\"until\":%}}"));
    CU_ASSERT_EQUAL(mute(owner, id, admin, later), OK);
    CU_ASSERT_EQUAL(mute(owner, id, admin, 0), OK);
    CU_ASSERT_EQUAL(mute(admin, id, member, 5), OK); /* a time that has passed ends it */
    CU_ASSERT_EQUAL(seen_by(member, id).my_muted_until, 0);
    CU_ASSERT_TRUE(says(owner, id, seq + 4, "{\"code\":\"group.member_unmuted\",%"));

    CU_ASSERT_EQUAL(kick(member, id, other), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(kick(admin, id, owner), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(kick(admin, id, none), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(kick(none, id, member), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(set_role(owner, id, member, GROUP_ADMIN), OK);
    CU_ASSERT_EQUAL(kick(admin, id, member), ERR_FORBIDDEN); /* an admin too */
    CU_ASSERT_EQUAL(set_role(owner, id, member, GROUP_MEMBER), OK);
    CU_ASSERT_EQUAL(kick(admin, id, other), OK);

    CU_ASSERT_EQUAL(do_call(owner, &over), ERR_NOT_FOUND);
    over.user_id = owner->id;
    CU_ASSERT_EQUAL(do_call(admin, &over), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(do_call(owner, &over), OK);
    over.user_id = member->id;
    CU_ASSERT_EQUAL(mute(owner, id, member, later), OK);
    CU_ASSERT_EQUAL(do_call(owner, &over), OK);
    CU_ASSERT_EQUAL(seen_by(owner, id).my_role, GROUP_ADMIN);
    CU_ASSERT_EQUAL(seen_by(member, id).my_role, GROUP_OWNER);
    CU_ASSERT_EQUAL(seen_by(member, id).my_muted_until, 0); /* nobody else could take it back */
    CU_ASSERT_EQUAL(do_call(owner, &end), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(do_call(none, &end), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(do_call(member, &end), OK);
    CU_ASSERT_EQUAL(events_of(&end, EVENT_GROUP_LEFT, member->id), 1);
    CU_ASSERT_EQUAL(events_of(&end, EVENT_GROUP_LEFT, owner->id), 1);
    CU_ASSERT_FALSE(reads(member, id) || reads(owner, id));
    CU_ASSERT_EQUAL(do_call(member, &end), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(bring(member, id, owner), ERR_NOT_FOUND);
    check_groups(owner);
    all_free();
}

static void test_nicknames(void)
{
    struct person *a = somebody(house, 1), *b = somebody(house, 1);
    const uint64_t id = make(a, JOIN_INVITE, b, NULL), seq = last_seq(a, id);
    struct call c = {.fn = fn_member,
                     .id = id,
                     .user_id = b->id,
                     .member = {.nickname = STR("Bee"), .has_nickname = HAS_VALUE}};

    CU_ASSERT_EQUAL(do_call(a, &c), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(do_call(b, &c), OK);
    CU_ASSERT_TRUE(str_eq(seen_by(b, id).my_nickname, STR("Bee")));
    CU_ASSERT_EQUAL(events_of(&c, EVENT_GROUP, b->id), 1);
    CU_ASSERT_EQUAL(do_call(b, &c), OK);
    CU_ASSERT_EQUAL(c.n_events, 0);
    CU_ASSERT_EQUAL(last_seq(a, id), seq);
    c.member.nickname = STR("two\nlines");
    CU_ASSERT_EQUAL(do_call(b, &c), ERR_INVALID_REQUEST);
    c.member.has_nickname = HAS_NULL;
    CU_ASSERT_EQUAL(do_call(b, &c), OK);
    CU_ASSERT_EQUAL(seen_by(b, id).my_nickname.n, 0);
    all_free();
}

static void test_changes(void)
{
    struct person *a = somebody(house, 1), *b = somebody(house, 1);
    const uint64_t id = make(a, JOIN_INVITE, b, NULL);
    uint64_t seq = last_seq(a, id);
    struct call c = {.fn = fn_change,
                     .id = id,
                     .change = {.name = STR("茶馆"),
                                .announcement = STR("Tea at five"),
                                .mute_all = true,
                                .strangers_may_write = true,
                                .join_policy = JOIN_OPEN,
                                .has_name = HAS_VALUE,
                                .has_announcement = HAS_VALUE,
                                .has_mute_all = HAS_VALUE,
                                .has_strangers_may_write = HAS_VALUE,
                                .has_join_policy = HAS_VALUE}};

    CU_ASSERT_EQUAL(do_call(b, &c), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(do_call(a, &c), OK);
    CU_ASSERT_EQUAL(events_of(&c, EVENT_GROUP, 0), 1);
    CU_ASSERT_TRUE(says(a, id, ++seq, "{\"code\":\"group.renamed\",%"));
    CU_ASSERT_TRUE(says(a, id, ++seq, "{\"code\":\"group.announcement\",%\"text\":\"Tea at five\"}}"));
    CU_ASSERT_TRUE(says(a, id, ++seq, "{\"code\":\"group.muted\",%"));
    CU_ASSERT_TRUE(says(a, id, ++seq, "%\"join_policy\":\"open\",\"strangers_may_write\":true}}"));
    CU_ASSERT_EQUAL(last_seq(a, id), seq);
    const struct group group = seen_by(b, id);
    CU_ASSERT_TRUE(str_eq(group.name, STR("茶馆")) && str_eq(group.announcement, STR("Tea at five")));
    CU_ASSERT_TRUE(group.announcement_by == a->id && group.announcement_at > 0);
    CU_ASSERT_TRUE(group.mute_all && group.strangers_may_write && !group.history_for_new);
    CU_ASSERT_EQUAL(do_call(a, &c), OK); /* again: nothing */
    CU_ASSERT_EQUAL(c.n_events, 0);
    CU_ASSERT_EQUAL(last_seq(a, id), seq);

    struct call undo = {
        .fn = fn_change,
        .id = id,
        .change = {.has_announcement = HAS_NULL, .has_mute_all = HAS_VALUE, .has_avatar = HAS_NULL}};
    CU_ASSERT_EQUAL(do_call(a, &undo), OK);
    CU_ASSERT_EQUAL(seen_by(b, id).has_announcement, HAS_NULL);
    CU_ASSERT_TRUE(says(a, id, seq + 2, "{\"code\":\"group.unmuted\",%"));
    undo.change = (struct group_change){.has_avatar = HAS_VALUE, .avatar_file_id = 7};
    CU_ASSERT_EQUAL(do_call(a, &undo), ERR_NOT_FOUND);
    undo.change = (struct group_change){.has_name = HAS_VALUE, .name = STR("a\tb")};
    CU_ASSERT_EQUAL(do_call(a, &undo), ERR_INVALID_REQUEST);
    all_free();
}

static void test_outsiders(void)
{
    struct person *a = somebody(house, 1), *out = somebody(house, 1), *foreign = somebody(house, 2);
    const uint64_t hidden = make(a, JOIN_INVITE, NULL, NULL), shown = make(a, JOIN_APPROVAL, NULL, NULL);
    struct group card;
    struct list list;
    struct str next;

    CU_ASSERT_EQUAL(group_view(&out->ctx, hidden, &card), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(group_view(&out->ctx, fixture_friends(a, out), &card), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(group_view(&foreign->ctx, shown, &card), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(group_view(&out->ctx, shown, &card), OK);
    CU_ASSERT_TRUE(card.id == shown && card.is_member == HAS_NOT && card.member_count == 1);
    CU_ASSERT_EQUAL(card.announcement.n, 0);
    CU_ASSERT_FALSE(reads(out, shown));
    CU_ASSERT_EQUAL(join_requests_list(&out->ctx, hidden, STR_NONE, 5, &list, &next), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(join_requests_list(&out->ctx, shown, STR_NONE, 5, &list, &next), OK);
    CU_ASSERT_EQUAL(invite_links_list(&out->ctx, shown, STR_NONE, 5, &list, &next), ERR_NOT_FOUND);
    all_free();
}

static void test_requests(void)
{
    struct person *a = somebody(house, 1), *b = somebody(house, 1), *c = somebody(house, 1);
    const uint64_t id = make(a, JOIN_APPROVAL, b, NULL);
    struct call ask = {.fn = fn_ask, .id = id}, answer = {.fn = fn_accept, .id = id};
    struct join_request request;
    struct list list;
    struct str next;

    CU_ASSERT_EQUAL(do_call(b, &ask), ERR_CONFLICT);
    CU_ASSERT_EQUAL(do_call(c, &ask), OK);
    CU_ASSERT_TRUE(ask.done);
    CU_ASSERT_EQUAL(events_of(&ask, EVENT_JOIN_REQUEST, a->id), 1);
    CU_ASSERT_EQUAL(events_of(&ask, EVENT_JOIN_REQUEST, b->id), 0);
    answer.request_id = ask.request_id;
    CU_ASSERT_EQUAL(do_call(c, &ask), OK);
    CU_ASSERT_FALSE(ask.done);
    CU_ASSERT_EQUAL(ask.request_id, answer.request_id);
    CU_ASSERT_EQUAL(join_request_load(&b->ctx, ask.request_id, &request), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(join_request_load(&c->ctx, ask.request_id, &request), OK);
    CU_ASSERT_EQUAL(join_requests_list(&b->ctx, id, STR_NONE, 5, &list, &next), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(join_requests_list(&a->ctx, id, STR_NONE, 5, &list, &next), OK);
    CU_ASSERT_EQUAL(list.n, 1);
    CU_ASSERT_EQUAL(do_call(b, &answer), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(do_call(c, &answer), ERR_NOT_FOUND);
    answer.fn = fn_decline;
    CU_ASSERT_EQUAL(do_call(a, &answer), OK);
    CU_ASSERT_EQUAL(events_of(&answer, EVENT_JOIN_REQUEST, c->id), 1);
    CU_ASSERT_EQUAL(do_call(a, &answer), OK);
    answer.fn = fn_accept;
    CU_ASSERT_EQUAL(do_call(a, &answer), ERR_CONFLICT);

    CU_ASSERT_EQUAL(do_call(c, &ask), OK); /* and again */
    answer.request_id = ask.request_id;
    CU_ASSERT_EQUAL(do_call(a, &answer), OK);
    CU_ASSERT_TRUE(reads(c, id));
    CU_ASSERT_TRUE(
        says(a, id, last_seq(a, id), "{\"code\":\"member.joined\",%\"via\":\"approval\",\"by\":\"%\"}}"));
    CU_ASSERT_EQUAL(do_call(a, &answer), OK);

    /* Brought in while he waits: the request lapses. */
    CU_ASSERT_EQUAL(kick(a, id, c), OK);
    CU_ASSERT_EQUAL(do_call(c, &ask), OK);
    fixture_friends(a, c);
    CU_ASSERT_EQUAL(bring(a, id, c), OK);
    CU_ASSERT_EQUAL(join_request_load(&c->ctx, ask.request_id, &request), OK);
    CU_ASSERT_EQUAL(request.state, JOIN_LAPSED);
    answer.request_id = ask.request_id;
    CU_ASSERT_EQUAL(do_call(a, &answer), ERR_CONFLICT);

    /* Whom the owner blocks may not ask; an open group lets others in at once. */
    struct call open = {
        .fn = fn_change, .id = id, .change = {.join_policy = JOIN_OPEN, .has_join_policy = HAS_VALUE}};
    CU_ASSERT_EQUAL(kick(a, id, c), OK);
    CU_ASSERT_EQUAL(do_call(a, &open), OK);
    fixture_set_flags(a, c, PAIR_FRIENDS | fixture_block_flag(a, c));
    CU_ASSERT_EQUAL(do_call(c, &ask), ERR_BLOCKED);
    fixture_set_flags(a, c, PAIR_FRIENDS | fixture_block_flag(c, a));
    CU_ASSERT_EQUAL(do_call(c, &ask), OK);
    CU_ASSERT_TRUE(reads(c, id));
    check_groups(a);
    all_free();
}

static void test_links(void)
{
    struct person *a = somebody(house, 1), *b = somebody(house, 1), *c = somebody(house, 1),
                  *foreign = somebody(house, 2);
    const uint64_t id = make(a, JOIN_INVITE, b, NULL);
    struct call link = {.fn = fn_link, .id = id, .uses = 1}, follow = {.fn = fn_follow},
                revoke = {.fn = fn_revoke, .id = id};
    struct invite_look look;
    struct list list;
    struct str next;

    CU_ASSERT_EQUAL(do_call(b, &link), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(do_call(c, &link), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL_FATAL(do_call(a, &link), OK);
    CU_ASSERT_EQUAL(invite_links_list(&b->ctx, id, STR_NONE, 5, &list, &next), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(invite_links_list(&a->ctx, id, STR_NONE, 5, &list, &next), OK);
    CU_ASSERT_EQUAL(list.n, 1);
    CU_ASSERT_EQUAL(invite_look(&c->ctx, STR("no token"), &look), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(invite_look(&foreign->ctx, link.token, &look), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(invite_look(&c->ctx, link.token, &look), OK);
    CU_ASSERT_TRUE(look.id == id && look.member_count == 2 && !look.joined);
    follow.token = link.token;
    CU_ASSERT_EQUAL(do_call(foreign, &follow), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(do_call(b, &follow), OK); /* is in it: nothing is used up */
    CU_ASSERT_FALSE(follow.done);
    CU_ASSERT_EQUAL(do_call(c, &follow), OK);
    CU_ASSERT_TRUE(follow.done && reads(c, id));
    CU_ASSERT_TRUE(says(a, id, last_seq(a, id), "{\"code\":\"member.joined\",%\"via\":\"link\"}}"));
    CU_ASSERT_EQUAL(do_call(somebody(house, 1), &follow), ERR_LINK_EXPIRED); /* used up */
    CU_ASSERT_EQUAL(invite_links_list(&a->ctx, id, STR_NONE, 5, &list, &next), OK);
    CU_ASSERT_EQUAL(list.n, 0);

    link.uses = 0; /* any number, until it is taken back */
    CU_ASSERT_EQUAL_FATAL(do_call(a, &link), OK);
    follow.token = link.token;
    revoke.request_id = link.request_id;
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(do_call(somebody(house, 1), &follow), OK);
    CU_ASSERT_EQUAL(do_call(b, &revoke), ERR_FORBIDDEN);
    CU_ASSERT_EQUAL(do_call(a, &revoke), OK);
    CU_ASSERT_EQUAL(do_call(a, &revoke), OK);
    CU_ASSERT_EQUAL(invite_look(&foreign->ctx, link.token, &look), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(invite_look(&b->ctx, link.token, &look), ERR_LINK_EXPIRED);
    revoke.request_id = 1;
    CU_ASSERT_EQUAL(do_call(a, &revoke), ERR_NOT_FOUND);

    CU_ASSERT_EQUAL_FATAL(do_call(a, &link), OK); /* too old */
    fixture_number(a, "UPDATE invite_links SET expires_at = 1 WHERE id = %" PRIu64, link.request_id);
    follow.token = link.token;
    CU_ASSERT_EQUAL(do_call(somebody(house, 1), &follow), ERR_LINK_EXPIRED);

    CU_ASSERT_EQUAL_FATAL(do_call(a, &link), OK); /* of a group that is no more */
    struct call end = {.fn = fn_dismiss, .id = id};
    CU_ASSERT_EQUAL(do_call(a, &end), OK);
    follow.token = link.token;
    CU_ASSERT_EQUAL(do_call(b, &follow), ERR_LINK_EXPIRED);
    check_groups(a);
    all_free();
}

static void test_limits(void)
{
    struct conf small = conf;
    small.group_members_max = 3;
    small.groups_max = 2;
    struct house *tight = fixture_house(&small);
    struct person *a = somebody(tight, 1), *b = somebody(tight, 1), *c = somebody(tight, 1),
                  *d = somebody(tight, 1);
    const uint64_t first = make(a, JOIN_OPEN, b, c), second = make(a, JOIN_OPEN, b, NULL);
    struct call third = {.fn = fn_make}, ask = {.fn = fn_ask, .id = first};

    fixture_friends(a, d);
    CU_ASSERT_EQUAL(bring(a, first, d), ERR_GROUP_FULL);
    CU_ASSERT_EQUAL(do_call(d, &ask), ERR_GROUP_FULL);
    CU_ASSERT_EQUAL(do_call(a, &third), ERR_QUOTA_EXCEEDED);
    CU_ASSERT_EQUAL_FATAL(do_call(d, &third), OK);
    fixture_friends(d, b);
    CU_ASSERT_EQUAL(bring(d, third.id, b), ERR_QUOTA_EXCEEDED);
    CU_ASSERT_EQUAL(kick(b, second, b), OK); /* leaves: there is room again */
    CU_ASSERT_EQUAL(bring(d, third.id, b), OK);
    CU_ASSERT_EQUAL(kick(b, first, b), OK);
    CU_ASSERT_EQUAL(do_call(d, &ask), OK);
    check_groups(a);
    all_free();
    house_close(tight);
}

static void test_leaving_the_house(void)
{
    struct person *a = somebody(house, 1), *b = somebody(house, 1), *c = somebody(house, 1);
    const uint64_t shared = make(a, JOIN_APPROVAL, b, c), alone = make(a, JOIN_OPEN, NULL, NULL),
                   theirs = make(b, JOIN_INVITE, a, NULL);
    struct call go = {.fn = fn_abandon}, ask = {.fn = fn_ask};

    CU_ASSERT_EQUAL(set_role(a, shared, c, GROUP_ADMIN), OK);
    ask.id = make(b, JOIN_APPROVAL, NULL, NULL);
    CU_ASSERT_EQUAL(do_call(a, &ask), OK);
    CU_ASSERT_EQUAL(do_call(a, &go), OK);
    CU_ASSERT_FALSE(reads(a, shared) || reads(a, alone) || reads(a, theirs));
    CU_ASSERT_EQUAL(seen_by(c, shared).my_role, GROUP_OWNER); /* the admin before the older member */
    CU_ASSERT_EQUAL(seen_by(b, shared).member_count, 2);
    CU_ASSERT_TRUE(says(b, shared, last_seq(b, shared) - 1, "{\"code\":\"group.owner\",%"));
    CU_ASSERT_TRUE(says(b, shared, last_seq(b, shared), "{\"code\":\"member.left\",%"));
    CU_ASSERT_EQUAL(seen_by(b, theirs).member_count, 1);
    CU_ASSERT_EQUAL(fixture_number(b, "SELECT flags FROM conversations WHERE id = %" PRIu64, alone), 512);
    CU_ASSERT_EQUAL(fixture_number(b,
                                   "SELECT COUNT(*) FROM join_requests WHERE id = %" PRIu64
                                   " AND state = 3 AND message = ''",
                                   ask.request_id),
                    1);
    struct call again = {.fn = fn_abandon}; /* with nobody but a member, he inherits */
    CU_ASSERT_EQUAL(do_call(c, &again), OK);
    CU_ASSERT_EQUAL(seen_by(b, shared).my_role, GROUP_OWNER);
    check_groups(b);
    all_free();
}

static void test_many_members(void)
{
    struct person *a = somebody(house, 1);
    const uint64_t id = make(a, JOIN_OPEN, NULL, NULL), from = UINT64_C(900000000000000);
    struct str next = STR_NONE;
    struct list page;
    size_t n = 0, admins = 0;
    uint64_t last = 0;

    fixture_number(
        a,
        "INSERT INTO users (id, app_id, username, username_key, nickname, nickname_key, signature,"
        " gender, kind, state, role, locale, timezone, strangers_may_write, findable, show_last_seen,"
        " friend_count, version, created_at, last_seen_at) SELECT %" PRIu64
        " + seq, 1, NULL, NULL, 'n','n','',0,0,0,0,'en','UTC',1,1,1,0,1,1,0 FROM seq_1_to_%d",
        from, MANY - 1);
    fixture_number(
        a,
        "INSERT INTO members (conversation_id, user_id, visible_from_seq, read_seq, version, joined_at,"
        " role) SELECT %" PRIu64 ", %" PRIu64 " + seq, 1, 0, 0, 1, seq %% 1000 = 0 FROM seq_1_to_%d",
        id, from, MANY - 1);
    fixture_number(a, "UPDATE conversations SET member_count = %d WHERE id = %" PRIu64, MANY, id);
    do {
        CU_ASSERT_EQUAL_FATAL(group_members_list(&a->ctx, id, next, 200, &page, &next), OK);
        const struct group_member *members = page.items;
        for (size_t i = 0; i < page.n; i++, n++) {
            CU_ASSERT_EQUAL(members[i].role, n == 0 ? GROUP_OWNER : n < 5 ? GROUP_ADMIN : GROUP_MEMBER);
            admins += members[i].role == GROUP_ADMIN;
            CU_ASSERT(n < 2 || n == 5 || members[i].user.id > last); /* by id in each role: nobody twice */
            last = members[i].user.id;
        }
    } while (next.p);
    CU_ASSERT_EQUAL(n, MANY);
    CU_ASSERT_EQUAL(admins, 4);
    all_free();
}

/* ---- at the same moment ---- */

struct racer {
    struct person *p;
    struct call *call;
    enum err err;
};

static void *race(void *arg)
{
    struct racer *r = arg;

    r->err = do_call(r->p, r->call);
    return NULL;
}

/* Two who follow a link for one; one comes in. */
static void test_the_last_use_is_one_persons(void)
{
    struct person *a = somebody(house, 1), *b = somebody(house, 1), *c = somebody(house, 1);

    for (int round = 0; round < ROUNDS; round++) {
        struct call link = {.fn = fn_link, .id = make(a, JOIN_INVITE, NULL, NULL), .uses = 1};
        CU_ASSERT_EQUAL_FATAL(do_call(a, &link), OK);
        struct call one = {.fn = fn_follow, .token = link.token}, two = one;
        struct racer r[2] = {{.p = b, .call = &one}, {.p = c, .call = &two}};
        pthread_t threads[2];
        for (int i = 0; i < 2; i++)
            pthread_create(&threads[i], NULL, race, &r[i]);
        for (int i = 0; i < 2; i++)
            pthread_join(threads[i], NULL);
        CU_ASSERT_TRUE((r[0].err == OK && r[1].err == ERR_LINK_EXPIRED) ||
                       (r[1].err == OK && r[0].err == ERR_LINK_EXPIRED));
        CU_ASSERT_EQUAL(seen_by(a, link.id).member_count, 2);
    }
    check_groups(a);
    all_free();
}

struct handing {
    struct person *two[2];
    uint64_t group;
    atomic_bool over;
};

static void *hand_to_and_fro(void *arg)
{
    struct handing *h = arg;

    for (int i = 0; i < HANDINGS; i++) {
        struct call c = {.fn = fn_hand_over, .id = h->group, .user_id = h->two[(i + 1) % 2]->id};
        CU_ASSERT_EQUAL(do_call(h->two[i % 2], &c), OK);
    }
    h->over = true;
    return NULL;
}

/* Whoever reads a page meanwhile finds each of them once, and one owner. */
static void test_a_page_is_of_one_moment(void)
{
    struct person *a = somebody(house, 1), *b = somebody(house, 1), *c = somebody(house, 1);
    struct handing h = {.two = {a, b}, .group = make(a, JOIN_INVITE, b, c)};
    unsigned wrong = 0, read = 0;
    struct list page;
    struct str next;
    pthread_t thread;

    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, hand_to_and_fro, &h), 0);
    do {
        CU_ASSERT_EQUAL_FATAL(group_members_list(&c->ctx, h.group, STR_NONE, 10, &page, &next), OK);
        const struct group_member *m = page.items;
        wrong += page.n != 3 || m[0].role != GROUP_OWNER || m[1].role == GROUP_OWNER ||
                 m[0].user.id + m[1].user.id != a->id + b->id || m[2].user.id != c->id;
        read++;
    } while (!h.over);
    pthread_join(thread, NULL);
    CU_ASSERT_TRUE(read > 1);
    CU_ASSERT_EQUAL(wrong, 0);
    all_free();
}

struct hammer {
    struct person *all[PEOPLE];
    uint64_t group;
    int me, wrong;
};

static enum err anything(struct person *me, struct call *c, unsigned dice, struct person *other)
{
    static enum err (*const fns[])(struct ctx *, struct call *) = {
        fn_bring, fn_remove, fn_hand_over, fn_member, fn_ask, fn_change, fn_accept, fn_decline};

    c->fn = fns[dice % (sizeof fns / sizeof *fns)];
    c->ids[0] = c->user_id = other->id;
    c->n = 1;
    c->member = (struct member_change){.role = (int)(dice / 8 % 2), .has_role = HAS_VALUE};
    c->change = (struct group_change){.join_policy = (int)(dice / 8 % 2), .has_join_policy = HAS_VALUE};
    if (c->fn == fn_remove && dice / 16 % 2)
        c->user_id = me->id;
    if (c->fn == fn_accept || c->fn == fn_decline) {
        struct list open;
        struct str next;
        if (join_requests_list(&me->ctx, c->id, STR_NONE, 1, &open, &next) != OK || !open.n)
            return OK;
        c->request_id = ((struct join_request *)open.items)->id;
    }
    return do_call(me, c);
}

static void *hammer(void *arg)
{
    struct hammer *h = arg;
    unsigned dice = (unsigned)h->me * 7919 + 1;

    for (int i = 0; i < ROUNDS; i++) {
        struct call c = {.id = h->group};
        dice = dice * 1103515245 + 12345;
        const enum err err = anything(h->all[h->me], &c, dice >> 8, h->all[(dice >> 20) % PEOPLE]);
        h->wrong += err != OK && err != ERR_CONFLICT && err != ERR_NOT_FOUND && err != ERR_FORBIDDEN;
    }
    return NULL;
}

static void test_hammering(void)
{
    struct hammer h[PEOPLE] = {0};
    pthread_t threads[PEOPLE];

    for (int i = 0; i < PEOPLE; i++)
        h[0].all[i] = somebody(house, 1);
    for (int i = 0; i < PEOPLE; i++)
        for (int j = i + 1; j < PEOPLE; j++)
            fixture_friends(h[0].all[i], h[0].all[j]);
    h[0].group = make(h[0].all[0], JOIN_APPROVAL, h[0].all[1], h[0].all[2]);
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
    check_groups(h[0].all[0]);
    CU_ASSERT_TRUE(last_seq(h[0].all[0], h[0].group) > 2);
    all_free();
}

/* ---- delivery ---- */

static void test_delivery(void)
{
    struct person *a = somebody(house, 1), *b = somebody(house, 1);
    const uint64_t id = make(a, JOIN_INVITE, b, NULL);
    const struct event events[] = {
        {.kind = EVENT_GROUP, .id = id, .version = 1},
        {.kind = EVENT_GROUP_LEFT, .to_id = b->id, .id = id, .other_id = GROUP_REMOVED, .version = 9},
        {.kind = EVENT_ENTRY, .id = id, .seq = 2},
        {.kind = EVENT_JOIN_REQUEST, .id = 12345},
    };
    struct str json[4];

    CU_ASSERT_EQUAL_FATAL(deliver(&b->ctx, events, 4, json), OK);
    CU_ASSERT_TRUE(str_starts(json[0], STR("{\"type\":\"group\",\"group\":{\"id\":\"")));
    CU_ASSERT_TRUE(str_starts(json[1], STR("{\"type\":\"group.left\",\"conversation_id\":\"")));
    CU_ASSERT_TRUE(str_starts(json[2], STR("{\"type\":\"entry\"")));
    CU_ASSERT_PTR_NULL(json[3].p);
    CU_ASSERT_EQUAL(kick(a, id, b), OK);
    CU_ASSERT_EQUAL_FATAL(deliver(&b->ctx, events, 4, json), OK);
    CU_ASSERT_PTR_NULL(json[0].p); /* he hears that he is out, and nothing else */
    CU_ASSERT_PTR_NOT_NULL(json[1].p);
    CU_ASSERT_PTR_NULL(json[2].p);
    all_free();
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"making one", test_make},
        {"coming in by a friend's hand", test_coming_in},
        {"going out, and in again", test_going_out_and_in_again},
        {"owner, admins, members", test_roles},
        {"nicknames", test_nicknames},
        {"each change is said", test_changes},
        {"what outsiders see", test_outsiders},
        {"requests to join", test_requests},
        {"invite links", test_links},
        {"limits", test_limits},
        {"who leaves the house", test_leaving_the_house},
        {"5,000 members, page by page", test_many_members},
        {"events as they are told", test_delivery},
        {"the last use of a link is one person's", test_the_last_use_is_one_persons},
        {"a page of members is of one moment", test_a_page_is_of_one_moment},
        {"everybody does anything", test_hammering},
    };

    house = fixture_open(&conf);
    const int code = FIXTURE_RUN("groups", tests);
    house_close(house);
    return code;
}
