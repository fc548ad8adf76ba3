/* Looking at pictures and making small ones of them. */
#include "ext/vips.h"

#include <string.h>
#include <vips/vips.h>

enum { SMALL_QUALITY = 80, CLEAN_QUALITY = 92 };

bool vips_start(const char *name)
{
    static const char *const allowed[] = {"VipsForeignLoadPng", "VipsForeignLoadJpeg", "VipsForeignLoadNsgif",
                                          "VipsForeignLoadWebp"};

    if (vips_init(name) != 0)
        return false;
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    vips_operation_block_set("VipsForeignLoad", TRUE);
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        vips_operation_block_set(allowed[i], FALSE);
    return true;
}

/* The header is read, no pixel is decoded yet. The caller unrefs `*out`. */
static enum vips_outcome open_picture(VipsSource *source, long long pixels_max, VipsImage **out)
{
    VipsImage *image = vips_image_new_from_source(source, "", "access", VIPS_ACCESS_SEQUENTIAL, NULL);

    if (!image)
        return VIPS_NO_PICTURE;
    if ((long long)vips_image_get_width(image) * vips_image_get_height(image) > pixels_max) {
        g_object_unref(image);
        return VIPS_TOO_LARGE;
    }
    *out = image;
    return VIPS_GOOD;
}

/* In EXIF, or somewhere in XMP. */
static bool has_location(VipsImage *image)
{
    const void *xmp = NULL;
    size_t n = 0;

    if (vips_image_get_typeof(image, "exif-ifd3-GPSLatitude") ||
        vips_image_get_typeof(image, "exif-ifd3-GPSLongitude"))
        return true;
    return vips_image_get_typeof(image, "xmp-data") &&
           vips_image_get_blob(image, "xmp-data", &xmp, &n) == 0 && memmem(xmp, n, "GPS", 3) != NULL;
}

enum vips_outcome vips_look(int fd, long long pixels_max, struct vips_facts *out)
{
    VipsSource *source = vips_source_new_from_descriptor(fd);
    VipsImage *image = NULL;
    enum vips_outcome outcome = source ? open_picture(source, pixels_max, &image) : VIPS_NO_PICTURE;

    if (outcome == VIPS_GOOD) {
        const bool turned = vips_image_get_orientation_swap(image);
        const int width = vips_image_get_width(image), height = vips_image_get_page_height(image);
        *out = (struct vips_facts){turned ? height : width, turned ? width : height, has_location(image)};
        g_object_unref(image);
    }
    if (source)
        g_object_unref(source);
    return outcome;
}

/* "strip" alone is not enough: the WebP saver of 8.14 writes EXIF all the same. The caller unrefs `*out`. */
static bool without_metadata(VipsImage *image, VipsImage **out)
{
    static const char *const kinds[] = {"exif-", "xmp-", "iptc-"};

    if (vips_copy(image, out, NULL) != 0)
        return false;
    char **fields = vips_image_get_fields(*out);
    for (char **field = fields; *field; field++)
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (strncmp(*field, kinds[i], strlen(kinds[i])) == 0)
                vips_image_remove(*out, *field);
    g_strfreev(fields);
    return true;
}

static enum vips_outcome shrink(VipsImage *image, int side, void **bytes, size_t *n)
{
    VipsImage *small = NULL, *bare = NULL;
    int bad = vips_thumbnail_image(image, &small, side, "height", side, "size", VIPS_SIZE_DOWN, NULL);

    if (bad)
        return VIPS_NO_PICTURE;
    bad = !without_metadata(small, &bare);
    g_object_unref(small);
    if (bad)
        return VIPS_NO_PICTURE;
    bad = vips_webpsave_buffer(bare, bytes, n, "Q", SMALL_QUALITY, "strip", TRUE, NULL);
    g_object_unref(bare);
    return bad ? VIPS_NO_PICTURE : VIPS_GOOD;
}

static enum vips_outcome resave(VipsImage *image, void **bytes, size_t *n)
{
    const char *loader = "";
    VipsImage *turned = NULL, *upright = NULL;

    (void)vips_image_get_string(image, VIPS_META_LOADER, &loader);
    if (vips_autorot(image, &turned, NULL) != 0)
        return VIPS_NO_PICTURE;
    int bad = !without_metadata(turned, &upright);
    g_object_unref(turned);
    if (bad)
        return VIPS_NO_PICTURE;
    if (strstr(loader, "jpeg"))
        bad = vips_jpegsave_buffer(upright, bytes, n, "Q", CLEAN_QUALITY, "strip", TRUE, NULL);
    else if (strstr(loader, "webp"))
        bad = vips_webpsave_buffer(upright, bytes, n, "Q", CLEAN_QUALITY, "strip", TRUE, NULL);
    else if (strstr(loader, "gif"))
        bad = vips_gifsave_buffer(upright, bytes, n, "strip", TRUE, NULL);
    else
        bad = vips_pngsave_buffer(upright, bytes, n, "strip", TRUE, NULL);
    g_object_unref(upright);
    return bad ? VIPS_NO_PICTURE : VIPS_GOOD;
}

static enum vips_outcome make(int fd, long long pixels_max, int side, void **bytes, size_t *n)
{
    VipsSource *source = vips_source_new_from_descriptor(fd);
    VipsImage *image = NULL;
    enum vips_outcome outcome = source ? open_picture(source, pixels_max, &image) : VIPS_NO_PICTURE;

    if (outcome == VIPS_GOOD) {
        outcome = side ? shrink(image, side, bytes, n) : resave(image, bytes, n);
        g_object_unref(image);
    }
    if (source)
        g_object_unref(source);
    return outcome;
}

enum vips_outcome vips_small(int fd, long long pixels_max, int side, void **bytes, size_t *n)
{
    return make(fd, pixels_max, side, bytes, n);
}

enum vips_outcome vips_clean(int fd, long long pixels_max, void **bytes, size_t *n)
{
    return make(fd, pixels_max, 0, bytes, n);
}
