/* Files: rows, rights, quotas. */
#include "model/picture.h"

#include <stdlib.h>

#include "base/clock.h"
#include "model/conversations.h"
#include "model/house.h"
#include "model/idempotency.h"

enum { STATE_RECEIVING, STATE_THERE, STATE_CONDEMNED, SWEEP_ROWS = 50 };

#define FILE_FIELDS(base)                                                                                    \
    {.name = "id", .type = FIELD_ID, .at = (base) + offsetof(struct file, id)},                              \
        {.name = "name", .type = FIELD_STR, .at = (base) + offsetof(struct file, name)},                     \
        {.name = "size", .type = FIELD_INT, .at = (base) + offsetof(struct file, size)},                     \
        {.name = "content_type", .type = FIELD_STR, .at = (base) + offsetof(struct file, content_type)},     \
        {.name = "sha256", .type = FIELD_STR, .at = (base) + offsetof(struct file, sha256)},                 \
        {.name = "width",                                                                                    \
         .type = FIELD_INT,                                                                                  \
         .flags = F_NULLABLE,                                                                                \
         .at = (base) + offsetof(struct file, width)},                                                       \
    {                                                                                                        \
        .name = "height", .type = FIELD_INT, .flags = F_NULLABLE,                                            \
        .at = (base) + offsetof(struct file, height)                                                         \
    }

static const struct field file_fields[] = {FILE_FIELDS(0)};
const struct shape file_shape = SHAPE("File", struct file, file_fields);

static const char *const kinds[] = {"image", "file", "voice", "video", NULL};
static const struct field sent_fields[] = {
    {.name = "seq", .type = FIELD_INT, .at = offsetof(struct file_sent, seq)},
    {.name = "sender_id", .type = FIELD_ID, .at = offsetof(struct file_sent, sender_id)},
    {.name = "sent_at", .type = FIELD_TIME, .at = offsetof(struct file_sent, sent_at)},
    {.name = "type", .type = FIELD_ENUM, .at = offsetof(struct file_sent, type), .names = kinds},
    FILE_FIELDS(offsetof(struct file_sent, file)),
};
const struct shape file_sent_shape = SHAPE("SentFile", struct file_sent, sent_fields);

static struct str hex_of(struct arena *arena, struct str bytes)
{
    char *hex = arena_alloc(arena, 2 * bytes.n + 1);

    hex_encode((const unsigned char *)bytes.p, bytes.n, hex);
    return (struct str){hex, 2 * bytes.n};
}

static void from_row(struct arena *arena, const struct file_row *row, struct file *out)
{
    *out = (struct file){.id = row->id,
                         .name = row->name,
                         .size = row->size,
                         .content_type = row->content_type,
                         .sha256 = hex_of(arena, row->sha256),
                         .width = (int64_t)row->width,
                         .height = (int64_t)row->height};
}

/* ---- receiving ---- */

static enum err take_place(struct ctx *ctx, const struct file_new *f)
{
    const uint64_t me = ctx->actor.user_id;
    const int64_t quota = (int64_t)house_conf(ctx->house)->file_quota_mib << 20;
    struct file_usage_row usage;
    struct file_receiving_row receiving;

    TRY(q_file_usage_add(ctx, me, f->size, NULL)); /* and nobody else of him takes one meanwhile */
    TRY(q_file_usage_get(ctx, me, &usage));
    TRY(q_file_receiving(ctx, me, FILE_DEAD_MS, &receiving));
    if (receiving.n >= FILE_RECEIVING_MAX)
        return fail(ctx, ERR_RATE_LIMITED, "at most %d files of one person are received at once",
                    FILE_RECEIVING_MAX);
    if (usage.bytes > quota)
        return fail(ctx, ERR_QUOTA_EXCEEDED, "all files of one person take at most %d MiB",
                    house_conf(ctx->house)->file_quota_mib);
    return OK;
}

static enum err begin(struct ctx *ctx, void *arg)
{
    struct file_new *f = arg;

    TRY(take_place(ctx, f));
    return q_file_insert(ctx,
                         &(struct q_file_insert_in){.id = f->id,
                                                    .app_id = ctx->actor.app_id,
                                                    .owner_id = ctx->actor.user_id,
                                                    .state = STATE_RECEIVING,
                                                    .name = f->name,
                                                    .size = f->size,
                                                    .store_key = str_of(f->store_key),
                                                    .at = clock_wall_ms()},
                         NULL);
}

enum err file_begin(struct ctx *ctx, struct file_new *f)
{
    const int max_mib = house_conf(ctx->house)->file_max_mib;

