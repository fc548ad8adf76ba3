/*
 * upload: files. Their bytes go through this process into the store while they come, and never stay here;
 * out of the store they are carried by nginx alone.
 *
 * Surprising: the answer to GET /files/{id} has no body. It says where nginx finds the bytes, after it was
 * decided, at each request, that this person may read them now.
 */
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/filenames.h"
#include "model/picture.h"
#include "model/receive.h"
#include "model/tus.h"
#include "web/decode.h"
#include "web/web.h"

enum { TOKEN_TEXT_MAX = 200 };

static struct store *store;

/* How the model gets at a request's body and, for a moment, at the database. */
static long body(void *arg, char *out, size_t max)
{
    return req_body(arg, out, max);
}

static enum err with_db(void *arg, enum err (*fn)(struct ctx *ctx, void *arg), void *fn_arg)
{
    return req_with_db(arg, fn, fn_arg);
}

static struct upload_io io_of(struct req *r)
{
    return (struct upload_io){
        .store = store, .source = body, .arg = r, .with_db = with_db, .with_db_arg = r, .ctx = r->ctx};
}

/* ---- POST /files ---- */

static enum err name_of(struct req *r, struct str *out)
{
    const struct str raw = req_header(r, "HTTP_X_FILE_NAME");
    struct str name;

    if (raw.n && !decode_percent(raw, false, r->ctx->arena, &name))
        return fail_field(r->ctx, "X-File-Name", "is not well percent-encoded");
    return file_name_check(r->ctx, "X-File-Name", raw.n ? name : STR(""), out);
}

static enum err file_post(struct req *r)
{
    struct file_new f = {.size = r->body_bytes};
    struct upload_io io = io_of(r);

    TRY(name_of(r, &f.name));
    TRY(req_once(r, &f.once));
    TRY(store_ready(store, r->ctx->problem));
    TRY(file_receive(&io, &f, r->out));
    r->status = f.first_id ? 200 : 201;
    return OK;
}

/* ---- GET /files/{id} ---- */

struct file_in {
    uint64_t id;
    struct str t;
};

#define FILE_IN_FIELDS                                                                                       \
    {.name = "id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, .at = offsetof(struct file_in, id)},      \
    {                                                                                                        \
        .name = "t", .type = FIELD_STR, .flags = F_QUERY | F_SECRET, .at = offsetof(struct file_in, t),      \
        .min = 1, .max = TOKEN_TEXT_MAX                                                                      \
    }
static const struct field file_in_fields[] = {FILE_IN_FIELDS};
static const struct shape file_in = SHAPE("FileQuery", struct file_in, file_in_fields);

/* nginx carries what is there under `key`. */
static enum err carry(struct req *r, struct str key, struct str content_type, struct str name)
{
    const struct store_view view = {.key = key, .content_type = content_type, .is_head = r->is_head};
    struct buf headers = buf_in(r->ctx->arena);

    buf_c(&headers, "Content-Type: ");
    buf_str(&headers, content_type);
    buf_c(&headers, "\r\nContent-Disposition: ");
    buf_str(&headers, file_disposition(r->ctx->arena, content_type, name));
    buf_c(&headers, "\r\n");
    r->headers = buf_done(&headers);
    return store->ops->view(store, &view, r->ctx->arena, &r->location);
}

static enum err file_get(struct req *r)
{
    const struct file_in *in = r->in;
    struct file_row row;

    TRY(file_get_readable(r->ctx, in->id, &row));
    const bool is_mine = row.owner_id == r->ctx->actor.user_id;
    const struct str key = (row.thumbnails & PICTURE_CLEAN_BIT) && !is_mine
                               ? picture_clean_key(r->ctx->arena, row.store_key)
                               : row.store_key;
    return carry(r, key, row.content_type, row.name);
}

/* ---- GET /files/{id}/thumbnail ---- */

struct thumbnail_in {
    struct file_in file;
    int size;
};

static const struct field thumbnail_in_fields[] = {
    FILE_IN_FIELDS,
    {.name = "size",
     .type = FIELD_ENUM,
     .flags = F_QUERY | F_REQUIRED,
     .at = offsetof(struct thumbnail_in, size),
     .names = picture_sizes},
};
static const struct shape thumbnail_in = SHAPE("ThumbnailQuery", struct thumbnail_in, thumbnail_in_fields);

/* Made when it is asked for first, by workers that do nothing else: it takes a while. */
static enum err thumbnail_get(struct req *r)
{
    const struct thumbnail_in *in = r->in;
    struct file_row row;

    TRY(file_get_readable(r->ctx, in->file.id, &row));
    if (!(row.thumbnails & 1u << in->size))
        TRY(picture_make_small(r->ctx, store, &row, in->size));
    return carry(r, picture_small_key(r->ctx->arena, row.store_key, in->size), STR("image/webp"), row.name);
}

/* ---- files of a conversation ---- */

static const char *const types[] = {"image", "file", "voice", "video", NULL};

struct list_in {
    uint64_t id;
    int type;
    unsigned char has_type;
    struct page_in page;
};

static const struct field list_in_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, .at = offsetof(struct list_in, id)},
    {.name = "type",
     .type = FIELD_ENUM,
     .flags = F_QUERY,
     .at = offsetof(struct list_in, type),
     .has_at = offsetof(struct list_in, has_type),
     .names = types},
    PAGE_IN_FIELDS(offsetof(struct list_in, page)),
};
static const struct shape list_in = SHAPE("ConversationFilesQuery", struct list_in, list_in_fields);

