/*
 * Presence: who is here. A person is online while some session of his is
 * registered at a poll process (inbox.h: `at`); the registration ends with the session, or 60 s after its
 * last poll. What is kept for later is users.last_seen_at, written lazily.
 *
 * Best effort: without Redis nobody is online, and no change is told.
 */
#ifndef MODEL_PRESENCE_H
#define MODEL_PRESENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/ctx.h"

enum { PRESENCE_AUDIENCE_MAX = 500 };

struct presence {
    bool online;
    int64_t last_seen_at; /* now, if online; else 0: the database knows better */
};

/* Of many, in one round trip, by ctx->redis. Who may know is the caller's matter. */
enum err presence_of(struct ctx *ctx, const uint64_t *ids, size_t n, struct presence *out) MUST_CHECK;

/* Tells friends that somebody came or went: up to PRESENCE_AUDIENCE_MAX of them, unless he hides it. */
enum err presence_tell(struct ctx *ctx, uint64_t user_id, bool online) MUST_CHECK;

/* These people and sessions were seen just now. */
enum err presence_seen(struct ctx *ctx, const uint64_t *user_ids, const uint64_t *session_ids,
                       size_t n) MUST_CHECK;

#endif
