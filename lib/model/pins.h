/*
 * Pinned entries. Each pin and unpin is said in the log by the house and raises the conversation's version.
 * Both people of a direct conversation pin, in a group its owner and admins.
 */
#ifndef MODEL_PINS_H
#define MODEL_PINS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/field.h"
#include "model/conversations.h"
#include "model/ctx.h"
#include "model/page.h"

enum { PINS_MAX = 50 };

extern const struct shape pin_shape; /* the schema Pin */

/* Inside a transaction. ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_CONFLICT (too many; recalled). */
enum err pin_set(struct ctx *ctx, const struct entry_ref *ref, bool pinned) MUST_CHECK;
/* The newest entry first, without what the actor may not see or hid. */
enum err pins_list(struct ctx *ctx, uint64_t conversation_id, const struct page_in *page,
                   struct page_out *out) MUST_CHECK;

#endif
