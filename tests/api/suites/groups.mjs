// Groups: making and changing them, coming in and going out by every way, what is said and who hears it, limits, races.
// Who may do what is the table of roles (grouproles.mjs); bad input is hostile.mjs's.
import assert from 'node:assert/strict'

import { Person, Poller, befriend, house, ok, refused, signedOut, test, until, uuid } from '../client.mjs'
import { rowCounts } from '../house.mjs'

const key = (value) => ({ headers: { 'idempotency-key': value } })
const make = async (owner, members = [], fields = {}) =>
  ok(await owner.post('/groups', { name: '茶馆', member_ids: members.map(({ id }) => id), ...fields }), 201)
const bring = (by, group, ...people) => by.post(`/groups/${group.id}/members`, { user_ids: people.map(({ id }) => id) })
const kick = (by, group, person) => by.delete(`/groups/${group.id}/members/${person.id}`)
const link = async (by, group, fields = {}) => ok(await by.post(`/groups/${group.id}/invite-links`, fields), 201)
const follow = (person, { token }) => person.post(`/join/${token}`)
const change = (by, group, fields) => by.patch(`/groups/${group.id}`, fields)
const changeMember = (by, group, person, fields) => by.patch(`/groups/${group.id}/members/${person.id ?? person}`, fields)
const rolesOf = async (by, group) => (await by.all(`/groups/${group.id}/members`)).map(({ user, role }) => [user.id, role])
/** [code, params] of what the house said, oldest first. */
const said = async (by, group, after = 0) =>
  ok(await by.get(`/conversations/${group.id}/messages?after_seq=${after}`)).items
    .filter(({ type }) => type === 'system').map(({ content }) => [content.code, content.params])
const codes = async (by, group, after) => (await said(by, group, after)).map(([code]) => code)

/** Friends of the first one. */
async function circle(n) {
  const [first, ...others] = await Person.some(n)
  for (const other of others) await befriend(other, first)
  return [first, ...others]
}

/** None of the ways to read a group is open to somebody. */
async function readsNothing(person, { id }) {
  for (const path of [`/groups/${id}/members`, `/groups/${id}/invite-links`, `/conversations/${id}`, `/conversations/${id}/messages`,
    `/conversations/${id}/messages?after_seq=0`]) {
    refused(await person.get(path), 404, 'not_found')
  }
  refused(await person.send(id, 'still here?'), 404, 'not_found')
  refused(await person.post(`/conversations/${id}/read`, { seq: 1 }), 404, 'not_found')
  refused(await person.post(`/conversations/${id}/typing`), 404, 'not_found')
  assert.ok(!(await person.all('/groups')).some((group) => group.id === id))
  assert.ok(!(await person.all('/conversations')).some((conversation) => conversation.id === id))
  assert.deepEqual(ok(await person.post('/sync', { conversations: [{ id, seq: 1 }] })).removed, [id])
}

test('a group is made: all who are in it hear of it, and see it as a conversation', async () => {
  const [a, b, c] = await circle(3)
  const theirs = await Poller.start(b)
  const group = await make(a, [b, c])
  assert.deepEqual({ ...group, id: 0, version: 0 }, { id: 0, name: '茶馆', avatar_file_id: null, announcement: null,
    announcement_by: null, announcement_at: null, join_policy: 'invite', mute_all: false, history_for_new: false,
    strangers_may_write: false, owner_id: a.id, member_count: 3, my_role: 'owner', my_nickname: '', my_muted_until: null, version: 0 })
  const { conversation } = await theirs.event('conversation', (event) => event.type === 'conversation' && event.conversation.id === group.id)
  assert.deepEqual([conversation.kind, conversation.peer, conversation.peer_read_seq], ['group', null, null])
  assert.deepEqual([conversation.group.my_role, conversation.group.member_count], ['member', 3])
  await theirs.event('group', (event) => event.type === 'group' && event.group.id === group.id)
  await theirs.entry(group.id, 2)
  assert.deepEqual(await said(a, group), [
    ['group.created', { user_id: a.id, name: '茶馆' }],
    ['member.added', { by: a.id, user_ids: [b.id, c.id].sort((x, y) => (BigInt(x) < BigInt(y) ? -1 : 1)) }],
  ])
  assert.deepEqual((await rolesOf(b, group))[0], [a.id, 'owner'])
  assert.deepEqual((await rolesOf(b, group)).map(([, role]) => role), ['owner', 'member', 'member'])
  assert.deepEqual((await b.all('/groups')).map(({ id }) => id), [group.id])
  assert.deepEqual(ok(await b.get(`/conversations/${group.id}`)).group, ok(await b.get(`/groups/${group.id}`)))
})

