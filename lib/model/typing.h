/* Typing: said to who is there, kept nowhere. */
#ifndef MODEL_TYPING_H
#define MODEL_TYPING_H

#include <stdint.h>

#include "base/err.h"
#include "model/ctx.h"

enum { TYPING_MEMBERS_MAX = 50 }; /* in a larger group nobody is told */

/* Refused as writing is (conversation_may_send). */
enum err typing_tell(struct ctx *ctx, uint64_t conversation_id) MUST_CHECK;

#endif
