/* Decoding by field tables. */
#include "web/decode.h"

#include "ext/json.h"

enum { QUERY_PAIRS_MAX = 64 };

bool decode_percent(struct str raw, bool plus, struct arena *arena, struct str *out)
{
    char *p = arena_copy(arena, raw.p, raw.n);
    size_t n = 0;

    for (size_t i = 0; i < raw.n; i++) {
        unsigned char c = (unsigned char)raw.p[i];
        if (c == '%') {
            if (i + 2 >= raw.n || !hex_decode((struct str){raw.p + i + 1, 2}, &c, 1))
                return false;
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        p[n++] = (char)c;
    }
    *out = (struct str){p, n};
    return true;
}

static size_t index_of(const struct shape *shape, struct str name, unsigned source)
{
    size_t i = 0;

    while (i < shape->n &&
           !((shape->fields[i].flags & source) && str_eq(str_of(shape->fields[i].name), name)))
        i++;
    return i;
}

static enum err set_encoded(const struct field *f, struct str raw, bool plus, void *in, struct arena *arena,
                            struct problem *problem)
{
    struct str text;

    if (!decode_percent(raw, plus, arena, &text))
        return problem_field(problem, f->name, "is not well percent-encoded");
    return field_set_text(f, text, in, arena, problem);
}

static enum err decode_path(const struct route_match *match, void *in, struct arena *arena,
                            struct problem *problem)
{
    const struct shape *shape = match->route->in;
    enum err err = OK;

    for (unsigned i = 0; i < match->n; i++) {
        const struct field *f = &shape->fields[index_of(shape, match->values[i].name, F_PATH)];
        const enum err one = set_encoded(f, match->values[i].value, false, in, arena, problem);
        err = one == OK ? err : one;
    }
    return err;
}

/* One `name=value`. Those that no field has are passed over. */
static enum err decode_pair(const struct shape *shape, struct str pair, uint64_t *seen, void *in,
                            struct arena *arena, struct problem *problem)
{
    struct str raw_name = STR(""), name;

    if (!str_cut(&pair, '=', &raw_name) || !decode_percent(raw_name, true, arena, &name))
        return problem_field(problem, "query", "is not well percent-encoded");
    const size_t i = index_of(shape, name, F_QUERY);
    if (i == shape->n)
        return OK;
    if ((*seen & UINT64_C(1) << i) && shape->fields[i].type != FIELD_STRS)
        return problem_field(problem, shape->fields[i].name, "stands there twice");
    *seen |= UINT64_C(1) << i;
    return set_encoded(&shape->fields[i], pair, true, in, arena, problem);
}

static enum err decode_query(const struct shape *shape, struct str query, void *in, struct arena *arena,
                             struct problem *problem)
{
    uint64_t seen = 0;
    enum err err = OK;
    struct str pair;

    for (int n = 0; str_cut(&query, '&', &pair); n++) {
        if (n == QUERY_PAIRS_MAX)
            return problem_field(problem, "query", "has more than %d parameters", QUERY_PAIRS_MAX);
        const enum err one = pair.n ? decode_pair(shape, pair, &seen, in, arena, problem) : OK;
        err = one == OK ? err : one;
    }
    for (size_t i = 0; i < shape->n; i++)
        if ((shape->fields[i].flags & F_QUERY) && (shape->fields[i].flags & F_REQUIRED) &&
            !(seen & UINT64_C(1) << i))
            err = problem_field(problem, shape->fields[i].name, "is missing");
    return err;
}

static bool has_source(const struct shape *shape, unsigned source)
{
    for (size_t i = 0; i < shape->n; i++)
        if ((shape->fields[i].flags & (F_PATH | F_QUERY)) == source)
            return true;
    return false;
}

enum err decode_input(const struct route_match *match, struct str query, struct str body, void *in,
                      struct arena *arena, struct problem *problem)
{
    const struct shape *shape = match->route->in;
    enum err err = OK, one;

    if (!shape)
        return OK;
    err = decode_path(match, in, arena, problem);
    if (has_source(shape, F_QUERY)) {
        one = decode_query(shape, query, in, arena, problem);
        err = one == OK ? err : one;
    }
    if (has_source(shape, 0)) {
        one = json_decode(body.n ? body : STR("{}"), shape, in, arena, problem);
        err = one == OK ? err : one;
    }
    return err;
}
