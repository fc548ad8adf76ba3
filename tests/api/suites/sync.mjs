// Sync: what changed in all conversations at once, in few calls, for as many conversations as anybody has.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'

import { Person, befriend, describe, friends, house, ok, refused, test } from '../client.mjs'

const MIB = 1024 * 1024
const KIB = 1024

/** All answers until there is no more. `known` is {id, seq, version} of what the person holds. */
async function sync(person, known, limit = undefined) {
  const answers = []
  let next = null
  let bytes = 0
  do {
    const above = known.filter(({ id }) => next === null || BigInt(id) > BigInt(next))
      .sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1)).slice(0, 500)
    const answer = await person.post('/sync', { conversations: above, ...(limit && { limit }), ...(next && { next }) })
    const body = ok(answer)
    const size = Buffer.byteLength(answer.text)
    assert.ok(size <= MIB, `${size} bytes`)
    for (const change of body.items) whole(change)
    if (body.next !== null && next !== null) assert.ok(BigInt(body.next) > BigInt(next), 'it goes on')
    bytes += size
    answers.push(body)
    next = body.next
  } while (next !== null)
  return { items: answers.flatMap(({ items }) => items), removed: answers.flatMap(({ removed }) => removed), calls: answers.length, bytes }
}

/** What holds for each conversation of an answer. */
function whole({ conversation, from_seq, to_seq, limited, items, changed, changed_limited }) {
  assert.equal(to_seq, conversation.last_seq)
  assert.deepEqual(items.map(({ seq }) => seq), Array.from({ length: to_seq - from_seq + 1 }, (_, i) => from_seq + i))
  for (const item of items) assert.equal(item.conversation_id, conversation.id)
  assert.equal(typeof limited, 'boolean')
  assert.deepEqual(changed, [])
  assert.equal(changed_limited, false)
}

/** What a person would hold who has read everything now. */
const holds = (conversations) => conversations.map(({ id, last_seq, version }) => ({ id, seq: last_seq, version }))
const rangeOf = ({ from_seq, to_seq, limited }) => [from_seq, to_seq, limited]

async function saying(n) {
  const [a, b, conversation] = await friends()
  for (let i = 2; i <= n; i++) await b.say(conversation, `entry ${i}`)
  const [known] = holds(await a.all('/conversations'))
  return { a, b, conversation, known }
}

/** Conversations of a person with people who are made for it, each with so many entries; their ids in order. */
async function many(person, n, entries = 1, text = "CONCAT('text ', s.seq)") {
  const base = 8_000_000_000_000_000_000n + BigInt(randomInt(2 ** 40)) * 100_000n
  const peer = `${base} + p.seq`
  const from = `FROM seq_1_to_${n} AS p`
  await house.sql(`
    INSERT INTO users SELECT ${peer}, app_id, CONCAT(username, p.seq), CONCAT(username_key, p.seq), nickname, nickname_key,
      signature, NULL, gender, kind, state, role, NULL, locale, timezone, NULL, 0, 1, 1, 0, 1, created_at, 0, NULL
      ${from} JOIN users ON id = ${person.id};
    INSERT INTO conversations (id, app_id, kind, low_id, high_id, flags, last_seq, last_shown_seq, last_at, members_version,
      version, created_at) SELECT ${peer}, 1, 0, ${person.id}, ${peer}, 9, ${entries}, ${entries}, 1, 1, 1, 1 ${from};
    INSERT INTO members (conversation_id, user_id, visible_from_seq, read_seq, version, joined_at)
      SELECT ${peer}, ${person.id}, 1, 0, 0, 1 ${from} UNION ALL SELECT ${peer}, ${peer}, 1, 0, 0, 1 ${from}`)
  const ids = Array.from({ length: n }, (_, i) => String(base + BigInt(i + 1)))
  await speak(ids, 1, entries, text)
  return ids
}

/** Entries `low` to `high` of each conversation, said by the other one. */
async function speak(ids, low, high, text = "CONCAT('text ', s.seq)") {
  if (high < low) return
  await house.sql(`
    INSERT INTO entries (conversation_id, seq, sender_id, client_msg_id, part, request_hash, type, counts, content, created_at)
      SELECT c.id, s.seq, c.high_id, UNHEX(LPAD(HEX(s.seq), 32, '0')), 0, UNHEX(REPEAT('00', 16)), 0, 1,
      CONCAT('{"text":"', ${text}, '"}'), 1700000000000 + s.seq
      FROM conversations AS c JOIN seq_${low}_to_${high} AS s WHERE c.id IN (${ids});
    UPDATE conversations SET last_seq = ${high}, last_shown_seq = ${high} WHERE id IN (${ids})`)
}

