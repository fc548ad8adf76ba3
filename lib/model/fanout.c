/*
 * The fan-out. Killed between the boxes and the bells, or between two chunks: the
 * outbox row is still there, and all of it is rung again. An element that was
 * numbered and never arrived shows to its process as a jump in the numbers, or, if
 * nothing follows, by what is said in `ph:rung:`.
 */
#include "model/fanout.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "ext/redis.h"
#include "model/bell.h"
#include "model/inbox.h"

enum {
    CHUNK = 64,
    TIMEOUT_MS = 2000,
    ELEMENTS_MAX = 256,         /* in one push */
    LIST_MAX = 10000,           /* elements of a list that nobody takes */
    EXPIRED_MS = 5 * 60 * 1000, /* past its expiry by so much, whatever the clocks: nobody polls there */
    SESSIONS_MAX = 500,         /* registrations of one person that are looked at */
};

struct fanout {
    struct redis *boxes, *bells;
    uint64_t id; /* of this ringer, in its elements */
    struct bell_order *order;
};

/* What one process is told of one event. */
struct group {
    uint64_t process;
    const struct fan_event *event;
    struct epoch epoch;
    struct bell_pair *pairs;
    size_t n, cap;
    bool pushed;
};

struct groups {
    struct arena *arena;
    struct group *items;
    size_t n, cap;
};

struct fanout *fanout_new(const struct conf *conf)
{
    struct fanout *f = calloc(1, sizeof *f);

    if (!f || !(f->order = calloc(1, sizeof *f->order)))
        abort();
    if (getrandom(&f->id, sizeof f->id, 0) != (ssize_t)sizeof f->id)
        abort();
    f->boxes = redis_new(conf, TIMEOUT_MS);
    f->bells = redis_new(conf, TIMEOUT_MS);
    return f;
}

void fanout_free(struct fanout *f)
{
    redis_free(f->boxes);
    redis_free(f->bells);
    free(f->order);
    free(f);
}

/* ---- boxes ---- */

static bool is_whisper(const struct fan_event *e)
{
    return !e->reference.p;
}

static enum err send_boxes(struct fanout *f, const struct fan_target *targets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_whisper(targets[i].event)) {
            TRY(inbox_push(f->boxes, targets[i].user_id, targets[i].event->reference));
        } else {
            const struct inbox_key at = inbox_at_key(targets[i].user_id);
            TRY(redis_add(f->boxes, (struct str[]){STR("HGETALL"), {at.text, at.n}}, 2));
        }
    }
    return n ? redis_send(f->boxes) : OK;
}

static enum err read_box(struct fanout *f, struct arena *arena, const struct fan_target *target,
                         struct inbox_pushed *out)
{
    struct redis_reply at;

    if (!is_whisper(target->event))
        return inbox_push_answer(f->boxes, arena, out);
    TRY(redis_answer(f->boxes, arena, &at));
    *out = (struct inbox_pushed){0};
    out->n_at = registrations_read(&at, arena, &out->at);
    return OK;
}

/* ---- who has to be told ---- */

static struct group *group_of(struct groups *g, uint64_t process, const struct fan_event *event,
                              struct epoch epoch)
{
    for (size_t i = g->n; i-- > 0;)
        if (g->items[i].process == process && g->items[i].event == event &&
            epoch_eq(g->items[i].epoch, epoch))
            return &g->items[i];
    if (g->n == g->cap) {
        const size_t cap = g->cap ? 2 * g->cap : CHUNK;
        struct group *items = arena_array(g->arena, cap, sizeof *items);
        if (g->n)
            memcpy(items, g->items, g->n * sizeof *items);
        g->items = items;
        g->cap = cap;
    }
    g->items[g->n] = (struct group){.process = process, .event = event, .epoch = epoch};
    return &g->items[g->n++];
}

static void group_add(struct arena *arena, struct group *group, struct bell_pair pair)
{
    if (group->n && group->pairs[group->n - 1].user_id == pair.user_id)
        return; /* two devices of one person in one process: it knows */
    if (group->n == group->cap) {
        const size_t cap = group->cap ? 4 * group->cap : 2;
        struct bell_pair *pairs = arena_array(arena, cap, sizeof *pairs);
        if (group->n)
            memcpy(pairs, group->pairs, group->n * sizeof *pairs);
        group->pairs = pairs;
        group->cap = cap;
    }
    group->pairs[group->n++] = pair;
}

static void plan_bells(struct groups *g, const struct fan_target *target, const struct inbox_pushed *pushed)
{
    const int64_t now = clock_wall_ms();

    for (size_t i = 0; i < pushed->n_at && i < SESSIONS_MAX; i++) {
        if (pushed->at[i].expires_ms + EXPIRED_MS < now)
            continue;
        struct group *group = group_of(g, pushed->at[i].process, target->event, pushed->epoch);
        group_add(g->arena, group, (struct bell_pair){target->user_id, pushed->n});
    }
}

