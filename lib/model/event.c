/* Durable events: collecting them, and their form in an outbox row and a box. */
#include "model/event.h"

#include <string.h>

enum { NUMBERS = 6, KIND_MAX = EVENT_AI_BEGUN };

void event_add(struct event_list *list, struct arena *arena, struct event event)
{
    if (list->n == list->cap) {
        const size_t cap = list->cap ? 2 * list->cap : 8;
        struct event *items = arena_array(arena, cap, sizeof *items);
        if (list->n)
            memcpy(items, list->items, list->n * sizeof *items);
        list->items = items;
        list->cap = cap;
    }
    list->items[list->n++] = event;
}

static void put_u64(unsigned char *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (unsigned char)(v >> (56 - 8 * i));
}

static uint64_t get_u64(const unsigned char *p)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

struct str event_pack(const struct event *events, size_t n, struct arena *arena)
{
    unsigned char *packed = arena_array(arena, n, EVENT_PACKED_BYTES);

    for (size_t i = 0; i < n; i++) {
        const struct event *e = &events[i];
        const uint64_t numbers[NUMBERS] = {e->to_id, e->id,      e->other_id,
                                           e->seq,   e->version, e->origin_session};
        unsigned char *p = packed + i * EVENT_PACKED_BYTES;
        *p++ = (unsigned char)e->kind;
        for (int j = 0; j < NUMBERS; j++)
            put_u64(p + 8 * j, numbers[j]);
    }
    return (struct str){(const char *)packed, n * EVENT_PACKED_BYTES};
}

enum err event_unpack(struct str packed, struct arena *arena, struct event_list *out)
{
    if (packed.n % EVENT_PACKED_BYTES != 0)
        return ERR_INVALID_REQUEST;
    for (size_t at = 0; at < packed.n; at += EVENT_PACKED_BYTES) {
        const unsigned char *p = (const unsigned char *)packed.p + at;
        if (*p < EVENT_ENTRY || *p > KIND_MAX)
            return ERR_INVALID_REQUEST;
        event_add(out, arena,
                  (struct event){.kind = (enum event_kind) * p,
                                 .to_id = get_u64(p + 1),
                                 .id = get_u64(p + 9),
                                 .other_id = get_u64(p + 17),
                                 .seq = get_u64(p + 25),
                                 .version = get_u64(p + 33),
                                 .origin_session = get_u64(p + 41)});
    }
    return OK;
}
