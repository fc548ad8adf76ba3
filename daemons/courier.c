/*
 * courier: carries what was left lying.
 *
 * An outbox row that is older than 2 s belongs to a process that died, or that
 * could not reach Redis: the courier claims it and rings it. It also keeps the
 * search index (model/indexer.h), throws away what nobody needs any more, and serves
 * the counters of all processes of this machine as Prometheus text on 127.0.0.1.
 *
 * Surprising: any number of couriers may run anywhere. A claim only spares work:
 * ringing twice is harmless, and a courier that dies lets its claims run out.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/planted.h"
#include "model/ctx.h"
#include "model/event.h"
#include "model/house.h"
#include "model/indexer.h"
#include "model/ringer.h"
#include "model/uploads.h"
#include "queries.h"

enum {
    TURN_MS = 500,
    OLD_MS = 2000,   /* a process that lives has rung it by then */
    CLAIM_MS = 3000, /* what could not be rung is tried again soon */
    ROWS = 256,      /* claimed at once */
    DATABASE_MS = 5000,
    REDIS_MS = 2000,
    SWEEP_MS = 60 * 1000,
    SWEEP_ROWS = 500,
    SWEEPS_MAX = 20,
    FILES_MS = 5 * 1000,
    HTTP_MS = 2000,
    EXIT_USAGE = 2,
};

struct courier {
    const struct conf *conf;
    struct house *house;
    struct arena *arena;
    struct db *db;
    struct redis *redis;
    struct store *store;
    int64_t sweep_due_ms, files_due_ms;
    _Atomic uint64_t *age_ms, *carried, *swept, *removed;
    int listener;  /* -1: no metrics */
    int stop_read; /* readable at the end */
};

/* ---- what was left lying ---- */

static struct ctx courier_ctx(struct courier *c, struct problem *problem)
{
    db_deadline(c->db, clock_mono_ms() + DATABASE_MS);
    return (struct ctx){
        .arena = c->arena, .db = c->db, .redis = c->redis, .house = c->house, .problem = problem};
}

/* Without Redis nothing could be rung: claiming would only delay it. */
static enum err check_redis(struct courier *c)
{
    struct redis_reply reply;

    return redis_call(c->redis, c->arena, &reply, (struct str[]){STR("PING")}, 1);
}

/* The ringer deletes the row once all of it is rung. Killed before: the claim runs out, and it begins again.
 */
static void carry(struct courier *c, const struct outbox_row *row)
{
    struct event_list events = {0};

    if (event_unpack(row->events, c->arena, &events) != OK) {
        log_error("an outbox row cannot be read; it stays", log_num("id", (int64_t)row->id));
        return;
    }
#if PLANTED_BUG == COURIER_NEVER_RINGS
    ringer_untake(house_ringer(c->house), &row->id, 1);
    return;
#elif PLANTED_BUG == ID_AS_CURSOR
    static uint64_t last;
    if (row->id <= last)
        return;
    last = row->id;
#endif
    outbox_ring(house_ringer(c->house), row->id, events.items, events.n, NULL);
    count_add(c->carried, 1);
}

/* One batch; `*again` if there may be more. */
static enum err carry_some(struct courier *c, struct ctx *ctx, bool *again)
{
    struct outbox_row *rows;
    uint64_t ids[ROWS], claimed;
    size_t n;

    TRY(q_outbox_due(ctx, OLD_MS, ROWS, &rows, &n));
    *again = n == ROWS;
    if (!n)
        return OK;
    TRY(check_redis(c));
    for (size_t i = 0; i < n; i++)
        ids[i] = rows[i].id;
    TRY(q_outbox_claim(ctx, CLAIM_MS, ids, n, &claimed));
    for (size_t i = 0; i < n && claimed; i++) /* some may be another courier's: twice is harmless */
        carry(c, &rows[i]);
    return OK;
}

static enum err carry_all(struct courier *c, struct ctx *ctx)
{
    struct outbox_age_row age;
    bool again = true;

    TRY(q_outbox_age(ctx, &age));
    count_set(c->age_ms, age.age_ms > 0 ? (uint64_t)age.age_ms : 0);
    while (again && !ringer_waiting(house_ringer(c->house))) { /* more would only run out of their claims */
        TRY(carry_some(c, ctx, &again));
        arena_reset(c->arena);
    }
    return OK;
}

