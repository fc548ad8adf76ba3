/* Parking: from a request to a table entry, and back to an answer. */
#include "base/clock.h"
#include "web/cgi.h"
#include "web/front.h"
#include "web/reply.h"
#include "web/serve.h"
#include "web/stream.h"

enum { FD_BITS = 24, RETRY_AFTER_S = 2 };

static const ticket cgi_ticket = 1; /* a serial 0 that no connection gets */

/* New polls are refused while a tenth of the descriptors is left: for everything else. */
static bool is_full(const struct conf *conf)
{
    return conns.parked >= (unsigned)conf->polls_per_process || conns.open >= conns.size / 10 * 9;
}

enum err req_park(struct req *r, int64_t due_mono_ms, park_fn fn, void *arg, ticket *out)
{
    struct request *q = (struct request *)r;

    if (q->fd == REQUEST_CGI) {
        *out = cgi_ticket;
        cgi_park(q, due_mono_ms, fn, arg, cgi_ticket);
        return LATER;
    }
    pthread_mutex_lock(&conns.lock);
    if (is_full(q->site->conf)) {
        pthread_mutex_unlock(&conns.lock);
        q->problem.retry_after_s = RETRY_AFTER_S;
        return problem_set(&q->problem, ERR_UNAVAILABLE, "too many polls wait here");
    }
    struct conn *c = &conns.table[q->fd];
    *out = ++conns.serial << FD_BITS | (uint64_t)q->fd;
    c->fn = fn;
    c->arg = arg;
    c->user_id = q->trail.user_id;
    c->session_id = q->trail.session_id;
    c->started_ms = q->trail.started_ms;
    c->route = q->trail.route;
    memcpy(c->id, q->trail.id, sizeof c->id);
    memcpy(c->trace, q->trail.trace, sizeof c->trace);
    if (q->match.route->flags & ROUTE_STREAM) {
        stream_park(c, *out, conns.stopping ? clock_mono_ms() : due_mono_ms);
    } else {
        c->state = CONN_PARKED;
        c->ticket = *out;
        conn_timer(c, conns.stopping ? 1 : due_mono_ms);
    }
    if (c->gone || c->more)
        conn_rearm(c); /* what happened while the handler worked is seen again by the loop */
    conns.parked++;
    pthread_mutex_unlock(&conns.lock);
    request_free(q);
    return LATER;
}

static int fd_of(ticket t)
{
    return (int)(t & ((1U << FD_BITS) - 1));
}

/* Takes a parked request for whoever comes first; a stream only before it begins. */
static bool unpark(ticket t, int *fd, struct trail *trail)
{
    *fd = fd_of(t);
    if ((unsigned)*fd >= conns.size)
        return false;
    pthread_mutex_lock(&conns.lock);
    struct conn *c = &conns.table[*fd];
    const bool ours =
        (c->state == CONN_PARKED && c->ticket == t) || (stream_is(c, t) && !stream_has_begun(c));
    if (ours) {
        conn_timer(c, 0);
        if (c->state == CONN_STREAM)
            stream_free(c);
        else
            conns.parked--;
        c->state = CONN_BUSY;
        *trail = conn_trail(c);
    }
    pthread_mutex_unlock(&conns.lock);
    return ours;
}

static bool answer(ticket t, enum err err, const struct problem *problem, struct str json)
{
    struct trail trail;
    int fd;

    if (t == cgi_ticket) {
        struct request *q = cgi_unpark();
        if (q && problem)
            q->problem = *problem;
        if (q)
            req_finish(&q->req, err, json);
        return q != NULL;
    }
    if (!unpark(t, &fd, &trail))
        return false;
    serve_parked(front_site(), fd, &trail, err, problem, json);
    return true;
}

bool park_answer(ticket t, struct str json)
{
    return answer(t, OK, NULL, json);
}

bool park_fail(ticket t, enum err err, const struct problem *problem)
{
    return answer(t, err, problem, STR_NONE) || park_tell(t, STR(""), false);
}

/* All at once, as one answer. */
static bool tell_cgi(struct str piece)
{
    struct request *q = cgi_unpark();
    char head[REPLY_STREAM_HEAD];

    if (!q)
        return false;
    struct buf b = buf_in(q->arena);
    buf_str(&b, reply_stream_head(&q->trail, head));
    buf_str(&b, piece);
    const struct str http = buf_done(&b);
    reply_stream_done(q->site->service, &q->trail, clock_mono_us() - q->started_us, http.n);
    cgi_answer(http);
    request_free(q);
    return true;
}

bool park_tell(ticket t, struct str piece, bool goes_on)
{
    if (t == cgi_ticket)
        return tell_cgi(piece);
    if ((unsigned)fd_of(t) >= conns.size)
        return false;
    pthread_mutex_lock(&conns.lock);
    struct conn *c = &conns.table[fd_of(t)];
    if (stream_is(c, t))
        return stream_tell(c, piece, goes_on);
    pthread_mutex_unlock(&conns.lock);
    return false;
}

unsigned park_count(void)
{
    pthread_mutex_lock(&conns.lock);
    const unsigned n = conns.parked;
    pthread_mutex_unlock(&conns.lock);
    return n;
}
