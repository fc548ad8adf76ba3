/* The event loop. */
#include "web/front.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "web/bodies.h"
#include "web/listen.h"
#include "web/pool.h"
#include "web/stream.h"
#include "web/walk.h"

enum {
    EVENTS = 256,
    GRACE_MS = 2000, /* after SIGTERM */
};

static const uint64_t listener_tag = CONN_LISTENER_TAG, signals_tag = CONN_LISTENER_TAG - 1;

static struct {
    const struct site *site;
    struct fcgi *fcgi;
    int signals;
    int64_t stop_ms; /* 0: not stopping; else when the grace is over */
    unsigned char peek[WALK_BYTES];
    _Atomic uint64_t *connections, *parked, *streams;
} front = {.signals = -1};

const struct site *front_site(void)
{
    return front.site;
}

/* ---- requests ---- */

/* The connection becomes the request's. */
static void take(int fd, const struct walk *w, bool last)
{
    struct conn *c = &conns.table[fd];

    pthread_mutex_lock(&conns.lock);
    conn_timer(c, 0);
    c->state = CONN_BUSY;
    c->request_id = w->id;
    c->last = !w->keep || last;
    pthread_mutex_unlock(&conns.lock);
}

static void read_whole(int fd)
{
    struct request *q = request_new(front.site, fd);
    const int64_t until = clock_mono_ms() + front.site->conf->input_timeout_s * 1000;

    if (fcgi_read(front.fcgi, fd, REQUEST_BODY_MAX, until, q->arena, &q->in) == OK) {
        serve_start(q);
        return;
    }
    conn_forget(fd);
    request_free(q);
}

/* Somebody who may block reads it: where handlers read bodies themselves, a thread of its own, whatever it
 * is. */
static void start_unread(int fd)
{
    struct request *q = request_new(front.site, fd);
    struct bodies *bodies = front.site->bodies;

    if (bodies ? bodies_read(bodies, q) : pool_put_unread(front.site->pool, q))
        return;
    request_free(q);
    conn_close(fd);
}

void front_read_long(struct request *q, struct fcgi *fcgi)
{
    const int64_t until = clock_mono_ms() + q->site->conf->input_timeout_s * 1000;
    /* A copy, so that libfcgi cannot close the number that is the connection's name. */
    const int fd = fcntl(q->fd, F_DUPFD_CLOEXEC, 0);

    if (fd < 0 || fcgi_read(fcgi, fd, 0, until, q->arena, &q->in) != OK) {
        conn_close(q->fd);
        request_free(q);
        return;
    }
    close(fd);
    serve_refuse(q, ERR_TOO_LARGE, "the body is larger than is accepted here");
}

/* Not whole yet: the rest has to come soon. */
static void expect_more(int fd)
{
    struct conn *c = &conns.table[fd];

    pthread_mutex_lock(&conns.lock);
    if (!c->due)
        conn_timer(c, clock_mono_ms() + front.site->conf->input_timeout_s * 1000);
    pthread_mutex_unlock(&conns.lock);
}

static bool answer_management(int fd, size_t n)
{
    return recv(fd, front.peek, n, MSG_DONTWAIT) == (ssize_t)n && answer_values(fd, front.peek, n);
}

/* What to do with the bytes that wait; true when it is worth to look again. */
static bool look(int fd, size_t n)
{
    struct walk w;

    switch (walk(front.peek, n, &w)) {
    case WALK_MORE:
        if (w.params && front.site->bodies) {
            take(fd, &w, true);
            start_unread(fd);
            return false;
        }
        expect_more(fd);
        return false;
    case WALK_WHOLE:
        take(fd, &w, n > w.length); /* what follows without waiting for the answer is no second request */
        read_whole(fd);
        return false;
    case WALK_LONG:
        take(fd, &w, true);
        start_unread(fd);
        return false;
    case WALK_VALUES:
        if (answer_management(fd, w.length))
            return true;
        break;
    case WALK_ROLE:
        answer_end(fd, w.id, ANSWER_UNKNOWN_ROLE);
        break;
    case WALK_MULTIPLEX:
        answer_end(fd, w.other_id, ANSWER_CANT_MULTIPLEX);
        break;
    case WALK_ABORT:
        answer_end(fd, w.id, ANSWER_COMPLETE);
        break;
    case WALK_BAD:
        break;
    }
    conn_close(fd);
    return false;
}

static void readable(int fd)
{
    bool again = true;

    while (again) {
        const ssize_t n = recv(fd, front.peek, sizeof front.peek, MSG_PEEK | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0) {
            conn_close(fd);
            return;
        }
        again = look(fd, (size_t)n);
    }
}

/* ---- events ---- */

/* The peer of a parked request went away, or talks while it should wait. Under the lock, which it releases.
 */
static void drop_parked(int fd, struct conn *c, bool hangup)
{
    const park_fn fn = c->fn;
    void *arg = c->arg;
    const ticket t = c->ticket;
    char byte;

    if (!hangup && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0) {
        pthread_mutex_unlock(&conns.lock); /* an edge of the bytes that were read already */
        return;
    }
    conns.parked--;
    c->state = CONN_BUSY;
    pthread_mutex_unlock(&conns.lock);
    conn_close(fd);
    fn(arg, t, PARK_GONE);
}

