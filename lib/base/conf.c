/* Configuration: conf.def becomes one table of rows that parser and documentation share. */
#include "base/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

enum kind { KIND_STR, KIND_SECRET, KIND_INT, KIND_ENUM };

enum { LINE_BYTES = 2 * CONF_TEXT_BYTES, VALUE_BYTES = CONF_TEXT_BYTES };

static const char prefix[] = "POSTHOUSE_";

static const struct row {
    const char *name;
    enum kind kind;
    size_t at;
    const char *value; /* the default, as text */
    int min, max;
    const char *names; /* KIND_ENUM: a|b|c */
    const char *what;
} rows[] = {
#define CONF_STR(name, value, what) {#name, KIND_STR, offsetof(struct conf, name), value, 0, 0, NULL, what},
#define CONF_SECRET(name, value, what)                                                                       \
    {#name, KIND_SECRET, offsetof(struct conf, name), value, 0, 0, NULL, what},
#define CONF_INT(name, value, min, max, what)                                                                \
    {#name, KIND_INT, offsetof(struct conf, name), #value, min, max, NULL, what},
#define CONF_ENUM(name, value, names, what)                                                                  \
    {#name, KIND_ENUM, offsetof(struct conf, name), value, 0, 0, names, what},
#include "base/conf.def"
#undef CONF_STR
#undef CONF_SECRET
#undef CONF_INT
#undef CONF_ENUM
};

enum { N_ROWS = sizeof rows / sizeof *rows };

static int *number_of(const struct conf *conf, const struct row *row)
{
    return (int *)((char *)(uintptr_t)conf + row->at);
}

static char *text_of(const struct conf *conf, const struct row *row)
{
    return (char *)(uintptr_t)conf + row->at;
}

/* The index of `value` in "a|b|c", or -1. */
static int name_index(const char *names, struct str value)
{
    struct str rest = str_of(names), one;

    for (int i = 0; str_cut(&rest, '|', &one); i++)
        if (str_eq(one, value))
            return i;
    return -1;
}

static struct str name_at(const char *names, int index)
{
    struct str rest = str_of(names), one = STR_NONE;

    while (index-- >= 0 && str_cut(&rest, '|', &one))
        ;
    return one;
}

static enum err set(struct conf *conf, const struct row *row, const char *value, const char *source,
                    struct problem *problem)
{
    int64_t number;

    switch (row->kind) {
    case KIND_STR:
    case KIND_SECRET:
        if (strlen(value) >= VALUE_BYTES)
            return problem_set(problem, ERR_INVALID_REQUEST, "%s: `%s` is longer than %d bytes", source,
                               row->name, VALUE_BYTES - 1);
        memcpy(text_of(conf, row), value, strlen(value) + 1);
        return OK;
    case KIND_INT:
        if (!str_i64(str_of(value), &number) || number < row->min || number > row->max)
            return problem_set(problem, ERR_INVALID_REQUEST,
                               "%s: `%s` must be a number from %d to %d, not `%.40s`", source, row->name,
                               row->min, row->max, value);
        *number_of(conf, row) = (int)number;
        return OK;
    case KIND_ENUM:
        *number_of(conf, row) = name_index(row->names, str_of(value));
        if (*number_of(conf, row) < 0)
            return problem_set(problem, ERR_INVALID_REQUEST, "%s: `%s` must be one of %s, not `%.40s`",
                               source, row->name, row->names, value);
        return OK;
    }
    return OK;
}

static const struct row *row_by_name(const char *name)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (!strcmp(rows[i].name, name))
            return &rows[i];
    return NULL;
}

static char *trim(char *s)
{
    s += strspn(s, " \t");
    size_t n = strlen(s);
    while (n && strchr(" \t\r\n", s[n - 1]))
        s[--n] = 0;
    return s;
}

static enum err read_line(struct conf *conf, char *line, const char *source, struct problem *problem)
{
    char *name = trim(line), *equals = strchr(name, '=');

    if (!*name || *name == '#')
        return OK;
    if (!equals)
        return problem_set(problem, ERR_INVALID_REQUEST, "%s: `%.60s` is not `name = value`", source, name);
    *equals = 0;
    name = trim(name);
    const struct row *row = row_by_name(name);
    if (!row)
        return problem_set(problem, ERR_INVALID_REQUEST, "%s: there is no setting `%.60s`", source, name);
    return set(conf, row, trim(equals + 1), source, problem);
}

static enum err read_file(struct conf *conf, const char *path, struct problem *problem)
{
    char line[LINE_BYTES], source[CONF_TEXT_BYTES];
    enum err err = OK;
    FILE *f = fopen(path, "re");

    if (!f)
        return problem_set(problem, ERR_INVALID_REQUEST, "%s cannot be read", path);
    for (int number = 1; err == OK && fgets(line, sizeof line, f); number++) {
        snprintf(source, sizeof source, "%.900s, line %d", path, number);
        if (!strchr(line, '\n') && !feof(f))
            err = problem_set(problem, ERR_INVALID_REQUEST, "%s is too long", source);
        else
            err = read_line(conf, line, source, problem);
    }
    if (err == OK && ferror(f))
        err = problem_set(problem, ERR_INVALID_REQUEST, "%s cannot be read", path);
    fclose(f);
    return err;
}

/* POSTHOUSE_DB_NAME → db_name; false for a name that is none of ours or too long. */
static bool name_of_variable(const char *variable, size_t n, char name[64])
{
    const size_t skip = sizeof prefix - 1;

    if (n <= skip || n - skip >= 64)
        return false;
    for (size_t i = skip; i < n; i++)
        name[i - skip] = (char)(variable[i] >= 'A' && variable[i] <= 'Z' ? variable[i] + 32 : variable[i]);
    name[n - skip] = 0;
    return true;
}

static enum err read_environment(struct conf *conf, struct problem *problem)
{
    for (char **e = environ; *e; e++) {
        const char *equals = strchr(*e, '=');
        char name[64];
        if (!equals || strncmp(*e, prefix, sizeof prefix - 1) != 0)
            continue;
        const size_t n = (size_t)(equals - *e);
        if (n == strlen("POSTHOUSE_CONFIG") && !strncmp(*e, "POSTHOUSE_CONFIG", n))
            continue;
        const struct row *row = name_of_variable(*e, n, name) ? row_by_name(name) : NULL;
        if (!row)
            return problem_set(problem, ERR_INVALID_REQUEST, "environment: there is no setting `%.*s`",
                               (int)n, *e);
        TRY(set(conf, row, equals + 1, "environment", problem));
    }
    return OK;
}

enum err conf_load(struct conf *conf, const char *path, struct problem *problem)
{
    static const char usual[] = "posthouse.conf";

    *conf = (struct conf){0};
    for (size_t i = 0; i < N_ROWS; i++)
        TRY(set(conf, &rows[i], rows[i].value, "default", problem));
    if (!path)
        path = getenv("POSTHOUSE_CONFIG");
    if (!path && access(usual, F_OK) == 0) /* one that cannot be read is refused, not passed over */
        path = usual;
    if (path && *path)
        TRY(read_file(conf, path, problem));
    return read_environment(conf, problem);
}

void conf_print_docs(FILE *out)
{
    fputs("# Posthouse: every setting with its default. Each can also be set in the environment,\n"
          "# as POSTHOUSE_<NAME IN CAPITALS>, which wins over this file.\n",
          out);
    for (size_t i = 0; i < N_ROWS; i++) {
        fprintf(out, "\n# %s", rows[i].what);
        if (rows[i].kind == KIND_INT)
            fprintf(out, " (%d to %d)", rows[i].min, rows[i].max);
        if (rows[i].kind == KIND_ENUM)
            fprintf(out, " (%s)", rows[i].names);
        fprintf(out, "\n#%s = %s\n", rows[i].name, rows[i].value);
    }
}

static void print_json_text(struct str s, FILE *out)
{
    fputc('"', out);
    for (size_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == '"' || c == '\\')
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

void conf_print_json(const struct conf *conf, FILE *out)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        const struct row *row = &rows[i];
        fprintf(out, "%s\n  \"%s\": ", i ? "," : "{", row->name);
        if (row->kind == KIND_INT)
            fprintf(out, "%d", *number_of(conf, row));
        else if (row->kind == KIND_ENUM)
            print_json_text(name_at(row->names, *number_of(conf, row)), out);
        else if (row->kind == KIND_SECRET && *text_of(conf, row))
            fputs("\"***\"", out);
        else
            print_json_text(str_of(text_of(conf, row)), out);
    }
    fputs("\n}\n", out);
}