    if (f->size < 1)
        return fail(ctx, ERR_INVALID_REQUEST, "a file has at least one byte");
    if (f->size > (int64_t)max_mib << 20)
        return fail(ctx, ERR_TOO_LARGE, "a file has at most %d MiB", max_mib);
    TRY(ctx_id(ctx, &f->id));
    store_key(f->store_key);
    return tx_run(ctx, begin, f);
}

enum err file_touch(struct ctx *ctx, struct file_new *f)
{
    return q_file_touch(ctx, f->id, NULL);
}

/* ---- once ---- */

static void name_request(const struct ctx *ctx, const struct file_new *f, struct idempotency *k)
{
    struct buf target = buf_in(ctx->arena);

    buf_printf(&target, "%lld ", (long long)f->size);
    buf_add(&target, (const char *)f->sha256, sizeof f->sha256);
    buf_str(&target, f->name);
    idempotency_init(k, ctx->actor.user_id, STR("createFile"), f->once, buf_done(&target));
}

enum err file_repeated(struct ctx *ctx, struct file_new *f)
{
    struct idempotency k;
    struct str id;

    f->first_id = 0;
    if (!f->once.n)
        return OK;
    name_request(ctx, f, &k);
    TRY(idempotency_look(ctx, &k, &id));
    return !id.n || str_u64(id, &f->first_id) ? OK : ERR_UNAVAILABLE;
}

/* Inside the transaction. `*first`: go on. */
static enum err claim(struct ctx *ctx, struct file_new *f, struct idempotency *k, bool *first)
{
    const bool was_repeated = f->first_id;
    struct str id;
    int status;

    *first = true;
    if (!f->once.n)
        return OK;
    name_request(ctx, f, k);
    TRY(idempotency_claim(ctx, k, first, &status, &id));
    if (*first)
        return was_repeated ? fail(ctx, ERR_UNAVAILABLE, "the key has just become too old") : OK;
    return str_u64(id, &f->first_id) ? OK : ERR_UNAVAILABLE;
}

struct finishing {
    struct file_new *f;
    struct file_row row; /* of the file that was there before */
};

static enum err finish(struct ctx *ctx, void *arg)
{
    struct finishing *done = arg;
    struct file_new *f = done->f;
    struct idempotency k;
    uint64_t rows;
    bool first = true;

    TRY(claim(ctx, f, &k, &first));
    if (!first)
        return q_file_get(ctx, ctx->actor.app_id, f->first_id, &done->row);
    if (f->once.n)
        TRY(idempotency_store(ctx, &k, 201,
                              str_of(arena_printf(ctx->arena, "%llu", (unsigned long long)f->id))));
    TRY(q_file_finish(ctx,
                      &(struct q_file_finish_in){.id = f->id,
                                                 .content_type = str_of(f->content_type),
                                                 .sha256 = {(const char *)f->sha256, sizeof f->sha256},
                                                 .width = f->width,
                                                 .height = f->height,
                                                 .bits = f->bits,
                                                 .duration_ms = f->duration_ms},
                      &rows));
    return rows ? OK : fail(ctx, ERR_UNAVAILABLE, "receiving it took too long");
}

enum err file_finish(struct ctx *ctx, struct file_new *f, struct file *out)
{
    struct finishing done = {.f = f};

    TRY(tx_run(ctx, finish, &done));
    /* Nothing is asked of the database any more: an error now would say that it is not there. */
    if (!f->first_id)
        done.row = (struct file_row){.id = f->id,
                                     .name = f->name,
                                     .size = f->size,
                                     .content_type = str_copy(ctx->arena, str_of(f->content_type)),
                                     .sha256 = {(const char *)f->sha256, sizeof f->sha256},
                                     .width = f->width,
                                     .height = f->height};
    from_row(ctx->arena, &done.row, out);
    return OK;
}

struct removal {
    uint64_t id, owner_id, state;
    int64_t size;
};

static enum err remove_row(struct ctx *ctx, void *arg)
{
    const struct removal *r = arg;
    uint64_t rows;

    TRY(q_file_delete(ctx, r->id, r->state, &rows));
    return rows ? q_file_usage_add(ctx, r->owner_id, -r->size, NULL) : OK;
}

enum err file_give_up(struct ctx *ctx, struct file_new *f)
{
    struct removal r = {f->id, ctx->actor.user_id, STATE_RECEIVING, f->size};

    return tx_run(ctx, remove_row, &r);
}

/* ---- reading ---- */

static enum err may_read(struct ctx *ctx, const struct file_row *row)
{
    struct file_seen_row *seen;
    struct file_avatar_row *avatars;
    size_t n;

