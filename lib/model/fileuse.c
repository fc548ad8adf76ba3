/* Files in messages. */
#include "model/fileuse.h"

#include "model/contents.h"

static bool starts(struct str type, const char *with)
{
    return str_starts(type, str_of(with));
}

/* Containers that hold sound alone are often taken for video by their first bytes. */
static bool is_sound(struct str type)
{
    return starts(type, "audio/") || str_eq(type, STR("application/ogg")) ||
           str_eq(type, STR("video/webm")) || str_eq(type, STR("video/mp4")) ||
           str_eq(type, STR("video/ogg"));
}

static bool fits(enum file_kind kind, const struct file_row *row)
{
    const struct str type = row->content_type;

    switch (kind) {
    case FILE_IMAGE:
    case FILE_POSTER:
        return row->width > 0;
    case FILE_VOICE:
        return is_sound(type);
    case FILE_VIDEO:
        return starts(type, "video/");
    case FILE_FILE:
    case FILE_MERGED:
        break;
    }
    return true;
}

static enum err take(struct ctx *ctx, uint64_t id, enum file_kind kind, const char *field,
                     struct file_row *row)
{
    const enum err err = file_get_readable(ctx, id, row);

    if (err == ERR_NOT_FOUND) {
        (void)fail_field(ctx, field,
                         "is no file that you may read"); /* names the field; the code is another */
        return ERR_NOT_FOUND;
    }
    TRY(err);
    return fits(kind, row) ? OK : fail_field(ctx, field, "is a file of another kind");
}

static void add_name(struct buf *b, const char *name)
{
    buf_printf(b, ",\"%s\":", name);
}

static void add_number(struct buf *b, const char *name, int64_t value)
{
    add_name(b, name);
    buf_i64(b, value);
}

static void add_dimensions(struct buf *b, uint64_t width, uint64_t height)
{
    const char *const names[] = {"width", "height"};
    const uint64_t values[] = {width, height};

    for (int i = 0; i < 2; i++) {
        add_name(b, names[i]);
        if (values[i])
            buf_u64(b, values[i]);
        else
            buf_c(b, "null");
    }
}

static void add_text(struct buf *b, const char *name, struct str value)
{
    add_name(b, name);
    buf_json(b, value);
}

static struct str content(struct ctx *ctx, enum file_kind kind, const struct file_use *use,
                          const struct file_row *file, const struct file_row *poster)
{
    struct buf b = buf_in(ctx->arena);

    buf_printf(&b, "{\"file_id\":\"%llu\"", (unsigned long long)file->id);
    if (kind == FILE_IMAGE || kind == FILE_FILE)
        add_text(&b, "name", file->name);
    if (kind == FILE_VIDEO && use->poster_file_id)
        buf_printf(&b, ",\"poster_file_id\":\"%llu\"", (unsigned long long)poster->id);
    else if (kind == FILE_VIDEO)
        buf_c(&b, ",\"poster_file_id\":null");
    if (kind == FILE_VOICE || kind == FILE_VIDEO)
        add_number(&b, "duration_ms", file->duration_ms ? (int64_t)file->duration_ms : use->duration_ms);
    add_number(&b, "size", file->size);
    if (kind == FILE_FILE)
        add_text(&b, "content_type", file->content_type);
    if (kind == FILE_IMAGE)
        add_dimensions(&b, file->width, file->height);
    if (kind == FILE_VIDEO)
        add_dimensions(&b, poster->width, poster->height);
    buf_char(&b, '}');
    return buf_done(&b);
}

enum err fileuse_check(struct ctx *ctx, enum file_kind kind, const struct file_use *use,
                       struct file_used *out)
{
    struct file_row file, poster = {0};

    TRY(take(ctx, use->file_id, kind, "content.file_id", &file));
    if (kind == FILE_VOICE && file.duration_ms > VOICE_MAX_MS)
        return fail_field(ctx, "content.file_id", "lasts too long for a voice message");
    if (kind == FILE_VIDEO && use->poster_file_id)
        TRY(take(ctx, use->poster_file_id, FILE_POSTER, "content.poster_file_id", &poster));
    *out = (struct file_used){.json = content(ctx, kind, use, &file, &poster)};
    out->refs[out->n_refs++] = (struct file_ref){file.id, kind};
    if (poster.id && poster.id != file.id)
        out->refs[out->n_refs++] = (struct file_ref){poster.id, FILE_POSTER};
    return OK;
}

void fileuse_text(struct buf *sql, bool *first, uint64_t conversation_id, uint64_t seq,
                  const struct file_ref *refs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_c(sql, *first ? ";INSERT INTO file_refs (conversation_id, seq, file_id, kind) VALUES (" : ",(");
        *first = false;
        buf_u64(sql, conversation_id);
        buf_char(sql, ',');
        buf_u64(sql, seq);
        buf_char(sql, ',');
        buf_u64(sql, refs[i].file_id);
        buf_char(sql, ',');
        buf_u64(sql, refs[i].kind);
        buf_char(sql, ')');
    }
}
