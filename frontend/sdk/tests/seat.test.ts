// The lease of plain http: one of many gets it, who loses it hears of it, and only who is looked at trusts a late one.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { leaseSeat, type Hold } from '../seat'
import { SharedStorage } from './house'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const KEY = 'seat'
const tick = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const forever = () => new AbortController().signal

function candidate(shared: SharedStorage, visible = true) {
  const storage = shared.tab()
  const seat = leaseSeat({ storage, now: () => Date.now(), isVisible: () => visible }, KEY)
  const got: (Hold | null)[] = []
  return { storage, got, take: (force = false, signal = forever()) => void seat.take(signal, force).then((hold) => got.push(hold)) }
}

const dead = () => JSON.stringify({ owner: 'dead', at: Date.now() })

test('of many who want it one gets it, and the next when it is given back', async () => {
  const shared = new SharedStorage()
  const all = Array.from({ length: 5 }, () => candidate(shared))
  for (const one of all) one.take()
  await tick(10_000)
  const seated = () => all.filter(({ got }) => got.length > 0)
  expect(seated()).toHaveLength(1)
  seated()[0]?.got[0]?.release()
  await tick(100)
  expect(seated()).toHaveLength(2)
})

test('who loses it hears of it, and does not take away what is the other one’s', async () => {
  const shared = new SharedStorage()
  const [first, second] = [candidate(shared), candidate(shared)]
  first.take()
  await tick(100)
  second.take(true)
  await tick(100)
  expect(first.got[0]?.lost.aborted).toBe(true)
  expect(second.got[0]?.lost.aborted).toBe(false)
  first.got[0]?.release()
  first.got[0]?.renew()
  await tick(2_000)
  expect(second.got[0]?.lost.aborted).toBe(false)
})

test('a lease that is renewed is left alone', async () => {
  const shared = new SharedStorage()
  const [first, second] = [candidate(shared), candidate(shared)]
  first.take()
  second.take()
  await tick(5 * 60_000)
  expect(second.got).toEqual([])
})

test('a late one is taken over by a tab that is looked at, in time, and not by a hidden one', async () => {
  const shared = new SharedStorage()
  const hidden = candidate(shared, false)
  hidden.storage.set(KEY, dead())
  hidden.take()
  await tick(5 * 60_000)
  expect(hidden.got).toEqual([])
  hidden.storage.set(KEY, dead())
  const visible = candidate(shared)
  visible.take()
  await tick(1_400)
  expect(visible.got).toEqual([])
  await tick(600)
  expect(visible.got).toHaveLength(1)
})

test.each(['{', 'null', '7', '{"owner":"x"}', '{"owner":"x","at":99999999999999}'])('a broken lease %s is none', async (text) => {
  const shared = new SharedStorage()
  const one = candidate(shared)
  one.storage.set(KEY, text)
  one.take()
  await tick(100)
  expect(one.got).toHaveLength(1)
})

test('who gives up while it settles leaves nothing behind', async () => {
  const shared = new SharedStorage()
  const one = candidate(shared)
  const giveUp = new AbortController()
  one.take(false, giveUp.signal)
  await tick(10)
  giveUp.abort()
  await tick(10)
  expect(one.got).toEqual([null])
  expect(one.storage.get(KEY)).toBeNull()
  expect(vi.getTimerCount()).toBe(0)
})
