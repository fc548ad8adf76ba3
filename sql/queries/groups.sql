-- Groups, requests to join them, links that lead into them (model/groups.c, groupchange.c, groupmembers.c,
-- joinrequests.c, invitelinks.c). Whoever changes one locks its conversation's row first, then members', then people's.

-- name: group_get :one
-- What a group is besides its conversation's row.
-- in: id u64
-- out: group_row(id u64, app_id u64, flags u64, last_seq u64, owner_id u64?, member_count u64, version u64, name str,
--   avatar_file_id u64?, announcement str, announcement_by u64?, announcement_at i64?, join_policy u64)
SELECT c.id, c.app_id, c.flags, c.last_seq, c.owner_id, c.member_count, c.version, g.name, g.avatar_file_id,
  g.announcement, g.announcement_by, g.announcement_at, g.join_policy
FROM conversations AS c JOIN group_profiles AS g ON g.conversation_id = c.id WHERE c.id = :id AND c.kind = 1;

-- name: groups_get :many
-- Groups that a person is in, as he sees them, in no order.
-- in: app_id u64, user_id u64, ids u64[]
-- out: my_group_row(id u64, flags u64, owner_id u64?, member_count u64, name str, avatar_file_id u64?, announcement str,
--   announcement_by u64?, announcement_at i64?, join_policy u64, version u64, role u64, nickname str, muted_until i64)
SELECT c.id, c.flags, c.owner_id, c.member_count, g.name, g.avatar_file_id, g.announcement, g.announcement_by,
  g.announcement_at, g.join_policy, c.version + m.version AS version, m.role, m.nickname, m.muted_until
FROM members AS m JOIN conversations AS c ON c.id = m.conversation_id
JOIN group_profiles AS g ON g.conversation_id = c.id
WHERE m.user_id = :user_id AND m.conversation_id IN (:ids) AND c.app_id = :app_id AND c.kind = 1 AND m.left_seq IS NULL;

-- name: groups_page :many
-- The same, those below an id, newest first.
-- in: app_id u64, user_id u64, before u64, max u64
-- out: my_group_row
SELECT c.id, c.flags, c.owner_id, c.member_count, g.name, g.avatar_file_id, g.announcement, g.announcement_by,
  g.announcement_at, g.join_policy, c.version + m.version AS version, m.role, m.nickname, m.muted_until
FROM members AS m JOIN conversations AS c ON c.id = m.conversation_id
JOIN group_profiles AS g ON g.conversation_id = c.id
WHERE m.user_id = :user_id AND m.conversation_id < :before AND c.app_id = :app_id AND c.kind = 1 AND m.left_seq IS NULL
ORDER BY m.conversation_id DESC LIMIT :max;

-- name: group_insert :exec
-- The conversation's row; nobody is in it yet.
-- in: id u64, app_id u64, owner_id u64, at i64
INSERT INTO conversations (id, app_id, kind, low_id, high_id, flags, last_seq, last_at, members_version, version,
  created_at, owner_id, member_count)
VALUES (:id, :app_id, 1, NULL, NULL, 0, 0, :at, 0, 1, :at, :owner_id, 0);

-- name: group_profile_insert :exec
-- in: id u64, name str, join_policy u64
INSERT INTO group_profiles (conversation_id, name, avatar_file_id, announcement, announcement_by, announcement_at,
  join_policy)
VALUES (:id, :name, NULL, '', NULL, NULL, :join_policy);

-- name: group_profile_update :exec
-- All of it.
-- in: id u64, name str, avatar_file_id u64?, announcement str, announcement_by u64?, announcement_at i64?,
--   join_policy u64
UPDATE group_profiles SET name = :name, avatar_file_id = :avatar_file_id, announcement = :announcement,
  announcement_by = :announcement_by, announcement_at = :announcement_at, join_policy = :join_policy
WHERE conversation_id = :id;

