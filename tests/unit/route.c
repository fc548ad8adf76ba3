/* Routes and decoding: what is found, what a path and a query become, which tables are refused; and rate
 * limits. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>

#include "ext/json.h"
#include "lib/fixture.h"
#include "web/decode.h"
#include "web/problem.h"
#include "web/rate.h"
#include "web/route.h"

static const char *const directions[] = {"in", "out", NULL};

struct find {
    uint64_t id, user_id;
    int64_t limit;
    struct str q;
    struct list ids;
    int direction;
    bool flag;
    unsigned char has_flag;
    struct str name;
};
static const struct field find_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH, .at = offsetof(struct find, id)},
    {.name = "user_id", .type = FIELD_ID, .flags = F_PATH, .at = offsetof(struct find, user_id)},
    {.name = "limit",
     .type = FIELD_INT,
     .flags = F_QUERY,
     .at = offsetof(struct find, limit),
     .min = 1,
     .max = 200},
    {.name = "q",
     .type = FIELD_STR,
     .flags = F_QUERY | F_REQUIRED,
     .at = offsetof(struct find, q),
     .min = 1,
     .max = 5},
    {.name = "ids",
     .type = FIELD_IDS,
     .flags = F_QUERY,
     .at = offsetof(struct find, ids),
     .min = 1,
     .max = 3},
    {.name = "direction",
     .type = FIELD_ENUM,
     .flags = F_QUERY,
     .at = offsetof(struct find, direction),
     .names = directions},
    {.name = "flag",
     .type = FIELD_BOOL,
     .flags = F_QUERY,
     .at = offsetof(struct find, flag),
     .has_at = offsetof(struct find, has_flag)},
    {.name = "name", .type = FIELD_STR, .at = offsetof(struct find, name), .max = 10},
};
static const struct shape find_shape = SHAPE("Find", struct find, find_fields);

static enum err nothing(struct req *r)
{
    (void)r;
    return OK;
}

static const struct route routes[] = {
    {GET, "/things", "a", nothing, NULL, NULL, 204, 0},
    {GET, "/things/new", "b", nothing, NULL, NULL, 204, 0},
    {POST, "/things/{id}/people/{user_id}", "c", nothing, &find_shape, &find_shape, 200, 0},
    {GET, "/healthz", "d", nothing, NULL, NULL, 204, ROUTE_OPEN | ROUTE_BARE},
};
static const struct service tested = {SERVICE("tested", routes)};

static struct arena *arena;
static struct problem problem;
static struct route_match match;

static int found(enum method method, const char *path)
{
    return route_find(&tested, method, str_of(path), &match) ? (int)match.index : -1;
}

static void test_find(void)
{
    CU_ASSERT_EQUAL(found(GET, "/api/v1/things"), 0);
    CU_ASSERT_EQUAL(found(GET, "/api/v1/things/new"), 1);
    CU_ASSERT_EQUAL(found(POST, "/api/v1/things/1/people/a%20b"), 2);
    CU_ASSERT(match.n == 2 && str_eq(match.values[0].name, STR("id")) &&
              str_eq(match.values[0].value, STR("1")));
    CU_ASSERT(str_eq(match.values[1].name, STR("user_id")) && str_eq(match.values[1].value, STR("a%20b")));
    CU_ASSERT_EQUAL(found(GET, "/healthz"), 3);
    CU_ASSERT_EQUAL(found(GET, "/api/v1/healthz"), 3);
    CU_ASSERT_EQUAL(found(POST, "/api/v1/things"), -1);
    CU_ASSERT_EQUAL(found(GET, "/things"), -1);
    CU_ASSERT_EQUAL(found(GET, "/api/v1/things/"), -1);
    CU_ASSERT_EQUAL(found(GET, "/api/v1//things"), -1);
    CU_ASSERT_EQUAL(found(GET, "/api/v1/things/new/x"), -1);
    CU_ASSERT_EQUAL(found(GET, "/api/v1"), -1);
    CU_ASSERT_EQUAL(found(GET, "/api/v1/"), -1);
    CU_ASSERT_EQUAL(found(GET, "/api/v10/things"), -1);
    CU_ASSERT_EQUAL(found(GET, ""), -1);
    CU_ASSERT_EQUAL(found(GET, "things"), -1);
    CU_ASSERT_EQUAL(found(POST, "/api/v1/things//people/1"), -1);
    CU_ASSERT_EQUAL(found(POST, "/api/v1/things/1/2/people/1"), -1);
    CU_ASSERT_EQUAL(route_method(STR("DELETE")), DELETE);
    CU_ASSERT_EQUAL(route_method(STR("get")), -1);
    CU_ASSERT_EQUAL(route_method(STR_NONE), -1);
}

static struct find in;

static bool decode(const char *path, const char *query, const char *body)
{
    problem = (struct problem){0};
    in = (struct find){0};
    return found(POST, path) == 2 &&
           decode_input(&match, str_of(query), str_of(body), &in, arena, &problem) == OK;
}

static bool names(const char *field)
{
    for (unsigned i = 0; i < problem.n_fields; i++)
        if (!strcmp(problem.fields[i].field, field))
            return true;
    return false;
}

static void test_decode(void)
{
    static const char path[] = "/api/v1/things/1/people/2";

    CU_ASSERT(decode(path, "q=%E9%A9%BF+%2b&limit=200&ids=1%2C2,3&direction=out&x=%ff%&flag=false",
                     "{\"name\":\"n\"}"));
    CU_ASSERT(in.id == 1 && in.user_id == 2 && in.limit == 200 && in.direction == 1);
    CU_ASSERT(str_eq(in.q, STR("驿 +")) && str_eq(in.name, STR("n")));
    CU_ASSERT(in.ids.n == 3 && ((uint64_t *)in.ids.items)[2] == 3 && in.has_flag == HAS_VALUE && !in.flag);
    CU_ASSERT(decode(path, "&&q=a&&", ""));
    CU_ASSERT(decode("/api/v1/things/%31/people/2", "%71=a", "") && in.id == 1);
    static const struct {
        const char *query, *field;
    } bad[] = {
        {"", "q"},
        {"q=", "q"},
        {"q", "q"},
        {"q=123456", "q"},
        {"q=%E9%A9", "q"},
        {"q=%00", "q"},
        {"q=%4", "q"},
        {"q=%", "q"},
        {"q=%zz", "q"},
        {"%q=a", "query"},
        {"q=a&q=a", "q"},
        {"q=a&%71=a", "q"},
        {"q=a&limit=0", "limit"},
        {"q=a&limit=201", "limit"},
        {"q=a&limit=1.0", "limit"},
        {"q=a&limit=+1", "limit"},
        {"q=a&limit=", "limit"},
        {"q=a&limit=99999999999999999999", "limit"},
        {"q=a&ids=", "ids"},
        {"q=a&ids=1,", "ids"},
        {"q=a&ids=1,,2", "ids"},
        {"q=a&ids=1,2,3,4", "ids"},
        {"q=a&ids=0", "ids"},
        {"q=a&ids=a", "ids"},
        {"q=a&direction=up", "direction"},
        {"q=a&flag=1", "flag"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const bool refused = !decode(path, bad[i].query, "") && names(bad[i].field);
        if (!refused)
            fprintf(stderr, "%s: %s\n", bad[i].query, problem.detail);
        CU_ASSERT(refused);
    }
    CU_ASSERT(!decode("/api/v1/things/01/people/x", "limit=0", "{\"name\":1}"));
    CU_ASSERT(names("id") && names("user_id") && names("limit") && names("q") && names("name"));
    CU_ASSERT(!decode("/api/v1/things/1/people/%", "q=a", "") && names("user_id"));
    char many[4096] = "q=a";
    for (int i = 0; i < 100; i++)
        strcat(many, "&x=1");
    CU_ASSERT(!decode(path, many, "") && names("query"));
}

static bool is_bad(struct route route)
{
    const struct service one = {.name = "one", .routes = &route, .n_routes = 1};

    problem = (struct problem){0};
    return route_check(&one, &problem) != OK && problem.detail[0];
}

static void test_check(void)
{
    CU_ASSERT_EQUAL(route_check(&tested, &problem), OK);
    CU_ASSERT(is_bad((struct route){GET, "/a/{id}", "a", nothing, NULL, NULL, 200, 0}));
    CU_ASSERT(is_bad((struct route){GET, "/a", "a", nothing, &find_shape, NULL, 200, 0}));
    CU_ASSERT(is_bad((struct route){GET, "a", "a", nothing, NULL, NULL, 200, 0}));
    CU_ASSERT(is_bad((struct route){GET, "/a", "a", NULL, NULL, NULL, 200, 0}));
    CU_ASSERT(is_bad((struct route){GET, "/a", "a", nothing, NULL, NULL, 404, 0}));
    CU_ASSERT(is_bad((struct route){GET, "/a", "a", nothing, NULL, &find_shape, 204, 0}));
    CU_ASSERT(is_bad((struct route){POST, "/a", "a", nothing, NULL, NULL, 204, ROUTE_TX | ROUTE_INLINE}));
    CU_ASSERT(is_bad((struct route){POST, "/a", "a", nothing, NULL, NULL, 204, ROUTE_TX | ROUTE_LATER}));
    CU_ASSERT(
        is_bad((struct route){POST, "/a", "a", nothing, NULL, NULL, 204, ROUTE_IDEMPOTENT | ROUTE_OPEN}));
    CU_ASSERT(is_bad((struct route){POST, "/a", "a", nothing, NULL, NULL, 204, ROUTE_HEAVY | ROUTE_INLINE}));
    CU_ASSERT(!is_bad((struct route){POST, "/a", "a", nothing, NULL, NULL, 204, ROUTE_INLINE | ROUTE_LATER}));
}

/* The table that is printed is JSON, and says all there is about a field. */
static void test_print(void)
{
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    CU_ASSERT_FATAL(out != NULL);
    route_print(&tested, out);
    fclose(out);
    const struct str printed = {text, n};
    CU_ASSERT_EQUAL(jsonscan(printed, &problem), OK);
    CU_ASSERT(strstr(text, "\"path\":\"/api/v1/healthz\"") && strstr(text, "\"path\":\"/healthz\""));
    CU_ASSERT(strstr(text, "{\"name\":\"limit\",\"source\":\"query\",\"type\":\"int\",\"required\":false,"
                           "\"nullable\":false,\"optional\":false,\"secret\":false,\"min\":1,\"max\":200}") !=
              NULL);
    CU_ASSERT(strstr(text, "\"names\":[\"in\",\"out\"]") != NULL);
    free(text);
}

