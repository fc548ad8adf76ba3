/* One request as plain CGI. */
#include "web/cgi.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { REDIS_ANSWER_MS = 1000 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t change;
    bool answered;
    struct request *parked;
    park_fn fn; /* to be called once, at `due_mono_ms` */
    void *arg;
    ticket ticket;
    int64_t due_mono_ms;
} cgi = {.lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER};

bool cgi_is_here(void)
{
    return getenv("REQUEST_METHOD") != NULL;
}

static bool read_body(struct request *q)
{
    struct buf body = buf_in(q->arena);
    uint64_t left;
    char chunk[4096];

    if (!q->in.params[FCGI_CONTENT_LENGTH].n)
        return true;
    if (!str_u64(q->in.params[FCGI_CONTENT_LENGTH], &left))
        return false;
    q->in.body_bytes = left;
    if (left > REQUEST_BODY_MAX)
        return true; /* refused unread: the process ends anyway */
    while (left) {
        const ssize_t n = read(STDIN_FILENO, chunk, left < sizeof chunk ? left : sizeof chunk);
        if (n <= 0)
            return false;
        buf_add(&body, chunk, (size_t)n);
        left -= (uint64_t)n;
    }
    q->in.body = buf_done(&body);
    return true;
}

void cgi_answer(struct str http)
{
    pthread_mutex_lock(&cgi.lock);
    fwrite(http.p, 1, http.n, stdout);
    fflush(stdout);
    cgi.answered = true;
    pthread_cond_signal(&cgi.change);
    pthread_mutex_unlock(&cgi.lock);
}

void cgi_park(struct request *q, int64_t due_mono_ms, park_fn fn, void *arg, ticket t)
{
    pthread_mutex_lock(&cgi.lock);
    cgi.parked = q;
    cgi.fn = fn;
    cgi.arg = arg;
    cgi.ticket = t;
    cgi.due_mono_ms = due_mono_ms;
    pthread_cond_signal(&cgi.change);
    pthread_mutex_unlock(&cgi.lock);
}

struct request *cgi_unpark(void)
{
    pthread_mutex_lock(&cgi.lock);
    struct request *q = cgi.parked;
    cgi.parked = NULL;
    pthread_mutex_unlock(&cgi.lock);
    return q;
}

/* Waits for a change, at most until what is parked is due. Under the lock. */
static void wait_for_change(void)
{
    if (!cgi.fn) {
        pthread_cond_wait(&cgi.change, &cgi.lock);
        return;
    }
    const int64_t left_ms = cgi.due_mono_ms - clock_mono_ms();
    const int64_t until_ms = clock_wall_ms() + (left_ms > 0 ? left_ms : 0);
    const struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    pthread_cond_timedwait(&cgi.change, &cgi.lock, &until);
}

/* Until it is answered; tells the owner of a parked request when its time is over. */
static void wait_for_answer(void)
{
    pthread_mutex_lock(&cgi.lock);
    while (!cgi.answered) {
        const park_fn fn = cgi.fn;
        if (!fn || clock_mono_ms() < cgi.due_mono_ms) {
            wait_for_change();
            continue;
        }
        cgi.fn = NULL;
        pthread_mutex_unlock(&cgi.lock);
        fn(cgi.arg, cgi.ticket, PARK_DUE);
        pthread_mutex_lock(&cgi.lock);
    }
    pthread_mutex_unlock(&cgi.lock);
}

bool cgi_serve(const struct site *site)
{
    struct request *q = request_new(site, REQUEST_CGI);

    for (int i = 0; i < FCGI_PARAMS; i++)
        q->in.params[i] = str_of(getenv(fcgi_param_names[i]));
    if (!read_body(q)) {
        request_free(q);
        return false;
    }
    struct db *db = q->ctx.db = db_new(site->conf);
    struct redis *redis = q->ctx.redis = redis_new(site->conf, REDIS_ANSWER_MS);
    serve_start(q);
    wait_for_answer();
    redis_free(redis);
    db_free(db);
    return true;
}
