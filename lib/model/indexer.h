/*
 * Indexer: keeps the search index up to date (terms.h), in the courier.
 *
 * Whatever is said leaves a row in search_queue in the transaction that says it; the
 * indexer files its entries and deletes the row in one transaction of its own, within a
 * second. When there is no such row it looks slowly through the conversations for
 * entries that none named. Any number of indexers may run anywhere: claims spare work,
 * and filing twice is harmless.
 */
#ifndef MODEL_INDEXER_H
#define MODEL_INDEXER_H

#include "base/err.h"
#include "model/ctx.h"

struct indexer;

/* A thread with a connection of its own; counters must be open. Both are borrowed for its life. */
struct indexer *indexer_new(const struct conf *conf, struct house *house);
/* Ends it after what it is at. */
void indexer_free(struct indexer *indexer);

/* ---- its two works, a bounded piece each ---- */

/* Files the oldest rows that nobody works on; `*filed` entries, 0 if there was none. */
enum err indexer_queue(struct ctx *ctx, size_t *filed) MUST_CHECK;
/* Looks through some conversations above `*above`, and moves it; 0 when all were looked at. */
enum err indexer_sweep(struct ctx *ctx, uint64_t *above, size_t *filed) MUST_CHECK;

#endif