test('only friends come in by a friend, nobody who blocks or is blocked, and all or nobody', async () => {
  const [a, b, c] = await circle(3)
  const [stranger, former, foreign] = await Person.some(3)
  await befriend(a, former)
  ok(await a.delete(`/friends/${former.id}`), 204)
  ok(await c.put(`/blocks/${a.id}`))
  await house.sql(`INSERT IGNORE INTO apps (id, name, state, created_at) VALUES (2, 'other', 0, 0);
    UPDATE users SET app_id = 2 WHERE id = ${foreign.id}`)
  const before = await rowCounts()
  for (const [whom, status, code] of [[stranger, 403, 'not_friends'], [former, 403, 'not_friends'], [c, 403, 'blocked'],
    [foreign, 404, 'not_found'], [{ id: '4711' }, 404, 'not_found']]) {
    refused(await a.post('/groups', { name: 'x', member_ids: [b.id, whom.id] }), status, code)
  }
  assert.deepEqual(await rowCounts(), before)
  const group = await make(a, [b])
  for (const whom of [stranger, c]) assert.equal((await bring(a, group, whom, b)).status, 403)
  assert.deepEqual((await rolesOf(a, group)).map(([id]) => id).sort(), [a.id, b.id].sort())
  refused(await a.post('/groups', { name: ' \u200b ' }), 400, 'invalid_request', 'name')
  refused(await a.post('/groups', { name: 'a\u202eb' }), 400, 'invalid_request', 'name')
})

test('a group is changed: each change is said, and everybody hears it', async () => {
  const [a, b] = await circle(2)
  const group = await make(a, [b])
  const theirs = await Poller.start(b)
  const steps = [
    [{ name: '新名字' }, 'group.renamed', { name: '新名字' }],
    [{ announcement: '五点喝茶' }, 'group.announcement', { text: '五点喝茶' }],
    [{ mute_all: true }, 'group.muted', {}],
    [{ mute_all: false }, 'group.unmuted', {}],
    [{ join_policy: 'open', history_for_new: true, strangers_may_write: true }, 'group.settings',
      { join_policy: 'open', history_for_new: true, strangers_may_write: true }],
  ]
  let seq = 2
  for (const [fields, code, params] of steps) {
    const changed = ok(await change(a, group, fields))
    for (const [name, value] of Object.entries(fields)) assert.deepEqual(changed[name], value)
    await theirs.event(code, ({ type, group: now }) => type === 'group' && Object.entries(fields).every(([name, value]) => now[name] === value))
    await theirs.entry(group.id, ++seq)
    assert.deepEqual((await said(b, group)).at(-1), [code, { by: a.id, ...params }])
  }
  const seen = ok(await b.get(`/groups/${group.id}`))
  assert.equal(seen.announcement_by, a.id)
  assert.ok(Math.abs(seen.announcement_at - Date.now()) < 60_000)
  const before = await rowCounts()
  assert.deepEqual(ok(await change(a, group, { name: '新名字', announcement: '五点喝茶', join_policy: 'open' })), ok(await a.get(`/groups/${group.id}`)))
  ok(await change(a, group, {}))
  assert.deepEqual(await rowCounts(), before, 'what changes nothing writes nothing')
  const without = ok(await change(a, group, { announcement: null, avatar_file_id: null }))
  assert.deepEqual([without.announcement, without.announcement_by, without.announcement_at], [null, null, null])
  refused(await change(a, group, { avatar_file_id: '4711' }), 404, 'not_found')
  refused(await change(a, group, { announcement: 'a\u0007b' }), 400, 'invalid_request', 'announcement')
  for (const name of ['name', 'join_policy', 'mute_all']) refused(await change(a, group, { [name]: null }), 400, 'invalid_request', name)
})

