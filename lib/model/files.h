/*
 * Files: what is known of them, who may read them, and how one comes to be.
 *
 * A file is received between begin and finish: begin takes its place in the quota and
 * writes a row that nobody sees; finish makes it visible when the store has all of it.
 * Whoever dies between leaves a row that is not touched any more, which the courier
 * removes with whatever the store has of it.
 *
 * Who may read one is decided by file_get_readable() alone: its owner; whoever may now
 * read an unrecalled entry that refers to it; anybody of the app while it is an avatar.
 */
#ifndef MODEL_FILES_H
#define MODEL_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "model/ctx.h"
#include "model/page.h"
#include "model/store.h"
#include "queries.h" /* struct file_row */

/* Never renumber: the numbers are stored. */
enum file_kind { FILE_IMAGE, FILE_FILE, FILE_VOICE, FILE_VIDEO, FILE_POSTER, FILE_MERGED };

enum {
    FILE_RECEIVING_MAX = 20,     /* of one person at once */
    FILE_TOUCH_MS = 30 * 1000,   /* while it is received, it is touched so often */
    FILE_DEAD_MS = 5 * 60 * 1000 /* who was not touched for so long is not received any more */
};

/* The schema File. */
struct file {
    uint64_t id;
    struct str name;
    int64_t size;
    struct str content_type, sha256; /* hex */
    int64_t width, height;           /* 0: no picture */
};
extern const struct shape file_shape;

/* ---- receiving ---- */

struct file_new {
    uint64_t id;
    struct str name; /* checked */
    int64_t size;
    struct str once;   /* Idempotency-Key; empty: none */
    uint64_t first_id; /* the file that the key has made before; 0: none, this is the first */
    char store_key[STORE_KEY_TEXT];
    char content_type[64];
    unsigned char sha256[32];
    unsigned width, height, bits; /* bits: model/picture.h */
    unsigned duration_ms;
};

/* Whether the key was used before: fills first_id. What it was used for is compared by file_finish(). */
enum err file_repeated(struct ctx *ctx, struct file_new *f) MUST_CHECK;
/*
 * Fills id and store_key. Before a byte was read: ERR_INVALID_REQUEST (empty), ERR_TOO_LARGE,
 * ERR_RATE_LIMITED (too many at once), ERR_QUOTA_EXCEEDED. Runs a transaction.
 */
enum err file_begin(struct ctx *ctx, struct file_new *f) MUST_CHECK;
/* It is still being received. */
enum err file_touch(struct ctx *ctx, struct file_new *f) MUST_CHECK;
/*
 * The store has it, and what is known is in `f`. With first_id, before or after: `*out` is that file, and
 * this one is not needed. ERR_CONFLICT: the key has made another file; ERR_UNAVAILABLE: it was given up
 * meanwhile.
 */
enum err file_finish(struct ctx *ctx, struct file_new *f, struct file *out) MUST_CHECK;
/* It came to nothing: the row and the place go. The caller has removed what the store had. */
enum err file_give_up(struct ctx *ctx, struct file_new *f) MUST_CHECK;

/* ---- reading ---- */

/* ERR_NOT_FOUND also for one that the actor may not read. */
enum err file_get_readable(struct ctx *ctx, uint64_t id, struct file_row *out) MUST_CHECK;

/* A picture that the actor may show as a person's or a group's: ERR_NOT_FOUND, ERR_INVALID_REQUEST, the field
 * named. */
enum err file_check_avatar(struct ctx *ctx, uint64_t id) MUST_CHECK;

/* What was sent in a conversation, newest first, as far as the actor may see it. `kind` -1: all. */
struct file_sent {
    int64_t seq;
    uint64_t sender_id;
    int64_t sent_at;
    int type; /* enum file_kind */
    struct file file;
};
extern const struct shape file_sent_shape;
enum err files_of_conversation(struct ctx *ctx, uint64_t conversation_id, int kind, struct page_mark before,
                               size_t limit, struct page_out *out) MUST_CHECK;

/* ---- the end ---- */

/* Removes some of what nobody receives or wants any more; `*n`: how many. For the courier. */
enum err files_sweep(struct ctx *ctx, struct store *store, size_t *n) MUST_CHECK;
/* The actor leaves: what no entry refers to goes, unless others are seen by it. Inside a transaction. */
enum err files_condemn(struct ctx *ctx) MUST_CHECK;

#endif
