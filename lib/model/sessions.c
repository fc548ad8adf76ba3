#include "model/sessions.h"

#include "base/clock.h"
#include "ext/crypt.h"
#include "model/audit.h"
#include "model/house.h"
#include "model/token.h"
#include "model/users.h"
#include "queries.h"

/* ---- wire form ---- */

static const char *const platforms[] = {"web", "ios", "android", "desktop", "other", NULL};

static const struct field device_fields[] = {
    {.name = "name",
     .type = FIELD_STR,
     .flags = F_REQUIRED,
     .at = offsetof(struct device, name),
     .min = 1,
     .max = DEVICE_NAME_MAX},
    {.name = "platform",
     .type = FIELD_ENUM,
     .flags = F_REQUIRED,
     .at = offsetof(struct device, platform),
     .names = platforms},
};
const struct shape device_shape = SHAPE("Device", struct device, device_fields);

static const struct field session_fields[] = {
    {.name = "id", .type = FIELD_ID, .at = offsetof(struct session, id)},
    {.name = "device", .type = FIELD_OBJECT, .at = offsetof(struct session, device), .shape = &device_shape},
    {.name = "created_at", .type = FIELD_TIME, .at = offsetof(struct session, created_at)},
    {.name = "last_seen_at", .type = FIELD_TIME, .at = offsetof(struct session, last_seen_at)},
    {.name = "current", .type = FIELD_BOOL, .at = offsetof(struct session, current)},
};
const struct shape session_shape = SHAPE("Session", struct session, session_fields);

static const struct field tokens_fields[] = {TOKENS_FIELDS(0)};
const struct shape tokens_shape = SHAPE("Refreshed", struct tokens, tokens_fields);

/* ---- refresh tokens: session id, random bytes, and a MAC that says that we made it ---- */

enum { ID_BYTES = 8, RANDOM_BYTES = 32, SEAL_BYTES = 16, OPEN_BYTES = ID_BYTES + RANDOM_BYTES };
enum { REFRESH_BYTES = OPEN_BYTES + SEAL_BYTES };

struct refresh {
    uint64_t session_id;
    unsigned char hash[32];
};

static struct str hash_of(const struct refresh *r)
{
    return (struct str){(const char *)r->hash, sizeof r->hash};
}

static void refresh_hash(const unsigned char *bytes, struct refresh *out)
{
    crypt_sha256(&(struct str){(const char *)bytes, REFRESH_BYTES}, 1, out->hash);
}

static struct str refresh_make(struct ctx *ctx, uint64_t session_id, struct refresh *out)
{
    unsigned char bytes[REFRESH_BYTES], seal[32];

    for (int i = 0; i < ID_BYTES; i++)
        bytes[i] = (unsigned char)(session_id >> (56 - 8 * i));
    crypt_random(bytes + ID_BYTES, RANDOM_BYTES);
    token_seal(house_token_keys(ctx->house), bytes, OPEN_BYTES, seal);
    memcpy(bytes + OPEN_BYTES, seal, SEAL_BYTES);
    out->session_id = session_id;
    refresh_hash(bytes, out);
    const struct str text = crypt_base64url(ctx->arena, bytes, sizeof bytes);
    crypt_wipe(bytes, sizeof bytes);
    return text;
}

static bool refresh_read(struct ctx *ctx, struct str text, struct refresh *out)
{
    unsigned char bytes[REFRESH_BYTES], seal[32];

    if (!crypt_base64url_decode(text, bytes, sizeof bytes))
        return false;
    token_seal(house_token_keys(ctx->house), bytes, OPEN_BYTES, seal);
    const bool ours = crypt_equal(seal, bytes + OPEN_BYTES, SEAL_BYTES);
    out->session_id = 0;
    for (int i = 0; i < ID_BYTES; i++)
        out->session_id = out->session_id << 8 | bytes[i];
    refresh_hash(bytes, out);
    crypt_wipe(bytes, sizeof bytes);
    return ours;
}

static int64_t life_ms(struct ctx *ctx)
{
    return house_conf(ctx->house)->refresh_token_s * INT64_C(1000);
}

/* Access and file token of `who`; the refresh token is there already. */
static enum err tokens_fill(struct ctx *ctx, const struct actor *who, struct tokens *out)
{
    struct token_keys *keys = house_token_keys(ctx->house);
    const int64_t now = clock_wall_ms();

