/*
 * login: signing up, in and out, the own account and its devices, finding people,
 * and whether the house is well.
 *
 * Surprising: what looks at a password runs in a few workers of its own
 * (ROUTE_HEAVY), so that a flood of sign-ins slows down sign-ins alone. An unknown
 * username and a wrong password are the same answer after the same time.
 */
#include "base/clock.h"
#include "base/version.h"
#include "model/accounts.h"
#include "model/entries.h"
#include "model/house.h"
#include "model/page.h"
#include "queries.h"
#include "web/web.h"

enum { BODY_BYTES = 65536 };

#define IN(type, member) .at = offsetof(struct type, member)
#define HAS(type, member) .has_at = offsetof(struct type, member)

/* ---- what comes ---- */

static const struct field register_fields[] = {
    {.name = "username",
     .type = FIELD_STR,
     .flags = F_REQUIRED,
     IN(sign_up, username),
     .min = USERNAME_MIN,
     .max = USERNAME_MAX},
    {.name = "password",
     .type = FIELD_STR,
     .flags = F_REQUIRED | F_SECRET,
     IN(sign_up, password),
     .min = PASSWORD_MIN,
     .max = PASSWORD_MAX},
    {.name = "nickname",
     .type = FIELD_STR,
     .flags = F_REQUIRED,
     IN(sign_up, nickname),
     .min = 1,
     .max = NICKNAME_MAX},
    {.name = "device",
     .type = FIELD_OBJECT,
     .flags = F_REQUIRED,
     IN(sign_up, device),
     .shape = &device_shape},
    {.name = "invite",
     .type = FIELD_STR,
     .flags = F_SECRET,
     IN(sign_up, invite),
     .min = 1,
     .max = INVITE_MAX},
};
static const struct shape register_in = SHAPE("RegisterRequest", struct sign_up, register_fields);

struct login_in {
    struct str username, password;
    struct device device;
};
static const struct field login_fields[] = {
    {.name = "username",
     .type = FIELD_STR,
     .flags = F_REQUIRED,
     IN(login_in, username),
     .min = 1,
     .max = USERNAME_MAX},
    {.name = "password",
     .type = FIELD_STR,
     .flags = F_REQUIRED | F_SECRET,
     IN(login_in, password),
     .min = 1,
     .max = PASSWORD_MAX},
    {.name = "device",
     .type = FIELD_OBJECT,
     .flags = F_REQUIRED,
     IN(login_in, device),
     .shape = &device_shape},
};
static const struct shape login_in = SHAPE("LoginRequest", struct login_in, login_fields);

struct refresh_in {
    struct str refresh_token;
};
static const struct field refresh_fields[] = {
    {.name = "refresh_token",
     .type = FIELD_STR,
     .flags = F_REQUIRED | F_SECRET,
     IN(refresh_in, refresh_token),
     .min = 1,
     .max = REFRESH_TOKEN_MAX},
};
static const struct shape refresh_in = SHAPE("RefreshRequest", struct refresh_in, refresh_fields);

struct reset_in {
    struct str token, new_password;
};
static const struct field reset_fields[] = {
    {.name = "token",
     .type = FIELD_STR,
     .flags = F_REQUIRED | F_SECRET,
     IN(reset_in, token),
     .min = 1,
     .max = RESET_TOKEN_MAX},
    {.name = "new_password",
     .type = FIELD_STR,
     .flags = F_REQUIRED | F_SECRET,
     IN(reset_in, new_password),
     .min = PASSWORD_MIN,
     .max = PASSWORD_MAX},
};
static const struct shape reset_in = SHAPE("PasswordResetRequest", struct reset_in, reset_fields);

struct password_in {
    struct str old_password, new_password;
};
static const struct field password_fields[] = {
    {.name = "old_password",
     .type = FIELD_STR,
     .flags = F_REQUIRED | F_SECRET,
     IN(password_in, old_password),
     .min = 1,
     .max = PASSWORD_MAX},
    {.name = "new_password",
     .type = FIELD_STR,
     .flags = F_REQUIRED | F_SECRET,
     IN(password_in, new_password),
     .min = PASSWORD_MIN,
     .max = PASSWORD_MAX},
};
static const struct shape password_in = SHAPE("ChangePasswordRequest", struct password_in, password_fields);

struct delete_in {
    struct str password;
};
static const struct field delete_fields[] = {
    {.name = "password",
     .type = FIELD_STR,
     .flags = F_REQUIRED | F_SECRET,
     IN(delete_in, password),
     .min = 1,
     .max = PASSWORD_MAX},
};
static const struct shape delete_in = SHAPE("DeleteMeRequest", struct delete_in, delete_fields);

struct id_in {
    uint64_t id;
};
static const struct field id_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, IN(id_in, id)},
};
static const struct shape id_in = SHAPE("IdPath", struct id_in, id_fields);

