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
#include "ext/http.h"
#include "ext/s3sign.h"
#include "model/store.h"

enum {
    TRIES = 3,
    PAUSE_MS = 100,
    CONNECT_MS = 3000,
    VIEW_S = 60,
    PART_BYTES = 5 * 1024 * 1024 /* the least that S3 takes */,
    PATH_STYLE_YES = 0
};

struct store_s3 {
    struct store store;
    const struct conf *conf;
    struct http *http;
    struct s3_keys keys;
    char scheme[16], host[CONF_TEXT_BYTES + 64];
};

/* One request, before it is signed. */
struct ask {
    const char *method;
    struct str key; /* STR_NONE: the bucket */
    const struct s3_pair *query;
    size_t n_query;
    int64_t body_bytes; /* -1: none */
    store_source source;
    void *source_arg;
    store_sink sink;
    void *sink_arg;
};

static struct store_s3 *of(struct store *s)
{
    return (struct store_s3 *)s;
}

static struct s3_request request_of(const struct store_s3 *s, const struct ask *a, struct arena *arena)
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

static void call(struct store_s3 *s, const struct ask *a, struct arena *arena, struct http_answer *answer)
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
    const struct http_request http = {
        .method = a->method,
        .url = arena_printf(arena, "%s%s%.*s", s->scheme, s->host, STR_ARG(target)),
        .headers = headers,
        .body_bytes = a->body_bytes,
        .source = a->source,
        .source_arg = a->source_arg,
        .sink = a->sink,
        .sink_arg = a->sink_arg,
    };

    http_call(s->http, &http, arena, answer);
}

static bool is_worth_a_retry(const struct ask *a, const struct http_answer *answer)
{
    if (answer->end == HTTP_GIVEN_UP || answer->asked || a->sink)
        return false;
    return answer->end != HTTP_DONE || answer->status >= 500 || answer->status == 429;
}

static void ask(struct store_s3 *s, const struct ask *a, struct arena *arena, struct http_answer *answer)
{
    for (int i = 0; i < TRIES; i++) {
        if (i)
            (void)poll(NULL, 0, PAUSE_MS << i);
        call(s, a, arena, answer);
        if (!is_worth_a_retry(a, answer))
            return;
    }
}

/* What the store said when it did not do what it was asked. */
static enum err failed(const struct http_answer *answer, const char *what, struct problem *problem)
{
    if (answer->end == HTTP_DONE)
        return problem_set(problem, ERR_UNAVAILABLE, "the store of files: %s: status %d", what,
                           answer->status);
    return problem_set(problem, ERR_UNAVAILABLE, "the store of files: %s: %s", what, answer->why);
}

static bool is_good(const struct http_answer *answer)
{
    return answer->end == HTTP_DONE && answer->status >= 200 && answer->status < 300;
}

static enum err check_bucket(struct store_s3 *s, struct arena *arena, struct problem *problem)
{
    const struct ask look = {.method = "HEAD", .body_bytes = -1}, make = {.method = "PUT", .body_bytes = 0};
    struct http_answer answer;

    ask(s, &look, arena, &answer);
    if (is_good(&answer))
        return OK;
    if (answer.end != HTTP_DONE || answer.status != 404)
        return failed(&answer, "the bucket", problem);
    ask(s, &make, arena, &answer);
    /* 409: somebody else has made it meanwhile. */
    return is_good(&answer) || (answer.end == HTTP_DONE && answer.status == 409)
               ? OK
               : failed(&answer, "making the bucket", problem);
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

static enum err remove_in(struct store_s3 *s, struct str key, struct arena *arena, struct problem *problem)
{
    const struct ask gone = {.method = "DELETE", .key = key, .body_bytes = -1};
    struct http_answer answer;

    ask(s, &gone, arena, &answer);
    return is_good(&answer) || (answer.end == HTTP_DONE && answer.status == 404)
               ? OK
               : failed(&answer, "removing an object", problem);
}

/* It must have all bytes, and be the one that was put. */
static enum err compare(struct store_s3 *s, struct str key, int64_t size, const struct http_answer *stored,
                        struct arena *arena, struct problem *problem)
{
    const struct ask look = {.method = "HEAD", .key = key, .body_bytes = -1};
    struct http_answer answer;

