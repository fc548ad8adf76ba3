/*
 * Taking the bytes of a piece: from the client into a buffer of the size that the store takes, from there
 * into the store, then the row. With a checksum the row goes on only at the end, when it is known to be
 * right.
 */
#include "model/uploadtake.h"

#include <stdlib.h>

#include "base/sha1.h"
#include "ext/magic.h"
#include "model/house.h"

enum { PARTS_AT_ONCE = 6000 };

struct taking {
    struct upload_io *io;
    const struct upload_piece *piece;
    struct upload_row row;     /* as it is stored */
    struct crypt_digest whole; /* of all that was taken */
    char *buffer;
    size_t n, max;              /* what waits in the buffer, and how much it holds */
    int64_t taken;              /* the offset, with what waits */
    struct crypt_digest sha256; /* of this piece */
    struct sha1 sha1;
    /* What is in the store and not in the row yet. */
    struct upload_part_row *parts;
    size_t n_parts;
    int64_t stored;
    uint64_t tail_part;
    int64_t tail_size;
};

/* ---- the row ---- */

static enum err advance(struct ctx *ctx, void *arg)
{
    const struct taking *t = arg;
    uint64_t rows;

    TRY(q_upload_advance(
        ctx,
        &(struct q_upload_advance_in){.id = t->row.id,
                                      .old_received = t->row.received,
                                      .received = t->stored,
                                      .tail_part = t->tail_part,
                                      .tail_size = t->tail_size,
                                      .content_type = t->row.content_type,
                                      .digest = {(const char *)t->whole.state, sizeof t->whole.state},
                                      .life_ms = (int64_t)house_conf(ctx->house)->upload_life_s * 1000},
        &rows));
    if (!rows)
        return fail(ctx, ERR_CONFLICT, "somebody else has gone on with this upload");
    for (size_t i = 0; i < t->n_parts; i++)
        TRY(q_upload_part_insert(ctx, t->row.id, t->parts[i].part, t->parts[i].size, t->parts[i].tag, NULL));
    return OK;
}

static enum err advance_in_tx(struct ctx *ctx, void *arg)
{
    return tx_run(ctx, advance, arg);
}

/* Somebody else has gone on: what was put here counts nowhere. */
static void forget(struct taking *t)
{
    struct store *store = t->io->store;
    const struct store_pieces pieces = upload_pieces(&t->row);
    struct problem unheard = {0};

    if (t->tail_part)
        (void)!store->ops->remove(store, upload_tail_key(t->io->ctx->arena, &t->row, t->tail_part), &unheard);
    for (size_t i = 0; i < t->n_parts && store->ops->unpart; i++)
        (void)!store->ops->unpart(store, &pieces, (unsigned)t->parts[i].part, &unheard);
}

static enum err write_row(struct taking *t)
{
    if (t->stored == t->row.received)
        return OK;
    const enum err err = upload_db(t->io, advance_in_tx, t);
    if (err == ERR_CONFLICT)
        forget(t);
    TRY(err);
    const struct upload_row former = t->row;
    t->row.received = t->stored;
    t->row.tail_part = t->tail_part;
    t->row.tail_size = t->tail_size;
    t->n_parts = 0;
    return upload_drop_tails(t->io->store, &former, t->tail_part, t->io->ctx);
}

struct numbering {
    const struct upload_row *known;
    bool is_tail;
    struct upload_row now;
};

/*
 * The number of a tail is noted, so that it is found if we die before it counts. From here on no tail that
 * was begun before can count any more; `now` names the last of them.
 */
static enum err number_in_tx(struct ctx *ctx, void *arg)
{
    struct numbering *n = arg;
    uint64_t rows;

    TRY(q_upload_number(ctx, n->known->id, &rows));
    if (!rows)
        return ERR_NOT_FOUND;
    TRY(q_upload_get(ctx, n->known->id, n->known->owner_id, &n->now));
    if (n->now.received != n->known->received)
        return fail(ctx, ERR_CONFLICT, "somebody else has gone on with this upload");
    return n->is_tail ? q_upload_tail_try(ctx, n->known->id, n->now.last_part, NULL) : OK;
}

static enum err number(struct ctx *ctx, void *arg)
{
    return tx_run(ctx, number_in_tx, arg);
}

