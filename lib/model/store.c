/* Choosing a store, and keys. */
#include "model/store.h"

#include "ext/crypt.h"

enum { STORE_FILE, STORE_S3, KEY_BYTES = 16 };

enum err store_open(const struct conf *conf, struct problem *problem, struct store **out)
{
    struct store *s = conf->store == STORE_S3 ? store_s3_new(conf) : store_file_new(conf);
    const enum err err = s->ops->check(s, problem);

    if (err != OK) {
        store_free(s);
        return err;
    }
    *out = s;
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
