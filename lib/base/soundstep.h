/*
 * The inside of sound: how a container's steps say what they want next, and the numbers
 * that stand in heads.
 */
#ifndef BASE_SOUNDSTEP_H
#define BASE_SOUNDSTEP_H

#include "base/sound.h"

#define TICKS_MAX (UINT64_C(1) << 52) /* a double holds it exactly */

static inline uint64_t big(const unsigned char *p, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value = value << 8 | p[i];
    return value;
}

/* More of this head is needed. */
static inline bool more(struct sound *s, size_t want)
{
    s->want = want;
    return want <= SOUND_HEAD;
}

/* The next head comes after `skip` bytes. */
static inline bool next(struct sound *s, uint64_t skip, size_t want)
{
    s->n_head = 0;
    s->want = want;
    s->skip = skip;
    return true;
}

/* Its first 12 bytes are there: the step from here on, if it is one. */
bool sound_mp4(struct sound *s);

#endif
