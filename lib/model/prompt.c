/* The body of a call to /chat/completions. */
#include "model/prompt.h"

#include "ext/crypt.h"
#include "ext/json.h"
#include "model/contents.h"
#include "model/conversations.h"
#include "model/glance.h"

enum { CONTEXT_ENTRIES = 100, TOKENS_PER_MESSAGE = 8, TOKENS_PER_PICTURE = 1500 };

uint64_t prompt_tokens(struct str text)
{
    return text.n / 3 + 1;
}

/* ---- what is not seen ---- */

/* Characters that show nothing, of which whole texts can be made: zero-width ones, those that only choose how
 * another looks or in which direction it runs, fillers, tags. */
static const struct {
    uint32_t first, last;
} unseen[] = {
    {0xad, 0xad},     {0x34f, 0x34f},   {0x61c, 0x61c},     {0x115f, 0x1160},
    {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x200b, 0x200f},   {0x202a, 0x202e},
    {0x2060, 0x206f}, {0x3164, 0x3164}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
    {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

/* The character that begins at `p`, and its bytes: 1 for what is no beginning of one. */
static uint32_t character(const unsigned char *p, size_t n, size_t *bytes)
{
    static const unsigned char masks[] = {0x7f, 0x1f, 0x0f, 0x07};
    const size_t more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
    uint32_t c = *p & masks[more];

    *bytes = more < n ? more + 1 : 1;
    for (size_t i = 1; i < *bytes; i++)
        c = c << 6 | (p[i] & 0x3f);
    return *bytes == more + 1 ? c : 0;
}

/* How many bytes of an invisible character begin here; 0: none does. */
static size_t invisible(const unsigned char *p, size_t n)
{
    size_t bytes;
    const uint32_t c = character(p, n, &bytes);

    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++)
        if (bytes > 1 && c >= unseen[i].first && c <= unseen[i].last)
            return bytes;
    return 0;
}

struct str prompt_plain(struct arena *arena, struct str text)
{
    struct buf out = buf_in(arena);
    size_t from = 0;

    for (size_t at = 0; at < text.n;) {
        const size_t gone = invisible((const unsigned char *)text.p + at, text.n - at);
        if (gone) {
            buf_add(&out, text.p + from, at - from);
            from = at + gone;
        }
        at += gone ? gone : 1;
    }
    buf_add(&out, text.p + from, text.n - from);
    return buf_done(&out);
}

/* ---- the conversation ---- */

/* What stands for an entry; empty: nothing. */
static struct str words_of(struct ctx *ctx, const struct entry *entry)
{
    struct text_content content = {STR("")};
    struct problem problem = {0};

    if (entry->hidden || entry->recalled_at || entry->type == ENTRY_SYSTEM)
        return STR("");
    if (entry->type != ENTRY_TEXT)
        return str_of(arena_printf(ctx->arena, "[%s: %.*s]", entry_type_name(entry->type),
                                   STR_ARG(prompt_plain(ctx->arena, entry->summary))));
    if (json_decode(entry->content, &text_content_shape, &content, ctx->arena, &problem) != OK)
        return STR("");
    return prompt_plain(ctx->arena, content.text);
}

static uint64_t picture_of(struct ctx *ctx, const struct entry *entry)
{
    struct file_content content = {0};
    struct problem problem = {0};
    size_t image = 0;

    if (entry->hidden || entry->recalled_at || entry->type != ENTRY_IMAGE)
        return 0;
    while (content_types[image] != ENTRY_IMAGE)
        image++;
    const enum err err = json_decode(entry->content, content_shapes[image], &content, ctx->arena, &problem);
    return err == OK ? content.file_id : 0;
}

enum err prompt_names(struct ctx *ctx, struct said *said, size_t n)
{
    uint64_t *ids = arena_array(ctx->arena, n, sizeof *ids);
    struct user *users = arena_array(ctx->arena, n, sizeof *users);

    for (size_t i = 0; i < n; i++)
        ids[i] = said[i].sender_id;
    TRY(users_load(ctx, ids, n, users));
    for (size_t i = 0; i < n; i++)
        if (users[i].id)
            said[i].name = prompt_plain(ctx->arena, users[i].nickname);
    return OK;
}

enum err prompt_said(struct ctx *ctx, const struct said_range *range, struct said **out, size_t *n)
{
    struct conversation_access access = {0};
    struct entry_row *rows;

    TRY(conversation_for_reader(ctx, range->conversation_id, &access));
    const uint64_t from = range->after_seq + 1, to = conversation_visible_to(&access);
    const struct q_entries_below_in below = {
        access.id, from > access.visible_from_seq ? from : access.visible_from_seq,
        range->to_seq < to ? range->to_seq : to, ctx->actor.user_id, range->max};
    TRY(q_entries_below(ctx, &below, &rows, n));
    struct entry *entries = arena_array(ctx->arena, *n, sizeof *entries);
    struct said *said = arena_array(ctx->arena, *n, sizeof *said);
    TRY(entries_show(ctx, rows, *n, entries));
    for (size_t i = 0; i < *n; i++)
        said[i] = (struct said){.seq = (uint64_t)entries[i].seq,
                                .sender_id = entries[i].sender_id,
                                .words = words_of(ctx, &entries[i]),
                                .file_id = picture_of(ctx, &entries[i])};
    *out = said;
    return *n ? OK : fail(ctx, ERR_NOT_FOUND, "nothing is said there");
}

size_t prompt_fitting(const struct said *said, size_t n, uint64_t budget, uint64_t *tokens)
{
    uint64_t sum = 0;
    size_t i = 0;

    for (; i < n; i++) {
        const uint64_t more = prompt_tokens(said[i].words) + prompt_tokens(said[i].name) +
                              TOKENS_PER_MESSAGE + (said[i].picture.n ? TOKENS_PER_PICTURE : 0);
        if (i && sum + more > budget)
            break;
        sum += more;
    }
    *tokens += sum;
    return i;
}

/* ---- the body ---- */

void prompt_begin(struct buf *b, const struct provider *p)
{
    buf_c(b, "{\"model\":");
    buf_json(b, str_of(p->model));
    buf_printf(b, ",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"max_tokens\":%lld",
               (long long)p->max_output_tokens);
    if (p->has_temperature)
        buf_printf(b, ",\"temperature\":%.3f", p->temperature);
    buf_c(b, ",\"messages\":[");
}

/* The text alone, or beside it a picture as data. */
static void add_content(struct buf *b, struct str text, struct str picture)
{
    if (!picture.n) {
        buf_json(b, text);
        return;
    }
    buf_c(b, "[{\"type\":\"text\",\"text\":");
    buf_json(b, text);
    buf_c(b, "},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:" GLANCE_TYPE ";base64,");
    buf_str(b, crypt_base64(b->arena, picture.p, picture.n));
    buf_c(b, "\"}}]");
}

static void add_message(struct buf *b, const char *role, const struct said *said)
{
    struct buf text = buf_in(b->arena);

    if (said->name.n) {
        buf_str(&text, said->name);
        buf_c(&text, ": ");
    }
    buf_str(&text, said->words);
    if (b->p[b->n - 1] != '[')
        buf_char(b, ',');
    buf_printf(b, "{\"role\":\"%s\",\"content\":", role);
    add_content(b, buf_done(&text), said->picture);
    buf_char(b, '}');
}

void prompt_message(struct buf *b, const char *role, struct str words)
{
    add_message(b, role, &(struct said){.words = words});
}

/* Newest first; the first is what is asked. In a group it is said who speaks. */
static enum err read_said(struct ctx *ctx, const struct ai_reply_row *reply, struct said **out, size_t *n)
{
    const struct said_range range = {reply->conversation_id, 0, reply->ask_seq, CONTEXT_ENTRIES};
    struct conversation_access access = {0};

    TRY(prompt_said(ctx, &range, out, n));
    if ((*out)->seq != reply->ask_seq || !(*out)->words.n)
        return fail(ctx, ERR_NOT_FOUND, "what was asked is not there any more");
    TRY(conversation_for_reader(ctx, reply->conversation_id, &access));
    return access.kind == CONVERSATION_GROUP ? prompt_names(ctx, *out, *n) : OK;
}

enum err prompt_make(struct ctx *ctx, const struct ai_reply_row *reply, const struct assistant_row *assistant,
                     const struct provider *p, const struct glance *glance, struct prompt *out)
{
    struct buf b = buf_in(ctx->arena);
    struct said *said = NULL;
    size_t n = 0;

    TRY(read_said(ctx, reply, &said, &n));
    for (size_t i = 0; i < n; i++)
        said[i].picture = said[i].file_id ? glance_picture(glance, said[i].file_id) : STR("");
    out->tokens = assistant->prompt.n ? prompt_tokens(assistant->prompt) + TOKENS_PER_MESSAGE : 0;
    const uint64_t room = (uint64_t)(p->context_tokens - p->max_output_tokens);
    n = prompt_fitting(said, n, room > out->tokens ? room - out->tokens : 0, &out->tokens);
    prompt_begin(&b, p);
    if (assistant->prompt.n)
        prompt_message(&b, "system", assistant->prompt);
    while (n--) {
        const bool is_own = said[n].sender_id == reply->assistant_id;
        if (is_own)
            said[n].name = STR("");
        if (said[n].words.n)
            add_message(&b, is_own ? "assistant" : "user", &said[n]);
    }
    buf_c(&b, "]}");
    out->json = buf_done(&b);
    return OK;
}

enum err prompt_pictures(struct ctx *ctx, const struct ai_reply_row *reply, uint64_t *file_ids, size_t max,
                         size_t *n)
{
    struct said *said = NULL;
    size_t n_said = 0;

    *n = 0;
    TRY(read_said(ctx, reply, &said, &n_said));
    for (size_t i = 0; i < n_said && *n < max; i++)
        if (said[i].file_id)
            file_ids[(*n)++] = said[i].file_id;
    return OK;
}
