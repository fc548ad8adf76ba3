/*
 * Conversations: the row that everything said hangs on, its members, and how a
 * member sees it.
 *
 * The row of a direct conversation is also the lock of two people: whatever they
 * do with each other holds it, and its flags say how they stand, so that whoever
 * holds the lock can decide who may write without another question. A row exists
 * from the first such act; it is visible once it has members (PAIR_OPEN).
 */
#ifndef MODEL_CONVERSATIONS_H
#define MODEL_CONVERSATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "model/ctx.h"
#include "model/entries.h"
#include "model/groups.h"
#include "model/page.h"
#include "model/users.h"
#include "queries.h" /* struct conversation_row, struct conversation_access */

/* Never renumber: the numbers are stored. */
enum conversation_kind { CONVERSATION_DIRECT, CONVERSATION_GROUP, CONVERSATION_NOTICE };
enum pair_flag {
    PAIR_FRIENDS = 1,
    PAIR_LOW_BLOCKS = 2,
    PAIR_HIGH_BLOCKS = 4,
    PAIR_OPEN = 8,
    PAIR_STRANGERS = 16,   /* they may write though they are no friends */
    PAIR_ASSISTANT = 1024, /* one of them is an assistant: what the other says is answered */
};
enum group_flag {
    GROUP_MUTE_ALL = 64,
    GROUP_HISTORY_FOR_NEW = 128,
    GROUP_STRANGERS_MAY_WRITE = 256, /* its members, to each other */
    GROUP_IS_DISMISSED = 512,
};
enum group_role { GROUP_MEMBER, GROUP_ADMIN, GROUP_OWNER };

enum { UNREAD_MAX = 999 };

/* As one member sees it: the schema Conversation. */
struct conversation {
    uint64_t id;
    int kind;
    struct user peer; /* direct: the other person; the notebook: oneself */
    struct entry last_entry;
    struct group group;
    unsigned char has_peer, has_last_entry, has_group;
    int64_t last_seq, first_seq, read_seq, peer_read_seq, unread;
    unsigned char has_peer_read_seq;
    bool mentioned, pinned, marked_unread;
    int notify;
    struct str draft, remark;
    int64_t version;
    int64_t last_at; /* not on the wire: its place in the list */
};

extern const struct shape conversation_shape;

/* ---- locked, inside a transaction ---- */

/*
 * The direct conversation of two people (a may equal b: the notebook), made if it was not there, locked.
 * Both are of ctx->actor's app; the caller has seen to that.
 */
enum err conversation_pair_lock(struct ctx *ctx, uint64_t a, uint64_t b,
                                struct conversation_row *out) MUST_CHECK;
/* ERR_NOT_FOUND when there is none in the actor's app. */
enum err conversation_lock(struct ctx *ctx, uint64_t id, struct conversation_row *out) MUST_CHECK;
/* Both people become members, once: sets PAIR_OPEN, raises the version. Says nothing to anybody. */
enum err conversation_open_pair(struct ctx *ctx, struct conversation_row *conv) MUST_CHECK;
/* How the two stand (PAIR_FRIENDS and the blocks); keeps PAIR_OPEN. Raises the version if it changes. */
enum err conversation_set_flags(struct ctx *ctx, struct conversation_row *conv, unsigned flags) MUST_CHECK;
/* EVENT_CONVERSATION to one member. */
void conversation_tell(struct ctx *ctx, const struct conversation_row *conv, uint64_t user_id);
/* The other of two; oneself in the notebook. */
uint64_t conversation_peer_id(const struct conversation_row *conv, uint64_t user_id);
/* The flag that says that `user_id` blocks the other. */
unsigned conversation_block_flag(const struct conversation_row *conv, uint64_t user_id);

/* ---- who may: the one place that decides ---- */

/*
 * The conversation as the actor may read it: ERR_NOT_FOUND for whom it does not exist, and for who left a
 * group. He sees seq from visible_from_seq to conversation_visible_to().
 */
enum err conversation_for_reader(struct ctx *ctx, uint64_t id, struct conversation_access *out) MUST_CHECK;
/* The same for all that he may read above an id, in the order of ids, at most `max`. */
enum err conversations_for_reader(struct ctx *ctx, uint64_t above, size_t max,
                                  struct conversation_access **out, size_t *n) MUST_CHECK;
uint64_t conversation_visible_to(const struct conversation_access *access);
/* Whether the actor may write into what he may read: conversation_may_send() (roster.h), said with a reason.
 */
enum err conversation_for_writer(struct ctx *ctx, uint64_t id, struct conversation_access *out) MUST_CHECK;

/* A member who acts in it, under its lock. */
struct acting {
    struct conversation_row conv;
    struct member_row me;
};
/*
 * Locks it for the actor: ERR_NOT_FOUND unless he may read it. conversation_act_may_send(): and write, as
 * conversation_may_send() says. conversation_act_sees(): whether he may see that seq.
 */
enum err conversation_act(struct ctx *ctx, uint64_t id, struct acting *out) MUST_CHECK;
enum err conversation_act_may_send(struct ctx *ctx, const struct acting *a) MUST_CHECK;
bool conversation_act_sees(const struct acting *a, uint64_t seq);

/* One shown entry as the actor may see it now: ERR_NOT_FOUND for what he may not see, hid, or is an
 * operation. */
enum err entry_for_reader(struct ctx *ctx, const struct entry_ref *ref, struct entry *out) MUST_CHECK;

/* ---- for people ---- */

/* The actor's direct conversation with somebody; `*made` if he had none. Inside a transaction. */
enum err conversation_open(struct ctx *ctx, uint64_t user_id, uint64_t *id, bool *made) MUST_CHECK;
/* As the actor sees them, in the order of `ids`; out[i].id is 0 for one that does not exist for him. */
enum err conversations_load(struct ctx *ctx, const uint64_t *ids, size_t n,
                            struct conversation *out) MUST_CHECK;
enum err conversation_load(struct ctx *ctx, uint64_t id, struct conversation *out) MUST_CHECK;

/* Those before `before` in the list, newest first. `next_cursor` (model/page.h) is absent at the end. */
enum err conversations_page(struct ctx *ctx, struct page_mark before, size_t limit,
                            struct conversation **items, size_t *n, struct str *next_cursor) MUST_CHECK;

#endif
