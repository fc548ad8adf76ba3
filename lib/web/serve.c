/*
 * The life of a request, in the order in which it happens.
 *
 * A request is owned by one thread at a time. When a handler has returned LATER
 * somebody else owns it already, or has even ended it: it is not touched again here.
 */
#include "web/serve.h"

#include <ctype.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "ext/json.h"
#include "model/idempotency.h"
#include "web/arenas.h"
#include "web/authenticate.h"
#include "web/bodies.h"
#include "web/cgi.h"
#include "web/decode.h"
#include "web/pool.h"
#include "web/reply.h"

/* ---- memory ---- */

static bool has_secret(const struct shape *shape)
{
    for (size_t i = 0; shape && i < shape->n; i++)
        if (shape->fields[i].flags & F_SECRET)
            return true;
    return false;
}

static void wipe(struct str s)
{
    if (s.n)
        explicit_bzero((char *)(uintptr_t)s.p, s.n);
}

struct request *request_new(const struct site *site, int fd)
{
    struct arena *arena = arenas_take();
    struct request *q = arena_alloc(arena, sizeof *q);

    q->site = site;
    q->arena = arena;
    q->fd = fd;
    q->started_us = clock_mono_us();
    q->trail.started_ms = (uint32_t)(q->started_us / 1000);
    q->trail.route = (uint8_t)site->service->n_routes;
    q->ctx = (struct ctx){.arena = arena, .house = site->house, .problem = &q->problem};
    q->req = (struct req){.ctx = &q->ctx,
                          .request_id = q->request_id,
                          .traceparent = q->traceparent,
                          .scheme = "",
                          .host = "",
                          .deadline_mono_ms = q->started_us / 1000 + site->conf->request_timeout_s * 1000};
    return q;
}

void request_free(struct request *q)
{
    if (q->match.route && has_secret(q->match.route->in))
        wipe(q->in.body);
    arenas_give(q->arena);
}

/* ---- who and what ---- */

static struct str param(const struct request *q, enum fcgi_param name)
{
    return q->in.params[name];
}

/* A member of the `what`-separated traceparent: lower-case hex, not all zero. */
static bool is_hex_id(struct str s, size_t n, unsigned char *out)
{
    unsigned char any = 0;

    if (!hex_decode(s, out, n))
        return false;
    for (size_t i = 0; i < n; i++)
        any |= out[i];
    for (size_t i = 0; i < s.n; i++)
        if (isupper((unsigned char)s.p[i]))
            return false;
    return any != 0;
}

/* https://www.w3.org/TR/trace-context/: version 00; what is not well-formed counts as absent. */
static void read_traceparent(struct request *q)
{
    const struct str t = param(q, FCGI_HTTP_TRACEPARENT);
    unsigned char parent[8], flags;

    if (t.n != 55 || memcmp(t.p, "00-", 3) != 0 || t.p[35] != '-' || t.p[52] != '-' ||
        !hex_decode((struct str){t.p + 53, 2}, &flags, 1) ||
        !is_hex_id((struct str){t.p + 36, 16}, 8, parent) ||
        !is_hex_id((struct str){t.p + 3, 32}, 16, q->trail.trace)) {
        memset(q->trail.trace, 0, sizeof q->trail.trace);
        return;
    }
    memcpy(q->traceparent, t.p, 55);
}

/* nginx's own id of the request; ours where there is none. */
static void read_request_id(struct request *q)
{
    if (!hex_decode(param(q, FCGI_HTTP_X_REQUEST_ID), q->trail.id, sizeof q->trail.id) &&
        getrandom(q->trail.id, sizeof q->trail.id, 0) != sizeof q->trail.id)
        abort();
    hex_encode(q->trail.id, sizeof q->trail.id, q->request_id);
}

static void identify(struct request *q)
{
    read_request_id(q);
    read_traceparent(q);
    if (param(q, FCGI_REQUEST_SCHEME).p)
        q->req.scheme = param(q, FCGI_REQUEST_SCHEME).p;
    if (param(q, FCGI_HTTP_HOST).p)
        q->req.host = param(q, FCGI_HTTP_HOST).p;
    q->req.is_head = str_eq(param(q, FCGI_ASKED_METHOD), STR("HEAD"));
    q->ctx.actor.address = param(q, FCGI_REMOTE_ADDR).p;
}