    ask(s, &look, arena, &answer);
    if (!is_good(&answer))
        return failed(&answer, "looking at what was stored", problem);
    if (answer.length != size || !*answer.etag || strcmp(answer.etag, stored->etag) != 0)
        return problem_set(problem, ERR_UNAVAILABLE,
                           "the store of files has something else than it was given");
    return OK;
}

static enum err put_in(struct store_s3 *s, const struct ask *a, struct arena *arena, struct problem *problem)
{
    struct http_answer answer;
    struct problem unheard;
    enum err err;

    ask(s, a, arena, &answer);
    if (is_good(&answer)) {
        err = compare(s, a->key, a->body_bytes, &answer, arena, problem);
    } else if (answer.end == HTTP_GIVEN_UP) {
        err = problem_set(problem, ERR_INVALID_REQUEST, "the body ended early");
    } else {
        err = failed(&answer, "storing an object", problem);
    }
    /* It may have been stored although that was not heard. */
    if (err != OK && answer.end != HTTP_UNREACHABLE)
        (void)!remove_in(s, a->key, arena, &unheard);
    return err;
}

static enum err put(struct store *s, struct str key, int64_t size, store_source source, void *arg,
                    struct problem *problem)
{
    const struct ask a = {
        .method = "PUT", .key = key, .body_bytes = size, .source = source, .source_arg = arg};
    struct arena *arena = arena_new();
    const enum err err = put_in(of(s), &a, arena, problem);

    arena_free(arena);
    return err;
}

static enum err get(struct store *s, struct str key, store_sink sink, void *arg, struct problem *problem)
{
    const struct ask a = {.method = "GET", .key = key, .body_bytes = -1, .sink = sink, .sink_arg = arg};
    struct arena *arena = arena_new();
    struct http_answer answer;
    enum err err = OK;

    ask(of(s), &a, arena, &answer);
    if (answer.end == HTTP_DONE && answer.status == 404)
        err = ERR_NOT_FOUND;
    else if (answer.end == HTTP_GIVEN_UP)
        err = ERR_INVALID_REQUEST;
    else if (!is_good(&answer))
        err = failed(&answer, "reading an object", problem);
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
    const struct ask a = {.method = v->is_head ? "HEAD" : "GET", .key = v->key, .query = &type, .n_query = 1};
    const struct s3_request r = request_of(of(s), &a, arena);
    const struct str target = s3_presign(arena, &of(s)->keys, &r, VIEW_S);

    *out = str_of(arena_printf(arena, "/-/s3%.*s", STR_ARG(target)));
    return OK;
}

/* ---- by pieces ---- */

/* What stands between <name> and </name>. */
static struct str element(struct arena *arena, struct str xml, const char *name)
{
    const char *text = str_c(arena, xml), *open = arena_printf(arena, "<%s>", name);
    const char *at = strstr(text, open);
    const char *end = at ? strchr(at + strlen(open), '<') : NULL;

    return end ? (struct str){at + strlen(open), (size_t)(end - at) - strlen(open)} : STR_NONE;
}

static enum err begin_in(struct store_s3 *s, struct str key, struct arena *arena, struct str *token,
                         struct problem *problem)
{
    const struct s3_pair query = {STR("uploads"), STR("")};
    const struct ask a = {.method = "POST", .key = key, .query = &query, .n_query = 1, .body_bytes = 0};
    struct http_answer answer;

    ask(s, &a, arena, &answer);
    if (!is_good(&answer))
        return failed(&answer, "beginning an object", problem);
    *token = element(arena, answer.body, "UploadId");
    return token->n && token->n < 256 ? OK
                                      : problem_set(problem, ERR_UNAVAILABLE, "the store gave no upload id");
}

static enum err begin(struct store *s, struct str key, struct arena *arena, struct str *token,
                      struct problem *problem)
{
    return begin_in(of(s), key, arena, token, problem);
}

/* A body in memory may be sent again. */
static void ask_again(struct store_s3 *s, struct ask *a, struct str bytes, struct arena *arena,
                      struct http_answer *answer)
{
    for (int i = 0; i < TRIES; i++) {
        struct store_bytes source = {bytes};
        if (i)
            (void)poll(NULL, 0, PAUSE_MS << i);
        a->source = store_bytes_read;
        a->source_arg = &source;
        a->body_bytes = (int64_t)bytes.n;
        call(s, a, arena, answer);
        if (answer->end == HTTP_DONE && answer->status < 500 && answer->status != 429)
            return;
    }
}

static enum err part_in(struct store_s3 *s, const struct store_pieces *of_it, unsigned number,
                        struct str bytes, struct arena *arena, char tag[STORE_TAG_MAX],
                        struct problem *problem)
{
    const struct s3_pair query[] = {{STR("partNumber"), str_of(arena_printf(arena, "%u", number))},
                                    {STR("uploadId"), of_it->token}};
    struct ask a = {.method = "PUT", .key = of_it->key, .query = query, .n_query = 2};
    struct http_answer answer;