test('who is removed hears it at once, and reads nothing more, by any way', async () => {
  const [a, b, c] = await circle(3)
  const group = await make(a, [b, c])
  const theirs = await Poller.start(b)
  ok(await kick(a, group, b), 204)
  const left = await theirs.event('group.left', (event) => event.type === 'group.left')
  assert.deepEqual([left.conversation_id, left.reason], [group.id, 'removed'])
  ok(await change(a, group, { name: 'without you' }))
  await until('all is rung', async () => (await house.sql('SELECT COUNT(*) FROM outbox'))[0][0] === '0')
  await theirs.drain()
  const after = theirs.events.slice(theirs.events.indexOf(left) + 1)
  assert.deepEqual(after.filter(({ type }) => type !== 'group.left'), [])
  await readsNothing(b, group)
  assert.deepEqual((await said(c, group, 2))[0], ['member.removed', { by: a.id, user_id: b.id }])
  assert.equal(ok(await c.get(`/groups/${group.id}`)).member_count, 2)
  refused(await kick(a, group, b), 404, 'not_found')
})

test('who leaves is out, and may be brought in again: what was said before stays hidden, by the setting it is shown', async () => {
  const [a, b] = await circle(2)
  const group = await make(a, [b])
  const theirs = await Poller.start(b)
  ok(await b.delete(`/groups/${group.id}/members/me`), 204)
  assert.equal((await theirs.event('group.left', (event) => event.type === 'group.left')).reason, 'left')
  await readsNothing(b, group)
  assert.deepEqual((await said(a, group, 2)), [['member.left', { user_id: b.id }]])
  ok(await bring(a, group, b), 201)
  let conversation = ok(await b.get(`/conversations/${group.id}`))
  assert.deepEqual([conversation.first_seq, conversation.last_seq, conversation.read_seq], [4, 4, 3])
  const { items } = ok(await b.get(`/conversations/${group.id}/messages?after_seq=0`))
  assert.deepEqual(items.filter(({ type }) => type !== 'hidden').map(({ seq }) => seq), [4])
  assert.deepEqual(ok(await b.get(`/conversations/${group.id}/messages`)).items.map(({ seq }) => seq), [4])

  ok(await kick(b, group, b), 204)
  ok(await change(a, group, { history_for_new: true }))
  ok(await bring(a, group, b), 201)
  conversation = ok(await b.get(`/conversations/${group.id}`))
  assert.equal(conversation.first_seq, 1)
  assert.deepEqual(ok(await b.get(`/conversations/${group.id}/messages`)).items.map(({ seq }) => seq), [7, 6, 5, 4, 3, 2, 1])
  refused(await a.delete(`/groups/${group.id}/members/me`), 409, 'conflict')
})

test('a group is dismissed: everybody is out, and its links are over', async () => {
  const [a, b, c] = await circle(3)
  const group = await make(a, [b], { join_policy: 'approval' })
  const way = await link(a, group)
  const asked = ok(await c.post(`/groups/${group.id}/join-requests`, { message: '' }), 201)
  const [mine, theirs, hers] = [await Poller.start(a), await Poller.start(b), await Poller.start(c)]
  ok(await a.delete(`/groups/${group.id}`), 204)
  for (const poller of [mine, theirs]) {
    assert.equal((await poller.event('group.left', (event) => event.type === 'group.left')).reason, 'dismissed')
  }
  const answer = await hers.event('join_request', (event) => event.type === 'join_request' && event.join_request.id === asked.id)
  assert.equal(answer.join_request.state, 'lapsed')
  for (const person of [a, b]) await readsNothing(person, group)
  for (const person of [a, b, c]) refused(await person.get(`/groups/${group.id}`), 404, 'not_found')
  refused(await c.get(`/join/${way.token}`), 410, 'link_expired')
  refused(await follow(c, way), 410, 'link_expired')
  refused(await a.delete(`/groups/${group.id}`), 404, 'not_found')
})

