/*
 * Random lives of one session between two waiting rooms: polls and streams that are cut, bells that are late
 * or lost, readings that fail or overlap with what rings, a move to the other process, Redis away and back.
 * Whatever happens, no cursor may pass an event that was not told: each answer is compared with all that is
 * in the box.
 */
#include <CUnit/Basic.h>
#include <stdlib.h>

#include "lib/fixture.h"
#include "model/waiting.h"

enum {
    APP = 1,
    ANN = 10,
    PHONE = 100,
    FAR = 1000000,
    BEGINS = 1000, /* the box' first n is the next one */
    ROOMS = 2,
    EVENTS_MAX = 4096,
    BELLS_MAX = 8192,
    READINGS_MAX = 4,
    STEPS = 3000,
    LIVES = 600,
};

struct room {
    struct waiting *w;
    struct bell bells[BELLS_MAX];
    struct bell_pair pairs[BELLS_MAX];
    size_t first, last;
    bool lost; /* a bell was; the room will be told */
    struct {
        struct reading reading;
        struct reading_result result;
    } readings[READINGS_MAX];
    size_t n_readings;
    uint64_t ghost;   /* the ticket of a poll whose client is gone, as nobody noticed yet */
    uint64_t telling; /* the ticket of a stream that takes what it was told */
};

/* The world of one life. */
static struct {
    struct room rooms[ROOMS];
    struct epoch house;
    bool own[EVENTS_MAX], seen[EVENTS_MAX]; /* by event */
    size_t events, rung;                    /* committed; of these in the box */
    size_t box[EVENTS_MAX];                 /* n - BEGINS - 1 → event */
    size_t boxed;
    int holder; /* room of the registration; -1: none */
    uint64_t generation;
    bool away;
    struct { /* the client */
        int room;
        uint64_t ticket; /* 0: it asks again */
        struct cursor cursor;
    } phone;
    uint64_t tickets;
    struct arena *arena;
    unsigned random;
    bool failed;
} life;

static unsigned below(unsigned n)
{
    life.random = life.random * 1103515245 + 12345;
    return (life.random >> 8) % n;
}

static uint64_t newest(void)
{
    return BEGINS + life.boxed;
}

static uint64_t digest(void)
{
    return 1 + life.events;
}

/* ---- what the client hears ---- */

static void see_all(void)
{
    memset(life.seen, 1, life.events);
}

static void judge(const char *what)
{
    const struct cursor c = life.phone.cursor;

    for (size_t i = 0; !c.digest && i < life.boxed && BEGINS + i + 1 <= c.n; i++)
        if (!life.seen[life.box[i]] && !life.own[life.box[i]] && !life.failed) {
            printf("\n    %s: the cursor is %llu, n %llu was not told\n", what, (unsigned long long)c.n,
                   (unsigned long long)BEGINS + i + 1);
            life.failed = true;
        }
}

/* `upto`: the answer tells what is in the box behind the cursor of its reading, up to this; 0: nothing of the
 * box. */
static void hear(struct room *room, const struct answer *a, uint64_t from, uint64_t upto)
{
    static const char *const names[] = {"nothing",    "event",   "read",  "resync",
                                        "superseded", "revoked", "failed"};
    const bool arrives = life.phone.ticket == a->ticket && below(12);

    if (a->stream && a->goes_on)
        room->telling = a->ticket;
    if (life.phone.ticket != a->ticket)
        return;
    if (!arrives && a->stream && a->goes_on)
        room->ghost = a->ticket;
    if (!arrives || !a->goes_on)
        life.phone.ticket = 0;
    if (!arrives || a->kind == ANSWER_SUPERSEDED || a->kind == ANSWER_FAILED)
        return;
    for (uint64_t n = from + 1; n <= upto; n++)
        life.seen[life.box[n - BEGINS - 1]] = true;
    life.phone.cursor = a->cursor;
    if (a->kind == ANSWER_RESYNC)
        see_all();
    judge(names[a->kind]);
}

