-- When people were last here (model/presence.c). Written lazily, many at once.

-- name: presence_shown :one
-- Whether somebody lets friends see when he is here.
-- in: user_id u64
-- out: presence_shown_row(show_last_seen bool, last_seen_at i64)
SELECT show_last_seen, last_seen_at FROM users WHERE id = :user_id AND state = 0;

-- name: presence_audience :many
-- Who hears whether somebody is here: his friends but those whom he blocks.
-- in: user_id u64, max u64
-- out: audience_row
SELECT f.friend_id FROM friendships AS f
WHERE f.user_id = :user_id
  AND NOT EXISTS (SELECT 1 FROM blocks AS b WHERE b.user_id = f.user_id AND b.blocked_id = f.friend_id)
ORDER BY f.friend_id LIMIT :max;

-- name: presence_user_seen :exec
-- It is written late: of who has left by then nothing is.
-- in: at i64, ids u64[]
UPDATE users SET last_seen_at = :at WHERE id IN (:ids) AND last_seen_at < :at AND state <> 2;

-- name: presence_session_seen :exec
-- in: at i64, ids u64[]
UPDATE sessions SET last_seen_at = :at WHERE id IN (:ids) AND last_seen_at < :at;