test('a group is handed over, admins are made, and muted people are silent', async () => {
  const [a, b, c] = await circle(3)
  const group = await make(a, [b, c])
  assert.equal(ok(await changeMember(a, group, b, { role: 'admin' })).role, 'admin')
  assert.deepEqual((await said(a, group)).at(-1), ['group.role', { by: a.id, user_id: b.id, role: 'admin' }])
  const until_ = Date.now() + 3_600_000
  const theirs = await Poller.start(c)
  const muted = ok(await changeMember(b, group, c, { muted_until: until_ }))
  assert.equal(muted.muted_until, until_)
  assert.deepEqual((await said(a, group)).at(-1), ['group.member_muted', { by: b.id, user_id: c.id, until: until_ }])
  await theirs.event('mute', (event) => event.type === 'group' && event.group.my_muted_until === until_)
  refused(await c.send(group.id, 'may I?'), 403, 'muted')
  ok(await changeMember(b, group, c, { muted_until: null }))
  await c.say(group.id, 'I may')
  ok(await change(b, group, { mute_all: true }))
  refused(await c.send(group.id, 'may I?'), 403, 'group_muted')
  await b.say(group.id, 'admins speak')
  await a.say(group.id, 'and the owner')
  refused(await changeMember(b, group, b, { muted_until: 0 }), 403, 'forbidden')
  refused(await changeMember(a, group, c, { role: 'owner' }), 400, 'invalid_request', 'role')
  refused(await changeMember(a, group, 'you', { role: 'admin' }), 400, 'invalid_request', 'user_id')

  assert.equal(ok(await a.post(`/groups/${group.id}/owner`, { user_id: c.id })).my_role, 'admin')
  assert.deepEqual((await said(a, group)).at(-1), ['group.owner', { from: a.id, to: c.id }])
  assert.deepEqual((await rolesOf(b, group))[0], [c.id, 'owner'])
  assert.equal(ok(await c.get(`/groups/${group.id}`)).owner_id, c.id)
  ok(await a.delete(`/groups/${group.id}/members/me`), 204)
})

test('a nickname is for this group, and seen in its list', async () => {
  const [a, b] = await circle(2)
  const group = await make(a, [b])
  const other = await b.login()
  const theirs = await Poller.start(other)
  assert.equal(ok(await changeMember(b, group, 'me', { nickname: '小二' })).nickname, '小二')
  await theirs.event('group', (event) => event.type === 'group' && event.group.my_nickname === '小二')
  assert.equal((await a.all(`/groups/${group.id}/members`)).find(({ user }) => user.id === b.id).nickname, '小二')
  assert.equal(ok(await changeMember(b, group, b, { nickname: null })).nickname, '')
  refused(await changeMember(b, group, 'me', { nickname: 'a\nb' }), 400, 'invalid_request', 'nickname')
  // What one may not change keeps all of it from being changed.
  refused(await changeMember(b, group, 'me', { nickname: 'x', role: 'admin' }), 403, 'forbidden')
  assert.equal(ok(await b.get(`/groups/${group.id}`)).my_nickname, '')
})

