/* The bell: packing, unpacking, and the order of elements. */
#include "model/bell.h"

enum { HEAD_BYTES = 1 + 4 * 8 + EPOCH_BYTES + 2, PAIR_BYTES = 16 };

static void put(struct buf *b, uint64_t v, unsigned bytes)
{
    while (bytes--)
        buf_char(b, (char)(unsigned char)(v >> 8 * bytes));
}

static uint64_t get(const char **p, unsigned bytes)
{
    uint64_t v = 0;

    while (bytes--)
        v = v << 8 | (unsigned char)*(*p)++;
    return v;
}

struct str bell_pack(const struct bell *bell, struct arena *arena)
{
    struct buf b = buf_in(arena);

    put(&b, (uint64_t)bell->kind, 1);
    put(&b, bell->ringer, 8);
    put(&b, bell->number, 8);
    put(&b, (uint64_t)bell->rung_at_ms, 8);
    put(&b, bell->session_id, 8);
    buf_add(&b, bell->epoch.text, EPOCH_BYTES);
    put(&b, bell->n_pairs, 2);
    for (size_t i = 0; i < bell->n_pairs; i++) {
        put(&b, bell->pairs[i].user_id, 8);
        put(&b, bell->pairs[i].n, 8);
    }
    buf_str(&b, bell->json);
    return buf_done(&b);
}

enum err bell_unpack(struct str packed, struct arena *arena, struct bell *out)
{
    const char *p = packed.p;

    if (packed.n < HEAD_BYTES)
        return ERR_INVALID_REQUEST;
    struct bell b = {.kind = (enum bell_kind)get(&p, 1)};
    b.ringer = get(&p, 8);
    b.number = get(&p, 8);
    b.rung_at_ms = (int64_t)get(&p, 8);
    b.session_id = get(&p, 8);
    memcpy(b.epoch.text, p, EPOCH_BYTES);
    p += EPOCH_BYTES;
    b.n_pairs = (size_t)get(&p, 2);
    if (b.kind < BELL_EVENT || b.kind > BELL_SUPERSEDED || b.n_pairs > BELL_PAIRS_MAX ||
        packed.n - HEAD_BYTES < b.n_pairs * PAIR_BYTES || (b.kind == BELL_SUPERSEDED && b.n_pairs != 1))
        return ERR_INVALID_REQUEST;
    b.pairs = arena_array(arena, b.n_pairs, sizeof *b.pairs);
    for (size_t i = 0; i < b.n_pairs; i++) {
        b.pairs[i].user_id = get(&p, 8);
        b.pairs[i].n = get(&p, 8);
    }
    b.json = (struct str){p, packed.n - (size_t)(p - packed.p)};
    if (b.json.n > BELL_JSON_MAX)
        return ERR_INVALID_REQUEST;
    *out = b;
    return OK;
}

/* The place of `key`: its own, a new one, or that of the one unheard for longest. */
static struct bell_last *place_of(struct bell_order *order, uint64_t key)
{
    struct bell_last *oldest = &order->last[0];

    order->heard++;
    for (size_t i = 0; i < order->n; i++) {
        struct bell_last *l = &order->last[i];
        if (l->key == key) {
            l->heard = order->heard;
            return l;
        }
        if (l->heard < oldest->heard)
            oldest = l;
    }
    const bool is_full = order->n == BELL_ORDER_MAX;
    struct bell_last *l = is_full ? oldest : &order->last[order->n++];
    *l = (struct bell_last){.key = key, .heard = order->heard, .forgotten = is_full};
    return l;
}

bool bell_follows(struct bell_order *order, uint64_t ringer, uint64_t number)
{
    struct bell_last *last = place_of(order, ringer);
    const bool follows = number == last->number + 1;

    last->number = number;
    return follows;
}

bool bell_heard(struct bell_order *order, uint64_t ringer, uint64_t number)
{
    struct bell_last *last = place_of(order, ringer);

    if (last->number >= number)
        return true;
    last->number = number;
    return false;
}

uint64_t bell_next(struct bell_order *order, uint64_t process)
{
    struct bell_last *last = place_of(order, process);

    /* More numbers were not given out, to all processes together. */
    last->number = last->forgotten ? order->heard : last->number + 1;
    last->forgotten = false;
    return last->number;
}
