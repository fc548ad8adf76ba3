/*
 * Where the bytes of files are: a store behind a small table of functions. Two
 * exist: a folder (storefile.c) and S3 (stores3.c).
 *
 * Keys are made by the house ("3f/9a…": hex digits and slashes), never by people.
 * What put() or join() acknowledged is durable and whole; before that nobody sees
 * anything under the key. Blocking; thread-safe.
 */
#ifndef MODEL_STORE_H
#define MODEL_STORE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/str.h"

enum { STORE_KEY_TEXT = 36, STORE_TAG_MAX = 128 };

/* Gives up to `max` bytes; 0: their end; -1: they cannot be had. */
typedef long (*store_source)(void *arg, char *out, size_t max);
typedef bool (*store_sink)(void *arg, const char *bytes, size_t n);

/* What a store is asked to say to whoever fetches the bytes by nginx. */
struct store_view {
    struct str key, content_type;
    bool is_head;
};

struct store_pieces {
    struct str key, token;
    unsigned last; /* no higher number was given out */
};
struct store_part {
    unsigned number;
    struct str tag;
};

struct store;
struct store_ops {
    const char *name;
    /* Whether it answers now, soon and without a second try. */
    enum err (*probe)(struct store *s, struct problem *problem);
    /* Whether it can be used now; makes what is missing (folder, bucket). */
    enum err (*check)(struct store *s, struct problem *problem);
    /*
     * Exactly `size` bytes of the source under a key that nobody has. ERR_INVALID_REQUEST: the source gave up
     * or ended early. ERR_UNAVAILABLE: the store failed. Nothing is left behind then, as far as it is known.
     */
    enum err (*put)(struct store *s, struct str key, int64_t size, store_source source, void *arg,
                    struct problem *problem);
    /* All its bytes, from the first. ERR_NOT_FOUND. */
    enum err (*get)(struct store *s, struct str key, store_sink sink, void *arg, struct problem *problem);
    /* OK too if it was not there. */
    enum err (*remove)(struct store *s, struct str key, struct problem *problem);
    /* The target of X-Accel-Redirect: an internal place of nginx. */
    enum err (*view)(struct store *s, const struct store_view *view, struct arena *arena, struct str *out);
    void (*free)(struct store *s);

    /*
     * An object that comes by pieces. Each has a number that is given out once; those of join() stand in the
     * order of the bytes. What was put and is not named there goes. Pieces but the last have at least
     * part_min bytes.
     */
    size_t part_min, part_max;
    /* A token for the first piece and all that follow; NULL where there is none. drop() and join() find also
     * those that were begun and are not known. */
    enum err (*begin)(struct store *s, struct str key, struct arena *arena, struct str *token,
                      struct problem *problem);
    enum err (*part)(struct store *s, const struct store_pieces *of, unsigned number, struct str bytes,
                     char tag[STORE_TAG_MAX], struct problem *problem);
    /* A piece that counts nowhere goes. NULL where a piece of another may be at its place. */
    enum err (*unpart)(struct store *s, const struct store_pieces *of, unsigned number,
                       struct problem *problem);
    /* Also OK when it was joined before. ERR_CONFLICT: the pieces are not those that are named. */
    enum err (*join)(struct store *s, const struct store_pieces *of, const struct store_part *parts, size_t n,
                     int64_t size, struct problem *problem);
    enum err (*drop)(struct store *s, const struct store_pieces *of, struct problem *problem);
};

struct store {
    const struct store_ops *ops;
    _Atomic bool checked;
    pthread_mutex_t lock; /* of what was last heard of it */
    bool asking;
    int64_t asked_ms; /* 0: never */
    enum err heard;
    struct problem said;
};

/* By conf->store. Asks it nothing yet: a house may be opened while its store is away. */
struct store *store_new(const struct conf *conf);
/* Once it answered as it should, it is not asked again. ERR_UNAVAILABLE; `problem` says what is wrong with
 * it. */
enum err store_ready(struct store *s, struct problem *problem) MUST_CHECK;
/*
 * Whether it answers: as it was a second ago at most, or before somebody else began to ask. However many want
 * to know, one asks.
 */
enum err store_answers(struct store *s, struct problem *problem) MUST_CHECK;
void store_free(struct store *s);
struct store *store_file_new(const struct conf *conf);
struct store *store_s3_new(const struct conf *conf);

/* A fresh key. */
void store_key(char out[STORE_KEY_TEXT]);
/* Bytes in memory as a source. */
struct store_bytes {
    struct str left;
};
long store_bytes_read(void *arg, char *out, size_t max);

#endif
