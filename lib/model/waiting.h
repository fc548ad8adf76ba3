/*
 * Who waits here: the table of the sessions that poll at this process, as a state
 * machine without threads, sockets or Redis. Whoever owns it (web/room.h) locks,
 * feeds it with what happens, and sends the answers that it gives back.
 *
 * A session's poll goes through: arrived (its registration and box are being read) →
 * open (its cursor is known to be right; a bell may answer it) → answered or left.
 * Between two polls the process goes on listening for the session, so that a poll
 * that comes back with the cursor that is known here needs no reading.
 *
 * A stream is a poll that comes back by itself: it is answered, and when the client
 * took the answer it arrives again with the cursor of that answer. So one answer is on
 * its way at most, in the order of the cursor, and a client that is slow is read to in
 * larger pieces. It keeps its session in between, as one poll does while it waits.
 *
 * The invariant: everything up to `cursor` was told to the session or caused by
 * it, and whatever is above will be noticed, by a bell (its n is one more), by a gap
 * (n is more than one more), by a loss (the era changes), or at the deadline.
 *
 * While Redis is away nothing is read: each poll is compared with the digest of its
 * person's state in the database, once at its arrival and then in rounds. It waits as long as
 * the digest is its cursor's. A cursor of the one kind says nothing in the times of
 * the other, so each change between them is a resync.
 */
#ifndef MODEL_WAITING_H
#define MODEL_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "model/bell.h"
#include "model/inbox.h"

struct waiting;

/* IDLE_MS: without a poll for so long a session is not here any more. */
enum { WAITING_IDLE_MS = 60 * 1000, WAITING_SEEN_MS = 60 * 1000 };
/* A stream is read and registered again so often, whatever the bell says. */
enum { WAITING_RENEW_MS = 60 * 1000 };

/* What a parked poll is to be told. */
enum answer_kind {
    ANSWER_NOTHING,    /* no events; the cursor may have moved */
    ANSWER_EVENT,      /* the event of the bell */
    ANSWER_READ,       /* the events that were read from the box */
    ANSWER_RESYNC,     /* begin at the cursor */
    ANSWER_SUPERSEDED, /* the session polls elsewhere */
    ANSWER_REVOKED,    /* the session is over */
    ANSWER_FAILED,     /* nothing is known, and nothing can be found out now */
};

struct answer {
    enum answer_kind kind;
    bool stream;  /* to one */
    bool goes_on; /* it is not its last: waiting_told() when it was taken */
    uint64_t ticket, session_id;
    struct cursor cursor;
};

/* Grows in its arena. */
struct answers {
    struct arena *arena;
    struct answer *items;
    size_t n, cap;
};

struct waiting *waiting_new(void);
void waiting_free(struct waiting *w);
/* Sessions, and parked polls among them. */
size_t waiting_sessions(const struct waiting *w);
size_t waiting_parked(const struct waiting *w);

/* ---- what happens to a poll; times are monotonic ms ---- */

struct arrival {
    uint64_t app_id, user_id, session_id;
    uint64_t ticket;
    struct cursor cursor; /* as the client brought it */
    int64_t until_ms;     /* the registration must stand until then */
    bool stream;          /* stays after an answer */
};
/* It is parked already. True: something has to be read. An older poll of the session is superseded. */
bool waiting_arrive(struct waiting *w, const struct arrival *a, struct answers *out);
/* The client hung up. */
void waiting_leave(struct waiting *w, uint64_t session_id, uint64_t ticket, int64_t now_ms);
/* The client of a stream took the answer: the next one may come. True: something has to be read. */
bool waiting_told(struct waiting *w, uint64_t session_id, uint64_t ticket);
/* Its time is over: it is read once more, then answered for the last time. True: something has to be read. */
bool waiting_due(struct waiting *w, uint64_t session_id, uint64_t ticket);
/* The session is over: its poll ends, and waiting_idle() gives it next; false if it was not here. */
bool waiting_revoke(struct waiting *w, uint64_t session_id, struct answers *out);

/* ---- what the bell says ---- */

/* True: something has to be read. */
bool waiting_bell(struct waiting *w, const struct bell *bell, int64_t now_ms, struct answers *out);
/* Elements may have been lost, or the house epoch is another: nothing that is known here counts, all is read.
 */
void waiting_lost(struct waiting *w);

/* ---- without Redis ---- */

/* Redis is away, or back: what was known does not count, and all who wait are looked at anew. */
void waiting_away(struct waiting *w);
void waiting_back(struct waiting *w);
bool waiting_is_away(const struct waiting *w);

struct watched {
    uint64_t user_id, session_id, ticket;
};
/* All who wait are due to be looked at. */
void waiting_watch_all(struct waiting *w);
/* Takes up to `max` sessions whose digest is wanted; none while Redis is there. */
size_t waiting_watch(struct waiting *w, struct watched *out, size_t max);
/* The digest as it was found after waiting_watch(); 0: it cannot be found out now. */
void waiting_watched(struct waiting *w, const struct watched *of, uint64_t digest, int64_t now_ms,
                     struct answers *out);

/* ---- reading boxes ---- */

struct reading {
    uint64_t app_id, user_id, session_id;
    uint64_t ticket;
    struct cursor cursor; /* read after this */
    int64_t until_ms;     /* register until then, at least */
    unsigned era, turn;   /* turn: of the waiter, raised with each poll */
    uint64_t holds;       /* the generation of a poll that is open; 0: it takes the session over */
    bool was_here;        /* the session had a registration of this process */
};
/* Takes up to `max` sessions that have to be read; none while Redis is away. */
size_t waiting_take(struct waiting *w, struct reading *out, size_t max);

struct reading_result {
    enum err redis, events; /* of the registration and the box; of fetching what it says */
    bool resync;
    struct cursor cursor; /* up to which the events go */
    uint64_t newest;
    uint64_t generation;     /* 0: another process has a newer poll */
    int64_t stands_until_ms; /* the registration */
    bool has_events;
};
/* True: something has to be read again. ANSWER_READ goes with the events of this reading. */
bool waiting_read(struct waiting *w, const struct reading *r, const struct reading_result *result,
                  int64_t now_ms, struct answers *out);

/* ---- now and then ---- */

/* Readings that failed are to be tried again. True: something has to be read. */
bool waiting_retry(struct waiting *w);
/* Streams that were registered long ago are read. True: something has to be read. */
bool waiting_renew(struct waiting *w, int64_t now_ms);
/* Forgets sessions without a poll for WAITING_IDLE_MS, or over; gives up to `max` that are registered. */
size_t waiting_idle(struct waiting *w, int64_t now_ms, struct inbox_leave *out, size_t max);
struct waiting_seen {
    uint64_t user_id, session_id;
};
/* Sessions that polled since, each at most once in WAITING_SEEN_MS. */
size_t waiting_seen(struct waiting *w, int64_t now_ms, struct waiting_seen *out, size_t max);

#endif
