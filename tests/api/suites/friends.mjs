// Friends: requests, crossing requests, both sides at the same moment, remarks, blocks, idempotency keys.
import assert from 'node:assert/strict'

import { Person, Poller, befriend, friends, house, ok, refused, test, uuid } from '../client.mjs'
import { rowCounts } from '../house.mjs'

const ask = (from, to, key) =>
  from.post('/friend-requests', { user_id: to.id, message: '认识一下 👋' }, key ? { headers: { 'idempotency-key': key } } : {})
const friendIds = async (person) => (await person.all('/friends')).map((friend) => friend.user.id)

test('ask, see, accept: both are friends, and the conversation begins with a system entry', async () => {
  const [a, b] = await Person.some(2)
  const [mine, theirs] = [await Poller.start(a), await Poller.start(b)]
  const request = ok(await ask(a, b), 201)
  assert.equal(request.state, 'pending')
  assert.equal(request.from.id, a.id)
  assert.equal(request.to.id, b.id)
  await theirs.event('request', (event) => event.type === 'friend_request' && event.friend_request.id === request.id)
  assert.deepEqual((await b.all('/friend-requests?direction=in')).map((item) => item.id), [request.id])
  assert.deepEqual((await b.all('/friend-requests')).map((item) => item.id), [request.id])
  assert.deepEqual((await a.all('/friend-requests?direction=out')).map((item) => item.id), [request.id])
  assert.deepEqual(await a.all('/friend-requests?direction=in'), [])
  for (const person of [a, b]) assert.equal(ok(await person.get(`/friend-requests/${request.id}`)).message, '认识一下 👋')

  const friend = ok(await b.post(`/friend-requests/${request.id}/accept`))
  assert.equal(friend.user.id, a.id)
  assert.equal(ok(await b.post(`/friend-requests/${request.id}/accept`)).conversation_id, friend.conversation_id)
  for (const poller of [mine, theirs]) {
    await poller.event('friend', (event) => event.type === 'friend')
    await poller.entry(friend.conversation_id, 1)
  }
  const [entry] = ok(await a.get(`/conversations/${friend.conversation_id}/messages`)).items
  assert.deepEqual([entry.seq, entry.type, entry.sender_id, entry.content], [1, 'system', null, { code: 'friends_now', params: {} }])
  assert.deepEqual([await friendIds(a), await friendIds(b)], [[b.id], [a.id]])
  assert.equal(ok(await a.get(`/friend-requests/${request.id}`)).state, 'accepted')
  refused(await ask(a, b), 409, 'conflict')
})

test('decline, and ask again', async () => {
  const [a, b] = await Person.some(2)
  const request = ok(await ask(a, b), 201)
  assert.equal(ok(await b.post(`/friend-requests/${request.id}/decline`)).state, 'declined')
  assert.equal(ok(await b.post(`/friend-requests/${request.id}/decline`)).state, 'declined')
  refused(await b.post(`/friend-requests/${request.id}/accept`), 409, 'conflict')
  refused(await a.delete(`/friend-requests/${request.id}`), 409, 'conflict')
  assert.deepEqual(await friendIds(a), [])
  const again = ok(await ask(a, b), 201)
  assert.notEqual(again.id, request.id)
})

test('take a request back', async () => {
  const [a, b] = await Person.some(2)
  const request = ok(await ask(a, b), 201)
  refused(await b.delete(`/friend-requests/${request.id}`), 404, 'not_found')
  ok(await a.delete(`/friend-requests/${request.id}`), 204)
  refused(await b.post(`/friend-requests/${request.id}/accept`), 409, 'conflict')
  refused(await b.post(`/friend-requests/${request.id}/decline`), 409, 'conflict')
  ok(await ask(b, a), 201)
})

test('only the asked person answers, and a third one sees nothing', async () => {
  const [a, b, c] = await Person.some(3)
  const request = ok(await ask(a, b), 201)
  for (const person of [a, c]) {
    refused(await person.post(`/friend-requests/${request.id}/accept`), 404, 'not_found')
    refused(await person.post(`/friend-requests/${request.id}/decline`), 404, 'not_found')
  }
  refused(await c.get(`/friend-requests/${request.id}`), 404, 'not_found')
  refused(await c.delete(`/friend-requests/${request.id}`), 404, 'not_found')
})

test('an open request is answered again, and oneself or nobody cannot be asked', async () => {
  const [a, b] = await Person.some(2)
  const request = ok(await ask(a, b), 201)
  const before = await rowCounts()
  assert.equal(ok(await ask(a, b)).id, request.id)
  assert.deepEqual(await rowCounts(), before)
  refused(await ask(a, a), 400, 'invalid_request', 'user_id')
  refused(await ask(a, { id: '987654321' }), 404, 'not_found')
})

