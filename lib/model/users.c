#include "model/users.h"

#include "ext/unicode.h"
#include "model/page.h"
#include "model/presence.h"
#include "queries.h"

/* ---- wire form ---- */

static const char *const kinds[] = {"human", "assistant", "bot", "system", NULL};
static const char *const roles[] = {"user", "auditor", "moderator", "admin", NULL};
static const char *const states[] = {"active", "suspended", "deleted", NULL};
const char *const user_genders[] = {"unknown", "female", "male", "other", NULL};

/* The fields of struct user, where it begins at `base` of the struct. */
#define USER_FIELDS(base)                                                                                    \
    {.name = "id", .type = FIELD_ID, .at = (base) + offsetof(struct user, id)},                              \
        {.name = "username", .type = FIELD_STR, .at = (base) + offsetof(struct user, username)},             \
        {.name = "nickname", .type = FIELD_STR, .at = (base) + offsetof(struct user, nickname)},             \
        {.name = "signature", .type = FIELD_STR, .at = (base) + offsetof(struct user, signature)},           \
        {.name = "avatar_file_id",                                                                           \
         .type = FIELD_ID,                                                                                   \
         .flags = F_NULLABLE,                                                                                \
         .at = (base) + offsetof(struct user, avatar_file_id)},                                              \
        {.name = "gender",                                                                                   \
         .type = FIELD_ENUM,                                                                                 \
         .at = (base) + offsetof(struct user, gender),                                                       \
         .names = user_genders},                                                                             \
        {.name = "kind", .type = FIELD_ENUM, .at = (base) + offsetof(struct user, kind), .names = kinds},    \
        {.name = "online", .type = FIELD_BOOL, .at = (base) + offsetof(struct user, online)},                \
        {.name = "last_seen_at",                                                                             \
         .type = FIELD_TIME,                                                                                 \
         .flags = F_NULLABLE,                                                                                \
         .at = (base) + offsetof(struct user, last_seen_at)},                                                \
    {                                                                                                        \
        .name = "version", .type = FIELD_INT, .at = (base) + offsetof(struct user, version)                  \
    }

static const struct field user_fields[] = {USER_FIELDS(0)};
const struct shape user_shape = SHAPE("User", struct user, user_fields);

static const struct field settings_fields[] = {
    {.name = "strangers_may_write", .type = FIELD_BOOL, .at = offsetof(struct settings, strangers_may_write)},
    {.name = "findable", .type = FIELD_BOOL, .at = offsetof(struct settings, findable)},
    {.name = "show_last_seen", .type = FIELD_BOOL, .at = offsetof(struct settings, show_last_seen)},
};
static const struct shape settings_shape = SHAPE("Settings", struct settings, settings_fields);

static const struct field me_fields[] = {
    USER_FIELDS(offsetof(struct me, user)),
    {.name = "role", .type = FIELD_ENUM, .at = offsetof(struct me, role), .names = roles},
    {.name = "state", .type = FIELD_ENUM, .at = offsetof(struct me, state), .names = states},
    {.name = "locale", .type = FIELD_STR, .at = offsetof(struct me, locale)},
    {.name = "timezone", .type = FIELD_STR, .at = offsetof(struct me, timezone)},
    {.name = "settings", .type = FIELD_OBJECT, .at = offsetof(struct me, settings), .shape = &settings_shape},
    {.name = "created_at", .type = FIELD_TIME, .at = offsetof(struct me, created_at)},
};
const struct shape me_shape = SHAPE("Me", struct me, me_fields);

/* ---- the public profile ---- */

static struct str text_or_empty(struct str s)
{
    return s.p ? s : STR("");
}

static struct user from_row(const struct user_row *row)
{
    return (struct user){
        .id = row->id,
        .username = text_or_empty(row->username),
        .nickname = row->nickname,
        .signature = row->signature,
        .avatar_file_id = row->avatar_file_id,
        .gender = (int)row->gender,
        .kind = (int)row->kind,
        .version = (int64_t)row->version,
    };
}

