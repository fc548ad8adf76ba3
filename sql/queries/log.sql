-- The log of a conversation (model/log.c, model/entries.c). The writer's batches are text of its own (model/writer.c).

-- name: entry_insert :exec
-- in: conversation_id u64, seq u64, sender_id u64, client_msg_id bytes, part u64, request_hash bytes, type u64,
--   counts bool, content bytes, reply_to_seq u64?, created_at i64
INSERT INTO entries (conversation_id, seq, sender_id, client_msg_id, part, request_hash, type, counts, content,
                     reply_to_seq, created_at, edited_at, recalled_at)
VALUES (:conversation_id, :seq, :sender_id, :client_msg_id, :part, :request_hash, :type, :counts, :content,
        :reply_to_seq, :created_at, NULL, NULL);

-- name: entries_at :many
-- Single entries of any conversations, in no order.
-- in: refs entry_ref(conversation_id u64, seq u64)[]
-- out: entry_row(conversation_id u64, seq u64, sender_id u64, client_msg_id bytes, type u64, content bytes,
--   reply_to_seq u64?, created_at i64, edited_at i64?, recalled_at i64?)
SELECT conversation_id, seq, sender_id, client_msg_id, type, content, reply_to_seq, created_at, edited_at, recalled_at
FROM entries WHERE (conversation_id, seq) IN (:refs);

-- name: entries_below :many
-- The newest of a range, newest first.
-- in: conversation_id u64, lowest u64, highest u64, max u64
-- out: entry_row
SELECT conversation_id, seq, sender_id, client_msg_id, type, content, reply_to_seq, created_at, edited_at, recalled_at
FROM entries WHERE conversation_id = :conversation_id AND seq >= :lowest AND seq <= :highest
ORDER BY seq DESC LIMIT :max;

-- name: entries_above :many
-- The oldest of a range, oldest first.
-- in: conversation_id u64, lowest u64, highest u64, max u64
-- out: entry_row
SELECT conversation_id, seq, sender_id, client_msg_id, type, content, reply_to_seq, created_at, edited_at, recalled_at
FROM entries WHERE conversation_id = :conversation_id AND seq >= :lowest AND seq <= :highest
ORDER BY seq LIMIT :max;
