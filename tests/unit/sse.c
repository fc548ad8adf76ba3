/* Event streams: every way of cutting one gives the same events; what is too long is refused. */
#include "base/sse.h"

#include <CUnit/Basic.h>
#include <stdio.h>

#include "lib/fixture.h"

enum { MAX = 64, HEARD_BYTES = 1024 };

/* The data of all events, each in brackets. */
struct heard {
    char text[HEARD_BYTES];
    size_t n;
    int events_left; /* how many are wanted */
};

static bool hear(void *arg, struct str data)
{
    struct heard *h = arg;

    CU_ASSERT_FATAL(h->n + data.n + 2 < sizeof h->text);
    h->text[h->n++] = '[';
    memcpy(h->text + h->n, data.p, data.n);
    h->n += data.n;
    h->text[h->n++] = ']';
    return --h->events_left > 0;
}

static const struct {
    const char *name, *stream, *events;
} cases[] = {
    {"LF", "data: a\n\ndata: b\n\n", "[a][b]"},
    {"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", "[a][b]"},
    {"CR", "data: a\r\rdata: b\r\r", "[a][b]"},
    {"mixed ends", "data: a\r\n\ndata: b\n\r\n", "[a][b]"},
    {"several lines", "data: a\ndata: b\ndata\ndata:c\n\n", "[a\nb\n\nc]"},
    {"comments and other fields", ": hi\n\nevent: x\nid: 7\ndata: a\nretry: 1\n: data: no\n\n", "[a]"},
    {"one space goes", "data:  a\n\ndata:\tb\n\n", "[ a][\tb]"},
    {"no data, no event", "event: x\n\n\n\n", ""},
    {"empty data", "data\n\ndata:\n\n", "[][]"},
    {"not ended", "data: a\n\ndata: lost\n", "[a]"},
    {"a byte order mark",
     "\xef\xbb\xbf"
     "data: a\n\n",
     "[a]"},
    {"characters of all lengths", "data: é字👍🏽\n\ndata: [DONE]\n\n", "[é字👍🏽][[DONE]]"},
    {"names that begin alike", "dataset: no\ndat: no\ndata: a:b\n\n", "[a:b]"},
};

static void check(const char *name, const struct heard *h, const char *events)
{
    if (h->n == strlen(events) && memcmp(h->text, events, h->n) == 0)
        return;
    fprintf(stderr, "%s: heard %.*s\n", name, (int)h->n, h->text);
    CU_FAIL("other events");
}

static void test_cut_anywhere(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *stream = cases[i].stream;
        const size_t n = strlen(stream);
        for (size_t first = 0; first <= n; first++)
            for (size_t second = first; second <= n; second++) {
                struct heard h = {.events_left = 100};
                struct sse *sse = sse_new(MAX, hear, &h);
                CU_ASSERT_TRUE(sse_feed(sse, stream, first));
                CU_ASSERT_TRUE(sse_feed(sse, stream + first, second - first));
                CU_ASSERT_TRUE(sse_feed(sse, stream + second, n - second));
                check(cases[i].name, &h, cases[i].events);
                sse_free(sse);
            }
    }
}

static void test_byte_by_byte(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct heard h = {.events_left = 100};
        struct sse *sse = sse_new(MAX, hear, &h);
        for (const char *c = cases[i].stream; *c; c++)
            CU_ASSERT_TRUE(sse_feed(sse, c, 1));
        check(cases[i].name, &h, cases[i].events);
        sse_free(sse);
    }
}

static void test_too_long(void)
{
    struct heard h = {.events_left = 100};
    char line[MAX + 1];
    struct sse *sse = sse_new(MAX, hear, &h);

    memset(line, 'x', sizeof line);
    CU_ASSERT_TRUE(sse_feed(sse, line, MAX));
    CU_ASSERT_FALSE(sse_feed(sse, line, 1));
    sse_free(sse);

    sse = sse_new(MAX, hear, &h); /* no line is too long, but all the data of an event is */
    bool goes_on = true;
    for (int i = 0; i < MAX && goes_on; i++)
        goes_on = sse_feed(sse, "data: 12345\n", 12);
    CU_ASSERT_FALSE(goes_on);
    sse_free(sse);
    CU_ASSERT_EQUAL(h.n, 0);
}

static void test_enough(void)
{
    struct heard h = {.events_left = 2};
    struct sse *sse = sse_new(MAX, hear, &h);

    CU_ASSERT_FALSE(sse_feed(sse, "data: a\n\ndata: b\n\ndata: c\n\n", 27));
    check("the third was not asked for", &h, "[a][b]");
    sse_free(sse);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"a stream may be cut anywhere", test_cut_anywhere},
        {"and everywhere", test_byte_by_byte},
        {"what is too long is refused", test_too_long},
        {"who has enough is told no more", test_enough},
    };
    return FIXTURE_RUN("sse", tests);
}