static void on_connection(int fd, uint32_t gen, uint32_t events)
{
    const bool hangup = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    struct conn *c = &conns.table[fd];

    pthread_mutex_lock(&conns.lock);
    const enum conn_state state = c->gen == gen ? c->state : CONN_FREE;
    const bool sending = state == CONN_ANSWERING && c->rest;
    if (state == CONN_PARKED) {
        drop_parked(fd, c, hangup);
        return;
    }
    if (state == CONN_STREAM) {
        stream_event(c, events);
        return;
    }
    if (state == CONN_BUSY || state == CONN_ANSWERING) {
        c->gone |= hangup;
        c->more |= (events & EPOLLIN) != 0;
    }
    pthread_mutex_unlock(&conns.lock);
    if (hangup && (state == CONN_IDLE || sending))
        conn_close(fd);
    else if (state == CONN_IDLE)
        readable(fd);
    else if (sending && (events & EPOLLOUT))
        conn_writable(fd);
}

/* ---- time ---- */

/* What waited for input or output too long is closed; what is parked is told. */
static void on_tick(void)
{
    const int64_t now = clock_mono_ms();

    for (;;) {
        pthread_mutex_lock(&conns.lock);
        struct conn *c = conns_due(now);
        const enum conn_state state = c ? c->state : CONN_FREE;
        const park_fn fn = state == CONN_PARKED ? c->fn : NULL;
        void *arg = state == CONN_PARKED ? c->arg : NULL;
        const ticket t = state == CONN_PARKED ? c->ticket : 0;
        if (state == CONN_STREAM) {
            stream_tick(c, now);
            continue;
        }
        pthread_mutex_unlock(&conns.lock);
        if (!c)
            break;
        if (fn)
            fn(arg, t, PARK_DUE);
        else if (state == CONN_IDLE || state == CONN_ANSWERING)
            conn_close((int)(c - conns.table));
    }
    conns_resume();
    pthread_mutex_lock(&conns.lock);
    count_set(front.connections, conns.open);
    count_set(front.parked, conns.parked);
    count_set(front.streams, conns.streams);
    pthread_mutex_unlock(&conns.lock);
}

/* ---- stopping ---- */

/* The next connection in this state from `fd` on; -1: none. */
static int next_in_state(int fd, enum conn_state state)
{
    pthread_mutex_lock(&conns.lock);
    while (fd < conns.high && conns.table[fd].state != (unsigned)state)
        fd++;
    const bool found = fd < conns.high;
    pthread_mutex_unlock(&conns.lock);
    return found ? fd : -1;
}

static void begin_stop(void)
{
    if (front.stop_ms)
        _exit(1); /* asked twice */
    front.stop_ms = clock_mono_ms() + GRACE_MS;
    while (conns_accept()) /* who is in the backlog was promised an answer */
        ;
    conns_refuse();
    pthread_mutex_lock(&conns.lock);
    conns.stopping = true;
    for (int fd = 0; fd < conns.high; fd++)
        if (conns.table[fd].state == CONN_PARKED)
            conn_timer(&conns.table[fd], 1);
        else if (conns.table[fd].state == CONN_STREAM)
            stream_stop(&conns.table[fd]);
    log_info("stopping", log_num("connections", conns.open), log_num("parked", conns.parked));
    pthread_mutex_unlock(&conns.lock);
}

static void on_signal(void)
{
    struct signalfd_siginfo info;

    while (read(front.signals, &info, sizeof info) == sizeof info)
        begin_stop();
}

/* True when nobody is left, or who is left took too long. */
static bool is_stopped(void)
{
    const int64_t now = clock_mono_ms();

    if (!front.stop_ms)
        return false;
    if (now >= front.stop_ms)
        for (int fd = 0; (fd = next_in_state(fd, CONN_IDLE)) >= 0; fd++)
            conn_close(fd);
    pthread_mutex_lock(&conns.lock);
    const unsigned open = conns.open;
    pthread_mutex_unlock(&conns.lock);
    return !open || now >= front.stop_ms + front.site->conf->request_timeout_s * 1000;
}

/* ---- the loop ---- */

static void on_event(const struct epoll_event *e)
{
    if (e->data.u64 == listener_tag)
        (void)conns_accept();
    else if (e->data.u64 == signals_tag)
        on_signal();
    else
        on_connection((int)(uint32_t)e->data.u64, (uint32_t)(e->data.u64 >> 32), e->events);
}

void front_run(void)
{
    struct epoll_event events[EVENTS];
    int64_t tick_ms = 0;

    while (!is_stopped()) {
        const int n = epoll_wait(conns.epoll, events, EVENTS, CONN_TICK_MS);
        for (int i = 0; i < n; i++)
            on_event(&events[i]);
        if (clock_mono_ms() >= tick_ms) {
            on_tick();
            tick_ms = clock_mono_ms() + CONN_TICK_MS;
        }
    }
}

/* ---- opening ---- */

static bool watch(int fd, uint64_t tag)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = tag};

    return epoll_ctl(conns.epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

enum err front_open(const struct site *site, const char *path, struct problem *problem)
{
    sigset_t stop;

    front.site = site;
    front.fcgi = fcgi_new();
    front.stop_ms = 0;
    front.connections = count_cell("posthouse_connections");
    front.parked = count_cell("posthouse_parked");
    front.streams = count_cell("posthouse_streams");
    conns_init(site->conf);
    streams_init(site);
    TRY(listen_open(path, &conns.listener, problem));
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    conns.epoll = epoll_create1(EPOLL_CLOEXEC);
    front.signals = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
    if (conns.epoll < 0 || front.signals < 0 || !watch(conns.listener, listener_tag) ||
        !watch(front.signals, signals_tag))
        return problem_set(problem, ERR_UNAVAILABLE, "epoll: %m");
    return OK;
}

void front_close(void)
{
    conns_refuse();
    if (conns.epoll >= 0)
        close(conns.epoll);
    if (front.signals >= 0)
        close(front.signals);
    conns.epoll = front.signals = -1;
    fcgi_free(front.fcgi);
    for (int fd = 0; fd < conns.high; fd++)
        if (conns.table[fd].state != CONN_FREE)
            conn_close(fd);
    conns_done();
}
