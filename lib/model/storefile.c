/*
 * A folder as a store: conf->store_dir/3f/9a….
 *
 * Bytes are written to a file without a name (O_TMPFILE), synced, and given their name by one link: a
 * process that is killed leaves nothing. The folder is synced too before anything is acknowledged.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/store.h"

enum { CHUNK = 64 * 1024, PART_BYTES = 1024 * 1024, PATH_BYTES = CONF_TEXT_BYTES + STORE_KEY_TEXT + 4 };

struct store_file {
    struct store store;
    const struct conf *conf;
};

static const char *dir_of(struct store *s)
{
    return ((struct store_file *)s)->conf->store_dir;
}

static enum err broken(struct problem *problem, const char *what)
{
    return problem_set(problem, ERR_UNAVAILABLE, "the store of files: %s: %s", what, strerror(errno));
}

static bool sync_dir(const char *path)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool good = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return good;
}

/* The folder of a key, durable. */
static bool make_folder(struct store *s, struct str key, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/%.2s", dir_of(s), key.p);
    return mkdir(path, 0755) == 0 ? sync_dir(dir_of(s)) : errno == EEXIST;
}

static enum err check(struct store *s, struct problem *problem)
{
    if (mkdir(dir_of(s), 0755) != 0 && errno != EEXIST)
        return broken(problem, dir_of(s));
    if (access(dir_of(s), W_OK | X_OK) != 0)
        return broken(problem, dir_of(s));
    const int fd = open(dir_of(s), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0)
        return broken(problem, "a file without a name");
    close(fd);
    return OK;
}

