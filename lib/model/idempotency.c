#include "model/idempotency.h"

#include "ext/crypt.h"
#include "queries.h"

enum { KEPT_MS = 24 * 60 * 60 * 1000 };

void idempotency_init(struct idempotency *k, uint64_t user_id, struct str operation, struct str key,
                      struct str target)
{
    k->user_id = user_id;
    crypt_sha256((const struct str[]){operation, key}, 2, k->key_hash);
    crypt_sha256((const struct str[]){operation, target}, 2, k->request_hash);
}

static struct str bytes_of(const unsigned char hash[32])
{
    return (struct str){(const char *)hash, 32};
}

enum err idempotency_look(struct ctx *ctx, const struct idempotency *k, struct str *answer)
{
    struct idempotency_row row;
    const enum err err = q_idempotency_get(ctx, k->user_id, bytes_of(k->key_hash), &row);

    *answer = STR_NONE;
    if (err == ERR_NOT_FOUND)
        return OK;
    TRY(err);
    if (row.age_ms <= KEPT_MS && row.status)
        *answer = row.answer;
    return OK;
}

enum err idempotency_claim(struct ctx *ctx, const struct idempotency *k, bool *first, int *status,
                           struct str *answer)
{
    const struct str key = bytes_of(k->key_hash), request = bytes_of(k->request_hash);
    struct idempotency_row row;
    uint64_t inserted;

    TRY(q_idempotency_claim(ctx, k->user_id, key, request, &inserted));
    *first = inserted == 1;
    if (*first)
        return OK;
    const enum err err = q_idempotency_get(ctx, k->user_id, key, &row);
    if (err == ERR_NOT_FOUND)
        return ERR_RETRY; /* swept between the two */
    TRY(err);
    if (row.age_ms > KEPT_MS) {
        *first = true;
        return q_idempotency_renew(ctx, k->user_id, key, request, NULL);
    }
    if (!str_eq(row.request_hash, request))
        return fail(ctx, ERR_CONFLICT, "this Idempotency-Key was used for another request");
    *status = (int)row.status;
    *answer = row.answer;
    return OK;
}

enum err idempotency_store(struct ctx *ctx, const struct idempotency *k, int status, struct str answer)
{
    return q_idempotency_store(ctx, k->user_id, bytes_of(k->key_hash), (uint64_t)status, answer, NULL);
}
