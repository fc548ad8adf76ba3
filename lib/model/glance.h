/*
 * Glances: small copies of pictures for models, fetched from the store by a thread of
 * their own, so that the thread that writes answers never waits for a picture.
 *
 * What the actor may not read at that moment is not fetched; what cannot be had, or is
 * too large, is empty, and the model is told of the picture in words.
 */
#ifndef MODEL_GLANCE_H
#define MODEL_GLANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "model/ctx.h"

enum { GLANCE_PICTURES_MAX = 2, GLANCE_BYTES_MAX = 512 * 1024 };
#define GLANCE_TYPE "image/webp" /* of small copies */

struct glances;
struct glance;

/* Starts the thread. `house` is borrowed. */
struct glances *glances_new(struct house *house);
/* All glances were freed. */
void glances_free(struct glances *all);

/* Some pictures, up to GLANCE_PICTURES_MAX, as this actor may read them. */
struct glance *glance_new(struct glances *all, const struct actor *who, const uint64_t *file_ids, size_t n);
/* Any time; of one that is being fetched, when it is done. */
void glance_free(struct glance *g);
bool glance_is_done(const struct glance *g);
/* Of one that is done: the bytes, borrowed; empty: there are none. */
struct str glance_picture(const struct glance *g, uint64_t file_id);

#endif
