/* The SQL of a batch. Nothing but numbers and hex literals is put into it. */
#include "model/batchtext.h"

#include "base/planted.h"

/* ---- lock and look up ---- */

struct str batchtext_lock(struct arena *arena, const struct locked *locked, size_t n)
{
    struct buf sql = buf_in(arena);

    buf_c(&sql, "START TRANSACTION;SELECT id, app_id, kind, low_id, high_id, flags, last_seq, "
                "members_version FROM conversations"
                " WHERE id IN (");
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_char(&sql, ',');
        buf_u64(&sql, locked[i].id);
    }
    buf_c(&sql, ") ORDER BY id FOR UPDATE");
    return buf_done(&sql);
}

struct str batchtext_rosters(struct arena *arena, const uint64_t *ids, size_t n)
{
    struct buf sql = buf_in(arena);

    buf_c(&sql, "SELECT m.conversation_id, m.user_id, m.role, m.muted_until, m.visible_from_seq, a.user_id"
                " FROM members AS m LEFT JOIN assistants AS a ON a.user_id = m.user_id"
                " WHERE m.conversation_id IN (");
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_char(&sql, ',');
        buf_u64(&sql, ids[i]);
    }
    buf_c(&sql, ") AND m.left_seq IS NULL ORDER BY m.conversation_id");
    return buf_done(&sql);
}

/*
 * The index is named because MariaDB otherwise weighs all three for each of the tuples, which takes
 * longer than the whole batch.
 */
struct str batchtext_look_up(struct arena *arena, struct item *const *items, size_t n)
{
    struct buf sql = buf_in(arena);

    buf_c(&sql, "SELECT conversation_id, sender_id, seq, created_at, client_msg_id, request_hash FROM entries"
                " FORCE INDEX (entries_client) WHERE part = 0"
                " AND (conversation_id, sender_id, client_msg_id) IN (");
    for (size_t i = 0; i < n; i++) {
        const struct send *s = &items[i]->send;
        buf_c(&sql, i ? ",(" : "(");
        buf_u64(&sql, s->conversation_id);
        buf_char(&sql, ',');
        buf_u64(&sql, s->user_id);
        buf_c(&sql, ",0x");
        buf_hex(&sql, s->client_msg_id, sizeof s->client_msg_id);
        buf_char(&sql, ')');
    }
    buf_c(&sql, ") FOR UPDATE");
    return buf_done(&sql);
}

/* ---- write ---- */

static void add_entries(struct buf *sql, const struct batch *b)
{
    buf_c(sql,
          "INSERT INTO entries (conversation_id, seq, sender_id, client_msg_id, part, request_hash, type,"
          " counts, content, mentions, reply_to_seq, created_at) VALUES ");
    for (size_t i = 0; i < b->n_events; i++) {
        const struct item *item = b->written[i];
        const struct send *s = &item->send;
        const uint64_t numbers[] = {s->conversation_id, item->seq, s->user_id};
        buf_c(sql, i ? ",(" : "(");
        for (size_t j = 0; j < 3; j++) {
            buf_u64(sql, numbers[j]);
            buf_char(sql, ',');
        }
        buf_c(sql, "0x");
        buf_hex(sql, s->client_msg_id, sizeof s->client_msg_id);
#if PLANTED_BUG == RETRY_IS_NEW
        buf_char(sql, ',');
        buf_u64(sql, item->seq % 100);
        buf_c(sql, ",0x");
#else
        buf_c(sql, ",0,0x");
#endif
        buf_hex(sql, s->request_hash, sizeof s->request_hash);
        buf_char(sql, ',');
        buf_i64(sql, s->type);
        buf_c(sql, ",1,0x");
        buf_hex(sql, s->content.p, s->content.n);
        buf_c(sql, s->mentions.n ? ",0x" : ",''");
        buf_hex(sql, s->mentions.p, s->mentions.n);
        buf_char(sql, ',');
        if (s->reply_to_seq)
            buf_u64(sql, s->reply_to_seq);
        else
            buf_c(sql, "NULL");
        buf_char(sql, ',');
        buf_i64(sql, item->created_at);
        buf_char(sql, ')');
    }
}

