/*
 * Load, in the shapes of the benchmark's rows. PORT as in 8080, or tls:8443.
 *
 *   load get PORT PATH TOKEN CONNECTIONS SECONDS
 *       The same GET again and again; "-" for no token.
 *
 *   load post PORT PATH TOKEN BODY_FILE CONNECTIONS SECONDS
 *       The same with a POST.
 *
 * The others read a FILE whose lines are: sender's token, reader's token, conversation.
 *
 *   load pairs PORT FILE SECONDS
 *       A message is done when the sender has its answer and the reader's poll has
 *       brought it; then the pair sends the next, and the reader asks again.
 *
 *   load sends PORT FILE SECONDS
 *       The same with nobody polling: done when the sender has its answer.
 *
 *   load paced PORT FILE PER_S SECONDS
 *       All readers wait; messages are begun PER_S a second, whatever became of the
 *       former ones. What is late has waited from the moment at which it was due.
 *
 *   load group PORT FILE SECONDS
 *       All readers wait, in one conversation; the first line's sender says one message
 *       at a time. It is done when he has his answer and every reader's poll has brought
 *       it: the latency is that of the last of them.
 *
 *   load park PORT FILE
 *       All readers wait. Prints {"parked":n}; then for each line of standard input
 *       waits until every one of them was answered once, prints when the last one was
 *       (monotonic µs), and lets them ask again. Ends with standard input.
 *
 * Prints JSON, one object a line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/client.h"

enum { TOKEN_BYTES = 128, CURSOR_BYTES = 128, ID_BYTES = 40, WAIT_S = 280 };
enum {
    OPENING_MAX = 256 /* readers that wait for their first cursor at once */,
    SENDERS = 64,
    BODY_BYTES = 65536
};

struct pair {
    char sender[TOKEN_BYTES], reader[TOKEN_BYTES], conversation[ID_BYTES], cursor[CURSOR_BYTES];
    struct conn *post, *poll;
    char message_id[ID_BYTES];
    int64_t sent_us;
    bool answered, delivered;
};

static struct {
    struct pair *items;
    size_t n, opening, waiting; /* readers: without a cursor yet; that ask with one */
} pairs;
static uint64_t n_messages; /* begins at the clock: an id of a former run would be its repetition */
static const char *get_text;
static size_t n_delivered; /* readers that have the group's message */

static void read_pairs(const char *name)
{
    FILE *file = fopen(name, "r");
    struct pair p = {0};
    size_t room = 0;

    if (!file)
        die(name, "cannot be read");
    while (fscanf(file, "%127s %127s %39s", p.sender, p.reader, p.conversation) == 3) {
        if (pairs.n == room) {
            room = room ? 2 * room : 256;
            if (!(pairs.items = realloc(pairs.items, room * sizeof p)))
                die("memory", "none left");
        }
        pairs.items[pairs.n++] = p;
    }
    fclose(file);
}

/* ---- requests ---- */

static void poll_again(struct pair *p)
{
    char path[CURSOR_BYTES + 64];

    snprintf(path, sizeof path, "/api/v1/poll?cursor=%s&timeout=%d", p->cursor, WAIT_S);
    ask_get(p->poll, path, p->reader);
}

/* The first has no cursor, and is answered at once with one. */
static void poll_first(struct pair *p)
{
    p->poll = conn_new(p);
    pairs.opening++;
    ask_get(p->poll, "/api/v1/poll?timeout=280", p->reader);
}

static void send_message(struct pair *p, struct conn *post)
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
    ask(post, text);
}

/* ---- answers ---- */

static void take_cursor(struct pair *p, const struct answer *a)
{
    static const char name[] = "\"cursor\":\"";
    const char *at = strstr(a->body, name);
    const size_t n = at ? strcspn(at += strlen(name), "\"") : 0;

    expect(a, 200, 200);
    if (!n || n >= CURSOR_BYTES)
        die("an answer lacks its cursor", a->body);
    pairs.opening -= !*p->cursor;
    pairs.waiting += !*p->cursor;
    snprintf(p->cursor, sizeof p->cursor, "%.*s", (int)n, at);
}