/* ---- the store ---- */

static enum err next_number(struct taking *t, bool is_tail, uint64_t *out)
{
    struct numbering n = {.known = &t->row, .is_tail = is_tail};

    TRY(upload_db(t->io, number, &n));
    t->row.last_part = n.now.last_part;
    t->row.tail_try = n.now.tail_try;
    *out = n.now.last_part;
    return OK;
}

static enum err note_token(struct ctx *ctx, void *arg)
{
    struct upload_row *row = arg;

    TRY(q_upload_begun(ctx, row->id, row->token, NULL));
    return q_upload_get(ctx, row->id, row->owner_id, row); /* perhaps somebody else was first */
}

/* The row is there before anything of it is in the store. */
static enum err begin_pieces(struct taking *t)
{
    struct upload_row row = t->row;

    if (!t->io->store->ops->begin || row.token.n)
        return OK;
    TRY(t->io->store->ops->begin(t->io->store, row.store_key, t->io->ctx->arena, &row.token,
                                 t->io->ctx->problem));
    TRY(upload_db(t->io, note_token, &row));
    t->row.token = row.token;
    return OK;
}

static enum err store_part(struct taking *t)
{
    char *tag = arena_alloc(t->io->ctx->arena, STORE_TAG_MAX);
    uint64_t n = 0;

    TRY(begin_pieces(t));
    const struct store_pieces pieces = upload_pieces(&t->row);
    TRY(next_number(t, false, &n));
    if (t->io->store->ops->part_min) /* by its place: what was put there and never counted is replaced */
        n = (uint64_t)(t->taken - (int64_t)t->n) / t->max + 1;
    TRY(t->io->store->ops->part(t->io->store, &pieces, (unsigned)n, (struct str){t->buffer, t->n}, tag,
                                t->io->ctx->problem));
    t->parts[t->n_parts++] = (struct upload_part_row){n, (int64_t)t->n, str_of(tag)};
    t->stored = t->taken;
    t->n = 0;
    t->tail_part = 0;
    t->tail_size = 0;
    return OK;
}

/* What is too small for a piece, as an object of its own. */
static enum err store_tail(struct taking *t)
{
    struct store_bytes source = {{t->buffer, t->n}};
    uint64_t n = 0;

    TRY(next_number(t, true, &n));
    TRY(upload_drop_tails(t->io->store, &t->row, t->row.tail_part, t->io->ctx)); /* one that never counted */
    t->row.tail_try = n;
    TRY(t->io->store->ops->put(t->io->store, upload_tail_key(t->io->ctx->arena, &t->row, n), (int64_t)t->n,
                               store_bytes_read, &source, t->io->ctx->problem));
    t->stored = t->taken;
    t->tail_part = n;
    t->tail_size = (int64_t)t->n;
    return OK;
}

static bool keep_tail(void *arg, const char *bytes, size_t n)
{
    struct taking *t = arg;

    if (n > t->max - t->n)
        return false;
    memcpy(t->buffer + t->n, bytes, n);
    t->n += n;
    return true;
}

static enum err read_tail(struct taking *t)
{
    const struct str key = upload_tail_key(t->io->ctx->arena, &t->row, t->row.tail_part);

    if (!t->row.tail_part)
        return OK;
    const enum err err = t->io->store->ops->get(t->io->store, key, keep_tail, t, t->io->ctx->problem);
    if (err == OK && t->n == (size_t)t->row.tail_size)
        return OK;
    return fail(t->io->ctx, ERR_UNAVAILABLE, "what was kept of the upload cannot be read");
}

/* ---- the bytes ---- */

static void hash(struct taking *t, const char *bytes, size_t n)
{
    crypt_digest_add(&t->whole, bytes, n);
    if (t->piece->check == UPLOAD_SHA256)
        crypt_digest_add(&t->sha256, bytes, n);
    if (t->piece->check == UPLOAD_SHA1)
        sha1_add(&t->sha1, bytes, n);
}