test('who holds everything is told nothing; who holds nothing, everything', async () => {
  const { a, known } = await saying(5)
  assert.deepEqual(ok(await a.post('/sync', { conversations: [known] })), { items: [], removed: [], next: null })
  const { items } = await sync(a, [])
  assert.deepEqual(items.map(rangeOf), [[1, 5, false]])
  assert.deepEqual(items[0].conversation, ok(await a.get(`/conversations/${known.id}`)))
  const log = ok(await a.get(`/conversations/${known.id}/messages?after_seq=0`))
  assert.deepEqual(items[0].items, log.items)
})

test('the gap at every boundary of the limit', async () => {
  const { a, known } = await saying(8)
  for (const [seq, limit, range] of [
    [0, 8, [1, 8, false]], [0, 7, [2, 8, true]], [0, 1, [8, 8, true]], [1, 7, [2, 8, false]], [1, 6, [3, 8, true]],
    [7, 1, [8, 8, false]], [7, 100, [8, 8, false]], [0, undefined, [1, 8, false]],
  ]) {
    const { items } = await sync(a, [{ id: known.id, seq }], limit)
    assert.deepEqual(items.map(rangeOf), [range], `after ${seq}, ${limit}`)
  }
  assert.deepEqual((await sync(a, [{ id: known.id, seq: 8 }])).items, [])
  assert.deepEqual((await sync(a, [{ id: known.id, seq: 9_000_000 }])).items, [])
})

test('a read mark of another device is told to who says his version', async () => {
  const { a, b, known } = await saying(3)
  ok(await (await a.login()).post(`/conversations/${known.id}/read`, { seq: 2 }))
  assert.deepEqual((await sync(a, [{ id: known.id, seq: 3 }])).items, [])
  const { items: [change] } = await sync(a, [known])
  assert.deepEqual(rangeOf(change), [4, 3, false])
  assert.equal(change.conversation.read_seq, 2)
  assert.equal(change.conversation.unread, 1)
  assert.deepEqual((await sync(a, holds([change.conversation]))).items, [])
  const { items: [other] } = await sync(b, [{ ...known }])
  assert.equal(other.conversation.peer_read_seq, 2)
})

test('a new conversation beside those that are named', async () => {
  const { a, known } = await saying(2)
  const c = await Person.register()
  const made = await befriend(c, a)
  const { items } = await sync(a, [known])
  assert.deepEqual(items.map(({ conversation }) => conversation.id), [made])
  assert.equal(items[0].conversation.peer.id, c.id)
})

test('what is not mine to read is removed, whatever it is; of it nothing is told', async () => {
  const { a, known } = await saying(2)
  const [b, , theirs] = await friends()
  await b.say(theirs, 'a secret')
  const named = [known, { id: theirs, seq: 0 }, { id: '1', seq: 0 }, { id: '18446744073709551615', seq: 0, version: 0 }]
  const answer = await a.post('/sync', { conversations: named })
  assert.deepEqual(ok(answer), { items: [], removed: ['1', theirs, '18446744073709551615'], next: null })
})

test('the membership bounds what is told', async () => {
  const { a, known } = await saying(9)
  await house.sql(`UPDATE members SET visible_from_seq = 4, left_seq = 7 WHERE conversation_id = ${known.id} AND user_id = ${a.id}`)
  for (const [seq, limit, range] of [[0, 20, [4, 7, false]], [5, 20, [6, 7, false]], [0, 2, [6, 7, true]], [3, 4, [4, 7, false]]]) {
    assert.deepEqual((await sync(a, [{ id: known.id, seq }], limit)).items.map(rangeOf), [range], `after ${seq}, ${limit}`)
  }
  assert.deepEqual((await sync(a, [{ id: known.id, seq: 7 }])).items, [])
})

test('a month away: 300 conversations, one with 50,000 new entries', async () => {
  const person = await Person.register()
  const ids = await many(person, 300)
  const known = holds(await person.all('/conversations'))
  assert.equal(known.length, 300)
  assert.deepEqual((await sync(person, known)).items, [])
  await speak(ids, 2, 60)
  await speak([ids[150]], 61, 50_001)
  const { items, calls, bytes } = await sync(person, known)
  assert.deepEqual(items.map(({ conversation }) => conversation.id), ids, 'each once, in order')
  for (const change of items) {
    const last = change.conversation.id === ids[150] ? 50_001 : 60
    assert.deepEqual(rangeOf(change), [last - 19, last, true])
    assert.equal(change.conversation.unread, Math.min(last, 999))
  }
  assert.ok(calls <= 10, `${calls} calls, ${bytes} bytes`)
})

