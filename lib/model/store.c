/* Choosing a store, and keys. */
#include "model/store.h"

#include "base/clock.h"
#include "ext/crypt.h"

enum { STORE_FILE, STORE_S3, KEY_BYTES = 16, HEARD_MS = 1000 };

struct store *store_new(const struct conf *conf)
{
    struct store *s = conf->store == STORE_S3 ? store_s3_new(conf) : store_file_new(conf);

    pthread_mutex_init(&s->lock, NULL);
    s->heard = problem_set(&s->said, ERR_UNAVAILABLE, "the store of files was not heard of yet");
    return s;
}

enum err store_ready(struct store *s, struct problem *problem)
{
    if (atomic_load(&s->checked))
        return OK;
    TRY(s->ops->check(s, problem));
    atomic_store(&s->checked, true);
    return OK;
}

/* Under the lock, which is open while it is asked. */
static void ask(struct store *s)
{
    struct problem said = {0};

    s->asking = true;
    pthread_mutex_unlock(&s->lock);
    const enum err heard = s->ops->probe(s, &said);
    pthread_mutex_lock(&s->lock);
    s->asking = false;
    s->asked_ms = clock_mono_ms();
    s->heard = heard;
    s->said = said;
}

enum err store_answers(struct store *s, struct problem *problem)
{
    pthread_mutex_lock(&s->lock);
    if (!s->asking && (!s->asked_ms || clock_mono_ms() > s->asked_ms + HEARD_MS))
        ask(s);
    const enum err heard = s->heard;
    *problem = s->said;
    pthread_mutex_unlock(&s->lock);
    return heard;
}

void store_free(struct store *s)
{
    pthread_mutex_destroy(&s->lock);
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
