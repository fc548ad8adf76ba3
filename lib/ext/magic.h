/*
 * What bytes are: libmagic, and the only file that includes its header.
 *
 * The type follows from the bytes alone; nobody's name or word for it counts.
 */
#ifndef EXT_MAGIC_H
#define EXT_MAGIC_H

#include "base/str.h"

/* So many bytes from the beginning are enough to tell. */
enum { MAGIC_BYTES = 4096, MAGIC_TEXT = 64 };

/* As in "image/png"; "application/octet-stream" for what is none of the known. Thread-safe. */
void magic_type(struct str beginning, char out[MAGIC_TEXT]);

#endif
