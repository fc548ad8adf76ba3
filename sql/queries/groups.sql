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
-- Those with a role, above an id.
-- in: conversation_id u64, role u64, after u64, max u64
-- out: group_member_row
SELECT user_id, role, nickname, muted_until, joined_at, version FROM members
WHERE conversation_id = :conversation_id AND user_id > :after AND role = :role AND left_seq IS NULL
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
-- Who takes over from a leaving owner: the admin who is longest in it, else the member.
-- in: conversation_id u64, owner_id u64
-- out: group_member_row
SELECT user_id, role, nickname, muted_until, joined_at, version FROM members
WHERE conversation_id = :conversation_id AND user_id <> :owner_id AND left_seq IS NULL
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

-- name: group_pairs :many
-- How a person stands with some others: the flags of their direct conversations.
-- in: user_id u64, others u64[]
-- out: group_pair_row(other_id u64, flags u64)
SELECT high_id AS other_id, flags FROM conversations WHERE low_id = :user_id AND high_id IN (:others)
UNION ALL SELECT low_id AS other_id, flags FROM conversations WHERE high_id = :user_id AND low_id IN (:others);
