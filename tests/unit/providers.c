/* The file of providers: what is right is taken with its defaults, what is wrong is named; a key is never
 * said. */
#include "model/providers.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/fixture.h"

#define ONE(more) "{\"name\":\"a\",\"base_url\":\"https://x.example/v1/\",\"model\":\"m\"" more "}"
#define FILE_OF(rows) "{\"providers\":[" rows "]}"

static char path[64], key_path[64];

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "we");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_TRUE_FATAL(fputs(text, file) >= 0);
    CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
}

static enum err open_text(const char *text, struct problem *problem, struct providers **out)
{
    static struct conf conf;

    write_file(path, text);
    snprintf(conf.providers, sizeof conf.providers, "%s", path);
    return providers_open(&conf, problem, out);
}

static void none_is_none(void)
{
    static const struct conf conf;
    struct problem problem = {0};
    struct providers *p = NULL;

    CU_ASSERT_EQUAL_FATAL(providers_open(&conf, &problem, &p), OK);
    CU_ASSERT_EQUAL(providers_count(p), 0);
    CU_ASSERT_PTR_NULL(providers_find(p, STR("a")));
    providers_free(p);
}

static void what_is_right(void)
{
    struct problem problem = {0};
    struct providers *p = NULL;
    char text[512];

    write_file(key_path, "sk-1\n");
    snprintf(text, sizeof text,
             FILE_OF(ONE(",\"key_file\":\"%s\",\"temperature\":0.5,\"fallback\":\"b\"") ",%s"), key_path,
             "{\"name\":\"b\",\"base_url\":\"http://[::1]:8000/v1\",\"model\":\"m\",\"private_address\":true,"
             "\"key_env\":\"TEST_MODEL_KEY\",\"first_token_s\":5}");
    setenv("TEST_MODEL_KEY", "sk-2", 1);
    CU_ASSERT_EQUAL_FATAL(open_text(text, &problem, &p), OK);
    CU_ASSERT_EQUAL_FATAL(providers_count(p), 2);
    const struct provider *a = providers_find(p, STR("a")), *b = providers_at(p, 1);
    CU_ASSERT_STRING_EQUAL(a->url, "https://x.example/v1/chat/completions");
    CU_ASSERT_STRING_EQUAL(a->authorization, "Authorization: Bearer sk-1");
    CU_ASSERT_TRUE(a->has_temperature && !a->may_be_private);
    CU_ASSERT_PTR_EQUAL(a->fallback, b);
    CU_ASSERT_EQUAL(a->first_token_s, 60);
    CU_ASSERT_STRING_EQUAL(b->authorization, "Authorization: Bearer sk-2");
    CU_ASSERT_TRUE(b->may_be_private && !b->has_temperature && !b->fallback);
    CU_ASSERT_EQUAL(b->first_token_s, 5);
    providers_free(p);
}

static const struct {
    const char *text, *said;
} wrong[] = {
    {"", "body the JSON ends too early"},
    {"{}", "providers is missing"},
    {"{\"providers\":[]}", "providers must be 1 to 32 items"},
    {FILE_OF("{\"name\":\"a\",\"model\":\"m\"}"), "providers[0].base_url is missing"},
    {FILE_OF("{\"name\":\"a\",\"base_url\":\"ftp://x\",\"model\":\"m\"}"),
     "providers[0].base_url must begin with http:// or https://"},
    {FILE_OF("{\"name\":\"a\",\"base_url\":\"https://me:secret@x\",\"model\":\"m\"}"),
     "providers[0].base_url must be an address without user, ? and #"},
    {FILE_OF(ONE("") "," ONE("")), "providers[1].name is another one's already"},
    {FILE_OF(ONE(",\"fallback\":\"a\"")), "providers[0].fallback must be the name of another provider"},
    {FILE_OF(ONE(",\"key_env\":\"TEST_NO_SUCH_KEY\"")),
     "providers[0].key_env names no key of visible letters"},
    {FILE_OF(ONE(",\"key_env\":\"X\",\"key_file\":\"/x\"")),
     "providers[0].key_env stands beside key_file: one of them is enough"},
    {FILE_OF(ONE(",\"key_file\":\"/no/such/file\"")), "providers[0].key_file No such file or directory"},
    {FILE_OF(ONE(",\"temperature\":3")), "providers[0].temperature must be 0 to 2"},
    {FILE_OF(ONE(",\"context_tokens\":1000,\"max_output_tokens\":1000")),
     "providers[0].max_output_tokens must be below context_tokens"},
};

static void what_is_wrong(void)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct problem problem = {0};
        struct providers *p = NULL;
        CU_ASSERT_NOT_EQUAL(open_text(wrong[i].text, &problem, &p), OK);
        CU_ASSERT_PTR_NULL(p);
        if (strstr(problem.detail, path) && strstr(problem.detail, wrong[i].said))
            continue;
        fprintf(stderr, "%s: %s\n", wrong[i].said, problem.detail);
        CU_FAIL("said otherwise");
    }
}

static void a_wrong_key_is_not_said(void)
{
    struct problem problem = {0};
    struct providers *p = NULL;
    char text[256];

    write_file(key_path, "sk secret\n");
    snprintf(text, sizeof text, FILE_OF(ONE(",\"key_file\":\"%s\"")), key_path);
    CU_ASSERT_NOT_EQUAL(open_text(text, &problem, &p), OK);
    CU_ASSERT_PTR_NULL(strstr(problem.detail, "secret"));
    CU_ASSERT_PTR_NOT_NULL(strstr(problem.detail, "providers[0].key_file"));
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"without a file there are none", none_is_none},
        {"what is right is taken", what_is_right},
        {"what is wrong is named", what_is_wrong},
        {"a key is not said", a_wrong_key_is_not_said},
    };

    snprintf(path, sizeof path, "/tmp/posthouse-providers.%d", (int)getpid());
    snprintf(key_path, sizeof key_path, "/tmp/posthouse-key.%d", (int)getpid());
    const int failed = FIXTURE_RUN("providers", tests);
    unlink(path);
    unlink(key_path);
    return failed;
}
