-- The log of a conversation (model/log.c, model/entries.c). The writer's batches are text of its own (model/writer.c).
-- Entries of type 32 and above are operations on others, which are not shown by themselves.

-- name: entry_insert :exec
-- in: conversation_id u64, seq u64, sender_id u64, client_msg_id bytes, part u64, request_hash bytes, type u64,
--   counts bool, content bytes, mentions bytes, reply_to_seq u64?, created_at i64
INSERT INTO entries (conversation_id, seq, sender_id, client_msg_id, part, request_hash, type, counts, content,
                     mentions, reply_to_seq, created_at, edited_at, recalled_at)
VALUES (:conversation_id, :seq, :sender_id, :client_msg_id, :part, :request_hash, :type, :counts, :content,
        :mentions, :reply_to_seq, :created_at, NULL, NULL);

-- name: entries_at :many
-- Single entries of any conversations, in no order.
-- in: refs entry_ref(conversation_id u64, seq u64)[]
-- out: entry_row(conversation_id u64, seq u64, sender_id u64, client_msg_id bytes, type u64, content bytes,
--   mentions bytes, reply_to_seq u64?, created_at i64, edited_at i64?, recalled_at i64?, changed_seq u64?, reacted bool)
SELECT conversation_id, seq, sender_id, client_msg_id, type, content, mentions, reply_to_seq, created_at, edited_at,
  recalled_at, changed_seq, reacted
FROM entries FORCE INDEX (PRIMARY) WHERE (conversation_id, seq) IN (:refs);

-- name: entries_targets :many
-- The same, of those alone that somebody sees now and did not hide.
-- in: user_id u64, refs entry_ref(conversation_id u64, seq u64)[]
-- out: entry_row
SELECT e.conversation_id, e.seq, e.sender_id, e.client_msg_id, e.type, e.content, e.mentions, e.reply_to_seq, e.created_at,
  e.edited_at, e.recalled_at, e.changed_seq, e.reacted
FROM entries AS e JOIN members AS m ON m.conversation_id = e.conversation_id AND m.user_id = :user_id
LEFT JOIN hidden_entries AS h ON h.user_id = m.user_id AND h.conversation_id = e.conversation_id AND h.seq = e.seq
WHERE (e.conversation_id, e.seq) IN (:refs) AND e.seq >= m.visible_from_seq AND (m.left_seq IS NULL OR e.seq <= m.left_seq)
  AND h.seq IS NULL;

-- name: entries_below :many
-- The newest that are shown of a range, newest first, without those that somebody hid.
-- in: conversation_id u64, lowest u64, highest u64, user_id u64, max u64
-- out: entry_row
SELECT conversation_id, seq, sender_id, client_msg_id, type, content, mentions, reply_to_seq, created_at, edited_at,
  recalled_at, changed_seq, reacted
FROM entries AS e WHERE conversation_id = :conversation_id AND seq >= :lowest AND seq <= :highest AND type < 32
  AND NOT EXISTS (SELECT 1 FROM hidden_entries AS h
                  WHERE h.user_id = :user_id AND h.conversation_id = e.conversation_id AND h.seq = e.seq)
ORDER BY seq DESC LIMIT :max;

-- name: entries_above :many
-- The oldest that are shown of a range, oldest first, without those that somebody hid.
-- in: conversation_id u64, lowest u64, highest u64, user_id u64, max u64
-- out: entry_row
SELECT conversation_id, seq, sender_id, client_msg_id, type, content, mentions, reply_to_seq, created_at, edited_at,
  recalled_at, changed_seq, reacted
FROM entries AS e WHERE conversation_id = :conversation_id AND seq >= :lowest AND seq <= :highest AND type < 32
  AND NOT EXISTS (SELECT 1 FROM hidden_entries AS h
                  WHERE h.user_id = :user_id AND h.conversation_id = e.conversation_id AND h.seq = e.seq)
ORDER BY seq LIMIT :max;

-- name: entries_log :many
-- All of a range, operations too, oldest first.
-- in: conversation_id u64, lowest u64, highest u64, max u64
-- out: entry_row
SELECT conversation_id, seq, sender_id, client_msg_id, type, content, mentions, reply_to_seq, created_at, edited_at,
  recalled_at, changed_seq, reacted
FROM entries WHERE conversation_id = :conversation_id AND seq >= :lowest AND seq <= :highest
ORDER BY seq LIMIT :max;

-- name: entries_of_send :many
-- What one request of somebody stored.
-- in: conversation_id u64, sender_id u64, client_msg_id bytes
-- out: sent_row(seq u64, request_hash bytes)
SELECT seq, request_hash FROM entries
WHERE conversation_id = :conversation_id AND sender_id = :sender_id AND client_msg_id = :client_msg_id ORDER BY part LIMIT 256;

-- name: entries_last_changed :many
-- The last operation of each conversation on an earlier entry.
-- in: ids u64[]
-- out: last_changed_row(conversation_id u64, changed_seq u64)
SELECT conversation_id, MAX(changed_seq) AS changed_seq FROM entries
WHERE conversation_id IN (:ids) AND changed_seq > 0 GROUP BY conversation_id;

-- name: entries_changed :many
-- Of a range of entries those on which there was an operation after one, newest operation first.
-- in: conversation_id u64, after u64, lowest u64, highest u64, max u64
-- out: entry_row
SELECT conversation_id, seq, sender_id, client_msg_id, type, content, mentions, reply_to_seq, created_at, edited_at,
  recalled_at, changed_seq, reacted
FROM entries WHERE conversation_id = :conversation_id AND changed_seq > :after AND seq >= :lowest AND seq <= :highest
ORDER BY changed_seq DESC LIMIT :max;

