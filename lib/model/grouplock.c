#include "model/grouplock.h"

#include "base/clock.h"
#include "base/planted.h"
#include "model/house.h"
#include "model/joinrequests.h"
#include "model/log.h"

/* ---- the lock ---- */

static enum err no_such_group(struct ctx *ctx)
{
    return fail(ctx, ERR_NOT_FOUND, "no such group");
}

enum err group_hold_any(struct ctx *ctx, uint64_t id, struct group_held *out)
{
    struct group_member_row *rows;
    size_t n;

    TRY(conversation_lock(ctx, id, &out->conv));
    if (out->conv.kind != CONVERSATION_GROUP || out->conv.flags & GROUP_IS_DISMISSED)
        return no_such_group(ctx);
    TRY(q_group_get(ctx, id, &out->group));
    TRY(q_group_members_get(ctx, id, &ctx->actor.user_id, 1, &rows, &n));
    out->me = n ? *rows : (struct group_member_row){0};
    return OK;
}

enum err group_hold(struct ctx *ctx, uint64_t id, enum group_role role, struct group_held *out)
{
    TRY(group_hold_any(ctx, id, out));
    if (!out->me.user_id)
        return no_such_group(ctx);
    if (out->me.role < (uint64_t)role)
        return fail(ctx, ERR_FORBIDDEN, "this is for the owner%s", role == GROUP_ADMIN ? " and admins" : "");
    return OK;
}

enum err group_held_member(struct ctx *ctx, const struct group_held *g, uint64_t user_id,
                           struct group_member_row *out)
{
    struct group_member_row *rows;
    size_t n;

    TRY(q_group_members_get(ctx, g->conv.id, &user_id, 1, &rows, &n));
    if (!n)
        return fail(ctx, ERR_NOT_FOUND, "no such member");
    *out = *rows;
    return OK;
}

enum err group_members_saved(struct ctx *ctx, struct group_held *g)
{
    TRY(q_group_members_changed(ctx, g->conv.id, g->conv.flags, g->group.owner_id, g->group.member_count,
                                NULL));
    g->conv.version++;
    g->conv.members_version++;
    return OK;
}

void group_tell(struct ctx *ctx, const struct group_held *g)
{
    event_add(&ctx->events, ctx->arena,
              (struct event){.kind = EVENT_GROUP, .id = g->conv.id, .version = g->conv.version});
}

/* ---- what the house says ---- */

struct buf says_begin(struct ctx *ctx)
{
    struct buf b = buf_in(ctx->arena);

    buf_char(&b, '{');
    return b;
}

static void name(struct buf *b, const char *text)
{
    buf_printf(b, "%s\"%s\":", b->n > 1 ? "," : "", text);
}

static void quoted_id(struct buf *b, uint64_t id)
{
    buf_char(b, '"');
    buf_u64(b, id);
    buf_char(b, '"');
}

void says_id(struct buf *params, const char *field, uint64_t id)
{
    name(params, field);
    quoted_id(params, id);
}

void says_ids(struct buf *params, const char *field, const uint64_t *ids, size_t n)
{
    name(params, field);
    for (size_t i = 0; i < n; i++) {
        buf_char(params, i ? ',' : '[');
        quoted_id(params, ids[i]);
    }
    buf_char(params, ']');
}

void says_text(struct buf *params, const char *field, struct str text)
{
    name(params, field);
    buf_json(params, text);
}

void says_number(struct buf *params, const char *field, int64_t number)
{
    name(params, field);
    buf_i64(params, number);
}

void says_bool(struct buf *params, const char *field, bool value)
{
    name(params, field);
    buf_c(params, value ? "true" : "false");
}

enum err group_say(struct ctx *ctx, struct group_held *g, const char *code, struct buf *params)
{
    buf_char(params, '}');
    return log_append_system(ctx, &g->conv, code, buf_done(params));
}

/* ---- coming in ---- */

/* Holds their rows: who leaves the house at the same moment is gone by now, or will find that he is in. */
static enum err check_people(struct ctx *ctx, const uint64_t *ids, size_t n)
{
    struct group_person_row *people;
    size_t n_people;

    TRY(q_group_people_lock(ctx, ctx->actor.app_id, ids, n, &people, &n_people));
    if (n_people < n)
        return fail(ctx, ERR_NOT_FOUND, "no such person");
    for (size_t i = 0; i < n_people; i++) {
        if (people[i].state == STATE_DELETED)
            return fail(ctx, ERR_NOT_FOUND, "no such person");
        if (people[i].kind != KIND_HUMAN && people[i].kind != KIND_ASSISTANT)
            return fail(ctx, ERR_FORBIDDEN, "only people and assistants can be in a group");
    }
    return OK;
}

