// What is said besides text, and what is done to what was said: edit, recall, hide, reactions, forwarding, pins, one's
// own settings of a conversation. An operation is an entry, so that every route and device hears of it in order.
import assert from 'node:assert/strict'

import { Person, Poller, befriend, friends, house, ok, refused, test, uuid } from '../client.mjs'
import { rowCounts } from '../house.mjs'

const at = (conversation, seq, rest = '') => `/conversations/${conversation}/messages/${seq}${rest}`
const reaction = (conversation, seq, emoji) => at(conversation, seq, `/reactions/${encodeURIComponent(emoji)}`)
const send = (person, conversation, type, content, more = {}) =>
  person.post(`/conversations/${conversation}/messages`, { client_msg_id: uuid(), type, content, ...more })
const log = async (person, conversation, after = 0) =>
  ok(await person.get(`/conversations/${conversation}/messages?after_seq=${after}&limit=200`)).items
const shown = async (person, conversation) => ok(await person.get(`/conversations/${conversation}/messages?limit=200`)).items
const one = async (person, conversation) => ok(await person.get(`/conversations/${conversation}`))
const entryOf = (wanted) => (event) => event.type === 'entry' && wanted(event.entry)

/** A text that must be nowhere for these people: not in what any route answers, nor in any row. */
async function leftEverywhere(people, conversation, text) {
  for (const person of people) {
    for (const path of [`/conversations/${conversation}`, '/conversations', `/conversations/${conversation}/messages`,
      `/conversations/${conversation}/messages?after_seq=0&limit=200`, `/conversations/${conversation}/pins`]) {
      assert.ok(!(await person.get(path)).text.includes(text), path)
    }
    const sync = await person.post('/sync', { conversations: [] })
    assert.ok(!sync.text.includes(text), 'sync')
  }
  const [[rows]] = await house.sql(`SELECT COUNT(*) FROM entries WHERE conversation_id = ${conversation} AND content LIKE '%${text}%'`)
  assert.equal(rows, '0')
}

test('each type is stored as it was sent, and comes back the same by every route', async () => {
  const [a, b, conversation] = await friends()
  const theirs = await Poller.start(b)
  const contents = {
    location: { lat: 39.9042, lng: 116.4074, name: '天安门' },
    card: { user_id: b.id },
    custom: { kind: 'shop.order', data: { lines: [1, 2.5, null, { text: 'x"y' }] } },
  }
  for (const [type, content] of Object.entries(contents)) {
    const entry = ok(await send(a, conversation, type, content), 201)
    assert.deepEqual([entry.type, entry.content], [type, content])
    assert.deepEqual((await theirs.entry(conversation, entry.seq)).entry, entry)
    assert.deepEqual((await log(b, conversation, entry.seq - 1))[0], entry)
  }
  assert.equal((await one(b, conversation)).unread, 3)
})

test('contents that are not what their type says: refused with the field, nothing stored', async () => {
  const [a, , conversation] = await friends()
  const before = await rowCounts()
  const wrong = [
    ['location', { lat: 90.01, lng: 0, name: 'x' }, 'content.lat'], ['location', { lat: 0, lng: -181, name: 'x' }, 'content.lng'],
    ['location', { lat: '0', lng: 0, name: 'x' }, 'content.lat'], ['location', { lat: 0, lng: 0 }, 'content.name'],
    ['location', { lat: 0, lng: 0, name: '' }, 'content.name'], ['card', {}, 'content.user_id'],
    ['card', { user_id: '0' }, 'content.user_id'], ['custom', { kind: '', data: 1 }, 'content.kind'],
    ['custom', { kind: 'k' }, 'content.data'], ['custom', { kind: 'k', data: 'x'.repeat(17000) }, 'content.data'],
    ['image', {}, 'content.file_id'], ['voice', { file_id: '1' }, 'content.duration_ms'],
    ['voice', { file_id: '1', duration_ms: 0 }, 'content.duration_ms'], ['system', { code: 'x', params: {} }, 'type'],
    ['recall', { target_seq: 1 }, 'type'], ['merged', { title: 'x', items: [] }, 'type'], ['text', 'hello', 'content'],
  ]
  for (const [type, content, field] of wrong) refused(await send(a, conversation, type, content), 400, 'invalid_request', field)
  refused(await send(a, conversation, 'card', { user_id: '987654321' }), 404, 'not_found', 'content.user_id')
  for (const [type, more] of [['image', {}], ['file', {}], ['voice', { duration_ms: 5 }], ['video', { duration_ms: 5 }]]) {
    refused(await send(a, conversation, type, { file_id: '987654321', ...more }), 404, 'not_found')
  }
  for (const mentions of [['x'], ['0'], [1], 'all', Array(51).fill('all')]) {
    refused(await send(a, conversation, 'text', { text: 'x' }, { mentions }), 400, 'invalid_request', 'mentions')
  }
  refused(await send(a, conversation, 'text', { text: 'x' }, { mentions: ['all'] }), 400, 'invalid_request', 'mentions')
  assert.deepEqual(await rowCounts(), before)
})

