/* Containers of sound, whole and in pieces: the same duration, and never one that is none. The first byte
 * says how long a piece is. */
#include <stdlib.h>

#include "base/sound.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t duration(const char *bytes, size_t n, size_t piece)
{
    struct sound s;

    sound_init(&s);
    for (size_t at = 0; at < n; at += piece)
        if (!sound_add(&s, bytes + at, n - at < piece ? n - at : piece))
            break;
    return sound_duration(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *bytes = (const char *)data + 1;
    const int64_t whole = duration(bytes, size - 1, size);
    if (whole < 0 || whole > UINT32_MAX || whole != duration(bytes, size - 1, 1 + data[0] % 16))
        abort();
    return 0;
}
