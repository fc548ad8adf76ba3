/* Who waits here: two hash tables over the same sessions, and a queue of those that have to be read. */
#include "model/waiting.h"

#include <stdlib.h>

enum { BUCKETS = 1 << 14 };

struct waiter {
    struct waiter *next_by_session, *next_by_user, *next_to_read;
    uint64_t app_id, user_id, session_id;
    uint64_t ticket;         /* of the parked poll; 0: between two polls */
    struct cursor asked;     /* with which the poll came; counts until it is open */
    struct cursor cursor;    /* told, or caused by the session itself, up to here */
    uint64_t answered;       /* n of the last answer: what follows it up to `cursor` was the session's own */
    uint64_t newest;         /* that a bell or a box told of */
    uint64_t generation;     /* of the registration; 0: none */
    uint64_t superseded_by;  /* the highest generation that was seen elsewhere */
    int64_t until_ms;        /* of the poll */
    int64_t stands_until_ms; /* of the registration */
    int64_t left_ms;         /* the last poll ended */
    int64_t seen_ms;         /* written to the database */
    unsigned era;            /* in which `cursor` was found right */
    unsigned turn;           /* so many polls; a stream's answer begins the next */
    bool open, due, queued, reading, retry;
    bool again;   /* something rang during the reading */
    bool stream;  /* the poll stays after an answer */
    bool began;   /* the stream was answered once: it goes on, it takes nothing over */
    bool telling; /* an answer is on its way, the stream is between two polls */
};

struct waiting {
    struct waiter *by_session[BUCKETS], *by_user[BUCKETS];
    struct waiter *first_to_read, **last_to_read;
    size_t sessions, parked;
    unsigned era;
    bool away; /* Redis; whoever is queued then waits for his digest, not for a reading */
};

/* ---- the tables ---- */

static size_t bucket(uint64_t id)
{
    return (size_t)((id * 0x9e3779b97f4a7c15ULL) >> 50);
}
_Static_assert(BUCKETS == 1 << (64 - 50), "bucket() gives 14 bits");

struct waiting *waiting_new(void)
{
    struct waiting *w = calloc(1, sizeof *w);

    if (!w)
        abort();
    w->last_to_read = &w->first_to_read;
    w->era = 1;
    return w;
}

void waiting_free(struct waiting *w)
{
    for (size_t b = 0; b < BUCKETS; b++)
        for (struct waiter *x = w->by_session[b]; x;) {
            struct waiter *next = x->next_by_session;
            free(x);
            x = next;
        }
    free(w);
}

size_t waiting_sessions(const struct waiting *w)
{
    return w->sessions;
}

size_t waiting_parked(const struct waiting *w)
{
    return w->parked;
}

static struct waiter *find(const struct waiting *w, uint64_t session_id)
{
    struct waiter *x = w->by_session[bucket(session_id)];

    while (x && x->session_id != session_id)
        x = x->next_by_session;
    return x;
}

static struct waiter *add(struct waiting *w, const struct arrival *a)
{
    struct waiter *x = calloc(1, sizeof *x);

    if (!x)
        abort();
    x->app_id = a->app_id;
    x->user_id = a->user_id;
    x->session_id = a->session_id;
    x->next_by_session = w->by_session[bucket(a->session_id)];
    w->by_session[bucket(a->session_id)] = x;
    x->next_by_user = w->by_user[bucket(a->user_id)];
    w->by_user[bucket(a->user_id)] = x;
    w->sessions++;
    return x;
}

static void drop(struct waiting *w, struct waiter *x)
{
    struct waiter **at = &w->by_session[bucket(x->session_id)];

    while (*at != x)
        at = &(*at)->next_by_session;
    *at = x->next_by_session;
    at = &w->by_user[bucket(x->user_id)];
    while (*at != x)
        at = &(*at)->next_by_user;
    *at = x->next_by_user;
    if (x->queued) {
        at = &w->first_to_read;
        while (*at != x)
            at = &(*at)->next_to_read;
        *at = x->next_to_read;
        if (!*at)
            w->last_to_read = at;
    }
    w->sessions--;
    w->parked -= x->ticket != 0;
    free(x);
}

/* ---- small steps ---- */

/* There is a poll that an answer could be found for. */
static bool is_asking(const struct waiter *x)
{
    return x->ticket && !x->telling;
}

/* While it is being read it need not be queued: the end of the reading sees to it; a digest waits for no
 * reading. While it is told something waiting_told() does. */
static bool queue_read(struct waiting *w, struct waiter *x)
{
    if (x->queued || (x->reading && !w->away) || !is_asking(x))
        return false;
    x->queued = true;
    x->retry = false;
    x->next_to_read = NULL;
    *w->last_to_read = x;
    w->last_to_read = &x->next_to_read;
    return true;
}

