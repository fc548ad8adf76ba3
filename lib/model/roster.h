/*
 * Who may write, decided from what stands under the lock of the conversation's row; and rosters: who is in a
 * group now, kept by the log writer from batch to batch.
 *
 * A roster is good as long as the row says the same members_version, which rises whenever somebody comes,
 * goes, or gets another role or mute. So a send to a group costs no query of its own, and what it finds is
 * current: whoever changes the membership holds the same lock.
 */
#ifndef MODEL_ROSTER_H
#define MODEL_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct roster_member {
    uint64_t user_id, visible_from_seq, role;
    int64_t muted_until; /* 0: not */
    bool is_assistant;
};

struct roster {
    uint64_t conversation_id, members_version;
    size_t n;
    struct roster_member members[]; /* by user_id */
};

/* NULL: not in it. */
const struct roster_member *roster_find(const struct roster *roster, uint64_t user_id);

/* What of a conversation's row decides who may write. */
struct place {
    uint64_t kind, low_id, high_id, flags;
};

/*
 * Whether `user_id` may write there at `now_ms`. `me`: himself as a member of a group, NULL if he is none;
 * not looked at elsewhere. ERR_NOT_FOUND for a stranger, ERR_NOT_FRIENDS, ERR_BLOCKED, ERR_MUTED,
 * ERR_GROUP_MUTED.
 */
enum err conversation_may_send(const struct place *place, uint64_t user_id, const struct roster_member *me,
                               int64_t now_ms) MUST_CHECK;

/* ---- of one thread, from batch to batch ---- */

struct rosters;

struct rosters *rosters_new(void);
void rosters_free(struct rosters *rosters);
/* The roster of that version, NULL if it is not kept. It stands until the next rosters_put(). */
const struct roster *rosters_get(const struct rosters *rosters, uint64_t conversation_id,
                                 uint64_t members_version);
/* Keeps a copy, and lets go of another one where there is no room. Members may stand in any order. */
const struct roster *rosters_put(struct rosters *rosters, uint64_t conversation_id, uint64_t members_version,
                                 const struct roster_member *members, size_t n);

#endif
