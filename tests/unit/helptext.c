/* What a model answers to helps, in the forms that models like: points with their entries, replies to choose
 * from. */
#include "model/helptext.h"

#include <CUnit/Basic.h>
#include <stdio.h>

#include "lib/fixture.h"
#include "model/replytext.h"

/* "text<seq,seq>|…" */
static struct str points_text(struct arena *arena, const char *answer)
{
    const struct list points = help_points(arena, str_of(answer), 10, 20);
    struct buf b = buf_in(arena);

    for (size_t i = 0; i < points.n; i++) {
        const struct help_point *point = (const struct help_point *)points.items + i;
        const int64_t *seqs = point->seqs.items;
        buf_printf(&b, "%.*s<", STR_ARG(point->text));
        for (size_t j = 0; j < point->seqs.n; j++)
            buf_printf(&b, j ? ",%lld" : "%lld", (long long)seqs[j]);
        buf_c(&b, ">|");
    }
    return buf_done(&b);
}

static void test_points(void)
{
    static const struct {
        const char *answer, *points;
    } cases[] = {
        {"one [11]", "one<11>|"},
        {"- one [11][12]\n\n* two [13, 14]\n", "one<11,12>|two<13,14>|"},
        {"1. 你好 [20]。\n10) ten", "你好 。<20>|ten<>|"},
        {"not told of: [10] [21] [99999999999999999999]",
         "not told of:   [99999999999999999999]<>|"}, /* it is no number */
        {"twice [11][11, 11]", "twice<11>|"},
        {"no number [x] [1,y] [] [12", "no number [x] [1,y] [] [12<>|"},
        {"[11]\n[12] \n-", "-<>|"},
        {"", ""},
        {"\n\n", ""},
        {"2026 was a year", "2026 was a year<>|"},
    };
    struct arena *arena = arena_new();

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct str found = points_text(arena, cases[i].answer);
        if (!str_eq(found, str_of(cases[i].points))) {
            fprintf(stderr, "%s: %.*s\n", cases[i].answer, STR_ARG(found));
            CU_FAIL("other points");
        }
    }
    struct buf many = buf_in(arena);
    for (int i = 0; i < 100; i++)
        buf_printf(&many, "point %d [11][12][13][14][15][16][17][18][19][20][11]\n", i);
    const struct list points = help_points(arena, buf_done(&many), 10, 20);
    CU_ASSERT_EQUAL(points.n, HELP_POINTS_MAX);
    CU_ASSERT_EQUAL(((const struct help_point *)points.items)->seqs.n, 10);
    arena_free(arena);
}

static void test_suggestions(void)
{
    static const struct {
        const char *answer, *first, *last;
        size_t n;
    } cases[] = {
        {"yes\nno\nperhaps\nnever", "yes", "perhaps", 3},
        {"1. \"yes\"\n\n2. “no”", "yes", "no", 2},
        {"「好的」", "好的", "好的", 1},
        {"\"", "\"", "\"", 1},
    };
    struct arena *arena = arena_new();

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct list found = help_suggestions(arena, str_of(cases[i].answer));
        const struct str *items = found.items;
        CU_ASSERT_EQUAL_FATAL(found.n, cases[i].n);
        CU_ASSERT_TRUE(str_eq(items[0], str_of(cases[i].first)));
        CU_ASSERT_TRUE(str_eq(items[found.n - 1], str_of(cases[i].last)));
    }
    CU_ASSERT_EQUAL(help_suggestions(arena, STR(" \n\n")).n, 0);
    struct buf wide = buf_in(arena);
    for (int i = 0; i < 300; i++)
        buf_c(&wide, "驿");
    const struct list found = help_suggestions(arena, buf_done(&wide));
    CU_ASSERT_EQUAL_FATAL(found.n, 1);
    CU_ASSERT_EQUAL(((const struct str *)found.items)->n, 3 * HELP_SUGGESTION_CHARS);
    arena_free(arena);
}

static void test_asking_for_a_reply(void)
{
    static const char *const wrong[] = {"",
                                        ":",
                                        "1",
                                        "1:",
                                        ":1",
                                        "0:1",
                                        "1:-1",
                                        "1:x",
                                        "x:1",
                                        "1:1:1",
                                        " 1:1",
                                        "18446744073709551616:1",
                                        "1:9223372036854775808"};
    struct reply_ask ask;

    CU_ASSERT_TRUE(reply_ask_parse(STR("18446744073709551615:8000"), &ask));
    CU_ASSERT_EQUAL(ask.reply_id, UINT64_MAX);
    CU_ASSERT_EQUAL(ask.offset, 8000);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CU_ASSERT_FALSE(reply_ask_parse(str_of(wrong[i]), &ask));
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"points", test_points},
        {"suggestions", test_suggestions},
        {"asking for a reply", test_asking_for_a_reply},
    };
    return FIXTURE_RUN("helptext", tests);
}