static void hear_all(struct room *room, const struct answers *out)
{
    for (size_t i = 0; i < out->n; i++) {
        const struct answer *a = &out->items[i];
        const uint64_t told = a->kind == ANSWER_EVENT ? a->cursor.n : 0;
        hear(room, a, told ? told - 1 : 0, told);
    }
}

/* ---- what is rung ---- */

static void put(struct room *room, struct bell bell, struct bell_pair pair)
{
    if (room->last == BELLS_MAX)
        return;
    room->pairs[room->last] = pair;
    bell.pairs = &room->pairs[room->last];
    bell.n_pairs = 1;
    room->bells[room->last++] = bell;
}

static void ring(size_t event)
{
    const struct bell bell = {.kind = BELL_EVENT,
                              .epoch = life.house,
                              .session_id = life.own[event] ? PHONE : 0,
                              .json = below(4) ? STR("{}") : STR("")};

    life.box[life.boxed++] = event;
    for (int i = 0; i < ROOMS; i++) {
        if (i != life.holder && below(2))
            continue; /* else another device of hers is there */
        if (below(20))
            put(&life.rooms[i], bell, (struct bell_pair){ANN, newest()});
        else
            life.rooms[i].lost = true;
    }
}

static void happen(void)
{
    if (life.events == EVENTS_MAX / 2)
        return;
    life.own[life.events++] = !below(3);
}

static void ring_next(void)
{
    if (life.away)
        return;
    if (life.rung < life.events)
        ring(life.rung++);
    else if (life.rung && !below(10) && life.boxed < EVENTS_MAX)
        ring(below((unsigned)life.rung)); /* once more */
}

static void take_bell(struct room *room)
{
    struct answers out = {.arena = life.arena};

    if (room->first == room->last || life.away)
        return;
    (void)waiting_bell(room->w, &room->bells[room->first++], 50, &out);
    hear_all(room, &out);
}

/* ---- readings ---- */

static struct reading_result read_box(int room, const struct reading *r)
{
    struct reading_result result = {.redis = below(10) && !life.away ? OK : ERR_UNAVAILABLE,
                                    .events = below(10) ? OK : ERR_UNAVAILABLE,
                                    .stands_until_ms = FAR};
    const uint64_t page = 1 + below(8);

    if (result.redis != OK)
        return result;
    if (!r->holds || life.holder < 0 || life.holder == room || life.generation <= r->holds) {
        if (life.holder >= 0 && life.holder != room)
            put(&life.rooms[life.holder], (struct bell){.kind = BELL_SUPERSEDED, .session_id = PHONE},
                (struct bell_pair){ANN, life.generation + 1});
        result.generation = ++life.generation;
        life.holder = room;
    }
    result.newest = newest();
    result.resync = !epoch_eq(r->cursor.epoch, life.house) || r->cursor.n > newest() || r->cursor.n < BEGINS;
    result.cursor = (struct cursor){.epoch = life.house, .n = newest()};
    if (!result.resync && newest() - r->cursor.n > page)
        result.cursor.n = r->cursor.n + page;
    for (uint64_t n = r->cursor.n + 1; !result.resync && n <= result.cursor.n; n++)
        result.has_events |= !life.own[life.box[n - BEGINS - 1]];
    return result;
}

static void start_reading(int i)
{
    struct room *room = &life.rooms[i];
    struct reading r;

    if (room->n_readings == READINGS_MAX || !waiting_take(room->w, &r, 1))
        return;
    room->readings[room->n_readings].reading = r;
    room->readings[room->n_readings++].result = read_box(i, &r);
}

static void end_reading(struct room *room)
{
    struct answers out = {.arena = life.arena};

    if (!room->n_readings)
        return;
    const size_t i = below((unsigned)room->n_readings);
    const struct reading r = room->readings[i].reading;
    const struct reading_result result = room->readings[i].result;
    room->readings[i] = room->readings[--room->n_readings];
    (void)waiting_read(room->w, &r, &result, 60, &out);
    for (size_t j = 0; j < out.n; j++) {
        const bool read = out.items[j].kind == ANSWER_READ;
        hear(room, &out.items[j], read ? r.cursor.n : 0, read ? result.cursor.n : 0);
    }
}

