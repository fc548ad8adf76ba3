/* One transaction for many sends: its steps, what comes back, and who gets which seq. */
#include "model/batch.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/planted.h"
#include "model/asked.h"
#include "model/batchroster.h"
#include "model/batchtext.h"
#include "model/conversations.h"
#include "model/ringer.h"

enum { DUPLICATES_MAX = 4 };

/* One attempt. */
struct work {
    struct batch *batch;
    const struct tools *tools;
    struct item **open; /* what is not settled, by key, equal ones by arrival */
    size_t n_open;
    struct locked *convs; /* by id */
    size_t n_convs;
};

/* ---- order ---- */

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* The key of a send: (conversation, sender, client_msg_id). */
static int compare_keys(const struct send *a, const struct send *b)
{
    int order = compare_u64(a->conversation_id, b->conversation_id);

    if (!order)
        order = compare_u64(a->user_id, b->user_id);
    return order ? order : memcmp(a->client_msg_id, b->client_msg_id, sizeof a->client_msg_id);
}

/* Places in `items` are their order of arrival. */
static int compare_items(const void *a, const void *b)
{
    struct item *const *x = a, *const *y = b;
    const int order = compare_keys(&(*x)->send, &(*y)->send);

    return order ? order : compare_u64((*x)->seq, (*y)->seq);
}

static int compare_convs(const void *a, const void *b)
{
    return compare_u64(((const struct locked *)a)->id, ((const struct locked *)b)->id);
}

static struct locked *find_conv(const struct work *w, uint64_t id)
{
    const struct locked key = {.id = id};
    return bsearch(&key, w->convs, w->n_convs, sizeof key, compare_convs);
}

static void prepare(struct work *w)
{
    struct batch *b = w->batch;

    w->open = arena_array(b->arena, b->n, sizeof(struct item *));
    w->convs = arena_array(b->arena, b->n, sizeof *w->convs);
    for (size_t i = 0; i < b->n; i++) {
        struct item *item = b->items[i];
        if (item->settled)
            continue;
        item->seq = i;
        item->same_as = NULL;
        w->open[w->n_open++] = item;
    }
    qsort(w->open, w->n_open, sizeof(struct item *), compare_items);
    for (size_t i = 0; i < w->n_open; i++) {
        const uint64_t id = w->open[i]->send.conversation_id;
        if (!w->n_convs || w->convs[w->n_convs - 1].id != id)
            w->convs[w->n_convs++].id = id;
    }
}

/* ---- the first round trip: lock ---- */

static enum err on_locked(struct work *w, const struct str *columns)
{
    struct locked row = {.is_there = true};
    uint64_t *const numbers[] = {&row.id,      &row.app_id, &row.kind,     &row.low_id,
                                 &row.high_id, &row.flags,  &row.last_seq, &row.members_version};

    if (!batch_numbers(columns, numbers, sizeof numbers / sizeof *numbers))
        return ERR_UNAVAILABLE;
    struct locked *conv = find_conv(w, row.id);
    if (!conv)
        return ERR_UNAVAILABLE;
    *conv = row;
    return OK;
}

static enum err on_row(unsigned statement, const struct str *columns, unsigned n, void *arg)
{
    (void)n;
    return statement == LOCKED_ROWS ? on_locked(arg, columns) : ERR_UNAVAILABLE;
}

static enum err lock_conversations(struct work *w)
{
    return db_batch(w->tools->db, batchtext_lock(w->batch->arena, w->convs, w->n_convs), on_row, w, NULL);
}

/* ---- looking up what may have been stored before ---- */

/* Something with this id is stored: the same, or something else? */
static void settle_found(struct item *item, bool in_doubt, struct str request_hash, uint64_t seq,
                         int64_t created_at)
{
    const struct str mine = {(const char *)item->send.request_hash, sizeof item->send.request_hash};

    item->settled = true;
    item->err = str_eq(mine, request_hash) ? OK : ERR_CONFLICT;
    item->repeated = !in_doubt; /* else it was our own attempt that stored it */
    item->seq = seq;
    item->created_at = created_at;
}

static enum err on_found(unsigned statement, const struct str *columns, unsigned n, void *arg)
{
    struct work *w = arg;
    struct item key = {0};
    uint64_t seq, created_at;
    uint64_t *const numbers[] = {&key.send.conversation_id, &key.send.user_id, &seq, &created_at};

