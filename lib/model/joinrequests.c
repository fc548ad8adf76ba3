#include "model/joinrequests.h"

#include "ext/unicode.h"
#include "model/grouplock.h"
#include "model/page.h"

static const char *const states[] = {"pending", "accepted", "declined", "lapsed", NULL};

#define AT(member) .at = offsetof(struct join_request, member)
static const struct field request_fields[] = {
    {.name = "id", .type = FIELD_ID, AT(id)},
    {.name = "group_id", .type = FIELD_ID, AT(group_id)},
    {.name = "user", .type = FIELD_OBJECT, AT(user), .shape = &user_shape},
    {.name = "message", .type = FIELD_STR, AT(message)},
    {.name = "state", .type = FIELD_ENUM, AT(state), .names = states},
    {.name = "created_at", .type = FIELD_TIME, AT(created_at)},
    {.name = "decided_by", .type = FIELD_ID, .flags = F_NULLABLE, AT(decided_by)},
    {.name = "decided_at", .type = FIELD_TIME, .flags = F_NULLABLE, AT(decided_at)},
    {.name = "version", .type = FIELD_INT, AT(version)},
};
#undef AT
const struct shape join_request_shape = SHAPE("JoinRequest", struct join_request, request_fields);

/* ---- reading ---- */

static enum err fill(struct ctx *ctx, const struct join_request_row *rows, size_t n,
                     struct join_request **out)
{
    uint64_t *ids = arena_array(ctx->arena, n, sizeof *ids);
    struct user *users = arena_array(ctx->arena, n, sizeof *users);

    *out = arena_array(ctx->arena, n, sizeof **out);
    for (size_t i = 0; i < n; i++)
        ids[i] = rows[i].user_id;
    TRY(n ? users_load(ctx, ids, n, users) : OK);
    for (size_t i = 0; i < n; i++)
        (*out)[i] = (struct join_request){.id = rows[i].id,
                                          .group_id = rows[i].conversation_id,
                                          .user = users[i],
                                          .message = rows[i].message,
                                          .state = (int)rows[i].state,
                                          .created_at = rows[i].created_at,
                                          .decided_by = rows[i].decided_by,
                                          .decided_at = rows[i].decided_at,
                                          .version = (int64_t)rows[i].version};
    return OK;
}

enum err join_requests_load(struct ctx *ctx, const uint64_t *ids, size_t n, struct join_request *out)
{
    struct join_request_row *rows;
    struct join_request *found;
    size_t n_found;

    TRY(q_join_requests_visible(ctx, ctx->actor.user_id, ids, n, &rows, &n_found));
    TRY(fill(ctx, rows, n_found, &found));
    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n_found && !out[i].id; j++)
            if (found[j].id == ids[i])
                out[i] = found[j];
    return OK;
}

enum err join_request_load(struct ctx *ctx, uint64_t id, struct join_request *out)
{
    struct join_request request;

    TRY(join_requests_load(ctx, &id, 1, &request));
    if (!request.id)
        return fail(ctx, ERR_NOT_FOUND, "no such request");
    *out = request;
    return OK;
}

enum err join_requests_list(struct ctx *ctx, uint64_t group_id, struct str cursor, size_t limit,
                            struct list *out, struct str *next)
{
    const uint64_t me = ctx->actor.user_id;
    struct page_mark before = {.id = INT64_MAX};
    struct join_request *requests;
    struct join_request_row *rows;
    struct group group;
    size_t n;

    TRY(group_view(ctx, group_id, &group));
    if (group.is_member && group.my_role < GROUP_ADMIN)
        return fail(ctx, ERR_FORBIDDEN, "this is for the owner and admins");
    TRY(page_mark_of(ctx, cursor, &before));
    if (group.is_member)
        TRY(q_join_requests_open(ctx, group_id, before.id, limit + 1, &rows, &n));
    else
        TRY(q_join_requests_mine(ctx, group_id, me, before.id, limit + 1, &rows, &n));
    *next = STR_NONE;
    if (n > limit) {
        n = limit;
        *next = page_cursor(ctx->arena, (struct page_mark){.id = rows[n - 1].id});
    }
    TRY(fill(ctx, rows, n, &requests));
    *out = (struct list){requests, n};
    return OK;
}

/* ---- telling ---- */

static void tell_one(struct ctx *ctx, uint64_t to_id, const struct join_request_row *request)
{
    event_add(
        &ctx->events, ctx->arena,
        (struct event){
            .kind = EVENT_JOIN_REQUEST, .to_id = to_id, .id = request->id, .version = request->version});
}

/* Who asked, and those who may answer; by their versions they hear of it without Redis too. */
static enum err tell(struct ctx *ctx, const struct join_request_row *request)
{
    struct group_member_row *staff;
    size_t n;

