/* Read marks and unread counts. */
#include "model/reads.h"

#include "base/planted.h"

/* ---- unread ---- */

enum {
    WIDTH_FIRST = 128, /* of a span that is counted at first: few have more unread */
    WIDTH_GROWS = 8,   /* at most by this in each further round */
};

/* Where something may be unread: above the mark, of what the member sees. Empty if low > high. */
static struct unread_span span_of(const struct conversation_access *access)
{
    const uint64_t above = access->read_seq + 1, first = access->visible_from_seq;

    return (struct unread_span){access->id, above > first ? above : first, conversation_visible_to(access)};
}

/* A span that is being counted: what is left of it, how much was looked at, and how much comes next. */
struct counted {
    struct unread_span left;
    uint64_t seen, width;
    struct unread *out;
};

/* Each one's next part. */
static enum err count_round(struct ctx *ctx, struct counted *some, size_t n)
{
    struct unread_span *parts = arena_array(ctx->arena, n, sizeof *parts);
    struct unread_row *rows;
    size_t n_rows;

    for (size_t i = 0; i < n; i++) {
        struct unread_span *left = &some[i].left;
        parts[i] = *left;
        if (left->high - left->low >= some[i].width)
            parts[i].high = left->low + some[i].width - 1;
        some[i].seen += parts[i].high - left->low + 1;
        left->low = parts[i].high + 1;
    }
    TRY(q_unread_counts(ctx, ctx->actor.user_id, parts, n, &rows, &n_rows));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n_rows; j++)
            if (rows[j].conversation_id == parts[i].conversation_id) {
                some[i].out->n += rows[j].unread;
                break;
            }
    return OK;
}

/* Wide enough for what is missing to 999 if the log goes on as it was, and an eighth more. */
static uint64_t next_width(const struct counted *c)
{
    const uint64_t most = WIDTH_GROWS * c->seen, n = (uint64_t)c->out->n;
    const uint64_t guess = n ? (UNREAD_MAX - n) * c->seen / n * 9 / 8 + 1 : most;

    return guess < most ? guess : most;
}

/* In rounds, until each has 999 or is at its end: of a million that count about a thousand are read. */
static enum err count_all(struct ctx *ctx, const struct unread_span *spans, size_t n, struct unread *out)
{
    struct counted *some = arena_array(ctx->arena, n, sizeof *some);
    size_t n_some = 0;

    for (size_t i = 0; i < n; i++)
        if (spans[i].low <= spans[i].high)
            some[n_some++] = (struct counted){spans[i], 0, WIDTH_FIRST, &out[i]};
    while (n_some) {
        size_t kept = 0;
        TRY(count_round(ctx, some, n_some));
        for (size_t i = 0; i < n_some; i++) {
            if (some[i].left.low > some[i].left.high || some[i].out->n >= UNREAD_MAX)
                continue;
            some[kept] = some[i];
            some[kept].width = next_width(&some[i]);
            kept++;
        }
        n_some = kept;
    }
    return OK;
}

/* Only where something is unread can somebody be mentioned. */
static enum err find_mentions(struct ctx *ctx, const struct unread_span *spans, size_t n, struct unread *out)
{
    struct unread_span *some = arena_array(ctx->arena, n, sizeof *some);
    struct mentioned_row *rows;
    size_t n_some = 0, n_rows;

    for (size_t i = 0; i < n; i++)
        if (out[i].n)
            some[n_some++] = spans[i];
    TRY(q_unread_mentions(ctx, ctx->actor.user_id, some, n_some, &rows, &n_rows));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n_rows && !out[i].mentioned; j++)
            out[i].mentioned = out[i].n && rows[j].conversation_id == spans[i].conversation_id;
    return OK;
}

enum err unread_load(struct ctx *ctx, const struct conversation_access *of, size_t n, struct unread *out)
{
    struct unread_span *spans = arena_array(ctx->arena, n, sizeof *spans);

    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n; i++)
        spans[i] = span_of(&of[i]);
    TRY(count_all(ctx, spans, n, out));
    TRY(find_mentions(ctx, spans, n, out));
    for (size_t i = 0; i < n; i++)
        out[i].n = out[i].n < UNREAD_MAX ? out[i].n : UNREAD_MAX;
    return OK;
}

/* ---- read marks ---- */

/*
 * The version is that of this moment, as the person who is told sees it: one of a later moment would let an
 * older mark pass for a newer one.
 */
static void tell(struct ctx *ctx, const struct conversation_row *conv, uint64_t to_id, uint64_t read_seq,
                 uint64_t member_version)
{
    event_add(&ctx->events, ctx->arena,
              (struct event){.kind = EVENT_CONVERSATION_READ,
                             .to_id = to_id,
                             .id = conv->id,
                             .other_id = ctx->actor.user_id,
                             .seq = read_seq,
                             .version = conv->version + member_version});
}

