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

static void add(struct page *p, const struct entry *entry)
{
    if (p->n++)
        buf_char(&p->items, ',');
    entry_encode(&p->items, entry);
}

static void add_row(struct page *p, const struct entry_row *row)
{
    struct entry entry;

    entry_from_row(p->ctx->arena, row, &entry);
    add(p, &entry);
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

/* Down to where the page is full, or else to the first that may be seen. */
static uint64_t lowest_of(const struct page *p, const struct entry_row *rows, size_t n, size_t limit)
{
    return n == limit ? rows[n - 1].seq : p->from;
}

enum err history_before(struct ctx *ctx, uint64_t conversation_id, uint64_t before_seq, size_t limit,
                        struct history_page *out)
{
    struct entry_row *rows;
    struct page p;
    size_t n;

    TRY(begin(ctx, conversation_id, &p));
#if PLANTED_BUG == PAGE_OFF_BY_ONE
    before_seq -= before_seq > 2 && before_seq <= p.to;
#endif
    const uint64_t highest = least(before_seq - 1, p.to);
    TRY(q_entries_below(ctx, p.id, p.from, highest, limit, &rows, &n));
    for (size_t i = 0; i < n; i++)
        add_row(&p, &rows[i]);
    end(&p, n ? lowest_of(&p, rows, n, limit) : 0, highest, out);
    return OK;
}

enum err history_around(struct ctx *ctx, uint64_t conversation_id, uint64_t around_seq, size_t limit,
                        struct history_page *out)
{
    const size_t half = (limit + 1) / 2;
    struct entry_row *below, *above;
    size_t n_below, n_above;
    struct page p;

    TRY(begin(ctx, conversation_id, &p));
    const uint64_t middle = least(around_seq, p.to);
    TRY(q_entries_below(ctx, p.id, p.from, middle, half, &below, &n_below));
    TRY(q_entries_above(ctx, p.id, most(middle + 1, p.from), p.to, limit - n_below, &above, &n_above));
    for (size_t i = n_above; i > 0; i--)
        add_row(&p, &above[i - 1]);
    for (size_t i = 0; i < n_below; i++)
        add_row(&p, &below[i]);
    const uint64_t highest = n_above == limit - n_below && n_above ? above[n_above - 1].seq : p.to;
    end(&p, n_below ? lowest_of(&p, below, n_below, half) : p.from, n_above ? highest : middle, out);
    return OK;
}

enum err history_after(struct ctx *ctx, uint64_t conversation_id, uint64_t after_seq, size_t limit,
                       struct history_page *out)
{
    struct entry_row *rows;
    struct page p;
    size_t n, next = 0;

    TRY(begin(ctx, conversation_id, &p));
    const uint64_t first = after_seq + 1;
    const uint64_t last = first > p.to ? after_seq : least(p.to, after_seq + limit);
    TRY(q_entries_above(ctx, p.id, most(first, p.from), last, limit, &rows, &n));
    for (uint64_t seq = first; seq <= last; seq++) {
        if (next < n && rows[next].seq == seq)
            add_row(&p, &rows[next++]);
        else
            add(&p, &(struct entry){.seq = (int64_t)seq, .hidden = true});
    }
    end(&p, first, last, out);
    return OK;
}
