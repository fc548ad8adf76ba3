/* Routes: a linear look over a const table, which is short. */
#include "web/route.h"

#define PREFIX "/api/v1"

static const char *const method_names[] = {"GET", "POST", "PUT", "PATCH", "DELETE", NULL};

int route_method(struct str name)
{
    return field_enum_index(method_names, name);
}

const char *route_method_name(enum method method)
{
    return method_names[method];
}

/* The next piece of a path between slashes; false at its end. */
static bool next_piece(struct str *rest, struct str *piece)
{
    if (!rest->n || rest->p[0] != '/')
        return false;
    const char *start = rest->p + 1, *end = memchr(start, '/', rest->n - 1);
    piece->p = start;
    piece->n = end ? (size_t)(end - start) : rest->n - 1;
    *rest = (struct str){start + piece->n, rest->n - 1 - piece->n};
    return true;
}

static bool is_parameter(struct str piece, struct str *name)
{
    if (piece.n < 3 || piece.p[0] != '{')
        return false;
    *name = (struct str){piece.p + 1, piece.n - 2};
    return true;
}

static bool matches(const char *pattern, struct str path, struct route_match *out)
{
    struct str rest = str_of(pattern), want, got, name;

    out->n = 0;
    while (next_piece(&rest, &want)) {
        if (!next_piece(&path, &got))
            return false;
        if (!is_parameter(want, &name)) {
            if (!str_eq(want, got))
                return false;
        } else if (!got.n || out->n == ROUTE_VALUES_MAX) {
            return false;
        } else {
            out->values[out->n].name = name;
            out->values[out->n++].value = got;
        }
    }
    return path.n == 0;
}

bool route_find(const struct service *of, enum method method, struct str path, struct route_match *out)
{
    const bool bare = !str_starts(path, STR(PREFIX "/"));

    if (!bare)
        path = (struct str){path.p + strlen(PREFIX), path.n - strlen(PREFIX)};
    for (unsigned i = 0; i < of->n_routes; i++) {
        const struct route *route = &of->routes[i];
        if (route->method != method || (bare && !(route->flags & ROUTE_BARE)) ||
            !matches(route->path, path, out))
            continue;
        out->route = route;
        out->index = i;
        return true;
    }
    return false;
}

/* ---- checking ---- */

static const struct field *field_of(const struct shape *shape, struct str name, unsigned source)
{
    for (size_t i = 0; shape && i < shape->n; i++)
        if ((shape->fields[i].flags & source) && str_eq(str_of(shape->fields[i].name), name))
            return &shape->fields[i];
    return NULL;
}

static enum err check_path(const struct route *r, struct problem *problem)
{
    struct str rest = str_of(r->path), piece, name;
    size_t n = 0, n_fields = 0;

    while (next_piece(&rest, &piece)) {
        if (!is_parameter(piece, &name))
            continue;
        n++;
        if (!field_of(r->in, name, F_PATH))
            return problem_set(problem, ERR_UNAVAILABLE, "%s: {%.*s} is no F_PATH field", r->path,
                               STR_ARG(name));
    }
    for (size_t i = 0; r->in && i < r->in->n; i++)
        n_fields += (r->in->fields[i].flags & F_PATH) != 0;
    if (r->in && r->in->n > ROUTE_FIELDS_MAX)
        return problem_set(problem, ERR_UNAVAILABLE, "%s: more than %d fields", r->path, ROUTE_FIELDS_MAX);
    if (n != n_fields || n > ROUTE_VALUES_MAX || rest.n)
        return problem_set(problem, ERR_UNAVAILABLE, "%s: its parameters and the F_PATH fields differ",
                           r->path);
    return OK;
}

static enum err check_flags(const struct route *r, struct problem *problem)
{
    const bool tx = r->flags & (ROUTE_TX | (r->flags & ROUTE_BODY ? 0 : ROUTE_IDEMPOTENT));

    if (tx && (r->flags & (ROUTE_INLINE | ROUTE_LATER)))
        return problem_set(problem, ERR_UNAVAILABLE, "%s: a transaction can be neither inline nor later",
                           r->path);
    if ((r->flags & ROUTE_HEAVY) && (r->flags & (ROUTE_INLINE | ROUTE_LATER)))
        return problem_set(problem, ERR_UNAVAILABLE, "%s: what is heavy can be neither inline nor later",
                           r->path);
    if ((r->flags & ROUTE_BODY) && (tx || (r->flags & (ROUTE_INLINE | ROUTE_LATER | ROUTE_HEAVY))))
        return problem_set(problem, ERR_UNAVAILABLE, "%s: who reads a body can be nothing else", r->path);
    if ((r->flags & ROUTE_IDEMPOTENT) && (r->flags & ROUTE_OPEN))
        return problem_set(problem, ERR_UNAVAILABLE, "%s: an idempotency key belongs to a user", r->path);
    if ((r->flags & ROUTE_STREAM) && (!(r->flags & ROUTE_LATER) || strchr(r->path, '{')))
        return problem_set(problem, ERR_UNAVAILABLE, "%s: a stream is answered later, at one path", r->path);
    if (!r->call || !r->operation || r->status < 200 || r->status > 299 || (r->status == 204 && r->out))
        return problem_set(problem, ERR_UNAVAILABLE, "%s: call, operation or status is wrong", r->path);
    return OK;
}

