/*
 * The inbox: each person's recent events in Redis, as references. Every key of
 * Redis is built here, and nowhere else.
 *
 *   ph:house                 random; half of the house epoch (epoch.h)
 *   ph:{u<uid>}:box          stream: references numbered 1-n, 1-(n+1), …, at most about 512
 *   ph:{u<uid>}:meta         hash: epoch under which the box was made; n where it begins
 *   ph:{u<uid>}:at           hash: session → "process:generation:expiry", the registrations of polls
 *   ph:bell:<process>        list: one per start of a poll process (bell.h)
 *   ph:{r<id>}               string: what an assistant has written of this reply so far
 *   ph:rung:<process>        hash: ringer → number of the last element that it put on that list
 *
 * The three of a person share a hash slot, live for 7 days after his last poll,
 * and are made and renewed together by scripts/poll_open.lua.
 *
 * Nothing here is the truth. A key that is lost costs a resync, at the latest
 * with the next poll: a box is made anew above all its former numbers.
 */
#ifndef MODEL_INBOX_H
#define MODEL_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "ext/redis.h"
#include "model/epoch.h"
#include "model/event.h"

#define INBOX_HOUSE_KEY "ph:house"

enum { INBOX_ITEMS_MAX = 200, INBOX_CURSOR_BYTES = 64, INBOX_KEY_BYTES = 48 };

/* One key, NUL-terminated; `inbox_key…` give a slice of it. */
struct inbox_key {
    char text[INBOX_KEY_BYTES];
    size_t n;
};
struct inbox_key inbox_at_key(uint64_t user_id);
struct inbox_key inbox_bell_key(uint64_t process);
struct inbox_key inbox_rung_key(uint64_t process);
struct inbox_key inbox_reply_key(uint64_t reply_id);

/*
 * Where somebody stands: has everything of the box up to n ("epoch.n"). Or, without
 * an epoch, while Redis is away: knows the state of the database that has this
 * digest ("m.digest"). Neither: nowhere.
 */
struct cursor {
    struct epoch epoch;
    uint64_t n;
    uint64_t digest; /* model/digest.h; 0: none */
};
static inline bool cursor_is_none(struct cursor c)
{
    return epoch_is_none(c.epoch) && !c.digest;
}

/* Anything that is not a cursor of ours stands nowhere; so will a later kind, for a release that does not
 * know it. */
struct cursor cursor_parse(struct str text);
struct str cursor_format(struct cursor cursor, char out[INBOX_CURSOR_BYTES]);

/* A registration: where bells for a session go. */
struct registration {
    uint64_t session_id;
    uint64_t process;
    uint64_t generation;
    int64_t expires_ms; /* by the clock of Redis */
};

/* The fields and values of an `at` hash, those that are one. In `arena`. */
size_t registrations_read(const struct redis_reply *reply, struct arena *arena, struct registration **out);

/* What one ringer says that it put on the list of a process: 1 to `number`. */
struct rung {
    uint64_t ringer, number;
};
/* The command that says it, to be queued behind the push; its answers are two. */
enum err inbox_rung_add(struct redis *redis, uint64_t process, struct rung rung) MUST_CHECK;
/* The fields and values of a `rung` hash, those that are one. In `arena`. */
size_t rung_read(const struct redis_reply *reply, struct arena *arena, struct rung **out);

struct inbox_item {
    uint64_t n;
    struct event event;
};

struct inbox_ask {
    uint64_t user_id, session_id;
    struct cursor cursor;
    int64_t hold_ms; /* how long the registration stands; 0: none is made */
    uint64_t holds;  /* the generation of an open poll that goes on; 0: the poll is new */
};

struct inbox_answer {
    enum err err;             /* of this one; the others may be fine */
    bool resync;              /* the cursor says nothing: begin at n */
    uint64_t n;               /* up to which the items go */
    uint64_t newest;          /* > n: there is more */
    uint64_t generation;      /* 0: not registered; if it was to be, another process has a newer poll */
    uint64_t former;          /* the process that held the session before, if it was another; 0: none */
    bool was_online;          /* the person had a registration already */
    struct inbox_item *items; /* their n rise; some may be left out */
    size_t n_items;
};

/* poll_open for many, in one round trip, for this process. Fails as a whole only when Redis does not answer.
 */
enum err inbox_open(struct redis *redis, struct arena *arena, uint64_t process, struct epoch epoch,
                    const struct inbox_ask *asks, size_t n, struct inbox_answer *answers) MUST_CHECK;

struct inbox_leave {
    uint64_t user_id, session_id, generation;
    bool was_last; /* out: nothing of this person is registered any more */
};
/* poll_close for many. */
enum err inbox_close(struct redis *redis, struct arena *arena, uint64_t process, struct inbox_leave *leaves,
                     size_t n) MUST_CHECK;

/* What writing one reference into one box told. */
struct inbox_pushed {
    bool refused;       /* a full server; or keys that are not ours */
    uint64_t n;         /* its number; 0: there is no box, its owner will resync */
    struct epoch epoch; /* the box's */
    struct registration *at;
    size_t n_at;
};
/* Queues the commands for one box: three answers, read by inbox_push_answer(). */
enum err inbox_push(struct redis *redis, uint64_t user_id, struct str packed_event) MUST_CHECK;
enum err inbox_push_answer(struct redis *redis, struct arena *arena, struct inbox_pushed *out) MUST_CHECK;

#endif