    out->session_id = who->session_id;
    out->expires_in = house_conf(ctx->house)->access_token_s;
    TRY(token_make(keys, TOKEN_ACCESS, who, now + out->expires_in * 1000, ctx->arena, &out->access_token));
    return token_make(keys, TOKEN_FILE, who, now + TOKEN_FILE_S * INT64_C(1000), ctx->arena,
                      &out->file_token);
}

/* ---- ending ---- */

/* Those of `ids` that lived are over. */
static enum err revoke(struct ctx *ctx, uint64_t user_id, const uint64_t *ids, size_t n)
{
    uint64_t version, revoked;

    if (!n)
        return OK;
    TRY(q_sessions_revoke(ctx, user_id, ids, n, &revoked));
    if (!revoked)
        return OK;
    TRY(q_revocations_insert(ctx, ids, n, NULL));
    TRY(user_touch(ctx, user_id, &version));
    for (size_t i = 0; i < n; i++)
        event_add(&ctx->events, ctx->arena,
                  (struct event){
                      .kind = EVENT_SESSION_REVOKED, .to_id = user_id, .id = ids[i], .version = version});
    return OK;
}

enum err session_revoke(struct ctx *ctx, uint64_t user_id, uint64_t session_id)
{
    struct account_row account;
    struct session_row row;

    TRY(q_user_lock(ctx, ctx->actor.app_id, user_id, &account)); /* before his sessions, as everybody does */
    const enum err err = q_session_lock(ctx, session_id, &row);
    if (err == ERR_NOT_FOUND || (err == OK && (row.user_id != user_id || row.revoked_at)))
        return fail(ctx, ERR_NOT_FOUND, "no such session");
    TRY(err);
    return revoke(ctx, user_id, &session_id, 1);
}

enum err session_sign_out(struct ctx *ctx, uint64_t session_id)
{
    TRY(session_revoke(ctx, ctx->actor.user_id, session_id));
    return audit_add(ctx, AUDIT_SESSION_REVOKED, "session", session_id, NULL);
}

/* The living ones of a person but `keep`, without the `spared` that were seen last. `*ended`: their ids. */
static enum err revoke_beyond(struct ctx *ctx, uint64_t user_id, uint64_t keep, size_t spared,
                              struct list *ended)
{
    struct session_id_row *rows;
    size_t n;

    *ended = (struct list){0};
    TRY(q_sessions_living(ctx, user_id, keep, &rows, &n));
    if (n <= spared)
        return OK;
    uint64_t *ids = arena_array(ctx->arena, n - spared, sizeof *ids);
    for (size_t i = spared; i < n; i++)
        ids[i - spared] = rows[i].id;
    *ended = (struct list){ids, n - spared};
    return revoke(ctx, user_id, ids, n - spared);
}

enum err sessions_revoke_all(struct ctx *ctx, uint64_t user_id, uint64_t keep)
{
    struct list ended;
    return revoke_beyond(ctx, user_id, keep, 0, &ended);
}

/* ---- beginning ---- */

/* Ends the devices that would be too many with one more. */
static enum err make_room(struct ctx *ctx, uint64_t user_id)
{
    struct list ended;

    TRY(revoke_beyond(ctx, user_id, 0, (size_t)house_conf(ctx->house)->sessions_max - 1, &ended));
    for (size_t i = 0; i < ended.n; i++)
        TRY(audit_add(ctx, AUDIT_SESSION_REVOKED, "session", ((const uint64_t *)ended.items)[i],
                      "too many devices"));
    return OK;
}

enum err session_open(struct ctx *ctx, const struct device *device, struct tokens *out)
{
    struct actor who = ctx->actor;
    struct refresh refresh;

    TRY(make_room(ctx, who.user_id));
    TRY(ctx_id(ctx, &who.session_id));
    out->refresh_token = refresh_make(ctx, who.session_id, &refresh);
    const struct q_session_insert_in row = {.id = who.session_id,
                                            .app_id = who.app_id,
                                            .user_id = who.user_id,
                                            .device_name = device->name,
                                            .platform = (uint64_t)device->platform,
                                            .address = who.address ? str_of(who.address) : STR(""),
                                            .refresh_hash = hash_of(&refresh),
                                            .life_ms = life_ms(ctx)};
    TRY(q_session_insert(ctx, &row, NULL));
    return tokens_fill(ctx, &who, out);
}

