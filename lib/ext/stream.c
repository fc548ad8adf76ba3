/* Many requests of one thread, by libcurl's multi interface. */
#include "ext/stream.h"

#include <arpa/inet.h>
#include <curl/multi.h>
#include <pthread.h>
#include <stdlib.h>

enum { RETRY_MAX_S = 3600 };

struct streams {
    CURLM *multi;
};

struct stream {
    struct streams *all;
    struct stream_ask ask;
    CURL *curl;
    struct curl_slist *headers;
    enum stream_state state;
    bool is_refused; /* the address is private */
};

static void start(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

struct streams *streams_new(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct streams *all = calloc(1, sizeof *all);

    pthread_once(&once, start);
    if (!all || !(all->multi = curl_multi_init()))
        abort();
    return all;
}

void streams_free(struct streams *all)
{
    curl_multi_cleanup(all->multi);
    free(all);
}

/* ---- addresses ---- */

static bool is_private_v4(uint32_t a)
{
    static const struct {
        uint32_t net;
        int bits;
    } nets[] = {
        {0x00000000, 8},  /* this network */
        {0x0a000000, 8},  /* private */
        {0x64400000, 10}, /* a carrier's */
        {0x7f000000, 8},  /* loopback */
        {0xa9fe0000, 16}, /* link-local: among them the metadata of clouds */
        {0xac100000, 12}, /* private */
        {0xc0000000, 24}, /* protocols */
        {0xc0a80000, 16}, /* private */
        {0xc6120000, 15}, /* benchmarks */
        {0xe0000000, 3},  /* multicast and above */
    };

    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
        if (a >> (32 - nets[i].bits) == nets[i].net >> (32 - nets[i].bits))
            return true;
    return false;
}

/* What is not global unicast (2000::/3), and the forms that carry an IPv4 address inside. */
static bool is_private_v6(const unsigned char a[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}, nat64[12] = {0, 0x64, 0xff, 0x9b};

    if (!memcmp(a, mapped, sizeof mapped) || !memcmp(a, nat64, sizeof nat64))
        return is_private_v4((uint32_t)a[12] << 24 | (uint32_t)a[13] << 16 | (uint32_t)a[14] << 8 | a[15]);
    if (a[0] == 0x20 && a[1] == 0x02)
        return is_private_v4((uint32_t)a[2] << 24 | (uint32_t)a[3] << 16 | (uint32_t)a[4] << 8 | a[5]);
    return a[0] >> 5 != 1;
}

static bool is_private(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return is_private_v4(ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr));
    if (address->sa_family == AF_INET6)
        return is_private_v6(((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr);
    return true;
}

/* The address that a name had at the last moment: what was looked up before could be another one by now. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct stream *s = arg;

    (void)purpose;
    if (!s->ask.may_be_private && is_private(&address->addr)) {
        s->is_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* A kept connection opens no socket: one to a private address may be another provider's. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type of the function is libcurl's */
static int check_connection(void *arg, char *address, char *own_address, int port, int own_port)
{
    struct stream *s = arg;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    (void)own_address;
    (void)port;
    (void)own_port;
    const bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
    const bool is_known = is_v4 || inet_pton(AF_INET6, address, &v6.sin6_addr) == 1;
    s->is_refused =
        !s->ask.may_be_private && (!is_known || is_private(is_v4 ? (const void *)&v4 : (const void *)&v6));
    return s->is_refused ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* ---- one stream ---- */

static size_t on_write(char *bytes, size_t size, size_t n, void *arg)
{
    struct stream *s = arg;

    if (stream_status(s) != 200) /* what an error says is nobody's to read; its status counts */
        return size * n;
    return s->ask.on_bytes(s->ask.arg, bytes, size * n) ? size * n : 0;
}

static void prepare(struct stream *s)
{
    CURL *curl = s->curl;

    curl_easy_setopt(curl, CURLOPT_PRIVATE, s);
    curl_easy_setopt(curl, CURLOPT_URL, s->ask.url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)s->ask.connect_ms);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, s->headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)s->ask.body.n);
    curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, s->ask.body.p);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, s);
    curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, check_connection);
    curl_easy_setopt(curl, CURLOPT_PREREQDATA, s);
}

struct stream *stream_open(struct streams *all, const struct stream_ask *ask)
{
    struct stream *s = calloc(1, sizeof *s);

    if (!s || !(s->curl = curl_easy_init()))
        abort();
    s->all = all;
    s->ask = *ask;
    s->headers = curl_slist_append(NULL, "Expect:"); /* 100-continue costs a round trip */
    for (size_t i = 0; ask->headers && ask->headers[i] && s->headers; i++)
        s->headers = curl_slist_append(s->headers, ask->headers[i]);
    if (!s->headers)
        abort();
    prepare(s);
    if (curl_multi_add_handle(all->multi, s->curl) != CURLM_OK)
        abort();
    return s;
}

void stream_close(struct stream *s)
{
    curl_multi_remove_handle(s->all->multi, s->curl);
    curl_easy_cleanup(s->curl);
    curl_slist_free_all(s->headers);
    free(s);
}

enum stream_state stream_state(const struct stream *s)
{
    return s->state;
}

int stream_status(const struct stream *s)
{
    long status = 0;

    curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

int stream_retry_after_s(const struct stream *s)
{
    curl_off_t wait = 0;

    curl_easy_getinfo(s->curl, CURLINFO_RETRY_AFTER, &wait);
    return wait > RETRY_MAX_S ? RETRY_MAX_S : wait > 0 ? (int)wait : 0;
}

/* ---- all ---- */

static enum stream_state end_of(const struct stream *s, CURLcode code)
{
    if (code == CURLE_OK)
        return STREAM_DONE;
    return s->is_refused || code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST
               ? STREAM_UNREACHABLE
               : STREAM_BROKEN;
}

void streams_wait(struct streams *all, int ms)
{
    const CURLMsg *message;
    int left;

    if (curl_multi_poll(all->multi, NULL, 0, ms, NULL) != CURLM_OK ||
        curl_multi_perform(all->multi, &left) != CURLM_OK)
        abort();
    while ((message = curl_multi_info_read(all->multi, &left))) {
        struct stream *s = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        const CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&s);
        s->state = end_of(s, code);
    }
}
