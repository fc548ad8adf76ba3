/* Glances: a queue, and the thread that works on it. */
#include "model/glance.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/house.h"
#include "model/picture.h"

enum { SIZE = PICTURE_SIZES - 1, DATABASE_MS = 5000 }; /* the largest of the small copies */

struct picture {
    uint64_t file_id;
    char *bytes; /* NULL: none */
    size_t n;
};

struct glance {
    struct glances *all;
    struct glance *next;
    struct actor who;
    struct picture pictures[GLANCE_PICTURES_MAX];
    size_t n;
    bool is_done, is_unwanted; /* under the lock */
};

struct glances {
    struct house *house;
    struct store *store;
    struct db *db;
    struct arena *arena;
    pthread_mutex_t lock; /* of the queue and what is said above */
    pthread_cond_t change;
    struct glance *first, **last;
    bool stopping;
    pthread_t thread;
};

/* ---- fetching ---- */

/* A store_sink. False: it is too large. */
static bool take(void *arg, const char *bytes, size_t n)
{
    struct picture *p = arg;

    if (p->n + n > GLANCE_BYTES_MAX)
        return false;
    memcpy(p->bytes + p->n, bytes, n);
    p->n += n;
    return true;
}

static enum err fetch(struct glances *all, struct ctx *ctx, struct picture *p)
{
    struct file_row row;

    TRY(file_get_readable(ctx, p->file_id, &row));
    if (!(row.thumbnails & 1u << SIZE))
        TRY(picture_make_small(ctx, all->store, &row, SIZE));
    p->bytes = malloc(GLANCE_BYTES_MAX);
    if (!p->bytes)
        abort();
    const struct str key = picture_small_key(ctx->arena, row.store_key, SIZE);
    return all->store->ops->get(all->store, key, take, p, ctx->problem);
}

static void drop(struct picture *p)
{
    free(p->bytes);
    p->bytes = NULL;
    p->n = 0;
}

static void fetch_all(struct glances *all, struct glance *g)
{
    for (size_t i = 0; i < g->n; i++) {
        struct picture *p = &g->pictures[i];
        struct problem problem = {0};
        struct ctx ctx = {
            .arena = all->arena, .db = all->db, .house = all->house, .problem = &problem, .actor = g->who};
        db_deadline(all->db, clock_mono_ms() + DATABASE_MS);
        const enum err err = fetch(all, &ctx, p);
        if (err != OK) {
            drop(p);
            log_warn("a model is not shown a picture", log_id("file_id", p->file_id),
                     log_c("detail", problem.detail));
        }
        arena_reset(all->arena);
    }
}

/* ---- the thread ---- */

static void destroy(struct glance *g)
{
    for (size_t i = 0; i < g->n; i++)
        drop(&g->pictures[i]);
    free(g);
}

/* Waits for one; NULL at the end. */
static struct glance *next(struct glances *all)
{
    struct glance *g = NULL;

    pthread_mutex_lock(&all->lock);
    while (!all->first && !all->stopping)
        pthread_cond_wait(&all->change, &all->lock);
    if (all->first) {
        g = all->first;
        all->first = g->next;
        if (!all->first)
            all->last = &all->first;
    }
    pthread_mutex_unlock(&all->lock);
    return g;
}

static bool is_unwanted(struct glance *g)
{
    pthread_mutex_lock(&g->all->lock);
    const bool unwanted = g->is_unwanted;
    pthread_mutex_unlock(&g->all->lock);
    return unwanted;
}

static void *run(void *arg)
{
    struct glances *all = arg;
    struct glance *g;

    while ((g = next(all))) {
        if (!is_unwanted(g))
            fetch_all(all, g);
        pthread_mutex_lock(&all->lock);
        g->is_done = true;
        const bool unwanted = g->is_unwanted;
        pthread_mutex_unlock(&all->lock);
        if (unwanted)
            destroy(g);
    }
    return NULL;
}

struct glances *glances_new(struct house *house)
{
    struct glances *all = calloc(1, sizeof *all);

    if (!all)
        abort();
    all->house = house;
    all->store = store_new(house_conf(house));
    all->db = db_new(house_conf(house));
    all->arena = arena_new();
    all->last = &all->first;
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->change, NULL);
    if (pthread_create(&all->thread, NULL, run, all) != 0)
        abort();
    return all;
}

void glances_free(struct glances *all)
{
    pthread_mutex_lock(&all->lock);
    all->stopping = true;
    pthread_cond_signal(&all->change);
    pthread_mutex_unlock(&all->lock);
    pthread_join(all->thread, NULL); /* what is left in the queue is unwanted, and goes first */
    store_free(all->store);
    db_free(all->db);
    arena_free(all->arena);
    pthread_mutex_destroy(&all->lock);
    pthread_cond_destroy(&all->change);
    free(all);
}

/* ---- one ---- */

struct glance *glance_new(struct glances *all, const struct actor *who, const uint64_t *file_ids, size_t n)
{
    struct glance *g = calloc(1, sizeof *g);

    if (!g)
        abort();
    g->all = all;
    g->who = *who;
    g->n = n < GLANCE_PICTURES_MAX ? n : GLANCE_PICTURES_MAX;
    for (size_t i = 0; i < g->n; i++)
        g->pictures[i].file_id = file_ids[i];
    pthread_mutex_lock(&all->lock);
    *all->last = g;
    all->last = &g->next;
    pthread_cond_signal(&all->change);
    pthread_mutex_unlock(&all->lock);
    return g;
}

void glance_free(struct glance *g)
{
    struct glances *all = g->all;

    pthread_mutex_lock(&all->lock);
    const bool done = g->is_done;
    g->is_unwanted = true;
    pthread_mutex_unlock(&all->lock);
    if (done)
        destroy(g);
}

bool glance_is_done(const struct glance *g)
{
    pthread_mutex_lock(&g->all->lock);
    const bool done = g->is_done;
    pthread_mutex_unlock(&g->all->lock);
    return done;
}

struct str glance_picture(const struct glance *g, uint64_t file_id)
{
    for (size_t i = 0; g && i < g->n; i++)
        if (g->pictures[i].file_id == file_id && g->pictures[i].n)
            return (struct str){g->pictures[i].bytes, g->pictures[i].n};
    return STR("");
}
