/*
 * picture: looks at one picture and may die of it. Started by model/picture.c for each, as
 *
 *     picture look     < picture      "width height location\n"
 *     picture clean    < picture      the same picture without its metadata
 *     picture SIDE     < picture      a small one, as WebP
 *
 * Nothing is written before all that is needed was read. Exit codes are enum vips_outcome. What it may take
 * of time, memory and files is bounded before a byte is read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ext/vips.h"

enum { CPU_S = 20, WALL_S = 60, FILES = 64, SIDE_MAX = 4096, EXIT_USAGE = 64 };
#define MEMORY_BYTES (2048LL << 20) /* of address space; libraries are a third of it */
#define PIXELS_MAX (100LL * 1000 * 1000)

static bool limit(int resource, rlim_t most)
{
    const struct rlimit limits = {most, most};

    return setrlimit(resource, &limits) == 0;
}

static bool bound_all(void)
{
    alarm(WALL_S);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (!limit(RLIMIT_AS, MEMORY_BYTES))
        return false;
#endif
    return limit(RLIMIT_CPU, CPU_S) && limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_NOFILE, FILES) &&
           limit(RLIMIT_CORE, 0);
}

static int look(void)
{
    struct vips_facts facts;
    const enum vips_outcome outcome = vips_look(STDIN_FILENO, PIXELS_MAX, &facts);

    if (outcome == VIPS_GOOD)
        printf("%d %d %d\n", facts.width, facts.height, facts.has_location);
    return (int)outcome;
}

static int make(int side)
{
    void *bytes = NULL;
    size_t n = 0;
    enum vips_outcome outcome = side ? vips_small(STDIN_FILENO, PIXELS_MAX, side, &bytes, &n)
                                     : vips_clean(STDIN_FILENO, PIXELS_MAX, &bytes, &n);

    if (outcome == VIPS_GOOD && fwrite(bytes, 1, n, stdout) != n)
        outcome = VIPS_NO_PICTURE;
    free(bytes);
    return (int)outcome;
}

int main(int argc, char **argv)
{
    const long side = argc == 2 ? strtol(argv[1], NULL, 10) : 0;

    if (argc != 2 ||
        ((side <= 0 || side > SIDE_MAX) && strcmp(argv[1], "look") != 0 && strcmp(argv[1], "clean") != 0)) {
        fputs("picture look|clean|SIDE < PICTURE\n", stderr);
        return EXIT_USAGE;
    }
    if (!bound_all() || !vips_start(argv[0]))
        return EXIT_USAGE;
    const int outcome = strcmp(argv[1], "look") == 0 ? look() : make((int)side);
    return fflush(stdout) == 0 ? outcome : VIPS_NO_PICTURE;
}
