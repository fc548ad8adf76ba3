/* Words of a text: how it is cut, what it is filed under, what a query finds in it and where, and how that is
 * shown. */
#include "model/wording.h"

#include <CUnit/Basic.h>
#include <stdio.h>

#include "ext/unicode.h"
#include "lib/fixture.h"
#include "model/search.h"
#include "model/snippet.h"

static struct arena *arena;

static struct words words(const char *text)
{
    struct words w = {0};

    CU_ASSERT_EQUAL_FATAL(wording_of(arena, str_of(text), &w), OK);
    return w;
}

/* Terms with a space between them, in their order. */
static void expect_terms(const char *text, const char *expected)
{
    const struct words w = words(text);
    const struct terms t = wording_terms(arena, &w);
    struct buf b = buf_in(arena);

    for (size_t i = 0; i < t.n; i++) {
        if (i)
            buf_char(&b, ' ');
        buf_str(&b, t.items[i]);
    }
    CU_ASSERT_TRUE(str_eq(buf_done(&b), str_of(expected)));
}

static void test_terms(void)
{
    expect_terms("", "");
    expect_terms("Hello", "h he hel hell");
    expect_terms("ab, AB; a-b", "a ab b");
    expect_terms("Straße", "s st str stra strass");
    expect_terms("Café", "c ca caf cafe");
    expect_terms("Cafe\u0301", "c ca caf cafe");
    expect_terms("ﬁ", "f fi");
    expect_terms("你好世界", "世界 你好 好世");
    expect_terms("你", "你");
    expect_terms("你 好", "你 好");
    expect_terms("你好ok", "o ok 你好");
    expect_terms("42nd", "4 42 42n 42nd");
    expect_terms("👍 … % _ !", "");
    expect_terms("Привет", "п пр при прив привет");
    expect_terms("abcdefghijklmnopqrstuvwxyz", "a ab abc abcd abcdef abcdefgh abcdefghijkl abcdefghijklmnop");
}

static void test_bounds(void)
{
    struct buf latin = buf_in(arena), han = buf_in(arena);

    for (int i = 0; i < 8000; i++) {
        buf_printf(&latin, "%d ", i);
        unicode_put(&han, 0x4e00 + i);
    }
    const struct words a = words(str_c(arena, buf_done(&latin))), b = words(str_c(arena, buf_done(&han)));
    CU_ASSERT_TRUE(wording_terms(arena, &a).n <= WORDING_TERMS_MAX);
    CU_ASSERT_EQUAL(wording_terms(arena, &b).n, WORDING_TERMS_MAX);
    CU_ASSERT_EQUAL(wording_query_terms(arena, &b, 12).n, 12);
    CU_ASSERT_EQUAL(b.n, 1);
    CU_ASSERT_EQUAL(b.n_source, 8000);
    struct words w;
    CU_ASSERT_EQUAL(wording_of(arena, STR("a\xff"), &w), ERR_INVALID_REQUEST);
}

/* Spans as "at+n at+n"; NULL: no match. */
static void expect_match(const char *text, const char *query, const char *expected)
{
    const struct words t = words(text), q = words(query);
    struct spans spans;
    char found[256] = "";

    const bool matches = wording_match(arena, &t, &q, &spans);
    CU_ASSERT_EQUAL(matches, expected != NULL);
    if (!matches || !expected)
        return;
    for (size_t i = 0; i < spans.n; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), i ? " %u+%u" : "%u+%u",
                 spans.items[i].at, spans.items[i].n);
    CU_ASSERT_STRING_EQUAL(found, expected);
}

static void test_matches(void)
{
    expect_match("Hello world", "hel", "0+3");
    expect_match("Hello world", "WORLD hello", "0+5 6+5");
    expect_match("Hello world", "ello", NULL);
    expect_match("Hello world", "hello there", NULL);
    expect_match("Hello world", "hello worlds", NULL);
    expect_match("x Café y", "cafe", "2+4");
    expect_match("die Straße", "STRASSE", "4+6");
    expect_match("好 你好世界 你好", "你好", "2+2 7+2");
    expect_match("你好世界", "好世", "1+2");
    expect_match("你好世界", "你世", NULL);
    expect_match("你好世界", "你好 世界", "0+4");
    expect_match("你好", "你", NULL);
    expect_match("好 你", "你", "2+1");
    expect_match("ＡＢＣ １２", "abc 12", "0+3 4+2");
    expect_match("anything", "", NULL);
    expect_match("anything", "%", NULL);
    expect_match("👍 nice", "nice", "2+4");
    expect_match("a b a b a b a b a b a b a b a b a b a b", "a",
                 "0+1 4+1 8+1 12+1 16+1 20+1 24+1 28+1 32+1 36+1");
}

