/*
 * Counters of a process: plain numbers in a file that is mapped into memory, so
 * that counting costs nothing, a killed process leaves its numbers readable, and
 * the courier can serve those of all processes of the machine.
 *
 * Process-wide, like the log. Before count_open() numbers go to memory that nobody
 * reads. A name that ends in `_total` only grows; any other is a gauge.
 */
#ifndef BASE_COUNT_H
#define BASE_COUNT_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

enum {
    COUNT_VERSION = 1,
    COUNT_ROUTES = 64,
    COUNT_CELLS = 64,
    COUNT_CLASSES = 5,  /* 1xx … 5xx */
    COUNT_BUCKETS = 16, /* the last one has no upper bound */
    COUNT_NAME = 56,
};

struct count_route {
    char method[8];
    char path[88];
    _Atomic uint64_t classes[COUNT_CLASSES];
    _Atomic uint64_t buckets[COUNT_BUCKETS]; /* not cumulative; bounds in count_bounds_us */
    _Atomic uint64_t sum_us;
};

struct count_cell {
    char name[COUNT_NAME];
    _Atomic uint64_t value;
};

/* The file. What is after n_routes and n_cells is not in use. */
struct count_file {
    char magic[8]; /* "phcount" */
    uint32_t version, pid;
    int64_t started_ms;
    char process[32];
    _Atomic uint32_t n_routes, n_cells;
    struct count_route routes[COUNT_ROUTES];
    struct count_cell cells[COUNT_CELLS];
};

extern const uint64_t count_bounds_us[COUNT_BUCKETS - 1];

/* Maps `<dir>/<process>.<pid>.counters`. Once, before threads start. */
enum err count_open(const char *dir, const char *process, struct problem *problem) MUST_CHECK;
/* Removes the file. Numbers go to memory that nobody reads again. */
void count_close(void);

/* At the start: the number of a route, for count_request(). */
unsigned count_route(const char *method, const char *path);
void count_request(unsigned route, int status, int64_t us);
/* A named number, for ever; the same one for the same name. */
_Atomic uint64_t *count_cell(const char *name);

static inline void count_add(_Atomic uint64_t *cell, uint64_t n)
{
    atomic_fetch_add_explicit(cell, n, memory_order_relaxed);
}
static inline void count_set(_Atomic uint64_t *cell, uint64_t n)
{
    atomic_store_explicit(cell, n, memory_order_relaxed);
}

/* The reader's side: a copy of such a file. ERR_NOT_FOUND: there is none, or it is none of ours. */
enum err count_read(const char *path, struct count_file *out) MUST_CHECK;

#endif
