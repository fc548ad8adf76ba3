/*
 * friends: friends, requests to become one, blocks.
 *
 * Surprising: whatever two people do with each other is one transaction under
 * one lock, that of their direct conversation, so both may press every button
 * at the same moment. Two requests that cross make one friendship.
 */
#include "model/friends.h"
#include "model/blocks.h"
#include "model/friendrequests.h"
#include "model/page.h"
#include "web/web.h"

#define IN(type, member) .at = offsetof(struct type, member)
#define HAS(type, member) .has_at = offsetof(struct type, member)

/* ---- what comes ---- */

struct id_in {
    uint64_t id;
};
static const struct field id_fields[] = {
    {.name = "id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, IN(id_in, id)},
};
static const struct shape id_in = SHAPE("IdPath", struct id_in, id_fields);

static const struct field user_id_fields[] = {
    {.name = "user_id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, IN(id_in, id)},
};
static const struct shape user_id_in = SHAPE("UserIdPath", struct id_in, user_id_fields);

struct friend_in {
    uint64_t user_id;
    struct str remark, tag;
    unsigned char has_remark, has_tag;
};
static const struct field friend_in_fields[] = {
    {.name = "user_id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED, IN(friend_in, user_id)},
    {.name = "remark",
     .type = FIELD_STR,
     .flags = F_NULLABLE,
     IN(friend_in, remark),
     HAS(friend_in, has_remark),
     .max = REMARK_MAX},
    {.name = "tag",
     .type = FIELD_STR,
     .flags = F_NULLABLE,
     IN(friend_in, tag),
     HAS(friend_in, has_tag),
     .max = TAG_MAX},
};
static const struct shape friend_in = SHAPE("UpdateFriendRequest", struct friend_in, friend_in_fields);

struct request_in {
    uint64_t user_id;
    struct str message;
};
static const struct field request_in_fields[] = {
    {.name = "user_id", .type = FIELD_ID, .flags = F_REQUIRED, IN(request_in, user_id)},
    {.name = "message", .type = FIELD_STR, IN(request_in, message), .max = REQUEST_MESSAGE_MAX},
};
static const struct shape request_in = SHAPE("CreateFriendRequest", struct request_in, request_in_fields);

struct requests_in {
    struct page_in page;
    int direction;
};
enum { DIRECTION_IN, DIRECTION_OUT };
static const char *const directions[] = {"in", "out", NULL};
static const struct field requests_in_fields[] = {
    PAGE_IN_FIELDS(offsetof(struct requests_in, page)),
    {.name = "direction",
     .type = FIELD_ENUM,
     .flags = F_QUERY,
     IN(requests_in, direction),
     .names = directions},
};
static const struct shape requests_in = SHAPE("FriendRequestsQuery", struct requests_in, requests_in_fields);

/* ---- what goes ---- */

static const struct field friend_list_fields[] = {PAGE_OUT_FIELDS(&friend_shape)};
static const struct shape friend_list = SHAPE("FriendList", struct page_out, friend_list_fields);
static const struct field request_list_fields[] = {PAGE_OUT_FIELDS(&friend_request_shape)};
static const struct shape request_list = SHAPE("FriendRequestList", struct page_out, request_list_fields);
static const struct field block_list_fields[] = {PAGE_OUT_FIELDS(&block_shape)};
static const struct shape block_list = SHAPE("BlockList", struct page_out, block_list_fields);

/* ---- friends ---- */

static uint64_t id_of(const struct req *r)
{
    return ((const struct id_in *)r->in)->id;
}

static enum err friends_get(struct req *r)
{
    const struct page_in *in = r->in;
    struct page_out *out = r->out;
    return friends_list(r->ctx, in->cursor, page_limit(in), &out->items, &out->next_cursor);
}

/* What PATCH says of a text: NULL leaves it, null clears it. */
static const struct str *said(unsigned char has, const struct str *text)
{
    static const struct str empty = {"", 0};
    return has == HAS_NOT ? NULL : has == HAS_NULL ? &empty : text;
}

static enum err friend_patch(struct req *r)
{
    const struct friend_in *in = r->in;

    TRY(friend_update(r->ctx, in->user_id, said(in->has_remark, &in->remark), said(in->has_tag, &in->tag)));
    return friend_load(r->ctx, in->user_id, r->out);
}

static enum err friend_delete(struct req *r)
{
    return friend_remove(r->ctx, id_of(r));
}

/* ---- requests ---- */

static enum err requests_get(struct req *r)
{
    const struct requests_in *in = r->in;
    struct page_out *out = r->out;
    return friend_requests_list(r->ctx, in->direction == DIRECTION_OUT, in->page.cursor,
                                page_limit(&in->page), &out->items, &out->next_cursor);
}

static enum err request_post(struct req *r)
{
    const struct request_in *in = r->in;
    uint64_t id;
    bool made;

    TRY(friend_request_send(r->ctx, in->user_id, in->message, &id, &made));
    if (!made)
        r->status = 200;
    return friend_request_load(r->ctx, id, r->out);
}

static enum err request_get(struct req *r)
{
    return friend_request_load(r->ctx, id_of(r), r->out);
}

static enum err request_delete(struct req *r)
{
    return friend_request_withdraw(r->ctx, id_of(r));
}

static enum err request_accept(struct req *r)
{
    uint64_t friend_id;

    TRY(friend_request_accept(r->ctx, id_of(r), &friend_id));
    return friend_load(r->ctx, friend_id, r->out);
}

static enum err request_decline(struct req *r)
{
    TRY(friend_request_decline(r->ctx, id_of(r)));
    return friend_request_load(r->ctx, id_of(r), r->out);
}

/* ---- blocks ---- */

static enum err blocks_get(struct req *r)
{
    const struct page_in *in = r->in;
    struct page_out *out = r->out;
    return blocks_list(r->ctx, in->cursor, page_limit(in), &out->items, &out->next_cursor);
}

static enum err block_put(struct req *r)
{
    return block_add(r->ctx, id_of(r), r->out);
}

static enum err block_delete(struct req *r)
{
    return block_remove(r->ctx, id_of(r));
}

#define REQUESTS "/friend-requests"
#define REQUEST REQUESTS "/{id}"
static const struct route routes[] = {
    {GET, "/friends", "listFriends", friends_get, &page_in_shape, &friend_list, 200, 0},
    {PATCH, "/friends/{user_id}", "updateFriend", friend_patch, &friend_in, &friend_shape, 200, ROUTE_TX},
    {DELETE, "/friends/{user_id}", "deleteFriend", friend_delete, &user_id_in, NULL, 204, ROUTE_TX},
    {GET, REQUESTS, "listFriendRequests", requests_get, &requests_in, &request_list, 200, 0},
    {POST, REQUESTS, "createFriendRequest", request_post, &request_in, &friend_request_shape, 201,
     ROUTE_IDEMPOTENT},
    {GET, REQUEST, "getFriendRequest", request_get, &id_in, &friend_request_shape, 200, 0},
    {DELETE, REQUEST, "withdrawFriendRequest", request_delete, &id_in, NULL, 204, ROUTE_TX},
    {POST, REQUEST "/accept", "acceptFriendRequest", request_accept, &id_in, &friend_shape, 200, ROUTE_TX},
    {POST, REQUEST "/decline", "declineFriendRequest", request_decline, &id_in, &friend_request_shape, 200,
     ROUTE_TX},
    {GET, "/blocks", "listBlocks", blocks_get, &page_in_shape, &block_list, 200, 0},
    {PUT, "/blocks/{user_id}", "blockUser", block_put, &user_id_in, &block_shape, 200, ROUTE_TX},
    {DELETE, "/blocks/{user_id}", "unblockUser", block_delete, &user_id_in, NULL, 204, ROUTE_TX},
};

const struct service service = {SERVICE("friends", routes)};
