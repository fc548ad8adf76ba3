/* Entries: content, summary, wire form, reading. */
#include "model/entries.h"

#include "ext/json.h"

/* By number; operations follow at once here. */
static const char *const entry_types[] = {"text",   "system",   "image",    "file",   "voice",
                                          "video",  "location", "card",     "merged", "custom",
                                          "recall", "edit",     "reaction", NULL};

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
    {.name = "type", .type = FIELD_ENUM, AT(wire_type), .names = entry_types},
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
    {.name = "changed_seq", .type = FIELD_INT, .flags = F_NULLABLE, AT(changed_seq)},
};
#undef AT
const struct shape entry_shape = SHAPE("Entry", struct entry, entry_fields);

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

struct str entry_operation_content(struct arena *arena, uint64_t target_seq)
{
    struct buf b = buf_in(arena);

    buf_c(&b, "{\"target_seq\":");
    buf_u64(&b, target_seq);
    buf_char(&b, '}');
    return buf_done(&b);
}

static int wire_type(int type)
{
    return entry_is_operation(type) ? type - ENTRY_RECALL + ENTRY_CUSTOM + 1 : type;
}

const char *entry_type_name(int type)
{
    return entry_types[wire_type(type)];
}

/* ---- summaries ---- */

/*
 * Which string of a content is its summary: the one behind `head`, which can stand there once only, since our
 * own encoder wrote it; where there is none, the type's name.
 */
static const char *const heads[] = {
    [ENTRY_TEXT] = "{\"text\":\"",   [ENTRY_SYSTEM] = "{\"code\":\"",   [ENTRY_IMAGE] = ",\"name\":\"",
    [ENTRY_FILE] = ",\"name\":\"",   [ENTRY_LOCATION] = ",\"name\":\"", [ENTRY_MERGED] = "{\"title\":\"",
    [ENTRY_CUSTOM] = "{\"kind\":\"",
};
enum { HEADS = sizeof heads / sizeof *heads };

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

/* The start of a JSON string from behind its quote, on one line, without spaces in a row. */
static struct str first_line(struct arena *arena, struct str rest)
{
    struct buf b = buf_in(arena);
    bool was_space = true; /* none at the beginning */

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
    const char *head = type >= 0 && type < HEADS ? heads[type] : NULL;

    if (str_eq(content, STR("{}"))) /* recalled */
        return STR("");
    if (!head)
        return str_of(entry_type_name(type));
    const char *at = memmem(content.p, content.n, head, strlen(head));
    if (!at)
        return STR("");
    at += strlen(head);
    return first_line(arena, (struct str){at, content.n - (size_t)(at - content.p)});
}

/* ---- from rows ---- */

