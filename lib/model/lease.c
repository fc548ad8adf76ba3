/* The lease of a node number; see lease.h for what makes it safe. */
#include "model/lease.h"

#include <sys/random.h>

#include "base/clock.h"
#include "queries.h"

enum { CANDIDATES = 32, TRIES = 8, CLOCK_SLACK_MS = 2000 };

static uint64_t random_u64(void)
{
    uint64_t v = 0;

    while (!v)
        if (getrandom(&v, sizeof v, 0) != (ssize_t)sizeof v)
            v = 0;
    return v;
}

/*
 * The lease ends, by our monotonic clock, LEASE_MS after we began to ask: earlier than
 * by the database's clock, which starts counting when the statement runs.
 */
static void tell(const struct lease *lease, struct id_maker *ids, int64_t after_ms, int64_t until_ms,
                 int64_t asked_mono_ms)
{
    id_lease(ids, lease->node, after_ms, until_ms, asked_mono_ms + LEASE_MS - CLOCK_SLACK_MS);
}

static int64_t end_from_now(struct id_maker *ids)
{
    const int64_t now = clock_wall_ms(), used = id_used_ms(ids);
    return (now > used ? now : used) + LEASE_MS;
}

enum err lease_take(struct ctx *ctx, struct lease *lease, struct id_maker *ids)
{
    if (!lease->holder)
        lease->holder = random_u64();
    for (int i = 0; i < TRIES; i++) {
        struct id_node_row *free_nodes;
        uint64_t taken = 0;
        size_t n;

        const unsigned from = (unsigned)(random_u64() % ID_NODES);
        TRY(q_id_nodes_free(ctx, from, CANDIDATES, &free_nodes, &n));
        if (!n)
            TRY(q_id_nodes_free(ctx, 0, CANDIDATES, &free_nodes, &n));
        if (!n)
            return fail(ctx, ERR_UNAVAILABLE, "all %d node numbers are leased", ID_NODES);
        const struct id_node_row *one = &free_nodes[random_u64() % n];
        const int64_t asked = clock_mono_ms();
        const int64_t after = one->used_until_ms, now = end_from_now(ids);
        const int64_t until = now > after ? now : after + LEASE_MS; /* a former holder's clock may be ahead */
        TRY(q_id_node_take(ctx,
                           &(struct q_id_node_take_in){.node = one->node,
                                                       .holder = lease->holder,
                                                       .lease_ms = LEASE_MS,
                                                       .used_until_ms = until,
                                                       .seen_until_ms = after},
                           &taken));
        if (taken) {
            lease->node = (unsigned)one->node;
            lease->held = true;
            tell(lease, ids, after, until, asked);
            return OK;
        }
    }
    return fail(ctx, ERR_UNAVAILABLE, "no node number could be leased");
}

enum err lease_renew(struct ctx *ctx, struct lease *lease, struct id_maker *ids)
{
    const int64_t asked = clock_mono_ms(), until = end_from_now(ids);
    uint64_t renewed = 0;

    TRY(q_id_node_renew(ctx, lease->node, lease->holder, LEASE_MS, until, &renewed));
    if (!renewed) {
        lease->held = false;
        return ERR_NOT_FOUND;
    }
    tell(lease, ids, 0, until, asked);
    return OK;
}

enum err lease_release(struct ctx *ctx, struct lease *lease, struct id_maker *ids)
{
    if (!lease->held)
        return OK;
    id_lease(ids, lease->node, 0, 0, 0); /* not one more */
    lease->held = false;
    return q_id_node_release(ctx, lease->node, lease->holder, id_used_ms(ids), NULL);
}
