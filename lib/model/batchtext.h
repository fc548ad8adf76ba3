/*
 * The SQL of a batch: the one place where statements are made as text, and nothing
 * but numbers and hex literals goes into them.
 */
#ifndef MODEL_BATCHTEXT_H
#define MODEL_BATCHTEXT_H

#include "model/batch.h"
#include "model/roster.h"

/* A conversation of the batch, as its locked row says. */
struct locked {
    uint64_t id, app_id, kind, low_id, high_id, flags, last_seq, members_version;
    bool is_there;
    const struct roster *roster; /* of a group */
    const uint64_t *member_ids;  /* who is told, in the batch's arena; NULL until somebody writes */
    size_t n_members;
    uint64_t added; /* entries that this batch gives it */
};

/* In the answers of each: the number of the statement that gives rows, or that may find a duplicate. */
enum { LOCKED_ROWS = 1, ENTRIES_STATEMENT = 0 };

/* START TRANSACTION, then the columns of struct locked in their order. */
struct str batchtext_lock(struct arena *arena, const struct locked *locked, size_t n);
/* conversation_id, user_id, role, muted_until, visible_from_seq of who is in these groups now, by
 * conversation. */
struct str batchtext_rosters(struct arena *arena, const uint64_t *ids, size_t n);
/* What is stored of these: conversation_id, sender_id, seq, created_at, client_msg_id, request_hash. */
struct str batchtext_look_up(struct arena *arena, struct item *const *items, size_t n);
/* Entries, last_seq, the rows of b->events in outbox and search_queue, the end of rung rows, COMMIT. */
struct str batchtext_write(struct batch *b, const struct locked *locked, size_t n, const uint64_t *rung,
                           size_t n_rung);

#endif
