/*
 * Cryptography: libsodium, and the only file that includes its header.
 *
 * Random bytes, SHA-256, HMAC-SHA256, Argon2id for passwords, comparison in
 * constant time, wiping, base64url. Nothing here is of our own making, and
 * nothing needs to be initialised first. All functions are thread-safe.
 */
#ifndef EXT_CRYPT_H
#define EXT_CRYPT_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum { CRYPT_SHA256_BYTES = 32, CRYPT_HMAC_BYTES = 32, CRYPT_PASSWORD_TEXT = 128 };
enum { CRYPT_MAC_STATE_BYTES = 208, CRYPT_DIGEST_STATE_BYTES = 104 };

void crypt_random(void *out, size_t n);
/* Of the parts in order, each preceded by its length, so that no two lists of parts hash alike. */
void crypt_sha256(const struct str *parts, size_t n, unsigned char out[CRYPT_SHA256_BYTES]);
/* SHA-256 as everybody knows it, of bytes that come piece by piece (ext/digest.c). The state may be stored
 * and gone on with on the same kind of machine. */
struct crypt_digest {
    alignas(16) unsigned char state[CRYPT_DIGEST_STATE_BYTES];
};
void crypt_digest_init(struct crypt_digest *digest);
void crypt_digest_add(struct crypt_digest *digest, const void *bytes, size_t n);
void crypt_digest_done(const struct crypt_digest *digest, unsigned char out[CRYPT_SHA256_BYTES]);
void crypt_hmac(const void *key, size_t key_n, const void *bytes, size_t n,
                unsigned char out[CRYPT_HMAC_BYTES]);
/* HMAC-SHA256 under a key that is used again and again: its half of the work is done once. Secret, like the
 * key. */
struct crypt_mac {
    alignas(16) unsigned char state[CRYPT_MAC_STATE_BYTES];
};
void crypt_mac_init(struct crypt_mac *mac, const void *key, size_t n);
void crypt_mac_of(const struct crypt_mac *mac, const void *bytes, size_t n,
                  unsigned char out[CRYPT_HMAC_BYTES]);
/* Takes the same time wherever they differ. */
bool crypt_equal(const void *a, const void *b, size_t n);
void crypt_wipe(void *p, size_t n);

/*
 * Argon2id with 19 MiB, two passes, one lane (OWASP's first choice): about 25 ms.
 * `out` is the encoded text with its parameters and salt. ERR_UNAVAILABLE without memory.
 */
enum err crypt_password_hash(struct str password, char out[CRYPT_PASSWORD_TEXT]) MUST_CHECK;
/* Whether `hash` (text of crypt_password_hash) is of this password. */
bool crypt_password_is(const char *hash, struct str password);

/* Without padding. */
struct str crypt_base64url(struct arena *arena, const void *bytes, size_t n);
/* Of the ordinary alphabet, with padding. */
struct str crypt_base64(struct arena *arena, const void *bytes, size_t n);
bool crypt_base64_decode(struct arena *arena, struct str text, struct str *out);
/* Exactly `n` bytes in canonical form, else false. */
bool crypt_base64url_decode(struct str text, void *out, size_t n);

#endif