    ask_again(s, &a, bytes, arena, &answer);
    if (!is_good(&answer) || !*answer.etag)
        return failed(&answer, "storing a piece", problem);
    snprintf(tag, STORE_TAG_MAX, "%s", answer.etag);
    return OK;
}

static enum err part(struct store *s, const struct store_pieces *of_it, unsigned number, struct str bytes,
                     char tag[STORE_TAG_MAX], struct problem *problem)
{
    struct arena *arena = arena_new();
    const enum err err = part_in(of(s), of_it, number, bytes, arena, tag, problem);

    arena_free(arena);
    return err;
}

static struct str parts_xml(struct arena *arena, const struct store_part *parts, size_t n)
{
    struct buf b = buf_in(arena);

    buf_c(&b, "<CompleteMultipartUpload>");
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "<Part><PartNumber>%u</PartNumber><ETag>%.*s</ETag></Part>", parts[i].number,
                   STR_ARG(parts[i].tag));
    buf_c(&b, "</CompleteMultipartUpload>");
    return buf_done(&b);
}

static bool has_size(struct store_s3 *s, struct str key, int64_t size, struct arena *arena)
{
    const struct ask look = {.method = "HEAD", .key = key, .body_bytes = -1};
    struct http_answer answer;

    ask(s, &look, arena, &answer);
    return is_good(&answer) && answer.length == size;
}

/* Joined before, by a request whose answer was lost: then the pieces are gone and the object is there. */
static enum err join_in(struct store_s3 *s, const struct store_pieces *of_it, const struct store_part *parts,
                        size_t n, int64_t size, struct arena *arena, struct problem *problem)
{
    const struct s3_pair query = {STR("uploadId"), of_it->token};
    struct ask a = {.method = "POST", .key = of_it->key, .query = &query, .n_query = 1};
    struct http_answer answer;

    ask_again(s, &a, parts_xml(arena, parts, n), arena, &answer);
    if (has_size(s, of_it->key, size, arena))
        return OK;
    if (answer.end == HTTP_DONE && answer.status == 400)
        return problem_set(problem, ERR_CONFLICT, "the pieces do not fit each other; begin anew");
    return failed(&answer, "joining pieces", problem);
}

static enum err join(struct store *s, const struct store_pieces *of_it, const struct store_part *parts,
                     size_t n, int64_t size, struct problem *problem)
{
    struct arena *arena = arena_new();
    const enum err err = join_in(of(s), of_it, parts, n, size, arena, problem);

    arena_free(arena);
    return err;
}

static enum err drop(struct store *s, const struct store_pieces *of_it, struct problem *problem)
{
    const struct s3_pair query = {STR("uploadId"), of_it->token};
    const struct ask a = {
        .method = "DELETE", .key = of_it->key, .query = &query, .n_query = 1, .body_bytes = -1};
    struct arena *arena = arena_new();
    struct http_answer answer;

    ask(of(s), &a, arena, &answer);
    const bool gone = is_good(&answer) || (answer.end == HTTP_DONE && answer.status == 404);
    const enum err err = gone ? OK : failed(&answer, "dropping pieces", problem);
    arena_free(arena);
    return err;
}

static void free_store(struct store *s)
{
    http_free(of(s)->http);
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
        .check = check,
        .put = put,
        .get = get,
        .remove = remove_key,
        .view = view,
        .part_min = PART_BYTES,
        .part_max = PART_BYTES,
        .begin = begin,
        .part = part,
        .join = join,
        .drop = drop,
        .free = free_store,
    };
    struct store_s3 *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    s->store.ops = &ops;
    s->conf = conf;
    s->http = http_new(CONNECT_MS, conf->store_timeout_s);
    s->keys = (struct s3_keys){.access = str_of(conf->s3_access_key),
                               .secret = str_of(conf->s3_secret_key),
                               .region = str_of(conf->s3_region)};
    read_endpoint(s, conf->s3_endpoint);
    return &s->store;
}
