/* Connections, requests, answers, and what was measured of them. */
#include "bench/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, LATENCIES_MAX = 8 * 1000 * 1000, WARM_UP_US = 1000000, FIRST_IN_BYTES = 4096 };
enum { CONNECTIONS_PER_SOURCE = 16000 }; /* of one address: they fit the usual range of ports */

static struct {
    int port, epoll, opened;
    SSL_CTX *tls;      /* NULL: plain */
    struct conn other; /* no connection, what client_watch() was given */
} client;

static struct {
    int64_t from_us, end_us;
    uint32_t *latencies;
    size_t n, all;
} measured;

_Noreturn void die(const char *what, const char *detail)
{
    fprintf(stderr, "load: %s: %s\n", what, detail);
    exit(1);
}

int number(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

int64_t clock_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- connections ---- */

void client_open(const char *port)
{
    const bool is_tls = strncmp(port, "tls:", 4) == 0;
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    client.port = number(is_tls ? port + 4 : port);
    client.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (client.epoll < 0)
        die("epoll", strerror(errno));
    /* Nobody is checked: the certificate is of the house's own authority, and the house is ours. */
    if (is_tls && !(client.tls = SSL_CTX_new(TLS_client_method())))
        die("tls", "no context");
}

static void watch(int fd, void *ptr, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = ptr};

    if (epoll_ctl(client.epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl", strerror(errno));
}

static int connect_to_house(void)
{
    const uint32_t source = INADDR_LOOPBACK + (uint32_t)(client.opened++ / CONNECTIONS_PER_SOURCE);
    const struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)},
                             to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)client.port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        die("socket", strerror(errno));
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (bind(fd, (const struct sockaddr *)&from, sizeof from) != 0)
        die("bind", strerror(errno));
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0)
        die("connect", strerror(errno));
    return fd;
}

static SSL *shake_hands(int fd)
{
    SSL *tls = SSL_new(client.tls);

    if (!tls || SSL_set_fd(tls, fd) != 1 || SSL_connect(tls) != 1)
        die("tls", "no handshake");
    return tls;
}

struct conn *conn_new(void *owner)
{
    struct conn *c = calloc(1, sizeof *c);

    if (!c || !(c->in = malloc(FIRST_IN_BYTES)))
        die("memory", "none left");
    c->in_size = FIRST_IN_BYTES;
    c->owner = owner;
    c->fd = connect_to_house();
    c->tls = client.tls ? shake_hands(c->fd) : NULL;
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0)
        die("fcntl", strerror(errno));
    watch(c->fd, c, EPOLLIN);
    return c;
}

void client_watch(int fd, bool *flag)
{
    client.other.owner = flag;
    watch(fd, &client.other, EPOLLIN | EPOLLET);
}

/* ---- requests and answers ---- */

void ask(struct conn *c, const char *text)
{
    const size_t n = strlen(text);

    c->in_n = 0;
    c->sent_us = clock_us();
    const ssize_t sent = c->tls ? SSL_write(c->tls, text, (int)n) : send(c->fd, text, n, MSG_NOSIGNAL);
    if (sent != (ssize_t)n)
        die("send", strerror(errno));
}

void ask_get(struct conn *c, const char *path, const char *token)
{
    char text[REQUEST_BYTES];

    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s%s%s\r\n", path,
             *token ? "Authorization: Bearer " : "", token, *token ? "\r\n" : "");
    ask(c, text);
}

/* Whether the buffer holds a whole answer. */
static bool is_whole(struct conn *c, struct answer *out)
{
    char *end, *length;

    c->in[c->in_n] = '\0';
    if (!(end = strstr(c->in, "\r\n\r\n")))
        return false;
    out->status = number(c->in + strlen("HTTP/1.1 "));
    out->body = end + 4;
    *end = '\0';
    length = strcasestr(c->in, "\r\nContent-Length:");
    *end = '\r';
    if (length)
        return c->in + c->in_n >= out->body + strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
    return out->status == 204 || strcmp(c->in + c->in_n - strlen("\r\n0\r\n\r\n"), "\r\n0\r\n\r\n") == 0;
}

static ssize_t receive_some(struct conn *c)
{
    char *at = c->in + c->in_n;
    const size_t room = c->in_size - c->in_n - 1;

    if (!c->tls)
        return recv(c->fd, at, room, MSG_DONTWAIT);
    const int n = SSL_read(c->tls, at, (int)room);
    if (n > 0)
        return n;
    errno = SSL_get_error(c->tls, n) == SSL_ERROR_WANT_READ ? EAGAIN : ECONNRESET;
    return -1;
}

/* Reads what is there; whether that completes the answer. */
static bool receive(struct conn *c, struct answer *out)
{
    bool more = true;

    while (more) {
        if (c->in_n + 1 >= c->in_size) {
            c->in_size *= 4;
            if (!(c->in = realloc(c->in, c->in_size)))
                die("memory", "none left");
        }
        const ssize_t n = receive_some(c);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n <= 0)
            die("the connection was closed", n < 0 ? strerror(errno) : "while an answer was awaited");
        c->in_n += (size_t)n;
        more = c->tls && SSL_pending(c->tls) > 0; /* what it keeps wakes no epoll */
    }
    return c->in_n && is_whole(c, out);
}

void turn(int64_t until_us, on_answer fn)
{
    struct epoll_event events[EVENTS];
    const int64_t left_us = until_us - clock_us();
    const struct timespec wait = {.tv_sec = left_us > 0 ? left_us / 1000000 : 0,
                                  .tv_nsec = left_us > 0 ? left_us % 1000000 * 1000 : 0};
    const int n = epoll_pwait2(client.epoll, events, EVENTS, &wait, NULL);

    for (int i = 0; i < n; i++) {
        struct answer answer;
        struct conn *c = events[i].data.ptr;

        if (c == &client.other)
            *(bool *)c->owner = true;
        else if (receive(c, &answer))
            fn(c, &answer);
    }
}

void expect(const struct answer *a, int status, int other)
{
    if (a->status != status && a->status != other)
        die("an answer", a->body);
}

/* ---- what was measured ---- */

void measure_begin(int seconds)
{
    if (!(measured.latencies = calloc(LATENCIES_MAX, sizeof *measured.latencies)))
        die("memory", "none left");
    measured.from_us = clock_us() + WARM_UP_US;
    measured.end_us = measured.from_us + (int64_t)seconds * 1000000;
}

int64_t measure_end_us(void)
{
    return measured.end_us;
}

void measure_add(int64_t latency_us)
{
    const int64_t now_us = clock_us();

    measured.all++;
    if (now_us >= measured.from_us && now_us < measured.end_us && measured.n < LATENCIES_MAX)
        measured.latencies[measured.n++] = (uint32_t)latency_us;
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static double ms_at(size_t rank)
{
    return measured.latencies[rank] / 1000.0;
}

static double cpu_s(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

void measure_print(void)
{
    const size_t n = measured.n;
    const double seconds = (double)(measured.end_us - measured.from_us) / 1e6;

    if (!n)
        die("nothing was done", "in the time given");
    qsort(measured.latencies, n, sizeof *measured.latencies, by_value);
    printf("{\"per_s\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.1f,\"n\":%zu,\"all\":%zu,\"cpu_s\":%"
           ".3f}\n",
           (double)n / seconds, ms_at(n / 2), ms_at(n * 99 / 100), ms_at(n - 1), n, measured.all, cpu_s());
}
