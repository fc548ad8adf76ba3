#include "model/mentions.h"

static bool is_among(const uint64_t *ids, size_t n, uint64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static struct str as_json(struct arena *arena, const uint64_t *ids, size_t n, bool all)
{
    struct buf b = buf_in(arena);

    buf_c(&b, all ? "[\"all\"" : "[");
    for (size_t i = 0; i < n; i++) {
        buf_c(&b, i || all ? ",\"" : "\"");
        buf_u64(&b, ids[i]);
        buf_char(&b, '"');
    }
    buf_char(&b, ']');
    return buf_done(&b);
}

enum err mentions_take(struct ctx *ctx, const struct list *said, struct send *out)
{
    const struct str *texts = said->items;
    uint64_t *ids = arena_array(ctx->arena, said->n, sizeof *ids), id;
    size_t n = 0;

    for (size_t i = 0; i < said->n; i++) {
        if (str_eq(texts[i], STR("all")))
            out->mentions_all = true;
        else if (!str_u64(texts[i], &id) || !id)
            return fail_field(ctx, "mentions", "must be ids of people, or `all`");
        else if (!is_among(ids, n, id))
            ids[n++] = id;
    }
    out->mention_ids = ids;
    out->n_mentions = n;
    if (said->n)
        out->mentions = as_json(ctx->arena, ids, n, out->mentions_all);
    return OK;
}
