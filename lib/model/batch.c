/* One transaction for many sends: its text, what comes back, and who gets which seq. */
#include "model/batch.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/id.h"
#include "model/conversations.h"
#include "model/ringer.h"

enum { DUPLICATES_MAX = 4 };

/* A conversation of the batch, locked. */
struct conv {
    uint64_t id, app_id, kind, low_id, high_id, flags, last_seq;
    bool is_there;
    uint64_t added;
};

/* One attempt. */
struct work {
    struct batch *batch;
    struct item *
        *open; /* what is not settled, by (conversation, sender, client_msg_id) and then by arrival */
    size_t n_open;
    struct conv *convs; /* by id */
    size_t n_convs;
};

/* ---- order ---- */

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

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
    return compare_u64(((const struct conv *)a)->id, ((const struct conv *)b)->id);
}

static struct conv *find_conv(const struct work *a, uint64_t id)
{
    const struct conv key = {.id = id};
    return bsearch(&key, a->convs, a->n_convs, sizeof key, compare_convs);
}

static void prepare(struct work *a)
{
    struct batch *b = a->batch;

    a->open = arena_array(b->arena, b->n, sizeof(struct item *));
    a->convs = arena_array(b->arena, b->n, sizeof *a->convs);
    for (size_t i = 0; i < b->n; i++) {
        struct item *item = b->items[i];
        if (item->settled)
            continue;
        item->seq = i;
        item->same_as = NULL;
        a->open[a->n_open++] = item;
    }
    qsort(a->open, a->n_open, sizeof(struct item *), compare_items);
    for (size_t i = 0; i < a->n_open; i++) {
        const uint64_t id = a->open[i]->send.conversation_id;
        if (!a->n_convs || a->convs[a->n_convs - 1].id != id)
            a->convs[a->n_convs++].id = id;
    }
}

/* ---- the first round trip: lock ---- */

/* The columns are numbers, or NULL, which counts as 0. */
static bool read_numbers(const struct str *columns, uint64_t *const *out, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        *out[i] = 0;
        if (columns[i].p && !str_u64(columns[i], out[i]))
            return false;
    }
    return true;
}

static enum err on_locked(struct work *a, const struct str *columns)
{
    struct conv row = {.is_there = true};
    uint64_t *const numbers[] = {&row.id,      &row.app_id, &row.kind,    &row.low_id,
                                 &row.high_id, &row.flags,  &row.last_seq};

    if (!read_numbers(columns, numbers, sizeof numbers / sizeof *numbers))
        return ERR_UNAVAILABLE;
    struct conv *conv = find_conv(a, row.id);
    if (!conv)
        return ERR_UNAVAILABLE;
    *conv = row;
    return OK;
}

enum { LOCKED_ROWS = 1 }; /* the number of the statement */

static enum err on_row(unsigned statement, const struct str *columns, unsigned n, void *arg)
{
    (void)n;
    return statement == LOCKED_ROWS ? on_locked(arg, columns) : ERR_UNAVAILABLE;
}

static enum err lock_conversations(struct work *a, struct db *db)
{
    struct buf sql = buf_in(a->batch->arena);

    buf_c(&sql,
          "START TRANSACTION;SELECT id, app_id, kind, low_id, high_id, flags, last_seq FROM conversations"
          " WHERE id IN (");
    for (size_t i = 0; i < a->n_convs; i++) {
        if (i)
            buf_char(&sql, ',');
        buf_u64(&sql, a->convs[i].id);
    }
    buf_c(&sql, ") ORDER BY id FOR UPDATE");
    return db_batch(db, buf_done(&sql), on_row, a, NULL);
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
    struct work *a = arg;
    struct item key = {0};
    uint64_t seq, created_at;
    uint64_t *const numbers[] = {&key.send.conversation_id, &key.send.user_id, &seq, &created_at};

    (void)statement;
    (void)n;
    if (!read_numbers(columns, numbers, 4) || columns[4].n != sizeof key.send.client_msg_id)
        return ERR_UNAVAILABLE;
    memcpy(key.send.client_msg_id, columns[4].p, sizeof key.send.client_msg_id);
    for (size_t i = 0; i < a->n_open; i++) {
        struct item *item = a->open[i];
        if (!item->settled && !compare_keys(&item->send, &key.send))
            settle_found(item, a->batch->in_doubt, columns[5], seq, (int64_t)created_at);
    }
    return OK;
}

/*
 * Of all that is open, or only of what was refused: a repetition answers the first result even if the
 * sender may not write any more. The index is named because MariaDB weighs all three for each of
 * the tuples otherwise, which takes longer than the whole batch.
 */