test('two requests that cross make one friendship', async () => {
  const [a, b] = await Person.some(2)
  ok(await ask(a, b), 201)
  const crossed = (await ask(b, a)).body
  assert.equal(crossed.state, 'accepted')
  assert.deepEqual([await friendIds(a), await friendIds(b)], [[b.id], [a.id]])
  assert.equal((await a.all('/conversations')).length, 1)
})

test('both ask at the same moment, a hundred times: one friendship, one conversation, one system entry', async () => {
  const people = await Person.some(15)
  const pairs = people.flatMap((a, i) => people.slice(i + 1).map((b) => [a, b])).slice(0, 100)
  for (let i = 0; i < pairs.length; i += 10) {
    await Promise.all(pairs.slice(i, i + 10).flatMap(([a, b]) => [ask(a, b), ask(b, a)]).map(async (promise) => {
      const answer = await promise
      assert.ok([200, 201].includes(answer.status), `${answer.status} ${answer.text} ${answer.id}`)
    }))
  }
  await checkPairs(pairs)
})

test('accept meets accept of the crossing, decline and withdrawal at the same moment', async () => {
  for (let i = 0; i < 25; i++) {
    const [a, b] = await Person.some(2)
    const request = ok(await ask(a, b), 201)
    const answers = await Promise.all([
      b.post(`/friend-requests/${request.id}/accept`),
      i % 2 ? a.delete(`/friend-requests/${request.id}`) : b.post(`/friend-requests/${request.id}/decline`),
      b.post(`/friend-requests/${request.id}/accept`),
    ])
    for (const answer of answers) assert.ok([200, 204, 409].includes(answer.status), `${answer.status} ${answer.text}`)
    const accepted = answers[0].status === 200
    assert.equal(answers[1].status === 409, accepted, 'exactly one of the two wins')
    assert.deepEqual([await friendIds(a), await friendIds(b)], accepted ? [[b.id], [a.id]] : [[], []])
  }
})

test('both end the friendship, and one blocks, at the same moment', async () => {
  for (let i = 0; i < 15; i++) {
    const [a, b] = await friends()
    const answers = await Promise.all([a.delete(`/friends/${b.id}`), b.delete(`/friends/${a.id}`), b.put(`/blocks/${a.id}`)])
    for (const answer of answers) assert.ok([200, 204, 404].includes(answer.status), `${answer.status} ${answer.text}`)
    assert.deepEqual([await friendIds(a), await friendIds(b)], [[], []])
    assert.deepEqual((await b.all('/blocks')).map((block) => block.user.id), [a.id])
    const [[flags]] = await house.sql(`SELECT flags & 7 FROM conversations WHERE low_id = LEAST(${a.id}, ${b.id}) AND high_id = GREATEST(${a.id}, ${b.id})`)
    assert.equal(Number(flags), BigInt(a.id) < BigInt(b.id) ? 4 : 2)
  }
})

test('remark and tag are mine alone', async () => {
  const [a, b] = await friends()
  const other = await a.login()
  const watching = await Poller.start(other)
  const theirs = await Poller.start(b)
  const friend = ok(await a.patch(`/friends/${b.id}`, { remark: '小李', tag: '同事' }))
  assert.deepEqual([friend.remark, friend.tag], ['小李', '同事'])
  const event = await watching.event('friend', (event) => event.type === 'friend' && event.friend.remark === '小李')
  assert.equal(event.friend.version, friend.version)
  assert.equal(ok(await a.patch(`/friends/${b.id}`, { remark: '小李' })).version, friend.version)
  assert.deepEqual([ok(await a.patch(`/friends/${b.id}`, { remark: null })).remark, friend.tag], ['', '同事'])
  const [seen] = await b.all('/friends')
  assert.deepEqual([seen.remark, seen.tag], ['', ''])
  await theirs.drain()
  assert.ok(!theirs.events.some((event) => event.type === 'friend'))
})

test('a friendship ends for both; the history stays, writing does not', async () => {
  const [a, b, conversation] = await friends()
  await a.say(conversation, '再见')
  const watching = await Poller.start(b)
  ok(await a.delete(`/friends/${b.id}`), 204)
  await watching.event('end', (event) => event.type === 'friend.removed' && event.user_id === a.id)
  refused(await a.delete(`/friends/${b.id}`), 404, 'not_found')
  refused(await a.patch(`/friends/${b.id}`, { remark: 'x' }), 404, 'not_found')
  for (const person of [a, b]) {
    refused(await person.send(conversation, 'no'), 403, 'not_friends')
    refused(await person.post(`/conversations/${conversation}/typing`), 403, 'not_friends')
    assert.equal(ok(await person.get(`/conversations/${conversation}/messages`)).items.length, 2)
  }
  // Friends again: the same conversation goes on.
  assert.equal(await befriend(b, a), conversation)
  assert.ok((await b.say(conversation, '又见面了')).seq > 2)
})

