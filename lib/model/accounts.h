/*
 * Accounts: signing up, signing in, passwords, and leaving for good.
 *
 * What takes a password computes an Argon2id hash outside of any transaction, then
 * looks at the row again under its lock: what was checked must still be so. An unknown
 * username and a wrong password are one answer, in words and in time.
 */
#ifndef MODEL_ACCOUNTS_H
#define MODEL_ACCOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/str.h"
#include "model/ctx.h"
#include "model/passwords.h"
#include "model/sessions.h"
#include "model/users.h"

/* Characters; a key is longer where folding makes two characters of one. */
enum { USERNAME_MIN = 3, USERNAME_MAX = 32, USERNAME_KEY_MAX = 64, INVITE_MAX = 128, RESET_TOKEN_MAX = 512 };
enum { APP_HOUSE = 1 };

struct sign_up {
    struct str username, password, nickname;
    struct device device;
    struct str invite; /* absent: none */
};

/*
 * Makes an account and signs it in: ctx->actor is the new person afterwards.
 * ERR_REGISTRATION_CLOSED, ERR_INVALID_REQUEST, ERR_WEAK_PASSWORD, ERR_USERNAME_TAKEN.
 */
enum err account_register(struct ctx *ctx, const struct sign_up *in, struct tokens *out) MUST_CHECK;
/* The same for an existing one. ERR_WRONG_PASSWORD, ERR_RATE_LIMITED, ERR_ACCOUNT_SUSPENDED (with the right
 * password only). */
enum err account_login(struct ctx *ctx, struct str username, struct str password, const struct device *device,
                       struct tokens *out) MUST_CHECK;
/* The actor's; every other session of his ends. ERR_WRONG_PASSWORD, ERR_WEAK_PASSWORD, ERR_RATE_LIMITED. */
enum err account_change_password(struct ctx *ctx, struct str old_password,
                                 struct str new_password) MUST_CHECK;
/* By an operator's token, which works once; every session ends. ERR_LINK_EXPIRED, ERR_WEAK_PASSWORD,
 * ERR_ACCOUNT_SUSPENDED. */
enum err account_reset_password(struct ctx *ctx, struct str token, struct str new_password) MUST_CHECK;
/* The actor leaves for good (deletion.c). ERR_WRONG_PASSWORD, ERR_RATE_LIMITED. */
enum err account_delete(struct ctx *ctx, struct str password) MUST_CHECK;
/*
 * Whether `password` is the actor's; counted and audited when it is not. On OK `*hash` is
 * what it was checked against: the transaction that follows compares it with the locked row.
 */
enum err account_confirm(struct ctx *ctx, struct str password, struct str *hash) MUST_CHECK;
/* The actor's row, locked, if its password is still `hash`. Inside a transaction. */
enum err account_lock_confirmed(struct ctx *ctx, struct str hash) MUST_CHECK;

/* ERR_INVALID_REQUEST, the field named, for what is no username; `*key` is what is unique. */
enum err username_check(struct ctx *ctx, struct str username, struct str *key) MUST_CHECK;
/* Writes the row of a new person, active, whose password is `hash`; ctx->actor.app_id is his app. Inside a
 * transaction. */
enum err account_insert(struct ctx *ctx, struct str username, struct str nickname, enum user_role role,
                        struct str hash, uint64_t *id) MUST_CHECK;

/* Secrets that are handed out once and stored as a hash: invite codes, reset tokens. */
enum { SECRET_BYTES = 24 };
struct str secret_make(struct arena *arena, unsigned char hash[32]);
void secret_hash(struct str text, unsigned char hash[32]);

#endif
