/*
 * The bellman: one thread, one connection, one list. It takes what is rung and
 * answers the polls that it fits; whatever does not fit is left to the readers.
 *
 * A server that says nothing for 1 s counts as gone: a wait is 0.3 s at most. Whether
 * news come by the database until it is back, the lookout decides.
 * Elements that it took and that never arrived are covered by the reading of all
 * boxes that follows each new connection. Elements that were said to be on the list
 * (`ph:rung:`) and were not are lost, too: what is said is asked for before the
 * list, so when the list is found empty all of it must have been heard.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "base/planted.h"
#include "web/roomthreads.h"

enum {
    RECONNECT_MS = 250,
    PATIENCE_MS = 1000,
    ELEMENTS = 64, /* at once */
    ASK_MS = 250,  /* between two questions for what was rung, and for the epoch */
    RINGERS_MAX = BELL_ORDER_MAX / 2,
};
#define WAIT_S "0.3"
#define ELEMENTS_TEXT "64"

struct bellman {
    struct room *room;
    struct room_desk desk;
    struct bell_order order;
    struct epoch_watch epoch;
    unsigned connection;
    int64_t asked_ms;
    struct rung rung[RINGERS_MAX]; /* as it was said last */
    size_t n_rung;
};

/* Nothing that is known of the boxes counts any more. */
static void lost(struct room *room, const struct epoch *epoch)
{
    room_lock(room);
    if (epoch)
        room->epoch = *epoch;
    waiting_lost(room->waiting);
    room_unlock(room, true);
    count_add(room->losses, 1);
}

/* A new connection, or another epoch, means that elements may have been missed. */
static enum err look_at_epoch(struct bellman *b)
{
    const struct epoch before = b->epoch.epoch;

    /* A full server still gives elements away. Only this shows that it takes none, and soon enough. */
    if (clock_mono_ms() - b->epoch.read_mono_ms >= ASK_MS)
        b->epoch.connection = 0; /* as on a new one: read it again */
    TRY(epoch_current(&b->epoch, b->desk.redis, b->desk.arena, NULL));
#if PLANTED_BUG == NO_READ_AFTER_BREAK
    b->connection = redis_connection(b->desk.redis);
#endif
    if (b->connection == redis_connection(b->desk.redis) && epoch_eq(before, b->epoch.epoch))
        return OK;
    b->connection = redis_connection(b->desk.redis);
    lost(b->room, &b->epoch.epoch);
    log_info("the bell is connected", log_str("epoch", epoch_str(&b->epoch.epoch)));
    return OK;
}

static void hear(struct bellman *b, struct str element)
{
    struct room *room = b->room;
    struct answers answers = {.arena = b->desk.arena};
    struct bell bell;

    count_add(room->bells, 1);
    if (bell_unpack(element, b->desk.arena, &bell) != OK) {
        lost(room, NULL); /* of a release that says it differently; the boxes tell */
        return;
    }
    if (bell.number && !bell_follows(&b->order, bell.ringer, bell.number))
        lost(room, NULL);
    if (!house_is_current(room->house))
        bell.json = STR(""); /* whose session is over is not known now: it is read, or waits */
    const int64_t lag_ms = clock_wall_ms() - bell.rung_at_ms;
    count_add(room->lag_ms, bell.rung_at_ms && lag_ms > 0 ? (uint64_t)lag_ms : 0);
    room_lock(room);
    room_unlock(room, waiting_bell(room->waiting, &bell, clock_mono_ms(), &answers));
    for (size_t i = 0; i < answers.n; i++)
        room_answer(b->desk.arena, &answers.items[i],
                    answers.items[i].kind == ANSWER_EVENT ? bell.json : STR(""), false);
}

/* ---- what was rung ---- */

static enum err ask_rung(struct bellman *b)
{
    const struct inbox_key key = inbox_rung_key(b->room->process);

