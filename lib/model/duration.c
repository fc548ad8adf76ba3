#include "model/duration.h"

#include "base/sound.h"

enum { LOOKED_AT_MAX = 64 * 1024 * 1024 }; /* an hour of voice fits */

static bool listen(void *arg, const char *bytes, size_t n)
{
    return sound_add(arg, bytes, n);
}

static bool may_sound(struct str type)
{
    return str_starts(type, STR("audio/")) || str_starts(type, STR("video/")) ||
           str_eq(type, STR("application/ogg"));
}

enum err duration_look(struct ctx *ctx, struct store *store, struct str key, struct str content_type,
                       int64_t size, unsigned *ms)
{
    struct sound *sound = arena_alloc(ctx->arena, sizeof *sound);
    struct problem enough = {0};

    *ms = 0;
    if (size > LOOKED_AT_MAX || !may_sound(content_type))
        return OK;
    sound_init(sound);
    const enum err err = store->ops->get(store, key, listen, sound, &enough);
    if (err != OK && err != ERR_INVALID_REQUEST) /* that one: it had heard enough */
        return fail(ctx, ERR_UNAVAILABLE, "what was stored cannot be read: %s", enough.detail);
    *ms = (unsigned)sound_duration(sound);
    return OK;
}
