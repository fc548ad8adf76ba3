/*
 * libfcgi 2.4.2 as a parser. It is given a descriptor through fields below its
 * header's "don't use" line; tests/unit/walk.c covers that they mean what we think:
 * keepConnection = 1, or FCGX_Accept_r() closes ipcFd first; detached = 1, or a
 * request that does not parse is closed by a shutdown and up to 2 s of waiting.
 */
#include "ext/fcgi.h"

#include <fcgiapp.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

enum { CHUNK_BYTES = 8192, DRAIN_BYTES = 16 << 20 };

const char *const fcgi_param_names[FCGI_PARAMS] = {
#define PARAM(name) #name,
    FCGI_PARAMS_(PARAM)
#undef PARAM
};

struct fcgi {
    FCGX_Request request;
};

enum err fcgi_init(void)
{
    return FCGX_Init() == 0 ? OK : ERR_UNAVAILABLE;
}

struct fcgi *fcgi_new(void)
{
    struct fcgi *fcgi = calloc(1, sizeof *fcgi);

    if (!fcgi || FCGX_InitRequest(&fcgi->request, -1, 0) != 0)
        abort();
    return fcgi;
}

void fcgi_free(struct fcgi *fcgi)
{
    free(fcgi);
}

/* Keeps the value of "NAME=value" if the name is one of ours; of two with one name, the first. */
static void keep_param(const char *pair, struct arena *arena, struct str *params)
{
    const char *equals = strchr(pair, '=');

    if (!equals)
        return;
    const struct str name = {pair, (size_t)(equals - pair)};
    for (int i = 0; i < FCGI_PARAMS; i++) {
        if (params[i].p || !str_eq(name, str_of(fcgi_param_names[i])))
            continue;
        params[i] = str_copy(arena, str_of(equals + 1));
        return;
    }
}

/* To its end always, also where it is too long to be kept: the next request stands behind it. */
static enum err read_body(FCGX_Stream *in, size_t body_max, int64_t until_mono_ms, struct arena *arena,
                          struct fcgi_request *out)
{
    struct buf body = buf_in(arena);
    char chunk[CHUNK_BYTES];
    int n;

    while ((n = FCGX_GetStr(chunk, sizeof chunk, in)) > 0) {
        out->body_bytes += (size_t)n;
        if (out->body_bytes <= body_max)
            buf_add(&body, chunk, (size_t)n);
        if (out->body_bytes > DRAIN_BYTES || clock_mono_ms() > until_mono_ms)
            return ERR_INVALID_REQUEST;
    }
    if (FCGX_GetError(in)) /* a request that was cut off looks complete otherwise */
        return ERR_INVALID_REQUEST;
    out->body = out->body_bytes <= body_max ? buf_done(&body) : STR("");
    return OK;
}

enum err fcgi_begin(struct fcgi *fcgi, int fd, struct arena *arena, struct fcgi_request *out)
{
    FCGX_Request *r = &fcgi->request;

    *out = (struct fcgi_request){0};
    r->ipcFd = fd;
    r->keepConnection = 1;
    r->detached = 1;
    if (FCGX_Accept_r(r) < 0)
        return ERR_INVALID_REQUEST; /* it has closed the descriptor */
    out->id = (uint16_t)r->requestId;
    out->keep = r->keepConnection != 0;
    for (char **pair = r->envp; *pair; pair++)
        keep_param(*pair, arena, out->params);
    return OK;
}

long fcgi_body(struct fcgi *fcgi, char *out, size_t max)
{
    FCGX_Stream *in = fcgi->request.in;
    const int n = FCGX_GetStr(out, max < INT_MAX ? (int)max : INT_MAX, in);

    if (n > 0)
        return n;
    return FCGX_GetError(in) ? -1 : 0;
}

void fcgi_end(struct fcgi *fcgi)
{
    FCGX_Free(&fcgi->request, 0);
    fcgi->request.ipcFd = -1;
}

enum err fcgi_read(struct fcgi *fcgi, int fd, size_t body_max, int64_t until_mono_ms, struct arena *arena,
                   struct fcgi_request *out)
{
    TRY(fcgi_begin(fcgi, fd, arena, out));
    const enum err err = read_body(fcgi->request.in, body_max, until_mono_ms, arena, out);
    fcgi_end(fcgi);
    if (err != OK)
        close(fd);
    return err;
}
