/*
 * groups: groups, who is in them, requests to join, links that lead in.
 *
 * Surprising: a group's id is its conversation's id, and each change is said in
 * that conversation's log by the house. Whoever is not in a group gets `not_found`
 * for all of it but its card, which an open or approval group shows to everybody.
 */
#include "model/groups.h"
#include "model/invitelinks.h"
#include "model/joinrequests.h"
#include "model/page.h"
#include "web/web.h"

#define IN(type, member) .at = offsetof(struct type, member)
#define HAS(type, member) .has_at = offsetof(struct type, member)

enum { MEMBER_ID_MAX = 20 };
#define MUTE_LATEST INT64_C(4102444800000) /* the year 2100 */

/* ---- what comes ---- */

/* Every path begins with a group; some have one thing more. */
struct path_in {
    uint64_t id, other_id;
};
#define GROUP_ID(in_struct)                                                                                  \
    {                                                                                                        \
        .name = "id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, IN(in_struct, id)                      \
    }
#define OTHER_ID(label)                                                                                      \
    {                                                                                                        \
        .name = (label), .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, IN(path_in, other_id)               \
    }
static const struct field id_fields[] = {GROUP_ID(path_in)};
static const struct shape id_in = SHAPE("GroupPath", struct path_in, id_fields);
static const struct field request_id_fields[] = {GROUP_ID(path_in), OTHER_ID("request_id")};
static const struct shape request_id_in = SHAPE("JoinRequestPath", struct path_in, request_id_fields);
static const struct field link_id_fields[] = {GROUP_ID(path_in), OTHER_ID("link_id")};
static const struct shape link_id_in = SHAPE("InviteLinkPath", struct path_in, link_id_fields);

struct page_of_in {
    uint64_t id;
    struct page_in page;
};
static const struct field page_of_fields[] = {GROUP_ID(page_of_in),
                                              PAGE_IN_FIELDS(offsetof(struct page_of_in, page))};
static const struct shape page_of_in = SHAPE("GroupPagePath", struct page_of_in, page_of_fields);

struct make_in {
    struct str name;
    struct list member_ids;
    int join_policy;
    unsigned char has_join_policy;
};
static const struct field make_fields[] = {
    {.name = "name",
     .type = FIELD_STR,
     .flags = F_REQUIRED,
     IN(make_in, name),
     .min = 1,
     .max = GROUP_NAME_MAX},
    {.name = "member_ids", .type = FIELD_IDS, IN(make_in, member_ids), .max = GROUP_BRING_MAX},
    {.name = "join_policy",
     .type = FIELD_ENUM,
     IN(make_in, join_policy),
     HAS(make_in, has_join_policy),
     .names = join_policies},
};
static const struct shape make_in = SHAPE("CreateGroupRequest", struct make_in, make_fields);

struct people_in {
    uint64_t id;
    struct list user_ids;
};
static const struct field people_fields[] = {
    GROUP_ID(people_in),
    {.name = "user_ids",
     .type = FIELD_IDS,
     .flags = F_REQUIRED,
     IN(people_in, user_ids),
     .min = 1,
     .max = GROUP_BRING_MAX},
};
static const struct shape people_in = SHAPE("AddGroupMembersRequest", struct people_in, people_fields);

/* The member is an id or `me`. */
struct member_in {
    uint64_t id;
    struct str user_id;
    struct member_change change;
};
static const char *const roles[] = {"member", "admin", NULL};
#define MEMBER_ID                                                                                            \
    {                                                                                                        \
        .name = "user_id", .type = FIELD_STR, .flags = F_PATH | F_REQUIRED, IN(member_in, user_id),          \
        .min = 1, .max = MEMBER_ID_MAX                                                                       \
    }
static const struct field member_path_fields[] = {GROUP_ID(member_in), MEMBER_ID};
static const struct shape member_path_in = SHAPE("GroupMemberPath", struct member_in, member_path_fields);
static const struct field member_fields[] = {
    GROUP_ID(member_in),
    MEMBER_ID,
    {.name = "role",
     .type = FIELD_ENUM,
     IN(member_in, change.role),
     HAS(member_in, change.has_role),
     .names = roles},
    {.name = "muted_until",
     .type = FIELD_INT,
     .flags = F_NULLABLE,
     IN(member_in, change.muted_until),
     HAS(member_in, change.has_muted_until),
     .max = MUTE_LATEST},
    {.name = "nickname",
     .type = FIELD_STR,
     .flags = F_NULLABLE,
     IN(member_in, change.nickname),
     HAS(member_in, change.has_nickname),
     .max = NICKNAME_MAX},
};
static const struct shape member_in = SHAPE("UpdateGroupMemberRequest", struct member_in, member_fields);

struct owner_in {
    uint64_t id, user_id;
};
static const struct field owner_fields[] = {
    GROUP_ID(owner_in),
    {.name = "user_id", .type = FIELD_ID, .flags = F_REQUIRED, IN(owner_in, user_id)},
};
static const struct shape owner_in = SHAPE("ChangeGroupOwnerRequest", struct owner_in, owner_fields);

struct ask_in {
    uint64_t id;
    struct str message;
};
static const struct field ask_fields[] = {
    GROUP_ID(ask_in),
    {.name = "message", .type = FIELD_STR, IN(ask_in, message), .max = JOIN_MESSAGE_MAX},
};
static const struct shape ask_in = SHAPE("CreateJoinRequest", struct ask_in, ask_fields);

struct link_in {
    uint64_t id;
    int64_t expires_in, max_uses; /* 0: not said */
};
static const struct field link_in_fields[] = {
    GROUP_ID(link_in),
    {.name = "expires_in",
     .type = FIELD_INT,
     IN(link_in, expires_in),
     .min = LINK_LIFE_MIN_S,
     .max = LINK_LIFE_MAX_S},
    {.name = "max_uses", .type = FIELD_INT, IN(link_in, max_uses), .min = 1, .max = LINK_USES_MAX},
};
static const struct shape link_in = SHAPE("CreateInviteLinkRequest", struct link_in, link_in_fields);

struct token_in {
    struct str token;
};
static const struct field token_fields[] = {
    {.name = "token",
     .type = FIELD_STR,
     .flags = F_PATH | F_REQUIRED | F_SECRET,
     IN(token_in, token),
     .min = 1,
     .max = LINK_TOKEN_MAX},
};
static const struct shape token_in = SHAPE("JoinPath", struct token_in, token_fields);

/* ---- what goes ---- */

static const struct field group_list_fields[] = {PAGE_OUT_FIELDS(&group_shape)};
static const struct shape group_list = SHAPE("GroupList", struct page_out, group_list_fields);
static const struct field member_list_fields[] = {PAGE_OUT_FIELDS(&group_member_shape)};
static const struct shape member_list = SHAPE("GroupMemberList", struct page_out, member_list_fields);
static const struct field ask_list_fields[] = {PAGE_OUT_FIELDS(&join_request_shape)};
static const struct shape ask_list = SHAPE("JoinRequestList", struct page_out, ask_list_fields);
static const struct field link_list_fields[] = {PAGE_OUT_FIELDS(&invite_link_shape)};
static const struct shape link_list = SHAPE("InviteLinkList", struct page_out, link_list_fields);

/* ---- groups ---- */

static uint64_t id_of(const struct req *r)
{
    return ((const struct path_in *)r->in)->id;
}

static enum err groups_get(struct req *r)
{
    const struct page_in *in = r->in;
    struct page_out *out = r->out;
    return groups_list(r->ctx, in->cursor, page_limit(in), &out->items, &out->next_cursor);
}

static enum err group_post(struct req *r)
{
    const struct make_in *in = r->in;
    const enum join_policy policy = in->has_join_policy ? (enum join_policy)in->join_policy : JOIN_INVITE;
    uint64_t id;

    TRY(group_make(r->ctx, in->name, policy, in->member_ids.items, in->member_ids.n, &id));
    return group_load(r->ctx, id, r->out);
}

static enum err group_get(struct req *r)
{
    return group_view(r->ctx, id_of(r), r->out);
}

static enum err group_patch(struct req *r)
{
    const struct group_change *in = r->in;

    TRY(group_update(r->ctx, in));
    return group_load(r->ctx, in->id, r->out);
}

static enum err group_delete(struct req *r)
{
    return group_dismiss(r->ctx, id_of(r));
}

static enum err owner_post(struct req *r)
{
    const struct owner_in *in = r->in;

    TRY(group_hand_over(r->ctx, in->id, in->user_id));
    return group_load(r->ctx, in->id, r->out);
}

/* ---- members ---- */

static enum err members_get(struct req *r)
{
    const struct page_of_in *in = r->in;
    struct page_out *out = r->out;
    return group_members_list(r->ctx, in->id, in->page.cursor, page_limit(&in->page), &out->items,
                              &out->next_cursor);
}

static enum err members_post(struct req *r)
{
    const struct people_in *in = r->in;
    bool any;

    TRY(group_bring_in(r->ctx, in->id, in->user_ids.items, in->user_ids.n, &any));
    if (!any)
        r->status = 200;
    return group_load(r->ctx, in->id, r->out);
}

static enum err member_id(struct req *r, uint64_t *id)
{
    const struct str text = ((const struct member_in *)r->in)->user_id;

    if (str_eq(text, STR("me")))
        *id = r->ctx->actor.user_id;
    else if (!str_u64(text, id) || !*id)
        return fail_field(r->ctx, "user_id", "must be an id or `me`");
    return OK;
}

static enum err member_patch(struct req *r)
{
    const struct member_in *in = r->in;
    uint64_t user_id;

    TRY(member_id(r, &user_id));
    TRY(group_member_change(r->ctx, in->id, user_id, &in->change));
    return group_member_load(r->ctx, in->id, user_id, r->out);
}

static enum err member_delete(struct req *r)
{
    uint64_t user_id;

    TRY(member_id(r, &user_id));
    return group_remove(r->ctx, id_of(r), user_id);
}

/* ---- requests to join ---- */

static enum err asks_get(struct req *r)
{
    const struct page_of_in *in = r->in;
    struct page_out *out = r->out;
    return join_requests_list(r->ctx, in->id, in->page.cursor, page_limit(&in->page), &out->items,
                              &out->next_cursor);
}

static enum err ask_post(struct req *r)
{
    const struct ask_in *in = r->in;
    uint64_t id;
    bool made;

    TRY(join_request_send(r->ctx, in->id, in->message, &id, &made));
    if (!made)
        r->status = 200;
    return join_request_load(r->ctx, id, r->out);
}

static enum err decide(struct req *r, bool accept)
{
    const struct path_in *in = r->in;

    TRY(join_request_decide(r->ctx, in->id, in->other_id, accept));
    return join_request_load(r->ctx, in->other_id, r->out);
}

static enum err ask_accept(struct req *r)
{
    return decide(r, true);
}

static enum err ask_decline(struct req *r)
{
    return decide(r, false);
}

/* ---- links ---- */

static enum err links_get(struct req *r)
{
    const struct page_of_in *in = r->in;
    struct page_out *out = r->out;
    return invite_links_list(r->ctx, in->id, in->page.cursor, page_limit(&in->page), &out->items,
                             &out->next_cursor);
}

static enum err link_post(struct req *r)
{
    const struct link_in *in = r->in;
    return invite_link_make(r->ctx, in->id, in->expires_in ? in->expires_in : LINK_LIFE_S, in->max_uses,
                            r->out);
}

static enum err link_delete(struct req *r)
{
    const struct path_in *in = r->in;
    return invite_link_revoke(r->ctx, in->id, in->other_id);
}

static enum err join_get(struct req *r)
{
    return invite_look(r->ctx, ((const struct token_in *)r->in)->token, r->out);
}

static enum err join_post(struct req *r)
{
    uint64_t id;
    bool joined;

    TRY(invite_join(r->ctx, ((const struct token_in *)r->in)->token, &id, &joined));
    if (!joined)
        r->status = 200;
    return group_load(r->ctx, id, r->out);
}

#define GROUPS "/groups"
#define GROUP GROUPS "/{id}"
#define MEMBERS GROUP "/members"
#define MEMBER MEMBERS "/{user_id}"
#define ASKS GROUP "/join-requests"
#define ASK ASKS "/{request_id}"
#define LINKS GROUP "/invite-links"
#define JOIN "/join/{token}"
static const struct route routes[] = {
    {GET, GROUPS, "listGroups", groups_get, &page_in_shape, &group_list, 200, 0},
    {POST, GROUPS, "createGroup", group_post, &make_in, &group_shape, 201, ROUTE_IDEMPOTENT},
    {GET, GROUP, "getGroup", group_get, &id_in, &group_view_shape, 200, 0},
    {PATCH, GROUP, "updateGroup", group_patch, &group_change_shape, &group_shape, 200, ROUTE_TX},
    {DELETE, GROUP, "dismissGroup", group_delete, &id_in, NULL, 204, ROUTE_TX},
    {POST, GROUP "/owner", "changeGroupOwner", owner_post, &owner_in, &group_shape, 200, ROUTE_TX},
    {GET, MEMBERS, "listGroupMembers", members_get, &page_of_in, &member_list, 200, 0},
    {POST, MEMBERS, "addGroupMembers", members_post, &people_in, &group_shape, 201, ROUTE_IDEMPOTENT},
    {PATCH, MEMBER, "updateGroupMember", member_patch, &member_in, &group_member_shape, 200, ROUTE_TX},
    {DELETE, MEMBER, "removeGroupMember", member_delete, &member_path_in, NULL, 204, ROUTE_TX},
    {GET, ASKS, "listJoinRequests", asks_get, &page_of_in, &ask_list, 200, 0},
    {POST, ASKS, "createJoinRequest", ask_post, &ask_in, &join_request_shape, 201, ROUTE_IDEMPOTENT},
    {POST, ASK "/accept", "acceptJoinRequest", ask_accept, &request_id_in, &join_request_shape, 200,
     ROUTE_TX},
    {POST, ASK "/decline", "declineJoinRequest", ask_decline, &request_id_in, &join_request_shape, 200,
     ROUTE_TX},
    {GET, LINKS, "listInviteLinks", links_get, &page_of_in, &link_list, 200, 0},
    {POST, LINKS, "createInviteLink", link_post, &link_in, &new_invite_link_shape, 201, ROUTE_TX},
    {DELETE, LINKS "/{link_id}", "revokeInviteLink", link_delete, &link_id_in, NULL, 204, ROUTE_TX},
    {GET, JOIN, "lookAtInviteLink", join_get, &token_in, &invite_look_shape, 200, 0},
    {POST, JOIN, "joinByInviteLink", join_post, &token_in, &group_shape, 201, ROUTE_TX},
};

const struct service service = {SERVICE("groups", routes)};
