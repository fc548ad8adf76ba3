/* Texts of people: what makes two names one, what a name may hold, what may be shown; and the small rules
 * beside them. */
#include <CUnit/Basic.h>

#include "ext/crypt.h"
#include "ext/unicode.h"
#include "lib/fixture.h"
#include "model/migrate.h"
#include "model/page.h"
#include "model/throttle.h"

static struct arena *arena;

static void same(const char *a, const char *b)
{
    const struct str x = unicode_key(arena, str_of(a)), y = unicode_key(arena, str_of(b));
    CU_ASSERT(x.p && str_eq(x, y));
}

static void test_keys(void)
{
    same("Alice", "ALICE");
    same("Ａlice", "alice");                  /* full width */
    same("e\u0301te\u0301", "\u00e9t\u00e9"); /* combining and composed */
    same("straße", "STRASSE");
    same("ﬁnn", "finn");
    same("a\u200bb\u00ad", "ab"); /* what is never seen */
    same("\u1100\u1161", "\uac00");
    CU_ASSERT(!str_eq(unicode_key(arena, STR("王")), unicode_key(arena, STR("玉"))));
    CU_ASSERT_PTR_NULL(unicode_key(arena, STR("\xff")).p);
    CU_ASSERT_EQUAL(unicode_key(arena, STR("")).n, 0);
    CU_ASSERT_EQUAL(unicode_key(arena, STR("\u3164")).n, 0);
}

