/*
 * Readers: register polls, read boxes, fetch what they say. Some at once: one
 * round trip to Redis for all of them.
 *
 * Register, then read, then park: the script does the first two in one step, and a
 * bell that rings from then on finds the session in the table.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "base/planted.h"
#include "model/bell.h"
#include "model/deliver.h"
#include "model/presence.h"
#include "web/roomthreads.h"

enum {
    SOME = 32,               /* sessions at once */
    HOLD_MS = 3 * 60 * 1000, /* a registration outlasts its poll: the next ones need not ask */
    ANSWER_MAX = 255 * 1024, /* bytes of events; with their frame 256 KiB */
};

/* One session that is read. */
struct task {
    struct look *look; /* NULL: it is in the table */
    struct reading reading;
    struct inbox_answer box;
    struct reading_result result;
    struct str events;
    bool has_news; /* of replies that it asked for */
};

struct reader {
    struct room *room;
    struct room_desk desk;
    struct epoch_watch epoch;
    struct task tasks[SOME];
    size_t n;
};

/* ---- what there is to do ---- */

static void take_looks(struct reader *r)
{
    const int64_t now = clock_mono_ms();
    struct look *look;

    while (!waiting_is_away(r->room->waiting) && r->n < SOME && (look = looks_take(&r->room->looks, now)))
        r->tasks[r->n++] = (struct task){.look = look, .reading = look->reading};
}

/* Waits for sessions to read; none at the end. Gives the epoch that the bellman knows. */
static struct epoch take(struct reader *r)
{
    struct room *room = r->room;
    struct reading readings[SOME];

    r->n = 0;
    room_lock(room);
    while (!r->n && !room->stopping) {
        room->reader_called = false; /* even if nobody waited: each comes here before he waits */
        take_looks(r);
        const size_t n = waiting_take(room->waiting, readings, SOME - r->n);
        for (size_t i = 0; i < n; i++)
            r->tasks[r->n++] = (struct task){.reading = readings[i]};
        if (!r->n)
            pthread_cond_wait(&room->to_read, &room->lock);
    }
    const struct epoch epoch = room->epoch;
    room_unlock(room, r->n == SOME); /* the rest is for the next reader */
    return epoch;
}

/* ---- registration and box ---- */

static enum err open_boxes(struct reader *r, struct epoch seen, int64_t now_ms)
{
    struct inbox_ask asks[SOME];
    struct inbox_answer answers[SOME];

    TRY(epoch_current(&r->epoch, r->desk.redis, r->desk.arena, epoch_is_none(seen) ? NULL : &seen));
    for (size_t i = 0; i < r->n; i++) {
        const struct task *t = &r->tasks[i];
        const int64_t wait_ms = t->reading.until_ms > now_ms ? t->reading.until_ms - now_ms : 0;
        asks[i] = (struct inbox_ask){.user_id = t->reading.user_id,
                                     .session_id = t->reading.session_id,
                                     .cursor = t->reading.cursor,
                                     .hold_ms = t->look ? 0 : wait_ms + HOLD_MS,
                                     .holds = t->reading.holds};
        r->tasks[i].result.stands_until_ms = now_ms + asks[i].hold_ms;
    }
#if PLANTED_BUG == READ_BEFORE_REGISTER
    struct inbox_ask looks[SOME];
    struct inbox_answer registered[SOME];
    for (size_t i = 0; i < r->n; i++) {
        looks[i] = asks[i];
        looks[i].hold_ms = 0;
    }
    TRY(inbox_open(r->desk.redis, r->desk.arena, r->room->process, r->epoch.epoch, looks, r->n, answers));
    TRY(inbox_open(r->desk.redis, r->desk.arena, r->room->process, r->epoch.epoch, asks, r->n, registered));
    for (size_t i = 0; i < r->n; i++) {
        r->tasks[i].box = answers[i];
        r->tasks[i].box.generation = registered[i].generation;
    }
    return OK;
#endif
    TRY(inbox_open(r->desk.redis, r->desk.arena, r->room->process, r->epoch.epoch, asks, r->n, answers));
    for (size_t i = 0; i < r->n; i++)
        r->tasks[i].box = answers[i];
    return OK;
}

