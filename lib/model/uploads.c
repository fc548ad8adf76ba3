/* Uploads by pieces: rows, joining, the end. Taking bytes is uploadtake.c's. */
#include "model/uploadtake.h"

#include <stdlib.h>

#include "base/clock.h"
#include "model/duration.h"
#include "model/house.h"
#include "model/idempotency.h"
#include "model/picture.h"

enum { STATE_CONDEMNED = 2, STATE_PIECES = 3, SWEEP_ROWS = 20 };

static int64_t life_ms(const struct ctx *ctx)
{
    return (int64_t)house_conf(ctx->house)->upload_life_s * 1000;
}

enum err upload_db(struct upload_io *io, enum err (*fn)(struct ctx *ctx, void *arg), void *arg)
{
    return io->with_db(io->with_db_arg, fn, arg);
}

struct store_pieces upload_pieces(const struct upload_row *row)
{
    return (struct store_pieces){row->store_key, row->token, (unsigned)row->last_part};
}

/* ---- beginning ---- */

static enum err take_place(struct ctx *ctx, const struct file_new *f)
{
    const struct conf *conf = house_conf(ctx->house);
    const uint64_t me = ctx->actor.user_id;
    struct file_usage_row usage;
    struct upload_count_row open;

    TRY(q_file_usage_add(ctx, me, f->size, NULL));
    TRY(q_file_usage_get(ctx, me, &usage));
    TRY(q_upload_open_count(ctx, me, &open));
    if (open.n >= conf->uploads_open)
        return fail(ctx, ERR_RATE_LIMITED, "at most %d uploads of one person are open", conf->uploads_open);
    if (usage.bytes > (int64_t)conf->file_quota_mib << 20)
        return fail(ctx, ERR_QUOTA_EXCEEDED, "all files of one person take at most %d MiB",
                    conf->file_quota_mib);
    return OK;
}

/* Inside the transaction. f->first_id: it was begun before. */
static enum err claim(struct ctx *ctx, struct file_new *f)
{
    const struct str target =
                         str_of(arena_printf(ctx->arena, "%lld %.*s", (long long)f->size, STR_ARG(f->name))),
                     id = str_of(arena_printf(ctx->arena, "%llu", (unsigned long long)f->id));
    struct idempotency k;
    struct str first_id;
    bool first;
    int status;

    f->first_id = 0;
    if (!f->once.n)
        return OK;
    idempotency_init(&k, ctx->actor.user_id, STR("createUpload"), f->once, target);
    TRY(idempotency_claim(ctx, &k, &first, &status, &first_id));
    if (first)
        return idempotency_store(ctx, &k, 201, id);
    return str_u64(first_id, &f->first_id) ? OK : ERR_UNAVAILABLE;
}

static enum err create(struct ctx *ctx, void *arg)
{
    struct file_new *f = arg;
    struct crypt_digest digest;

    crypt_digest_init(&digest);
    TRY(claim(ctx, f));
    if (f->first_id)
        return OK;
    TRY(take_place(ctx, f));
    TRY(q_file_insert(ctx,
                      &(struct q_file_insert_in){.id = f->id,
                                                 .app_id = ctx->actor.app_id,
                                                 .owner_id = ctx->actor.user_id,
                                                 .state = STATE_PIECES,
                                                 .name = f->name,
                                                 .size = f->size,
                                                 .store_key = str_of(f->store_key),
                                                 .at = clock_wall_ms()},
                      NULL));
    return q_upload_insert(
        ctx,
        &(struct q_upload_insert_in){.id = f->id,
                                     .owner_id = ctx->actor.user_id,
                                     .size = f->size,
                                     .store_key = str_of(f->store_key),
                                     .digest = {(const char *)digest.state, sizeof digest.state},
                                     .life_ms = life_ms(ctx)},
        NULL);
}

static enum err create_in_tx(struct ctx *ctx, void *arg)
{
    return tx_run(ctx, create, arg);
}