-- name: group_members_changed :exec
-- Who is in it, or what somebody is in it, has changed.
-- in: id u64, flags u64, owner_id u64, member_count u64
UPDATE conversations SET flags = :flags, owner_id = :owner_id, member_count = :member_count, version = version + 1,
  members_version = members_version + 1
WHERE id = :id;

-- name: group_member_put :exec
-- Somebody comes in, or in again: then what is only his stays, and a mute does too.
-- in: conversation_id u64, user_id u64, visible_from_seq u64, read_seq u64, role u64, at i64
INSERT INTO members (conversation_id, user_id, visible_from_seq, left_seq, read_seq, version, joined_at, role)
VALUES (:conversation_id, :user_id, :visible_from_seq, NULL, :read_seq, 0, :at, :role)
ON DUPLICATE KEY UPDATE visible_from_seq = :visible_from_seq, left_seq = NULL, read_seq = :read_seq,
  version = version + 1, joined_at = :at, role = :role;

-- name: group_member_leave :exec
-- He sees nothing of the group any more.
-- in: conversation_id u64, user_id u64, left_seq u64
UPDATE members SET left_seq = :left_seq, role = 0, version = version + 1
WHERE conversation_id = :conversation_id AND user_id = :user_id;

-- name: group_member_update :exec
-- in: conversation_id u64, user_id u64, role u64, muted_until i64, nickname str
UPDATE members SET role = :role, muted_until = :muted_until, nickname = :nickname, version = version + 1
WHERE conversation_id = :conversation_id AND user_id = :user_id;

-- name: group_leave_all :exec
-- in: conversation_id u64, left_seq u64
UPDATE members SET left_seq = :left_seq, role = 0, version = version + 1
WHERE conversation_id = :conversation_id AND left_seq IS NULL;

-- name: group_members_get :many
-- Some of those who are in it, in no order.
-- in: conversation_id u64, ids u64[]
-- out: group_member_row(user_id u64, role u64, nickname str, muted_until i64, joined_at i64, version u64)
SELECT user_id, role, nickname, muted_until, joined_at, version FROM members
WHERE conversation_id = :conversation_id AND user_id IN (:ids) AND left_seq IS NULL;

-- name: group_members_page :many
-- Those behind a place of the list: the roles one after the other, in each by id. One statement, so that who changes his
-- role meanwhile is neither missed nor there twice.
-- in: conversation_id u64, role u64, after u64, max u64
-- out: group_member_row
SELECT user_id, role, nickname, muted_until, joined_at, version FROM members
WHERE conversation_id = :conversation_id AND left_seq IS NULL AND (role < :role OR (role = :role AND user_id > :after))
ORDER BY role DESC, user_id LIMIT :max;

-- name: group_plain_members_page :many
-- The same once those with a role are over: then the key has the order.
-- in: conversation_id u64, after u64, max u64
-- out: group_member_row
SELECT user_id, role, nickname, muted_until, joined_at, version FROM members
WHERE conversation_id = :conversation_id AND user_id > :after AND role = 0 AND left_seq IS NULL
ORDER BY user_id LIMIT :max;

-- name: group_staff :many
-- The owner and the admins.
-- in: conversation_id u64
-- out: group_member_row
SELECT user_id, role, nickname, muted_until, joined_at, version FROM members
WHERE conversation_id = :conversation_id AND role > 0 AND left_seq IS NULL;

-- name: group_members_all :many
-- Who is in it now.
-- in: conversation_id u64
-- out: group_member_version_row(user_id u64, version u64)
SELECT user_id, version FROM members WHERE conversation_id = :conversation_id AND left_seq IS NULL;

-- name: group_heir :one
-- Who takes over from a leaving owner: the admin who is longest in it, else the member; no assistant.
-- in: conversation_id u64, owner_id u64
-- out: group_member_row
SELECT user_id, role, nickname, muted_until, joined_at, version FROM members AS m
WHERE conversation_id = :conversation_id AND user_id <> :owner_id AND left_seq IS NULL
  AND EXISTS (SELECT 1 FROM users AS u WHERE u.id = m.user_id AND u.kind = 0)
