// The poll: cursors, resync, order, who gets what, how a waiting poll ends, and Redis that forgets.
import assert from 'node:assert/strict'

import { Person, Poller, befriend, friends, house, ok, parkedPolls, promptly, refused, test, until } from '../client.mjs'

const said = (events) => events.filter((event) => event.type === 'entry').map((event) => event.entry.content.text)
/** Less than the shortest poll of those that are answered at once would wait. */
const LONG_MS = 15_000
const poll = (person, query) => person.get(`/poll?${query}`)

test('without a cursor: at once, resync, and a cursor from which nothing is missed', async () => {
  const [a, b, conversation] = await friends()
  const answer = await poll(b, 'timeout=20')
  assert.deepEqual(ok(answer).events, [])
  assert.equal(answer.body.resync, true)
  assert.match(answer.headers['cache-control'] ?? '', /no-store/)
  assert.ok(answer.ms < LONG_MS, `${answer.ms} ms`)
  const poller = new Poller(b)
  poller.cursor = answer.body.cursor
  const entry = await a.say(conversation, 'between the cursor and the snapshot')
  assert.deepEqual((await poller.entry(conversation, entry.seq)).entry, entry)
})

test('the cursor is the acknowledgement: without a newer one the events come again', async () => {
  const [a, b, conversation] = await friends()
  const poller = await Poller.start(b)
  const start = poller.cursor
  for (const text of ['一', '二', '三']) await a.say(conversation, text)
  await poller.event('the third', (event) => event.type === 'entry' && event.entry.content.text === '三')
  const again = ok(await poll(b, `timeout=0&cursor=${encodeURIComponent(start)}`))
  assert.deepEqual(said(again.events), ['一', '二', '三'])
  const after = ok(await poll(b, `timeout=0&cursor=${encodeURIComponent(poller.cursor)}`))
  assert.deepEqual(said(after.events), [])
  assert.equal(after.resync ?? false, false)
})

test('unknown, foreign and garbage cursors: resync, never an error that a client cannot cure', async () => {
  const [a, b] = await Person.some(2)
  const { cursor } = await Poller.start(b)
  const far = cursor.replace(/\d+$/, '99999999')
  for (const bad of ['x', 'garbage.0', far, 'aaaa.18446744073709551615', 'aaaa.99999999999999999999', '0', '.', '驿站', '%00x', "'--"]) {
    const answer = await poll(a, `timeout=20&cursor=${encodeURIComponent(bad)}`)
    if (answer.status === 400) refused(answer, 400, 'invalid_request', 'cursor')
    else assert.equal(ok(answer).resync, true, bad)
    assert.ok(answer.ms < LONG_MS, `${bad}: ${answer.ms} ms`)
  }
  refused(await poll(a, `cursor=${'x'.repeat(129)}`), 400, 'invalid_request', 'cursor')
  refused(await poll(a, 'cursor='), 400, 'invalid_request', 'cursor')
})

test('a waiting poll is answered by news, soon', async () => {
  const [a, b, conversation] = await friends()
  const poller = await Poller.start(b)
  await promptly('the news', 1000, async (i) => {
    const { answer } = await poller.park(25)
    const sent = performance.now()
    await a.say(conversation, `news ${i}`)
    const body = await answer
    assert.deepEqual(said(body.events), [`news ${i}`])
    return performance.now() - sent
  })
})

test('an own entry goes to the other sessions of the person and passes over the one that sent it', async () => {
  const [a, b, conversation] = await friends()
  const tablet = await a.login()
  const [sender, other, peer] = [await Poller.start(a), await Poller.start(tablet), await Poller.start(b)]
  const { answer } = await sender.park(25)
  const mine = await a.say(conversation, '我说的')
  await other.entry(conversation, mine.seq)
  await peer.entry(conversation, mine.seq)
  const theirs = await b.say(conversation, '你听到了')
  await answer // or that the other came online
  await sender.entry(conversation, theirs.seq)
  await sender.drain()
  assert.deepEqual(said(sender.events), ['你听到了'])
})

test('events come in the order of what happened', async () => {
  const [a, b, conversation] = await friends()
  const poller = await Poller.start(b)
  const said_ = []
  for (let i = 0; i < 40; i++) said_.push((await a.say(conversation, `${i}`)).seq)
  await poller.entry(conversation, said_.at(-1))
  const seqs = poller.events.filter((event) => event.type === 'entry').map((event) => event.entry.seq)
  assert.deepEqual(seqs, said_)
})

