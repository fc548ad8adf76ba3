/*
 * forgetful: a file system that can lose power. Mounted over a folder, it keeps what is written in memory and
 * brings it to the folder only when the file is synced (fsync, fdatasync, O_SYNC, O_DSYNC). SIGUSR1 cuts the
 * power: what was not synced is forgotten, and from then on every call fails with EIO, so that nothing under
 * way can still be saved.
 *
 *     forgetful FOLDER MOUNTPOINT [-f] [-o OPTIONS]
 *
 * prints at its end what was pending: {"cut":true,"files":2,"pages":7}. What is forgotten: data and size of
 * each file since its last sync. What is not: names. Creating, renaming and removing go to the folder at
 * once, as a journalling file system would do it a moment later; so a database that syncs a file and not its
 * folder is not caught here. What a commit writes goes to files that are there already.
 *
 * O_DIRECT is no sync: a disk has a cache of its own. Pages are whole: no write is torn.
 */
#define FUSE_USE_VERSION 31
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PAGE = 4096, BUCKETS = 1 << 12 };

/* A page of a file as it is in memory; which of it was written does not matter, because it began as the
 * folder has it. */
struct page {
    struct page *next;
    off_t number;
    char bytes[PAGE];
};

/* A file as long as somebody has it open or something of it is pending. */
struct node {
    struct node *next;
    dev_t dev;
    ino_t ino;
    int fd; /* of the folder's file, for reading and writing */
    int opens;
    off_t size; /* in memory */
    bool is_dirty;
    bool is_gone; /* removed: nothing is pending for it any more */
    size_t pages;
    struct page *page[BUCKETS];
};

static int folder = -1; /* all paths are relative to it */
static struct node *nodes;
static atomic_bool cut;

/* ---- paths ---- */

/* Of FUSE's "/a/b" the "a/b" that the *at calls take. */
static const char *below(const char *path)
{
    return path[1] ? path + 1 : ".";
}

static int result(int r)
{
    return r < 0 ? -errno : 0;
}

/* ---- files in memory ---- */

static struct node *node_of(const struct stat *st)
{
    struct node *n = nodes;

    while (n && (n->ino != st->st_ino || n->dev != st->st_dev || n->is_gone))
        n = n->next;
    return n;
}

static struct node *node_at(const char *path)
{
    struct stat st;

    return fstatat(folder, below(path), &st, AT_SYMLINK_NOFOLLOW) ? NULL : node_of(&st);
}

static void drop_pages(struct node *n)
{
    for (size_t b = 0; b < BUCKETS; b++)
        while (n->page[b]) {
            struct page *p = n->page[b];
            n->page[b] = p->next;
            free(p);
        }
    n->pages = 0;
    n->is_dirty = false;
}

static struct page *find_page(const struct node *n, off_t number)
{
    struct page *p = n->page[number % BUCKETS];

    while (p && p->number != number)
        p = p->next;
    return p;
}

/* The page as it is now, to be written to. */
static struct page *get_page(struct node *n, off_t number)
{
    struct page *p = find_page(n, number);

    if (p)
        return p;
    p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    if (pread(n->fd, p->bytes, PAGE, number * PAGE) < 0) {
        free(p);
        return NULL;
    }
    p->number = number;
    p->next = n->page[number % BUCKETS];
    n->page[number % BUCKETS] = p;
    n->pages++;
    return p;
}

/* Beyond a new and smaller end there are zeros, should the file grow again. */
static int shorten(struct node *n, off_t size)
{
    const off_t last = size / PAGE;

    for (off_t number = last; size < n->size && number * PAGE < n->size; number++) {
        struct page *p = get_page(n, number);
        const off_t keep = number == last ? size % PAGE : 0;
        if (!p)
            return -EIO;
        memset(p->bytes + keep, 0, (size_t)(PAGE - keep));
    }
    return 0;
}

static int resize(struct node *n, off_t size)
{
    const int err = shorten(n, size);

    if (err)
        return err;
    n->size = size;
    n->is_dirty = true;
    return 0;
}

/* All that is pending goes to the folder's disk. */
static int save(struct node *n)
{
    if (!n->is_dirty || n->is_gone)
        return 0;
    for (size_t b = 0; b < BUCKETS; b++)
        for (const struct page *p = n->page[b]; p; p = p->next) {
            const off_t from = p->number * PAGE;
            const off_t length = n->size - from < PAGE ? n->size - from : PAGE;
            if (length > 0 && pwrite(n->fd, p->bytes, (size_t)length, from) != length)
                return -EIO;
        }
    if (ftruncate(n->fd, n->size))
        return -errno;
    drop_pages(n);
    return 0;
}

/* Frees a file that nobody has open and of which nothing is pending. */
static void settle(struct node *n)
{
    struct node **at = &nodes;

    if (n->opens || (n->is_dirty && !n->is_gone))
        return;
    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    drop_pages(n);
    close(n->fd);
    free(n);
}