    (void)statement;
    (void)n;
    if (!batch_numbers(columns, numbers, 4) || columns[4].n != sizeof key.send.client_msg_id)
        return ERR_UNAVAILABLE;
    memcpy(key.send.client_msg_id, columns[4].p, sizeof key.send.client_msg_id);
    for (size_t i = 0; i < w->n_open; i++) {
        struct item *item = w->open[i];
        if (!item->settled && !compare_keys(&item->send, &key.send))
            settle_found(item, w->batch->in_doubt, columns[5], seq, (int64_t)created_at);
    }
    return OK;
}

/*
 * Of all that is open, or only of what was refused: a repetition answers the first result even if the
 * sender may not write any more.
 */
static enum err look_up(struct work *w, bool refused_only)
{
    struct item **wanted = arena_array(w->batch->arena, w->n_open, sizeof(struct item *));
    size_t n = 0;

    for (size_t i = 0; i < w->n_open; i++)
        if (!w->open[i]->settled && (!refused_only || w->open[i]->err != OK))
            wanted[n++] = w->open[i];
    return n ? db_batch(w->tools->db, batchtext_look_up(w->batch->arena, wanted, n), on_found, w, NULL) : OK;
}

/* ---- who may, and which seq ---- */

static enum err refuse(struct item *item, enum err err, const char *field, const char *reason)
{
    item->field = field;
    item->reason = reason;
    return err;
}

static enum err may_mention(const struct locked *conv, const struct roster_member *me, struct item *item)
{
    const struct send *s = &item->send;

    if (!s->n_mentions && !s->mentions_all)
        return OK;
    if (!conv->roster || !me)
        return refuse(item, ERR_INVALID_REQUEST, "mentions", "are for groups");
    if (s->mentions_all && me->role == GROUP_MEMBER)
        return refuse(item, ERR_FORBIDDEN, "mentions", "owner and admins alone mention all");
    for (size_t i = 0; i < s->n_mentions; i++)
        if (!roster_find(conv->roster, s->mention_ids[i]))
            return refuse(item, ERR_INVALID_REQUEST, "mentions", "names somebody who is not in the group");
    return OK;
}

/*
 * Whether a reply to a `seq` below what the sender sees is refused can be told in a group alone: in a direct
 * conversation what he cleared stands in his own row, and a reply says nothing of what is there.
 */
static enum err may_write(const struct locked *conv, struct item *item, int64_t now)
{
    const struct send *s = &item->send;
    const struct place place = {conv->kind, conv->low_id, conv->high_id, conv->flags};

    if (!conv->is_there || conv->app_id != s->app_id)
        return ERR_NOT_FOUND;
    const struct roster_member *me = conv->roster ? roster_find(conv->roster, s->user_id) : NULL;
    TRY(conversation_may_send(&place, s->user_id, me, now));
    if (s->reply_to_seq > conv->last_seq)
        return refuse(item, ERR_INVALID_REQUEST, "reply_to_seq", "is past the last entry");
    if (s->reply_to_seq && me && s->reply_to_seq < me->visible_from_seq)
        return refuse(item, ERR_INVALID_REQUEST, "reply_to_seq", "is no entry that you see");
    return may_mention(conv, me, item);
}

/* Who is told of what is written there: all who are in it now. */
static void set_members(struct arena *arena, struct locked *conv)
{
    const size_t n = conv->roster ? conv->roster->n : conv->low_id == conv->high_id ? 1 : 2;
    uint64_t *ids = arena_array(arena, n, sizeof *ids);

    for (size_t i = 0; i < n; i++)
        ids[i] = conv->roster ? conv->roster->members[i].user_id : i ? conv->high_id : conv->low_id;
    conv->member_ids = ids;
    conv->n_members = n;
}

static void number(struct work *w, struct item *item, struct locked *conv, int64_t now)
{
    struct batch *b = w->batch;

    item->seq = conv->last_seq + ++conv->added;
#if PLANTED_BUG == SEQ_FROM_CLOCK
    item->seq = (uint64_t)now * 1000 + conv->added;
#endif
    item->created_at = now;
    asked_find(conv, item);
    if (!conv->member_ids)
        set_members(b->arena, conv);
    item->member_ids = conv->member_ids;
    item->n_members = conv->n_members;
    b->written[b->n_events] = item;
    b->events[b->n_events++] = (struct event){.kind = EVENT_ENTRY,
                                              .id = item->send.conversation_id,
                                              .seq = item->seq,
                                              .origin_session = item->send.session_id};
}