static void read_boxes(struct reader *r, struct epoch seen)
{
    const enum err err = open_boxes(r, seen, clock_mono_ms());

    for (size_t i = 0; i < r->n; i++) {
        struct task *t = &r->tasks[i];
        t->result.redis = err != OK ? err : t->box.err;
        t->result.resync = t->box.resync;
        t->result.cursor = (struct cursor){.epoch = r->epoch.epoch, .n = t->box.n};
        t->result.newest = t->box.newest;
#if PLANTED_BUG == CURSOR_PAST_PAGE
        t->result.cursor.n = t->box.newest;
#endif
        t->result.generation = t->box.generation;
    }
    count_add(r->room->boxes, r->n);
}

/* ---- what it says ---- */

/* Joins events until the answer is full; the cursor then ends before the first that did not fit. */
static void join(struct reader *r, struct task *t, const struct inbox_item *items, const struct str *json,
                 size_t n)
{
    struct buf b = buf_in(r->desk.arena);

    for (size_t i = 0; i < n; i++) {
        if (!json[i].p)
            continue;
        if (b.n && b.n + json[i].n > ANSWER_MAX) {
            t->result.cursor.n = items[i].n - 1;
            break;
        }
        if (b.n)
            buf_char(&b, ',');
        buf_str(&b, json[i]);
    }
    t->events = buf_done(&b);
    t->result.has_events = b.n > 0;
}

/* What the replies have more than the reader; left out where it does not fit: he asks again. */
static enum err join_replies(struct reader *r, struct ctx *ctx, struct task *t)
{
    struct buf b = buf_in(r->desk.arena);
    struct str news;

    TRY(reply_news(ctx, t->look->asks, t->look->n_asks, &news));
    t->has_news = news.n > 0 && t->events.n + news.n < ANSWER_MAX;
    if (!t->has_news)
        return OK;
    buf_str(&b, t->events);
    if (b.n)
        buf_char(&b, ',');
    buf_str(&b, news);
    t->events = buf_done(&b);
    return OK;
}

static enum err fetch(struct reader *r, struct task *t)
{
    const struct reading *who = &t->reading;
    struct ctx ctx = desk_ctx(
        r->room, &r->desk,
        (struct actor){.app_id = who->app_id, .user_id = who->user_id, .session_id = who->session_id});
    struct inbox_item *items = arena_array(r->desk.arena, t->box.n_items, sizeof *items);
    struct event *events = arena_array(r->desk.arena, t->box.n_items, sizeof *events);
    struct str *json = arena_array(r->desk.arena, t->box.n_items, sizeof *json);
    size_t n = 0;

    for (size_t i = 0; i < t->box.n_items; i++) {
        const struct event *e = &t->box.items[i].event;
        if (e->kind == EVENT_ENTRY && e->origin_session == who->session_id)
            continue; /* its own: told by the answer of its request */
        items[n] = t->box.items[i];
        events[n++] = *e;
    }
    if (n)
        TRY(deliver(&ctx, events, n, json));
    join(r, t, items, json, n);
    return t->look && t->look->n_asks ? join_replies(r, &ctx, t) : OK;
}

static void fetch_events(struct reader *r)
{
    const bool current = house_is_current(r->room->house);

    desk_hurry(&r->desk);
    for (size_t i = 0; i < r->n; i++) {
        struct task *t = &r->tasks[i];
        if (t->result.redis != OK || t->result.resync)
            continue;
        if (!current) { /* whose session is over is not known now: nobody is told anything */
            t->result.events = ERR_UNAVAILABLE;
            continue;
        }
        t->result.events = fetch(r, t);
        if (t->result.events != OK)
            log_warn(
                "what a box says could not be read; again soon",
                log_num("user_id", (int64_t)t->reading.user_id),
                log_c("detail", r->desk.problem.detail[0] ? r->desk.problem.detail : db_error(r->desk.db)));
    }
}

/* ---- answers ---- */

static bool has_more(const struct task *t)
{
    return t->result.newest > t->result.cursor.n;
}

/* One that is in the table too: it leaves it with its answer, as one that hangs up does. */
static void answer_in_table(struct reader *r, const struct task *t)
{
    const struct answer a = {.kind = ANSWER_READ,
                             .stream = t->look->stream,
                             .ticket = t->reading.ticket,
                             .session_id = t->reading.session_id,
                             .cursor = t->result.cursor};

    if (t->has_news && room_answer(r->desk.arena, &a, t->events, has_more(t)))
        room_parked(r->room, a.session_id, a.ticket, PARK_GONE);
}

