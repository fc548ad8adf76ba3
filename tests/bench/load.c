/*
 * An HTTP client that is faster than what it measures: one thread, epoll, kept
 * connections, one request at a time each.
 *
 *   load get PORT PATH TOKEN CONNECTIONS SECONDS
 *       The same GET again and again; "-" for no token.
 *
 *   load pairs PORT FILE SECONDS
 *       A line of FILE: sender's token, reader's token, conversation, reader's cursor.
 *       A message is done when the sender has its answer and the reader's poll has
 *       brought it; then the pair sends the next.
 *
 *   load park PORT FILE
 *       A line of FILE: token, cursor. Polls that wait until standard input ends.
 *
 * Prints one JSON object. Stops at the first answer that is not what it should be.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_BYTES = 2048, TOKEN_BYTES = 512, CURSOR_BYTES = 128, ID_BYTES = 40, FIRST_IN_BYTES = 4096 };
enum { EVENTS = 256, LATENCIES_MAX = 8 * 1000 * 1000, WARM_UP_US = 1000000 };

struct pair {
    char sender[TOKEN_BYTES], reader[TOKEN_BYTES], conversation[ID_BYTES], cursor[CURSOR_BYTES];
    struct conn *post, *poll;
    char message_id[ID_BYTES];
    int64_t sent_us;
    bool answered, delivered;
};

struct conn {
    int fd;
    char *in;
    size_t in_n, in_size;
    int64_t sent_us;
    struct pair *pair; /* NULL where there is none */
    const char *request;
    struct conn *next; /* all of them */
};

struct answer {
    int status;
    const char *body; /* ends with NUL; chunk sizes may stand in it */
};

static int port, epoll_fd;
static struct conn *conns;
static int64_t now_us, count_from_us, end_us;
static uint32_t *latencies;
static size_t n_done;
static uint64_t n_messages; /* begins at the clock: an id of a former run would be its repetition */

static void die(const char *what, const char *detail)
{
    fprintf(stderr, "load: %s: %s\n", what, detail);
    exit(1);
}

static int64_t clock_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int number(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

static void done_after(int64_t latency_us)
{
    if (now_us >= count_from_us && now_us < end_us && n_done < LATENCIES_MAX)
        latencies[n_done++] = (uint32_t)latency_us;
}

static struct conn *conn_new(struct pair *pair)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct conn *c = calloc(1, sizeof *c);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

    if (!c || !(c->in = malloc(FIRST_IN_BYTES)))
        die("memory", "none left");
    c->in_size = FIRST_IN_BYTES;
    c->pair = pair;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&to, sizeof to) != 0)
        die("connect", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0)
        die("epoll_ctl", strerror(errno));
    c->next = conns;
    conns = c;
    return c;
}

/* Requests are small: the socket takes them whole. */
static void ask(struct conn *c, const char *text)
{
    const size_t n = strlen(text);

    c->in_n = 0;
    c->sent_us = clock_us();
    if (send(c->fd, text, n, MSG_NOSIGNAL) != (ssize_t)n)
        die("send", strerror(errno));
}

static void ask_get(struct conn *c, const char *path, const char *token)
{
    char text[REQUEST_BYTES];

    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s%s%s\r\n", path,
             *token ? "Authorization: Bearer " : "", token, *token ? "\r\n" : "");
    ask(c, text);
}

static void ask_poll(struct conn *c, const char *token, const char *cursor, int timeout_s)
{
    char path[CURSOR_BYTES + 64];

    snprintf(path, sizeof path, "/api/v1/poll?cursor=%s&timeout=%d", cursor, timeout_s);
    ask_get(c, path, token);
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
    if (!length && out->status != 204) {
        *end = '\r';
        return strcmp(c->in + c->in_n - strlen("\r\n0\r\n\r\n"), "\r\n0\r\n\r\n") == 0;
    }
    *end = '\r';
    return !length ||
           c->in + c->in_n >= out->body + strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
}

/* Reads what is there; whether that completes the answer. */
static bool receive(struct conn *c, struct answer *out)
{
    ssize_t n;

    if (c->in_n + 1 >= c->in_size) {
        c->in_size *= 4;
        if (!(c->in = realloc(c->in, c->in_size)))
            die("memory", "none left");
    }
    n = recv(c->fd, c->in + c->in_n, c->in_size - c->in_n - 1, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0)
        die("the connection was closed", n < 0 ? strerror(errno) : c->in);
    c->in_n += (size_t)n;
    return is_whole(c, out);
}

static void expect(const struct answer *a, int status, int other)
{
    if (a->status != status && a->status != other)
        die("an answer", a->body);
}

/* The value of "name":"..." in the body. */
static void copy_text(const char *body, const char *name, char *out, size_t size)
{
    const char *at = strstr(body, name), *end;

    if (!at || !(end = strchr(at += strlen(name), '"')) || (size_t)(end - at) >= size)
        die("an answer lacks", name);
    memcpy(out, at, (size_t)(end - at));
    out[end - at] = '\0';
}

