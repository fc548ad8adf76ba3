/* JSON: what the pre-scan refuses, what tables make of the rest, and what is written. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>

#include "ext/json.h"

static struct arena *arena;
static struct problem problem;

static bool scan(struct str text)
{
    problem = (struct problem){0};
    return jsonscan(text, &problem) == OK;
}

static bool is_refused_at(struct str text, const char *field, const char *reason)
{
    if (scan(text) || problem.n_fields != 1)
        return false;
    if (!strcmp(problem.fields[0].field, field) && strstr(problem.fields[0].reason, reason))
        return true;
    fprintf(stderr, "%.*s: %s: %s\n", STR_ARG(text), problem.fields[0].field, problem.fields[0].reason);
    return false;
}

static void test_scan_accepts(void)
{
    static const char *const good[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        " 1 ",
        "-12.5e-3",
        "1e300",
        "9223372036854775807",
        "-9223372036854775808",
        "\"\"",
        "\"a\\n\\u00e9\\/\"",
        "\"\\ud83d\\ude00\"",
        "\"😀驿\"",
        "[]",
        "{}",
        "[1,[2,[3]],{}]",
        "{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}]}",
        "\t\n\r [ ] ",
        "{\"\":1}",
        "{\"a\":1,\"A\":2,\"\\u0061b\":3}",
        "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!scan(str_of(good[i])))
            fprintf(stderr, "%zu: %s\n", i, problem.detail);
        CU_ASSERT(scan(str_of(good[i])));
    }
}

static void test_scan_refuses(void)
{
    static const char *const bad[] = {
        "",
        " ",
        "nul",
        "nulll",
        "True",
        "NaN",
        "Infinity",
        "-Infinity",
        "-",
        "01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "+1",
        "0x10",
        "1 2",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[",
        "]",
        "[1}",
        "{",
        "}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{1:2}",
        "{\"a\":1]",
        "\"",
        "\"\\\"",
        "\"\\x41\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\t\"",
        "\"\x01\"",
        "\"a\n\"",
        "'a'",
        "// c\n1",
        "/**/1",
        "1e400",
        "-1e999",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud83dx\"",
        "\"\\ud83d\\u0041\"",
        "\"\\ude00\\ud83d\"",
        "\"\xff\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xe2\x82\"",
        "\"\\u0000\"",
        "9223372036854775808",
        "-9223372036854775809",
        "11111111111111111111111",
        "{\"a\":1}x",
        "{}{}",
        "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
        "\xef\xbb\xbf{}",
        "[1]\x01",
        "\x0c[]",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (scan(str_of(bad[i])))
            fprintf(stderr, "accepted: %zu\n", i);
        CU_ASSERT(!scan(str_of(bad[i])));
        CU_ASSERT(problem.detail[0] != 0);
    }
    CU_ASSERT(!scan((struct str){"\"a\0b\"", 5}));
    CU_ASSERT(!scan((struct str){"{}\0", 3}));
    CU_ASSERT(!scan((struct str){"\0", 1}));
}

static void test_scan_names(void)
{
    CU_ASSERT(is_refused_at(STR("{\"a\":1,\"a\":2}"), "a", "twice"));
    CU_ASSERT(is_refused_at(STR("{\"a\":1,\"\\u0061\":2}"), "a", "twice") ||
              is_refused_at(STR("{\"a\":1,\"\\u0061\":2}"), "\\u0061", "twice"));
    CU_ASSERT(is_refused_at(STR("{\"\\u9a7f\":1,\"驿\":2}"), "???", "twice"));
    CU_ASSERT(is_refused_at(STR("{\"\\ud83d\\ude00\":1,\"😀\":2}"), "????", "twice"));
    CU_ASSERT(is_refused_at(STR("{\"\\n\":1,\"\\u000a\":2}"), "\\u000a", "twice"));
    CU_ASSERT(is_refused_at(STR("{\"device\":{\"name\":\"a\\u0000\"}}"), "device.name", "NUL"));
    CU_ASSERT(is_refused_at(STR("{\"a\":[1,{\"b\":\"\xff\"}]}"), "a[1].b", "UTF-8"));
    CU_ASSERT(is_refused_at(STR("{\"a\":1,\"b\":99999999999999999999}"), "b", "out of range"));
    CU_ASSERT(is_refused_at(STR("[1] x"), "body", "follows"));
    CU_ASSERT(is_refused_at(STR("{\"a\":\"\\udead\"}"), "a", "not a character"));
}