test('an edit: the new text everywhere, the old one nowhere, by an entry of its own for every device', async () => {
  const [a, b, conversation] = await friends()
  const { seq } = await a.say(conversation, 'the first version')
  const [mine, own, theirs] = [await Poller.start(a), await Poller.start(await a.login()), await Poller.start(b)]
  const edited = ok(await a.patch(at(conversation, seq), { content: { text: 'the second one' } }))
  assert.deepEqual([edited.seq, edited.content.text, edited.changed_seq], [seq, 'the second one', seq + 1])
  assert.ok(edited.edited_at >= edited.created_at)
  for (const poller of [mine, own, theirs]) {
    const { entry } = await poller.entry(conversation, seq + 1)
    assert.deepEqual([entry.type, entry.client_msg_id, entry.content], ['edit', null, { target_seq: seq, entry: edited }])
  }
  assert.deepEqual((await log(b, conversation)).map(({ type }) => type), ['system', 'text', 'edit'])
  assert.deepEqual((await shown(b, conversation)).map((entry) => entry.seq), [seq, 1])
  await leftEverywhere([a, b], conversation, 'the first version')
  const seen = await one(b, conversation)
  assert.deepEqual([seen.last_seq, seen.last_entry.seq, seen.unread], [seq + 1, seq, 1])
  const stranger = await Person.register()
  const before = await rowCounts()
  ok(await a.patch(at(conversation, seq), { content: { text: 'the second one' } }))
  refused(await b.patch(at(conversation, seq), { content: { text: 'not mine' } }), 403, 'forbidden')
  refused(await a.patch(at(conversation, seq), { content: { text: '' } }), 400, 'invalid_request', 'content.text')
  refused(await a.patch(at(conversation, 1), { content: { text: 'x' } }), 403, 'forbidden')
  refused(await a.patch(at(conversation, seq + 1), { content: { text: 'x' } }), 404, 'not_found')
  refused(await a.patch(at(conversation, 99), { content: { text: 'x' } }), 404, 'not_found')
  refused(await stranger.patch(at(conversation, seq), { content: { text: 'x' } }), 404, 'not_found')
  assert.deepEqual(await rowCounts(), before)
  const place = ok(await send(a, conversation, 'location', { lat: 0, lng: 0, name: 'x' }), 201)
  refused(await a.patch(at(conversation, place.seq), { content: { text: 'x' } }), 400, 'invalid_request')
})

test('a recall: what was said leaves every route, its place stays; twice changes nothing', async () => {
  const [a, b, conversation] = await friends()
  const { seq } = await a.say(conversation, 'a slip of the tongue')
  ok(await b.put(reaction(conversation, seq, '👍')))
  ok(await b.put(`/conversations/${conversation}/pins/${seq}`), 204)
  const stale = new Poller(b)
  await stale.once(0)
  const theirs = await Poller.start(await b.login())
  refused(await b.delete(at(conversation, seq)), 403, 'forbidden')
  ok(await a.delete(at(conversation, seq)), 204)
  const { entry } = await theirs.event('the recall', entryOf(({ type }) => type === 'recall'))
  assert.equal(entry.content.target_seq, seq)
  const place = entry.content.entry
  assert.deepEqual([place.seq, place.type, place.content, place.summary, place.reactions], [seq, 'text', {}, '', []])
  assert.ok(place.recalled_at >= place.created_at)
  await leftEverywhere([a, b], conversation, 'a slip of the tongue')
  assert.equal((await one(b, conversation)).unread, 0)
  assert.deepEqual(ok(await b.get(`/conversations/${conversation}/pins`)).items, [])
  const before = await rowCounts()
  ok(await a.delete(at(conversation, seq)), 204)
  assert.deepEqual(await rowCounts(), before)
  refused(await a.patch(at(conversation, seq), { content: { text: 'x' } }), 409, 'conflict')
  refused(await b.put(reaction(conversation, seq, '👍')), 409, 'conflict')
  refused(await b.put(`/conversations/${conversation}/pins/${seq}`), 409, 'conflict')
  refused(await a.delete(at(conversation, 1)), 403, 'forbidden')
  await stale.drain()
  assert.ok(!JSON.stringify(stale.events).includes('a slip of the tongue'))
})