test('an open group lets in at once, an approval group when it is accepted, an invite group is not there', async () => {
  const [a, b] = await circle(2)
  const [out, other] = await Person.some(2)
  const open = await make(a, [b], { join_policy: 'open' })
  const closed = await make(a, [b])
  const group = await make(a, [b], { join_policy: 'approval' })
  const ask = (person, { id }, options) => person.post(`/groups/${id}/join-requests`, { message: '我是邻居' }, options)

  assert.equal(ok(await ask(out, open), 201).state, 'accepted')
  assert.deepEqual((await said(out, open)), [['member.joined', { user_id: out.id, via: 'open' }]])
  refused(await ask(out, open), 409, 'conflict')
  refused(await ask(out, closed), 404, 'not_found')
  refused(await out.get(`/groups/${closed.id}`), 404, 'not_found')
  assert.deepEqual(ok(await out.get(`/groups/${group.id}`)),
    { id: group.id, name: '茶馆', avatar_file_id: null, member_count: 2, join_policy: 'approval', my_role: null })

  const [mine, theirs] = [await Poller.start(a), await Poller.start(out)]
  const request = ok(await ask(out, group, key('one')), 201)
  assert.deepEqual([request.state, request.group_id, request.user.id, request.message, request.decided_by], ['pending', group.id, out.id, '我是邻居', null])
  assert.equal(ok(await ask(out, group, key('one'))).id, request.id)
  assert.equal(ok(await ask(out, group)).id, request.id)
  await mine.event('request', (event) => event.type === 'join_request' && event.join_request.id === request.id)
  assert.deepEqual((await a.all(`/groups/${group.id}/join-requests`)).map(({ id }) => id), [request.id])
  assert.deepEqual((await out.all(`/groups/${group.id}/join-requests`)).map(({ id }) => id), [request.id])
  assert.deepEqual(await other.all(`/groups/${group.id}/join-requests`), [])
  refused(await a.post(`/groups/${open.id}/join-requests/${request.id}/accept`), 404, 'not_found') // of another group
  await readsNothing(out, group)

  const path = `/groups/${group.id}/join-requests/${request.id}`
  const accepted = ok(await a.post(`${path}/accept`))
  assert.deepEqual([accepted.state, accepted.decided_by], ['accepted', a.id])
  assert.equal(ok(await a.post(`${path}/accept`)).version, accepted.version)
  refused(await a.post(`${path}/decline`), 409, 'conflict')
  await theirs.event('answer', (event) => event.type === 'join_request' && event.join_request.state === 'accepted')
  await theirs.event('conversation', (event) => event.type === 'conversation' && event.conversation.id === group.id)
  assert.deepEqual((await said(out, group)), [['member.joined', { user_id: out.id, via: 'approval', by: a.id }]])

  const second = ok(await ask(other, group), 201)
  assert.equal(ok(await a.post(`/groups/${group.id}/join-requests/${second.id}/decline`)).state, 'declined')
  refused(await a.post(`/groups/${group.id}/join-requests/${second.id}/accept`), 409, 'conflict')
  assert.notEqual(ok(await ask(other, group), 201).id, second.id) // asks again
  ok(await follow(other, await link(a, group)), 201) // and came in otherwise: nobody needs to decide
  assert.deepEqual(await a.all(`/groups/${group.id}/join-requests`), [])
})

test('a link lets in as many as it says, for as long as it says', async () => {
  const [a, b] = await circle(2)
  const people = await Person.some(4)
  const group = await make(a, [b], { join_policy: 'approval' })
  const once = await link(a, group, { max_uses: 1, expires_in: 60 })
  assert.ok(Math.abs(once.expires_at - once.created_at - 60_000) <= 1)
  assert.deepEqual([once.uses, once.uses_left, once.created_by], [0, 1, a.id])
  assert.ok((await house.sql('SELECT HEX(token_hash) FROM invite_links')).flat().every((hash) => !hash.includes(Buffer.from(once.token).toString('hex').toUpperCase())))
  const looked = ok(await people[0].get(`/join/${once.token}`))
  assert.deepEqual(looked, { id: group.id, name: '茶馆', avatar_file_id: null, member_count: 2, join_policy: 'approval', joined: false })
  assert.equal(ok(await b.get(`/join/${once.token}`)).joined, true)
  assert.equal(ok(await follow(b, once)).member_count, 2) // is in it, and uses nothing up
  const joined = ok(await follow(people[0], once), 201)
  assert.deepEqual([joined.my_role, joined.member_count], ['member', 3])
  assert.deepEqual((await said(people[0], group)), [['member.joined', { user_id: people[0].id, via: 'link' }]])
  refused(await follow(people[1], once), 410, 'link_expired')
  refused(await people[1].get(`/join/${once.token}`), 410, 'link_expired')

  const week = await link(a, group)
  assert.equal(week.expires_at - week.created_at, 7 * 86_400_000)
  assert.equal(week.uses_left, null)
  assert.deepEqual((await a.all(`/groups/${group.id}/invite-links`)).map(({ id, token }) => [id, token]), [[week.id, undefined]])
  ok(await follow(people[1], week), 201)
  assert.equal((await a.all(`/groups/${group.id}/invite-links`))[0].uses, 1)
  await house.sql(`UPDATE invite_links SET expires_at = created_at WHERE id = ${week.id}`)
  refused(await follow(people[2], week), 410, 'link_expired')

  const gone = await link(a, group)
  ok(await a.delete(`/groups/${group.id}/invite-links/${gone.id}`), 204)
  ok(await a.delete(`/groups/${group.id}/invite-links/${gone.id}`), 204)
  refused(await follow(people[2], gone), 410, 'link_expired')
  refused(await a.delete(`/groups/${group.id}/invite-links/4711`), 404, 'not_found')
  for (const token of ['x', 'x'.repeat(32), `${gone.token.slice(0, -1)}-`]) {
    refused(await people[2].get(`/join/${token}`), 404, 'not_found')
    refused(await people[2].post(`/join/${token}`), 404, 'not_found')
  }
})

