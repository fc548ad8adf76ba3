-- Conversations and their members (model/conversations.c). Whoever changes one locks its row first.

-- name: conversation_by_pair :one
-- The direct conversation of two people, locked.
-- in: low_id u64, high_id u64
-- out: conversation_row(id u64, app_id u64, kind u64, low_id u64?, high_id u64?, flags u64, last_seq u64,
--   last_at i64, members_version u64, version u64, created_at i64)
SELECT id, app_id, kind, low_id, high_id, flags, last_seq, last_at, members_version, version, created_at
FROM conversations WHERE low_id = :low_id AND high_id = :high_id FOR UPDATE;

-- name: conversation_by_id :one
-- One conversation, locked.
-- in: app_id u64, id u64
-- out: conversation_row
SELECT id, app_id, kind, low_id, high_id, flags, last_seq, last_at, members_version, version, created_at
FROM conversations WHERE id = :id AND app_id = :app_id FOR UPDATE;

-- name: conversation_insert :exec
-- Nothing if the pair has one already.
-- in: id u64, app_id u64, kind u64, low_id u64?, high_id u64?, at i64
INSERT INTO conversations (id, app_id, kind, low_id, high_id, flags, last_seq, last_at, members_version, version, created_at)
VALUES (:id, :app_id, :kind, :low_id, :high_id, 0, 0, :at, 0, 1, :at)
ON DUPLICATE KEY UPDATE id = id;

-- name: conversation_set_flags :exec
-- in: id u64, flags u64
UPDATE conversations SET flags = :flags, version = version + 1 WHERE id = :id;

-- name: conversation_members_changed :exec
-- in: id u64, flags u64
UPDATE conversations SET flags = :flags, version = version + 1, members_version = members_version + 1 WHERE id = :id;

-- name: conversation_touch :exec
-- in: id u64
UPDATE conversations SET version = version + 1 WHERE id = :id;

-- name: conversation_advance :exec
-- After an entry was written.
-- in: id u64, last_seq u64, last_at i64
UPDATE conversations SET last_seq = :last_seq, last_at = :last_at WHERE id = :id;

-- name: member_insert :exec
-- in: conversation_id u64, user_id u64, visible_from_seq u64, at i64
INSERT INTO members (conversation_id, user_id, visible_from_seq, left_seq, read_seq, version, joined_at)
VALUES (:conversation_id, :user_id, :visible_from_seq, NULL, 0, 0, :at)
ON DUPLICATE KEY UPDATE user_id = user_id;

-- name: member_get :one
-- in: conversation_id u64, user_id u64
-- out: member_row(visible_from_seq u64, left_seq u64?, read_seq u64, version u64)
SELECT visible_from_seq, left_seq, read_seq, version FROM members
WHERE conversation_id = :conversation_id AND user_id = :user_id;

-- name: member_set_read :exec
-- in: conversation_id u64, user_id u64, read_seq u64
UPDATE members SET read_seq = :read_seq WHERE conversation_id = :conversation_id AND user_id = :user_id;

-- name: members_seeing :many
-- Who may see this entry: the recipients of its event.
-- in: conversation_id u64, seq u64
-- out: member_id_row(user_id u64)
SELECT user_id FROM members
WHERE conversation_id = :conversation_id AND visible_from_seq <= :seq AND (left_seq IS NULL OR left_seq >= :seq);

-- name: conversation_access_get :one
-- A conversation as one member may see it; none for who never was one, or left the group.
-- in: app_id u64, id u64, user_id u64
-- out: conversation_access(id u64, kind u64, low_id u64?, high_id u64?, flags u64, last_seq u64, version u64,
--   visible_from_seq u64, left_seq u64?, read_seq u64, member_version u64)
SELECT c.id, c.kind, c.low_id, c.high_id, c.flags, c.last_seq, c.version,
       m.visible_from_seq, m.left_seq, m.read_seq, m.version AS member_version