test('a recall after two minutes: the time has passed', async () => {
  const [a, , conversation] = await friends()
  const { seq } = await a.say(conversation, 'too late')
  await house.sql(`UPDATE entries SET created_at = created_at - 121000 WHERE conversation_id = ${conversation} AND seq = ${seq}`)
  refused(await a.delete(at(conversation, seq)), 403, 'window_passed')
  refused(await a.delete(`${at(conversation, seq)}?for=you`), 400, 'invalid_request', 'for')
})

test('hidden for me: a place in the log, nothing elsewhere, for my devices only', async () => {
  const [a, b, conversation] = await friends()
  await a.say(conversation, 'shown')
  const { seq } = await a.say(conversation, 'hide me')
  const [own, theirs] = [await Poller.start(await b.login()), await Poller.start(a)]
  const { version } = await one(b, conversation)
  ok(await b.delete(`${at(conversation, seq)}?for=me`), 204)
  await own.event('hidden', (event) => event.type === 'entry.hidden' && event.seq === seq && event.conversation_id === conversation)
  assert.deepEqual((await log(b, conversation)).at(-1), { seq, type: 'hidden' })
  assert.deepEqual((await shown(b, conversation)).map((entry) => entry.seq), [2, 1])
  const seen = await one(b, conversation)
  assert.deepEqual([seen.last_entry.seq, seen.last_seq, seen.unread, seen.version], [2, seq, 1, version + 1])
  assert.equal((await shown(a, conversation))[0].content.text, 'hide me')
  await theirs.drain()
  assert.deepEqual(theirs.events, [])
  ok(await a.patch(at(conversation, seq), { content: { text: 'again' } }))
  const { entry } = await own.entry(conversation, seq + 1)
  assert.deepEqual(entry.content, { target_seq: seq, entry: null })
  for (const path of ['/reactions', '/readers']) refused(await b.get(at(conversation, seq, path)), 404, 'not_found')
  const before = await rowCounts()
  ok(await b.delete(`${at(conversation, seq)}?for=me`), 204)
  refused(await b.delete(`${at(conversation, seq + 1)}?for=me`), 404, 'not_found')
  assert.deepEqual(await rowCounts(), before)
})

test('reactions: each once, mine for each, paged by who; twice writes nothing', async () => {
  const [a, b, conversation] = await friends()
  const { seq } = await a.say(conversation, 'react')
  const theirs = await Poller.start(b)
  for (const emoji of ['👍', '👩‍👩‍👧‍👦']) ok(await a.put(reaction(conversation, seq, emoji)))
  const entry = ok(await b.put(reaction(conversation, seq, '👍')))
  assert.deepEqual(entry.reactions, [{ emoji: '👍', count: 2, mine: true }, { emoji: '👩‍👩‍👧‍👦', count: 1, mine: false }])
  assert.equal(entry.changed_seq, seq + 3)
  const told = await theirs.entry(conversation, seq + 3)
  assert.deepEqual(told.entry.content.entry.reactions, entry.reactions)
  const mine = (await shown(a, conversation))[0].reactions
  assert.deepEqual(mine.map((one) => one.mine), [true, true])
  const before = await rowCounts()
  ok(await b.put(reaction(conversation, seq, '👍')))
  ok(await b.delete(reaction(conversation, seq, '🐎')))
  refused(await b.put(reaction(conversation, seq, '123456789')), 400, 'invalid_request', 'emoji')
  refused(await b.put(reaction(conversation, seq, '\u0007')), 400, 'invalid_request', 'emoji')
  refused(await b.put(reaction(conversation, 99, '👍')), 404, 'not_found')
  assert.deepEqual(await rowCounts(), before)
  const who = await a.all(at(conversation, seq, '/reactions'), 1)
  assert.deepEqual(new Set(who.map((item) => `${item.emoji} ${item.user.id}`)), new Set([`👍 ${a.id}`, `👍 ${b.id}`, `👩‍👩‍👧‍👦 ${a.id}`]))
  assert.equal((await b.all(at(conversation, seq, `/reactions?emoji=${encodeURIComponent('👍')}`), 1)).length, 2)
  refused(await a.get(at(conversation, seq, '/reactions?cursor=zz')), 400, 'invalid_request', 'cursor')
  ok(await a.delete(reaction(conversation, seq, '👍')))
  assert.deepEqual(ok(await b.delete(reaction(conversation, seq, '👍'))).reactions, [{ emoji: '👩‍👩‍👧‍👦', count: 1, mine: false }])
  for (let i = 0; i < 19; i++) ok(await b.put(reaction(conversation, seq, String.fromCodePoint(0x1f600 + i))))
  refused(await b.put(reaction(conversation, seq, '🐎')), 409, 'conflict')
  assert.equal((await one(b, conversation)).unread, 1)
})