static void test_scan_limits(void)
{
    static char text[65536];
    size_t n = 0;

    text[n++] = '{';
    for (int i = 0; i < JSON_MEMBERS_MAX + 1; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s\"k%d\":0", i ? "," : "", i);
    text[n++] = '}';
    CU_ASSERT(!scan((struct str){text, n}));
    CU_ASSERT(strstr(problem.detail, "too many members") != NULL);
    memset(text, '[', sizeof text);
    CU_ASSERT(!scan((struct str){text, sizeof text}));
    memset(text, '7', sizeof text);
    CU_ASSERT(!scan((struct str){text, sizeof text}));
    CU_ASSERT(!scan((struct str){text, JSON_NUMBER_MAX + 1}));
}

static void test_depth(void)
{
    CU_ASSERT_EQUAL(json_depth(STR("7")), 0);
    CU_ASSERT_EQUAL(json_depth(STR("{}")), 1);
    CU_ASSERT_EQUAL(json_depth(STR("{\"a\":[{}],\"b\":[[],[]],\"c\":{}}")), 3);
    CU_ASSERT_EQUAL(json_depth(STR("[\"[[[[\",\"\\\"[[[[\",\"\\\\\",[1]]")), 2);
}

/* ---- tables ---- */

static const char *const platforms[] = {"web", "ios", NULL};

struct device {
    struct str name;
    int platform;
};
static const struct field device_fields[] = {
    {.name = "name",
     .type = FIELD_STR,
     .flags = F_REQUIRED,
     .at = offsetof(struct device, name),
     .min = 1,
     .max = 5},
    {.name = "platform", .type = FIELD_ENUM, .at = offsetof(struct device, platform), .names = platforms},
};
static const struct shape device_shape = SHAPE("Device", struct device, device_fields);

struct all {
    bool yes;
    int64_t number, at;
    uint64_t id;
    struct str text, secret, note, any;
    unsigned char has_note, has_device;
    unsigned char uuid[16];
    struct device device;
    struct list devices, ids;
    uint64_t from_path;
};
static const struct field all_fields[] = {
    {.name = "from_path", .type = FIELD_ID, .flags = F_PATH, .at = offsetof(struct all, from_path)},
    {.name = "yes", .type = FIELD_BOOL, .at = offsetof(struct all, yes)},
    {.name = "number",
     .type = FIELD_INT,
     .flags = F_REQUIRED,
     .at = offsetof(struct all, number),
     .min = 1,
     .max = 9},
    {.name = "at", .type = FIELD_TIME, .flags = F_NULLABLE, .at = offsetof(struct all, at)},
    {.name = "id", .type = FIELD_ID, .flags = F_NULLABLE, .at = offsetof(struct all, id)},
    {.name = "text", .type = FIELD_STR, .at = offsetof(struct all, text), .max = 4},
    {.name = "secret", .type = FIELD_STR, .flags = F_SECRET, .at = offsetof(struct all, secret), .max = 20},
    {.name = "note",
     .type = FIELD_STR,
     .flags = F_NULLABLE | F_OPTIONAL,
     .at = offsetof(struct all, note),
     .has_at = offsetof(struct all, has_note),
     .max = 20},
    {.name = "any", .type = FIELD_JSON, .flags = F_NULLABLE, .at = offsetof(struct all, any), .max = 40},
    {.name = "uuid", .type = FIELD_UUID, .at = offsetof(struct all, uuid)},
    {.name = "device",
     .type = FIELD_OBJECT,
     .flags = F_NULLABLE,
     .at = offsetof(struct all, device),
     .has_at = offsetof(struct all, has_device),
     .shape = &device_shape},
    {.name = "devices",
     .type = FIELD_LIST,
     .at = offsetof(struct all, devices),
     .max = 2,
     .shape = &device_shape},
    {.name = "ids", .type = FIELD_IDS, .at = offsetof(struct all, ids), .max = 3},
};
static const struct shape all_shape = SHAPE("All", struct all, all_fields);

static struct all all;

