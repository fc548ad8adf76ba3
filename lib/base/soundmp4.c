/*
 * MP4, by the heads of its boxes (ISO 14496-12). A movie says how long it is; one that was written in
 * fragments often does not: then the samples of its first track are counted.
 */
#include <string.h>

#include "base/soundstep.h"

enum {
    BOX_HEAD = 8,
    BOX_LONG_HEAD = 16,
    SAMPLES_MAX = 1 << 24, /* of one run */
    HAS_OFFSET = 0x1,      /* of fragments and runs: what stands in them */
    HAS_DESCRIPTION = 0x2,
    HAS_FIRST_FLAGS = 0x4,
    HAS_TICKS = 0x8,
    HAS_SAMPLE_TICKS = 0x100,
    SAMPLE_FIELDS = 0xf00,
};

/* A box whose head has `head` of its `size` bytes. */
struct box {
    uint64_t size;
    size_t head;
};

/* The first `n` bytes of its content, in `*p`; else `*go_on` says whether more of them comes. */
static bool content(struct sound *s, const struct box *b, size_t n, const unsigned char **p, bool *go_on)
{
    *p = s->head + b->head;
    *go_on = b->size >= b->head + n && s->n_head < b->head + n && more(s, b->head + n);
    return b->size >= b->head + n && s->n_head >= b->head + n;
}

/* What of it was not looked at is passed over. */
static bool pass(struct sound *s, const struct box *b)
{
    return next(s, b->size - s->n_head, BOX_HEAD);
}

/* mvhd, and mdhd of a track: how many ticks a second has, and how many it lasts. */
static bool times(struct sound *s, const struct box *b, uint64_t *per_s, uint64_t *ticks, bool *go_on)
{
    const unsigned char *p;

    if (!content(s, b, 1, &p, go_on))
        return false;
    const bool is_long = *p == 1;
    if (!content(s, b, is_long ? 32 : 20, &p, go_on))
        return false;
    *per_s = is_long ? big(p + 20, 4) : big(p + 12, 4);
    *ticks = is_long ? big(p + 24, 8) : big(p + 16, 4);
    if (*ticks >= TICKS_MAX || (!is_long && *ticks == UINT32_MAX))
        *ticks = 0;
    return true;
}

static double ms_of(uint64_t per_s)
{
    return per_s ? 1000.0 / (double)per_s : 0;
}

static bool movie_head(struct sound *s, const struct box *b)
{
    uint64_t per_s, ticks;
    bool go_on;

    if (!times(s, b, &per_s, &ticks, &go_on))
        return go_on;
    s->ms_per_tick = ms_of(per_s);
    s->said = ticks;
    return !s->said && pass(s, b);
}

/* How long the fragments are together, for a movie that was written before it was known. */
static bool movie_fragments(struct sound *s, const struct box *b)
{
    const unsigned char *p;
    bool go_on;

    if (!content(s, b, 1, &p, &go_on))
        return go_on;
    const size_t n = *p == 1 ? 12 : 8;
    if (!content(s, b, n, &p, &go_on))
        return go_on;
    const uint64_t ticks = big(p + 4, n - 4);
    s->said = ticks < TICKS_MAX ? ticks : 0;
    return !s->said && pass(s, b);
}

/* ---- the first track, in fragments ---- */

static bool track_head(struct sound *s, const struct box *b)
{
    const unsigned char *p;
    bool go_on;

    if (!content(s, b, 24, &p, &go_on))
        return go_on;
    if (!s->track)
        s->track = *p == 1 ? big(p + 20, 4) : big(p + 12, 4);
    return pass(s, b);
}

static bool track_times(struct sound *s, const struct box *b)
{
    uint64_t per_s, ticks;
    bool go_on;

    if (!times(s, b, &per_s, &ticks, &go_on))
        return go_on;
    if (s->track_ms == 0)
        s->track_ms = ms_of(per_s);
    return pass(s, b);
}

