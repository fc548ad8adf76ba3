/* JSON by field tables: encoding walks the struct. No library, but the other half of json.c. */
#include <stdio.h>
#include <stdlib.h>

#include "ext/json.h"

/* Whether the field stands for null, by `has_at` or by the value that its type keeps for it. */
static bool is_null(const struct field *f, const void *v, const unsigned char *has)
{
    if (!(f->flags & F_NULLABLE))
        return false;
    if (has)
        return *has != HAS_VALUE;
    switch (f->type) {
    case FIELD_INT:
    case FIELD_TIME:
        return *(const int64_t *)v == 0;
    case FIELD_ID:
        return *(const uint64_t *)v == 0;
    case FIELD_STR:
    case FIELD_JSON:
        return !((const struct str *)v)->p;
    case FIELD_BOOL:
    case FIELD_ENUM:
    case FIELD_UUID:
    case FIELD_OBJECT:
    case FIELD_LIST:
    case FIELD_IDS:
    case FIELD_INTS:
    case FIELD_STRS:
    case FIELD_REAL:
    case FIELD_CHOICE:
        return false;
    }
    return false;
}

static void encode_id(struct buf *b, uint64_t id)
{
    buf_char(b, '"');
    buf_u64(b, id);
    buf_char(b, '"');
}

static void encode_list(struct buf *b, const struct field *f, const struct list *l)
{
    buf_char(b, '[');
    for (size_t i = 0; i < l->n; i++) {
        if (i)
            buf_char(b, ',');
        if (f->type == FIELD_IDS)
            encode_id(b, ((const uint64_t *)l->items)[i]);
        else if (f->type == FIELD_INTS)
            buf_i64(b, ((const int64_t *)l->items)[i]);
        else if (f->type == FIELD_STRS)
            buf_json(b, ((const struct str *)l->items)[i]);
        else
            json_encode(b, f->shape, (const char *)l->items + i * f->shape->size);
    }
    buf_char(b, ']');
}

static void encode_uuid(struct buf *b, const unsigned char *bytes)
{
    char text[37];

    uuid_encode(bytes, text);
    buf_json(b, (struct str){text, 36});
}

/* With the fewest digits that give the same number again. */
static void encode_real(struct buf *b, double number)
{
    char text[40];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    buf_c(b, text);
}

static void encode_value(struct buf *b, const struct field *f, const void *v)
{
    switch (f->type) {
    case FIELD_BOOL:
        buf_c(b, *(const bool *)v ? "true" : "false");
        break;
    case FIELD_INT:
    case FIELD_TIME:
        buf_i64(b, *(const int64_t *)v);
        break;
    case FIELD_ID:
        encode_id(b, *(const uint64_t *)v);
        break;
    case FIELD_STR:
        buf_json(b, ((const struct str *)v)->p ? *(const struct str *)v : STR(""));
        break;
    case FIELD_ENUM:
        buf_json(b, str_of(f->names[*(const int *)v]));
        break;
    case FIELD_UUID:
        encode_uuid(b, v);
        break;
    case FIELD_OBJECT:
        json_encode(b, f->shape, v);
        break;
    case FIELD_LIST:
    case FIELD_IDS:
    case FIELD_INTS:
    case FIELD_STRS:
        encode_list(b, f, v);
        break;
    case FIELD_REAL:
        encode_real(b, *(const double *)v);
        break;
    case FIELD_CHOICE: /* input alone */
        break;
    case FIELD_JSON:
        buf_str(b, ((const struct str *)v)->p ? *(const struct str *)v : STR("null"));
        break;
    }
}

void json_encode(struct buf *b, const struct shape *shape, const void *in)
{
    bool first = true;

    buf_char(b, '{');
    for (size_t i = 0; i < shape->n; i++) {
        const struct field *f = &shape->fields[i];
        const void *v = (const char *)in + f->at;
        const unsigned char *has = f->has_at ? (const unsigned char *)in + f->has_at : NULL;
        if ((f->flags & F_OPTIONAL) && has && *has == HAS_NOT)
            continue;
        buf_c(b, first ? "\"" : ",\"");
        buf_c(b, f->name);
        buf_c(b, "\":");
        first = false;
        if (is_null(f, v, has))
            buf_c(b, "null");
        else
            encode_value(b, f, v);
    }
    buf_char(b, '}');
}
