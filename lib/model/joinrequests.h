/*
 * Requests to join a group: asking, and what its owner and admins answer. An
 * open group lets in at once, an approval group when one of them accepts, an
 * invite group is not there for an outsider. One open request per person and group.
 */
#ifndef MODEL_JOINREQUESTS_H
#define MODEL_JOINREQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "model/ctx.h"
#include "model/users.h"

struct group_held;

enum { JOIN_MESSAGE_MAX = 200 };

/* Never renumber: the numbers are stored. */
enum join_state { JOIN_PENDING, JOIN_ACCEPTED, JOIN_DECLINED, JOIN_LAPSED };

/* The schema JoinRequest. */
struct join_request {
    uint64_t id, group_id;
    struct user user;
    struct str message;
    int state;
    int64_t created_at;
    uint64_t decided_by; /* 0: nobody */
    int64_t decided_at;  /* 0: not */
    int64_t version;
};

extern const struct shape join_request_shape;

/* The actor's own and those to groups that he looks after, in the order of `ids`; out[i].id is 0 for any
 * other. */
enum err join_requests_load(struct ctx *ctx, const uint64_t *ids, size_t n,
                            struct join_request *out) MUST_CHECK;
/* One of them; ERR_NOT_FOUND. */
enum err join_request_load(struct ctx *ctx, uint64_t id, struct join_request *out) MUST_CHECK;
/* For the owner and admins the open ones, for an outsider his own, newest first. ERR_FORBIDDEN for members.
 */
enum err join_requests_list(struct ctx *ctx, uint64_t group_id, struct str cursor, size_t limit,
                            struct list *out, struct str *next) MUST_CHECK;

/* ---- inside a transaction ---- */

/*
 * The actor asks. `*made` is false when this request was open already. ERR_NOT_FOUND, ERR_CONFLICT (he is in
 * it), ERR_BLOCKED (by the owner), ERR_GROUP_FULL, ERR_QUOTA_EXCEEDED.
 */
enum err join_request_send(struct ctx *ctx, uint64_t group_id, struct str message, uint64_t *id,
                           bool *made) MUST_CHECK;
/* Again: the same answer. ERR_CONFLICT if it was answered otherwise. */
enum err join_request_decide(struct ctx *ctx, uint64_t group_id, uint64_t id, bool accept) MUST_CHECK;

/* Nobody needs to decide any more, under the group's lock: of people who come in; of a group that ends. */
enum err join_requests_lapse(struct ctx *ctx, const struct group_held *g, const uint64_t *ids,
                             size_t n) MUST_CHECK;
enum err join_requests_lapse_all(struct ctx *ctx, const struct group_held *g) MUST_CHECK;
/* The actor leaves the house. */
enum err join_requests_abandon(struct ctx *ctx) MUST_CHECK;

#endif