static void answers_add(struct answers *out, struct answer a)
{
    if (out->n == out->cap) {
        const size_t cap = out->cap ? 2 * out->cap : 16;
        struct answer *items = arena_array(out->arena, cap, sizeof *items);
        if (out->n)
            memcpy(items, out->items, out->n * sizeof *items);
        out->items = items;
        out->cap = cap;
    }
    out->items[out->n++] = a;
}

/* Nobody waits any more. */
static void forget_poll(struct waiting *w, struct waiter *x, int64_t now_ms)
{
    x->ticket = 0;
    x->open = x->due = x->retry = x->stream = x->began = x->telling = false;
    x->left_ms = now_ms;
    w->parked--;
}

/* A stream goes on after what it is told while its time lasts. */
static bool goes_on(const struct waiter *x, enum answer_kind kind)
{
    return x->stream && !x->due &&
           (kind == ANSWER_NOTHING || kind == ANSWER_EVENT || kind == ANSWER_READ || kind == ANSWER_RESYNC);
}

/* The poll ends with this answer; a stream waits until it is taken. What is told counts as told: a lost
 * answer comes back with an older cursor. */
static void end_poll(struct waiting *w, struct waiter *x, enum answer_kind kind, int64_t now_ms,
                     struct answers *out)
{
    const struct answer a = {kind,      x->stream,     goes_on(x, kind),
                             x->ticket, x->session_id, x->open ? x->cursor : x->asked};

    answers_add(out, a);
    if (x->open)
        x->answered = x->cursor.n;
    if (!a.goes_on) {
        forget_poll(w, x, now_ms);
        return;
    }
    x->asked = a.cursor;
    x->began = x->telling = true;
    x->open = x->retry = false;
}

static void raise_to(uint64_t *n, uint64_t to)
{
    if (*n < to)
        *n = to;
}

/* ---- what happens to a poll ---- */

/* The process knows that nothing is above this cursor, and will hear of what comes. */
static bool is_known(const struct waiting *w, const struct waiter *x)
{
    return !w->away && x->era == w->era && !x->reading && epoch_eq(x->asked.epoch, x->cursor.epoch) &&
           x->asked.n >= x->answered && x->asked.n <= x->cursor.n && x->newest <= x->cursor.n &&
           x->generation > x->superseded_by && x->stands_until_ms >= x->until_ms;
}

bool waiting_arrive(struct waiting *w, const struct arrival *a, struct answers *out)
{
    struct waiter *x = find(w, a->session_id);

    if (!x)
        x = add(w, a);
    if (x->ticket)
        end_poll(w, x, ANSWER_SUPERSEDED, 0, out);
    x->ticket = a->ticket;
    x->asked = a->cursor;
    x->until_ms = a->until_ms;
    x->stream = a->stream;
    x->turn++;
    x->open = is_known(w, x);
    w->parked++;
    if (x->open && x->stream)
        end_poll(w, x, ANSWER_NOTHING, 0, out); /* it begins */
    return x->open ? false : queue_read(w, x);
}

bool waiting_told(struct waiting *w, uint64_t session_id, uint64_t ticket)
{
    struct waiter *x = find(w, session_id);

    if (!x || x->ticket != ticket || !x->telling)
        return false;
    x->telling = false;
    x->turn++;
    x->open = is_known(w, x);
    return x->open && !x->due ? false : queue_read(w, x);
}

void waiting_leave(struct waiting *w, uint64_t session_id, uint64_t ticket, int64_t now_ms)
{
    struct waiter *x = find(w, session_id);

    if (x && ticket && x->ticket == ticket)
        forget_poll(w, x, now_ms);
}

bool waiting_due(struct waiting *w, uint64_t session_id, uint64_t ticket)
{
    struct waiter *x = find(w, session_id);

    if (!x || x->ticket != ticket)
        return false;
    x->due = true;
    return queue_read(w, x);
}

bool waiting_revoke(struct waiting *w, uint64_t session_id, struct answers *out)
{
    struct waiter *x = find(w, session_id);

    if (!x)
        return false;
    if (x->ticket)
        end_poll(w, x, ANSWER_REVOKED, 0, out);
    x->left_ms = -WAITING_IDLE_MS; /* it does not come back; dropping it here would leave it registered */
    return true;
}

/* ---- what the bell says ---- */

/* What is known here does not count any more: look into the box. */
static bool look(struct waiting *w, struct waiter *x)
{
    x->era = 0;
    x->again = x->reading;
    return queue_read(w, x);
}