static enum err check_room(struct ctx *ctx, const struct group_held *g, const uint64_t *ids, size_t n)
{
    const struct conf *conf = house_conf(ctx->house);
    struct group_count_row *counts;
    size_t n_counts;

    if (g->group.member_count + n > (uint64_t)conf->group_members_max)
        return fail(ctx, ERR_GROUP_FULL, "a group holds %d people", conf->group_members_max);
    TRY(q_groups_count(ctx, ids, n, &counts, &n_counts));
    for (size_t i = 0; i < n_counts; i++)
        if (counts[i].n >= conf->groups_max)
            return fail(ctx, ERR_QUOTA_EXCEEDED, "%s in as many groups as one can be",
                        counts[i].user_id == ctx->actor.user_id ? "you are" : "somebody is");
    return OK;
}

enum err group_let_in(struct ctx *ctx, struct group_held *g, const uint64_t *ids, size_t n)
{
    const uint64_t before = g->conv.last_seq;
#if PLANTED_BUG == PAST_FOR_ALL
    const uint64_t first = 1;
#else
    const uint64_t first = g->conv.flags & GROUP_HISTORY_FOR_NEW ? 1 : before + 1;
#endif
    const int64_t now = clock_wall_ms();

    TRY(check_people(ctx, ids, n));
    TRY(check_room(ctx, g, ids, n));
    TRY(join_requests_lapse(ctx, g, ids, n));
    for (size_t i = 0; i < n; i++) {
        const struct q_group_member_put_in in = {.conversation_id = g->conv.id,
                                                 .user_id = ids[i],
                                                 .visible_from_seq = first,
                                                 .read_seq = before,
                                                 .role = GROUP_MEMBER,
                                                 .at = now};
        TRY(q_group_member_put(ctx, &in, NULL));
    }
    g->group.member_count += n;
    TRY(group_members_saved(ctx, g));
    for (size_t i = 0; i < n; i++)
        conversation_tell(ctx, &g->conv, ids[i]);
    group_tell(ctx, g);
    return OK;
}

enum err group_join(struct ctx *ctx, struct group_held *g, uint64_t user_id, const char *via, uint64_t by)
{
    struct buf params = says_begin(ctx);

    TRY(group_let_in(ctx, g, &user_id, 1));
    says_id(&params, "user_id", user_id);
    says_text(&params, "via", str_of(via));
    if (by)
        says_id(&params, "by", by);
    return group_say(ctx, g, "member.joined", &params);
}

/* ---- going out ---- */

static void tell_left(struct ctx *ctx, const struct group_held *g, uint64_t user_id, uint64_t member_version,
                      enum group_left_reason reason)
{
    event_add(&ctx->events, ctx->arena,
              (struct event){.kind = EVENT_GROUP_LEFT,
                             .to_id = user_id,
                             .id = g->conv.id,
                             .other_id = reason,
                             .version = g->conv.version + member_version + 1});
}

enum err group_let_out(struct ctx *ctx, struct group_held *g, const struct group_member_row *member,
                       enum group_left_reason reason)
{
    TRY(q_group_member_leave(ctx, g->conv.id, member->user_id, g->conv.last_seq, NULL));
    g->group.member_count--;
    TRY(group_members_saved(ctx, g));
#if PLANTED_BUG != LEFT_NOT_TOLD
    tell_left(ctx, g, member->user_id, member->version, reason);
#else
    (void)reason;
#endif
    group_tell(ctx, g);
    return OK;
}

enum err group_end(struct ctx *ctx, struct group_held *g)
{
    struct group_member_version_row *rows;
    size_t n;

    TRY(q_group_members_all(ctx, g->conv.id, &rows, &n));
    TRY(q_group_leave_all(ctx, g->conv.id, g->conv.last_seq, NULL));
    g->conv.flags |= GROUP_IS_DISMISSED;
    g->group.member_count = 0;
    TRY(group_members_saved(ctx, g));
    for (size_t i = 0; i < n; i++)
        tell_left(ctx, g, rows[i].user_id, rows[i].version, GROUP_DISMISSED);
    return join_requests_lapse_all(ctx, g);
}
