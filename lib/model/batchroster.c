/* The rosters of a batch: kept ones, and those that are read under its locks. */
#include "model/batchroster.h"

#include "model/conversations.h"

bool batch_numbers(const struct str *columns, uint64_t *const *out, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        *out[i] = 0;
        if (columns[i].p && !str_u64(columns[i], out[i]))
            return false;
    }
    return true;
}

/* Rows of members as they come, one conversation after the other. */
struct gathered {
    struct arena *arena;
    struct roster_member *members;
    uint64_t *of; /* the conversation of each */
    size_t n, cap;
};

static enum err on_member(unsigned statement, const struct str *columns, unsigned n, void *arg)
{
    struct gathered *g = arg;
    uint64_t conversation_id, muted_until, assistant_id;
    struct roster_member m;
    uint64_t *const numbers[] = {&conversation_id, &m.user_id,          &m.role,
                                 &muted_until,     &m.visible_from_seq, &assistant_id};

    (void)statement;
    (void)n;
    if (!batch_numbers(columns, numbers, sizeof numbers / sizeof *numbers))
        return ERR_UNAVAILABLE;
    if (g->n == g->cap) {
        const size_t cap = g->cap ? 2 * g->cap : 256;
        struct roster_member *members = arena_array(g->arena, cap, sizeof *members);
        uint64_t *of = arena_array(g->arena, cap, sizeof *of);
        if (g->n) {
            memcpy(members, g->members, g->n * sizeof *members);
            memcpy(of, g->of, g->n * sizeof *of);
        }
        *g = (struct gathered){g->arena, members, of, g->n, cap};
    }
    m.muted_until = (int64_t)muted_until;
    m.is_assistant = assistant_id != 0;
    g->members[g->n] = m;
    g->of[g->n++] = conversation_id;
    return OK;
}

static const struct roster *copy_roster(struct arena *arena, const struct roster *from)
{
    const size_t bytes = sizeof *from + from->n * sizeof *from->members;
    return memcpy(arena_alloc(arena, bytes), from, bytes);
}

/*
 * The rosters of the batch's groups; those that are not kept are read here, under the locks. What is kept may
 * be let go by a newcomer, so the members are copied for the batch.
 */
enum err batch_rosters(struct batch *b, const struct tools *tools, struct locked *convs, size_t n_convs)
{
    struct gathered g = {.arena = b->arena};
    uint64_t *ids = arena_array(g.arena, n_convs, sizeof *ids);
    struct locked **missing = arena_array(g.arena, n_convs, sizeof(struct locked *));
    size_t n = 0;

    for (size_t i = 0; i < n_convs; i++) {
        struct locked *c = &convs[i];
        if (!c->is_there || c->kind != CONVERSATION_GROUP)
            continue;
        const struct roster *kept = rosters_get(tools->rosters, c->id, c->members_version);
        if (kept)
            c->roster = copy_roster(g.arena, kept);
        else
            ids[n] = c->id, missing[n++] = c;
    }
    TRY(n ? db_batch(tools->db, batchtext_rosters(g.arena, ids, n), on_member, &g, NULL) : OK);
    for (size_t i = 0; i < n; i++) {
        struct locked *c = missing[i];
        size_t from = 0, to;
        while (from < g.n && g.of[from] != c->id)
            from++;
        for (to = from; to < g.n && g.of[to] == c->id;)
            to++;
        c->roster = copy_roster(
            g.arena, rosters_put(tools->rosters, c->id, c->members_version, g.members + from, to - from));
    }
    return OK;
}
