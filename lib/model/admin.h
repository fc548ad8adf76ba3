/*
 * What the operator does with people and the house. Each act is one transaction
 * with its audit row; ctx->actor is nobody, of the app that is meant.
 */
#ifndef MODEL_ADMIN_H
#define MODEL_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "model/ctx.h"
#include "queries.h" /* struct listed_row */

/* A person with the role admin; reserved names are allowed. The errors of signing up. */
enum err admin_create(struct ctx *ctx, struct str username, struct str password) MUST_CHECK;
/* Suspending ends every session; who is suspended cannot sign in or refresh. ERR_NOT_FOUND. */
enum err admin_suspend(struct ctx *ctx, struct str username) MUST_CHECK;
enum err admin_resume(struct ctx *ctx, struct str username) MUST_CHECK;
/* Signs a person out everywhere. */
enum err admin_revoke(struct ctx *ctx, struct str username) MUST_CHECK;
/* A token for POST /password-reset that works once, for a day; earlier ones are void. */
enum err admin_reset_link(struct ctx *ctx, struct str username, struct str *token) MUST_CHECK;
/* A code for signing up where registration is by invitation. */
enum err admin_invite(struct ctx *ctx, unsigned uses, unsigned days, struct str *code) MUST_CHECK;
/* A new token key; see migrate.h. */
enum err admin_rotate_key(struct ctx *ctx, int64_t grace_ms, unsigned *id) MUST_CHECK;
/* People after this id, in the order of their ids. */
enum err admin_users(struct ctx *ctx, uint64_t after, size_t max, struct listed_row **out,
                     size_t *n) MUST_CHECK;

#endif