-- name: entry_edit :exec
-- in: conversation_id u64, seq u64, content bytes, at i64, changed_seq u64
UPDATE entries SET content = :content, edited_at = :at, changed_seq = :changed_seq
WHERE conversation_id = :conversation_id AND seq = :seq;

-- name: entry_recall :exec
-- Nothing is left but its place.
-- in: conversation_id u64, seq u64, content bytes, at i64, changed_seq u64
UPDATE entries SET content = :content, mentions = X'', counts = 0, reacted = 0, recalled_at = :at,
  changed_seq = :changed_seq
WHERE conversation_id = :conversation_id AND seq = :seq;

-- name: entry_reacted :exec
-- in: conversation_id u64, seq u64, reacted bool, changed_seq u64
UPDATE entries SET reacted = :reacted, changed_seq = :changed_seq
WHERE conversation_id = :conversation_id AND seq = :seq;

-- name: mentions_delete :exec
-- in: conversation_id u64, seq u64
DELETE FROM mentions WHERE conversation_id = :conversation_id AND seq = :seq;

-- name: hidden_insert :exec
-- in: user_id u64, conversation_id u64, seq u64
INSERT INTO hidden_entries (user_id, conversation_id, seq) VALUES (:user_id, :conversation_id, :seq)
ON DUPLICATE KEY UPDATE seq = seq;

-- name: hidden_among :many
-- Which of these somebody hid.
-- in: user_id u64, refs entry_ref(conversation_id u64, seq u64)[]
-- out: hidden_row(conversation_id u64, seq u64)
SELECT conversation_id, seq FROM hidden_entries WHERE user_id = :user_id AND (conversation_id, seq) IN (:refs);

-- name: reactions_sum :many
-- The reactions to some entries, of each entry the first one first, and which change it had then. One without any is one row.
-- in: user_id u64, refs entry_ref(conversation_id u64, seq u64)[]
-- out: reactions_row(conversation_id u64, seq u64, changed_seq u64?, emoji bytes?, n i64, mine bool)
SELECT e.conversation_id, e.seq, e.changed_seq, r.emoji, CAST(COUNT(r.emoji) AS SIGNED) AS n,
       COALESCE(MAX(r.user_id = :user_id), 0) AS mine
FROM entries AS e FORCE INDEX (PRIMARY) LEFT JOIN reactions AS r ON r.conversation_id = e.conversation_id AND r.seq = e.seq
WHERE (e.conversation_id, e.seq) IN (:refs)
GROUP BY e.conversation_id, e.seq, e.changed_seq, r.emoji ORDER BY e.conversation_id, e.seq, MIN(r.created_at), r.emoji;

-- name: reactions_emoji :many
-- The different ones of an entry, and whether somebody is among those who chose it.
-- in: conversation_id u64, seq u64, user_id u64
-- out: reaction_emoji_row(emoji bytes, mine bool)
SELECT emoji, MAX(user_id = :user_id) AS mine FROM reactions
WHERE conversation_id = :conversation_id AND seq = :seq GROUP BY emoji ORDER BY emoji LIMIT 64;

-- name: reaction_insert :exec
-- in: conversation_id u64, seq u64, emoji bytes, user_id u64, at i64
INSERT INTO reactions (conversation_id, seq, emoji, user_id, created_at)
VALUES (:conversation_id, :seq, :emoji, :user_id, :at);

-- name: reaction_delete :exec
-- in: conversation_id u64, seq u64, emoji bytes, user_id u64
DELETE FROM reactions WHERE conversation_id = :conversation_id AND seq = :seq AND emoji = :emoji AND user_id = :user_id;

-- name: reactions_delete :exec
-- in: conversation_id u64, seq u64
DELETE FROM reactions WHERE conversation_id = :conversation_id AND seq = :seq;

-- name: reactions_page :many
-- Who chose one emoji, after an id.
-- in: conversation_id u64, seq u64, emoji bytes, after u64, max u64
-- out: reaction_by_row(emoji bytes, user_id u64, created_at i64)
SELECT emoji, user_id, created_at FROM reactions
WHERE conversation_id = :conversation_id AND seq = :seq AND emoji = :emoji AND user_id > :after
ORDER BY user_id LIMIT :max;

-- name: reactions_page_all :many
-- Who chose any, emoji by emoji, after one emoji and id.
-- in: conversation_id u64, seq u64, emoji bytes, after u64, max u64
-- out: reaction_by_row
SELECT emoji, user_id, created_at FROM reactions
WHERE conversation_id = :conversation_id AND seq = :seq AND (emoji > :emoji OR (emoji = :emoji AND user_id > :after))
ORDER BY emoji, user_id LIMIT :max;

-- name: pin_get :one
-- in: conversation_id u64, seq u64
-- out: pin_row(seq u64, pinned_by u64, pinned_at i64)
SELECT seq, pinned_by, pinned_at FROM pins WHERE conversation_id = :conversation_id AND seq = :seq;

-- name: pins_all :many
-- in: conversation_id u64
-- out: pin_row
SELECT seq, pinned_by, pinned_at FROM pins WHERE conversation_id = :conversation_id ORDER BY seq LIMIT 64;

-- name: pin_insert :exec
-- in: conversation_id u64, seq u64, user_id u64, at i64
INSERT INTO pins (conversation_id, seq, pinned_by, pinned_at) VALUES (:conversation_id, :seq, :user_id, :at);

-- name: pin_delete :exec
-- in: conversation_id u64, seq u64
DELETE FROM pins WHERE conversation_id = :conversation_id AND seq = :seq;
