/* Threads of bodies, the connections that they are lent, and reading a body. */
#include "web/bodies.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "model/idempotency.h"
#include "web/front.h"

enum {
    STACK_BYTES = 512 * 1024, /* reserved; what is used is a fraction */
    LENT_MAX = 8,
    DRAIN_MS = 3000,
    LONGEST_MS = 12 * 3600 * 1000,
    SLOW_MS = 60 * 1000, /* after this a body must have come with at least so many bytes per second */
    SLOWEST_BYTES = 512,
};

struct bodies {
    const struct conf *conf;
    pthread_mutex_t lock;
    pthread_cond_t change;
    unsigned running;
    bool stopping;
    struct body *first; /* that are being read */
    struct db *idle[LENT_MAX];
    unsigned n_idle, n_lent;
    _Atomic uint64_t *gauge;
};

/* One thread's. */
struct body {
    struct body *next, *prev;
    struct bodies *bodies;
    struct request *q;
    int fd; /* a second name of the connection; -1: it was read whole */
    bool one_too_many;
};

struct bodies *bodies_new(const struct conf *conf)
{
    struct bodies *bodies = calloc(1, sizeof *bodies);

    if (!bodies)
        abort();
    bodies->conf = conf;
    bodies->gauge = count_cell("posthouse_uploads");
    pthread_mutex_init(&bodies->lock, NULL);
    pthread_cond_init(&bodies->change, NULL);
    return bodies;
}

void bodies_free(struct bodies *bodies)
{
    pthread_mutex_lock(&bodies->lock);
    bodies->stopping = true;
    for (const struct body *b = bodies->first; b; b = b->next)
        if (b->fd >= 0)
            shutdown(b->fd, SHUT_RD);
    while (bodies->running)
        pthread_cond_wait(&bodies->change, &bodies->lock);
    pthread_mutex_unlock(&bodies->lock);
    while (bodies->n_idle)
        db_free(bodies->idle[--bodies->n_idle]);
    pthread_cond_destroy(&bodies->change);
    pthread_mutex_destroy(&bodies->lock);
    free(bodies);
}

/* ---- connections to the database ---- */

static struct db *borrow(struct bodies *bodies)
{
    struct db *db = NULL;

    pthread_mutex_lock(&bodies->lock);
    while (!bodies->n_idle && bodies->n_lent == LENT_MAX)
        pthread_cond_wait(&bodies->change, &bodies->lock);
    if (bodies->n_idle)
        db = bodies->idle[--bodies->n_idle];
    bodies->n_lent++;
    pthread_mutex_unlock(&bodies->lock);
    return db ? db : db_new(bodies->conf);
}

static void give_back(struct bodies *bodies, struct db *db)
{
    if (db_in_transaction(db)) {
        log_error("a transaction was left open", log_c("detail", "rolled back"));
        db_rollback(db);
    }
    pthread_mutex_lock(&bodies->lock);
    bodies->idle[bodies->n_idle++] = db;
    bodies->n_lent--;
    pthread_cond_broadcast(&bodies->change);
    pthread_mutex_unlock(&bodies->lock);
}

enum err req_with_db(struct req *r, enum err (*fn)(struct ctx *ctx, void *arg), void *arg)
{
    struct request *q = (struct request *)r;

    if (r->ctx->db) /* plain CGI */
        return fn(r->ctx, arg);
    r->ctx->db = borrow(q->site->bodies);
    r->deadline_mono_ms = clock_mono_ms() + q->site->conf->request_timeout_s * 1000;
    db_deadline(r->ctx->db, r->deadline_mono_ms);
    const enum err err = fn(r->ctx, arg);
    give_back(q->site->bodies, r->ctx->db);
    r->ctx->db = NULL;
    return err;
}

/* ---- reading ---- */

enum err bodies_check(struct request *q, struct str length)
{
    uint64_t n;

