/* Rosters, and who may write. */
#include "model/roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/planted.h"
#include "model/conversations.h"

/* ---- who may ---- */

static enum err may_in_pair(const struct place *p, uint64_t user_id)
{
    if ((user_id != p->low_id && user_id != p->high_id) || !(p->flags & PAIR_OPEN))
        return ERR_NOT_FOUND;
    if (p->low_id == p->high_id)
        return OK;
    if (p->flags & (PAIR_LOW_BLOCKS | PAIR_HIGH_BLOCKS))
        return ERR_BLOCKED;
    return p->flags & (PAIR_FRIENDS | PAIR_STRANGERS | PAIR_ASSISTANT) ? OK : ERR_NOT_FRIENDS;
}

static enum err may_in_group(const struct place *p, const struct roster_member *me, int64_t now_ms)
{
    if (!me || (p->flags & GROUP_IS_DISMISSED))
        return ERR_NOT_FOUND;
    if (me->muted_until > now_ms)
        return ERR_MUTED;
    return (p->flags & GROUP_MUTE_ALL) && me->role == GROUP_MEMBER ? ERR_GROUP_MUTED : OK;
}

enum err conversation_may_send(const struct place *place, uint64_t user_id, const struct roster_member *me,
                               int64_t now_ms)
{
    switch (place->kind) {
    case CONVERSATION_DIRECT:
        return may_in_pair(place, user_id);
    case CONVERSATION_GROUP:
        return may_in_group(place, me, now_ms);
    default:
        return ERR_NOT_FOUND;
    }
}

/* ---- rosters ---- */

/* 40 MiB of members at the most, in however many groups that is. */
enum { SLOTS = 4096, SLOT_BITS = 12, MEMBERS_MAX = 1000000 };

struct rosters {
    struct roster *slots[SLOTS]; /* by a hash of the id; a newcomer takes the place of another */
    size_t members;              /* of all of them */
    size_t next;                 /* whose turn it is to be let go when there are too many */
};

static int by_user(const void *a, const void *b)
{
    const uint64_t x = ((const struct roster_member *)a)->user_id,
                   y = ((const struct roster_member *)b)->user_id;
    return (x > y) - (x < y);
}

const struct roster_member *roster_find(const struct roster *roster, uint64_t user_id)
{
    const struct roster_member key = {.user_id = user_id};
    return roster->n ? bsearch(&key, roster->members, roster->n, sizeof key, by_user) : NULL;
}

static size_t slot_of(uint64_t id)
{
    return (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - SLOT_BITS));
}

struct rosters *rosters_new(void)
{
    struct rosters *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    return r;
}

void rosters_free(struct rosters *r)
{
    for (size_t i = 0; i < SLOTS; i++)
        free(r->slots[i]);
    free(r);
}

const struct roster *rosters_get(const struct rosters *r, uint64_t conversation_id, uint64_t members_version)
{
    const struct roster *roster = r->slots[slot_of(conversation_id)];

#if PLANTED_BUG == OLD_ROSTER
    if (roster)
        members_version = roster->members_version;
#endif
    return roster && roster->conversation_id == conversation_id && roster->members_version == members_version
               ? roster
               : NULL;
}

static void let_go(struct rosters *r, size_t slot)
{
    if (!r->slots[slot])
        return;
    r->members -= r->slots[slot]->n;
    free(r->slots[slot]);
    r->slots[slot] = NULL;
}

const struct roster *rosters_put(struct rosters *r, uint64_t conversation_id, uint64_t members_version,
                                 const struct roster_member *members, size_t n)
{
    const size_t slot = slot_of(conversation_id);
    struct roster *roster = malloc(sizeof *roster + n * sizeof *members);

    if (!roster)
        abort();
    roster->conversation_id = conversation_id;
    roster->members_version = members_version;
    roster->n = n;
    if (n) {
        memcpy(roster->members, members, n * sizeof *members);
        qsort(roster->members, n, sizeof *members, by_user);
    }
    let_go(r, slot);
    while (r->members && r->members + n > MEMBERS_MAX)
        let_go(r, r->next++ % SLOTS);
    r->slots[slot] = roster;
    r->members += n;
    return roster;
}
