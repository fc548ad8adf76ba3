import type { ReadMark } from '@sdk'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { useConversations } from './conversations'
import { conversation, entry, ME, useTestClient } from './testing'

const markRead = vi.fn()
const sync = vi.fn()
const get = vi.fn()

beforeEach(() => {
  markRead.mockReset()
  useTestClient({ conversations: { markRead, sync, get } })
})
afterEach(() => vi.useRealTimers())

function withOne(over = {}) {
  const store = useConversations()
  store.put(conversation(over))
  return store
}

describe('conversations', () => {
  it('counts what others say once, and neither what I say nor what the house says', async () => {
    const store = withOne()
    for (const heard of [entry(1, null), entry(2, '2'), entry(2, '2'), entry(3, ME)]) await store.onEntry(heard, ME)
    expect(store.items.get('10')).toMatchObject({ last_seq: 3, unread: 1 })
    expect(store.unread).toBe(1)
  })

  it('does not lose an entry to an object that was read before it', async () => {
    const store = withOne()
    await store.onEntry(entry(1, '2'), ME)
    store.put(conversation({ version: 2, last_seq: 0, pinned: true }))
    expect(store.items.get('10')).toMatchObject({ last_seq: 1, unread: 1, pinned: true })
    store.put(conversation({ version: 1, pinned: false }))
    expect(store.items.get('10')?.pinned).toBe(true)
  })

  it('looks up a conversation that it does not know', async () => {
    get.mockResolvedValue(conversation({ id: '11', last_seq: 4 }))
    const store = useConversations()
    await store.onEntry(entry(4, '2', { conversation_id: '11' }), ME)
    expect(store.items.get('11')?.last_seq).toBe(4)
  })

  it('moves my mark and the other’s apart, and never back', () => {
    const store = withOne({ last_seq: 9, unread: 5, read_seq: 4, peer_read_seq: 3 })
    const event = { conversation_id: '10', version: 2 }
    store.onRead({ ...event, user_id: '2', read_seq: 7 }, ME)
    store.onRead({ ...event, user_id: '2', read_seq: 6 }, ME)
    store.onRead({ ...event, user_id: ME, read_seq: 8, unread: 1 }, ME)
    store.onRead({ ...event, user_id: ME, read_seq: 5, unread: 4 }, ME)
    expect(store.items.get('10')).toMatchObject({ peer_read_seq: 7, read_seq: 8, unread: 1 })
  })

  it('shows as read at once, and takes it back if the house did not hear it', async () => {
    const store = withOne({ last_seq: 3, unread: 2, read_seq: 1 })
    markRead.mockRejectedValueOnce(new Error('gone'))
    const lost = store.markRead('10', 3)
    expect(store.unread).toBe(0)
    await expect(lost).rejects.toThrow('gone')
    expect(store.items.get('10')).toMatchObject({ read_seq: 1, unread: 2 })
  })

  it('keeps the count of what came while the mark was on its way', async () => {
    const store = withOne({ last_seq: 3, unread: 2, read_seq: 1 })
    let answer: (mark: ReadMark) => void = () => undefined
    markRead.mockReturnValueOnce(new Promise<ReadMark>((resolve) => (answer = resolve)))
    const marked = store.markRead('10', 3)
    await store.onEntry(entry(4, '2'), ME)
    answer({ read_seq: 3, unread: 0 })
    await marked
    expect(store.unread).toBe(1)
    await store.markRead('10', 2)
    expect(markRead).toHaveBeenCalledTimes(1)
  })

  it('puts pinned ones first, then the newest, and does not count muted ones', () => {
    const store = useConversations()
    store.put(conversation({ id: 'a', last_entry: entry(1, '2'), unread: 1 }))
    store.put(conversation({ id: 'b', last_entry: entry(2, '2'), unread: 4, notify: 'none' }))
    store.put(conversation({ id: 'c', pinned: true }))
    expect(store.sorted.map((item) => item.id)).toEqual(['c', 'b', 'a'])
    expect(store.unread).toBe(1)
  })

  it('asks for what it misses, and forgets what was removed', async () => {
    const store = withOne()
    store.put(conversation({ id: '11' }))
    sync.mockResolvedValue({ conversations: [conversation({ id: '12' })], removed: ['10'] })
    await store.load()
    expect(sync).toHaveBeenCalledWith([conversation(), conversation({ id: '11' })])
    expect([...store.items.keys()]).toEqual(['11', '12'])
  })

  it('lets typing end by itself, and at once when the message is there', async () => {
    vi.useFakeTimers()
    const store = withOne()
    store.onTyping('10', '2')
    expect(store.typing.has('10')).toBe(true)
    vi.advanceTimersByTime(7_000)
    expect(store.typing.has('10')).toBe(false)
    store.onTyping('10', '2')
    await store.onEntry(entry(1, '2'), ME)
    expect(store.typing.has('10')).toBe(false)
  })
})