/* The method that is meant: POST may say so in a header, for networks that block the others. */
static bool read_method(struct request *q)
{
    int method = route_method(param(q, FCGI_REQUEST_METHOD));

    if (method == POST) {
        const int other = route_method(param(q, FCGI_HTTP_X_HTTP_METHOD_OVERRIDE));
        if (other == PUT || other == PATCH || other == DELETE)
            method = other;
    }
    q->method = (enum method)method;
    return method >= 0;
}

static bool find_route(struct request *q)
{
    const struct str uri = param(q, FCGI_REQUEST_URI);
    const char *query = uri.p ? memchr(uri.p, '?', uri.n) : NULL;
    const struct str path = {uri.p, query ? (size_t)(query - uri.p) : uri.n};

    if (!read_method(q) || !route_find(q->site->service, q->method, path, &q->match)) {
        q->match.route = NULL;
        return false;
    }
    q->req.route = q->match.route;
    q->trail.route = (uint8_t)q->match.index;
    return true;
}

static enum err check_body(struct request *q)
{
    const struct str length = param(q, FCGI_CONTENT_LENGTH);
    uint64_t n;

    if (q->match.route->flags & ROUTE_BODY)
        return bodies_check(q, length);
    if (q->in.body_bytes > REQUEST_BODY_MAX)
        return problem_set(&q->problem, ERR_TOO_LARGE, "a body is at most %d bytes", REQUEST_BODY_MAX);
    if (!length.n)
        return q->in.body_bytes ? ERR_LENGTH_REQUIRED : OK;
    if (!str_u64(length, &n) || n != q->in.body_bytes)
        return problem_set(&q->problem, ERR_INVALID_REQUEST,
                           "the body is not as long as Content-Length says");
    return OK;
}

static enum err limit(struct request *q)
{
    if (!q->trail.user_id ||
        rate_take(q->site->rate, q->trail.user_id, clock_mono_ms(), &q->problem.retry_after_s))
        return OK;
    return problem_set(&q->problem, ERR_RATE_LIMITED, "too many requests of one user");
}

static enum err decode(struct request *q)
{
    const struct route *route = q->match.route;

    if (route->in)
        q->req.in = arena_alloc(q->arena, route->in->size);
    if (route->out)
        q->req.out = arena_alloc(q->arena, route->out->size);
    return decode_input(&q->match, param(q, FCGI_QUERY_STRING), q->in.body, (void *)(uintptr_t)q->req.in,
                        q->arena, &q->problem);
}

/* ---- the call ---- */

static struct str encode(struct request *q)
{
    struct buf json = buf_in(q->arena);

    if (q->match.route->out)
        json_encode(&json, q->match.route->out, q->req.out);
    return buf_done(&json);
}

/* A transaction may be run again: nothing of the former attempt must be left. */
static enum err call_afresh(struct ctx *ctx, void *arg)
{
    struct request *q = arg;

    (void)ctx;
    if (q->req.out)
        memset(q->req.out, 0, q->match.route->out->size);
    q->problem = (struct problem){0};
    q->req.status = 0;
    return q->match.route->call(&q->req);
}

struct once {
    struct request *q;
    struct idempotency key;
};

static enum err call_once(struct ctx *ctx, void *arg)
{
    const struct once *once = arg;
    struct request *q = once->q;
    bool first;
    int status;

    TRY(idempotency_claim(ctx, &once->key, &first, &status, &q->json));
    if (!first) {
        q->req.status = status == 201 ? 200 : status;
        return OK;
    }
    TRY(call_afresh(ctx, q));
    q->json = encode(q);
    return idempotency_store(ctx, &once->key, q->req.status ? q->req.status : q->match.route->status,
                             q->json);
}

static enum err call_idempotent(struct request *q)
{
    const struct str uri = param(q, FCGI_REQUEST_URI);
    struct once once = {.q = q};
    struct buf target = buf_in(q->arena);
    struct str key;

    TRY(req_once(&q->req, &key));
    if (!key.p)
        return tx_run(&q->ctx, call_afresh, q);
    buf_str(&target, uri);
    buf_char(&target, '\n');
    buf_str(&target, q->in.body);
    idempotency_init(&once.key, q->ctx.actor.user_id, str_of(q->match.route->operation), key,
                     buf_done(&target));
    return tx_run(&q->ctx, call_once, &once);
}

static enum err call(struct request *q)
{
    const struct route *route = q->match.route;

