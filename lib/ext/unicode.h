/*
 * Unicode: utf8proc, and the only file that includes its header.
 *
 * What makes two names the same (NFKC and case folding), and what characters a
 * name may consist of. All text that comes in is valid UTF-8 already.
 */
#ifndef EXT_UNICODE_H
#define EXT_UNICODE_H

#include <stdbool.h>

#include "base/err.h"
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

/* What a search makes of a character: of no word, of a word, of a script that is written without spaces. */
enum unicode_kind { UNICODE_OTHER, UNICODE_WORD, UNICODE_DENSE };
enum { UNICODE_FOLD_MAX = 32 };

/*
 * Takes the next character off valid UTF-8 and gives what it is compared by: compatibly decomposed,
 * case-folded, without accents and what is never seen. `rest` must not be empty; 0 characters are possible.
 * ERR_INVALID_REQUEST: not UTF-8; nothing was taken.
 */
enum err unicode_fold_next(struct str *rest, int32_t out[UNICODE_FOLD_MAX], size_t *n) MUST_CHECK;
enum unicode_kind unicode_kind_of(int32_t folded);
/* Appends one code point as UTF-8. */
void unicode_put(struct buf *b, int32_t c);

/* The first `max` characters (code points). */
struct str unicode_cut(struct str s, size_t max);

#endif
