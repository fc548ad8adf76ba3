/*
 * The walk over FastCGI records, and libfcgi behind it: a request that the walk
 * calls whole must be read by libfcgi without blocking, from those bytes alone, and be the same one.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "ext/fcgi.h"
#include "web/walk.h"

enum { ENOUGH = 64 * 1024, PATIENCE_MS = 2000 };

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static void read_whole(const unsigned char *data, const struct walk *w)
{
    static struct fcgi *fcgi;
    static struct arena *arena;
    struct fcgi_request q;
    int pair[2];

    if (!fcgi) {
        if (fcgi_init() != OK)
            abort();
        fcgi = fcgi_new();
        arena = arena_new();
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        abort();
    if (send(pair[1], data, w->length, MSG_DONTWAIT) == (ssize_t)w->length) {
        const int64_t began = clock_mono_ms();
        const enum err err = fcgi_read(fcgi, pair[0], WALK_BODY_MAX, began + PATIENCE_MS, arena, &q);
        if (clock_mono_ms() - began >= PATIENCE_MS)
            abort(); /* it waited for bytes that the walk did not ask for */
        if (err != OK || q.id != w->id || q.keep != w->keep)
            abort();
        close(pair[0]);
        arena_reset(arena);
    } else {
        close(pair[0]);
    }
    close(pair[1]);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    struct walk w;

    const enum walk_verdict verdict = walk(data, n, &w);
    if (w.length > n)
        abort();
    if (verdict == WALK_WHOLE && w.length <= ENOUGH)
        read_whole(data, &w);
    return 0;
}
