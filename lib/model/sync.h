/*
 * Sync: what a device missed, in all conversations at once.
 *
 * The caller says what he holds of each conversation; he is told those that changed, in the order of their
 * ids, with the newest entries that he lacks, until the answer is full. The place where it ended is the id
 * of the last conversation that was looked at, so nothing is kept between two calls, and a conversation in
 * which something is said meanwhile changes no place.
 *
 * Changed is: what he does not name; what has an entry above his `seq`; what has a version above his
 * `version`, where he says one (membership, read marks, how two people stand). Where entries between what he
 * holds and what he is told are left out, operations may be among them: what they did to entries that he
 * holds is then told beside. What he names and may not read is `removed`.
 */
#ifndef MODEL_SYNC_H
#define MODEL_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "model/conversations.h"
#include "model/ctx.h"

enum {
    SYNC_KNOWN_MAX = 500,
    SYNC_ENTRIES_DEFAULT = 20,
    SYNC_ENTRIES_MAX = 100,
    SYNC_CHANGED_MAX = 200,
    SYNC_ANSWER_MAX = 1024 * 1024, /* bytes of the answer */
};

/* What the caller holds of one conversation. */
struct sync_known {
    uint64_t id;
    int64_t seq, version;
    unsigned char has_version;
};

/* The schema SyncChange. */
struct sync_change {
    struct conversation conversation;
    int64_t from_seq, to_seq; /* `items` is complete between them; to_seq = from_seq - 1 without items */
    bool limited;             /* there are entries between his seq and from_seq */
    struct str items;         /* JSON array of entries, oldest first */
    struct str
        changed; /* JSON array of older entries on which there was an operation since, as they are now */
    bool changed_limited; /* and there are more */
};
extern const struct shape sync_change_shape;

struct sync_answer {
    struct list changes; /* of struct sync_change */
    struct list removed; /* of ids */
    uint64_t next;       /* everything up to this id is told; 0: everything */
};

/*
 * What changed above `after` (an answer's `next`; 0: from the beginning), at most `limit` entries of each.
 * A full list of known conversations is taken for the beginning of a longer one: the answer ends at its
 * highest id. Its order does not matter. ERR_INVALID_REQUEST if one is named twice.
 */
enum err sync_read(struct ctx *ctx, const struct list *known, size_t limit, uint64_t after,
                   struct sync_answer *out) MUST_CHECK;

#endif
