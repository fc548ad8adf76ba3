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
struct glance;

struct prompt {
    struct str json; /* of the call */
    uint64_t tokens; /* about as many as it costs, rather more */
};

/*
 * For ctx->actor, who asked. `glance`: pictures that were fetched for it; NULL: none. ERR_NOT_FOUND: he may
 * not read what he asked any more. In ctx->arena.
 */
enum err prompt_make(struct ctx *ctx, const struct ai_reply_row *reply, const struct assistant_row *assistant,
                     const struct provider *provider, const struct glance *glance,
                     struct prompt *out) MUST_CHECK;
/* The files of the newest pictures that would be told of, up to `max`. The same errors. */
enum err prompt_pictures(struct ctx *ctx, const struct ai_reply_row *reply, uint64_t *file_ids, size_t max,
                         size_t *n) MUST_CHECK;

/* One entry as a model is told of it. */
struct said {
    uint64_t seq, sender_id;
    struct str words, name; /* words empty: nothing; name: of who said it, if it is asked for */
    uint64_t file_id;       /* of a picture; else 0 */
    struct str picture;     /* its bytes; empty: it is told in words */
};
struct said_range {
    uint64_t conversation_id, after_seq, to_seq;
    size_t max; /* of entries, up to 256 */
};
/* What ctx->actor may read there, newest first. ERR_NOT_FOUND: nothing of it. */
enum err prompt_said(struct ctx *ctx, const struct said_range *range, struct said **out,
                     size_t *n) MUST_CHECK;
/* Sets the names. */
enum err prompt_names(struct ctx *ctx, struct said *said, size_t n) MUST_CHECK;
/* How many of them, from the newest on, cost at most so many tokens: one always does. Adds what they cost. */
size_t prompt_fitting(const struct said *said, size_t n, uint64_t budget, uint64_t *tokens);
/* {"model":…,"messages":[ of a call, and one message more. The caller ends it by ]} */
void prompt_begin(struct buf *b, const struct provider *provider);
void prompt_message(struct buf *b, const char *role, struct str words);

/* Without characters that people do not see and models do: zero-width, direction, tags. */
struct str prompt_plain(struct arena *arena, struct str text);
/* More than any tokenizer makes of it, as a rule. */
uint64_t prompt_tokens(struct str text);

#endif