/* The box of this session's person has got number n. */
static bool hear_event(struct waiting *w, struct waiter *x, const struct bell *bell, uint64_t n,
                       int64_t now_ms, struct answers *out)
{
    if (!n || !epoch_eq(bell->epoch, x->cursor.epoch))
        return look(w, x); /* another box than the one that is known */
    raise_to(&x->newest, n);
    if (n <= x->cursor.n)
        return false;
    const bool exact = n == x->cursor.n + 1, own = bell->session_id == x->session_id;
    if (exact && own)
        x->cursor.n = n; /* told by the answer of its own request */
    if (exact && x->open && !own && bell->json.n) {
        x->cursor.n = n;
        end_poll(w, x, ANSWER_EVENT, now_ms, out);
        return false;
    }
    if (x->reading)
        x->again = true; /* this reading may have been too early for it */
    return x->open && !(exact && own) && queue_read(w, x);
}

static bool hear_superseded(struct waiting *w, const struct bell *bell, int64_t now_ms, struct answers *out)
{
    struct waiter *x = find(w, bell->session_id);

    if (!x || x->generation >= bell->pairs[0].n)
        return false;
    raise_to(&x->superseded_by, bell->pairs[0].n);
    if (x->open || x->began) /* one that is being read may still get a higher generation */
        end_poll(w, x, ANSWER_SUPERSEDED, now_ms, out);
    return false;
}

bool waiting_bell(struct waiting *w, const struct bell *bell, int64_t now_ms, struct answers *out)
{
    bool read = false;

    if (bell->kind == BELL_SUPERSEDED)
        return hear_superseded(w, bell, now_ms, out);
    for (size_t i = 0; i < bell->n_pairs; i++) {
        const struct bell_pair *pair = &bell->pairs[i];
        for (struct waiter *x = w->by_user[bucket(pair->user_id)]; x; x = x->next_by_user) {
            if (x->user_id != pair->user_id)
                continue;
            if (bell->kind == BELL_EVENT)
                read |= hear_event(w, x, bell, pair->n, now_ms, out);
            else if (x->open && x->session_id != bell->session_id && bell->json.n)
                end_poll(w, x, ANSWER_EVENT, now_ms, out);
        }
    }
    return read;
}

static void queue_all(struct waiting *w)
{
    for (size_t b = 0; b < BUCKETS; b++)
        for (struct waiter *x = w->by_session[b]; x; x = x->next_by_session)
            queue_read(w, x);
}

void waiting_lost(struct waiting *w)
{
    w->era++;
    queue_all(w);
}

/* The next one of the queue; NULL: it is empty. */
static struct waiter *dequeue(struct waiting *w)
{
    struct waiter *x = w->first_to_read;

    if (!x)
        return NULL;
    w->first_to_read = x->next_to_read;
    if (!w->first_to_read)
        w->last_to_read = &w->first_to_read;
    x->queued = false;
    return x;
}

/* ---- without Redis ---- */

void waiting_away(struct waiting *w)
{
    w->away = true;
    waiting_lost(w);
}

void waiting_back(struct waiting *w)
{
    w->away = false;
    waiting_lost(w);
}

bool waiting_is_away(const struct waiting *w)
{
    return w->away;
}

void waiting_watch_all(struct waiting *w)
{
    queue_all(w);
}

size_t waiting_watch(struct waiting *w, struct watched *out, size_t max)
{
    struct waiter *x;
    size_t n = 0;

    while (w->away && n < max && (x = dequeue(w)))
        if (is_asking(x))
            out[n++] = (struct watched){x->user_id, x->session_id, x->ticket};
    return n;
}

void waiting_watched(struct waiting *w, const struct watched *of, uint64_t digest, int64_t now_ms,
                     struct answers *out)
{
    struct waiter *x = find(w, of->session_id);

    if (!w->away || !x || !is_asking(x) || x->ticket != of->ticket)
        return; /* whatever came instead is queued */
    const struct cursor told = x->open ? x->cursor : x->asked;
    const bool begins = x->stream && !x->began;
    if (digest && digest != told.digest) {
        x->open = false;
        x->asked = (struct cursor){.digest = digest};
        end_poll(w, x, ANSWER_RESYNC, now_ms, out);
    } else if (x->due || begins) {
        const bool failed = cursor_is_none(told) || (begins && !digest);
        end_poll(w, x, failed ? ANSWER_FAILED : ANSWER_NOTHING, now_ms, out);
    }
}

/* ---- reading boxes ---- */

size_t waiting_take(struct waiting *w, struct reading *out, size_t max)
{
    struct waiter *x;
    size_t n = 0;

    while (!w->away && n < max && (x = dequeue(w))) {
        if (!is_asking(x) || x->reading)
            continue; /* it hung up, or was answered, meanwhile; or was queued for its digest, and the end of
                         the reading sees to it */
        x->reading = true;
        x->again = false;
        out[n++] = (struct reading){
            .app_id = x->app_id,
            .user_id = x->user_id,
            .session_id = x->session_id,
            .ticket = x->ticket,
            .cursor = x->open ? x->cursor : x->asked,
            .until_ms = x->until_ms,
            .era = w->era,
            .turn = x->turn,
            .holds = x->open || x->began ? x->generation : 0,
            .was_here = x->generation > x->superseded_by,
        };
    }
    return n;
}

