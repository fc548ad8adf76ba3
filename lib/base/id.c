/* Ids: see id.h for the layout and the invariant. */
#include "base/id.h"

#include "base/clock.h"

static const int64_t epoch_ms = 1704067200000; /* 2024-01-01 UTC */

void id_init(struct id_maker *m)
{
    *m = (struct id_maker){0};
    pthread_mutex_init(&m->lock, NULL);
}

void id_lease(struct id_maker *m, unsigned node, int64_t after_ms, int64_t until_ms, int64_t until_mono_ms)
{
    pthread_mutex_lock(&m->lock);
    if (m->node != node || !m->until_mono_ms || m->after_ms < after_ms)
        m->after_ms = after_ms;
    m->node = node;
    m->until_ms = until_ms;
    m->until_mono_ms = until_mono_ms;
    pthread_mutex_unlock(&m->lock);
}

int64_t id_used_ms(struct id_maker *m)
{
    pthread_mutex_lock(&m->lock);
    const int64_t used = m->last_ms > m->after_ms ? m->last_ms : m->after_ms;
    pthread_mutex_unlock(&m->lock);
    return used;
}

/* Under the lock: the time of the next id, or 0 when there is none to be had. */
static int64_t next_ms(const struct id_maker *m)
{
    int64_t ms = clock_wall_ms();

    if (clock_mono_ms() >= m->until_mono_ms)
        return 0;
    if (ms <= m->after_ms)
        ms = m->after_ms + 1;
    if (ms < m->last_ms)
        ms = m->last_ms; /* the wall clock went back */
    if (ms == m->last_ms && m->next == ID_PER_MS)
        ms++;
    return ms <= m->until_ms ? ms : 0;
}

enum err id_next(struct id_maker *m, uint64_t *id)
{
    pthread_mutex_lock(&m->lock);
    const int64_t ms = next_ms(m);
    if (ms) {
        if (ms != m->last_ms)
            m->next = 0;
        m->last_ms = ms;
        *id = (uint64_t)(ms - epoch_ms) << 22 | (uint64_t)m->node << 11 | m->next++;
    }
    pthread_mutex_unlock(&m->lock);
    return ms ? OK : ERR_UNAVAILABLE;
}

int64_t id_time_ms(uint64_t id)
{
    return (int64_t)(id >> 22) + epoch_ms;
}
