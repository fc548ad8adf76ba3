#include "model/token.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "ext/crypt.h"
#include "queries.h"

enum { VERSION = 1, PAYLOAD_BYTES = TOKEN_BYTES - CRYPT_HMAC_BYTES, SECRET_MIN = 32, SECRET_MAX = 4096 };
/* A process reads the keys every 5 s, and answers nothing when it could not for another 5. */
enum { SPREAD_MS = 15 * 1000 };

_Static_assert(TOKEN_TEXT == (TOKEN_BYTES * 4 + 2) / 3, "base64url without padding");

struct key {
    unsigned id;
    bool signs;
    struct crypt_mac mac;
};

struct token_keys {
    pthread_rwlock_t lock; /* of keys and n */
    struct key keys[TOKEN_KEYS_MAX];
    size_t n;
    unsigned char secret[CRYPT_HMAC_BYTES]; /* fixed */
};

/* ---- the keys ---- */

struct token_keys *token_keys_from_secret(const void *secret, size_t n)
{
    struct token_keys *keys = calloc(1, sizeof *keys);

    if (!keys)
        abort();
    pthread_rwlock_init(&keys->lock, NULL);
    crypt_hmac(secret, n, "posthouse", 9, keys->secret);
    return keys;
}

static enum err read_secret(const char *path, unsigned char *out, size_t *n, struct problem *problem)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 0;

    if (fd < 0)
        return problem_set(problem, ERR_UNAVAILABLE, "token_secret_file %s cannot be read", path);
    *n = 0;
    while (*n < SECRET_MAX && (got = read(fd, out + *n, SECRET_MAX - *n)) > 0)
        *n += (size_t)got;
    close(fd);
    if (got < 0)
        return problem_set(problem, ERR_UNAVAILABLE, "token_secret_file %s cannot be read", path);
    if (*n < SECRET_MIN)
        return problem_set(problem, ERR_UNAVAILABLE, "token_secret_file %s holds less than %d bytes", path,
                           SECRET_MIN);
    return OK;
}

enum err token_keys_new(const struct conf *conf, struct token_keys **out, struct problem *problem)
{
    unsigned char secret[SECRET_MAX];
    size_t n = 0;

    const enum err err = read_secret(conf->token_secret_file, secret, &n, problem);
    if (err == OK)
        *out = token_keys_from_secret(secret, n);
    crypt_wipe(secret, sizeof secret);
    return err;
}

void token_keys_free(struct token_keys *keys)
{
    if (!keys)
        return;
    pthread_rwlock_destroy(&keys->lock);
    crypt_wipe(keys, sizeof *keys);
    free(keys);
}

static struct key derive(const struct token_keys *keys, unsigned id, const void *salt, bool signs)
{
    struct key key = {.id = id, .signs = signs};
    unsigned char bytes[CRYPT_HMAC_BYTES];

    crypt_hmac(keys->secret, sizeof keys->secret, salt, TOKEN_SALT_BYTES, bytes);
    crypt_mac_init(&key.mac, bytes, sizeof bytes);
    crypt_wipe(bytes, sizeof bytes);
    return key;
}

void token_keys_add(struct token_keys *keys, unsigned id, const unsigned char salt[TOKEN_SALT_BYTES],
                    bool signs)
{
    pthread_rwlock_wrlock(&keys->lock);
    if (keys->n < TOKEN_KEYS_MAX)
        keys->keys[keys->n++] = derive(keys, id, salt, signs);
    pthread_rwlock_unlock(&keys->lock);
}

enum err token_keys_load(struct ctx *ctx, struct token_keys *keys)
{
    struct key fresh[TOKEN_KEYS_MAX];
    struct token_key_row *rows;
    size_t n;

