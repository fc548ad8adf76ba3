/*
 * AWS Signature Version 4 for S3: as headers, and as a presigned query.
 *
 * Pure functions on texts: no clock, no network, no configuration. What is signed
 * is what is sent, byte by byte, so they also give the path and the query in the
 * one encoding that every S3 server computes the same signature from.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 */
#ifndef EXT_S3SIGN_H
#define EXT_S3SIGN_H

#include <stdint.h>

#include "base/str.h"

#define S3_UNSIGNED "UNSIGNED-PAYLOAD"

struct s3_keys {
    struct str access, secret, region;
};

struct s3_pair {
    struct str name, value;
};

enum { S3_PAIRS_MAX = 12 };

struct s3_request {
    const char *method;
    struct str host;               /* as in the Host header */
    struct str path;               /* with its leading slash, not encoded */
    const struct s3_pair *query;   /* not encoded, in any order */
    const struct s3_pair *headers; /* beside Host, X-Amz-Date and X-Amz-Content-Sha256; names in lower case */
    size_t n_query, n_headers;
    struct str payload; /* hex SHA-256 of the body, or S3_UNSIGNED */
    int64_t at_ms;      /* the wall clock */
};

enum { S3_DATE_TEXT = 17 };

/* path?query as it is sent, for either form. */
struct str s3_target(struct arena *arena, const struct s3_request *r);

/* The value of Authorization; `date` is that of X-Amz-Date, which must be sent, like X-Amz-Content-Sha256
 * with r->payload. */
struct str s3_authorization(struct arena *arena, const struct s3_keys *keys, const struct s3_request *r,
                            char date[S3_DATE_TEXT]);

/* path?query that lets whoever has it do this request for so many seconds, at this host. Only Host is signed.
 */
struct str s3_presign(struct arena *arena, const struct s3_keys *keys, const struct s3_request *r,
                      int64_t expires_s);

#endif
