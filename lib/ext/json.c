/* JSON by field tables: decoding walks json-c's tree along the table, so that unknown members are never
 * looked at. */
#include "ext/json.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATH_BYTES = 64 };

/* Where we are: for the names in errors, "device.name". */
struct decode {
    struct arena *arena;
    struct problem *problem;
};

static void *value_at(const struct field *f, void *out)
{
    return (char *)out + f->at;
}

/* Says under its full name what field_check() or this file found wrong with a field. */
static enum err refuse(const struct decode *d, const char *path, const char *reason)
{
    return problem_field(d->problem, path, "%s", reason);
}

static enum err check(const struct decode *d, const struct field *f, const void *out, const char *path)
{
    struct problem found = {0};

    if (field_check(f, out, &found) == OK)
        return OK;
    return refuse(d, path, found.fields[0].reason);
}

static struct str text_of(struct json_object *v)
{
    return (struct str){json_object_get_string(v), (size_t)json_object_get_string_len(v)};
}

static enum err decode_int(const struct decode *d, struct json_object *v, int64_t *out, const char *path)
{
    static const double exact = 9007199254740992.0; /* 2^53: above it a double is not one number */

    if (json_object_is_type(v, json_type_int)) {
        *out = json_object_get_int64(v);
        return OK;
    }
    if (!json_object_is_type(v, json_type_double))
        return refuse(d, path, "must be a number");
    const double number = json_object_get_double(v);
    if (!(fabs(number) <= exact) || floor(number) != number)
        return refuse(d, path, "must be a whole number");
    *out = (int64_t)number;
    return OK;
}

/* Types that are one JSON string with a form of its own. */
static enum err decode_text(const struct decode *d, const struct field *f, struct json_object *v, void *out,
                            const char *path)
{
    struct problem found = {0};

    if (!json_object_is_type(v, json_type_string))
        return refuse(d, path, "must be a string");
    const struct str text = text_of(v);
    const enum err err = field_set_text(f, text, out, d->arena, &found);
    if (f->flags & F_SECRET)
        explicit_bzero((char *)(uintptr_t)text.p, text.n); /* json-c frees its copy as it is */
    return err == OK ? OK : refuse(d, path, found.fields[0].reason);
}

static enum err decode_ids(const struct decode *d, const struct field *f, struct json_object *v, void *out,
                           const char *path)
{
    struct list *l = value_at(f, out);

    if (!json_object_is_type(v, json_type_array))
        return refuse(d, path, "must be an array of ids");
    const size_t n = json_object_array_length(v);
    uint64_t *ids = arena_array(d->arena, n, sizeof *ids); /* bounded by the body's 64 KiB */
    for (size_t i = 0; i < n; i++) {
        struct json_object *one = json_object_array_get_idx(v, i);
        if (!json_object_is_type(one, json_type_string) || !str_u64(text_of(one), &ids[i]))
            return refuse(d, path, "must be an array of decimal ids as strings");
    }
    *l = (struct list){ids, n};
    return check(d, f, out, path);
}

static enum err decode_ints(const struct decode *d, const struct field *f, struct json_object *v, void *out,
                            const char *path)
{
    struct list *l = value_at(f, out);

    if (!json_object_is_type(v, json_type_array))
        return refuse(d, path, "must be an array of numbers");
    *l = (struct list){NULL, json_object_array_length(v)};
    TRY(check(d, f, out, path));
    int64_t *numbers = arena_array(d->arena, l->n, sizeof *numbers);
    for (size_t i = 0; i < l->n; i++) {
        TRY(decode_int(d, json_object_array_get_idx(v, i), &numbers[i], path));
        if (numbers[i] < 1)
            return refuse(d, path, "must be numbers of at least 1");
    }
    l->items = numbers;
    return OK;
}

static enum err decode_strs(const struct decode *d, const struct field *f, struct json_object *v, void *out,
                            const char *path)
{
    struct list *l = value_at(f, out);

    if (!json_object_is_type(v, json_type_array))
        return refuse(d, path, "must be an array of strings");
    *l = (struct list){NULL, json_object_array_length(v)};
    TRY(check(d, f, out, path));
    struct str *texts = arena_array(d->arena, l->n, sizeof *texts);
    for (size_t i = 0; i < l->n; i++) {
        struct json_object *one = json_object_array_get_idx(v, i);
        if (!json_object_is_type(one, json_type_string))
            return refuse(d, path, "must be an array of strings");
        texts[i] = str_copy(d->arena, text_of(one));
    }
    l->items = texts;
    return OK;
}

static enum err decode_real(const struct decode *d, const struct field *f, struct json_object *v, void *out,
                            const char *path)
{
    if (!json_object_is_type(v, json_type_double) && !json_object_is_type(v, json_type_int))
        return refuse(d, path, "must be a number");
    *(double *)value_at(f, out) = json_object_get_double(v);
    return check(d, f, out, path);
}

static enum err decode_json(const struct decode *d, const struct field *f, struct json_object *v, void *out,
                            const char *path)
{
    size_t n;
    const char *text =
        json_object_to_json_string_length(v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);

    *(struct str *)value_at(f, out) = str_copy(d->arena, (struct str){text, n});
    return check(d, f, out, path);
}