/* Every text that matches is filed under all that the query looks under. */
static void test_terms_lead_to_matches(void)
{
    static const char *const texts[] = {"Internationalisation of everything", "abcde", "你好世界 abc", "猫",
                                        "x1y2z3"};
    static const char *const queries[] = {"internat", "internationalis", "abcde",  "abc", "好世界",
                                          "猫",       "x1y2z",           "eve int"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t j = 0; j < sizeof queries / sizeof *queries; j++) {
            const struct words t = words(texts[i]), q = words(queries[j]);
            const struct terms filed = wording_terms(arena, &t), sought = wording_query_terms(arena, &q, 16);
            struct spans spans;
            size_t n = 0;
            for (size_t k = 0; k < sought.n; k++)
                for (size_t l = 0; l < filed.n; l++)
                    n += str_eq(sought.items[k], filed.items[l]);
            if (wording_match(arena, &t, &q, &spans))
                CU_ASSERT_EQUAL(n, sought.n);
        }
}

/* Parts with brackets around what was found. */
static void expect_snippet(const char *text, const char *query, const char *expected)
{
    const struct words t = words(text), q = words(query);
    struct spans spans;
    struct buf b = buf_in(arena);

    CU_ASSERT_TRUE_FATAL(wording_match(arena, &t, &q, &spans));
    const struct list parts = snippet_of(arena, str_of(text), &spans);
    for (size_t i = 0; i < parts.n; i++) {
        const struct snippet_part *part = (const struct snippet_part *)parts.items + i;
        buf_printf(&b, part->hit ? "[%.*s]" : "%.*s", STR_ARG(part->text));
    }
    CU_ASSERT_TRUE(str_eq(buf_done(&b), str_of(expected)));
}

static void test_snippets(void)
{
    struct buf dots = buf_in(arena), lots = buf_in(arena);

    expect_snippet("Hello\nworld", "wor", "Hello [wor]ld");
    expect_snippet("你好世界", "好世", "你[好世]界");
    expect_snippet("<b>hello</b>", "hello", "<b>[hello]</b>");
    for (int i = 0; i < 300; i++)
        buf_c(&dots, "·");
    const char *long_one =
        arena_printf(arena, "%.*s word %.*s word", STR_ARG(buf_done(&dots)), STR_ARG(buf_done(&dots)));
    const struct words t = words(long_one), q = words("word");
    struct spans spans;
    CU_ASSERT_TRUE_FATAL(wording_match(arena, &t, &q, &spans));
    const struct list parts = snippet_of(arena, str_of(long_one), &spans);
    const struct snippet_part *p = parts.items;
    CU_ASSERT_EQUAL_FATAL(parts.n, 5); /* …, before, word, behind, … */
    CU_ASSERT_TRUE(str_eq(p[0].text, STR("…")) && str_eq(p[4].text, STR("…")));
    CU_ASSERT_TRUE(p[2].hit && str_eq(p[2].text, STR("word")));
    size_t before, behind;
    CU_ASSERT_TRUE(utf8_check(p[1].text, &before) && utf8_check(p[3].text, &behind));
    CU_ASSERT_EQUAL(before, SNIPPET_BEFORE);
    CU_ASSERT_EQUAL(behind, SNIPPET_MAX - SNIPPET_BEFORE - 4);
    for (int i = 0; i < 100; i++)
        buf_c(&lots, "a b ");
    expect_match(str_c(arena, buf_done(&lots)), "a",
                 "0+1 4+1 8+1 12+1 16+1 20+1 24+1 28+1 32+1 36+1 40+1 44+1 48+1 52+1 56+1 60+1");
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"terms", test_terms},       {"bounds", test_bounds},
        {"matches", test_matches},   {"terms lead to matches", test_terms_lead_to_matches},
        {"snippets", test_snippets},
    };

    arena = arena_new();
    const int code = FIXTURE_RUN("wording", tests);
    arena_free(arena);
    return code;
}
