// What stands between us and the house: captive portals, proxies, half answers, silence.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { PosthouseError } from '../index'
import { House, hang, json, lost, nothing, page, problem, signedIn } from './house'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const failing = async (answer: () => Response | Promise<Response>) => {
  const client = await signedIn(new House().on('GET /me', answer))
  const error: unknown = await client.me.get().catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(PosthouseError)
  return { error: error as PosthouseError, client }
}

test.each([
  ['a captive portal', () => page()],
  ['a captive portal that says 401', () => page('<h1>Sign in</h1>', 401)],
  ['JSON cut off', () => new Response('{"id":"1","usern', { headers: { 'Content-Type': 'application/json' } })],
  ['an empty body', () => new Response('', { headers: { 'Content-Type': 'application/json' } })],
  ['JSON that is no object', () => json(null)],
  ['a problem without a code', () => new Response('{}', { status: 401, headers: { 'Content-Type': 'application/problem+json' } })],
  ['no network', lost],
])('%s is offline, and nobody is signed out', async (_, answer) => {
  const { error, client } = await failing(answer)
  expect(error.code).toBe('offline')
  expect(error.retryable).toBe(true)
  expect(client.session).not.toBeNull()
})

test.each([
  [502, 'outcome_unknown'],
  [503, 'unavailable'],
  [504, 'outcome_unknown'],
  [413, 'too_large'],
])('a gateway\'s bare %i is %s', async (status, code) => {
  const { error } = await failing(() => page('<h1>nginx</h1>', status))
  expect(error.code).toBe(code)
  expect(error.status).toBe(status)
})

test('a problem arrives with all that it says', async () => {
  const { error } = await failing(() => problem(429, 'rate_limited', { 'Retry-After': '7', 'X-Request-Id': 'h1' }))
  expect(error).toMatchObject({ code: 'rate_limited', status: 429, detail: 'because rate_limited', requestId: 'r1', retryAfter: 7, errors: [] })
})

test.each(['-1', '1e9', 'Wed, 21 Oct 2026 07:28:00 GMT', '99999999999'])('Retry-After: %s is not believed', async (value) => {
  const { error } = await failing(() => problem(503, 'unavailable', { 'Retry-After': value }))
  expect(error.retryAfter).toBeNull()
})

test('silence ends after the deadline', async () => {
  const house = new House().on('GET /me', ({ signal }) => hang(signal))
  const client = await signedIn(house)
  const call = expect(client.me.get()).rejects.toMatchObject({ code: 'offline' })
  await vi.advanceTimersByTimeAsync(30_000)
  await call
})

test('a request to somebody is repeated after an unknown outcome, with the same key', async () => {
  let calls = 0
  const house = new House().on('POST /friend-requests', () => (++calls === 1 ? problem(504, 'outcome_unknown') : json({ id: '3' })))
  const client = await signedIn(house)
  await client.requests.create('2', '你好')
  const keys = house.of('POST /friend-requests').map((one) => one.headers.get('Idempotency-Key'))
  expect(keys).toHaveLength(2)
  expect(keys[0]).toBe(keys[1])
  expect(house.of('POST /friend-requests')[0]?.body).toEqual({ user_id: '2', message: '你好' })
})

test('lists are read to their end, and a list without one is left', async () => {
  const house = new House()
  house.on('GET /friends', ({ query }) => {
    const at = Number(query.get('cursor') ?? 0)
    return json({ items: [{ n: at }], next_cursor: at < 2 ? String(at + 1) : null })
  })
  house.on('GET /blocks', () => json({ items: [{}], next_cursor: 'again' }))
  const client = await signedIn(house)
  expect(await client.friends.all()).toHaveLength(3)
  expect(await client.blocks.all()).toHaveLength(2)
})

test('many ids are asked for in portions', async () => {
  const house = new House().on('GET /users', ({ query }) => json({ items: (query.get('ids') ?? '').split(',').map((id) => ({ id })), next_cursor: null }))
  const client = await signedIn(house)
  const ids = Array.from({ length: 250 }, (_, at) => String(at + 1))
  expect((await client.users.byIds(ids)).map((user) => user.id)).toEqual(ids)
  expect(house.of('GET /users')).toHaveLength(3)
})

test('typing is said once in a while and never fails', async () => {
  const house = new House().on('POST /conversations/9/typing', nothing).on('POST /conversations/8/typing', lost)
  const client = await signedIn(house)
  for (let i = 0; i < 5; i++) await client.conversations.typing('9')
  expect(house.of('POST /conversations/9/typing')).toHaveLength(1)
  await client.conversations.typing('8')
  await vi.advanceTimersByTimeAsync(3_000)
  await client.conversations.typing('9')
  expect(house.of('POST /conversations/9/typing')).toHaveLength(2)
})
