/* What waits to be rung: one block of memory, sized first, then carved. */
#include "model/ringjob.h"

#include <stdlib.h>
#include <string.h>

static size_t round_up(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

/* Carves from a job's block; sizes were summed by ringjob_new(). */
static void *carve(char **at, const void *from, size_t n)
{
    void *p = *at;

    if (n)
        memcpy(p, from, n);
    *at += round_up(n);
    return p;
}

struct ringjob *ringjob_new(uint64_t outbox_id, const struct event *events, size_t n,
                            const struct ring_entry *entries)
{
    size_t bytes =
        round_up(sizeof(struct ringjob)) + round_up(n * sizeof *events) + round_up(n * sizeof *entries);

    for (size_t i = 0; entries && i < n; i++)
        bytes += round_up(entries[i].json.n) + round_up(entries[i].n_members * sizeof(uint64_t));
    char *at = calloc(1, bytes);
    if (!at)
        abort();
    struct ringjob *job = (struct ringjob *)at;
    at += round_up(sizeof *job);
    *job = (struct ringjob){.bytes = bytes, .outbox_id = outbox_id, .n = n};
    job->events = carve(&at, events, n * sizeof *events);
    job->entries = (struct ring_entry *)at;
    at += round_up(n * sizeof *entries);
    for (size_t i = 0; entries && i < n; i++) {
        struct ring_entry *e = &job->entries[i];
        e->json = (struct str){carve(&at, entries[i].json.p, entries[i].json.n), entries[i].json.n};
        e->member_ids = carve(&at, entries[i].member_ids, entries[i].n_members * sizeof(uint64_t));
        e->n_members = entries[i].n_members;
    }
    return job;
}
