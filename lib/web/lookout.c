/*
 * The lookout: news while Redis is away. One thread and one database connection per
 * process; it computes the digests (model/digest.h) of those who wait, many in one
 * statement, when they arrive and then in rounds, and whoever's digest is not his
 * cursor is told to read his state again. That is what bounds a storm: answers
 * leave at the pace of these statements, of which one runs at a time.
 *
 * It also decides when Redis is away and when it is back, from how it answers the
 * bellman: away after a short grace, so that a blip resyncs nobody; back when it has
 * answered for a while, so that one that comes and goes is left alone. A news is then never older
 * than the grace and the first round, or two rounds: under 2 s; but where Redis is cut off without a
 * word, a second more, until the bellman finds it silent.
 *
 * When the database is away too, polls stay as they are, and are asked to come
 * again at their deadline.
 */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "model/digest.h"
#include "web/roomthreads.h"

enum {
    SOME = 256, /* people in one statement */
    ROUND_MS = 1000,
    AWAY_AFTER_MS = 1200, /* without an answer to the bellman, who has found it silent */
    BACK_AFTER_MS = 1000, /* of answers */
};

struct lookout {
    struct room *room;
    struct room_desk desk;
    int64_t next_round_ms;
    struct watched watched[SOME];
    struct look *looks[SOME];
    size_t n, n_looks;
    uint64_t ids[2 * SOME], digests[2 * SOME]; /* of the watched, then of the looks */
    bool failed;
};

/* ---- is Redis there? ---- */

/* Under the lock. */
static void judge(struct room *room, int64_t now)
{
    if (!waiting_is_away(room->waiting)) {
        if (!room->redis.silent || now - room->redis.heard_ms < AWAY_AFTER_MS)
            return;
        waiting_away(room->waiting);
        log_warn("Redis is away; news by the database until it is back",
                 log_num("parked", (int64_t)waiting_parked(room->waiting)));
    } else {
        if (room->redis.silent || now - room->redis.since_ms < BACK_AFTER_MS)
            return;
        waiting_back(room->waiting);
        pthread_cond_signal(&room->to_read);
        log_info("Redis is back", log_num("parked", (int64_t)waiting_parked(room->waiting)));
    }
    count_set(room->away, waiting_is_away(room->waiting));
}

/* When there may be something to do, should nobody call before; 0: never. */
static int64_t wake_ms(const struct lookout *l)
{
    const struct room *room = l->room;
    const int64_t back_ms = room->redis.since_ms + BACK_AFTER_MS;

    if (!waiting_is_away(room->waiting))
        return room->redis.silent ? room->redis.heard_ms + AWAY_AFTER_MS : 0;
    return !room->redis.silent && back_ms < l->next_round_ms ? back_ms : l->next_round_ms;
}

/* ---- who is looked at ---- */

static void take_looks(struct lookout *l)
{
    struct room *room = l->room;
    const int64_t now = clock_mono_ms();
    struct look *look;

    while (l->n_looks < SOME && (look = looks_take(&room->unread, now)))
        l->looks[l->n_looks++] = look;
    while (waiting_is_away(room->waiting) && l->n_looks < SOME && (look = looks_take(&room->looks, now)))
        l->looks[l->n_looks++] = look;
}

/* Waits for people to look at; false at the end. */
static bool take(struct lookout *l)
{
    struct room *room = l->room;

    l->n = l->n_looks = 0;
    room_lock(room);
    while (!room->stopping) {
        const int64_t now = clock_mono_ms();
        judge(room, now);
        if (waiting_is_away(room->waiting) && now >= l->next_round_ms) {
            waiting_watch_all(room->waiting);
            l->next_round_ms = now + ROUND_MS;
        }
        l->n = waiting_watch(room->waiting, l->watched, SOME);
        take_looks(l);
        if (l->n || l->n_looks)
            break;
        const int64_t wake = wake_ms(l);
        const struct timespec until = {.tv_sec = wake / 1000, .tv_nsec = wake % 1000 * 1000000};
        if (wake)
            pthread_cond_timedwait(&room->to_watch, &room->lock, &until);
        else
            pthread_cond_wait(&room->to_watch, &room->lock);
    }
    room_unlock(room, false);
    return l->n || l->n_looks;
}

/* ---- their digests ---- */

static void load(struct lookout *l)
{
    struct ctx ctx = desk_ctx(l->room, &l->desk, (struct actor){0});
    const size_t n = l->n + l->n_looks;

    for (size_t i = 0; i < l->n; i++)
        l->ids[i] = l->watched[i].user_id;
    for (size_t i = 0; i < l->n_looks; i++)
        l->ids[l->n + i] = l->looks[i]->reading.user_id;
    memset(l->digests, 0, sizeof l->digests);
    desk_hurry(&l->desk);
    const bool failed = digest_load(&ctx, l->ids, n, l->digests) != OK;
    if (failed && !l->failed)
        log_warn("the state of people could not be read; again soon", log_c("detail", db_error(l->desk.db)));
    l->failed = failed;
    count_add(l->room->digests, n);
}

static void answer_look(struct lookout *l, const struct look *look, uint64_t digest)
{
    if (look->in_table) /* the text that it asks for is in Redis */
        return;
    const struct answer a = {.kind = !digest                                 ? ANSWER_FAILED
                                     : digest != look->reading.cursor.digest ? ANSWER_RESYNC
                                                                             : ANSWER_NOTHING,
                             .ticket = look->reading.ticket,
                             .session_id = look->reading.session_id,
                             .cursor = {.digest = digest}};

    room_answer(l->desk.arena, &a, STR(""), false);
}

static void answer(struct lookout *l)
{
    struct room *room = l->room;
    struct answers answers = {.arena = l->desk.arena};
    size_t resyncs = 0;

    room_lock(room);
    for (size_t i = 0; i < l->n; i++)
        waiting_watched(room->waiting, &l->watched[i], l->digests[i], clock_mono_ms(), &answers);
    room_unlock(room, false);
    for (size_t i = 0; i < answers.n; i++) {
        room_answer(l->desk.arena, &answers.items[i], STR(""), false);
        resyncs += answers.items[i].kind == ANSWER_RESYNC;
    }
    for (size_t i = 0; i < l->n_looks; i++) {
        answer_look(l, l->looks[i], l->digests[l->n + i]);
        free(l->looks[i]);
    }
    count_add(room->resyncs, resyncs);
}

void *lookout_run(void *arg)
{
    struct lookout *l = calloc(1, sizeof *l);

    if (!l)
        abort();
    l->room = arg;
    l->desk = desk_open(arg, true, ROOM_REDIS_MS);
    while (take(l)) {
        load(l);
        answer(l);
        arena_reset(l->desk.arena);
    }
    desk_close(&l->desk);
    free(l);
    return NULL;
}
