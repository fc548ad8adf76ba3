/*
 * What a handler sees of the web: a request, a route, a service.
 *
 * A handler is a function from a checked input struct (req->in) to an output
 * struct (req->out). It knows no socket, no JSON, no header; serve.c has done
 * decode → authenticate → rate-limit → idempotency before it, and does
 * encode → answer → log → count after it.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/field.h"
#include "base/str.h"
#include "model/ctx.h"

enum method { GET, POST, PUT, PATCH, DELETE, METHODS };

struct req;
typedef enum err (*handler_fn)(struct req *r);

enum route_flag {
    ROUTE_OPEN = 1 << 0, /* no token needed */
    ROUTE_TX = 1 << 1,   /* call runs inside tx_run() */
    ROUTE_IDEMPOTENT =
        1 << 2,            /* takes Idempotency-Key; implies ROUTE_TX, or with ROUTE_BODY sees to it itself */
    ROUTE_INLINE = 1 << 3, /* never blocks: runs in the event loop, without a database */
    ROUTE_LATER = 1 << 4,  /* may return LATER; then somebody calls req_finish() */
    ROUTE_BARE = 1 << 5,   /* also answered without the prefix /api/v1 */
    ROUTE_HEAVY = 1 << 6,  /* a password hash or a picture: workers of its own, few, with a short queue */
    ROUTE_BODY = 1 << 8,   /* reads its body itself (req_body), in a thread of its own and without ctx->db */
    ROUTE_ANY_LENGTH = 1 << 10, /* with ROUTE_BODY: Content-Length need not be said */
    ROUTE_FILE_TOKEN = 1 << 9,  /* a file token as ?t= will do too */
    ROUTE_STREAM = 1 << 7,      /* what it parks is told many things, as server-sent events (park_tell) */
};

struct route {
    enum method method;
    const char *path;      /* below /api/v1, with {parameters} that are F_PATH fields of the input */
    const char *operation; /* operationId in openapi.yaml */
    handler_fn call;
    const struct shape *in, *out; /* NULL: none */
    int status;                   /* of success: 200, 201, 204 */
    unsigned flags;
};

struct req {
    struct ctx *ctx; /* ctx->actor is who asks; valid until the handler returns (LATER: until req_finish) */
    const struct route *route;
    const void *in;            /* struct of route->in */
    void *out;                 /* zeroed struct of route->out */
    int status;                /* set to override route->status, as in 200 for a repetition */
    const char *request_id;    /* borrowed from the request */
    const char *traceparent;   /* "" if none */
    const char *scheme, *host; /* as the client asked */
    int64_t deadline_mono_ms;
    int64_t body_bytes; /* ROUTE_BODY: as the client says */
    bool is_head;       /* the client asked by HEAD; the answer is the one to GET, and nginx keeps its body */
    struct str location; /* X-Accel-Redirect: nginx carries what is there, and `body` is not sent */
    struct str headers;  /* of the answer, whole lines; their values are the house's own */
};

/*
 * For a route that returned LATER: gives the answer, from any thread, exactly
 * once. With OK, `body` is the JSON of the answer (copied), or r->out is encoded when body.p is NULL.
 * The request is gone when this returns.
 */
void req_finish(struct req *r, enum err err, struct str body);

/*
 * For a ROUTE_INLINE route that finds that this one request has to wait after all: goes on with `rest` in a
 * worker, with its connections. Give back what it gives: the request may be somebody else's already.
 */
enum err req_elsewhere(struct req *r, handler_fn rest) MUST_CHECK;

/* A header of the request by its name as a FastCGI parameter (HTTP_UPLOAD_OFFSET); absent: STR_NONE. */
struct str req_header(const struct req *r, const char *name);

/* Idempotency-Key, for a route that sees to it itself; STR_NONE: there is none. ERR_INVALID_REQUEST. */
enum err req_once(struct req *r, struct str *key) MUST_CHECK;

/*
 * ROUTE_BODY: the next bytes of the body, fewer than `max` only at its end; 0: it was whole.
 * -1: it was cut off, is not as long as was said, or came too slowly; for ever.
 */
long req_body(struct req *r, char *out, size_t max);
/* ROUTE_BODY: runs `fn` with a connection to the database, which is lent for so long. */
enum err req_with_db(struct req *r, enum err (*fn)(struct ctx *ctx, void *arg), void *arg) MUST_CHECK;

/* A program: lib/web/main.c has the only main() of the handlers. */
struct service {
    const char *name;
    const struct route *routes;
    size_t n_routes;
    /* Both may be NULL. open runs once before serving (start threads here), close after the last answer. */
    enum err (*open)(struct house *house, const struct conf *conf);
    void (*close)(void);
};
extern const struct service service; /* one per handler file */

#define SERVICE(label, table) .name = (label), .routes = (table), .n_routes = sizeof(table) / sizeof *(table)

#endif