/* ---- the power ---- */

static void on_cut(int number)
{
    (void)number;
    atomic_store(&cut, true);
}

#define POWERED()                                                                                            \
    do {                                                                                                     \
        if (atomic_load(&cut))                                                                               \
            return -EIO;                                                                                     \
    } while (0)

/* ---- names ---- */

static struct node *opened(const struct fuse_file_info *fi)
{
    return (struct node *)(uintptr_t)fi->fh;
}

static int f_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
    const struct node *n;

    POWERED();
    n = fi ? opened(fi) : NULL;
    if (n ? fstat(n->fd, st) : fstatat(folder, below(path), st, AT_SYMLINK_NOFOLLOW))
        return -errno;
    if (!n)
        n = node_of(st);
    if (n)
        st->st_size = n->size;
    return 0;
}

static int f_readlink(const char *path, char *out, size_t size)
{
    POWERED();
    const ssize_t n = readlinkat(folder, below(path), out, size - 1);
    if (n < 0)
        return -errno;
    out[n] = 0;
    return 0;
}

static int f_readdir(const char *path, void *out, fuse_fill_dir_t fill, off_t offset,
                     struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
    (void)offset;
    (void)fi;
    (void)flags;
    POWERED();
    const int fd = openat(folder, below(path), O_RDONLY | O_DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return -errno;
    for (const struct dirent *e; (e = readdir(dir));)
        if (fill(out, e->d_name, NULL, 0, 0))
            break;
    closedir(dir);
    return 0;
}

static int f_mkdir(const char *path, mode_t mode)
{
    POWERED();
    return result(mkdirat(folder, below(path), mode));
}

static int f_rmdir(const char *path)
{
    POWERED();
    return result(unlinkat(folder, below(path), AT_REMOVEDIR));
}

static int f_symlink(const char *target, const char *path)
{
    POWERED();
    return result(symlinkat(target, folder, below(path)));
}

/* A file without a name will not be there. (While it is open, libfuse keeps it under a hidden one.) */
static void let_go(struct node *n)
{
    struct stat st;

    if (!n || fstat(n->fd, &st) || st.st_nlink)
        return;
    n->is_gone = true;
    settle(n);
}

static int f_unlink(const char *path)
{
    POWERED();
    struct node *n = node_at(path);
    if (unlinkat(folder, below(path), 0))
        return -errno;
    let_go(n);
    return 0;
}

static int f_rename(const char *from, const char *to, unsigned flags)
{
    POWERED();
    struct node *replaced = node_at(to);
    if (renameat2(folder, below(from), folder, below(to), flags))
        return -errno;
    let_go(replaced);
    return 0;
}

static int f_chmod(const char *path, mode_t mode, struct fuse_file_info *fi)
{
    (void)fi;
    POWERED();
    return result(fchmodat(folder, below(path), mode, 0));
}

static int f_chown(const char *path, uid_t user, gid_t group, struct fuse_file_info *fi)
{
    (void)fi;
    POWERED();
    return result(fchownat(folder, below(path), user, group, AT_SYMLINK_NOFOLLOW));
}

static int f_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *fi)
{
    (void)fi;
    POWERED();
    return result(utimensat(folder, below(path), times, AT_SYMLINK_NOFOLLOW));
}

static int f_statfs(const char *path, struct statvfs *out)
{
    (void)path;
    POWERED();
    return result(fstatvfs(folder, out));
}

/* ---- contents ---- */

static int open_node(const char *path, int flags, mode_t mode, struct fuse_file_info *fi)
{
    struct stat st;

    const int fd = openat(folder, below(path), (flags & (O_CREAT | O_EXCL)) | O_RDWR | O_CLOEXEC, mode);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st)) {
        close(fd);
        return -EIO;
    }
    struct node *n = node_of(&st);
    if (n) {
        close(fd);
    } else {
        n = calloc(1, sizeof *n);
        if (!n) {
            close(fd);
            return -ENOMEM;
        }
        *n = (struct node){.next = nodes, .dev = st.st_dev, .ino = st.st_ino, .fd = fd, .size = st.st_size};
        nodes = n;
    }
    n->opens++;
    fi->fh = (uintptr_t)n;
    fi->direct_io = 1; /* the kernel keeps nothing back: each write is seen here, in its order */
    return flags & O_TRUNC && n->size ? resize(n, 0) : 0;
}

static int f_open(const char *path, struct fuse_file_info *fi)
{
    POWERED();
    return open_node(path, fi->flags & ~(O_CREAT | O_EXCL), 0, fi);
}

static int f_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
    POWERED();
    return open_node(path, fi->flags | O_CREAT, mode, fi);
}

static int f_release(const char *path, struct fuse_file_info *fi)
{
    (void)path;
    struct node *n = opened(fi);
    n->opens--;
    settle(n);
    return 0;
}

