-- Assistants, their replies, and tokens (model/assistants.c, replies.c). A reply's row is written by the batch of the
-- message that asks (model/batchtext.c), or by ai_reply_insert where it is asked for again.

-- name: user_insert_assistant :exec
-- Nobody signs in as it, and nobody finds it by its name.
-- in: id u64, app_id u64, username str, username_key str, nickname str, nickname_key str
INSERT INTO users (id, app_id, username, username_key, nickname, nickname_key, signature, avatar_file_id, gender, kind,
  state, role, external_id, locale, timezone, password_hash, strangers_may_write, findable, show_last_seen,
  friend_count, version, created_at, last_seen_at, deleted_at)
VALUES (:id, :app_id, :username, :username_key, :nickname, :nickname_key, '', NULL, 0, 1, 0, 0, NULL, '', '',
  NULL, 0, 0, 0, 0, 1, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), 0, NULL);

-- name: assistant_insert :exec
-- in: user_id u64, app_id u64, provider str, prompt str, listed bool, pictures bool
INSERT INTO assistants (user_id, app_id, provider, prompt, listed, pictures, created_at)
VALUES (:user_id, :app_id, :provider, :prompt, :listed, :pictures, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED));

-- name: assistant_allow :exec
-- in: assistant_id u64, subject_id u64
INSERT INTO assistant_allowed (assistant_id, subject_id) VALUES (:assistant_id, :subject_id)
ON DUPLICATE KEY UPDATE subject_id = subject_id;

-- name: assistant_delete :exec
-- in: user_id u64
DELETE FROM assistants WHERE user_id = :user_id;

-- name: assistant_allowed_delete :exec
-- in: assistant_id u64
DELETE FROM assistant_allowed WHERE assistant_id = :assistant_id;

-- name: assistant_set_avatar :exec
-- in: id u64, file_id u64
UPDATE users SET avatar_file_id = :file_id, version = version + 1 WHERE id = :id;

-- name: assistant_bury :exec
-- What it said keeps a sender without a name.
-- in: id u64
UPDATE users SET username = NULL, username_key = NULL, nickname = '', nickname_key = '', avatar_file_id = NULL, state = 2,
  version = version + 1, deleted_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)
WHERE id = :id;

-- name: assistants_page :many
-- All of an app, in the order of ids.
-- in: app_id u64, after u64, max u64
-- out: assistant_listed_row(user_id u64, username str?, provider str, listed bool)
SELECT a.user_id, u.username, a.provider, a.listed FROM assistants AS a JOIN users AS u ON u.id = a.user_id
WHERE a.app_id = :app_id AND a.user_id > :after ORDER BY a.user_id LIMIT :max;

-- name: assistants_usable :many
-- Those on offer to somebody, after an id.
-- in: app_id u64, asker_id u64, after u64, max u64
-- out: assistant_row(user_id u64, provider str, prompt str, pictures bool)
SELECT a.user_id, a.provider, a.prompt, a.pictures FROM assistants AS a
WHERE a.app_id = :app_id AND a.user_id > :after
  AND EXISTS (SELECT 1 FROM users AS u WHERE u.id = a.user_id AND u.state = 0)
  AND (a.listed = 0 OR EXISTS (SELECT 1 FROM assistant_allowed AS l WHERE l.assistant_id = a.user_id
    AND (l.subject_id = :asker_id OR EXISTS (SELECT 1 FROM members AS m
      WHERE m.conversation_id = l.subject_id AND m.user_id = :asker_id AND m.left_seq IS NULL))))
ORDER BY a.user_id LIMIT :max;

-- name: assistant_usable :one
-- One of them.
-- in: app_id u64, asker_id u64, user_id u64
-- out: assistant_row
SELECT a.user_id, a.provider, a.prompt, a.pictures FROM assistants AS a
WHERE a.app_id = :app_id AND a.user_id = :user_id
  AND EXISTS (SELECT 1 FROM users AS u WHERE u.id = a.user_id AND u.state = 0)
  AND (a.listed = 0 OR EXISTS (SELECT 1 FROM assistant_allowed AS l WHERE l.assistant_id = a.user_id
    AND (l.subject_id = :asker_id OR EXISTS (SELECT 1 FROM members AS m
      WHERE m.conversation_id = l.subject_id AND m.user_id = :asker_id AND m.left_seq IS NULL))));

