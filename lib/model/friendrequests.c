/* Friend requests: each change of one is a transaction under the lock of its two people. */
#include "model/friendrequests.h"

#include "ext/unicode.h"
#include "model/house.h"
#include "model/log.h"
#include "model/page.h"

static const char *const states[] = {"pending", "accepted", "declined", "withdrawn", NULL};

static const struct field request_fields[] = {
    {.name = "id", .type = FIELD_ID, .at = offsetof(struct friend_request, id)},
    {.name = "from", .type = FIELD_OBJECT, .at = offsetof(struct friend_request, from), .shape = &user_shape},
    {.name = "to", .type = FIELD_OBJECT, .at = offsetof(struct friend_request, to), .shape = &user_shape},
    {.name = "message", .type = FIELD_STR, .at = offsetof(struct friend_request, message)},
    {.name = "state", .type = FIELD_ENUM, .at = offsetof(struct friend_request, state), .names = states},
    {.name = "created_at", .type = FIELD_TIME, .at = offsetof(struct friend_request, created_at)},
};
const struct shape friend_request_shape = SHAPE("FriendRequest", struct friend_request, request_fields);

/* ---- reading ---- */

static enum err fill(struct ctx *ctx, const struct request_row *rows, size_t n, struct friend_request **out)
{
    uint64_t *ids = arena_array(ctx->arena, 2 * n, sizeof *ids);
    struct user *users = arena_array(ctx->arena, 2 * n, sizeof *users);

    *out = arena_array(ctx->arena, n, sizeof **out);
    for (size_t i = 0; i < n; i++) {
        ids[2 * i] = rows[i].from_id;
        ids[2 * i + 1] = rows[i].to_id;
    }
    TRY(n ? users_load(ctx, ids, 2 * n, users) : OK);
    for (size_t i = 0; i < n; i++)
        (*out)[i] = (struct friend_request){.id = rows[i].id,
                                            .from = users[2 * i],
                                            .to = users[2 * i + 1],
                                            .message = rows[i].message,
                                            .state = (int)rows[i].state,
                                            .created_at = rows[i].created_at};
    return OK;
}

enum err friend_requests_load(struct ctx *ctx, const uint64_t *ids, size_t n, struct friend_request *out)
{
    struct request_row *rows;
    struct friend_request *found;
    size_t n_found;

    TRY(q_requests_get(ctx, ctx->actor.user_id, ids, n, &rows, &n_found));
    TRY(fill(ctx, rows, n_found, &found));
    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n_found && !out[i].id; j++)
            if (found[j].id == ids[i])
                out[i] = found[j];
    return OK;
}

enum err friend_request_load(struct ctx *ctx, uint64_t id, struct friend_request *out)
{
    struct friend_request request;

    TRY(friend_requests_load(ctx, &id, 1, &request));
    if (!request.id)
        return fail(ctx, ERR_NOT_FOUND, "no such request");
    *out = request;
    return OK;
}

enum err friend_requests_list(struct ctx *ctx, bool outgoing, struct str cursor, size_t limit,
                              struct list *out, struct str *next)
{
    const uint64_t me = ctx->actor.user_id;
    struct page_mark before = {.id = INT64_MAX};
    struct friend_request *requests;
    struct request_row *rows;
    size_t n;

    TRY(page_mark_of(ctx, cursor, &before));
    if (outgoing)
        TRY(q_requests_from(ctx, me, before.id, limit + 1, &rows, &n));
    else
        TRY(q_requests_to(ctx, me, before.id, limit + 1, &rows, &n));
    *next = STR_NONE;
    if (n > limit) {
        n = limit;
        *next = page_cursor(ctx->arena, (struct page_mark){.id = rows[n - 1].id});
    }
    TRY(fill(ctx, rows, n, &requests));
    *out = (struct list){requests, n};
    return OK;
}

/* ---- becoming friends ---- */

/* One side of it: room for a friend more, and the row. */
static enum err befriend_side(struct ctx *ctx, const struct conversation_row *pair, uint64_t user_id)
{
    const uint64_t friend_id = conversation_peer_id(pair, user_id);
    struct account_row account;
    struct version_row row;
    uint64_t counted;

