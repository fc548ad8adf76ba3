/* Digests: the numbers of one row, hashed. Equal in every process and release that counts alike. */
#include "model/digest.h"

#include <stdlib.h>

#include "ext/crypt.h"
#include "queries.h"

static uint64_t digest_of(const struct digest_row *row)
{
    const uint64_t numbers[] = {row->user_id, row->version, row->conversations, row->seen,
                                row->begins,  row->marks,   row->versions};
    const struct str bytes = {(const char *)numbers, sizeof numbers};
    unsigned char hash[CRYPT_SHA256_BYTES];
    uint64_t digest = 0;

    crypt_sha256(&bytes, 1, hash);
    for (size_t i = 0; i < sizeof digest; i++)
        digest = digest << 8 | hash[i];
    return digest ? digest : 1;
}

static int by_user(const void *a, const void *b)
{
    const struct digest_row *x = a, *y = b;

    return (x->user_id > y->user_id) - (x->user_id < y->user_id);
}

enum err digest_load(struct ctx *ctx, const uint64_t *user_ids, size_t n, uint64_t *out)
{
    struct digest_row *rows;
    size_t n_rows;

    TRY(q_digest_states(ctx, user_ids, n, &rows, &n_rows));
    if (n_rows)
        qsort(rows, n_rows, sizeof *rows, by_user);
    for (size_t i = 0; i < n; i++) {
        const struct digest_row wanted = {.user_id = user_ids[i]};
        const struct digest_row *row = n_rows ? bsearch(&wanted, rows, n_rows, sizeof *rows, by_user) : NULL;
        out[i] = row ? digest_of(row) : 0;
    }
    return OK;
}
