/*
 * SHA-1 (FIPS 180-4), for one thing only: tus wants it for noticing transfer errors. It protects against
 * nobody who means harm; what must not be forged is hashed by ext/crypt.h.
 */
#ifndef BASE_SHA1_H
#define BASE_SHA1_H

#include <stddef.h>
#include <stdint.h>

enum { SHA1_BYTES = 20 };

struct sha1 {
    uint32_t h[5];
    uint64_t n;
    unsigned char block[64];
};

void sha1_init(struct sha1 *s);
void sha1_add(struct sha1 *s, const void *bytes, size_t n);
/* Of all that was added; more may be added after it. */
void sha1_done(const struct sha1 *s, unsigned char out[SHA1_BYTES]);

#endif