enum err upload_create(struct upload_io *io, struct file_new *f)
{
    const int max_mib = house_conf(io->ctx->house)->file_max_mib;

    if (f->size < 1)
        return fail(io->ctx, ERR_INVALID_REQUEST, "a file has at least one byte");
    if (f->size > (int64_t)max_mib << 20)
        return fail(io->ctx, ERR_TOO_LARGE, "a file has at most %d MiB", max_mib);
    TRY(ctx_id(io->ctx, &f->id));
    store_key(f->store_key);
    return upload_db(io, create_in_tx, f);
}

/* ---- how far ---- */

struct looking {
    uint64_t id;
    struct upload_row *row;
    struct upload_part_row *parts;
    size_t n_parts;
};

static enum err look(struct ctx *ctx, void *arg)
{
    struct looking *l = arg;

    TRY(q_upload_get(ctx, l->id, ctx->actor.user_id, l->row));
    if (l->row->left_ms < 0)
        return ERR_NOT_FOUND;
    if (l->row->received == l->row->size && !l->row->done)
        TRY(q_upload_parts_get(ctx, l->id, &l->parts, &l->n_parts));
    return OK;
}

struct making {
    const struct upload_row *row;
    struct picture_facts picture;
    unsigned duration_ms;
};

static enum err make_file(struct ctx *ctx, void *arg)
{
    const struct making *m = arg;
    const struct upload_row *row = m->row;
    unsigned char hash[CRYPT_SHA256_BYTES];
    struct crypt_digest digest = {0};
    uint64_t rows;

    memcpy(digest.state, row->digest.p, sizeof digest.state);
    crypt_digest_done(&digest, hash);
    TRY(q_upload_finish(ctx, row->id, &rows));
    if (!rows) { /* somebody else has just done it, or taken it back */
        struct upload_row now;
        TRY(q_upload_get(ctx, row->id, row->owner_id, &now));
        return now.done ? OK : ERR_NOT_FOUND;
    }
    TRY(q_upload_parts_delete(ctx, row->id, NULL));
    return q_upload_file_there(ctx,
                               &(struct q_upload_file_there_in){.id = row->id,
                                                                .content_type = row->content_type,
                                                                .sha256 = {(const char *)hash, sizeof hash},
                                                                .width = m->picture.width,
                                                                .height = m->picture.height,
                                                                .bits = m->picture.bits,
                                                                .duration_ms = m->duration_ms},
                               NULL);
}

static enum err make_file_in_tx(struct ctx *ctx, void *arg)
{
    return tx_run(ctx, make_file, arg);
}

/* ---- the end ---- */

/* From here on it can become no file any more; `row` is how it stands then. */
static enum err end(struct ctx *ctx, void *arg)
{
    struct upload_row *row = arg;

    TRY(q_upload_end(ctx, row->id, NULL));
    TRY(q_upload_get(ctx, row->id, row->owner_id, row));
    return row->done ? OK : q_upload_file_condemn(ctx, row->id, NULL);
}

static enum err end_in_tx(struct ctx *ctx, void *arg)
{
    return tx_run(ctx, end, arg);
}

static enum err remove_rows(struct ctx *ctx, void *arg)
{
    const struct upload_row *row = arg;
    uint64_t rows;

    TRY(q_upload_parts_delete(ctx, row->id, NULL));
    TRY(q_upload_delete(ctx, row->id, NULL));
    TRY(q_file_delete(ctx, row->id, STATE_CONDEMNED, &rows)); /* none once it is a file */
    return rows ? q_file_usage_add(ctx, row->owner_id, -row->size, NULL) : OK;
}

static enum err remove_rows_in_tx(struct ctx *ctx, void *arg)
{
    return tx_run(ctx, remove_rows, arg);
}

struct str upload_tail_key(struct arena *arena, const struct upload_row *row, uint64_t number)
{
    return str_of(arena_printf(arena, "%.*s.t%llu", STR_ARG(row->store_key), (unsigned long long)number));
}

