/*
 * Containers of sound, by their heads. Sources: RFC 3533 and 7845 (Ogg, Opus), RFC 8794 and 9559 (EBML,
 * Matroska), RFC 2361 (WAV). MP4 is soundmp4.c's.
 */
#include <string.h>

#include "base/soundstep.h"

enum {
    OGG_HEAD = 27,
    OGG_CODEC = 19, /* of a page; of the first packet, what is looked at */
    CHUNK_HEAD = 8, /* of WAV */
    WAV_HEAD = 12,
    WAV_FORMAT = 16,
    GAP_MAX_MS = 1000,
};
#define LONGEST_MS 2.6e9 /* a month; what says more lies */

static uint64_t little(const unsigned char *p, size_t n)
{
    uint64_t value = 0;

    while (n--)
        value = value << 8 | p[n];
    return value;
}

/* ---- Ogg ---- */

static bool ogg_codec(struct sound *s, const unsigned char *p, size_t n)
{
    uint64_t rate = 0;

    if (n >= OGG_CODEC && memcmp(p, "OpusHead", 8) == 0) {
        rate = 48000;
        s->before = little(p + 10, 2); /* is decoded and not heard */
    } else if (n >= 16 && memcmp(p, "\1vorbis", 7) == 0) {
        rate = little(p + 12, 4);
    }
    s->ms_per_tick = rate ? 1000.0 / (double)rate : 0;
    return rate;
}

static bool ogg_page(struct sound *s)
{
    const unsigned char *p = s->head;
    const size_t head = OGG_HEAD + p[26];
    const bool is_first = s->ms_per_tick == 0;
    uint64_t body = 0;

    if (memcmp(p, "OggS", 5) != 0) /* and version 0 */
        return false;
    if (s->n_head < head)
        return more(s, head);
    for (size_t i = OGG_HEAD; i < head; i++)
        body += p[i];
    const size_t codec = !is_first ? 0 : body < OGG_CODEC ? (size_t)body : OGG_CODEC;
    if (s->n_head < head + codec)
        return more(s, head + codec);
    if (is_first && !ogg_codec(s, p + head, codec))
        return false;
    if (is_first)
        s->serial = (uint32_t)little(p + 14, 4);
    const uint64_t ticks = little(p + 6, 8);
    if (s->serial == little(p + 14, 4) && ticks < TICKS_MAX && ticks > s->last + s->before)
        s->last = ticks - s->before;
    return next(s, body - codec, OGG_HEAD);
}

/* ---- WebM ---- */

enum {
    ID_SEGMENT = 0x18538067,
    ID_INFO = 0x1549A966,
    ID_CLUSTER = 0x1F43B675,
    ID_GROUP = 0xA0,
    ID_SCALE = 0x2AD7B1,
    ID_DURATION = 0x4489,
    ID_TIME = 0xE7,
    ID_SIMPLE_BLOCK = 0xA3,
    ID_BLOCK = 0xA1,
};

/* Of a number whose first byte says by its leading zeros how long it is; more than 8: it is none. */
static size_t length_of(unsigned char first)
{
    size_t n = 1;

    while (n <= 8 && !(first & 0x80 >> (n - 1)))
        n++;
    return n;
}

static uint64_t real_ticks(const unsigned char *p, size_t n)
{
    double value = 0;

    if (n == 8) {
        const uint64_t bits = big(p, 8);
        memcpy(&value, &bits, sizeof value);
    } else if (n == 4) {
        const uint32_t bits = (uint32_t)big(p, 4);
        float small;
        memcpy(&small, &bits, sizeof small);
        value = (double)small;
    }
    return value >= 1 && value < (double)TICKS_MAX ? (uint64_t)value : 0;
}

static bool take_number(struct sound *s, uint32_t id, const unsigned char *p, size_t n)
{
    if (id == ID_SCALE)
        s->ms_per_tick = (double)big(p, n) / 1e6;
    if (id == ID_TIME)
        s->cluster = big(p, n);
    if (id == ID_DURATION)
        s->said = real_ticks(p, n);
    return s->cluster < TICKS_MAX;
}

static void take_block(struct sound *s, uint64_t relative)
{
    const uint64_t at = s->cluster + relative - (relative & 0x8000 ? 0x10000 : 0);

    if (at > s->last && at < TICKS_MAX) {
        s->gap = at - s->last;
        s->last = at;
    }
}