struct users_in {
    struct page_in page;
    struct str q;
    struct list ids;
    unsigned char has_ids;
};
static const struct field users_fields[] = {
    PAGE_IN_FIELDS(offsetof(struct users_in, page)),
    {.name = "q", .type = FIELD_STR, .flags = F_QUERY, IN(users_in, q), .min = 1, .max = SEARCH_MAX},
    {.name = "ids",
     .type = FIELD_IDS,
     .flags = F_QUERY,
     IN(users_in, ids),
     HAS(users_in, has_ids),
     .min = 1,
     .max = USERS_BY_ID_MAX},
};
static const struct shape users_in = SHAPE("UsersQuery", struct users_in, users_fields);

/* ---- what goes ---- */

struct signed_in_out {
    struct me user;
    struct tokens tokens;
};
static const struct field signed_in_fields[] = {
    {.name = "user", .type = FIELD_OBJECT, IN(signed_in_out, user), .shape = &me_shape},
    {.name = "session_id", .type = FIELD_ID, IN(signed_in_out, tokens.session_id)},
    TOKENS_FIELDS(offsetof(struct signed_in_out, tokens)),
};
static const struct shape signed_in_out = SHAPE("SignedIn", struct signed_in_out, signed_in_fields);

static const struct field session_list_fields[] = {PAGE_OUT_FIELDS(&session_shape)};
static const struct shape session_list_out = SHAPE("SessionList", struct page_out, session_list_fields);
static const struct field user_list_fields[] = {PAGE_OUT_FIELDS(&user_shape)};
static const struct shape user_list_out = SHAPE("UserList", struct page_out, user_list_fields);

struct server_out {
    struct str version, features, oldest_client;
    int registration;
    struct limits {
        int64_t poll_timeout, text_length, body_bytes, page_size, recall_seconds, file_bytes,
            file_quota_bytes;
    } limits;
    int64_t now_at;
};
static const char *const registrations[] = {"open", "invite", "closed", NULL};
static const struct field limits_fields[] = {
    {.name = "poll_timeout", .type = FIELD_INT, IN(limits, poll_timeout)},
    {.name = "text_length", .type = FIELD_INT, IN(limits, text_length)},
    {.name = "body_bytes", .type = FIELD_INT, IN(limits, body_bytes)},
    {.name = "page_size", .type = FIELD_INT, IN(limits, page_size)},
    {.name = "recall_seconds", .type = FIELD_INT, IN(limits, recall_seconds)},
    {.name = "file_bytes", .type = FIELD_INT, IN(limits, file_bytes)},
    {.name = "file_quota_bytes", .type = FIELD_INT, IN(limits, file_quota_bytes)},
};
static const struct shape limits_out = SHAPE("Limits", struct limits, limits_fields);
static const struct field server_fields[] = {
    {.name = "version", .type = FIELD_STR, IN(server_out, version)},
    {.name = "registration", .type = FIELD_ENUM, IN(server_out, registration), .names = registrations},
    {.name = "features", .type = FIELD_JSON, IN(server_out, features)},
    {.name = "limits", .type = FIELD_OBJECT, IN(server_out, limits), .shape = &limits_out},
    {.name = "oldest_client", .type = FIELD_STR, IN(server_out, oldest_client)},
    {.name = "now_at", .type = FIELD_TIME, IN(server_out, now_at)},
};
static const struct shape server_out = SHAPE("Server", struct server_out, server_fields);

struct health_out {
    int status;
};
static const char *const healths[] = {"ok", NULL};
static const struct field health_fields[] = {
    {.name = "status", .type = FIELD_ENUM, IN(health_out, status), .names = healths},
};
static const struct shape health_out = SHAPE("Health", struct health_out, health_fields);

/* ---- the house ---- */

static enum err server_get(struct req *r)
{
    const struct conf *conf = house_conf(r->ctx->house);

    *(struct server_out *)r->out = (struct server_out){
        .version = STR(POSTHOUSE_VERSION),
        .features = conf->providers[0] ? STR("[\"stream\",\"ai\"]") : STR("[\"stream\"]"),
        .oldest_client = STR(POSTHOUSE_OLDEST_CLIENT),
        .registration = conf->registration,
        .limits = {.poll_timeout = conf->poll_max_s,
                   .text_length = TEXT_MAX,
                   .body_bytes = BODY_BYTES,
                   .page_size = PAGE_MAX,
                   .recall_seconds = conf->recall_s,
                   .file_bytes = (int64_t)conf->file_max_mib << 20,
                   .file_quota_bytes = (int64_t)conf->file_quota_mib << 20},
        .now_at = clock_wall_ms(),
    };
    return OK;
}

static enum err health_get(struct req *r)
{
    (void)r; /* that it answers is the answer */
    return OK;
}

/* ---- signing up, in and out ---- */

