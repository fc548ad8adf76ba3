/* Finder: streams of blocks, merged by time. */
#include "model/finder.h"

#include <stdlib.h>

#include "model/conversations.h"
#include "model/terms.h"
#include "queries.h"

enum { SKEW_S = 1 /* by so much an entry may be dated before the one above it: clocks of two machines */ };

struct stream {
    uint64_t conversation_id, block;
    int64_t last_s;                   /* of the block, and so of all below it */
    bool is_known;                    /* his rights were read */
    uint64_t lowest_seq, highest_seq; /* that he may see */
};

/* ---- the order ---- */

int place_compare(const struct place *a, const struct place *b)
{
    if (a->at != b->at)
        return a->at > b->at ? -1 : 1;
    if (a->conversation_id != b->conversation_id)
        return a->conversation_id > b->conversation_id ? -1 : 1;
    return (a->seq < b->seq) - (a->seq > b->seq);
}

static int compare(const void *a, const void *b)
{
    return place_compare(a, b);
}

/* The first three lead to a block; the empty one stands everywhere. */
static struct str leading(const struct finder *f, size_t i)
{
    return i < f->terms.n ? f->terms.items[i] : STR("");
}

/* ---- streams ---- */

static int64_t bound_of(const struct finder *f, const struct stream *stream)
{
    const int64_t last_s = stream->last_s + SKEW_S, to_s = (int64_t)f->to_s;

    return last_s < to_s ? last_s : to_s;
}

static struct stream *latest(const struct finder *f)
{
    struct stream *found = NULL;

    for (size_t i = 0; i < f->n_streams; i++)
        if (!found || bound_of(f, &f->streams[i]) > bound_of(f, found))
            found = &f->streams[i];
    return found;
}

static void close_stream(struct finder *f, struct stream *stream)
{
    *stream = f->streams[--f->n_streams];
}

/* Of all that he is a member of: his rights are read when a stream is looked into. */
static enum err open_all(struct finder *f)
{
    const struct q_search_newest_in in = {.user_id = f->ctx->actor.user_id,
                                          .term = leading(f, 0),
                                          .second = leading(f, 1),
                                          .third = leading(f, 2),
                                          .from_s = f->from_s,
                                          .to_s = f->to_s};
    struct search_newest_row *rows;
    size_t n;

    TRY(q_search_newest(f->ctx, &in, &rows, &n));
    f->streams = arena_array(f->ctx->arena, n, sizeof *f->streams);
    for (size_t i = 0; i < n; i++)
        if (rows[i].newest)
            f->streams[f->n_streams++] = (struct stream){.conversation_id = rows[i].conversation_id,
                                                         .block = rows[i].newest >> 32,
                                                         .last_s = rows[i].newest & UINT32_MAX};
    return OK;
}

/* Moves to the next block below `below`; the stream ends where there is none. */
static enum err move_below(struct finder *f, struct stream *stream, uint64_t below)
{
    const struct q_search_below_in in = {.conversation_id = stream->conversation_id,
                                         .lowest = stream->lowest_seq / TERMS_BLOCK,
                                         .below = below,
                                         .term = leading(f, 0),
                                         .second = leading(f, 1),
                                         .third = leading(f, 2),
                                         .from_s = f->from_s,
                                         .to_s = f->to_s};
    struct search_below_row row;
    const enum err err = q_search_below(f->ctx, &in, &row);

    if (err == ERR_NOT_FOUND) {
        close_stream(f, stream);
        return OK;
    }
    if (err == OK) {
        stream->block = row.block;
        stream->last_s = (int64_t)row.last_s;
    }
    return err;
}

static enum err read_rights(struct finder *f, struct stream *stream)
{
    struct conversation_access access;

    TRY(conversation_for_reader(f->ctx, stream->conversation_id, &access));
    stream->is_known = true;
    stream->lowest_seq = access.visible_from_seq;
    stream->highest_seq = conversation_visible_to(&access);
    return OK;
}