/* Reads what send_boxes() asked. `refused[i]`: that box was not written. */
static enum err read_boxes(struct fanout *f, const struct fan_target *targets, size_t n, struct groups *g,
                           bool *refused)
{
    for (size_t i = 0; i < n; i++) {
        struct inbox_pushed pushed;
        TRY(read_box(f, g->arena, &targets[i], &pushed));
        refused[i] = pushed.refused;
        if (!pushed.refused)
            plan_bells(g, &targets[i], &pushed);
    }
    return OK;
}

/* ---- bells ---- */

static struct str element(struct fanout *f, struct arena *arena, const struct group *g, uint64_t number)
{
    const struct bell bell = {
        .kind = is_whisper(g->event) ? BELL_WHISPER : BELL_EVENT,
        .ringer = f->id,
        .number = number,
        .rung_at_ms = clock_wall_ms(),
        .session_id = g->event->origin,
        .epoch = g->epoch,
        .pairs = g->pairs,
        .n_pairs = g->n,
        .json = g->event->json,
    };
    return bell_pack(&bell, arena);
}

/* Puts all elements of one process on its list, in order, beginning with group `first`; then says how far. */
static enum err push_process(struct fanout *f, struct groups *g, size_t first, struct inbox_key *key)
{
    const uint64_t process = g->items[first].process;
    struct str argv[2 + ELEMENTS_MAX] = {STR("RPUSH"), {key->text, key->n}};
    struct rung rung = {.ringer = f->id};
    size_t n = 2;

    for (size_t i = first; i < g->n && n < 2 + ELEMENTS_MAX; i++) {
        if (g->items[i].pushed || g->items[i].process != process)
            continue;
        rung.number = bell_next(f->order, process);
        argv[n++] = element(f, g->arena, &g->items[i], rung.number);
        g->items[i].pushed = true;
    }
    TRY(redis_add(f->bells, argv, n));
    /* A list that is made by this push dies in 120 s if nobody takes from it; NX leaves an older one its end.
     */
    TRY(redis_add(f->bells, (struct str[]){STR("EXPIRE"), argv[1], STR("120"), STR("NX")}, 4));
    return inbox_rung_add(f->bells, process, rung);
}

static enum err read_push(struct fanout *f, struct arena *arena, bool *too_long)
{
    struct redis_reply pushed, expires, said;

    TRY(redis_answer(f->bells, arena, &pushed));
    TRY(redis_answer(f->bells, arena, &expires));
    TRY(redis_answer(f->bells, arena, &said));
    TRY(redis_answer(f->bells, arena, &expires));
    *too_long = pushed.type == REDIS_INT && pushed.number > LIST_MAX;
    return pushed.type == REDIS_INT && said.type == REDIS_INT ? OK : ERR_UNAVAILABLE;
}

static enum err cut(struct fanout *f, struct arena *arena, const struct inbox_key *key)
{
    struct redis_reply reply;

    return redis_call(f->bells, arena, &reply,
                      (struct str[]){STR("LTRIM"), {key->text, key->n}, STR("-10000"), STR("-1")}, 4);
}

static enum err ring(struct fanout *f, struct groups *g)
{
    struct inbox_key *keys = arena_array(g->arena, g->n, sizeof *keys);
    bool *too_long = arena_array(g->arena, g->n, sizeof *too_long);
    size_t pushes = 0;
    enum err err = OK;

    for (size_t i = 0; i < g->n; i++) {
        if (g->items[i].pushed)
            continue;
        keys[pushes] = inbox_bell_key(g->items[i].process);
        TRY(push_process(f, g, i, &keys[pushes++]));
    }
    for (size_t i = 0; i < pushes; i++) {
        const enum err one = read_push(f, g->arena, &too_long[i]);
        err = err == OK ? one : err;
    }
    for (size_t i = 0; i < pushes && err == OK; i++)
        if (too_long[i])
            err = cut(f, g->arena, &keys[i]);
    return err;
}

/* ---- chunk by chunk ---- */

static size_t chunk_at(size_t at, size_t n)
{
    return n - at < CHUNK ? n - at : CHUNK;
}

/* One chunk whose boxes are being written: read them, start the next chunk, ring this one. */
static enum err run_chunk(struct fanout *f, struct arena *arena, const struct fan_target *targets, size_t n,
                          const struct fan_target *next, size_t n_next)
{
    struct groups g = {.arena = arena};
    bool refused[CHUNK];

    TRY(read_boxes(f, targets, n, &g, refused));
    TRY(send_boxes(f, next, n_next));
    TRY(ring(f, &g));
    for (size_t i = 0; i < n; i++)
        targets[i].event->left -= !refused[i];
    return OK;
}

void fanout_run(struct fanout *f, struct arena *arena, const struct fan_target *targets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        targets[i].event->left = 0;
    for (size_t i = 0; i < n; i++)
        targets[i].event->left++;

    enum err err = send_boxes(f, targets, chunk_at(0, n));
    for (size_t at = 0; at < n && err == OK; at += CHUNK) {
        const size_t size = chunk_at(at, n), next = at + size;
        err = run_chunk(f, arena, targets + at, size, targets + next, chunk_at(next, n));
    }
    if (err != OK) { /* answers may be on their way that belong to nobody now */
        redis_close(f->boxes);
        redis_close(f->bells);
    }
}