    TRY(q_token_keys_live(ctx, TOKEN_KEYS_MAX, &rows, &n));
    if (!n)
        return fail(ctx, ERR_UNAVAILABLE, "there is no token key; run posthousectl migrate");
    for (size_t i = 0; i < n; i++) {
        if (rows[i].salt.n != TOKEN_SALT_BYTES)
            return fail(ctx, ERR_UNAVAILABLE, "token key %u has a salt of the wrong length",
                        (unsigned)rows[i].id);
        fresh[i] = derive(keys, (unsigned)rows[i].id, rows[i].salt.p, n == 1 || rows[i].age_ms >= SPREAD_MS);
    }
    fresh[n - 1].signs = true; /* the oldest, when all are new */
    pthread_rwlock_wrlock(&keys->lock);
    memcpy(keys->keys, fresh, n * sizeof *fresh);
    keys->n = n;
    pthread_rwlock_unlock(&keys->lock);
    crypt_wipe(fresh, sizeof fresh);
    return OK;
}

/* A copy of the key with this id, or (id 0) of the one that signs. */
static bool find(struct token_keys *keys, unsigned id, struct key *out)
{
    const struct key *found = NULL;

    pthread_rwlock_rdlock(&keys->lock);
    for (size_t i = 0; i < keys->n; i++) {
        const struct key *key = &keys->keys[i];
        if (id ? key->id == id : key->signs && (!found || key->id > found->id))
            found = key;
    }
    if (found)
        *out = *found;
    pthread_rwlock_unlock(&keys->lock);
    return found != NULL;
}

void token_seal(const struct token_keys *keys, const void *bytes, size_t n,
                unsigned char out[CRYPT_HMAC_BYTES])
{
    crypt_hmac(keys->secret, sizeof keys->secret, bytes, n, out);
}

/* ---- the tokens ---- */

static unsigned char *put(unsigned char *at, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char)(v >> 8 * (bytes - 1 - i));
    return at + bytes;
}

static uint64_t take(const unsigned char **at, size_t bytes)
{
    uint64_t v = 0;

    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | (*at)[i];
    *at += bytes;
    return v;
}

enum err token_make(struct token_keys *keys, enum token_kind kind, const struct actor *who,
                    int64_t expires_ms, struct arena *arena, struct str *out)
{
    unsigned char bytes[TOKEN_BYTES], *at = bytes;
    struct key key;

    if (!find(keys, 0, &key))
        return ERR_UNAVAILABLE;
    at = put(at, VERSION, 1);
    at = put(at, kind, 1);
    at = put(at, key.id, 2);
    at = put(at, who->app_id, 8);
    at = put(at, who->user_id, 8);
    at = put(at, who->session_id, 8);
    at = put(at, (uint64_t)expires_ms, 8);
    crypt_mac_of(&key.mac, bytes, PAYLOAD_BYTES, at);
    crypt_wipe(&key, sizeof key);
    *out = crypt_base64url(arena, bytes, sizeof bytes);
    return OK;
}

enum err token_check(struct token_keys *keys, struct revoked_set *revoked, enum token_kind kind,
                     struct str text, int64_t now_ms, struct actor *out)
{
    unsigned char bytes[TOKEN_BYTES], mac[CRYPT_HMAC_BYTES];
    const unsigned char *at = bytes;
    struct key key;

    if (!crypt_base64url_decode(text, bytes, sizeof bytes))
        return ERR_UNAUTHENTICATED;
    const bool known = take(&at, 1) == VERSION;
    const bool fits = take(&at, 1) == kind;
    const unsigned key_id = (unsigned)take(&at, 2);
    if (!known || !fits || !key_id || !find(keys, key_id, &key))
        return ERR_UNAUTHENTICATED;
    crypt_mac_of(&key.mac, bytes, PAYLOAD_BYTES, mac);
    crypt_wipe(&key, sizeof key);
    if (!crypt_equal(mac, bytes + PAYLOAD_BYTES, sizeof mac))
        return ERR_UNAUTHENTICATED;
    const uint64_t app_id = take(&at, 8), user_id = take(&at, 8), session_id = take(&at, 8);
    const int64_t expires_ms = (int64_t)take(&at, 8);
    if (revoked_has(revoked, session_id))
        return ERR_UNAUTHENTICATED;
    if (expires_ms <= now_ms)
        return ERR_TOKEN_EXPIRED;
    out->app_id = app_id;
    out->user_id = user_id;
    out->session_id = session_id;
    out->expires_ms = expires_ms;
    return OK;
}
