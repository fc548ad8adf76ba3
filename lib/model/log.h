/*
 * The log: appending an entry inside a transaction that does more than that
 * (a friendship begins, a group changes, an assistant answers). What people send
 * goes through the writer, which does the same for many at once.
 *
 * seq is given under the lock of the conversation's row, in the transaction that
 * inserts the entry: 1, 2, 3, … without holes, visible in that order.
 */
#ifndef MODEL_LOG_H
#define MODEL_LOG_H

#include "base/err.h"
#include "model/conversations.h"
#include "model/ctx.h"
#include "model/entries.h"

struct log_draft {
    uint64_t sender_id; /* 0: the house */
    unsigned char client_msg_id[16];
    unsigned char request_hash[16];
    int type;
    bool counts; /* as unread */
    struct str content;
    uint64_t part;           /* of a request that says several things */
    uint64_t reply_to_seq;   /* 0: none */
    uint64_t origin_session; /* the session whose answer is this entry, so that it is not rung; 0: none */
};

/*
 * Appends to `conv`, which the caller has locked (conversation_lock, conversation_pair_lock) and which is
 * updated. EVENT_ENTRY is added. ERR_DUPLICATE: this sender used the client_msg_id already; nothing was
 * written. `out` may be NULL.
 */
enum err log_append(struct ctx *ctx, struct conversation_row *conv, const struct log_draft *draft,
                    struct entry *out) MUST_CHECK;
/* The house says something: a system entry with this code. `params`: a JSON object. */
enum err log_append_system(struct ctx *ctx, struct conversation_row *conv, const char *code,
                           struct str params) MUST_CHECK;
/*
 * The actor does something to an earlier entry, which the caller changes in the same transaction: gives the
 * seq of the operation. It is told to every device, also to the one that asked.
 */
enum err log_append_operation(struct ctx *ctx, struct conversation_row *conv, enum entry_type type,
                              uint64_t target_seq, uint64_t *seq) MUST_CHECK;

#endif
