/* Operations on entries: under the lock, the target's row and the entry that tells of it. */
#include "model/changes.h"

#include "base/clock.h"
#include "ext/unicode.h"
#include "model/gate.h"
#include "model/house.h"
#include "model/log.h"
#include "model/roster.h"
#include "model/terms.h"

/* ---- the target ---- */

struct target {
    struct acting acting;
    struct entry_row row;
};

static enum err no_entry(struct ctx *ctx)
{
    return fail(ctx, ERR_NOT_FOUND, "no such entry");
}

/* The entry as it is under the conversation's lock, if the actor sees it. */
static enum err lock(struct ctx *ctx, const struct entry_ref *ref, struct target *out)
{
    struct entry_row *rows;
    size_t n;

    TRY(conversation_act(ctx, ref->conversation_id, &out->acting));
    if (!conversation_act_sees(&out->acting, ref->seq))
        return no_entry(ctx);
    TRY(q_entries_targets(ctx, ctx->actor.user_id, ref, 1, &rows, &n));
    if (!n || entry_is_operation((int)rows->type))
        return no_entry(ctx);
    out->row = *rows;
    return OK;
}

/* The same, if he may write there too. */
static enum err lock_to_write(struct ctx *ctx, const struct entry_ref *ref, struct target *out)
{
    TRY(lock(ctx, ref, out));
    return conversation_act_may_send(ctx, &out->acting);
}

static enum err show(struct ctx *ctx, const struct entry_ref *ref, struct entry *out)
{
    return entries_load(ctx, ref, 1, out);
}

/* ---- edit ---- */

enum err entry_edit(struct ctx *ctx, const struct entry_ref *ref, struct str text, struct entry *out)
{
    struct target t;
    uint64_t seq;

    TRY(lock_to_write(ctx, ref, &t));
    if (t.row.sender_id != ctx->actor.user_id)
        return fail(ctx, ERR_FORBIDDEN, "only the sender can edit it");
    if (t.row.recalled_at)
        return fail(ctx, ERR_CONFLICT, "it was recalled");
    if (t.row.type != ENTRY_TEXT)
        return fail(ctx, ERR_INVALID_REQUEST, "only a text can be edited");
    TRY(gate_text(ctx, ref->conversation_id, &text));
    const struct str content = entry_text_content(ctx->arena, text);
    if (str_eq(content, t.row.content))
        return show(ctx, ref, out);
    TRY(log_append_operation(ctx, &t.acting.conv, ENTRY_EDIT, ref->seq, &seq));
    const struct q_entry_edit_in in = {ref->conversation_id, ref->seq, content, clock_wall_ms(), seq};
    TRY(q_entry_edit(ctx, &in, NULL));
    TRY(terms_forget(ctx, ref, ENTRY_TEXT, t.row.content));
    return show(ctx, ref, out);
}

/* ---- recall ---- */

static enum err may_recall(struct ctx *ctx, const struct target *t)
{
    const bool manages = t->acting.conv.kind == CONVERSATION_GROUP && t->acting.me.role != GROUP_MEMBER;
    const int64_t window_ms = house_conf(ctx->house)->recall_s * INT64_C(1000);

    if (t->row.type == ENTRY_SYSTEM)
        return fail(ctx, ERR_FORBIDDEN, "what the house says stays");
    if (manages)
        return OK;
    if (t->row.sender_id != ctx->actor.user_id)
        return fail(ctx, ERR_FORBIDDEN, "only the sender can recall it");
    if (clock_wall_ms() - t->row.created_at > window_ms)
        return fail(ctx, ERR_WINDOW_PASSED, "it was said more than %lld s ago", (long long)window_ms / 1000);
    return OK;
}

/* Who is muted, or no friend any more, can still take back what he said. */
enum err entry_recall(struct ctx *ctx, const struct entry_ref *ref)
{
    const uint64_t id = ref->conversation_id;
    struct target t;
    uint64_t seq, unpinned;

