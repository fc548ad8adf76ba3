/*
 * What all changes of a group share: its lock, coming in, going out, what the
 * house says of it, and who hears of it. For the files of groups alone
 * (groupchange.c, groupmembers.c, joinrequests.c, invitelinks.c).
 *
 * The order of locks: the conversation's row, then people's rows by id.
 */
#ifndef MODEL_GROUPLOCK_H
#define MODEL_GROUPLOCK_H

#include "model/conversations.h"
#include "model/groups.h"

/* A group whose row is locked, as it is now. */
struct group_held {
    struct conversation_row conv;
    struct group_row group; /* owner_id and member_count are kept up to date, the rest is as it was found */
    struct group_member_row me; /* user_id 0: the actor is not in it */
};

/* ERR_NOT_FOUND unless the actor is in it, ERR_FORBIDDEN unless he is at least `role`. */
enum err group_hold(struct ctx *ctx, uint64_t id, enum group_role role, struct group_held *out) MUST_CHECK;
/* The same, of a group that he need not be in. ERR_NOT_FOUND if it is dismissed. */
enum err group_hold_any(struct ctx *ctx, uint64_t id, struct group_held *out) MUST_CHECK;
/* Somebody who is in it; ERR_NOT_FOUND. */
enum err group_held_member(struct ctx *ctx, const struct group_held *g, uint64_t user_id,
                           struct group_member_row *out) MUST_CHECK;

/* Writes who owns it and how many are in it, and raises both versions. */
enum err group_members_saved(struct ctx *ctx, struct group_held *g) MUST_CHECK;
/* EVENT_GROUP to all who are in it. */
void group_tell(struct ctx *ctx, const struct group_held *g);

/* Params of what the house says, member by member: begin, then any of the others, then group_say(). */
struct buf says_begin(struct ctx *ctx);
void says_id(struct buf *params, const char *field, uint64_t id);
void says_ids(struct buf *params, const char *field, const uint64_t *ids, size_t n);
void says_text(struct buf *params, const char *field, struct str text);
void says_number(struct buf *params, const char *field, int64_t number);
void says_bool(struct buf *params, const char *field, bool value);
/* A system entry in its log. */
enum err group_say(struct ctx *ctx, struct group_held *g, const char *code, struct buf *params) MUST_CHECK;

/*
 * People come in, who are not in it: checked (they are there, human, in fewer groups than one can be; there
 * is room), written, and told. What the house says comes after it: they see that first, or all that was said.
 * `ids` are ascending. Requests of theirs lapse.
 */
enum err group_let_in(struct ctx *ctx, struct group_held *g, const uint64_t *ids, size_t n) MUST_CHECK;
/* The actor comes in by himself or is accepted; the house says so. `by` 0: nobody. */
enum err group_join(struct ctx *ctx, struct group_held *g, uint64_t user_id, const char *via,
                    uint64_t by) MUST_CHECK;
/* Somebody is out and hears it. What the house says comes after it, and is nothing for him. */
enum err group_let_out(struct ctx *ctx, struct group_held *g, const struct group_member_row *member,
                       enum group_left_reason reason) MUST_CHECK;
/* Everybody is out, for good. */
enum err group_end(struct ctx *ctx, struct group_held *g) MUST_CHECK;

#endif
