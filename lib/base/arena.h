/*
 * Arena: memory that lives as long as its owner (a request, a worker's turn)
 * and is given back at once.
 *
 * Allocation never returns NULL: whoever lets a user decide a size bounds it
 * first, and a process that is out of memory ends with a message. Not thread-safe:
 * an arena belongs to whoever works on the request now.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/err.h"

struct arena;

struct arena *arena_new(void);
/* Runs the deferred cleanups, newest first, and forgets all memory but the first block. */
void arena_reset(struct arena *arena);
void arena_free(struct arena *arena);

/* Zeroed, aligned for any type. `size` 0 gives a valid unique pointer. */
void *arena_alloc(struct arena *arena, size_t size);
/* An array of `n` items; ends the process when n * size overflows. */
void *arena_array(struct arena *arena, size_t n, size_t size);
/* A NUL-terminated copy of `n` bytes. */
char *arena_copy(struct arena *arena, const void *bytes, size_t n);
char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Calls `fn(arg)` when the arena is reset or freed: ties a foreign handle to it. */
void arena_defer(struct arena *arena, void (*fn)(void *arg), void *arg);

#endif