/* What Redis cannot say, the lookout does. */
static void answer_look(struct reader *r, struct task *t)
{
    if (t->look->in_table) {
        answer_in_table(r, t);
        return;
    }
    if (t->result.redis != OK) {
        room_lock(r->room);
        looks_add(&r->room->unread, t->look);
        pthread_cond_signal(&r->room->to_watch);
        room_unlock(r->room, false);
        t->look = NULL;
        return;
    }
    const struct answer a = {.kind = t->result.events != OK ? ANSWER_FAILED
                                     : t->result.resync     ? ANSWER_RESYNC
                                                            : ANSWER_READ,
                             .ticket = t->reading.ticket,
                             .session_id = t->reading.session_id,
                             .cursor = t->result.cursor};

    room_answer(r->desk.arena, &a, t->events, a.kind == ANSWER_READ && has_more(t));
}

static void answer_tasks(struct reader *r)
{
    struct room *room = r->room;
    struct answers answers = {.arena = r->desk.arena};
    const struct task *of[SOME] = {0}; /* of each answer */
    bool again = false;

    room_lock(room);
    for (size_t i = 0; i < r->n; i++) {
        const struct task *t = &r->tasks[i];
        const size_t before = answers.n;
        if (t->look)
            continue;
        again |= waiting_read(room->waiting, &t->reading, &t->result, clock_mono_ms(), &answers);
        if (answers.n > before) /* one reading ends one poll at most */
            of[before] = t;
    }
    room_unlock(room, again);
    for (size_t i = 0; i < answers.n; i++) {
        const struct answer *a = &answers.items[i];
        const struct task *t = a->kind == ANSWER_READ ? of[i] : NULL;
        room_answer(r->desk.arena, a, t ? t->events : STR(""), t && has_more(t));
    }
    for (size_t i = 0; i < r->n; i++)
        if (r->tasks[i].look)
            answer_look(r, &r->tasks[i]);
}

/* ---- who else should know ---- */

/* The process that held the session before ends its poll. Should this be lost, that poll ends at its
 * deadline. */
static enum err tell_former(struct reader *r, const struct task *t)
{
    const struct inbox_key key = inbox_bell_key(t->box.former);
    struct bell_pair pair = {t->reading.user_id, t->box.generation};
    const struct bell bell = {
        .kind = BELL_SUPERSEDED, .session_id = t->reading.session_id, .pairs = &pair, .n_pairs = 1};
    const struct str name = {key.text, key.n};
    struct redis_reply reply;

    TRY(redis_add(r->desk.redis, (struct str[]){STR("RPUSH"), name, bell_pack(&bell, r->desk.arena)}, 3));
    TRY(redis_add(r->desk.redis, (struct str[]){STR("EXPIRE"), name, STR("120"), STR("NX")}, 4));
    TRY(redis_answer(r->desk.redis, r->desk.arena, &reply));
    return redis_answer(r->desk.redis, r->desk.arena, &reply);
}

static enum err tell_others(struct reader *r)
{
    desk_hurry(&r->desk);
    for (size_t i = 0; i < r->n; i++) {
        const struct task *t = &r->tasks[i];
        if (t->look || t->result.redis != OK || !t->box.generation)
            continue;
        if (t->box.former)
            TRY(tell_former(r, t));
        if (t->box.was_online || t->reading.was_here)
            continue;
        struct ctx ctx = desk_ctx(r->room, &r->desk, (struct actor){0});
        TRY(presence_tell(&ctx, t->reading.user_id, true));
    }
    return OK;
}

void *reader_run(void *arg)
{
    struct reader *r = calloc(1, sizeof *r);

    if (!r)
        abort();
    r->room = arg;
    r->desk = desk_open(arg, true, ROOM_REDIS_MS);
    for (;;) {
        const struct epoch seen = take(r);
        if (!r->n)
            break;
        read_boxes(r, seen);
        fetch_events(r);
        answer_tasks(r);
        if (tell_others(r) != OK)
            log_warn("a change of presence or of process was not told",
                     log_c("redis", redis_error(r->desk.redis)));
        for (size_t i = 0; i < r->n; i++)
            free(r->tasks[i].look);
        arena_reset(r->desk.arena);
    }
    desk_close(&r->desk);
    free(r);
    return NULL;
}
