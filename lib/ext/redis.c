/*
 * Redis over hiredis 0.14: blocking, by argument vectors only.
 *
 * Any failure of the connection closes it, so a half-read pipeline can never
 * give its answers to the next caller. A server that is loading, a replica, or
 * one that has lost its master counts as down.
 */
#include "ext/redis.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "base/clock.h"
#include "scripts.h"

enum {
    CONNECT_TIMEOUT_MS = 1000,
    DOWN_MS = 200, /* after a failure nobody tries for so long */
    SCRIPTS_MAX = 8,
    ARGS_MAX = 1024,
    LENGTH_BYTES = 1 + 20 + 2, /* a sign, a number, the end of a line */
    SHA_BYTES = 40,
    DEPTH_MAX = 8,
};

struct loaded_script {
    const struct script *script;
    char sha[SHA_BYTES];
};

struct redis {
    const struct conf *conf;
    int timeout_ms;
    redisContext *link; /* NULL: not connected */
    unsigned connection;
    unsigned pending; /* commands without their answer */
    int64_t down_until_ms;
    struct loaded_script scripts[SCRIPTS_MAX]; /* of this connection */
    size_t n_scripts;
    char *command; /* room for the one that is being written */
    size_t command_size;
    char error[160];
};

struct redis *redis_new(const struct conf *conf, int timeout_ms)
{
    struct redis *r = calloc(1, sizeof *r);

    if (!r)
        abort();
    r->conf = conf;
    r->timeout_ms = timeout_ms;
    return r;
}

void redis_free(struct redis *r)
{
    if (!r)
        return;
    redis_close(r);
    free(r->command);
    free(r);
}

void redis_close(struct redis *r)
{
    if (r->link)
        redisFree(r->link);
    r->link = NULL;
    r->pending = 0;
    r->n_scripts = 0;
}

const char *redis_error(const struct redis *r)
{
    return r->error;
}

unsigned redis_connection(const struct redis *r)
{
    return r->connection;
}

/* Closes, and stays down for a moment. */
static enum err down(struct redis *r)
{
    redis_close(r);
    r->down_until_ms = clock_mono_ms() + DOWN_MS;
    return ERR_UNAVAILABLE;
}

/* The same, and remembers why. */
static enum err broken(struct redis *r, const char *what, const char *why)
{
    snprintf(r->error, sizeof r->error, "%s: %s", what, why);
    return down(r);
}

