/* The walk over record headers, and over the lengths of names and values inside the parameters. */
#include "web/walk.h"

enum { HEADER = 8, BEGIN_BODY = 8, VERSION = 1, RESPONDER = 1, KEEP_CONN = 1 };
enum { BEGIN_REQUEST = 1, ABORT_REQUEST = 2, PARAMS = 4, STDIN = 5, DATA = 8 };

struct record {
    uint8_t version, type;
    uint16_t id;
    size_t content, padding;
    const unsigned char *body;
};

/* The parameters as a stream that goes on from record to record: pairs of lengths, then their bytes. */
struct pairs {
    size_t skip;         /* bytes of a name and value that are still to come */
    uint32_t lengths[2]; /* of the pair that begins */
    unsigned n_lengths;  /* known of it */
    unsigned missing;    /* bytes of a length that is being read */
    size_t total;
};

struct state {
    enum { AT_BEGIN, IN_PARAMS, IN_BODY } where;
    struct pairs pairs;
    size_t body;
};

static bool read_record(const unsigned char *p, size_t n, struct record *r)
{
    if (n < HEADER)
        return false;
    *r = (struct record){.version = p[0],
                         .type = p[1],
                         .id = (uint16_t)(p[2] << 8 | p[3]),
                         .content = (size_t)(p[4] << 8 | p[5]),
                         .padding = p[6],
                         .body = p + HEADER};
    return true;
}

/* One byte of a length: 1 byte below 128, else 4 with the top bit set. */
static void pairs_length(struct pairs *s, unsigned char c)
{
    uint32_t *length = &s->lengths[s->n_lengths];

    if (s->missing) {
        *length = *length << 8 | c;
        s->missing--;
    } else {
        *length = c & 0x7f;
        s->missing = c & 0x80 ? 3 : 0;
    }
    if (s->missing || ++s->n_lengths < 2)
        return;
    s->skip = (size_t)s->lengths[0] + s->lengths[1];
    s->n_lengths = 0;
}

/* False when a pair or the whole is longer than is accepted. */
static bool pairs_feed(struct pairs *s, const unsigned char *p, size_t n)
{
    s->total += n;
    if (s->total > WALK_PARAMS_MAX)
        return false;
    while (n) {
        const size_t step = s->skip < n ? s->skip : n;
        p += step;
        n -= step;
        s->skip -= step;
        if (s->skip || !n)
            continue;
        pairs_length(s, *p++);
        n--;
        if (s->skip > WALK_PARAMS_MAX)
            return false;
    }
    return true;
}

static bool pairs_whole(const struct pairs *s)
{
    return !s->skip && !s->n_lengths && !s->missing;
}

static enum walk_verdict begin(struct state *s, const struct record *r, struct walk *out)
{
    if (r->type != BEGIN_REQUEST || r->content != BEGIN_BODY || !r->id)
        return WALK_BAD;
    out->id = r->id;
    out->keep = r->body[2] & KEEP_CONN;
    s->where = IN_PARAMS;
    return (r->body[0] << 8 | r->body[1]) == RESPONDER ? WALK_MORE : WALK_ROLE;
}

static enum walk_verdict params(struct state *s, const struct record *r, struct walk *out)
{
    if (r->type != PARAMS)
        return WALK_BAD;
    if (r->content)
        return pairs_feed(&s->pairs, r->body, r->content) ? WALK_MORE : WALK_BAD;
    s->where = IN_BODY;
    out->params = true;
    return pairs_whole(&s->pairs) ? WALK_MORE : WALK_BAD;
}

static enum walk_verdict body(struct state *s, const struct record *r)
{
    if (r->type != STDIN)
        return WALK_BAD;
    s->body += r->content;
    if (s->body > WALK_BODY_MAX)
        return WALK_LONG;
    return r->content ? WALK_MORE : WALK_WHOLE;
}

/* One whole record. */
static enum walk_verdict step(struct state *s, const struct record *r, struct walk *out)
{
    /* Behind a beginning, and behind the end of a stream, libfcgi takes the padding for the next record. */
    if (r->padding && (s->where == AT_BEGIN || !r->content))
        return WALK_BAD;
    if (s->where == AT_BEGIN)
        return begin(s, r, out);
    if (r->type == BEGIN_REQUEST && r->id != out->id) {
        out->other_id = r->id;
        return WALK_MULTIPLEX;
    }
    if (r->id != out->id)
        return WALK_BAD;
    if (r->type == ABORT_REQUEST)
        return WALK_ABORT;
    return s->where == IN_PARAMS ? params(s, r, out) : body(s, r);
}

/* What is known of a record that is not whole yet. */
static enum walk_verdict cut_record(const struct state *s, const struct record *r)
{
    return s->where == IN_BODY && r->type == STDIN && s->body + r->content > WALK_BODY_MAX ? WALK_LONG
                                                                                           : WALK_MORE;
}

enum walk_verdict walk(const unsigned char *bytes, size_t n, struct walk *out)
{
    struct state s = {.where = AT_BEGIN};
    struct record r;

    *out = (struct walk){0};
    while (read_record(bytes + out->length, n - out->length, &r)) {
        const size_t length = HEADER + r.content + r.padding;
        if (r.version != VERSION || (s.where != AT_BEGIN && !r.id))
            return WALK_BAD;
        if (n - out->length < length)
            return cut_record(&s, &r);
        out->length += length;
        if (s.where == AT_BEGIN && !r.id) {
            out->type = r.type;
            return WALK_VALUES;
        }
        const enum walk_verdict verdict = step(&s, &r, out);
        if (verdict != WALK_MORE)
            return verdict;
    }
    /* Room for all that is accepted was there: the rest is record headers and padding. */
    if (n >= WALK_BYTES)
        return s.where == IN_BODY ? WALK_LONG : WALK_BAD;
    return WALK_MORE;
}
