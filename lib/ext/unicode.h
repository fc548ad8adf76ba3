/*
 * Unicode: utf8proc, and the only file that includes its header.
 *
 * What makes two names the same (NFKC and case folding), and what characters a
 * name may consist of. All text that comes in is valid UTF-8 already.
 */
#ifndef EXT_UNICODE_H
#define EXT_UNICODE_H

#include <stdbool.h>

#include "base/str.h"

enum { UNICODE_INPUT_MAX = 65536 };

/*
 * NFKC, case-folded, without what is never seen (default ignorables): names
 * with equal keys are the same name. In `arena`; STR_NONE for invalid UTF-8 or more
 * than UNICODE_INPUT_MAX bytes. It may be longer than `s`, and empty.
 */
struct str unicode_key(struct arena *arena, struct str s);

/* Letters, marks, decimal digits, _ . - only, beginning with no mark, and a letter or digit among them. */
bool unicode_is_name(struct str s);
/*
 * Text to be shown on one line (`lines`: or several): nothing that controls the
 * terminal, the line or the direction of what follows, and something visible.
 */
bool unicode_is_plain(struct str s, bool lines);

/* The first `max` characters (code points). */
struct str unicode_cut(struct str s, size_t max);

#endif
