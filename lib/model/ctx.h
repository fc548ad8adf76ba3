/*
 * What every function of the model takes: the memory, the connections and the
 * words for an error of the call it works for. Never a request.
 *
 * A ctx belongs to one thread at a time. Transactions are run by tx_run(),
 * which is the only place that begins, commits, retries and rings.
 */
#ifndef MODEL_CTX_H
#define MODEL_CTX_H

#include "base/arena.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/str.h"
#include "ext/db.h"
#include "ext/redis.h"
#include "model/event.h"

struct house;

/* Who acts. All zero: nobody (the courier, a tool before sign-in). */
struct actor {
    uint64_t app_id, user_id, session_id;
    const char *address; /* of the client, for the audit; NULL: none */
    int64_t expires_ms;  /* of the token that he showed, by the wall clock; 0: none */
};

struct ctx {
    struct arena *arena;
    struct db *db;
    struct redis *redis; /* NULL where none is needed */
    struct house *house; /* ids, keys, configuration, the ringer */
    struct problem *problem;
    struct actor actor;
    struct event_list events; /* of the running transaction, written as one outbox row at its end */
};

/* Sets the detail of the problem and returns `err`: return fail(ctx, ERR_X, "exact reason"); */
#define fail(ctx, err, ...) problem_set((ctx)->problem, (err), __VA_ARGS__)
/* The same for one field of the input. */
#define fail_field(ctx, field, ...) problem_field((ctx)->problem, (field), __VA_ARGS__)

/*
 * Runs `fn(ctx, arg)` in a transaction. On OK the collected events are written
 * as one outbox row and all is committed, then handed to the ringer. Any other
 * result rolls back. ERR_RETRY runs `fn` again, up to five times, so `fn` must
 * not keep state outside the database but what it writes into `arg` each time.
 * Inside a running transaction it just calls `fn`.
 * Errors: those of `fn`; ERR_UNAVAILABLE, ERR_OUTCOME_UNKNOWN.
 */
enum err tx_run(struct ctx *ctx, enum err (*fn)(struct ctx *ctx, void *arg), void *arg) MUST_CHECK;

/* A fresh id (see base/id.h); ERR_UNAVAILABLE while no node number is leased. */
enum err ctx_id(struct ctx *ctx, uint64_t *id) MUST_CHECK;

#endif
