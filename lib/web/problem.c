/* problem+json. */
#include "web/problem.h"

enum { RETRY_AFTER_S = 1 };

int problem_retry_after_s(enum err err, const struct problem *p)
{
    const int status = err_status(err);

    if (p->retry_after_s > 0)
        return p->retry_after_s;
    return status == 429 || status == 503 ? RETRY_AFTER_S : 0;
}

/* Words of a problem may quote what came in and may be cut anywhere: only what is sure goes out as it is. */
static void put_words(struct buf *b, const char *words)
{
    const struct str s = str_of(words);

    if (utf8_check(s, NULL)) {
        buf_json(b, s);
        return;
    }
    char *plain = arena_copy(b->arena, s.p, s.n);
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)plain[i] >= 0x80)
            plain[i] = '?';
    buf_json(b, (struct str){plain, s.n});
}

void problem_encode(struct buf *b, enum err err, const struct problem *p, struct str request_id)
{
    buf_c(b, "{\"type\":\"about:blank\",\"title\":");
    buf_json(b, str_of(err_title(err)));
    buf_c(b, ",\"status\":");
    buf_i64(b, err_status(err));
    buf_c(b, ",\"detail\":");
    put_words(b, p->detail[0] ? p->detail : err_title(err));
    buf_c(b, ",\"code\":");
    buf_json(b, str_of(err_code(err)));
    buf_c(b, ",\"request_id\":");
    buf_json(b, request_id);
    for (unsigned i = 0; i < p->n_fields; i++) {
        buf_c(b, i ? ",{\"field\":" : ",\"errors\":[{\"field\":");
        put_words(b, p->fields[i].field);
        buf_c(b, ",\"reason\":");
        put_words(b, p->fields[i].reason);
        buf_char(b, '}');
    }
    buf_c(b, p->n_fields ? "]}" : "}");
}