static void send_next(struct pair *p)
{
    char body[256], text[REQUEST_BYTES];

    snprintf(p->message_id, sizeof p->message_id, "00000000-0000-4000-8000-%012" PRIx64, ++n_messages);
    snprintf(body, sizeof body,
             "{\"client_msg_id\":\"%s\",\"type\":\"text\",\"content\":{\"text\":\"A letter of common length, "
             "你好\"}}",
             p->message_id);
    snprintf(
        text, sizeof text,
        "POST /api/v1/conversations/%s/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
        p->conversation, p->sender, strlen(body), body);
    p->answered = p->delivered = false;
    p->sent_us = clock_us();
    ask(p->post, text);
}

static void on_get(struct conn *c, const struct answer *a)
{
    expect(a, 200, 200);
    done_after(now_us - c->sent_us);
    ask(c, c->request);
}

static void on_pair(struct conn *c, const struct answer *a)
{
    struct pair *p = c->pair;

    if (c == p->post) {
        expect(a, 201, 200);
        p->answered = true;
    } else {
        expect(a, 200, 200);
        if (strstr(a->body, p->message_id)) {
            p->delivered = true;
            done_after(now_us - p->sent_us);
        }
        copy_text(a->body, "\"cursor\":\"", p->cursor, sizeof p->cursor);
        ask_poll(c, p->reader, p->cursor, 25);
    }
    if (p->answered && p->delivered)
        send_next(p);
}

static void on_parked(struct conn *c, const struct answer *a)
{
    (void)c;
    die("a parked poll was answered", a->body);
}

static void turn(void (*on_answer)(struct conn *, const struct answer *))
{
    struct epoll_event events[EVENTS];
    const int n = epoll_wait(epoll_fd, events, EVENTS, 100);

    now_us = clock_us();
    for (int i = 0; i < n; i++) {
        struct answer answer;

        if (receive(events[i].data.ptr, &answer))
            on_answer(events[i].data.ptr, &answer);
    }
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static double ms_at(size_t rank)
{
    return latencies[rank] / 1000.0;
}

static void measure(int seconds, void (*on_answer)(struct conn *, const struct answer *))
{
    now_us = clock_us();
    count_from_us = now_us + WARM_UP_US;
    end_us = count_from_us + (int64_t)seconds * 1000000;
    while (now_us < end_us)
        turn(on_answer);
    if (n_done == 0)
        die("nothing was done", "in the time given");
    qsort(latencies, n_done, sizeof *latencies, by_value);
    printf("{\"per_s\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.1f,\"n\":%zu}\n",
           (double)n_done / seconds, ms_at(n_done / 2), ms_at(n_done * 99 / 100), ms_at(n_done - 1), n_done);
}

static FILE *open_file(const char *name)
{
    FILE *file = fopen(name, "r");

    if (!file)
        die(name, strerror(errno));
    return file;
}

static void run_get(char **argv)
{
    static char text[REQUEST_BYTES];
    const char *token = strcmp(argv[4], "-") == 0 ? "" : argv[4];

    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s%s%s\r\n", argv[3],
             *token ? "Authorization: Bearer " : "", token, *token ? "\r\n" : "");
    for (int i = number(argv[5]); i > 0; i--) {
        struct conn *c = conn_new(NULL);

        c->request = text;
        ask(c, text);
    }
    measure(number(argv[6]), on_get);
}

static void run_pairs(char **argv)
{
    FILE *file = open_file(argv[3]);
    struct pair p = {0};

    n_messages = (uint64_t)clock_us();
    while (fscanf(file, "%511s %511s %39s %127s", p.sender, p.reader, p.conversation, p.cursor) == 4) {
        struct pair *kept = malloc(sizeof *kept);

        if (!kept)
            die("memory", "none left");
        *kept = p;
        kept->post = conn_new(kept);
        kept->poll = conn_new(kept);
        ask_poll(kept->poll, kept->reader, kept->cursor, 25);
        send_next(kept);
    }
    fclose(file);
    measure(number(argv[4]), on_pair);
}

static void run_park(char **argv)
{
    FILE *file = open_file(argv[3]);
    char token[TOKEN_BYTES], cursor[CURSOR_BYTES];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    struct epoll_event first;
    int n = 0;

    for (; fscanf(file, "%511s %127s", token, cursor) == 2; n++)
        ask_poll(conn_new(NULL), token, cursor, 280);
    fclose(file);
    printf("{\"asked\":%d}\n", n);
    fflush(stdout);
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0)
        die("epoll_ctl", strerror(errno));
    while (epoll_wait(epoll_fd, &first, 1, -1) != 1 || first.data.ptr) {
        struct answer answer;

        if (first.data.ptr && receive(first.data.ptr, &answer))
            on_parked(first.data.ptr, &answer);
    }
}

int main(int argc, char **argv)
{
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    latencies = calloc(LATENCIES_MAX, sizeof *latencies);
    if (epoll_fd < 0 || !latencies)
        die("start", strerror(errno));
    port = argc > 2 ? number(argv[2]) : 0;
    if (argc == 7 && strcmp(argv[1], "get") == 0)
        run_get(argv);
    else if (argc == 5 && strcmp(argv[1], "pairs") == 0)
        run_pairs(argv);
    else if (argc == 4 && strcmp(argv[1], "park") == 0)
        run_park(argv);
    else
        die("arguments", "see the top of load.c");
    return 0;
}
