/*
 * The HTTP client under load.c: kept connections on one epoll, one request at a
 * time each, from as many source addresses as their number needs. It stops the
 * program at the first thing that is not as it should be.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REQUEST_BYTES = 2048 };

struct conn {
    int fd;
    struct ssl_st *tls; /* NULL: plain */
    char *in;           /* of the answer, so far */
    size_t in_n, in_size;
    int64_t sent_us;
    void *owner; /* whatever the mode of the program wants to find again */
};

struct answer {
    int status;
    const char *body; /* ends with NUL; chunk sizes may stand in it */
};

typedef void (*on_answer)(struct conn *c, const struct answer *a);

_Noreturn void die(const char *what, const char *detail);
int number(const char *text);
int64_t clock_us(void);

/* `port` as in 8080, or tls:8443. Raises the limit of open files to what the system allows. */
void client_open(const char *port);
struct conn *conn_new(void *owner);
/* Sends a whole request; small enough for the socket to take it at once. */
void ask(struct conn *c, const char *text);
/* `token` empty: none. */
void ask_get(struct conn *c, const char *path, const char *token);
/* Waits up to `until_us` for answers, and gives each to `fn`. Other descriptors: see client_watch(). */
void turn(int64_t until_us, on_answer fn);
/* turn() sets `*flag` whenever something new can be read from this descriptor; of one only. */
void client_watch(int fd, bool *flag);
void expect(const struct answer *a, int status, int other);

/* ---- what was measured: from after the warm-up to the end ---- */

void measure_begin(int seconds);
int64_t measure_end_us(void);
void measure_add(int64_t latency_us);
/* One JSON object on a line: of the measured time rate and latencies; `all` with the warm-up, and the CPU
 * time of this program, for budgets. */
void measure_print(void);

#endif