enum err upload_drop_tails(struct store *store, const struct upload_row *row, uint64_t kept, struct ctx *ctx)
{
    const uint64_t numbers[] = {row->tail_part, row->tail_try};

    for (int i = 0; i < 2; i++)
        if (numbers[i] && numbers[i] != kept)
            TRY(store->ops->remove(store, upload_tail_key(ctx->arena, row, numbers[i]), ctx->problem));
    return OK;
}

/* What the store has of it; a file that it has become stays. */
static enum err remove_bytes(struct store *store, const struct upload_row *row, struct ctx *ctx)
{
    const struct store_pieces pieces = upload_pieces(row);

    if (row->done)
        return OK;
    TRY(upload_drop_tails(store, row, 0, ctx));
    TRY(store->ops->drop(store, &pieces, ctx->problem));
    TRY(picture_forget(ctx, store, row->store_key));
    return store->ops->remove(store, row->store_key, ctx->problem); /* joined, and nobody was told */
}

static enum err finish(struct upload_io *io, struct looking *l)
{
    const struct store_pieces pieces = upload_pieces(l->row);
    struct making m = {.row = l->row};
    struct store_part *parts = arena_array(io->ctx->arena, l->n_parts, sizeof *parts);

    for (size_t i = 0; i < l->n_parts; i++)
        parts[i] = (struct store_part){(unsigned)l->parts[i].part, l->parts[i].tag};
    enum err err =
        io->store->ops->join(io->store, &pieces, parts, l->n_parts, l->row->size, io->ctx->problem);
    if (err == OK)
        err = picture_look(io->ctx, io->store, l->row->store_key, l->row->content_type, &m.picture);
    if (err == ERR_CONFLICT || err == ERR_INVALID_REQUEST) { /* there is no way on */
        TRY(upload_db(io, end_in_tx, l->row));
        TRY(remove_bytes(io->store, l->row, io->ctx));
        TRY(upload_db(io, remove_rows_in_tx, l->row));
    }
    TRY(err);
    TRY(duration_look(io->ctx, io->store, l->row->store_key, l->row->content_type, l->row->size,
                      &m.duration_ms));
    TRY(upload_drop_tails(io->store, l->row, 0, io->ctx));
    TRY(upload_db(io, make_file_in_tx, &m));
    l->row->done = true;
    return OK;
}

enum err upload_look(struct upload_io *io, uint64_t id, struct upload_row *row)
{
    struct looking l = {.id = id, .row = row};

    TRY(upload_db(io, look, &l));
    return row->received == row->size && !row->done ? finish(io, &l) : OK;
}

static enum err look_open(struct ctx *ctx, void *arg)
{
    struct looking *l = arg;

    TRY(q_upload_get(ctx, l->id, ctx->actor.user_id, l->row));
    return l->row->done || l->row->left_ms < 0 ? ERR_NOT_FOUND : OK;
}

enum err upload_drop(struct upload_io *io, uint64_t id)
{
    struct upload_row row;
    struct looking l = {.id = id, .row = &row};

    TRY(upload_db(io, look_open, &l));
    TRY(upload_db(io, end_in_tx, &row));
    if (row.done)
        return ERR_NOT_FOUND;
    TRY(remove_bytes(io->store, &row, io->ctx));
    return upload_db(io, remove_rows_in_tx, &row);
}

enum err uploads_sweep(struct ctx *ctx, struct store *store, size_t *n)
{
    struct upload_row *rows;

    TRY(q_uploads_expired(ctx, SWEEP_ROWS, &rows, n));
    for (size_t i = 0; i < *n; i++) {
        TRY(tx_run(ctx, end, &rows[i]));
        TRY(remove_bytes(store, &rows[i], ctx));
        TRY(tx_run(ctx, remove_rows, &rows[i]));
    }
    return OK;
}