ORDER BY role DESC, joined_at, user_id LIMIT 1;

-- name: groups_of :many
-- The groups that a person is in, in the order in which everybody locks them.
-- in: user_id u64
-- out: group_id_row(id u64)
SELECT c.id FROM members AS m JOIN conversations AS c ON c.id = m.conversation_id
WHERE m.user_id = :user_id AND m.left_seq IS NULL AND c.kind = 1 ORDER BY c.id;

-- name: groups_count :many
-- In how many groups each of some people is; none are left out.
-- in: ids u64[]
-- out: group_count_row(user_id u64, n i64)
SELECT m.user_id, COUNT(*) AS n FROM members AS m JOIN conversations AS c ON c.id = m.conversation_id
WHERE m.user_id IN (:ids) AND m.left_seq IS NULL AND c.kind = 1 GROUP BY m.user_id;

-- name: group_people_lock :many
-- People who come in, so that nobody comes in while he leaves the house. In the order of ids.
-- in: app_id u64, ids u64[]
-- out: group_person_row(id u64, kind u64, state u64)
SELECT id, kind, state FROM users WHERE id IN (:ids) AND app_id = :app_id ORDER BY id FOR UPDATE;

-- name: group_people_touch :exec
-- They must hear of something that stands in nobody's row.
-- in: ids u64[]
UPDATE users SET version = version + 1 WHERE id IN (:ids) AND state <> 2;

-- name: group_pairs :many
-- How a person stands with some others: the flags of their direct conversations.
-- in: user_id u64, others u64[]
-- out: group_pair_row(other_id u64, flags u64)
SELECT high_id AS other_id, flags FROM conversations WHERE low_id = :user_id AND high_id IN (:others)
UNION ALL SELECT low_id AS other_id, flags FROM conversations WHERE high_id = :user_id AND low_id IN (:others);

-- name: join_request_insert :exec
-- in: id u64, conversation_id u64, user_id u64, message str
INSERT INTO join_requests (id, conversation_id, user_id, pending, message, state, version, created_at, decided_by,
  decided_at)
VALUES (:id, :conversation_id, :user_id, 1, :message, 0, 1, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), NULL, NULL);

-- name: join_requests_visible :many
-- Those of `ids` that are a person's own, or to a group that he looks after.
-- in: user_id u64, ids u64[]
-- out: join_request_row(id u64, conversation_id u64, user_id u64, message str, state u64, version u64, created_at i64,
--   decided_by u64?, decided_at i64?)
SELECT r.id, r.conversation_id, r.user_id, r.message, r.state, r.version, r.created_at, r.decided_by, r.decided_at
FROM join_requests AS r LEFT JOIN members AS m ON m.conversation_id = r.conversation_id AND m.user_id = :user_id
  AND m.left_seq IS NULL AND m.role > 0
WHERE r.id IN (:ids) AND (r.user_id = :user_id OR m.user_id IS NOT NULL);

-- name: join_request_get :one
-- in: conversation_id u64, id u64
-- out: join_request_row
SELECT id, conversation_id, user_id, message, state, version, created_at, decided_by, decided_at
FROM join_requests WHERE id = :id AND conversation_id = :conversation_id;

-- name: join_requests_pending :many
-- The open ones of some people.
-- in: conversation_id u64, ids u64[]
-- out: join_request_row
SELECT id, conversation_id, user_id, message, state, version, created_at, decided_by, decided_at
FROM join_requests WHERE conversation_id = :conversation_id AND user_id IN (:ids) AND pending = 1;

-- name: join_requests_open :many
-- The open ones of a group, newest first.
-- in: conversation_id u64, before u64, max u64
-- out: join_request_row
SELECT id, conversation_id, user_id, message, state, version, created_at, decided_by, decided_at
FROM join_requests WHERE conversation_id = :conversation_id AND state = 0 AND id < :before ORDER BY id DESC LIMIT :max;

