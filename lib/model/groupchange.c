/* Groups: making, changing, handing over, dismissing one; and what becomes of them when somebody leaves the
 * house. */
#include "base/clock.h"
#include "ext/unicode.h"
#include "model/audit.h"
#include "model/files.h"
#include "model/grouplock.h"
#include "model/joinrequests.h"

static enum err check_name(struct ctx *ctx, struct str name)
{
    if (!unicode_is_plain(name, false))
        return fail_field(ctx, "name", "must be one visible line without control characters");
    return OK;
}

/* ---- wire form ---- */

#define AT(member) .at = offsetof(struct group_change, member)
#define HAS(member) .has_at = offsetof(struct group_change, member)
static const struct field change_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, AT(id)},
    {.name = "name", .type = FIELD_STR, AT(name), HAS(has_name), .min = 1, .max = GROUP_NAME_MAX},
    {.name = "avatar_file_id", .type = FIELD_ID, .flags = F_NULLABLE, AT(avatar_file_id), HAS(has_avatar)},
    {.name = "announcement",
     .type = FIELD_STR,
     .flags = F_NULLABLE,
     AT(announcement),
     HAS(has_announcement),
     .max = ANNOUNCEMENT_MAX},
    {.name = "join_policy",
     .type = FIELD_ENUM,
     AT(join_policy),
     HAS(has_join_policy),
     .names = join_policies},
    {.name = "mute_all", .type = FIELD_BOOL, AT(mute_all), HAS(has_mute_all)},
    {.name = "history_for_new", .type = FIELD_BOOL, AT(history_for_new), HAS(has_history_for_new)},
    {.name = "strangers_may_write",
     .type = FIELD_BOOL,
     AT(strangers_may_write),
     HAS(has_strangers_may_write)},
};
#undef AT
#undef HAS
const struct shape group_change_shape = SHAPE("UpdateGroupRequest", struct group_change, change_fields);

/* ---- making ---- */

enum err group_make(struct ctx *ctx, struct str name, enum join_policy policy, const uint64_t *ids, size_t n,
                    uint64_t *id)
{
    const uint64_t me = ctx->actor.user_id;
    struct buf params = says_begin(ctx);
    struct group_held g;
    bool any;

    TRY(check_name(ctx, name));
    TRY(ctx_id(ctx, id));
    TRY(q_group_insert(ctx, *id, ctx->actor.app_id, me, clock_wall_ms(), NULL));
    TRY(q_group_profile_insert(ctx, *id, name, policy, NULL));
    TRY(group_hold_any(ctx, *id, &g));
    TRY(group_let_in(ctx, &g, &me, 1));
    const struct q_group_member_update_in owner = {
        .conversation_id = *id, .user_id = me, .role = GROUP_OWNER, .muted_until = 0, .nickname = STR("")};
    TRY(q_group_member_update(ctx, &owner, NULL));
    says_id(&params, "user_id", me);
    says_text(&params, "name", name);
    TRY(group_say(ctx, &g, "group.created", &params));
    return n ? group_bring_in(ctx, *id, ids, n, &any) : OK;
}

/* ---- changing ---- */

/* What becomes of the group: its profile and its flags. */
struct wanted {
    struct q_group_profile_update_in profile;
    uint64_t flags;
};

static uint64_t flag(uint64_t flags, uint64_t bit, unsigned char has, bool on)
{
    return has != HAS_VALUE ? flags : on ? flags | bit : flags & ~bit;
}

static struct wanted wanted_of(struct ctx *ctx, const struct group_held *g, const struct group_change *c)
{
    const struct group_row *now = &g->group;
    struct wanted w = {
        .profile = {.id = now->id,
                    .name = c->has_name ? c->name : now->name,
                    .avatar_file_id = c->has_avatar ? c->avatar_file_id : now->avatar_file_id,
                    .announcement = now->announcement,
                    .announcement_by = now->announcement_by,
                    .announcement_at = now->announcement_at,
                    .join_policy = c->has_join_policy ? (uint64_t)c->join_policy : now->join_policy},
        .flags = g->conv.flags};
    const struct str announcement = c->has_announcement == HAS_VALUE ? c->announcement : STR("");

