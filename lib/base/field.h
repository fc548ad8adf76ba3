/*
 * Field tables: what a struct looks like on the wire, said once.
 *
 * A handler's input and output are plain structs. One const table per struct
 * tells the decoder, the validator, the encoder and `--routes` (which a test
 * compares with openapi.yaml) all there is to know. No code here reads JSON or
 * HTTP: ext/json.c and web/decode.c do, through these tables.
 */
#ifndef BASE_FIELD_H
#define BASE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* The C type that stands at `at`, and its form in JSON. */
enum field_type {
    FIELD_BOOL,   /* bool */
    FIELD_INT,    /* int64_t ↔ number; min..max of its value (both 0: any; max below min: no upper bound) */
    FIELD_TIME,   /* int64_t ms ↔ number */
    FIELD_ID,     /* uint64_t ↔ decimal string, never 0 on input */
    FIELD_STR,    /* struct str ↔ string; min..max characters */
    FIELD_ENUM,   /* int, an index into `names` ↔ string */
    FIELD_UUID,   /* unsigned char[16] ↔ canonical text */
    FIELD_OBJECT, /* the struct itself ↔ object, by `shape` */
    FIELD_LIST,   /* struct list of structs ↔ array, by `shape`; min..max items */
    FIELD_IDS,    /* struct list of uint64_t ↔ array of decimal strings; min..max items */
    FIELD_INTS,   /* struct list of int64_t ↔ array of numbers, each at least 1; min..max items */
    FIELD_STRS, /* struct list of struct str ↔ array of strings; min..max items. A query may name it again for
                   each */
    FIELD_REAL,   /* double ↔ number; min..max of its value */
    FIELD_CHOICE, /* input: a union ↔ object, by the shape that an earlier FIELD_ENUM chooses (struct choice)
                   */
    FIELD_JSON,   /* struct str of JSON text ↔ any JSON value; input: at most `max` bytes */
};

enum field_flag {
    F_REQUIRED = 1 << 0, /* input: must be there */
    F_NULLABLE = 1 << 1, /* null is allowed: STR_NONE, id 0, time 0, int 0; by `has_at` where there is one */
    F_PATH = 1 << 2,     /* input comes from the path */
    F_QUERY = 1 << 3,    /* input comes from the query string; FIELD_IDS: comma-separated */
    F_SECRET = 1 << 4,   /* never logged, wiped after the request */
    F_OPTIONAL = 1 << 5, /* output: left out of the object when `has_at` says HAS_NOT */
};

/* Said for a field with `has_at`: PATCH must know absent from null. */
enum has { HAS_NOT = 0, HAS_VALUE, HAS_NULL };

struct shape;

struct field {
    const char *name;
    enum field_type type;
    unsigned flags;
    size_t at;                /* offsetof the value */
    size_t has_at;            /* offsetof an unsigned char with enum has, or 0 for none */
    int64_t min, max;         /* see the types above */
    const char *const *names; /* FIELD_ENUM: NULL-terminated */
    const struct shape *shape;
    const struct choice *choice; /* FIELD_CHOICE */
};

/* Which shape an object has: shapes[i] where the enum at `at` is i. Not looked at unless `has_at` says that
 * it is there. */
struct choice {
    size_t at, has_at;
    const struct shape *const *shapes; /* NULL-terminated */
};

/* A named struct on the wire. `name` is its schema in openapi.yaml. */
struct shape {
    const char *name;
    size_t size; /* sizeof the struct */
    const struct field *fields;
    size_t n;
};

struct list {
    void *items; /* in the request's arena */
    size_t n;
};

#define SHAPE(schema, type, table)                                                                           \
    {                                                                                                        \
        .name = (schema), .size = sizeof(type), .fields = (table), .n = sizeof(table) / sizeof *(table)      \
    }

/*
 * Reads one text (a path or query parameter) into the struct. Types without a
 * text form (objects, lists of objects, JSON) are a programming error.
 * On failure the field and its reason are in `problem`.
 */
enum err field_set_text(const struct field *f, struct str text, void *out, struct arena *arena,
                        struct problem *problem) MUST_CHECK;
/* Range, length and form of a value that is set; the same for every source. */
enum err field_check(const struct field *f, const void *in, struct problem *problem) MUST_CHECK;
/* The index of `text` in a NULL-terminated list, or -1. */
int field_enum_index(const char *const *names, struct str text);

#endif
