-- Files (model/files.c). The bytes are in the store.

-- name: file_usage_add :exec
-- Locks the person's row.
-- in: user_id u64, bytes i64
INSERT INTO file_usage (user_id, bytes) VALUES (:user_id, :bytes) ON DUPLICATE KEY UPDATE bytes = bytes + :bytes;

-- name: file_usage_get :one
-- in: user_id u64
-- out: file_usage_row(bytes i64)
SELECT bytes FROM file_usage WHERE user_id = :user_id;

-- name: file_receiving :one
-- How many files of a person are being received; those that nobody has touched for a while are dead.
-- in: owner_id u64, dead_ms i64
-- out: file_receiving_row(n i64)
SELECT COUNT(*) AS n FROM files
WHERE owner_id = :owner_id AND state = 0 AND touched_at > CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - :dead_ms;

-- name: file_insert :exec
-- One that begins to be received.
-- in: id u64, app_id u64, owner_id u64, state u64, name str, size i64, store_key str, at i64
INSERT INTO files (id, app_id, owner_id, state, name, size, content_type, sha256, width, height, store_key, thumbnails,
                   created_at, touched_at)
VALUES (:id, :app_id, :owner_id, :state, :name, :size, '', '', 0, 0, :store_key, 0, :at,
        CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED));

-- name: file_touch :exec
-- in: id u64
UPDATE files SET touched_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) WHERE id = :id AND state = 0;

-- name: file_finish :exec
-- It is there. No row: it was given up meanwhile.
-- in: id u64, content_type str, sha256 bytes, width u64, height u64, bits u64, duration_ms u64
UPDATE files SET state = 1, content_type = :content_type, sha256 = :sha256, width = :width, height = :height,
                 thumbnails = :bits, duration_ms = :duration_ms
WHERE id = :id AND state = 0;

-- name: file_delete :exec
-- in: id u64, state u64
DELETE FROM files WHERE id = :id AND state = :state;

-- name: file_get :one
-- in: app_id u64, id u64
-- out: file_row(id u64, owner_id u64, name str, size i64, content_type str, sha256 bytes, width u64, height u64,
--   store_key str, thumbnails u64, duration_ms u64, created_at i64)
SELECT id, owner_id, name, size, content_type, sha256, width, height, store_key, thumbnails, duration_ms, created_at
FROM files WHERE id = :id AND app_id = :app_id AND state = 1;

-- name: file_seen :many
-- An entry through which a person may read a file now.
-- in: file_id u64, user_id u64
-- out: file_seen_row(seq u64)
SELECT r.seq FROM file_refs AS r
JOIN members AS m ON m.conversation_id = r.conversation_id AND m.user_id = :user_id
JOIN entries AS e ON e.conversation_id = r.conversation_id AND e.seq = r.seq
WHERE r.file_id = :file_id AND r.seq >= m.visible_from_seq AND m.left_seq IS NULL
  AND e.recalled_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM hidden_entries AS h
                  WHERE h.user_id = :user_id AND h.conversation_id = r.conversation_id AND h.seq = r.seq)
LIMIT 1;

-- name: file_avatar_of :many
-- Somebody of the app, or a group of it, whose avatar it is.
-- in: app_id u64, file_id u64
-- out: file_avatar_row(id u64)
SELECT u.id FROM users AS u WHERE u.avatar_file_id = :file_id AND u.app_id = :app_id AND u.state <> 2
UNION ALL
SELECT g.conversation_id AS id FROM group_profiles AS g JOIN conversations AS c ON c.id = g.conversation_id
WHERE g.avatar_file_id = :file_id AND c.app_id = :app_id
LIMIT 1;

-- name: file_ref_insert :exec
-- in: conversation_id u64, seq u64, file_id u64, kind u64
INSERT INTO file_refs (conversation_id, seq, file_id, kind) VALUES (:conversation_id, :seq, :file_id, :kind)
ON DUPLICATE KEY UPDATE kind = kind;

