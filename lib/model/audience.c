/* Audiences: found in the job where the log writer said them, else in the database. */
#include "model/audience.h"

#include "model/entries.h"
#include "queries.h"

enum { FRIENDS_MAX = 50000 };

static void add(struct audience *a, uint64_t user_id, struct fan_event *event)
{
    if (a->n == a->cap) {
        const size_t cap = a->cap ? 2 * a->cap : 256;
        struct fan_target *targets = arena_array(a->ctx->arena, cap, sizeof *targets);
        if (a->n)
            memcpy(targets, a->targets, a->n * sizeof *targets);
        a->targets = targets;
        a->cap = cap;
    }
    a->targets[a->n++] = (struct fan_target){user_id, event};
}

/* ---- an entry ---- */

/* As an event on the wire. */
static struct str on_wire(struct arena *arena, struct str entry_json)
{
    struct buf b = buf_in(arena);

    buf_c(&b, "{\"type\":\"entry\",\"entry\":");
    buf_str(&b, entry_json);
    buf_char(&b, '}');
    return buf_done(&b);
}

static struct str encoded(struct arena *arena, const struct entry *entry)
{
    struct buf b = buf_in(arena);

    entry_encode(&b, entry);
    return buf_done(&b);
}

/* Who sees it in his own way is asked after it was read: what was done to it in between makes all read it. */
static enum err add_readers(struct audience *a, const struct event *e, struct told *told)
{
    const struct entry_ref ref = {e->id, e->seq};
    struct entry entry = {0}, shown = {0};
    struct seeing_row *rows;
    size_t n;

    if (e->kind == EVENT_ENTRY)
        TRY(entry_load_common(a->ctx, &ref, &entry, &shown));
    if (entry.seq)
        told->common.json = on_wire(a->ctx->arena, encoded(a->ctx->arena, &entry));
    TRY(q_members_seeing(a->ctx, e->id, e->seq, (uint64_t)shown.seq, (uint64_t)shown.changed_seq, &rows, &n));
    for (size_t i = 0; i < n; i++)
        add(a, rows[i].user_id, rows[i].apart ? &told->apart : &told->common);
    return OK;
}

/* ---- other events ---- */

static enum err add_group(struct audience *a, uint64_t group_id, struct fan_event *event)
{
    struct group_member_version_row *rows;
    size_t n;

    TRY(q_group_members_all(a->ctx, group_id, &rows, &n));
    for (size_t i = 0; i < n; i++)
        add(a, rows[i].user_id, event);
    return OK;
}

static enum err add_friends(struct audience *a, uint64_t user_id, struct fan_event *event)
{
    struct audience_row *rows;
    size_t n;

    TRY(q_outbox_audience(a->ctx, user_id, FRIENDS_MAX, &rows, &n));
    for (size_t i = 0; i < n; i++)
        add(a, rows[i].friend_id, event);
    return OK;
}

/* ---- a job ---- */

static enum err add_recipients(struct audience *a, const struct event *e, const struct ring_entry *known,
                               struct told *told)
{
    for (size_t i = 0; i < known->n_members; i++)
        add(a, known->member_ids[i], &told->common);
    if (known->n_members)
        return OK;
    if (e->kind == EVENT_ENTRY || e->kind == EVENT_AI_FINISHED)
        return add_readers(a, e, told);
    if (e->kind == EVENT_USER)
        return add_friends(a, e->id, &told->common);
    if (e->kind == EVENT_GROUP && !e->to_id)
        return add_group(a, e->id, &told->common);
    add(a, e->to_id, &told->common);
    return OK;
}

enum err audience_add(struct audience *a, const struct ringjob *job, struct told *told)
{
    struct arena *arena = a->ctx->arena;

    if (!job->outbox_id) {
        told->common = (struct fan_event){.json = job->entries[0].json, .origin = job->origin};
        return add_recipients(a, &job->events[0], &job->entries[0], told);
    }
    for (size_t i = 0; i < job->n; i++) {
        const struct event *e = &job->events[i];
        const struct str json = job->entries[i].json;
        const struct fan_event event = {.reference = event_pack(e, 1, arena),
                                        .json = STR(""),
                                        .origin = e->kind == EVENT_ENTRY ? e->origin_session : 0};
        told[i] = (struct told){event, event};
        if (json.n)
            told[i].common.json = on_wire(arena, json);
        TRY(add_recipients(a, e, &job->entries[i], &told[i]));
    }
    return OK;
}

bool audience_has_heard(const struct ringjob *job, const struct told *told)
{
    for (size_t i = 0; i < job->n; i++)
        if (told[i].common.left || told[i].apart.left)
            return false;
    return true;
}
