#include "ext/crypt.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

enum { ARGON2_PASSES = 2, ARGON2_BYTES = 19 * 1024 * 1024 };

_Static_assert(sizeof(crypto_auth_hmacsha256_state) == CRYPT_MAC_STATE_BYTES, "room for a state");
_Static_assert(CRYPT_PASSWORD_TEXT >= crypto_pwhash_STRBYTES, "room for an encoded hash");

static void start(void)
{
    if (sodium_init() < 0)
        abort();
}

static void ready(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, start);
}

void crypt_random(void *out, size_t n)
{
    ready();
    randombytes_buf(out, n);
}

void crypt_sha256(const struct str *parts, size_t n, unsigned char out[CRYPT_SHA256_BYTES])
{
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < n; i++) {
        unsigned char length[8];

        for (int byte = 0; byte < 8; byte++)
            length[byte] = (unsigned char)((uint64_t)parts[i].n >> (56 - 8 * byte));
        crypto_hash_sha256_update(&state, length, sizeof length);
        crypto_hash_sha256_update(&state, (const unsigned char *)(parts[i].p ? parts[i].p : ""), parts[i].n);
    }
    crypto_hash_sha256_final(&state, out);
}

void crypt_hmac(const void *key, size_t key_n, const void *bytes, size_t n,
                unsigned char out[CRYPT_HMAC_BYTES])
{
    struct crypt_mac mac;

    crypt_mac_init(&mac, key, key_n);
    crypt_mac_of(&mac, bytes, n, out);
    sodium_memzero(&mac, sizeof mac);
}

void crypt_mac_init(struct crypt_mac *mac, const void *key, size_t n)
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, key, n);
    memcpy(mac->state, &state, sizeof state);
    sodium_memzero(&state, sizeof state);
}

void crypt_mac_of(const struct crypt_mac *mac, const void *bytes, size_t n,
                  unsigned char out[CRYPT_HMAC_BYTES])
{
    crypto_auth_hmacsha256_state state;

    memcpy(&state, mac->state, sizeof state);
    crypto_auth_hmacsha256_update(&state, bytes, n);
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof state);
}

bool crypt_equal(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}

void crypt_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}

enum err crypt_password_hash(struct str password, char out[CRYPT_PASSWORD_TEXT])
{
    ready();
    if (crypto_pwhash_str_alg(out, password.p, password.n, ARGON2_PASSES, ARGON2_BYTES,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
        return ERR_UNAVAILABLE;
    return OK;
}

bool crypt_password_is(const char *hash, struct str password)
{
    ready();
    return crypto_pwhash_str_verify(hash, password.p, password.n) == 0;
}

struct str crypt_base64url(struct arena *arena, const void *bytes, size_t n)
{
    const size_t size = sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = arena_alloc(arena, size);

    sodium_bin2base64(text, size, bytes, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return (struct str){text, size - 1};
}

struct str crypt_base64(struct arena *arena, const void *bytes, size_t n)
{
    const size_t size = sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_ORIGINAL);
    char *text = arena_alloc(arena, size);

    sodium_bin2base64(text, size, bytes, n, sodium_base64_VARIANT_ORIGINAL);
    return (struct str){text, size - 1};
}

bool crypt_base64url_decode(struct str text, void *out, size_t n)
{
    size_t got = 0;
    const char *end = NULL;

    if (text.n != (n * 4 + 2) / 3 || text.p == NULL)
        return false;
    for (size_t i = 0; i < text.n; i++) /* libsodium 1.0.18 takes bytes above 127 for `_` */
        if ((unsigned char)text.p[i] > 127)
            return false;
    return sodium_base642bin(out, n, text.p, text.n, NULL, &got, &end,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
           got == n && end == text.p + text.n;
}

bool crypt_base64_decode(struct arena *arena, struct str text, struct str *out)
{
    char *bytes = arena_alloc(arena, text.n + 1);
    const char *end = NULL;
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] > 127)
            return false;
    if (sodium_base642bin((unsigned char *)bytes, text.n + 1, text.n ? text.p : "", text.n, NULL, &n, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        (text.n && end != text.p + text.n))
        return false;
    *out = (struct str){bytes, n};
    return true;
}
