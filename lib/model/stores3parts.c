/* Objects of an S3 store that come by pieces: multipart uploads. */
#include <poll.h>
#include <stdio.h>

#include "model/stores3.h"

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
    const struct s3_ask a = {.method = "POST", .key = key, .query = &query, .n_query = 1, .body_bytes = 0};
    struct http_answer answer;

    s3_ask(s, &a, arena, &answer);
    if (!s3_is_good(&answer))
        return s3_failed(&answer, "beginning an object", problem);
    *token = element(arena, answer.body, "UploadId");
    return token->n && token->n < 256 ? OK
                                      : problem_set(problem, ERR_UNAVAILABLE, "the store gave no upload id");
}

enum err s3_begin(struct store *s, struct str key, struct arena *arena, struct str *token,
                  struct problem *problem)
{
    return begin_in((struct store_s3 *)s, key, arena, token, problem);
}

/* A body in memory may be sent again. */
static void ask_again(struct store_s3 *s, struct s3_ask *a, struct str bytes, struct arena *arena,
                      struct http_answer *answer)
{
    struct store_bytes *source = arena_alloc(arena, sizeof *source);

    for (int i = 0; i < S3_TRIES; i++) {
        *source = (struct store_bytes){bytes};
        if (i)
            (void)poll(NULL, 0, S3_PAUSE_MS << i);
        a->source = store_bytes_read;
        a->source_arg = source;
        a->body_bytes = (int64_t)bytes.n;
        s3_call(s, s->http, a, arena, answer);
        if (answer->end == HTTP_DONE && answer->status < 500 && answer->status != 429)
            return;
    }
}

static enum err part_in(struct store_s3 *s, const struct store_pieces *of, unsigned number, struct str bytes,
                        struct arena *arena, char tag[STORE_TAG_MAX], struct problem *problem)
{
    const struct s3_pair query[] = {{STR("partNumber"), str_of(arena_printf(arena, "%u", number))},
                                    {STR("uploadId"), of->token}};
    struct s3_ask a = {.method = "PUT", .key = of->key, .query = query, .n_query = 2};
    struct http_answer answer;

    ask_again(s, &a, bytes, arena, &answer);
    if (!s3_is_good(&answer) || !*answer.etag)
        return s3_failed(&answer, "storing a piece", problem);
    snprintf(tag, STORE_TAG_MAX, "%s", answer.etag);
    return OK;
}

enum err s3_part(struct store *s, const struct store_pieces *of, unsigned number, struct str bytes,
                 char tag[STORE_TAG_MAX], struct problem *problem)
{
    struct arena *arena = arena_new();
    const enum err err = part_in((struct store_s3 *)s, of, number, bytes, arena, tag, problem);

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
    const struct s3_ask look = {.method = "HEAD", .key = key, .body_bytes = -1};
    struct http_answer answer;

    s3_ask(s, &look, arena, &answer);
    return s3_is_good(&answer) && answer.length == size;
}

/* Joined before, by a request whose answer was lost: then the pieces are gone and the object is there. */
static enum err join_in(struct store_s3 *s, const struct store_pieces *of, const struct store_part *parts,
                        size_t n, int64_t size, struct arena *arena, struct problem *problem)
{
    const struct s3_pair query = {STR("uploadId"), of->token};
    struct s3_ask a = {.method = "POST", .key = of->key, .query = &query, .n_query = 1};
    struct http_answer answer;

    ask_again(s, &a, parts_xml(arena, parts, n), arena, &answer);
    if (has_size(s, of->key, size, arena))
        return OK;
    if (answer.end == HTTP_DONE && answer.status == 400)
        return problem_set(problem, ERR_CONFLICT, "the pieces do not fit each other; begin anew");
    return s3_failed(&answer, "joining pieces", problem);
}

/*
 * Everything that was begun under the key and not joined goes: also what was begun by a request whose answer
 * was lost, and of which nobody knows the token.
 */
static enum err drop_in(struct store_s3 *s, struct str key, struct arena *arena, struct problem *problem)
{
    const struct s3_pair query[] = {{STR("prefix"), key}, {STR("uploads"), STR("")}};
    const struct s3_ask list = {.method = "GET", .query = query, .n_query = 2, .body_bytes = -1};
    struct http_answer answer;

    s3_ask(s, &list, arena, &answer);
    if (!s3_is_good(&answer))
        return s3_failed(&answer, "looking for pieces", problem);
    const char *at = str_c(arena, answer.body);
    while ((at = strstr(at, "<UploadId>"))) {
        const struct s3_pair token = {STR("uploadId"), element(arena, str_of(at), "UploadId")};
        const struct s3_ask drop = {
            .method = "DELETE", .key = key, .query = &token, .n_query = 1, .body_bytes = -1};
        s3_ask(s, &drop, arena, &answer);
        if (!s3_is_good(&answer) && (answer.end != HTTP_DONE || answer.status != 404))
            return s3_failed(&answer, "dropping pieces", problem);
        at += token.value.n + 1;
    }
    return OK;
}

enum err s3_join(struct store *s, const struct store_pieces *of, const struct store_part *parts, size_t n,
                 int64_t size, struct problem *problem)
{
    struct arena *arena = arena_new();
    enum err err = join_in((struct store_s3 *)s, of, parts, n, size, arena, problem);

    if (err == OK)
        err = drop_in((struct store_s3 *)s, of->key, arena, problem);
    arena_free(arena);
    return err;
}

enum err s3_drop(struct store *s, const struct store_pieces *of, struct problem *problem)
{
    struct arena *arena = arena_new();
    const enum err err = drop_in((struct store_s3 *)s, of->key, arena, problem);

    arena_free(arena);
    return err;
}