test('forwarding each and merged: in the order of the log, once, only what one sees', async () => {
  const [a, b, from] = await friends()
  const c = await Person.register({ nickname: 'Carol' })
  const to = await befriend(a, c)
  await a.say(from, 'one')
  const place = ok(await send(b, from, 'location', { lat: 1.5, lng: 2, name: 'there' }), 201)
  const theirs = await Poller.start(c)
  const body = { from_conversation_id: from, seqs: [3, 2], mode: 'each', client_msg_id: uuid() }
  const first = ok(await a.post(`/conversations/${to}/forward`, body), 201)
  assert.deepEqual(first.items.map(({ type, sender_id: sender }) => [type, sender]), [['text', a.id], ['location', a.id]])
  assert.deepEqual(first.items[1].content, place.content)
  for (const item of first.items) assert.deepEqual((await theirs.entry(to, item.seq)).entry, item)
  const before = await rowCounts()
  assert.deepEqual(ok(await a.post(`/conversations/${to}/forward`, body)), first)
  refused(await a.post(`/conversations/${to}/forward`, { ...body, mode: 'merged' }), 409, 'conflict')
  const ask = (fields) => a.post(`/conversations/${to}/forward`, { ...body, client_msg_id: uuid(), ...fields })
  refused(await ask({ seqs: [1] }), 404, 'not_found')
  refused(await ask({ seqs: [99] }), 404, 'not_found')
  refused(await ask({ from_conversation_id: '99' }), 404, 'not_found')
  refused(await ask({ seqs: [2, 2] }), 400, 'invalid_request', 'seqs')
  refused(await ask({ seqs: [] }), 400, 'invalid_request', 'seqs')
  refused(await ask({ seqs: [0] }), 400, 'invalid_request', 'seqs')
  refused(await ask({ seqs: ['2'] }), 400, 'invalid_request', 'seqs')
  refused(await ask({ mode: 'all' }), 400, 'invalid_request', 'mode')
  refused(await c.post(`/conversations/${to}/forward`, { ...body, client_msg_id: uuid() }), 404, 'not_found')
  assert.deepEqual(await rowCounts(), before)
  const [merged] = ok(await ask({ mode: 'merged' }), 201).items
  assert.equal(merged.type, 'merged')
  assert.deepEqual(merged.content.items.map((item) => [item.sender_id, item.type, item.summary]), [[a.id, 'text', 'one'], [b.id, 'location', 'there']])
  assert.equal(merged.summary, merged.content.title)
  const again = ok(await a.post(`/conversations/${from}/forward`,
    { from_conversation_id: to, seqs: [merged.seq], mode: 'merged', client_msg_id: uuid() }), 201).items[0]
  assert.deepEqual(again.content.items[0].content, merged.content)
  const long = []
  for (let i = 0; i < 6; i++) long.push((await a.say(from, '驿'.repeat(8000))).seq)
  refused(await ask({ seqs: long, mode: 'merged' }), 413, 'too_large')
})

test('merged again and again: only so deep that every parser reads it', async () => {
  const [a, b, conversation] = await friends()
  const merge = (seq) => a.post(`/conversations/${conversation}/forward`,
    { from_conversation_id: conversation, seqs: [seq], mode: 'merged', client_msg_id: uuid() })
  const depth = (value) => (value instanceof Object ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0)
  let last = await a.say(conversation, '{[ "\\" ]}')
  for (;;) {
    const answer = await merge(last.seq)
    if (answer.status !== 201) {
      refused(answer, 413, 'too_large')
      break
    }
    [last] = answer.body.items
    assert.ok(depth(last.content) <= 64)
  }
  assert.ok(depth(last.content) > 64 - 3)
  assert.deepEqual((await shown(b, conversation))[0], last)
})