    q->req.body_bytes = -1;
    if (!length.n)
        return q->match.route->flags & ROUTE_ANY_LENGTH ? OK : ERR_LENGTH_REQUIRED;
    if (!str_u64(length, &n) || n > INT64_MAX)
        return problem_set(&q->problem, ERR_INVALID_REQUEST, "Content-Length is no length");
    if (!q->stream && q->in.body_bytes > REQUEST_BODY_MAX) /* plain CGI */
        return problem_set(&q->problem, ERR_TOO_LARGE, "a body is at most %d bytes", REQUEST_BODY_MAX);
    q->req.body_bytes = (int64_t)n;
    return OK;
}

static long more_of(struct request *q, char *out, size_t max)
{
    if (q->stream)
        return fcgi_body(q->stream, out, max);
    const size_t left = q->in.body.n - q->body_taken, n = left < max ? left : max;
    memcpy(out, q->in.body.p + q->body_taken, n);
    return (long)n;
}

static bool is_too_slow(const struct request *q)
{
    const int64_t ms = (clock_mono_us() - q->started_us) / 1000;

    return ms > LONGEST_MS || (ms > SLOW_MS && q->body_taken < (uint64_t)ms / 1000 * SLOWEST_BYTES);
}

/* It is over: 0 if it was as long as was said. */
static long end_of(struct request *q, bool broken)
{
    const int64_t said = q->req.body_bytes;

    q->body_over = true;
    q->body_broken |= broken || (said >= 0 && q->body_taken != (uint64_t)said);
    return q->body_broken ? -1 : 0;
}

struct str req_header(const struct req *r, const char *name)
{
    const struct request *q = (const struct request *)r;

    for (int i = 0; i < FCGI_PARAMS; i++)
        if (strcmp(fcgi_param_names[i], name) == 0)
            return q->in.params[i];
    return STR_NONE;
}

static bool is_visible_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x21 || s.p[i] > 0x7e)
            return false;
    return s.n > 0;
}

enum err req_once(struct req *r, struct str *key)
{
    struct request *q = (struct request *)r;

    *key = q->in.params[FCGI_HTTP_IDEMPOTENCY_KEY];
    if (key->p && (key->n > IDEMPOTENCY_KEY_MAX || !is_visible_ascii(*key)))
        return problem_field(&q->problem, "Idempotency-Key", "must be 1 to %d visible ASCII characters",
                             IDEMPOTENCY_KEY_MAX);
    return OK;
}

long req_body(struct req *r, char *out, size_t max)
{
    struct request *q = (struct request *)r;

    if (q->body_over)
        return end_of(q, false);
    const long n = more_of(q, out, max);
    if (n <= 0 || is_too_slow(q))
        return end_of(q, n != 0);
    q->body_taken += (uint64_t)n;
    if (r->body_bytes >= 0 && q->body_taken > (uint64_t)r->body_bytes)
        return end_of(q, true);
    return n;
}

/* The answer is on its way: takes what still comes until nginx has read it and goes. */
static void drain(struct fcgi *fcgi, int fd)
{
    const struct timeval patience = {.tv_sec = 1};
    const int64_t until = clock_mono_ms() + DRAIN_MS;
    char chunk[4096];

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (clock_mono_ms() < until && fcgi_body(fcgi, chunk, sizeof chunk) > 0)
        ;
}

/* Not one of the routes that read a body: as any other request, once it is whole. */
static void serve_short(struct body *b, struct fcgi *fcgi)
{
    struct request *q = b->q;
    const int64_t until = clock_mono_ms() + q->site->conf->input_timeout_s * 1000;
    struct buf body = buf_in(q->arena);
    char chunk[4096];
    long n;

    while ((n = fcgi_body(fcgi, chunk, sizeof chunk)) > 0) {
        q->in.body_bytes += (size_t)n;
        if (clock_mono_ms() > until)
            break;
        if (q->in.body_bytes > REQUEST_BODY_MAX) {
            serve_refuse(q, ERR_TOO_LARGE, "the body is larger than is accepted here");
            drain(fcgi, b->fd);
            return;
        }
        buf_add(&body, chunk, (size_t)n);
    }
    if (n < 0 || clock_mono_ms() > until) {
        conn_close(q->fd);
        request_free(q);
        return;
    }
    q->in.body = buf_done(&body);
    serve_dispatch(q);
}

