/*
 * How long sound lasts, by small files made here: each whole and in pieces of every size, cut off anywhere,
 * and with lies in every head.
 */
#include <CUnit/Basic.h>
#include <string.h>

#include "base/sound.h"
#include "lib/fixture.h"

enum { FILE_MAX = 4096 };

static unsigned char file[FILE_MAX];
static size_t n_file;

static void bytes(const void *p, size_t n)
{
    CU_ASSERT_FATAL(n_file + n <= FILE_MAX);
    memcpy(file + n_file, p, n);
    n_file += n;
}
#define BYTES(text) bytes((text), sizeof(text) - 1)

static void big(uint64_t value, size_t n)
{
    while (n--)
        bytes(&(unsigned char){(unsigned char)(value >> (8 * n))}, 1);
}

static void little(uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes(&(unsigned char){(unsigned char)(value >> (8 * i))}, 1);
}

static void zeros(size_t n)
{
    for (size_t i = 0; i < n; i++)
        big(0, 1);
}

static int64_t duration(size_t n, size_t piece)
{
    struct sound s;

    sound_init(&s);
    for (size_t at = 0; at < n; at += piece)
        if (!sound_add(&s, (const char *)file + at, n - at < piece ? n - at : piece))
            break;
    return sound_duration(&s);
}

/* In pieces of every size the same; cut off anywhere nothing that is longer. */
static void expect(int64_t want_ms)
{
    for (size_t piece = 1; piece <= n_file; piece++)
        CU_ASSERT_EQUAL(duration(n_file, piece), want_ms);
    for (size_t n = 0; n < n_file; n++)
        CU_ASSERT(duration(n, FILE_MAX) <= want_ms);
}

/* ---- Ogg ---- */

static void page(uint64_t ticks, uint32_t serial, const char *packet, size_t n)
{
    BYTES("OggS\0\0");
    little(ticks, 8);
    little(serial, 4);
    zeros(8);
    big(1, 1);
    big(n, 1);
    bytes(packet, n);
}

static const char opus[] = "OpusHead\1\1\x38\1\x80\xbb\0\0\0\0\0";     /* 312 ticks are not heard */
static const char vorbis[] = "\1vorbis\0\0\0\0\1\x40\x1f\0\0\0\0\0\0"; /* 8000 a second */

static void test_ogg(void)
{
    static const char sound[200];

    n_file = 0;
    page(0, 7, opus, sizeof opus - 1);
    page(0, 7, "OpusTags", 8);
    page(48000 + 312, 7, sound, sizeof sound);
    page(UINT64_MAX, 7, sound, 3); /* no packet ends here */
    page(999999999, 8, sound, 3);  /* another stream */
    page(96000 + 312, 7, sound, 100);
    expect(2000);
    n_file = 0;
    page(0, 1, vorbis, sizeof vorbis - 1);
    page(4000, 1, sound, 10);
    expect(500);
    n_file = 0;
    page(0, 1, "\x80theora and more of it", 22);
    page(4000, 1, sound, 10);
    expect(0);
}

/* ---- WebM ---- */

static void element(uint32_t id, size_t id_n, uint64_t value, size_t n)
{
    big(id, id_n);
    big(0x80 | n, 1);
    big(value, n);
}

static void webm_head(bool says)
{
    n_file = 0;
    BYTES("\x1A\x45\xDF\xA3\x84\x42\x86\x81\1");             /* EBML, version 1 */
    BYTES("\x18\x53\x80\x67\1\xff\xff\xff\xff\xff\xff\xff"); /* Segment, of unknown size */
    BYTES("\x15\x49\xA9\x66");                               /* Info */
    big(0x80 | (7 + (says ? 11 : 0)), 1);
    element(0x2AD7B1, 3, 1000000, 3);
    if (says)
        element(0x4489, 2, 0x40A7700000000000, 8); /* 3000.0 */
    BYTES("\x16\x54\xAE\x6B\x83xyz");              /* Tracks */
}

static void block(uint32_t id, int16_t at)
{
    big(id, 1);
    big(0x80 | 10, 1);
    big(0x81, 1);
    big((uint16_t)at, 2);
    zeros(7);
}

static void test_webm(void)
{
    webm_head(true);
    BYTES("\x1F\x43\xB6\x75\1\xff\xff\xff\xff\xff\xff\xff"); /* Cluster */
    element(0xE7, 1, 0, 1);
    block(0xA3, 60);
    expect(3000);
    webm_head(false);
    BYTES("\x1F\x43\xB6\x75\1\xff\xff\xff\xff\xff\xff\xff");
    element(0xE7, 1, 0, 1);
    for (int16_t at = 0; at <= 240; at = (int16_t)(at + 60))
        block(0xA3, at);
    BYTES("\x1F\x43\xB6\x75\xff"); /* the next, of unknown size too */
    element(0xE7, 1, 30000, 2);
    block(0xA3, -60);
    BYTES("\xA0\x8c"); /* a group with a block */
    block(0xA1, 0);
    expect(30060);
}

/* ---- MP4 ---- */

static void box(const char *type, uint64_t size)
{
    big(size, 4);
    bytes(type, 4);
}

static void mp4_head(void)
{
    n_file = 0;
    box("ftyp", 20);
    BYTES("M4A \0\0\0\0isom");
}

static void movie_head(uint32_t per_s, uint32_t ticks)
{
    box("mvhd", 108);
    zeros(12);
    big(per_s, 4);
    big(ticks, 4);
    zeros(80);
}

