/* Assistants: who may use which, and the operator's acts. */
#include "model/assistants.h"

#include "ext/unicode.h"
#include "model/accounts.h"
#include "model/audit.h"
#include "model/files.h"
#include "model/groups.h"
#include "model/page.h"

/* ---- for people ---- */

enum err assistant_for(struct ctx *ctx, uint64_t id, struct assistant_row *out)
{
    const enum err err = q_assistant_usable(ctx, ctx->actor.app_id, ctx->actor.user_id, id, out);
    return err == ERR_NOT_FOUND ? fail(ctx, err, "no such assistant") : err;
}

enum err assistants_list(struct ctx *ctx, struct str cursor, size_t limit, struct list *out, struct str *next)
{
    const struct actor *me = &ctx->actor;
    struct page_mark after = {0};
    struct assistant_row *rows;
    size_t n;

    TRY(page_mark_of(ctx, cursor, &after));
    TRY(q_assistants_usable(ctx, me->app_id, me->user_id, after.id, limit + 1, &rows, &n));
    *next = STR_NONE;
    if (n > limit) {
        n = limit;
        *next = page_cursor(ctx->arena, (struct page_mark){.id = rows[n - 1].user_id});
    }
    uint64_t *ids = arena_array(ctx->arena, n, sizeof *ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = rows[i].user_id;
    return users_profiles(ctx, ids, n, out);
}

/* ---- for the operator ---- */

static enum err check(struct ctx *ctx, const struct assistant_new *in)
{
    size_t chars = 0;

    if (!utf8_check(in->nickname, &chars) || chars < 1 || chars > NICKNAME_MAX)
        return fail_field(ctx, "nickname", "must have 1 to %d characters", NICKNAME_MAX);
    TRY(nickname_check(ctx, in->nickname));
    if (!utf8_check(in->prompt, &chars) || chars > ASSISTANT_PROMPT_MAX)
        return fail_field(ctx, "prompt", "must be UTF-8 of at most %d characters", ASSISTANT_PROMPT_MAX);
    if (in->n_usernames + in->n_groups > ASSISTANT_ALLOWED_MAX)
        return fail_field(ctx, "for", "must be at most %d people and groups", ASSISTANT_ALLOWED_MAX);
    return OK;
}

static enum err allow_people(struct ctx *ctx, const struct assistant_new *in, uint64_t id)
{
    for (size_t i = 0; i < in->n_usernames; i++) {
        struct account_row person;
        const struct str name = in->usernames[i];
        const enum err err =
            q_user_by_username(ctx, ctx->actor.app_id, unicode_key(ctx->arena, name), &person);
        if (err == ERR_NOT_FOUND)
            return fail(ctx, err, "there is nobody called %.*s", STR_ARG(name));
        TRY(err);
        TRY(q_assistant_allow(ctx, id, person.id, NULL));
    }
    for (size_t i = 0; i < in->n_groups; i++)
        TRY(q_assistant_allow(ctx, id, in->group_ids[i], NULL));
    return OK;
}

static enum err add(struct ctx *ctx, void *arg)
{
    const struct assistant_new *in = arg;
    const bool listed = in->n_usernames || in->n_groups;
    struct str key;
    uint64_t id;

    TRY(username_check(ctx, in->username, &key));
    TRY(ctx_id(ctx, &id));
    const struct q_user_insert_assistant_in row = {.id = id,
                                                   .app_id = ctx->actor.app_id,
                                                   .username = in->username,
                                                   .username_key = key,
                                                   .nickname = in->nickname,
                                                   .nickname_key = nickname_key(ctx->arena, in->nickname)};
    const enum err err = q_user_insert_assistant(ctx, &row, NULL);
    if (err == ERR_DUPLICATE)
        return fail(ctx, ERR_USERNAME_TAKEN, "this username belongs to somebody");
    TRY(err);
    const struct q_assistant_insert_in assistant = {id,     ctx->actor.app_id, in->provider, in->prompt,
                                                    listed, in->pictures};
    TRY(q_assistant_insert(ctx, &assistant, NULL));
    TRY(allow_people(ctx, in, id));
    return audit_add(ctx, AUDIT_ADMIN_ASSISTANT, "user", id, "added");
}

enum err assistant_add(struct ctx *ctx, const struct assistant_new *in)
{
    struct assistant_new copy = *in;
    size_t chars = 0;

    if (!utf8_check(in->username, &chars) || chars > USERNAME_MAX)
        return fail_field(ctx, "username", "must have at most %d characters", USERNAME_MAX);
    TRY(check(ctx, in));
    return tx_run(ctx, add, &copy);
}

static enum err find(struct ctx *ctx, struct str name, struct account_row *out)
{
    const enum err err = q_user_by_username(ctx, ctx->actor.app_id, unicode_key(ctx->arena, name), out);

    if (err == ERR_NOT_FOUND || (err == OK && out->kind != KIND_ASSISTANT))
        return fail(ctx, ERR_NOT_FOUND, "there is no assistant called %.*s", STR_ARG(name));
    return err;
}

enum err assistant_become(struct ctx *ctx, struct str username)
{
    struct account_row found;

    TRY(find(ctx, username, &found));
    ctx->actor.user_id = found.id;
    return OK;
}

static enum err set_avatar(struct ctx *ctx, void *arg)
{
    const uint64_t *file_id = arg, me = ctx->actor.user_id;

    TRY(q_assistant_set_avatar(ctx, me, *file_id, NULL));
    ctx->actor.user_id = 0; /* the operator did it */
    return audit_add(ctx, AUDIT_ADMIN_ASSISTANT, "user", me, "avatar");
}

enum err assistant_set_avatar(struct ctx *ctx, uint64_t file_id)
{
    TRY(file_check_avatar(ctx, file_id));
    return tx_run(ctx, set_avatar, &file_id);
}

static enum err remove_it(struct ctx *ctx, void *arg)
{
    const struct str *name = arg;
    struct account_row found, locked;

    TRY(find(ctx, *name, &found));
    TRY(q_user_lock(ctx, ctx->actor.app_id, found.id, &locked));
    ctx->actor.user_id = found.id; /* it leaves as a person does */
    TRY(groups_abandon(ctx));
    TRY(files_condemn(ctx));
    ctx->actor.user_id = 0;
    TRY(q_assistant_delete(ctx, found.id, NULL));
    TRY(q_assistant_allowed_delete(ctx, found.id, NULL));
    TRY(q_assistant_bury(ctx, found.id, NULL));
    return audit_add(ctx, AUDIT_ADMIN_ASSISTANT, "user", found.id, "removed");
}

enum err assistant_remove(struct ctx *ctx, struct str username)
{
    return tx_run(ctx, remove_it, &username);
}

enum err assistants_all(struct ctx *ctx, uint64_t after, size_t max, struct assistant_listed_row **out,
                        size_t *n)
{
    return q_assistants_page(ctx, ctx->actor.app_id, after, max, out, n);
}