    if (c->has_announcement && !str_eq(announcement, now->announcement)) {
        w.profile.announcement = announcement;
        w.profile.announcement_by = ctx->actor.user_id;
        w.profile.announcement_at = clock_wall_ms();
    }
    w.flags = flag(w.flags, GROUP_MUTE_ALL, c->has_mute_all, c->mute_all);
    w.flags = flag(w.flags, GROUP_HISTORY_FOR_NEW, c->has_history_for_new, c->history_for_new);
    w.flags = flag(w.flags, GROUP_STRANGERS_MAY_WRITE, c->has_strangers_may_write, c->strangers_may_write);
    return w;
}

static struct buf by_me(struct ctx *ctx)
{
    struct buf params = says_begin(ctx);

    says_id(&params, "by", ctx->actor.user_id);
    return params;
}

/* The profile: an entry for each thing that changed. */
static enum err say_profile(struct ctx *ctx, struct group_held *g, const struct wanted *w)
{
    struct buf params;

    if (!str_eq(w->profile.name, g->group.name)) {
        params = by_me(ctx);
        says_text(&params, "name", w->profile.name);
        TRY(group_say(ctx, g, "group.renamed", &params));
    }
    if (w->profile.avatar_file_id != g->group.avatar_file_id) {
        params = by_me(ctx);
        TRY(group_say(ctx, g, "group.avatar", &params));
    }
    if (!str_eq(w->profile.announcement, g->group.announcement)) {
        params = by_me(ctx);
        says_text(&params, "text", w->profile.announcement);
        TRY(group_say(ctx, g, "group.announcement", &params));
    }
    return OK;
}

static enum err say_settings(struct ctx *ctx, struct group_held *g, const struct wanted *w, uint64_t flags)
{
    const uint64_t changed = flags ^ w->flags;
    struct buf params = by_me(ctx);

    if (changed & GROUP_MUTE_ALL) {
        struct buf mute = by_me(ctx);
        TRY(group_say(ctx, g, w->flags & GROUP_MUTE_ALL ? "group.muted" : "group.unmuted", &mute));
    }
    const size_t nothing = params.n;
    if (w->profile.join_policy != g->group.join_policy)
        says_text(&params, "join_policy", str_of(join_policies[w->profile.join_policy]));
    if (changed & GROUP_HISTORY_FOR_NEW)
        says_bool(&params, "history_for_new", w->flags & GROUP_HISTORY_FOR_NEW);
    if (changed & GROUP_STRANGERS_MAY_WRITE)
        says_bool(&params, "strangers_may_write", w->flags & GROUP_STRANGERS_MAY_WRITE);
    return params.n > nothing ? group_say(ctx, g, "group.settings", &params) : OK;
}

static enum err check_change(struct ctx *ctx, const struct group_change *c)
{
    if (c->has_name)
        TRY(check_name(ctx, c->name));
    if (c->has_announcement == HAS_VALUE && c->announcement.n && !unicode_is_plain(c->announcement, true))
        return fail_field(ctx, "announcement", "must be visible text without control characters");
    return c->has_avatar == HAS_VALUE ? file_check_avatar(ctx, c->avatar_file_id) : OK;
}

enum err group_update(struct ctx *ctx, const struct group_change *change)
{
    struct group_held g;

    TRY(group_hold(ctx, change->id, GROUP_ADMIN, &g));
    TRY(check_change(ctx, change));
    const struct wanted w = wanted_of(ctx, &g, change);
    const uint64_t flags = g.conv.flags;
    const bool is_same =
        str_eq(w.profile.name, g.group.name) && w.profile.avatar_file_id == g.group.avatar_file_id &&
        str_eq(w.profile.announcement, g.group.announcement) && w.profile.join_policy == g.group.join_policy;
    if (is_same && w.flags == flags)
        return OK;
    if (!is_same)
        TRY(q_group_profile_update(ctx, &w.profile, NULL));
    TRY(q_conversation_set_flags(ctx, g.conv.id, w.flags, NULL));
    g.conv.flags = w.flags;
    g.conv.version++;
    TRY(say_profile(ctx, &g, &w));
    TRY(say_settings(ctx, &g, &w, flags));
    group_tell(ctx, &g);
    return OK;
}