-- name: ai_reply_insert :exec
-- in: id u64, app_id u64, conversation_id u64, assistant_id u64, asker_id u64, ask_seq u64, created_at i64
INSERT INTO ai_replies (id, app_id, conversation_id, assistant_id, asker_id, ask_seq, created_at)
VALUES (:id, :app_id, :conversation_id, :assistant_id, :asker_id, :ask_seq, :created_at);

-- name: ai_replies_get :many
-- in: ids u64[]
-- out: ai_reply_row(id u64, app_id u64, conversation_id u64, assistant_id u64, asker_id u64, ask_seq u64, state u64,
--   cancelled bool, claimed_by u64, seq u64?, reason str, day u64, reserved u64, input_tokens u64, output_tokens u64,
--   created_at i64, finished_at i64?, kind u64, cost u64)
SELECT id, app_id, conversation_id, assistant_id, asker_id, ask_seq, state, cancelled, claimed_by, seq, reason, day,
  reserved, input_tokens, output_tokens, created_at, finished_at, kind, cost
FROM ai_replies WHERE id IN (:ids);

-- name: ai_replies_waiting :many
-- Those that nobody writes: first what was never tried, then what waits for its time longest.
-- in: max u64
-- out: ai_reply_row
SELECT id, app_id, conversation_id, assistant_id, asker_id, ask_seq, state, cancelled, claimed_by, seq, reason, day,
  reserved, input_tokens, output_tokens, created_at, finished_at, kind, cost
FROM ai_replies WHERE state = 0 AND lease_until <= CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)
ORDER BY lease_until, id LIMIT :max;

-- name: ai_replies_expired :many
-- Whose process is gone.
-- in: max u64
-- out: ai_reply_row
SELECT id, app_id, conversation_id, assistant_id, asker_id, ask_seq, state, cancelled, claimed_by, seq, reason, day,
  reserved, input_tokens, output_tokens, created_at, finished_at, kind, cost
FROM ai_replies WHERE state = 1 AND lease_until < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)
ORDER BY lease_until LIMIT :max;

-- name: ai_reply_claim :exec
-- Counts no row if another process was first.
-- in: id u64, process u64, lease_ms i64
UPDATE ai_replies SET state = 1, claimed_by = :process,
  lease_until = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :lease_ms
WHERE id = :id AND state = 0;

-- name: ai_replies_renew :exec
-- in: process u64, lease_ms i64, ids u64[]
UPDATE ai_replies SET lease_until = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :lease_ms
WHERE id IN (:ids) AND state = 1 AND claimed_by = :process;

-- name: ai_reply_release :exec
-- Nothing was written yet: another process may begin anew, after a while.
-- in: id u64, process u64, later_ms i64
UPDATE ai_replies SET state = 0, claimed_by = 0, reserved = 0,
  lease_until = IF(:later_ms = 0, 0, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :later_ms)
WHERE id = :id AND state = 1 AND claimed_by = :process;

-- name: ai_reply_expire :exec
-- Takes one whose process is gone, so that it can be ended. Counts no row if it is not so any more.
-- in: id u64, process u64, lease_ms i64
UPDATE ai_replies SET claimed_by = :process,
  lease_until = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :lease_ms
WHERE id = :id AND state = 1 AND lease_until < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED);

-- name: ai_reply_reserve :exec
-- in: id u64, process u64, day u64, reserved u64
UPDATE ai_replies SET day = :day, reserved = :reserved WHERE id = :id AND state = 1 AND claimed_by = :process;

-- name: ai_reply_cancel :exec
-- in: id u64
UPDATE ai_replies SET cancelled = 1 WHERE id = :id AND state < 2;

-- name: ai_reply_end :exec
-- Counts no row if it is another process's by now.
-- in: id u64, process u64, state u64, seq u64?, reason str, input_tokens u64, output_tokens u64, cost u64,
--   finished_at i64
UPDATE ai_replies SET state = :state, lease_until = 0, seq = :seq, reason = :reason, reserved = 0,
  input_tokens = :input_tokens, output_tokens = :output_tokens, cost = :cost, finished_at = :finished_at
WHERE id = :id AND state = 1 AND claimed_by = :process;

-- name: ai_replies_of_ask :many
-- Those to one entry that are not at their end.
-- in: conversation_id u64, ask_seq u64, assistant_id u64, max u64
-- out: ai_reply_open_row(id u64)
SELECT id FROM ai_replies
WHERE conversation_id = :conversation_id AND ask_seq = :ask_seq AND assistant_id = :assistant_id AND state < 2
LIMIT :max;
