// Conversations and sending: what is acknowledged is stored once, in order, whatever was in it.
import assert from 'node:assert/strict'

import { Person, Poller, befriend, friends, house, ok, refused, test, uuid } from '../client.mjs'
import { rowCounts } from '../house.mjs'

const TEXTS = {
  Chinese: '驿站：一骑红尘妃子笑，无人知是荔枝来。',
  emoji: '👩‍👩‍👧‍👦🏳️‍🌈🐎 \u{1F469}\u{1F3FD}\u200D\u{1F680}',
  newlines: 'first\n\nthird\r\n\ttab',
  quotes: `"'\\/<script>alert(1)</script>%s%n\${x}`,
  controls: '\u0001\u001f\u007f\u2028\u2029\ufeff',
  'one character': '。',
  '8000 characters': '驿'.repeat(8000),
  '8000 emoji': '🐎'.repeat(8000),
  rightToLeft: 'שלום \u202e عليكم',
  beyondTheBmp: '𠮷野家 \u{10FFFF}',
}

test('what is said comes back as it was, for both', async () => {
  const [a, b, conversation] = await friends()
  const theirs = await Poller.start(b)
  let seq = 1
  for (const [name, text] of Object.entries(TEXTS)) {
    const id = uuid()
    const entry = await a.say(conversation, text, id)
    assert.equal(entry.content.text, text, name)
    assert.equal(entry.seq, ++seq)
    assert.equal(entry.sender_id, a.id)
    assert.equal(entry.client_msg_id, id)
    assert.ok(entry.summary.length > 0 || text.trim() === '' || name === 'controls', name)
    const { entry: heard } = await theirs.entry(conversation, seq)
    assert.deepEqual(heard, entry, name)
  }
  const page = ok(await b.get(`/conversations/${conversation}/messages?after_seq=1`))
  assert.deepEqual(page.items.map((item) => item.content.text), Object.values(TEXTS))
})

test('a text of 8001 characters, an empty one, another type: refused, nothing stored', async () => {
  const [a, , conversation] = await friends()
  const before = await rowCounts()
  const send = (fields) => a.post(`/conversations/${conversation}/messages`,
    { client_msg_id: uuid(), type: 'text', content: { text: 'x' }, ...fields })
  refused(await send({ content: { text: '驿'.repeat(8001) } }), 400, 'invalid_request', 'content.text')
  refused(await send({ content: { text: '' } }), 400, 'invalid_request', 'content.text')
  refused(await send({ content: {} }), 400, 'invalid_request', 'content.text')
  refused(await send({ type: 'system' }), 400, 'invalid_request', 'type')
  refused(await send({ type: 'image' }), 400, 'invalid_request', 'content.file_id')
  refused(await send({ client_msg_id: 'not-a-uuid' }), 400, 'invalid_request', 'client_msg_id')
  refused(await send({ reply_to_seq: 2 }), 400, 'invalid_request', 'reply_to_seq')
  assert.deepEqual(await rowCounts(), before)
  assert.equal((await send({ reply_to_seq: 1 })).body.reply_to_seq, 1)
})

test('a retry answers the first entry with 200; the same id with another body is a conflict', async () => {
  const [a, b, conversation] = await friends()
  const id = uuid()
  const entry = await a.say(conversation, 'once', id)
  const before = await rowCounts()
  assert.deepEqual(ok(await a.send(conversation, 'once', id)), entry)
  assert.deepEqual(ok(await a.send(conversation, 'once', id.toUpperCase())), entry)
  refused(await a.send(conversation, 'twice', id), 409, 'conflict')
  assert.deepEqual(await rowCounts(), before)
  // The id is the sender's own, and the conversation's own.
  assert.equal((await b.say(conversation, 'once', id)).seq, entry.seq + 1)
  const notebook = (await a.post('/conversations', { user_id: a.id })).body.id
  await a.say(notebook, 'once', id)
})

test('a retry from another session of the person answers the same entry', async () => {
  const [a, , conversation] = await friends()
  const id = uuid()
  const entry = await a.say(conversation, 'from two devices', id)
  assert.deepEqual(ok(await (await a.login()).send(conversation, 'from two devices', id)), entry)
})