/* Who of the rows shows the actor when he is here: himself, and friends who wish it and do not block him. */
static enum err who_shows(struct ctx *ctx, const struct user_row *rows, size_t n, uint64_t *ids,
                          size_t *n_ids)
{
    uint64_t *asked = arena_array(ctx->arena, n, sizeof *asked);
    struct friend_id_row *friends;
    size_t n_friends;

    *n_ids = 0;
    for (size_t i = 0; i < n; i++)
        asked[i] = rows[i].id;
    TRY(q_friends_showing(ctx, ctx->actor.user_id, asked, n, &friends, &n_friends));
    for (size_t i = 0; i < n; i++) {
        bool shows = rows[i].id == ctx->actor.user_id;
        for (size_t j = 0; j < n_friends && !shows; j++)
            shows = rows[i].show_last_seen && friends[j].friend_id == rows[i].id;
        if (shows && rows[i].state != STATE_DELETED)
            ids[(*n_ids)++] = rows[i].id;
    }
    return OK;
}

/* Fills online and last_seen_at. A presence that nobody can tell is shown as absence. */
static enum err add_presence(struct ctx *ctx, const struct user_row *rows, struct user *users, size_t n)
{
    uint64_t *ids = arena_array(ctx->arena, n, sizeof *ids);
    size_t n_ids;

    TRY(who_shows(ctx, rows, n, ids, &n_ids));
    struct presence *presence = arena_array(ctx->arena, n_ids, sizeof *presence);
    if (n_ids && ctx->redis && presence_of(ctx, ids, n_ids, presence) != OK)
        memset(presence, 0, n_ids * sizeof *presence);
    for (size_t i = 0, k = 0; i < n && k < n_ids; i++) {
        if (rows[i].id != ids[k])
            continue;
        users[i].online = presence[k].online;
        users[i].last_seen_at =
            presence[k].last_seen_at > rows[i].last_seen_at ? presence[k].last_seen_at : rows[i].last_seen_at;
        k++;
    }
    return OK;
}

/* Those of `ids` that exist, each once, in the database's order. */
static enum err load(struct ctx *ctx, const uint64_t *ids, size_t n, struct user_row **rows,
                     struct user **users, size_t *found)
{
    TRY(q_users_get(ctx, ctx->actor.app_id, ids, n, rows, found));
    *users = arena_array(ctx->arena, *found, sizeof **users);
    for (size_t i = 0; i < *found; i++)
        (*users)[i] = from_row(&(*rows)[i]);
    return *found ? add_presence(ctx, *rows, *users, *found) : OK;
}

enum err users_load(struct ctx *ctx, const uint64_t *ids, size_t n, struct user *out)
{
    struct user_row *rows;
    struct user *users;
    size_t found;

    TRY(load(ctx, ids, n, &rows, &users, &found));
    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < found && !out[i].id; j++)
            if (users[j].id == ids[i])
                out[i] = users[j];
    return OK;
}

enum err user_load(struct ctx *ctx, uint64_t id, struct user *out)
{
    struct user user;

    TRY(users_load(ctx, &id, 1, &user));
    if (!user.id)
        return fail(ctx, ERR_NOT_FOUND, "no such person");
    *out = user;
    return OK;
}

enum err users_profiles(struct ctx *ctx, const uint64_t *ids, size_t n, struct list *out)
{
    struct user_row *rows;
    struct user *users;
    size_t found, kept = 0;

    TRY(load(ctx, ids, n, &rows, &users, &found));
    for (size_t i = 0; i < found; i++) {
        bool again = rows[i].state == STATE_DELETED;
        for (size_t j = 0; j < kept && !again; j++)
            again = users[j].id == users[i].id;
        if (!again)
            users[kept++] = users[i];
    }
    *out = (struct list){users, kept};
    return OK;
}

enum err user_profile(struct ctx *ctx, uint64_t id, struct user *out)
{
    struct list list;

    TRY(users_profiles(ctx, &id, 1, &list));
    if (!list.n)
        return fail(ctx, ERR_NOT_FOUND, "no such person");
    *out = *(struct user *)list.items;
    return OK;
}

/* ---- finding ---- */

/* Where a page of hits goes on: the list (username or nickname) and the last person shown. */
enum { BY_USERNAME, BY_NICKNAME };

struct search {
    struct str key, pattern; /* the text, and what LIKE wants */
    size_t limit;
    uint64_t ids[PAGE_MAX + 1];
    int lists[PAGE_MAX + 1];
    size_t n;
};

