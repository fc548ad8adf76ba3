/*
 * S3 as a store: any server that speaks it. Every request is signed by ext/s3sign.c.
 *
 * What may be retried is: requests without a body, and those of which no byte was asked for. A streamed
 * body is sent once. What the store says of an object (ETag, size) is compared with what was sent.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "model/stores3.h"

enum { CONNECT_MS = 3000, PROBE_MS = 1000, PROBE_S = 2, VIEW_S = 60, PATH_STYLE_YES = 0 };

static struct store_s3 *of(struct store *s)
{
    return (struct store_s3 *)s;
}

static struct s3_request request_of(const struct store_s3 *s, const struct s3_ask *a, struct arena *arena)
{
    struct buf path = buf_in(arena);

    buf_char(&path, '/');
    if (s->conf->s3_path_style == PATH_STYLE_YES) {
        buf_c(&path, s->conf->s3_bucket);
        if (a->key.p)
            buf_char(&path, '/');
    }
    if (a->key.p)
        buf_str(&path, a->key);
    return (struct s3_request){.method = a->method,
                               .host = str_of(s->host),
                               .path = buf_done(&path),
                               .query = a->query,
                               .n_query = a->n_query,
                               .payload = STR(S3_UNSIGNED),
                               .at_ms = clock_wall_ms()};
}

void s3_call(struct store_s3 *s, struct http *http, const struct s3_ask *a, struct arena *arena,
             struct http_answer *answer)
{
    const struct s3_request r = request_of(s, a, arena);
    const struct str target = s3_target(arena, &r);
    char date[S3_DATE_TEXT];
    const struct str authorization = s3_authorization(arena, &s->keys, &r, date);
    const char *headers[] = {
        arena_printf(arena, "Authorization: %.*s", STR_ARG(authorization)),
        arena_printf(arena, "x-amz-date: %s", date),
        "x-amz-content-sha256: " S3_UNSIGNED,
        NULL,
    };
    const struct http_request request = {
        .method = a->method,
        .url = arena_printf(arena, "%s%s%.*s", s->scheme, s->host, STR_ARG(target)),
        .headers = headers,
        .body_bytes = a->body_bytes,
        .source = a->source,
        .source_arg = a->source_arg,
        .sink = a->sink,
        .sink_arg = a->sink_arg,
    };

    http_call(http, &request, arena, answer);
}

static bool is_worth_a_retry(const struct s3_ask *a, const struct http_answer *answer)
{
    if (answer->end == HTTP_GIVEN_UP || answer->asked || a->sink)
        return false;
    return answer->end != HTTP_DONE || answer->status >= 500 || answer->status == 429;
}

void s3_ask(struct store_s3 *s, const struct s3_ask *a, struct arena *arena, struct http_answer *answer)
{
    for (int i = 0; i < S3_TRIES; i++) {
        if (i)
            (void)poll(NULL, 0, S3_PAUSE_MS << i);
        s3_call(s, s->http, a, arena, answer);
        if (!is_worth_a_retry(a, answer))
            return;
    }
}

enum err s3_failed(const struct http_answer *answer, const char *what, struct problem *problem)
{
    if (answer->end == HTTP_DONE)
        return problem_set(problem, ERR_UNAVAILABLE, "the store of files: %s: status %d", what,
                           answer->status);
    return problem_set(problem, ERR_UNAVAILABLE, "the store of files: %s: %s", what, answer->why);
}

bool s3_is_good(const struct http_answer *answer)
{
    return answer->end == HTTP_DONE && answer->status >= 200 && answer->status < 300;
}

static enum err check_bucket(struct store_s3 *s, struct arena *arena, struct problem *problem)
{
    const struct s3_ask look = {.method = "HEAD", .body_bytes = -1},
                        make = {.method = "PUT", .body_bytes = 0};
    struct http_answer answer;

    s3_ask(s, &look, arena, &answer);
    if (s3_is_good(&answer))
        return OK;
    if (answer.end != HTTP_DONE || answer.status != 404)
        return s3_failed(&answer, "the bucket", problem);
    s3_ask(s, &make, arena, &answer);
    /* 409: somebody else has made it meanwhile. */
    return s3_is_good(&answer) || (answer.end == HTTP_DONE && answer.status == 409)
               ? OK
               : s3_failed(&answer, "making the bucket", problem);
}

static enum err check(struct store *s, struct problem *problem)
{
    struct arena *arena = arena_new();

    if (!of(s)->host[0] || !of(s)->keys.access.n || !of(s)->keys.secret.n) {
        arena_free(arena);
        return problem_set(problem, ERR_UNAVAILABLE,
                           "s3_endpoint, s3_access_key and s3_secret_key must be set");
    }
    const enum err err = check_bucket(of(s), arena, problem);
    arena_free(arena);
    return err;
}

static enum err probe(struct store *s, struct problem *problem)
{
    const struct s3_ask look = {.method = "HEAD", .body_bytes = -1};
    struct arena *arena = arena_new();
    struct http_answer answer;

    s3_call(of(s), of(s)->probe, &look, arena, &answer);
    const enum err err = s3_is_good(&answer) ? OK : s3_failed(&answer, "the bucket", problem);
    arena_free(arena);
    return err;
}

static enum err remove_in(struct store_s3 *s, struct str key, struct arena *arena, struct problem *problem)
{
    const struct s3_ask gone = {.method = "DELETE", .key = key, .body_bytes = -1};
    struct http_answer answer;