/* The version of a direct conversation rises for both, since both see the mark; a group sees nobody's. */
enum err read_mark_moved(struct ctx *ctx, struct conversation_row *conv, uint64_t seq)
{
    const uint64_t me = ctx->actor.user_id, peer = conversation_peer_id(conv, me);
    struct member_row row;

    if (conv->kind != CONVERSATION_DIRECT)
        return OK;
    TRY(q_conversation_touch(ctx, conv->id, NULL));
    conv->version++;
    if (peer == me)
        return OK;
    TRY(q_member_get(ctx, conv->id, peer, &row));
    tell(ctx, conv, peer, seq, row.version);
    return OK;
}

static enum err move(struct ctx *ctx, struct acting *a, uint64_t seq)
{
    TRY(q_member_set_read(ctx, a->conv.id, ctx->actor.user_id, seq, NULL));
    a->me.version++;
    TRY(read_mark_moved(ctx, &a->conv, seq));
    tell(ctx, &a->conv, ctx->actor.user_id, seq, a->me.version);
    return OK;
}

/* Reading is the end of "marked as unread", which only the own devices see. */
static enum err unmark(struct ctx *ctx, struct acting *a)
{
    TRY(q_member_set_read(ctx, a->conv.id, ctx->actor.user_id, a->me.read_seq, NULL));
    a->me.version++;
    conversation_tell(ctx, &a->conv, ctx->actor.user_id);
    return OK;
}

enum err read_mark_set(struct ctx *ctx, uint64_t conversation_id, uint64_t seq, struct read_mark *out)
{
    struct conversation_access access;
    struct unread unread;
    struct acting a;

    TRY(conversation_for_reader(ctx, conversation_id, &access));
    const uint64_t last = conversation_visible_to(&access);
    if (seq > last)
        return fail_field(ctx, "seq", "is past the last entry, %llu", (unsigned long long)last);
    out->read_seq = (int64_t)access.read_seq;
    if (seq > access.read_seq || access.marked_unread) {
        TRY(conversation_act(ctx, conversation_id, &a));
#if PLANTED_BUG == LAST_MARK_WINS
        a.me.read_seq = 0;
#endif
        if (a.me.marked_unread)
            TRY(unmark(ctx, &a));
        if (seq > a.me.read_seq) /* another device may have been faster */
            TRY(move(ctx, &a, seq));
        out->read_seq = (int64_t)(seq > a.me.read_seq ? seq : a.me.read_seq);
    }
    access.read_seq = (uint64_t)out->read_seq;
    TRY(unread_load(ctx, &access, 1, &unread));
    out->unread = unread.n;
    return OK;
}

/* ---- who read it ---- */

static const struct field readers_fields[] = {
    {.name = "items", .type = FIELD_LIST, .at = offsetof(struct readers, items), .shape = &user_shape},
    {.name = "next_cursor",
     .type = FIELD_STR,
     .flags = F_NULLABLE,
     .at = offsetof(struct readers, next_cursor)},
    {.name = "read_count", .type = FIELD_INT, .at = offsetof(struct readers, read_count)},
    {.name = "unread_count", .type = FIELD_INT, .at = offsetof(struct readers, unread_count)},
};
const struct shape readers_shape = SHAPE("ReaderList", struct readers, readers_fields);

enum err readers_page(struct ctx *ctx, const struct entry_ref *of, bool read, const struct page_in *page,
                      struct readers *out)
{
    const size_t limit = page_limit(page);
    struct page_mark after = {0};
    struct readers_count_row counts;
    struct member_id_row *rows;
    struct entry entry;
    size_t n;

    TRY(page_mark_of(ctx, page->cursor, &after));
    TRY(entry_for_reader(ctx, of, &entry));
    const uint64_t id = of->conversation_id, seq = of->seq;
    const struct q_readers_page_in those = {id, seq, entry.sender_id, after.id, limit + 1};
    const struct q_unreaders_page_in others = {id, seq, entry.sender_id, after.id, limit + 1};
    if (read)
        TRY(q_readers_page(ctx, &those, &rows, &n));
    else
        TRY(q_unreaders_page(ctx, &others, &rows, &n));
    TRY(q_readers_count(ctx, id, seq, entry.sender_id, &counts));
    *out = (struct readers){.read_count = (int64_t)counts.readers, .unread_count = (int64_t)counts.others};
    if (n > limit) {
        n = limit;
        out->next_cursor = page_cursor(ctx->arena, (struct page_mark){.id = rows[n - 1].user_id});
    }
    uint64_t *ids = arena_array(ctx->arena, n, sizeof *ids);
    struct user *users = arena_array(ctx->arena, n, sizeof *users);
    for (size_t i = 0; i < n; i++)
        ids[i] = rows[i].user_id;
    TRY(n ? users_load(ctx, ids, n, users) : OK);
    out->items = (struct list){users, n};
    return OK;
}
