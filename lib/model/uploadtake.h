/* What uploads.c and uploadtake.c share; nobody else includes it. */
#ifndef MODEL_UPLOADTAKE_H
#define MODEL_UPLOADTAKE_H

#include "model/uploads.h"

/* Runs `fn(ctx, arg)` with a connection that is held for no longer: none while bytes are waited for. */
enum err upload_db(struct upload_io *io, enum err (*fn)(struct ctx *ctx, void *arg), void *arg) MUST_CHECK;
/* What the store knows the pieces by; borrowed from the row. */
struct store_pieces upload_pieces(const struct upload_row *row);
/* Removes the tails that were begun, but for the one with the number `kept`. */
enum err upload_drop_tails(struct store *store, const struct upload_row *row, uint64_t kept,
                           struct ctx *ctx) MUST_CHECK;
/* Where the tail of this number is. */
struct str upload_tail_key(struct arena *arena, const struct upload_row *row, uint64_t number);

#endif
