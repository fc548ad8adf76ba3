// Saying things in a group: who may, whom it reaches, who is mentioned, what a member sees of it, and what is nobody's
// business there (who read what, as events).
import assert from 'node:assert/strict'

import { Person, Poller, befriend, house, ok, refused, test, uuid } from '../client.mjs'
import { rowCounts } from '../house.mjs'

const at = (group, seq, rest = '') => `/conversations/${group}/messages/${seq}${rest}`
const say = (person, group, text, more = {}) =>
  person.post(`/conversations/${group}/messages`, { client_msg_id: uuid(), type: 'text', content: { text }, ...more })
const one = async (person, group) => ok(await person.get(`/conversations/${group}`))

/** owner, admin, member, and a group of them; the owner is everybody's friend. */
async function makeGroup() {
  const people = await Person.some(3)
  const [owner, admin, member] = people
  for (const person of [admin, member]) await befriend(person, owner)
  const { id } = ok(await owner.post('/groups', { name: '驿', member_ids: [admin.id, member.id], join_policy: 'invite' }), 201)
  ok(await owner.patch(`/groups/${id}/members/${admin.id}`, { role: 'admin' }))
  return [...people, id]
}

test('what one says reaches all the others, once, and counts as unread for them', async () => {
  const [owner, admin, member, group] = await makeGroup()
  const pollers = await Promise.all([admin, member].map((person) => Poller.start(person)))
  const before = (await one(admin, group)).unread
  const entry = ok(await say(owner, group, '大家好'), 201)
  for (const poller of pollers) assert.deepEqual((await poller.entry(group, entry.seq)).entry, entry)
  assert.equal((await one(admin, group)).unread, before + 1)
  assert.equal((await one(owner, group)).unread, 0)
  assert.equal((await one(member, group)).last_entry.seq, entry.seq)
})

test('mentions: members, and all by owner and admins; mentioned until it is read', async () => {
  const [owner, admin, member, group] = await makeGroup()
  const outsider = await Person.register()
  const theirs = await Poller.start(member)
  const before = await rowCounts()
  refused(await say(member, group, 'x', { mentions: ['all'] }), 403, 'forbidden', 'mentions')
  refused(await say(owner, group, 'x', { mentions: [outsider.id] }), 400, 'invalid_request', 'mentions')
  assert.deepEqual(await rowCounts(), before)
  const entry = ok(await say(admin, group, '@you', { mentions: [member.id, member.id] }), 201)
  assert.deepEqual(entry.mentions, [member.id])
  assert.deepEqual((await theirs.entry(group, entry.seq)).entry, entry)
  const mentioned = async (person) => (await one(person, group)).mentioned
  assert.deepEqual([await mentioned(member), await mentioned(owner), await mentioned(admin)], [true, false, false])
  ok(await member.post(`/conversations/${group}/read`, { seq: entry.seq }))
  assert.equal(await mentioned(member), false)
  const all = ok(await say(owner, group, '@all', { mentions: ['all', admin.id] }), 201)
  assert.deepEqual(all.mentions, ['all', admin.id])
  assert.deepEqual([await mentioned(member), await mentioned(admin), await mentioned(owner)], [true, true, false])
  ok(await member.delete(`${at(group, all.seq)}?for=me`), 204)
  assert.equal(await mentioned(member), false)
  ok(await owner.delete(at(group, all.seq)), 204)
  assert.equal(await mentioned(admin), false)
  const [[rows]] = await house.sql(`SELECT COUNT(*) FROM mentions WHERE conversation_id = ${group} AND seq = ${all.seq}`)
  assert.equal(rows, '0')
})

test('muted, and all muted: refused with its own code at once, owner and admins speak on', async () => {
  const [owner, admin, member, group] = await makeGroup()
  ok(await say(member, group, 'while I can'), 201)
  const { last_seq: seq } = await one(member, group)
  ok(await owner.patch(`/groups/${group}/members/${member.id}`, { muted_until: Date.now() + 60_000 }))
  const writes = [() => say(member, group, 'x'), () => member.post(`/conversations/${group}/typing`),
    () => member.put(at(group, seq, `/reactions/${encodeURIComponent('👍')}`)), () => member.patch(at(group, seq), { content: { text: 'y' } }),
    () => member.post(`/conversations/${group}/forward`, { from_conversation_id: group, seqs: [seq], mode: 'each', client_msg_id: uuid() })]
  for (const write of writes) refused(await write(), 403, 'muted')
  ok(await owner.patch(`/groups/${group}/members/${member.id}`, { muted_until: null }))
  ok(await owner.patch(`/groups/${group}`, { mute_all: true }))
  for (const write of writes) refused(await write(), 403, 'group_muted')
  for (const person of [owner, admin]) ok(await say(person, group, 'still here'), 201)
  ok(await member.delete(at(group, seq)), 204) // what one said can be taken back all the same
  ok(await owner.patch(`/groups/${group}`, { mute_all: false }))
  ok(await say(member, group, 'again'), 201)
})