static const struct field list_out_fields[] = {PAGE_OUT_FIELDS(&file_sent_shape)};
static const struct shape list_out = SHAPE("SentFileList", struct page_out, list_out_fields);

static enum err files_list(struct req *r)
{
    const struct list_in *in = r->in;
    struct page_mark before = {0};

    TRY(page_mark_of(r->ctx, in->page.cursor, &before));
    return files_of_conversation(r->ctx, in->id, in->has_type ? in->type : -1, before, page_limit(&in->page),
                                 r->out);
}

/* ---- tus: https://tus.io/protocols/resumable-upload, version 1.0.0 ---- */

static enum err check_version(struct req *r)
{
    if (str_eq(req_header(r, "HTTP_TUS_RESUMABLE"), STR("1.0.0")))
        return store_ready(store, r->ctx->problem);
    return fail(r->ctx, ERR_TUS_VERSION, "the header `Tus-Resumable: 1.0.0` is missing");
}

static enum err number_header(struct req *r, const char *param, const char *name, int64_t *out)
{
    uint64_t n;

    if (!str_u64(req_header(r, param), &n) || n > INT64_MAX)
        return fail_field(r->ctx, name, "must be a whole number");
    *out = (int64_t)n;
    return OK;
}

static void tell(struct req *r, const struct upload_row *row, bool is_new)
{
    struct buf b = buf_in(r->ctx->arena);
    const time_t expires = (time_t)((clock_wall_ms() + row->left_ms) / 1000);
    char date[32];
    struct tm tm;

    gmtime_r(&expires, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (is_new)
        buf_printf(&b, "Location: /api/v1/uploads/%llu\r\n", (unsigned long long)row->id);
    buf_printf(&b, "Tus-Resumable: 1.0.0\r\nUpload-Offset: %lld\r\nUpload-Length: %lld\r\n",
               (long long)row->received, (long long)row->size);
    if (!row->done)
        buf_printf(&b, "Upload-Expires: %s\r\n", date);
    r->headers = buf_done(&b);
}

static bool has_piece(const struct req *r)
{
    return str_eq(req_header(r, "CONTENT_TYPE"), STR("application/offset+octet-stream"));
}

static enum err upload_post(struct req *r)
{
    struct upload_io io = io_of(r);
    struct upload_piece piece = {.size = r->body_bytes};
    struct upload_row row;
    struct file_new f = {0};

    TRY(check_version(r));
    TRY(number_header(r, "HTTP_UPLOAD_LENGTH", "Upload-Length", &f.size));
    TRY(tus_name(r->ctx, req_header(r, "HTTP_UPLOAD_METADATA"), &f.name));
    TRY(tus_checksum(r->ctx, req_header(r, "HTTP_UPLOAD_CHECKSUM"), &piece));
    TRY(req_once(r, &f.once));
    TRY(upload_create(&io, &f));
    const bool is_first = !f.first_id;
    TRY(is_first && has_piece(r) ? upload_take(&io, f.id, &piece, &row)
                                 : upload_look(&io, is_first ? f.id : f.first_id, &row));
    r->status = is_first ? 201 : 200;
    tell(r, &row, true);
    return OK;
}

struct upload_in {
    uint64_t id;
};

static const struct field upload_in_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, .at = offsetof(struct upload_in, id)},
};
static const struct shape upload_in = SHAPE("UploadQuery", struct upload_in, upload_in_fields);

