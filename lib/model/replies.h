/*
 * Replies of assistants: the row that a message which addresses one leaves in its own
 * transaction is the job, and later says what became of it. The answer itself is an
 * entry of the log; a reply that ends without one says why in an entry of the house.
 *
 * Invariant: a reply ends once, in the transaction that appends its entry, by the
 * process that holds its lease. What is said so far stands in Redis, and is lost with
 * it without harm.
 */
#ifndef MODEL_REPLIES_H
#define MODEL_REPLIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "model/ctx.h"
#include "queries.h" /* struct ai_reply_row */

/* Never renumber: the numbers are stored. */
enum reply_state {
    REPLY_WAITING,
    REPLY_WRITING,
    REPLY_DONE,
    REPLY_FAILED,
    REPLY_CANCELLED,
    REPLY_INTERRUPTED,
};

/* How many assistants one message may address. */
enum { REPLIES_PER_MESSAGE_MAX = 4 };

/* The schema AiReply. */
struct reply {
    uint64_t id, conversation_id, assistant_id, asker_id;
    int64_t reply_to_seq;
    int state;
    struct str text; /* from `offset` on */
    int64_t offset;  /* in characters */
    int64_t seq;     /* of the entry at its end; 0: none yet */
    struct str reason;
    int64_t input_tokens, output_tokens, cost;
    int64_t created_at, finished_at;
};
extern const struct shape reply_shape;
extern const char *const reply_states[];

/* ---- for people ---- */

struct reply_ref {
    uint64_t conversation_id, reply_id;
    int64_t offset;
};
/* As the actor, who may read the conversation, sees it; ERR_NOT_FOUND. */
enum err reply_load(struct ctx *ctx, const struct reply_ref *ref, struct reply *out) MUST_CHECK;
/* Who asked wants it no more: it ends soon. Nothing for one that has ended. ERR_FORBIDDEN for others. */
enum err reply_cancel(struct ctx *ctx, const struct reply_ref *ref, struct reply *out) MUST_CHECK;
/*
 * Another reply to the same entry. Inside a transaction. ERR_FORBIDDEN for who did not ask, ERR_CONFLICT
 * while one is written; the errors of sending.
 */
enum err reply_regenerate(struct ctx *ctx, const struct reply_ref *ref, struct reply *out) MUST_CHECK;

/* ---- for the process that writes ---- */

/* How a reply ends. */
struct reply_end {
    enum reply_state state;
    struct str text;    /* of REPLY_DONE and REPLY_CANCELLED: the answer; else what there was of it */
    const char *reason; /* of the others: a word that clients know; else "" */
    uint64_t input_tokens, output_tokens, cost;
};
/*
 * One transaction: the reply's end, its entry (a help has none), its tokens. ERR_CONFLICT: it is another
 * process's by now, nothing was written. ctx->actor is set to who asked.
 */
enum err reply_end(struct ctx *ctx, const struct ai_reply_row *reply, uint64_t process,
                   const struct reply_end *end) MUST_CHECK;
/* Tells who asked, durably: a device of his that does not wait at this moment finds the reply as well. */
enum err reply_say_begun(struct ctx *ctx, const struct ai_reply_row *reply) MUST_CHECK;
/* Reserves tokens before a call. ERR_AI_LIMIT, ERR_RATE_LIMITED (model/spending.h); ERR_CONFLICT as above. */
enum err reply_reserve(struct ctx *ctx, const struct ai_reply_row *reply, uint64_t process,
                       uint64_t tokens) MUST_CHECK;
/* Gives it back, as if it had not begun; it is taken up again after so long at the earliest. */
enum err reply_release(struct ctx *ctx, const struct ai_reply_row *reply, uint64_t process,
                       int64_t later_ms) MUST_CHECK;

#endif
