/* What stores3.c and stores3parts.c share; nobody else includes it. */
#ifndef MODEL_STORES3_H
#define MODEL_STORES3_H

#include "ext/http.h"
#include "ext/s3sign.h"
#include "model/store.h"

/* S3_PART_BYTES: the least that S3 takes. */
enum { S3_TRIES = 3, S3_PAUSE_MS = 100, S3_PART_BYTES = 5 * 1024 * 1024 };

struct store_s3 {
    struct store store;
    const struct conf *conf;
    struct http *http, *probe; /* probe: with little patience */
    struct s3_keys keys;
    char scheme[16], host[CONF_TEXT_BYTES + 64];
};

/* One request, before it is signed. */
struct s3_ask {
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

/* Once, by `http`; and by s->http as often as it may be repeated: it has no body, or nobody asked for a byte
 * of it. */
void s3_call(struct store_s3 *s, struct http *http, const struct s3_ask *a, struct arena *arena,
             struct http_answer *answer);
void s3_ask(struct store_s3 *s, const struct s3_ask *a, struct arena *arena, struct http_answer *answer);
bool s3_is_good(const struct http_answer *answer);
/* What the store said when it did not do what it was asked. */
enum err s3_failed(const struct http_answer *answer, const char *what, struct problem *problem);

/* The functions of struct store_ops for pieces. */
enum err s3_begin(struct store *s, struct str key, struct arena *arena, struct str *token,
                  struct problem *problem);
enum err s3_part(struct store *s, const struct store_pieces *of, unsigned number, struct str bytes,
                 char tag[STORE_TAG_MAX], struct problem *problem);
enum err s3_join(struct store *s, const struct store_pieces *of, const struct store_part *parts, size_t n,
                 int64_t size, struct problem *problem);
enum err s3_drop(struct store *s, const struct store_pieces *of, struct problem *problem);

#endif
