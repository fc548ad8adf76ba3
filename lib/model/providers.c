/* The file of providers: read, checked, and made ready for calls. */
#include "model/providers.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "ext/crypt.h"
#include "ext/json.h"

enum { FILE_BYTES_MAX = 256 * 1024, KEY_BYTES_MAX = 4096 };

struct providers {
    struct arena *arena;
    struct provider items[PROVIDERS_MAX];
    size_t n;
    struct str currency;
    const struct provider *helper;
};

/* ---- the file's form ---- */

struct row {
    struct str name, base_url, key_file, key_env, model, fallback;
    double temperature, input_price, output_price;
    unsigned char has_temperature;
    bool private_address, pictures;
    int64_t context_tokens, max_output_tokens, connect_s, first_token_s, between_tokens_s, answer_s;
};

struct file {
    struct str currency;
    struct list providers;
};

#define TEXT(member, least, most, more)                                                                      \
    {                                                                                                        \
        .name = #member, .type = FIELD_STR, .flags = (more), .at = offsetof(struct row, member),             \
        .min = (least), .max = (most)                                                                        \
    }
#define PRICE(member)                                                                                        \
    {                                                                                                        \
        .name = #member, .type = FIELD_REAL, .at = offsetof(struct row, member), .min = 0, .max = 1000000    \
    }
#define NUMBER(member, least, most)                                                                          \
    {                                                                                                        \
        .name = #member, .type = FIELD_INT, .at = offsetof(struct row, member), .min = (least),              \
        .max = (most)                                                                                        \
    }
static const struct field row_fields[] = {
    TEXT(name, 1, PROVIDER_NAME_MAX, F_REQUIRED),
    TEXT(base_url, 1, 500, F_REQUIRED),
    TEXT(model, 1, 200, F_REQUIRED),
    TEXT(key_file, 1, 1000, 0),
    TEXT(key_env, 1, 200, 0),
    TEXT(fallback, 1, PROVIDER_NAME_MAX, 0),
    {.name = "temperature",
     .type = FIELD_REAL,
     .at = offsetof(struct row, temperature),
     .has_at = offsetof(struct row, has_temperature),
     .min = 0,
     .max = 2},
    PRICE(input_price),
    PRICE(output_price),
    {.name = "private_address", .type = FIELD_BOOL, .at = offsetof(struct row, private_address)},
    {.name = "pictures", .type = FIELD_BOOL, .at = offsetof(struct row, pictures)},
    NUMBER(context_tokens, 256, 10000000),
    NUMBER(max_output_tokens, 16, 100000),
    NUMBER(connect_s, 1, 120),
    NUMBER(first_token_s, 1, 600),
    NUMBER(between_tokens_s, 1, 600),
    NUMBER(answer_s, 1, 3600),
};
#undef TEXT
#undef NUMBER
#undef PRICE
static const struct shape row_shape = SHAPE("Provider", struct row, row_fields);

static const struct field file_fields[] = {
    {.name = "currency", .type = FIELD_STR, .at = offsetof(struct file, currency), .min = 1, .max = 8},
    {.name = "providers",
     .type = FIELD_LIST,
     .flags = F_REQUIRED,
     .at = offsetof(struct file, providers),
     .min = 1,
     .max = PROVIDERS_MAX,
     .shape = &row_shape},
};
static const struct shape file_shape = SHAPE("Providers", struct file, file_fields);

/* ---- reading ---- */

/* A whole file in the arena; its absence is an error with the reason of the system. */
static enum err read_file(const char *path, size_t max, struct arena *arena, struct str *out)
{
    FILE *file = fopen(path, "re");

    if (!file)
        return ERR_NOT_FOUND;
    char *text = arena_alloc(arena, max + 1);
    const size_t n = fread(text, 1, max + 1, file);
    const bool good = !ferror(file) && n <= max;
    if (fclose(file) != 0 || !good) {
        errno = good ? errno : n > max ? EFBIG : EIO;
        return ERR_NOT_FOUND;
    }
    *out = (struct str){text, n};
    return OK;
}

/* In `list`, of row i: what is wrong with one of its fields. */
static enum err wrong(struct problem *problem, size_t i, const char *field, const char *why)
{
    char name[64];

    snprintf(name, sizeof name, "providers[%zu].%s", i, field);
    return problem_field(problem, name, "%s", why);
}

static void wipe(void *arg)
{
    char *secret = arg;

    crypt_wipe(secret, strlen(secret));
}

/* What stands in a header: visible characters. */
static bool is_key(struct str key)
{
    for (size_t i = 0; i < key.n; i++)
        if (!isgraph((unsigned char)key.p[i]))
            return false;
    return key.n > 0 && key.n <= KEY_BYTES_MAX;
}

static enum err read_key(const struct row *row, size_t i, struct arena *arena, struct problem *problem,
                         const char **out)
{
    struct str key = STR_NONE;

    *out = NULL;
    if (row->key_file.p && row->key_env.p)
        return wrong(problem, i, "key_env", "stands beside key_file: one of them is enough");
    if (!row->key_file.p && !row->key_env.p)
        return OK;
    if (row->key_env.p)
        key = str_of(getenv(str_c(arena, row->key_env)));
    else if (read_file(str_c(arena, row->key_file), KEY_BYTES_MAX, arena, &key) != OK)
        return wrong(problem, i, "key_file", strerror(errno));
    while (key.n && isspace((unsigned char)key.p[key.n - 1]))
        key.n--;
    if (row->key_file.p)
        arena_defer(arena, wipe, (char *)(uintptr_t)key.p);
    if (!is_key(key))
        return wrong(problem, i, row->key_env.p ? "key_env" : "key_file", "names no key of visible letters");
    char *header = arena_printf(arena, "Authorization: Bearer %.*s", STR_ARG(key));
    arena_defer(arena, wipe, header);
    *out = header;
    return OK;
}

