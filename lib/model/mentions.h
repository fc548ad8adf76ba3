/* Mentions: what a sender writes of them, as the log keeps it. Who may be mentioned is decided in the batch.
 */
#ifndef MODEL_MENTIONS_H
#define MODEL_MENTIONS_H

#include "base/err.h"
#include "base/field.h"
#include "model/ctx.h"
#include "model/writer.h"

enum { MENTIONS_MAX = 50 };

/* `said`: a list of struct str, ids of people and "all"; each counts once. ERR_INVALID_REQUEST: `mentions`.
 */
enum err mentions_take(struct ctx *ctx, const struct list *said, struct send *out) MUST_CHECK;

#endif