test('pins: both pin, the house says so, at most fifty', async () => {
  const [a, b, conversation] = await friends()
  const { seq } = await a.say(conversation, 'pin me')
  const { version } = await one(a, conversation)
  ok(await b.put(`/conversations/${conversation}/pins/${seq}`), 204)
  const [said] = await shown(a, conversation)
  assert.deepEqual([said.type, said.content], ['system', { code: 'entry.pinned', params: { user_id: b.id, seq } }])
  assert.equal((await one(a, conversation)).version, version + 1)
  const stranger = await Person.register()
  const before = await rowCounts()
  ok(await a.put(`/conversations/${conversation}/pins/${seq}`), 204)
  refused(await a.put(`/conversations/${conversation}/pins/99`), 404, 'not_found')
  refused(await stranger.get(`/conversations/${conversation}/pins`), 404, 'not_found')
  assert.deepEqual(await rowCounts(), before)
  for (let i = 0; i < 49; i++) {
    const more = await a.say(conversation, `${i}`)
    ok(await a.put(`/conversations/${conversation}/pins/${more.seq}`), 204)
  }
  const last = await a.say(conversation, 'one too many')
  refused(await a.put(`/conversations/${conversation}/pins/${last.seq}`), 409, 'conflict')
  const pins = await a.all(`/conversations/${conversation}/pins`, 20)
  assert.equal(pins.length, 50)
  assert.deepEqual([pins.at(-1).entry.seq, pins.at(-1).pinned_by], [seq, b.id])
  ok(await a.delete(`/conversations/${conversation}/pins/${seq}`), 204)
  assert.equal((await shown(b, conversation))[0].content.code, 'entry.unpinned')
  assert.equal((await b.all(`/conversations/${conversation}/pins`)).length, 49)
})

test('my own settings follow me to my other device, and nobody else hears of them', async () => {
  const [a, b, conversation] = await friends()
  await b.say(conversation, 'hello')
  const [own, theirs] = [await Poller.start(await a.login()), await Poller.start(b)]
  const change = (fields) => a.patch(`/conversations/${conversation}`, fields)
  const wanted = { pinned: true, notify: 'mentions', draft: 'half a sent', remark: '老友', marked_unread: true }
  const { version } = await one(a, conversation)
  const changed = ok(await change(wanted))
  for (const [name, value] of Object.entries(wanted)) assert.equal(changed[name], value, name)
  assert.equal(changed.version, version + 1)
  const { conversation: told } = await own.event('settings', (event) => event.type === 'conversation' && event.conversation.id === conversation)
  assert.deepEqual(told, changed)
  const before = await rowCounts()
  assert.deepEqual(ok(await change(wanted)), changed)
  assert.deepEqual(ok(await change({})), changed)
  refused(await change({ notify: 'never' }), 400, 'invalid_request', 'notify')
  refused(await change({ remark: 'x'.repeat(65) }), 400, 'invalid_request', 'remark')
  refused(await change({ remark: 'two\nlines' }), 400, 'invalid_request', 'remark')
  refused(await change({ draft: '驿'.repeat(8001) }), 400, 'invalid_request', 'draft')
  refused(await change({ pinned: null }), 400, 'invalid_request', 'pinned')
  assert.deepEqual(await rowCounts(), before)
  assert.deepEqual(ok(await a.post(`/conversations/${conversation}/read`, { seq: 2 })), { read_seq: 2, unread: 0 })
  const cleared = ok(await change({ draft: null, remark: null }))
  assert.deepEqual([cleared.draft, cleared.remark, cleared.marked_unread, cleared.pinned], [null, null, false, true])
  await theirs.drain()
  assert.deepEqual(theirs.events.filter(({ type }) => type !== 'conversation.read'), [])
})

test('cleared: nothing of it is left for me, and the next message brings it back', async () => {
  const [a, b, conversation] = await friends()
  await b.say(conversation, 'before')
  const own = await Poller.start(await a.login())
  ok(await a.delete(`/conversations/${conversation}`), 204)
  const event = await own.event('cleared', ({ type }) => type === 'conversation.removed')
  assert.equal(event.conversation_id, conversation)
  assert.deepEqual(await a.all('/conversations'), [])
  const seen = await one(a, conversation)
  assert.deepEqual([seen.last_entry, seen.unread, seen.first_seq, seen.version], [null, 0, 3, event.version])
  assert.deepEqual((await log(a, conversation)).map(({ type }) => type), ['hidden', 'hidden'])
  assert.equal((await shown(b, conversation)).length, 2)
  const before = await rowCounts()
  ok(await a.delete(`/conversations/${conversation}`), 204)
  assert.deepEqual(await rowCounts(), before)
  ok(await b.put(reaction(conversation, 2, '👍')))
  assert.deepEqual(await a.all('/conversations'), [], 'an operation does not bring it back')
  assert.deepEqual((await log(a, conversation)).at(-1).content, { target_seq: 2, entry: null })
  await b.say(conversation, 'after')
  assert.deepEqual((await a.all('/conversations')).map(({ id, unread }) => [id, unread]), [[conversation, 1]])
})