-- name: file_list :many
-- Files that were sent in a conversation, newest first, in a range of seqs that the reader may see, without what he hid.
-- in: conversation_id u64, user_id u64, kind u64, lowest u64, highest u64, max u64
-- out: file_list_row(seq u64, sender_id u64, sent_at i64, kind u64, id u64, name str, size i64, content_type str,
--   sha256 bytes, width u64, height u64)
SELECT r.seq, e.sender_id, e.created_at AS sent_at, r.kind, f.id, f.name, f.size, f.content_type, f.sha256, f.width, f.height
FROM file_refs AS r
JOIN entries AS e ON e.conversation_id = r.conversation_id AND e.seq = r.seq
JOIN files AS f ON f.id = r.file_id
WHERE r.conversation_id = :conversation_id AND r.kind = :kind AND r.seq >= :lowest AND r.seq <= :highest
  AND e.recalled_at IS NULL AND f.state = 1
  AND NOT EXISTS (SELECT 1 FROM hidden_entries AS h
                  WHERE h.user_id = :user_id AND h.conversation_id = r.conversation_id AND h.seq = r.seq)
ORDER BY r.seq DESC LIMIT :max;

-- name: file_list_all :many
-- The same of every kind that is shown by itself.
-- in: conversation_id u64, user_id u64, lowest u64, highest u64, max u64
-- out: file_list_row
SELECT r.seq, e.sender_id, e.created_at AS sent_at, r.kind, f.id, f.name, f.size, f.content_type, f.sha256, f.width, f.height
FROM file_refs AS r
JOIN entries AS e ON e.conversation_id = r.conversation_id AND e.seq = r.seq
JOIN files AS f ON f.id = r.file_id
WHERE r.conversation_id = :conversation_id AND r.seq >= :lowest AND r.seq <= :highest AND r.kind < 4
  AND e.recalled_at IS NULL AND f.state = 1
  AND NOT EXISTS (SELECT 1 FROM hidden_entries AS h
                  WHERE h.user_id = :user_id AND h.conversation_id = r.conversation_id AND h.seq = r.seq)
ORDER BY r.seq DESC LIMIT :max;

-- name: files_dead :many
-- Those that nobody receives any more: the oldest first.
-- in: dead_ms i64, max u64
-- out: file_id_row(id u64)
SELECT id FROM files WHERE state = 0 AND touched_at < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - :dead_ms
ORDER BY touched_at LIMIT :max;

-- name: file_give_up :exec
-- From here on it cannot become visible: whoever receives it after all finds that it was given up.
-- in: id u64, dead_ms i64
UPDATE files SET state = 2
WHERE id = :id AND state = 0 AND touched_at < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - :dead_ms;

-- name: files_condemned :many
-- Those that are to be removed: the oldest first.
-- in: max u64
-- out: file_dead_row(id u64, owner_id u64, size i64, store_key str, thumbnails u64)
SELECT id, owner_id, size, store_key, thumbnails FROM files WHERE state = 2 ORDER BY touched_at LIMIT :max;

-- name: files_condemn :exec
-- Those of a person to which no entry refers, those that are being received too; what others are seen by stays.
-- in: owner_id u64
UPDATE files SET state = 2 WHERE owner_id = :owner_id AND state IN (0, 1)
  AND NOT EXISTS (SELECT 1 FROM file_refs AS r WHERE r.file_id = files.id)
  AND NOT EXISTS (SELECT 1 FROM group_profiles AS g WHERE g.avatar_file_id = files.id)
  AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.avatar_file_id = files.id AND u.id <> :owner_id);

-- name: file_refs_forget :exec
-- in: conversation_id u64
DELETE FROM file_refs WHERE conversation_id = :conversation_id;

-- name: file_thumbnail_made :exec
-- in: id u64, bit u64
UPDATE files SET thumbnails = thumbnails | :bit WHERE id = :id AND state = 1;

-- name: file_refs_copy :exec
-- The entry is forwarded as it is.
-- in: from_id u64, from_seq u64, to_id u64, to_seq u64
INSERT INTO file_refs (conversation_id, seq, file_id, kind)
SELECT :to_id, :to_seq, r.file_id, r.kind FROM file_refs AS r WHERE r.conversation_id = :from_id AND r.seq = :from_seq
ON DUPLICATE KEY UPDATE file_refs.kind = file_refs.kind;

-- name: file_refs_merge :exec
-- The entry becomes a part of a merged one.
-- in: from_id u64, from_seq u64, to_id u64, to_seq u64
INSERT INTO file_refs (conversation_id, seq, file_id, kind)
SELECT :to_id, :to_seq, r.file_id, 5 FROM file_refs AS r WHERE r.conversation_id = :from_id AND r.seq = :from_seq
ON DUPLICATE KEY UPDATE file_refs.kind = file_refs.kind;
