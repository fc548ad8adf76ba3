/*
 * JSON: json-c as the parser, behind a pre-scan of our own (base/jsonscan.h)
 * that refuses what json-c lets through, and our own encoder.
 *
 * Both directions go by field tables (base/field.h); no json-c type leaves here.
 */
#ifndef EXT_JSON_H
#define EXT_JSON_H

#include "base/field.h"
#include "base/jsonscan.h"

/*
 * Fills the fields of `shape` that come from a body (not F_PATH, not F_QUERY)
 * from the object `text`, checking each. All wrong fields are named in `problem`, up to PROBLEM_FIELDS.
 */
enum err json_decode(struct str text, const struct shape *shape, void *out, struct arena *arena,
                     struct problem *problem) MUST_CHECK;

/* Appends the object. */
void json_encode(struct buf *b, const struct shape *shape, const void *in);

#endif
