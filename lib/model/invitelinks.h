/*
 * Links that let people into a group, whatever its policy says: a random token
 * of which only a hash is kept, good for a time and, if so wished, for a number
 * of people. The owner and admins make them and take them back.
 */
#ifndef MODEL_INVITELINKS_H
#define MODEL_INVITELINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "model/ctx.h"

enum {
    LINK_LIFE_MIN_S = 60,
    LINK_LIFE_S = 7 * 24 * 3600,
    LINK_LIFE_MAX_S = 30 * 24 * 3600,
    LINK_USES_MAX = 100000,
    LINK_TOKEN_MAX = 64,
    LINKS_MAX = 50, /* that work, of one group */
};

/* The schemas InviteLink and, with its token, NewInviteLink. */
struct invite_link {
    uint64_t id, created_by;
    int64_t created_at, expires_at, uses, uses_left;
    unsigned char has_uses_left; /* HAS_NULL: any number */
    struct str token;
};

/* The schema InviteLook. */
struct invite_look {
    uint64_t id; /* of the group */
    struct str name;
    uint64_t avatar_file_id;
    int64_t member_count;
    int join_policy;
    bool joined;
};

extern const struct shape invite_link_shape, new_invite_link_shape, invite_look_shape;

/* Those that work, newest first. ERR_FORBIDDEN. */
enum err invite_links_list(struct ctx *ctx, uint64_t group_id, struct str cursor, size_t limit,
                           struct list *out, struct str *next) MUST_CHECK;
/* ERR_LINK_EXPIRED; ERR_NOT_FOUND for what never was a token of the actor's app. */
enum err invite_look(struct ctx *ctx, struct str token, struct invite_look *out) MUST_CHECK;

/* ---- inside a transaction ---- */

/* `max_uses` 0: any number. ERR_FORBIDDEN, ERR_QUOTA_EXCEEDED. */
enum err invite_link_make(struct ctx *ctx, uint64_t group_id, int64_t life_s, int64_t max_uses,
                          struct invite_link *out) MUST_CHECK;
enum err invite_link_revoke(struct ctx *ctx, uint64_t group_id, uint64_t id) MUST_CHECK;
/* The actor comes in; `*joined` is false if he was in it. As invite_look(), and ERR_GROUP_FULL,
 * ERR_QUOTA_EXCEEDED. */
enum err invite_join(struct ctx *ctx, struct str token, uint64_t *group_id, bool *joined) MUST_CHECK;

#endif
