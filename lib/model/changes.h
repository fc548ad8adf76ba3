/*
 * What is done to an entry after it was said: edit, recall, reactions, and hiding it for oneself.
 *
 * Each but the last is an entry of the log of its own (log_append_operation), written in the transaction that
 * changes its target; the target's changed_seq is its seq. So whoever reads the log in order hears of it, and
 * of two versions of an entry the one with the higher changed_seq is the newer. All of them run inside a
 * transaction and hold the conversation's lock; what changes nothing writes nothing.
 */
#ifndef MODEL_CHANGES_H
#define MODEL_CHANGES_H

#include <stdbool.h>

#include "base/err.h"
#include "base/field.h"
#include "model/conversations.h"
#include "model/ctx.h"
#include "model/page.h"

enum {
    REACTIONS_MAX = 20,      /* different ones of an entry */
    REACTION_MAX = 8,        /* characters of one */
    REACTION_BYTES_MAX = 64, /* and bytes */
};

/* A better text, in the actor's own text; the former one is kept nowhere. ERR_NOT_FOUND, ERR_FORBIDDEN (of
 * another), ERR_INVALID_REQUEST (no text), ERR_CONFLICT (recalled). `out` is the entry as it is then. */
enum err entry_edit(struct ctx *ctx, const struct entry_ref *ref, struct str text,
                    struct entry *out) MUST_CHECK;
/* Nothing is left of it but its place. ERR_FORBIDDEN, ERR_WINDOW_PASSED. */
enum err entry_recall(struct ctx *ctx, const struct entry_ref *ref) MUST_CHECK;
/* For the actor alone, on all his devices. */
enum err entry_hide(struct ctx *ctx, const struct entry_ref *ref) MUST_CHECK;
/* The actor's reaction is there, or is not. ERR_CONFLICT when there are too many. */
enum err entry_react(struct ctx *ctx, const struct entry_ref *ref, struct str emoji, bool there,
                     struct entry *out) MUST_CHECK;

extern const struct shape reaction_by_shape; /* the schema ReactionBy */
/* Who reacted, emoji by emoji (or with one: `emoji` absent for all). */
enum err reactions_list(struct ctx *ctx, const struct entry_ref *ref, struct str emoji,
                        const struct page_in *page, struct page_out *out) MUST_CHECK;

#endif
