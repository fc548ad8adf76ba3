/* A file on its way into the store. */
#include "model/receive.h"

#include "base/clock.h"
#include "ext/magic.h"
#include "model/duration.h"
#include "model/picture.h"

enum { CHUNK = 16 * 1024 };

struct passing {
    struct upload_io *io;
    struct file_new *f;
    struct crypt_digest digest;
    char head[MAGIC_BYTES];
    size_t n_head, head_given;
    int64_t touched_ms;
};

static enum err db(struct upload_io *io, enum err (*fn)(struct ctx *ctx, void *arg), void *arg)
{
    return io->with_db(io->with_db_arg, fn, arg);
}

static enum err touch(struct ctx *ctx, void *arg)
{
    return file_touch(ctx, arg);
}

/* Its beginning decides what it is. False: nothing came, or it broke. */
static bool read_head(struct passing *p)
{
    const long n = p->io->source(p->io->arg, p->head, sizeof p->head);

    if (n <= 0)
        return false;
    p->n_head = (size_t)n;
    magic_type((struct str){p->head, p->n_head}, p->f->content_type);
    return true;
}

static long next_bytes(struct passing *p, char *out, size_t max)
{
    const size_t left = p->n_head - p->head_given, n = left < max ? left : max;

    if (!left)
        return p->io->source(p->io->arg, out, max);
    memcpy(out, p->head + p->head_given, n);
    p->head_given += n;
    return (long)n;
}

/* A store_source. */
static long pass(void *arg, char *out, size_t max)
{
    struct passing *p = arg;
    const long n = next_bytes(p, out, max);

    if (n > 0)
        crypt_digest_add(&p->digest, out, (size_t)n);
    if (clock_mono_ms() < p->touched_ms + FILE_TOUCH_MS)
        return n;
    p->touched_ms = clock_mono_ms();
    return db(p->io, touch, p->f) == OK ? n : -1;
}

/* It was stored before: only whether it is the same is to be known. */
static enum err look_only(struct passing *p)
{
    char *chunk = arena_alloc(p->io->ctx->arena, CHUNK);
    int64_t all = 0;
    long n;

    while (all < p->f->size && (n = p->io->source(p->io->arg, chunk, CHUNK)) > 0) {
        crypt_digest_add(&p->digest, chunk, (size_t)n);
        all += n;
    }
    return all == p->f->size ? OK : fail(p->io->ctx, ERR_INVALID_REQUEST, "the body ended early");
}

static enum err store_it(struct passing *p)
{
    struct upload_io *io = p->io;

    if (!read_head(p))
        return fail(io->ctx, ERR_INVALID_REQUEST, "the body ended early");
    return io->store->ops->put(io->store, str_of(p->f->store_key), p->f->size, pass, p, io->ctx->problem);
}

static enum err take(struct upload_io *io, struct file_new *f)
{
    struct passing *p = arena_alloc(io->ctx->arena, sizeof *p);
    struct picture_facts picture;
    char rest[1];

    *p = (struct passing){.io = io, .f = f, .touched_ms = clock_mono_ms()};
    crypt_digest_init(&p->digest);
    TRY(f->first_id ? look_only(p) : store_it(p));
    if (io->source(io->arg, rest, sizeof rest) != 0)
        return fail(io->ctx, ERR_INVALID_REQUEST, "the body is not as long as Content-Length says");
    crypt_digest_done(&p->digest, f->sha256);
    if (f->first_id)
        return OK;
    TRY(picture_look(io->ctx, io->store, str_of(f->store_key), str_of(f->content_type), &picture));
    f->width = picture.width;
    f->height = picture.height;
    f->bits = picture.bits;
    return duration_look(io->ctx, io->store, str_of(f->store_key), str_of(f->content_type), f->size,
                         &f->duration_ms);
}

static enum err begin(struct ctx *ctx, void *arg)
{
    struct file_new *f = arg;

    TRY(file_repeated(ctx, f));
    return f->first_id ? OK : file_begin(ctx, f);
}

static enum err give_up(struct ctx *ctx, void *arg)
{
    return file_give_up(ctx, arg);
}

struct finishing {
    struct file_new *f;
    struct file *out;
};

static enum err finish(struct ctx *ctx, void *arg)
{
    const struct finishing *done = arg;

    return file_finish(ctx, done->f, done->out);
}

static enum err remove_bytes(struct upload_io *io, struct file_new *f)
{
    TRY(io->store->ops->remove(io->store, str_of(f->store_key), io->ctx->problem));
    return f->bits ? picture_forget(io->ctx, io->store, str_of(f->store_key)) : OK;
}

/* What the store has goes first, then the row. What cannot be removed now is the courier's. */
static void clean_up(struct upload_io *io, struct file_new *f)
{
    struct problem *said = io->ctx->problem, unheard = {0};

    io->ctx->problem = &unheard;
    if (remove_bytes(io, f) == OK)
        (void)!db(io, give_up, f);
    io->ctx->problem = said;
}

enum err file_receive(struct upload_io *io, struct file_new *f, struct file *out)
{
    struct finishing done = {f, out};

    TRY(db(io, begin, f));
    const bool is_stored = !f->first_id;
    enum err err = take(io, f);
    if (err == OK)
        err = db(io, finish, &done);
    /* It stays when nobody knows whether it was made visible; not when the same was there already. */
    if (is_stored && ((err != OK && err != ERR_OUTCOME_UNKNOWN) || f->first_id))
        clean_up(io, f);
    return err;
}
