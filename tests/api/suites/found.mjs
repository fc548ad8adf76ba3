// What the random test (tests/random) found, each as the shortest story that tells it.
import assert from 'node:assert/strict'

import { Poller, friends, ok, test } from '../client.mjs'

test('who clears a conversation has read it, and the other person hears of that', async () => {
  const [a, b, conversation] = await friends()
  const { seq } = await a.say(conversation, 'Did you see this?')
  const theirs = await Poller.start(a)
  ok(await b.delete(`/conversations/${conversation}`), 204)
  const told = await theirs.event('read', ({ type, user_id }) => type === 'conversation.read' && user_id === b.id)
  const { peer_read_seq, version } = ok(await a.get(`/conversations/${conversation}`))
  assert.deepEqual([told.read_seq, told.version], [seq, version])
  assert.equal(peer_read_seq, seq)
})

test('what is told of a read mark has the version of its own moment, however late it is told', async () => {
  const [a, b, conversation] = await friends()
  const { seq } = await a.say(conversation, 'Did you see this?')
  const theirs = await Poller.start(a)
  ok(await b.post(`/conversations/${conversation}/read`, { seq }))
  const { version } = ok(await a.get(`/conversations/${conversation}`))
  ok(await a.patch(`/conversations/${conversation}`, { pinned: true })) // a's view of it has another version now
  const told = await theirs.event('read', ({ type, user_id }) => type === 'conversation.read' && user_id === b.id)
  assert.equal(told.version, version)
})