static int f_read(const char *path, char *out, size_t size, off_t offset, struct fuse_file_info *fi)
{
    const struct node *n = opened(fi);
    size_t done = 0;

    (void)path;
    POWERED();
    if (offset >= n->size)
        return 0;
    if ((off_t)size > n->size - offset)
        size = (size_t)(n->size - offset);
    memset(out, 0, size); /* what the folder's file does not reach yet */
    if (pread(n->fd, out, size, offset) < 0)
        return -errno;
    while (n->pages && done < size) {
        const off_t at = offset + (off_t)done;
        const size_t within = (size_t)(at % PAGE), left = PAGE - within;
        const size_t part = left < size - done ? left : size - done;
        const struct page *p = find_page(n, at / PAGE);
        if (p)
            memcpy(out + done, p->bytes + within, part);
        done += part;
    }
    return (int)size;
}

static int f_write(const char *path, const char *bytes, size_t size, off_t offset, struct fuse_file_info *fi)
{
    struct node *n = opened(fi);

    (void)path;
    POWERED();
    if (fi->flags & O_APPEND)
        offset = n->size;
    for (size_t done = 0; done < size;) {
        const off_t at = offset + (off_t)done;
        const size_t within = (size_t)(at % PAGE), left = PAGE - within;
        const size_t part = left < size - done ? left : size - done;
        struct page *p = get_page(n, at / PAGE);
        if (!p)
            return -EIO;
        memcpy(p->bytes + within, bytes + done, part);
        done += part;
    }
    if (n->size < offset + (off_t)size)
        n->size = offset + (off_t)size;
    n->is_dirty = true;
    const int err = fi->flags & (O_SYNC | O_DSYNC) ? save(n) : 0;
    return err ? err : (int)size;
}

static int f_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
    struct fuse_file_info own = {.flags = O_RDWR};
    int err = 0;

    POWERED();
    if (!fi)
        err = open_node(path, O_RDWR, 0, &own);
    if (err)
        return err;
    err = resize(opened(fi ? fi : &own), size);
    if (!fi)
        f_release(path, &own);
    return err;
}

/* Room that is promised is a size, and zeros; as a size it is pending. */
static int f_fallocate(const char *path, int mode, off_t offset, off_t length, struct fuse_file_info *fi)
{
    struct node *n = opened(fi);

    (void)path;
    POWERED();
    if (mode)
        return -EOPNOTSUPP;
    return n->size < offset + length ? resize(n, offset + length) : 0;
}

static int f_fsync(const char *path, int only_data, struct fuse_file_info *fi)
{
    (void)path;
    (void)only_data;
    POWERED();
    return save(opened(fi));
}

static int f_fsyncdir(const char *path, int only_data, struct fuse_file_info *fi)
{
    (void)path;
    (void)only_data;
    (void)fi;
    POWERED();
    return 0;
}

/* ---- life ---- */

static void *f_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
    (void)connection;
    config->use_ino = 1;
    config->attr_timeout = config->entry_timeout = config->negative_timeout = 0;
    return NULL;
}

static void f_destroy(void *nothing)
{
    size_t files = 0, pages = 0;

    (void)nothing;
    for (struct node *n = nodes; n; n = n->next) {
        files += n->is_dirty && !n->is_gone;
        pages += n->is_gone ? 0 : n->pages;
        if (!atomic_load(&cut) && save(n))
            fprintf(stderr, "forgetful: what was pending could not be saved\n");
    }
    printf("{\"cut\":%s,\"files\":%zu,\"pages\":%zu}\n", atomic_load(&cut) ? "true" : "false", files, pages);
}

static const struct fuse_operations operations = {
    .init = f_init,
    .destroy = f_destroy,
    .getattr = f_getattr,
    .readlink = f_readlink,
    .readdir = f_readdir,
    .mkdir = f_mkdir,
    .rmdir = f_rmdir,
    .symlink = f_symlink,
    .unlink = f_unlink,
    .rename = f_rename,
    .chmod = f_chmod,
    .chown = f_chown,
    .utimens = f_utimens,
    .statfs = f_statfs,
    .open = f_open,
    .create = f_create,
    .release = f_release,
    .read = f_read,
    .write = f_write,
    .truncate = f_truncate,
    .fallocate = f_fallocate,
    .fsync = f_fsync,
    .fsyncdir = f_fsyncdir,
};

int main(int argc, char **argv)
{
    static char alone[] = "-s"; /* one thread: no locks */

    if (argc < 3 || (folder = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
        fprintf(stderr, "forgetful FOLDER MOUNTPOINT [-f] [-o OPTIONS]\n");
        return 2;
    }
    signal(SIGUSR1, on_cut);
    argv[1] = argv[0];
    char **rest = calloc((size_t)argc + 1, sizeof *rest);
    if (!rest)
        return 1;
    memcpy(rest, argv + 1, (size_t)(argc - 1) * sizeof *rest);
    rest[argc - 1] = alone;
    return fuse_main(argc, rest, &operations, NULL);
}
