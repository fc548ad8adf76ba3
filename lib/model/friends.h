/*
 * Friends: friendships and remarks. How two become friends is friendrequests.h's.
 *
 * Whatever two people do with each other holds the lock of their direct
 * conversation's row (conversation_pair_lock), so both sides at once are one after
 * the other. A friendship is two rows, one per side, each with that side's remark
 * and a version that is the owner's own version at the time, so it grows even when
 * a friendship ends and begins again.
 *
 * All that changes something runs inside a transaction and tells both sides.
 */
#ifndef MODEL_FRIENDS_H
#define MODEL_FRIENDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/str.h"
#include "model/accounts.h"
#include "model/conversations.h"
#include "model/ctx.h"

enum { REMARK_MAX = 64, TAG_MAX = 32 }; /* characters */

struct friend
{
    struct user user;
    struct str remark, tag;
    uint64_t conversation_id;
    int64_t created_at, version;
};

extern const struct shape friend_shape;

/* The actor's friends among `ids`, in their order; out[i].user.id is 0 for one who is none. */
enum err friends_load(struct ctx *ctx, const uint64_t *ids, size_t n, struct friend *out) MUST_CHECK;
/* One of them; ERR_NOT_FOUND. */
enum err friend_load(struct ctx *ctx, uint64_t user_id, struct friend *out) MUST_CHECK;
/* A page by id. `next` is absent at the end. */
enum err friends_list(struct ctx *ctx, struct str cursor, size_t limit, struct list *out,
                      struct str *next) MUST_CHECK;
/* The actor's remark and tag; absent ones stay. What changes nothing writes nothing. */
enum err friend_update(struct ctx *ctx, uint64_t user_id, const struct str *remark,
                       const struct str *tag) MUST_CHECK;
/* Ends it for both. ERR_NOT_FOUND if there is none. */
enum err friend_remove(struct ctx *ctx, uint64_t user_id) MUST_CHECK;

#endif
