/*
 * A strict look at JSON before a parser sees it.
 *
 * Refuses what parsers let through or repair: duplicate keys (also when escaped
 * differently), NUL, lone surrogates, invalid UTF-8, NaN, numbers that fit neither
 * 64 bits nor a double, deep nesting, trailing bytes. Makes nothing, allocates nothing.
 */
#ifndef BASE_JSONSCAN_H
#define BASE_JSONSCAN_H

#include "base/err.h"
#include "base/str.h"

enum {
    JSON_DEPTH_MAX = 16,
    JSON_MEMBERS_MAX = 256, /* of one object: keeps the search for duplicates short */
    JSON_KEYS_MAX = 1024,   /* of all objects that are open at one place */
    JSON_NUMBER_MAX = 64,   /* characters */
};

/*
 * Checks `text` as exactly one JSON value. ERR_INVALID_REQUEST names the field
 * where it stopped ("device.name"; "body" at the top) and the byte.
 */
enum err jsonscan(struct str text, struct problem *problem) MUST_CHECK;

/* How many containers stand in each other in a JSON value that is well-formed. */
size_t json_depth(struct str json);

#endif