test('the same sends many times at once over all processes: one entry each, no hole', async () => {
  const [a, b, conversation] = await friends()
  const ids = Array.from({ length: 30 }, uuid)
  const answers = await Promise.all(ids.flatMap((id, i) => Array.from({ length: 4 }, () =>
    (i % 2 ? a : b).send(conversation, `number ${i}`, id))))
  const seqs = new Map()
  for (const answer of answers) {
    assert.ok([200, 201].includes(answer.status), `${answer.status} ${answer.text}`)
    const { client_msg_id: id, seq } = answer.body
    assert.equal(seqs.get(id) ?? seq, seq, 'one id, one seq')
    seqs.set(id, seq)
  }
  assert.equal(answers.filter((answer) => answer.status === 201).length, ids.length)
  assert.deepEqual([...seqs.values()].sort((x, y) => x - y), ids.map((_, i) => i + 2))
  const [[last, rows]] = await house.sql(`SELECT last_seq, (SELECT COUNT(*) FROM entries WHERE conversation_id = id)
    FROM conversations WHERE id = ${conversation}`)
  assert.deepEqual([last, rows].map(Number), [31, 31])
})

test('retries with two bodies at once: one is stored, the other is a conflict', async () => {
  const [a, , conversation] = await friends()
  for (let i = 0; i < 10; i++) {
    const id = uuid()
    const answers = await Promise.all(['x', 'y', 'x', 'y'].map((text) => a.send(conversation, text, id)))
    const stored = answers.find((answer) => answer.status === 201).body.content.text
    answers.forEach((answer, n) => {
      if ('xyxy'[n] === stored) assert.ok([200, 201].includes(answer.status), answer.text)
      else refused(answer, 409, 'conflict')
    })
  }
})

test('sends of one sender, one after the other, keep their order while others write too', async () => {
  const [a, b, conversation] = await friends()
  const write = async (person) => {
    const seqs = []
    for (let i = 0; i < 30; i++) seqs.push((await person.say(conversation, `${i}`)).seq)
    return seqs
  }
  const [mine, theirs] = await Promise.all([write(a), write(b)])
  for (const seqs of [mine, theirs]) assert.deepEqual(seqs, [...seqs].sort((x, y) => x - y))
  assert.deepEqual([...mine, ...theirs].sort((x, y) => x - y), Array.from({ length: 60 }, (_, i) => i + 2))
})

test('the notebook: with oneself, the same each time, always writable', async () => {
  const a = await Person.register()
  const answer = await a.post('/conversations', { user_id: a.id })
  const notebook = ok(answer, 201)
  assert.equal(notebook.peer.id, a.id)
  assert.equal(ok(await a.post('/conversations', { user_id: a.id })).id, notebook.id)
  const other = await a.login()
  const watching = await Poller.start(other)
  const entry = await a.say(notebook.id, '记一笔')
  await watching.entry(notebook.id, entry.seq)
  assert.equal(ok(await a.get(`/conversations/${notebook.id}`)).unread, 0)
})

test('opening: friends only, the same one each time, from both sides and at once', async () => {
  const [a, b, conversation] = await friends()
  const opened = await Promise.all([a.post('/conversations', { user_id: b.id }), b.post('/conversations', { user_id: a.id })])
  for (const answer of opened) assert.equal(ok(answer).id, conversation)
  const stranger = await Person.register()
  const before = await rowCounts()
  refused(await a.post('/conversations', { user_id: stranger.id }), 403, 'not_friends')
  refused(await a.post('/conversations', { user_id: '987654321' }), 404, 'not_found')
  for (const path of ['', '/messages']) refused(await stranger.get(`/conversations/${conversation}${path}`), 404, 'not_found')
  refused(await stranger.send(conversation, 'let me in'), 404, 'not_found')
  refused(await stranger.post(`/conversations/${conversation}/read`, { seq: 1 }), 404, 'not_found')
  refused(await stranger.post(`/conversations/${conversation}/typing`), 404, 'not_found')
  const after = await rowCounts()
  // The row that both lock may have been made; nobody sees it.
  assert.deepEqual({ ...after, conversations: 0 }, { ...before, conversations: 0 })
  assert.deepEqual(await stranger.all('/conversations'), [])
})

test('the list: newest first, with the last entry, the peer and what is unread', async () => {
  const [a, b, first] = await friends()
  const c = await Person.register()
  const second = await befriend(c, a)
  await b.say(first, 'newer')
  let list = await a.all('/conversations')
  assert.deepEqual(list.map((item) => item.id), [first, second])
  assert.equal(list[0].last_entry.content.text, 'newer')
  assert.equal(list[0].peer.id, b.id)
  assert.equal(list[0].unread, 1)
  await c.say(second, 'newest')
  list = await a.all('/conversations', 1)
  assert.deepEqual(list.map((item) => item.id), [second, first])
})

