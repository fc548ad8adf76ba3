#include "model/passwords.h"

#include <stdlib.h>

#include "ext/crypt.h"
#include "ext/unicode.h"
#include "words.h"

/* Of random bytes that nobody knows, with the parameters of all others. */
#define NOBODYS                                                                                              \
    "$argon2id$v=19$m=19456,t=2,p=1$1RQ2lb5ws9NeOypTo2ySuQ$ZDOR2tOhxNTMglR/YT64Cjvim+uv0PL3oU1xb08mFz4"

static int compare(const void *key, const void *word)
{
    return strcmp(key, *(const char *const *)word);
}

static bool is_common(struct arena *arena, struct str key)
{
    char *word = str_c(arena, key);
    const bool found =
        bsearch(word, words_passwords, words_passwords_count, sizeof *words_passwords, compare);

    crypt_wipe(word, key.n);
    return found;
}

enum err password_accept(struct ctx *ctx, const char *field, struct str password, struct str username_key)
{
    const struct str key = unicode_key(ctx->arena, password);
    const char *why = NULL;

    if (is_common(ctx->arena, key))
        why = "is one of the most common passwords";
    else if (username_key.n && str_eq(key, username_key))
        why = "is the username";
    if (key.n)
        crypt_wipe((char *)(uintptr_t)key.p, key.n);
    if (!why)
        return OK;
    problem_field(ctx->problem, field, "%s", why);
    return fail(ctx, ERR_WEAK_PASSWORD, "choose another password: this one %s", why);
}

enum err password_hash(struct ctx *ctx, struct str password, struct str *out)
{
    char *text = arena_alloc(ctx->arena, CRYPT_PASSWORD_TEXT);

    if (crypt_password_hash(password, text) != OK)
        return fail(ctx, ERR_UNAVAILABLE, "no memory for the password hash");
    *out = str_of(text);
    return OK;
}

bool password_is(struct ctx *ctx, struct str hash, struct str password)
{
    const bool right = crypt_password_is(hash.n ? str_c(ctx->arena, hash) : NOBODYS, password);
    return right && hash.n;
}