/* The session is committed: `unavailable` would say that nothing was stored. */
static enum err load_signed_in(struct ctx *ctx, struct me *out)
{
    const enum err err = me_load(ctx, out);
    return err == ERR_UNAVAILABLE ? fail(ctx, ERR_OUTCOME_UNKNOWN, "signed in, but it cannot be told") : err;
}

static enum err register_post(struct req *r)
{
    struct signed_in_out *out = r->out;

    TRY(account_register(r->ctx, r->in, &out->tokens));
    return load_signed_in(r->ctx, &out->user);
}

static enum err login_post(struct req *r)
{
    const struct login_in *in = r->in;
    struct signed_in_out *out = r->out;

    TRY(account_login(r->ctx, in->username, in->password, &in->device, &out->tokens));
    return load_signed_in(r->ctx, &out->user);
}

static enum err token_refresh(struct req *r)
{
    const struct refresh_in *in = r->in;
    return session_refresh(r->ctx, in->refresh_token, r->out);
}

static enum err logout_post(struct req *r)
{
    const enum err err = session_sign_out(r->ctx, r->ctx->actor.session_id);
    return err == ERR_NOT_FOUND ? OK : err; /* it has just ended in another way */
}

static enum err password_reset(struct req *r)
{
    const struct reset_in *in = r->in;
    return account_reset_password(r->ctx, in->token, in->new_password);
}

/* ---- the own account ---- */

static enum err me_get(struct req *r)
{
    return me_load(r->ctx, r->out);
}

static enum err me_patch(struct req *r)
{
    TRY(me_update(r->ctx, r->in));
    return me_load(r->ctx, r->out);
}

static enum err me_delete(struct req *r)
{
    return account_delete(r->ctx, ((const struct delete_in *)r->in)->password);
}

static enum err password_post(struct req *r)
{
    const struct password_in *in = r->in;
    return account_change_password(r->ctx, in->old_password, in->new_password);
}

static enum err sessions_get(struct req *r)
{
    const struct page_in *in = r->in;
    struct page_out *out = r->out;
    return sessions_list(r->ctx, in->cursor, page_limit(in), &out->items, &out->next_cursor);
}

static enum err session_delete(struct req *r)
{
    return session_sign_out(r->ctx, ((const struct id_in *)r->in)->id);
}

/* ---- people ---- */

static enum err users_get(struct req *r)
{
    const struct users_in *in = r->in;
    struct page_out *out = r->out;

    if (in->q.p && in->has_ids)
        return fail_field(r->ctx, "ids", "q and ids exclude each other");
    if (in->has_ids)
        return users_profiles(r->ctx, in->ids.items, in->ids.n, &out->items);
    if (!in->q.p)
        return fail_field(r->ctx, "q", "is missing, or ids");
    return users_find(r->ctx, in->q, in->page.cursor, page_limit(&in->page), &out->items, &out->next_cursor);
}

static enum err user_get(struct req *r)
{
    return user_profile(r->ctx, ((const struct id_in *)r->in)->id, r->out);
}

static const struct route routes[] = {
    {GET, "/server", "getServer", server_get, NULL, &server_out, 200, ROUTE_OPEN | ROUTE_INLINE},
    {GET, "/healthz", "getHealth", health_get, NULL, &health_out, 200,
     ROUTE_OPEN | ROUTE_INLINE | ROUTE_BARE},
    {POST, "/register", "register", register_post, &register_in, &signed_in_out, 201,
     ROUTE_OPEN | ROUTE_HEAVY},
    {POST, "/login", "login", login_post, &login_in, &signed_in_out, 200, ROUTE_OPEN | ROUTE_HEAVY},
    {POST, "/token/refresh", "refreshToken", token_refresh, &refresh_in, &tokens_shape, 200, ROUTE_OPEN},
    {POST, "/logout", "logout", logout_post, NULL, NULL, 204, ROUTE_TX},
    {POST, "/password-reset", "resetPassword", password_reset, &reset_in, NULL, 204,
     ROUTE_OPEN | ROUTE_HEAVY},
    {GET, "/me", "getMe", me_get, NULL, &me_shape, 200, 0},
    {PATCH, "/me", "updateMe", me_patch, &me_change_shape, &me_shape, 200, ROUTE_TX},
    {DELETE, "/me", "deleteMe", me_delete, &delete_in, NULL, 204, ROUTE_HEAVY},
    {POST, "/me/password", "changePassword", password_post, &password_in, NULL, 204, ROUTE_HEAVY},
    {GET, "/sessions", "listSessions", sessions_get, &page_in_shape, &session_list_out, 200, 0},
    {DELETE, "/sessions/{id}", "revokeSession", session_delete, &id_in, NULL, 204, ROUTE_TX},
    {GET, "/users", "listUsers", users_get, &users_in, &user_list_out, 200, 0},
    {GET, "/users/{id}", "getUser", user_get, &id_in, &user_shape, 200, 0},
};

const struct service service = {SERVICE("login", routes)};
