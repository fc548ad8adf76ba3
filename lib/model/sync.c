/* Sync: conversations in batches, their entries in batches, until the answer is full. */
#include "model/sync.h"

#include <stdlib.h>

#include "ext/json.h"
#include "model/entries.h"

enum {
    LOOKED_AT_MAX = 1000,   /* conversations in one call */
    BATCH = 256,            /* rows of one statement, of conversations and of entries */
    FRAME_MAX = 16 * 1024,  /* what stands around the changes; the removed ids */
    CHANGE_FRAME_MAX = 256, /* what stands around a conversation and its entries */
    FULL = SYNC_ANSWER_MAX - FRAME_MAX,
};

#define AT(member) .at = offsetof(struct sync_change, member)
static const struct field sync_change_fields[] = {
    {.name = "conversation", .type = FIELD_OBJECT, AT(conversation), .shape = &conversation_shape},
    {.name = "from_seq", .type = FIELD_INT, AT(from_seq)},
    {.name = "to_seq", .type = FIELD_INT, AT(to_seq)},
    {.name = "limited", .type = FIELD_BOOL, AT(limited)},
    {.name = "items", .type = FIELD_JSON, AT(items)},
    {.name = "changed", .type = FIELD_JSON, AT(changed)},
    {.name = "changed_limited", .type = FIELD_BOOL, AT(changed_limited)},
};
#undef AT
const struct shape sync_change_shape = SHAPE("SyncChange", struct sync_change, sync_change_fields);

/* ---- what the caller holds ---- */

/* In the order of ids. */
struct known {
    struct sync_known *items;
    size_t n;
};

static int by_id(const void *a, const void *b)
{
    const uint64_t x = ((const struct sync_known *)a)->id, y = ((const struct sync_known *)b)->id;
    return x < y ? -1 : x > y;
}

static enum err known_sort(struct ctx *ctx, const struct list *list, struct known *out)
{
    out->n = list->n;
    out->items = arena_array(ctx->arena, list->n, sizeof *out->items);
    if (!list->n)
        return OK;
    memcpy(out->items, list->items, list->n * sizeof *out->items);
    qsort(out->items, out->n, sizeof *out->items, by_id);
    for (size_t i = 1; i < out->n; i++)
        if (out->items[i].id == out->items[i - 1].id)
            return fail_field(ctx, "conversations", "names %llu twice", (unsigned long long)out->items[i].id);
    return OK;
}

static const struct sync_known *known_find(const struct known *known, uint64_t id)
{
    const struct sync_known wanted = {.id = id};
    return known->n ? bsearch(&wanted, known->items, known->n, sizeof wanted, by_id) : NULL;
}

/* How far the list speaks: a full one says nothing of what is above its highest id. */
static uint64_t known_until(const struct known *known, uint64_t after)
{
    const uint64_t highest = known->n ? known->items[known->n - 1].id : 0;
    return known->n == SYNC_KNOWN_MAX && highest > after ? highest : UINT64_MAX;
}

/* ---- what is there ---- */

struct sync {
    struct ctx *ctx;
    struct known known;
    size_t limit;
    struct conversation_access *seen; /* all that he may read above `after`, up to where this call looks */
    size_t n_seen;
    uint64_t *ids; /* of those that changed */
    size_t n_ids;
    struct sync_change *changes;
    size_t n, bytes;
};

static bool is_changed(const struct conversation_access *a, const struct sync_known *held)
{
    return !held || conversation_visible_to(a) > (uint64_t)held->seq ||
           (held->has_version && a->version + a->member_version > (uint64_t)held->version);
}

/* Fills in what there is; `*end` is the id up to which it was looked at, 0 for all. */
static enum err look(struct sync *s, uint64_t after, uint64_t *end)
{
    const uint64_t until = known_until(&s->known, after);

    TRY(conversations_for_reader(s->ctx, after, LOOKED_AT_MAX + 1, &s->seen, &s->n_seen));
    const bool is_cut = s->n_seen > LOOKED_AT_MAX;
    if (is_cut)
        s->n_seen = LOOKED_AT_MAX;
    *end = is_cut ? s->seen[s->n_seen - 1].id : until == UINT64_MAX ? 0 : until;
    if (*end > until)
        *end = until;
    while (s->n_seen && s->seen[s->n_seen - 1].id > until)
        s->n_seen--;
    s->ids = arena_array(s->ctx->arena, s->n_seen, sizeof *s->ids);
    s->changes = arena_array(s->ctx->arena, s->n_seen, sizeof *s->changes);
    for (size_t i = 0; i < s->n_seen; i++)
        if (is_changed(&s->seen[i], known_find(&s->known, s->seen[i].id)))
            s->ids[s->n_ids++] = s->seen[i].id;
    return OK;
}

