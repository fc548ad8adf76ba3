// What is done to entries reaches every place where they are held, in whatever order it is heard; and windows far up in a log.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Log } from '../log'
import { alwaysOn } from '../environment'
import type { Entry } from '../index'
import { Waker } from '../waker'
import { LogHouse, range } from './log-house'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function logOf(house: LogHouse): Log {
  return new Log('9', { page: house.page, waker: new Waker(alwaysOn), random: () => 0.999, signal: new AbortController().signal })
}

async function read(house: LogHouse): Promise<Log> {
  const log = logOf(house)
  await log.loadNewest()
  return log
}

/** A page that comes when the test says so. */
function held(house: LogHouse): () => void {
  let go: () => void = () => undefined
  const wait = new Promise<void>((resolve) => (go = resolve))
  house.delay = () => wait
  return () => {
    house.delay = () => Promise.resolve()
    go()
  }
}

const seqs = (log: { entries: readonly Entry[] }) => log.entries.map(({ seq }) => seq)
const texts = (log: { entries: readonly Entry[] }) => log.entries.map(({ content }) => ('text' in content ? content.text : ''))

test('an operation takes its place, is not shown, and changes its target', async () => {
  const house = new LogHouse(3)
  const log = await read(house)
  const before = log.entries
  await log.apply(house.operate('edit', 2))
  expect([seqs(log), log.covers]).toEqual([[1, 2, 3], [1, 4]])
  expect(texts(log)).toEqual(['text 1', 'edited by 4', 'text 3'])
  expect(log.entries).not.toBe(before)
  await log.apply(house.say())
  expect(seqs(log)).toEqual([1, 2, 3, 5])
  expect(house.asked).toHaveLength(1)
})

test('an older state after a newer one changes nothing', async () => {
  const house = new LogHouse(2)
  const log = await read(house)
  const edited = house.operate('edit', 1)
  const recalled = house.operate('recall', 1)
  await log.apply(edited)
  await log.apply(recalled)
  const listener = vi.fn()
  log.subscribe(listener)
  await log.apply(edited)
  log.update((edited.content as { entry: Entry }).entry)
  expect(log.entries[0]).toMatchObject({ recalled_at: 4, content: {} })
  expect(listener).not.toHaveBeenCalled()
})

test('a recall that is heard before its entry: the entry comes recalled', async () => {
  const house = new LogHouse(2)
  const log = await read(house)
  const said = house.say()
  const recall = house.operate('recall', 3)
  const filled = log.apply(recall)
  await log.apply(said)
  await filled
  expect(seqs(log)).toEqual([1, 2, 3])
  expect(log.entries[2]).toMatchObject({ seq: 3, recalled_at: 4 })
})

test('an answer to my own call, and the event that says the same', async () => {
  const house = new LogHouse(2)
  const log = await read(house)
  const event = house.operate('reaction', 2)
  log.update((event.content as { entry: Entry }).entry)
  expect(log.entries[1]?.reactions).toHaveLength(1)
  await log.apply(event)
  expect(log.covers).toEqual([1, 3])
})

test('a page that was read before an operation and comes after it', async () => {
  const house = new LogHouse(120)
  const log = await read(house)
  const go = held(house)
  const older = log.loadOlder()
  const edit = house.operate('edit', 40)
  const recall = house.operate('recall', 30)
  const applied = [log.apply(edit), log.apply(recall)]
  go()
  await Promise.all([older, ...applied])
  expect(log.covers).toEqual([21, 122])
  expect(log.entries).toEqual(house.shown(log.covers?.[0]))
})

test('what is hidden goes at once, and a page that was read before does not bring it back', async () => {
  const house = new LogHouse(120)
  const log = await read(house)
  log.hide(100)
  const go = held(house)
  const older = log.loadOlder()
  house.hide(100)
  house.hide(50)
  log.hide(50)
  go()
  await older
  expect(seqs(log)).toEqual(range(21, 120).filter((seq) => seq !== 100 && seq !== 50))
})

test('what another device hid before this one heard of it: its place is known, and nothing of it is shown', async () => {
  const house = new LogHouse(3)
  const log = await read(house)
  const { seq } = house.say()
  house.hide(seq)
  log.hide(seq)
  await vi.advanceTimersByTimeAsync(100)
  expect(seqs(log)).toEqual([1, 2, 3])
  expect(log.covers).toEqual([1, 4])
  await log.apply(house.say())
  expect(log.covers).toEqual([1, 5])
})

test('an operation on something that I may not see takes it away', async () => {
  const house = new LogHouse(3)
  const log = await read(house)
  house.hide(2)
  await log.apply(house.operate('reaction', 2))
  expect(seqs(log)).toEqual([1, 3])
})

