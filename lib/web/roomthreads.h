/* What the files of the waiting room share. Nobody else includes this. */
#ifndef WEB_ROOMTHREADS_H
#define WEB_ROOMTHREADS_H

#include <pthread.h>
#include <stdatomic.h>

#include "model/ctx.h"
#include "model/house.h"
#include "model/waiting.h"
#include "web/room.h"

enum { ROOM_REDIS_MS = 2000, ROOM_DATABASE_MS = 3000, ROOM_READERS_MAX = 64 };

/*
 * Read once, outside the table: a poll with timeout 0; or (in_table) one that has entered and asks for the
 * text of replies. The latter is answered by its look if there is some, and else by the table alone. It looks
 * after it entered, so it misses nothing that is told in between.
 */
struct look {
    struct look *next;
    struct reading reading;
    bool in_table, stream;
    struct reply_ask asks[REPLY_ASKS_MAX];
    size_t n_asks;
};
struct looks {
    struct look *first, **last;
};
void looks_add(struct looks *looks, struct look *look);
/* The first one whose time is not over, and frees those before it; NULL: there is none. So a list is no
 * longer than what comes within a deadline, however long nobody could be read. */
struct look *looks_take(struct looks *looks, int64_t now_ms);

struct room {
    struct house *house;
    const struct conf *conf;
    uint64_t process; /* random per start: the name of our bell */
    pthread_t bellman, keeper, lookout, readers[ROOM_READERS_MAX];
    unsigned n_readers;
    _Atomic uint64_t *bells, *lag_ms, *losses, *boxes, *sessions, *parked, *away, *digests,
        *resyncs; /* counters */

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t to_read, to_watch, stop;
    bool stopping, reader_called; /* the latter: one that has not come yet */
    struct waiting *waiting;
    struct looks looks, unread; /* that wait; that Redis could not answer */
    struct epoch epoch;         /* as the bellman saw it last */
    struct {                    /* how it answers him */
        bool silent;
        int64_t heard_ms, since_ms; /* the last answer; the first one after a silence */
    } redis;
};

void room_lock(struct room *room);
/* `to_read`: readers, or while Redis is away the lookout, have something to do now. */
void room_unlock(struct room *room, bool to_read);

/* What a thread works with. */
struct room_desk {
    struct arena *arena;
    struct db *db; /* NULL: it needs none */
    struct redis *redis;
    struct problem problem;
};
struct room_desk desk_open(struct room *room, bool with_db, int redis_ms);
void desk_close(struct room_desk *desk);
/* From now on its database has ROOM_DATABASE_MS, for all that follows: however many people a thread works for
 * at once, a database that hangs holds it no longer than that. */
void desk_hurry(struct room_desk *desk);
/* The desk's connections, for somebody; nobody: all zero. */
struct ctx desk_ctx(struct room *room, struct room_desk *desk, struct actor actor);

/* `arg` is the room. */
void *bellman_run(void *arg);
void *reader_run(void *arg);
void *keeper_run(void *arg);
void *lookout_run(void *arg);

/* Waits until `until_mono_ms` or the end; true at the end. */
bool room_wait(struct room *room, int64_t until_mono_ms);
bool room_is_stopping(struct room *room);

/*
 * Sends an answer, outside the lock. `events` is the JSON of the events without the
 * brackets, for ANSWER_EVENT and ANSWER_READ. False: it is answered already, or gone.
 */
bool room_answer(struct arena *arena, const struct answer *answer, struct str events, bool more);

#endif
