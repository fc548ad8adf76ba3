/* Streams: what is told, what is not taken yet, and when they end. */
#include "web/stream.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/count.h"
#include "web/reply.h"

struct stream {
    ticket ticket;
    struct answer_rest *rest; /* not taken yet */
    int64_t until_ms;         /* its deadline */
    uint64_t bytes;
    bool began;  /* the head was sent */
    bool told;   /* PARK_TAKEN is due when all is taken */
    bool due;    /* PARK_DUE was told */
    bool ending; /* the last piece was given */
};

static struct {
    const struct site *site;
    _Atomic uint64_t *pieces, *cut;
} streams;

void streams_init(const struct site *site)
{
    streams.site = site;
    streams.pieces = count_cell("posthouse_stream_messages_total");
    streams.cut = count_cell("posthouse_streams_cut_total");
}

void stream_park(struct conn *c, ticket t, int64_t until_mono_ms)
{
    struct stream *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    s->ticket = t;
    s->until_ms = until_mono_ms;
    c->state = CONN_STREAM;
    c->stream = s;
    conns.streams++;
    conn_timer(c, until_mono_ms);
}

void stream_free(struct conn *c)
{
    free(c->stream->rest);
    free(c->stream);
    c->stream = NULL;
    c->state = CONN_BUSY;
    conns.streams--;
    conns.parked--;
}

bool stream_is(const struct conn *c, ticket t)
{
    return c->state == CONN_STREAM && c->stream->ticket == t && !c->stream->ending;
}

bool stream_has_begun(const struct conn *c)
{
    return c->stream->began;
}

/* ---- small steps ---- */

/* Shortened by a random tenth, so that streams that began together don't all beat at once. */
static int64_t next_beat_ms(int64_t now_ms)
{
    const int64_t beat_ms = (int64_t)streams.site->conf->stream_beat_s * 1000;

    return now_ms + beat_ms - random() % (beat_ms / 10 + 1);
}

static void send_piece(struct conn *c, struct str text, bool ends)
{
    struct stream *s = c->stream;

    s->bytes += text.n;
    if (!c->gone)
        c->gone |= !answer_piece(conn_fd(c), c->request_id, text, ends, &s->rest);
}

/* What is left to say of one that ends, outside the lock. */
struct end {
    struct trail trail;
    uint64_t bytes;
    bool began;
};

static struct end end_of(const struct conn *c)
{
    return (struct end){conn_trail(c), c->stream->bytes, c->stream->began};
}

static void note(const struct end *end)
{
    const uint32_t ms = (uint32_t)clock_mono_ms() - end->trail.started_ms;

    if (end->began)
        reply_stream_done(streams.site->service, &end->trail, (int64_t)ms * 1000, end->bytes);
}

/* The client is gone, or is given up. Releases the lock. */
static void drop(struct conn *c)
{
    const park_fn fn = c->fn;
    void *arg = c->arg;
    const ticket t = c->stream->ticket;
    const bool ending = c->stream->ending;
    const struct end end = end_of(c);

    conn_close_locked(c);
    note(&end);
    if (!ending)
        fn(arg, t, PARK_GONE);
}

/* After each send: what comes next. Releases the lock. */
static void settle(struct conn *c)
{
    struct stream *s = c->stream;
    const int64_t now = clock_mono_ms();
    const park_fn fn = c->fn;
    void *arg = c->arg;
    const ticket t = s->ticket;

    if (c->gone) {
        drop(c);
        return;
    }
    if (s->rest) { /* one that is over has no time but this: its client may take a byte now and then */
        conn_timer(c, (now < s->until_ms ? now : s->until_ms) + conns.output_ms);
        conn_rearm_output(c);
        pthread_mutex_unlock(&conns.lock);
        return;
    }
    if (s->ending) {
        const struct end end = end_of(c);
        stream_free(c);
        conn_finish(c);
        note(&end);
        return;
    }
    const int64_t beat_ms = next_beat_ms(now);
    conn_timer(c, !s->due && s->until_ms < beat_ms ? s->until_ms : beat_ms);
    const bool taken = s->told;
    s->told = false;
    pthread_mutex_unlock(&conns.lock);
    if (taken)
        fn(arg, t, PARK_TAKEN);
}

/* ---- what happens ---- */

bool stream_tell(struct conn *c, struct str piece, bool goes_on)
{
    struct stream *s = c->stream;
    char head[REPLY_STREAM_HEAD];

    if (!s->began) {
        const struct trail trail = conn_trail(c);
        send_piece(c, reply_stream_head(&trail, head), false);
        s->began = true;
    }
    s->told = goes_on;
    s->ending = !goes_on;
    send_piece(c, piece, !goes_on);
    count_add(streams.pieces, 1);
    settle(c);
    return true;
}

void stream_event(struct conn *c, uint32_t events)
{
    struct stream *s = c->stream;
    const int fd = conn_fd(c);
    char byte;

    /* An edge of bytes that were read already says nothing; a peer that talks should wait. */
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR) ||
        (events & EPOLLIN && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)) {
        drop(c);
    } else if (events & EPOLLOUT && s->rest) {
        const size_t before = s->rest->at;
        c->gone |= !answer_continue(fd, &s->rest);
        if (!s->rest)
            conn_rearm(c); /* without EPOLLOUT again */
        if (c->gone || !s->rest || s->rest->at > before)
            settle(c);
        else
            pthread_mutex_unlock(&conns.lock);
    } else {
        pthread_mutex_unlock(&conns.lock);
    }
}

void stream_tick(struct conn *c, int64_t now_mono_ms)
{
    struct stream *s = c->stream;
    const park_fn fn = c->fn;
    void *arg = c->arg;
    const ticket t = s->ticket;

    if (s->rest) {
        count_add(streams.cut, 1);
        drop(c);
        return;
    }
    if (!s->due && now_mono_ms >= s->until_ms) {
        s->due = true;
        conn_timer(c, next_beat_ms(now_mono_ms));
        pthread_mutex_unlock(&conns.lock);
        fn(arg, t, PARK_DUE);
        return;
    }
    if (s->began)
        send_piece(c, STR(":\n\n"), false);
    settle(c);
}

void stream_stop(struct conn *c)
{
    const int64_t now = clock_mono_ms();

    if (c->stream->until_ms > now)
        c->stream->until_ms = now;
    if (!c->stream->rest)
        conn_timer(c, now);
}
