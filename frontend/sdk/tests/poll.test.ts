// The poll loop: cursor, resync, back-off, other windows, hidden pages, the network that goes and comes, revocation.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Client, ClientEvent, ConnectionState } from '../index'
import { entry, FakeEnvironment, hang, House, json, lost, page, problem, row, signedIn } from './house'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms)
const polls = (house: House) => house.of('GET /poll').map(({ query }) => `${query.get('cursor') ?? '-'} ${query.get('timeout')}`)
const answer = (cursor: string, events: unknown[] = [], more: object = {}) => () => json({ cursor, events, ...more })
const start = answer('e.0', [], { resync: true })
const waits = ({ signal }: { signal: AbortSignal }) => hang(signal)

/** Runs the loop and keeps what it yields. */
function follow(client: Client) {
  const seen: ClientEvent[] = []
  const states: ConnectionState[] = []
  const stop = new AbortController()
  client.on('connection', (state) => states.push(state))
  const ended = (async () => {
    for await (const event of client.events({ signal: stop.signal })) seen.push(event)
  })()
  return { seen, states, stop, ended, types: () => seen.map((event) => event.type) }
}

describe('cursor', () => {
  test('begins with resync, and each poll carries the cursor of the answer before', async () => {
    const house = new House()
    house.on('GET /poll', row(start, answer('e.1', [{ type: 'typing', conversation_id: '9', user_id: '2' }]), answer('e.2'), waits))
    const { types, states } = follow(await signedIn(house))
    await tick(10)
    expect(types()).toEqual(['resync', 'typing'])
    expect(polls(house)).toEqual(['- 25', 'e.0 25', 'e.1 25', 'e.2 25'])
    expect(states).toEqual(['connecting', 'online'])
  })

  test('does not move while an event is not taken', async () => {
    const house = new House().on('GET /poll', row(start, answer('e.2', [{ type: 'me', user: {} }, { type: 'me', user: {} }]), waits))
    const client = await signedIn(house)
    for await (const event of client.events()) if (event.type === 'me') break
    const again = follow(client)
    await tick(10)
    // The second event was not taken: it is asked for again.
    expect(polls(house).at(-1)).toMatch(/^e\.0 /)
    again.stop.abort()
    await again.ended
  })

  test('moves before a resync is told', async () => {
    const house = new House().on('GET /poll', row(answer('n.5', [], { resync: true }), waits))
    const client = await signedIn(house)
    for await (const event of client.events()) if (event.type === 'resync') break
    follow(client)
    await tick(10)
    expect(polls(house)[1]).toMatch(/^n\.5 /)
  })

  test('unknown events are left out', async () => {
    const house = new House().on('GET /poll', row(start, answer('e.1', [{ type: 'toString' }, { type: 'hologram' }]), waits))
    const { types } = follow(await signedIn(house))
    await tick(10)
    expect(types()).toEqual(['resync'])
  })

  test('more is asked for at once, also in a hidden page', async () => {
    const environment = new FakeEnvironment()
    environment.visible = false
    const house = new House().on('GET /poll', row(answer('e.0', [], { resync: true, more: true }), answer('e.1', [], { more: true }), waits))
    follow(await signedIn(house, { environment }))
    await tick(1)
    expect(polls(house)).toHaveLength(3)
  })
})

