/*
 * Transactions: begin, run, write the outbox row, commit, ring; again when the
 * database chose us as a deadlock's victim.
 */
#include "model/ctx.h"

#include "model/house.h"
#include "model/ringer.h"
#include "queries.h"

enum { TRIES_MAX = 5, EVENTS_PER_ROW_MAX = 100000 };

enum err ctx_id(struct ctx *ctx, uint64_t *id)
{
    if (id_next(house_ids(ctx->house), id) != OK)
        return fail(ctx, ERR_UNAVAILABLE, "no node number is leased for new ids");
    return OK;
}

/* The outbox row of what happened in this transaction; *id is 0 when nothing did. */
static enum err write_outbox(struct ctx *ctx, uint64_t *id)
{
    *id = 0;
    if (!ctx->events.n)
        return OK;
    if (ctx->events.n > EVENTS_PER_ROW_MAX)
        return fail(ctx, ERR_UNAVAILABLE, "one transaction caused too many events");
    TRY(ctx_id(ctx, id));
    return q_outbox_insert(ctx, *id, event_pack(ctx->events.items, ctx->events.n, ctx->arena), NULL);
}

/* What was said is searched for a moment later (indexer.h); the outbox' id is free in its table too. */
static enum err write_search_queue(struct ctx *ctx, uint64_t id)
{
    struct event_list said = {0};

    for (size_t i = 0; i < ctx->events.n; i++)
        if (ctx->events.items[i].kind == EVENT_ENTRY)
            event_add(&said, ctx->arena, ctx->events.items[i]);
    return said.n ? q_search_queue_insert(ctx, id, event_pack(said.items, said.n, ctx->arena), NULL) : OK;
}

static enum err attempt(struct ctx *ctx, enum err (*fn)(struct ctx *ctx, void *arg), void *arg)
{
    uint64_t outbox_id;

    ctx->events = (struct event_list){0};
    TRY(db_begin(ctx->db));
    TRY(fn(ctx, arg));
    TRY(write_outbox(ctx, &outbox_id));
    TRY(write_search_queue(ctx, outbox_id));
    TRY(db_commit(ctx->db));
    if (outbox_id)
        outbox_ring(house_ringer(ctx->house), outbox_id, ctx->events.items, ctx->events.n, NULL);
    return OK;
}

enum err tx_run(struct ctx *ctx, enum err (*fn)(struct ctx *ctx, void *arg), void *arg)
{
    enum err err = ERR_RETRY;

    if (db_in_transaction(ctx->db))
        return fn(ctx, arg);
    for (int i = 0; i < TRIES_MAX && err == ERR_RETRY; i++) {
        err = attempt(ctx, fn, arg);
        if (err != OK && db_in_transaction(ctx->db))
            db_rollback(ctx->db);
    }
    ctx->events = (struct event_list){0};
    return err == ERR_RETRY ? fail(ctx, ERR_UNAVAILABLE, "too much contention; try again") : err;
}
