import { describe, expect, it, vi } from 'vitest'
import { usePages } from './usePages'

const page = (items: number[], next_cursor: string | null = null) => ({ items, next_cursor })

describe('usePages', () => {
  it('reads on where the last page ended, once at a time, until there is no more', async () => {
    const read = vi.fn().mockResolvedValueOnce(page([1], 'a')).mockResolvedValueOnce(page([2]))
    const pages = usePages<number>(read)
    await pages.first()
    await Promise.all([pages.more(), pages.more()])
    await pages.more()
    expect(read.mock.calls).toEqual([[{}], [{ cursor: 'a' }]])
    expect(pages.items.value).toEqual([1, 2])
    expect(pages.hasMore.value).toBe(false)
  })

  it('drops the late answer to an older question, and keeps an error until the next try', async () => {
    const answers: ((value: unknown) => void)[] = []
    const read = vi.fn(() => new Promise<never>((resolve) => answers.push(resolve as never)))
    const pages = usePages<number>(read)
    const older = pages.first()
    const newer = pages.first()
    answers[1]?.(page([2]))
    answers[0]?.(page([1]))
    await Promise.all([older, newer])
    expect(pages.items.value).toEqual([2])
    read.mockRejectedValueOnce(new Error('no road'))
    await pages.first()
    expect(pages.error.value).toBeInstanceOf(Error)
    pages.clear()
    expect([pages.error.value, pages.items.value]).toEqual([null, null])
  })
})