static bool decode(const char *text)
{
    problem = (struct problem){0};
    all = (struct all){0};
    return json_decode(str_of(text), &all_shape, &all, arena, &problem) == OK;
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
    CU_ASSERT_FATAL(
        decode("{\"yes\":true,\"number\":3.0,\"at\":1700000000000,\"id\":\"18446744073709551615\","
               "\"text\":\"驿站😀a\",\"secret\":\"pw\",\"note\":null,\"any\":{\"x\":[1,2.50,\"/\"]},"
               "\"uuid\":\"00112233-4455-6677-8899-AABBCCDDEEFF\",\"device\":{\"name\":\"a\"},"
               "\"devices\":[{\"name\":\"b\",\"platform\":\"ios\"}],\"ids\":[\"1\",\"2\"],"
               "\"unknown\":{\"number\":99}, \"from_path\":\"7\"}"));
    CU_ASSERT(all.yes && all.number == 3 && all.at == 1700000000000 && all.id == UINT64_MAX);
    CU_ASSERT(str_eq(all.text, STR("驿站😀a")) && str_eq(all.secret, STR("pw")));
    CU_ASSERT(all.has_note == HAS_NULL && all.has_device == HAS_VALUE);
    CU_ASSERT(str_eq(all.any, STR("{\"x\":[1,2.50,\"/\"]}")));
    CU_ASSERT(all.uuid[1] == 0x11 && all.uuid[15] == 0xff);
    CU_ASSERT(str_eq(all.device.name, STR("a")) && all.device.platform == 0);
    CU_ASSERT(all.devices.n == 1 && ((struct device *)all.devices.items)->platform == 1);
    CU_ASSERT(all.ids.n == 2 && ((uint64_t *)all.ids.items)[1] == 2);
    CU_ASSERT(all.from_path == 0);
    CU_ASSERT(decode("{\"number\":1}") && all.has_note == HAS_NOT);
}

