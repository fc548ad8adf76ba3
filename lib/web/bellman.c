/*
 * The bellman: one thread, one connection, one list. It takes what is rung and
 * answers the polls that it fits; whatever does not fit is left to the readers.
 *
 * A server that says nothing for 2 s counts as gone: a wait is 1 s at most.
 * Elements that it took and that never arrived are covered by the reading of all
 * boxes that follows each new connection.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "base/planted.h"
#include "web/roomthreads.h"

enum { RECONNECT_MS = 250 };

struct bellman {
    struct room *room;
    struct room_desk desk;
    struct bell_order order;
    struct epoch_watch epoch;
    unsigned connection;
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

/* Waits up to a second for elements, and hears all that there are. */
static enum err listen(struct bellman *b)
{
    const struct inbox_key key = inbox_bell_key(b->room->process);
    struct redis_reply reply;

    TRY(redis_call(
        b->desk.redis, b->desk.arena, &reply,
        (struct str[]){
            STR("BLMPOP"), STR("1"), STR("1"), {key.text, key.n}, STR("LEFT"), STR("COUNT"), STR("64")},
        7));
    if (reply.type != REDIS_LIST || reply.n != 2)
        return OK;
    for (size_t i = 0; i < reply.items[1].n; i++)
        hear(b, reply.items[1].items[i].str);
    return OK;
}

void *bellman_run(void *arg)
{
    struct bellman b = {.room = arg, .desk = desk_open(arg, false)};
    bool silent = false;

    while (!room_is_stopping(b.room)) {
        enum err err = look_at_epoch(&b);
        if (err == OK)
            err = listen(&b);
        if (err != OK && !silent)
            log_warn("the bell is silent; what is parked stays parked",
                     log_c("detail", redis_error(b.desk.redis)));
        silent = err != OK;
        arena_reset(b.desk.arena);
        if (silent)
            room_wait(b.room, clock_mono_ms() + RECONNECT_MS);
    }
    desk_close(&b.desk);
    return NULL;
}
