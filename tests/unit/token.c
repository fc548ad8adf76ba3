/* Access tokens: whose they are, every bit of them, their end, their keys; and the set of revoked sessions.
 */
#include "model/token.h"

#include <CUnit/Basic.h>
#include <pthread.h>

#include "lib/fixture.h"

enum { NOW = 1800000000 };
static const int64_t now_ms = NOW * INT64_C(1000);
static const struct actor somebody = {.app_id = 3, .user_id = 0x7fffffffffffffff, .session_id = 42};

static struct token_keys *keys_with(unsigned first, unsigned last)
{
    struct token_keys *keys = token_keys_from_secret("a secret of at least 32 bytes, say", 34);

    for (unsigned id = first; id <= last; id++) {
        const unsigned char salt[TOKEN_SALT_BYTES] = {(unsigned char)id};
        token_keys_add(keys, id, salt, true);
    }
    return keys;
}

static struct str make(struct token_keys *keys, enum token_kind kind, int64_t expires_ms, struct arena *arena)
{
    struct str text = {0};

    CU_ASSERT_EQUAL_FATAL(token_make(keys, kind, &somebody, expires_ms, arena, &text), OK);
    return text;
}

static void test_whose(void)
{
    struct arena *arena = arena_new();
    struct token_keys *keys = keys_with(1, 2);
    struct revoked_set *revoked = revoked_new();
    struct actor who = {.address = "192.0.2.1"};
    const struct str text = make(keys, TOKEN_ACCESS, now_ms + 1, arena);

    CU_ASSERT_EQUAL(text.n, TOKEN_TEXT);
    CU_ASSERT_EQUAL(token_check(keys, revoked, TOKEN_ACCESS, text, now_ms, &who), OK);
    CU_ASSERT(who.app_id == somebody.app_id && who.user_id == somebody.user_id && who.session_id == 42);
    CU_ASSERT_STRING_EQUAL(who.address, "192.0.2.1");
    CU_ASSERT_EQUAL(token_check(keys, revoked, TOKEN_ACCESS, text, now_ms + 1, &who), ERR_TOKEN_EXPIRED);
    /* A file token signs nobody in, and the other way round. */
    CU_ASSERT_EQUAL(token_check(keys, revoked, TOKEN_FILE, text, now_ms, &who), ERR_UNAUTHENTICATED);
    const struct str file = make(keys, TOKEN_FILE, now_ms + 1, arena);
    CU_ASSERT_EQUAL(token_check(keys, revoked, TOKEN_ACCESS, file, now_ms, &who), ERR_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(token_check(keys, revoked, TOKEN_FILE, file, now_ms, &who), OK);
    /* Who was revoked is not told to refresh. */
    CU_ASSERT(revoked_add(revoked, 42, now_ms));
    CU_ASSERT_EQUAL(token_check(keys, revoked, TOKEN_ACCESS, text, now_ms, &who), ERR_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(token_check(keys, revoked, TOKEN_ACCESS, text, now_ms + 1, &who), ERR_UNAUTHENTICATED);
    revoked_free(revoked);
    token_keys_free(keys);
    arena_free(arena);
}

static void test_every_character(void)
{
    struct arena *arena = arena_new();
    struct token_keys *keys = keys_with(1, 1);
    struct revoked_set *revoked = revoked_new();
    const struct str text = make(keys, TOKEN_ACCESS, now_ms + 1000, arena);
    char *copy = arena_copy(arena, text.p, text.n);
    struct actor who = {0};

    for (size_t i = 0; i < text.n; i++)
        for (int c = 0; c < 256; c++) {
            copy[i] = (char)c;
            const enum err err =
                token_check(keys, revoked, TOKEN_ACCESS, (struct str){copy, text.n}, now_ms, &who);
            CU_ASSERT_EQUAL(err, copy[i] == text.p[i] ? OK : ERR_UNAUTHENTICATED);
            copy[i] = text.p[i];
        }
    for (size_t n = 0; n < text.n; n++)
        CU_ASSERT_EQUAL(token_check(keys, revoked, TOKEN_ACCESS, (struct str){copy, n}, now_ms, &who),
                        ERR_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(token_check(keys, revoked, TOKEN_ACCESS, STR_NONE, now_ms, &who), ERR_UNAUTHENTICATED);
    revoked_free(revoked);
    token_keys_free(keys);
    arena_free(arena);
}

static void test_keys(void)
{
    struct arena *arena = arena_new();
    struct token_keys *old = keys_with(1, 1), *both = keys_with(1, 2), *new = keys_with(2, 2);
    struct token_keys *none = token_keys_from_secret("a secret of at least 32 bytes, say", 34);
    struct token_keys *others = token_keys_from_secret("another secret of at least 32 bytes", 35);
    struct revoked_set *revoked = revoked_new();
    const struct str first = make(old, TOKEN_ACCESS, now_ms + 1, arena),
                     second = make(both, TOKEN_ACCESS, now_ms + 1, arena);
    const unsigned char salt[TOKEN_SALT_BYTES] = {2};
    struct actor who;
    struct str text;

    CU_ASSERT_EQUAL(token_check(both, revoked, TOKEN_ACCESS, first, now_ms, &who), OK);
    CU_ASSERT_EQUAL(token_check(both, revoked, TOKEN_ACCESS, second, now_ms, &who), OK);
    CU_ASSERT_EQUAL(token_check(new, revoked, TOKEN_ACCESS, first, now_ms, &who), ERR_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(token_check(new, revoked, TOKEN_ACCESS, second, now_ms, &who), OK);
    token_keys_add(others, 2, salt, true);
    CU_ASSERT_EQUAL(token_check(others, revoked, TOKEN_ACCESS, second, now_ms, &who), ERR_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(token_make(none, TOKEN_ACCESS, &somebody, now_ms, arena, &text), ERR_UNAVAILABLE);
    CU_ASSERT_EQUAL(token_check(none, revoked, TOKEN_ACCESS, second, now_ms, &who), ERR_UNAUTHENTICATED);
    /* A key that is too new to be known everywhere does not sign yet. */
    const unsigned char newer[TOKEN_SALT_BYTES] = {3};
    token_keys_add(both, 3, newer, false);
    CU_ASSERT_EQUAL(
        token_check(new, revoked, TOKEN_ACCESS, make(both, TOKEN_ACCESS, now_ms + 1, arena), now_ms, &who),
        OK);
    revoked_free(revoked);
    token_keys_free(old);
    token_keys_free(both);
    token_keys_free(new);
    token_keys_free(none);
    token_keys_free(others);
    arena_free(arena);
}

static void test_revoked(void)
{
    enum { MANY = 20000 };
    struct revoked_set *set = revoked_new();

    CU_ASSERT(!revoked_has(set, 1));
    for (uint64_t id = 1; id <= MANY; id++)
        CU_ASSERT(revoked_add(set, id << 11, now_ms));
    for (uint64_t id = 1; id <= MANY; id++)
        CU_ASSERT(revoked_has(set, id << 11));
    CU_ASSERT(!revoked_add(set, 5 << 11, now_ms + 1));
    CU_ASSERT(!revoked_has(set, 1));
    CU_ASSERT_EQUAL(revoked_count(set), MANY);
    revoked_free(set);
}

static void *add_and_look(void *arg)
{
    struct revoked_set *set = arg;
    uintptr_t missing = 0;

    for (uint64_t id = 1; id <= 2000; id++) {
        revoked_add(set, id, now_ms);
        missing += !revoked_has(set, id);
    }
    return (void *)missing;
}

static void test_revoked_threads(void)
{
    struct revoked_set *set = revoked_new();
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, add_and_look, set);
    for (int i = 0; i < 4; i++) {
        void *missing;
        pthread_join(threads[i], &missing);
        CU_ASSERT_PTR_NULL(missing);
    }
    CU_ASSERT_EQUAL(revoked_count(set), 2000);
    revoked_free(set);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"whose a token is, and until when", test_whose},
        {"no character may differ", test_every_character},
        {"keys that come and go", test_keys},
        {"the set of revoked sessions", test_revoked},
        {"the set under threads", test_revoked_threads},
    };
    return FIXTURE_RUN("token", tests);
}
