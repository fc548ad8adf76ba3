/*
 * Names of files: which may be kept, and how they are told to whoever saves one.
 */
#ifndef MODEL_FILENAMES_H
#define MODEL_FILENAMES_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "model/ctx.h"

enum { FILE_NAME_MAX = 255 }; /* bytes */

/*
 * A name that may be kept and shown: valid UTF-8 of at most FILE_NAME_MAX bytes, without slashes, control
 * characters and characters that turn the direction of text, not "." or "..". `*out` is it, or "file" for an
 * empty one. ERR_INVALID_REQUEST says for `field` what is wrong.
 */
enum err file_name_check(struct ctx *ctx, const char *field, struct str name, struct str *out) MUST_CHECK;
/* By the characters of `name`: the value of Content-Disposition, RFC 6266 with the name as of RFC 8187. */
struct str file_disposition(struct arena *arena, struct str content_type, struct str name);
/* Whether a browser may show it in its place; everything else is only saved. */
bool file_is_inline(struct str content_type);

#endif