    TRY(q_group_staff(ctx, request->conversation_id, &staff, &n));
    uint64_t *ids = arena_array(ctx->arena, n + 1, sizeof *ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = staff[i].user_id;
    ids[n++] = request->user_id;
    TRY(q_group_people_touch(ctx, ids, n, NULL));
    for (size_t i = 0; i < n; i++)
        tell_one(ctx, ids[i], request);
    return OK;
}

static enum err decide(struct ctx *ctx, struct join_request_row *request, enum join_state state, uint64_t by)
{
    TRY(q_join_request_decide(ctx, request->id, state, by, NULL));
    request->state = state;
    request->version++;
    return tell(ctx, request);
}

/* ---- asking ---- */

/* Under the lock: he is not in it, it is there for him, and its owner does not block him. */
static enum err check_outsider(struct ctx *ctx, const struct group_held *g)
{
    const uint64_t me = ctx->actor.user_id, owner_id = g->group.owner_id;
    struct group_pair_row *pair;
    size_t n;

    if (g->me.user_id)
        return fail(ctx, ERR_CONFLICT, "you are in it");
    if (g->group.join_policy == JOIN_INVITE)
        return fail(ctx, ERR_NOT_FOUND, "no such group");
    TRY(q_group_pairs(ctx, me, &owner_id, 1, &pair, &n));
    const unsigned owner_blocks = owner_id < me ? PAIR_LOW_BLOCKS : PAIR_HIGH_BLOCKS;
    return n && pair->flags & owner_blocks ? fail(ctx, ERR_BLOCKED, "the owner has blocked you") : OK;
}

static enum err insert(struct ctx *ctx, uint64_t group_id, struct str message, struct join_request_row *out)
{
    *out = (struct join_request_row){
        .conversation_id = group_id, .user_id = ctx->actor.user_id, .state = JOIN_PENDING, .version = 1};
    TRY(ctx_id(ctx, &out->id));
    return q_join_request_insert(ctx, out->id, group_id, out->user_id, message.p ? message : STR(""), NULL);
}

enum err join_request_send(struct ctx *ctx, uint64_t group_id, struct str message, uint64_t *id, bool *made)
{
    const uint64_t me = ctx->actor.user_id;
    struct join_request_row *open, request;
    struct group_held g;
    size_t n;

    if (message.n && !unicode_is_plain(message, true))
        return fail_field(ctx, "message", "must be visible text without control characters");
    TRY(group_hold_any(ctx, group_id, &g));
    TRY(check_outsider(ctx, &g));
    TRY(q_join_requests_pending(ctx, group_id, &me, 1, &open, &n));
    *made = !n || g.group.join_policy == JOIN_OPEN;
    if (!n)
        TRY(insert(ctx, group_id, message, &request));
    else
        request = *open;
    *id = request.id;
    if (g.group.join_policy != JOIN_OPEN)
        return *made ? tell(ctx, &request) : OK;
    TRY(decide(ctx, &request, JOIN_ACCEPTED, 0));
    return group_join(ctx, &g, me, "open", 0);
}

/* ---- answering ---- */

enum err join_request_decide(struct ctx *ctx, uint64_t group_id, uint64_t id, bool accept)
{
    const enum join_state state = accept ? JOIN_ACCEPTED : JOIN_DECLINED;
    struct join_request_row request;
    struct group_held g;

    TRY(group_hold(ctx, group_id, GROUP_ADMIN, &g));
    const enum err err = q_join_request_get(ctx, group_id, id, &request);
    if (err == ERR_NOT_FOUND)
        return fail(ctx, err, "no such request");
    TRY(err);
    if (request.state == (uint64_t)state)
        return OK;
    if (request.state != JOIN_PENDING)
        return fail(ctx, ERR_CONFLICT, "the request is %s already", states[request.state]);
    TRY(decide(ctx, &request, state, ctx->actor.user_id));
    return accept ? group_join(ctx, &g, request.user_id, "approval", ctx->actor.user_id) : OK;
}

/* ---- lapsing ---- */

enum err join_requests_lapse(struct ctx *ctx, const struct group_held *g, const uint64_t *ids, size_t n)
{
    struct join_request_row *open;
    size_t n_open;

    TRY(q_join_requests_pending(ctx, g->conv.id, ids, n, &open, &n_open));
    for (size_t i = 0; i < n_open; i++)
        TRY(decide(ctx, &open[i], JOIN_LAPSED, 0));
    return OK;
}

enum err join_requests_lapse_all(struct ctx *ctx, const struct group_held *g)
{
    struct join_request_row *open;
    size_t n;

    TRY(q_join_requests_open(ctx, g->conv.id, INT64_MAX, INT64_MAX, &open, &n));
    for (size_t i = 0; i < n; i++)
        TRY(decide(ctx, &open[i], JOIN_LAPSED, 0));
    return OK;
}

enum err join_requests_abandon(struct ctx *ctx)
{
    struct join_request_row *open;
    size_t n;

    TRY(q_join_requests_silence(ctx, ctx->actor.user_id, NULL));
    TRY(q_join_requests_of(ctx, ctx->actor.user_id, &open, &n));
    for (size_t i = 0; i < n; i++)
        TRY(decide(ctx, &open[i], JOIN_LAPSED, 0));
    return OK;
}
