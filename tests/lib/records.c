/* FastCGI by hand. */
#include "lib/records.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MS = 10000 };

void records_add(struct records *r, unsigned type, unsigned id, const void *content, size_t n, size_t padding)
{
    const unsigned char header[8] = {1,
                                     (unsigned char)type,
                                     (unsigned char)(id >> 8),
                                     (unsigned char)id,
                                     (unsigned char)(n >> 8),
                                     (unsigned char)n,
                                     (unsigned char)padding,
                                     0};

    if (r->n + 8 + n + padding > sizeof r->p)
        abort();
    memcpy(r->p + r->n, header, 8);
    if (n)
        memcpy(r->p + r->n + 8, content, n);
    memset(r->p + r->n + 8 + n, 0, padding);
    r->n += 8 + n + padding;
}

void records_begin(struct records *r, unsigned id, unsigned role, bool keep)
{
    const unsigned char body[8] = {(unsigned char)(role >> 8), (unsigned char)role, keep};

    records_add(r, 1, id, body, sizeof body, 0);
}

static size_t put_length(unsigned char *p, size_t n)
{
    if (n < 128) {
        p[0] = (unsigned char)n;
        return 1;
    }
    p[0] = (unsigned char)(n >> 24 | 0x80);
    p[1] = (unsigned char)(n >> 16);
    p[2] = (unsigned char)(n >> 8);
    p[3] = (unsigned char)n;
    return 4;
}

static void add_stream(struct records *r, unsigned type, unsigned id, const void *bytes, size_t n,
                       size_t piece)
{
    const unsigned char *p = bytes;

    while (n) {
        const size_t step = n < piece ? n : piece;
        records_add(r, type, id, p, step, (8 - (step & 7)) & 7);
        p += step;
        n -= step;
    }
    records_add(r, type, id, NULL, 0, 0);
}

void records_params(struct records *r, unsigned id, const char *const *pairs, size_t piece)
{
    unsigned char *stream = malloc(RECORDS_MAX);
    size_t n = 0;

    if (!stream)
        abort();
    for (; pairs[0]; pairs += 2) {
        const size_t name = strlen(pairs[0]), value = strlen(pairs[1]);
        n += put_length(stream + n, name);
        n += put_length(stream + n, value);
        memcpy(stream + n, pairs[0], name);
        memcpy(stream + n + name, pairs[1], value);
        n += name + value;
    }
    add_stream(r, 4, id, stream, n, piece);
    free(stream);
}

void records_body(struct records *r, unsigned id, struct str body, size_t piece)
{
    add_stream(r, 5, id, body.p, body.n, piece);
}

void records_request(struct records *r, const char *method, const char *uri, struct str body,
                     const char *const *more)
{
    const char *pairs[64], *query = strchr(uri, '?');
    char length[24];
    size_t n = 0;

    snprintf(length, sizeof length, "%zu", body.n);
    pairs[n++] = "REQUEST_METHOD", pairs[n++] = method;
    pairs[n++] = "REQUEST_URI", pairs[n++] = uri;
    pairs[n++] = "QUERY_STRING", pairs[n++] = query ? query + 1 : "";
    if (body.n)
        pairs[n++] = "CONTENT_LENGTH", pairs[n++] = length;
    for (; more && more[0]; more += 2)
        pairs[n++] = more[0], pairs[n++] = more[1];
    pairs[n] = NULL;
    records_begin(r, 1, 1, true);
    records_params(r, 1, pairs, 60000);
    records_body(r, 1, body, 16384);
}

static bool read_exactly(int fd, void *to, size_t n)
{
    unsigned char *p = to;

    while (n) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, ANSWER_MS) <= 0)
            return false;
        const ssize_t got = read(fd, p, n);
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

void records_split(struct records_answer *a)
{
    const char *end = memmem(a->text, a->n, "\r\n\r\n", 4);
    const size_t head = end ? (size_t)(end - a->text) : a->n;

    a->headers = (struct str){a->text, head};
    a->body = end ? (struct str){end + 4, a->n - head - 4} : STR("");
    a->status = atoi(records_header(a, "Status").p);
}

bool records_read_piece(int fd, struct records_answer *a)
{
    unsigned char header[8], content[65536 + 256];

    a->closed = !read_exactly(fd, header, 8);
    const size_t n = a->closed ? 0 : (size_t)(header[4] << 8 | header[5]);
    a->closed = a->closed || !read_exactly(fd, content, n + header[6]);
    if (a->closed)
        return false;
    if (header[1] == 6 && a->n + n < sizeof a->text) {
        memcpy(a->text + a->n, content, n);
        a->n += n;
        a->text[a->n] = 0;
    }
    if (header[1] == 3)
        a->protocol_status = content[4];
    return header[1] != 3;
}

void records_read(int fd, struct records_answer *a)
{
    a->n = 0;
    a->text[0] = 0;
    a->protocol_status = -1;
    while (records_read_piece(fd, a))
        ;
    records_split(a);
}

struct str records_header(const struct records_answer *a, const char *name)
{
    struct str rest = a->headers, line;
    const size_t n = strlen(name);

    while (str_cut(&rest, '\n', &line))
        if (line.n > n + 1 && !strncasecmp(line.p, name, n) && line.p[n] == ':')
            return (struct str){line.p + n + 2, line.n - n - 2 - (line.p[line.n - 1] == '\r')};
    return STR("");
}

bool records_send(int fd, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;

    while (n) {
        const ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

int records_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}
