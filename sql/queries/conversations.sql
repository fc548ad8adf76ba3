-- Conversations and their members (model/conversations.c). Whoever changes one locks its row first.

-- name: conversation_by_pair :one
-- The direct conversation of two people, locked.
-- in: low_id u64, high_id u64
-- out: conversation_row(id u64, app_id u64, kind u64, low_id u64?, high_id u64?, flags u64, last_seq u64,
--   last_shown_seq u64, last_at i64, members_version u64, version u64, owner_id u64?, member_count u64, created_at i64)
SELECT id, app_id, kind, low_id, high_id, flags, last_seq, last_shown_seq, last_at, members_version, version, owner_id,
  member_count, created_at
FROM conversations WHERE low_id = :low_id AND high_id = :high_id FOR UPDATE;

-- name: conversation_by_id :one
-- One conversation, locked.
-- in: app_id u64, id u64
-- out: conversation_row
SELECT id, app_id, kind, low_id, high_id, flags, last_seq, last_shown_seq, last_at, members_version, version, owner_id,
  member_count, created_at
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
-- After an entry was written; one that is not shown leaves the second number and the time as they are.
-- in: id u64, last_seq u64, last_shown_seq u64, last_at i64
UPDATE conversations SET last_seq = :last_seq, last_shown_seq = :last_shown_seq, last_at = :last_at WHERE id = :id;

-- name: member_insert :exec
-- in: conversation_id u64, user_id u64, visible_from_seq u64, at i64
INSERT INTO members (conversation_id, user_id, visible_from_seq, left_seq, read_seq, version, joined_at)
VALUES (:conversation_id, :user_id, :visible_from_seq, NULL, 0, 0, :at)
ON DUPLICATE KEY UPDATE user_id = user_id;

-- name: member_get :one
-- in: conversation_id u64, user_id u64
-- out: member_row(visible_from_seq u64, left_seq u64?, read_seq u64, version u64, role u64, muted_until i64,
--   pinned bool, notify u64, remark str, marked_unread bool, hidden_seq u64)
SELECT visible_from_seq, left_seq, read_seq, version, role, muted_until, pinned, notify, remark, marked_unread, hidden_seq
FROM members
WHERE conversation_id = :conversation_id AND user_id = :user_id;

-- name: member_set_read :exec
-- It is marked as unread no more.
-- in: conversation_id u64, user_id u64, read_seq u64
UPDATE members SET read_seq = :read_seq, marked_unread = 0, version = version + 1
WHERE conversation_id = :conversation_id AND user_id = :user_id;

-- name: members_seeing :many
-- Who may see this entry: the recipients of its event.
-- in: conversation_id u64, seq u64
-- out: member_id_row(user_id u64)
SELECT user_id FROM members
WHERE conversation_id = :conversation_id AND visible_from_seq <= :seq AND (left_seq IS NULL OR left_seq >= :seq);

-- name: conversation_access_get :one
-- A conversation as one member may see it; none for who never was one, or is no longer in a group.
-- in: app_id u64, id u64, user_id u64
-- out: conversation_access(id u64, kind u64, low_id u64?, high_id u64?, flags u64, last_seq u64, version u64,
--   member_count u64, visible_from_seq u64, left_seq u64?, read_seq u64, member_version u64, role u64, muted_until i64,
--   marked_unread bool)
SELECT c.id, c.kind, c.low_id, c.high_id, c.flags, c.last_seq, c.version, c.member_count,
       m.visible_from_seq, m.left_seq, m.read_seq, m.version AS member_version, m.role, m.muted_until,
       m.marked_unread
FROM conversations AS c JOIN members AS m ON m.conversation_id = c.id AND m.user_id = :user_id
WHERE c.id = :id AND c.app_id = :app_id AND (c.kind <> 1 OR m.left_seq IS NULL);

-- name: conversation_access_above :many
-- The same for all of one member's above an id, in the order of ids.
-- in: app_id u64, user_id u64, above u64, max u64
-- out: conversation_access
SELECT c.id, c.kind, c.low_id, c.high_id, c.flags, c.last_seq, c.version, c.member_count,
       m.visible_from_seq, m.left_seq, m.read_seq, m.version AS member_version, m.role, m.muted_until,
       m.marked_unread
FROM members AS m JOIN conversations AS c ON c.id = m.conversation_id
WHERE m.user_id = :user_id AND m.conversation_id > :above AND c.app_id = :app_id
  AND (c.kind <> 1 OR m.left_seq IS NULL)
ORDER BY m.conversation_id LIMIT :max;

