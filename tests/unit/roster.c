/* Who may write, in every standing; and rosters: found by their version only, and let go of for a newcomer.
 */
#include "model/roster.h"

#include <CUnit/Basic.h>
#include <stdlib.h>

#include "lib/fixture.h"
#include "model/conversations.h"

enum { ANN = 10, BOB = 20, CID = 30, NOW = 1000 };

static void test_pairs(void)
{
    static const struct {
        unsigned flags;
        enum err ann, cid;
    } cases[] = {
        {PAIR_OPEN | PAIR_FRIENDS, OK, ERR_NOT_FOUND},
        {PAIR_OPEN, ERR_NOT_FRIENDS, ERR_NOT_FOUND},
        {PAIR_OPEN | PAIR_STRANGERS, OK, ERR_NOT_FOUND},
        {PAIR_OPEN | PAIR_FRIENDS | PAIR_LOW_BLOCKS, ERR_BLOCKED, ERR_NOT_FOUND},
        {PAIR_OPEN | PAIR_STRANGERS | PAIR_HIGH_BLOCKS, ERR_BLOCKED, ERR_NOT_FOUND},
        {PAIR_FRIENDS, ERR_NOT_FOUND, ERR_NOT_FOUND},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct place place = {CONVERSATION_DIRECT, ANN, BOB, cases[i].flags};
        CU_ASSERT_EQUAL(conversation_may_send(&place, ANN, NULL, NOW), cases[i].ann);
        CU_ASSERT_EQUAL(conversation_may_send(&place, BOB, NULL, NOW), cases[i].ann);
        CU_ASSERT_EQUAL(conversation_may_send(&place, CID, NULL, NOW), cases[i].cid);
    }
    const struct place notebook = {CONVERSATION_DIRECT, ANN, ANN, PAIR_OPEN};
    CU_ASSERT_EQUAL(conversation_may_send(&notebook, ANN, NULL, NOW), OK);
    CU_ASSERT_EQUAL(conversation_may_send(&notebook, BOB, NULL, NOW), ERR_NOT_FOUND);
}

static void test_groups(void)
{
    static const struct {
        unsigned flags;
        struct roster_member me;
        enum err err;
    } cases[] = {
        {0, {ANN, 1, GROUP_MEMBER, 0, false}, OK},
        {0, {ANN, 1, GROUP_MEMBER, NOW, false}, OK}, /* until then, not longer */
        {0, {ANN, 1, GROUP_MEMBER, NOW + 1, false}, ERR_MUTED},
        {GROUP_MUTE_ALL, {ANN, 1, GROUP_MEMBER, 0, false}, ERR_GROUP_MUTED},
        {GROUP_MUTE_ALL, {ANN, 1, GROUP_MEMBER, NOW + 1, false}, ERR_MUTED},
        {GROUP_MUTE_ALL, {ANN, 1, GROUP_ADMIN, 0, false}, OK},
        {GROUP_MUTE_ALL, {ANN, 1, GROUP_OWNER, 0, false}, OK},
        {GROUP_IS_DISMISSED, {ANN, 1, GROUP_OWNER, 0, false}, ERR_NOT_FOUND},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct place place = {CONVERSATION_GROUP, 0, 0, cases[i].flags};
        CU_ASSERT_EQUAL(conversation_may_send(&place, ANN, &cases[i].me, NOW), cases[i].err);
        CU_ASSERT_EQUAL(conversation_may_send(&place, ANN, NULL, NOW), ERR_NOT_FOUND);
    }
    const struct place notice = {CONVERSATION_NOTICE, 0, 0, 0};
    CU_ASSERT_EQUAL(conversation_may_send(&notice, ANN, &cases[0].me, NOW), ERR_NOT_FOUND);
}

static void test_rosters(void)
{
    static const struct roster_member members[] = {{CID, 1, GROUP_OWNER, 0, false},
                                                   {ANN, 4, GROUP_MEMBER, 0, false}};
    struct rosters *rosters = rosters_new();

    CU_ASSERT_PTR_NULL(rosters_get(rosters, 1, 7));
    const struct roster *roster = rosters_put(rosters, 1, 7, members, 2);
    CU_ASSERT_PTR_EQUAL(rosters_get(rosters, 1, 7), roster);
    CU_ASSERT_PTR_NULL(rosters_get(rosters, 1, 8));
    CU_ASSERT_PTR_NULL(rosters_get(rosters, 2, 7));
    CU_ASSERT_EQUAL_FATAL(roster->n, 2);
    CU_ASSERT_EQUAL(roster->members[0].user_id, ANN);
    CU_ASSERT_EQUAL(roster_find(roster, CID)->role, GROUP_OWNER);
    CU_ASSERT_EQUAL(roster_find(roster, ANN)->visible_from_seq, 4);
    CU_ASSERT_PTR_NULL(roster_find(roster, BOB));
    roster = rosters_put(rosters, 1, 8, NULL, 0);
    CU_ASSERT_PTR_NULL(rosters_get(rosters, 1, 7));
    CU_ASSERT_PTR_NULL(roster_find(roster, ANN));
    /* Far more than are kept: each is there while it is the newest. */
    for (uint64_t id = 2; id < 10000; id++) {
        roster = rosters_put(rosters, id, 1, members, 2);
        CU_ASSERT_PTR_EQUAL(rosters_get(rosters, id, 1), roster);
    }
    rosters_free(rosters);
}

/* A million members at the most are kept, however they are spread over groups. */
static void test_rosters_are_bounded(void)
{
    enum { MANY = 5000, GROUPS = 500 };
    static struct roster_member members[MANY];
    struct rosters *rosters = rosters_new();
    size_t kept = 0;

    for (uint64_t i = 0; i < MANY; i++)
        members[i].user_id = i + 1;
    for (uint64_t id = 1; id <= GROUPS; id++) {
        const struct roster *roster = rosters_put(rosters, id, 1, members, MANY);
        CU_ASSERT_PTR_EQUAL(rosters_get(rosters, id, 1), roster);
    }
    for (uint64_t id = 1; id <= GROUPS; id++)
        kept += rosters_get(rosters, id, 1) != NULL;
    CU_ASSERT(kept * MANY <= 1000000);
    CU_ASSERT(kept * MANY > 900000);
    rosters_free(rosters);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"pairs", test_pairs},
        {"groups", test_groups},
        {"rosters", test_rosters},
        {"rosters are bounded", test_rosters_are_bounded},
    };
    return FIXTURE_RUN("roster", tests);
}
