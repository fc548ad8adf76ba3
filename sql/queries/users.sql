-- People (model/accounts.c). Who is deleted keeps a row without content.

-- name: users_get :many
-- People of one app, in any state.
-- in: app_id u64, ids u64[]
-- out: user_row(id u64, username str?, nickname str, signature str, avatar_file_id u64?, gender u64, kind u64,
--      state u64, show_last_seen bool, last_seen_at i64, version u64)
SELECT id, username, nickname, signature, avatar_file_id, gender, kind, state, show_last_seen, last_seen_at, version
FROM users WHERE id IN (:ids) AND app_id = :app_id;

-- name: users_by_username :many
-- One page of those who may be found and whose username begins like `pattern`, after `after`. None is `except`.
-- in: app_id u64, pattern str, after str, except str, max u64
-- out: found_row(id u64, found_key str)
SELECT id, username_key AS found_key FROM users
WHERE app_id = :app_id AND username_key LIKE :pattern ESCAPE '!' AND username_key > :after AND username_key <> :except
  AND findable = 1 AND state = 0 AND kind <> 3
ORDER BY username_key LIMIT :max;

-- name: users_by_nickname :many
-- The same by nickname, after (after, after_id), without those whose username matches already.
-- in: app_id u64, pattern str, after str, after_id u64, max u64
-- out: found_row
SELECT id, nickname_key AS found_key FROM users
WHERE app_id = :app_id AND nickname_key LIKE :pattern ESCAPE '!' AND nickname_key >= :after
  AND (nickname_key > :after OR id > :after_id) AND username_key NOT LIKE :pattern ESCAPE '!'
  AND findable = 1 AND state = 0 AND kind <> 3
ORDER BY nickname_key, id LIMIT :max;

-- name: user_keys :one
-- The names by which a person who is still here is found.
-- in: app_id u64, id u64
-- out: keys_row(username_key str?, nickname_key str)
SELECT username_key, nickname_key FROM users WHERE id = :id AND app_id = :app_id AND state <> 2;

-- name: user_by_username :one
-- Who has this username, and what signing in needs.
-- in: app_id u64, username_key str
-- out: account_row(id u64, username_key str?, kind u64, state u64, role u64, version u64, password_hash str?)
SELECT id, username_key, kind, state, role, version, password_hash
FROM users WHERE app_id = :app_id AND username_key = :username_key;

-- name: user_account :one
-- in: app_id u64, id u64
-- out: account_row
SELECT id, username_key, kind, state, role, version, password_hash FROM users WHERE id = :id AND app_id = :app_id;

-- name: user_lock :one
-- The same, with the row's lock: whoever makes or ends sessions, or counts friends, holds it.
-- in: app_id u64, id u64
-- out: account_row
SELECT id, username_key, kind, state, role, version, password_hash FROM users
WHERE id = :id AND app_id = :app_id FOR UPDATE;

-- name: user_me :one
-- in: app_id u64, id u64
-- out: me_row(id u64, username str?, nickname str, signature str, avatar_file_id u64?, gender u64, kind u64, state u64,
--      role u64, locale str, timezone str, strangers_may_write bool, findable bool, show_last_seen bool,
--      last_seen_at i64, created_at i64, version u64)
SELECT id, username, nickname, signature, avatar_file_id, gender, kind, state, role, locale, timezone,
  strangers_may_write, findable, show_last_seen, last_seen_at, created_at, version
FROM users WHERE id = :id AND app_id = :app_id;

-- name: user_insert :exec
-- in: id u64, app_id u64, username str, username_key str, nickname str, nickname_key str, role u64, password_hash str
INSERT INTO users (id, app_id, username, username_key, nickname, nickname_key, signature, avatar_file_id, gender, kind,
  state, role, external_id, locale, timezone, password_hash, strangers_may_write, findable, show_last_seen,
  friend_count, version, created_at, last_seen_at, deleted_at)
VALUES (:id, :app_id, :username, :username_key, :nickname, :nickname_key, '', NULL, 0, 0, 0, :role, NULL, '', '',
  :password_hash, 0, 1, 1, 0, 1, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), 0, NULL);

-- name: user_update :exec
-- The profile as a whole; the row is locked, and the version raised by user_touch.
-- in: id u64, nickname str, nickname_key str, signature str, avatar_file_id u64?, gender u64, locale str, timezone str,
--     strangers_may_write bool, findable bool, show_last_seen bool
UPDATE users SET nickname = :nickname, nickname_key = :nickname_key, signature = :signature,
  avatar_file_id = :avatar_file_id, gender = :gender, locale = :locale, timezone = :timezone,
  strangers_may_write = :strangers_may_write, findable = :findable, show_last_seen = :show_last_seen
WHERE id = :id;

-- name: user_touch :exec
-- in: id u64
UPDATE users SET version = version + 1 WHERE id = :id AND state <> 2;

