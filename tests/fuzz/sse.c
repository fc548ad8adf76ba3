/* An event stream, whole and in pieces: the same events both times. The first byte says how long a piece is.
 */
#include <stdlib.h>

#include "base/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 512 };

/* A sum over all that was heard, in its order. */
static bool hear(void *arg, struct str data)
{
    uint64_t *sum = arg;

    *sum = *sum * 31 + 1;
    for (size_t i = 0; i < data.n; i++)
        *sum = *sum * 31 + (unsigned char)data.p[i] + 2;
    return true;
}

static bool feed(const char *bytes, size_t n, size_t piece, uint64_t *sum)
{
    struct sse *sse = sse_new(MAX, hear, sum);
    bool goes_on = true;

    *sum = 0;
    for (size_t at = 0; at < n && goes_on; at += piece)
        goes_on = sse_feed(sse, bytes + at, n - at < piece ? n - at : piece);
    sse_free(sse);
    return goes_on;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t whole, pieces;

    if (!size)
        return 0;
    const char *bytes = (const char *)data + 1;
    const bool one = feed(bytes, size - 1, size, &whole);
    if (one != feed(bytes, size - 1, 1 + data[0] % 16, &pieces) || whole != pieces)
        abort();
    return 0;
}
