/*
 * Finder: where in somebody's conversations some terms stand together, the newest first.
 *
 * A merge: each conversation is a stream of blocks (terms.h), the newest first, with a time that nothing left
 * in it is after. finder_look() looks into the stream with the latest time; what it finds is in the pool, and
 * may be taken once no stream can have anything later. Only rights are decided here that hold for a whole
 * conversation.
 */
#ifndef MODEL_FINDER_H
#define MODEL_FINDER_H

#include "base/err.h"
#include "model/ctx.h"
#include "model/wording.h"

enum { FINDER_TERMS_MAX = 16 };

/* Where a hit stands in the order: the newest first, then by conversation and seq, downwards. */
struct place {
    int64_t at;
    uint64_t conversation_id, seq;
};

struct stream;

struct finder {
    struct ctx *ctx;
    struct terms terms;    /* the rarest first; at least one, at most FINDER_TERMS_MAX */
    struct place before;   /* hits are behind this; raised by who takes them */
    int64_t from_ms;       /* and not earlier */
    uint64_t from_s, to_s; /* of from_ms and of `before`, as it was at the beginning */

    struct stream *streams;
    size_t n_streams; /* 0: nothing more to look into */
    struct place *pool;
    size_t n_pool, pool_room;
};

/* Looks for the first of all that the actor may be able to read, or in one conversation (ERR_NOT_FOUND). */
enum err finder_open(struct finder *f, uint64_t conversation_id) MUST_CHECK;
/* Into the stream with the latest time; there is one. */
enum err finder_look(struct finder *f) MUST_CHECK;
/* No stream has anything that is later than the end of this second; -1: there is none. */
int64_t finder_bound_s(const struct finder *f);
/* How many of the pool, at most `max`, can be taken: nothing will come before them. They are the first of
 * f->pool. */
size_t finder_ready(struct finder *f, size_t max);
void finder_take(struct finder *f, size_t n);

/* Below 0: a comes before b. */
int place_compare(const struct place *a, const struct place *b);

#endif
