/* Field tables: texts into values, and the checks that every source shares. */
#include "base/field.h"

#include <inttypes.h>
#include <stdio.h>

static void *value_of(const struct field *f, void *out)
{
    return (char *)out + f->at;
}

int field_enum_index(const char *const *names, struct str text)
{
    for (int i = 0; names[i]; i++)
        if (str_eq(str_of(names[i]), text))
            return i;
    return -1;
}

/* With both bounds 0 there are none; a maximum below the minimum is none. */
static bool in_range(const struct field *f, int64_t v)
{
    if (f->min == 0 && f->max == 0)
        return true;
    return v >= f->min && (f->max < f->min || v <= f->max);
}

static enum err refuse_range(const struct field *f, const char *what, struct problem *problem)
{
    if (f->max < f->min)
        return problem_field(problem, f->name, "must be at least %" PRId64 "%s", f->min, what);
    return problem_field(problem, f->name, "must be %" PRId64 " to %" PRId64 "%s", f->min, f->max, what);
}

static enum err check_text(const struct field *f, struct str s, struct problem *problem)
{
    size_t chars;

    if (!s.p)
        return OK;
    if (!utf8_check(s, &chars))
        return problem_field(problem, f->name, "must be valid UTF-8 without NUL");
    return in_range(f, (int64_t)chars) ? OK : refuse_range(f, " characters", problem);
}

static enum err check_ids(const struct field *f, const struct list *l, struct problem *problem)
{
    const uint64_t *ids = l->items;

    if (!in_range(f, (int64_t)l->n))
        return refuse_range(f, " ids", problem);
    for (size_t i = 0; i < l->n; i++)
        if (!ids[i])
            return problem_field(problem, f->name, "0 is not an id");
    return OK;
}

enum err field_check(const struct field *f, const void *in, struct problem *problem)
{
    const void *v = (const char *)in + f->at;

    switch (f->type) {
    case FIELD_INT:
    case FIELD_TIME:
        return in_range(f, *(const int64_t *)v) ? OK : refuse_range(f, "", problem);
    case FIELD_ID:
        return *(const uint64_t *)v ? OK : problem_field(problem, f->name, "0 is not an id");
    case FIELD_STR:
        return check_text(f, *(const struct str *)v, problem);
    case FIELD_LIST:
    case FIELD_INTS:
    case FIELD_STRS:
        return in_range(f, (int64_t)((const struct list *)v)->n) ? OK : refuse_range(f, " items", problem);
    case FIELD_REAL:
        if (*(const double *)v >= (double)f->min && *(const double *)v <= (double)f->max)
            return OK;
        return refuse_range(f, "", problem);
    case FIELD_IDS:
        return check_ids(f, v, problem);
    case FIELD_JSON:
        if (f->max > 0 && ((const struct str *)v)->n > (uint64_t)f->max)
            return problem_field(problem, f->name, "must be at most %" PRId64 " bytes", f->max);
        return OK;
    case FIELD_BOOL:
    case FIELD_ENUM:
    case FIELD_UUID:
    case FIELD_OBJECT:
    case FIELD_CHOICE:
        return OK;
    }
    return OK;
}

static enum err set_enum(const struct field *f, struct str text, int *out, struct problem *problem)
{
    char all[160] = "";

    *out = field_enum_index(f->names, text);
    if (*out >= 0)
        return OK;
    *out = 0;
    for (size_t i = 0, n = 0; f->names[i] && n < sizeof all; i++)
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", f->names[i]);
    return problem_field(problem, f->name, "must be one of %s", all);
}

/* One more. */
static enum err add_text(const struct field *f, struct str text, struct list *out, struct arena *arena,
                         struct problem *problem)
{
    if (!out->n)
        out->items = arena_array(arena, (size_t)f->max, sizeof text);
    if (out->n == (size_t)f->max)
        return problem_field(problem, f->name, "must be at most %" PRId64, f->max);
    ((struct str *)out->items)[out->n++] = text;
    return OK;
}

static enum err set_ids(const struct field *f, struct str text, struct list *out, struct arena *arena,
                        struct problem *problem)
{
    struct str rest = text, one;
    size_t n = text.n > 0;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == ',';
    if (!in_range(f, (int64_t)n)) /* before any memory is taken for them */
        return refuse_range(f, " ids", problem);
    uint64_t *ids = arena_array(arena, n, sizeof *ids);
    for (size_t i = 0; i < n; i++)
        if (!str_cut(&rest, ',', &one) || !str_u64(one, &ids[i]))
            return problem_field(problem, f->name, "must be decimal ids, separated by commas");
    *out = (struct list){ids, n};
    return OK;
}

static void wipe(void *arg)
{
    const struct str *s = arg;

    explicit_bzero((char *)(uintptr_t)s->p, s->n);
}

static struct str set_text(const struct field *f, struct str text, struct arena *arena)
{
    struct str *copy = arena_alloc(arena, sizeof *copy);

    *copy = str_copy(arena, (struct str){text.p ? text.p : "", text.n});
    if (f->flags & F_SECRET)
        arena_defer(arena, wipe, copy);
    return *copy;
}

static enum err set_value(const struct field *f, struct str text, void *v, struct arena *arena,
                          struct problem *problem)
{
    switch (f->type) {
    case FIELD_BOOL:
        *(bool *)v = str_eq(text, STR("true"));
        if (!*(bool *)v && !str_eq(text, STR("false")))
            return problem_field(problem, f->name, "must be true or false");
        return OK;
    case FIELD_INT:
    case FIELD_TIME:
        return str_i64(text, v) ? OK : problem_field(problem, f->name, "must be a whole number");
    case FIELD_ID:
        return str_u64(text, v) ? OK : problem_field(problem, f->name, "must be a decimal id");
    case FIELD_STR:
        *(struct str *)v = set_text(f, text, arena);
        return OK;
    case FIELD_ENUM:
        return set_enum(f, text, v, problem);
    case FIELD_UUID:
        return uuid_decode(text, v) ? OK : problem_field(problem, f->name, "must be a UUID");
    case FIELD_IDS:
        return set_ids(f, text, v, arena, problem);
    case FIELD_STRS:
        return add_text(f, text, v, arena, problem);
    case FIELD_OBJECT:
    case FIELD_LIST:
    case FIELD_JSON:
    case FIELD_INTS:
    case FIELD_REAL:
    case FIELD_CHOICE:
        break;
    }
    return problem_field(problem, f->name, "cannot be read from a text");
}

enum err field_set_text(const struct field *f, struct str text, void *out, struct arena *arena,
                        struct problem *problem)
{
    TRY(set_value(f, text, value_of(f, out), arena, problem));
    if (f->has_at)
        *((unsigned char *)out + f->has_at) = HAS_VALUE;
    return field_check(f, out, problem);
}