/* ---- its owner ---- */

static enum err set_role(struct ctx *ctx, const struct group_held *g, const struct group_member_row *member,
                         enum group_role role)
{
    const struct q_group_member_update_in in = {.conversation_id = g->conv.id,
                                                .user_id = member->user_id,
                                                .role = role,
                                                .muted_until = member->muted_until,
                                                .nickname = member->nickname};
    return q_group_member_update(ctx, &in, NULL);
}

static enum err pass_on(struct ctx *ctx, struct group_held *g, const struct group_member_row *heir)
{
    const uint64_t from = g->group.owner_id;
    struct buf params = says_begin(ctx);
    struct group_member_row new_owner = *heir;

    new_owner.muted_until = 0; /* there is nobody who could take it back */
    TRY(set_role(ctx, g, &g->me, GROUP_ADMIN));
    TRY(set_role(ctx, g, &new_owner, GROUP_OWNER));
    g->group.owner_id = heir->user_id;
    g->me.version++;
    TRY(group_members_saved(ctx, g));
    says_id(&params, "from", from);
    says_id(&params, "to", heir->user_id);
    TRY(group_say(ctx, g, "group.owner", &params));
    group_tell(ctx, g);
    return audit_add(ctx, AUDIT_GROUP_OWNER, "group", g->conv.id, NULL);
}

enum err group_hand_over(struct ctx *ctx, uint64_t id, uint64_t user_id)
{
    struct group_member_row heir;
    struct group_held g;
    struct user who;

    TRY(group_hold(ctx, id, GROUP_OWNER, &g));
    TRY(group_held_member(ctx, &g, user_id, &heir));
    TRY(user_load(ctx, user_id, &who));
    if (who.kind != KIND_HUMAN)
        return fail(ctx, ERR_FORBIDDEN, "a group belongs to a person");
    return user_id == ctx->actor.user_id ? OK : pass_on(ctx, &g, &heir);
}

/* ---- its end ---- */

static enum err dismiss(struct ctx *ctx, struct group_held *g)
{
    struct buf params = by_me(ctx);

    TRY(group_say(ctx, g, "group.dismissed", &params));
    TRY(group_end(ctx, g));
    return audit_add(ctx, AUDIT_GROUP_DISMISSED, "group", g->conv.id, NULL);
}

enum err group_dismiss(struct ctx *ctx, uint64_t id)
{
    struct group_held g;

    TRY(group_hold(ctx, id, GROUP_OWNER, &g));
    return dismiss(ctx, &g);
}

/* ---- leaving the house ---- */

static enum err abandon(struct ctx *ctx, uint64_t id)
{
    struct buf params = says_begin(ctx);
    struct group_member_row heir;
    struct group_held g;

    const enum err found = group_hold(ctx, id, GROUP_MEMBER, &g);
    if (found == ERR_NOT_FOUND) /* somebody removed him just now */
        return OK;
    TRY(found);
    if (g.me.role == GROUP_OWNER) {
        const enum err err = q_group_heir(ctx, id, ctx->actor.user_id, &heir);
        if (err == ERR_NOT_FOUND)
            return dismiss(ctx, &g);
        TRY(err);
        TRY(pass_on(ctx, &g, &heir));
    }
    TRY(group_let_out(ctx, &g, &g.me, GROUP_LEFT));
    says_id(&params, "user_id", ctx->actor.user_id);
    return group_say(ctx, &g, "member.left", &params);
}

enum err groups_abandon(struct ctx *ctx)
{
    struct group_id_row *groups;
    size_t n;

    TRY(q_groups_of(ctx, ctx->actor.user_id, &groups, &n));
    for (size_t i = 0; i < n; i++)
        TRY(abandon(ctx, groups[i].id));
    return join_requests_abandon(ctx);
}