describe('failure', () => {
  test('backs off with growing pauses, and looks before it waits again', async () => {
    const house = new House().on('GET /poll', row(start, lost, lost, lost, answer('e.0'), waits))
    const { states } = follow(await signedIn(house))
    await tick(10)
    expect(polls(house)).toHaveLength(2)
    expect(states.at(-1)).toBe('reconnecting')
    await tick(990)
    expect(polls(house)).toHaveLength(3)
    await tick(1_990)
    expect(polls(house)).toHaveLength(3)
    await tick(10)
    expect(polls(house)).toHaveLength(4)
    await tick(4_000)
    expect(states.at(-1)).toBe('online')
    expect(polls(house).slice(1)).toEqual(['e.0 25', 'e.0 0', 'e.0 0', 'e.0 0', 'e.0 25'])
  })

  test('never longer than 30 s', async () => {
    const house = new House().on('GET /poll', row(start, lost))
    follow(await signedIn(house))
    await tick(300_000)
    const before = polls(house).length
    await tick(30_000)
    expect(polls(house).length).toBe(before + 1)
  })

  test('Retry-After is kept, whoever looks', async () => {
    const environment = new FakeEnvironment()
    const house = new House().on('GET /poll', row(start, () => problem(503, 'unavailable', { 'Retry-After': '20' }), waits))
    follow(await signedIn(house, { environment }))
    await tick(10)
    environment.change('focus')
    await tick(19_900)
    expect(polls(house)).toHaveLength(2)
    await tick(1_200)
    expect(polls(house)).toHaveLength(3)
  })

  test.each([
    ['a captive portal', () => page()],
    ['half an answer', () => new Response('{"cursor":"e.1","ev', { headers: { 'Content-Type': 'application/json' } })],
    ['no events', () => json({ cursor: 'e.1' })],
    ['events of null', () => json({ cursor: 'e.1', events: [null] })],
    ['no cursor', () => json({ events: [] })],
  ])('%s is a failure like any other', async (_, bad) => {
    const house = new House().on('GET /poll', row(start, bad, answer('e.0'), waits))
    const { states, types } = follow(await signedIn(house))
    await tick(10)
    expect(states.at(-1)).toBe('reconnecting')
    await tick(2_000)
    expect(states.at(-1)).toBe('online')
    expect(types()).toEqual(['resync'])
  })

  test('silence beyond the wait and its margin is a failure', async () => {
    const house = new House().on('GET /poll', row(start, waits, answer('e.0'), waits))
    const { states } = follow(await signedIn(house))
    await tick(34_900)
    expect(states.at(-1)).toBe('online')
    await tick(200)
    expect(states.at(-1)).toBe('reconnecting')
  })

  test('answers that come at once without anything do not make a storm', async () => {
    const house = new House().on('GET /poll', row(start, answer('e.0')))
    follow(await signedIn(house))
    await tick(60_000)
    expect(polls(house).length).toBeLessThan(15)
  })

  test('an expired token is refreshed without a pause', async () => {
    const house = new House()
    house.on('GET /poll', ({ query, token, signal }) =>
      !query.has('cursor') ? start() : token === 'a1' ? problem(401, 'token_expired') : hang(signal),
    )
    house.on('POST /token/refresh', () => json(house.tokens()))
    const { states } = follow(await signedIn(house))
    await tick(10)
    expect(house.of('GET /poll').map((one) => one.token)).toEqual(['a1', 'a1', 'a2'])
    expect(states).toEqual(['connecting', 'online'])
  })
})

describe('windows', () => {
  test('a superseded loop looks now and then and takes nothing away, until the person comes', async () => {
    const environment = new FakeEnvironment()
    const house = new House()
    house.on('GET /poll', row(start, () => json({ events: [], superseded: true }), answer('e.1', [{ type: 'typing', conversation_id: '9', user_id: '2' }]), answer('e.1'), waits))
    const { states, types } = follow(await signedIn(house, { environment }))
    await tick(9_900)
    expect(polls(house)).toHaveLength(2)
    await tick(200)
    expect(polls(house).slice(2)).toEqual(['e.0 0'])
    expect(types()).toEqual(['resync', 'typing'])
    await tick(10_000)
    expect(polls(house).slice(3)).toEqual(['e.1 0'])
    environment.change('focus')
    await tick(10)
    expect(polls(house).slice(4)).toEqual(['e.1 25'])
    expect(states.at(-1)).toBe('online')
  })

  test('two loops of one session do not fight', async () => {
    const house = new House()
    let holder: (() => void) | null = null
    house.on('GET /poll', ({ query, signal }) => {
      if (!query.has('cursor')) return start()
      if (query.get('timeout') === '0') return json({ cursor: 'e.0', events: [] })
      holder?.()
      return Promise.race([hang(signal), new Promise<Response>((resolve) => (holder = () => resolve(json({ events: [], superseded: true }))))])
    })
    const one = await signedIn(house, { environment: new FakeEnvironment() })
    follow(one)
    await tick(10)
    const two = await signedIn(house, { environment: new FakeEnvironment() })
    follow(two)
    await tick(60_000)
    const taking = house.of('GET /poll').filter(({ query }) => query.get('timeout') !== '0' && query.has('cursor'))
    expect(taking.length).toBeLessThanOrEqual(4)
  })

  test('the app may ask for the poll', async () => {
    const house = new House().on('GET /poll', row(start, () => json({ events: [], superseded: true }), waits))
    const client = await signedIn(house)
    follow(client)
    await tick(10)
    client.resume()
    await tick(10)
    expect(polls(house)).toEqual(['- 25', 'e.0 25', 'e.0 25'])
  })

  test('a hidden page goes on, with pauses', async () => {
    const environment = new FakeEnvironment()
    environment.visible = false
    const some = answer('e.1', [{ type: 'typing', conversation_id: '9', user_id: '2' }])
    const house = new House().on('GET /poll', row(start, some, some, waits))
    follow(await signedIn(house, { environment }))
    await tick(10)
    expect(polls(house)).toHaveLength(1)
    await tick(3_000)
    expect(polls(house)).toHaveLength(2)
    environment.change('visible')
    await tick(10)
    expect(polls(house)).toHaveLength(4)
  })
})

