/* Groups: who comes in by a friend's hand, who is removed, and what somebody is in it. */
#include <stdlib.h>

#include "base/clock.h"
#include "ext/unicode.h"
#include "model/assistants.h"
#include "model/audit.h"
#include "model/grouplock.h"

/* ---- bringing friends in ---- */

static int compare_ids(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Those of `ids` who are not in it, each once, ascending. */
static enum err newcomers(struct ctx *ctx, const struct group_held *g, const uint64_t *ids, size_t n,
                          uint64_t **out, size_t *n_out)
{
    struct group_member_row *inside;
    size_t n_inside;

    uint64_t *sorted = arena_array(ctx->arena, n, sizeof *sorted);
    memcpy(sorted, ids, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_ids);
    TRY(q_group_members_get(ctx, g->conv.id, sorted, n, &inside, &n_inside));
    *out = sorted;
    *n_out = 0;
    for (size_t i = 0; i < n; i++) {
        bool skip = *n_out && sorted[i] == sorted[*n_out - 1];
        for (size_t j = 0; j < n_inside && !skip; j++)
            skip = inside[j].user_id == sorted[i];
        if (!skip)
            sorted[(*n_out)++] = sorted[i];
    }
    return OK;
}

/* All are friends of the actor, or assistants that he may use, and nobody blocks anybody. */
static enum err check_friends(struct ctx *ctx, const uint64_t *ids, size_t n)
{
    bool *is_friend = arena_array(ctx->arena, n, sizeof *is_friend);
    struct group_pair_row *pairs;
    struct assistant_row assistant;
    size_t n_pairs;

    TRY(q_group_pairs(ctx, ctx->actor.user_id, ids, n, &pairs, &n_pairs));
    for (size_t i = 0; i < n_pairs; i++) {
        if (pairs[i].flags & (PAIR_LOW_BLOCKS | PAIR_HIGH_BLOCKS))
            return fail(ctx, ERR_BLOCKED, "one of you has blocked the other");
        for (size_t j = 0; j < n; j++)
            is_friend[j] |= ids[j] == pairs[i].other_id && (pairs[i].flags & PAIR_FRIENDS);
    }
    for (size_t j = 0; j < n; j++) {
        const enum err err = is_friend[j] ? OK : assistant_for(ctx, ids[j], &assistant);
        if (err == ERR_NOT_FOUND)
            return fail(ctx, ERR_NOT_FRIENDS, "only friends can be brought into a group");
        TRY(err);
    }
    return OK;
}

/* People of another app, and who is gone, do not exist: said before anything else is. */
static enum err check_there(struct ctx *ctx, const uint64_t *ids, size_t n)
{
    struct list found;

    TRY(users_profiles(ctx, ids, n, &found));
    return found.n == n ? OK : fail(ctx, ERR_NOT_FOUND, "no such person");
}

enum err group_bring_in(struct ctx *ctx, uint64_t id, const uint64_t *ids, size_t n, bool *any)
{
    struct buf params = says_begin(ctx);
    struct group_held g;
    uint64_t *who;
    size_t n_who;

    TRY(group_hold(ctx, id, GROUP_MEMBER, &g));
    if (g.group.join_policy == JOIN_APPROVAL && g.me.role < GROUP_ADMIN)
        return fail(ctx, ERR_FORBIDDEN, "here the owner and admins decide who comes in");
    TRY(newcomers(ctx, &g, ids, n, &who, &n_who));
    *any = n_who > 0;
    if (!*any)
        return OK;
    TRY(check_there(ctx, who, n_who));
    TRY(check_friends(ctx, who, n_who));
    TRY(group_let_in(ctx, &g, who, n_who));
    says_id(&params, "by", ctx->actor.user_id);
    says_ids(&params, "user_ids", who, n_who);
    return group_say(ctx, &g, "member.added", &params);
}

/* ---- removing ---- */

static enum err leave(struct ctx *ctx, struct group_held *g)
{
    struct buf params = says_begin(ctx);

    if (g->me.role == GROUP_OWNER)
        return fail(ctx, ERR_CONFLICT, "hand the group over first, or dismiss it");
    TRY(group_let_out(ctx, g, &g->me, GROUP_LEFT));
    says_id(&params, "user_id", ctx->actor.user_id);
    return group_say(ctx, g, "member.left", &params);
}

/* An admin stands above members, the owner above all. */
static bool stands_above(const struct group_held *g, const struct group_member_row *member)
{
    return g->me.role >= GROUP_ADMIN && g->me.role > member->role;
}

enum err group_remove(struct ctx *ctx, uint64_t id, uint64_t user_id)
{
    struct buf params = says_begin(ctx);
    struct group_member_row member;
    struct group_held g;

    TRY(group_hold(ctx, id, GROUP_MEMBER, &g));
    if (user_id == ctx->actor.user_id)
        return leave(ctx, &g);
    TRY(group_held_member(ctx, &g, user_id, &member));
    if (!stands_above(&g, &member))
        return fail(ctx, ERR_FORBIDDEN, "you may not remove this member");
    TRY(group_let_out(ctx, &g, &member, GROUP_REMOVED));
    says_id(&params, "by", ctx->actor.user_id);
    says_id(&params, "user_id", user_id);
    return group_say(ctx, &g, "member.removed", &params);
}

/* ---- what somebody is in it ---- */

static enum err check_role(struct ctx *ctx, const struct group_held *g, const struct group_member_row *member,
                           int role)
{
    struct group_member_row *staff;
    size_t n;

    if (g->me.role != GROUP_OWNER || member->role == GROUP_OWNER)
        return fail(ctx, ERR_FORBIDDEN, "the owner alone says who is an admin");
    if (role != GROUP_ADMIN || member->role == GROUP_ADMIN)
        return OK;
    TRY(q_group_staff(ctx, g->conv.id, &staff, &n));
    return n <= GROUP_ADMINS_MAX ? OK
                                 : fail(ctx, ERR_QUOTA_EXCEEDED, "a group has %d admins", GROUP_ADMINS_MAX);
}

static enum err check_change(struct ctx *ctx, const struct group_held *g,
                             const struct group_member_row *member, const struct member_change *c)
{
    if (c->has_nickname && member->user_id != ctx->actor.user_id)
        return fail(ctx, ERR_FORBIDDEN, "a nickname is everybody's own");
    if (c->has_nickname == HAS_VALUE && c->nickname.n && !unicode_is_plain(c->nickname, false))
        return fail_field(ctx, "nickname", "must be one line without control characters");
    if (c->has_muted_until && !stands_above(g, member))
        return fail(ctx, ERR_FORBIDDEN, "you may not mute this member");
    return c->has_role ? check_role(ctx, g, member, c->role) : OK;
}

/* What is said in the log of a member who is otherwise now. */
static enum err say_change(struct ctx *ctx, struct group_held *g, const struct group_member_row *was,
                           const struct q_group_member_update_in *is)
{
    struct buf role = says_begin(ctx), mute = says_begin(ctx);

    says_id(&role, "by", ctx->actor.user_id);
    says_id(&role, "user_id", is->user_id);
    says_id(&mute, "by", ctx->actor.user_id);
    says_id(&mute, "user_id", is->user_id);
    if (is->role != was->role) {
        says_text(&role, "role", str_of(group_roles[is->role]));
        TRY(group_say(ctx, g, "group.role", &role));
        TRY(audit_add(ctx, AUDIT_GROUP_ROLE, "group", g->conv.id, group_roles[is->role]));
    }
    if (is->muted_until == was->muted_until)
        return OK;
    if (!is->muted_until)
        return group_say(ctx, g, "group.member_unmuted", &mute);
    says_number(&mute, "until", is->muted_until);
    return group_say(ctx, g, "group.member_muted", &mute);
}

/* A nickname is news for his own devices; what he is, for all. */
static void tell_me(struct ctx *ctx, const struct group_held *g)
{
    event_add(
        &ctx->events, ctx->arena,
        (struct event){
            .kind = EVENT_GROUP, .to_id = ctx->actor.user_id, .id = g->conv.id, .version = g->conv.version});
}

enum err group_member_change(struct ctx *ctx, uint64_t id, uint64_t user_id,
                             const struct member_change *change)
{
    const int64_t now = clock_wall_ms();
    struct group_member_row was;
    struct group_held g;

    TRY(group_hold(ctx, id, GROUP_MEMBER, &g));
    TRY(group_held_member(ctx, &g, user_id, &was));
    TRY(check_change(ctx, &g, &was, change));
    if (was.muted_until <= now)
        was.muted_until = 0;
    struct q_group_member_update_in is = {.conversation_id = id,
                                          .user_id = user_id,
                                          .role = change->has_role ? (uint64_t)change->role : was.role,
                                          .muted_until = was.muted_until,
                                          .nickname = was.nickname};
    if (change->has_muted_until)
        is.muted_until =
            change->has_muted_until == HAS_VALUE && change->muted_until > now ? change->muted_until : 0;
    if (change->has_nickname)
        is.nickname = change->has_nickname == HAS_VALUE ? change->nickname : STR("");
    const bool is_as_it_was = is.role == was.role && is.muted_until == was.muted_until;
    if (is_as_it_was && str_eq(is.nickname, was.nickname))
        return OK;
    TRY(q_group_member_update(ctx, &is, NULL));
    if (is_as_it_was) {
        tell_me(ctx, &g);
        return OK;
    }
    TRY(group_members_saved(ctx, &g));
    TRY(say_change(ctx, &g, &was, &is));
    group_tell(ctx, &g);
    return OK;
}
