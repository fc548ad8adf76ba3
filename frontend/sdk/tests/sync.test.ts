// Sync after a resync: few requests, logs without gap, whatever is known and whoever asks.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Client, Conversation, SyncAnswer, SyncChange, SyncRequest } from '../index'
import { entry, hang, House, json, problem, row, signedIn } from './house'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms)
const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at)

function conversation(id: string, last_seq: number, version = 1): Conversation {
  return {
    id, kind: 'direct', peer: null, group: null, last_entry: null, last_seq, first_seq: 1, read_seq: 0, peer_read_seq: 0, unread: 0,
    mentioned: false, pinned: false, notify: 'all', draft: null, remark: null, marked_unread: false, version,
  }
}

function change(id: string, from_seq: number, to_seq: number, limited = false): SyncChange {
  const items = range(from_seq, to_seq).map((seq) => entry(seq, { conversation_id: id }))
  return { conversation: conversation(id, to_seq), from_seq, to_seq, limited, items, changed: [], changed_limited: false }
}

const answer = (items: SyncChange[], over: Partial<SyncAnswer> = {}) => () => json({ items, removed: [], next: null, ...over })
const asked = (house: House) => house.of('POST /sync').map(({ body }) => body as SyncRequest)
const seqs = (client: Client, id: string) => client.log(id).entries.map(({ seq }) => seq)
const MESSAGES = 'GET /conversations/9/messages'

/** The log of conversation 9, of `last` entries. */
function speak(house: House, last: number): void {
  house.on(MESSAGES, ({ query }) => {
    const after = query.get('after_seq')
    const [low, high] = after === null ? [Math.max(1, last - 49), last] : [Number(after) + 1, Math.min(last, Number(after) + 200)]
    const items = range(low, high).map((seq) => entry(seq))
    return json({ items: after === null ? items.reverse() : items, covers: high < low ? null : [low, high], last_seq: last })
  })
}

/** A client that has read conversation 9 up to 60. */
async function reader(house: House): Promise<Client> {
  const client = await signedIn(house)
  speak(house, 60)
  await client.log('9').loadNewest()
  return client
}

/** Takes one resync: `snapshot` is what the app reads then. */
async function resync(client: Client, snapshot: () => Promise<unknown>): Promise<void> {
  const stop = new AbortController()
  const ended = (async () => {
    for await (const event of client.events({ signal: stop.signal })) if (event.type === 'resync') await snapshot()
  })()
  await tick(10)
  stop.abort()
  await ended
}

test('who knows none lists them', async () => {
  const house = new House().on('GET /conversations', () => json({ items: [conversation('9', 3)], next_cursor: null }))
  const client = await signedIn(house)
  expect(await client.conversations.sync([])).toEqual({ conversations: [conversation('9', 3)], removed: [] })
  expect(asked(house)).toEqual([])
})

test('what is known is named, in order; what changed is told, and its log goes on without another request', async () => {
  const house = new House().on('POST /sync', answer([change('9', 61, 63), change('11', 1, 2)], { removed: ['8'] }))
  const client = await reader(house)
  const known = [conversation('10', 5, 7), conversation('9', 60), conversation('8', 1)]
  let missed
  await resync(client, async () => (missed = await client.conversations.sync(known)))
  expect(asked(house)).toEqual([
    { conversations: [{ id: '8', seq: 1, version: 1 }, { id: '9', seq: 60, version: 1 }, { id: '10', seq: 5, version: 7 }], limit: 50 },
  ])
  expect(missed).toEqual({ conversations: [conversation('9', 63), conversation('11', 2)], removed: ['8'] })
  expect(seqs(client, '9')).toEqual(range(11, 63))
  expect(seqs(client, '11')).toEqual([1, 2])
  expect(house.of(MESSAGES)).toHaveLength(1)
})

test('a log with nothing new is not read again', async () => {
  const house = new House().on('POST /sync', answer([]))
  const client = await reader(house)
  await resync(client, () => client.conversations.sync([conversation('9', 60)]))
  expect(house.of(MESSAGES)).toHaveLength(1)
})

test('of a log that is behind its conversation, what the log has is named', async () => {
  const house = new House().on('POST /sync', answer([change('9', 61, 70)]))
  const client = await reader(house)
  await client.conversations.sync([conversation('9', 70)])
  expect(asked(house)[0]?.conversations).toEqual([{ id: '9', seq: 60, version: 1 }])
  expect(seqs(client, '9')).toEqual(range(11, 70))
})

test('far behind: a log that nobody looks at begins anew at the end', async () => {
  const house = new House().on('POST /sync', answer([change('9', 151, 200, true)]))
  const client = await reader(house)
  await resync(client, () => client.conversations.sync([conversation('9', 60)]))
  expect(seqs(client, '9')).toEqual(range(151, 200))
  expect([client.log('9').covers, client.log('9').hasOlder]).toEqual([[151, 200], true])
  expect(house.of(MESSAGES)).toHaveLength(1)
})

