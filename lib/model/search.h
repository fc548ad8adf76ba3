/*
 * Search: what somebody may find of what was said, the newest first.
 *
 * The index (terms.h) only says where to look: each hit is read again from the log,
 * with the reader's rights of now, and shown if it does contain the words. So an index
 * that lags or errs can miss something, and never show what must not be seen.
 *
 * An answer takes a bounded number of looks. It may therefore hold fewer hits than were
 * asked for, or none, and still have a next page, which goes on where it ended.
 */
#ifndef MODEL_SEARCH_H
#define MODEL_SEARCH_H

#include "base/err.h"
#include "base/field.h"
#include "model/ctx.h"
#include "model/entries.h"

enum { SEARCH_TEXT_MAX = 100 /* characters of q */, SEARCH_ANY_TYPE = -1 };

struct search_query {
    struct str text;
    uint64_t conversation_id, sender_id; /* 0: any */
    int type;                            /* of enum entry_type, or SEARCH_ANY_TYPE */
    int64_t from_ms, to_ms;              /* from ≤ created_at < to; to 0: no end */
    size_t limit;
    struct str cursor; /* of the page before; absent: the first */
};

/* A piece of what was said. */
struct snippet_part {
    struct str text;
    bool hit;
};

struct search_hit {
    struct entry entry;
    struct list snippet; /* of struct snippet_part */
};

extern const struct shape search_hit_shape;

/* `*next_cursor` is absent at the end. ERR_NOT_FOUND: no such conversation; ERR_INVALID_REQUEST: the cursor.
 */
enum err search_page(struct ctx *ctx, const struct search_query *query, struct list *hits,
                     struct str *next_cursor) MUST_CHECK;

#endif
