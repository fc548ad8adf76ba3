/*
 * Errors: one enum for everything that can fail, generated from err.def.
 *
 * A function that can fail returns `enum err`; ignoring it does not compile.
 * The words for the caller travel beside it in a `struct problem`.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
    OK = 0,
    LATER, /* not an error: the answer is given later, by whoever took the request */
#define ERR(name, status, code, title) ERR_##name,
#include "base/err.def"
#undef ERR
    ERR_COUNT
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Returns from the calling function when `call` fails (or answers LATER). */
#define TRY(call)                                                                                            \
    do {                                                                                                     \
        const enum err try_err_ = (call);                                                                    \
        if (try_err_ != OK)                                                                                  \
            return try_err_;                                                                                 \
    } while (0)

enum { PROBLEM_FIELDS = 8 };

/* What is wrong with a request, in words. Without pointers, so that it may be copied. */
struct problem {
    char detail[200];
    int retry_after_s; /* 0: say nothing */
    unsigned n_fields;
    struct {
        char field[64];
        char reason[96];
    } fields[PROBLEM_FIELDS];
};

int err_status(enum err err);
const char *err_code(enum err err); /* as on the wire; "" for those that stay inside */
const char *err_title(enum err err);

/* Sets the detail and returns `err`, so that `return problem_set(…)` reads well. `p` may be NULL. */
enum err problem_set(struct problem *p, enum err err, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Adds a field with its reason; returns ERR_INVALID_REQUEST. More than PROBLEM_FIELDS are dropped. */
enum err problem_field(struct problem *p, const char *field, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