void entry_from_row(struct arena *arena, const struct entry_row *row, struct entry *out)
{
    const bool is_said = row->sender_id != 0 && !entry_is_operation((int)row->type) &&
                         row->client_msg_id.n == sizeof out->client_msg_id;

    *out = (struct entry){
        .conversation_id = row->conversation_id,
        .seq = (int64_t)row->seq,
        .type = (int)row->type,
        .wire_type = wire_type((int)row->type),
        .sender_id = row->sender_id,
        .has_client_msg_id = is_said ? HAS_VALUE : HAS_NULL,
        .content = row->content,
        .summary = entry_summary(arena, (int)row->type, row->content),
        .reply_to_seq = (int64_t)row->reply_to_seq,
        .mentions = row->mentions.n ? row->mentions : STR("[]"),
        .created_at = row->created_at,
        .edited_at = row->edited_at,
        .recalled_at = row->recalled_at,
        .changed_seq = (int64_t)row->changed_seq,
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

/* ---- as somebody sees them ---- */

static struct entry *find(struct entry *entries, size_t n, uint64_t conversation_id, uint64_t seq)
{
    for (size_t i = 0; i < n; i++)
        if (entries[i].conversation_id == conversation_id && entries[i].seq == (int64_t)seq)
            return &entries[i];
    return NULL;
}

/* Rows of one entry stand together. */
static enum err add_reactions(struct ctx *ctx, const struct entry_row *rows, size_t n, struct entry *out)
{
    struct entry_ref *refs = arena_array(ctx->arena, n, sizeof *refs);
    struct reactions_row *sums;
    size_t n_refs = 0, n_sums, end;

    for (size_t i = 0; i < n; i++)
        if (rows[i].reacted)
            refs[n_refs++] = (struct entry_ref){rows[i].conversation_id, rows[i].seq};
    if (!n_refs)
        return OK;
    TRY(q_reactions_sum(ctx, ctx->actor.user_id, refs, n_refs, &sums, &n_sums));
    struct reaction *all = arena_array(ctx->arena, n_sums, sizeof *all);
    for (size_t i = 0; i < n_sums; i = end) {
        struct entry *entry = find(out, n, sums[i].conversation_id, sums[i].seq);
        for (end = i; end < n_sums && sums[end].conversation_id == sums[i].conversation_id &&
                      sums[end].seq == sums[i].seq;
             end++)
            all[end] = (struct reaction){sums[end].emoji, sums[end].n, sums[end].mine};
        if (entry)
            entry->reactions = (struct list){all + i, end - i};
    }
    return OK;
}

static enum err hide(struct ctx *ctx, const struct entry_row *rows, size_t n, struct entry *out)
{
    struct entry_ref *refs = arena_array(ctx->arena, n, sizeof *refs);
    struct hidden_row *hidden;
    size_t n_hidden;

    for (size_t i = 0; i < n; i++)
        refs[i] = (struct entry_ref){rows[i].conversation_id, rows[i].seq};
    TRY(q_hidden_among(ctx, ctx->actor.user_id, refs, n, &hidden, &n_hidden));
    for (size_t i = 0; i < n_hidden; i++) {
        struct entry *entry = find(out, n, hidden[i].conversation_id, hidden[i].seq);
        if (entry)
            entry->hidden = true;
    }
    return OK;
}

/* From {"target_seq":N}, as entry_operation_content() wrote it. */
static uint64_t target_of(struct str content)
{
    const struct str head = STR("{\"target_seq\":");
    uint64_t seq = 0;

    if (str_starts(content, head) && content.n > head.n)
        (void)str_u64((struct str){content.p + head.n, content.n - head.n - 1}, &seq);
    return seq;
}

static struct str with_target(struct arena *arena, uint64_t target_seq, const struct entry *target)
{
    struct buf b = buf_in(arena);

    buf_c(&b, "{\"target_seq\":");
    buf_u64(&b, target_seq);
    buf_c(&b, ",\"entry\":");
    if (target)
        entry_encode(&b, target);
    else
        buf_c(&b, "null");
    buf_char(&b, '}');
    return buf_done(&b);
}

/* What the operations among them changed, with the reader's rights of now. A target is never an operation. */
static enum err add_targets(struct ctx *ctx, struct entry *out, size_t n)
{
    struct entry_ref *refs = arena_array(ctx->arena, n, sizeof *refs);
    struct entry_row *rows;
    size_t n_refs = 0, n_rows;

    for (size_t i = 0; i < n; i++)
        if (entry_is_operation(out[i].type))
            refs[n_refs++] = (struct entry_ref){out[i].conversation_id, target_of(out[i].content)};
    if (!n_refs)
        return OK;
    TRY(q_entries_targets(ctx, ctx->actor.user_id, refs, n_refs, &rows, &n_rows));
    struct entry *targets = arena_array(ctx->arena, n_rows, sizeof *targets);
    for (size_t i = 0; i < n_rows; i++)
        entry_from_row(ctx->arena, &rows[i], &targets[i]);
    TRY(add_reactions(ctx, rows, n_rows, targets));
    for (size_t i = 0; i < n; i++) {
        if (!entry_is_operation(out[i].type))
            continue;
        const uint64_t seq = target_of(out[i].content);
        out[i].content = with_target(ctx->arena, seq, find(targets, n_rows, out[i].conversation_id, seq));
    }
    return OK;
}

enum err entries_show(struct ctx *ctx, const struct entry_row *rows, size_t n, struct entry *out)
{
    for (size_t i = 0; i < n; i++)
        entry_from_row(ctx->arena, &rows[i], &out[i]);
    if (!n)
        return OK;
    TRY(add_reactions(ctx, rows, n, out));
    TRY(hide(ctx, rows, n, out));
    return add_targets(ctx, out, n);
}

enum err entries_load(struct ctx *ctx, const struct entry_ref *refs, size_t n, struct entry *out)
{
    struct entry_row *rows;
    size_t n_rows;

    memset(out, 0, n * sizeof *out);
    if (!n)
        return OK;
    TRY(q_entries_at(ctx, refs, n, &rows, &n_rows));
    struct entry *found = arena_array(ctx->arena, n_rows, sizeof *found);
    TRY(entries_show(ctx, rows, n_rows, found));
    for (size_t i = 0; i < n; i++) {
        const struct entry *entry = find(found, n_rows, refs[i].conversation_id, refs[i].seq);
        if (entry)
            out[i] = *entry;
    }
    return OK;
}
