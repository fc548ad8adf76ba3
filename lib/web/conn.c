/* The table of connections, their timers, their beginning, and the end of an answer. */
#include "web/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/count.h"
#include "web/listen.h"

enum {
    CONNECTIONS_MAX = 1 << 20,
    ACCEPTS = 256, /* at one turn: the connections that are there already get theirs too */
};

struct conns conns = {.lock = PTHREAD_MUTEX_INITIALIZER, .epoll = -1, .listener = -1};

/* As many descriptors as the system lets us have; how many connections that makes. */
static unsigned raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    if (limit.rlim_max > CONNECTIONS_MAX)
        limit.rlim_max = CONNECTIONS_MAX;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur < CONNECTIONS_MAX ? (unsigned)limit.rlim_cur : CONNECTIONS_MAX;
}

void conns_init(const struct conf *conf)
{
    conns.size = raise_limit();
    conns.table = calloc(conns.size, sizeof *conns.table);
    if (!conns.table)
        abort();
    conns.open = conns.parked = conns.streams = 0;
    conns.high = 0;
    conns.paused = conns.stopping = false;
    conns.started_ms = clock_mono_ms();
    conns.input_ms = (int64_t)conf->input_timeout_s * 1000;
    conns.output_ms = (int64_t)conf->output_timeout_s * 1000;
    conns.tick = 0;
    conns.refusals = count_cell("posthouse_accept_paused_total");
    for (int i = 0; i < CONN_SLOTS; i++)
        conns.slots[i] = -1;
}

void conns_done(void)
{
    free(conns.table);
    conns.table = NULL;
    conns.size = 0;
}

/* ---- timers: a wheel of lists; what is due after a whole turn is passed over until then ---- */

static uint32_t tick_of(int64_t mono_ms)
{
    return mono_ms > conns.started_ms ? (uint32_t)((mono_ms - conns.started_ms) / CONN_TICK_MS) : 0;
}

static void unlink_timer(struct conn *c)
{
    if (!c->due)
        return;
    if (c->prev >= 0)
        conns.table[c->prev].next = c->next;
    else
        conns.slots[c->due % CONN_SLOTS] = c->next;
    if (c->next >= 0)
        conns.table[c->next].prev = c->prev;
    c->due = 0;
}

void conn_timer(struct conn *c, int64_t due_mono_ms)
{
    unlink_timer(c);
    if (!due_mono_ms)
        return;
    c->due = tick_of(due_mono_ms) + 1;
    if (c->due <= conns.tick)
        c->due = conns.tick + 1;
    int32_t *slot = &conns.slots[c->due % CONN_SLOTS];
    c->prev = -1;
    c->next = *slot;
    if (c->next >= 0)
        conns.table[c->next].prev = conn_fd(c);
    *slot = conn_fd(c);
}

struct conn *conns_due(int64_t now_mono_ms)
{
    const uint32_t now = tick_of(now_mono_ms);

    for (; conns.tick < now; conns.tick++) {
        const uint32_t tick = conns.tick + 1;
        for (int32_t i = conns.slots[tick % CONN_SLOTS]; i >= 0; i = conns.table[i].next) {
            if (conns.table[i].due > tick)
                continue;
            unlink_timer(&conns.table[i]);
            return &conns.table[i];
        }
    }
    return NULL;
}

/* ---- opening and closing ---- */

static void watch(const struct conn *c, int operation, uint32_t more_events)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET | more_events,
                            .data.u64 = (uint64_t)c->gen << 32 | (uint32_t)conn_fd(c)};

    epoll_ctl(conns.epoll, operation, conn_fd(c), &e);
}

void conn_rearm(const struct conn *c)
{
    watch(c, EPOLL_CTL_MOD, 0);
}

void conn_rearm_output(const struct conn *c)
{
    watch(c, EPOLL_CTL_MOD, EPOLLOUT);
}