static void test_names(void)
{
    const char *good[] = {"alice", "a-b_c.d", "王小明", "Ünïcödé", "नमस्ते", "٣٤٥a", "x1"};
    const char *bad[] = {"",          "...",      "a b",  "a@b", "a/b",         "👍",           "\u0301a",
                         "a\u200db",  "a\n",      "\xff", "a%",  "ad\u3164min", "admin\u034f", "admin\ufe0f",
                         "\u115fabc", "abc\uffa0"};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CU_ASSERT(unicode_is_name(str_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT(!unicode_is_name(str_of(bad[i])));
}

static void test_plain(void)
{
    const char *good[] = {"a", "张伟 🐴", "family 👨\u200d👩\u200d👧", "\u0416\u5bb6", " x "};
    const char *bad[] = {"",         "   ",   "\u200b",  "a\tb", "a\u202eb\u202c", "a\u2066b\u2069",
                         "a\u2028b", "a\x7f", "\x1b[2J", "\xc3", "\u3164",         "\u2800 \u034f"};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CU_ASSERT(unicode_is_plain(str_of(good[i]), false));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT(!unicode_is_plain(str_of(bad[i]), true));
    CU_ASSERT(unicode_is_plain(STR("a\nb"), true));
    CU_ASSERT(!unicode_is_plain(STR("a\nb"), false));
    CU_ASSERT(str_eq(unicode_cut(STR("驿站 house"), 3), STR("驿站 ")));
    CU_ASSERT(str_eq(unicode_cut(STR("驿"), 3), STR("驿")));
}

static void test_base64url(void)
{
    unsigned char bytes[40], back[40];

    for (size_t n = 1; n <= sizeof bytes; n++) {
        crypt_random(bytes, n);
        struct str text = crypt_base64url(arena, bytes, n);
        CU_ASSERT_EQUAL(text.n, (n * 4 + 2) / 3);
        CU_ASSERT(crypt_base64url_decode(text, back, n) && memcmp(bytes, back, n) == 0);
        CU_ASSERT(!crypt_base64url_decode(text, back, n - 1));
        text.n--;
        CU_ASSERT(!crypt_base64url_decode(text, back, n));
    }
    CU_ASSERT(crypt_base64url_decode(STR("-_8"), back, 2));
    CU_ASSERT(!crypt_base64url_decode(STR("-_9"), back, 2)); /* bits that belong to no byte */
    CU_ASSERT(!crypt_base64url_decode(STR("+/8"), back, 2));
    CU_ASSERT(!crypt_base64url_decode(STR("-_8="), back, 2));
    CU_ASSERT(!crypt_base64url_decode(STR("- 8"), back, 2));
    for (unsigned c = 0; c < 256; c++) { /* each character, by what the encoder makes of each value */
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        const char text[] = {'A', (char)c, 'A', 'A'};
        const char *at = memchr(letters, (int)c, sizeof letters - 1);
        CU_ASSERT_EQUAL(crypt_base64url_decode((struct str){text, sizeof text}, back, 3), at != NULL);
        if (at)
            CU_ASSERT_EQUAL((back[0] << 4 | back[1] >> 4), at - letters);
    }
}

static void test_hashes(void)
{
    static const struct str ab_c[] = {{"ab", 2}, {"c", 1}}, a_bc[] = {{"a", 1}, {"bc", 2}};
    unsigned char x[32], y[32];
    char hash[CRYPT_PASSWORD_TEXT];

    crypt_sha256(ab_c, 2, x);
    crypt_sha256(a_bc, 2, y);
    CU_ASSERT(!crypt_equal(x, y, sizeof x));
    crypt_sha256(ab_c, 2, y);
    CU_ASSERT(crypt_equal(x, y, sizeof x));
    CU_ASSERT_EQUAL_FATAL(crypt_password_hash(STR("密码 and more"), hash), OK);
    CU_ASSERT(strncmp(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31) == 0);
    CU_ASSERT(crypt_password_is(hash, STR("密码 and more")));
    CU_ASSERT(!crypt_password_is(hash, STR("密码 and mora")));
    CU_ASSERT(!crypt_password_is("", STR("x")));
}

static void test_throttle(void)
{
    CU_ASSERT_EQUAL(throttle_wait_s(0, 5, 0), 0);
    CU_ASSERT_EQUAL(throttle_wait_s(4, 5, 0), 0);
    CU_ASSERT_EQUAL(throttle_wait_s(5, 5, 0), 1);
    CU_ASSERT_EQUAL(throttle_wait_s(5, 5, 999), 1);
    CU_ASSERT_EQUAL(throttle_wait_s(5, 5, 1000), 0);
    CU_ASSERT_EQUAL(throttle_wait_s(9, 5, 0), 16);
    CU_ASSERT_EQUAL(throttle_wait_s(UINT64_MAX, 5, 0), THROTTLE_DELAY_MAX_S);
    CU_ASSERT_EQUAL(throttle_wait_s(UINT64_MAX, 5, -100), THROTTLE_DELAY_MAX_S); /* a clock that went back */
    CU_ASSERT_EQUAL(throttle_wait_s(1000, 5, 30000), 0);
    CU_ASSERT_EQUAL(throttle_wait_s(6, 5, 2 * THROTTLE_FORGIVE_MS), 0);
}

static void test_cursors(void)
{
    struct problem problem = {0};
    struct ctx ctx = {.arena = arena, .problem = &problem};
    const struct page_mark mark = {INT64_MAX, UINT64_MAX};
    struct page_mark out = {7, 8};
    const char *bad[] = {"", "zz", "00", "ffffffffffffffff0000000000000001",
                         "0000000000000000000000000000000g"};

    CU_ASSERT_EQUAL(page_mark_of(&ctx, STR_NONE, &out), OK);
    CU_ASSERT(out.at == 7 && out.id == 8);
    CU_ASSERT_EQUAL(page_mark_of(&ctx, page_cursor(arena, mark), &out), OK);
    CU_ASSERT(out.at == mark.at && out.id == mark.id);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_EQUAL(page_mark_of(&ctx, str_of(bad[i]), &out), ERR_INVALID_REQUEST);
}

static void test_statements(void)
{
    struct str rest = STR("-- a; comment\nCREATE TABLE t (a INT); -- another; one\n\n;;\n"
                          "INSERT INTO t VALUES (';'), ('it''s; --'), (\"\\\";\");\nSELECT 1");
    struct str one;

    CU_ASSERT(migrate_statement(&rest, arena, &one));
    CU_ASSERT(str_eq(one, STR("CREATE TABLE t (a INT)")));
    CU_ASSERT(migrate_statement(&rest, arena, &one));
    CU_ASSERT(str_eq(one, STR("INSERT INTO t VALUES (';'), ('it''s; --'), (\"\\\";\")")));
    CU_ASSERT(migrate_statement(&rest, arena, &one));
    CU_ASSERT(str_eq(one, STR("SELECT 1")));
    CU_ASSERT(!migrate_statement(&rest, arena, &one));
    rest = STR("'never closed");
    CU_ASSERT(migrate_statement(&rest, arena, &one));
    CU_ASSERT(!migrate_statement(&rest, arena, &one));
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"what makes two names one", test_keys},
        {"what a name may hold", test_names},
        {"what may be shown", test_plain},
        {"base64url is canonical", test_base64url},
        {"hashes", test_hashes},
        {"how long to wait", test_throttle},
        {"cursors of pages", test_cursors},
        {"migrations as statements", test_statements},
    };

    arena = arena_new();
    const int code = FIXTURE_RUN("names", tests);
    arena_free(arena);
    return code;
}
