/*
 * Groups: what they are, how a member sees one, and all that changes them.
 *
 * A group is a conversation with a profile, and its id is the conversation's.
 * Whatever changes it holds the lock of the conversation's row, is said in its
 * log as a system entry, and is an event to those concerned. Whoever is no
 * longer in it gets ERR_NOT_FOUND, by any function here; an outsider sees the
 * card of a group that he could ask to join, and no more.
 *
 * What people in it say is the log's; who may write is conversation_may_send's.
 */
#ifndef MODEL_GROUPS_H
#define MODEL_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/str.h"
#include "model/ctx.h"
#include "model/users.h"

/* Characters, and people. */
enum { GROUP_NAME_MAX = 64, ANNOUNCEMENT_MAX = 2000, GROUP_BRING_MAX = 200, GROUP_ADMINS_MAX = 50 };

/* Never renumber: the numbers are stored. */
enum join_policy { JOIN_OPEN, JOIN_APPROVAL, JOIN_INVITE };
extern const char *const join_policies[], *const group_roles[];

/* The schema Group; of an outsider's view, GroupCard, only what a card has. */
struct group {
    uint64_t id;
    struct str name;
    uint64_t avatar_file_id; /* 0: none */
    struct str announcement; /* absent: none */
    uint64_t announcement_by;
    int64_t announcement_at;
    unsigned char has_announcement;
    int join_policy;
    bool mute_all, history_for_new, strangers_may_write;
    uint64_t owner_id;
    int64_t member_count;
    int my_role;
    struct str my_nickname;
    int64_t my_muted_until; /* 0: not */
    unsigned char has_my_muted_until;
    int64_t version;
    unsigned char is_member; /* enum has: HAS_NOT of a card */
};

/* The schema GroupMember. */
struct group_member {
    struct user user;
    int role;
    struct str nickname;
    int64_t muted_until; /* 0: not */
    int64_t joined_at;
};

extern const struct shape group_shape, group_view_shape, group_member_shape, group_change_shape;

/* ---- reading ---- */

/* Those that the actor is in, in the order of `ids`; out[i].id is 0 for any other. */
enum err groups_load(struct ctx *ctx, const uint64_t *ids, size_t n, struct group *out) MUST_CHECK;
/* One of them; ERR_NOT_FOUND. */
enum err group_load(struct ctx *ctx, uint64_t id, struct group *out) MUST_CHECK;
/* The same, or for an outsider the card of an open or approval group. */
enum err group_view(struct ctx *ctx, uint64_t id, struct group *out) MUST_CHECK;
/* The actor's, newest first. */
enum err groups_list(struct ctx *ctx, struct str cursor, size_t limit, struct list *out,
                     struct str *next) MUST_CHECK;
/* The owner, admins, the others. */
enum err group_members_list(struct ctx *ctx, uint64_t id, struct str cursor, size_t limit, struct list *out,
                            struct str *next) MUST_CHECK;
enum err group_member_load(struct ctx *ctx, uint64_t id, uint64_t user_id,
                           struct group_member *out) MUST_CHECK;

/* ---- changing; inside a transaction ---- */

/* The actor's new group with some friends of his: as group_bring_in(). */
enum err group_make(struct ctx *ctx, struct str name, enum join_policy policy, const uint64_t *ids, size_t n,
                    uint64_t *id) MUST_CHECK;

/* What PATCH says: group_change_shape. `has_…` is enum has. */
struct group_change {
    uint64_t id;
    struct str name, announcement;
    uint64_t avatar_file_id;
    int join_policy;
    bool mute_all, history_for_new, strangers_may_write;
    unsigned char has_name, has_announcement, has_avatar, has_join_policy, has_mute_all, has_history_for_new,
        has_strangers_may_write;
};
/* By the owner or an admin. What changes nothing writes nothing. */
enum err group_update(struct ctx *ctx, const struct group_change *change) MUST_CHECK;
/* By the owner: everybody is out. */
enum err group_dismiss(struct ctx *ctx, uint64_t id) MUST_CHECK;
/* By the owner, to a member. */
enum err group_hand_over(struct ctx *ctx, uint64_t id, uint64_t user_id) MUST_CHECK;

/*
 * Friends of the actor come in, all or nobody; who is in already is passed over, and `*any` is false if all
 * were. ERR_FORBIDDEN, ERR_NOT_FRIENDS, ERR_BLOCKED, ERR_NOT_FOUND, ERR_GROUP_FULL, ERR_QUOTA_EXCEEDED.
 */
enum err group_bring_in(struct ctx *ctx, uint64_t id, const uint64_t *ids, size_t n, bool *any) MUST_CHECK;
/* The actor leaves, or removes somebody. ERR_CONFLICT for an owner who leaves; ERR_FORBIDDEN. */
enum err group_remove(struct ctx *ctx, uint64_t id, uint64_t user_id) MUST_CHECK;

struct member_change {
    int role;            /* GROUP_MEMBER or GROUP_ADMIN */
    int64_t muted_until; /* has_… HAS_NULL: not muted */
    struct str nickname;
    unsigned char has_role, has_muted_until, has_nickname;
};
/* All that is said, or ERR_FORBIDDEN. */
enum err group_member_change(struct ctx *ctx, uint64_t id, uint64_t user_id,
                             const struct member_change *change) MUST_CHECK;

/* The actor leaves the house: all groups, each to its heir, and every request to join one. */
enum err groups_abandon(struct ctx *ctx) MUST_CHECK;

#endif