static void add(int fd)
{
    const struct timeval patience = {.tv_sec = conns.input_ms / 1000,
                                     .tv_usec = conns.input_ms % 1000 * 1000};

    if ((unsigned)fd >= conns.size) {
        close(fd);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    pthread_mutex_lock(&conns.lock);
    struct conn *c = &conns.table[fd];
    *c = (struct conn){.gen = c->gen, .state = CONN_IDLE};
    conns.open++;
    if (conns.high <= fd)
        conns.high = fd + 1;
    watch(c, EPOLL_CTL_ADD, 0);
    pthread_mutex_unlock(&conns.lock);
}

static void leave(struct conn *c)
{
    unlink_timer(c);
    if (c->state == CONN_ANSWERING)
        free(c->rest);
    if (c->state == CONN_PARKED)
        conns.parked--;
    if (c->state == CONN_STREAM)
        stream_free(c);
    c->rest = NULL;
    c->state = CONN_FREE;
    c->gen++;
    conns.open--;
}

static void watch_listener(uint32_t events)
{
    struct epoll_event e = {.events = events, .data.u64 = CONN_LISTENER_TAG};

    conns.paused = !events;
    epoll_ctl(conns.epoll, EPOLL_CTL_MOD, conns.listener, &e);
}

void conns_resume(void)
{
    pthread_mutex_lock(&conns.lock);
    if (conns.paused)
        watch_listener(EPOLLIN);
    pthread_mutex_unlock(&conns.lock);
}

/* Out of epoll, which it would wake for ever: until a connection is closed, or the next tick. */
static void pause_listener(void)
{
    pthread_mutex_lock(&conns.lock);
    watch_listener(0);
    pthread_mutex_unlock(&conns.lock);
    count_add(conns.refusals, 1);
}

bool conns_accept(void)
{
    for (int i = 0; i < ACCEPTS; i++) {
        const int fd = accept4(conns.listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            add(fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_listener();
        if (errno != ECONNABORTED && errno != EINTR)
            return false;
    }
    return true;
}

void conns_refuse(void)
{
    if (conns.listener < 0)
        return;
    listen_close(conns.listener);
    conns.listener = -1;
}

void conn_close_locked(struct conn *c)
{
    const int fd = conn_fd(c);
    const bool resume = conns.paused;

    leave(c);
    pthread_mutex_unlock(&conns.lock);
    close(fd);
    if (resume)
        conns_resume();
}

void conn_close(int fd)
{
    pthread_mutex_lock(&conns.lock);
    conn_close_locked(&conns.table[fd]);
}

void conn_forget(int fd)
{
    pthread_mutex_lock(&conns.lock);
    leave(&conns.table[fd]);
    pthread_mutex_unlock(&conns.lock);
}

struct trail conn_trail(const struct conn *c)
{
    struct trail t = {
        .user_id = c->user_id, .session_id = c->session_id, .started_ms = c->started_ms, .route = c->route};

    memcpy(t.id, c->id, sizeof t.id);
    memcpy(t.trace, c->trace, sizeof t.trace);
    return t;
}

/* ---- answering ---- */

void conn_finish(struct conn *c)
{
    if (c->gone || c->last || conns.stopping) {
        conn_close_locked(c);
        return;
    }
    conn_timer(c, 0);
    c->state = CONN_IDLE;
    if (c->more)
        conn_rearm(c); /* the next request came while this one was being answered */
    c->more = 0;
    pthread_mutex_unlock(&conns.lock);
}

void conn_answer(int fd, struct str http)
{
    struct conn *c = &conns.table[fd];
    struct answer_rest *rest = NULL;

    pthread_mutex_lock(&conns.lock);
    c->state = CONN_ANSWERING;
    c->rest = NULL;
    const bool gone = c->gone;
    const uint16_t request_id = c->request_id;
    pthread_mutex_unlock(&conns.lock);

    const bool sent = !gone && answer_send(fd, request_id, http, &rest);

    pthread_mutex_lock(&conns.lock);
    c->gone |= !sent;
    c->rest = rest;
    if (!rest || c->gone) {
        conn_finish(c);
        return;
    }
    conn_timer(c, clock_mono_ms() + conns.output_ms);
    conn_rearm_output(c); /* from here on it is the loop's */
    pthread_mutex_unlock(&conns.lock);
}

void conn_writable(int fd)
{
    struct conn *c = &conns.table[fd];

    pthread_mutex_lock(&conns.lock);
    struct answer_rest *rest = c->rest;
    const bool sent = answer_continue(fd, &rest);
    c->rest = rest;
    c->gone |= !sent;
    if (rest) {
        pthread_mutex_unlock(&conns.lock);
        return;
    }
    if (sent)
        conn_rearm(c); /* without EPOLLOUT again */
    conn_finish(c);
}
