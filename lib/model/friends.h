/*
 * Friends: requests, friendships, remarks.
 *
 * Whatever two people do with each other holds the lock of their direct
 * conversation's row (conversation_pair_lock), so both sides at once are one after
 * the other; the unique key of open requests decides the rest. A friendship is two
 * rows, one per side, each with that side's remark and version.
 */
#ifndef MODEL_FRIENDS_H
#define MODEL_FRIENDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/str.h"
#include "model/accounts.h"
#include "model/ctx.h"

enum { REMARK_MAX = 64, TAG_MAX = 32, REQUEST_MESSAGE_MAX = 200 };

/* Never renumber: the numbers are stored. */
enum request_state { REQUEST_PENDING, REQUEST_ACCEPTED, REQUEST_DECLINED, REQUEST_WITHDRAWN };

struct friend
{
    struct user user;
    struct str remark, tag;
    uint64_t conversation_id;
    int64_t created_at, version;
};

struct friend_request {
    uint64_t id;
    struct user from, to;
    struct str message;
    int state;
    int64_t created_at;
};

extern const struct shape friend_shape, friend_request_shape;

/* The actor's friends among `ids`, in their order; out[i].user.id is 0 for one who is none. */
enum err friends_load(struct ctx *ctx, const uint64_t *ids, size_t n, struct friend *out) MUST_CHECK;
/* Requests to or from the actor, in the order of `ids`; out[i].id is 0 for any other. */
enum err friend_requests_load(struct ctx *ctx, const uint64_t *ids, size_t n,
                              struct friend_request *out) MUST_CHECK;

#endif
