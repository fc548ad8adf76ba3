/* Counters in a mapped file. */
#include "base/count.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

const uint64_t count_bounds_us[COUNT_BUCKETS - 1] = {
    100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 10000000};

static const char magic[8] = "phcount";

static struct count_file nowhere; /* until a file is open */
static struct count_file *file = &nowhere;
static char file_path[512];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of adding names */

static enum err map(const char *path, struct count_file **out)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return ERR_UNAVAILABLE;
    void *p = MAP_FAILED;
    if (ftruncate(fd, sizeof **out) == 0)
        p = mmap(NULL, sizeof **out, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return ERR_UNAVAILABLE;
    *out = p;
    return OK;
}

enum err count_open(const char *dir, const char *process, struct problem *problem)
{
    struct count_file *opened;

    snprintf(file_path, sizeof file_path, "%.400s/%.31s.%ld.counters", dir, process, (long)getpid());
    if (map(file_path, &opened) != OK)
        return problem_set(problem, ERR_UNAVAILABLE, "the counters' file %.120s cannot be made: %m",
                           file_path);
    opened->version = COUNT_VERSION;
    opened->pid = (uint32_t)getpid();
    opened->started_ms = clock_wall_ms();
    snprintf(opened->process, sizeof opened->process, "%s", process);
    memcpy(opened->magic, magic, sizeof magic); /* last: a reader takes the file from here on */
    file = opened;
    return OK;
}

void count_close(void)
{
    if (file == &nowhere)
        return;
    /* The mapping stays: a thread that is still about may hold one of its cells. */
    unlink(file_path);
    file = &nowhere;
}

unsigned count_route(const char *method, const char *path)
{
    pthread_mutex_lock(&lock);
    unsigned i = file->n_routes;
    if (i < COUNT_ROUTES) {
        snprintf(file->routes[i].method, sizeof file->routes[i].method, "%s", method);
        snprintf(file->routes[i].path, sizeof file->routes[i].path, "%s", path);
        file->n_routes = i + 1;
    } else {
        i = COUNT_ROUTES - 1;
    }
    pthread_mutex_unlock(&lock);
    return i;
}

void count_request(unsigned route, int status, int64_t us)
{
    struct count_route *r = &file->routes[route < COUNT_ROUTES ? route : COUNT_ROUTES - 1];
    const unsigned class = (unsigned)status / 100 - 1;
    unsigned bucket = 0;

    while (bucket < COUNT_BUCKETS - 1 && us > (int64_t)count_bounds_us[bucket])
        bucket++;
    count_add(&r->classes[class < COUNT_CLASSES ? class : COUNT_CLASSES - 1], 1);
    count_add(&r->buckets[bucket], 1);
    count_add(&r->sum_us, us > 0 ? (uint64_t)us : 0);
}

_Atomic uint64_t *count_cell(const char *name)
{
    unsigned i = 0;

    pthread_mutex_lock(&lock);
    while (i < file->n_cells && strncmp(file->cells[i].name, name, COUNT_NAME - 1) != 0)
        i++;
    if (i == COUNT_CELLS)
        i--;
    if (i == file->n_cells) {
        snprintf(file->cells[i].name, COUNT_NAME, "%s", name);
        file->n_cells = i + 1;
    }
    pthread_mutex_unlock(&lock);
    return &file->cells[i].value;
}

enum err count_read(const char *path, struct count_file *out)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_NOT_FOUND;
    const ssize_t n = read(fd, out, sizeof *out);
    close(fd);
    if (n != (ssize_t)sizeof *out || memcmp(out->magic, magic, sizeof magic) != 0 ||
        out->version != COUNT_VERSION || out->n_routes > COUNT_ROUTES || out->n_cells > COUNT_CELLS)
        return ERR_NOT_FOUND;
    return OK;
}
