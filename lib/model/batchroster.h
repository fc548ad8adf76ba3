/* Who is in the groups of a batch (a part of model/batch.c). */
#ifndef MODEL_BATCHROSTER_H
#define MODEL_BATCHROSTER_H

#include "model/batch.h"
#include "model/batchtext.h"

/* The columns of a row as numbers; NULL counts as 0. False for one that is none. */
bool batch_numbers(const struct str *columns, uint64_t *const *out, unsigned n);
/* Sets `roster` of the groups among the locked conversations: one more round trip if one is not known as it
 * is. */
enum err batch_rosters(struct batch *b, const struct tools *tools, struct locked *convs,
                       size_t n_convs) MUST_CHECK;

#endif
