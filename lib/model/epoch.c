/* The house epoch: half of it from `ph:house`, half from the server's run_id. */
#include "model/epoch.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/planted.h"
#include "model/inbox.h"

enum { HALF = EPOCH_BYTES / 2 };

bool epoch_eq(struct epoch a, struct epoch b)
{
    return memcmp(a.text, b.text, EPOCH_BYTES) == 0;
}

bool epoch_is_none(struct epoch e)
{
    return e.text[0] == 0;
}

/* The value of `name:` in the text of INFO. */
static struct str info_value(struct str info, struct str name)
{
    struct str line;

    while (str_cut(&info, '\n', &line)) {
        if (!str_starts(line, name))
            continue;
        line = (struct str){line.p + name.n, line.n - name.n};
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        return line;
    }
    return STR_NONE;
}

static bool is_hex(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return true;
}

enum err epoch_read(struct redis *redis, struct arena *arena, struct epoch *out)
{
    unsigned char random[HALF / 2];
    char fresh[HALF];
    struct redis_reply set, house, info;

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        abort();
    hex_encode(random, sizeof random, fresh);
    const struct str key = STR(INBOX_HOUSE_KEY);
    TRY(redis_add(redis, (struct str[]){STR("SET"), key, {fresh, HALF}, STR("NX")}, 4));
    TRY(redis_add(redis, (struct str[]){STR("GET"), key}, 2));
    TRY(redis_add(redis, (struct str[]){STR("INFO"), STR("server")}, 2));
    TRY(redis_answer(redis, arena, &set));
    TRY(redis_answer(redis, arena, &house));
    TRY(redis_answer(redis, arena, &info));
    const struct str run_id = info_value(info.str, STR("run_id:"));
    if (set.type == REDIS_ERROR) /* a full server: it takes no box and no bell either */
        return ERR_UNAVAILABLE;
    if (house.type != REDIS_STR || house.str.n != HALF || run_id.n < HALF || !is_hex(house.str) ||
        !is_hex(run_id))
        return ERR_UNAVAILABLE;
    memcpy(out->text, house.str.p, HALF);
    memcpy(out->text + HALF, run_id.p, HALF);
#if PLANTED_BUG == OLD_EPOCH_TRUSTED
    memset(out->text + HALF, '0', HALF);
#endif
    return OK;
}

enum err epoch_current(struct epoch_watch *watch, struct redis *redis, struct arena *arena,
                       const struct epoch *other)
{
    const int64_t now = clock_mono_ms();

    TRY(redis_open(redis));
    if (watch->connection == redis_connection(redis) && now - watch->read_mono_ms < EPOCH_AGE_MS &&
        (!other || epoch_eq(*other, watch->epoch)))
        return OK;
    struct epoch epoch;
    TRY(epoch_read(redis, arena, &epoch));
    *watch = (struct epoch_watch){.epoch = epoch, .connection = redis_connection(redis), .read_mono_ms = now};
    return OK;
}
