/*
 * The connections of this process: one table by descriptor, one lock, one timer
 * wheel. Front.c reads requests from them, any thread answers, park.c lets them wait.
 *
 * Who may touch a connection follows from its state. IDLE and what waits to be
 * sent is the loop's; BUSY belongs to whoever has the request; ANSWERING to whoever
 * sends; PARKED and STREAM to whoever takes it out of this state under the lock. So
 * each answer is given once, and a descriptor is closed by its owner only.
 *
 * There is one table in a process, since a ticket must name a parked request
 * by itself, from any thread.
 */
#ifndef WEB_CONN_H
#define WEB_CONN_H

#include <pthread.h>

#include "web/answer.h"
#include "web/park.h"

enum conn_state { CONN_FREE, CONN_IDLE, CONN_BUSY, CONN_ANSWERING, CONN_PARKED, CONN_STREAM };

/* What is known of a request until its end: enough to answer, log and count it when all else was given back.
 */
struct trail {
    uint64_t user_id, session_id;
    unsigned char id[16], trace[16]; /* trace all zero: none */
    uint32_t started_ms;             /* low bits of the monotonic clock */
    uint8_t route;                   /* index; n_routes of the service: none */
};

struct conn {
    uint32_t gen; /* raised when the descriptor is closed: spots events that are too late */
    uint16_t request_id;
    uint8_t state : 3;
    uint8_t last : 1; /* close after this answer */
    uint8_t gone : 1; /* the peer hung up while somebody else owned it */
    uint8_t more : 1; /* input came meanwhile */
    uint8_t route;
    int32_t next, prev; /* in a slot of the wheel */
    uint32_t due;       /* tick; 0: not in the wheel */
    uint32_t started_ms;
    union {
        struct answer_rest *rest; /* ANSWERING: waits for EPOLLOUT */
        ticket ticket;            /* PARKED */
        struct stream *stream;    /* STREAM */
    };
    park_fn fn; /* PARKED, STREAM */
    void *arg;
    uint64_t user_id, session_id;
    unsigned char id[16], trace[16];
};
_Static_assert(sizeof(struct conn) <= 96, "a parked poll stays below 0.1 KiB");

#define CONN_LISTENER_TAG UINT64_MAX /* in epoll, beside connections' generation and descriptor */

enum { CONN_TICK_MS = 50, CONN_SLOTS = 4096 };

struct conns {
    pthread_mutex_t lock;
    struct conn *table;          /* by descriptor; pages that were never used cost nothing */
    unsigned size, open, parked; /* parked: streams too */
    unsigned streams;
    int high; /* above all descriptors that were ever in it */
    int epoll, listener;
    bool paused;   /* the listener is out of epoll: no descriptors left */
    bool stopping; /* every answer is the last of its connection */
    uint64_t serial;
    int64_t started_ms;
    int64_t input_ms;  /* for so long libfcgi may wait for bytes */
    int64_t output_ms; /* by then an answer must have been taken */
    uint32_t tick;     /* up to which the wheel was turned */
    int32_t slots[CONN_SLOTS];
    _Atomic uint64_t *refusals; /* a counter: the listener was left alone for lack of descriptors */
};
extern struct conns conns;

/* For as many descriptors as the system lets us have; raises the limit. */
void conns_init(const struct conf *conf);
void conns_done(void);

/* The loop: takes over the connections that wait at the listener, some at one turn. True: there may be more.
 */
bool conns_accept(void);
/* The loop: closes the listener; nobody is accepted any more. */
void conns_refuse(void);
/* Its owner: closes it. */
void conn_close(int fd);
/* The same for a descriptor that libfcgi has closed already. */
void conn_forget(int fd);

/* Accepts again, if a lack of descriptors was why it did not. */
void conns_resume(void);

/* From any thread, by the owner of a BUSY connection: sends, then waits for the next request or closes. */
void conn_answer(int fd, struct str http);
/* The loop: there is room to send. */
void conn_writable(int fd);

/* All below under conns.lock. */
/* The answer was sent: waits for the next request, or closes. Releases the lock. */
void conn_finish(struct conn *c);
/* Its owner: closes it. Releases the lock: the number may be used again at once. */
void conn_close_locked(struct conn *c);
struct trail conn_trail(const struct conn *c);
static inline int conn_fd(const struct conn *c)
{
    return (int)(c - conns.table);
}
void conn_timer(struct conn *c, int64_t due_mono_ms); /* 0: none */
void conn_rearm(const struct conn *c);                /* events that stood there already come again */
void conn_rearm_output(const struct conn *c);         /* and when there is room to send */
/* Takes the next connection out of the wheel that is due now; NULL when none is. */
struct conn *conns_due(int64_t now_mono_ms);

#endif
