/* The waiting room: who comes and goes, how answers look, and the life of its threads. */
#include "web/room.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/count.h"
#include "model/deliver.h"
#include "model/revocation.h"
#include "web/arenas.h"
#include "web/roomthreads.h"

enum { RETRY_AFTER_S = 2 };

/* ---- answers ---- */

static bool has_cursor(const struct answer *a)
{
    return a->kind != ANSWER_SUPERSEDED && !cursor_is_none(a->cursor);
}

static struct str body(struct arena *arena, const struct answer *a, struct str events, bool more)
{
    char text[INBOX_CURSOR_BYTES];
    struct buf b = buf_in(arena);

    buf_char(&b, '{');
    if (has_cursor(a)) {
        buf_c(&b, "\"cursor\":\"");
        buf_str(&b, cursor_format(a->cursor, text));
        buf_c(&b, "\",");
    }
    buf_c(&b, "\"events\":[");
    buf_str(&b, events);
    buf_char(&b, ']');
    if (a->kind == ANSWER_RESYNC)
        buf_c(&b, ",\"resync\":true");
    if (a->kind == ANSWER_SUPERSEDED)
        buf_c(&b, ",\"superseded\":true");
    if (more)
        buf_c(&b, ",\"more\":true");
    buf_char(&b, '}');
    return buf_done(&b);
}

/* The same as one server-sent event. */
static struct str message(struct arena *arena, const struct answer *a, struct str json)
{
    char text[INBOX_CURSOR_BYTES];
    struct buf b = buf_in(arena);

    if (has_cursor(a)) {
        buf_c(&b, "id: ");
        buf_str(&b, cursor_format(a->cursor, text));
        buf_char(&b, '\n');
    }
    buf_c(&b, "data: ");
    buf_str(&b, json);
    buf_c(&b, "\n\n");
    return buf_done(&b);
}

bool room_answer(struct arena *arena, const struct answer *a, struct str events, bool more)
{
    struct problem problem = {.detail = "what there is cannot be read now", .retry_after_s = RETRY_AFTER_S};

    if (a->kind == ANSWER_FAILED)
        return park_fail(a->ticket, ERR_UNAVAILABLE, &problem);
    if (a->kind == ANSWER_REVOKED)
        events = deliver_session_revoked(arena, a->session_id);
    const struct str json = body(arena, a, events, more);
    return a->stream ? park_tell(a->ticket, message(arena, a, json), a->goes_on)
                     : park_answer(a->ticket, json);
}

static void answer_all(const struct answers *answers)
{
    for (size_t i = 0; i < answers->n; i++)
        room_answer(answers->arena, &answers->items[i], STR(""), false);
}

/* ---- the lock ---- */

void room_lock(struct room *room)
{
    pthread_mutex_lock(&room->lock);
}

void room_unlock(struct room *room, bool to_read)
{
    count_set(room->parked, waiting_parked(room->waiting));
    if (to_read && waiting_is_away(room->waiting)) {
        pthread_cond_signal(&room->to_watch);
    } else if (to_read && !room->reader_called) { /* he takes what is added until he comes */
        room->reader_called = true;
        pthread_cond_signal(&room->to_read);
    }
    pthread_mutex_unlock(&room->lock);
}

/* ---- those who only look ---- */

void looks_add(struct looks *looks, struct look *look)
{
    look->next = NULL;
    *looks->last = look;
    looks->last = &look->next;
}

struct look *looks_take(struct looks *looks, int64_t now_ms)
{
    struct look *look;

    while ((look = looks->first)) {
        looks->first = look->next;
        if (!looks->first)
            looks->last = &looks->first;
        if (now_ms < look->reading.until_ms)
            return look;
        free(look); /* answered by its deadline, or gone */
    }
    return NULL;
}

/* ---- who comes and goes ---- */

static void look(struct room *room, const struct room_guest *g, bool in_table)
{
    struct look *look = calloc(1, sizeof *look);

    if (!look)
        abort();
    look->reading = (struct reading){.app_id = g->app_id,
                                     .user_id = g->user_id,
                                     .session_id = g->session_id,
                                     .ticket = g->ticket,
                                     .cursor = g->cursor,
                                     .until_ms = g->due_mono_ms};
    look->in_table = in_table;
    look->stream = g->stream;
    memcpy(look->asks, g->asks, sizeof look->asks);
    look->n_asks = g->n_asks;
    room_lock(room);
    looks_add(&room->looks, look);
    room_unlock(room, true);
}

void room_look(struct room *room, const struct room_guest *g)
{
    look(room, g, false);
}

void room_enter(struct room *room, const struct room_guest *g)
{
    struct arena *arena = arenas_take();
    struct answers answers = {.arena = arena};
    const int64_t renew_ms = clock_mono_ms() + WAITING_RENEW_MS;
    const bool renews = g->stream && renew_ms < g->due_mono_ms;
    const struct arrival arrival = {.app_id = g->app_id,
                                    .user_id = g->user_id,
                                    .session_id = g->session_id,
                                    .ticket = g->ticket,
                                    .cursor = g->cursor,
                                    .until_ms = renews ? renew_ms : g->due_mono_ms,
                                    .stream = g->stream};

    room_lock(room);
    room_unlock(room, waiting_arrive(room->waiting, &arrival, &answers));
    if (g->n_asks)
        look(room, g, true);
    answer_all(&answers);
    arenas_give(arena);
    /* Revoked between its authentication and here: whoever was told then did not find it in the room yet. */
    if (revoked_has(house_revoked(room->house), g->session_id))
        room_revoked(room, g->session_id);
}

