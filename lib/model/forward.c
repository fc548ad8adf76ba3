/* Forwarding: read with the rights of the actor, then appended part by part. */
#include "model/forward.h"

#include <stdlib.h>

#include "base/jsonscan.h"
#include "ext/crypt.h"
#include "ext/json.h"
#include "model/conversations.h"
#include "model/log.h"

enum { TITLE_NAMES = 3 };

/* ---- what is forwarded ---- */

static int by_seq(const void *a, const void *b)
{
    const uint64_t x = ((const struct entry_ref *)a)->seq, y = ((const struct entry_ref *)b)->seq;
    return (x > y) - (x < y);
}

static bool can_be_forwarded(const struct entry *e)
{
    return e->seq && !e->hidden && !e->recalled_at && e->type != ENTRY_SYSTEM && !entry_is_operation(e->type);
}

/* In the order of the log. */
static enum err load(struct ctx *ctx, const struct forward *f, struct entry *out)
{
    struct entry_ref *refs = arena_array(ctx->arena, f->seqs.n, sizeof *refs);
    struct conversation_access access;

    for (size_t i = 0; i < f->seqs.n; i++)
        refs[i] = (struct entry_ref){f->from_id, (uint64_t)((const int64_t *)f->seqs.items)[i]};
    qsort(refs, f->seqs.n, sizeof *refs, by_seq);
    TRY(conversation_for_reader(ctx, f->from_id, &access));
    TRY(entries_load(ctx, refs, f->seqs.n, out));
    for (size_t i = 0; i < f->seqs.n; i++) {
        if (i && refs[i].seq == refs[i - 1].seq)
            return fail_field(ctx, "seqs", "names %llu twice", (unsigned long long)refs[i].seq);
        if (refs[i].seq < access.visible_from_seq || refs[i].seq > conversation_visible_to(&access) ||
            !can_be_forwarded(&out[i]))
            return fail(ctx, ERR_NOT_FOUND, "%llu is nothing that you can forward",
                        (unsigned long long)refs[i].seq);
    }
    return OK;
}

/* ---- merged ---- */

static bool is_named_before(const struct entry *entries, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (entries[j].sender_id == entries[i].sender_id)
            return true;
    return false;
}

/* The first few who speak in it. */
static struct str title_of(struct arena *arena, const struct entry *entries, const struct user *senders,
                           size_t n)
{
    struct buf b = buf_in(arena);
    size_t names = 0;

    for (size_t i = 0; i < n && names < TITLE_NAMES; i++) {
        if (is_named_before(entries, i) || !senders[i].nickname.n)
            continue;
        buf_c(&b, names++ ? ", " : "");
        buf_str(&b, senders[i].nickname);
    }
    return buf_done(&b);
}

static void put_item(struct buf *b, const struct entry *entry, const struct user *sender)
{
    buf_printf(b, "{\"sender_id\":\"%llu\",\"sender_name\":", (unsigned long long)entry->sender_id);
    buf_json(b, sender->nickname.p ? sender->nickname : STR(""));
    buf_printf(b, ",\"type\":\"%s\",\"content\":", entry_type_name(entry->type));
    buf_str(b, entry->content);
    buf_c(b, ",\"summary\":");
    buf_json(b, entry->summary);
    buf_printf(b, ",\"created_at\":%lld}", (long long)entry->created_at);
}

static enum err merge(struct ctx *ctx, const struct entry *entries, size_t n, struct str *content)
{
    uint64_t *ids = arena_array(ctx->arena, n, sizeof *ids);
    struct user *senders = arena_array(ctx->arena, n, sizeof *senders);
    struct buf b = buf_in(ctx->arena);

    for (size_t i = 0; i < n; i++)
        ids[i] = entries[i].sender_id;
    TRY(users_load(ctx, ids, n, senders));
    buf_c(&b, "{\"title\":");
    buf_json(&b, title_of(ctx->arena, entries, senders, n));
    buf_c(&b, ",\"items\":[");
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_char(&b, ',');
        put_item(&b, &entries[i], &senders[i]);
        if (b.n > MERGED_BYTES_MAX)
            return fail(ctx, ERR_TOO_LARGE, "what is merged is longer than %d bytes", MERGED_BYTES_MAX);
    }
    buf_c(&b, "]}");
    *content = buf_done(&b);
    if (json_depth(*content) > MERGED_DEPTH_MAX)
        return fail(ctx, ERR_TOO_LARGE, "what is merged nests deeper than %d", MERGED_DEPTH_MAX);
    return OK;
}

