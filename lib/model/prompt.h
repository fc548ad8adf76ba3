/*
 * What a model is told: the assistant's own words, and the conversation as who asks
 * may read it now, the newest first until the budget is full; what was recalled or
 * hidden, never.
 */
#ifndef MODEL_PROMPT_H
#define MODEL_PROMPT_H

#include "model/providers.h"
#include "queries.h" /* struct ai_reply_row, struct assistant_row */

struct ctx;

struct prompt {
    struct str json; /* of the call */
    uint64_t tokens; /* about as many as it costs, rather more */
};

/*
 * For ctx->actor, who asked. ERR_NOT_FOUND: he may not read what he asked any more. In ctx->arena.
 */
enum err prompt_make(struct ctx *ctx, const struct ai_reply_row *reply, const struct assistant_row *assistant,
                     const struct provider *provider, struct prompt *out) MUST_CHECK;

/* Without characters that people do not see and models do: zero-width, direction, tags. */
struct str prompt_plain(struct arena *arena, struct str text);
/* More than any tokenizer makes of it, as a rule. */
uint64_t prompt_tokens(struct str text);

#endif