static enum err upload_patch(struct req *r)
{
    const struct upload_in *in = r->in;
    struct upload_io io = io_of(r);
    struct upload_piece piece = {.size = r->body_bytes};
    struct upload_row row;

    TRY(check_version(r));
    if (!has_piece(r))
        return fail_field(r->ctx, "Content-Type", "must be application/offset+octet-stream");
    TRY(number_header(r, "HTTP_UPLOAD_OFFSET", "Upload-Offset", &piece.offset));
    TRY(tus_checksum(r->ctx, req_header(r, "HTTP_UPLOAD_CHECKSUM"), &piece));
    TRY(upload_take(&io, in->id, &piece, &row));
    tell(r, &row, false);
    return OK;
}

/* By HEAD, of which a handler sees a GET. */
static enum err upload_head(struct req *r)
{
    const struct upload_in *in = r->in;
    struct upload_io io = io_of(r);
    struct upload_row row;

    TRY(check_version(r));
    TRY(upload_look(&io, in->id, &row));
    tell(r, &row, false);
    return OK;
}

static enum err upload_delete(struct req *r)
{
    const struct upload_in *in = r->in;
    struct upload_io io = io_of(r);

    TRY(check_version(r));
    TRY(upload_drop(&io, in->id));
    r->headers = STR("Tus-Resumable: 1.0.0\r\n");
    return OK;
}

/* ---- readiness ---- */

struct readiness_out {
    int status;
};
static const char *const healths[] = {"ok", NULL};
static const struct field readiness_fields[] = {
    {.name = "status", .type = FIELD_ENUM, .at = offsetof(struct readiness_out, status), .names = healths},
};
static const struct shape readiness_out = SHAPE("Health", struct readiness_out, readiness_fields);

/* It is asked here because here is everything that a house stands on. */
static enum err readiness_get(struct req *r)
{
    struct ctx *ctx = r->ctx;
    struct problem *problem = ctx->problem, of_store = {0};
    const struct str ping = STR("PING");
    struct redis_reply reply;
    struct clock_row now;
    const bool database = q_clock_now(ctx, &now) == OK;
    const bool redis = redis_call(ctx->redis, ctx->arena, &reply, &ping, 1) == OK;
    const bool files = store_answers(store, &of_store) == OK;

    if (database && redis && files)
        return OK;
    *problem = (struct problem){0};
    if (!database)
        problem_field(problem, "database", "does not answer");
    if (!redis)
        problem_field(problem, "redis", "does not answer");
    if (!files)
        problem_field(problem, "store", "does not answer as it should");
    return fail(ctx, ERR_UNAVAILABLE, "a part of the house does not answer%s%s", files ? "" : "; ",
                of_store.detail);
}

/* ---- the service ---- */

static const struct route routes[] = {
    {POST, "/files", "createFile", file_post, NULL, &file_shape, 201, ROUTE_BODY | ROUTE_IDEMPOTENT},
    {GET, "/files/{id}", "getFile", file_get, &file_in, NULL, 200, ROUTE_FILE_TOKEN},
    {GET, "/files/{id}/thumbnail", "getThumbnail", thumbnail_get, &thumbnail_in, NULL, 200,
     ROUTE_FILE_TOKEN | ROUTE_HEAVY},
    {POST, "/uploads", "createUpload", upload_post, NULL, NULL, 201,
     ROUTE_BODY | ROUTE_ANY_LENGTH | ROUTE_IDEMPOTENT},
    {GET, "/uploads/{id}", "getUpload", upload_head, &upload_in, NULL, 200, 0},
    {PATCH, "/uploads/{id}", "resumeUpload", upload_patch, &upload_in, NULL, 204,
     ROUTE_BODY | ROUTE_ANY_LENGTH},
    {DELETE, "/uploads/{id}", "deleteUpload", upload_delete, &upload_in, NULL, 204, 0},
    {GET, "/readyz", "getReadiness", readiness_get, NULL, &readiness_out, 200, ROUTE_OPEN | ROUTE_BARE},
    {GET, "/conversations/{id}/files", "listConversationFiles", files_list, &list_in, &list_out, 200, 0},
};

static enum err open_store(struct house *house, const struct conf *conf)
{
    struct problem problem = {0};

    (void)house;
    store = store_new(conf);
    if (store_ready(store, &problem) != OK)
        log_error("the store cannot be used yet", log_c("detail", problem.detail));
    return OK;
}

static void close_store(void)
{
    store_free(store);
}

const struct service service = {SERVICE("upload", routes), .open = open_store, .close = close_store};
