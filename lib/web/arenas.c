/* A small stack of arenas; the one that was used last is the warmest. */
#include "web/arenas.h"

#include <pthread.h>

enum { KEPT = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct arena *kept[KEPT];
static unsigned n;

struct arena *arenas_take(void)
{
    pthread_mutex_lock(&lock);
    struct arena *arena = n ? kept[--n] : NULL;
    pthread_mutex_unlock(&lock);
    return arena ? arena : arena_new();
}

void arenas_give(struct arena *arena)
{
    arena_reset(arena);
    pthread_mutex_lock(&lock);
    if (n < KEPT) {
        kept[n++] = arena;
        arena = NULL;
    }
    pthread_mutex_unlock(&lock);
    arena_free(arena);
}
