/*
 * The audit: who did what to whom, from where, written in the act's own
 * transaction. Never a password, a token or what people wrote.
 */
#ifndef MODEL_AUDIT_H
#define MODEL_AUDIT_H

#include <stdint.h>

#include "base/err.h"
#include "model/ctx.h"

/* What was done; a word per kind of act, as stored. */
#define AUDIT_ACCOUNT_CREATED "account.created"
#define AUDIT_ACCOUNT_DELETED "account.deleted"
#define AUDIT_SIGNED_IN "session.created"
#define AUDIT_SIGN_IN_FAILED "session.refused"
#define AUDIT_SESSION_REVOKED "session.revoked"
#define AUDIT_TOKEN_REUSED "session.token_reused"
#define AUDIT_PASSWORD_CHANGED "password.changed"
#define AUDIT_PASSWORD_RESET "password.reset"
#define AUDIT_PASSWORD_REFUSED "password.refused"
#define AUDIT_GROUP_DISMISSED "group.dismissed"
#define AUDIT_GROUP_OWNER "group.owner"
#define AUDIT_GROUP_ROLE "group.role"
#define AUDIT_ADMIN_SUSPENDED "admin.suspended"
#define AUDIT_ADMIN_RESUMED "admin.resumed"
#define AUDIT_ADMIN_REVOKED "admin.revoked"
#define AUDIT_ADMIN_CREATED "admin.created"
#define AUDIT_ADMIN_RESET_LINK "admin.reset_link"
#define AUDIT_ADMIN_INVITE "admin.invite"
#define AUDIT_ADMIN_KEY "admin.key_rotated"
#define AUDIT_ADMIN_ASSISTANT "admin.assistant"

/*
 * Inside a transaction. The actor and the address are ctx->actor's; `kind` and `id`
 * name the object ("user", 42; id 0: none known). `detail` is cut at 512 bytes and may be NULL.
 */
enum err audit_add(struct ctx *ctx, const char *action, const char *kind, uint64_t id,
                   const char *detail) MUST_CHECK;

#endif