-- name: user_version :one
-- in: id u64
-- out: version_row(version u64)
SELECT version FROM users WHERE id = :id;

-- name: user_befriend :exec
-- One friend more, if there is room.
-- in: id u64, max u64
UPDATE users SET friend_count = friend_count + 1, version = version + 1
WHERE id = :id AND state = 0 AND friend_count < :max;

-- name: user_unfriend :exec
-- in: id u64
UPDATE users SET friend_count = friend_count - 1, version = version + 1 WHERE id = :id AND friend_count > 0;

-- name: user_set_password :exec
-- in: id u64, password_hash str
UPDATE users SET password_hash = :password_hash, version = version + 1 WHERE id = :id AND state <> 2;

-- name: user_set_state :exec
-- in: id u64, state u64
UPDATE users SET state = :state, version = version + 1 WHERE id = :id AND state <> 2;

-- name: user_bury :exec
-- Deletes a person: what remains is a number that the log may name.
-- in: id u64
UPDATE users SET username = NULL, username_key = NULL, nickname = '', nickname_key = '', signature = '',
  avatar_file_id = NULL, gender = 0, state = 2, role = 0, external_id = NULL, locale = '', timezone = '',
  password_hash = NULL, strangers_may_write = 0, findable = 0, show_last_seen = 0, friend_count = 0,
  version = version + 1, last_seen_at = 0, deleted_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)
WHERE id = :id AND state <> 2;

-- name: users_page :many
-- Everybody of an app in the order of their ids, for the operator.
-- in: app_id u64, after u64, max u64
-- out: listed_row(id u64, username str?, nickname str, kind u64, state u64, role u64, friend_count u64, created_at i64,
--      last_seen_at i64)
SELECT id, username, nickname, kind, state, role, friend_count, created_at, last_seen_at
FROM users WHERE id > :after AND app_id = :app_id ORDER BY id LIMIT :max;

-- name: invite_insert :exec
-- in: code_hash bytes, app_id u64, uses u64, life_ms i64
INSERT INTO invites (code_hash, app_id, uses_left, created_at, expires_at)
VALUES (:code_hash, :app_id, :uses, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED),
  CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :life_ms);

-- name: invite_use :exec
-- in: code_hash bytes, app_id u64
UPDATE invites SET uses_left = uses_left - 1
WHERE code_hash = :code_hash AND app_id = :app_id AND uses_left > 0
  AND expires_at > CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED);

-- name: reset_insert :exec
-- in: token_hash bytes, user_id u64, life_ms i64
INSERT INTO password_resets (token_hash, user_id, created_at, expires_at, used_at)
VALUES (:token_hash, :user_id, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED),
  CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :life_ms, NULL);

-- name: reset_get :one
-- Whom a reset is for, if it is still good.
-- in: token_hash bytes
-- out: reset_row(user_id u64, app_id u64)
SELECT password_resets.user_id, users.app_id FROM password_resets JOIN users ON users.id = password_resets.user_id
WHERE token_hash = :token_hash AND used_at IS NULL AND users.state <> 2
  AND expires_at > CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED);

-- name: reset_use :exec
-- in: token_hash bytes
UPDATE password_resets SET used_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)
WHERE token_hash = :token_hash AND used_at IS NULL AND expires_at > CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED);

-- name: resets_forget_user :exec
-- in: user_id u64
DELETE FROM password_resets WHERE user_id = :user_id;

-- name: throttle_get :one
-- in: subject bytes
-- out: throttle_row(failures u64, age_ms i64)
SELECT failures, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - last_at AS age_ms
FROM login_throttle WHERE subject = :subject FOR UPDATE;

-- name: throttle_fail :exec
-- One failure more; of those before, one is forgiven for each `forgive_ms` of quiet.
-- in: subject bytes, forgive_ms i64
INSERT INTO login_throttle (subject, failures, last_at)
VALUES (:subject, 1, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED))
ON DUPLICATE KEY UPDATE
  failures = GREATEST(CAST(failures AS SIGNED) -
    (CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - last_at) DIV :forgive_ms, 0) + 1,
  last_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED);

-- name: throttle_undo :exec
-- The attempt that was counted did not fail.
-- in: subject bytes
UPDATE login_throttle SET failures = failures - 1 WHERE subject = :subject AND failures > 0;

-- name: throttle_forget :exec
-- in: subject bytes
DELETE FROM login_throttle WHERE subject = :subject;

-- name: audit_insert :exec
-- in: id u64, app_id u64, actor_id u64?, session_id u64?, address str, action str, object str, detail str
INSERT INTO audit (id, app_id, at, actor_id, session_id, address, action, object, detail)
VALUES (:id, :app_id, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), :actor_id, :session_id, :address, :action,
  :object, :detail);
