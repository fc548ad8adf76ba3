/* Entries: content, summary, wire form, reading. */
#include "model/entries.h"

#include "ext/json.h"

static const char *const entry_types[] = {"text", "system", NULL};

/* Reactions are none yet; their form is settled, so that clients know it. */
struct reaction {
    struct str emoji;
    int64_t count;
    bool mine;
};

static const struct field reaction_fields[] = {
    {.name = "emoji", .type = FIELD_STR, .at = offsetof(struct reaction, emoji)},
    {.name = "count", .type = FIELD_INT, .at = offsetof(struct reaction, count)},
    {.name = "mine", .type = FIELD_BOOL, .at = offsetof(struct reaction, mine)},
};
static const struct shape reaction_shape = SHAPE("Reaction", struct reaction, reaction_fields);

#define AT(member) .at = offsetof(struct entry, member)
static const struct field entry_fields[] = {
    {.name = "conversation_id", .type = FIELD_ID, AT(conversation_id)},
    {.name = "seq", .type = FIELD_INT, AT(seq)},
    {.name = "type", .type = FIELD_ENUM, AT(type), .names = entry_types},
    {.name = "sender_id", .type = FIELD_ID, .flags = F_NULLABLE, AT(sender_id)},
    {.name = "client_msg_id",
     .type = FIELD_UUID,
     .flags = F_NULLABLE,
     AT(client_msg_id),
     .has_at = offsetof(struct entry, has_client_msg_id)},
    {.name = "content", .type = FIELD_JSON, AT(content)},
    {.name = "summary", .type = FIELD_STR, AT(summary)},
    {.name = "reply_to_seq", .type = FIELD_INT, .flags = F_NULLABLE, AT(reply_to_seq)},
    {.name = "mentions", .type = FIELD_JSON, AT(mentions)},
    {.name = "reactions", .type = FIELD_LIST, AT(reactions), .shape = &reaction_shape},
    {.name = "created_at", .type = FIELD_TIME, AT(created_at)},
    {.name = "edited_at", .type = FIELD_TIME, .flags = F_NULLABLE, AT(edited_at)},
    {.name = "recalled_at", .type = FIELD_TIME, .flags = F_NULLABLE, AT(recalled_at)},
};
#undef AT
const struct shape entry_shape = SHAPE("Entry", struct entry, entry_fields);

static const struct str text_head = {"{\"text\":\"", 9}, system_head = {"{\"code\":\"", 9};

struct str entry_text_content(struct arena *arena, struct str text)
{
    struct buf b = buf_in(arena);

    buf_c(&b, "{\"text\":");
    buf_json(&b, text);
    buf_char(&b, '}');
    return buf_done(&b);
}

struct str entry_system_content(struct arena *arena, struct str code, struct str params)
{
    struct buf b = buf_in(arena);

    buf_c(&b, "{\"code\":");
    buf_json(&b, code);
    buf_c(&b, ",\"params\":");
    buf_str(&b, params);
    buf_char(&b, '}');
    return buf_done(&b);
}

/* The next character of a JSON string as buf_json() writes it: its bytes, or a space for what breaks a line.
 */
static struct str next_character(struct str *rest)
{
    struct str c = {rest->p, 1};
    size_t gone = 1;

    if (*rest->p == '\\' && rest->n > 1) {
        const bool is_code = rest->p[1] == 'u' && rest->n >= 6;
        gone = is_code ? 6 : 2;
        c = rest->p[1] == 'n' || is_code ? STR(" ") : (struct str){rest->p + 1, 1};
    } else {
        while (c.n < rest->n && ((unsigned char)rest->p[c.n] & 0xc0) == 0x80)
            c.n++;
        gone = c.n;
    }
    *rest = (struct str){rest->p + gone, rest->n - gone};
    return c;
}

/* The start of the JSON string that stands behind `head`, on one line, without spaces in a row. */
static struct str first_string(struct arena *arena, struct str content, struct str head)
{
    struct buf b = buf_in(arena);
    bool was_space = true; /* none at the beginning */

    if (!str_starts(content, head))
        return STR("");
    struct str rest = {content.p + head.n, content.n - head.n};
    for (size_t chars = 0; chars < SUMMARY_MAX && rest.n && *rest.p != '"';) {
        const struct str c = next_character(&rest);
        const bool is_space = str_eq(c, STR(" "));
        if (is_space && was_space)
            continue;
        was_space = is_space;
        buf_str(&b, c);
        chars++;
    }
    return buf_done(&b);
}

struct str entry_summary(struct arena *arena, int type, struct str content)
{
    return first_string(arena, content, type == ENTRY_SYSTEM ? system_head : text_head);
}

void entry_from_row(struct arena *arena, const struct entry_row *row, struct entry *out)
{
    const bool is_said = row->sender_id != 0 && row->client_msg_id.n == sizeof out->client_msg_id;

    *out = (struct entry){
        .conversation_id = row->conversation_id,
        .seq = (int64_t)row->seq,
        .type = (int)row->type,
        .sender_id = row->sender_id,
        .has_client_msg_id = is_said ? HAS_VALUE : HAS_NULL,
        .content = row->content,
        .summary = entry_summary(arena, (int)row->type, row->content),
        .reply_to_seq = (int64_t)row->reply_to_seq,
        .mentions = STR("[]"), /* nobody can be mentioned between two */
        .created_at = row->created_at,
        .edited_at = row->edited_at,
        .recalled_at = row->recalled_at,
    };
    if (is_said)
        memcpy(out->client_msg_id, row->client_msg_id.p, sizeof out->client_msg_id);
}

void entry_encode(struct buf *b, const struct entry *entry)
{
    if (!entry->hidden) {
        json_encode(b, &entry_shape, entry);
        return;
    }
    buf_c(b, "{\"seq\":");
    buf_i64(b, entry->seq);
    buf_c(b, ",\"type\":\"hidden\"}");
}

enum err entries_load(struct ctx *ctx, const struct entry_ref *refs, size_t n, struct entry *out)
{
    struct entry_row *rows;
    size_t n_rows;

    memset(out, 0, n * sizeof *out);
    if (!n)
        return OK;
    TRY(q_entries_at(ctx, refs, n, &rows, &n_rows));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n_rows && !out[i].seq; j++)
            if (rows[j].conversation_id == refs[i].conversation_id && rows[j].seq == refs[i].seq)
                entry_from_row(ctx->arena, &rows[j], &out[i]);
    return OK;
}
