// The outbox: stored once, in order, repeated with the same id, kept over a reload, and honest about refusals.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryStorage, textOf, type Entry, type PendingMessage, type SendRequest } from '../index'
import { clientOf, entry, House, json, lost, nothing, problem, row, SharedStorage, signedIn, type Asked } from './house'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const SEND = 'POST /conversations/9/messages'
const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms)
const bodies = (house: House) => house.of(SEND).map((one) => one.body as SendRequest)
const states = (pending: readonly PendingMessage[]) => pending.map((one) => `${textOf(one) ?? one.type} ${one.state}`)

/** A conversation that stores each client_msg_id once. */
function storing(house: House): Entry[] {
  const stored: Entry[] = []
  house.on(SEND, (asked) => json(store(stored, asked), 201))
  house.on('GET /conversations/9/messages', ({ query }) => {
    const after = Number(query.get('after_seq') ?? 0)
    const items = stored.filter((one) => one.seq > after)
    return json({ items: query.has('after_seq') ? items : items.reverse(), covers: items.length ? [after + 1, stored.length] : null, last_seq: stored.length })
  })
  return stored
}

function store(stored: Entry[], { body }: Asked): Entry {
  const message = body as SendRequest
  const known = stored.find((one) => one.client_msg_id === message.client_msg_id)
  if (known) return known
  const made = entry(stored.length + 1, { sender_id: '1', client_msg_id: message.client_msg_id, content: message.content as Entry['content'] })
  stored.push(made)
  return made
}