test('a block refuses messages and requests of both, and works again after', async () => {
  const [a, b, conversation] = await friends()
  const watching = await Poller.start(b)
  const block = ok(await b.put(`/blocks/${a.id}`))
  assert.equal(block.user.id, a.id)
  assert.deepEqual(ok(await b.put(`/blocks/${a.id}`)), block)
  await watching.event('block', (event) => event.type === 'block' && event.user_id === a.id && event.blocked)
  refused(await a.send(conversation, 'hello?'), 403, 'blocked')
  refused(await a.post(`/conversations/${conversation}/typing`), 403, 'blocked')
  refused(await b.send(conversation, 'not to somebody I block'), 403, 'blocked')
  assert.deepEqual(await a.all('/blocks'), [])
  ok(await b.delete(`/blocks/${a.id}`), 204)
  await a.say(conversation, 'there you are')
  const [c, d] = await Person.some(2)
  ok(await d.put(`/blocks/${c.id}`))
  refused(await ask(c, d), 403, 'blocked')
  refused(await ask(d, c), 403, 'blocked')
  refused(await c.put(`/blocks/${c.id}`), 400, 'invalid_request', 'user_id')
  refused(await c.put('/blocks/987654321'), 404, 'not_found')
})

test('who was asked and blocks cannot be accepted into a friendship', async () => {
  const [a, b] = await Person.some(2)
  const request = ok(await ask(a, b), 201)
  ok(await b.put(`/blocks/${a.id}`))
  const answer = await b.post(`/friend-requests/${request.id}/accept`)
  assert.ok([403, 409].includes(answer.status), answer.text)
  assert.deepEqual(await friendIds(b), [])
})

test('an Idempotency-Key answers the first result, and another body is a conflict', async () => {
  const [a, b, c] = await Person.some(3)
  const key = uuid()
  const first = ok(await ask(a, b, key), 201)
  assert.deepEqual(ok(await ask(a, b, key)), first)
  const before = await rowCounts()
  refused(await ask(a, c, key), 409, 'conflict')
  assert.deepEqual(await rowCounts(), before)
  assert.equal((await a.all('/friend-requests?direction=out')).length, 1)
  // The key is the person's own: somebody else's is another one.
  ok(await ask(b, c, key), 201)
  for (const bad of ['x'.repeat(65), 'with space']) {
    const answer = await a.post('/friend-requests', { user_id: c.id, message: '' }, { headers: { 'idempotency-key': bad } })
    refused(answer, 400, 'invalid_request')
  }
})

test('the same Idempotency-Key from many sides at once makes one', async () => {
  for (let i = 0; i < 10; i++) {
    const [a, b] = await Person.some(2)
    const key = uuid()
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask(a, b, key)))
    assert.equal(answers.filter((answer) => answer.status === 201).length, 1, answers.map((answer) => answer.status).join())
    assert.equal(new Set(answers.map((answer) => answer.body.id)).size, 1)
  }
})

test('lists page by page hold everything once', async () => {
  const [a, ...others] = await Person.some(8)
  for (const other of others) {
    await befriend(a, other)
    ok(await a.put(`/blocks/${other.id}`))
  }
  for (const limit of [1, 3, 7, 50]) {
    for (const [path, id] of [['/friends', (item) => item.user.id], ['/blocks', (item) => item.user.id],
      ['/friend-requests?direction=out', (item) => item.id], ['/conversations', (item) => item.id]]) {
      const items = (await a.all(path, limit)).map(id)
      assert.equal(new Set(items).size, 7, `${path} by ${limit}`)
      assert.equal(items.length, 7, `${path} by ${limit}`)
    }
  }
})

/** Each pair has exactly one friendship (two rows), one conversation and one system entry, and no open request. */
async function checkPairs(pairs) {
  const test = ([a, b]) => `SELECT '${a.id}-${b.id}',
    (SELECT COUNT(*) FROM friendships WHERE (user_id, friend_id) IN ((${a.id}, ${b.id}), (${b.id}, ${a.id}))),
    (SELECT COUNT(*) FROM friend_requests WHERE low_id = LEAST(${a.id}, ${b.id}) AND high_id = GREATEST(${a.id}, ${b.id}) AND pending = 1),
    COUNT(*), SUM(last_seq), SUM(flags & 7) FROM conversations
    WHERE low_id = LEAST(${a.id}, ${b.id}) AND high_id = GREATEST(${a.id}, ${b.id})`
  for (const [pair, ...counts] of await house.sql(pairs.map(test).join(' UNION ALL '))) {
    assert.deepEqual(counts.map(Number), [2, 0, 1, 1, 1], pair)
  }
}