test('operations in a gap are done when it is filled', async () => {
  const house = new LogHouse(3)
  const log = await read(house)
  house.operate('recall', 1)
  house.operate('edit', 3)
  house.hide(house.say().seq)
  await log.apply(house.say())
  expect(log.entries).toEqual(house.shown())
  expect(log.covers).toEqual([1, 7])
})

test('a log that ends in operations is not behind', async () => {
  const house = new LogHouse(3)
  house.operate('edit', 1)
  const log = await read(house)
  expect([seqs(log), log.covers]).toEqual([[1, 2, 3], [1, 4]])
  expect(house.asked).toHaveLength(1)
})

test('a sync changes what is held, and says when that is not all', async () => {
  const house = new LogHouse(60)
  const log = await read(house)
  house.operate('edit', 20)
  house.operate('recall', 59)
  house.say()
  expect(log.take(house.sync(61, 60))).toBe(true)
  expect(log.entries).toEqual(house.shown(11))

  for (let n = 0; n < 300; n++) house.operate('edit', 20 + (n % 40))
  const stop = log.subscribe(() => undefined)
  const change = { ...house.sync(64, 63), changed: [], changed_limited: true }
  expect(log.take(change)).toBe(false)
  expect(log.entries.length).toBeGreaterThan(0)
  await log.loadNewest()
  expect(log.entries).toEqual(house.shown(log.covers?.[0], log.covers?.[1]))

  stop()
  house.operate('edit', house.last - 1)
  expect(log.take({ ...house.sync(1, 0), changed_limited: true })).toBe(true)
  expect(log.entries).toEqual(house.shown(log.covers?.[0]))
})

test('a place that a sync says is hidden', async () => {
  const house = new LogHouse(5)
  const log = await read(house)
  log.take({ ...house.sync(6, 5), changed: [{ seq: 4, type: 'hidden' } as never] })
  expect(seqs(log)).toEqual([1, 2, 3, 5])
})

test('what may have been hidden meanwhile: dropped where nobody looks, read again where somebody does', async () => {
  const house = new LogHouse(260)
  const log = await read(house)
  await log.loadOlder(200)
  const window = await log.around(100)
  house.hide(12)
  house.hide(250)
  const stop = log.subscribe(() => undefined)
  house.say()
  expect(log.take(house.sync(261, 260), true)).toBe(true)
  await log.reread()
  expect(log.entries).toEqual(house.shown(11))
  expect(window?.entries).toBe(log.entries)
  stop()
  house.hide(200)
  house.say()
  expect(log.take(house.sync(262, 261), true)).toBe(true)
  expect(seqs(log)).toEqual([262])
  expect(log.take(house.sync(263, 262), true)).toBe(true)
  expect(log.covers).toBe(null)
})

test('a reading again that comes after something newer changes nothing back', async () => {
  const house = new LogHouse(60)
  const log = await read(house)
  const go = held(house)
  const again = log.reread()
  await vi.advanceTimersByTimeAsync(0)
  await log.apply(house.operate('recall', 40))
  go()
  await again
  expect(log.entries).toEqual(house.shown(11))
})

test('cleared: nothing below the first seq is left, and there is nothing older', async () => {
  const house = new LogHouse(120)
  const log = await read(house)
  house.floor = 121
  log.raise(121)
  expect([seqs(log), log.covers, log.hasOlder]).toEqual([[], [121, 120], false])
  await log.apply(house.say())
  expect(seqs(log)).toEqual([121])
})

test('in again: what was said before is seen or not, as the house says', async () => {
  const house = new LogHouse(120)
  house.floor = 110
  const log = logOf(house)
  log.raise(110)
  await log.loadNewest()
  expect([seqs(log), log.hasOlder]).toEqual([range(110, 120), false])
  house.floor = 1
  log.raise(1)
  expect(log.hasOlder).toBe(true)
  await log.loadOlder()
  expect(seqs(log)).toEqual(range(60, 120))
})

test('a read that was under way when all was dropped brings nothing back', async () => {
  const house = new LogHouse(60)
  const log = await read(house)
  const go = held(house)
  const older = log.loadOlder()
  log.drop()
  go()
  await older
  expect([seqs(log), log.covers]).toEqual([[], null])

  const again = held(house)
  const newest = log.loadNewest()
  await vi.advanceTimersByTimeAsync(0)
  house.floor = 61
  log.drop()
  log.raise(61)
  again()
  await newest
  expect([seqs(log), log.covers]).toEqual([[], [61, 60]])
})