test('ten places, twenty people at the same moment: ten come in', async () => {
  const [a] = await circle(1)
  const group = await make(a)
  const ten = await link(a, group, { max_uses: 10 })
  const people = await Person.some(20)
  const answers = await Promise.all(people.map((person) => follow(person, ten)))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(10).fill(201), ...Array(10).fill(410)])
  assert.equal(ok(await a.get(`/groups/${group.id}`)).member_count, 11)
  assert.equal((await codes(a, group)).filter((code) => code === 'member.joined').length, 10)
})

test('removal meets leaving, muting and handing over at the same moment', async () => {
  const [a, b, c] = await circle(3)
  for (let i = 0; i < 10; i++) {
    const group = await make(a, [b, c])
    ok(await changeMember(a, group, c, { role: 'admin' }))
    const answers = await Promise.all([kick(c, group, b), kick(b, group, b), kick(a, group, b), changeMember(c, group, b, { muted_until: null }),
      a.post(`/groups/${group.id}/owner`, { user_id: c.id })])
    for (const { status, text } of answers) assert.ok([200, 204, 403, 404].includes(status), `${status} ${text}`)
    assert.equal(answers.slice(0, 3).filter(({ status }) => status === 204).length, 1, 'he goes once')
    assert.equal((await rolesOf(a, group)).filter(([, role]) => role === 'owner').length, 1)
    assert.equal(ok(await a.get(`/groups/${group.id}`)).member_count, 2)
    assert.equal((await codes(a, group)).filter((code) => code.startsWith('member.') && code !== 'member.added').length, 1)
  }
})

test('keys of repeated requests: one group, one member, and another body is a conflict', async () => {
  const [a, b] = await circle(2)
  const body = { name: 'once', member_ids: [b.id] }
  const [one, two] = [uuid(), uuid()]
  const group = ok(await a.post('/groups', body, key(one)), 201)
  const before = await rowCounts()
  assert.deepEqual(ok(await a.post('/groups', body, key(one))), group)
  refused(await a.post('/groups', { ...body, name: 'twice' }, key(one)), 409, 'conflict')
  assert.deepEqual(await rowCounts(), before)
  const answers = await Promise.all(Array.from({ length: 5 }, () => a.post('/groups', { name: 'at once' }, key(two))))
  assert.equal(new Set(answers.map((answer) => answer.body.id)).size, 1)
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 200, 201])

  ok(await kick(a, group, b), 204)
  ok(await a.post(`/groups/${group.id}/members`, { user_ids: [b.id] }, key('add')), 201)
  ok(await kick(a, group, b), 204)
  ok(await a.post(`/groups/${group.id}/members`, { user_ids: [b.id] }, key('add'))) // the repetition brings nobody back
  await readsNothing(b, group)
})