static struct timeval timeval_of(int ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

static redisContext *dial(const struct redis *r)
{
    const struct timeval wait =
        timeval_of(r->timeout_ms < CONNECT_TIMEOUT_MS ? r->timeout_ms : CONNECT_TIMEOUT_MS);

    if (r->conf->redis_socket[0])
        return redisConnectUnixWithTimeout(r->conf->redis_socket, wait);
    return redisConnectWithTimeout(r->conf->redis_host, r->conf->redis_port, wait);
}

/* A connection is open when the server has let us in and serves data. */
static enum err greet(struct redis *r)
{
    struct arena *arena = arena_new();
    struct redis_reply reply;
    enum err err = OK;

    if (r->conf->redis_password[0])
        err = redis_call(r, arena, &reply, (struct str[]){STR("AUTH"), str_of(r->conf->redis_password)}, 2);
    if (err == OK)
        err = redis_call(r, arena, &reply, (struct str[]){STR("PING")}, 1);
    arena_free(arena);
    return err == OK ? OK : down(r);
}

/* Nothing was asked, and yet there is something to read: the server has gone, or was started again. */
static bool is_stale(const struct redis *r)
{
    struct pollfd p = {.fd = r->link->fd, .events = POLLIN | POLLRDHUP};

    return !r->pending && poll(&p, 1, 0) > 0;
}

enum err redis_open(struct redis *r)
{
    if (r->link && is_stale(r))
        redis_close(r);
    if (r->link)
        return OK;
    if (clock_mono_ms() < r->down_until_ms)
        return ERR_UNAVAILABLE;
    r->link = dial(r);
    if (!r->link)
        abort(); /* out of memory */
    if (r->link->err)
        return broken(r, "connect", r->link->errstr);
    if (redisSetTimeout(r->link, timeval_of(r->timeout_ms)) != REDIS_OK)
        return broken(r, "time-out", r->link->errstr);
    r->connection++;
    return greet(r);
}

static char *command_room(struct redis *r, size_t size)
{
    if (r->command_size < size) {
        free(r->command);
        r->command_size = 2 * size;
        r->command = malloc(r->command_size);
        if (!r->command)
            abort();
    }
    return r->command;
}

static char *put_length(char *at, char sign, size_t n)
{
    *at++ = sign;
    at += u64_text(n, at);
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

/* The command as the protocol has it; hiredis' own way to build it takes ten times as long. */
static struct str encode(struct redis *r, const struct str *argv, size_t n)
{
    size_t size = LENGTH_BYTES;

    for (size_t i = 0; i < n; i++)
        size += LENGTH_BYTES + argv[i].n + 2;
    char *const start = command_room(r, size), *at = put_length(start, '*', n);
    for (size_t i = 0; i < n; i++) {
        at = put_length(at, '$', argv[i].n);
        if (argv[i].n)
            memcpy(at, argv[i].p, argv[i].n);
        at += argv[i].n;
        *at++ = '\r';
        *at++ = '\n';
    }
    return (struct str){start, (size_t)(at - start)};
}

enum err redis_add(struct redis *r, const struct str *argv, size_t n)
{
    TRY(redis_open(r));
    if (n > ARGS_MAX)
        return broken(r, "command", "too many arguments");
    const struct str command = encode(r, argv, n);
    if (redisAppendFormattedCommand(r->link, command.p, command.n) != REDIS_OK)
        return broken(r, "command", r->link->errstr);
    r->pending++;
    return OK;
}

enum err redis_send(struct redis *r)
{
    int done = 0;

    if (!r->link)
        return ERR_UNAVAILABLE;
    while (!done)
        if (redisBufferWrite(r->link, &done) != REDIS_OK)
            return broken(r, "send", r->link->errstr);
    return OK;
}

/* False when the server nests its answer deeper than any command of ours does. */
static bool copy_reply(const redisReply *from, struct arena *arena, unsigned depth, struct redis_reply *to)
{
    *to = (struct redis_reply){.type = REDIS_NIL};
    switch (from->type) {
    case REDIS_REPLY_INTEGER:
        to->type = REDIS_INT;
        to->number = from->integer;
        return true;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        to->type = REDIS_STR;
        to->str = str_copy(arena, (struct str){from->str, from->len});
        return true;
    case REDIS_REPLY_ERROR:
        to->type = REDIS_ERROR;
        to->str = str_copy(arena, (struct str){from->str, from->len});
        return true;
    case REDIS_REPLY_ARRAY: {
        struct redis_reply *items = arena_array(arena, from->elements, sizeof *items);
        to->type = REDIS_LIST;
        to->items = items;
        to->n = from->elements;
        if (depth == DEPTH_MAX)
            return false;
        for (size_t i = 0; i < from->elements; i++)
            if (!copy_reply(from->element[i], arena, depth + 1, &items[i]))
                return false;
        return true;
    }
    default:
        return true; /* nil */
    }
}

/* Errors that say something of the server, not of the command. */
static bool is_server_down(struct str error)
{
    static const char *const signs[] = {"LOADING", "READONLY", "MASTERDOWN", "NOAUTH", "CLUSTERDOWN"};

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (str_starts(error, str_of(signs[i])))
            return true;
    return false;
}

enum err redis_answer(struct redis *r, struct arena *arena, struct redis_reply *reply)
{
    void *got = NULL;

    if (!r->link || !r->pending)
        return ERR_UNAVAILABLE;
    if (redisGetReply(r->link, &got) != REDIS_OK)
        return broken(r, "answer", r->link->err == REDIS_ERR_IO ? "no answer in time" : r->link->errstr);
    r->pending--;
    const bool whole = copy_reply(got, arena, 0, reply);
    freeReplyObject(got);
    if (!whole)
        return broken(r, "answer", "nested too deep");
    if (reply->type != REDIS_ERROR)
        return OK;
    if (is_server_down(reply->str))
        return broken(r, "server", str_c(arena, reply->str));
    if (str_starts(reply->str, STR("NOSCRIPT")))
        r->n_scripts = 0;
    snprintf(r->error, sizeof r->error, "%.*s", STR_ARG(reply->str));
    return OK;
}

enum err redis_call(struct redis *r, struct arena *arena, struct redis_reply *reply, const struct str *argv,
                    size_t n)
{
    TRY(redis_add(r, argv, n));
    TRY(redis_answer(r, arena, reply));
    return reply->type == REDIS_ERROR ? ERR_UNAVAILABLE : OK;
}

static const struct loaded_script *find_script(const struct redis *r, const struct script *script)
{
    for (size_t i = 0; i < r->n_scripts; i++)
        if (r->scripts[i].script == script)
            return &r->scripts[i];
    return NULL;
}

enum err redis_script_ready(struct redis *r, const struct script *script)
{
    TRY(redis_open(r));
    if (find_script(r, script))
        return OK;
    if (r->n_scripts == SCRIPTS_MAX)
        return broken(r, script->name, "more scripts than there is room for");
    struct arena *arena = arena_new();
    struct redis_reply reply;
    const struct str text = {script->text, script->len};
    enum err err = redis_call(r, arena, &reply, (struct str[]){STR("SCRIPT"), STR("LOAD"), text}, 3);
    if (err == OK && reply.str.n != SHA_BYTES)
        err = broken(r, script->name, "no digest in the answer");
    if (err == OK) {
        struct loaded_script *s = &r->scripts[r->n_scripts++];
        s->script = script;
        memcpy(s->sha, reply.str.p, SHA_BYTES);
    }
    arena_free(arena);
    return err;
}

enum err redis_script_add(struct redis *r, const struct script *script, const struct str *keys, size_t n_keys,
                          const struct str *args, size_t n_args)
{
    struct str argv[32];
    char count[24];
    const struct loaded_script *loaded = find_script(r, script);

    if (!loaded) /* the connection was opened anew since; what was asked on it before has no reader now */
        return broken(r, script->name, "not loaded on this connection");
    if (n_keys + n_args + 3 > sizeof argv / sizeof *argv)
        return broken(r, script->name, "too many arguments");
    argv[0] = STR("EVALSHA");
    argv[1] = (struct str){loaded->sha, SHA_BYTES};
    argv[2] = (struct str){count, (size_t)snprintf(count, sizeof count, "%zu", n_keys)};
    memcpy(argv + 3, keys, n_keys * sizeof *keys);
    memcpy(argv + 3 + n_keys, args, n_args * sizeof *args);
    return redis_add(r, argv, 3 + n_keys + n_args);
}
