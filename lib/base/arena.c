/*
 * Arena: a list of blocks, the newest first, and a list of cleanups inside them.
 * Under ASan the free part of each block is poisoned.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { FIRST_BLOCK_BYTES = 8 * 1024, ALIGN = alignof(max_align_t) };

struct block {
    struct block *older;
    size_t size, used; /* of bytes[] */
    alignas(max_align_t) unsigned char bytes[];
};

struct cleanup {
    struct cleanup *older;
    void (*fn)(void *arg);
    void *arg;
};

struct arena {
    struct block *newest;
    struct cleanup *cleanups;
};

static void die_of_memory(size_t size)
{
    fprintf(stderr, "{\"level\":\"fatal\",\"msg\":\"out of memory\",\"bytes\":%zu}\n", size);
    abort();
}

static struct block *block_new(size_t size, struct block *older)
{
    struct block *b = malloc(sizeof *b + size);
    if (!b)
        die_of_memory(size);
    *b = (struct block){.older = older, .size = size};
    POISON(b->bytes, size);
    return b;
}

static void block_free(struct block *b)
{
    UNPOISON(b->bytes, b->size);
    free(b);
}

struct arena *arena_new(void)
{
    struct arena *arena = malloc(sizeof *arena);
    if (!arena)
        die_of_memory(sizeof *arena);
    *arena = (struct arena){.newest = block_new(FIRST_BLOCK_BYTES, NULL)};
    return arena;
}

void arena_reset(struct arena *arena)
{
    while (arena->cleanups) {
        const struct cleanup *c = arena->cleanups;
        arena->cleanups = c->older;
        c->fn(c->arg);
    }
    while (arena->newest->older) {
        struct block *b = arena->newest;
        arena->newest = b->older;
        block_free(b);
    }
    arena->newest->used = 0;
    POISON(arena->newest->bytes, arena->newest->size);
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    arena_reset(arena);
    block_free(arena->newest);
    free(arena);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 4)
        die_of_memory(size);
    const size_t need = (size + ALIGN) & ~(size_t)(ALIGN - 1); /* at least one byte more: a red zone */
    struct block *b = arena->newest;

    if (b->size - b->used < need) {
        const size_t twice = 2 * b->size;
        b = arena->newest = block_new(need > twice ? need : twice, b);
    }
    void *p = b->bytes + b->used;
    b->used += need;
    UNPOISON(p, size);
    return memset(p, 0, size);
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / size)
        die_of_memory(SIZE_MAX);
    return arena_alloc(arena, n * size);
}

char *arena_copy(struct arena *arena, const void *bytes, size_t n)
{
    char *p = arena_alloc(arena, n + 1);
    if (n)
        memcpy(p, bytes, n);
    return p;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0)
        die_of_memory(0);
    char *p = arena_alloc(arena, (size_t)n + 1);
    va_start(args, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, args);
    va_end(args);
    return p;
}

void arena_defer(struct arena *arena, void (*fn)(void *arg), void *arg)
{
    struct cleanup *c = arena_alloc(arena, sizeof *c);
    *c = (struct cleanup){.older = arena->cleanups, .fn = fn, .arg = arg};
    arena->cleanups = c;
}
