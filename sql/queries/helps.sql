-- What a model does for one person alone (model/helps.c), and what all answers cost (model/spending.c).

-- name: help_insert :exec
-- in: id u64, asker_id u64, digest bytes, after_seq u64, language str
INSERT INTO ai_helps (id, asker_id, digest, after_seq, language, result, created_at)
VALUES (:id, :asker_id, :digest, :after_seq, :language, NULL, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED));

-- name: help_job_insert :exec
-- in: id u64, app_id u64, conversation_id u64, asker_id u64, ask_seq u64, kind u64, created_at i64
INSERT INTO ai_replies (id, app_id, conversation_id, assistant_id, asker_id, ask_seq, kind, created_at)
VALUES (:id, :app_id, :conversation_id, 0, :asker_id, :ask_seq, :kind, :created_at);

-- name: help_get :one
-- in: id u64
-- out: help_row(id u64, asker_id u64, digest bytes, after_seq u64, language str, result str?, conversation_id u64,
--   ask_seq u64, kind u64, state u64, reason str, input_tokens u64, output_tokens u64, cost u64, created_at i64,
--   finished_at i64?)
SELECT h.id, h.asker_id, h.digest, h.after_seq, h.language, h.result, r.conversation_id, r.ask_seq, r.kind, r.state,
  r.reason, r.input_tokens, r.output_tokens, r.cost, r.created_at, r.finished_at
FROM ai_helps AS h JOIN ai_replies AS r ON r.id = h.id WHERE h.id = :id;

-- name: help_same :one
-- in: asker_id u64, digest bytes
-- out: help_row
SELECT h.id, h.asker_id, h.digest, h.after_seq, h.language, h.result, r.conversation_id, r.ask_seq, r.kind, r.state,
  r.reason, r.input_tokens, r.output_tokens, r.cost, r.created_at, r.finished_at
FROM ai_helps AS h JOIN ai_replies AS r ON r.id = h.id WHERE h.asker_id = :asker_id AND h.digest = :digest;

-- name: help_delete :exec
-- in: asker_id u64, digest bytes
DELETE FROM ai_helps WHERE asker_id = :asker_id AND digest = :digest;

-- name: help_done :exec
-- in: id u64, result str
UPDATE ai_helps SET result = :result WHERE id = :id;

-- name: helps_forget :exec
-- Of a person who leaves for good.
-- in: asker_id u64
DELETE FROM ai_helps WHERE asker_id = :asker_id;

-- name: spending_begin :exec
-- in: scope u64, subject_id u64, day u64
INSERT INTO ai_spending (scope, subject_id, day, used, reserved, running, cost)
VALUES (:scope, :subject_id, :day, 0, 0, 0, 0)
ON DUPLICATE KEY UPDATE day = day;

-- name: spending_reserve :exec
-- Counts no row if it is more than is allowed, of tokens or of answers at once.
-- in: scope u64, subject_id u64, day u64, tokens u64, most u64, at_once u64
UPDATE ai_spending SET reserved = reserved + :tokens, running = running + 1
WHERE scope = :scope AND subject_id = :subject_id AND day = :day AND used + reserved + :tokens <= :most
  AND running < :at_once;

-- name: spending_settle :exec
-- An answer that was begun before there was this table has reserved nothing in it.
-- in: scope u64, subject_id u64, day u64, reserved u64, used u64, cost u64
UPDATE ai_spending SET reserved = reserved - LEAST(reserved, :reserved), running = running - LEAST(running, 1),
  used = used + :used, cost = cost + :cost
WHERE scope = :scope AND subject_id = :subject_id AND day = :day;

-- name: spending_get :one
-- in: scope u64, subject_id u64, day u64
-- out: spending_row(used u64, reserved u64, running u64, cost u64)
SELECT used, reserved, running, cost FROM ai_spending
WHERE scope = :scope AND subject_id = :subject_id AND day = :day;

-- name: spending_forget :exec
-- Of a person who leaves for good.
-- in: user_id u64
DELETE FROM ai_spending WHERE scope = 0 AND subject_id = :user_id;
