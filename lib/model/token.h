/*
 * Tokens. An access token is a signed statement "user u of app a, in session s,
 * until t", verified without I/O; a file token says the same for reading files only.
 *
 * Text: base64url of version, kind, key id, app, user, session, expiry (big-endian)
 * and an HMAC-SHA256 over them. A token names its key; two keys are active, so that
 * rotating the key signs nobody out. What was revoked is in the set of revocation.h.
 */
#ifndef MODEL_TOKEN_H
#define MODEL_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/str.h"
#include "model/ctx.h"
#include "model/revocation.h"

enum token_kind { TOKEN_ACCESS = 1, TOKEN_FILE = 2 };

/* TOKEN_FILE_S: life of a file token in seconds. TOKEN_BYTES, TOKEN_TEXT: the length of either, decoded and
 * as text. */
enum { TOKEN_FILE_S = 900, TOKEN_SALT_BYTES = 32, TOKEN_KEYS_MAX = 8, TOKEN_BYTES = 68, TOKEN_TEXT = 91 };

/* The keys of this process. Thread-safe: the watch loads, all others read. */
struct token_keys;

/* Reads the secret from conf->token_secret_file: at least 32 bytes, else ERR_UNAVAILABLE and the reason in
 * `problem`. */
enum err token_keys_new(const struct conf *conf, struct token_keys **out, struct problem *problem) MUST_CHECK;
/* From a secret in memory, without any key yet (tests, fuzzing). */
struct token_keys *token_keys_from_secret(const void *secret, size_t n);
void token_keys_free(struct token_keys *keys);
/* Derives and adds one key; of those that may sign, the one with the highest id does. */
void token_keys_add(struct token_keys *keys, unsigned id, const unsigned char salt[TOKEN_SALT_BYTES],
                    bool signs);
/*
 * Replaces all keys by those of the table that are not retired. A new key does not sign
 * before every process can have read it. ERR_UNAVAILABLE when there is none (run the migrations).
 */
enum err token_keys_load(struct ctx *ctx, struct token_keys *keys) MUST_CHECK;

/* A MAC that lasts as long as the secret, for what is no access token (refresh tokens). */
void token_seal(const struct token_keys *keys, const void *bytes, size_t n, unsigned char out[32]);

/* In `arena`. `who` is not looked up: the caller has just authenticated it. */
enum err token_make(struct token_keys *keys, enum token_kind kind, const struct actor *who,
                    int64_t expires_ms, struct arena *arena, struct str *out) MUST_CHECK;

/*
 * Whom the token speaks for, and until when; sets these of `out`, and nothing else.
 * ERR_TOKEN_EXPIRED only for one that is genuine and not revoked; ERR_UNAUTHENTICATED for anything else.
 * Takes the same time for every wrong MAC.
 */
enum err token_check(struct token_keys *keys, struct revoked_set *revoked, enum token_kind kind,
                     struct str text, int64_t now_ms, struct actor *out) MUST_CHECK;

#endif
