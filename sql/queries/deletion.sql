-- What goes with a person who leaves (model/deletion.c). His own row stays without content: user_bury.

-- name: deletion_friends :many
-- in: user_id u64
-- out: deletion_friend_row(friend_id u64)
SELECT friend_id FROM friendships WHERE user_id = :user_id ORDER BY friend_id;

-- name: deletion_pairs :many
-- Their conversations, in the order in which everybody locks them.
-- in: user_id u64
-- out: deletion_pair_row(id u64)
SELECT conversation_id AS id FROM friendships WHERE user_id = :user_id ORDER BY conversation_id;

-- name: deletion_lock_pairs :many
-- in: ids u64[]
-- out: deletion_pair_row
SELECT id FROM conversations WHERE id IN (:ids) ORDER BY id FOR UPDATE;

-- name: deletion_part_pairs :exec
-- Nobody is anybody's friend there any more; blocks stay as they are.
-- in: ids u64[]
UPDATE conversations SET flags = flags & ~17, version = version + 1 WHERE id IN (:ids);

-- name: deletion_count_down :exec
-- in: ids u64[]
UPDATE users SET friend_count = friend_count - 1, version = version + 1 WHERE id IN (:ids) AND friend_count > 0;

-- name: deletion_heirs :many
-- What each friend is told: his version, and that of the conversation, as they are now.
-- in: user_id u64
-- out: deletion_heir_row(friend_id u64, friend_version u64, conversation_id u64, conversation_version u64)
SELECT f.friend_id, u.version AS friend_version, f.conversation_id, c.version AS conversation_version
FROM friendships AS f JOIN users AS u ON u.id = f.friend_id JOIN conversations AS c ON c.id = f.conversation_id
WHERE f.user_id = :user_id;

-- name: deletion_friends_theirs :exec
-- in: user_id u64, ids u64[]
DELETE FROM friendships WHERE user_id IN (:ids) AND friend_id = :user_id;

-- name: deletion_friends_mine :exec
-- in: user_id u64
DELETE FROM friendships WHERE user_id = :user_id;

-- name: deletion_requests_open :many
-- Who has an open request from or to a person: each once, since a pair has one at most.
-- in: user_id u64
-- out: deletion_request_row(other_id u64)
SELECT to_id AS other_id FROM friend_requests WHERE from_id = :user_id AND pending = 1
UNION ALL SELECT from_id AS other_id FROM friend_requests WHERE to_id = :user_id AND pending = 1
ORDER BY other_id;

-- name: deletion_touch :exec
-- in: ids u64[]
UPDATE users SET version = version + 1 WHERE id IN (:ids);

-- name: deletion_versions :many
-- in: ids u64[]
-- out: deletion_version_row(id u64, version u64)
SELECT id, version FROM users WHERE id IN (:ids);

-- name: deletion_requests_from :exec
-- in: user_id u64
DELETE FROM friend_requests WHERE from_id = :user_id;

-- name: deletion_requests_to :exec
-- in: user_id u64
DELETE FROM friend_requests WHERE to_id = :user_id;

-- name: deletion_sessions :exec
-- in: user_id u64
DELETE FROM sessions WHERE user_id = :user_id;

-- name: deletion_blocks_mine :exec
-- in: user_id u64
DELETE FROM blocks WHERE user_id = :user_id;

-- name: deletion_notebook :one
-- in: user_id u64
-- out: deletion_notebook_row(id u64)
SELECT id FROM conversations WHERE low_id = :user_id AND high_id = :user_id FOR UPDATE;

-- name: deletion_notebook_entries :exec
-- in: id u64
DELETE FROM entries WHERE conversation_id = :id;

-- name: deletion_notebook_members :exec
-- in: id u64
DELETE FROM members WHERE conversation_id = :id;

-- name: deletion_notebook_row :exec
-- in: id u64
DELETE FROM conversations WHERE id = :id;

-- name: deletion_names :exec
-- What he called himself in groups, and them.
-- in: user_id u64
UPDATE members SET nickname = '', remark = '' WHERE user_id = :user_id;

-- name: deletion_drafts :exec
-- in: user_id u64
DELETE FROM drafts WHERE user_id = :user_id;

-- name: deletion_hidden :exec
-- What he hid.
-- in: user_id u64
DELETE FROM hidden_entries WHERE user_id = :user_id;

-- name: deletion_mentions :exec
-- What counted as unread for him.
-- in: user_id u64
DELETE FROM mentions WHERE user_id = :user_id;

-- name: deletion_notebook_pins :exec
-- in: id u64
DELETE FROM pins WHERE conversation_id = :id;

-- name: deletion_notebook_reactions :exec
-- in: id u64
DELETE FROM reactions WHERE conversation_id = :id;

-- name: deletion_notebook_terms :exec
-- The words of what was in it. After the entries: whoever files some holds them, and files none that are gone.
-- in: id u64
DELETE FROM search_terms WHERE conversation_id = :id;

-- name: deletion_notebook_sweep :exec
-- in: id u64
DELETE FROM search_sweeps WHERE conversation_id = :id;
