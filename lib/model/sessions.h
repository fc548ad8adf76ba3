/*
 * Sessions: one device that is signed in. Refresh tokens rotate; a session ends
 * by being revoked, and a revoked one is known to every process within a second.
 *
 * The refresh token before the current one is accepted once more within 60 s if
 * its successor was never used (a lost reply). Any other old token is theft:
 * it revokes the session.
 */
#ifndef MODEL_SESSIONS_H
#define MODEL_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/str.h"
#include "model/ctx.h"

enum { DEVICE_NAME_MAX = 64, REFRESH_TOKEN_MAX = 512 };

struct device {
    struct str name;
    int platform; /* web, ios, android, desktop, other */
};

struct session {
    uint64_t id;
    struct device device;
    int64_t created_at, last_seen_at;
    bool current;
};

extern const struct shape device_shape, session_shape;

/* What a client holds: the schema Refreshed, and in SignedIn. */
struct tokens {
    uint64_t session_id;
    struct str access_token, refresh_token, file_token;
    int64_t expires_in; /* seconds */
};

/* Ends one session: the row, the revocation, the event to its user. Inside a transaction. Nothing happens if
 * it has ended. */
enum err session_revoke(struct ctx *ctx, uint64_t user_id, uint64_t session_id) MUST_CHECK;
/* Ends all of a person's but `keep` (0: all). Inside a transaction. */
enum err sessions_revoke_all(struct ctx *ctx, uint64_t user_id, uint64_t keep) MUST_CHECK;

#endif