static bool write_all(int fd, const char *p, size_t n)
{
    while (n) {
        const ssize_t written = write(fd, p, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        p += written;
        n -= (size_t)written;
    }
    return true;
}

static enum err fill(int fd, int64_t size, store_source source, void *arg, struct problem *problem)
{
    char *chunk = malloc(CHUNK);
    enum err err = chunk ? OK : ERR_UNAVAILABLE;

    while (err == OK && size > 0) {
        const long n = source(arg, chunk, size < CHUNK ? (size_t)size : CHUNK);
        if (n <= 0)
            err = problem_set(problem, ERR_INVALID_REQUEST, "the body ended early");
        else if (!write_all(fd, chunk, (size_t)n))
            err = broken(problem, "writing");
        else
            size -= n;
    }
    free(chunk);
    return err;
}

/* From here on it has a name. */
static enum err name_it(struct store *s, int fd, struct str key, struct problem *problem)
{
    char folder[PATH_BYTES], path[PATH_BYTES], mine[64];

    if (fsync(fd) != 0)
        return broken(problem, "fsync");
    if (!make_folder(s, key, folder))
        return broken(problem, folder);
    snprintf(path, sizeof path, "%s/%.*s", dir_of(s), STR_ARG(key));
    snprintf(mine, sizeof mine, "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, mine, AT_FDCWD, path, AT_SYMLINK_FOLLOW) != 0)
        return errno == EEXIST ? ERR_DUPLICATE : broken(problem, "naming a file");
    if (sync_dir(folder))
        return OK;
    unlink(path);
    return broken(problem, "fsync of a folder");
}

static enum err put(struct store *s, struct str key, int64_t size, store_source source, void *arg,
                    struct problem *problem)
{
    const int fd = open(dir_of(s), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);

    if (fd < 0)
        return broken(problem, "a new file");
    enum err err = fill(fd, size, source, arg, problem);
    if (err == OK)
        err = name_it(s, fd, key, problem);
    close(fd);
    return err;
}

static enum err get(struct store *s, struct str key, store_sink sink, void *arg, struct problem *problem)
{
    char path[PATH_BYTES], *chunk;
    enum err err = OK;
    ssize_t n;

    snprintf(path, sizeof path, "%s/%.*s", dir_of(s), STR_ARG(key));
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : broken(problem, "opening a file");
    chunk = malloc(CHUNK);
    if (!chunk)
        abort();
    while ((n = read(fd, chunk, CHUNK)) > 0 && err == OK)
        if (!sink(arg, chunk, (size_t)n))
            err = ERR_INVALID_REQUEST;
    if (n < 0)
        err = broken(problem, "reading");
    free(chunk);
    close(fd);
    return err;
}

static enum err remove_key(struct store *s, struct str key, struct problem *problem)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s/%.*s", dir_of(s), STR_ARG(key));
    return unlink(path) == 0 || errno == ENOENT ? OK : broken(problem, "removing a file");
}

static enum err view(struct store *s, const struct store_view *v, struct arena *arena, struct str *out)
{
    (void)s;
    *out = str_of(arena_printf(arena, "/-/files/%.*s", STR_ARG(v->key)));
    return OK;
}

/* ---- by pieces: 3f/9a….N ---- */

static void part_path(struct store *s, struct str key, unsigned number, char path[PATH_BYTES + 12])
{
    snprintf(path, PATH_BYTES + 12, "%s/%.*s.%u", dir_of(s), STR_ARG(key), number);
}

static enum err part(struct store *s, const struct store_pieces *of, unsigned number, struct str bytes,
                     char tag[STORE_TAG_MAX], struct problem *problem)
{
    char name[STORE_KEY_TEXT + 12];
    struct store_bytes source = {bytes};

    snprintf(name, sizeof name, "%.*s.%u", STR_ARG(of->key), number);
    *tag = '\0';
    return put(s, str_of(name), (int64_t)bytes.n, store_bytes_read, &source, problem);
}

/* All of it behind what `out` has; false with errno. */
static bool append(int out, const char *path)
{
    const int in = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;

    if (in < 0)
        return false;
    while ((n = copy_file_range(in, NULL, out, NULL, 1 << 30, 0)) > 0)
        ;
    close(in);
    return n == 0;
}

static enum err unpart(struct store *s, const struct store_pieces *of, unsigned number,
                       struct problem *problem)
{
    char path[PATH_BYTES + 12];

    part_path(s, of->key, number, path);
    return unlink(path) == 0 || errno == ENOENT ? OK : broken(problem, "removing a piece");
}

static enum err drop(struct store *s, const struct store_pieces *of, struct problem *problem)
{
    for (unsigned i = 1; i <= of->last; i++)
        TRY(unpart(s, of, i, problem));
    return OK;
}

static bool has_size(struct store *s, struct str key, int64_t size)
{
    char path[PATH_BYTES];
    struct stat st;

    snprintf(path, sizeof path, "%s/%.*s", dir_of(s), STR_ARG(key));
    return stat(path, &st) == 0 && st.st_size == size;
}

static enum err join_into(struct store *s, int fd, const struct store_pieces *of,
                          const struct store_part *parts, size_t n, int64_t size, struct problem *problem)
{
    char path[PATH_BYTES + 12];
    struct stat st;

    for (size_t i = 0; i < n; i++) {
        part_path(s, of->key, parts[i].number, path);
        if (!append(fd, path))
            return has_size(s, of->key, size) ? OK : broken(problem, "joining pieces");
    }
    if (fstat(fd, &st) != 0 || st.st_size != size)
        return problem_set(problem, ERR_UNAVAILABLE, "the store of files: the pieces are not the whole");
    const enum err err = name_it(s, fd, of->key, problem);
    return err != OK && has_size(s, of->key, size) ? OK : err; /* somebody else has joined it */
}

static enum err join(struct store *s, const struct store_pieces *of, const struct store_part *parts, size_t n,
                     int64_t size, struct problem *problem)
{
    const int fd = open(dir_of(s), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);

    if (fd < 0)
        return broken(problem, "a new file");
    const enum err err = join_into(s, fd, of, parts, n, size, problem);
    close(fd);
    return err == OK ? drop(s, of, problem) : err;
}

static void free_store(struct store *s)
{
    free(s);
}

struct store *store_file_new(const struct conf *conf)
{
    static const struct store_ops ops = {.name = "file",
                                         .probe = check,
                                         .check = check,
                                         .put = put,
                                         .get = get,
                                         .remove = remove_key,
                                         .view = view,
                                         .part_min = 0,
                                         .part_max = PART_BYTES,
                                         .part = part,
                                         .unpart = unpart,
                                         .join = join,
                                         .drop = drop,
                                         .free = free_store};
    struct store_file *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    s->store.ops = &ops;
    s->conf = conf;
    return &s->store;
}