test('5,000 members: the list page by page, and no place for one more', async () => {
  const [a, b] = await circle(2)
  const group = await make(a)
  const first = 8_000_000_000_000_000_000n
  await house.sql(`INSERT INTO users (id, app_id, username, username_key, nickname, nickname_key, signature, gender, kind, state, role,
      locale, timezone, strangers_may_write, findable, show_last_seen, friend_count, version, created_at, last_seen_at)
    SELECT ${first} + seq, 1, CONCAT('seeded', seq), CONCAT('seeded', seq), 'n', 'n', '', 0, 0, 0, 0, '', '', 0, 0, 0, 0, 1, 1, 0 FROM seq_1_to_4999;
    INSERT INTO members (conversation_id, user_id, visible_from_seq, read_seq, version, joined_at)
    SELECT ${group.id}, ${first} + seq, 1, 0, 0, 1 FROM seq_1_to_4999;
    UPDATE conversations SET member_count = 5000, members_version = members_version + 1, version = version + 1 WHERE id = ${group.id}`)
  const all = await a.all(`/groups/${group.id}/members`)
  assert.equal(new Set(all.map(({ user }) => user.id)).size, 5000)
  assert.deepEqual([all[0].user.id, all[0].role], [a.id, 'owner'])
  refused(await bring(a, group, b), 409, 'group_full')
  refused(await follow(b, await link(a, group)), 409, 'group_full')
  const theirs = await Poller.start(a)
  ok(await kick(a, group, { id: String(first + 1n) }), 204)
  await theirs.event('count', (event) => event.type === 'group' && event.group.member_count === 4999)
  ok(await bring(a, group, b), 201)
  ok(await a.delete(`/groups/${group.id}`), 204)
  await until('all is rung', async () => (await house.sql('SELECT COUNT(*) FROM outbox'))[0][0] === '0', 20_000)
  await house.sql(`DELETE FROM members WHERE user_id > ${first}; DELETE FROM users WHERE id > ${first}`)
})

test('who leaves the house leaves his groups: the longest-serving admin inherits, else a member, else nobody', async () => {
  const [a, b, c] = await circle(3)
  const group = await make(a, [b, c], { join_policy: 'open' })
  ok(await changeMember(a, group, c, { role: 'admin' }))
  ok(await changeMember(a, group, 'me', { nickname: '掌柜' }))
  const alone = await make(a, [], { join_policy: 'open' })
  const theirs = await Poller.start(b)
  ok(await a.call('DELETE', '/me', { body: { password: a.password } }), 204)
  await theirs.event('owner', (event) => event.type === 'group' && event.group.owner_id === c.id && event.group.member_count === 2)
  assert.deepEqual(await rolesOf(b, group), [[c.id, 'owner'], [b.id, 'member']])
  assert.deepEqual((await said(b, group)).slice(-2), [['group.owner', { from: a.id, to: c.id }], ['member.left', { user_id: a.id }]])
  refused(await b.get(`/groups/${alone.id}`), 404, 'not_found')
  assert.deepEqual(await house.sql(`SELECT COUNT(*) FROM members WHERE user_id = ${a.id} AND nickname <> ''`), [['0']])
  ok(await c.call('DELETE', '/me', { body: { password: c.password } }), 204)
  assert.deepEqual(await rolesOf(b, group), [[b.id, 'owner']])
})

test('who is suspended stays a member', async () => {
  const [a, b] = await circle(2)
  const group = await make(a, [b])
  await house.control('suspend', b.username)
  await signedOut(b)
  assert.deepEqual((await rolesOf(a, group)).map(([id]) => id), [a.id, b.id])
  await house.control('resume', b.username)
  const again = await b.login()
  assert.equal(ok(await again.get(`/groups/${group.id}`)).member_count, 2)
  await again.say(group.id, '回来了')
})

test('my groups, page by page', async () => {
  const [a] = await circle(1)
  const ids = []
  for (let i = 0; i < 7; i++) ids.unshift((await make(a)).id)
  assert.deepEqual((await a.all('/groups', 3)).map(({ id }) => id), ids)
})
