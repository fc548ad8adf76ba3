/*
 * History: reading a conversation's log, in pages. What a reader may see is
 * decided by his membership alone: nothing below visible_from_seq, nothing above
 * left_seq. A page is never longer than HISTORY_PAGE_MAX: it ends early, and
 * `covers` says where.
 */
#ifndef MODEL_HISTORY_H
#define MODEL_HISTORY_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "model/ctx.h"

enum { HISTORY_PAGE_MAX = 1024 * 1024 - 256 }; /* bytes of items; with their frame 1 MiB */

struct history_page {
    struct str items;  /* JSON array of entries */
    struct str covers; /* JSON [lowest, highest]; absent when the page is empty */
    int64_t last_seq;  /* the newest that the reader may see */
};

/* What is shown (no operations, nothing that the reader hid), newest first, below `before_seq`.
 * ERR_NOT_FOUND. */
enum err history_before(struct ctx *ctx, uint64_t conversation_id, uint64_t before_seq, size_t limit,
                        struct history_page *out) MUST_CHECK;
/* The same, half of it from `around_seq` downwards, the rest above it. */
enum err history_around(struct ctx *ctx, uint64_t conversation_id, uint64_t around_seq, size_t limit,
                        struct history_page *out) MUST_CHECK;
/* The log itself above `after_seq`, in order; operations included and no seq left out: one that may not be
 * seen, or was hidden, shows its place. */
enum err history_after(struct ctx *ctx, uint64_t conversation_id, uint64_t after_seq, size_t limit,
                       struct history_page *out) MUST_CHECK;

#endif
