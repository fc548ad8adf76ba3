/* Path and query of a request: the first line of the input is the path, the rest the query. */
#include <stdlib.h>

#include "web/decode.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static const char *const kinds[] = {"in", "out", NULL};

struct find {
    uint64_t id;
    unsigned char uuid[16];
    struct str name, q;
    int64_t limit, at;
    struct list ids;
    int kind;
    bool flag;
};
static const struct field find_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH, .at = offsetof(struct find, id)},
    {.name = "name",
     .type = FIELD_STR,
     .flags = F_PATH,
     .at = offsetof(struct find, name),
     .min = 1,
     .max = 10},
    {.name = "q", .type = FIELD_STR, .flags = F_QUERY, .at = offsetof(struct find, q), .max = 10},
    {.name = "limit",
     .type = FIELD_INT,
     .flags = F_QUERY,
     .at = offsetof(struct find, limit),
     .min = 1,
     .max = 200},
    {.name = "at", .type = FIELD_TIME, .flags = F_QUERY, .at = offsetof(struct find, at)},
    {.name = "ids",
     .type = FIELD_IDS,
     .flags = F_QUERY,
     .at = offsetof(struct find, ids),
     .min = 1,
     .max = 100},
    {.name = "uuid", .type = FIELD_UUID, .flags = F_QUERY, .at = offsetof(struct find, uuid)},
    {.name = "kind", .type = FIELD_ENUM, .flags = F_QUERY, .at = offsetof(struct find, kind), .names = kinds},
    {.name = "flag", .type = FIELD_BOOL, .flags = F_QUERY, .at = offsetof(struct find, flag)},
};
static const struct shape find_shape = SHAPE("Find", struct find, find_fields);

static enum err nothing(struct req *r)
{
    (void)r;
    return OK;
}

static const struct route routes[] = {
    {GET, "/a", "a", nothing, NULL, NULL, 204, ROUTE_BARE},
    {GET, "/a/{id}/b/{name}", "b", nothing, &find_shape, NULL, 204, 0},
};
static const struct service tested = {SERVICE("tested", routes)};

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    const struct str all = {(const char *)data, n};
    static struct arena *arena;
    struct problem problem = {0};
    struct route_match match;
    struct str query = all, path = STR("");
    struct find in = {0};

    if (!arena)
        arena = arena_new();
    (void)str_cut(&query, '\n', &path);
    if (!route_find(&tested, GET, path, &match) || !match.route->in)
        (void)route_find(&tested, GET, STR("/api/v1/a/5/b/x"), &match);
    const enum err err = decode_input(&match, query, STR(""), &in, arena, &problem);
    if (err != OK && !problem.n_fields)
        abort();
    if (err == OK && (!in.id || !utf8_check(in.name, NULL) || !utf8_check(in.q, NULL) || in.ids.n > 100))
        abort();
    arena_reset(arena);
    return 0;
}
