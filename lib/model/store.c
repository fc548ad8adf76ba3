/* Choosing a store, and keys. */
#include "model/store.h"

#include "ext/crypt.h"

enum { STORE_FILE, STORE_S3, KEY_BYTES = 16 };

struct store *store_new(const struct conf *conf)
{
    return conf->store == STORE_S3 ? store_s3_new(conf) : store_file_new(conf);
}

enum err store_ready(struct store *s, struct problem *problem)
{
    if (atomic_load(&s->checked))
        return OK;
    TRY(s->ops->check(s, problem));
    atomic_store(&s->checked, true);
    return OK;
}

void store_free(struct store *s)
{
    s->ops->free(s);
}

/* 128 random bits; the first two digits are a folder, so that none grows too long. */
void store_key(char out[STORE_KEY_TEXT])
{
    unsigned char bytes[KEY_BYTES];

    crypt_random(bytes, sizeof bytes);
    hex_encode(bytes, 1, out);
    out[2] = '/';
    hex_encode(bytes + 1, sizeof bytes - 1, out + 3);
    out[3 + 2 * (sizeof bytes - 1)] = '\0';
}

long store_bytes_read(void *arg, char *out, size_t max)
{
    struct store_bytes *b = arg;
    const size_t n = b->left.n < max ? b->left.n : max;

    memcpy(out, b->left.p, n);
    b->left = (struct str){b->left.p + n, b->left.n - n};
    return (long)n;
}
