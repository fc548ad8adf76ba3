/*
 * Helps: what a model does for one person alone: a summary of what he missed, a
 * translation of an entry, replies to choose from. The job is a row of ai_replies like
 * that of an answer, and is written by the same process; it ends without an entry, and
 * nobody else hears of it.
 *
 * Invariant: a help is shown only as long as all that it was made of is still what its
 * asker may read: its digest is computed anew each time. So it is also the cache, of
 * one person's questions, for a day.
 */
#ifndef MODEL_HELPS_H
#define MODEL_HELPS_H

#include "base/field.h"
#include "model/ctx.h"
#include "model/helptext.h"
#include "model/replies.h"

/* The schema AiHelp. */
struct help {
    uint64_t id, conversation_id;
    int kind, state; /* kind: an index of its names on the wire */
    int64_t from_seq, to_seq;
    struct str language, reason, text;
    struct list points, suggestions;
    int64_t input_tokens, output_tokens, cost;
    int64_t created_at, finished_at;
};
extern const struct shape help_shape;

/*
 * Asks, or finds what was asked before; one that failed is asked again. Inside a transaction. `about`: to_seq
 * 0 is the newest. `provider` is the one that helps. ERR_NOT_FOUND, ERR_AI_LIMIT.
 */
enum err help_ask(struct ctx *ctx, const struct help_about *wanted, const struct provider *provider,
                  struct help *out) MUST_CHECK;
/* One's own; ERR_NOT_FOUND, also when what it was made of is not the same any more. */
enum err help_load(struct ctx *ctx, uint64_t id, const struct provider *provider,
                   struct help *out) MUST_CHECK;

/* ---- for the process that writes ---- */

/* What the model is told now, for ctx->actor, who asked. */
enum err help_prompt(struct ctx *ctx, const struct ai_reply_row *job, const struct provider *provider,
                     struct prompt *out) MUST_CHECK;

#endif
