/*
 * Pages of a list by keyset: where the next page begins, as the opaque text that
 * a client hands back.
 */
#ifndef MODEL_PAGE_H
#define MODEL_PAGE_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "model/ctx.h"

enum { PAGE_DEFAULT = 50, PAGE_MAX = 200, PAGE_CURSOR_MAX = 256 };

/* The last item of a page: its order and, among equals, its id. */
struct page_mark {
    int64_t at;
    uint64_t id;
};

struct str page_cursor(struct arena *arena, struct page_mark mark);
/* From a client's `cursor` (absent: `first` as it is). ERR_INVALID_REQUEST for what page_cursor() did not
 * make. */
enum err page_mark_of(struct ctx *ctx, struct str cursor, struct page_mark *first) MUST_CHECK;

#endif
