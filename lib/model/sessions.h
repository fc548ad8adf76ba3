/*
 * Sessions: one device that is signed in. Refresh tokens rotate; a session ends
 * by being revoked, and a revoked one is known to every process within a second.
 *
 * The refresh token before the current one is accepted once more within 60 s if
 * its successor was never used (a lost reply). Any other old token is theft:
 * it revokes the session. A refresh token carries its session's id and a MAC, so
 * what was never issued reaches no table.
 */
#ifndef MODEL_SESSIONS_H
#define MODEL_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/str.h"
#include "model/ctx.h"
#include "model/page.h"

enum { DEVICE_NAME_MAX = 64, REFRESH_TOKEN_MAX = 512, REFRESH_RETRY_MS = 60 * 1000 };

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

/* What a client holds. */
struct tokens {
    uint64_t session_id;
    struct str access_token, refresh_token, file_token;
    int64_t expires_in; /* seconds */
};
/* Their fields on the wire, where struct tokens stands at `base`; the schema Refreshed. */
#define TOKENS_TEXT(base, member)                                                                            \
    {                                                                                                        \
        .name = #member, .type = FIELD_STR, .flags = F_SECRET,                                               \
        .at = (base) + offsetof(struct tokens, member)                                                       \
    }
#define TOKENS_FIELDS(base)                                                                                  \
    TOKENS_TEXT(base, access_token),                                                                         \
        {.name = "expires_in", .type = FIELD_INT, .at = (base) + offsetof(struct tokens, expires_in)},       \
        TOKENS_TEXT(base, refresh_token), TOKENS_TEXT(base, file_token)
extern const struct shape tokens_shape;

/*
 * Signs ctx->actor.user_id in on one device more; beyond sessions_max the device that was
 * seen the longest ago is signed out. Inside a transaction that holds the user's row.
 */
enum err session_open(struct ctx *ctx, const struct device *device, struct tokens *out) MUST_CHECK;
/*
 * The next pair for a refresh token; nobody needs to be signed in. A transaction of its own.
 * ERR_UNAUTHENTICATED; ERR_ACCOUNT_SUSPENDED for the current token of a suspended person.
 */
enum err session_refresh(struct ctx *ctx, struct str refresh_token, struct tokens *out) MUST_CHECK;

/* Ends one session of the person: the row, the revocation, the event. Inside a transaction. ERR_NOT_FOUND if
 * it is none of his living ones. */
enum err session_revoke(struct ctx *ctx, uint64_t user_id, uint64_t session_id) MUST_CHECK;
/* The same by the person himself, audited: signing out, here or on another device. */
enum err session_sign_out(struct ctx *ctx, uint64_t session_id) MUST_CHECK;
/* Ends all of a person's but `keep` (0: all). Inside a transaction that holds the user's row. */
enum err sessions_revoke_all(struct ctx *ctx, uint64_t user_id, uint64_t keep) MUST_CHECK;

/* The actor's living sessions, the last seen first. `next` is absent at the end. */
enum err sessions_list(struct ctx *ctx, struct str cursor, size_t limit, struct list *out,
                       struct str *next) MUST_CHECK;

#endif