    s3_ask(s, &gone, arena, &answer);
    return s3_is_good(&answer) || (answer.end == HTTP_DONE && answer.status == 404)
               ? OK
               : s3_failed(&answer, "removing an object", problem);
}

/* It must have all bytes, and be the one that was put. */
static enum err compare(struct store_s3 *s, struct str key, int64_t size, const struct http_answer *stored,
                        struct arena *arena, struct problem *problem)
{
    const struct s3_ask look = {.method = "HEAD", .key = key, .body_bytes = -1};
    struct http_answer answer;

    s3_ask(s, &look, arena, &answer);
    if (!s3_is_good(&answer))
        return s3_failed(&answer, "looking at what was stored", problem);
    if (answer.length != size || !*answer.etag || strcmp(answer.etag, stored->etag) != 0)
        return problem_set(problem, ERR_UNAVAILABLE,
                           "the store of files has something else than it was given");
    return OK;
}

static enum err put_in(struct store_s3 *s, const struct s3_ask *a, struct arena *arena,
                       struct problem *problem)
{
    struct http_answer answer;
    struct problem unheard;
    enum err err;

    s3_ask(s, a, arena, &answer);
    if (s3_is_good(&answer)) {
        err = compare(s, a->key, a->body_bytes, &answer, arena, problem);
    } else if (answer.end == HTTP_GIVEN_UP) {
        err = problem_set(problem, ERR_INVALID_REQUEST, "the body ended early");
    } else {
        err = s3_failed(&answer, "storing an object", problem);
    }
    /* It may have been stored although that was not heard. */
    if (err != OK && answer.end != HTTP_UNREACHABLE)
        (void)!remove_in(s, a->key, arena, &unheard);
    return err;
}

static enum err put(struct store *s, struct str key, int64_t size, store_source source, void *arg,
                    struct problem *problem)
{
    const struct s3_ask a = {
        .method = "PUT", .key = key, .body_bytes = size, .source = source, .source_arg = arg};
    struct arena *arena = arena_new();
    const enum err err = put_in(of(s), &a, arena, problem);

    arena_free(arena);
    return err;
}

static enum err get(struct store *s, struct str key, store_sink sink, void *arg, struct problem *problem)
{
    const struct s3_ask a = {.method = "GET", .key = key, .body_bytes = -1, .sink = sink, .sink_arg = arg};
    struct arena *arena = arena_new();
    struct http_answer answer;
    enum err err = OK;

    s3_ask(of(s), &a, arena, &answer);
    if (answer.end == HTTP_DONE && answer.status == 404)
        err = ERR_NOT_FOUND;
    else if (answer.end == HTTP_GIVEN_UP)
        err = ERR_INVALID_REQUEST;
    else if (!s3_is_good(&answer))
        err = s3_failed(&answer, "reading an object", problem);
    arena_free(arena);
    return err;
}

static enum err remove_key(struct store *s, struct str key, struct problem *problem)
{
    struct arena *arena = arena_new();
    const enum err err = remove_in(of(s), key, arena, problem);

    arena_free(arena);
    return err;
}

/* nginx asks the store by a presigned URL, which never leaves the house. */
static enum err view(struct store *s, const struct store_view *v, struct arena *arena, struct str *out)
{
    const struct s3_pair type = {STR("response-content-type"), v->content_type};
    const struct s3_ask a = {
        .method = v->is_head ? "HEAD" : "GET", .key = v->key, .query = &type, .n_query = 1};
    const struct s3_request r = request_of(of(s), &a, arena);
    const struct str target = s3_presign(arena, &of(s)->keys, &r, VIEW_S);

    *out = str_of(arena_printf(arena, "/-/s3%.*s", STR_ARG(target)));
    return OK;
}

static void free_store(struct store *s)
{
    http_free(of(s)->http);
    http_free(of(s)->probe);
    free(s);
}

static void read_endpoint(struct store_s3 *s, const char *endpoint)
{
    const char *end = strstr(endpoint, "://");
    const size_t head = end ? (size_t)(end - endpoint) + 3 : 0;
    size_t n = strlen(endpoint);

    while (n > head && endpoint[n - 1] == '/')
        n--;
    if (!head || head >= sizeof s->scheme)
        return; /* check() says so */
    snprintf(s->scheme, sizeof s->scheme, "%.*s", (int)head, endpoint);
    if (s->conf->s3_path_style == PATH_STYLE_YES)
        snprintf(s->host, sizeof s->host, "%.*s", (int)(n - head), endpoint + head);
    else
        snprintf(s->host, sizeof s->host, "%.60s.%.*s", s->conf->s3_bucket, (int)(n - head), endpoint + head);
}

struct store *store_s3_new(const struct conf *conf)
{
    static const struct store_ops ops = {
        .name = "s3",
        .probe = probe,
        .check = check,
        .put = put,
        .get = get,
        .remove = remove_key,
        .view = view,
        .part_min = S3_PART_BYTES,
        .part_max = S3_PART_BYTES,
        .begin = s3_begin,
        .part = s3_part,
        .join = s3_join,
        .drop = s3_drop,
        .free = free_store,
    };
    struct store_s3 *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    s->store.ops = &ops;
    s->conf = conf;
    s->http = http_new(CONNECT_MS, conf->store_timeout_s);
    s->probe = http_new(PROBE_MS, PROBE_S);
    s->keys = (struct s3_keys){.access = str_of(conf->s3_access_key),
                               .secret = str_of(conf->s3_secret_key),
                               .region = str_of(conf->s3_region)};
    read_endpoint(s, conf->s3_endpoint);
    return &s->store;
}