static enum err look_up(struct work *a, struct db *db, bool refused_only)
{
    struct buf sql = buf_in(a->batch->arena);
    size_t n = 0;

    buf_c(&sql, "SELECT conversation_id, sender_id, seq, created_at, client_msg_id, request_hash FROM entries"
                " FORCE INDEX (entries_client) WHERE part = 0"
                " AND (conversation_id, sender_id, client_msg_id) IN (");
    for (size_t i = 0; i < a->n_open; i++) {
        const struct send *s = &a->open[i]->send;
        if (a->open[i]->settled || (refused_only && a->open[i]->err == OK))
            continue;
        buf_c(&sql, n++ ? ",(" : "(");
        buf_u64(&sql, s->conversation_id);
        buf_char(&sql, ',');
        buf_u64(&sql, s->user_id);
        buf_c(&sql, ",0x");
        buf_hex(&sql, s->client_msg_id, sizeof s->client_msg_id);
        buf_char(&sql, ')');
    }
    buf_c(&sql, ") FOR UPDATE");
    return n ? db_batch(db, buf_done(&sql), on_found, a, NULL) : OK;
}

/* ---- who may, and which seq ---- */

static enum err may_write(const struct conv *conv, const struct send *s)
{
    if (!conv->is_there || conv->app_id != s->app_id || conv->kind != CONVERSATION_DIRECT)
        return ERR_NOT_FOUND;
    TRY(conversation_may_write(conv->low_id, conv->high_id, (unsigned)conv->flags, s->user_id));
    return s->reply_to_seq > conv->last_seq ? ERR_INVALID_REQUEST : OK;
}

static void number(struct work *a, struct item *item, struct conv *conv, int64_t now)
{
    struct batch *b = a->batch;

    item->seq = conv->last_seq + ++conv->added;
    item->created_at = now;
    item->member_ids[0] = conv->low_id;
    item->member_ids[1] = conv->high_id;
    item->n_members = conv->low_id == conv->high_id ? 1 : 2;
    b->written[b->n_events] = item;
    b->events[b->n_events++] = (struct event){.kind = EVENT_ENTRY,
                                              .id = item->send.conversation_id,
                                              .seq = item->seq,
                                              .origin_session = item->send.session_id};
}

/* Settles who may not, merges equal ones, numbers the others in the order of their arrival. */
static void decide(struct work *a)
{
    struct batch *b = a->batch;
    const int64_t now = clock_wall_ms();

    b->events = arena_array(b->arena, b->n, sizeof *b->events);
    b->written = arena_array(b->arena, b->n, sizeof(struct item *));
    b->n_events = 0;
    for (size_t i = 0; i < a->n_convs; i++)
        a->convs[i].added = 0;
    for (size_t i = 1; i < a->n_open; i++) {
        struct item *before = a->open[i - 1], *item = a->open[i];
        if (!before->settled && !item->settled && !compare_keys(&before->send, &item->send))
            item->same_as = before->same_as ? before->same_as : before;
    }
    for (size_t i = 0; i < b->n; i++) {
        struct item *item = b->items[i];
        if (item->settled || item->same_as)
            continue;
        struct conv *conv = find_conv(a, item->send.conversation_id);
        item->err = may_write(conv, &item->send);
        if (item->err == OK)
            number(a, item, conv, now);
    }
}

/* ---- the second round trip: write and commit ---- */

enum { ENTRIES_STATEMENT = 0 };

static void add_entries(struct buf *sql, const struct batch *b)
{
    buf_c(sql,
          "INSERT INTO entries (conversation_id, seq, sender_id, client_msg_id, part, request_hash, type,"
          " counts, content, reply_to_seq, created_at) VALUES ");
    for (size_t i = 0; i < b->n_events; i++) {
        const struct item *item = b->written[i];
        const struct send *s = &item->send;
        const uint64_t numbers[] = {s->conversation_id, item->seq, s->user_id};
        buf_c(sql, i ? ",(" : "(");
        for (size_t j = 0; j < 3; j++) {
            buf_u64(sql, numbers[j]);
            buf_char(sql, ',');
        }
        buf_c(sql, "0x");
        buf_hex(sql, s->client_msg_id, sizeof s->client_msg_id);
        buf_c(sql, ",0,0x");
        buf_hex(sql, s->request_hash, sizeof s->request_hash);
        buf_char(sql, ',');
        buf_i64(sql, s->type);
        buf_c(sql, ",1,0x");
        buf_hex(sql, s->content.p, s->content.n);
        buf_char(sql, ',');
        if (s->reply_to_seq)
            buf_u64(sql, s->reply_to_seq);
        else
            buf_c(sql, "NULL");
        buf_char(sql, ',');
        buf_i64(sql, item->created_at);
        buf_char(sql, ')');
    }
}

