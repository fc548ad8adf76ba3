/* The own account: reading it, and changing what people may change of themselves. */
#include "ext/unicode.h"
#include "model/files.h"
#include "model/presence.h"
#include "model/users.h"
#include "queries.h"

static struct str text_or_empty(struct str s)
{
    return s.p ? s : STR("");
}

enum err me_load(struct ctx *ctx, struct me *out)
{
    const uint64_t id = ctx->actor.user_id;
    struct presence presence = {0};
    struct me_row row;

    const enum err err = q_user_me(ctx, ctx->actor.app_id, id, &row);
    if (err == ERR_NOT_FOUND || (err == OK && row.state == STATE_DELETED))
        return fail(ctx, ERR_UNAUTHENTICATED, "the account is gone");
    TRY(err);
    if (ctx->redis && presence_of(ctx, &id, 1, &presence) != OK)
        presence = (struct presence){0};
    const bool later = presence.last_seen_at > row.last_seen_at;
    *out = (struct me){
        .user = {.id = row.id,
                 .username = text_or_empty(row.username),
                 .nickname = row.nickname,
                 .signature = row.signature,
                 .avatar_file_id = row.avatar_file_id,
                 .gender = (int)row.gender,
                 .kind = (int)row.kind,
                 .online = presence.online,
                 .last_seen_at = later ? presence.last_seen_at : row.last_seen_at,
                 .version = (int64_t)row.version},
        .role = (int)row.role,
        .state = (int)row.state,
        .locale = row.locale,
        .timezone = row.timezone,
        .settings = {row.strangers_may_write, row.findable, row.show_last_seen},
        .created_at = row.created_at,
    };
    return OK;
}

/* ---- changing ---- */

#define AT(type, member) .at = offsetof(struct type, member)
#define HAS(type, member) .has_at = offsetof(struct type, member)
#define SETTING(member)                                                                                      \
    {                                                                                                        \
        .name = #member, .type = FIELD_BOOL, AT(settings_change, member), HAS(settings_change, has_##member) \
    }
static const struct field settings_change_fields[] = {SETTING(strangers_may_write), SETTING(findable),
                                                      SETTING(show_last_seen)};
static const struct shape settings_change_shape =
    SHAPE("UpdateSettings", struct settings_change, settings_change_fields);

