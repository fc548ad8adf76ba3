/* The two things of a poll that come from elsewhere as bytes: the cursor, and an element of the bell. */
#include <stdlib.h>

#include "model/bell.h"
#include "model/inbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_cursor(struct str text)
{
    char out[INBOX_CURSOR_BYTES];
    const struct cursor c = cursor_parse(text);

    if (epoch_is_none(c.epoch))
        return;
    const struct cursor back = cursor_parse(cursor_format(c, out));
    if (!epoch_eq(back.epoch, c.epoch) || back.n != c.n)
        abort();
}

static void try_bell(struct str packed)
{
    struct arena *arena = arena_new();
    struct bell bell;

    if (bell_unpack(packed, arena, &bell) == OK && !str_eq(bell_pack(&bell, arena), packed))
        abort();
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str text = {(const char *)data, size};

    try_cursor(text);
    try_bell(text);
    return 0;
}