/* ---- one conversation ---- */

/* The entries that a batch of conversations wants, the newest of each first; read when they are needed. */
struct wanted {
    struct entry_ref *refs;
    struct entry *entries;
    size_t n, n_read;
};

static enum err wanted_read(struct ctx *ctx, struct wanted *w, size_t upto)
{
    while (w->n_read < upto) {
        const size_t left = w->n - w->n_read, n = left < BATCH ? left : BATCH;
        TRY(entries_load(ctx, &w->refs[w->n_read], n, &w->entries[w->n_read]));
        w->n_read += n;
    }
    return OK;
}

static struct str json_of(struct arena *arena, const struct entry *entry, uint64_t seq)
{
    const struct entry hidden = {.seq = (int64_t)seq, .hidden = true};
    struct buf b = buf_in(arena);

    entry_encode(&b, entry->seq ? entry : &hidden);
    return buf_done(&b);
}

static struct str join_reversed(struct arena *arena, const struct str *json, size_t n)
{
    struct buf b = buf_in(arena);

    buf_char(&b, '[');
    for (size_t i = n; i > 0; i--) {
        buf_str(&b, json[i - 1]);
        if (i > 1)
            buf_char(&b, ',');
    }
    buf_char(&b, ']');
    return buf_done(&b);
}

/* How many entries he may see and does not hold: all up to the conversation's last. */
static size_t missing(const struct conversation *conv, const struct sync_known *held)
{
    const int64_t above = held && held->seq >= conv->first_seq ? held->seq : conv->first_seq - 1;
    return conv->last_seq > above ? (size_t)(conv->last_seq - above) : 0;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * What was done, after what he holds, to entries that he holds, which the items do not say. `*is_full` if it
 * has to wait; the first of an answer goes in with as many as fit.
 */
static enum err add_changed(struct sync *s, const struct sync_known *held, struct sync_change *change,
                            size_t *bytes, bool *is_full)
{
    const struct q_entries_changed_in in = {.conversation_id = held->id,
                                            .after = (uint64_t)held->seq,
                                            .lowest = (uint64_t)change->conversation.first_seq,
                                            .highest = (uint64_t)held->seq,
                                            .max = SYNC_CHANGED_MAX + 1};
    struct buf b = buf_in(s->ctx->arena);
    struct entry_row *rows;
    size_t n;

    TRY(q_entries_changed(s->ctx, &in, &rows, &n));
    change->changed_limited = n > SYNC_CHANGED_MAX;
    n = least(n, SYNC_CHANGED_MAX);
    struct entry *entries = arena_array(s->ctx->arena, n, sizeof *entries);
    TRY(entries_show(s->ctx, rows, n, entries));
    buf_char(&b, '[');
    for (size_t i = 0; i < n; i++) {
        if (entries[i].hidden) /* he was told by itself */
            continue;
        const struct str json = json_of(s->ctx->arena, &entries[i], rows[i].seq);
        if (s->bytes + *bytes + b.n + json.n + 1 > FULL) {
            *is_full = s->n > 0;
            change->changed_limited = true;
            break;
        }
        if (b.n > 1)
            buf_char(&b, ',');
        buf_str(&b, json);
    }
    buf_char(&b, ']');
    change->changed = buf_done(&b);
    *bytes += b.n;
    return OK;
}

/*
 * Adds a conversation with those of its `n` entries that fit; `*is_full` if it has to wait for the next
 * answer. The first of an answer always goes in, with fewer entries if it must. `last_changed`: the last
 * operation on anything there, or 0.
 */
static enum err add(struct sync *s, const struct conversation *conv, const struct wanted *w, size_t first,
                    size_t n, uint64_t last_changed, bool *is_full)
{
    const struct sync_known *held = known_find(&s->known, conv->id);
    struct str *json = arena_array(s->ctx->arena, n, sizeof *json);
    struct buf head = buf_in(s->ctx->arena);
    size_t fit = 0;

    json_encode(&head, &conversation_shape, conv);
    size_t bytes = CHANGE_FRAME_MAX + head.n;
    for (; fit < n; fit++) {
        json[fit] = json_of(s->ctx->arena, &w->entries[first + fit], w->refs[first + fit].seq);
        if (s->bytes + bytes + json[fit].n + 1 > FULL)
            break;
        bytes += json[fit].n + 1;
    }
    *is_full = s->n && (fit < n || s->bytes + bytes > FULL);
    if (*is_full)
        return OK;
    struct sync_change *change = &s->changes[s->n];
    *change = (struct sync_change){
        .conversation = *conv,
        .from_seq = conv->last_seq - (int64_t)fit + 1,
        .to_seq = conv->last_seq,
        .limited = fit < missing(conv, held),
        .items = join_reversed(s->ctx->arena, json, fit),
        .changed = STR("[]"),
    };
    if (change->limited && held && last_changed > (uint64_t)held->seq)
        TRY(add_changed(s, held, change, &bytes, is_full));
    if (*is_full)
        return OK;
    s->bytes += bytes;
    s->n++;
    return OK;
}

/* ---- all of them ---- */

static uint64_t last_changed_of(const struct last_changed_row *rows, size_t n, uint64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].conversation_id == id)
            return rows[i].changed_seq;
    return 0;
}

