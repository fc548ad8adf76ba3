/* The listening socket. */
#include "web/listen.h"

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

static struct {
    struct sockaddr_un address;
    ino_t inode; /* of the socket that we bound */
} bound;

static bool somebody_listens(const struct sockaddr_un *address)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool alive = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;

    if (fd >= 0)
        close(fd);
    return alive;
}

static bool bind_socket(int fd, const struct sockaddr_un *address)
{
    const mode_t mask = umask(0117); /* 0660 from the first moment */
    struct stat st;

    (void)unlink(address->sun_path);
    const bool done = bind(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    umask(mask);
    if (!done || listen(fd, BACKLOG) != 0 || stat(address->sun_path, &st) != 0)
        return false;
    bound.address = *address;
    bound.inode = st.st_ino;
    return true;
}

enum err listen_open(const char *path, int *fd, struct problem *problem)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path)
        return problem_set(problem, ERR_UNAVAILABLE, "the socket's path is longer than %zu bytes",
                           sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path));
    if (somebody_listens(&address))
        return problem_set(problem, ERR_UNAVAILABLE, "another process serves %.100s", path);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0 || !bind_socket(*fd, &address))
        return problem_set(problem, ERR_UNAVAILABLE, "%.100s cannot be listened on: %m", path);
    return OK;
}

void listen_close(int fd)
{
    struct stat st;

    close(fd);
    if (stat(bound.address.sun_path, &st) == 0 && st.st_ino == bound.inode)
        unlink(bound.address.sun_path);
}
