/*
 * Files that come by pieces, over hours and broken connections: the inside of tus.
 *
 * The offset that is told is what the store has durably, down to the byte at which a
 * connection broke. What is too small to be a piece of the store's waits as an object
 * of its own (the tail) until more comes. Piece numbers are given out once, so that of
 * two who write at the same place only one is counted, by the row, and the other's
 * bytes are never part of the file.
 *
 * Whoever is told that all is there can read the file: an offset that is the whole size
 * is only told after the pieces were joined.
 */
#ifndef MODEL_UPLOADS_H
#define MODEL_UPLOADS_H

#include "ext/crypt.h"
#include "model/files.h"

/* How bytes come, and how the database is had for a moment. */
struct upload_io {
    struct store *store;
    store_source source;
    void *arg;
    enum err (*with_db)(void *arg, enum err (*fn)(struct ctx *ctx, void *arg), void *fn_arg);
    void *with_db_arg;
    struct ctx *ctx;
};

enum upload_check { UPLOAD_NO_CHECK, UPLOAD_SHA1, UPLOAD_SHA256 };

struct upload_piece {
    int64_t offset;
    int64_t size;            /* -1: not said */
    enum upload_check check; /* what the client says it hashes to */
    unsigned char digest[32];
};

/*
 * A new upload of f->name and f->size; fills id, or first_id if f->once has begun one before.
 * ERR_INVALID_REQUEST, ERR_TOO_LARGE, ERR_RATE_LIMITED (too many open), ERR_QUOTA_EXCEEDED, ERR_CONFLICT (the
 * key has begun another).
 */
enum err upload_create(struct upload_io *io, struct file_new *f) MUST_CHECK;

/*
 * Takes what comes of a piece. ERR_NOT_FOUND; ERR_CONFLICT: the offset is another, or somebody else went on;
 * ERR_TOO_LARGE: past the end; ERR_CHECKSUM: it hashes to something else, and nothing of it was taken.
 * ERR_INVALID_REQUEST: it was cut off; what came before counts. `*row` is how it stands then, when it is OK.
 */
enum err upload_take(struct upload_io *io, uint64_t id, const struct upload_piece *piece,
                     struct upload_row *row) MUST_CHECK;

/* How far it is; joins the pieces first when all are there. */
enum err upload_look(struct upload_io *io, uint64_t id, struct upload_row *row) MUST_CHECK;
/* Takes it back. ERR_NOT_FOUND also when it is a file already. */
enum err upload_drop(struct upload_io *io, uint64_t id) MUST_CHECK;
/* Removes some that have expired. */
enum err uploads_sweep(struct ctx *ctx, struct store *store, size_t *n) MUST_CHECK;

#endif
