/* FastCGI as nginx speaks it, by hand: requests as bytes, answers read back. For tests of the front. */
#ifndef TESTS_LIB_RECORDS_H
#define TESTS_LIB_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { RECORDS_MAX = 512 * 1024 };

/* Bytes of a request, growing. */
struct records {
    unsigned char p[RECORDS_MAX];
    size_t n;
};

/* One record with `padding` bytes behind it. */
void records_add(struct records *r, unsigned type, unsigned id, const void *content, size_t n,
                 size_t padding);
void records_begin(struct records *r, unsigned id, unsigned role, bool keep);
/* Name-value pairs, NULL at the end, as one stream that is cut into records of at most `piece` bytes, and its
 * end. */
void records_params(struct records *r, unsigned id, const char *const *pairs, size_t piece);
/* A body in records of at most `piece` bytes, and its end. */
void records_body(struct records *r, unsigned id, struct str body, size_t piece);

/* A whole request over a kept connection: id 1, `more` are further pairs or NULL. */
void records_request(struct records *r, const char *method, const char *uri, struct str body,
                     const char *const *more);

/* An answer, put together from its records. */
struct records_answer {
    int status;          /* of HTTP; 0: none came */
    int protocol_status; /* of END_REQUEST; -1: none came */
    char text[RECORDS_MAX];
    size_t n;
    struct str headers, body; /* in text */
    bool closed;              /* the connection ended before END_REQUEST */
};

/* Reads to END_REQUEST or the end of the connection, 10 s at most. */
void records_read(int fd, struct records_answer *a);
/* Reads one record into an answer that has n bytes already, 10 s at most. False: it was the last, or the
 * connection ended. */
bool records_read_piece(int fd, struct records_answer *a);
/* Finds headers and body in a text that came otherwise. */
void records_split(struct records_answer *a);
/* The value of a header; empty if it is not there. */
struct str records_header(const struct records_answer *a, const char *name);
bool records_send(int fd, const void *bytes, size_t n);
int records_connect(const char *path);

#endif