#define CLEARABLE(member, longest)                                                                           \
    {                                                                                                        \
        .name = #member, .type = FIELD_STR, .flags = F_NULLABLE, AT(me_change, member),                      \
        HAS(me_change, has_##member), .min = 0, .max = (longest)                                             \
    }
static const struct field me_change_fields[] = {
    {.name = "nickname",
     .type = FIELD_STR,
     AT(me_change, nickname),
     HAS(me_change, has_nickname),
     .min = 1,
     .max = NICKNAME_MAX},
    CLEARABLE(signature, SIGNATURE_MAX),
    CLEARABLE(locale, LOCALE_MAX),
    CLEARABLE(timezone, TIMEZONE_MAX),
    {.name = "avatar_file_id",
     .type = FIELD_ID,
     .flags = F_NULLABLE,
     AT(me_change, avatar_file_id),
     HAS(me_change, has_avatar)},
    {.name = "gender",
     .type = FIELD_ENUM,
     .flags = F_NULLABLE,
     AT(me_change, gender),
     HAS(me_change, has_gender),
     .names = user_genders},
    {.name = "settings", .type = FIELD_OBJECT, AT(me_change, settings), .shape = &settings_change_shape},
};
const struct shape me_change_shape = SHAPE("UpdateMeRequest", struct me_change, me_change_fields);

enum err nickname_check(struct ctx *ctx, struct str nickname)
{
    if (!unicode_is_plain(nickname, false))
        return fail_field(ctx, "nickname",
                          "must be one line with something visible, without control characters");
    return OK;
}

struct str nickname_key(struct arena *arena, struct str nickname)
{
    return unicode_cut(unicode_key(arena, nickname), NICKNAME_KEY_MAX);
}

static bool consists_of(struct str s, const char *others)
{
    for (size_t i = 0; i < s.n; i++) {
        const char c = s.p[i], low = (char)(c | 0x20);
        if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') && (!c || !strchr(others, c)))
            return false;
    }
    return true;
}

static enum err check(struct ctx *ctx, const struct me_change *c)
{
    enum err err = OK;

    if (c->has_nickname)
        err = nickname_check(ctx, c->nickname);
    if (c->signature.n && !unicode_is_plain(c->signature, true))
        err = fail_field(ctx, "signature", "must be visible text without control characters");
    if (!consists_of(c->locale, "-"))
        err = fail_field(ctx, "locale", "must be a BCP 47 tag");
    if (!consists_of(c->timezone, "/_+-"))
        err = fail_field(ctx, "timezone", "must be a name of the time zone database");
    if (err == OK && c->has_avatar == HAS_VALUE)
        err = file_check_avatar(ctx, c->avatar_file_id);
    return err;
}

/* `*to` becomes `from` if it was said; null is empty. True if that is another text. */
static bool set_text(struct str *to, unsigned char has, struct str from)
{
    const struct str text = has == HAS_VALUE ? from : STR("");

    if (has == HAS_NOT || str_eq(*to, text))
        return false;
    *to = text;
    return true;
}

static bool set_bool(bool *to, unsigned char has, bool from)
{
    const bool changes = has != HAS_NOT && *to != from;

    *to = changes ? from : *to;
    return changes;
}

static bool set_id(uint64_t *to, unsigned char has, uint64_t from)
{
    const uint64_t id = has == HAS_VALUE ? from : 0;
    const bool changes = has != HAS_NOT && *to != id;

    *to = changes ? id : *to;
    return changes;
}

static bool set_gender(uint64_t *to, unsigned char has, int from)
{
    const uint64_t gender = has == HAS_VALUE ? (uint64_t)from : 0;
    const bool changes = has != HAS_NOT && *to != gender;

    *to = changes ? gender : *to;
    return changes;
}

static enum err store(struct ctx *ctx, const struct me_row *row)
{
    const struct q_user_update_in in = {.id = row->id,
                                        .nickname = row->nickname,
                                        .nickname_key = nickname_key(ctx->arena, row->nickname),
                                        .signature = row->signature,
                                        .avatar_file_id = row->avatar_file_id,
                                        .gender = row->gender,
                                        .locale = row->locale,
                                        .timezone = row->timezone,
                                        .strangers_may_write = row->strangers_may_write,
                                        .findable = row->findable,
                                        .show_last_seen = row->show_last_seen};
    return q_user_update(ctx, &in, NULL);
}

enum err me_update(struct ctx *ctx, const struct me_change *c)
{
    const uint64_t id = ctx->actor.user_id;
    struct account_row account;
    uint64_t version;
    struct me_row row;

    TRY(check(ctx, c));
    const enum err err = q_user_lock(ctx, ctx->actor.app_id, id, &account);
    if (err == ERR_NOT_FOUND || (err == OK && account.state == STATE_DELETED))
        return fail(ctx, ERR_UNAUTHENTICATED, "the account is gone");
    TRY(err);
    TRY(q_user_me(ctx, ctx->actor.app_id, id, &row));
    bool seen = set_text(&row.nickname, c->has_nickname, c->nickname);
    seen |= set_text(&row.signature, c->has_signature, c->signature);
    seen |= set_id(&row.avatar_file_id, c->has_avatar, c->avatar_file_id);
    seen |= set_gender(&row.gender, c->has_gender, c->gender);
    seen |= set_bool(&row.show_last_seen, c->settings.has_show_last_seen, c->settings.show_last_seen);
    bool changes = set_text(&row.locale, c->has_locale, c->locale);
    changes |= set_text(&row.timezone, c->has_timezone, c->timezone);
    changes |= set_bool(&row.findable, c->settings.has_findable, c->settings.findable);
    const bool is_other_to_strangers = set_bool(&row.strangers_may_write, c->settings.has_strangers_may_write,
                                                c->settings.strangers_may_write);
    if (!seen && !changes && !is_other_to_strangers)
        return OK;
    TRY(store(ctx, &row));
    if (is_other_to_strangers && !row.strangers_may_write) {
        TRY(q_pairs_without_strangers(ctx, id, NULL));
        TRY(q_pairs_without_strangers_high(ctx, id, NULL));
    }
    TRY(user_touch(ctx, id, &version));
    event_add(&ctx->events, ctx->arena,
              (struct event){.kind = EVENT_ME, .to_id = id, .id = id, .version = version});
    if (seen)
        event_add(&ctx->events, ctx->arena, (struct event){.kind = EVENT_USER, .id = id, .version = version});
    return OK;
}
