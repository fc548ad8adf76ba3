// Tokens: refreshed in one place, one at a time, across tabs; a lost answer is repaired; a real refusal signs out.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { memoryStorage } from '../index'
import { clientOf, House, json, lost, nothing, problem, row, SharedStorage, signedIn } from './house'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A house where only the newest access token is good, and only the newest refresh token. */
function strictHouse(): House {
  const house = new House()
  house.on('GET /me', ({ token }) => (token === `a${house.pair}` ? json({ id: '1' }) : problem(401, 'token_expired')))
  house.on('POST /token/refresh', ({ body }) =>
    (body as { refresh_token: string }).refresh_token === `r${house.pair}` ? json(house.tokens()) : problem(401, 'unauthenticated'),
  )
  return house
}

describe('refresh', () => {
  test('many calls that meet an expired token refresh once and all succeed', async () => {
    const house = strictHouse()
    const client = await signedIn(house)
    house.pair++
    house.on('POST /token/refresh', () => json(house.tokens()))
    await Promise.all(Array.from({ length: 10 }, () => client.me.get()))
    expect(house.of('POST /token/refresh')).toHaveLength(1)
    expect(house.of('POST /token/refresh')[0]?.token).toBeNull()
    expect(house.of('GET /me')).toHaveLength(20)
  })

  test('a token that is about to end is refreshed before it is used', async () => {
    const house = strictHouse()
    const client = await signedIn(house)
    await vi.advanceTimersByTimeAsync(890_000)
    await client.me.get()
    expect(house.of('GET /me').map((one) => one.token)).toEqual(['a2'])
  })

  test('a lost answer is repaired with the same refresh token', async () => {
    const house = strictHouse()
    const client = await signedIn(house)
    house.on('POST /token/refresh', row(lost, () => problem(503, 'unavailable', { 'Retry-After': '2' }), () => json(house.tokens())))
    await vi.advanceTimersByTimeAsync(900_000)
    const answer = client.me.get()
    await vi.advanceTimersByTimeAsync(10_000)
    await expect(answer).resolves.toBeTruthy()
    expect(house.of('POST /token/refresh').map((one) => one.body)).toEqual(Array(3).fill({ refresh_token: 'r1' }))
  })

  test('while the house cannot be reached the session stays', async () => {
    const house = strictHouse()
    const client = await signedIn(house)
    house.on('POST /token/refresh', lost)
    await vi.advanceTimersByTimeAsync(900_000)
    const answer = expect(client.me.get()).rejects.toMatchObject({ code: 'offline' })
    await vi.advanceTimersByTimeAsync(60_000)
    await answer
    expect(client.session).not.toBeNull()
  })

  test('a refused refresh token signs out, once', async () => {
    const house = strictHouse()
    const client = await signedIn(house)
    const reasons: string[] = []
    client.on('signed-out', (reason) => reasons.push(reason))
    house.on('POST /token/refresh', () => problem(401, 'unauthenticated'))
    await vi.advanceTimersByTimeAsync(900_000)
    await Promise.all([client.me.get(), client.me.get()].map((call) => expect(call).rejects.toMatchObject({ code: 'unauthenticated' })))
    expect(reasons).toEqual(['expired'])
    expect(client.session).toBeNull()
  })

  test('the answer of a refresh that arrives after signing out is not kept', async () => {
    const house = strictHouse()
    const storage = memoryStorage()
    const client = await signedIn(house, { storage })
    let answer: (response: Response) => void = () => undefined
    house.on('POST /token/refresh', () => new Promise((resolve) => (answer = resolve)))
    house.on('POST /logout', nothing)
    await vi.advanceTimersByTimeAsync(900_000)
    const call = expect(client.me.get()).rejects.toMatchObject({ code: 'unauthenticated' })
    await vi.advanceTimersByTimeAsync(0)
    await client.signOut()
    answer(json(house.tokens()))
    await call
    expect(storage.keys('')).toEqual([])
  })
})

describe('tabs', () => {
  test('a second tab uses the pair that the first one fetched', async () => {
    const house = strictHouse()
    const shared = new SharedStorage()
    const first = await signedIn(house, { storage: shared.tab() })
    const second = clientOf(house, { storage: shared.tab() })
    expect(second.session).toEqual(first.session)
    await vi.advanceTimersByTimeAsync(900_000)
    await first.me.get()
    await second.me.get()
    expect(house.of('POST /token/refresh')).toHaveLength(1)
  })

  test('a tab whose refresh token was used by another one takes the newer pair', async () => {
    const house = strictHouse()
    const shared = new SharedStorage()
    const mine = shared.tab()
    const client = await signedIn(house, { storage: mine })
    house.on('POST /token/refresh', () => {
      // The other tab was faster, and its answer is in the storage when ours is refused.
      const pair = house.tokens()
      const stored = JSON.parse(mine.get('posthouse.session') ?? '{}') as object
      const newer = { ...stored, accessToken: pair.access_token, refreshToken: pair.refresh_token, expiresAt: Date.now() + 900_000 }
      mine.set('posthouse.session', JSON.stringify(newer))
      return problem(401, 'unauthenticated')
    })
    await vi.advanceTimersByTimeAsync(900_000)
    await expect(client.me.get()).resolves.toBeTruthy()
    expect(client.session).not.toBeNull()
  })

  test('signing out in one tab signs out the other', async () => {
    const house = strictHouse()
    house.on('POST /logout', nothing)
    const shared = new SharedStorage()
    const first = await signedIn(house, { storage: shared.tab() })
    const second = clientOf(house, { storage: shared.tab() })
    const reasons: string[] = []
    second.on('signed-out', (reason) => reasons.push(reason))
    await first.signOut()
    expect(second.session).toBeNull()
    expect(reasons).toEqual(['left'])
  })
})

describe('signing in and out', () => {
  test('a session survives a reload', async () => {
    const house = strictHouse()
    const storage = memoryStorage()
    const client = await signedIn(house, { storage })
    const again = clientOf(house, { storage })
    expect(again.session).toEqual(client.session)
    await again.me.get()
  })

  test('signing out needs no network', async () => {
    const house = strictHouse().on('POST /logout', lost)
    const storage = memoryStorage()
    const client = await signedIn(house, { storage })
    await client.signOut()
    expect(client.session).toBeNull()
    expect(storage.keys('')).toEqual([])
  })

  test('signing out with an expired token refreshes for the farewell', async () => {
    const house = strictHouse()
    house.on('POST /logout', ({ token }) => (token === `a${house.pair}` && house.pair > 1 ? nothing() : problem(401, 'token_expired')))
    const client = await signedIn(house)
    await client.signOut()
    expect(house.of('POST /logout').map((one) => one.token)).toEqual(['a1', 'a2'])
    expect(client.session).toBeNull()
  })

  test('what lies broken in the storage is no session', () => {
    for (const broken of ['', '{', 'null', '7', '{"userId":1}', '[]']) {
      const storage = memoryStorage()
      storage.set('posthouse.session', broken)
      expect(clientOf(new House(), { storage }).session).toBeNull()
    }
  })

  test('a session that the house does not know any more ends', async () => {
    const house = new House().on('GET /me', () => problem(401, 'unauthenticated'))
    const client = await signedIn(house)
    await expect(client.me.get()).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(client.session).toBeNull()
  })
})
