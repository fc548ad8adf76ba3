/* Whatever stands in Authorization: refused, unless it is the one genuine token that there is. */
#include <stdlib.h>

#include "model/token.h"

static struct token_keys *keys;
static struct revoked_set *revoked;
static struct arena *arena;
static struct str genuine;

static void start(void)
{
    static const unsigned char salt[TOKEN_SALT_BYTES];
    static const struct actor who = {.app_id = 1, .user_id = 2, .session_id = 3};

    keys = token_keys_from_secret("0123456789abcdef0123456789abcdef", 32);
    revoked = revoked_new();
    arena = arena_new();
    token_keys_add(keys, 1, salt, true);
    if (token_make(keys, TOKEN_ACCESS, &who, 1000, arena, &genuine) != OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str text = {(const char *)data, size};
    struct actor who = {.user_id = 77};

    if (!keys)
        start();
    const enum err err = token_check(keys, revoked, TOKEN_ACCESS, text, 0, &who);
    if ((err == OK) != str_eq(text, genuine) ||
        (err != OK && (err != ERR_UNAUTHENTICATED || who.user_id != 77)))
        abort();
    return 0;
}
