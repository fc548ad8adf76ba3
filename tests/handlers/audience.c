/*
 * Audiences: for whom an entry is the same, and that its words with the bell are those that he would read
 * himself; who is told by the reference alone, and that nobody else's eyes are lent to him.
 */
#include "model/audience.h"

#include <CUnit/Basic.h>
#include <stdlib.h>

#include "lib/fixture.h"
#include "model/changes.h"
#include "model/deliver.h"
#include "model/log.h"

enum { APP = 1, PEOPLE = 6 };
/* The group's people; NEWCOMER comes when something was said already. */
enum { SPEAKER, REACTOR, HIDER, PLAIN, OTHER, NEWCOMER };

static struct house *house;
static struct person *people[PEOPLE];
static uint64_t group_id;

/* ---- what happens in the group, each in a transaction ---- */

struct act {
    enum err (*fn)(struct ctx *ctx, struct act *act);
    struct entry_ref ref;
    const char *emoji;
    bool there;
    uint64_t seq; /* out: of the entry that it wrote */
};

static enum err fn_make(struct ctx *ctx, struct act *act)
{
    uint64_t ids[PEOPLE];
    size_t n = 0;

    (void)act;
    for (int i = REACTOR; i < NEWCOMER; i++)
        ids[n++] = people[i]->id;
    return group_make(ctx, STR("Tea house"), JOIN_INVITE, ids, n, &group_id);
}

static enum err fn_bring(struct ctx *ctx, struct act *act)
{
    bool any;

    (void)act;
    return group_bring_in(ctx, group_id, &people[NEWCOMER]->id, 1, &any);
}

static enum err fn_leave(struct ctx *ctx, struct act *act)
{
    (void)act;
    return group_remove(ctx, group_id, ctx->actor.user_id);
}

static enum err fn_say(struct ctx *ctx, struct act *act)
{
    struct conversation_row conv;
    struct log_draft draft = {.sender_id = ctx->actor.user_id,
                              .type = ENTRY_TEXT,
                              .counts = true,
                              .content = entry_text_content(ctx->arena, STR("the secret"))};
    uint64_t id;

    (void)act;
    TRY(ctx_id(ctx, &id));
    memcpy(draft.client_msg_id, &id, sizeof id);
    TRY(conversation_lock(ctx, group_id, &conv));
    return log_append(ctx, &conv, &draft, NULL);
}

static enum err fn_react(struct ctx *ctx, struct act *act)
{
    struct entry entry;
    return entry_react(ctx, &act->ref, str_of(act->emoji), act->there, &entry);
}

static enum err fn_edit(struct ctx *ctx, struct act *act)
{
    struct entry entry;
    return entry_edit(ctx, &act->ref, STR("a better secret"), &entry);
}

static enum err fn_recall(struct ctx *ctx, struct act *act)
{
    return entry_recall(ctx, &act->ref);
}

static enum err fn_hide(struct ctx *ctx, struct act *act)
{
    return entry_hide(ctx, &act->ref);
}

static enum err run_act(struct ctx *ctx, void *arg)
{
    struct act *act = arg;

    TRY(act->fn(ctx, act));
    for (size_t i = 0; i < ctx->events.n; i++)
        if (ctx->events.items[i].kind == EVENT_ENTRY)
            act->seq = ctx->events.items[i].seq;
    return OK;
}

/* The seq of what was written by it. */
static uint64_t act(int who, struct act act)
{
    CU_ASSERT_EQUAL_FATAL(tx_run(&people[who]->ctx, run_act, &act), OK);
    return act.seq;
}

static uint64_t react(int who, uint64_t seq, const char *emoji, bool there)
{
    return act(who, (struct act){fn_react, {group_id, seq}, emoji, there, 0});
}

static uint64_t do_to(int who, enum err (*fn)(struct ctx *ctx, struct act *act), uint64_t seq)
{
    return act(who, (struct act){.fn = fn, .ref = {group_id, seq}});
}

/* A group in which something was said, which one hid and one came after. */
static uint64_t begin(void)
{
    for (int i = 0; i < PEOPLE; i++) {
        people[i] = person_new(house, APP);
        if (i)
            fixture_friends(people[SPEAKER], people[i]);
    }
    do_to(SPEAKER, fn_make, 0);
    const uint64_t seq = do_to(SPEAKER, fn_say, 0);
    do_to(SPEAKER, fn_bring, 0);
    do_to(HIDER, fn_hide, seq);
    return seq;
}

static void end(void)
{
    for (int i = 0; i < PEOPLE; i++)
        person_free(people[i]);
}

/* ---- who is told, and how ---- */

enum { NOT_TOLD, TOLD, APART };

static enum err audience_of(struct ctx *ctx, const struct event *e, struct audience *audience,
                            struct told *told)
{
    struct ringjob *job = ringjob_new(1, e, 1, NULL);

    *audience = (struct audience){.ctx = ctx};
    const enum err err = audience_add(audience, job, told);
    free(job);
    return err;
}

/* How somebody is told. What goes out with the bell is what he would read. */
static int told_to(int who, const struct event *e, const struct audience *audience, const struct told *told)
{
    struct str own;

    for (size_t i = 0; i < audience->n; i++) {
        if (audience->targets[i].user_id != people[who]->id)
            continue;
        if (audience->targets[i].event == &told->apart)
            return APART;
        CU_ASSERT_EQUAL(deliver(&people[who]->ctx, e, 1, &own), OK);
        CU_ASSERT_TRUE(str_eq(told->common.json, own));
        return TOLD;
    }
    return NOT_TOLD;
}

