/*
 * Delivery: what references say, as events on the wire, for one reader.
 *
 * Everything is read from the database now, with the rights that the reader has now
 * (ctx->actor): what is gone or not his any more is left out, whatever the box said.
 * An object that changed several times is told once, as it is.
 */
#ifndef MODEL_DELIVER_H
#define MODEL_DELIVER_H

#include <stddef.h>

#include "base/err.h"
#include "model/ctx.h"
#include "model/event.h"

/* json[i] is event i on the wire, or absent where it is left out. One statement for each conversation that is
 * named, to see what he may see there; a few for all the rest. */
enum err deliver(struct ctx *ctx, const struct event *events, size_t n, struct str *json) MUST_CHECK;

/* Ephemeral ones and those that need no reading, for whoever whispers them or ends a poll. */
struct str deliver_session_revoked(struct arena *arena, uint64_t session_id);
struct str deliver_presence(struct arena *arena, uint64_t user_id, bool online, int64_t last_seen_at);

#endif
