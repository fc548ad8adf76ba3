/*
 * Pages of a list by keyset: where the next page begins, as the opaque text that
 * a client hands back; and the wire form that all lists share.
 */
#ifndef MODEL_PAGE_H
#define MODEL_PAGE_H

#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/str.h"
#include "model/ctx.h"

enum { PAGE_DEFAULT = 50, PAGE_MAX = 200, PAGE_CURSOR_MAX = 256 };

/* The last item of a page: its order and, among equals, its id. */
struct page_mark {
    int64_t at;
    uint64_t id;
};

/* The text that a client is given, and brings back. */
struct str page_cursor(struct arena *arena, struct page_mark mark);
/* From a client's `cursor` (absent: `first` as it is). ERR_INVALID_REQUEST for what page_cursor() did not
 * make. */
enum err page_mark_of(struct ctx *ctx, struct str cursor, struct page_mark *first) MUST_CHECK;

/* ?limit=&cursor=, where the struct that has it keeps it at `base`. */
struct page_in {
    int64_t limit; /* 0: not said */
    struct str cursor;
};
#define PAGE_IN_FIELDS(base)                                                                                 \
    {.name = "limit",                                                                                        \
     .type = FIELD_INT,                                                                                      \
     .flags = F_QUERY,                                                                                       \
     .at = (base) + offsetof(struct page_in, limit),                                                         \
     .min = 1,                                                                                               \
     .max = PAGE_MAX},                                                                                       \
    {                                                                                                        \
        .name = "cursor", .type = FIELD_STR, .flags = F_QUERY,                                               \
        .at = (base) + offsetof(struct page_in, cursor), .min = 1, .max = PAGE_CURSOR_MAX                    \
    }
extern const struct shape page_in_shape;
static inline size_t page_limit(const struct page_in *in)
{
    return in->limit ? (size_t)in->limit : PAGE_DEFAULT;
}

/* {"items":[…],"next_cursor":…} of items of one shape. */
struct page_out {
    struct list items;
    struct str next_cursor; /* absent at the end */
};
#define PAGE_OUT_FIELDS(of_items)                                                                            \
    {.name = "items", .type = FIELD_LIST, .at = offsetof(struct page_out, items), .shape = (of_items)},      \
    {                                                                                                        \
        .name = "next_cursor", .type = FIELD_STR, .flags = F_NULLABLE,                                       \
        .at = offsetof(struct page_out, next_cursor)                                                         \
    }

#endif