static enum err decode_object(const struct decode *d, const struct shape *shape, struct json_object *v,
                              void *out, const char *prefix);

static enum err decode_list(const struct decode *d, const struct field *f, struct json_object *v, void *out,
                            const char *path)
{
    struct list *l = value_at(f, out);
    enum err err = OK;

    if (!json_object_is_type(v, json_type_array))
        return refuse(d, path, "must be an array");
    *l = (struct list){NULL, json_object_array_length(v)};
    TRY(check(d, f, out, path)); /* the number of items, before there is memory for them */
    char *items = arena_array(d->arena, l->n, f->shape->size);
    l->items = items;
    for (size_t i = 0; i < l->n; i++) {
        char name[PATH_BYTES];
        snprintf(name, sizeof name, "%.40s[%zu]", path, i);
        const enum err one =
            decode_object(d, f->shape, json_object_array_get_idx(v, i), items + i * f->shape->size, name);
        err = one == OK ? err : one;
    }
    return err;
}

/* What has no valid choice is not looked at: the choice itself was refused. */
static enum err decode_choice(const struct decode *d, const struct field *f, struct json_object *v, void *out,
                              const char *path)
{
    const struct choice *c = f->choice;

    if (((const unsigned char *)out)[c->has_at] != HAS_VALUE)
        return OK;
    return decode_object(d, c->shapes[*(const int *)((const char *)out + c->at)], v, value_at(f, out), path);
}

static enum err decode_value(const struct decode *d, const struct field *f, struct json_object *v, void *out,
                             const char *path)
{
    switch (f->type) {
    case FIELD_BOOL:
        if (!json_object_is_type(v, json_type_boolean))
            return refuse(d, path, "must be true or false");
        *(bool *)value_at(f, out) = json_object_get_boolean(v);
        return OK;
    case FIELD_INT:
    case FIELD_TIME:
        TRY(decode_int(d, v, value_at(f, out), path));
        return check(d, f, out, path);
    case FIELD_ID:
    case FIELD_STR:
    case FIELD_ENUM:
    case FIELD_UUID:
        return decode_text(d, f, v, out, path);
    case FIELD_OBJECT:
        return decode_object(d, f->shape, v, value_at(f, out), path);
    case FIELD_LIST:
        return decode_list(d, f, v, out, path);
    case FIELD_IDS:
        return decode_ids(d, f, v, out, path);
    case FIELD_INTS:
        return decode_ints(d, f, v, out, path);
    case FIELD_STRS:
        return decode_strs(d, f, v, out, path);
    case FIELD_REAL:
        return decode_real(d, f, v, out, path);
    case FIELD_CHOICE:
        return decode_choice(d, f, v, out, path);
    case FIELD_JSON:
        return decode_json(d, f, v, out, path);
    }
    return OK;
}

/* "prefix.name", both cut to what fits. */
static void join(char path[PATH_BYTES], const char *prefix, const char *name)
{
    const size_t n = strnlen(prefix, 40), left = strnlen(name, 22);
    char *at = mempcpy(path, prefix, n);

    if (n)
        *at++ = '.';
    at = mempcpy(at, name, left);
    *at = '\0';
}

static enum err decode_field(const struct decode *d, const struct field *f, struct json_object *object,
                             void *out, const char *prefix)
{
    char path[PATH_BYTES];
    struct json_object *v;
    enum has has = HAS_VALUE;

    join(path, prefix, f->name);
    if (!json_object_object_get_ex(object, f->name, &v))
        return f->flags & F_REQUIRED ? refuse(d, path, "is missing") : OK;
    if (!v) {
        if (!(f->flags & F_NULLABLE))
            return refuse(d, path, "must not be null");
        has = HAS_NULL;
    } else {
        TRY(decode_value(d, f, v, out, path));
    }
    if (f->has_at)
        *((unsigned char *)out + f->has_at) = (unsigned char)has;
    return OK;
}

/* Every field is looked at, so that all that is wrong is said at once. */
static enum err decode_object(const struct decode *d, const struct shape *shape, struct json_object *v,
                              void *out, const char *prefix)
{
    enum err err = OK;

    if (!json_object_is_type(v, json_type_object))
        return refuse(d, *prefix ? prefix : "body", "must be an object");
    for (size_t i = 0; i < shape->n; i++) {
        const struct field *f = &shape->fields[i];
        if (f->flags & (F_PATH | F_QUERY))
            continue;
        const enum err one = decode_field(d, f, v, out, prefix);
        err = one == OK ? err : one;
    }
    return err;
}

static void put_tree(void *tree)
{
    json_object_put(tree);
}

enum err json_decode(struct str text, const struct shape *shape, void *out, struct arena *arena,
                     struct problem *problem)
{
    const struct decode d = {.arena = arena, .problem = problem};

    TRY(jsonscan(text, problem));
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 1);
    if (!tokener)
        abort();
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *tree = json_tokener_parse_ex(tokener, text.p, (int)text.n);
    const bool whole = json_tokener_get_error(tokener) == json_tokener_success;
    json_tokener_free(tokener);
    if (!whole) /* a bare number or word waits for more: no object either way */
        return refuse(&d, "body", "must be an object");
    arena_defer(arena, put_tree, tree);
    return decode_object(&d, shape, tree, out, "");
}
