/*
 * What tus says in headers. Pure functions; https://tus.io/protocols/resumable-upload, version 1.0.0.
 */
#ifndef MODEL_TUS_H
#define MODEL_TUS_H

#include "model/uploads.h"

/* Of Upload-Metadata ("filename <Base64>,filetype <Base64>") the name, which is all that we want of it;
 * "file" if there is none. */
enum err tus_name(struct ctx *ctx, struct str metadata, struct str *out) MUST_CHECK;
/* Upload-Checksum ("sha1 <Base64>"); nothing is asked for when it is absent. */
enum err tus_checksum(struct ctx *ctx, struct str header, struct upload_piece *piece) MUST_CHECK;

#endif
