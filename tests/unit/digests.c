/*
 * Digests by their published vectors, what bytes are taken for, and what tus says in headers.
 */
#include <CUnit/Basic.h>

#include "base/sha1.h"
#include "ext/magic.h"
#include "lib/fixture.h"
#include "model/tus.h"

static struct arena *arena;

static void expect_sha1(const char *text, size_t times, const char *want)
{
    unsigned char digest[SHA1_BYTES];
    char hex[2 * SHA1_BYTES + 1] = "";
    struct sha1 s;

    sha1_init(&s);
    for (size_t i = 0; i < times; i++)
        sha1_add(&s, text, strlen(text));
    sha1_done(&s, digest);
    hex_encode(digest, sizeof digest, hex);
    CU_ASSERT_STRING_EQUAL(hex, want);
}

/* FIPS 180, and the boundaries of a block. */
static void test_sha1(void)
{
    expect_sha1("", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    expect_sha1("abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d");
    expect_sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    expect_sha1("aaaaaaaaaa", 100000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

/* In two pieces, the state stored in between. */
static void test_sha256(void)
{
    struct crypt_digest digest = {0}, stored = {0};
    unsigned char out[CRYPT_SHA256_BYTES];
    char hex[2 * CRYPT_SHA256_BYTES + 1] = "";

    crypt_digest_init(&digest);
    crypt_digest_add(&digest, "a", 1);
    memcpy(stored.state, digest.state, sizeof stored.state);
    crypt_digest_add(&stored, "bc", 2);
    crypt_digest_done(&stored, out);
    hex_encode(out, sizeof out, hex);
    CU_ASSERT_STRING_EQUAL(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* FIPS 180's long message, in pieces of every length up to some blocks, the state stored before each. */
static void test_sha256_long(void)
{
    struct crypt_digest digest;
    unsigned char out[CRYPT_SHA256_BYTES];
    char hex[2 * CRYPT_SHA256_BYTES + 1] = "", bytes[300];
    size_t left = 1000000;

    memset(bytes, 'a', sizeof bytes);
    crypt_digest_init(&digest);
    for (size_t n = 0; left; n = (n + 1) % sizeof bytes) {
        const struct crypt_digest stored = digest;
        const size_t some = n < left ? n : left;
        digest = stored;
        crypt_digest_add(&digest, bytes, some);
        left -= some;
    }
    crypt_digest_done(&digest, out);
    hex_encode(out, sizeof out, hex);
    CU_ASSERT_STRING_EQUAL(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void expect_type(const char *bytes, size_t n, const char *want)
{
    char type[MAGIC_TEXT];

    magic_type((struct str){bytes, n}, type);
    CU_ASSERT_STRING_EQUAL(type, want);
}
#define EXPECT_TYPE(bytes, want) expect_type((bytes), sizeof(bytes) - 1, (want))

static void test_types(void)
{
    EXPECT_TYPE("<!DOCTYPE html><html><body>x</body></html>", "text/html");
    EXPECT_TYPE("<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>", "image/svg+xml");
    EXPECT_TYPE("%PDF-1.7\n", "application/pdf");
    EXPECT_TYPE("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0", "image/png");
    EXPECT_TYPE("\0\0", "application/octet-stream");
    EXPECT_TYPE("x", "application/octet-stream");
}

static void test_base64(void)
{
    static const char *const bad[] = {"a",    "YQ",   "YQ=",    "YQ==x",
                                      "Y Q=", "_-==", "YQ==\n", "\xff\xff\xff\xff"};
    struct str out;

    CU_ASSERT(crypt_base64_decode(arena, STR("5aSn5paH5Lu2"), &out) && str_eq(out, STR("大文件")));
    CU_ASSERT(crypt_base64_decode(arena, STR("YQ=="), &out) && str_eq(out, STR("a")));
    CU_ASSERT(crypt_base64_decode(arena, STR(""), &out) && out.n == 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(crypt_base64_decode(arena, str_of(bad[i]), &out));
}

static void test_tus(void)
{
    struct problem problem = {0};
    struct ctx ctx = {.arena = arena, .problem = &problem};
    struct upload_piece piece = {0};
    struct str name;

    CU_ASSERT_EQUAL(tus_name(&ctx, STR("filetype eA==, filename YS50eHQ="), &name), OK);
    CU_ASSERT(str_eq(name, STR("a.txt")));
    CU_ASSERT_EQUAL(tus_name(&ctx, STR_NONE, &name), OK);
    CU_ASSERT(str_eq(name, STR("file")));
    CU_ASSERT_EQUAL(tus_name(&ctx, STR("is_confidential,,filename"), &name), OK);
    CU_ASSERT_EQUAL(tus_name(&ctx, STR("filename Li4="), &name), ERR_INVALID_REQUEST);
    CU_ASSERT_EQUAL(tus_name(&ctx, STR("filename ?"), &name), ERR_INVALID_REQUEST);
    CU_ASSERT_EQUAL(tus_checksum(&ctx, STR_NONE, &piece), OK);
    CU_ASSERT_EQUAL(piece.check, UPLOAD_NO_CHECK);
    CU_ASSERT_EQUAL(tus_checksum(&ctx, STR("sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk="), &piece), OK);
    CU_ASSERT_EQUAL(piece.check, UPLOAD_SHA1);
    CU_ASSERT_EQUAL(piece.digest[0], 0xda);
    CU_ASSERT_EQUAL(tus_checksum(&ctx, STR("sha256 2jmj7l5rSw0yVb/vlWAYkK/YBwk="), &piece),
                    ERR_INVALID_REQUEST);
    CU_ASSERT_EQUAL(tus_checksum(&ctx, STR("crc32 YQ=="), &piece), ERR_INVALID_REQUEST);
    CU_ASSERT_EQUAL(tus_checksum(&ctx, STR("sha1"), &piece), ERR_INVALID_REQUEST);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"SHA-1", test_sha1},
        {"SHA-256", test_sha256},
        {"SHA-256 of a long message, stored and gone on with", test_sha256_long},
        {"types", test_types},
        {"Base64", test_base64},
        {"headers of tus", test_tus}};

    arena = arena_new();
    const int failed = FIXTURE_RUN("digests", tests);
    arena_free(arena);
    return failed;
}
