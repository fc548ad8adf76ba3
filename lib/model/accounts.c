#include "model/accounts.h"

#include "ext/crypt.h"
#include "ext/unicode.h"
#include "model/audit.h"
#include "model/house.h"
#include "model/throttle.h"
#include "queries.h"

/* Names that would speak for the house; as keys. */
static const char *const reserved[] = {
    "admin",     "administrator", "all",      "anonymous", "api",       "assistant",  "bot",  "deleted",
    "everyone",  "guest",         "help",     "here",      "house",     "info",       "mail", "me",
    "moderator", "null",          "official", "operator",  "posthouse", "postmaster", "root", "security",
    "service",   "staff",         "support",  "system",    "undefined", "unknown",    "user", "www",
    "驿站",      "管理员",        "系统",     "官方",      "客服",      "系统管理员", "助手", NULL,
};

/* ---- names and secrets ---- */

enum err username_check(struct ctx *ctx, struct str username, struct str *key)
{
    size_t chars = 0;

    *key = unicode_key(ctx->arena, username);
    if (!unicode_is_name(username) || !unicode_is_name(*key))
        return fail_field(ctx, "username",
                          "may have letters, digits, _ . and - only, and needs a letter or digit");
    if (!utf8_check(*key, &chars) || chars < USERNAME_MIN || chars > USERNAME_KEY_MAX)
        return fail_field(ctx, "username", "is too short or too long");
    return OK;
}

static enum err check_reserved(struct ctx *ctx, struct str key)
{
    for (size_t i = 0; reserved[i]; i++)
        if (str_eq(key, str_of(reserved[i])))
            return fail(ctx, ERR_USERNAME_TAKEN, "this username is reserved");
    return OK;
}

void secret_hash(struct str text, unsigned char hash[32])
{
    crypt_sha256(&text, 1, hash);
}

struct str secret_make(struct arena *arena, unsigned char hash[32])
{
    unsigned char bytes[SECRET_BYTES];

    crypt_random(bytes, sizeof bytes);
    const struct str text = crypt_base64url(arena, bytes, sizeof bytes);
    secret_hash(text, hash);
    return text;
}

static void in_house(struct ctx *ctx)
{
    if (!ctx->actor.app_id)
        ctx->actor.app_id = APP_HOUSE;
}

/* ---- signing up ---- */

enum err account_insert(struct ctx *ctx, struct str username, struct str nickname, enum user_role role,
                        struct str hash, uint64_t *id)
{
    struct str key;

    TRY(username_check(ctx, username, &key));
    TRY(ctx_id(ctx, id));
    const struct q_user_insert_in row = {.id = *id,
                                         .app_id = ctx->actor.app_id,
                                         .username = username,
                                         .username_key = key,
                                         .nickname = nickname,
                                         .nickname_key = nickname_key(ctx->arena, nickname),
                                         .role = role,
                                         .password_hash = hash};
    const enum err err = q_user_insert(ctx, &row, NULL);
    return err == ERR_DUPLICATE ? fail(ctx, ERR_USERNAME_TAKEN, "this username belongs to somebody") : err;
}

struct registering {
    const struct sign_up *in;
    struct str hash;
    struct tokens *out;
};

static enum err use_invite(struct ctx *ctx, struct str code)
{
    unsigned char hash[32];
    uint64_t used;

    secret_hash(code, hash);
    TRY(q_invite_use(ctx, (struct str){(const char *)hash, sizeof hash}, ctx->actor.app_id, &used));
    return used ? OK
                : fail(ctx, ERR_REGISTRATION_CLOSED, "the invitation is used up, too old, or none of ours");
}

static enum err do_register(struct ctx *ctx, void *arg)
{
    struct registering *r = arg;

    ctx->actor.user_id = ctx->actor.session_id = 0;
    if (house_conf(ctx->house)->registration == REGISTRATION_INVITE)
        TRY(use_invite(ctx, r->in->invite));
    TRY(account_insert(ctx, r->in->username, r->in->nickname, ROLE_USER, r->hash, &ctx->actor.user_id));
    TRY(session_open(ctx, &r->in->device, r->out));
    ctx->actor.session_id = r->out->session_id;
    return audit_add(ctx, AUDIT_ACCOUNT_CREATED, "user", ctx->actor.user_id, NULL);
}

