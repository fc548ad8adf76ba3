/*
 * upload: files. Their bytes go through this process into the store while they come, and never stay here;
 * out of the store they are carried by nginx alone.
 *
 * Surprising: the answer to GET /files/{id} has no body. It says where nginx finds the bytes, after it was
 * decided, at each request, that this person may read them now.
 */
#include "base/clock.h"
#include "base/log.h"
#include "ext/crypt.h"
#include "ext/magic.h"
#include "model/files.h"
#include "web/decode.h"
#include "web/web.h"

enum { TOKEN_TEXT_MAX = 200 };

static struct store *store;

/* ---- POST /files ---- */

/* A body on its way into the store: looked at while it passes. */
struct passing {
    struct req *r;
    struct file_new *f;
    struct crypt_digest digest;
    char head[MAGIC_BYTES];
    size_t n_head, head_given;
    int64_t touched_ms;
};

static enum err touch(struct ctx *ctx, void *arg)
{
    return file_touch(ctx, arg);
}

/* Its beginning decides what it is. False: nothing came, or it broke. */
static bool read_head(struct passing *p)
{
    const long n = req_body(p->r, p->head, sizeof p->head);

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
        return req_body(p->r, out, max);
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
    return req_with_db(p->r, touch, p->f) == OK ? n : -1;
}

static enum err receive(struct req *r, struct file_new *f)
{
    struct passing *p = arena_alloc(r->ctx->arena, sizeof *p);
    char rest[1];

    *p = (struct passing){.r = r, .f = f, .touched_ms = clock_mono_ms()};
    crypt_digest_init(&p->digest);
    if (!read_head(p))
        return fail(r->ctx, ERR_INVALID_REQUEST, "the body ended early");
    TRY(store->ops->put(store, str_of(f->store_key), f->size, pass, p, r->ctx->problem));
    if (req_body(r, rest, sizeof rest) == 0) {
        crypt_digest_done(&p->digest, f->sha256);
        return OK;
    }
    return fail(r->ctx, ERR_INVALID_REQUEST, "the body is not as long as Content-Length says");
}

static enum err begin(struct ctx *ctx, void *arg)
{
    return file_begin(ctx, arg);
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

/*
 * Nothing is left behind: what the store has goes first, then the row. What cannot be removed now is the
 * courier's. Not when nobody knows whether it was made visible: then it stays.
 */
static void clean_up(struct req *r, struct file_new *f)
{
    struct problem *said = r->ctx->problem, unheard = {0};

    r->ctx->problem = &unheard;
    if (store->ops->remove(store, str_of(f->store_key), &unheard) == OK)
        (void)!req_with_db(r, give_up, f);
    r->ctx->problem = said;
}

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
    struct finishing done = {&f, r->out};

    TRY(name_of(r, &f.name));
    TRY(store_ready(store, r->ctx->problem));
    TRY(req_with_db(r, begin, &f));
    enum err err = receive(r, &f);
    if (err == OK)
        err = req_with_db(r, finish, &done);
    if (err != OK && err != ERR_OUTCOME_UNKNOWN)
        clean_up(r, &f);
    return err;
}

/* ---- GET /files/{id} ---- */

struct file_in {
    uint64_t id;
    struct str t;
};

static const struct field file_in_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, .at = offsetof(struct file_in, id)},
    {.name = "t",
     .type = FIELD_STR,
     .flags = F_QUERY | F_SECRET,
     .at = offsetof(struct file_in, t),
     .min = 1,
     .max = TOKEN_TEXT_MAX},
};
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
    return carry(r, row.store_key, row.content_type, row.name);
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

/* ---- the service ---- */

static const struct route routes[] = {
    {POST, "/files", "createFile", file_post, NULL, &file_shape, 201, ROUTE_BODY},
    {GET, "/files/{id}", "getFile", file_get, &file_in, NULL, 200, ROUTE_FILE_TOKEN},
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
