import type { ConversationLog, LogWindow } from '@sdk'
import { describe, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import { entry } from '@/stores/testing'
import { useLogWindow } from './useLogWindow'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

function part(over: Partial<LogWindow> = {}) {
  let changed = () => {}
  const made: Mutable<LogWindow> = {
    entries: [entry(50, '2')],
    covers: [40, 60],
    hasOlder: true,
    hasNewer: true,
    loading: false,
    closed: false,
    loadOlder: vi.fn(() => Promise.resolve()),
    loadNewer: vi.fn(() => Promise.resolve()),
    subscribe: (listener) => ((changed = listener), () => (changed = () => {})),
    close: vi.fn(() => void (made.closed = true)),
    ...over,
  }
  return { made, tell: () => changed() }
}

const log = (answer: Promise<LogWindow | null>) => ({ around: () => answer }) as unknown as ConversationLog

describe('useLogWindow', () => {
  it('shows what the window shows, follows it, and closes it with the scope', async () => {
    const { made, tell } = part()
    const scope = effectScope()
    const window = scope.run(() => useLogWindow())
    if (window === undefined) throw new Error('no scope')
    expect(await window.open(log(Promise.resolve(made)), 50)).toBe(true)
    expect([window.isOpen.value, window.hasOlder.value, window.hasNewer.value]).toEqual([true, true, true])
    made.entries = [entry(50, '2'), entry(51, '2')]
    made.hasNewer = false
    tell()
    expect([window.entries.value?.length, window.hasNewer.value]).toEqual([2, false])
    scope.stop()
    expect(made.close).toHaveBeenCalled()
    expect(window.isOpen.value).toBe(false)
  })

  it('is not opened for an entry that this reader does not see, and ends with the log', async () => {
    const window = effectScope().run(() => useLogWindow())
    expect(await window?.open(log(Promise.resolve(null)), 5)).toBe(false)
    const { made, tell } = part()
    await window?.open(log(Promise.resolve(made)), 50)
    made.closed = true
    tell()
    expect(window?.isOpen.value).toBe(false)
  })

  it('drops a window that comes after another was wanted', async () => {
    const window = effectScope().run(() => useLogWindow())
    let late: (value: LogWindow) => void = () => {}
    const first = window?.open(log(new Promise((resolve) => (late = resolve))), 5)
    const second = part({ entries: [entry(90, '2')] })
    expect(await window?.open(log(Promise.resolve(second.made)), 90)).toBe(true)
    const { made } = part()
    late(made)
    expect(await first).toBe(false)
    expect(made.close).toHaveBeenCalled()
    expect(window?.entries.value?.[0]?.seq).toBe(90)
  })
})
