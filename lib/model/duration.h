/*
 * How long a stored file of sound or video lasts, where its bytes say it: a voice message is as long as it
 * is, not as its sender says.
 */
#ifndef MODEL_DURATION_H
#define MODEL_DURATION_H

#include "model/ctx.h"
#include "model/store.h"

/* In ms; 0: it is neither, is too large to be looked at, or does not say. ERR_UNAVAILABLE: it cannot be read.
 */
enum err duration_look(struct ctx *ctx, struct store *store, struct str key, struct str content_type,
                       int64_t size, unsigned *ms) MUST_CHECK;

#endif