FROM conversations AS c JOIN members AS m ON m.conversation_id = c.id AND m.user_id = :user_id
WHERE c.id = :id AND c.app_id = :app_id AND (c.kind <> 1 OR m.left_seq IS NULL);

-- name: conversation_access_above :many
-- The same for all of one member's above an id, in the order of ids.
-- in: app_id u64, user_id u64, above u64, max u64
-- out: conversation_access
SELECT c.id, c.kind, c.low_id, c.high_id, c.flags, c.last_seq, c.version,
       m.visible_from_seq, m.left_seq, m.read_seq, m.version AS member_version
FROM members AS m JOIN conversations AS c ON c.id = m.conversation_id
WHERE m.user_id = :user_id AND m.conversation_id > :above AND c.app_id = :app_id
  AND (c.kind <> 1 OR m.left_seq IS NULL)
ORDER BY m.conversation_id LIMIT :max;

-- name: conversation_views :many
-- Some conversations as one member sees them, in no order.
-- in: app_id u64, user_id u64, ids u64[]
-- out: conversation_view_row(id u64, kind u64, low_id u64?, high_id u64?, last_seq u64, last_at i64, version u64,
--   visible_from_seq u64, left_seq u64?, read_seq u64, peer_read_seq u64?)
SELECT c.id, c.kind, c.low_id, c.high_id, c.last_seq, c.last_at, c.version + m.version AS version,
       m.visible_from_seq, m.left_seq, m.read_seq, p.read_seq AS peer_read_seq
FROM members AS m JOIN conversations AS c ON c.id = m.conversation_id
LEFT JOIN members AS p ON p.conversation_id = c.id AND p.user_id = c.low_id + c.high_id - m.user_id
WHERE m.user_id = :user_id AND m.conversation_id IN (:ids) AND c.app_id = :app_id
  AND (c.kind <> 1 OR m.left_seq IS NULL);

-- name: conversation_views_page :many
-- One member's conversations before a point of the list, newest first.
-- in: app_id u64, user_id u64, before_at i64, before_id u64, max u64
-- out: conversation_view_row
SELECT c.id, c.kind, c.low_id, c.high_id, c.last_seq, c.last_at, c.version + m.version AS version,
       m.visible_from_seq, m.left_seq, m.read_seq, p.read_seq AS peer_read_seq
FROM members AS m JOIN conversations AS c ON c.id = m.conversation_id
LEFT JOIN members AS p ON p.conversation_id = c.id AND p.user_id = c.low_id + c.high_id - m.user_id
WHERE m.user_id = :user_id AND c.app_id = :app_id AND (c.kind <> 1 OR m.left_seq IS NULL)
  AND (c.last_at < :before_at OR (c.last_at = :before_at AND c.id < :before_id))
ORDER BY c.last_at DESC, c.id DESC LIMIT :max;

-- name: unread_counts :many
-- What one member has not read, counted to 999: shown, not system, not recalled, of others.
-- in: user_id u64, ids u64[]
-- out: unread_row(conversation_id u64, unread i64)
SELECT m.conversation_id,
       CAST(CASE WHEN (SELECT e.seq FROM entries AS e
                       WHERE e.conversation_id = m.conversation_id AND e.counts = 1 AND e.seq > m.read_seq
                         AND e.seq >= m.visible_from_seq AND (m.left_seq IS NULL OR e.seq <= m.left_seq)
                         AND e.sender_id <> m.user_id
                       ORDER BY e.seq LIMIT 1 OFFSET 998) IS NOT NULL THEN 999
            ELSE (SELECT COUNT(*) FROM entries AS f
                  WHERE f.conversation_id = m.conversation_id AND f.counts = 1 AND f.seq > m.read_seq
                    AND f.seq >= m.visible_from_seq AND (m.left_seq IS NULL OR f.seq <= m.left_seq)
                    AND f.sender_id <> m.user_id) END AS SIGNED) AS unread
FROM members AS m WHERE m.user_id = :user_id AND m.conversation_id IN (:ids);
