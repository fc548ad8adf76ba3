-- Friendships, requests and blocks (model/friends.c, friendrequests.c, blocks.c). Two people act under their pair lock.

-- name: friends_showing :many
-- Which of `ids` are friends of a person, and do not block him.
-- in: user_id u64, ids u64[]
-- out: friend_id_row(friend_id u64)
SELECT f.friend_id FROM friendships AS f
WHERE f.user_id = :user_id AND f.friend_id IN (:ids)
  AND NOT EXISTS (SELECT 1 FROM blocks AS b WHERE b.user_id = f.friend_id AND b.blocked_id = f.user_id);

-- name: friends_get :many
-- in: user_id u64, ids u64[]
-- out: friend_row(friend_id u64, conversation_id u64, remark str, tag str, version u64, created_at i64)
SELECT friend_id, conversation_id, remark, tag, version, created_at FROM friendships
WHERE user_id = :user_id AND friend_id IN (:ids);

-- name: friends_page :many
-- in: user_id u64, after u64, max u64
-- out: friend_row
SELECT friend_id, conversation_id, remark, tag, version, created_at FROM friendships
WHERE user_id = :user_id AND friend_id > :after ORDER BY friend_id LIMIT :max;

-- name: friendship_insert :exec
-- One side of it.
-- in: user_id u64, friend_id u64, conversation_id u64, version u64
INSERT INTO friendships (user_id, friend_id, conversation_id, remark, tag, version, created_at)
VALUES (:user_id, :friend_id, :conversation_id, '', '', :version, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED));

-- name: friendship_update :exec
-- in: user_id u64, friend_id u64, remark str, tag str, version u64
UPDATE friendships SET remark = :remark, tag = :tag, version = :version
WHERE user_id = :user_id AND friend_id = :friend_id;

-- name: friendship_delete :exec
-- One side of it.
-- in: user_id u64, friend_id u64
DELETE FROM friendships WHERE user_id = :user_id AND friend_id = :friend_id;

-- name: request_insert :exec
-- in: id u64, app_id u64, from_id u64, to_id u64, low_id u64, high_id u64, message str
INSERT INTO friend_requests (id, app_id, from_id, to_id, low_id, high_id, pending, message, state, version, created_at,
  decided_at)
VALUES (:id, :app_id, :from_id, :to_id, :low_id, :high_id, 1, :message, 0, 1,
  CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), NULL);

-- name: request_pending :one
-- The open request of two people.
-- in: low_id u64, high_id u64
-- out: request_row(id u64, from_id u64, to_id u64, message str, state u64, version u64, created_at i64)
SELECT id, from_id, to_id, message, state, version, created_at FROM friend_requests
WHERE low_id = :low_id AND high_id = :high_id AND pending = 1;

-- name: requests_get :many
-- Those of `ids` that are to or from a person.
-- in: user_id u64, ids u64[]
-- out: request_row
SELECT id, from_id, to_id, message, state, version, created_at FROM friend_requests
WHERE id IN (:ids) AND (from_id = :user_id OR to_id = :user_id);

-- name: requests_to :many
-- in: user_id u64, before u64, max u64
-- out: request_row
SELECT id, from_id, to_id, message, state, version, created_at FROM friend_requests
WHERE to_id = :user_id AND id < :before ORDER BY id DESC LIMIT :max;

-- name: requests_from :many
-- in: user_id u64, before u64, max u64
-- out: request_row
SELECT id, from_id, to_id, message, state, version, created_at FROM friend_requests
WHERE from_id = :user_id AND id < :before ORDER BY id DESC LIMIT :max;

-- name: request_decide :exec
-- in: id u64, state u64
UPDATE friend_requests SET state = :state, pending = NULL, version = version + 1,
  decided_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)
WHERE id = :id AND pending = 1;

-- name: block_insert :exec
-- in: user_id u64, blocked_id u64, version u64
INSERT INTO blocks (user_id, blocked_id, version, created_at)
VALUES (:user_id, :blocked_id, :version, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED));

-- name: block_delete :exec
-- in: user_id u64, blocked_id u64
DELETE FROM blocks WHERE user_id = :user_id AND blocked_id = :blocked_id;

-- name: blocks_get :many
-- in: user_id u64, ids u64[]
-- out: block_row(blocked_id u64, created_at i64)
SELECT blocked_id, created_at FROM blocks WHERE user_id = :user_id AND blocked_id IN (:ids);

-- name: blocks_page :many
-- in: user_id u64, after u64, max u64
-- out: block_row
SELECT blocked_id, created_at FROM blocks WHERE user_id = :user_id AND blocked_id > :after
ORDER BY blocked_id LIMIT :max;

-- name: blocks_count :one
-- in: user_id u64
-- out: count_row(n i64)
SELECT COUNT(*) AS n FROM blocks WHERE user_id = :user_id;
