/*
 * Forwarding: what was said in one conversation is said again in another, each by itself or as one merged
 * entry. All or none, in one transaction under the lock of the conversation it goes to; a repetition with the
 * same client_msg_id answers the first result. The parts of one request are numbered.
 */
#ifndef MODEL_FORWARD_H
#define MODEL_FORWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "model/ctx.h"

enum {
    FORWARD_MAX = 100,
    MERGED_BYTES_MAX = 128 * 1024,
    MERGED_DEPTH_MAX = 64, /* of its JSON: what is merged again and again stays readable for every parser */
};

struct forward {
    uint64_t to_id, from_id;
    struct list seqs; /* of int64_t */
    bool merged;
    unsigned char client_msg_id[16];
};

/*
 * Inside a transaction. `out` is a list of struct entry; `*repeated` if they were there before. ERR_NOT_FOUND
 * for what the actor may not see or cannot be forwarded, ERR_CONFLICT, ERR_TOO_LARGE, and as
 * conversation_may_send().
 */
enum err forward_send(struct ctx *ctx, const struct forward *forward, struct list *out,
                      bool *repeated) MUST_CHECK;

#endif
