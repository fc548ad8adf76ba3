// The log: no gap, no duplicate, in order, whatever arrives in whatever order.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Log } from '../log'
import { PosthouseError, type Entry, type MessageList } from '../index'
import { alwaysOn } from '../environment'
import { Waker } from '../waker'
import { entry } from './house'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

interface Query {
  before_seq?: number
  after_seq?: number
  limit: number
}

/** A log of `last` entries; `hidden` ones are shown to nobody. */
class Fake {
  readonly asked: Query[] = []
  readonly hidden = new Set<number>()
  fail: (() => unknown) | null = null
  constructor(public last: number) {}

  readonly page = async (query: Query): Promise<MessageList> => {
    this.asked.push(query)
    await Promise.resolve()
    if (this.fail) throw this.fail()
    if (query.after_seq !== undefined) {
      const items = range(query.after_seq + 1, Math.min(this.last, query.after_seq + query.limit))
      return { items: items.map((seq) => this.item(seq)), covers: ends(items), last_seq: this.last }
    }
    const highest = query.before_seq === undefined ? this.last : query.before_seq - 1
    const items = range(Math.max(1, highest - query.limit + 1), highest)
    const visible = items.filter((seq) => !this.hidden.has(seq))
    return { items: visible.reverse().map((seq) => entry(seq)), covers: ends(items), last_seq: this.last }
  }

  private item(seq: number) {
    return this.hidden.has(seq) ? { seq, type: 'hidden' as const } : entry(seq)
  }
}

const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at)
const ends = (items: number[]): number[] | null => (items.length ? [Math.min(...items), Math.max(...items)] : null)
const seqs = (log: Log) => log.entries.map((one: Entry) => one.seq)

function logOf(fake: Fake): Log {
  return new Log('9', { page: fake.page, waker: new Waker(alwaysOn), random: () => 0.999, signal: new AbortController().signal })
}

test('the newest page, then upwards to the beginning', async () => {
  const fake = new Fake(120)
  const log = logOf(fake)
  expect(log.hasOlder).toBe(false)
  await log.loadNewest()
  expect(seqs(log)).toEqual(range(71, 120))
  await log.loadOlder()
  await log.loadOlder()
  expect(seqs(log)).toEqual(range(1, 120))
  expect(log.hasOlder).toBe(false)
  await log.loadOlder()
  expect(fake.asked).toHaveLength(3)
})

test('an empty conversation, and its first entry', async () => {
  const log = logOf(new Fake(0))
  await log.loadNewest()
  expect([log.covers, log.hasOlder]).toEqual([[1, 0], false])
  await log.apply(entry(1))
  expect(seqs(log)).toEqual([1])
})

test('the next one is taken without asking, a duplicate and an old one are dropped', async () => {
  const fake = new Fake(3)
  const log = logOf(fake)
  await log.loadNewest()
  const changes = vi.fn()
  log.subscribe(changes)
  await log.apply(entry(4))
  await log.apply(entry(4))
  await log.apply(entry(2))
  expect(seqs(log)).toEqual([1, 2, 3, 4])
  expect(fake.asked).toHaveLength(1)
  expect(changes).toHaveBeenCalledTimes(1)
})

test('a jump is filled before anything behind it is shown', async () => {
  const fake = new Fake(3)
  const log = logOf(fake)
  await log.loadNewest()
  fake.last = 10
  const shown: number[][] = []
  log.subscribe(() => shown.push(seqs(log)))
  await Promise.all([log.apply(entry(8)), log.apply(entry(10)), log.apply(entry(9))])
  expect(seqs(log)).toEqual(range(1, 10))
  for (const one of shown) expect(one).toEqual(range(1, one.length))
  expect(fake.asked.filter((query) => query.after_seq !== undefined)).toHaveLength(1)
})

test('a long gap takes several pages', async () => {
  const fake = new Fake(3)
  const log = logOf(fake)
  await log.loadNewest()
  fake.last = 500
  await log.apply(entry(500))
  expect(seqs(log)).toEqual(range(1, 500))
  expect(fake.asked.slice(1).map((query) => query.after_seq)).toEqual([3, 203, 403])
})

test('a very long one begins anew at the end', async () => {
  const fake = new Fake(3)
  const log = logOf(fake)
  await log.loadNewest()
  fake.last = 5_000
  await log.apply(entry(5_000))
  expect(seqs(log)).toEqual(range(4_951, 5_000))
  expect(log.hasOlder).toBe(true)
})

test('hidden entries fill their place and are not shown', async () => {
  const fake = new Fake(5)
  fake.hidden.add(2).add(7)
  const log = logOf(fake)
  await log.loadNewest()
  fake.last = 8
  await log.apply(entry(8))
  expect(seqs(log)).toEqual([1, 3, 4, 5, 6, 8])
  expect(log.covers).toEqual([1, 8])
})

test('a fill that fails is tried again until it succeeds', async () => {
  const fake = new Fake(1)
  const log = logOf(fake)
  await log.loadNewest()
  fake.last = 3
  fake.fail = () => new PosthouseError({ code: 'offline' })
  const applied = log.apply(entry(3))
  await vi.advanceTimersByTimeAsync(10_000)
  expect(seqs(log)).toEqual([1])
  fake.fail = null
  await vi.advanceTimersByTimeAsync(20_000)
  await applied
  expect(seqs(log)).toEqual([1, 2, 3])
})

test('an entry that the house never shows is given up, and does not stop the next', async () => {
  const fake = new Fake(1)
  const log = logOf(fake)
  await log.loadNewest()
  const applied = log.apply(entry(3))
  await vi.advanceTimersByTimeAsync(120_000)
  await applied
  expect(fake.asked.length).toBeLessThan(10)
  fake.last = 4
  await log.apply(entry(4))
  expect(seqs(log)).toEqual([1, 2, 3, 4])
})

test('a refusal is told to whoever asked', async () => {
  const fake = new Fake(3)
  fake.fail = () => new PosthouseError({ code: 'not_found' })
  const log = logOf(fake)
  await expect(log.loadNewest()).rejects.toMatchObject({ code: 'not_found' })
  expect([log.loading, log.covers]).toEqual([false, null])
  fake.fail = null
  await log.loadNewest()
  expect(seqs(log)).toEqual([1, 2, 3])
})

test('an entry that arrives while the first page is read is not lost', async () => {
  const fake = new Fake(3)
  const log = logOf(fake)
  const loading = log.loadNewest()
  await log.apply(entry(4))
  fake.last = 4
  await loading
  expect(seqs(log)).toEqual([1, 2, 3, 4])
})

test('reading upwards twice at a time reads once', async () => {
  const fake = new Fake(200)
  const log = logOf(fake)
  await log.loadNewest()
  await Promise.all([log.loadOlder(), log.loadOlder()])
  expect(fake.asked).toHaveLength(2)
  expect(seqs(log)).toEqual(range(101, 200))
})

test('what came since is read without losing what is here', async () => {
  const fake = new Fake(60)
  const log = logOf(fake)
  await log.loadNewest()
  fake.last = 63
  await log.loadNewest()
  expect(seqs(log)).toEqual(range(11, 63))
})
