/*
 * JSON: json-c as the parser, behind a pre-scan of our own that refuses what
 * json-c lets through (duplicate keys, NUL, lone surrogates, numbers out of
 * range, nesting past 16), and our own encoder.
 *
 * Both directions go by field tables (base/field.h); no json-c type leaves here.
 */
#ifndef EXT_JSON_H
#define EXT_JSON_H

#include "base/field.h"

enum { JSON_DEPTH_MAX = 16 };

/* Checks `text` as one JSON value; the reason and the place are in `problem`. */
enum err json_scan(struct str text, struct problem *problem) MUST_CHECK;

/*
 * Fills the fields of `shape` that come from a body (not F_PATH, not F_QUERY)
 * from the object `text`, checking each. All wrong fields are named in `problem`, up to PROBLEM_FIELDS.
 */
enum err json_decode(struct str text, const struct shape *shape, void *out, struct arena *arena,
                     struct problem *problem) MUST_CHECK;

/* Appends the object. */
void json_encode(struct buf *b, const struct shape *shape, const void *in);

#endif
