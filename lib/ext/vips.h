/*
 * Pictures: libvips, and the only file that includes its header. For tools/picture.c alone, a process that
 * may die: nothing else decodes what people send.
 *
 * Of the decoders only those of PNG, JPEG, GIF and WebP are allowed.
 */
#ifndef EXT_VIPS_H
#define EXT_VIPS_H

#include <stdbool.h>
#include <stddef.h>

enum vips_outcome { VIPS_GOOD, VIPS_NO_PICTURE, VIPS_TOO_LARGE };

struct vips_facts {
    int width, height; /* as it is to be shown, after its orientation */
    bool has_location; /* says where it was taken */
};

/* Once. */
bool vips_start(const char *name);
/* All read the picture from a descriptor, from its beginning. */
enum vips_outcome vips_look(int fd, long long pixels_max, struct vips_facts *out);
/* At most `side` pixels each way, upright, as WebP without any of its metadata. The caller frees `*bytes`. */
enum vips_outcome vips_small(int fd, long long pixels_max, int side, void **bytes, size_t *n);
/* The same picture, upright, in its own format, without its metadata. The caller frees `*bytes`. */
enum vips_outcome vips_clean(int fd, long long pixels_max, void **bytes, size_t *n);

#endif