    TRY(q_user_befriend(ctx, user_id, (uint64_t)house_conf(ctx->house)->friends_max, &counted));
    if (!counted) {
        TRY(q_user_account(ctx, ctx->actor.app_id, user_id, &account));
        if (account.state != STATE_ACTIVE)
            return fail(ctx, ERR_NOT_FOUND, "no such person");
        return fail(ctx, ERR_QUOTA_EXCEEDED, "%s as many friends as one can have",
                    user_id == ctx->actor.user_id ? "you have" : "this person has");
    }
    TRY(q_user_version(ctx, user_id, &row));
    TRY(q_friendship_insert(ctx, user_id, friend_id, pair->id, row.version, NULL));
    event_add(
        &ctx->events, ctx->arena,
        (struct event){.kind = EVENT_FRIEND, .to_id = user_id, .id = friend_id, .version = row.version});
    return OK;
}

/* Users' rows are locked in the order of their ids, by everybody. */
static enum err befriend(struct ctx *ctx, struct conversation_row *pair)
{
    TRY(befriend_side(ctx, pair, pair->low_id));
    TRY(befriend_side(ctx, pair, pair->high_id));
    TRY(conversation_set_flags(ctx, pair, (unsigned)pair->flags | PAIR_FRIENDS));
    TRY(conversation_open_pair(ctx, pair));
    conversation_tell(ctx, pair, pair->low_id);
    conversation_tell(ctx, pair, pair->high_id);
    return log_append_system(ctx, pair, "friends_now", STR("{}"));
}

/* Raises the versions of both people, in the order of their ids, and tells them. */
static enum err tell_both(struct ctx *ctx, const struct conversation_row *pair,
                          const struct request_row *request)
{
    const uint64_t both[] = {pair->low_id, pair->high_id};

    for (int i = 0; i < 2; i++) {
        TRY(q_user_touch(ctx, both[i], NULL));
        event_add(&ctx->events, ctx->arena,
                  (struct event){.kind = EVENT_FRIEND_REQUEST,
                                 .to_id = both[i],
                                 .id = request->id,
                                 .version = request->version});
    }
    return OK;
}

static enum err decide(struct ctx *ctx, const struct conversation_row *pair, struct request_row *request,
                       enum request_state state)
{
    TRY(q_request_decide(ctx, request->id, state, NULL));
    request->state = state;
    request->version++;
    return tell_both(ctx, pair, request);
}

/* ---- asking ---- */

static enum err check_target(struct ctx *ctx, uint64_t user_id)
{
    struct account_row account;

    if (user_id == ctx->actor.user_id)
        return fail_field(ctx, "user_id", "is yourself");
    const enum err err = q_user_account(ctx, ctx->actor.app_id, user_id, &account);
    if (err == ERR_NOT_FOUND || (err == OK && account.state == STATE_DELETED))
        return fail(ctx, ERR_NOT_FOUND, "no such person");
    TRY(err);
    if (account.kind != KIND_HUMAN)
        return fail_field(ctx, "user_id", "is not a person");
    return OK;
}

/* Holds both people's rows: who leaves at the same moment is gone by now, or will find the request. */
static enum err hold_both(struct ctx *ctx, const struct conversation_row *pair)
{
    const uint64_t both[] = {pair->low_id, pair->high_id};
    struct account_row account;

    for (int i = 0; i < 2; i++) {
        TRY(q_user_lock(ctx, ctx->actor.app_id, both[i], &account));
        if (account.state != STATE_DELETED)
            continue;
        return both[i] == ctx->actor.user_id ? fail(ctx, ERR_UNAUTHENTICATED, "the account is gone")
                                             : fail(ctx, ERR_NOT_FOUND, "no such person");
    }
    return OK;
}

static enum err ask(struct ctx *ctx, const struct conversation_row *pair, struct str message, uint64_t *id)
{
    const uint64_t me = ctx->actor.user_id;
    struct request_row request = {.from_id = me, .to_id = conversation_peer_id(pair, me), .version = 1};

    TRY(hold_both(ctx, pair));
    TRY(ctx_id(ctx, &request.id));
    const struct q_request_insert_in in = {.id = request.id,
                                           .app_id = ctx->actor.app_id,
                                           .from_id = me,
                                           .to_id = request.to_id,
                                           .low_id = pair->low_id,
                                           .high_id = pair->high_id,
                                           .message = message.p ? message : STR("")};
    TRY(q_request_insert(ctx, &in, NULL));
    *id = request.id;
    return tell_both(ctx, pair, &request);
}

