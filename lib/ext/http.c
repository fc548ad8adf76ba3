/* Requests by libcurl's easy interface; handles wait in a list until they are used again. */
#include "ext/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { IDLE_MAX = 64 };

struct http {
    long connect_ms, stall_s;
    pthread_mutex_t lock;
    CURL *idle[IDLE_MAX];
    unsigned n_idle;
};

struct call {
    const struct http_request *request;
    struct http_answer *answer;
    struct buf body;
    CURL *curl;
    bool given_up, too_long;
};

static void start(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

struct http *http_new(int connect_ms, int stall_s)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct http *http = calloc(1, sizeof *http);

    pthread_once(&once, start);
    if (!http)
        abort();
    http->connect_ms = connect_ms;
    http->stall_s = stall_s;
    pthread_mutex_init(&http->lock, NULL);
    return http;
}

void http_free(struct http *http)
{
    while (http->n_idle)
        curl_easy_cleanup(http->idle[--http->n_idle]);
    pthread_mutex_destroy(&http->lock);
    free(http);
}

static CURL *take(struct http *http)
{
    CURL *curl = NULL;

    pthread_mutex_lock(&http->lock);
    if (http->n_idle)
        curl = http->idle[--http->n_idle];
    pthread_mutex_unlock(&http->lock);
    if (!curl)
        curl = curl_easy_init();
    if (!curl)
        abort();
    return curl;
}

/* Its connection is kept with it. */
static void give(struct http *http, CURL *curl)
{
    curl_easy_reset(curl);
    pthread_mutex_lock(&http->lock);
    const bool kept = http->n_idle < IDLE_MAX;
    if (kept)
        http->idle[http->n_idle++] = curl;
    pthread_mutex_unlock(&http->lock);
    if (!kept)
        curl_easy_cleanup(curl);
}

static size_t on_read(char *out, size_t size, size_t n, void *arg)
{
    struct call *call = arg;

    call->answer->asked = true;
    const long got = call->request->source(call->request->source_arg, out, size * n);
    if (got >= 0)
        return (size_t)got;
    call->given_up = true;
    return CURL_READFUNC_ABORT;
}

static bool is_good(CURL *curl)
{
    long status = 0;

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status < 300;
}

static size_t on_write(char *bytes, size_t size, size_t n, void *arg)
{
    struct call *call = arg;
    const size_t length = size * n;

    if (call->request->sink && is_good(call->curl)) {
        call->given_up = !call->request->sink(call->request->sink_arg, bytes, length);
        return call->given_up ? 0 : length;
    }
    call->too_long = call->body.n + length > HTTP_SHORT_MAX;
    if (call->too_long)
        return 0;
    buf_add(&call->body, bytes, length);
    return length;
}

static void keep_etag(struct call *call, struct str line)
{
    size_t end = line.n;

    size_t at = 5;
    while (at < end && line.p[at] == ' ')
        at++;
    while (end > at && (line.p[end - 1] == '\r' || line.p[end - 1] == '\n' || line.p[end - 1] == ' '))
        end--;
    snprintf(call->answer->etag, sizeof call->answer->etag, "%.*s", (int)(end - at), line.p + at);
}

static size_t on_header(const char *bytes, size_t size, size_t n, void *arg)
{
    const struct str line = {bytes, size * n};

    if (line.n >= 5 && strncasecmp(line.p, "etag:", 5) == 0)
        keep_etag(arg, line);
    return line.n;
}

static struct curl_slist *headers_of(const struct http_request *r)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* 100-continue costs a round trip */

    for (size_t i = 0; r->headers && r->headers[i] && list; i++)
        list = curl_slist_append(list, r->headers[i]);
    if (!list)
        abort();
    return list;
}

static void prepare(struct http *http, struct call *call, struct curl_slist *headers)
{
    const struct http_request *r = call->request;
    CURL *curl = call->curl;

    curl_easy_setopt(curl, CURLOPT_URL, r->url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* it was signed as it is */
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, http->connect_ms);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, http->stall_s);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
    if (r->body_bytes >= 0) {
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->body_bytes);
        curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(curl, CURLOPT_READDATA, call);
    }
    if (strcmp(r->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
}

static enum http_end end_of(const struct call *call, CURLcode code)
{
    if (code == CURLE_OK)
        return HTTP_DONE;
    if (call->given_up)
        return HTTP_GIVEN_UP;
    return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ? HTTP_UNREACHABLE
                                                                               : HTTP_BROKEN;
}

void http_call(struct http *http, const struct http_request *r, struct arena *arena, struct http_answer *out)
{
    struct call call = {.request = r, .answer = out, .body = buf_in(arena), .curl = take(http)};
    struct curl_slist *headers = headers_of(r);
    curl_off_t length = -1;
    long status = 0;

    *out = (struct http_answer){.length = -1};
    prepare(http, &call, headers);
    const CURLcode code = curl_easy_perform(call.curl);
    curl_easy_getinfo(call.curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call.curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    out->end = end_of(&call, code);
    out->status = (int)status;
    out->length = length;
    out->body = buf_done(&call.body);
    if (code != CURLE_OK)
        snprintf(out->why, sizeof out->why, "%s",
                 call.too_long ? "the answer is too long" : curl_easy_strerror(code));
    curl_slist_free_all(headers);
    give(http, call.curl);
}