/* One UPDATE for all conversations that grew by the same k. */
static void add_updates(struct buf *sql, const struct work *a, int64_t now)
{
    for (uint64_t k = 1, done = 0; done < a->batch->n_events; k++) {
        bool first = true;
        for (size_t i = 0; i < a->n_convs; i++) {
            if (a->convs[i].added != k)
                continue;
            if (first) {
                buf_c(sql, ";UPDATE conversations SET last_seq = last_seq + ");
                buf_u64(sql, k);
                buf_c(sql, ", last_at = GREATEST(last_at, ");
                buf_i64(sql, now);
                buf_c(sql, ") WHERE id IN (");
            } else {
                buf_char(sql, ',');
            }
            first = false;
            buf_u64(sql, a->convs[i].id);
            done += k;
        }
        if (!first)
            buf_char(sql, ')');
    }
}

static void add_outbox(struct buf *sql, struct batch *b, const uint64_t *rung, size_t n_rung)
{
    const struct str packed = event_pack(b->events, b->n_events, b->arena);

    buf_c(sql, ";INSERT INTO outbox (id, created_at, claimed_until, events) VALUES (");
    buf_u64(sql, b->outbox_id);
    buf_c(sql, ",CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED),0,0x");
    buf_hex(sql, packed.p, packed.n);
    buf_char(sql, ')');
    for (size_t i = 0; i < n_rung; i++) {
        buf_c(sql, i ? "," : ";DELETE FROM outbox WHERE id IN (");
        buf_u64(sql, rung[i]);
    }
    if (n_rung)
        buf_char(sql, ')');
}

static enum err no_rows(unsigned statement, const struct str *columns, unsigned n, void *arg)
{
    (void)statement;
    (void)columns;
    (void)n;
    (void)arg;
    return OK;
}

static enum err write_once(struct work *a, struct db *db, struct ringer *ringer, unsigned *failed)
{
    struct batch *b = a->batch;
    struct buf sql = buf_in(b->arena);
    uint64_t rung[BATCH_RUNG_MAX];
    const size_t n_rung = ringer_take(ringer, rung, BATCH_RUNG_MAX);

    add_entries(&sql, b);
    add_updates(&sql, a, b->written[0]->created_at);
    add_outbox(&sql, b, rung, n_rung);
    buf_c(&sql, ";COMMIT");
    const enum err err = db_batch(db, buf_done(&sql), no_rows, NULL, failed);
    if (err != OK)
        ringer_untake(ringer, rung, n_rung);
    return err;
}

/*
 * That an id was used before is told by the unique key: only the INSERT was undone then and the locks are
 * held, so the ids are looked up, what is left is numbered again, and it goes on.
 */
static enum err write_new(struct work *a, struct db *db, struct ringer *ringer)
{
    for (int i = 0; i < DUPLICATES_MAX && a->batch->n_events; i++) {
        unsigned failed = 0;
        const enum err err = write_once(a, db, ringer, &failed);
        if (err != ERR_DUPLICATE)
            return err;
        if (failed != ENTRIES_STATEMENT)
            return ERR_RETRY; /* the outbox id is taken: all again with another */
        TRY(look_up(a, db, false));
        decide(a);
    }
    if (a->batch->n_events)
        return ERR_RETRY;
    db_rollback(db);
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
        item->seq = first->seq;
        item->created_at = first->created_at;
        item->repeated = true;
        if (item->err == OK && memcmp(item->send.request_hash, first->send.request_hash, 16) != 0)
            item->err = ERR_CONFLICT;
    }
}

static enum err attempt(struct batch *b, struct db *db, struct id_maker *ids, struct ringer *ringer)
{
    struct work a = {.batch = b};

    prepare(&a);
    TRY(lock_conversations(&a, db));
    if (b->in_doubt)
        TRY(look_up(&a, db, false));
    b->in_doubt = false;
    decide(&a);
    TRY(look_up(&a, db, true));
    if (b->n_events)
        TRY(id_next(ids, &b->outbox_id));
    return write_new(&a, db, ringer);
}

enum err batch_write(struct batch *b, struct db *db, struct id_maker *ids, struct ringer *ringer)
{
    arena_reset(b->arena);
    b->n_events = 0;
    const enum err err = attempt(b, db, ids, ringer);
    if (err == OK) {
        settle(b);
        return OK;
    }
    b->n_events = 0;
    b->in_doubt |= err == ERR_OUTCOME_UNKNOWN;
    return err;
}
