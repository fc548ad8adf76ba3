// Streams in a client, and what it does where there is none: always the same cursor, and never a resync for the switch.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Client, ClientEvent, ConnectionState } from '../index'
import { FakeEnvironment, hang, House, json, lost, page, problem, row, signedIn, type Asked } from './house'
import { Stream, streams } from './streams'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms)
const typing = { type: 'typing', conversation_id: '9', user_id: '2' }

/** The ways that were asked, with their cursors: `s` a stream, else the seconds of a poll. */
const asked = (house: House) =>
  house.asked
    .filter(({ path }) => path === '/stream' || path === '/poll')
    .map(({ path, query }) => `${path === '/stream' ? 's' : query.get('timeout')} ${query.get('cursor') ?? '-'}`)

function follow(client: Client) {
  const seen: ClientEvent[] = []
  const states: ConnectionState[] = []
  client.on('connection', (state) => states.push(state))
  void (async () => {
    for await (const event of client.events()) seen.push(event)
  })()
  return { states, types: () => seen.map((event) => event.type) }
}

async function streaming(first?: (stream: Stream, asked: Asked) => void) {
  const opened: Stream[] = []
  const house = new House().on('GET /stream', streams(opened, first))
  const environment = new FakeEnvironment()
  const client = await signedIn(house, { environment })
  const ear = follow(client)
  await tick(10)
  return { opened, house, environment, client, ...ear, last: () => opened.at(-1) as Stream }
}

