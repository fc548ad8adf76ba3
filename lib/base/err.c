/* The error table in its three readings, and the words of a problem. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    int status;
    const char *code, *title;
} errors[ERR_COUNT] = {
    [OK] = {200, "", ""},
    [LATER] = {200, "", ""},
#define ERR(name, status, code, title) [ERR_##name] = {status, code, title},
#include "base/err.def"
#undef ERR
};

int err_status(enum err err)
{
    return errors[err].status;
}

const char *err_code(enum err err)
{
    return errors[err].code;
}

const char *err_title(enum err err)
{
    return errors[err].title;
}

enum err problem_set(struct problem *p, enum err err, const char *fmt, ...)
{
    if (p) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(p->detail, sizeof p->detail, fmt, args);
        va_end(args);
    }
    return err;
}

enum err problem_field(struct problem *p, const char *field, const char *fmt, ...)
{
    if (p && p->n_fields < PROBLEM_FIELDS) {
        char reason[sizeof p->fields[0].reason];
        va_list args;
        const unsigned i = p->n_fields++;
        va_start(args, fmt);
        vsnprintf(reason, sizeof reason, fmt, args);
        va_end(args);
        snprintf(p->fields[i].field, sizeof p->fields[i].field, "%s", field);
        snprintf(p->fields[i].reason, sizeof p->fields[i].reason, "%s", reason);
        if (!p->detail[0])
            snprintf(p->detail, sizeof p->detail, "%s: %s", field, reason);
    }
    return ERR_INVALID_REQUEST;
}
