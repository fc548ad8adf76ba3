// Made-up people, as many as a row needs, written by SQL: pairs of friends with a conversation, each signed in on one
// device. Person number n (from 0) has the id USER + n; 2i and 2i + 1 are the pair i.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const USER = 1_000_000_000, SESSION = 2_000_000_000, CONVERSATION = 3_000_000_000
export const userId = (number) => USER + number
export const conversationId = (pair) => CONVERSATION + pair

// The columns of each table for row `seq`, which is a person or a pair.
const people = (from, to) => {
  const each = `FROM seq_${from}_to_${to - 1}`
  const pairs = `FROM seq_${from / 2}_to_${to / 2 - 1}`
  const now = 'CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)'
  const a = `${USER} + 2 * seq`, b = `${USER} + 2 * seq + 1`, c = `${CONVERSATION} + seq`
  return `
INSERT INTO users (id, app_id, username, username_key, nickname, nickname_key, signature, gender, kind, state, role, locale,
  timezone, strangers_may_write, findable, show_last_seen, friend_count, version, created_at, last_seen_at)
  SELECT ${USER} + seq, 1, CONCAT('person', seq), CONCAT('person', seq), CONCAT('Person ', seq), CONCAT('person ', seq), '',
  0, 0, 0, 0, '', '', 0, 1, 1, 1, 1, ${now}, 0 ${each};
INSERT INTO sessions (id, app_id, user_id, device_name, platform, address, refresh_hash, rotated_at, retried, created_at,
  last_seen_at, expires_at)
  SELECT ${SESSION} + seq, 1, ${USER} + seq, 'bench', 4, '127.0.0.1', UNHEX(SHA2(seq, 256)), ${now}, 0, ${now}, ${now},
  ${now} + 86400000 ${each};
INSERT INTO conversations (id, app_id, kind, low_id, high_id, flags, last_seq, last_at, members_version, version, created_at)
  SELECT ${c}, 1, 0, ${a}, ${b}, 9, 0, ${now}, 1, 1, ${now} ${pairs};
INSERT INTO members (conversation_id, user_id, visible_from_seq, read_seq, version, joined_at)
  SELECT ${c}, ${a}, 1, 0, 1, ${now} ${pairs} UNION ALL SELECT ${c}, ${b}, 1, 0, 1, ${now} ${pairs};
INSERT INTO friendships (user_id, friend_id, conversation_id, remark, tag, version, created_at)
  SELECT ${a}, ${b}, ${c}, '', '', 1, ${now} ${pairs} UNION ALL SELECT ${b}, ${a}, ${c}, '', '', 1, ${now} ${pairs};`
}

// People from number `from` (even) up to `to` (even, not among them).
export const addPeople = (house, from, to) => house.sql(`START TRANSACTION;${people(from, to)}COMMIT;`)

// Entries `from` up to `to` (not among them) of one pair's conversation, said by both in turn.
export const addEntries = (house, pair, from, to) => house.sql(`START TRANSACTION;
INSERT INTO entries (conversation_id, seq, sender_id, client_msg_id, part, request_hash, type, counts, content, created_at)
  SELECT ${conversationId(pair)}, seq, ${userId(2 * pair)} + seq % 2, UNHEX(MD5(CONCAT(${pair}, ':', seq))), 0,
  UNHEX(MD5(seq)), 0, 1, CONCAT('{"text":"A letter of common length, number ', seq, '"}'), 1700000000000 + seq
  FROM seq_${from}_to_${to - 1};
UPDATE conversations SET last_seq = ${to - 1}, last_shown_seq = ${to - 1} WHERE id = ${conversationId(pair)};COMMIT;`)

const CIRCLE = 4_000_000_000, GROUP = 5_000_000_000
const NOW = 'CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)'
export const circleId = (number) => CIRCLE + number

// Person 0 is a friend of the people number 2, 4, 6, … as well: as many conversations, from circleId(0) on.
export const addCircle = (house, count) => {
  const friend = `${USER} + 2 + 2 * seq`, each = `FROM seq_0_to_${count - 1}`
  return house.sql(`START TRANSACTION;
INSERT INTO conversations (id, app_id, kind, low_id, high_id, flags, last_seq, last_at, members_version, version, created_at)
  SELECT ${CIRCLE} + seq, 1, 0, ${USER}, ${friend}, 9, 0, ${NOW}, 1, 1, ${NOW} ${each};
INSERT INTO members (conversation_id, user_id, visible_from_seq, read_seq, version, joined_at)
  SELECT ${CIRCLE} + seq, ${USER}, 1, 0, 1, ${NOW} ${each} UNION ALL SELECT ${CIRCLE} + seq, ${friend}, 1, 0, 1, ${NOW} ${each};
INSERT INTO friendships (user_id, friend_id, conversation_id, remark, tag, version, created_at)
  SELECT ${USER}, ${friend}, ${CIRCLE} + seq, '', '', 1, ${NOW} ${each}
  UNION ALL SELECT ${friend}, ${USER}, ${CIRCLE} + seq, '', '', 1, ${NOW} ${each};COMMIT;`)
}

// What was said in them, by bench-seed; the words that it tells.
export async function seedCircle(house, count, entries) {
  const { stdout } = await execute(join(house.bin, 'bench-seed'), [USER, CIRCLE, count, entries].map(String),
    { env: { ...process.env, ...house.settings } })
  return JSON.parse(stdout)
}

// A group of person 0 and the `count` people behind him, as a file for the load client: he sends, they read.
export async function addGroup(house, tokens, count) {
  await house.sql(`START TRANSACTION;
INSERT INTO conversations (id, app_id, kind, flags, last_seq, last_at, members_version, version, created_at, owner_id, member_count)
  VALUES (${GROUP}, 1, 1, 0, 0, ${NOW}, 1, 1, ${NOW}, ${USER}, ${count + 1});
INSERT INTO group_profiles (conversation_id, name, announcement, join_policy) VALUES (${GROUP}, 'A large group', '', 2);
INSERT INTO members (conversation_id, user_id, visible_from_seq, read_seq, version, joined_at, role)
  SELECT ${GROUP}, ${USER} + seq, 1, 0, 1, ${NOW}, IF(seq = 0, 2, 0) FROM seq_0_to_${count};COMMIT;`)
  const file = join(house.folder, `group.${count}`)
  writeFileSync(file, tokens.slice(1, count + 1).map((token) => `${tokens[0]} ${token} ${GROUP}\n`).join(''))
  return file
}

// Access tokens of the first `count` people, by number.
export async function tokensOf(house, count) {
  const { stdout } = await execute(join(house.bin, 'bench-tokens'), [String(USER), String(SESSION), String(count)],
    { env: { ...process.env, ...house.settings }, maxBuffer: 1 << 26 })
  return stdout.trimEnd().split('\n')
}

// The first `count` pairs as a file for the load client; its path.
export function pairsFile(house, tokens, count) {
  const file = join(house.folder, `pairs.${count}`)
  const lines = Array.from({ length: count }, (_, pair) => `${tokens[2 * pair]} ${tokens[2 * pair + 1]} ${conversationId(pair)}\n`)
  writeFileSync(file, lines.join(''))
  return file
}
