/* The end of a request: HTTP, log, counters. */
#include "web/reply.h"

#include <stdio.h>

#include "base/count.h"
#include "base/log.h"
#include "web/problem.h"
#include "web/route.h"

enum { LOG_FIELDS = 12 };

/* The words of RFC 9110 for the statuses that we answer. */
static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {201, "Created"},
                   {204, "No Content"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {409, "Conflict"},
                   {410, "Gone"},
                   {411, "Length Required"},
                   {412, "Precondition Failed"},
                   {413, "Content Too Large"},
                   {422, "Unprocessable Content"},
                   {426, "Upgrade Required"},
                   {429, "Too Many Requests"},
                   {460, "Checksum Mismatch"},
                   {503, "Service Unavailable"},
                   {504, "Gateway Timeout"}};

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

static struct str encode_http(const struct reply *a, struct str request_id, struct arena *arena)
{
    struct buf b = buf_in(arena), json = buf_in(arena);
    struct str body = a->body;
    const int retry_after_s = a->err == OK ? 0 : problem_retry_after_s(a->err, a->problem);

    if (a->err != OK) {
        problem_encode(&json, a->err, a->problem, request_id);
        body = buf_done(&json);
    }
    buf_c(&b, "Status: ");
    buf_i64(&b, a->status);
    buf_char(&b, ' ');
    buf_c(&b, reason_of(a->status));
    buf_c(&b, "\r\nX-Request-Id: ");
    buf_str(&b, request_id);
    buf_c(&b, "\r\n");
    if (a->err == OK) {
        if (a->headers.n)
            buf_str(&b, a->headers);
        if (a->location.n) {
            buf_c(&b, "X-Accel-Redirect: ");
            buf_str(&b, a->location);
            buf_c(&b, "\r\n\r\n");
            return buf_done(&b);
        }
    }
    buf_c(&b, "Cache-Control: no-store\r\n");
    if (a->err == ERR_UNAUTHENTICATED || a->err == ERR_TOKEN_EXPIRED)
        buf_c(&b, "WWW-Authenticate: Bearer\r\n");
    if (a->err == ERR_TUS_VERSION)
        buf_c(&b, "Tus-Resumable: 1.0.0\r\nTus-Version: 1.0.0\r\n");
    if (retry_after_s)
        buf_printf(&b, "Retry-After: %d\r\n", retry_after_s);
    if (a->status != 204) {
        if (body.n)
            buf_c(&b, a->err == OK ? "Content-Type: application/json\r\n"
                                   : "Content-Type: application/problem+json\r\n");
        buf_c(&b, "Content-Length: ");
        buf_u64(&b, body.n);
        buf_c(&b, "\r\n");
    }
    buf_c(&b, "\r\n");
    if (a->status != 204)
        buf_str(&b, body);
    return buf_done(&b);
}

static void log_answer(const struct service *of, const struct trail *t, const struct reply *a,
                       struct str request_id, int64_t us, size_t bytes)
{
    const bool known = t->route < of->n_routes;
    const struct route *route = known ? &of->routes[t->route] : NULL;
    struct log_field f[LOG_FIELDS];
    char trace[32];
    unsigned char any = 0;
    size_t n = 0;

    f[n++] = log_str("request_id", request_id);
    for (size_t i = 0; i < sizeof t->trace; i++)
        any |= t->trace[i];
    if (any) {
        hex_encode(t->trace, sizeof t->trace, trace);
        f[n++] = log_str("trace", (struct str){trace, sizeof trace});
    }
    f[n++] = log_c("method", known ? route_method_name(route->method) : "");
    f[n++] = log_c("route", known ? route->path : "");
    f[n++] = log_num("status", a->status);
    if (a->err != OK)
        f[n++] = log_c("code", err_code(a->err));
    f[n++] = log_num("ms", us / 1000);
    if (t->user_id) {
        f[n++] = log_id("user", t->user_id);
        f[n++] = log_id("session", t->session_id);
    }
    f[n++] = log_num("bytes", (int64_t)bytes);
    if (a->status >= 500)
        f[n++] = log_c("detail", a->problem->detail);
    log_write(a->status >= 500 ? LOG_WARN : LOG_INFO, "request", f, n);
}

struct str reply_conclude(const struct service *of, const struct trail *t, const struct reply *a, int64_t us,
                          struct arena *arena)
{
    char request_id[32];

    hex_encode(t->id, sizeof t->id, request_id);
    const struct str id = {request_id, sizeof request_id};
    const struct str http = encode_http(a, id, arena);
    count_request(t->route, a->status, us);
    log_answer(of, t, a, id, us, http.n);
    return http;
}

struct str reply_stream_head(const struct trail *t, char out[REPLY_STREAM_HEAD])
{
    char request_id[32];

    hex_encode(t->id, sizeof t->id, request_id);
    const int n = snprintf(out, REPLY_STREAM_HEAD,
                           "Status: 200 OK\r\nX-Request-Id: %.32s\r\nCache-Control: no-store\r\n"
                           "Content-Type: text/event-stream; charset=utf-8\r\nX-Accel-Buffering: no\r\n\r\n",
                           request_id);
    return (struct str){out, (size_t)n};
}

void reply_stream_done(const struct service *of, const struct trail *t, int64_t us, uint64_t bytes)
{
    const struct reply a = {.status = 200};
    char request_id[32];

    hex_encode(t->id, sizeof t->id, request_id);
    count_request(t->route, a.status, us);
    log_answer(of, t, &a, (struct str){request_id, sizeof request_id}, us, bytes);
}

enum err reply_public_error(const struct trail *t, enum err err, struct problem *problem)
{
    char request_id[32];

    if (err == OK || (err != LATER && *err_code(err)))
        return err;
    hex_encode(t->id, sizeof t->id, request_id);
    log_error("an inner error reached the answer", log_str("request_id", (struct str){request_id, 32}),
              log_num("err", err), log_c("detail", problem->detail));
    *problem = (struct problem){0};
    return ERR_UNAVAILABLE;
}