test('who is no longer in: not_found by every route, and nothing more reaches him', async () => {
  const [owner, , member, group] = await makeGroup()
  const { seq } = ok(await say(member, group, 'my last words'), 201)
  const theirs = await Poller.start(member)
  ok(await owner.delete(`/groups/${group}/members/${member.id}`), 204)
  await theirs.event('left', (event) => event.type === 'group.left' && event.conversation_id === group)
  ok(await say(owner, group, 'not for him'), 201)
  const asks = [['get', ''], ['patch', '', {}], ['delete', ''], ['get', '/messages'], ['get', '/messages?after_seq=0'], ['get', '/pins'],
    ['put', `/pins/${seq}`], ['delete', `/pins/${seq}`], ['post', '/read', { seq: 1 }], ['post', '/typing'],
    ['patch', `/messages/${seq}`, { content: { text: 'x' } }], ['delete', `/messages/${seq}`], ['delete', `/messages/${seq}?for=me`],
    ['get', `/messages/${seq}/reactions`], ['get', `/messages/${seq}/readers`], ['put', `/messages/${seq}/reactions/x`],
    ['delete', `/messages/${seq}/reactions/x`],
    ['post', '/forward', { from_conversation_id: group, seqs: [seq], mode: 'each', client_msg_id: uuid() }]]
  for (const [method, path, body] of asks) refused(await member[method](`/conversations/${group}${path}`, body), 404, 'not_found')
  refused(await say(member, group, 'let me in'), 404, 'not_found')
  assert.deepEqual((await member.all('/conversations')).map(({ id }) => id).includes(group), false)
  const sync = ok(await member.post('/sync', { conversations: [{ id: group, seq: 1 }] }))
  assert.deepEqual(sync.removed, [group])
  await theirs.drain()
  assert.ok(!JSON.stringify(theirs.events).includes('not for him'))
})

test('who came later: neither sees nor answers what was before, and an operation on it says nothing', async () => {
  const [owner, , , group] = await makeGroup()
  const { seq } = ok(await say(owner, group, 'before you came'), 201)
  const late = await Person.register()
  await befriend(late, owner)
  ok(await owner.post(`/groups/${group}/members`, { user_ids: [late.id] }), 201)
  const { first_seq: first } = await one(late, group)
  assert.ok(first > seq)
  const theirs = await Poller.start(late)
  refused(await say(late, group, 'x', { reply_to_seq: seq }), 400, 'invalid_request', 'reply_to_seq')
  refused(await late.get(at(group, seq, '/readers')), 404, 'not_found')
  refused(await late.put(at(group, seq, `/reactions/${encodeURIComponent('👍')}`)), 404, 'not_found')
  refused(await late.post(`/conversations/${group}/forward`, { from_conversation_id: group, seqs: [seq], mode: 'each', client_msg_id: uuid() }), 404, 'not_found')
  ok(await owner.patch(at(group, seq), { content: { text: 'before you came, edited' } }))
  const { entry } = await theirs.event('the edit', (event) => event.type === 'entry' && event.entry.type === 'edit')
  assert.deepEqual(entry.content, { target_seq: seq, entry: null })
  assert.ok(!(await late.get(`/conversations/${group}/messages?after_seq=0`)).text.includes('before you came'))
  ok(await say(late, group, 'x', { reply_to_seq: first }), 201)
})

test('owner and admins recall what others said, at any time, and pin; a plain member does neither', async () => {
  const [owner, admin, member, group] = await makeGroup()
  const mine = ok(await say(owner, group, 'by the owner'), 201)
  const theirs = ok(await say(member, group, 'by a member'), 201)
  await house.sql(`UPDATE entries SET created_at = created_at - 1000000 WHERE conversation_id = ${group}`)
  refused(await member.delete(at(group, mine.seq)), 403, 'forbidden')
  refused(await member.delete(at(group, theirs.seq)), 403, 'window_passed')
  refused(await member.put(`/conversations/${group}/pins/${mine.seq}`), 403, 'forbidden')
  ok(await admin.put(`/conversations/${group}/pins/${mine.seq}`), 204)
  refused(await member.delete(`/conversations/${group}/pins/${mine.seq}`), 403, 'forbidden')
  assert.deepEqual((await member.all(`/conversations/${group}/pins`)).map(({ entry }) => entry.seq), [mine.seq])
  ok(await admin.delete(at(group, theirs.seq)), 204)
  ok(await owner.delete(`/conversations/${group}/pins/${mine.seq}`), 204)
  refused(await admin.patch(at(group, mine.seq), { content: { text: 'not mine' } }), 403, 'forbidden')
})