    TRY(lock(ctx, ref, &t));
    TRY(may_recall(ctx, &t));
    if (t.row.recalled_at)
        return OK;
    TRY(log_append_operation(ctx, &t.acting.conv, ENTRY_RECALL, ref->seq, &seq));
    const struct q_entry_recall_in in = {id, ref->seq, STR("{}"), clock_wall_ms(), seq};
    TRY(q_entry_recall(ctx, &in, NULL));
    TRY(terms_forget(ctx, ref, (int)t.row.type, t.row.content));
    TRY(q_mentions_delete(ctx, id, ref->seq, NULL));
    TRY(q_reactions_delete(ctx, id, ref->seq, NULL));
    TRY(q_pin_delete(ctx, id, ref->seq, &unpinned));
    return unpinned ? q_conversation_touch(ctx, id, NULL) : OK;
}

/* ---- hide ---- */

enum err entry_hide(struct ctx *ctx, const struct entry_ref *ref)
{
    const uint64_t me = ctx->actor.user_id;
    struct hidden_row *hidden;
    struct acting a;
    struct entry_row *rows;
    size_t n, n_rows;

    TRY(conversation_act(ctx, ref->conversation_id, &a));
    if (!conversation_act_sees(&a, ref->seq))
        return no_entry(ctx);
    TRY(q_entries_at(ctx, ref, 1, &rows, &n_rows));
    if (!n_rows || entry_is_operation((int)rows->type))
        return no_entry(ctx);
    TRY(q_hidden_among(ctx, me, ref, 1, &hidden, &n));
    if (n)
        return OK;
    TRY(q_hidden_insert(ctx, me, ref->conversation_id, ref->seq, NULL));
    TRY(q_member_touch(ctx, ref->conversation_id, me, NULL));
    event_add(&ctx->events, ctx->arena,
              (struct event){.kind = EVENT_ENTRY_HIDDEN,
                             .to_id = me,
                             .id = ref->conversation_id,
                             .seq = ref->seq,
                             .version = a.conv.version + a.me.version + 1});
    return OK;
}

/* ---- reactions ---- */

static enum err check_emoji(struct ctx *ctx, struct str emoji)
{
    if (emoji.n > REACTION_BYTES_MAX || !unicode_is_plain(emoji, false))
        return fail_field(ctx, "emoji", "must be one emoji of at most %d bytes", REACTION_BYTES_MAX);
    return OK;
}

/* How the entry's reactions stand; `*is_there`: the actor's own with this emoji. */
static enum err count(struct ctx *ctx, const struct entry_ref *ref, struct str emoji, size_t *n,
                      bool *is_known, bool *is_there)
{
    struct reaction_emoji_row *rows;

    TRY(q_reactions_emoji(ctx, ref->conversation_id, ref->seq, ctx->actor.user_id, &rows, n));
    *is_known = *is_there = false;
    for (size_t i = 0; i < *n; i++)
        if (str_eq(rows[i].emoji, emoji)) {
            *is_known = true;
            *is_there = rows[i].mine;
        }
    return OK;
}

static enum err write_reaction(struct ctx *ctx, const struct entry_ref *ref, struct str emoji, bool there)
{
    const uint64_t id = ref->conversation_id, me = ctx->actor.user_id;
    const struct q_reaction_insert_in in = {id, ref->seq, emoji, me, clock_wall_ms()};

    return there ? q_reaction_insert(ctx, &in, NULL) : q_reaction_delete(ctx, id, ref->seq, emoji, me, NULL);
}

enum err entry_react(struct ctx *ctx, const struct entry_ref *ref, struct str emoji, bool there,
                     struct entry *out)
{
    struct target t;
    bool is_known, is_there;
    uint64_t seq;
    size_t n;