test('a message is pending at once, and in the log when it is stored', async () => {
  const house = new House()
  storing(house)
  const client = await signedIn(house)
  const log = client.log('9')
  await log.loadNewest()
  const sent = vi.fn()
  client.on('sent', sent)
  client.outbox.send('9', { text: '你好 👍' })
  expect(states(client.outbox.pending('9'))).toEqual(['你好 👍 sending'])
  await tick()
  expect(client.outbox.pending('9')).toEqual([])
  expect(log.entries.map((one) => one.content)).toEqual([{ text: '你好 👍' }])
  expect(sent).toHaveBeenCalledTimes(1)
  expect(bodies(house)[0]?.client_msg_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test.each([
  ['no network', lost],
  ['outcome_unknown', () => problem(504, 'outcome_unknown')],
  ['unavailable', () => problem(503, 'unavailable', { 'Retry-After': '1' })],
  ['rate_limited', () => problem(429, 'rate_limited', { 'Retry-After': '1' })],
])('after %s it is sent again with the same id, and stored once', async (_, failure) => {
  const house = new House()
  const stored = storing(house)
  const good = house.routes.get(SEND) as (asked: Asked) => Response
  // The first one is stored, and its answer is lost.
  house.on(SEND, row((asked) => (store(stored, asked), failure()), failure, good))
  const client = await signedIn(house)
  client.outbox.send('9', { text: 'once' })
  await tick(10_000)
  expect(new Set(bodies(house).map((one) => one.client_msg_id)).size).toBe(1)
  expect(bodies(house)).toHaveLength(3)
  expect(stored).toHaveLength(1)
  expect(client.outbox.pending('9')).toEqual([])
})

test('a token trouble is not the message\'s fault', async () => {
  const house = new House()
  storing(house)
  const good = house.routes.get(SEND) as (asked: Asked) => Response
  const expired = () => problem(401, 'token_expired')
  house.on(SEND, row(expired, expired, good)).on('POST /token/refresh', () => json(house.tokens()))
  const client = await signedIn(house)
  client.outbox.send('9', { text: 'patience' })
  await tick(2_000)
  expect(client.outbox.pending('9')).toEqual([])
  expect(bodies(house)).toHaveLength(3)
})

test('the order is kept: a waiting one holds the next', async () => {
  const house = new House()
  const stored = storing(house)
  const good = house.routes.get(SEND) as (asked: Asked) => Response
  house.on(SEND, row(lost, lost, good))
  const client = await signedIn(house)
  for (const text of ['a', 'b', 'c']) client.outbox.send('9', { text })
  await tick(100)
  expect(bodies(house)).toHaveLength(1)
  expect(states(client.outbox.pending('9'))).toEqual(['a sending', 'b sending', 'c sending'])
  await tick(10_000)
  expect(stored.map((one) => one.content)).toEqual([{ text: 'a' }, { text: 'b' }, { text: 'c' }])
})

test('a conversation that waits does not hold another', async () => {
  const house = new House()
  storing(house)
  house.on('POST /conversations/8/messages', lost)
  const client = await signedIn(house)
  client.outbox.send('8', { text: 'held' })
  client.outbox.send('9', { text: 'free' })
  await tick()
  expect(client.outbox.pending('9')).toEqual([])
  expect(states(client.outbox.pending('8'))).toEqual(['held sending'])
})

test.each([
  [403, 'not_friends'],
  [403, 'blocked'],
  [400, 'invalid_request'],
  [409, 'conflict'],
  [422, 'content_refused'],
])('%i %s fails it, and the next one goes on', async (status, code) => {
  const house = new House()
  const stored = storing(house)
  const good = house.routes.get(SEND) as (asked: Asked) => Response
  house.on(SEND, row(() => problem(status, code), good))
  const client = await signedIn(house)
  client.outbox.send('9', { text: 'no' })
  client.outbox.send('9', { text: 'yes' })
  await tick()
  expect(client.outbox.pending('9')).toMatchObject([{ state: 'failed', code }])
  expect(stored.map((one) => one.content)).toEqual([{ text: 'yes' }])
})

test('a failed one is tried again with the same id, or forgotten', async () => {
  const house = new House()
  storing(house)
  const good = house.routes.get(SEND) as (asked: Asked) => Response
  house.on(SEND, row(() => problem(403, 'not_friends'), () => problem(403, 'not_friends'), good))
  const storage = memoryStorage()
  const client = await signedIn(house, { storage })
  const one = client.outbox.send('9', { text: 'one' })
  const two = client.outbox.send('9', { text: 'two' })
  await tick()
  client.outbox.discard(two.client_msg_id)
  client.outbox.retry(one.client_msg_id)
  await tick()
  expect(bodies(house).map((body) => body.client_msg_id)).toEqual([one.client_msg_id, two.client_msg_id, one.client_msg_id])
  expect(client.outbox.pending('9')).toEqual([])
  expect(storage.keys('posthouse.outbox')).toEqual([])
})

test('unsent messages survive a reload, in order, and failed ones stay failed', async () => {
  const house = new House()
  const stored = storing(house)
  const good = house.routes.get(SEND) as (asked: Asked) => Response
  house.on(SEND, row(() => problem(403, 'blocked'), lost))
  const storage = memoryStorage()
  const client = await signedIn(house, { storage })
  for (const text of ['refused', 'b', 'c']) client.outbox.send('9', { text })
  await tick()
  client.close()
  storage.set('posthouse.outbox.1.broken', '{"client_msg_id":"x"')
  house.on(SEND, good)
  const again = clientOf(house, { storage })
  expect(states(again.outbox.pending('9'))).toEqual(['refused failed', 'b sending', 'c sending'])
  await tick()
  expect(stored.map((one) => one.content)).toEqual([{ text: 'b' }, { text: 'c' }])
  expect(states(again.outbox.pending('9'))).toEqual(['refused failed'])
})

test('signing out forgets them, an expired session does not', async () => {
  for (const [ending, left] of [['left', 0], ['expired', 1]] as const) {
    const house = new House().on(SEND, lost).on('POST /logout', nothing).on('GET /me', () => problem(401, 'unauthenticated'))
    const storage = memoryStorage()
    const client = await signedIn(house, { storage })
    client.outbox.send('9', { text: 'kept?' })
    await tick()
    if (ending === 'left') await client.signOut()
    else await client.me.get().catch(() => undefined)
    expect(storage.keys('posthouse.outbox')).toHaveLength(left)
    expect(client.outbox.pending('9')).toEqual([])
    expect(() => client.outbox.send('9', { text: 'nobody' })).toThrow('unauthenticated')
  }
})

test('a gap before one\'s own message is filled, and meanwhile it is shown as sent', async () => {
  const house = new House()
  const stored = storing(house)
  const client = await signedIn(house)
  const log = client.log('9')
  await log.loadNewest()
  stored.push(entry(1), entry(2))
  const pages = house.routes.get('GET /conversations/9/messages') as (asked: Asked) => Response
  house.on('GET /conversations/9/messages', row(lost, pages))
  client.outbox.send('9', { text: 'mine' })
  await tick()
  expect(states(client.outbox.pending('9'))).toEqual(['mine sent'])
  expect(log.entries).toEqual([])
  await tick(2_000)
  expect(log.entries.map((one) => one.seq)).toEqual([1, 2, 3])
  expect(client.outbox.pending('9')).toEqual([])
})

test('another tab of the session learns of it', async () => {
  const house = new House()
  storing(house)
  const shared = new SharedStorage()
  const first = await signedIn(house, { storage: shared.tab() })
  const second = clientOf(house, { storage: shared.tab() })
  await second.log('9').loadNewest()
  const sent = vi.fn()
  second.on('sent', sent)
  first.outbox.send('9', { text: 'hello' })
  await tick()
  expect(second.log('9').entries.map((one) => one.content)).toEqual([{ text: 'hello' }])
  expect(sent).toHaveBeenCalledTimes(1)
})
