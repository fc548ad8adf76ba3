/*
 * Decoding: path, query and body of a request into its route's input struct, by
 * the one field table. All that is wrong is named, each field by its name.
 */
#ifndef WEB_DECODE_H
#define WEB_DECODE_H

#include "web/route.h"

/* `in` is zeroed and as large as the route's input shape says. */
enum err decode_input(const struct route_match *match, struct str query, struct str body, void *in,
                      struct arena *arena, struct problem *problem) MUST_CHECK;

/* %XX, and + for a space if `plus`. False for a broken escape. The result is not checked for UTF-8. */
bool decode_percent(struct str raw, bool plus, struct arena *arena, struct str *out) MUST_CHECK;

#endif
