#include "model/admin.h"

#include "ext/unicode.h"
#include "model/accounts.h"
#include "model/audit.h"
#include "model/migrate.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };

/* ---- one person ---- */

struct act {
    struct str username;
    enum err (*run)(struct ctx *ctx, const struct account_row *person, struct act *act);
    const char *action;
    unsigned char hash[32]; /* of a secret that is handed out */
};

/* Finds the person, holds the row, acts, and writes it down. */
static enum err act(struct ctx *ctx, void *arg)
{
    struct act *a = arg;
    struct account_row found, person;

    const enum err err =
        q_user_by_username(ctx, ctx->actor.app_id, unicode_key(ctx->arena, a->username), &found);
    if (err == ERR_NOT_FOUND)
        return fail(ctx, err, "there is nobody called %.*s", STR_ARG(a->username));
    TRY(err);
    TRY(q_user_lock(ctx, ctx->actor.app_id, found.id, &person));
    TRY(a->run(ctx, &person, a));
    return audit_add(ctx, a->action, "user", person.id, NULL);
}

static enum err suspend(struct ctx *ctx, const struct account_row *person, struct act *a)
{
    (void)a;
    if (person->state == STATE_ACTIVE)
        TRY(q_user_set_state(ctx, person->id, STATE_SUSPENDED, NULL));
    return sessions_revoke_all(ctx, person->id, 0);
}

static enum err resume(struct ctx *ctx, const struct account_row *person, struct act *a)
{
    (void)a;
    return person->state == STATE_SUSPENDED ? q_user_set_state(ctx, person->id, STATE_ACTIVE, NULL) : OK;
}

static enum err revoke(struct ctx *ctx, const struct account_row *person, struct act *a)
{
    (void)a;
    return sessions_revoke_all(ctx, person->id, 0);
}

static enum err allow_reset(struct ctx *ctx, const struct account_row *person, struct act *a)
{
    const struct str hash = {(const char *)a->hash, sizeof a->hash};

    if (person->kind != KIND_HUMAN)
        return fail(ctx, ERR_INVALID_REQUEST, "%.*s does not sign in with a password", STR_ARG(a->username));
    TRY(q_resets_forget_user(ctx, person->id, NULL));
    return q_reset_insert(ctx, hash, person->id, DAY_MS, NULL);
}

enum err admin_suspend(struct ctx *ctx, struct str username)
{
    return tx_run(ctx, act,
                  &(struct act){.username = username, .run = suspend, .action = AUDIT_ADMIN_SUSPENDED});
}

enum err admin_resume(struct ctx *ctx, struct str username)
{
    return tx_run(ctx, act,
                  &(struct act){.username = username, .run = resume, .action = AUDIT_ADMIN_RESUMED});
}

enum err admin_revoke(struct ctx *ctx, struct str username)
{
    return tx_run(ctx, act,
                  &(struct act){.username = username, .run = revoke, .action = AUDIT_ADMIN_REVOKED});
}

enum err admin_reset_link(struct ctx *ctx, struct str username, struct str *token)
{
    struct act a = {.username = username, .run = allow_reset, .action = AUDIT_ADMIN_RESET_LINK};

    *token = secret_make(ctx->arena, a.hash);
    return tx_run(ctx, act, &a);
}

/* ---- somebody new ---- */

struct newcomer {
    struct str username, hash;
};

static enum err create(struct ctx *ctx, void *arg)
{
    const struct newcomer *n = arg;
    uint64_t id;

    TRY(account_insert(ctx, n->username, n->username, ROLE_ADMIN, n->hash, &id));
    return audit_add(ctx, AUDIT_ADMIN_CREATED, "user", id, NULL);
}

enum err admin_create(struct ctx *ctx, struct str username, struct str password)
{
    struct newcomer n = {.username = username};
    size_t name_chars = 0, chars = 0;
    struct str key;

    if (!utf8_check(username, &name_chars) || name_chars > USERNAME_MAX)
        return fail_field(ctx, "username", "must have at most %d characters", USERNAME_MAX);
    TRY(username_check(ctx, username, &key));
    if (!utf8_check(password, &chars) || chars < PASSWORD_MIN || chars > PASSWORD_MAX)
        return fail_field(ctx, "password", "must have %d to %d characters", PASSWORD_MIN, PASSWORD_MAX);
    TRY(password_accept(ctx, "password", password, key));
    TRY(password_hash(ctx, password, &n.hash));
    return tx_run(ctx, create, &n);
}

struct invitation {
    unsigned uses, days;
    unsigned char hash[32];
};

static enum err invite(struct ctx *ctx, void *arg)
{
    const struct invitation *i = arg;
    const struct str hash = {(const char *)i->hash, sizeof i->hash};

    TRY(q_invite_insert(ctx, hash, ctx->actor.app_id, i->uses, i->days * (int64_t)DAY_MS, NULL));
    return audit_add(ctx, AUDIT_ADMIN_INVITE, "invite", 0,
                     arena_printf(ctx->arena, "%u uses, %u days", i->uses, i->days));
}

enum err admin_invite(struct ctx *ctx, unsigned uses, unsigned days, struct str *code)
{
    struct invitation i = {.uses = uses, .days = days};

    *code = secret_make(ctx->arena, i.hash);
    return tx_run(ctx, invite, &i);
}

/* ---- the house ---- */

struct rotation {
    int64_t grace_ms;
    unsigned *id;
};

static enum err rotate(struct ctx *ctx, void *arg)
{
    const struct rotation *r = arg;

    TRY(token_key_rotate(ctx, r->grace_ms, r->id));
    return audit_add(ctx, AUDIT_ADMIN_KEY, "key", *r->id, r->grace_ms ? NULL : "the others are void");
}

enum err admin_rotate_key(struct ctx *ctx, int64_t grace_ms, unsigned *id)
{
    return tx_run(ctx, rotate, &(struct rotation){grace_ms, id});
}

enum err admin_users(struct ctx *ctx, uint64_t after, size_t max, struct listed_row **out, size_t *n)
{
    return q_users_page(ctx, ctx->actor.app_id, after, max, out, n);
}