-- name: join_requests_mine :many
-- Those of a person to a group, newest first.
-- in: conversation_id u64, user_id u64, before u64, max u64
-- out: join_request_row
SELECT id, conversation_id, user_id, message, state, version, created_at, decided_by, decided_at
FROM join_requests WHERE user_id = :user_id AND conversation_id = :conversation_id AND id < :before
ORDER BY id DESC LIMIT :max;

-- name: join_requests_of :many
-- The open ones of a person, wherever.
-- in: user_id u64
-- out: join_request_row
SELECT id, conversation_id, user_id, message, state, version, created_at, decided_by, decided_at
FROM join_requests WHERE user_id = :user_id AND state = 0;

-- name: join_request_decide :exec
-- in: id u64, state u64, decided_by u64?
UPDATE join_requests SET state = :state, pending = NULL, version = version + 1, decided_by = :decided_by,
  decided_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)
WHERE id = :id AND pending = 1;

-- name: join_requests_silence :exec
-- What somebody wrote who leaves the house.
-- in: user_id u64
UPDATE join_requests SET message = '' WHERE user_id = :user_id;

-- name: invite_link_insert :exec
-- in: id u64, conversation_id u64, token_hash bytes, created_by u64, uses_left u64?, lives_ms i64
INSERT INTO invite_links (id, conversation_id, token_hash, created_by, uses_left, uses, created_at, expires_at)
VALUES (:id, :conversation_id, :token_hash, :created_by, :uses_left, 0,
  CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + :lives_ms);

-- name: invite_link_find :one
-- By the token, whether it still works or not.
-- in: token_hash bytes
-- out: invite_link_row(id u64, conversation_id u64, created_by u64, limited bool, uses_left u64?, uses u64,
--   created_at i64, expires_at i64, lives bool)
SELECT id, conversation_id, created_by, uses_left IS NOT NULL AS limited, uses_left, uses, created_at, expires_at,
  expires_at > CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AND (uses_left IS NULL OR uses_left > 0) AS lives
FROM invite_links WHERE token_hash = :token_hash;

-- name: invite_link_get :one
-- in: conversation_id u64, id u64
-- out: invite_link_row
SELECT id, conversation_id, created_by, uses_left IS NOT NULL AS limited, uses_left, uses, created_at, expires_at,
  expires_at > CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AND (uses_left IS NULL OR uses_left > 0) AS lives
FROM invite_links WHERE id = :id AND conversation_id = :conversation_id;

-- name: invite_links_page :many
-- Those that still work, newest first.
-- in: conversation_id u64, before u64, max u64
-- out: invite_link_row
SELECT id, conversation_id, created_by, uses_left IS NOT NULL AS limited, uses_left, uses, created_at, expires_at,
  expires_at > CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AND (uses_left IS NULL OR uses_left > 0) AS lives
FROM invite_links WHERE conversation_id = :conversation_id AND id < :before
  AND expires_at > CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AND (uses_left IS NULL OR uses_left > 0)
ORDER BY id DESC LIMIT :max;

-- name: invite_links_count :one
-- Those that still work.
-- in: conversation_id u64
-- out: invite_links_count_row(n i64)
SELECT COUNT(*) AS n FROM invite_links
WHERE conversation_id = :conversation_id AND expires_at > CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)
  AND (uses_left IS NULL OR uses_left > 0);

-- name: invite_link_use :exec
-- One person more came in by it, if it still works.
-- in: id u64
UPDATE invite_links SET uses = uses + 1, uses_left = uses_left - 1
WHERE id = :id AND expires_at > CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AND (uses_left IS NULL OR uses_left > 0);

-- name: invite_link_revoke :exec
-- It stays, so that who follows it hears that it is over.
-- in: id u64
UPDATE invite_links SET uses_left = 0 WHERE id = :id;
