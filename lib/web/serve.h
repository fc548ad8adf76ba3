/*
 * The life of a request around its handler's function:
 * find route → authenticate → rate limit → decode → (idempotency) call → encode
 * → answer → log → count. Written once, for the event loop, for workers, for
 * plain CGI, and for those who answer later.
 */
#ifndef WEB_SERVE_H
#define WEB_SERVE_H

#include "ext/fcgi.h"
#include "model/house.h"
#include "web/conn.h"
#include "web/rate.h"
#include "web/route.h"

struct pool;

/* What all requests of a process share. */
struct site {
    const struct service *service;
    const struct conf *conf;
    struct house *house;
    struct rate *rate;
    struct pool *pool;  /* NULL: plain CGI, everything runs where it is */
    struct pool *heavy; /* for ROUTE_HEAVY; NULL: none has it */
};

enum { REQUEST_BODY_MAX = 64 * 1024, REQUEST_CGI = -1 };

/* A request, in its own arena. Handlers see `req`, its first member. */
struct request {
    struct req req;
    struct ctx ctx;
    struct problem problem;
    const struct site *site;
    struct arena *arena;
    int fd; /* its connection, or REQUEST_CGI */
    struct fcgi_request in;
    struct route_match match;
    struct trail trail;
    int64_t started_us;
    enum method method;
    handler_fn elsewhere; /* what goes on in a worker, after all that comes before a call */
    struct str json;      /* the answer, where it was encoded inside a transaction */
    char request_id[33], traceparent[56];
};

struct request *request_new(const struct site *site, int fd);
/* All its memory; what is secret is wiped. */
void request_free(struct request *q);

/* A request that was read: runs it here if it never blocks, else gives it to a worker. */
void serve_start(struct request *q);
/* Runs it to its answer, or to LATER. */
void serve_run(struct request *q, struct db *db, struct redis *redis);
/* Answers with an error that came before any route was looked for. */
void serve_refuse(struct request *q, enum err err, const char *detail);

/* An answer to what is parked: like the end of a request, from what is left of it. */
void serve_parked(const struct site *site, int fd, const struct trail *trail, enum err err,
                  const struct problem *problem, struct str json);

#endif
