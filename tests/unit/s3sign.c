/*
 * The signer against the examples that AWS publishes with their signatures, and the encoding of what is
 * nasty.
 */
#include "ext/s3sign.h"

#include <CUnit/Basic.h>

#include "lib/fixture.h"

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct arena *arena;

static const struct s3_keys example = {.access = {"AKIAIOSFODNN7EXAMPLE", 20},
                                       .secret = {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", 40},
                                       .region = {"us-east-1", 9}};

static struct s3_request request(const char *method, const char *path)
{
    return (struct s3_request){.method = method,
                               .host = STR("examplebucket.s3.amazonaws.com"),
                               .path = str_of(path),
                               .payload = STR(EMPTY_HASH),
                               .at_ms = 1369353600000};
}

static void expect(const struct s3_request *r, const char *names, const char *signature)
{
    char date[S3_DATE_TEXT];
    const struct str got = s3_authorization(arena, &example, r, date);
    const char *want = arena_printf(arena,
                                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
                                    "aws4_request,SignedHeaders=%s,Signature=%s",
                                    names, signature);

    CU_ASSERT_STRING_EQUAL(date, "20130524T000000Z");
    CU_ASSERT_STRING_EQUAL(str_c(arena, got), want);
}

/* "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk". */
static void test_headers(void)
{
    const struct s3_pair range = {STR("range"), STR("bytes=0-9")};
    const struct s3_pair put[] = {{STR("date"), STR("Fri, 24 May 2013 00:00:00 GMT")},
                                  {STR("x-amz-storage-class"), STR("REDUCED_REDUNDANCY")}};
    const struct s3_pair lifecycle = {STR("lifecycle"), STR("")};
    const struct s3_pair list[] = {{STR("prefix"), STR("J")}, {STR("max-keys"), STR("2")}};
    struct s3_request r = request("GET", "/test.txt");

    r.headers = &range;
    r.n_headers = 1;
    expect(&r, "host;range;x-amz-content-sha256;x-amz-date",
           "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");

    r = request("PUT", "/test$file.text");
    r.headers = put;
    r.n_headers = 2;
    r.payload = STR("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
    expect(&r, "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
           "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");

    r = request("GET", "/");
    r.query = &lifecycle;
    r.n_query = 1;
    expect(&r, "host;x-amz-content-sha256;x-amz-date",
           "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    CU_ASSERT_STRING_EQUAL(str_c(arena, s3_target(arena, &r)), "/?lifecycle=");

    r.query = list;
    r.n_query = 2;
    expect(&r, "host;x-amz-content-sha256;x-amz-date",
           "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    CU_ASSERT_STRING_EQUAL(str_c(arena, s3_target(arena, &r)), "/?max-keys=2&prefix=J");
}

/* "Authenticating Requests: Using Query Parameters". */
static void test_presigned(void)
{
    const struct s3_request r = request("GET", "/test.txt");

    CU_ASSERT_STRING_EQUAL(
        str_c(arena, s3_presign(arena, &example, &r, 86400)),
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

/* A signature that depends on everything that is signed. */
static void test_everything_counts(void)
{
    const struct s3_pair query = {STR("a"), STR("b")};
    const struct s3_request r = request("GET", "/x");
    struct s3_request other[5] = {r, r, r, r, r};
    const struct str mine = s3_presign(arena, &example, &r, 60);
    struct s3_keys wrong = example;

    other[0].method = "HEAD";
    other[1].host = STR("other");
    other[2].path = STR("/y");
    other[3].at_ms += 1000;
    other[4].query = &query;
    other[4].n_query = 1;
    for (size_t i = 0; i < 5; i++) {
        const struct str theirs = s3_presign(arena, &example, &other[i], 60);
        CU_ASSERT_NOT_EQUAL(memcmp(mine.p + mine.n - 64, theirs.p + theirs.n - 64, 64), 0);
    }
    wrong.secret = STR("x");
    const struct str theirs = s3_presign(arena, &wrong, &r, 60);
    CU_ASSERT_NOT_EQUAL(memcmp(mine.p + mine.n - 64, theirs.p + theirs.n - 64, 64), 0);
}

static void test_encoding(void)
{
    const struct s3_pair query = {STR("k /é"), STR("a+b=c&d@(e)")};
    struct s3_request r = request("GET", "/a b/+=@()/\xe9\xa9\xbf~-._");

    r.query = &query;
    r.n_query = 1;
    CU_ASSERT_STRING_EQUAL(str_c(arena, s3_target(arena, &r)),
                           "/a%20b/%2B%3D%40%28%29/%E9%A9%BF~-._?k%20%2F%C3%A9=a%2Bb%3Dc%26d%40%28e%29");
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"headers, as AWS publishes them", test_headers},
        {"a presigned query, as AWS publishes it", test_presigned},
        {"everything counts", test_everything_counts},
        {"what is nasty is encoded", test_encoding},
    };

    arena = arena_new();
    const int failed = FIXTURE_RUN("s3sign", tests);
    arena_free(arena);
    return failed;
}
