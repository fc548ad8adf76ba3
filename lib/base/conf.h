/*
 * Configuration: one table (conf.def), read from one file and the environment.
 * An unknown or wrong setting refuses to start and names itself.
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum { CONF_TEXT_BYTES = 1024 };
enum { REGISTRATION_OPEN, REGISTRATION_INVITE, REGISTRATION_CLOSED };

/* A member per row of conf.def: char[CONF_TEXT_BYTES] for text, int for numbers and enums. */
struct conf {
#define CONF_STR(name, value, what) char name[CONF_TEXT_BYTES];
#define CONF_SECRET(name, value, what) char name[CONF_TEXT_BYTES];
#define CONF_INT(name, value, min, max, what) int name;
#define CONF_ENUM(name, value, names, what) int name;
#include "base/conf.def"
#undef CONF_STR
#undef CONF_SECRET
#undef CONF_INT
#undef CONF_ENUM
};

/*
 * Fills `conf`: defaults, then the file (`path`; NULL: POSTHOUSE_CONFIG, else
 * ./posthouse.conf if it is there), then the environment. Zero the struct first is not needed.
 * On failure `problem` names the setting and its source.
 */
enum err conf_load(struct conf *conf, const char *path, struct problem *problem) MUST_CHECK;
/* The documentation of every setting, as a file that could be used. */
void conf_print_docs(FILE *out);
/* The effective values as one JSON object; secrets as "***" if set. */
void conf_print_json(const struct conf *conf, FILE *out);

#endif
