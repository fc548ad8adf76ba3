/*
 * Assistants: users that a model speaks for. The operator makes them; a person sees
 * and uses those that are for everybody, for him, or for a group that he is in.
 *
 * An assistant has no rights of its own: it is told only what who asks may read, and
 * it does nothing but answer.
 */
#ifndef MODEL_ASSISTANTS_H
#define MODEL_ASSISTANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/str.h"
#include "model/ctx.h"
#include "queries.h" /* struct assistant_row, struct assistant_listed_row */

enum { ASSISTANT_PROMPT_MAX = 16000, ASSISTANT_ALLOWED_MAX = 1000 };

/* ---- for people ---- */

/* One that the actor may use; ERR_NOT_FOUND. */
enum err assistant_for(struct ctx *ctx, uint64_t id, struct assistant_row *out) MUST_CHECK;
/* A page of users: those on offer to the actor. `next` is absent at the end. */
enum err assistants_list(struct ctx *ctx, struct str cursor, size_t limit, struct list *out,
                         struct str *next) MUST_CHECK;

/* ---- for the operator; each one transaction ---- */

struct assistant_new {
    struct str username, nickname, provider, prompt;
    const struct str *usernames; /* who may use it; with no group either: everybody */
    size_t n_usernames;
    const uint64_t *group_ids;
    size_t n_groups;
    bool pictures; /* its model is shown them */
};
/* ERR_INVALID_REQUEST, ERR_USERNAME_TAKEN, ERR_NOT_FOUND (somebody of usernames). The provider is the
 * caller's to check. */
enum err assistant_add(struct ctx *ctx, const struct assistant_new *in) MUST_CHECK;
/* ctx->actor is the assistant from then on, as whom its picture is received. ERR_NOT_FOUND. */
enum err assistant_become(struct ctx *ctx, struct str username) MUST_CHECK;
/* Of ctx->actor, an assistant: a picture that it owns. ERR_NOT_FOUND, ERR_INVALID_REQUEST: it is none. */
enum err assistant_set_avatar(struct ctx *ctx, uint64_t file_id) MUST_CHECK;
/* What it said stays, under no name. ERR_NOT_FOUND. */
enum err assistant_remove(struct ctx *ctx, struct str username) MUST_CHECK;
enum err assistants_all(struct ctx *ctx, uint64_t after, size_t max, struct assistant_listed_row **out,
                        size_t *n) MUST_CHECK;

#endif
