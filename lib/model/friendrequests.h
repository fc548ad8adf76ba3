/*
 * Friend requests: asking, crossing, answering, and the moment when two people
 * become friends. At most one of two people is open; the unique key of open ones
 * decides what the lock of the pair (conversation_pair_lock) does not.
 *
 * All that changes something runs inside a transaction and tells both sides.
 */
#ifndef MODEL_FRIENDREQUESTS_H
#define MODEL_FRIENDREQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/str.h"
#include "model/conversations.h"
#include "model/ctx.h"

enum { REQUEST_MESSAGE_MAX = 200 }; /* characters */

/* Never renumber: the numbers are stored. */
enum request_state { REQUEST_PENDING, REQUEST_ACCEPTED, REQUEST_DECLINED, REQUEST_WITHDRAWN };

/* The schema FriendRequest. */
struct friend_request {
    uint64_t id;
    struct user from, to;
    struct str message;
    int state;
    int64_t created_at;
};

extern const struct shape friend_request_shape;

/* Requests to or from the actor, in the order of `ids`; out[i].id is 0 for any other. */
enum err friend_requests_load(struct ctx *ctx, const uint64_t *ids, size_t n,
                              struct friend_request *out) MUST_CHECK;
/* One of them; ERR_NOT_FOUND. */
enum err friend_request_load(struct ctx *ctx, uint64_t id, struct friend_request *out) MUST_CHECK;
/* To the actor (`outgoing`: from him), newest first. */
enum err friend_requests_list(struct ctx *ctx, bool outgoing, struct str cursor, size_t limit,
                              struct list *out, struct str *next) MUST_CHECK;
/*
 * The actor asks somebody. `*made` is false when this request was open already. If the other one had
 * asked, they are friends now, and `*id` is that request.
 * ERR_INVALID_REQUEST (oneself, no human), ERR_NOT_FOUND, ERR_BLOCKED, ERR_CONFLICT (friends already),
 * ERR_QUOTA_EXCEEDED.
 */
enum err friend_request_send(struct ctx *ctx, uint64_t user_id, struct str message, uint64_t *id,
                             bool *made) MUST_CHECK;
/* Both are friends; `*friend_id` is the other. Again: the same answer. ERR_CONFLICT if it was answered
 * otherwise. */
enum err friend_request_accept(struct ctx *ctx, uint64_t id, uint64_t *friend_id) MUST_CHECK;
enum err friend_request_decline(struct ctx *ctx, uint64_t id) MUST_CHECK;
/* The actor takes his own back. */
enum err friend_request_withdraw(struct ctx *ctx, uint64_t id) MUST_CHECK;

/* Ends the open request of two people, whoever asked, because one now blocks the other. Under their lock. */
enum err friend_request_drop(struct ctx *ctx, const struct conversation_row *pair,
                             uint64_t blocker) MUST_CHECK;

#endif
