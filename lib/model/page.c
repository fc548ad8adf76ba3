#include "model/page.h"

static const struct field page_in_fields[] = {PAGE_IN_FIELDS(0)};
const struct shape page_in_shape = SHAPE("PageQuery", struct page_in, page_in_fields);

enum { MARK_BYTES = 16 };

struct str page_cursor(struct arena *arena, struct page_mark mark)
{
    const uint64_t numbers[2] = {(uint64_t)mark.at, mark.id};
    unsigned char bytes[MARK_BYTES];
    char *text = arena_alloc(arena, 2 * MARK_BYTES + 1);

    for (int i = 0; i < MARK_BYTES; i++)
        bytes[i] = (unsigned char)(numbers[i / 8] >> (56 - 8 * (i % 8)));
    hex_encode(bytes, MARK_BYTES, text);
    return (struct str){text, 2 * MARK_BYTES};
}

enum err page_mark_of(struct ctx *ctx, struct str cursor, struct page_mark *first)
{
    unsigned char bytes[MARK_BYTES];
    uint64_t numbers[2] = {0};

    if (!cursor.p)
        return OK;
    if (!hex_decode(cursor, bytes, MARK_BYTES))
        return fail_field(ctx, "cursor", "is not one of ours");
    for (int i = 0; i < MARK_BYTES; i++)
        numbers[i / 8] = numbers[i / 8] << 8 | bytes[i];
    if (numbers[0] > INT64_MAX)
        return fail_field(ctx, "cursor", "is not one of ours");
    *first = (struct page_mark){(int64_t)numbers[0], numbers[1]};
    return OK;
}