test('twenty minutes away: three busy conversations among a hundred', async () => {
  const person = await Person.register()
  const ids = await many(person, 100)
  const known = holds(await person.all('/conversations'))
  const busy = [ids[3], ids[50], ids[99]]
  await speak(busy, 2, 200)
  const { items, calls, bytes } = await sync(person, known, 50)
  assert.deepEqual(items.map(({ conversation }) => conversation.id), busy)
  assert.ok(calls <= 3 && bytes <= 100 * KIB, `${calls} calls, ${bytes} bytes`)
})

test('texts as long as they can be: never more than 1 MiB, each conversation once', async () => {
  const person = await Person.register()
  const ids = await many(person, 5, 60, "REPEAT('\\\\u0001', 8000)")
  const { items, calls } = await sync(person, [], 60)
  assert.deepEqual(items.map(({ conversation }) => conversation.id), ids)
  for (const { to_seq, limited, items: entries } of items) {
    assert.ok(to_seq === 60 && limited && entries.length > 10, `${entries.length} entries`)
  }
  assert.equal(calls, 5)
})

test('a page of a log is at most 1 MiB, and says where it ended', async () => {
  const person = await Person.register()
  const [id] = await many(person, 1, 60, "REPEAT('\\\\u0001', 8000)")
  for (const query of ['after_seq=0', 'before_seq=61', 'around_seq=30']) {
    const answer = await person.get(`/conversations/${id}/messages?limit=60&${query}`)
    const { items, covers } = ok(answer)
    const seqs = items.map(({ seq }) => seq).sort((a, b) => a - b)
    const size = Buffer.byteLength(answer.text)
    assert.ok(size <= MIB && size > MIB / 2, `${query}: ${size} bytes`)
    assert.deepEqual(covers, [seqs[0], seqs.at(-1)], query)
    assert.equal(seqs.length, covers[1] - covers[0] + 1, query)
    if (query.startsWith('around')) assert.ok(covers[0] < 30 && covers[1] > 30, `${covers}`)
  }
})

test('more conversations than can be named, and than one call looks at', async () => {
  const person = await Person.register()
  const ids = await many(person, 1100, 0)
  const known = holds(await person.all('/conversations'))
  const none = await sync(person, known)
  assert.deepEqual([none.items, none.removed], [[], []])
  assert.ok(none.calls <= 4, `${none.calls} calls`)
  await speak([ids[0], ids[499], ids[500], ids[1099]], 1, 2)
  const gone = { id: String(BigInt(ids[1099]) + 1n), seq: 5 }
  const { items, removed } = await sync(person, [...known, gone])
  assert.deepEqual(items.map(({ conversation }) => conversation.id), [ids[0], ids[499], ids[500], ids[1099]])
  assert.deepEqual(removed, [gone.id])
  const all = await sync(person, [])
  assert.deepEqual(all.items.map(({ conversation }) => conversation.id), ids)
})

test('a list that is wrong names the item', async () => {
  const { a, known } = await saying(1)
  const bad = [
    [[{ ...known, seq: -1 }], 'conversations[0].seq'], [[known, { id: '0', seq: 1 }], 'conversations[1].id'],
    [[{ id: known.id }], 'conversations[0].seq'], [[{ seq: 1 }], 'conversations[0].id'], [[{ ...known, seq: '1' }], 'conversations[0].seq'],
    [[{ ...known, version: null }], 'conversations[0].version'], [[{ ...known, version: 1.5 }], 'conversations[0].version'],
    [[known, known], 'conversations'], [[1], 'conversations[0]'], [[null], 'conversations[0]'],
    [Array.from({ length: 501 }, (_, i) => ({ id: String(i + 1), seq: 0 })), 'conversations'],
  ]
  for (const [conversations, field] of bad) refused(await a.post('/sync', { conversations }), 400, 'invalid_request', field)
})

test('the largest request is taken', async () => {
  const person = await Person.register()
  const conversations = Array.from({ length: 500 }, (_, i) => ({ id: String(18446744073709551115n + BigInt(i)), seq: 2 ** 53 - 1, version: 2 ** 53 - 1 }))
  const answer = await person.post('/sync', { conversations, limit: 100 })
  assert.equal(ok(answer).removed.length, 500, describe(answer))
})
