/* The proxy: a thread for all connections, by poll(). */
#include "lib/proxy.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAIRS = 64, BYTES = 65536, STEP_MS = 20 };

struct pipe_pair {
    int client, server; /* -1: free */
    bool swallows;      /* the answer to a COMMIT */
    char tail[6];       /* the last bytes that the client sent */
};

struct proxy {
    char target[108], path[108];
    int listener;
    pthread_t thread;
    atomic_bool stopping, swallows_bells;
    atomic_int how, times, broken;
    struct pipe_pair pairs[PAIRS];
};

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static struct sockaddr_un address(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    return a;
}

static void drop(struct pipe_pair *pair)
{
    close(pair->client);
    close(pair->server);
    pair->client = pair->server = -1;
}

static void take(struct proxy *p)
{
    const struct sockaddr_un to = address(p->target);
    const int client = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);

    if (client < 0)
        return;
    for (int i = 0; i < PAIRS && !(p->how != PROXY_NOTHING && p->broken && p->times > 100); i++) {
        if (p->pairs[i].client >= 0)
            continue;
        const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(server, (const struct sockaddr *)&to, sizeof to))
            die(p->target);
        p->pairs[i] = (struct pipe_pair){.client = client, .server = server};
        return;
    }
    close(client);
}

static bool pass(int to, const char *bytes, ssize_t n)
{
    for (ssize_t at = 0; at < n;) {
        const ssize_t wrote = send(to, bytes + at, (size_t)(n - at), MSG_NOSIGNAL);
        if (wrote <= 0)
            return false;
        at += wrote;
    }
    return true;
}

static void remember(struct pipe_pair *pair, const char *bytes, ssize_t n)
{
    for (ssize_t i = n > 6 ? n - 6 : 0; i < n; i++) {
        memmove(pair->tail, pair->tail + 1, 5);
        pair->tail[5] = bytes[i];
    }
}

/* One command comes in one piece: what a test rings is small. */
static void swallow_bells(struct proxy *p, char *bytes, ssize_t n)
{
    static const char push[] = "RPUSH\r\n$24\r\nph:bell:";
    char *at = bytes;

    while ((at = memmem(at, (size_t)(bytes + n - at), push, sizeof push - 1))) {
        at += sizeof push - 1;
        memcpy(at - 5, "gone:", 5);
        p->broken++;
    }
}

static void from_client(struct proxy *p, struct pipe_pair *pair)
{
    char bytes[BYTES];
    const ssize_t n = recv(pair->client, bytes, sizeof bytes, 0);

    if (n <= 0) {
        drop(pair);
        return;
    }
    remember(pair, bytes, n);
    if (p->swallows_bells)
        swallow_bells(p, bytes, n);
    if (p->times > 0 && !memcmp(pair->tail, "COMMIT", 6)) {
        if (p->how == PROXY_BEFORE_COMMIT) {
            p->times--;
            p->broken++;
            drop(pair);
            return;
        }
        pair->swallows = p->how == PROXY_AFTER_COMMIT;
    }
    if (!pass(pair->server, bytes, n))
        drop(pair);
}

static void from_server(struct proxy *p, struct pipe_pair *pair)
{
    char bytes[BYTES];
    const ssize_t n = recv(pair->server, bytes, sizeof bytes, 0);

    if (n > 0 && pair->swallows) {
        p->times--;
        p->broken++;
    }
    if (n <= 0 || pair->swallows || !pass(pair->client, bytes, n))
        drop(pair);
}

static void *run(void *arg)
{
    struct proxy *p = arg;

    while (!p->stopping) {
        struct pollfd fds[1 + 2 * PAIRS];
        fds[0] = (struct pollfd){.fd = p->listener, .events = POLLIN};
        for (int i = 0; i < PAIRS; i++) {
            fds[1 + 2 * i] = (struct pollfd){.fd = p->pairs[i].client, .events = POLLIN};
            fds[2 + 2 * i] = (struct pollfd){.fd = p->pairs[i].server, .events = POLLIN};
        }
        if (poll(fds, 1 + 2 * PAIRS, STEP_MS) <= 0)
            continue;
        for (int i = 0; i < PAIRS; i++) {
            if (p->pairs[i].client >= 0 && fds[1 + 2 * i].revents)
                from_client(p, &p->pairs[i]);
            if (p->pairs[i].client >= 0 && fds[2 + 2 * i].revents)
                from_server(p, &p->pairs[i]);
        }
        if (fds[0].revents)
            take(p);
    }
    return NULL;
}

struct proxy *proxy_new(const char *target)
{
    struct proxy *p = calloc(1, sizeof *p);

    if (!p)
        abort();
    snprintf(p->target, sizeof p->target, "%s", target);
    snprintf(p->path, sizeof p->path, "%.100s.proxy", target);
    for (int i = 0; i < PAIRS; i++)
        p->pairs[i] = (struct pipe_pair){.client = -1, .server = -1};
    const struct sockaddr_un at = address(p->path);
    p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(p->path);
    if (p->listener < 0 || bind(p->listener, (const struct sockaddr *)&at, sizeof at) ||
        listen(p->listener, 64))
        die(p->path);
    if (pthread_create(&p->thread, NULL, run, p))
        abort();
    return p;
}

void proxy_free(struct proxy *p)
{
    p->stopping = true;
    pthread_join(p->thread, NULL);
    for (int i = 0; i < PAIRS; i++)
        if (p->pairs[i].client >= 0)
            drop(&p->pairs[i]);
    close(p->listener);
    unlink(p->path);
    free(p);
}

const char *proxy_path(const struct proxy *p)
{
    return p->path;
}

void proxy_break(struct proxy *p, enum proxy_break how, int times)
{
    p->times = times;
    p->how = how;
}

void proxy_swallow_bells(struct proxy *p, bool swallow)
{
    p->swallows_bells = swallow;
}

int proxy_broken(struct proxy *p)
{
    return p->broken;
}