/* ---- what nobody needs any more ---- */

static const struct {
    enum err (*sweep)(struct ctx *ctx, int64_t age_ms, uint64_t max, uint64_t *affected);
    int64_t age_ms;
} sweeps[] = {
    {q_retention_idempotency, 24 * 3600 * 1000LL},    {q_retention_revocations, 2 * 3600 * 1000LL},
    {q_retention_throttle, 24 * 3600 * 1000LL},       {q_retention_sessions, 24 * 3600 * 1000LL},
    {q_retention_resets, 24 * 3600 * 1000LL},         {q_retention_links, 30 * 24 * 3600 * 1000LL},
    {q_retention_helps, 24 * 3600 * 1000LL},          {q_retention_help_jobs, 48 * 3600 * 1000LL},
    {q_retention_spending, 400 * 24 * 3600 * 1000LL},
};

static enum err sweep_all(struct courier *c, struct ctx *ctx)
{
    if (clock_mono_ms() < c->sweep_due_ms)
        return OK;
    c->sweep_due_ms = clock_mono_ms() + SWEEP_MS;
    for (size_t i = 0; i < sizeof sweeps / sizeof *sweeps; i++) {
        uint64_t affected = SWEEP_ROWS;
        for (int round = 0; round < SWEEPS_MAX && affected == SWEEP_ROWS; round++) {
            const enum err err = sweeps[i].sweep(ctx, sweeps[i].age_ms, SWEEP_ROWS, &affected);
            if (err == ERR_RETRY)
                break; /* another courier sweeps */
            TRY(err);
            count_add(c->swept, affected);
        }
    }
    return OK;
}

/* Files that were never finished, and their bytes. The store may be away: nothing else waits for it. */
static void sweep_files(struct courier *c)
{
    struct problem problem = {0};
    struct ctx ctx = courier_ctx(c, &problem);
    size_t n = 0;

    if (clock_mono_ms() < c->files_due_ms)
        return;
    c->files_due_ms = clock_mono_ms() + FILES_MS;
    enum err err = store_ready(c->store, &problem);
    if (err == OK)
        err = files_sweep(&ctx, c->store, &n);
    if (err == OK) {
        count_add(c->removed, n);
        err = uploads_sweep(&ctx, c->store, &n);
    }
    if (err == OK)
        count_add(c->removed, n);
    if (err != OK)
        log_warn("files could not be removed; it is tried again", log_c("detail", problem.detail),
                 log_c("database", db_error(c->db)));
    arena_reset(c->arena);
}

static void turn(struct courier *c)
{
    struct problem problem = {0};
    struct ctx ctx = courier_ctx(c, &problem);

    if (carry_all(c, &ctx) != OK || sweep_all(c, &ctx) != OK)
        log_warn("a turn was cut short; it is tried again", log_c("database", db_error(c->db)),
                 log_c("redis", redis_error(c->redis)));
    arena_reset(c->arena);
    sweep_files(c);
}

/* ---- counters ---- */

static int listen_local(int port, int *chosen)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    const int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&at, n) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &n) != 0) {
        close(fd);
        return -1;
    }
    *chosen = ntohs(at.sin_port);
    return fd;
}

/* For scripts, which may have asked for any free port. Whole or not at all. */
static bool write_port(const char *dir, int port)
{
    char path[CONF_TEXT_BYTES + 32], fresh[CONF_TEXT_BYTES + 32];

    snprintf(path, sizeof path, "%s/courier.port", dir);
    snprintf(fresh, sizeof fresh, "%s/courier.port.%ld", dir, (long)getpid());
    FILE *file = fopen(fresh, "we");
    if (!file)
        return false;
    const bool written = fprintf(file, "%d\n", port) > 0;
    return fclose(file) == 0 && written && rename(fresh, path) == 0;
}

static void open_metrics(struct courier *c)
{
    int port = 0;

    c->listener = listen_local(c->conf->metrics_port, &port);
    if (c->listener < 0)
        log_warn("no counters are served; another courier may do it", log_num("port", c->conf->metrics_port),
                 log_c("detail", strerror(errno)));
    else if (!write_port(c->conf->run_dir, port))
        log_warn("the port of the counters was not written down", log_num("port", port));
    else
        log_info("counters are served", log_num("port", port));
}