/* ---- once ---- */

/* All that the request says, in 16 bytes: a repetition must say the same. */
static void hash(const struct forward *f, unsigned char out[16])
{
    const struct str parts[] = {f->merged ? STR("merged") : STR("each"),
                                {(const char *)&f->from_id, sizeof f->from_id},
                                {f->seqs.items, f->seqs.n * sizeof(int64_t)}};
    unsigned char whole[CRYPT_SHA256_BYTES];

    crypt_sha256(parts, sizeof parts / sizeof *parts, whole);
    memcpy(out, whole, 16);
}

/* What this request stored before, if it did. */
static enum err look_up(struct ctx *ctx, const struct forward *f, struct str request_hash, struct list *out)
{
    const struct str id = {(const char *)f->client_msg_id, sizeof f->client_msg_id};
    struct sent_row *rows;
    size_t n;

    TRY(q_entries_of_send(ctx, f->to_id, ctx->actor.user_id, id, &rows, &n));
    if (n && !str_eq(rows->request_hash, request_hash))
        return fail(ctx, ERR_CONFLICT, "this client_msg_id was used for something else");
    struct entry_ref *refs = arena_array(ctx->arena, n, sizeof *refs);
    struct entry *entries = arena_array(ctx->arena, n, sizeof *entries);
    for (size_t i = 0; i < n; i++)
        refs[i] = (struct entry_ref){f->to_id, rows[i].seq};
    *out = (struct list){entries, n};
    return entries_load(ctx, refs, n, entries);
}

static enum err append(struct ctx *ctx, struct conversation_row *conv, struct log_draft *draft,
                       const struct entry *entries, size_t n, struct entry *out)
{
    for (size_t i = 0; i < n; i++) {
        draft->part = i;
        draft->type = entries[i].type;
        draft->content = entries[i].content;
        TRY(log_append(ctx, conv, draft, &out[i]));
    }
    return OK;
}

/* Whoever reads what was forwarded may read the files that it names. */
static enum err carry_files(struct ctx *ctx, const struct forward *f, const struct entry *entries, size_t n,
                            const struct entry *out)
{
    for (size_t i = 0; i < n; i++) {
        const uint64_t from_seq = (uint64_t)entries[i].seq, to_seq = (uint64_t)out[f->merged ? 0 : i].seq;
        TRY(f->merged ? q_file_refs_merge(ctx, f->from_id, from_seq, f->to_id, to_seq, NULL)
                      : q_file_refs_copy(ctx, f->from_id, from_seq, f->to_id, to_seq, NULL));
    }
    return OK;
}

enum err forward_send(struct ctx *ctx, const struct forward *f, struct list *out, bool *repeated)
{
    struct entry *entries = arena_array(ctx->arena, f->seqs.n, sizeof *entries);
    struct log_draft draft = {
        .sender_id = ctx->actor.user_id, .counts = true, .origin_session = ctx->actor.session_id};
    const size_t n = f->seqs.n;
    struct acting a;

    memcpy(draft.client_msg_id, f->client_msg_id, sizeof draft.client_msg_id);
    hash(f, draft.request_hash);
    TRY(conversation_act(ctx, f->to_id, &a));
    TRY(look_up(ctx, f, (struct str){(const char *)draft.request_hash, sizeof draft.request_hash}, out));
    *repeated = out->n > 0;
    if (*repeated)
        return OK;
    TRY(conversation_act_may_send(ctx, &a));
    TRY(load(ctx, f, entries));
    struct entry merged = {.type = ENTRY_MERGED};
    if (f->merged)
        TRY(merge(ctx, entries, n, &merged.content));
    const size_t parts = f->merged ? 1 : n;
    *out = (struct list){arena_array(ctx->arena, parts, sizeof(struct entry)), parts};
    TRY(append(ctx, &a.conv, &draft, f->merged ? &merged : entries, parts, out->items));
    return carry_files(ctx, f, entries, n, out->items);
}