static void on_get(struct conn *c, const struct answer *a)
{
    expect(a, 200, 200);
    measure_add(clock_us() - c->sent_us);
    ask(c, get_text);
}

/* In a group: the first line's pair sends, and counts who has it. */
static void on_group(struct conn *c, const struct answer *a)
{
    struct pair *p = c->owner, *first = pairs.items;

    if (c == first->post) {
        expect(a, 201, 201);
        first->answered = true;
    } else {
        n_delivered += strstr(a->body, first->message_id) != NULL;
        take_cursor(p, a);
        poll_again(p);
    }
    if (!first->answered || n_delivered < pairs.n)
        return;
    measure_add(clock_us() - first->post->sent_us);
    n_delivered = 0;
    send_message(first, first->post);
}

static void on_send(struct conn *c, const struct answer *a)
{
    expect(a, 201, 201);
    measure_add(clock_us() - c->sent_us);
    send_message(c->owner, c);
}

static void on_first(struct conn *c, const struct answer *a)
{
    take_cursor(c->owner, a);
    poll_again(c->owner);
}

/* The poll's side of a message: whether it brought the one that is on its way. */
static bool is_delivered(struct pair *p, const struct answer *a)
{
    take_cursor(p, a);
    poll_again(p);
    return strstr(a->body, p->message_id) != NULL;
}

static void on_pair(struct conn *c, const struct answer *a)
{
    struct pair *p = c->owner;

    if (c == p->post) {
        expect(a, 201, 201);
        p->answered = true;
    } else if (is_delivered(p, a)) {
        p->delivered = true;
        measure_add(clock_us() - p->post->sent_us);
    }
    if (p->answered && p->delivered)
        send_message(p, p->post);
}

/* Connections to send on, in turn: nginx closes what is not used for long. */
static struct conn *idle[SENDERS];
static size_t first_idle, n_idle;

static void put_idle(struct conn *c)
{
    idle[(first_idle + n_idle++) % SENDERS] = c;
}

static struct conn *take_idle(void)
{
    n_idle--;
    return idle[first_idle++ % SENDERS];
}

static void on_paced(struct conn *c, const struct answer *a)
{
    struct pair *p = c->owner;

    if (c != p->poll) {
        expect(a, 201, 201);
        put_idle(c);
    } else if (is_delivered(p, a)) {
        measure_add(clock_us() - p->sent_us);
    }
}

static void on_woken(struct conn *c, const struct answer *a)
{
    take_cursor(c->owner, a);
    pairs.waiting--;
}

/* ---- the modes ---- */

static void run(on_answer fn)
{
    while (clock_us() < measure_end_us())
        turn(measure_end_us(), fn);
    measure_print();
}

static void open_readers(void)
{
    for (size_t i = 0; i < pairs.n; i++) {
        poll_first(&pairs.items[i]);
        while (pairs.opening >= OPENING_MAX)
            turn(INT64_MAX, on_first);
    }
    while (pairs.opening)
        turn(INT64_MAX, on_first);
}

static void run_get(char **argv)
{
    static char text[REQUEST_BYTES];
    const char *token = strcmp(argv[4], "-") == 0 ? "" : argv[4];

    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s%s%s\r\n", argv[3],
             *token ? "Authorization: Bearer " : "", token, *token ? "\r\n" : "");
    get_text = text;
    for (int i = number(argv[5]); i > 0; i--)
        ask(conn_new(NULL), text);
    measure_begin(number(argv[6]));
    run(on_get);
}

static FILE *open_file(const char *name)
{
    FILE *file = fopen(name, "r");

    if (!file)
        die(name, "cannot be read");
    return file;
}

