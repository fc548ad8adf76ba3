/*
 * The log: one JSON object per line on standard error. Programs log; libraries don't.
 * Never give it a token, a password or what people wrote.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* One member of a line. Make them with the functions below. */
struct log_field {
    const char *name;
    enum { LOG_TEXT, LOG_NUMBER, LOG_ID } type;
    struct str text;
    int64_t number;
    uint64_t id;
};

static inline struct log_field log_str(const char *name, struct str text)
{
    return (struct log_field){.name = name, .type = LOG_TEXT, .text = text};
}
static inline struct log_field log_c(const char *name, const char *text)
{
    return log_str(name, str_of(text));
}
static inline struct log_field log_num(const char *name, int64_t number)
{
    return (struct log_field){.name = name, .type = LOG_NUMBER, .number = number};
}
/* As text: readers of JSON would round it. */
static inline struct log_field log_id(const char *name, uint64_t id)
{
    return (struct log_field){.name = name, .type = LOG_ID, .id = id};
}

/* Once, before threads start. `process` (borrowed for ever) is in each line. */
void log_init(const char *process, enum log_level least);
/*
 * Also once: writes to this file (borrowed path) instead of standard error, so that no
 * supervisor has to carry every line. Past `max_bytes` (0: never) it is renamed to
 * `path`.1 and begun anew. False if it cannot be opened.
 */
bool log_open(const char *path, int64_t max_bytes);
void log_write(enum log_level level, const char *msg, const struct log_field *fields, size_t n);

#define LOG_WRITE_(level, msg, ...)                                                                          \
    log_write(level, msg, (const struct log_field[]){__VA_ARGS__},                                           \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
/* log_info("started", log_c("socket", path), log_num("workers", 4)); at least one field. */
#define log_debug(msg, ...) LOG_WRITE_(LOG_DEBUG, msg, __VA_ARGS__)
#define log_info(msg, ...) LOG_WRITE_(LOG_INFO, msg, __VA_ARGS__)
#define log_warn(msg, ...) LOG_WRITE_(LOG_WARN, msg, __VA_ARGS__)
#define log_error(msg, ...) LOG_WRITE_(LOG_ERROR, msg, __VA_ARGS__)

#endif