static struct str like_prefix(struct arena *arena, struct str key, bool whole)
{
    struct buf b = buf_in(arena);

    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] == '!' || key.p[i] == '%' || key.p[i] == '_')
            buf_char(&b, '!');
        buf_char(&b, key.p[i]);
    }
    if (!whole)
        buf_char(&b, '%');
    return buf_done(&b);
}

static void keep(struct search *s, int list, const struct found_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        s->ids[s->n] = rows[i].id;
        s->lists[s->n++] = list;
    }
}

static enum err find_by_username(struct ctx *ctx, struct search *s, struct str after)
{
    const uint64_t app = ctx->actor.app_id;
    struct found_row *rows;
    size_t n;

    if (!after.n) {
        const struct str exact = like_prefix(ctx->arena, s->key, true);
        TRY(q_users_by_username(
            ctx,
            &(struct q_users_by_username_in){
                .app_id = app, .pattern = exact, .after = STR(""), .except = STR(""), .max = 1},
            &rows, &n));
        keep(s, BY_USERNAME, rows, n);
    }
    const struct q_users_by_username_in in = {.app_id = app,
                                              .pattern = s->pattern,
                                              .after = after.n ? after : s->key,
                                              .except = s->key,
                                              .max = s->limit + 1 - s->n};
    TRY(q_users_by_username(ctx, &in, &rows, &n));
    keep(s, BY_USERNAME, rows, n);
    return OK;
}

static enum err find_by_nickname(struct ctx *ctx, struct search *s, struct str after, uint64_t after_id)
{
    struct found_row *rows;
    size_t n;

    if (s->n > s->limit)
        return OK;
    const struct q_users_by_nickname_in in = {.app_id = ctx->actor.app_id,
                                              .pattern = s->pattern,
                                              .after = after,
                                              .after_id = after_id,
                                              .max = s->limit + 1 - s->n};
    TRY(q_users_by_nickname(ctx, &in, &rows, &n));
    keep(s, BY_NICKNAME, rows, n);
    return OK;
}

/* From the last person of the page before: his names now say where to go on. Who is gone ends the list. */
static enum err find_from(struct ctx *ctx, struct search *s, struct page_mark mark)
{
    struct keys_row keys;

    const enum err err = q_user_keys(ctx, ctx->actor.app_id, mark.id, &keys);
    if (err == ERR_NOT_FOUND)
        return OK;
    TRY(err);
    if (mark.at == BY_NICKNAME)
        return find_by_nickname(ctx, s, keys.nickname_key, mark.id);
    TRY(find_by_username(ctx, s, text_or_empty(keys.username_key)));
    return find_by_nickname(ctx, s, STR(""), 0);
}

enum err users_find(struct ctx *ctx, struct str text, struct str cursor, size_t limit, struct list *out,
                    struct str *next)
{
    struct search *s = arena_alloc(ctx->arena, sizeof *s);
    struct page_mark mark = {0};

    *s = (struct search){.key = unicode_key(ctx->arena, text), .limit = limit < PAGE_MAX ? limit : PAGE_MAX};
    s->pattern = like_prefix(ctx->arena, s->key, false);
    *out = (struct list){0};
    *next = STR_NONE;
    TRY(page_mark_of(ctx, cursor, &mark));
    if (!s->key.n)
        return OK;
    if (mark.id) {
        TRY(find_from(ctx, s, mark));
    } else {
        TRY(find_by_username(ctx, s, STR("")));
        TRY(find_by_nickname(ctx, s, STR(""), 0));
    }
    if (s->n > s->limit) {
        s->n = s->limit;
        *next = page_cursor(ctx->arena, (struct page_mark){s->lists[s->n - 1], s->ids[s->n - 1]});
    }
    struct user *users = arena_array(ctx->arena, s->n, sizeof *users);
    *out = (struct list){users, s->n};
    return s->n ? users_load(ctx, s->ids, s->n, users) : OK;
}

/* ---- raising the version ---- */

enum err user_touch(struct ctx *ctx, uint64_t id, uint64_t *version)
{
    struct version_row row;
    uint64_t touched;

    TRY(q_user_touch(ctx, id, &touched));
    if (!touched)
        return fail(ctx, ERR_NOT_FOUND, "no such person");
    TRY(q_user_version(ctx, id, &row));
    *version = row.version;
    return OK;
}