test('one that somebody looks at is filled instead', async () => {
  const house = new House().on('POST /sync', answer([change('9', 151, 200, true)]))
  const client = await reader(house)
  client.log('9').subscribe(() => undefined)
  speak(house, 200)
  await resync(client, () => client.conversations.sync([conversation('9', 60)]))
  expect(seqs(client, '9')).toEqual(range(11, 200))
  expect(house.of(MESSAGES)).toHaveLength(2)
})

test('what comes while a log is being read does not tear it', async () => {
  const house = new House().on('POST /sync', answer([change('9', 151, 200, true)]))
  const client = await signedIn(house)
  let arrive: (page: Response) => void = () => undefined
  house.on(MESSAGES, () => new Promise((resolve) => (arrive = resolve)))
  const reading = client.log('9').loadNewest()
  await client.conversations.sync([conversation('9', 60)])
  expect(seqs(client, '9')).toEqual([])
  speak(house, 200)
  arrive(json({ items: range(11, 60).map((seq) => entry(seq)).reverse(), covers: [11, 60], last_seq: 60 }))
  await reading
  expect(seqs(client, '9')).toEqual(range(11, 200))
})

test('logs catch up by themselves where the app does not sync', async () => {
  const house = new House()
  const client = await reader(house)
  speak(house, 64)
  await resync(client, () => Promise.resolve())
  expect(seqs(client, '9')).toEqual(range(11, 64))
  expect(asked(house)).toEqual([])
})

test('a sync that fails leaves that to them', async () => {
  const house = new House().on('POST /sync', () => problem(400, 'invalid_request'))
  const client = await reader(house)
  speak(house, 64)
  await resync(client, () => client.conversations.sync([conversation('9', 60)]).catch(() => undefined))
  expect(seqs(client, '9')).toEqual(range(11, 64))
})

test('it goes on where an answer ended, naming only what is left', async () => {
  const house = new House().on('POST /sync', row(answer([change('9', 1, 1)], { next: '10' }), answer([change('100', 1, 1)])))
  const client = await signedIn(house)
  const missed = await client.conversations.sync([conversation('100', 0), conversation('9', 0), conversation('10', 0)])
  expect(asked(house).map(({ conversations, next }) => [conversations.map(({ id }) => id), next])).toEqual([
    [['9', '10', '100'], undefined],
    [['100'], '10'],
  ])
  expect(missed.conversations.map(({ id }) => id)).toEqual(['9', '100'])
})

test('more than can be named at once', async () => {
  const house = new House().on('POST /sync', row(answer([], { next: '500' }), answer([])))
  const client = await signedIn(house)
  await client.conversations.sync(range(1, 730).map((id) => conversation(String(id), 0)))
  expect(asked(house).map(({ conversations }) => [conversations.length, conversations[0]?.id])).toEqual([[500, '1'], [230, '501']])
})

test('a house whose place does not move does not keep us', async () => {
  const house = new House().on('POST /sync', answer([], { next: '5' }))
  await (await signedIn(house)).conversations.sync([conversation('9', 0)])
  expect(asked(house)).toHaveLength(2)
})

test('a lost answer is asked for once more', async () => {
  const house = new House().on('POST /sync', row(() => problem(504, 'outcome_unknown'), answer([])))
  await (await signedIn(house)).conversations.sync([conversation('9', 0)])
  expect(asked(house)).toHaveLength(2)
})

test('twenty minutes away with three busy conversations: a poll, a sync, and the next poll', async () => {
  const house = new House().on('POST /sync', answer([change('9', 151, 200, true), change('10', 51, 100, true), change('11', 3, 40)]))
  const client = await reader(house)
  house.on('GET /poll', row(() => json({ cursor: 'f.0', events: [], resync: true }), ({ signal }) => hang(signal)))
  house.asked.length = 0
  await resync(client, () => client.conversations.sync([conversation('9', 60), conversation('10', 1), conversation('11', 2)]))
  // This house has no streams, which the client has to find out once.
  const calls = house.asked.map(({ method, path }) => `${method} ${path}`).filter((call) => call !== 'GET /stream')
  expect(calls.sort()).toEqual(['GET /poll', 'GET /poll', 'POST /sync'])
})

test('one whose version rose may have lost entries to me: the log that is looked at is read again', async () => {
  const risen = (id: string) => ({ ...change(id, 61, 61), conversation: conversation(id, 61, 2) })
  const house = new House().on('POST /sync', answer([risen('9')]))
  const client = await reader(house)
  const stop = client.log('9').subscribe(() => undefined)
  house.on(MESSAGES, ({ query }) => {
    const low = Number(query.get('after_seq')) + 1
    const items = range(low, 61).map((seq) => (seq === 30 ? { seq, type: 'hidden' } : entry(seq)))
    return json({ items, covers: [low, 61], last_seq: 61 })
  })
  await resync(client, () => client.conversations.sync([conversation('9', 60)]))
  await tick(10)
  expect(seqs(client, '9')).toEqual(range(11, 61).filter((seq) => seq !== 30))
  expect(house.of(MESSAGES)).toHaveLength(2)
  stop()
})
