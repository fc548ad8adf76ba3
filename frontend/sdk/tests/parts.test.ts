// The small parts: ids, back-off, the lock between tabs, listeners.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { backoffMs } from '../backoff'
import { Emitter } from '../emitter'
import { memoryStorage, PosthouseError, uuid } from '../index'
import { storageLock } from '../storage-lock'

const WORK_MS = 500

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('ids are UUIDs of version 4, without crypto.randomUUID', () => {
  vi.spyOn(crypto, 'randomUUID').mockImplementation(() => {
    throw new Error('not on plain http')
  })
  const ids = Array.from({ length: 200 }, uuid)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(ids).size).toBe(200)
})

test('back-off doubles up to 30 s, with full jitter, and never less than asked', () => {
  const longest = [1, 2, 3, 4, 5, 6, 60].map((attempt) => backoffMs(attempt, () => 1))
  expect(longest).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  expect(backoffMs(3, () => 0)).toBe(0)
  const asked = new PosthouseError({ code: 'unavailable', retryAfter: 5 })
  expect(backoffMs(1, () => 0, asked)).toBe(5_000)
  expect(backoffMs(1, () => 0.5, asked)).toBe(5_500)
})

test('the lock lets one in at a time', async () => {
  const storage = memoryStorage()
  let inside = 0
  let most = 0
  const work = async () => {
    most = Math.max(most, ++inside)
    await new Promise((done) => setTimeout(done, WORK_MS))
    inside--
  }
  const all = Promise.all([1, 2, 3].map(() => storageLock(storage, 'x', work)))
  await vi.advanceTimersByTimeAsync(5_000)
  await all
  expect(most).toBe(1)
  expect(storage.keys('')).toEqual([])
})

test('a tab that died inside does not hold the lock for ever', async () => {
  const storage = memoryStorage()
  storage.set('x.lock', JSON.stringify({ owner: 'dead', until: Date.now() + 15_000 }))
  const work = vi.fn(() => Promise.resolve(1))
  const run = storageLock(storage, 'x', work)
  await vi.advanceTimersByTimeAsync(14_000)
  expect(work).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(await run).toBe(1)
})

test.each(['{', 'null', '7', '{"until":"soon"}', '{"owner":"x","until":99999999999999}'])('a broken hold %s is no hold', async (hold) => {
  const storage = memoryStorage()
  storage.set('x.lock', hold)
  const run = storageLock(storage, 'x', () => Promise.resolve(1))
  await vi.advanceTimersByTimeAsync(100)
  expect(await run).toBe(1)
})

test('a listener that throws does not keep the others from hearing', () => {
  const emitter = new Emitter<{ news: (text: string) => void }>()
  const thrown = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => undefined)
  const heard = vi.fn()
  emitter.on('news', () => {
    throw new Error('mine')
  })
  const stop = emitter.on('news', heard)
  emitter.emit('news', 'a')
  stop()
  emitter.emit('news', 'b')
  expect(heard.mock.calls).toEqual([['a']])
  expect(thrown).toHaveBeenCalledTimes(2)
})
