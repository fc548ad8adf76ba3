-- The outbox: what was committed and perhaps not yet rung. Ids are ordered by time (base/id.h).

-- name: outbox_insert :exec
-- In the transaction of what it tells.
-- in: id u64, events bytes
INSERT INTO outbox (id, created_at, claimed_until, events)
VALUES (:id, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), 0, :events);

-- name: outbox_delete :exec
-- After the fan-out.
-- in: ids u64[]
DELETE FROM outbox WHERE id IN (:ids);

-- name: outbox_due :many
-- The oldest rows that nobody works on and that are older than a while.
-- in: older_ms i64, max u64
-- out: outbox_row(id u64, events bytes)
SELECT id, events FROM outbox
WHERE created_at < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - :older_ms
  AND claimed_until < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)
ORDER BY id LIMIT :max;

-- name: outbox_claim :exec
-- Takes due rows for a while. Those that another courier took in between are not counted as affected.
-- in: claim_ms i64, ids u64[]
UPDATE outbox SET claimed_until = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :claim_ms
WHERE id IN (:ids) AND claimed_until < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED);

-- name: outbox_age :one
-- Of the oldest row, in ms; 0 if there is none.
-- out: outbox_age_row(age_ms i64)
SELECT CAST(COALESCE(CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) -
       (SELECT o.created_at FROM outbox AS o ORDER BY o.id LIMIT 1), 0) AS SIGNED) AS age_ms;

-- name: outbox_audience :many
-- The friends of somebody: who hears of a changed profile.
-- in: user_id u64, max u64
-- out: audience_row(friend_id u64)
SELECT friend_id FROM friendships WHERE user_id = :user_id ORDER BY friend_id LIMIT :max;
