/*
 * Pictures among the files: their size, small copies, and a copy without the place where they were taken.
 *
 * Nothing of a picture is decoded in this process: tools/picture.c does it, a process of its own for each,
 * with bounds on time, memory and pixels, which may die without hurting anybody. A few run at once; others
 * wait.
 */
#ifndef MODEL_PICTURE_H
#define MODEL_PICTURE_H

#include "model/files.h"

/* In files.thumbnails: a bit for each small copy, in this order, and one for the copy without a location. */
enum { PICTURE_SIZES = 3, PICTURE_CLEAN_BIT = 1 << 8 };
extern const char *const picture_sizes[PICTURE_SIZES + 1]; /* sides in pixels; ended by NULL */

/* Of what others than the owner get when PICTURE_CLEAN_BIT is set. */
struct str picture_clean_key(struct arena *arena, struct str store_key);
struct str picture_small_key(struct arena *arena, struct str store_key, int size);

/*
 * Looks at what the store has under `key` if its type is one of a picture, and makes the copy without a
 * location if it has one. What is no picture in spite of its type has no width. ERR_INVALID_REQUEST: it has
 * too many pixels.
 */
struct picture_facts {
    unsigned width, height, bits;
};
enum err picture_look(struct ctx *ctx, struct store *store, struct str key, struct str content_type,
                      struct picture_facts *out) MUST_CHECK;

/* Makes a small copy and notes it. ERR_NOT_FOUND for what is no picture. Needs the database; no transaction.
 */
enum err picture_make_small(struct ctx *ctx, struct store *store, const struct file_row *row,
                            int size) MUST_CHECK;

/* Removes all copies that may be there. */
enum err picture_forget(struct ctx *ctx, struct store *store, struct str key) MUST_CHECK;

#endif
