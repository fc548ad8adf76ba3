/* SHA-1: blocks of 64 bytes, 80 rounds each. */
#include "base/sha1.h"

#include <string.h>

static uint32_t turn(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static void mix(struct sha1 *s, const unsigned char *p)
{
    uint32_t w[80], a = s->h[0], b = s->h[1], c = s->h[2], d = s->h[3], e = s->h[4];

    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 |
               p[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        const uint32_t f = i < 20   ? (b & c) | (~b & d)
                           : i < 40 ? b ^ c ^ d
                           : i < 60 ? (b & c) | (b & d) | (c & d)
                                    : b ^ c ^ d;
        const uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
        const uint32_t next = turn(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = turn(b, 30);
        b = a;
        a = next;
    }
    s->h[0] += a;
    s->h[1] += b;
    s->h[2] += c;
    s->h[3] += d;
    s->h[4] += e;
}

void sha1_init(struct sha1 *s)
{
    *s = (struct sha1){.h = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
}

void sha1_add(struct sha1 *s, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;

    while (n) {
        const size_t at = s->n % 64, step = n < 64 - at ? n : 64 - at;
        memcpy(s->block + at, p, step);
        s->n += step;
        p += step;
        n -= step;
        if (s->n % 64 == 0)
            mix(s, s->block);
    }
}

void sha1_done(const struct sha1 *s, unsigned char out[SHA1_BYTES])
{
    const uint64_t bits = s->n * 8;
    unsigned char length[8];
    struct sha1 copy = *s;

    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    sha1_add(&copy, "\x80", 1);
    while (copy.n % 64 != 56)
        sha1_add(&copy, "", 1);
    sha1_add(&copy, length, sizeof length);
    for (int i = 0; i < SHA1_BYTES; i++)
        out[i] = (unsigned char)(copy.h[i / 4] >> (24 - 8 * (i % 4)));
}
