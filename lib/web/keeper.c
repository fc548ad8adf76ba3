/*
 * The keeper: what is done now and then. Readings that failed are tried again; streams are read and
 * registered anew; sessions that polled no more for a minute, or are over, leave, and their friends hear of
 * it; who was seen is written down, many at once.
 */
#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "model/presence.h"
#include "web/roomthreads.h"

enum { TURN_MS = 1000, SOME = 256 };

/* Killed before this is done: the registrations end by themselves. */
static enum err let_go(struct room *room, struct room_desk *desk)
{
    struct inbox_leave leaves[SOME];

    room_lock(room);
    const size_t n = waiting_idle(room->waiting, clock_mono_ms(), leaves, SOME);
    room_unlock(room, false);
    if (!n)
        return OK;
    TRY(inbox_close(desk->redis, desk->arena, room->process, leaves, n));
    desk_hurry(desk);
    for (size_t i = 0; i < n; i++) {
        if (!leaves[i].was_last)
            continue;
        struct ctx ctx = desk_ctx(room, desk, (struct actor){0});
        TRY(presence_tell(&ctx, leaves[i].user_id, false));
    }
    return OK;
}

/* All who are due: a rest that is left would be the same people each time. */
static enum err write_seen(struct room *room, struct room_desk *desk)
{
    struct waiting_seen seen[SOME];
    uint64_t users[SOME], sessions[SOME];
    size_t n;

    desk_hurry(desk);
    do {
        room_lock(room);
        n = waiting_seen(room->waiting, clock_mono_ms(), seen, SOME);
        room_unlock(room, false);
        for (size_t i = 0; i < n; i++) {
            users[i] = seen[i].user_id;
            sessions[i] = seen[i].session_id;
        }
        struct ctx ctx = desk_ctx(room, desk, (struct actor){0});
        TRY(presence_seen(&ctx, users, sessions, n));
    } while (n == SOME);
    return OK;
}

static void read_again(struct room *room)
{
    room_lock(room);
    count_set(room->sessions, waiting_sessions(room->waiting));
    const bool retry = waiting_retry(room->waiting), renew = waiting_renew(room->waiting, clock_mono_ms());
    room_unlock(room, retry || renew);
}

void *keeper_run(void *arg)
{
    struct room *room = arg;
    struct room_desk desk = desk_open(room, true, ROOM_REDIS_MS);

    while (!room_wait(room, clock_mono_ms() + TURN_MS)) {
        read_again(room);
        if (let_go(room, &desk) != OK)
            log_warn("sessions that left were not signed off; that ends by itself",
                     log_c("redis", redis_error(desk.redis)));
        if (write_seen(room, &desk) != OK)
            log_warn("who was seen was not written down; again in a minute",
                     log_c("detail", db_error(desk.db)));
        arena_reset(desk.arena);
    }
    desk_close(&desk);
    return NULL;
}