static void test_decode_refuses(void)
{
    static const struct {
        const char *text, *field;
    } bad[] = {
        {"[]", "body"},
        {"null", "body"},
        {"1", "body"},
        {"\"a\"", "body"},
        {"{}", "number"},
        {"{\"number\":null}", "number"},
        {"{\"number\":\"3\"}", "number"},
        {"{\"number\":true}", "number"},
        {"{\"number\":0}", "number"},
        {"{\"number\":10}", "number"},
        {"{\"number\":1.5}", "number"},
        {"{\"number\":1e300}", "number"},
        {"{\"number\":1,\"yes\":1}", "yes"},
        {"{\"number\":1,\"yes\":\"true\"}", "yes"},
        {"{\"number\":1,\"id\":5}", "id"},
        {"{\"number\":1,\"id\":\"0\"}", "id"},
        {"{\"number\":1,\"id\":\"05\"}", "id"},
        {"{\"number\":1,\"id\":\"+5\"}", "id"},
        {"{\"number\":1,\"id\":\"-5\"}", "id"},
        {"{\"number\":1,\"id\":\" 5\"}", "id"},
        {"{\"number\":1,\"id\":\"5.0\"}", "id"},
        {"{\"number\":1,\"id\":\"\"}", "id"},
        {"{\"number\":1,\"id\":\"18446744073709551616\"}", "id"},
        {"{\"number\":1,\"text\":\"12345\"}", "text"},
        {"{\"number\":1,\"text\":5}", "text"},
        {"{\"number\":1,\"text\":null}", "text"},
        {"{\"number\":1,\"text\":[\"a\"]}", "text"},
        {"{\"number\":1,\"uuid\":\"00112233445566778899aabbccddeeff\"}", "uuid"},
        {"{\"number\":1,\"device\":[]}", "device"},
        {"{\"number\":1,\"device\":\"a\"}", "device"},
        {"{\"number\":1,\"device\":{}}", "device.name"},
        {"{\"number\":1,\"device\":{\"name\":\"\"}}", "device.name"},
        {"{\"number\":1,\"device\":{\"name\":\"a\",\"platform\":\"dos\"}}", "device.platform"},
        {"{\"number\":1,\"device\":{\"name\":\"a\",\"platform\":1}}", "device.platform"},
        {"{\"number\":1,\"devices\":{}}", "devices"},
        {"{\"number\":1,\"devices\":[{\"name\":\"a\"},5]}", "devices[1]"},
        {"{\"number\":1,\"devices\":[{\"name\":\"a\"},{}]}", "devices[1].name"},
        {"{\"number\":1,\"devices\":[{},{},{}]}", "devices"},
        {"{\"number\":1,\"ids\":\"1,2\"}", "ids"},
        {"{\"number\":1,\"ids\":[1]}", "ids"},
        {"{\"number\":1,\"ids\":[null]}", "ids"},
        {"{\"number\":1,\"ids\":[\"0\"]}", "ids"},
        {"{\"number\":1,\"ids\":[\"1\",\"2\",\"3\",\"4\"]}", "ids"},
        {"{\"number\":1,\"any\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", "any"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const bool refused = !decode(bad[i].text) && names(bad[i].field);
        if (!refused)
            fprintf(stderr, "%s: %s\n", bad[i].text, problem.detail);
        CU_ASSERT(refused);
    }
    CU_ASSERT(!decode("{\"number\":0,\"yes\":1,\"id\":\"x\",\"device\":{\"platform\":\"dos\"}}"));
    CU_ASSERT(names("number") && names("yes") && names("id") && names("device.name") &&
              names("device.platform"));
    CU_ASSERT(
        !decode("{\"yes\":1,\"at\":\"\",\"id\":1,\"text\":1,\"secret\":1,\"note\":1,\"uuid\":1,\"device\":1,"
                "\"devices\":1,\"ids\":1}"));
    CU_ASSERT_EQUAL(problem.n_fields, PROBLEM_FIELDS);
}

static bool encodes(const struct all *v, const char *want)
{
    struct buf b = buf_in(arena);

    json_encode(&b, &all_shape, v);
    if (!str_eq(buf_done(&b), str_of(want)))
        fprintf(stderr, "%.*s\n", STR_ARG(buf_done(&b)));
    return str_eq(buf_done(&b), str_of(want)) && scan(buf_done(&b));
}

static void test_encode(void)
{
    struct device devices[2] = {{STR("a\"\\\n\x1f"), 0}, {STR("😀"), 1}};
    uint64_t ids[2] = {1, UINT64_MAX};
    struct all v = {.number = INT64_MIN, .device = {STR("x"), 1}};

    CU_ASSERT(encodes(
        &v, "{\"from_path\":\"0\",\"yes\":false,\"number\":-9223372036854775808,\"at\":null,\"id\":null,"
            "\"text\":\"\",\"secret\":\"\",\"any\":null,"
            "\"uuid\":\"00000000-0000-0000-0000-000000000000\",\"device\":null,\"devices\":[],\"ids\":[]}"));
    v = (struct all){.yes = true,
                     .number = INT64_MAX,
                     .at = 5,
                     .id = 6,
                     .text = STR("t"),
                     .note = STR("n"),
                     .has_note = HAS_VALUE,
                     .any = STR("[1]"),
                     .has_device = HAS_VALUE,
                     .device = {STR("x"), 1},
                     .devices = {devices, 2},
                     .ids = {ids, 2}};
    CU_ASSERT(
        encodes(&v, "{\"from_path\":\"0\",\"yes\":true,\"number\":9223372036854775807,\"at\":5,\"id\":\"6\","
                    "\"text\":\"t\",\"secret\":\"\",\"note\":\"n\",\"any\":[1],"
                    "\"uuid\":\"00000000-0000-0000-0000-000000000000\","
                    "\"device\":{\"name\":\"x\",\"platform\":\"ios\"},"
                    "\"devices\":[{\"name\":\"a\\\"\\\\\\n\\u001f\",\"platform\":\"web\"},"
                    "{\"name\":\"😀\",\"platform\":\"ios\"}],\"ids\":[\"1\",\"18446744073709551615\"]}"));
    v.has_note = HAS_NULL;
    struct buf b = buf_in(arena);
    json_encode(&b, &all_shape, &v);
    CU_ASSERT(memmem(b.p, b.n, "\"note\":null", 11) != NULL);
}

/* ---- lists of other things, numbers that are not whole, and objects by choice ---- */

union chosen {
    struct device device;
    struct {
        double real;
    } place;
};
struct letter {
    int kind;
    unsigned char has_kind;
    union chosen chosen;
    struct list ints, strs;
};
static const struct field place_fields[] = {
    {.name = "real",
     .type = FIELD_REAL,
     .flags = F_REQUIRED,
     .at = offsetof(union chosen, place.real),
     .min = -90,
     .max = 90},
};
static const struct shape place_shape = SHAPE("Place", union chosen, place_fields);
static const char *const kind_names[] = {"device", "place", NULL};
static const struct shape *const chosen_shapes[] = {&device_shape, &place_shape, NULL};
static const struct choice choice = {offsetof(struct letter, kind), offsetof(struct letter, has_kind),
                                     chosen_shapes};
static const struct field letter_fields[] = {
    {.name = "kind",
     .type = FIELD_ENUM,
     .flags = F_REQUIRED,
     .at = offsetof(struct letter, kind),
     .has_at = offsetof(struct letter, has_kind),
     .names = kind_names},
    {.name = "content",
     .type = FIELD_CHOICE,
     .flags = F_REQUIRED,
     .at = offsetof(struct letter, chosen),
     .choice = &choice},
    {.name = "ints", .type = FIELD_INTS, .at = offsetof(struct letter, ints), .min = 1, .max = 3},
    {.name = "strs", .type = FIELD_STRS, .at = offsetof(struct letter, strs), .min = 0, .max = 2},
};
static const struct shape letter_shape = SHAPE("Letter", struct letter, letter_fields);

static enum err decode_letter(const char *text, struct letter *out)
{
    problem = (struct problem){0};
    *out = (struct letter){0};
    return json_decode(str_of(text), &letter_shape, out, arena, &problem);
}

static void test_choice_and_lists(void)
{
    static const struct {
        const char *text, *field;
    } wrong[] = {
        {"{\"content\":{}}", "kind"},
        {"{\"kind\":\"other\",\"content\":{\"real\":1}}", "kind"},
        {"{\"kind\":\"place\"}", "content"},
        {"{\"kind\":\"place\",\"content\":[]}", "content"},
        {"{\"kind\":\"place\",\"content\":{}}", "content.real"},
        {"{\"kind\":\"place\",\"content\":{\"real\":90.0001}}", "content.real"},
        {"{\"kind\":\"place\",\"content\":{\"real\":\"1\"}}", "content.real"},
        {"{\"kind\":\"device\",\"content\":{\"real\":1}}", "content.name"},
        {"{\"kind\":\"place\",\"content\":{\"real\":1},\"ints\":[]}", "ints"},
        {"{\"kind\":\"place\",\"content\":{\"real\":1},\"ints\":[0]}", "ints"},
        {"{\"kind\":\"place\",\"content\":{\"real\":1},\"ints\":[1.5]}", "ints"},
        {"{\"kind\":\"place\",\"content\":{\"real\":1},\"ints\":[null]}", "ints"},
        {"{\"kind\":\"place\",\"content\":{\"real\":1},\"ints\":[1,2,3,4]}", "ints"},
        {"{\"kind\":\"place\",\"content\":{\"real\":1},\"strs\":[1]}", "strs"},
        {"{\"kind\":\"place\",\"content\":{\"real\":1},\"strs\":[\"a\",\"b\",\"c\"]}", "strs"},
        {"{\"kind\":\"place\",\"content\":{\"real\":1},\"strs\":{}}", "strs"},
    };
    struct letter v;

    CU_ASSERT_EQUAL(decode_letter("{\"content\":{\"real\":-0.1},\"ints\":[7,9],\"strs\":[\"\",\"\u9a7f\"],"
                                  "\"kind\":\"place\"}",
                                  &v),
                    OK);
    CU_ASSERT_EQUAL(v.chosen.place.real, -0.1);
    CU_ASSERT_EQUAL(((const int64_t *)v.ints.items)[1], 9);
    CU_ASSERT_TRUE(str_eq(((const struct str *)v.strs.items)[1], STR("驿")));
    CU_ASSERT_EQUAL(decode_letter("{\"kind\":\"device\",\"content\":{\"name\":\"x\"}}", &v), OK);
    CU_ASSERT_TRUE(str_eq(v.chosen.device.name, STR("x")));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CU_ASSERT_EQUAL(decode_letter(wrong[i].text, &v), ERR_INVALID_REQUEST);
        CU_ASSERT_EQUAL(problem.n_fields, 1);
        CU_ASSERT_STRING_EQUAL(problem.fields[0].field, wrong[i].field);
    }
}