void room_parked(struct room *room, uint64_t session_id, ticket t, enum park_event what)
{
    bool read = false;

    room_lock(room);
    if (what == PARK_GONE)
        waiting_leave(room->waiting, session_id, t, clock_mono_ms());
    else if (what == PARK_DUE)
        read = waiting_due(room->waiting, session_id, t);
    else
        read = waiting_told(room->waiting, session_id, t);
    room_unlock(room, read);
}

void room_revoked(struct room *room, uint64_t session_id)
{
    struct arena *arena = arena_new();
    struct answers answers = {.arena = arena};

    room_lock(room);
    (void)waiting_revoke(room->waiting, session_id, &answers); /* the keeper signs it off */
    room_unlock(room, false);
    answer_all(&answers);
    arena_free(arena);
}

static void on_revoked(void *arg, uint64_t session_id, uint64_t user_id)
{
    (void)user_id;
    room_revoked(arg, session_id);
}

/* ---- threads ---- */

struct room_desk desk_open(struct room *room, bool with_db, int redis_ms)
{
    return (struct room_desk){
        .arena = arena_new(),
        .db = with_db ? db_new(room->conf) : NULL,
        .redis = redis_new(room->conf, redis_ms),
    };
}

void desk_close(struct room_desk *desk)
{
    redis_free(desk->redis);
    if (desk->db)
        db_free(desk->db);
    arena_free(desk->arena);
}

void desk_hurry(struct room_desk *desk)
{
    db_deadline(desk->db, clock_mono_ms() + ROOM_DATABASE_MS);
}

struct ctx desk_ctx(struct room *room, struct room_desk *desk, struct actor actor)
{
    desk->problem = (struct problem){0};
    return (struct ctx){.arena = desk->arena,
                        .db = desk->db,
                        .redis = desk->redis,
                        .house = room->house,
                        .problem = &desk->problem,
                        .actor = actor};
}

bool room_wait(struct room *room, int64_t until_mono_ms)
{
    const struct timespec until = {.tv_sec = until_mono_ms / 1000, .tv_nsec = until_mono_ms % 1000 * 1000000};
    int timed_out = 0;

    pthread_mutex_lock(&room->lock);
    while (!room->stopping && !timed_out)
        timed_out = pthread_cond_timedwait(&room->stop, &room->lock, &until);
    const bool stopping = room->stopping;
    pthread_mutex_unlock(&room->lock);
    return stopping;
}

bool room_is_stopping(struct room *room)
{
    pthread_mutex_lock(&room->lock);
    const bool stopping = room->stopping;
    pthread_mutex_unlock(&room->lock);
    return stopping;
}

static void start(pthread_t *thread, void *(*fn)(void *), struct room *room)
{
    if (pthread_create(thread, NULL, fn, room) != 0)
        abort();
}

struct room *room_new(struct house *house, const struct conf *conf)
{
    struct room *room = calloc(1, sizeof *room);
    pthread_condattr_t attr;

    if (!room || getrandom(&room->process, sizeof room->process, 0) != (ssize_t)sizeof room->process)
        abort();
    room->house = house;
    room->conf = conf;
    room->waiting = waiting_new();
    room->looks.last = &room->looks.first;
    room->unread.last = &room->unread.first;
    room->redis.heard_ms = clock_mono_ms();
    room->bells = count_cell("posthouse_bells_total");
    room->lag_ms = count_cell("posthouse_bell_lag_ms_total");
    room->losses = count_cell("posthouse_bell_losses_total");
    room->boxes = count_cell("posthouse_boxes_read_total");
    room->sessions = count_cell("posthouse_poll_sessions");
    room->parked = count_cell("posthouse_polls_parked");
    room->away = count_cell("posthouse_redis_away");
    room->digests = count_cell("posthouse_digests_total");
    room->resyncs = count_cell("posthouse_digest_resyncs_total");
    pthread_mutex_init(&room->lock, NULL);
    pthread_cond_init(&room->to_read, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&room->stop, &attr);
    pthread_cond_init(&room->to_watch, &attr);
    pthread_condattr_destroy(&attr);
    start(&room->bellman, bellman_run, room);
    start(&room->keeper, keeper_run, room);
    start(&room->lookout, lookout_run, room);
    room->n_readers = (unsigned)conf->workers;
    for (unsigned i = 0; i < room->n_readers; i++)
        start(&room->readers[i], reader_run, room);
    house_on_revoked(house, on_revoked, room);
    return room;
}

void room_free(struct room *room)
{
    house_on_revoked(room->house, NULL, NULL);
    pthread_mutex_lock(&room->lock);
    room->stopping = true;
    pthread_cond_broadcast(&room->to_read);
    pthread_cond_broadcast(&room->to_watch);
    pthread_cond_broadcast(&room->stop);
    pthread_mutex_unlock(&room->lock);
    pthread_join(room->bellman, NULL);
    pthread_join(room->keeper, NULL);
    pthread_join(room->lookout, NULL);
    for (unsigned i = 0; i < room->n_readers; i++)
        pthread_join(room->readers[i], NULL);
    (void)looks_take(&room->looks, INT64_MAX);
    (void)looks_take(&room->unread, INT64_MAX);
    waiting_free(room->waiting);
    free(room);
}
