#include "model/filenames.h"

#include "base/field.h"

static const char *const inline_types[] = {
    "image/png",  "image/jpeg",      "image/gif",   "image/webp", "image/avif",  "image/bmp", "audio/ogg",
    "audio/mpeg", "audio/mp4",       "audio/x-m4a", "audio/webm", "audio/x-wav", "video/mp4", "video/webm",
    "video/ogg",  "application/ogg", "audio/aac",   "audio/flac", NULL,
};

/* Characters that change the direction of what follows, in UTF-8: U+200E, 200F, 202A to 202E, 2066 to 2069,
 * 061C.
 */
static bool turns_direction(const unsigned char *p, size_t n)
{
    if (n >= 2 && p[0] == 0xd8 && p[1] == 0x9c)
        return true;
    if (n < 3 || p[0] != 0xe2)
        return false;
    if (p[1] == 0x80)
        return p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xaa && p[2] <= 0xae);
    return p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9;
}

static bool is_control(const unsigned char *p, size_t n)
{
    return *p < 0x20 || *p == 0x7f || (n >= 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

enum err file_name_check(struct ctx *ctx, const char *field, struct str name, struct str *out)
{
    if (!name.n) {
        *out = STR("file");
        return OK;
    }
    if (name.n > FILE_NAME_MAX)
        return fail_field(ctx, field, "is longer than %d bytes", FILE_NAME_MAX);
    if (!utf8_check(name, NULL))
        return fail_field(ctx, field, "is not valid UTF-8");
    if (str_eq(name, STR(".")) || str_eq(name, STR("..")))
        return fail_field(ctx, field, "is no name");
    for (size_t i = 0; i < name.n; i++) {
        const unsigned char *p = (const unsigned char *)name.p + i;
        if (*p == '/' || *p == '\\')
            return fail_field(ctx, field, "is a path, not a name");
        if (is_control(p, name.n - i))
            return fail_field(ctx, field, "has control characters");
        if (turns_direction(p, name.n - i))
            return fail_field(ctx, field, "has characters that turn the direction of text");
    }
    *out = name;
    return OK;
}

bool file_is_inline(struct str content_type)
{
    return field_enum_index(inline_types, content_type) >= 0;
}

struct str file_disposition(struct arena *arena, struct str content_type, struct str name)
{
    static const char hex[] = "0123456789ABCDEF";
    struct buf b = buf_in(arena);

    buf_c(&b, file_is_inline(content_type) ? "inline; filename=\"" : "attachment; filename=\"");
    for (size_t i = 0; i < name.n; i++) {
        const unsigned char c = (unsigned char)name.p[i];
        if (c < 0x80)
            buf_char(&b, c == '"' || c == '%' || c == ';' ? '_' : (char)c);
        else if (c >= 0xc0)
            buf_char(&b, '_'); /* one for each character */
    }
    buf_c(&b, "\"; filename*=UTF-8''");
    for (size_t i = 0; i < name.n; i++) {
        const unsigned char c = (unsigned char)name.p[i];
        if (c < 0x80 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", c)) {
            buf_char(&b, (char)c);
            continue;
        }
        buf_char(&b, '%');
        buf_char(&b, hex[c >> 4]);
        buf_char(&b, hex[c & 15]);
    }
    return buf_done(&b);
}