static enum err check_url(const struct row *row, size_t i, struct problem *problem)
{
    const struct str url = row->base_url;

    if (!str_starts(url, STR("http://")) && !str_starts(url, STR("https://")))
        return wrong(problem, i, "base_url", "must begin with http:// or https://");
    for (size_t at = 0; at < url.n; at++)
        if (!isgraph((unsigned char)url.p[at]) || strchr("?#@", url.p[at]))
            return wrong(problem, i, "base_url", "must be an address without user, ? and #");
    return OK;
}

static int64_t or_else(int64_t said, int64_t standard)
{
    return said ? said : standard;
}

static enum err take(struct providers *p, const struct row *row, size_t i, struct problem *problem)
{
    struct str base = row->base_url;
    struct provider *out = &p->items[i];

    TRY(check_url(row, i, problem));
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    if (providers_find(p, row->name))
        return wrong(problem, i, "name", "is another one's already");
    *out = (struct provider){
        .name = str_c(p->arena, row->name),
        .url = arena_printf(p->arena, "%.*s/chat/completions", STR_ARG(base)),
        .model = str_c(p->arena, row->model),
        .temperature = row->temperature,
        .has_temperature = row->has_temperature == HAS_VALUE,
        .may_be_private = row->private_address,
        .takes_pictures = row->pictures,
        .input_price = row->input_price,
        .output_price = row->output_price,
        .context_tokens = or_else(row->context_tokens, 8000),
        .max_output_tokens = or_else(row->max_output_tokens, 1000),
        .connect_s = or_else(row->connect_s, 5),
        .first_token_s = or_else(row->first_token_s, 60),
        .between_tokens_s = or_else(row->between_tokens_s, 30),
        .answer_s = or_else(row->answer_s, 300),
    };
    if (out->max_output_tokens >= out->context_tokens)
        return wrong(problem, i, "max_output_tokens", "must be below context_tokens");
    TRY(read_key(row, i, p->arena, problem, &out->authorization));
    p->n++;
    return OK;
}

/* One falls back on another, and that one on nobody: so no two ask each other for ever. */
static enum err set_fallbacks(struct providers *p, const struct row *rows, struct problem *problem)
{
    for (size_t i = 0; i < p->n; i++) {
        if (!rows[i].fallback.p)
            continue;
        p->items[i].fallback = providers_find(p, rows[i].fallback);
        if (!p->items[i].fallback || p->items[i].fallback == &p->items[i])
            return wrong(problem, i, "fallback", "must be the name of another provider");
    }
    return OK;
}

static enum err set_helper(struct providers *p, const char *name, struct problem *problem)
{
    p->helper = *name ? providers_find(p, str_of(name)) : &p->items[0];
    return p->helper ? OK
                     : problem_field(problem, name, "stands in the setting ai_helper and is none of them");
}

static enum err load(struct providers *p, const struct conf *conf, struct problem *problem)
{
    struct file file = {0};
    struct str text;

    if (read_file(conf->providers, FILE_BYTES_MAX, p->arena, &text) != OK)
        return problem_field(problem, conf->providers, "%s", strerror(errno));
    TRY(json_decode(text, &file_shape, &file, p->arena, problem));
    const struct row *rows = file.providers.items;
    for (size_t i = 0; i < file.providers.n; i++)
        TRY(take(p, &rows[i], i, problem));
    p->currency = file.currency;
    TRY(set_fallbacks(p, rows, problem));
    return set_helper(p, conf->ai_helper, problem);
}

enum err providers_open(const struct conf *conf, struct problem *problem, struct providers **out)
{
    struct providers *p = calloc(1, sizeof *p);
    struct problem found = {0};

    if (!p)
        abort();
    p->arena = arena_new();
    if (conf->providers[0] && load(p, conf, &found) != OK) {
        providers_free(p);
        if (!found.n_fields)
            return problem_set(problem, ERR_INVALID_REQUEST, "providers %s: %s", conf->providers,
                               found.detail);
        return problem_set(problem, ERR_INVALID_REQUEST, "providers %s: %s %s", conf->providers,
                           found.fields[0].field, found.fields[0].reason);
    }
    *out = p;
    return OK;
}

void providers_free(struct providers *p)
{
    arena_free(p->arena);
    free(p);
}

size_t providers_count(const struct providers *p)
{
    return p->n;
}

const struct provider *providers_at(const struct providers *p, size_t i)
{
    return &p->items[i];
}

const struct provider *providers_find(const struct providers *p, struct str name)
{
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(str_of(p->items[i].name), name))
            return &p->items[i];
    return NULL;
}

const struct provider *providers_helper(const struct providers *p)
{
    return p->helper;
}

struct str providers_currency(const struct providers *p)
{
    return p->currency;
}

uint64_t provider_cost(const struct provider *p, uint64_t input_tokens, uint64_t output_tokens)
{
    return (uint64_t)((double)input_tokens * p->input_price + (double)output_tokens * p->output_price + 0.5);
}