test('read marks never move back, tell the other one, and past the end is invalid', async () => {
  const [a, b, conversation] = await friends()
  for (let i = 0; i < 5; i++) await a.say(conversation, `${i}`)
  const [mine, theirs] = [await Poller.start(a), await Poller.start(await b.login())]
  const read = (seq) => b.post(`/conversations/${conversation}/read`, { seq })
  assert.deepEqual(ok(await read(4)), { read_seq: 4, unread: 2 })
  const told = await mine.event('read', (event) => event.type === 'conversation.read' && event.user_id === b.id)
  assert.equal(told.read_seq, 4)
  assert.equal(told.unread, undefined)
  const own = await theirs.event('read', (event) => event.type === 'conversation.read' && event.user_id === b.id)
  assert.equal(own.unread, 2)
  const before = await rowCounts()
  assert.deepEqual(ok(await read(2)), { read_seq: 4, unread: 2 })
  assert.deepEqual(ok(await read(0)), { read_seq: 4, unread: 2 })
  refused(await read(7), 400, 'invalid_request', 'seq')
  refused(await read(Number.MAX_SAFE_INTEGER), 400, 'invalid_request', 'seq')
  assert.deepEqual(await rowCounts(), before)
  assert.deepEqual(ok(await read(6)), { read_seq: 6, unread: 0 })
  assert.equal(ok(await a.get(`/conversations/${conversation}`)).peer_read_seq, 6)
  assert.equal(ok(await b.get(`/conversations/${conversation}`)).read_seq, 6)
})

test('unread is what a recount says, after any order of sends and marks', async () => {
  const [a, b, conversation] = await friends()
  const log = [{ seq: 1, mine: null }]
  const marks = new Map([[a, 0], [b, 0]])
  let random = 20261
  const next = (n) => (random = (random * 48271) % 2147483647) % n
  for (let step = 0; step < 60; step++) {
    const person = next(2) ? a : b
    if (next(3)) {
      const { seq } = await person.say(conversation, `step ${step}`)
      log.push({ seq, mine: person })
    } else {
      const seq = next(log.length + 1)
      marks.set(person, Math.max(marks.get(person), seq))
      ok(await person.post(`/conversations/${conversation}/read`, { seq }))
    }
    const seen = ok(await person.get(`/conversations/${conversation}`))
    const expected = log.filter((entry) => entry.mine !== null && entry.mine !== person && entry.seq > seen.read_seq).length
    assert.equal(seen.unread, expected, `step ${step}`)
    assert.ok(seen.read_seq >= marks.get(person), `step ${step}`)
  }
})

test('unread is counted to 999', async () => {
  const [a, b, conversation] = await friends()
  await house.sql(`SET max_recursive_iterations = 10000;
    INSERT INTO entries (conversation_id, seq, sender_id, client_msg_id, part, request_hash, type, counts, content, created_at)
    WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1205)
    SELECT ${conversation}, i, ${a.id}, UNHEX(MD5(i)), 0, UNHEX(MD5(i)), 0, 1, '{"text":"x"}', 1 FROM n;
    UPDATE conversations SET last_seq = 1205, last_shown_seq = 1205 WHERE id = ${conversation}`)
  assert.equal(ok(await b.get(`/conversations/${conversation}`)).unread, 999)
  assert.equal(ok(await b.post(`/conversations/${conversation}/read`, { seq: 300 })).unread, 905)
  assert.equal(ok(await a.get(`/conversations/${conversation}`)).unread, 0)
})

test('typing reaches the other one at once, is no durable event and is not for oneself', async () => {
  const [a, b, conversation] = await friends()
  const theirs = await Poller.start(b)
  const mine = await Poller.start(await a.login())
  const { answer } = await theirs.park(20)
  ok(await a.post(`/conversations/${conversation}/typing`), 204)
  const { events } = await answer
  assert.deepEqual(events, [{ type: 'typing', conversation_id: conversation, user_id: a.id }])
  await mine.drain()
  assert.ok(!mine.events.some((event) => event.type === 'typing'))
  const late = await Poller.start(b)
  await late.drain()
  assert.ok(!late.events.some((event) => event.type === 'typing'))
})

test('an idle second look at a list writes nothing', async () => {
  const [a, b, conversation] = await friends()
  const before = await rowCounts()
  for (const path of ['/conversations', `/conversations/${conversation}`, '/friends', '/me', '/sessions', `/users/${b.id}`]) ok(await a.get(path))
  assert.deepEqual(await rowCounts(), before)
})