/* One UPDATE for all conversations that grew by the same k. */
static void add_updates(struct buf *sql, const struct batch *b, const struct locked *locked, size_t n,
                        int64_t now)
{
    for (uint64_t k = 1, done = 0; done < b->n_events; k++) {
        bool first = true;
        for (size_t i = 0; i < n; i++) {
            if (locked[i].added != k)
                continue;
            if (first) {
                buf_c(sql, ";UPDATE conversations SET last_shown_seq = last_seq + ");
                buf_u64(sql, k);
                buf_c(sql, ", last_seq = last_seq + ");
                buf_u64(sql, k);
                buf_c(sql, ", last_at = GREATEST(last_at, ");
                buf_i64(sql, now);
                buf_c(sql, ") WHERE id IN (");
            } else {
                buf_char(sql, ',');
            }
            first = false;
            buf_u64(sql, locked[i].id);
            done += k;
        }
        if (!first)
            buf_char(sql, ')');
    }
}

static void add_mention(struct buf *sql, bool *first, const struct item *item, uint64_t user_id)
{
    buf_c(sql, *first ? ";INSERT INTO mentions (user_id, conversation_id, seq) VALUES (" : ",(");
    *first = false;
    buf_u64(sql, user_id);
    buf_char(sql, ',');
    buf_u64(sql, item->send.conversation_id);
    buf_char(sql, ',');
    buf_u64(sql, item->seq);
    buf_char(sql, ')');
}

static void add_mentions(struct buf *sql, const struct batch *b)
{
    bool first = true;

    for (size_t i = 0; i < b->n_events; i++) {
        const struct item *item = b->written[i];
        if (item->send.mentions_all)
            add_mention(sql, &first, item, 0);
        for (size_t j = 0; j < item->send.n_mentions; j++)
            add_mention(sql, &first, item, item->send.mention_ids[j]);
    }
}

static void add_file_refs(struct buf *sql, const struct batch *b)
{
    bool first = true;

    for (size_t i = 0; i < b->n_events; i++) {
        const struct send *s = &b->written[i]->send;
        fileuse_text(sql, &first, s->conversation_id, b->written[i]->seq, s->files, s->n_files);
    }
}

/* What asks an assistant leaves the job in the same transaction. */
static void add_replies(struct buf *sql, const struct batch *b)
{
    bool first = true;

    for (size_t i = 0; i < b->n_events; i++) {
        const struct item *item = b->written[i];
        for (size_t j = 0; j < item->n_asked; j++) {
            const struct send *s = &item->send;
            const uint64_t numbers[] = {item->asked[j].reply_id,     s->app_id,  s->conversation_id,
                                        item->asked[j].assistant_id, s->user_id, item->seq};
            buf_c(sql, first ? ";INSERT INTO ai_replies (id, app_id, conversation_id, assistant_id, asker_id,"
                               " ask_seq, created_at) VALUES ("
                             : ",(");
            first = false;
            for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
                buf_u64(sql, numbers[k]);
                buf_char(sql, ',');
            }
            buf_i64(sql, item->created_at);
            buf_char(sql, ')');
        }
    }
}

/* Once to be rung, once to be found by a search. */
static void add_outbox(struct buf *sql, struct batch *b, const uint64_t *rung, size_t n_rung)
{
    static const char *const tables[] = {"outbox", "search_queue"};
    const struct str packed = event_pack(b->events, b->n_events, b->arena);

    for (size_t i = 0; i < 2; i++) {
        buf_c(sql, ";INSERT INTO ");
        buf_c(sql, tables[i]);
        buf_c(sql, " (id, created_at, claimed_until, events) VALUES (");
        buf_u64(sql, b->outbox_id);
        buf_c(sql, ",CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED),0,0x");
        buf_hex(sql, packed.p, packed.n);
        buf_char(sql, ')');
    }
    for (size_t i = 0; i < n_rung; i++) {
        buf_c(sql, i ? "," : ";DELETE FROM outbox WHERE id IN (");
        buf_u64(sql, rung[i]);
    }
    if (n_rung)
        buf_char(sql, ')');
}

struct str batchtext_write(struct batch *b, const struct locked *locked, size_t n, const uint64_t *rung,
                           size_t n_rung)
{
    struct buf sql = buf_in(b->arena);

    add_entries(&sql, b);
    add_mentions(&sql, b);
    add_file_refs(&sql, b);
    add_replies(&sql, b);
    add_updates(&sql, b, locked, n, b->written[0]->created_at);
    add_outbox(&sql, b, rung, n_rung);
    buf_c(&sql, ";COMMIT");
    return buf_done(&sql);
}
