-- Sessions (model/sessions.c). A session is alive while it is neither revoked nor expired.

-- name: session_insert :exec
-- in: id u64, app_id u64, user_id u64, device_name str, platform u64, address str, refresh_hash bytes, life_ms i64
INSERT INTO sessions (id, app_id, user_id, device_name, platform, address, refresh_hash, previous_hash, rotated_at,
  retried, created_at, last_seen_at, expires_at, revoked_at)
VALUES (:id, :app_id, :user_id, :device_name, :platform, :address, :refresh_hash, NULL,
  CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), 0, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED),
  CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :life_ms, NULL);

-- name: session_lock :one
-- in: id u64
-- out: session_row(id u64, app_id u64, user_id u64, refresh_hash bytes, previous_hash bytes?, retried bool,
--      rotated_ms i64, left_ms i64, revoked_at i64?)
SELECT id, app_id, user_id, refresh_hash, previous_hash, retried,
  CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - rotated_at AS rotated_ms,
  expires_at - CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AS left_ms, revoked_at
FROM sessions WHERE id = :id FOR UPDATE;

-- name: session_rotate :exec
-- A new refresh token; the one of the request is the one before it.
-- in: id u64, refresh_hash bytes, previous_hash bytes, retried bool, address str, life_ms i64
UPDATE sessions SET refresh_hash = :refresh_hash, previous_hash = :previous_hash, retried = :retried,
  address = :address, rotated_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED),
  last_seen_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED),
  expires_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :life_ms
WHERE id = :id;

-- name: sessions_page :many
-- The living sessions of a person after (before_ms, before_id), the last seen first.
-- in: user_id u64, before_ms i64, before_id u64, max u64
-- out: device_row(id u64, device_name str, platform u64, created_at i64, last_seen_at i64)
SELECT id, device_name, platform, created_at, last_seen_at FROM sessions
WHERE user_id = :user_id AND revoked_at IS NULL AND expires_at > CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)
  AND last_seen_at <= :before_ms AND (last_seen_at < :before_ms OR id < :before_id)
ORDER BY last_seen_at DESC, id DESC LIMIT :max;

-- name: sessions_living :many
-- All of them with their locks, the last seen first.
-- in: user_id u64, except_id u64
-- out: session_id_row(id u64)
SELECT id FROM sessions WHERE user_id = :user_id AND revoked_at IS NULL AND id <> :except_id
ORDER BY last_seen_at DESC, id DESC FOR UPDATE;

-- name: sessions_revoke :exec
-- in: user_id u64, ids u64[]
UPDATE sessions SET revoked_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)
WHERE id IN (:ids) AND user_id = :user_id AND revoked_at IS NULL;

-- name: sessions_addresses :many
-- Where a person signed in from.
-- in: user_id u64
-- out: address_row(address str)
SELECT DISTINCT address FROM sessions WHERE user_id = :user_id LIMIT 200;
