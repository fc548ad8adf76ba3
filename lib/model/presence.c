/* Presence: read from registrations, told by whispers, kept as a time in the database. */
#include "model/presence.h"

#include <stdlib.h>

#include "base/clock.h"
#include "model/deliver.h"
#include "model/house.h"
#include "model/inbox.h"
#include "model/ringer.h"
#include "queries.h"

static bool is_online(const struct registration *at, size_t n, int64_t now)
{
    for (size_t i = 0; i < n; i++)
        if (at[i].expires_ms > now)
            return true;
    return false;
}

enum err presence_of(struct ctx *ctx, const uint64_t *ids, size_t n, struct presence *out)
{
    const int64_t now = clock_wall_ms();

    if (!ctx->redis)
        return ERR_UNAVAILABLE;
    for (size_t i = 0; i < n; i++) {
        const struct inbox_key key = inbox_at_key(ids[i]);
        TRY(redis_add(ctx->redis, (struct str[]){STR("HGETALL"), {key.text, key.n}}, 2));
    }
    for (size_t i = 0; i < n; i++) {
        struct redis_reply reply;
        struct registration *at;
        TRY(redis_answer(ctx->redis, ctx->arena, &reply));
        const size_t n_at = registrations_read(&reply, ctx->arena, &at);
        const bool online = is_online(at, n_at, now);
        out[i] = (struct presence){online, online ? now : 0};
    }
    return OK;
}

enum err presence_tell(struct ctx *ctx, uint64_t user_id, bool online)
{
    struct presence_shown_row shown;
    struct audience_row *rows;
    size_t n;

    const enum err err = q_presence_shown(ctx, user_id, &shown);
    if (err == ERR_NOT_FOUND || (err == OK && !shown.show_last_seen))
        return OK;
    TRY(err);
    TRY(q_presence_audience(ctx, user_id, PRESENCE_AUDIENCE_MAX, &rows, &n));
    uint64_t *ids = arena_array(ctx->arena, n, sizeof *ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = rows[i].friend_id;
    if (n)
        ringer_whisper(
            house_ringer(ctx->house), ids, n,
            deliver_presence(ctx->arena, user_id, online, online ? clock_wall_ms() : shown.last_seen_at), 0);
    return OK;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* In the order in which everybody locks rows. */
static uint64_t *sorted(struct ctx *ctx, const uint64_t *ids, size_t n)
{
    uint64_t *copy = (uint64_t *)(void *)arena_copy(ctx->arena, ids, n * sizeof *ids);

    qsort(copy, n, sizeof *copy, by_number);
    return copy;
}

enum err presence_seen(struct ctx *ctx, const uint64_t *user_ids, const uint64_t *session_ids, size_t n)
{
    const int64_t now = clock_wall_ms();

    if (!n)
        return OK;
    TRY(q_presence_user_seen(ctx, now, sorted(ctx, user_ids, n), n, NULL));
    return q_presence_session_seen(ctx, now, sorted(ctx, session_ids, n), n, NULL);
}