/* ---- refreshing ---- */

struct refreshing {
    struct refresh token;
    struct tokens *out;
    enum err verdict; /* what the caller is told once all is committed */
};

/* A person's token that is not good any more: the session ends, also for whoever holds the good one. */
static enum err stolen(struct ctx *ctx, const struct session_row *row, struct refreshing *r)
{
    r->verdict = ERR_UNAUTHENTICATED;
    if (row->revoked_at)
        return OK;
    TRY(audit_add(ctx, AUDIT_TOKEN_REUSED, "session", row->id, NULL));
    return revoke(ctx, row->user_id, &row->id, 1);
}

static enum err rotate(struct ctx *ctx, const struct session_row *row, struct refreshing *r, bool retried)
{
    struct actor who = {.app_id = row->app_id, .user_id = row->user_id, .session_id = row->id};
    struct refresh next;

    r->out->refresh_token = refresh_make(ctx, row->id, &next);
    const struct q_session_rotate_in in = {.id = row->id,
                                           .refresh_hash = hash_of(&next),
                                           .previous_hash = hash_of(&r->token),
                                           .retried = retried,
                                           .address =
                                               ctx->actor.address ? str_of(ctx->actor.address) : STR(""),
                                           .life_ms = life_ms(ctx)};
    TRY(q_session_rotate(ctx, &in, NULL));
    return tokens_fill(ctx, &who, r->out);
}

static enum err refresh(struct ctx *ctx, void *arg)
{
    struct refreshing *r = arg;
    struct session_row row;
    struct account_row account;

    r->verdict = ERR_UNAUTHENTICATED;
    enum err err = q_session_lock(ctx, r->token.session_id, &row);
    if (err == ERR_NOT_FOUND)
        return OK;
    TRY(err);
    ctx->actor.app_id = row.app_id;
    ctx->actor.user_id = row.user_id;
    ctx->actor.session_id = row.id;
    const bool current = crypt_equal(row.refresh_hash.p, r->token.hash, sizeof r->token.hash);
    const bool previous =
        row.previous_hash.p && crypt_equal(row.previous_hash.p, r->token.hash, sizeof r->token.hash);
    if (!current && !(previous && !row.retried && row.rotated_ms <= REFRESH_RETRY_MS))
        return stolen(ctx, &row, r);
    TRY(q_user_account(ctx, row.app_id, row.user_id, &account));
    if (account.state == STATE_SUSPENDED)
        r->verdict = ERR_ACCOUNT_SUSPENDED;
    if (row.revoked_at || row.left_ms <= 0 || account.state != STATE_ACTIVE)
        return OK;
    r->verdict = OK;
    return rotate(ctx, &row, r, !current);
}

enum err session_refresh(struct ctx *ctx, struct str refresh_token, struct tokens *out)
{
    struct refreshing r = {.out = out};

    if (!refresh_read(ctx, refresh_token, &r.token))
        return fail(ctx, ERR_UNAUTHENTICATED, "the refresh token is not one of ours");
    TRY(tx_run(ctx, refresh, &r));
    if (r.verdict == ERR_UNAUTHENTICATED)
        return fail(ctx, r.verdict, "the refresh token was used or has expired, or the session has ended");
    return r.verdict;
}

/* ---- the list ---- */

enum err sessions_list(struct ctx *ctx, struct str cursor, size_t limit, struct list *out, struct str *next)
{
    struct page_mark before = {INT64_MAX, INT64_MAX};
    struct device_row *rows;
    size_t n;

    TRY(page_mark_of(ctx, cursor, &before));
    TRY(q_sessions_page(ctx, ctx->actor.user_id, before.at, before.id, limit + 1, &rows, &n));
    *next = STR_NONE;
    if (n > limit) {
        n = limit;
        *next = page_cursor(ctx->arena, (struct page_mark){rows[n - 1].last_seen_at, rows[n - 1].id});
    }
    struct session *items = arena_array(ctx->arena, n, sizeof *items);
    for (size_t i = 0; i < n; i++)
        items[i] = (struct session){.id = rows[i].id,
                                    .device = {rows[i].device_name, (int)rows[i].platform},
                                    .created_at = rows[i].created_at,
                                    .last_seen_at = rows[i].last_seen_at,
                                    .current = rows[i].id == ctx->actor.session_id};
    *out = (struct list){items, n};
    return OK;
}
