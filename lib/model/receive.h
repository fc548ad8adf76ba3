/*
 * Receiving a file in one go: from the client into the store while it comes, looked at on the way. No more of
 * it is held than a few KiB. Nothing is left of one that did not come whole.
 */
#ifndef MODEL_RECEIVE_H
#define MODEL_RECEIVE_H

#include "model/uploads.h"

/*
 * Of f->name and f->size; the source must end after so many bytes. Errors of file_begin();
 * ERR_INVALID_REQUEST: it is not as long as was said, or a picture with too many pixels; ERR_UNAVAILABLE.
 */
enum err file_receive(struct upload_io *io, struct file_new *f, struct file *out) MUST_CHECK;

#endif
