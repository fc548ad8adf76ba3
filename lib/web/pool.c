/* Workers and their queue. */
#include "web/pool.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "web/front.h"

enum { REDIS_ANSWER_MS = 1000 };

struct item {
    struct request *q;
    bool unread;
};

struct pool {
    const struct conf *conf;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct item *items; /* a ring */
    unsigned size, first, n;
    bool stopping;
    _Atomic uint64_t *queued;
    unsigned n_workers;
    pthread_t workers[];
};

/* Waits for the next one; false when there are none and none will come. */
static bool take(struct pool *pool, struct item *out)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->n && !pool->stopping)
        pthread_cond_wait(&pool->more, &pool->lock);
    const bool any = pool->n > 0;
    if (any) {
        *out = pool->items[pool->first];
        pool->first = (pool->first + 1) % pool->size;
        pool->n--;
        count_set(pool->queued, pool->n);
    }
    pthread_mutex_unlock(&pool->lock);
    return any;
}

static bool put(struct pool *pool, struct item item)
{
    pthread_mutex_lock(&pool->lock);
    const bool room = pool->n < pool->size && !pool->stopping;
    if (room) {
        pool->items[(pool->first + pool->n++) % pool->size] = item;
        count_set(pool->queued, pool->n);
        pthread_cond_signal(&pool->more);
    }
    pthread_mutex_unlock(&pool->lock);
    return room;
}

bool pool_put(struct pool *pool, struct request *q)
{
    return put(pool, (struct item){q, false});
}

bool pool_put_unread(struct pool *pool, struct request *q)
{
    return put(pool, (struct item){q, true});
}

static void *work(void *arg)
{
    struct pool *pool = arg;
    struct db *db = db_new(pool->conf);
    struct redis *redis = redis_new(pool->conf, REDIS_ANSWER_MS);
    struct fcgi *fcgi = fcgi_new();
    struct item item;

    while (take(pool, &item)) {
        if (item.unread) {
            front_read_long(item.q, fcgi);
            continue;
        }
        serve_run(item.q, db, redis);
        if (db_in_transaction(db)) { /* a handler's mistake must not become the next one's transaction */
            log_error("a transaction was left open", log_c("detail", "rolled back"));
            db_rollback(db);
        }
    }
    fcgi_free(fcgi);
    redis_free(redis);
    db_free(db);
    return NULL;
}

struct pool *pool_new(const struct conf *conf, int workers, int queue, const char *name)
{
    const unsigned n = (unsigned)workers;
    struct pool *pool = calloc(1, sizeof *pool + n * sizeof *pool->workers);

    if (!pool)
        abort();
    pool->conf = conf;
    pool->size = (unsigned)queue;
    pool->items = calloc(pool->size, sizeof *pool->items);
    if (!pool->items)
        abort();
    pool->queued = count_cell(name);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->more, NULL);
    for (; pool->n_workers < n; pool->n_workers++)
        if (pthread_create(&pool->workers[pool->n_workers], NULL, work, pool) != 0)
            abort();
    return pool;
}

void pool_free(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->more);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->n_workers; i++)
        pthread_join(pool->workers[i], NULL);
    pthread_cond_destroy(&pool->more);
    pthread_mutex_destroy(&pool->lock);
    free(pool->items);
    free(pool);
}