/* trex: how long a sample is, unless its fragment says otherwise. */
static bool track_samples(struct sound *s, const struct box *b)
{
    const unsigned char *p;
    bool go_on;

    if (!content(s, b, 16, &p, &go_on))
        return go_on;
    if (big(p + 4, 4) == s->track)
        s->track_ticks = big(p + 12, 4);
    return pass(s, b);
}

/* How many bytes a field takes that is there if the flag is set. */
static size_t if_set(uint64_t flags, uint64_t flag, size_t bytes)
{
    return flags & flag ? bytes : 0;
}

/* tfhd: the same for one fragment. */
static bool fragment_head(struct sound *s, const struct box *b)
{
    const unsigned char *p;
    bool go_on;

    if (!content(s, b, 8, &p, &go_on))
        return go_on;
    const uint64_t flags = big(p + 1, 3);
    const size_t at = 8 + if_set(flags, HAS_OFFSET, 8) + if_set(flags, HAS_DESCRIPTION, 4);
    if (!content(s, b, at + if_set(flags, HAS_TICKS, 4), &p, &go_on))
        return go_on;
    s->is_tracked = big(p + 4, 4) == s->track;
    s->ticks = flags & HAS_TICKS ? big(p + at, 4) : s->track_ticks;
    return pass(s, b);
}

static bool box_head(struct sound *s);

static bool sample(struct sound *s)
{
    s->last += big(s->head, 4);
    if (!--s->samples)
        s->step = box_head;
    return s->last < TICKS_MAX && next(s, s->sample_bytes - 4, s->samples ? 4 : BOX_HEAD);
}

/* trun: samples in a row, each with as many fields as the flags say. */
static bool run(struct sound *s, const struct box *b)
{
    const unsigned char *p;
    bool go_on;

    if (!content(s, b, 8, &p, &go_on))
        return go_on;
    const uint64_t flags = big(p + 1, 3), n = big(p + 4, 4);
    const size_t at = 8 + if_set(flags, HAS_OFFSET, 4) + if_set(flags, HAS_FIRST_FLAGS, 4);
    const size_t fields = 4 * (size_t)__builtin_popcount((unsigned)flags & SAMPLE_FIELDS);
    if (!content(s, b, at, &p, &go_on))
        return go_on;
    if (n > SAMPLES_MAX || b->size != b->head + at + n * fields)
        return false;
    if (!s->is_tracked || !n)
        return pass(s, b);
    s->ms_per_tick = s->track_ms;
    if (!(flags & HAS_SAMPLE_TICKS)) {
        s->last += n * s->ticks;
        return s->last < TICKS_MAX && pass(s, b);
    }
    s->samples = n;
    s->sample_bytes = fields;
    s->step = sample;
    return next(s, 0, 4);
}

/* ---- boxes ---- */

static const struct {
    const char *type;
    bool (*take)(struct sound *s, const struct box *b); /* NULL: what is in it comes next */
} boxes[] = {
    {"moov", NULL},          {"mvhd", movie_head},  {"trak", NULL}, {"tkhd", track_head},
    {"mdia", NULL},          {"mdhd", track_times}, {"mvex", NULL}, {"mehd", movie_fragments},
    {"trex", track_samples}, {"moof", NULL},        {"traf", NULL}, {"tfhd", fragment_head},
    {"trun", run},
};

static bool box_head(struct sound *s)
{
    const unsigned char *p = s->head;
    struct box b = {big(p, 4), BOX_HEAD};

    if (b.size == 1) {
        if (s->n_head < BOX_LONG_HEAD)
            return more(s, BOX_LONG_HEAD);
        b = (struct box){big(p + 8, 8), BOX_LONG_HEAD};
    }
    if (b.size < b.head) /* also 0: up to the end */
        return false;
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++)
        if (memcmp(p + 4, boxes[i].type, 4) == 0)
            return boxes[i].take ? boxes[i].take(s, &b) : next(s, 0, BOX_HEAD);
    return pass(s, &b);
}

bool sound_mp4(struct sound *s)
{
    if (memcmp(s->head + 4, "ftyp", 4) != 0)
        return false;
    s->step = box_head;
    return big(s->head, 4) > s->n_head && next(s, big(s->head, 4) - s->n_head, BOX_HEAD);
}