static char *read_file(const char *name, size_t *n)
{
    FILE *file = open_file(name);
    char *text = calloc(1, BODY_BYTES);

    if (!text)
        abort();
    *n = fread(text, 1, BODY_BYTES - 1, file);
    fclose(file);
    return text;
}

static void run_post(char **argv)
{
    size_t n;
    char *body = read_file(argv[5], &n), *text = calloc(1, n + REQUEST_BYTES);

    if (!text)
        abort();
    snprintf(text, n + REQUEST_BYTES,
             "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: "
             "application/json\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             argv[3], argv[4], n, body);
    get_text = text;
    for (int i = number(argv[6]); i > 0; i--)
        ask(conn_new(NULL), text);
    measure_begin(number(argv[7]));
    run(on_get);
}

static void run_group(char **argv)
{
    read_pairs(argv[3]);
    open_readers();
    pairs.items[0].post = conn_new(&pairs.items[0]);
    send_message(&pairs.items[0], pairs.items[0].post);
    measure_begin(number(argv[4]));
    run(on_group);
}

static void run_pairs(char **argv, bool with_readers)
{
    read_pairs(argv[3]);
    if (with_readers)
        open_readers();
    for (size_t i = 0; i < pairs.n; i++) {
        pairs.items[i].post = conn_new(&pairs.items[i]);
        send_message(&pairs.items[i], pairs.items[i].post);
    }
    measure_begin(number(argv[4]));
    run(with_readers ? on_pair : on_send);
}

static void run_paced(char **argv)
{
    const int64_t every_us = 1000000 / number(argv[4]);
    size_t next = 0;

    read_pairs(argv[3]);
    open_readers();
    while (n_idle < SENDERS)
        put_idle(conn_new(NULL));
    measure_begin(number(argv[5]));
    for (int64_t due_us = clock_us(); clock_us() < measure_end_us();) {
        for (; due_us <= clock_us() && n_idle; due_us += every_us) {
            struct pair *p = &pairs.items[next++ % pairs.n];
            struct conn *post = take_idle();
            post->owner = p;
            p->sent_us = due_us;
            send_message(p, post);
        }
        turn(n_idle ? due_us : measure_end_us(), on_paced);
    }
    measure_print();
}

static void run_park(char **argv)
{
    bool is_told = false;
    char line[16];

    read_pairs(argv[3]);
    open_readers();
    printf("{\"parked\":%zu}\n", pairs.waiting);
    fflush(stdout);
    client_watch(STDIN_FILENO, &is_told);
    for (;;) {
        while (pairs.waiting && !is_told)
            turn(INT64_MAX, on_woken);
        if (is_told && read(STDIN_FILENO, line, sizeof line) <= 0)
            return;
        is_told = false;
        while (pairs.waiting)
            turn(INT64_MAX, on_woken);
        printf("{\"woken_us\":%" PRId64 "}\n", clock_us());
        fflush(stdout);
        for (size_t i = 0; i < pairs.n; i++)
            poll_again(&pairs.items[i]);
        pairs.waiting = pairs.n;
    }
}

int main(int argc, char **argv)
{
    const char *mode = argc > 2 ? argv[1] : "";

    n_messages = (uint64_t)clock_us();
    if (argc > 2)
        client_open(argv[2]);
    if (argc == 7 && strcmp(mode, "get") == 0)
        run_get(argv);
    else if (argc == 5 && (strcmp(mode, "pairs") == 0 || strcmp(mode, "sends") == 0))
        run_pairs(argv, *mode == 'p');
    else if (argc == 8 && strcmp(mode, "post") == 0)
        run_post(argv);
    else if (argc == 5 && strcmp(mode, "group") == 0)
        run_group(argv);
    else if (argc == 6 && strcmp(mode, "paced") == 0)
        run_paced(argv);
    else if (argc == 4 && strcmp(mode, "park") == 0)
        run_park(argv);
    else
        die("arguments", "see the top of load.c");
    return 0;
}
