/* The bell's elements: packing, hostile ones, and the order of numbers. */
#include "model/bell.h"

#include <CUnit/Basic.h>
#include <stdlib.h>

#include "lib/fixture.h"

static struct bell_pair pairs[] = {{1, 2}, {UINT64_MAX, 4}};

static struct str packed(struct arena *arena)
{
    struct bell bell = {.kind = BELL_EVENT,
                        .ringer = UINT64_MAX,
                        .number = 3,
                        .rung_at_ms = 5,
                        .session_id = 6,
                        .pairs = pairs,
                        .n_pairs = 2,
                        .json = STR("{\"type\":\"entry\"}")};

    memset(bell.epoch.text, 'e', sizeof bell.epoch.text);
    return bell_pack(&bell, arena);
}

static void there_and_back(void)
{
    struct arena *arena = arena_new();
    struct bell bell;

    CU_ASSERT_EQUAL_FATAL(bell_unpack(packed(arena), arena, &bell), OK);
    CU_ASSERT_EQUAL(bell.kind, BELL_EVENT);
    CU_ASSERT_EQUAL(bell.ringer, UINT64_MAX);
    CU_ASSERT_EQUAL(bell.number, 3);
    CU_ASSERT_EQUAL(bell.rung_at_ms, 5);
    CU_ASSERT_EQUAL(bell.session_id, 6);
    CU_ASSERT_EQUAL(bell.epoch.text[EPOCH_BYTES - 1], 'e');
    CU_ASSERT_EQUAL_FATAL(bell.n_pairs, 2);
    CU_ASSERT_EQUAL(bell.pairs[1].user_id, UINT64_MAX);
    CU_ASSERT_EQUAL(bell.pairs[1].n, 4);
    CU_ASSERT_TRUE(str_eq(bell.json, STR("{\"type\":\"entry\"}")));
    arena_free(arena);
}

/* A copy in memory of exactly its size, so that reading past it is seen. */
static enum err unpack_cut(struct arena *arena, struct str whole, size_t n)
{
    char *cut = malloc(n ? n : 1);
    struct bell bell;

    CU_ASSERT_PTR_NOT_NULL_FATAL(cut);
    memcpy(cut, whole.p, n);
    const enum err err = bell_unpack((struct str){cut, n}, arena, &bell);
    free(cut);
    return err;
}

static void cut_ones_are_refused(void)
{
    struct arena *arena = arena_new();
    const struct str whole = packed(arena);
    const size_t fixed = whole.n - STR("{\"type\":\"entry\"}").n;

    for (size_t n = 0; n < fixed; n++)
        CU_ASSERT_EQUAL(unpack_cut(arena, whole, n), ERR_INVALID_REQUEST);
    CU_ASSERT_EQUAL(unpack_cut(arena, whole, fixed), OK);
    arena_free(arena);
}

static void wrong_ones_are_refused(void)
{
    struct arena *arena = arena_new();
    const struct str whole = packed(arena);
    struct bell bell;

    for (int kind = 0; kind < 256; kind++) {
        char *p = arena_copy(arena, whole.p, whole.n);
        p[0] = (char)(unsigned char)kind;
        const bool known = kind == BELL_EVENT || kind == BELL_WHISPER; /* BELL_SUPERSEDED has one pair */
        CU_ASSERT_EQUAL(bell_unpack((struct str){p, whole.n}, arena, &bell),
                        known ? OK : ERR_INVALID_REQUEST);
    }
    const struct str huge = {arena_alloc(arena, BELL_JSON_MAX + 1000), BELL_JSON_MAX + 1000};
    *(char *)(uintptr_t)huge.p = BELL_EVENT;
    CU_ASSERT_EQUAL(bell_unpack(huge, arena, &bell), ERR_INVALID_REQUEST);
    arena_free(arena);
}

static void jumps_are_seen(void)
{
    struct bell_order *order = calloc(1, sizeof *order);

    CU_ASSERT_PTR_NOT_NULL_FATAL(order);
    CU_ASSERT_TRUE(bell_follows(order, 7, 1));
    CU_ASSERT_TRUE(bell_follows(order, 7, 2));
    CU_ASSERT_TRUE(bell_follows(order, 8, 1));
    CU_ASSERT_FALSE(bell_follows(order, 7, 4));
    CU_ASSERT_TRUE(bell_follows(order, 7, 5));
    CU_ASSERT_FALSE(bell_follows(order, 7, 5));
    CU_ASSERT_FALSE(bell_follows(order, 9, 2)); /* its first was lost */
    free(order);
}

static void the_oldest_is_forgotten(void)
{
    struct bell_order *order = calloc(1, sizeof *order);

    CU_ASSERT_PTR_NOT_NULL_FATAL(order);
    for (uint64_t key = 1; key <= BELL_ORDER_MAX; key++)
        CU_ASSERT_EQUAL(bell_next(order, key), 1);
    CU_ASSERT_EQUAL(bell_next(order, 1), 2);
    CU_ASSERT_TRUE(bell_next(order, BELL_ORDER_MAX + 1) > 1); /* in the place of 2 */
    CU_ASSERT_EQUAL(bell_next(order, 1), 3);
    const uint64_t again = bell_next(order, 2);
    CU_ASSERT_TRUE(again > 1); /* a number that it never had, so that it cannot pass for heard */
    CU_ASSERT_EQUAL(bell_next(order, 2), again + 1);
    free(order);
}

static void what_was_rung_must_be_heard(void)
{
    struct bell_order *order = calloc(1, sizeof *order);

    CU_ASSERT_PTR_NOT_NULL_FATAL(order);
    CU_ASSERT_FALSE(bell_heard(order, 7, 1)); /* all that it ever rang was lost */
    CU_ASSERT_TRUE(bell_heard(order, 7, 1));  /* once */
    CU_ASSERT_TRUE(bell_follows(order, 7, 2));
    CU_ASSERT_TRUE(bell_heard(order, 7, 1)); /* said before */
    CU_ASSERT_TRUE(bell_heard(order, 7, 2));
    CU_ASSERT_FALSE(bell_heard(order, 7, 4)); /* 3 and 4 */
    CU_ASSERT_TRUE(bell_follows(order, 7, 5));
    CU_ASSERT_FALSE(bell_heard(order, 8, 1)); /* each ringer for itself */
    CU_ASSERT_TRUE(bell_heard(order, 7, 5));
    free(order);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"there and back", there_and_back},
        {"cut ones are refused", cut_ones_are_refused},
        {"wrong ones are refused", wrong_ones_are_refused},
        {"jumps are seen", jumps_are_seen},
        {"the oldest is forgotten", the_oldest_is_forgotten},
        {"what was rung must be heard", what_was_rung_must_be_heard},
    };
    return FIXTURE_RUN("bell", tests);
}