static void test_numbers_come_back(void)
{
    static const double numbers[] = {0, -90, 0.1, 1.0 / 3, 39.9042, -16.407526, 1e-7, 89.99999999999999};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        union chosen out = {.place.real = numbers[i]}, back = {.place.real = 99};
        struct buf b = buf_in(arena);
        json_encode(&b, &place_shape, &out);
        CU_ASSERT_EQUAL(json_decode(buf_done(&b), &place_shape, &back, arena, &problem), OK);
        CU_ASSERT_EQUAL(back.place.real, numbers[i]);
    }
}

static int set_up(void)
{
    arena = arena_new();
    return 0;
}

static int tear_down(void)
{
    arena_free(arena);
    return 0;
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    CU_pSuite suite = CU_add_suite("json", set_up, tear_down);
    CU_ADD_TEST(suite, test_scan_accepts);
    CU_ADD_TEST(suite, test_scan_refuses);
    CU_ADD_TEST(suite, test_scan_names);
    CU_ADD_TEST(suite, test_scan_limits);
    CU_ADD_TEST(suite, test_depth);
    CU_ADD_TEST(suite, test_decode);
    CU_ADD_TEST(suite, test_decode_refuses);
    CU_ADD_TEST(suite, test_encode);
    CU_ADD_TEST(suite, test_choice_and_lists);
    CU_ADD_TEST(suite, test_numbers_come_back);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    const unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed ? 1 : 0;
}
