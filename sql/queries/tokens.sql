-- Token keys and revocations (model/token.c, model/revocation.c), and the database's clock.

-- name: clock_now :one
-- The database's clock in milliseconds.
-- out: clock_row(now_ms i64)
SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AS now_ms;

-- name: token_keys_live :many
-- The keys that are accepted now, the newest first.
-- in: max u64
-- out: token_key_row(id u64, salt bytes, age_ms i64)
SELECT id, salt, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - created_at AS age_ms FROM token_keys
WHERE retired_at IS NULL OR retired_at > CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)
ORDER BY id DESC LIMIT :max;

-- name: token_key_newest :one
-- out: token_key_id_row(id u64)
SELECT id FROM token_keys ORDER BY id DESC LIMIT 1;

-- name: token_key_insert :exec
-- in: id u64, salt bytes
INSERT INTO token_keys (id, salt, created_at, retired_at)
VALUES (:id, :salt, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), NULL);

-- name: token_keys_retire :exec
-- All before this one, in `after_ms` at the latest.
-- in: before u64, after_ms i64
UPDATE token_keys SET retired_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :after_ms
WHERE id < :before
  AND (retired_at IS NULL OR retired_at > CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :after_ms);

-- name: revocations_since :many
-- A page in the order of their time, after (since, after_id).
-- in: since i64, after_id u64, max u64
-- out: revocation_row(session_id u64, user_id u64, revoked_at i64)
SELECT session_id, user_id, revoked_at FROM revocations
WHERE revoked_at >= :since AND (revoked_at > :since OR session_id > :after_id)
ORDER BY revoked_at, session_id LIMIT :max;

-- name: revocations_insert :exec
-- For sessions that were revoked in this transaction.
-- in: ids u64[]
INSERT INTO revocations (session_id, user_id, revoked_at)
SELECT id, user_id, revoked_at FROM sessions WHERE id IN (:ids) AND revoked_at IS NOT NULL;