enum err friend_request_send(struct ctx *ctx, uint64_t user_id, struct str message, uint64_t *id, bool *made)
{
    struct conversation_row pair;
    struct request_row request;

    if (message.n && !unicode_is_plain(message, true))
        return fail_field(ctx, "message", "must be visible text without control characters");
    TRY(check_target(ctx, user_id));
    TRY(conversation_pair_lock(ctx, ctx->actor.user_id, user_id, &pair));
    if (pair.flags & (PAIR_LOW_BLOCKS | PAIR_HIGH_BLOCKS))
        return fail(ctx, ERR_BLOCKED, "one of you has blocked the other");
    if (pair.flags & PAIR_FRIENDS)
        return fail(ctx, ERR_CONFLICT, "you are friends already");
    *made = true;
    const enum err err = q_request_pending(ctx, pair.low_id, pair.high_id, &request);
    if (err == ERR_NOT_FOUND)
        return ask(ctx, &pair, message, id);
    TRY(err);
    *id = request.id;
    *made = request.from_id == user_id;
    if (!*made)
        return OK;
    TRY(decide(ctx, &pair, &request, REQUEST_ACCEPTED));
    return befriend(ctx, &pair);
}

/* ---- answering ---- */

/* The request as it is under the lock of its two people. ERR_NOT_FOUND unless the actor asked (`outgoing`) or
 * was asked. */
static enum err lock(struct ctx *ctx, uint64_t id, bool outgoing, struct request_row *request,
                     struct conversation_row *pair)
{
    const uint64_t me = ctx->actor.user_id;
    struct request_row *rows;
    size_t n;

    TRY(q_requests_get(ctx, me, &id, 1, &rows, &n));
    if (!n || (outgoing ? rows->from_id : rows->to_id) != me)
        return fail(ctx, ERR_NOT_FOUND, "no such request");
    TRY(conversation_pair_lock(ctx, rows->from_id, rows->to_id, pair));
    TRY(q_requests_get(ctx, me, &id, 1, &rows, &n));
    if (!n)
        return fail(ctx, ERR_NOT_FOUND, "no such request");
    *request = *rows;
    return OK;
}

static enum err answered(struct ctx *ctx, const struct request_row *request)
{
    return fail(ctx, ERR_CONFLICT, "the request was %s", states[request->state]);
}

enum err friend_request_accept(struct ctx *ctx, uint64_t id, uint64_t *friend_id)
{
    struct request_row request = {0};
    struct conversation_row pair = {0};

    TRY(lock(ctx, id, false, &request, &pair));
    *friend_id = request.from_id;
    if (request.state == REQUEST_ACCEPTED && (pair.flags & PAIR_FRIENDS))
        return OK;
    if (request.state != REQUEST_PENDING)
        return answered(ctx, &request);
    if (pair.flags & (PAIR_LOW_BLOCKS | PAIR_HIGH_BLOCKS))
        return fail(ctx, ERR_BLOCKED, "one of you has blocked the other");
    TRY(decide(ctx, &pair, &request, REQUEST_ACCEPTED));
    return befriend(ctx, &pair);
}

static enum err end(struct ctx *ctx, uint64_t id, bool outgoing, enum request_state state)
{
    struct request_row request = {0};
    struct conversation_row pair = {0};

    TRY(lock(ctx, id, outgoing, &request, &pair));
    if (request.state == state)
        return OK;
    if (request.state != REQUEST_PENDING)
        return answered(ctx, &request);
    return decide(ctx, &pair, &request, state);
}

enum err friend_request_decline(struct ctx *ctx, uint64_t id)
{
    return end(ctx, id, false, REQUEST_DECLINED);
}

enum err friend_request_withdraw(struct ctx *ctx, uint64_t id)
{
    return end(ctx, id, true, REQUEST_WITHDRAWN);
}

enum err friend_request_drop(struct ctx *ctx, const struct conversation_row *pair, uint64_t blocker)
{
    struct request_row request;

    const enum err err = q_request_pending(ctx, pair->low_id, pair->high_id, &request);
    if (err == ERR_NOT_FOUND)
        return OK;
    TRY(err);
    return decide(ctx, pair, &request, request.from_id == blocker ? REQUEST_WITHDRAWN : REQUEST_DECLINED);
}