static void set_patience(int fd, int seconds)
{
    const struct timeval patience = {.tv_sec = seconds};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

static void serve_streamed(struct body *b, struct fcgi *fcgi)
{
    struct request *q = b->q;

    if (b->one_too_many) {
        serve_refuse(q, ERR_UNAVAILABLE, "too many files are being received already");
        drain(fcgi, b->fd);
        return;
    }
    if (!serve_find(q)) {
        drain(fcgi, b->fd);
        return;
    }
    if (!(q->match.route->flags & ROUTE_BODY)) {
        serve_short(b, fcgi);
        return;
    }
    set_patience(b->fd, b->bodies->conf->upload_stall_s);
    q->stream = fcgi;
    serve_run(q, NULL, NULL);
    drain(fcgi, b->fd);
}

/* ---- threads ---- */

static void leave(struct body *b)
{
    struct bodies *bodies = b->bodies;

    pthread_mutex_lock(&bodies->lock);
    if (b->prev)
        b->prev->next = b->next;
    else
        bodies->first = b->next;
    if (b->next)
        b->next->prev = b->prev;
    bodies->running--;
    count_set(bodies->gauge, bodies->running);
    if (b->fd >= 0)
        close(b->fd);
    pthread_cond_broadcast(&bodies->change);
    pthread_mutex_unlock(&bodies->lock);
    free(b);
}

static void *read_and_run(void *arg)
{
    struct body *b = arg;
    struct fcgi *fcgi = fcgi_new();
    const int fd =
        fcntl(b->fd, F_DUPFD_CLOEXEC, 0); /* libfcgi closes it when it does not like what it reads */

    if (fd < 0 || fcgi_begin(fcgi, fd, b->q->arena, &b->q->in) != OK) {
        conn_close(b->q->fd);
        request_free(b->q);
    } else {
        serve_streamed(b, fcgi);
        fcgi_end(fcgi);
        close(fd);
    }
    fcgi_free(fcgi);
    leave(b);
    return NULL;
}

static void *run(void *arg)
{
    struct body *b = arg;

    if (b->one_too_many)
        serve_refuse(b->q, ERR_UNAVAILABLE, "too many files are being received already");
    else
        serve_run(b->q, NULL, NULL);
    leave(b);
    return NULL;
}

/* Above the limit as many again may be told so, each for a moment. */
static bool enter(struct bodies *bodies, struct body *b)
{
    const unsigned most = (unsigned)bodies->conf->uploads_per_process;

    pthread_mutex_lock(&bodies->lock);
    const bool may = !bodies->stopping && bodies->running < 2 * most;
    if (may) {
        b->one_too_many = bodies->running >= most;
        bodies->running++;
        count_set(bodies->gauge, bodies->running);
        b->next = bodies->first;
        if (b->next)
            b->next->prev = b;
        bodies->first = b;
    }
    pthread_mutex_unlock(&bodies->lock);
    return may;
}

static bool begin(struct bodies *bodies, struct request *q, int fd, void *(*fn)(void *arg))
{
    struct body *b = calloc(1, sizeof *b);
    pthread_attr_t attributes;
    pthread_t thread;

    if (!b)
        abort();
    *b = (struct body){.bodies = bodies, .q = q, .fd = fd};
    if (!enter(bodies, b)) {
        free(b);
        return false;
    }
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    const bool started = pthread_create(&thread, &attributes, fn, b) == 0;
    pthread_attr_destroy(&attributes);
    if (!started) {
        b->fd = -1; /* the caller closes it */
        leave(b);
    }
    return started;
}

bool bodies_read(struct bodies *bodies, struct request *q)
{
    const int fd = fcntl(q->fd, F_DUPFD_CLOEXEC, 0);

    if (fd >= 0 && begin(bodies, q, fd, read_and_run))
        return true;
    if (fd >= 0)
        close(fd);
    return false;
}

void bodies_run(struct bodies *bodies, struct request *q)
{
    if (!begin(bodies, q, -1, run))
        serve_refuse(q, ERR_UNAVAILABLE, "too many files are being received already");
}
