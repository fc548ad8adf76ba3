/* The lease of node numbers: nobody shares one, no id is made twice or outside a lease, and time never goes
 * back. */
#include <CUnit/Basic.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lib/fixture.h"
#include "model/lease.h"
#include "queries.h"

enum { PROCESSES = 8, IDS = 3000 };

static struct conf conf;

/* What one process has. */
struct process {
    struct db *db;
    struct arena *arena;
    struct problem problem;
    struct id_maker ids;
    struct lease lease;
    struct ctx ctx;
    uint64_t made[IDS];
};

static void process_init(struct process *p)
{
    *p = (struct process){.db = db_new(&conf), .arena = arena_new()};
    id_init(&p->ids);
    p->ctx = (struct ctx){.arena = p->arena, .db = p->db, .problem = &p->problem};
}

static void process_done(struct process *p)
{
    db_free(p->db);
    arena_free(p->arena);
}

static void *take_and_make(void *arg)
{
    struct process *p = arg;

    if (lease_take(&p->ctx, &p->lease, &p->ids) != OK)
        return NULL;
    for (int i = 0; i < IDS; i++)
        if (id_next(&p->ids, &p->made[i]) != OK)
            return NULL;
    return p;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void test_no_id_twice(void)
{
    static struct process processes[PROCESSES];
    static uint64_t all[PROCESSES * IDS];
    pthread_t threads[PROCESSES];

    for (int i = 0; i < PROCESSES; i++) {
        process_init(&processes[i]);
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, take_and_make, &processes[i]), 0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        void *done;
        pthread_join(threads[i], &done);
        CU_ASSERT_PTR_NOT_NULL_FATAL(done);
        for (int j = 0; j < IDS; j++) {
            CU_ASSERT_TRUE(j == 0 || processes[i].made[j] > processes[i].made[j - 1]);
            all[i * IDS + j] = processes[i].made[j];
        }
    }
    qsort(all, PROCESSES * IDS, sizeof *all, by_value);
    for (int i = 1; i < PROCESSES * IDS; i++)
        CU_ASSERT_NOT_EQUAL(all[i], all[i - 1]);
    for (int i = 0; i < PROCESSES; i++) {
        CU_ASSERT_EQUAL(lease_release(&processes[i].ctx, &processes[i].lease, &processes[i].ids), OK);
        process_done(&processes[i]);
    }
}

static void test_nothing_outside_a_lease(void)
{
    struct process p;
    uint64_t id = 7;

    process_init(&p);
    CU_ASSERT_EQUAL(id_next(&p.ids, &id), ERR_UNAVAILABLE);
    CU_ASSERT_EQUAL_FATAL(lease_take(&p.ctx, &p.lease, &p.ids), OK);
    CU_ASSERT_EQUAL(id_next(&p.ids, &id), OK);
    id_lease(&p.ids, p.lease.node, 0, clock_wall_ms() + LEASE_MS, clock_mono_ms()); /* it has just ended */
    CU_ASSERT_EQUAL(id_next(&p.ids, &id), ERR_UNAVAILABLE);
    CU_ASSERT_EQUAL(lease_renew(&p.ctx, &p.lease, &p.ids), OK);
    CU_ASSERT_EQUAL(id_next(&p.ids, &id), OK);
    CU_ASSERT_EQUAL(lease_release(&p.ctx, &p.lease, &p.ids), OK);
    CU_ASSERT_EQUAL(id_next(&p.ids, &id), ERR_UNAVAILABLE);
    process_done(&p);
}

static void test_a_lost_lease_is_noticed(void)
{
    struct process p;

    process_init(&p);
    CU_ASSERT_EQUAL_FATAL(lease_take(&p.ctx, &p.lease, &p.ids), OK);
    CU_ASSERT_EQUAL_FATAL(q_id_node_release(&p.ctx, p.lease.node, p.lease.holder, id_used_ms(&p.ids), NULL),
                          OK);
    CU_ASSERT_EQUAL(lease_renew(&p.ctx, &p.lease, &p.ids), ERR_NOT_FOUND);
    CU_ASSERT_FALSE(p.lease.held);
    CU_ASSERT_EQUAL(lease_take(&p.ctx, &p.lease, &p.ids), OK);
    CU_ASSERT_EQUAL(lease_release(&p.ctx, &p.lease, &p.ids), OK);
    process_done(&p);
}

/* The next holder begins above all that the former may have used, even if his clock was ahead. */
static void test_the_next_holder_begins_later(void)
{
    struct process p;
    uint64_t taken = 0, id = 0;
    const int64_t ahead = clock_wall_ms() + 3600 * 1000;
    struct id_node_row *nodes;
    size_t n;

    process_init(&p);
    CU_ASSERT_EQUAL_FATAL(q_id_nodes_free(&p.ctx, 0, 1, &nodes, &n), OK);
    const struct q_id_node_take_in in = {.node = nodes[0].node,
                                         .holder = 99,
                                         .lease_ms = -1, /* over at once */
                                         .used_until_ms = ahead,
                                         .seen_until_ms = nodes[0].used_until_ms};
    CU_ASSERT_EQUAL_FATAL(q_id_node_take(&p.ctx, &in, &taken), OK);
    CU_ASSERT_EQUAL(taken, 1);
    CU_ASSERT_EQUAL(q_id_node_take(&p.ctx, &in, &taken), OK);
    CU_ASSERT_EQUAL(taken, 0); /* it was used since it was seen */

    id_lease(&p.ids, (unsigned)nodes[0].node, ahead, ahead + LEASE_MS, clock_mono_ms() + LEASE_MS);
    CU_ASSERT_EQUAL(id_next(&p.ids, &id), OK);
    CU_ASSERT_TRUE(id_time_ms(id) > ahead);
    CU_ASSERT_EQUAL(q_id_node_release(&p.ctx, nodes[0].node, 99, nodes[0].used_until_ms, NULL), OK);
    process_done(&p);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"no id is made twice", test_no_id_twice},
        {"nothing is made outside a lease", test_nothing_outside_a_lease},
        {"a lost lease is noticed", test_a_lost_lease_is_noticed},
        {"the next holder begins later", test_the_next_holder_begins_later},
    };
    struct problem problem = {0};

    return conf_load(&conf, NULL, &problem) == OK ? FIXTURE_RUN("lease", tests) : 2;
}