test('a window: around what was found, both ways, until it meets the end and is one with it', async () => {
  const house = new LogHouse(400)
  const log = await read(house)
  const window = await log.around(200)
  if (!window) throw new Error('no window')
  expect([window.covers, window.hasOlder, window.hasNewer]).toEqual([[176, 225], true, true])
  expect(seqs(log)).toEqual(range(351, 400))

  await window.loadOlder()
  expect(window.covers).toEqual([126, 225])
  await log.apply(house.operate('edit', 210))
  await log.apply(house.operate('recall', 399))
  await log.apply(house.say())
  expect(window.entries).toEqual(house.shown(126, 225))
  expect(window.covers).toEqual([126, 225])

  for (let n = 0; window.hasNewer && n < 10; n++) await window.loadNewer()
  expect(window.entries).toBe(log.entries)
  expect(log.entries).toEqual(house.shown(126))
  await log.apply(house.say())
  expect(window.entries).toEqual(house.shown(126))
})

test('the end of the log grows upwards until it meets a window', async () => {
  const house = new LogHouse(200)
  const log = await read(house)
  const window = await log.around(120)
  expect(window?.covers).toEqual([96, 145])
  await log.loadOlder()
  expect(log.covers).toEqual([96, 200])
  expect(window?.entries).toBe(log.entries)
})

test('no window where nothing is seen, and none is read for what is here', async () => {
  const house = new LogHouse(200)
  house.hide(100)
  const log = await read(house)
  expect(await log.around(100)).toBeNull()
  const asked = house.asked.length
  expect((await log.around(180))?.entries).toBe(log.entries)
  expect(house.asked).toHaveLength(asked)
})

test('a window of a log that nobody has read: one at its end is the log, one further up goes on to it', async () => {
  const house = new LogHouse(100)
  expect(logOf(house).entries).toEqual([])
  const end = logOf(house)
  await end.around(90)
  expect(end.covers).toEqual([51, 100])

  const log = logOf(house)
  const window = await log.around(20)
  expect([log.covers, window?.hasNewer]).toEqual([null, true])
  await window?.loadNewer(100)
  expect([window?.hasNewer, log.covers]).toEqual([false, [1, 100]])
})

test('a page of a window that was read before an operation and comes after it', async () => {
  const house = new LogHouse(300)
  const log = await read(house)
  const go = held(house)
  const opening = log.around(100)
  await vi.advanceTimersByTimeAsync(0)
  const recall = house.operate('recall', 100)
  await log.apply(recall)
  go()
  const window = await opening
  expect(window?.entries.find(({ seq }) => seq === 100)).toMatchObject({ recalled_at: 301 })
  log.drop()
  expect([window?.closed, window?.entries, window?.hasNewer]).toEqual([true, [], false])
})

// Everything at random: what is said and done, events that come late, twice, in another order or not at all, slow pages, readers who
// scroll and jump. In the end a log shows what a fresh reader sees.
test.each(range(1, 40))('at random, seed %i', async (seed) => {
  const random = dice(seed)
  const below = (n: number) => Math.floor(random() * n)
  const house = new LogHouse(150 + below(200))
  const log = logOf(house)
  house.delay = () => new Promise((resolve) => setTimeout(resolve, below(50)))
  const windows: (Awaited<ReturnType<Log['around']>> | undefined)[] = []
  const work: Promise<unknown>[] = []
  const opened = log.loadNewest()

  for (let step = 0; step < 120; step++) {
    const target = 1 + below(house.last)
    const isSaid = house.wire(target).type === 'text'
    const kind = (['edit', 'recall', 'reaction'] as const)[below(3)] ?? 'edit'
    const dice = below(10)
    if (dice < 3) tell(house.say())
    else if (dice < 6 && isSaid) tell(house.operate(kind, target))
    else if (dice === 6 && isSaid) {
      house.hide(target)
      later(() => log.hide(target))
    } else if (dice === 7) work.push(log.loadOlder(1 + below(60)))
    else if (dice === 8) work.push(log.around(target).then((window) => windows.push(window)))
    else {
      const window = windows[below(windows.length)]
      work.push((below(2) ? window?.loadOlder(30) : window?.loadNewer(30)) ?? Promise.resolve())
    }
    await vi.advanceTimersByTimeAsync(below(30))
  }

  function tell(event: Entry): void {
    if (random() < 0.1) return
    // Told as it is when it is told.
    for (let times = random() < 0.2 ? 2 : 1; times > 0; times--) later(() => work.push(log.apply(house.wire(event.seq))))
  }

  function later(deed: () => unknown): void {
    setTimeout(deed, below(80))
  }

  await vi.advanceTimersByTimeAsync(1_000)
  await opened
  const done = log.apply(house.say())
  await vi.advanceTimersByTimeAsync(60_000)
  await Promise.all([...work, done])
  expect(log.entries).toEqual(house.shown(...(log.covers ?? [])))
  expect(log.covers?.[1]).toBe(house.last)
  for (const window of windows) {
    if (window && !window.closed) expect(window.entries).toEqual(house.shown(...window.covers))
  }
})

/** Mulberry32. */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