test('a second poll of the session ends the older at once; other sessions are left alone', async () => {
  const person = await Person.register()
  const tablet = await person.login()
  const [first, other] = [await Poller.start(person), await Poller.start(tablet)]
  const older = await first.park(25)
  const beside = await other.park(25)
  const second = new Poller(person)
  second.cursor = first.cursor
  const newer = second.once(25)
  const body = await older.answer
  assert.deepEqual([body.superseded, body.events], [true, []])
  ok(await person.patch('/me', { signature: 'both hear this' }))
  for (const answer of [newer, beside.answer]) assert.deepEqual((await answer).events.map((event) => event.type), ['me'])
})

test('timeout=0 registers nothing and supersedes nothing', async () => {
  const [a, b, conversation] = await friends()
  const poller = await Poller.start(b)
  const parked = await poller.park(25)
  const look = ok(await poll(b, `timeout=0&cursor=${encodeURIComponent(poller.cursor)}`))
  assert.deepEqual([look.events, look.superseded ?? false], [[], false])
  await a.say(conversation, 'still waiting?')
  assert.deepEqual(said((await parked.answer).events), ['still waiting?'])
})

test('the deadline answers an empty list with a cursor that goes on', async () => {
  const [a, b, conversation] = await friends()
  const poller = await Poller.start(b)
  const started = Date.now()
  const body = await poller.once(2)
  const waited = Date.now() - started
  assert.deepEqual([body.events, body.superseded ?? false, body.resync ?? false], [[], false, false])
  assert.ok(waited >= 1500 && waited <= LONG_MS, `${waited} ms`)
  const entry = await a.say(conversation, 'after the silence')
  await poller.entry(conversation, entry.seq)
  assert.equal(poller.resyncs, 1)
})

test('out of range', async () => {
  const a = await Person.register()
  for (const timeout of ['-1', '281', '1.5', 'x', '', '99999999999999999999', '0x10', ' 1']) {
    refused(await poll(a, `timeout=${encodeURIComponent(timeout)}`), 400, 'invalid_request', 'timeout')
  }
})

test('a hang-up is noticed, and what came meanwhile is there afterwards', async () => {
  const [a, b, conversation] = await friends()
  const poller = await Poller.start(b)
  await until('nobody waits', async () => (await parkedPolls()) === 0)
  const { answer, abort } = await poller.park(25)
  assert.equal(await parkedPolls(), 1)
  abort()
  await assert.rejects(answer)
  await until('the hang-up is noticed', async () => (await parkedPolls()) === 0)
  const entry = await a.say(conversation, 'nobody listens')
  await poller.entry(conversation, entry.seq)
  assert.equal(poller.resyncs, 1)
})

test('presence: a friend who polls is online and is told; a stranger is not', async () => {
  const [a, b] = await friends()
  const watching = await Poller.start(a)
  const polling = await Poller.start(b)
  // Presence is told to who waits at that moment, and not kept for who comes later.
  const toldWhen = async (online, act) => {
    const { answer } = await watching.park(25)
    await act()
    await answer
    await watching.event('presence', (event) => event.type === 'presence' && event.user_id === b.id && event.online === online)
  }
  await toldWhen(true, () => polling.once(1))
  assert.equal(ok(await a.get(`/users/${b.id}`)).online, true)
  const stranger = await Person.register()
  assert.equal(ok(await stranger.get(`/users/${b.id}`)).online, false)
  // Not only when the registration of the session runs out.
  await toldWhen(false, async () => ok(await b.post('/logout'), 204))
  assert.equal(ok(await a.get(`/users/${b.id}`)).online, false)
})

test('a box that overflowed is a resync, and nothing else', async () => {
  const [a, b, conversation] = await friends()
  const poller = await Poller.start(b)
  await poller.once(1)
  let last = 0
  for (let i = 0; i < 14; i++) {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => a.send(conversation, `${i}.${n}`)))
    last = Math.max(...answers.map((answer) => ok(answer, 201).seq))
  }
  const body = await poller.once(5)
  if (body.resync) {
    const page = ok(await b.get(`/conversations/${conversation}/messages?limit=1`))
    assert.equal(page.last_seq, last)
  } else {
    await poller.entry(conversation, last)
  }
})