/* What could not be found out now is tried again; at the deadline the client may keep its cursor. A stream
 * begins only with what was read: its client learns at once when the database does not answer. Without Redis
 * it waits: either that is back in a moment, or a digest begins it. */
static void read_failed(struct waiting *w, struct waiter *x, const struct reading_result *result,
                        int64_t now_ms, struct answers *out)
{
    x->era = 0;
    if (x->stream && !x->began && result->redis == OK)
        end_poll(w, x, ANSWER_FAILED, now_ms, out);
    else if (x->due)
        end_poll(w, x, cursor_is_none(x->open ? x->cursor : x->asked) ? ANSWER_FAILED : ANSWER_NOTHING,
                 now_ms, out);
    else
        x->retry = true;
}

bool waiting_read(struct waiting *w, const struct reading *r, const struct reading_result *result,
                  int64_t now_ms, struct answers *out)
{
    struct waiter *x = find(w, r->session_id);

    if (!x)
        return false;
    x->reading = false;
    if (result->redis == OK && result->generation) {
        raise_to(&x->generation, result->generation);
        x->stands_until_ms = result->stands_until_ms;
    } else if (result->redis == OK) {
        raise_to(&x->superseded_by, r->holds + 1); /* the bell that said so was lost */
    }
    if (!is_asking(x) || w->away)
        return false;
    if (x->turn != r->turn)
        return x->open ? false : queue_read(w, x); /* another poll of the session */
    if (result->redis == OK && x->superseded_by > x->generation) {
        end_poll(w, x, ANSWER_SUPERSEDED, now_ms, out);
        return false;
    }
    if (result->redis != OK || result->events != OK) {
        read_failed(w, x, result, now_ms, out);
        return false;
    }

    /* Bells may have moved an open poll's cursor meanwhile, over what the session did itself. */
    if (!x->open || !epoch_eq(x->cursor.epoch, result->cursor.epoch) || x->cursor.n < result->cursor.n ||
        result->resync)
        x->cursor = result->cursor;
    x->open = true;
    x->era = x->again ? 0 : r->era;
    x->newest = result->newest;
    if (result->resync)
        end_poll(w, x, ANSWER_RESYNC, now_ms, out);
    else if (result->has_events)
        end_poll(w, x, ANSWER_READ, now_ms, out);
    else if (x->due || (x->stream && !x->began))
        end_poll(w, x, ANSWER_NOTHING, now_ms, out);
    return is_asking(x) && (x->era != w->era || x->newest > x->cursor.n) && queue_read(w, x);
}

/* ---- now and then ---- */

bool waiting_retry(struct waiting *w)
{
    bool read = false;

    for (size_t b = 0; b < BUCKETS; b++)
        for (struct waiter *x = w->by_session[b]; x; x = x->next_by_session)
            if (x->retry)
                read |= queue_read(w, x);
    return read;
}

bool waiting_renew(struct waiting *w, int64_t now_ms)
{
    bool read = false;

    for (size_t b = 0; b < BUCKETS; b++)
        for (struct waiter *x = w->by_session[b]; x; x = x->next_by_session)
            if (x->stream && x->open && now_ms >= x->until_ms) {
                x->until_ms = now_ms + WAITING_RENEW_MS;
                read |= queue_read(w, x);
            }
    return read;
}

size_t waiting_idle(struct waiting *w, int64_t now_ms, struct inbox_leave *out, size_t max)
{
    size_t n = 0;

    for (size_t b = 0; b < BUCKETS && n < max; b++)
        for (struct waiter *x = w->by_session[b], *next; x && n < max; x = next) {
            next = x->next_by_session;
            if (x->ticket || x->reading || now_ms - x->left_ms < WAITING_IDLE_MS)
                continue;
            if (x->generation > x->superseded_by)
                out[n++] = (struct inbox_leave){x->user_id, x->session_id, x->generation, false};
            drop(w, x);
        }
    return n;
}

size_t waiting_seen(struct waiting *w, int64_t now_ms, struct waiting_seen *out, size_t max)
{
    size_t n = 0;

    for (size_t b = 0; b < BUCKETS && n < max; b++)
        for (struct waiter *x = w->by_session[b]; x && n < max; x = x->next_by_session) {
            const bool polled = x->ticket || x->left_ms > x->seen_ms;
            if (!polled || (x->seen_ms && now_ms - x->seen_ms < WAITING_SEEN_MS))
                continue;
            x->seen_ms = now_ms;
            out[n++] = (struct waiting_seen){x->user_id, x->session_id};
        }
    return n;
}
