/*
 * Passwords: which are accepted, and the one slow thing that the house computes.
 *
 * A hash takes 19 MiB and some 25 ms of a processor; routes that need one run in
 * a lane of their own (ROUTE_HEAVY in web.h), which bounds how many at once.
 */
#ifndef MODEL_PASSWORDS_H
#define MODEL_PASSWORDS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "model/ctx.h"

enum { PASSWORD_MIN = 8, PASSWORD_MAX = 128 }; /* characters */

/* ERR_WEAK_PASSWORD for one of the commonest, and for the username itself. `field` names it in the problem.
 */
enum err password_accept(struct ctx *ctx, const char *field, struct str password,
                         struct str username_key) MUST_CHECK;
/* Text for users.password_hash, in ctx->arena. */
enum err password_hash(struct ctx *ctx, struct str password, struct str *out) MUST_CHECK;
/* Takes as long when `hash` is absent, and answers false. */
bool password_is(struct ctx *ctx, struct str hash, struct str password);

#endif