-- name: conversation_views :many
-- Some conversations as one member sees them, in no order.
-- in: app_id u64, user_id u64, ids u64[]
-- out: conversation_view_row(id u64, kind u64, low_id u64?, high_id u64?, last_seq u64, shown_seq u64?, last_at i64,
--   version u64, visible_from_seq u64, left_seq u64?, read_seq u64, peer_read_seq u64?, pinned bool, notify u64,
--   remark str, marked_unread bool, draft str?)
SELECT c.id, c.kind, c.low_id, c.high_id, c.last_seq,
       (SELECT e.seq FROM entries AS e
        WHERE e.conversation_id = c.id AND e.seq >= m.visible_from_seq
          AND e.seq <= LEAST(c.last_shown_seq, COALESCE(m.left_seq, c.last_shown_seq)) AND e.type < 32
          AND NOT EXISTS (SELECT 1 FROM hidden_entries AS h
                          WHERE h.user_id = m.user_id AND h.conversation_id = e.conversation_id AND h.seq = e.seq)
        ORDER BY e.seq DESC LIMIT 1) AS shown_seq,
       c.last_at, c.version + m.version AS version, m.visible_from_seq, m.left_seq, m.read_seq,
       p.read_seq AS peer_read_seq, m.pinned, m.notify, m.remark, m.marked_unread, d.draft
FROM members AS m JOIN conversations AS c ON c.id = m.conversation_id
LEFT JOIN members AS p ON p.conversation_id = c.id AND p.user_id = c.low_id + c.high_id - m.user_id
LEFT JOIN drafts AS d ON d.conversation_id = c.id AND d.user_id = m.user_id
WHERE m.user_id = :user_id AND m.conversation_id IN (:ids) AND c.app_id = :app_id
  AND (c.kind <> 1 OR m.left_seq IS NULL);

-- name: conversation_views_page :many
-- One member's conversations before a point of the list, newest first, without those that he cleared.
-- in: app_id u64, user_id u64, before_at i64, before_id u64, max u64
-- out: conversation_view_row
SELECT c.id, c.kind, c.low_id, c.high_id, c.last_seq,
       (SELECT e.seq FROM entries AS e
        WHERE e.conversation_id = c.id AND e.seq >= m.visible_from_seq
          AND e.seq <= LEAST(c.last_shown_seq, COALESCE(m.left_seq, c.last_shown_seq)) AND e.type < 32
          AND NOT EXISTS (SELECT 1 FROM hidden_entries AS h
                          WHERE h.user_id = m.user_id AND h.conversation_id = e.conversation_id AND h.seq = e.seq)
        ORDER BY e.seq DESC LIMIT 1) AS shown_seq,
       c.last_at, c.version + m.version AS version, m.visible_from_seq, m.left_seq, m.read_seq,
       p.read_seq AS peer_read_seq, m.pinned, m.notify, m.remark, m.marked_unread, d.draft
FROM members AS m JOIN conversations AS c ON c.id = m.conversation_id
LEFT JOIN members AS p ON p.conversation_id = c.id AND p.user_id = c.low_id + c.high_id - m.user_id
LEFT JOIN drafts AS d ON d.conversation_id = c.id AND d.user_id = m.user_id
WHERE m.user_id = :user_id AND c.app_id = :app_id AND (c.kind <> 1 OR m.left_seq IS NULL)
  AND (m.hidden_seq = 0 OR c.last_shown_seq > m.hidden_seq)
  AND (c.last_at < :before_at OR (c.last_at = :before_at AND c.id < :before_id))
ORDER BY c.last_at DESC, c.id DESC LIMIT :max;

-- name: member_touch :exec
-- in: conversation_id u64, user_id u64
UPDATE members SET version = version + 1 WHERE conversation_id = :conversation_id AND user_id = :user_id;

-- name: member_set_own :exec
-- What only this member sees of it.
-- in: conversation_id u64, user_id u64, pinned bool, notify u64, remark str, marked_unread bool
UPDATE members SET pinned = :pinned, notify = :notify, remark = :remark, marked_unread = :marked_unread,
  version = version + 1
WHERE conversation_id = :conversation_id AND user_id = :user_id;

-- name: member_clear :exec
-- Nothing up to `seq` is his any more, and it is in his list again when something is said above it.
-- in: conversation_id u64, user_id u64, seq u64
UPDATE members SET visible_from_seq = :seq + 1, hidden_seq = :seq, read_seq = :seq, marked_unread = 0,
  version = version + 1
WHERE conversation_id = :conversation_id AND user_id = :user_id;

-- name: draft_get :one
-- in: conversation_id u64, user_id u64
-- out: draft_row(draft str)
SELECT draft FROM drafts WHERE conversation_id = :conversation_id AND user_id = :user_id;

-- name: draft_set :exec
-- in: conversation_id u64, user_id u64, draft str
INSERT INTO drafts (conversation_id, user_id, draft) VALUES (:conversation_id, :user_id, :draft)
ON DUPLICATE KEY UPDATE draft = :draft;

-- name: draft_delete :exec
-- in: conversation_id u64, user_id u64
DELETE FROM drafts WHERE conversation_id = :conversation_id AND user_id = :user_id;

-- name: members_present :many
-- Who is in it now, in the order of ids: whom typing is told.
-- in: conversation_id u64, max u64
-- out: member_id_row
SELECT user_id FROM members WHERE conversation_id = :conversation_id AND left_seq IS NULL ORDER BY user_id LIMIT :max;

