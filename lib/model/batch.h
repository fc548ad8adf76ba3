/*
 * A batch of sends as one transaction (the inside of the log writer).
 *
 * Two round trips: (1) the conversations locked in the order of their ids;
 * (2) entries, the jobs of assistants that they address, last_seq, one outbox row, rung outbox rows away,
 * COMMIT. One more between them where a group's members are not known as they are now (roster.h). The text
 * holds numbers and hex literals only. Repetitions are rare and found by the unique
 * key; only then, for the refused, and in doubt are ids looked up.
 *
 * A COMMIT without an answer leaves the batch in doubt. Doing it all again ends the
 * doubt: the lock is had only when the lost transaction is over, and the look-up
 * then says what it left.
 */
#ifndef MODEL_BATCH_H
#define MODEL_BATCH_H

#include "base/arena.h"
#include "ext/db.h"
#include "model/event.h"
#include "model/replies.h"
#include "model/writer.h"

struct ringer;
struct id_maker;
struct rosters;

/* 256 texts of 8,000 characters would be past the packet size of a careful server. */
enum { BATCH_MAX = 256, BATCH_BYTES_MAX = 2 * 1024 * 1024, BATCH_RUNG_MAX = 256 };

/* One send on its way: filled by the writer, settled by the batch. */
struct item {
    struct item *next; /* in the queue */
    struct send send;
    send_done done;
    void *arg;

    bool settled; /* err is its answer; OK: seq and created_at are what was stored */
    enum err err;
    bool repeated;
    uint64_t seq;
    int64_t created_at;
    struct item *same_as; /* an equal one that is written in its place */
    const char *field;    /* of ERR_INVALID_REQUEST and ERR_FORBIDDEN: what is wrong, and why */
    const char *reason;
    struct asked {
        uint64_t reply_id, assistant_id;
    } asked[REPLIES_PER_MESSAGE_MAX]; /* assistants that it addresses */
    size_t n_asked;
    const uint64_t *member_ids; /* who is told: in the batch's arena */
    size_t n_members;
};

struct batch {
    struct batch *next;
    struct arena *arena; /* of the last attempt */
    struct item *items[BATCH_MAX];
    size_t n;
    bool in_doubt;        /* a COMMIT was sent and not answered */
    uint64_t outbox_id;   /* holds while there are events */
    struct event *events; /* of the items that were written, in their order */
    struct item **written;
    size_t n_events;
};

/* What a batch works with: of the writer. */
struct tools {
    struct db *db;
    struct id_maker *ids;
    struct ringer *ringer;
    struct rosters *rosters;
};

/*
 * Tries once to write what is not settled. OK: everything is settled. ERR_RETRY, ERR_UNAVAILABLE: nothing was
 * written. ERR_OUTCOME_UNKNOWN: in doubt. Except with OK the caller rolls back.
 */
enum err batch_write(struct batch *b, const struct tools *tools) MUST_CHECK;

#endif