/* Adds a batch of conversations; `*stopped_at` is the index of the one that did not fit any more, or n. */
static enum err add_batch(struct sync *s, const uint64_t *ids, size_t n, size_t *stopped_at)
{
    struct conversation *found = arena_array(s->ctx->arena, n, sizeof *found);
    struct wanted w = {.refs = arena_array(s->ctx->arena, n * s->limit, sizeof *w.refs)};
    struct last_changed_row *changed;
    bool is_full = false;
    size_t first = 0, n_changed;

    TRY(conversations_load(s->ctx, ids, n, found));
    TRY(q_entries_last_changed(s->ctx, ids, n, &changed, &n_changed));
    for (size_t i = 0; i < n; i++) {
        const size_t k = least(missing(&found[i], known_find(&s->known, ids[i])), s->limit);
        for (size_t j = 0; found[i].id && j < k; j++)
            w.refs[w.n++] = (struct entry_ref){ids[i], (uint64_t)found[i].last_seq - j};
    }
    w.entries = arena_array(s->ctx->arena, w.n, sizeof *w.entries);
    for (*stopped_at = 0; *stopped_at < n; ++*stopped_at) {
        const struct conversation *conv = &found[*stopped_at];
        if (!conv->id) /* gone since we looked: the next sync removes it */
            continue;
        const size_t k = least(missing(conv, known_find(&s->known, conv->id)), s->limit);
        TRY(wanted_read(s->ctx, &w, first + k));
        TRY(add(s, conv, &w, first, k, last_changed_of(changed, n_changed, conv->id), &is_full));
        if (is_full)
            return OK;
        first += k;
    }
    return OK;
}

/* The id before `id` among those that were looked at: everything up to it is told. */
static uint64_t id_before(const struct sync *s, uint64_t id)
{
    size_t i = 0;

    while (i + 1 < s->n_seen && s->seen[i + 1].id < id)
        i++;
    return s->seen[i].id;
}

/* What he names between `after` and `end` and may not read. */
static struct list removed(const struct sync *s, uint64_t after, uint64_t end)
{
    uint64_t *ids = arena_array(s->ctx->arena, s->known.n, sizeof *ids);
    size_t n = 0, seen = 0;

    for (size_t i = 0; i < s->known.n; i++) {
        const uint64_t id = s->known.items[i].id;
        if (id <= after || (end && id > end))
            continue;
        while (seen < s->n_seen && s->seen[seen].id < id)
            seen++;
        if (seen == s->n_seen || s->seen[seen].id != id)
            ids[n++] = id;
    }
    return (struct list){ids, n};
}

enum err sync_read(struct ctx *ctx, const struct list *known, size_t limit, uint64_t after,
                   struct sync_answer *out)
{
    struct sync s = {.ctx = ctx, .limit = limit};
    uint64_t end;

    TRY(known_sort(ctx, known, &s.known));
    TRY(look(&s, after, &end));
    for (size_t at = 0; at < s.n_ids;) {
        const size_t n = least(s.n_ids - at, BATCH);
        size_t stopped_at;
        TRY(add_batch(&s, s.ids + at, n, &stopped_at));
        at += stopped_at;
        if (stopped_at < n) {
            end = id_before(&s, s.ids[at]);
            break;
        }
    }
    *out = (struct sync_answer){.changes = {s.changes, s.n}, .removed = removed(&s, after, end), .next = end};
    return OK;
}
