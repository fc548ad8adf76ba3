-- Answers of creating POSTs (model/idempotency.c).

-- name: idempotency_claim :exec
-- One row if the key was free. Waits for another transaction that claims the same; those who wait queue up for the
-- row itself (a plain INSERT's shared locks would deadlock when the first rolls back).
-- in: user_id u64, key_hash bytes, request_hash bytes
INSERT INTO idempotency_keys (user_id, key_hash, request_hash, status, answer, created_at)
VALUES (:user_id, :key_hash, :request_hash, 0, '', CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED))
ON DUPLICATE KEY UPDATE user_id = user_id;

-- name: idempotency_get :one
-- in: user_id u64, key_hash bytes
-- out: idempotency_row(request_hash bytes, status u64, answer bytes, age_ms i64)
SELECT request_hash, status, answer, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - created_at AS age_ms
FROM idempotency_keys WHERE user_id = :user_id AND key_hash = :key_hash FOR UPDATE;

-- name: idempotency_store :exec
-- in: user_id u64, key_hash bytes, status u64, answer bytes
UPDATE idempotency_keys SET status = :status, answer = :answer
WHERE user_id = :user_id AND key_hash = :key_hash;

-- name: idempotency_renew :exec
-- One that is too old becomes a new claim.
-- in: user_id u64, key_hash bytes, request_hash bytes
UPDATE idempotency_keys
SET request_hash = :request_hash, status = 0, answer = '', created_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)
WHERE user_id = :user_id AND key_hash = :key_hash;

-- name: idempotency_forget_user :exec
-- in: user_id u64
DELETE FROM idempotency_keys WHERE user_id = :user_id;