/* ---- without Redis ---- */

static void go_or_come_back(void)
{
    life.away = !life.away;
    for (int i = 0; i < ROOMS; i++) {
        if (life.away)
            waiting_away(life.rooms[i].w);
        else
            waiting_back(life.rooms[i].w);
    }
}

static void watch(struct room *room)
{
    struct answers out = {.arena = life.arena};
    struct watched of;

    if (!below(3))
        waiting_watch_all(room->w);
    if (!waiting_watch(room->w, &of, 1))
        return;
    waiting_watched(room->w, &of, below(8) ? digest() : 0, 60, &out);
    hear_all(room, &out);
}

/* ---- the client ---- */

static void ask(void)
{
    struct answers out = {.arena = life.arena};

    if (life.phone.ticket)
        return;
    if (!below(4))
        life.phone.room = !life.phone.room;
    struct room *room = &life.rooms[life.phone.room];
    const struct arrival a = {.app_id = APP,
                              .user_id = ANN,
                              .session_id = PHONE,
                              .ticket = ++life.tickets,
                              .cursor = life.phone.cursor,
                              .until_ms = 1000,
                              .stream = below(3) != 0};
    life.phone.ticket = a.ticket;
    (void)waiting_arrive(room->w, &a, &out);
    hear_all(room, &out);
}

static void leave(void)
{
    if (!life.phone.ticket || below(4))
        return;
    life.rooms[life.phone.room].ghost = life.phone.ticket;
    life.phone.ticket = 0;
}

static void notice(struct room *room)
{
    if (room->ghost)
        waiting_leave(room->w, PHONE, room->ghost, 60);
    room->ghost = 0;
}

static void take_told(struct room *room)
{
    if (room->telling)
        (void)waiting_told(room->w, PHONE, room->telling);
    room->telling = 0;
}

static void see_to(struct room *room)
{
    switch (below(4)) {
    case 0:
        if (room->lost)
            waiting_lost(room->w);
        room->lost = false;
        break;
    case 1:
        (void)waiting_retry(room->w);
        break;
    case 2:
        (void)waiting_renew(room->w, below(5) ? 0 : FAR);
        break;
    default:
        if (!below(5) && life.phone.ticket && room == &life.rooms[life.phone.room])
            (void)waiting_due(room->w, PHONE, life.phone.ticket);
    }
}

static void step(void)
{
    const int i = (int)below(ROOMS);
    struct room *room = &life.rooms[i];

    switch (below(12)) {
    case 0:
        happen();
        break;
    case 1:
        ring_next();
        break;
    case 2:
    case 3:
        take_bell(room);
        break;
    case 4:
        start_reading(i);
        break;
    case 5:
        end_reading(room);
        break;
    case 6:
        take_told(room);
        break;
    case 7:
        ask();
        break;
    case 8:
        leave();
        break;
    case 9:
        notice(room);
        break;
    case 10:
        see_to(room);
        break;
    default:
        if (life.away)
            watch(room);
        if (!below(life.away ? 20 : 60))
            go_or_come_back();
    }
    arena_reset(life.arena);
}

static bool live(unsigned seed)
{
    memset(&life, 0, sizeof life);
    life.random = seed;
    life.holder = -1;
    life.arena = arena_new();
    memset(life.house.text, 'a', sizeof life.house.text);
    for (int i = 0; i < ROOMS; i++)
        life.rooms[i].w = waiting_new();
    for (int i = 0; i < STEPS && !life.failed; i++)
        step();
    for (int i = 0; i < ROOMS; i++)
        waiting_free(life.rooms[i].w);
    arena_free(life.arena);
    return !life.failed;
}

static void no_cursor_passes_what_was_not_told(void)
{
    for (unsigned seed = 1; seed <= LIVES; seed++) {
        const bool fine = live(seed);
        if (!fine)
            printf("    seed %u\n", seed);
        CU_ASSERT_TRUE_FATAL(fine);
    }
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"no cursor passes what was not told", no_cursor_passes_what_was_not_told},
    };
    return FIXTURE_RUN("waitinglife", tests);
}