enum err route_check(const struct service *of, struct problem *problem)
{
    if (of->n_routes > ROUTES_MAX)
        return problem_set(problem, ERR_UNAVAILABLE, "more than %d routes", ROUTES_MAX);
    for (size_t i = 0; i < of->n_routes; i++) {
        TRY(check_path(&of->routes[i], problem));
        TRY(check_flags(&of->routes[i], problem));
    }
    return OK;
}

/* ---- printing ---- */

static const char *const type_names[] = {
    [FIELD_BOOL] = "bool",  [FIELD_INT] = "int",   [FIELD_TIME] = "time",     [FIELD_ID] = "id",
    [FIELD_STR] = "string", [FIELD_ENUM] = "enum", [FIELD_UUID] = "uuid",     [FIELD_OBJECT] = "object",
    [FIELD_LIST] = "list",  [FIELD_IDS] = "ids",   [FIELD_JSON] = "json",     [FIELD_INTS] = "ints",
    [FIELD_STRS] = "strs",  [FIELD_REAL] = "real", [FIELD_CHOICE] = "choice",
};

static void print_flag(FILE *out, const char *name, bool on)
{
    fprintf(out, ",\"%s\":%s", name, on ? "true" : "false");
}

static void print_shape(FILE *out, const struct shape *shape, int depth);

static void print_field(FILE *out, const struct field *f, int depth)
{
    const char *source = f->flags & F_PATH ? "path" : f->flags & F_QUERY ? "query" : "body";

    fprintf(out, "{\"name\":\"%s\",\"source\":\"%s\",\"type\":\"%s\"", f->name, source, type_names[f->type]);
    print_flag(out, "required", f->flags & (F_REQUIRED | F_PATH));
    print_flag(out, "nullable", f->flags & F_NULLABLE);
    print_flag(out, "optional", f->flags & F_OPTIONAL);
    print_flag(out, "secret", f->flags & F_SECRET);
    if (f->min || f->max)
        fprintf(out, ",\"min\":%lld", (long long)f->min);
    if (f->max >= f->min && (f->min || f->max))
        fprintf(out, ",\"max\":%lld", (long long)f->max);
    if (f->type == FIELD_ENUM) {
        for (int i = 0; f->names[i]; i++)
            fprintf(out, "%s\"%s\"", i ? "," : ",\"names\":[", f->names[i]);
        fputc(']', out);
    }
    if (f->shape) {
        fputs(",\"shape\":", out);
        print_shape(out, f->shape, depth + 1);
    }
    for (int i = 0; f->choice && f->choice->shapes[i]; i++) {
        fputs(i ? "," : ",\"shapes\":[", out);
        print_shape(out, f->choice->shapes[i], depth + 1);
    }
    fputs(f->choice ? "]}" : "}", out);
}

/* A shape inside itself would go on for ever: it is named only, past a depth that none has. */
static void print_shape(FILE *out, const struct shape *shape, int depth)
{
    if (!shape) {
        fputs("null", out);
        return;
    }
    fprintf(out, "{\"name\":\"%s\"", shape->name ? shape->name : "");
    for (size_t i = 0; depth < 8 && i < shape->n; i++) {
        fputs(i ? "," : ",\"fields\":[", out);
        print_field(out, &shape->fields[i], depth);
    }
    fputs(depth < 8 && shape->n ? "]}" : "}", out);
}

static void print_route(FILE *out, const char *prefix, const struct route *r)
{
    fprintf(out, "{\"method\":\"%s\",\"path\":\"%s%s\",\"operation\":\"%s\",\"status\":%d",
            method_names[r->method], prefix, r->path, r->operation, r->status);
    print_flag(out, "open", r->flags & ROUTE_OPEN);
    print_flag(out, "idempotent", r->flags & ROUTE_IDEMPOTENT);
    print_flag(out, "later", r->flags & ROUTE_LATER);
    print_flag(out, "stream", r->flags & ROUTE_STREAM);
    print_flag(out, "body", r->flags & ROUTE_BODY);
    fputs(",\"in\":", out);
    print_shape(out, r->in, 0);
    fputs(",\"out\":", out);
    print_shape(out, r->out, 0);
    fputc('}', out);
}

void route_print(const struct service *of, FILE *out)
{
    fputs("[", out);
    for (size_t i = 0; i < of->n_routes; i++) {
        const struct route *r = &of->routes[i];
        fputs(i ? ",\n" : "\n", out);
        print_route(out, PREFIX, r);
        if (r->flags & ROUTE_BARE) {
            fputs(",\n", out);
            print_route(out, "", r);
        }
    }
    fputs("\n]\n", out);
}