    TRY(check_emoji(ctx, emoji));
    TRY(lock_to_write(ctx, ref, &t));
    if (t.row.recalled_at && there)
        return fail(ctx, ERR_CONFLICT, "it was recalled");
    TRY(count(ctx, ref, emoji, &n, &is_known, &is_there));
    if (is_there == there)
        return show(ctx, ref, out);
    if (there && !is_known && n >= REACTIONS_MAX)
        return fail(ctx, ERR_CONFLICT, "it has %d different reactions already", REACTIONS_MAX);
    TRY(log_append_operation(ctx, &t.acting.conv, ENTRY_REACTION, ref->seq, &seq));
    TRY(write_reaction(ctx, ref, emoji, there));
    TRY(count(ctx, ref, emoji, &n, &is_known, &is_there));
    TRY(q_entry_reacted(ctx, ref->conversation_id, ref->seq, n > 0, seq, NULL));
    return show(ctx, ref, out);
}

/* ---- who reacted ---- */

struct reaction_by {
    struct str emoji;
    struct user user;
    int64_t created_at;
};

static const struct field reaction_by_fields[] = {
    {.name = "emoji", .type = FIELD_STR, .at = offsetof(struct reaction_by, emoji)},
    {.name = "user", .type = FIELD_OBJECT, .at = offsetof(struct reaction_by, user), .shape = &user_shape},
    {.name = "created_at", .type = FIELD_TIME, .at = offsetof(struct reaction_by, created_at)},
};
const struct shape reaction_by_shape = SHAPE("ReactionBy", struct reaction_by, reaction_by_fields);

/* The place in the list: the emoji's bytes in hex, and the person. */
static struct str cursor_of(struct arena *arena, const struct reaction_by_row *row)
{
    struct buf b = buf_in(arena);

    buf_hex(&b, row->emoji.p, row->emoji.n);
    buf_char(&b, '.');
    buf_u64(&b, row->user_id);
    return buf_done(&b);
}

static enum err read_cursor(struct ctx *ctx, struct str cursor, struct str *emoji, uint64_t *after)
{
    struct str hex;
    unsigned char *bytes = arena_alloc(ctx->arena, REACTION_BYTES_MAX);

    if (!cursor.p)
        return OK;
    if (!str_cut(&cursor, '.', &hex) || hex.n > 2 * REACTION_BYTES_MAX || !str_u64(cursor, after) ||
        !hex_decode(hex, bytes, hex.n / 2))
        return fail_field(ctx, "cursor", "is none that was given out");
    *emoji = (struct str){(const char *)bytes, hex.n / 2};
    return OK;
}

enum err reactions_list(struct ctx *ctx, const struct entry_ref *ref, struct str emoji,
                        const struct page_in *page, struct page_out *out)
{
    const size_t limit = page_limit(page);
    struct str from = STR("");
    struct reaction_by_row *rows;
    struct entry entry;
    uint64_t after = 0;
    size_t n;

    TRY(read_cursor(ctx, page->cursor, &from, &after));
    TRY(entry_for_reader(ctx, ref, &entry));
    const struct q_reactions_page_in one = {ref->conversation_id, ref->seq, emoji, after, limit + 1};
    const struct q_reactions_page_all_in all = {ref->conversation_id, ref->seq, from, after, limit + 1};
    if (emoji.p)
        TRY(q_reactions_page(ctx, &one, &rows, &n));
    else
        TRY(q_reactions_page_all(ctx, &all, &rows, &n));
    out->next_cursor = STR_NONE;
    if (n > limit) {
        n = limit;
        out->next_cursor = cursor_of(ctx->arena, &rows[n - 1]);
    }
    uint64_t *ids = arena_array(ctx->arena, n, sizeof *ids);
    struct user *users = arena_array(ctx->arena, n, sizeof *users);
    struct reaction_by *items = arena_array(ctx->arena, n, sizeof *items);
    for (size_t i = 0; i < n; i++)
        ids[i] = rows[i].user_id;
    TRY(n ? users_load(ctx, ids, n, users) : OK);
    for (size_t i = 0; i < n; i++)
        items[i] = (struct reaction_by){rows[i].emoji, users[i], rows[i].created_at};
    out->items = (struct list){items, n};
    return OK;
}
