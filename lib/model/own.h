/*
 * What only one member sees of a conversation: pinned, notify, remark, draft, "marked as unread"; and
 * clearing it for oneself. All of it follows him to his other devices.
 */
#ifndef MODEL_OWN_H
#define MODEL_OWN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "model/ctx.h"

enum { OWN_REMARK_MAX = 64, DRAFT_MAX = 8000 }; /* characters */

/* `has_…` is enum has. */
struct own_change {
    bool pinned, marked_unread;
    int notify;
    struct str draft, remark;
    unsigned char has_pinned, has_marked_unread, has_notify, has_draft, has_remark;
};
extern const char *const notify_names[];

/* Both inside a transaction; what changes nothing writes nothing. ERR_NOT_FOUND. */
enum err own_update(struct ctx *ctx, uint64_t conversation_id, const struct own_change *change) MUST_CHECK;
/* All that was said so far is gone for the actor, and the conversation leaves his list until more is said. */
enum err own_clear(struct ctx *ctx, uint64_t conversation_id) MUST_CHECK;

#endif