static void send_all(int fd, struct str s)
{
    while (s.n) {
        const ssize_t sent = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        s = (struct str){s.p + sent, s.n - (size_t)sent};
    }
}

/* Whatever is asked, this is the answer; one request per connection. */
static void serve_metrics(const struct courier *c, int fd)
{
    const struct timeval patience = {.tv_sec = HTTP_MS / 1000};
    struct arena *arena = arena_new();
    char request[4096];

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (recv(fd, request, sizeof request, 0) > 0) {
        const struct str text = metrics_text(c->conf->run_dir, arena);
        send_all(fd, str_of(arena_printf(arena,
                                         "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
                                         "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                                         text.n)));
        send_all(fd, text);
        shutdown(fd, SHUT_WR);
        (void)!recv(fd, request, sizeof request, 0); /* until the other side has it all */
    }
    close(fd);
    arena_free(arena);
}

/* A thread of its own: a database that hangs must not hide the counters. */
static void *serve_until_stopped(void *arg)
{
    struct courier *c = arg;
    struct pollfd fds[] = {{.fd = c->stop_read, .events = POLLIN}, {.fd = c->listener, .events = POLLIN}};

    while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
        if (fds[0].revents)
            break;
        const int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            serve_metrics(c, fd);
    }
    return NULL;
}

/* ---- the life of a courier ---- */

/* Until SIGTERM or SIGINT, which are blocked in every thread. */
static void work(struct courier *c, const sigset_t *stop)
{
    const struct timespec wait = {.tv_nsec = TURN_MS * 1000000L};

    do
        turn(c);
    while (sigtimedwait(stop, NULL, &wait) < 0);
}

static void run(struct courier *c, const sigset_t *stop)
{
    int ends[2];
    pthread_t server;

    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    c->stop_read = ends[0];
    open_metrics(c);
    const bool serves = c->listener >= 0 && pthread_create(&server, NULL, serve_until_stopped, c) == 0;
    work(c, stop);
    close(ends[1]);
    if (serves)
        pthread_join(server, NULL);
    if (c->listener >= 0)
        close(c->listener);
    close(ends[0]);
}

static enum err serve(const struct conf *conf, struct problem *problem)
{
    struct courier c = {.conf = conf};
    sigset_t stop;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    TRY(house_open(conf, "courier", problem, &c.house));
    const enum err err = count_open(conf->run_dir, "courier", problem);
    if (err == OK) {
        c.arena = arena_new();
        c.db = db_new(conf);
        c.redis = redis_new(conf, REDIS_MS);
        c.store = store_new(conf);
        c.age_ms = count_cell("posthouse_outbox_age_ms");
        c.carried = count_cell("posthouse_outbox_carried_total");
        c.swept = count_cell("posthouse_rows_expired_total");
        c.removed = count_cell("posthouse_files_removed_total");
        struct indexer *indexer = indexer_new(conf, c.house);
        run(&c, &stop);
        indexer_free(indexer);
        store_free(c.store);
        redis_free(c.redis);
        db_free(c.db);
        arena_free(c.arena);
        count_close();
    }
    house_close(c.house);
    return err;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'}, {0}};
    static struct conf conf;
    struct problem problem = {0};
    const char *config = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'c') {
            fputs("posthouse-courier [--config FILE]\n", stderr);
            return EXIT_USAGE;
        }
        config = optarg;
    }
    if (conf_load(&conf, config, &problem) != OK) {
        fprintf(stderr, "posthouse-courier: %s\n", problem.detail);
        return EXIT_USAGE;
    }
    log_init("courier", (enum log_level)conf.log_level);
    if (conf.log_file[0] && !log_open(conf.log_file, (int64_t)conf.log_max_mib << 20)) {
        fprintf(stderr, "posthouse-courier: log_file %s cannot be written: %s\n", conf.log_file,
                strerror(errno));
        return EXIT_FAILURE;
    }
    const enum err err = serve(&conf, &problem);
    if (err == OK)
        log_info("stopped", log_num("pid", getpid()));
    else
        log_error("cannot serve", log_c("detail", problem.detail[0] ? problem.detail : err_title(err)));
    return err == OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