    b->asked_ms = clock_mono_ms();
    return redis_add(b->desk.redis, (struct str[]){STR("HGETALL"), {key.text, key.n}}, 2);
}

/* Ringers that are no more stay in the hash. Before they are too many for the order, it is begun anew. */
static enum err forget_rung(struct bellman *b)
{
    const struct inbox_key key = inbox_rung_key(b->room->process);
    struct redis_reply reply;

    TRY(redis_call(b->desk.redis, b->desk.arena, &reply, (struct str[]){STR("DEL"), {key.text, key.n}}, 2));
    b->n_rung = 0;
    lost(b->room, NULL); /* what it said is not known */
    return OK;
}

static enum err take_rung(struct bellman *b)
{
    struct redis_reply reply;
    struct rung *rung;

    TRY(redis_answer(b->desk.redis, b->desk.arena, &reply));
    const size_t n = rung_read(&reply, b->desk.arena, &rung);
    b->n_rung = n < RINGERS_MAX ? n : RINGERS_MAX;
    memcpy(b->rung, rung, b->n_rung * sizeof *rung);
    return OK;
}

/* The list was empty after it was said. */
static void check_rung(struct bellman *b)
{
    bool missed = false;

    for (size_t i = 0; i < b->n_rung; i++)
        missed |= !bell_heard(&b->order, b->rung[i].ringer, b->rung[i].number);
#if PLANTED_BUG == NO_READ_AFTER_BREAK || PLANTED_BUG == RUNG_NOT_COMPARED
    missed = false;
#endif
    if (missed)
        lost(b->room, NULL);
}

/* ---- the thread ---- */

/* Waits for elements, and hears all that there are. */
static enum err listen(struct bellman *b)
{
    const struct inbox_key key = inbox_bell_key(b->room->process);
    const bool asks = clock_mono_ms() - b->asked_ms >= ASK_MS;
    struct redis_reply reply;

    if (asks)
        TRY(ask_rung(b));
    TRY(redis_add(b->desk.redis,
                  (struct str[]){STR("BLMPOP"),
                                 STR(WAIT_S),
                                 STR("1"),
                                 {key.text, key.n},
                                 STR("LEFT"),
                                 STR("COUNT"),
                                 STR(ELEMENTS_TEXT)},
                  7));
    if (asks)
        TRY(take_rung(b));
    TRY(redis_answer(b->desk.redis, b->desk.arena, &reply));
    if (reply.type == REDIS_ERROR)
        return ERR_UNAVAILABLE;
    const size_t n = reply.type == REDIS_LIST && reply.n == 2 ? reply.items[1].n : 0;
    for (size_t i = 0; i < n; i++)
        hear(b, reply.items[1].items[i].str);
    if (n < ELEMENTS)
        check_rung(b);
    return b->n_rung == RINGERS_MAX ? forget_rung(b) : OK;
}

/* For the lookout. */
static void note(struct room *room, bool silent)
{
    const int64_t now = clock_mono_ms();

    room_lock(room);
    const bool changed = room->redis.silent != silent;
    if (!silent)
        room->redis.heard_ms = now;
    if (changed && !silent)
        room->redis.since_ms = now;
    room->redis.silent = silent;
    if (changed)
        pthread_cond_signal(&room->to_watch);
    room_unlock(room, false);
}

void *bellman_run(void *arg)
{
    struct bellman b = {.room = arg, .desk = desk_open(arg, false, PATIENCE_MS)};
    bool silent = false;

    while (!room_is_stopping(b.room)) {
        enum err err = look_at_epoch(&b);
        if (err == OK)
            err = listen(&b);
        if (err != OK && !silent)
            log_warn("the bell is silent", log_c("detail", redis_error(b.desk.redis)));
        silent = err != OK;
        note(b.room, silent);
        arena_reset(b.desk.arena);
        if (silent)
            room_wait(b.room, clock_mono_ms() + RECONNECT_MS);
    }
    desk_close(&b.desk);
    return NULL;
}