test('many events come in pieces of bounded size, with more', async () => {
  const [a, b, conversation] = await friends()
  const poller = await Poller.start(b)
  const text = '驿'.repeat(7000)
  const n = 40
  for (let i = 0; i < n; i += 10) {
    await Promise.all(Array.from({ length: 10 }, async () => ok(await a.send(conversation, text), 201)))
  }
  let pieces = 0
  const end = Date.now() + 30_000
  while (said(poller.events).length < n && Date.now() < end) {
    const answer = await poll(b, `timeout=5&cursor=${encodeURIComponent(poller.cursor)}`)
    assert.ok(Buffer.byteLength(answer.text) <= 300 * 1024, `${Buffer.byteLength(answer.text)} bytes`)
    poller.cursor = ok(answer).cursor
    poller.events.push(...answer.body.events)
    pieces++
  }
  assert.equal(said(poller.events).length, n)
  assert.ok(pieces >= 3, `${pieces} pieces`)
})

test('FLUSHALL while somebody waits: a resync, and nothing is lost', async () => {
  const [a, b, conversation] = await friends()
  const poller = await Poller.start(b)
  const heard = new Set()
  const keep = () => poller.events.filter((event) => event.type === 'entry').forEach((event) => heard.add(event.entry.seq))
  const first = await a.say(conversation, 'before')
  await poller.entry(conversation, first.seq)
  const { answer } = await poller.park(25)
  await house.redis('FLUSHALL')
  const second = await a.say(conversation, 'after')
  await answer
  await until('the second entry, by event or by resync and history', async () => {
    keep()
    if (poller.resyncs > 1) {
      const page = ok(await b.get(`/conversations/${conversation}/messages?after_seq=${first.seq}`))
      page.items.forEach((item) => heard.add(item.seq))
    }
    if (heard.has(second.seq)) return true
    await poller.once(1)
    return false
  })
  const third = await a.say(conversation, 'and on')
  await poller.entry(conversation, third.seq)
})

test('a resync is followed by everything that a snapshot does not hold', async () => {
  const [a, b, conversation] = await friends()
  const c = await Person.register()
  const poller = new Poller(b)
  poller.cursor = 'unknown.7'
  assert.equal((await poller.once(10)).resync, true)
  const writing = (async () => {
    for (let i = 0; i < 20; i++) await a.say(conversation, `${i}`)
    await befriend(c, b)
  })()
  const seqs = new Set()
  let read // resyncs after which the state was read
  const snapshot = async () => {
    read = poller.resyncs
    ok(await b.get(`/conversations/${conversation}/messages?after_seq=0&limit=200`)).items.forEach((item) => seqs.add(item.seq))
  }
  await snapshot()
  await writing
  // The wipe of the test before may be noticed by another process only now: that is one more resync.
  await until('the new friend', async () => {
    if (poller.resyncs > read) {
      await snapshot()
      return (await b.all('/friends')).some(({ user }) => user.id === c.id)
    }
    if (poller.events.some((event) => event.type === 'friend' && event.friend.user.id === c.id)) return true
    await poller.once(1)
    return false
  })
  for (const event of poller.events) if (event.type === 'entry' && event.entry.conversation_id === conversation) seqs.add(event.entry.seq)
  assert.deepEqual([...seqs].sort((x, y) => x - y), Array.from({ length: 21 }, (_, i) => i + 1))
})

test('everything between two people reaches them as events', async () => {
  const [a, b] = await Person.some(2)
  const [mine, theirs] = [await Poller.start(a), await Poller.start(b)]
  const request = ok(await a.post('/friend-requests', { user_id: b.id, message: 'hi' }), 201)
  await theirs.event('asked', (event) => event.type === 'friend_request' && event.friend_request.state === 'pending')
  const friend = ok(await b.post(`/friend-requests/${request.id}/accept`))
  await mine.event('accepted', (event) => event.type === 'friend_request' && event.friend_request.state === 'accepted')
  for (const poller of [mine, theirs]) {
    await poller.event('friend', (event) => event.type === 'friend' && event.friend.conversation_id === friend.conversation_id)
    await poller.event('conversation', (event) => event.type === 'conversation' && event.conversation.id === friend.conversation_id)
    await poller.entry(friend.conversation_id, 1)
  }
  ok(await b.delete(`/friends/${a.id}`), 204)
  const ended = await mine.event('ended', (event) => event.type === 'friend.removed' && event.user_id === b.id)
  assert.ok(ended.version > 0)
  // The cursor's own words are ASCII and short, so that they fit into an address.
  assert.match(mine.cursor, /^[\w.~-]{1,128}$/)
})