    if (clock_mono_ms() > q->req.deadline_mono_ms)
        return problem_set(&q->problem, ERR_UNAVAILABLE, "the request waited too long for its turn");
    if ((route->flags & ROUTE_IDEMPOTENT) && !(route->flags & ROUTE_BODY))
        return call_idempotent(q);
    if (route->flags & ROUTE_TX)
        return tx_run(&q->ctx, call_afresh, q);
    return route->call(&q->req);
}

/* ---- the end ---- */

static void finish(struct request *q, enum err err, struct str body)
{
    const struct route *route = q->match.route;
    const int good = route ? route->status : 200;
    struct reply a = {.status = q->req.status ? q->req.status : good,
                      .problem = &q->problem,
                      .body = body,
                      .headers = q->req.headers,
                      .location = q->req.location};

    a.err = reply_public_error(&q->trail, err, &q->problem);
    if (a.err != OK)
        a.status = err_status(a.err);
    const struct str http =
        reply_conclude(q->site->service, &q->trail, &a, clock_mono_us() - q->started_us, q->arena);
    if (q->fd == REQUEST_CGI)
        cgi_answer(http);
    else
        conn_answer(q->fd, http);
    if (route && has_secret(route->out)) {
        wipe(body);
        wipe(http);
    }
    request_free(q);
}

static enum err serve(struct request *q)
{
    TRY(check_body(q));
    TRY(authenticate(q));
    TRY(limit(q));
    TRY(decode(q));
    return call(q);
}

void serve_run(struct request *q, struct db *db, struct redis *redis)
{
    const bool may_wait = q->match.route->flags & ROUTE_LATER;

    q->ctx.db = db;
    q->ctx.redis = redis;
    if (db)
        db_deadline(db, q->req.deadline_mono_ms);
    const enum err err = q->elsewhere ? q->elsewhere(&q->req) : serve(q);
    if (err == LATER && may_wait)
        return;
    if (err == OK && !q->json.p)
        q->json = encode(q);
    finish(q, err, q->json);
}

bool serve_find(struct request *q)
{
    identify(q);
    if (find_route(q))
        return true;
    finish(q, problem_set(&q->problem, ERR_NOT_FOUND, "no such path and method"), STR_NONE);
    return false;
}

void serve_dispatch(struct request *q)
{
    if ((q->match.route->flags & ROUTE_BODY) && q->site->bodies)
        bodies_run(q->site->bodies, q);
    else if ((q->match.route->flags & ROUTE_INLINE) || !q->site->pool)
        serve_run(q, q->ctx.db, q->ctx.redis);
    else if (!pool_put(q->match.route->flags & ROUTE_HEAVY ? q->site->heavy : q->site->pool, q))
        finish(q, problem_set(&q->problem, ERR_UNAVAILABLE, "too many requests wait already"), STR_NONE);
}

void serve_start(struct request *q)
{
    if (serve_find(q))
        serve_dispatch(q);
}

void serve_refuse(struct request *q, enum err err, const char *detail)
{
    identify(q);
    (void)find_route(q); /* for the log */
    finish(q, problem_set(&q->problem, err, "%s", detail), STR_NONE);
}

enum err req_elsewhere(struct req *r, handler_fn rest)
{
    struct request *q = (struct request *)r;

    if (!q->site->pool)
        return rest(r);
    q->elsewhere = rest;
    if (pool_put(q->site->pool, q))
        return LATER;
    return problem_set(&q->problem, ERR_UNAVAILABLE, "too many requests wait already");
}

void req_finish(struct req *r, enum err err, struct str body)
{
    struct request *q = (struct request *)r;

    if (err == OK && !body.p)
        body = encode(q);
    finish(q, err, body);
}

void serve_parked(const struct site *site, int fd, const struct trail *trail, enum err err,
                  const struct problem *problem, struct str json)
{
    struct arena *arena = arenas_take();
    struct problem said = problem ? *problem : (struct problem){0};

    err = reply_public_error(trail, err, &said);
    const struct reply a = {
        .status = err == OK ? 200 : err_status(err), .err = err, .problem = &said, .body = json};
    const uint32_t ms = (uint32_t)clock_mono_ms() - trail->started_ms;
    conn_answer(fd, reply_conclude(site->service, trail, &a, (int64_t)ms * 1000, arena));
    arenas_give(arena);
}