static void test_problem(void)
{
    struct buf b = buf_in(arena);
    struct problem p = {0};

    problem_encode(&b, ERR_NOT_FOUND, &p, STR("id"));
    CU_ASSERT(str_eq(buf_done(&b),
                     STR("{\"type\":\"about:blank\",\"title\":\"There is no such thing\",\"status\":404,"
                         "\"detail\":\"There is no such thing\",\"code\":\"not_found\","
                         "\"request_id\":\"id\"}")));
    b = buf_in(arena);
    (void)problem_field(&p, "a\"\x80", "cut in a character \xe9\xa9");
    problem_encode(&b, ERR_INVALID_REQUEST, &p, STR("id"));
    CU_ASSERT_EQUAL(jsonscan(buf_done(&b), &problem), OK);
    CU_ASSERT(memmem(b.p, b.n, "\"errors\":[{\"field\":\"a\\\"?\"", 25) != NULL);
    CU_ASSERT_EQUAL(problem_retry_after_s(ERR_NOT_FOUND, &p), 0);
    CU_ASSERT_EQUAL(problem_retry_after_s(ERR_UNAVAILABLE, &p), 1);
    CU_ASSERT_EQUAL(problem_retry_after_s(ERR_RATE_LIMITED, &p), 1);
    p.retry_after_s = 9;
    CU_ASSERT_EQUAL(problem_retry_after_s(ERR_RATE_LIMITED, &p), 9);
}