describe('a stream', () => {
  test('is the only request, with the token in its header, and brings everything', async () => {
    const { house, last, types, states } = await streaming()
    last().tell({ cursor: 'e.1', events: [typing] }).tell({ cursor: 'e.2', events: [typing, typing] })
    await tick(10)
    expect(types()).toEqual(['resync', 'typing', 'typing', 'typing'])
    expect(asked(house)).toEqual(['s -'])
    expect(house.of('GET /stream')[0]?.token).toBe('a1')
    expect(states).toEqual(['connecting', 'online'])
  })

  test('that ends by itself is followed by another, from the last cursor, without a pause', async () => {
    const { house, last, states } = await streaming()
    last().tell({ cursor: 'e.7' })
    for (let s = 0; s < 120; s += 15) {
      await tick(15_000)
      last().beat()
    }
    last().end()
    await tick(10)
    expect(asked(house)).toEqual(['s -', 's e.7'])
    expect(states).toEqual(['connecting', 'online'])
  })

  test('that falls silent is dead after two heartbeats and a margin', async () => {
    const { house, last, states } = await streaming()
    await tick(30_000)
    last().beat()
    await tick(39_900)
    expect(states.at(-1)).toBe('online')
    await tick(200)
    expect(states.at(-1)).toBe('reconnecting')
    expect(last().closed).toBe(true)
    await tick(1_000)
    expect(asked(house)).toEqual(['s -', '0 e.0', 's e.0'])
    expect(states.at(-1)).toBe('online')
  })

  test('begins with a token that it will not outlive soon', async () => {
    const opened: Stream[] = []
    const house = new House().on('GET /stream', streams(opened))
    house.on('POST /token/refresh', () => json(house.tokens()))
    const { states } = follow(await signedIn(house))
    for (let s = 0; s < 840; s += 15) {
      await tick(15_000)
      opened[0]?.beat()
    }
    opened[0]?.end()
    await tick(10)
    expect(house.of('GET /stream').map(({ token }) => token)).toEqual(['a1', 'a2'])
    expect(asked(house)).toEqual(['s -', 's e.0'])
    expect(states).toEqual(['connecting', 'online'])
  })

  test('whose network changes is left at once', async () => {
    const { house, environment, opened } = await streaming()
    environment.change('online')
    await tick(10)
    expect(opened[0]?.closed).toBe(true)
    expect(asked(house)).toEqual(['s -', 's e.0'])
  })

  test('whose token expired is asked for again with another', async () => {
    const house = new House()
    house.on('GET /stream', (one) => (one.token === 'a1' ? problem(401, 'token_expired') : streams()(one)))
    house.on('POST /token/refresh', () => json(house.tokens()))
    const { types } = follow(await signedIn(house))
    await tick(10)
    expect(house.of('GET /stream').map(({ token }) => token)).toEqual(['a1', 'a2'])
    expect(types()).toEqual(['resync'])
  })

  test('that another window took is not fought for', async () => {
    const { house, last, environment } = await streaming()
    last().tell({ superseded: true }).end()
    await tick(9_900)
    expect(asked(house)).toEqual(['s -'])
    await tick(200)
    expect(asked(house)).toEqual(['s -', '0 e.0'])
    environment.change('focus')
    await tick(10)
    expect(asked(house)).toEqual(['s -', '0 e.0', 's e.0'])
  })

  test('that tells of the end of this session signs out', async () => {
    const { client, last } = await streaming()
    last().tell({ cursor: 'e.1', events: [{ type: 'session.revoked', session_id: '100' }] })
    await tick(10)
    expect(client.session).toBeNull()
    expect(last().closed).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('that answers nonsense is broken', async () => {
    const { states, last } = await streaming()
    last().say('data: {"cursor":"e.9","ev\n\n')
    await tick(10)
    expect(states.at(-1)).toBe('reconnecting')
  })
})

describe('where there is none', () => {
  test('an older house is polled, without a pause', async () => {
    const house = new House()
    const { states, types } = follow(await signedIn(house))
    await tick(10)
    expect(asked(house)).toEqual(['s -', '25 -', '25 e.0'])
    expect(states).toEqual(['connecting', 'online'])
    expect(types()).toEqual(['resync'])
  })

  test('a browser that cannot read one', async () => {
    const house = new House()
    house.on('GET /stream', () => new Response(null, { headers: { 'Content-Type': 'text/event-stream' } }))
    follow(await signedIn(house))
    await tick(10)
    expect(asked(house)).toEqual(['s -', '25 -', '25 e.0'])
  })

  test.each([
    ['keeps it to itself', ({ signal }: Asked) => hang(signal)],
    ['passes on the head only', (one: Asked) => new Stream(one).response],
  ])('a proxy that %s: after five seconds, and after a look', async (_, route) => {
    const house = new House().on('GET /stream', route)
    const { states, types } = follow(await signedIn(house))
    await tick(4_990)
    expect(asked(house)).toEqual(['s -'])
    await tick(20)
    expect(asked(house)).toEqual(['s -', '0 -', '25 e.0'])
    expect(states).toEqual(['connecting', 'online'])
    expect(types()).toEqual(['resync'])
  })

  test('a proxy that answers with a page', async () => {
    const house = new House().on('GET /stream', () => page())
    follow(await signedIn(house))
    await tick(10)
    expect(asked(house)).toEqual(['s -', '0 -', '25 e.0'])
  })

  test('the better way gets another chance after some minutes', async () => {
    const opened: Stream[] = []
    const house = new House().on('GET /stream', row(({ signal }) => hang(signal), streams(opened)))
    house.on('GET /poll', async ({ query, signal }) => {
      if (query.get('timeout') === '0') return json({ cursor: 'e.0', events: [], resync: !query.has('cursor') })
      await new Promise((resolve) => setTimeout(resolve, 25_000))
      return signal.aborted ? hang(signal) : json({ cursor: query.get('cursor'), events: [] })
    })
    const { types } = follow(await signedIn(house))
    await tick(4 * 60_000)
    expect(opened).toHaveLength(0)
    await tick(95_000)
    expect(opened).toHaveLength(1)
    expect(asked(house).at(-1)).toBe('s e.0')
    expect(types()).toEqual(['resync'])
  })
})

describe('where it breaks', () => {
  test('a stream that is cut again and again gives way to polls, with everything said once', async () => {
    let said = 0
    const cut = (stream: Stream, { query }: Asked) => {
      stream.beat()
      if (!query.has('cursor')) stream.tell({ cursor: 'e.0', resync: true })
      stream.tell({ cursor: `e.${++said}`, events: [typing] })
      setTimeout(() => stream.fail(), 3_000)
    }
    const { house, types } = await streaming(cut)
    await tick(60_000)
    expect(types()).toEqual(['resync', 'typing', 'typing', 'typing'])
    expect(asked(house)).toEqual(['s -', '0 e.1', 's e.1', '0 e.2', 's e.2', '0 e.3', '25 e.3', '0 e.3', '25 e.3'])
  })

  test('one that lasted for minutes is not blamed, however often it breaks, and what was before it is forgotten', async () => {
    let down = false
    const house = new House().on('GET /poll', ({ query }) => (down ? lost() : json({ cursor: query.get('cursor'), events: [] })))
    const opened: Stream[] = []
    const open = streams(opened, (stream, { query }) => {
      stream.beatOn()
      if (!query.has('cursor')) stream.tell({ cursor: 'e.0', resync: true })
    })
    house.on('GET /stream', (one) => (down ? lost() : open(one)))
    house.on('POST /token/refresh', () => json(house.tokens()))
    follow(await signedIn(house))
    await tick(90_000)
    down = true
    opened[0]?.fail()
    await tick(5 * 60_000)
    down = false
    await tick(31_000)
    for (let count = 2; count < 8; count++) {
      expect(opened).toHaveLength(count)
      await tick(90_000)
      opened.at(-1)?.fail()
      await tick(1_010)
    }
  })

  test('a token that cannot be refreshed is not the fault of the stream', async () => {
    const opened: Stream[] = []
    const house = new House().on('GET /stream', streams(opened, (stream) => stream.beatOn().tell({ cursor: 'e.0' })))
    house.on('POST /token/refresh', row(...Array.from({ length: 9 }, () => lost), () => json(house.tokens())))
    const client = await signedIn(house)
    await tick(890_000)
    follow(client)
    await tick(120_000)
    expect(opened).toHaveLength(1)
    expect(asked(house)).toEqual(['s -'])
  })

  test('a hidden page opens the next one as soon as a look has shown the house', async () => {
    const { house, last, environment } = await streaming()
    environment.change('hidden')
    last().fail()
    await tick(1_010)
    expect(asked(house)).toEqual(['s -', '0 e.0', 's e.0'])
  })

  test('so does one that somebody ends politely before its time', async () => {
    const { house } = await streaming((stream, { query }) => {
      stream.beat()
      if (!query.has('cursor')) stream.tell({ cursor: 'e.0', resync: true })
      setTimeout(() => stream.end(), 10_000)
    })
    await tick(31_000)
    expect(asked(house)).toEqual(['s -', '0 e.0', 's e.0', '0 e.0', 's e.0', '0 e.0', '25 e.0'])
  })

  test('polls that are cut give way to looks, which come less often while nothing happens', async () => {
    const house = new House()
    let events: unknown[] = []
    house.on('GET /poll', async ({ query }) => {
      const cursor = query.get('cursor')
      if (cursor === null) return json({ cursor: 'e.0', events: [], resync: true })
      if (query.get('timeout') === '0') return json({ cursor, events })
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      return page('<h1>504</h1>', 504)
    })
    const { types, states } = follow(await signedIn(house))
    await tick(60_000)
    const waits = () => asked(house).filter((one) => one.startsWith('25 e')).length
    expect(waits()).toBe(3)
    expect(states.at(-1)).toBe('online')
    const before = asked(house).length
    await tick(60_000)
    const idle = asked(house).length - before
    expect(idle).toBeGreaterThanOrEqual(4)
    expect(idle).toBeLessThanOrEqual(6)
    events = [typing]
    await tick(60_000)
    expect(asked(house).length - before - idle).toBeGreaterThan(20)
    expect(waits()).toBe(3)
    expect(types().filter((type) => type === 'resync')).toHaveLength(1)
  })

  test('a house that is down is no reason to change the way', async () => {
    const opened: Stream[] = []
    let down = true
    const house = new House()
    const open = streams(opened)
    house.on('GET /stream', (one) => (down && opened.length > 0 ? lost() : open(one)))
    house.on('GET /poll', () => (down ? lost() : json({ cursor: 'e.0', events: [] })))
    const { states } = follow(await signedIn(house))
    await tick(10)
    opened[0]?.fail()
    await tick(10 * 60_000)
    expect(states.at(-1)).toBe('reconnecting')
    down = false
    await tick(31_000)
    expect(asked(house).slice(-2)).toEqual(['0 e.0', 's e.0'])
    expect(states.at(-1)).toBe('online')
  })

  test('a house that refuses for a while is asked when it said', async () => {
    const house = new House().on('GET /stream', () => problem(503, 'unavailable', { 'Retry-After': '20' }))
    follow(await signedIn(house))
    await tick(19_900)
    expect(asked(house)).toEqual(['s -'])
    await tick(1_200)
    expect(asked(house)).toEqual(['s -', 's -'])
  })
})