static enum err open_one(struct finder *f, uint64_t conversation_id)
{
    f->streams = arena_array(f->ctx->arena, 1, sizeof *f->streams);
    f->streams[f->n_streams++] = (struct stream){.conversation_id = conversation_id};
    TRY(read_rights(f, &f->streams[0]));
    return move_below(f, &f->streams[0], f->streams[0].highest_seq / TERMS_BLOCK + 1);
}

enum err finder_open(struct finder *f, uint64_t conversation_id)
{
    return conversation_id ? open_one(f, conversation_id) : open_all(f);
}

/* ---- looking into a block ---- */

/* In which of its entries all terms stand. */
static enum err read_bits(struct finder *f, const struct stream *stream, uint64_t *bits)
{
    struct search_place places[FINDER_TERMS_MAX];
    struct search_bits_row *rows;
    size_t n;

    for (size_t i = 0; i < f->terms.n; i++)
        places[i] = (struct search_place){stream->conversation_id, f->terms.items[i], stream->block};
    TRY(q_search_bits(f->ctx, places, f->terms.n, &rows, &n));
    *bits = n == f->terms.n ? UINT64_MAX : 0;
    for (size_t i = 0; i < n; i++)
        *bits &= rows[i].bits;
    return OK;
}

static void add_to_pool(struct finder *f, const struct place *place)
{
    if (f->n_pool == f->pool_room) {
        f->pool_room = f->pool_room ? 2 * f->pool_room : 256;
        struct place *pool = arena_array(f->ctx->arena, f->pool_room, sizeof *pool);
        if (f->n_pool)
            memcpy(pool, f->pool, f->n_pool * sizeof *pool);
        f->pool = pool;
    }
    f->pool[f->n_pool++] = *place;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static enum err read_block(struct finder *f, const struct stream *stream, uint64_t bits)
{
    const uint64_t first = stream->block * TERMS_BLOCK;
    const uint64_t lowest = most(first + (uint64_t)__builtin_ctzll(bits), stream->lowest_seq);
    const uint64_t highest = least(first + 63 - (uint64_t)__builtin_clzll(bits), stream->highest_seq);
    struct search_head *heads;
    size_t n;

    TRY(q_search_heads(f->ctx, stream->conversation_id, lowest, highest, &heads, &n));
    for (size_t i = 0; i < n; i++) {
        const struct place place = {heads[i].created_at, stream->conversation_id, heads[i].seq};
        if (bits >> heads[i].seq % TERMS_BLOCK & 1 && place.at >= f->from_ms &&
            place_compare(&place, &f->before) > 0)
            add_to_pool(f, &place);
    }
    return OK;
}

enum err finder_look(struct finder *f)
{
    struct stream *stream = latest(f);
    uint64_t bits;

    if (!stream->is_known) {
        const enum err err = read_rights(f, stream);
        if (err == ERR_NOT_FOUND) { /* he has left it */
            close_stream(f, stream);
            return OK;
        }
        TRY(err);
    }
    TRY(read_bits(f, stream, &bits));
    if (bits)
        TRY(read_block(f, stream, bits));
    return move_below(f, stream, stream->block);
}

/* ---- the pool ---- */

int64_t finder_bound_s(const struct finder *f)
{
    const struct stream *next = latest(f);

    return next ? bound_of(f, next) : -1;
}

size_t finder_ready(struct finder *f, size_t max)
{
    const int64_t bound_s = finder_bound_s(f);
    size_t n = 0;

    if (f->n_pool)
        qsort(f->pool, f->n_pool, sizeof *f->pool, compare);
    while (n < max && n < f->n_pool && f->pool[n].at / 1000 > bound_s)
        n++;
    return n;
}

void finder_take(struct finder *f, size_t n)
{
    if (!n)
        return;
    f->before = f->pool[n - 1];
    f->n_pool -= n;
    memmove(f->pool, f->pool + n, f->n_pool * sizeof *f->pool);
}