static void test_rate(void)
{
    struct rate *rate = rate_new(10, 40, 2); /* here: 5 per second, 20 at once */
    int64_t now = 1000000;
    int wait = 0, taken = 0;

    while (taken < 100 && rate_take(rate, 7, now, &wait))
        taken++;
    CU_ASSERT_EQUAL(taken, 20);
    CU_ASSERT(wait >= 1 && wait <= 2);
    CU_ASSERT(rate_take(rate, 8, now, &wait));
    CU_ASSERT(!rate_take(rate, 7, now + 199, &wait));
    CU_ASSERT(rate_take(rate, 7, now + 400, &wait));
    CU_ASSERT(rate_take(rate, 7, now + 400, &wait));
    CU_ASSERT(!rate_take(rate, 7, now + 400, &wait));
    CU_ASSERT(!rate_take(rate, 7, now, &wait)); /* the clock does not go back, but if */
    now += 86400000;
    for (taken = 0; taken < 100 && rate_take(rate, 7, now, &wait);)
        taken++;
    CU_ASSERT_EQUAL(taken, 20);
    for (uint64_t user = 1; user < 200000; user++)
        CU_ASSERT(rate_take(rate, user * 3, now, &wait) || user * 3 == 7);
    rate_free(rate);

    rate = rate_new(0, 1, 1); /* no limit */
    for (int i = 0; i < 1000; i++)
        CU_ASSERT(rate_take(rate, 7, now, &wait));
    rate_free(rate);
    rate = rate_new(1, 1, 64); /* never less than one */
    CU_ASSERT(rate_take(rate, 7, now, &wait));
    CU_ASSERT(!rate_take(rate, 7, now + 1000, &wait) && wait > 60);
    CU_ASSERT(rate_take(rate, 7, now + 64100, &wait));
    rate_free(rate);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"find", test_find},   {"decode", test_decode},   {"check", test_check},
        {"print", test_print}, {"problem", test_problem}, {"rate", test_rate},
    };

    arena = arena_new();
    const int failed = FIXTURE_RUN("route", tests);
    arena_free(arena);
    return failed;
}