/* Of the entry `seq`; gives the words of most. */
static struct str check(uint64_t seq, const int expected[PEOPLE])
{
    const struct event e = {.kind = EVENT_ENTRY, .id = group_id, .seq = seq};
    struct problem problem = {0};
    struct ctx nobody = {.arena = people[SPEAKER]->ctx.arena,
                         .db = people[SPEAKER]->ctx.db,
                         .house = house,
                         .problem = &problem};
    struct audience audience;
    struct told told;

    CU_ASSERT_EQUAL_FATAL(audience_of(&nobody, &e, &audience, &told), OK);
    CU_ASSERT_EQUAL(told.apart.json.n, 0);
    CU_ASSERT_TRUE(str_eq(told.apart.reference, told.common.reference));
    for (int i = 0; i < PEOPLE; i++) {
        const int how = told_to(i, &e, &audience, &told);
        if (how != expected[i])
            printf("\n    person %d of seq %llu: %d", i, (unsigned long long)seq, how);
        CU_ASSERT_EQUAL(how, expected[i]);
    }
    return told.common.json;
}

static bool says(struct str json, const char *words)
{
    return memmem(json.p, json.n, words, strlen(words)) != NULL;
}

/* ---- the tests ---- */

static void test_a_reaction(void)
{
    const uint64_t seq = begin();
    static const int first[] = {TOLD, APART, APART, TOLD, TOLD, APART};
    static const int second[] = {TOLD, APART, APART, TOLD, APART, APART};
    static const int none[] = {TOLD, TOLD, APART, TOLD, TOLD, APART};

    CU_ASSERT_TRUE(says(check(react(REACTOR, seq, "👍", true), first), "\"count\":1,\"mine\":false"));
    CU_ASSERT_TRUE(says(check(react(OTHER, seq, "👍", true), second), "\"count\":2,\"mine\":false"));
    react(OTHER, seq, "👍", false);
    CU_ASSERT_TRUE(says(check(react(REACTOR, seq, "👍", false), none), "\"reactions\":[]"));
    end();
}

static void test_an_edit_and_a_recall(void)
{
    const uint64_t seq = begin();
    static const int edited[] = {TOLD, APART, APART, TOLD, TOLD, APART};
    static const int recalled[] = {TOLD, TOLD, APART, TOLD, TOLD, APART};

    react(REACTOR, seq, "👍", true);
    const uint64_t edit = do_to(SPEAKER, fn_edit, seq);
    CU_ASSERT_TRUE(says(check(edit, edited), "a better secret"));
    const struct str gone = check(do_to(SPEAKER, fn_recall, seq), recalled);
    CU_ASSERT_TRUE(says(gone, "\"type\":\"recall\""));
    CU_ASSERT_FALSE(says(gone, "secret"));
    CU_ASSERT_FALSE(says(check(edit, recalled), "secret")); /* rung once more: nothing comes back */
    end();
}

static void test_an_entry_itself(void)
{
    const uint64_t seq = begin();
    static const int said[] = {TOLD, APART, APART, TOLD, TOLD, NOT_TOLD};
    static const int joined[] = {TOLD, TOLD, TOLD, TOLD, TOLD, TOLD};
    static const int left[] = {TOLD, TOLD, TOLD, NOT_TOLD, TOLD, TOLD};
    static const int nowhere[] = {APART, APART, APART, NOT_TOLD, APART, APART};

    react(REACTOR, seq, "👍", true);
    CU_ASSERT_TRUE(says(check(seq, said), "the secret"));
    CU_ASSERT_TRUE(says(check(seq + 1, joined), "\"type\":\"system\""));
    do_to(PLAIN, fn_leave, 0);
    const uint64_t last = do_to(SPEAKER, fn_say, 0);
    CU_ASSERT_TRUE(says(check(last, left), "the secret"));
    CU_ASSERT_EQUAL(check(last + 9, nowhere).n, 0);
    end();
}

/* What was read is not what stands there any more: nobody is given it. */
static void test_a_change_in_between(void)
{
    const uint64_t seq = begin();
    struct ctx *ctx = &people[SPEAKER]->ctx;
    struct seeing_row *rows;
    size_t n, apart = 0;

    const uint64_t read = react(REACTOR, seq, "👍", true), since = react(OTHER, seq, "👍", true);
    CU_ASSERT_EQUAL(q_members_seeing(ctx, group_id, read, seq, read, &rows, &n), OK);
    CU_ASSERT_EQUAL(n, PEOPLE);
    for (size_t i = 0; i < n; i++)
        apart += rows[i].apart;
    CU_ASSERT_EQUAL(apart, PEOPLE);
    apart = 0;
    CU_ASSERT_EQUAL(q_members_seeing(ctx, group_id, read, seq, since, &rows, &n), OK);
    for (size_t i = 0; i < n; i++)
        apart += rows[i].apart;
    CU_ASSERT_EQUAL(apart, 4); /* two reacted, one hid it, one came after it */
    end();
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"a reaction", test_a_reaction},
        {"an edit and a recall", test_an_edit_and_a_recall},
        {"an entry itself", test_an_entry_itself},
        {"a change in between", test_a_change_in_between},
    };
    struct conf conf;

    house = fixture_open(&conf);
    const int failed = FIXTURE_RUN("audience", tests);
    house_close(house);
    return failed;
}