/* An element whose id and size are there in `head` bytes. */
static bool element(struct sound *s, uint32_t id, uint64_t size, size_t head)
{
    const unsigned char *p = s->head + head;
    size_t n = 0;

    switch (id) {
    case ID_SEGMENT:
    case ID_INFO:
    case ID_CLUSTER:
    case ID_GROUP: /* what is in it comes next */
        return next(s, 0, 1);
    case ID_SCALE:
    case ID_DURATION:
    case ID_TIME:
        n = (size_t)size;
        if (size > 8)
            return false;
        if (s->n_head < head + n)
            return more(s, head + n);
        return take_number(s, id, p, n) && next(s, 0, 1);
    case ID_SIMPLE_BLOCK:
    case ID_BLOCK: /* the track's number, then two bytes of time */
        if (s->n_head == head)
            return size ? more(s, head + 1) : false;
        n = length_of(*p) + 2;
        if (n > size || n > 10)
            return false;
        if (s->n_head < head + n)
            return more(s, head + n);
        take_block(s, big(p + n - 2, 2));
        return next(s, size - n, 1);
    default:
        return size < TICKS_MAX && next(s, size, 1);
    }
}

static bool webm_element(struct sound *s)
{
    const size_t id = length_of(s->head[0]);

    if (id > 4)
        return false;
    if (s->n_head <= id)
        return more(s, id + 1);
    const size_t n = length_of(s->head[id]);
    if (n > 8)
        return false;
    if (s->n_head < id + n)
        return more(s, id + n);
    return element(s, (uint32_t)big(s->head, id), big(s->head + id, n) & ((UINT64_C(1) << 7 * n) - 1),
                   id + n);
}

/* ---- WAV ---- */

/* Sizes of streams are lies: what counts is the sound that is there. */
static bool wav_chunk(struct sound *s)
{
    const unsigned char *p = s->head;
    const uint64_t size = little(p + 4, 4), padded = size + (size & 1);

    if (s->is_counting)
        return false;
    if (memcmp(p, "data", 4) == 0) {
        s->is_counting = true;
        return next(s, size, CHUNK_HEAD);
    }
    if (memcmp(p, "fmt ", 4) != 0)
        return next(s, padded, CHUNK_HEAD);
    if (size < WAV_FORMAT)
        return false;
    if (s->n_head < CHUNK_HEAD + WAV_FORMAT)
        return more(s, CHUNK_HEAD + WAV_FORMAT);
    const uint64_t bytes_per_s = little(p + CHUNK_HEAD + 8, 4);
    s->ms_per_tick = bytes_per_s ? 1000.0 / (double)bytes_per_s : 0;
    return bytes_per_s && next(s, padded - WAV_FORMAT, CHUNK_HEAD);
}

/* ---- which ---- */

static bool begin(struct sound *s)
{
    if (memcmp(s->head, "OggS", 4) == 0) {
        s->step = ogg_page;
        return more(s, OGG_HEAD);
    }
    if (memcmp(s->head, "\x1A\x45\xDF\xA3", 4) == 0) {
        s->step = webm_element;
        s->ms_per_tick = 1; /* unless it says otherwise */
        return more(s, 5);
    }
    if (s->n_head < WAV_HEAD)
        return more(s, WAV_HEAD);
    if (memcmp(s->head, "RIFF", 4) == 0 && memcmp(s->head + 8, "WAVE", 4) == 0) {
        s->step = wav_chunk;
        return next(s, 0, CHUNK_HEAD);
    }
    return sound_mp4(s);
}

void sound_init(struct sound *s)
{
    *s = (struct sound){.step = begin, .want = 4};
}

bool sound_add(struct sound *s, const char *bytes, size_t n)
{
    while (n && !s->over) {
        const uint64_t most = s->skip ? s->skip : s->want - s->n_head;
        const size_t some = most < n ? (size_t)most : n;

        if (s->skip) {
            s->skip -= some;
            s->last += s->is_counting ? some : 0;
        } else {
            memcpy(s->head + s->n_head, bytes, some);
            s->n_head += some;
            s->over = s->n_head == s->want && !s->step(s);
        }
        bytes += some;
        n -= some;
    }
    return !s->over;
}

int64_t sound_duration(const struct sound *s)
{
    double gap_ms = (double)s->gap * s->ms_per_tick;

    if (gap_ms > GAP_MAX_MS)
        gap_ms = 0;
    const double ms = s->said   ? (double)s->said * s->ms_per_tick
                      : s->last ? (double)s->last * s->ms_per_tick + gap_ms
                                : 0;
    if (!(ms > 0 && ms < LONGEST_MS))
        return 0;
    return ms < 1 ? 1 : (int64_t)ms;
}
