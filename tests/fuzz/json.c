/* The pre-scan, json-c and the tables behind it: what is accepted can be written and is accepted again. */
#include <stdlib.h>

#include "ext/json.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static const char *const colours[] = {"red", "green", NULL};

struct inner {
    struct str a;
    int e;
};
static const struct field inner_fields[] = {
    {.name = "a",
     .type = FIELD_STR,
     .flags = F_REQUIRED,
     .at = offsetof(struct inner, a),
     .min = 1,
     .max = 8},
    {.name = "e", .type = FIELD_ENUM, .at = offsetof(struct inner, e), .names = colours},
};
static const struct shape inner_shape = SHAPE("Inner", struct inner, inner_fields);

struct outer {
    bool b;
    int64_t i, t;
    uint64_t id;
    struct str s, any;
    unsigned char u[16], has_s;
    struct inner o;
    struct list l, ids;
};
static const struct field outer_fields[] = {
    {.name = "b", .type = FIELD_BOOL, .at = offsetof(struct outer, b)},
    {.name = "i", .type = FIELD_INT, .at = offsetof(struct outer, i), .min = -5, .max = 1000},
    {.name = "t", .type = FIELD_TIME, .flags = F_NULLABLE, .at = offsetof(struct outer, t)},
    {.name = "id", .type = FIELD_ID, .flags = F_NULLABLE, .at = offsetof(struct outer, id)},
    {.name = "s",
     .type = FIELD_STR,
     .flags = F_NULLABLE | F_SECRET,
     .at = offsetof(struct outer, s),
     .has_at = offsetof(struct outer, has_s),
     .max = 100},
    {.name = "any", .type = FIELD_JSON, .flags = F_NULLABLE, .at = offsetof(struct outer, any), .max = 4000},
    {.name = "u", .type = FIELD_UUID, .at = offsetof(struct outer, u)},
    {.name = "o", .type = FIELD_OBJECT, .at = offsetof(struct outer, o), .shape = &inner_shape},
    {.name = "l", .type = FIELD_LIST, .at = offsetof(struct outer, l), .max = 4, .shape = &inner_shape},
    {.name = "ids", .type = FIELD_IDS, .at = offsetof(struct outer, ids), .max = 4},
};
static const struct shape outer_shape = SHAPE("Outer", struct outer, outer_fields);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    const struct str text = {(const char *)data, n};
    static struct arena *arena;
    struct problem problem = {0};
    struct outer v = {0};

    if (!arena)
        arena = arena_new();
    const bool scanned = jsonscan(text, &problem) == OK;
    if (!scanned && (problem.n_fields != 1 || !problem.detail[0]))
        abort();
    problem = (struct problem){0};
    const enum err err = json_decode(text, &outer_shape, &v, arena, &problem);
    if (err == OK) {
        struct buf b = buf_in(arena);
        json_encode(&b, &outer_shape, &v);
        if (!scanned || jsonscan(buf_done(&b), &problem) != OK)
            abort();
    } else if (!problem.n_fields) {
        abort();
    }
    arena_reset(arena);
    return 0;
}