static void test_mp4(void)
{
    mp4_head();
    big(1, 4); /* a long size */
    BYTES("mdat");
    big(16 + 300, 8);
    zeros(300);
    box("moov", 116);
    movie_head(1000, 4321);
    expect(4321);
    mp4_head();
    box("moov", 128);
    box("mvhd", 120);
    big(1, 1); /* version 1 */
    zeros(19);
    big(44100, 4);
    big(441000, 8);
    zeros(80);
    expect(10000);
    mp4_head(); /* written before it was known */
    box("moov", 140);
    movie_head(600, 0);
    box("mvex", 24);
    box("mehd", 16);
    zeros(4);
    big(1200, 4);
    expect(2000);
    mp4_head();
    box("moov", 116);
    movie_head(0, 1000);
    expect(0);
    mp4_head();
    box("moov", 116);
    movie_head(1, UINT32_MAX - 1); /* a century */
    expect(0);
    mp4_head();
    box("moov", 4); /* smaller than its head */
    movie_head(1000, 1000);
    expect(0);
}

/* A movie in fragments, with two tracks of which the first counts; `more` stands in the movie's mvex. */
static void fragmented(size_t more)
{
    mp4_head();
    box("moov", 8 + 108 + 2 * 148 + 8 + 2 * 32 + more);
    movie_head(1000, 0);
    for (uint32_t track = 1; track <= 2; track++) {
        box("trak", 148);
        box("tkhd", 92);
        zeros(12);
        big(track, 4);
        zeros(68);
        box("mdia", 48);
        box("mdhd", 32);
        zeros(12);
        big(track * 48000, 4);
        zeros(8);
        box("udta", 8);
    }
    box("mvex", 8 + 2 * 32 + more);
    for (uint32_t track = 1; track <= 2; track++) {
        box("trex", 32);
        zeros(4);
        big(track, 4);
        big(1, 4);
        big(1000 * track, 4);
        zeros(8);
    }
}

static void fragment(uint32_t track, uint32_t ticks)
{
    box("tfhd", ticks ? 32 : 24);
    big(ticks ? 0x9 : 0x1, 4);
    big(track, 4);
    zeros(8);
    if (ticks)
        big(ticks, 4);
    if (ticks)
        zeros(4); /* that nobody knows */
}

static void test_fragments(void)
{
    static const uint32_t lasting[] = {24000, 12000, 12000};

    fragmented(0);
    box("moof", 8 + 8 + 24 + 16 + 8 + 24 + 16);
    box("traf", 8 + 24 + 16);
    fragment(1, 0);
    box("trun", 16); /* 48 samples of the standard length: a second */
    zeros(4);
    big(48, 4);
    box("traf", 8 + 24 + 16);
    fragment(2, 0); /* of another track */
    box("trun", 16);
    zeros(4);
    big(4800, 4);
    box("mdat", 20);
    zeros(12);
    box("moof", 8 + 8 + 32 + 16);
    box("traf", 8 + 32 + 16);
    fragment(1, 2400); /* ten of them: half a second */
    box("trun", 16);
    zeros(4);
    big(10, 4);
    box("moof", 8 + 8 + 24 + 24 + 3 * 12);
    box("traf", 8 + 24 + 24 + 3 * 12);
    fragment(1, 0);
    box("trun", 24 + 3 * 12); /* each with its length, size and flags: a second */
    big(0x705, 4);
    big(3, 4);
    zeros(8);
    for (size_t i = 0; i < 3; i++) {
        big(lasting[i], 4);
        zeros(8);
    }
    box("mdat", 9);
    zeros(1);
    expect(2500);
    fragmented(16);
    box("mehd", 16);
    zeros(4);
    big(1200, 4);
    expect(1200);
    fragmented(0);
    box("moof", 8 + 8 + 24 + 16);
    box("traf", 8 + 24 + 16);
    fragment(1, 0);
    box("trun", 16); /* says that each of its samples has a length, and has none */
    big(0x100, 4);
    big(48, 4);
    expect(0);
    fragmented(0);
    box("moof", 8 + 8 + 32 + 16);
    box("traf", 8 + 32 + 16);
    fragment(1, UINT32_MAX);
    box("trun", 16); /* for ever */
    zeros(4);
    big(1 << 24, 4);
    expect(0);
}

/* ---- WAV ---- */

static void wav(uint32_t bytes_per_s, uint32_t says, size_t n)
{
    n_file = 0;
    BYTES("RIFF");
    little(says, 4);
    BYTES("WAVEfmt ");
    little(18, 4);
    BYTES("\1\0\1\0\x40\x1f\0\0");
    little(bytes_per_s, 4);
    zeros(6);
    BYTES("LIST\3\0\0\0abc\0data"); /* one of an odd size */
    little(says, 4);
    zeros(n);
}

static void test_wav(void)
{
    wav(1000, 500, 500);
    BYTES("LIST\4\0\0\0abcd");
    expect(500);
    wav(1000, UINT32_MAX, 700); /* not known when it was begun */
    expect(700);
    wav(0, 500, 500);
    expect(0);
    wav(1000, 0, 500);
    expect(0);
}

static void test_others(void)
{
    n_file = 0;
    BYTES("RIFF\x24\0\0\0WAVEfmt and more");
    expect(0);
    n_file = 0;
    BYTES("\x1A\x45\xDF\xA3\1\xff\xff\xff\xff\xff\xff\xff\0\0\0\0"); /* no such number begins with zero */
    expect(0);
}

int main(void)
{
    static const struct fixture_test tests[] = {{"Ogg", test_ogg}, {"WebM", test_webm},
                                                {"MP4", test_mp4}, {"fragments", test_fragments},
                                                {"WAV", test_wav}, {"others", test_others}};

    return FIXTURE_RUN("sound", tests);
}
