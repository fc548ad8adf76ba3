import type { Entry } from '@sdk'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ref } from 'vue'
import { entry, useTestClient } from '@/stores/testing'
import { useLogWindow } from './useLogWindow'

const page = vi.fn()
const list = (low: number, high: number, last: number, newestFirst = true) => {
  const items = Array.from({ length: high - low + 1 }, (_, i) => entry(low + i, '2'))
  return { items: newestFirst ? items.reverse() : items, covers: [low, high], last_seq: last }
}
const operation = (seq: number, target: Entry | null) =>
  entry(seq, '2', { type: 'edit', content: { target_seq: target?.seq ?? 1, entry: target } as never })

async function opened(low = 40, high = 60, last = 100) {
  const window = useLogWindow(ref('10'))
  page.mockResolvedValueOnce(list(low, high, last))
  expect(await window.open(50)).toBe(true)
  return window
}

const seqs = (window: ReturnType<typeof useLogWindow>) => window.entries.value?.map((one) => one.seq)

beforeEach(() => {
  page.mockReset()
  useTestClient({ history: { page } })
})

describe('useLogWindow', () => {
  it('opens around a seq and grows both ways, without what is no message', async () => {
    const window = await opened()
    expect(page).toHaveBeenCalledWith('10', { around_seq: 50, limit: 50 })
    page.mockResolvedValueOnce(list(1, 39, 100))
    await window.older()
    expect(window.hasOlder.value).toBe(false)
    const after = list(61, 63, 63, false)
    page.mockResolvedValueOnce({ ...after, items: [after.items[0], { seq: 62, type: 'hidden' }, operation(63, null)] })
    await window.newer()
    expect(window.hasNewer.value).toBe(false)
    expect(seqs(window)?.slice(0, 1)).toEqual([1])
    expect(seqs(window)?.slice(-2)).toEqual([60, 61])
  })

  it('is not opened for an entry that this reader does not see', async () => {
    const window = useLogWindow(ref('10'))
    page.mockResolvedValueOnce({ items: [entry(3, '2')], covers: [1, 9], last_seq: 9 })
    expect(await window.open(5)).toBe(false)
    expect(window.isOpen.value).toBe(false)
  })

  it('follows what is done to its entries, whichever comes first', async () => {
    const window = await opened()
    const edited = entry(50, '2', { changed_seq: 101, summary: 'new' })
    window.apply(operation(101, edited))
    window.put(entry(50, '2', { changed_seq: 99, summary: 'old' }))
    expect(window.entries.value?.find((one) => one.seq === 50)?.summary).toBe('new')
    window.hide(50)
    expect(seqs(window)).not.toContain(50)
  })

  it('goes on with what is said while its end is the end, and reads a gap', async () => {
    const window = await opened(40, 60, 60)
    window.apply(entry(61, '2'))
    window.apply(operation(62, null))
    window.apply(entry(62, '2'))
    expect(seqs(window)?.at(-1)).toBe(61)
    window.apply(entry(70, '2'))
    expect(window.hasNewer.value).toBe(true)
    expect(seqs(window)?.at(-1)).toBe(61)
  })

  it('drops a page that comes after it was closed', async () => {
    const window = await opened()
    let answer: (value: unknown) => void = () => undefined
    page.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)))
    const reading = window.older()
    window.close()
    answer(list(1, 39, 100))
    await reading
    expect(window.entries.value).toBeNull()
    expect(window.loading.value).toBe(false)
  })
})
