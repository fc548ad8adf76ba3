/* Snippet: the piece of a text around the first thing that was found in it, in parts that say what was found.
 */
#ifndef MODEL_SNIPPET_H
#define MODEL_SNIPPET_H

#include "base/field.h"
#include "model/wording.h"

enum { SNIPPET_MAX = 120, SNIPPET_BEFORE = 30 /* of it, in front of the first */ };

/* A list of struct snippet_part. `found` are characters of `text`, which is valid UTF-8; on one line. */
struct list snippet_of(struct arena *arena, struct str text, const struct spans *found);

#endif
