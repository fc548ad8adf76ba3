/* Prometheus text, metric by metric: all series of one name stand together. */
#include "base/metrics.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/count.h"

enum { FILES_MAX = 1024 };

struct files {
    struct count_file *items;
    size_t n;
};

/* ---- reading ---- */

static bool is_gone(uint32_t pid)
{
    return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static int is_counters(const struct dirent *entry)
{
    const struct str name = str_of(entry->d_name), end = STR(".counters");

    return name.n > end.n && str_eq((struct str){name.p + name.n - end.n, end.n}, end);
}

static struct files read_files(const char *dir, struct arena *arena)
{
    struct dirent **names;
    struct files files = {0};
    const int n = scandir(dir, &names, is_counters, alphasort);

    if (n < 0)
        return files;
    files.items = arena_array(arena, (size_t)n, sizeof *files.items);
    for (int i = 0; i < n; i++) {
        const char *path = arena_printf(arena, "%s/%s", dir, names[i]->d_name);
        struct count_file *file = &files.items[files.n];
        if (files.n < FILES_MAX && count_read(path, file) == OK) {
            files.n++;
            if (is_gone(file->pid))
                unlink(path);
        }
        free(names[i]);
    }
    free(names);
    return files;
}

/* ---- writing ---- */

static void head(struct buf *b, const char *name, const char *type)
{
    buf_printf(b, "# TYPE %s %s\n", name, type);
}

/* {process="…",pid="…" without the closing brace. */
static void labels(struct buf *b, const struct count_file *f)
{
    buf_printf(b, "{process=\"%s\",pid=\"%u\"", f->process, f->pid);
}

static void route_labels(struct buf *b, const struct count_file *f, const struct count_route *r)
{
    labels(b, f);
    buf_printf(b, ",method=\"%s\",route=\"%s\"", r->method, r->path);
}

static unsigned route_count(const struct count_file *f)
{
    const unsigned n = atomic_load(&f->n_routes);
    return n < COUNT_ROUTES ? n : COUNT_ROUTES;
}

static unsigned cell_count(const struct count_file *f)
{
    const unsigned n = atomic_load(&f->n_cells);
    return n < COUNT_CELLS ? n : COUNT_CELLS;
}

static void put_requests(struct buf *b, const struct files *files)
{
    head(b, "posthouse_requests_total", "counter");
    for (size_t i = 0; i < files->n; i++)
        for (unsigned r = 0; r < route_count(&files->items[i]); r++)
            for (unsigned c = 0; c < COUNT_CLASSES; c++) {
                const struct count_route *route = &files->items[i].routes[r];
                const uint64_t n = atomic_load(&route->classes[c]);
                if (!n)
                    continue;
                buf_c(b, "posthouse_requests_total");
                route_labels(b, &files->items[i], route);
                buf_printf(b, ",status=\"%uxx\"} %llu\n", c + 1, (unsigned long long)n);
            }
}

static void put_duration(struct buf *b, const struct count_file *f, const struct count_route *r)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < COUNT_BUCKETS; i++) {
        n += atomic_load(&r->buckets[i]);
        buf_c(b, "posthouse_request_duration_seconds_bucket");
        route_labels(b, f, r);
        if (i < COUNT_BUCKETS - 1)
            buf_printf(b, ",le=\"%g\"} %llu\n", (double)count_bounds_us[i] / 1e6, (unsigned long long)n);
        else
            buf_printf(b, ",le=\"+Inf\"} %llu\n", (unsigned long long)n);
    }
    buf_c(b, "posthouse_request_duration_seconds_sum");
    route_labels(b, f, r);
    buf_printf(b, "} %.6f\n", (double)atomic_load(&r->sum_us) / 1e6);
    buf_c(b, "posthouse_request_duration_seconds_count");
    route_labels(b, f, r);
    buf_printf(b, "} %llu\n", (unsigned long long)n);
}

static void put_durations(struct buf *b, const struct files *files)
{
    head(b, "posthouse_request_duration_seconds", "histogram");
    for (size_t i = 0; i < files->n; i++)
        for (unsigned r = 0; r < route_count(&files->items[i]); r++)
            put_duration(b, &files->items[i], &files->items[i].routes[r]);
}

/* True for a name that an earlier file, or an earlier cell of this one, has brought already. */
static bool was_put(const struct files *files, size_t file, unsigned cell)
{
    const char *name = files->items[file].cells[cell].name;

    for (size_t i = 0; i <= file; i++)
        for (unsigned c = 0; c < (i < file ? cell_count(&files->items[i]) : cell); c++)
            if (strcmp(files->items[i].cells[c].name, name) == 0)
                return true;
    return false;
}

static void put_cells_named(struct buf *b, const struct files *files, const char *name)
{
    const struct str s = str_of(name), total = STR("_total");
    const bool grows = s.n > total.n && str_eq((struct str){s.p + s.n - total.n, total.n}, total);

    head(b, name, grows ? "counter" : "gauge");
    for (size_t i = 0; i < files->n; i++)
        for (unsigned c = 0; c < cell_count(&files->items[i]); c++) {
            const struct count_cell *cell = &files->items[i].cells[c];
            if (strcmp(cell->name, name) != 0)
                continue;
            buf_c(b, name);
            labels(b, &files->items[i]);
            buf_printf(b, "} %llu\n", (unsigned long long)atomic_load(&cell->value));
        }
}

static void put_cells(struct buf *b, const struct files *files)
{
    for (size_t i = 0; i < files->n; i++)
        for (unsigned c = 0; c < cell_count(&files->items[i]); c++)
            if (!was_put(files, i, c))
                put_cells_named(b, files, files->items[i].cells[c].name);
}

/* ---- the kernel's numbers ---- */

/* The second number of statm is the resident pages. */
static uint64_t resident_bytes(uint32_t pid)
{
    char path[64], line[256];
    struct str size, resident;
    uint64_t pages = 0;

    snprintf(path, sizeof path, "/proc/%u/statm", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    struct str rest = str_of(fgets(line, sizeof line, file));
    if (!str_cut(&rest, ' ', &size) || !str_cut(&rest, ' ', &resident) || !str_u64(resident, &pages))
        pages = 0;
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_descriptors(uint32_t pid)
{
    char path[64];
    uint64_t n = 0;

    snprintf(path, sizeof path, "/proc/%u/fd", pid);
    DIR *dir = opendir(path);
    if (!dir)
        return 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n < 2 ? 0 : n - 2; /* without . and .. */
}

static void put_process(struct buf *b, const struct files *files, const char *name,
                        uint64_t (*read)(uint32_t pid))
{
    head(b, name, "gauge");
    for (size_t i = 0; i < files->n; i++) {
        buf_c(b, name);
        labels(b, &files->items[i]);
        buf_printf(b, "} %llu\n", (unsigned long long)read(files->items[i].pid));
    }
}

struct str metrics_text(const char *dir, struct arena *arena)
{
    const struct files files = read_files(dir, arena);
    struct buf b = buf_in(arena);

    put_requests(&b, &files);
    put_durations(&b, &files);
    put_cells(&b, &files);
    put_process(&b, &files, "posthouse_resident_bytes", resident_bytes);
    put_process(&b, &files, "posthouse_open_descriptors", open_descriptors);
    return buf_done(&b);
}