static enum err check_registration(struct ctx *ctx, const struct sign_up *in)
{
    const int mode = house_conf(ctx->house)->registration;
    struct str key;

    if (mode == REGISTRATION_CLOSED)
        return fail(ctx, ERR_REGISTRATION_CLOSED, "nobody can sign up here by himself");
    if (mode == REGISTRATION_INVITE && !in->invite.n)
        return fail(ctx, ERR_REGISTRATION_CLOSED, "signing up needs an invitation");
    TRY(username_check(ctx, in->username, &key));
    TRY(check_reserved(ctx, key));
    TRY(nickname_check(ctx, in->nickname));
    return password_accept(ctx, "password", in->password, key);
}

enum err account_register(struct ctx *ctx, const struct sign_up *in, struct tokens *out)
{
    struct registering r = {.in = in, .out = out};

    in_house(ctx);
    TRY(check_registration(ctx, in));
    TRY(password_hash(ctx, in->password, &r.hash));
    return tx_run(ctx, do_register, &r);
}

/* ---- signing in ---- */

struct refusal {
    const char *action;
    uint64_t user_id;
};

static enum err write_refusal(struct ctx *ctx, void *arg)
{
    const struct refusal *r = arg;
    return audit_add(ctx, r->action, "user", r->user_id, NULL);
}

static enum err refuse(struct ctx *ctx, const char *action, uint64_t user_id)
{
    struct refusal r = {action, user_id};

    TRY(tx_run(ctx, write_refusal, &r));
    return fail(ctx, ERR_WRONG_PASSWORD, "the username or the password is wrong");
}

/* The locked row, if its password is still the one that was checked. */
static enum err lock_unchanged(struct ctx *ctx, uint64_t user_id, struct str hash, struct account_row *row)
{
    const enum err err = q_user_lock(ctx, ctx->actor.app_id, user_id, row);

    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    if (err == ERR_NOT_FOUND || row->state == STATE_DELETED || !row->password_hash.p ||
        !str_eq(row->password_hash, hash))
        return fail(ctx, ERR_WRONG_PASSWORD, "the password has just changed");
    return OK;
}

struct login {
    uint64_t user_id;
    struct str hash;
    const struct device *device;
    const struct throttle *throttle;
    struct tokens *out;
};

static enum err do_login(struct ctx *ctx, void *arg)
{
    struct login *l = arg;
    struct account_row row;

    ctx->actor.user_id = l->user_id;
    ctx->actor.session_id = 0;
    TRY(throttle_passed(ctx, l->throttle));
    TRY(lock_unchanged(ctx, l->user_id, l->hash, &row));
    if (row.state != STATE_ACTIVE)
        return ERR_ACCOUNT_SUSPENDED;
    TRY(session_open(ctx, l->device, l->out));
    ctx->actor.session_id = l->out->session_id;
    return audit_add(ctx, AUDIT_SIGNED_IN, "session", l->out->session_id, NULL);
}

enum err account_login(struct ctx *ctx, struct str username, struct str password, const struct device *device,
                       struct tokens *out)
{
    const struct str key = unicode_key(ctx->arena, username);
    struct account_row row = {0};
    struct throttle throttle;

    in_house(ctx);
    const enum err found = q_user_by_username(ctx, ctx->actor.app_id, key, &row);
    if (found != OK && found != ERR_NOT_FOUND)
        return found;
    TRY(throttle_enter(ctx, key, row.id, &throttle));
    if (!password_is(ctx, row.password_hash, password))
        return refuse(ctx, AUDIT_SIGN_IN_FAILED, row.id);
    struct login l = {
        .user_id = row.id, .hash = row.password_hash, .device = device, .throttle = &throttle, .out = out};
    const enum err err = tx_run(ctx, do_login, &l);
    if (err == ERR_ACCOUNT_SUSPENDED || err == ERR_WRONG_PASSWORD)
        TRY(tx_run(ctx, write_refusal, &(struct refusal){AUDIT_SIGN_IN_FAILED, row.id}));
    return err;
}

/* ---- the password ---- */

struct passed {
    const struct throttle *throttle;
};