/* Settles who may not, merges equal ones, numbers the others in the order of their arrival. */
static void decide(struct work *w)
{
    struct batch *b = w->batch;
    const int64_t now = clock_wall_ms();

    b->events = arena_array(b->arena, b->n, sizeof *b->events);
    b->written = arena_array(b->arena, b->n, sizeof(struct item *));
    b->n_events = 0;
    for (size_t i = 0; i < w->n_convs; i++)
        w->convs[i].added = 0;
    for (size_t i = 1; i < w->n_open; i++) {
        struct item *before = w->open[i - 1], *item = w->open[i];
        if (!before->settled && !item->settled && !compare_keys(&before->send, &item->send))
            item->same_as = before->same_as ? before->same_as : before;
    }
    for (size_t i = 0; i < b->n; i++) {
        struct item *item = b->items[i];
        if (item->settled || item->same_as)
            continue;
        struct locked *conv = find_conv(w, item->send.conversation_id);
        item->field = NULL;
        item->err = may_write(conv, item, now);
        if (item->err == OK)
            number(w, item, conv, now);
    }
}

/* ---- the second round trip: write and commit ---- */

static enum err no_rows(unsigned statement, const struct str *columns, unsigned n, void *arg)
{
    (void)statement;
    (void)columns;
    (void)n;
    (void)arg;
    return OK;
}

static enum err write_once(struct work *w, unsigned *failed)
{
    struct ringer *ringer = w->tools->ringer;
    uint64_t rung[BATCH_RUNG_MAX];
    const size_t n_rung = ringer_take(ringer, rung, BATCH_RUNG_MAX);
    const enum err numbered = asked_number(w->batch, w->tools->ids);
    if (numbered != OK) {
        ringer_untake(ringer, rung, n_rung);
        return numbered;
    }
    const struct str sql = batchtext_write(w->batch, w->convs, w->n_convs, rung, n_rung);
#if PLANTED_BUG == RING_BEFORE_COMMIT
    outbox_ring(ringer, w->batch->outbox_id, w->batch->events, w->batch->n_events, NULL);
    w->batch->n_events = 0;
#endif
    const enum err err = db_batch(w->tools->db, sql, no_rows, NULL, failed);

    if (err != OK)
        ringer_untake(ringer, rung, n_rung);
#if PLANTED_BUG == ACK_BEFORE_COMMIT
    return err == ERR_OUTCOME_UNKNOWN ? OK : err;
#endif
    return err;
}

/*
 * That an id was used before is told by the unique key: only the INSERT was undone then and the locks are
 * held, so the ids are looked up, what is left is numbered again, and it goes on.
 */
static enum err write_new(struct work *w)
{
    for (int i = 0; i < DUPLICATES_MAX && w->batch->n_events; i++) {
        unsigned failed = 0;
        const enum err err = write_once(w, &failed);
        if (err != ERR_DUPLICATE)
            return err;
        if (failed != ENTRIES_STATEMENT)
            return ERR_RETRY; /* the outbox id is taken: all again with another */
        TRY(look_up(w, false));
        decide(w);
    }
    if (w->batch->n_events)
        return ERR_RETRY;
    db_rollback(w->tools->db);
    return OK;
}

/* ---- the whole ---- */

static void settle(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        struct item *item = b->items[i];
        const struct item *first = item->same_as;
        if (item->settled)
            continue;
        item->settled = true;
        if (!first)
            continue;
        item->err = first->err;
        item->field = first->field;
        item->reason = first->reason;
        item->seq = first->seq;
        item->created_at = first->created_at;
        item->repeated = true;
        if (item->err == OK && memcmp(item->send.request_hash, first->send.request_hash, 16) != 0)
            item->err = ERR_CONFLICT;
    }
}

static enum err attempt(struct batch *b, const struct tools *tools)
{
    struct work w = {.batch = b, .tools = tools};

    prepare(&w);
    TRY(lock_conversations(&w));
    if (b->in_doubt)
        TRY(look_up(&w, false));
    b->in_doubt = false;
    TRY(batch_rosters(b, tools, w.convs, w.n_convs));
    decide(&w);
    TRY(look_up(&w, true));
    if (b->n_events)
        TRY(id_next(tools->ids, &b->outbox_id));
    return write_new(&w);
}

enum err batch_write(struct batch *b, const struct tools *tools)
{
    arena_reset(b->arena);
    b->n_events = 0;
    const enum err err = attempt(b, tools);
    if (err == OK) {
        settle(b);
        return OK;
    }
    b->n_events = 0;
    b->in_doubt |= err == ERR_OUTCOME_UNKNOWN;
    return err;
}