test('who read it, and who did not, from the read marks', async () => {
  const [a, b, conversation] = await friends()
  const { seq } = await a.say(conversation, 'read me')
  const readers = async (read) => ok(await a.get(at(conversation, seq, `/readers?read=${read}`)))
  assert.deepEqual((await readers(false)).items.map(({ id }) => id), [b.id])
  ok(await b.post(`/conversations/${conversation}/read`, { seq }))
  const page = await readers(true)
  assert.deepEqual([page.items.map(({ id }) => id), page.read_count, page.unread_count], [[b.id], 1, 0])
  refused(await a.get(at(conversation, seq, '/readers?read=perhaps')), 400, 'invalid_request', 'read')
})

test('strangers: where the other one lets them, they write; when he does no more, they cannot', async () => {
  const [a, b] = await Person.some(2)
  refused(await a.post('/conversations', { user_id: b.id }), 403, 'not_friends')
  ok(await b.patch('/me', { settings: { strangers_may_write: true } }))
  const { id } = ok(await a.post('/conversations', { user_id: b.id }), 201)
  await a.say(id, 'hello, stranger')
  await b.say(id, 'hello yourself')
  ok(await a.post(`/conversations/${id}/typing`), 204)
  ok(await b.patch('/me', { settings: { strangers_may_write: false } }))
  refused(await a.send(id, 'still there?'), 403, 'not_friends')
  refused(await a.post(`/conversations/${id}/typing`), 403, 'not_friends')
  ok(await a.post('/conversations', { user_id: b.id }))
  refused(await a.send(id, 'still there?'), 403, 'not_friends')
  ok(await b.patch('/me', { settings: { strangers_may_write: true } }))
  ok(await a.post('/conversations', { user_id: b.id }))
  await a.say(id, 'again')
})

test('a gap that sync cuts: what changed among older entries is told beside, and how much', async () => {
  const [a, b, conversation] = await friends()
  for (let i = 0; i < 5; i++) await a.say(conversation, `text ${i}`)
  const held = { id: conversation, seq: 6 }
  ok(await a.patch(at(conversation, 2), { content: { text: 'edited' } }))
  ok(await a.delete(at(conversation, 3)), 204)
  ok(await b.put(reaction(conversation, 4, '👍')))
  for (let i = 0; i < 5; i++) await a.say(conversation, `more ${i}`)
  const sync = async (fields, limit) => ok(await b.post('/sync', { conversations: [{ ...held, ...fields }], limit })).items[0]
  const cut = await sync({}, 3)
  assert.deepEqual([cut.limited, cut.items.length, cut.changed_limited], [true, 3, false])
  assert.deepEqual(cut.changed.map(({ seq, changed_seq: changed }) => [seq, changed]), [[4, 9], [3, 8], [2, 7]])
  assert.deepEqual([cut.changed[2].content.text, cut.changed[1].content, cut.changed[0].reactions[0].mine], ['edited', {}, true])
  assert.deepEqual((await sync({ seq: 8 }, 3)).changed.map(({ seq }) => seq), [4])
  const whole = await sync({}, 20)
  assert.deepEqual([whole.limited, whole.changed, whole.items.length], [false, [], 8])
  assert.equal(whole.items[0].content.entry.content.text, 'edited')
  for (let i = 0; i < 205; i++) await a.say(conversation, `${i}`)
  const [[last]] = await house.sql(`SELECT last_seq FROM conversations WHERE id = ${conversation}`)
  await house.sql(`UPDATE entries SET changed_seq = ${last} + 1 WHERE conversation_id = ${conversation} AND type = 0 AND seq <= ${last};
    UPDATE conversations SET last_seq = last_seq + 20 WHERE id = ${conversation}`)
  const many = await sync({ seq: Number(last) }, 5)
  assert.deepEqual([many.changed.length, many.changed_limited], [200, true])
})
