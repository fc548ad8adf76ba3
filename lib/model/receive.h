/*
 * Receiving a file in one go: from the client into the store while it comes, looked at on the way. No more of
 * it is held than a few KiB. Nothing is left of one that did not come whole.
 * One with an Idempotency-Key that has made a file already is read and compared, not stored.
 */
#ifndef MODEL_RECEIVE_H
#define MODEL_RECEIVE_H

#include "model/uploads.h"

/*
 * Of f->name, f->size and f->once; the source must end after so many bytes. f->first_id tells whether `*out`
 * is a file that was there before. Errors of file_begin(); ERR_CONFLICT: the key has made another file;
 * ERR_INVALID_REQUEST: it is not as long as was said, or a picture with too many pixels; ERR_UNAVAILABLE.
 */
enum err file_receive(struct upload_io *io, struct file_new *f, struct file *out) MUST_CHECK;

#endif