test('reading in a group: seen by readers, paged, and told to nobody else', async () => {
  const [owner, admin, member, group] = await makeGroup()
  const { seq } = ok(await say(owner, group, 'read this'), 201)
  const [theirs, own] = [await Poller.start(owner), await Poller.start(await member.login())]
  const { version } = await one(owner, group)
  ok(await member.post(`/conversations/${group}/read`, { seq }))
  await own.event('read', (event) => event.type === 'conversation.read' && event.read_seq === seq)
  const page = async (person, rest) => ok(await person.get(at(group, seq, `/readers?${rest}`)))
  const read = await page(owner, 'read=true')
  assert.deepEqual([read.items.map(({ id }) => id), read.read_count, read.unread_count], [[member.id], 1, 1])
  assert.deepEqual((await page(member, 'read=false')).items.map(({ id }) => id), [admin.id])
  ok(await admin.post(`/conversations/${group}/read`, { seq }))
  const first = await page(owner, 'limit=1')
  const second = await page(owner, `limit=1&cursor=${first.next_cursor}`)
  assert.deepEqual(new Set([...first.items, ...second.items].map(({ id }) => id)), new Set([admin.id, member.id]))
  assert.equal(second.next_cursor, null)
  assert.equal((await one(owner, group)).version, version)
  await theirs.drain()
  assert.deepEqual(theirs.events, [])
})

test('typing reaches the others of a group of fifty, and nobody in a larger one', async () => {
  const [owner, admin, member, group] = await makeGroup()
  const theirs = await Poller.start(admin)
  const typing = async () => {
    const { answer, abort } = await theirs.park(2)
    ok(await member.post(`/conversations/${group}/typing`), 204)
    return { events: (await answer).events, abort }
  }
  assert.deepEqual((await typing()).events, [{ type: 'typing', conversation_id: group, user_id: member.id }])
  await house.sql(`UPDATE conversations SET member_count = 51 WHERE id = ${group}`)
  assert.deepEqual((await typing()).events, [])
  refused(await (await Person.register()).post(`/conversations/${group}/typing`), 404, 'not_found')
  assert.ok(owner.id)
})

test('unread and mentioned are what a recount says, after anything that may happen to an entry', async () => {
  const [owner, admin, member, group] = await makeGroup()
  const people = [owner, admin, member]
  const said = new Map() // seq → {sender, mentions, recalled, hiddenBy}
  const marks = new Map()
  let random = 4711
  const next = (n) => (random = (random * 48271) % 2147483647) % n
  const pick = () => [...said.keys()][next(said.size)]
  for (const person of people) {
    const { last_seq: seq } = await one(person, group)
    ok(await person.post(`/conversations/${group}/read`, { seq }))
    marks.set(person, seq)
  }
  for (let step = 0; step < 80; step++) {
    const person = people[next(3)]
    const act = said.size ? next(6) : 0
    if (act <= 1) {
      const mentions = next(3) ? [] : [people[next(3)].id]
      const { seq } = ok(await say(person, group, `step ${step}`, { mentions }), 201)
      said.set(seq, { sender: person, mentions, hiddenBy: new Set() })
    } else if (act === 2) {
      const seq = pick()
      const { sender, hiddenBy } = said.get(seq)
      if (hiddenBy.has(sender)) continue
      ok(await sender.delete(at(group, seq)), 204)
      said.get(seq).recalled = true
    } else if (act === 3) {
      const seq = pick()
      ok(await person.delete(`${at(group, seq)}?for=me`), 204)
      said.get(seq).hiddenBy.add(person)
    } else if (act === 4) {
      const seq = pick()
      marks.set(person, Math.max(marks.get(person), seq))
      ok(await person.post(`/conversations/${group}/read`, { seq }))
    } else {
      const seq = pick()
      const { recalled, hiddenBy } = said.get(seq)
      if (!recalled && !hiddenBy.has(person)) ok(await person.put(at(group, seq, `/reactions/${encodeURIComponent('👍')}`)))
    }
    for (const reader of people) {
      const open = [...said].filter(([seq, { sender, recalled, hiddenBy }]) =>
        sender !== reader && !recalled && !hiddenBy.has(reader) && seq > marks.get(reader))
      const seen = await one(reader, group)
      assert.equal(seen.unread, open.length, `step ${step}`)
      assert.equal(seen.mentioned, open.some(([, { mentions }]) => mentions.includes(reader.id)), `step ${step}`)
    }
  }
})
