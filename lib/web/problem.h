/* Errors on the wire: problem+json (RFC 9457). Only serve.c writes one. */
#ifndef WEB_PROBLEM_H
#define WEB_PROBLEM_H

#include "base/err.h"
#include "base/str.h"

/* Appends the object. `p` holds what is to be said besides the error's own title. */
void problem_encode(struct buf *b, enum err err, const struct problem *p, struct str request_id);
/* Seconds for Retry-After; 0: none. */
int problem_retry_after_s(enum err err, const struct problem *p);

#endif
