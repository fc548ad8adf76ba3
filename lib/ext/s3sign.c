/* The canonical request, the string to sign, the key of the day, the signature. */
#include "ext/s3sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ext/crypt.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define DATE_HEADER "x-amz-date"
#define HASH_HEADER "x-amz-content-sha256"

enum { DAY_TEXT = 8, ALL_PAIRS = S3_PAIRS_MAX + 6 };

struct pairs {
    struct s3_pair items[ALL_PAIRS];
    size_t n;
};

static void add(struct pairs *p, struct str name, struct str value)
{
    if (p->n == ALL_PAIRS)
        abort(); /* a request of ours with more is a programming error */
    p->items[p->n++] = (struct s3_pair){name, value};
}

/* All but A-Z a-z 0-9 - . _ ~ as %XX; `slash`: that stays too. */
static void encode(struct buf *b, struct str s, bool slash)
{
    static const char free_of[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        if ((c && strchr(free_of, c)) || (slash && c == '/')) {
            buf_char(b, (char)c);
            continue;
        }
        buf_char(b, '%');
        buf_char(b, hex[c >> 4]);
        buf_char(b, hex[c & 15]);
    }
}

static int compare(struct str a, struct str b)
{
    const int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return order ? order : (a.n > b.n) - (a.n < b.n);
}

static int by_name(const void *a, const void *b)
{
    const struct s3_pair *x = a, *y = b;
    const int order = compare(x->name, y->name);

    return order ? order : compare(x->value, y->value);
}

static struct str encoded(struct arena *arena, struct str s)
{
    struct buf b = buf_in(arena);

    encode(&b, s, false);
    return buf_done(&b);
}

/* Encoded, then sorted: the order is that of the encoded names. */
static struct str query_text(struct arena *arena, const struct pairs *raw)
{
    struct pairs sorted = {.n = raw->n};
    struct buf b = buf_in(arena);

    for (size_t i = 0; i < raw->n; i++)
        sorted.items[i] =
            (struct s3_pair){encoded(arena, raw->items[i].name), encoded(arena, raw->items[i].value)};
    qsort(sorted.items, sorted.n, sizeof *sorted.items, by_name);
    for (size_t i = 0; i < sorted.n; i++) {
        if (i)
            buf_char(&b, '&');
        buf_str(&b, sorted.items[i].name);
        buf_char(&b, '=');
        buf_str(&b, sorted.items[i].value);
    }
    return buf_done(&b);
}

static struct pairs query_of(const struct s3_request *r)
{
    struct pairs p = {0};

    for (size_t i = 0; i < r->n_query; i++)
        add(&p, r->query[i].name, r->query[i].value);
    return p;
}

static struct str target(struct arena *arena, const struct s3_request *r, struct str query)
{
    struct buf b = buf_in(arena);

    encode(&b, r->path, true);
    if (query.n) {
        buf_char(&b, '?');
        buf_str(&b, query);
    }
    return buf_done(&b);
}

struct str s3_target(struct arena *arena, const struct s3_request *r)
{
    const struct pairs query = query_of(r);

    return target(arena, r, query_text(arena, &query));
}

