-- The state of people as one row of numbers each (model/digest.h).

-- name: digest_states :many
-- One row per person. Each number changes, or another one does, with whatever its person must hear of.
-- in: ids u64[]
-- out: digest_row(user_id u64, version u64, conversations u64, seen u64, begins u64, marks u64, versions u64)
SELECT u.id AS user_id, u.version, CAST(COUNT(m.conversation_id) AS UNSIGNED) AS conversations,
  CAST(COALESCE(SUM(LEAST(c.last_seq, COALESCE(m.left_seq, c.last_seq))), 0) AS UNSIGNED) AS seen,
  CAST(COALESCE(SUM(m.visible_from_seq + COALESCE(m.left_seq, 0)), 0) AS UNSIGNED) AS begins,
  CAST(COALESCE(SUM(m.read_seq), 0) AS UNSIGNED) AS marks,
  CAST(COALESCE(SUM(m.version + CASE WHEN m.left_seq IS NULL THEN c.version ELSE 0 END), 0) AS UNSIGNED) AS versions
FROM users AS u LEFT JOIN members AS m ON m.user_id = u.id LEFT JOIN conversations AS c ON c.id = m.conversation_id
WHERE u.id IN (:ids) GROUP BY u.id, u.version;
