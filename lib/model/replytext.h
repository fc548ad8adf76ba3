/*
 * What an assistant has written of a reply so far: kept in Redis by who writes it, told
 * in pieces as ai.delta, and asked for by who missed some. Best effort: losing it costs
 * the sight of an answer that grows, never the answer.
 */
#ifndef MODEL_REPLYTEXT_H
#define MODEL_REPLYTEXT_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "model/ctx.h"
#include "queries.h" /* struct ai_reply_row */

enum { REPLY_ASKS_MAX = 8 };

/* A reader has the text of this reply up to there. */
struct reply_ask {
    uint64_t reply_id;
    int64_t offset; /* in characters */
};
/* "id:offset"; false: it is not that. */
bool reply_ask_parse(struct str text, struct reply_ask *out);

/* In place of what was kept of it. ERR_UNAVAILABLE. */
enum err reply_keep(struct ctx *ctx, uint64_t id, struct str text) MUST_CHECK;
/* Empty if it is not there. */
enum err reply_kept(struct ctx *ctx, uint64_t id, struct str *text) MUST_CHECK;
/* Without the first `chars` characters; `*offset` is how many it left out. */
struct str reply_text_from(struct str text, int64_t chars, int64_t *offset);

/* The event ai.delta: this text begins at `offset`. */
struct str reply_delta(struct arena *arena, const struct ai_reply_row *reply, struct str text,
                       int64_t offset);
/* The first one of a reply that is being written, with what there is by now; unset if it is at its end. */
enum err reply_begun(struct ctx *ctx, const struct ai_reply_row *reply, struct str *event) MUST_CHECK;
/* The event ai.finished, of one that is at its end. */
struct str reply_finished(struct arena *arena, const struct ai_reply_row *reply);
/* Those of replies that are being written, that the actor may read, and that have more than he has; with
 * commas between them. */
enum err reply_news(struct ctx *ctx, const struct reply_ask *asks, size_t n, struct str *events) MUST_CHECK;

#endif
