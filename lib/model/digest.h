/*
 * The digest of a person's state in the database: the cursor of a poll while Redis
 * is away. Two that differ say that something changed, never what.
 *
 * Seen is whatever moves one of these: the visible end of each of his
 * conversations (entries), his read marks, who is a member from where to where,
 * the versions of conversations (the other's read mark, flags, members) and
 * memberships, and the version of the person himself (profile, friends,
 * requests, blocks, sessions that ended).
 *
 * Not seen are presence and typing, which nobody keeps; a sign-in, which nobody is
 * told of; and the profile of a friend, which is told with the resync once Redis is back: to
 * see it here, the rows of everybody's friends would be read each second.
 */
#ifndef MODEL_DIGEST_H
#define MODEL_DIGEST_H

#include "model/ctx.h"

/* Of `n` people, up to 256 in one statement; they may repeat. 0, which no digest is: there is no such person.
 */
enum err digest_load(struct ctx *ctx, const uint64_t *user_ids, size_t n, uint64_t *out) MUST_CHECK;

#endif
