/*
 * What a message can hold: a struct and a field table for each type that people send, and the JSON that is
 * stored of it, which is the JSON that goes out.
 *
 * Types that name something else (a person, a file) are completed from the database, in a worker; the others
 * need nothing but themselves.
 */
#ifndef MODEL_CONTENTS_H
#define MODEL_CONTENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "model/ctx.h"
#include "model/entries.h"
#include "model/writer.h"

enum {
    PLACE_MAX = 200,        /* characters of a location's name */
    CUSTOM_MAX = 16 * 1024, /* bytes of what a custom message carries */
    VOICE_MAX_MS = 3600000,
    VIDEO_MAX_MS = 24 * 3600000,
};

struct text_content {
    struct str text;
};
/* Images, files, voice and video: what the sender says of them. */
struct file_content {
    uint64_t file_id, poster_file_id; /* poster: 0 for none */
    int64_t duration_ms;
};
struct location_content {
    double lat, lng;
    struct str name;
};
struct card_content {
    uint64_t user_id;
};
struct custom_content {
    struct str kind, data; /* data: JSON */
};

union content {
    struct text_content text;
    struct file_content file;
    struct location_content location;
    struct card_content card;
    struct custom_content custom;
};

/* The types that people send, on the wire (NULL-terminated), their field tables and their numbers in the log.
 */
extern const char *const content_names[];
extern const struct shape *const content_shapes[];
extern const enum entry_type content_types[];
extern const struct shape text_content_shape;

/* Whether content_take() asks the database. */
bool content_needs_database(enum entry_type type);
/*
 * What somebody sends, into `send`, whose conversation and type are set: the JSON to store, and the files
 * that it names. ERR_NOT_FOUND for a person or file that the actor may not see, ERR_INVALID_REQUEST for a
 * file of another kind, the field named; ERR_CONTENT_REFUSED.
 */
enum err content_take(struct ctx *ctx, const union content *content, struct send *send) MUST_CHECK;

#endif
