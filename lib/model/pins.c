/* Pins: at most PINS_MAX of a conversation, so they are read as a whole. */
#include "model/pins.h"

#include "base/clock.h"
#include "model/log.h"
#include "model/roster.h"

struct pin {
    struct entry entry;
    uint64_t pinned_by;
    int64_t pinned_at;
};

static const struct field pin_fields[] = {
    {.name = "entry", .type = FIELD_OBJECT, .at = offsetof(struct pin, entry), .shape = &entry_shape},
    {.name = "pinned_by", .type = FIELD_ID, .at = offsetof(struct pin, pinned_by)},
    {.name = "pinned_at", .type = FIELD_TIME, .at = offsetof(struct pin, pinned_at)},
};
const struct shape pin_shape = SHAPE("Pin", struct pin, pin_fields);

static enum err may_pin(struct ctx *ctx, const struct acting *a, const struct entry_ref *ref)
{
    struct entry entry;

    TRY(conversation_act_may_send(ctx, a));
    if (a->conv.kind == CONVERSATION_GROUP && a->me.role == GROUP_MEMBER)
        return fail(ctx, ERR_FORBIDDEN, "owner and admins alone pin");
    return entry_for_reader(ctx, ref, &entry);
}

/* The house says it, and everybody's view of the conversation is a newer one. */
static enum err say(struct ctx *ctx, struct conversation_row *conv, const char *code, uint64_t seq)
{
    struct buf params = buf_in(ctx->arena);

    buf_printf(&params, "{\"user_id\":\"%llu\",\"seq\":%llu}", (unsigned long long)ctx->actor.user_id,
               (unsigned long long)seq);
    TRY(q_conversation_touch(ctx, conv->id, NULL));
    conv->version++;
    return log_append_system(ctx, conv, code, buf_done(&params));
}

static enum err check_new(struct ctx *ctx, const struct entry_ref *ref)
{
    struct entry entry;
    struct pin_row *rows;
    size_t n;

    TRY(entries_load(ctx, ref, 1, &entry));
    if (entry.recalled_at)
        return fail(ctx, ERR_CONFLICT, "it was recalled");
    TRY(q_pins_all(ctx, ref->conversation_id, &rows, &n));
    return n < PINS_MAX ? OK : fail(ctx, ERR_CONFLICT, "%d entries are pinned already", PINS_MAX);
}

enum err pin_set(struct ctx *ctx, const struct entry_ref *ref, bool pinned)
{
    const uint64_t id = ref->conversation_id;
    struct pin_row row;
    struct acting a;

    TRY(conversation_act(ctx, id, &a));
    TRY(may_pin(ctx, &a, ref));
    const enum err found = q_pin_get(ctx, id, ref->seq, &row);
    if (found != OK && found != ERR_NOT_FOUND)
        return found;
    if ((found == OK) == pinned)
        return OK;
    if (!pinned) {
        TRY(q_pin_delete(ctx, id, ref->seq, NULL));
        return say(ctx, &a.conv, "entry.unpinned", ref->seq);
    }
    TRY(check_new(ctx, ref));
    TRY(q_pin_insert(ctx, id, ref->seq, ctx->actor.user_id, clock_wall_ms(), NULL));
    return say(ctx, &a.conv, "entry.pinned", ref->seq);
}

/* Entries of the pins below `before`, the newest first, as the actor sees them. */
static enum err load(struct ctx *ctx, uint64_t id, uint64_t before, struct pin *out, size_t *n)
{
    struct pin_row *rows;
    size_t n_rows, n_refs = 0;

    TRY(q_pins_all(ctx, id, &rows, &n_rows));
    struct entry_ref *refs = arena_array(ctx->arena, n_rows, sizeof *refs);
    struct entry *entries = arena_array(ctx->arena, n_rows, sizeof *entries);
    for (size_t i = n_rows; i > 0; i--)
        if (rows[i - 1].seq < before) {
            out[n_refs] =
                (struct pin){.pinned_by = rows[i - 1].pinned_by, .pinned_at = rows[i - 1].pinned_at};
            refs[n_refs++] = (struct entry_ref){id, rows[i - 1].seq};
        }
    TRY(entries_load(ctx, refs, n_refs, entries));
    *n = 0;
    for (size_t i = 0; i < n_refs; i++) {
        if (!entries[i].seq || entries[i].hidden)
            continue;
        out[*n] = out[i];
        out[(*n)++].entry = entries[i];
    }
    return OK;
}

enum err pins_list(struct ctx *ctx, uint64_t conversation_id, const struct page_in *page,
                   struct page_out *out)
{
    struct pin *pins = arena_array(ctx->arena, PINS_MAX + 14, sizeof *pins); /* as many as q_pins_all gives */
    struct page_mark before = {.id = INT64_MAX};
    struct conversation_access access;
    size_t n, from = 0;

    TRY(page_mark_of(ctx, page->cursor, &before));
    TRY(conversation_for_reader(ctx, conversation_id, &access));
    TRY(load(ctx, conversation_id, before.id, pins, &n));
    while (from < n && (uint64_t)pins[from].entry.seq > conversation_visible_to(&access))
        from++;
    while (n > from && (uint64_t)pins[n - 1].entry.seq < access.visible_from_seq)
        n--;
    out->next_cursor = STR_NONE;
    if (n - from > page_limit(page)) {
        n = from + page_limit(page);
        out->next_cursor = page_cursor(ctx->arena, (struct page_mark){.id = (uint64_t)pins[n - 1].entry.seq});
    }
    out->items = (struct list){pins + from, n - from};
    return OK;
}