describe('network', () => {
  test('offline at once, and back at once', async () => {
    const environment = new FakeEnvironment()
    const house = new House()
    const { states } = follow(await signedIn(house, { environment }))
    await tick(10)
    environment.change('offline')
    await tick(10)
    expect(states.at(-1)).toBe('offline')
    const before = polls(house).length
    await tick(20_000)
    expect(polls(house)).toHaveLength(before)
    environment.change('online')
    await tick(10)
    expect(states.at(-1)).toBe('online')
    expect(polls(house).slice(before)).toEqual(['e.0 0', 'e.0 25'])
  })

  test('a new network breaks off the poll of the old one', async () => {
    const environment = new FakeEnvironment()
    const house = new House()
    const { states } = follow(await signedIn(house, { environment }))
    await tick(10)
    environment.change('online')
    await tick(10)
    expect(house.of('GET /poll')[1]?.signal.aborted).toBe(true)
    expect(polls(house).slice(2)).toEqual(['e.0 0', 'e.0 25'])
    expect(states).toEqual(['connecting', 'online'])
  })
})

describe('the end', () => {
  test('a revoked session is signed out at once and the loop ends', async () => {
    const house = new House().on('GET /poll', row(start, answer('e.1', [{ type: 'session.revoked', session_id: '100' }])))
    const client = await signedIn(house)
    const reasons: string[] = []
    client.on('signed-out', (reason) => reasons.push(reason))
    const { ended, states, types } = follow(client)
    await tick(10)
    await ended
    expect(reasons).toEqual(['revoked'])
    expect(states.at(-1)).toBe('signed-out')
    expect(types()).toEqual(['resync'])
    expect(client.session).toBeNull()
  })

  test('another session of mine that ended is news', async () => {
    const house = new House().on('GET /poll', row(start, answer('e.1', [{ type: 'session.revoked', session_id: '101' }]), waits))
    const client = await signedIn(house)
    const { types } = follow(client)
    await tick(10)
    expect(types()).toEqual(['resync', 'session.revoked'])
    expect(client.session).not.toBeNull()
  })

  test('a session that the house does not know ends the loop', async () => {
    const house = new House().on('GET /poll', row(start, () => problem(401, 'unauthenticated')))
    const client = await signedIn(house)
    const { ended, states } = follow(client)
    await tick(10)
    await ended
    expect(client.session).toBeNull()
    expect(states.at(-1)).toBe('signed-out')
  })

  test('an abort breaks off the poll and leaves the session', async () => {
    const house = new House()
    const client = await signedIn(house)
    const { ended, stop } = follow(client)
    await tick(10)
    stop.abort()
    await ended
    expect(house.of('GET /poll')[1]?.signal.aborted).toBe(true)
    expect(client.session).not.toBeNull()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('a second loop ends the first', async () => {
    const house = new House()
    const client = await signedIn(house)
    const first = follow(client)
    await tick(10)
    follow(client)
    await tick(10)
    await first.ended
    expect(client.connection).toBe('online')
  })

  test('entries reach their log before they are told', async () => {
    const house = new House().on('GET /poll', row(start, answer('e.1', [{ type: 'entry', entry: entry(1) }]), waits))
    house.on('GET /conversations/9/messages', () => json({ items: [], covers: null, last_seq: 0 }))
    const client = await signedIn(house)
    const log = client.log('9')
    await log.loadNewest()
    for await (const event of client.events()) if (event.type === 'entry') break
    expect(log.entries.map((one) => one.seq)).toEqual([1])
  })
})
