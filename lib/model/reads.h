/*
 * Read marks and what is unread. A mark never moves back. Unread is computed,
 * never kept: what counts, was said by others, and stands above the mark.
 */
#ifndef MODEL_READS_H
#define MODEL_READS_H

#include <stdint.h>

#include "base/err.h"
#include "model/conversations.h"
#include "model/ctx.h"

struct read_mark {
    int64_t read_seq, unread; /* unread: at most UNREAD_MAX */
};

/*
 * The actor has read up to `seq`. Moves the mark only forward; tells the actor's devices
 * and, in a direct conversation, the other person. Inside a transaction.
 * ERR_NOT_FOUND; ERR_INVALID_REQUEST past the last entry that he may see.
 */
enum err read_mark_set(struct ctx *ctx, uint64_t conversation_id, uint64_t seq,
                       struct read_mark *out) MUST_CHECK;
/* The actor's mark in this conversation is at `seq` now: tells the other person of a direct one. Under its
 * lock. */
enum err read_mark_moved(struct ctx *ctx, struct conversation_row *conv, uint64_t seq) MUST_CHECK;
struct unread {
    int64_t n;      /* at most UNREAD_MAX */
    bool mentioned; /* one of them mentions him */
};
/*
 * What the actor has unread in each of these, by his mark and what he sees as `of` has them; nothing where
 * its id is 0. The work grows with what is unread, not with what was read.
 */
enum err unread_load(struct ctx *ctx, const struct conversation_access *of, size_t n,
                     struct unread *out) MUST_CHECK;

/* The schema ReaderList: who of those that are in the conversation now and see the entry, but its sender. */
struct readers {
    struct list items; /* of struct user */
    struct str next_cursor;
    int64_t read_count, unread_count;
};
extern const struct shape readers_shape;
/* Those who read an entry (or did not), by id. From the read marks alone. ERR_NOT_FOUND. */
enum err readers_page(struct ctx *ctx, const struct entry_ref *of, bool read, const struct page_in *page,
                      struct readers *out) MUST_CHECK;

#endif