static void date_of(int64_t at_ms, char out[S3_DATE_TEXT])
{
    const time_t seconds = (time_t)(at_ms / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(out, S3_DATE_TEXT, "%Y%m%dT%H%M%SZ", &tm);
}

static struct str names_of(struct arena *arena, const struct pairs *headers)
{
    struct buf b = buf_in(arena);

    for (size_t i = 0; i < headers->n; i++) {
        if (i)
            buf_char(&b, ';');
        buf_str(&b, headers->items[i].name);
    }
    return buf_done(&b);
}

/* Sorted headers, as signed. */
static struct str canonical(struct arena *arena, const struct s3_request *r, struct str query,
                            const struct pairs *headers, struct str payload)
{
    struct buf b = buf_in(arena);

    buf_c(&b, r->method);
    buf_char(&b, '\n');
    encode(&b, r->path, true);
    buf_char(&b, '\n');
    buf_str(&b, query);
    buf_char(&b, '\n');
    for (size_t i = 0; i < headers->n; i++) {
        buf_str(&b, headers->items[i].name);
        buf_char(&b, ':');
        buf_str(&b, headers->items[i].value);
        buf_char(&b, '\n');
    }
    buf_char(&b, '\n');
    buf_str(&b, names_of(arena, headers));
    buf_char(&b, '\n');
    buf_str(&b, payload);
    return buf_done(&b);
}

static void hex_sha256(struct str s, char out[2 * CRYPT_SHA256_BYTES])
{
    unsigned char hash[CRYPT_SHA256_BYTES];
    struct crypt_digest digest = {0};

    crypt_digest_init(&digest);
    crypt_digest_add(&digest, s.p, s.n);
    crypt_digest_done(&digest, hash);
    hex_encode(hash, sizeof hash, out);
}

static struct str scope_of(struct arena *arena, const struct s3_keys *keys, const char *date)
{
    return str_of(
        arena_printf(arena, "%.*s/%.*s/s3/aws4_request", (int)DAY_TEXT, date, STR_ARG(keys->region)));
}

/* HMACs in a row: secret, day, region, service, end, text. */
static struct str sign(struct arena *arena, const struct s3_keys *keys, const char *date, struct str scope,
                       struct str canonical_request)
{
    unsigned char key[CRYPT_HMAC_BYTES];
    char hash[2 * CRYPT_SHA256_BYTES], *hex = arena_alloc(arena, 2 * sizeof key);
    struct buf first = buf_in(arena), text = buf_in(arena);

    buf_c(&first, "AWS4");
    buf_str(&first, keys->secret);
    hex_sha256(canonical_request, hash);
    buf_printf(&text, ALGORITHM "\n%s\n%.*s\n%.*s", date, STR_ARG(scope), (int)sizeof hash, hash);
    crypt_hmac(first.p, first.n, date, DAY_TEXT, key);
    crypt_hmac(key, sizeof key, keys->region.p, keys->region.n, key);
    crypt_hmac(key, sizeof key, "s3", 2, key);
    crypt_hmac(key, sizeof key, "aws4_request", 12, key);
    crypt_hmac(key, sizeof key, text.p, text.n, key);
    crypt_wipe(first.p, first.n);
    hex_encode(key, sizeof key, hex);
    return (struct str){hex, 2 * sizeof key};
}

struct str s3_authorization(struct arena *arena, const struct s3_keys *keys, const struct s3_request *r,
                            char date[S3_DATE_TEXT])
{
    const struct pairs query = query_of(r);
    struct pairs headers = {0};
    struct buf b = buf_in(arena);

    date_of(r->at_ms, date);
    add(&headers, STR("host"), r->host);
    add(&headers, STR(DATE_HEADER), str_of(date));
    add(&headers, STR(HASH_HEADER), r->payload);
    for (size_t i = 0; i < r->n_headers; i++)
        add(&headers, r->headers[i].name, r->headers[i].value);
    qsort(headers.items, headers.n, sizeof *headers.items, by_name);
    const struct str scope = scope_of(arena, keys, date);
    const struct str text = canonical(arena, r, query_text(arena, &query), &headers, r->payload);
    buf_c(&b, ALGORITHM " Credential=");
    buf_str(&b, keys->access);
    buf_char(&b, '/');
    buf_str(&b, scope);
    buf_c(&b, ",SignedHeaders=");
    buf_str(&b, names_of(arena, &headers));
    buf_c(&b, ",Signature=");
    buf_str(&b, sign(arena, keys, date, scope, text));
    return buf_done(&b);
}

struct str s3_presign(struct arena *arena, const struct s3_keys *keys, const struct s3_request *r,
                      int64_t expires_s)
{
    struct pairs query = query_of(r);
    const struct pairs headers = {.items = {{STR("host"), r->host}}, .n = 1};
    struct buf credential = buf_in(arena), b = buf_in(arena);
    char date[S3_DATE_TEXT];

    date_of(r->at_ms, date);
    const struct str scope = scope_of(arena, keys, date);
    buf_str(&credential, keys->access);
    buf_char(&credential, '/');
    buf_str(&credential, scope);
    add(&query, STR("X-Amz-Algorithm"), STR(ALGORITHM));
    add(&query, STR("X-Amz-Credential"), buf_done(&credential));
    add(&query, STR("X-Amz-Date"), str_of(date));
    add(&query, STR("X-Amz-Expires"), str_of(arena_printf(arena, "%lld", (long long)expires_s)));
    add(&query, STR("X-Amz-SignedHeaders"), STR("host"));
    const struct str sorted = query_text(arena, &query);
    const struct str text = canonical(arena, r, sorted, &headers, STR(S3_UNSIGNED));
    buf_str(&b, target(arena, r, sorted));
    buf_c(&b, "&X-Amz-Signature=");
    buf_str(&b, sign(arena, keys, date, scope, text));
    return buf_done(&b);
}
