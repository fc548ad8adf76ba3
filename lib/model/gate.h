/*
 * The gate: content rules, between authorise and write. What somebody says comes
 * by here once, before it is handed to the writer.
 *
 * No rules are configured yet: everything passes. A rule may pass the text,
 * replace it, or refuse it; it must not block (it runs in the event loop).
 */
#ifndef MODEL_GATE_H
#define MODEL_GATE_H

#include <stdint.h>

#include "base/err.h"
#include "model/ctx.h"

/* ERR_CONTENT_REFUSED; otherwise `*text` is what may be said, in ctx->arena. */
enum err gate_text(struct ctx *ctx, uint64_t conversation_id, struct str *text) MUST_CHECK;

#endif
