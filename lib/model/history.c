/* History: pages of a log with the reader's rights. */
#include "model/history.h"

#include "base/planted.h"
#include "model/conversations.h"
#include "model/entries.h"

/* What a reader may see, and the page that is being made of it. */
struct page {
    struct ctx *ctx;
    uint64_t id, from, to;
    struct buf items;
    size_t n;
};

static enum err begin(struct ctx *ctx, uint64_t id, struct page *p)
{
    struct conversation_access access;

    TRY(conversation_for_reader(ctx, id, &access));
    *p = (struct page){.ctx = ctx,
                       .id = id,
                       .from = access.visible_from_seq,
                       .to = conversation_visible_to(&access),
                       .items = buf_in(ctx->arena)};
    buf_char(&p->items, '[');
    return OK;
}

static void add(struct page *p, struct str entry)
{
    if (p->n++)
        buf_char(&p->items, ',');
    buf_str(&p->items, entry);
}

static struct str encode(const struct page *p, const struct entry *entry)
{
    struct buf b = buf_in(p->ctx->arena);

    entry_encode(&b, entry);
    return buf_done(&b);
}

/* The JSON of each row, as the reader sees it. */
static enum err encode_rows(const struct page *p, const struct entry_row *rows, size_t n, struct str **json)
{
    struct entry *entries = arena_array(p->ctx->arena, n, sizeof *entries);

    *json = arena_array(p->ctx->arena, n, sizeof **json);
    TRY(entries_show(p->ctx, rows, n, entries));
    for (size_t i = 0; i < n; i++)
        (*json)[i] = encode(p, &entries[i]);
    return OK;
}

/* How many of them, from the first on, fit into so many bytes. */
static size_t fit(const struct str *json, size_t n, size_t *room)
{
    size_t i = 0;

    for (; i < n && json[i].n + 1 <= *room; i++)
        *room -= json[i].n + 1;
    return i;
}

static struct q_entries_below_in range(const struct page *p, uint64_t lowest, uint64_t highest, size_t max)
{
    return (struct q_entries_below_in){p->id, lowest, highest, p->ctx->actor.user_id, max};
}

static void end(struct page *p, uint64_t lowest, uint64_t highest, struct history_page *out)
{
    struct buf covers = buf_in(p->ctx->arena);

    buf_char(&p->items, ']');
    buf_printf(&covers, "[%llu,%llu]", (unsigned long long)lowest, (unsigned long long)highest);
    *out = (struct history_page){.items = buf_done(&p->items),
                                 .covers = p->n ? buf_done(&covers) : STR_NONE,
                                 .last_seq = (int64_t)p->to};
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Of `n` rows downwards, `kept` are in the page: down to where it was full, or else to the first that may be
 * seen. */
static uint64_t lowest_of(const struct page *p, const struct entry_row *rows, size_t n, size_t kept,
                          size_t limit)
{
    return kept < n || n == limit ? rows[kept - 1].seq : p->from;
}

enum err history_before(struct ctx *ctx, uint64_t conversation_id, uint64_t before_seq, size_t limit,
                        struct history_page *out)
{
    size_t n, room = HISTORY_PAGE_MAX;
    struct entry_row *rows;
    struct str *json;
    struct page p;

    TRY(begin(ctx, conversation_id, &p));
#if PLANTED_BUG == PAGE_OFF_BY_ONE
    before_seq -= before_seq > 2 && before_seq <= p.to;
#endif
    const uint64_t highest = least(before_seq - 1, p.to);
    const struct q_entries_below_in of = range(&p, p.from, highest, limit);
    TRY(q_entries_below(ctx, &of, &rows, &n));
    TRY(encode_rows(&p, rows, n, &json));
    const size_t kept = fit(json, n, &room);
    for (size_t i = 0; i < kept; i++)
        add(&p, json[i]);
    end(&p, n ? lowest_of(&p, rows, n, kept, limit) : 0, highest, out);
    return OK;
}

enum err history_around(struct ctx *ctx, uint64_t conversation_id, uint64_t around_seq, size_t limit,
                        struct history_page *out)
{
    const size_t half = (limit + 1) / 2;
    size_t n_below, n_above, room = HISTORY_PAGE_MAX / 2;
    struct str *json_below, *json_above;
    struct entry_row *below, *above;
    struct page p;

    TRY(begin(ctx, conversation_id, &p));
    const uint64_t middle = least(around_seq, p.to);
    const struct q_entries_below_in down = range(&p, p.from, middle, half);
    TRY(q_entries_below(ctx, &down, &below, &n_below));
    const struct q_entries_above_in up = {p.id, most(middle + 1, p.from), p.to, ctx->actor.user_id,
                                          limit - n_below};
    TRY(q_entries_above(ctx, &up, &above, &n_above));
    TRY(encode_rows(&p, below, n_below, &json_below));
    TRY(encode_rows(&p, above, n_above, &json_above));
    const size_t kept_below = fit(json_below, n_below, &room);
    room += HISTORY_PAGE_MAX / 2;
    const size_t kept_above = fit(json_above, n_above, &room);
    for (size_t i = kept_above; i > 0; i--)
        add(&p, json_above[i - 1]);
    for (size_t i = 0; i < kept_below; i++)
        add(&p, json_below[i]);
    const bool is_cut = kept_above < n_above || n_above == limit - n_below;
    /* Above the middle there may be places that are not shown: without a cut, all of them are in the page. */
    const uint64_t highest = !n_above                ? (limit > n_below ? most(middle, p.to) : middle)
                             : is_cut && !kept_above ? middle
                             : is_cut                ? above[kept_above - 1].seq
                                                     : p.to;
    end(&p, n_below ? lowest_of(&p, below, n_below, kept_below, half) : p.from, highest, out);
    return OK;
}

enum err history_after(struct ctx *ctx, uint64_t conversation_id, uint64_t after_seq, size_t limit,
                       struct history_page *out)
{
    struct entry_row *rows;
    struct str *json;
    struct page p;
    size_t n, next = 0;

    TRY(begin(ctx, conversation_id, &p));
    const uint64_t first = after_seq + 1;
    uint64_t last = first > p.to ? after_seq : least(p.to, after_seq + limit);
    TRY(q_entries_log(ctx, p.id, most(first, p.from), last, limit, &rows, &n));
    TRY(encode_rows(&p, rows, n, &json));
    for (uint64_t seq = first; seq <= last; seq++) {
        const bool is_there = next < n && rows[next].seq == seq;
        const struct entry hidden = {.seq = (int64_t)seq, .hidden = true};
        const struct str one = is_there ? json[next++] : encode(&p, &hidden);
        if (p.items.n + one.n + 2 > HISTORY_PAGE_MAX)
            last = seq - 1;
        else
            add(&p, one);
    }
    end(&p, first, last, out);
    return OK;
}