static enum err forget_failures(struct ctx *ctx, void *arg)
{
    return throttle_passed(ctx, ((const struct passed *)arg)->throttle);
}

enum err account_confirm(struct ctx *ctx, struct str password, struct str *hash)
{
    struct account_row row;
    struct throttle throttle;

    const enum err found = q_user_account(ctx, ctx->actor.app_id, ctx->actor.user_id, &row);
    if (found == ERR_NOT_FOUND)
        return fail(ctx, ERR_UNAUTHENTICATED, "the account is gone");
    TRY(found);
    TRY(throttle_enter(ctx, row.username_key, row.id, &throttle));
    if (!password_is(ctx, row.password_hash, password))
        return refuse(ctx, AUDIT_PASSWORD_REFUSED, row.id);
    *hash = row.password_hash;
    return tx_run(ctx, forget_failures, &(struct passed){&throttle});
}

enum err account_lock_confirmed(struct ctx *ctx, struct str hash)
{
    struct account_row row;
    return lock_unchanged(ctx, ctx->actor.user_id, hash, &row);
}

struct changing {
    uint64_t user_id, keep;        /* whose password, and the session that goes on */
    struct str old_hash, new_hash; /* old: absent when a reset token stands for it */
    unsigned char token_hash[32];
};

static enum err set_password(struct ctx *ctx, const struct changing *c)
{
    TRY(q_user_set_password(ctx, c->user_id, c->new_hash, NULL));
    TRY(q_resets_forget_user(ctx, c->user_id, NULL));
    return sessions_revoke_all(ctx, c->user_id, c->keep);
}

static enum err do_change(struct ctx *ctx, void *arg)
{
    const struct changing *c = arg;

    TRY(account_lock_confirmed(ctx, c->old_hash));
    TRY(set_password(ctx, c));
    return audit_add(ctx, AUDIT_PASSWORD_CHANGED, "user", c->user_id, NULL);
}

enum err account_change_password(struct ctx *ctx, struct str old_password, struct str new_password)
{
    struct changing c = {.user_id = ctx->actor.user_id, .keep = ctx->actor.session_id};
    struct account_row row;

    TRY(account_confirm(ctx, old_password, &c.old_hash));
    TRY(q_user_account(ctx, ctx->actor.app_id, c.user_id, &row));
    TRY(password_accept(ctx, "new_password", new_password, row.username_key));
    TRY(password_hash(ctx, new_password, &c.new_hash));
    return tx_run(ctx, do_change, &c);
}

static enum err expired(struct ctx *ctx)
{
    return fail(ctx, ERR_LINK_EXPIRED, "the token was used, is too old, or was never given out");
}

static enum err do_reset(struct ctx *ctx, void *arg)
{
    const struct changing *c = arg;
    struct account_row row;
    uint64_t used;

    TRY(q_user_lock(ctx, ctx->actor.app_id, c->user_id, &row));
    if (row.state == STATE_SUSPENDED)
        return ERR_ACCOUNT_SUSPENDED;
    TRY(q_reset_use(ctx, (struct str){(const char *)c->token_hash, sizeof c->token_hash}, &used));
    if (!used || row.state != STATE_ACTIVE)
        return expired(ctx);
    TRY(set_password(ctx, c));
    return audit_add(ctx, AUDIT_PASSWORD_RESET, "user", c->user_id, NULL);
}

enum err account_reset_password(struct ctx *ctx, struct str token, struct str new_password)
{
    struct changing c = {0};
    struct account_row row;
    struct reset_row reset;

    secret_hash(token, c.token_hash);
    const enum err err =
        q_reset_get(ctx, (struct str){(const char *)c.token_hash, sizeof c.token_hash}, &reset);
    if (err == ERR_NOT_FOUND)
        return expired(ctx);
    TRY(err);
    c.user_id = reset.user_id;
    ctx->actor.app_id = reset.app_id;
    ctx->actor.user_id = reset.user_id;
    TRY(q_user_account(ctx, reset.app_id, reset.user_id, &row));
    TRY(password_accept(ctx, "new_password", new_password, row.username_key));
    TRY(password_hash(ctx, new_password, &c.new_hash));
    return tx_run(ctx, do_reset, &c);
}