/* The type is decided by the first bytes that are there at once. */
static void find_type(struct taking *t)
{
    char *type;

    if (t->row.content_type.n || t->taken != (int64_t)t->n || !t->n)
        return;
    if (t->n < MAGIC_BYTES && t->taken < t->row.size)
        return; /* they come again with the tail */
    type = arena_alloc(t->io->ctx->arena, MAGIC_TEXT);
    magic_type((struct str){t->buffer, t->n < MAGIC_BYTES ? t->n : MAGIC_BYTES}, type);
    t->row.content_type = str_of(type);
}

/* Fills the buffer; OK: it is full, all is there, or `*over`. */
static enum err fill(struct taking *t, bool *over, bool *cut)
{
    while (t->n < t->max && t->taken < t->row.size) {
        const int64_t left = t->row.size - t->taken;
        size_t room = t->max - t->n;
        if ((int64_t)room > left)
            room = (size_t)left;
        const long n = t->io->source(t->io->arg, t->buffer + t->n, room);
        *cut = n < 0;
        *over = n <= 0;
        if (*over)
            break;
        hash(t, t->buffer + t->n, (size_t)n);
        t->n += (size_t)n;
        t->taken += n;
    }
    find_type(t);
    return OK;
}

static enum err store_some(struct taking *t, bool over)
{
    const bool is_all = t->taken == t->row.size, has_type = t->row.content_type.n;

    if (t->taken == t->stored)
        return OK;
    if (t->n == t->max || is_all || (over && has_type && t->n >= t->io->store->ops->part_min))
        return store_part(t);
    return store_tail(t);
}

static bool is_right(const struct taking *t)
{
    unsigned char digest[CRYPT_SHA256_BYTES];

    if (t->piece->check == UPLOAD_SHA256) {
        crypt_digest_done(&t->sha256, digest);
        return memcmp(digest, t->piece->digest, CRYPT_SHA256_BYTES) == 0;
    }
    if (t->piece->check == UPLOAD_SHA1) {
        sha1_done(&t->sha1, digest);
        return memcmp(digest, t->piece->digest, SHA1_BYTES) == 0;
    }
    return true;
}

/* Until nothing comes any more or all is there. */
static enum err take_all(struct taking *t)
{
    bool over = false, cut = false;

    const bool checked = t->piece->check != UPLOAD_NO_CHECK;

    while (!over && t->taken < t->row.size) {
        TRY(fill(t, &over, &cut));
        if (checked && (over || t->taken == t->row.size))
            break;
        TRY(store_some(t, over));
        if (!checked)
            TRY(write_row(t));
    }
    if (cut)
        return fail(t->io->ctx, ERR_INVALID_REQUEST, "the body was cut off");
    if (!checked)
        return OK;
    if (!is_right(t))
        return fail(t->io->ctx, ERR_CHECKSUM, "the bytes do not have the digest that was said");
    TRY(store_some(t, true));
    return write_row(t);
}

static enum err prepare(struct taking *t)
{
    const struct upload_piece *piece = t->piece;

    if (piece->offset != t->row.received)
        return fail(t->io->ctx, ERR_CONFLICT, "the offset is %lld", (long long)t->row.received);
    if (piece->size > t->row.size - t->row.received)
        return fail(t->io->ctx, ERR_TOO_LARGE, "the piece goes past the end of the file");
    t->stored = t->taken = t->row.received;
    t->tail_part = t->row.tail_part;
    t->tail_size = t->row.tail_size;
    t->max = t->io->store->ops->part_max;
    t->parts = arena_array(t->io->ctx->arena, PARTS_AT_ONCE, sizeof *t->parts);
    memcpy(t->whole.state, t->row.digest.p, sizeof t->whole.state);
    crypt_digest_init(&t->sha256);
    sha1_init(&t->sha1);
    t->buffer = malloc(t->max);
    if (!t->buffer)
        return fail(t->io->ctx, ERR_UNAVAILABLE, "no memory for a piece");
    arena_defer(t->io->ctx->arena, free, t->buffer);
    return read_tail(t);
}

enum err upload_take(struct upload_io *io, uint64_t id, const struct upload_piece *piece,
                     struct upload_row *row)
{
    struct taking *t = arena_alloc(io->ctx->arena, sizeof *t);

    *t = (struct taking){.io = io, .piece = piece};
    TRY(upload_look(io, id, &t->row));
    TRY(prepare(t));
    TRY(take_all(t));
    return upload_look(io, id, row);
}