    if (row->owner_id == ctx->actor.user_id)
        return OK;
    TRY(q_file_seen(ctx, row->id, ctx->actor.user_id, &seen, &n));
    if (n)
        return OK;
    TRY(q_file_avatar_of(ctx, ctx->actor.app_id, row->id, &avatars, &n));
    return n ? OK : ERR_NOT_FOUND;
}

enum err file_get_readable(struct ctx *ctx, uint64_t id, struct file_row *out)
{
    struct file_row row;

    TRY(q_file_get(ctx, ctx->actor.app_id, id, &row));
    TRY(may_read(ctx, &row));
    *out = row;
    return OK;
}

enum err file_check_avatar(struct ctx *ctx, uint64_t id)
{
    struct file_row row;
    const enum err err = file_get_readable(ctx, id, &row);

    if (err == ERR_NOT_FOUND)
        (void)fail_field(ctx, "avatar_file_id", "is no file that you may read"); /* the code is another */
    TRY(err);
    return row.width ? OK : fail_field(ctx, "avatar_file_id", "is no picture");
}

static void sent_from_row(struct arena *arena, const struct file_list_row *row, struct file_sent *out)
{
    *out = (struct file_sent){.seq = (int64_t)row->seq,
                              .sender_id = row->sender_id,
                              .sent_at = row->sent_at,
                              .type = (int)row->kind,
                              .file = {.id = row->id,
                                       .name = row->name,
                                       .size = row->size,
                                       .content_type = row->content_type,
                                       .sha256 = hex_of(arena, row->sha256),
                                       .width = (int64_t)row->width,
                                       .height = (int64_t)row->height}};
}

enum err files_of_conversation(struct ctx *ctx, uint64_t conversation_id, int kind, struct page_mark before,
                               size_t limit, struct page_out *out)
{
    struct conversation_access access;
    struct file_list_row *rows;
    size_t n;

    TRY(conversation_for_reader(ctx, conversation_id, &access));
    uint64_t highest = conversation_visible_to(&access);
    if (before.id && before.id - 1 < highest)
        highest = before.id - 1;
    const struct q_file_list_in of_kind = {.conversation_id = conversation_id,
                                           .user_id = ctx->actor.user_id,
                                           .kind = (uint64_t)kind,
                                           .lowest = access.visible_from_seq,
                                           .highest = highest,
                                           .max = limit};
    const struct q_file_list_all_in of_all = {of_kind.conversation_id, of_kind.user_id, of_kind.lowest,
                                              of_kind.highest, of_kind.max};
    TRY(kind < 0 ? q_file_list_all(ctx, &of_all, &rows, &n) : q_file_list(ctx, &of_kind, &rows, &n));
    struct file_sent *items = arena_array(ctx->arena, n, sizeof *items);
    for (size_t i = 0; i < n; i++)
        sent_from_row(ctx->arena, &rows[i], &items[i]);
    *out = (struct page_out){.items = {items, n}};
    if (n == limit)
        out->next_cursor = page_cursor(ctx->arena, (struct page_mark){rows[n - 1].sent_at, rows[n - 1].seq});
    return OK;
}

/* ---- the end ---- */

static enum err sweep_one(struct ctx *ctx, struct store *store, const struct file_dead_row *row)
{
    struct removal r = {row->id, row->owner_id, STATE_CONDEMNED, row->size};

    TRY(picture_forget(ctx, store, row->store_key));
    TRY(store->ops->remove(store, row->store_key, ctx->problem));
    return tx_run(ctx, remove_row, &r);
}

/* Condemned before a byte of it goes: the one who receives it may only be slow. */
static enum err condemn_dead(struct ctx *ctx)
{
    struct file_id_row *rows;
    size_t n;

    TRY(q_files_dead(ctx, FILE_DEAD_MS, SWEEP_ROWS, &rows, &n));
    for (size_t i = 0; i < n; i++)
        TRY(q_file_give_up(ctx, rows[i].id, FILE_DEAD_MS, NULL));
    return OK;
}

enum err files_sweep(struct ctx *ctx, struct store *store, size_t *n)
{
    struct file_dead_row *rows;

    *n = 0;
    TRY(condemn_dead(ctx));
    TRY(q_files_condemned(ctx, SWEEP_ROWS, &rows, n));
    for (size_t i = 0; i < *n; i++)
        TRY(sweep_one(ctx, store, &rows[i]));
    return OK;
}

enum err files_condemn(struct ctx *ctx)
{
    return q_files_condemn(ctx, ctx->actor.user_id, NULL);
}
