/* Running tools/picture.c over what the store has. */
#include "model/picture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AT_ONCE = 2, RESULT_MAX = 64 * 1024 * 1024, TOO_LARGE = 2 };

const char *const picture_sizes[PICTURE_SIZES + 1] = {"160", "480", "1280", NULL};
static const char *const types[] = {"image/png", "image/jpeg", "image/gif", "image/webp", NULL};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static int running;

struct str picture_clean_key(struct arena *arena, struct str store_key)
{
    return str_of(arena_printf(arena, "%.*s.c", STR_ARG(store_key)));
}

struct str picture_small_key(struct arena *arena, struct str store_key, int size)
{
    return str_of(arena_printf(arena, "%.*s.w%s", STR_ARG(store_key), picture_sizes[size]));
}

/* ---- the process ---- */

struct process {
    pid_t pid;
    int in, out;
};

/* It stands beside this program. */
static bool find_program(char *path, size_t size)
{
    const ssize_t n = readlink("/proc/self/exe", path, size - 16);

    if (n <= 0)
        return false;
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        return false;
    snprintf(slash + 1, 16, "picture");
    return true;
}

static int spawn_with(struct process *p, const char *path, const char *what, int in, int out)
{
    const char *const argv[] = {"picture", what, NULL};
    const char *const environment[] = {"LC_ALL=C", "VIPS_NOVECTOR=1", NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;

    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    const int failed = posix_spawn(&p->pid, path, &files, &attributes, (char *const *)(uintptr_t)argv,
                                   (char *const *)(uintptr_t)environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return failed;
}

static bool start(struct process *p, const char *what)
{
    char path[4096];
    int in[2], out[2];

    if (!find_program(path, sizeof path) || pipe2(in, O_CLOEXEC) != 0)
        return false;
    if (pipe2(out, O_CLOEXEC) != 0) {
        close(in[0]);
        close(in[1]);
        return false;
    }
    const int failed = spawn_with(p, path, what, in[0], out[1]);
    close(in[0]);
    close(out[1]);
    p->in = in[1];
    p->out = out[0];
    if (!failed)
        return true;
    close(p->in);
    close(p->out);
    return false;
}

/* A store_sink. False once it reads no more: it knows enough, or is gone. */
static bool feed(void *arg, const char *bytes, size_t n)
{
    const struct process *p = arg;

    while (n) {
        const ssize_t written = write(p->in, bytes, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        n -= (size_t)written;
    }
    return true;
}

static bool read_result(int fd, struct buf *out)
{
    char chunk[16 * 1024];
    ssize_t n;

    while ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR)) {
        if (n > 0)
            buf_add(out, chunk, (size_t)n);
        if (out->n > RESULT_MAX)
            return false;
    }
    return n == 0;
}

static void wait_for_turn(void)
{
    pthread_mutex_lock(&lock);
    while (running == AT_ONCE)
        pthread_cond_wait(&change, &lock);
    running++;
    pthread_mutex_unlock(&lock);
}

static void end_turn(void)
{
    pthread_mutex_lock(&lock);
    running--;
    pthread_cond_signal(&change);
    pthread_mutex_unlock(&lock);
}

static enum err run_now(struct ctx *ctx, struct store *store, struct str key, const char *what,
                        struct str *result, int *code)
{
    struct buf out = buf_in(ctx->arena);
    struct process p;
    int status = 0;

    if (!start(&p, what))
        return fail(ctx, ERR_UNAVAILABLE, "the program that looks at pictures cannot be started");
    enum err err = store->ops->get(store, key, feed, &p, ctx->problem);
    if (err == ERR_INVALID_REQUEST)
        err = OK; /* it had read enough */
    close(p.in);
    if (!read_result(p.out, &out))
        kill(p.pid, SIGKILL);
    close(p.out);
    while (waitpid(p.pid, &status, 0) < 0 && errno == EINTR)
        ;
    *result = buf_done(&out);
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return err;
}

static enum err run(struct ctx *ctx, struct store *store, struct str key, const char *what,
                    struct str *result, int *code)
{
    wait_for_turn();
    const enum err err = run_now(ctx, store, key, what, result, code);
    end_turn();
    return err;
}

/* ---- what it is for ---- */

static enum err keep(struct ctx *ctx, struct store *store, struct str key, struct str bytes)
{
    struct store_bytes source = {bytes};
    const enum err err =
        store->ops->put(store, key, (int64_t)bytes.n, store_bytes_read, &source, ctx->problem);

    return err == ERR_DUPLICATE ? OK : err; /* somebody else has just made the same */
}

static enum err make_clean(struct ctx *ctx, struct store *store, struct str key)
{
    struct str bytes = STR_NONE;
    int code = -1;

    TRY(run(ctx, store, key, "clean", &bytes, &code));
    if (code || !bytes.n)
        return fail(ctx, ERR_INVALID_REQUEST, "it says where it was taken, which cannot be removed from it");
    return keep(ctx, store, picture_clean_key(ctx->arena, key), bytes);
}

/* "width height location\n" */
static bool read_facts(struct str text, struct picture_facts *out, uint64_t *location)
{
    struct str rest = text, piece;
    uint64_t width, height;

    if (!str_cut(&rest, ' ', &piece) || !str_u64(piece, &width) || !str_cut(&rest, ' ', &piece) ||
        !str_u64(piece, &height) || !str_cut(&rest, '\n', &piece) || !str_u64(piece, location) ||
        width > UINT32_MAX || height > UINT32_MAX)
        return false;
    out->width = (unsigned)width;
    out->height = (unsigned)height;
    return true;
}

enum err picture_look(struct ctx *ctx, struct store *store, struct str key, struct str content_type,
                      struct picture_facts *out)
{
    struct str text = STR_NONE;
    uint64_t location;
    int code = -1;

    *out = (struct picture_facts){0};
    if (field_enum_index(types, content_type) < 0)
        return OK;
    TRY(run(ctx, store, key, "look", &text, &code));
    if (code == TOO_LARGE)
        return fail(ctx, ERR_INVALID_REQUEST, "the picture has too many pixels");
    if (code || !read_facts(text, out, &location) || !location)
        return OK;
    out->bits = PICTURE_CLEAN_BIT;
    return make_clean(ctx, store, key);
}

enum err picture_make_small(struct ctx *ctx, struct store *store, const struct file_row *row, int size)
{
    struct str bytes = STR_NONE;
    int code = -1;

    if (!row->width)
        return ERR_NOT_FOUND;
    TRY(run(ctx, store, row->store_key, picture_sizes[size], &bytes, &code));
    if (code || !bytes.n)
        return ERR_NOT_FOUND;
    TRY(keep(ctx, store, picture_small_key(ctx->arena, row->store_key, size), bytes));
    return q_file_thumbnail_made(ctx, row->id, UINT64_C(1) << size, NULL);
}

enum err picture_forget(struct ctx *ctx, struct store *store, struct str key)
{
    TRY(store->ops->remove(store, picture_clean_key(ctx->arena, key), ctx->problem));
    for (int i = 0; i < PICTURE_SIZES; i++)
        TRY(store->ops->remove(store, picture_small_key(ctx->arena, key, i), ctx->problem));
    return OK;
}
