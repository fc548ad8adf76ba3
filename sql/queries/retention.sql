-- What nobody needs any more goes, a little at a time (daemons/courier.c).

-- name: retention_idempotency :exec
-- in: age_ms i64, max u64
DELETE FROM idempotency_keys WHERE created_at < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - :age_ms
ORDER BY created_at LIMIT :max;

-- name: retention_revocations :exec
-- Longer than an access token lives.
-- in: age_ms i64, max u64
DELETE FROM revocations WHERE revoked_at < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - :age_ms
ORDER BY revoked_at LIMIT :max;

-- name: retention_throttle :exec
-- in: age_ms i64, max u64
DELETE FROM login_throttle WHERE last_at < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - :age_ms
ORDER BY last_at LIMIT :max;

-- name: retention_sessions :exec
-- Those that were revoked go when they would have ended anyway.
-- in: age_ms i64, max u64
DELETE FROM sessions WHERE expires_at < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - :age_ms
ORDER BY expires_at LIMIT :max;

-- name: retention_links :exec
-- Of groups, a while after they ended.
-- in: age_ms i64, max u64
DELETE FROM invite_links WHERE expires_at < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - :age_ms
ORDER BY expires_at LIMIT :max;

-- name: retention_resets :exec
-- in: age_ms i64, max u64
DELETE FROM password_resets WHERE expires_at < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - :age_ms
ORDER BY expires_at LIMIT :max;

-- name: retention_helps :exec
-- in: age_ms i64, max u64
DELETE FROM ai_helps WHERE created_at < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - :age_ms
ORDER BY created_at LIMIT :max;

-- name: retention_help_jobs :exec
-- in: age_ms i64, max u64
DELETE FROM ai_replies WHERE kind IN (1, 2, 3) AND created_at < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - :age_ms
ORDER BY kind, created_at LIMIT :max;

-- name: retention_spending :exec
-- in: age_ms i64, max u64
DELETE FROM ai_spending WHERE day < (CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - :age_ms) DIV 86400000
ORDER BY day LIMIT :max;
