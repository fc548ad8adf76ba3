/*
 * The lease of a node number for ids (base/id.h), kept in the table id_nodes.
 *
 * Taking and renewing is one conditional UPDATE each, so that two processes can
 * never hold one number; used_until_ms promises the next holder that no id was
 * made above it. A process that cannot renew stops making ids when its lease ends,
 * by its own monotonic clock.
 */
#ifndef MODEL_LEASE_H
#define MODEL_LEASE_H

#include <stdint.h>

#include "base/id.h"
#include "model/ctx.h"

enum { LEASE_MS = 30000, LEASE_RENEW_MS = 5000 };

struct lease {
    uint64_t holder; /* random, never 0 */
    unsigned node;
    bool held;
};

/* Takes a free number; ERR_UNAVAILABLE when all are held or the database is away. */
enum err lease_take(struct ctx *ctx, struct lease *lease, struct id_maker *ids) MUST_CHECK;
/* ERR_NOT_FOUND when the number is another's by now: take a new one. */
enum err lease_renew(struct ctx *ctx, struct lease *lease, struct id_maker *ids) MUST_CHECK;
/* Frees the number at once; used_until_ms keeps the newest time really used. */
enum err lease_release(struct ctx *ctx, struct lease *lease, struct id_maker *ids) MUST_CHECK;

#endif
