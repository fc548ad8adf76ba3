/*
 * How long sound or video lasts, as its container says: Ogg (Opus, Vorbis), WebM and
 * Matroska, MP4, WAV.
 *
 * Nothing is decoded. Bytes come in pieces of any size, of which only the heads of pages,
 * elements and boxes are looked at; what is held is a few hundred bytes. Whatever is not
 * understood is unknown.
 */
#ifndef BASE_SOUND_H
#define BASE_SOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SOUND_HEAD = 512 };

struct sound {
    bool (*step)(
        struct sound *s); /* takes a head that is there whole; false: there is nothing more to find */
    unsigned char head[SOUND_HEAD];
    size_t n_head, want;
    uint64_t skip; /* what comes before the next head */
    bool over;
    /* Times count in ticks of a unit. */
    double ms_per_tick;
    uint64_t said;      /* by a header; 0: it does not say */
    uint64_t last, gap; /* the last piece of sound, and how long the one before took */
    uint64_t cluster, before;
    uint32_t serial;
    bool is_counting; /* each byte that is skipped is a tick */
    /* MP4 in fragments: its first track, how long a sample of it is, and the run that is being read. */
    uint64_t track, track_ticks, ticks, samples;
    double track_ms; /* of a tick */
    size_t sample_bytes;
    bool is_tracked; /* this fragment */
};

void sound_init(struct sound *s);
/* False: more would change nothing. */
bool sound_add(struct sound *s, const char *bytes, size_t n);
/* In ms; 0: unknown. */
int64_t sound_duration(const struct sound *s);

#endif