-- name: pairs_without_strangers :exec
-- He wants no strangers any more, in direct conversations: one side of the pairs.
-- in: user_id u64
UPDATE conversations SET flags = flags & ~16, version = version + 1 WHERE low_id = :user_id AND flags & 16 <> 0;

-- name: pairs_without_strangers_high :exec
-- The other side.
-- in: user_id u64
UPDATE conversations SET flags = flags & ~16, version = version + 1 WHERE high_id = :user_id AND flags & 16 <> 0;

-- name: groups_shared_open :one
-- How many groups both are in where strangers may write to each other: a few suffice.
-- in: user_id u64, other_id u64
-- out: shared_row(n u64)
SELECT CAST(COUNT(*) AS UNSIGNED) AS n
FROM members AS m JOIN members AS o ON o.conversation_id = m.conversation_id AND o.user_id = :other_id
JOIN conversations AS c ON c.id = m.conversation_id
WHERE m.user_id = :user_id AND m.left_seq IS NULL AND o.left_seq IS NULL AND c.kind = 1 AND c.flags & 256 <> 0;

-- name: user_lets_strangers :one
-- in: id u64
-- out: lets_row(strangers_may_write bool)
SELECT strangers_may_write FROM users WHERE id = :id;

-- name: readers_page :many
-- Who read an entry, after an id: who is in the conversation now, sees it and did not send it.
-- in: conversation_id u64, seq u64, sender_id u64, after u64, max u64
-- out: member_id_row
SELECT user_id FROM members
WHERE conversation_id = :conversation_id AND user_id > :after AND left_seq IS NULL AND visible_from_seq <= :seq
  AND user_id <> :sender_id AND read_seq >= :seq
ORDER BY user_id LIMIT :max;

-- name: unreaders_page :many
-- Who did not.
-- in: conversation_id u64, seq u64, sender_id u64, after u64, max u64
-- out: member_id_row
SELECT user_id FROM members
WHERE conversation_id = :conversation_id AND user_id > :after AND left_seq IS NULL AND visible_from_seq <= :seq
  AND user_id <> :sender_id AND read_seq < :seq
ORDER BY user_id LIMIT :max;

-- name: readers_count :one
-- in: conversation_id u64, seq u64, sender_id u64
-- out: readers_count_row(readers u64, others u64)
SELECT CAST(COALESCE(SUM(read_seq >= :seq), 0) AS UNSIGNED) AS readers,
       CAST(COALESCE(SUM(read_seq < :seq), 0) AS UNSIGNED) AS others
FROM members
WHERE conversation_id = :conversation_id AND left_seq IS NULL AND visible_from_seq <= :seq AND user_id <> :sender_id;

-- name: unread_counts :many
-- What one member has not read, counted to 999: shown, not system, not recalled, not hidden, of others; and whether
-- one of them mentions him.
-- in: user_id u64, ids u64[]
-- out: unread_row(conversation_id u64, unread i64, mentioned bool)
SELECT m.conversation_id,
       CAST(CASE WHEN (SELECT e.seq FROM entries AS e
                       WHERE e.conversation_id = m.conversation_id AND e.counts = 1 AND e.seq > m.read_seq
                         AND e.seq >= m.visible_from_seq AND (m.left_seq IS NULL OR e.seq <= m.left_seq)
                         AND e.sender_id <> m.user_id
                         AND NOT EXISTS (SELECT 1 FROM hidden_entries AS g WHERE g.user_id = m.user_id
                                         AND g.conversation_id = e.conversation_id AND g.seq = e.seq)
                       ORDER BY e.seq LIMIT 1 OFFSET 998) IS NOT NULL THEN 999
            ELSE (SELECT COUNT(*) FROM entries AS f
                  WHERE f.conversation_id = m.conversation_id AND f.counts = 1 AND f.seq > m.read_seq
                    AND f.seq >= m.visible_from_seq AND (m.left_seq IS NULL OR f.seq <= m.left_seq)
                    AND f.sender_id <> m.user_id
                    AND NOT EXISTS (SELECT 1 FROM hidden_entries AS h WHERE h.user_id = m.user_id
                                    AND h.conversation_id = f.conversation_id AND h.seq = f.seq)) END AS SIGNED) AS unread,
       EXISTS (SELECT 1 FROM mentions AS n JOIN entries AS s ON s.conversation_id = n.conversation_id AND s.seq = n.seq
               WHERE n.user_id IN (0, :user_id) AND n.conversation_id = m.conversation_id AND n.seq > m.read_seq
                 AND n.seq >= m.visible_from_seq AND (m.left_seq IS NULL OR n.seq <= m.left_seq)
                 AND s.sender_id <> m.user_id
                 AND NOT EXISTS (SELECT 1 FROM hidden_entries AS i WHERE i.user_id = m.user_id
                                 AND i.conversation_id = n.conversation_id AND i.seq = n.seq)) AS mentioned
FROM members AS m WHERE m.user_id = :user_id AND m.conversation_id IN (:ids);
