import type { ReadMark } from '@sdk'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { useConversations } from './conversations'
import { conversation, entry, group, ME, operation, useTestClient } from './testing'

const markRead = vi.fn()
const sync = vi.fn()
const get = vi.fn()
const clear = vi.fn(() => Promise.resolve())

beforeEach(() => {
  for (const call of [markRead, sync, get]) call.mockReset()
  useTestClient({ conversations: { markRead, sync, get, clear } })
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

  it('an operation moves nothing up, counts nothing, and changes the last entry', async () => {
    const store = withOne()
    await store.onEntry(entry(1, '2'), ME)
    const edited = entry(1, '2', { content: { text: 'better' }, edited_at: 5 })
    await store.onEntry(operation(2, 'edit', edited), ME)
    await store.onEntry(operation(2, 'edit', edited), ME)
    expect(store.items.get('10')).toMatchObject({ last_seq: 2, unread: 1, last_entry: { seq: 1, edited_at: 5, changed_seq: 2 } })
    expect(get).not.toHaveBeenCalled()
  })

  it('asks what is unread after a recall of something unread, and of nothing else', async () => {
    const store = withOne({ read_seq: 1 })
    for (const seq of [1, 2, 3]) await store.onEntry(entry(seq, '2'), ME)
    await store.onEntry(operation(4, 'recall', entry(1, '2', { recalled_at: 9 })), ME)
    expect(get).not.toHaveBeenCalled()
    get.mockResolvedValue(conversation({ last_seq: 5, read_seq: 1, unread: 1, last_entry: entry(3, '2', { recalled_at: 9, changed_seq: 5 }) }))
    await store.onEntry(operation(5, 'recall', entry(3, '2', { recalled_at: 9 })), ME)
    expect(store.items.get('10')).toMatchObject({ unread: 1, last_entry: { recalled_at: 9 } })
  })

  it('reads again while something is said meanwhile', async () => {
    const store = withOne({ read_seq: 0 })
    await store.onEntry(entry(1, '2'), ME)
    get.mockImplementationOnce(async () => {
      await store.onEntry(entry(3, '2'), ME)
      return conversation({ last_seq: 2, unread: 0 })
    })
    get.mockResolvedValueOnce(conversation({ last_seq: 3, unread: 1 }))
    await store.onEntry(operation(2, 'recall', entry(1, '2', { recalled_at: 9 })), ME)
    expect(get).toHaveBeenCalledTimes(2)
    expect(store.items.get('10')).toMatchObject({ last_seq: 3, unread: 1 })
  })

  it('knows whether an unread entry calls me, until it is read', async () => {
    const store = withOne({ kind: 'group', peer: null, group: group(), notify: 'mentions' })
    await store.onEntry(entry(1, '2', { mentions: ['3'] }), ME)
    await store.onEntry(entry(2, ME, { mentions: ['all'] }), ME)
    expect([store.items.get('10')?.mentioned, store.unread]).toEqual([false, 0])
    await store.onEntry(entry(3, '2', { mentions: ['all'] }), ME)
    expect([store.items.get('10')?.mentioned, store.unread]).toEqual([true, 2])
    markRead.mockResolvedValue({ read_seq: 3, unread: 0 })
    await store.markRead('10', 3)
    expect(store.items.get('10')).toMatchObject({ mentioned: false, unread: 0 })
  })

  it('asks whether the mention was among what another device has read', async () => {
    const store = withOne({ last_seq: 9, unread: 5, read_seq: 4, mentioned: true })
    get.mockResolvedValue(conversation({ last_seq: 9, unread: 2, read_seq: 7, mentioned: false, version: 2 }))
    await store.onRead({ conversation_id: '10', user_id: ME, read_seq: 7, unread: 2, version: 2 }, ME)
    expect(store.items.get('10')).toMatchObject({ mentioned: false, unread: 2 })
  })

  it('reads away a mark "unread" even if there is nothing new', async () => {
    const store = withOne({ last_seq: 3, read_seq: 3, marked_unread: true })
    expect(store.unread).toBe(1)
    markRead.mockResolvedValue({ read_seq: 3, unread: 0 })
    await store.markRead('10', 3)
    expect([markRead.mock.calls, store.unread]).toEqual([[['10', 3]], 0])
  })

  it('is asked anew when the last or an unread entry was hidden', async () => {
    const store = withOne({ last_seq: 3, read_seq: 3, last_entry: entry(3, '2') })
    await store.onHidden({ conversation_id: '10', seq: 2 })
    expect(get).not.toHaveBeenCalled()
    get.mockResolvedValue(conversation({ last_seq: 3, read_seq: 3, last_entry: entry(2, '2'), version: 2 }))
    await store.onHidden({ conversation_id: '10', seq: 3 })
    expect(store.items.get('10')?.last_entry?.seq).toBe(2)
  })

  it('does not list what was cleared until something is said; an older word changes nothing', async () => {
    const store = withOne({ last_seq: 3, unread: 2, last_entry: entry(3, '2'), version: 5 })
    store.onRemoved({ conversation_id: '10', version: 4 })
    expect(store.sorted).toHaveLength(1)
    store.onRemoved({ conversation_id: '10', version: 6 })
    expect([store.sorted, store.unread]).toEqual([[], 0])
    store.put(conversation({ version: 5, last_seq: 3, last_entry: entry(3, '2') }))
    expect(store.sorted).toEqual([])
    await store.onEntry(entry(4, '2'), ME)
    expect(store.sorted[0]).toMatchObject({ first_seq: 4, unread: 1 })
    await store.clear('10')
    expect(store.sorted).toEqual([])
  })

  it('forgets a group that I left, and takes it back only in a later version', () => {
    const store = withOne({ kind: 'group', peer: null, group: group(), version: 5 })
    store.onLeft({ conversation_id: '10', reason: 'removed', version: 4 })
    expect(store.items.size).toBe(1)
    store.onLeft({ conversation_id: '10', reason: 'removed', version: 6 })
    expect([store.items.size, store.left.get('10')]).toEqual([0, 'removed'])
    store.put(conversation({ kind: 'group', version: 6 }))
    expect(store.items.size).toBe(0)
    store.put(conversation({ kind: 'group', version: 7 }))
    expect([store.items.size, store.left.size]).toEqual([1, 0])
    store.onLeft({ conversation_id: '10', reason: 'removed', version: 6 })
    expect(store.items.size).toBe(1)
  })

  it('keeps the newest of a group, from wherever it comes', async () => {
    const store = withOne({ kind: 'group', peer: null, group: group({ version: 3 }), version: 3 })
    await store.onGroup(group({ version: 5, name: 'New' }))
    await store.onGroup(group({ version: 4, name: 'Old' }))
    store.put(conversation({ kind: 'group', peer: null, group: group({ version: 4, name: 'Old' }), version: 4, pinned: true }))
    expect(store.items.get('10')).toMatchObject({ pinned: true, group: { name: 'New' } })
    get.mockResolvedValue(conversation({ id: '11', kind: 'group', peer: null, group: group({ id: '11' }) }))
    await store.onGroup(group({ id: '11' }))
    expect(store.items.has('11')).toBe(true)
    store.onLeft({ conversation_id: '11', reason: 'left', version: 9 })
    await store.onGroup(group({ id: '11', version: 8 }))
    expect(get).toHaveBeenCalledTimes(1)
  })

  it('keeps its count if the object was read before my mark arrived', () => {
    const store = withOne({ last_seq: 3, unread: 0, read_seq: 3 })
    store.put(conversation({ last_seq: 3, unread: 2, read_seq: 1, version: 2, pinned: true }))
    expect(store.items.get('10')).toMatchObject({ read_seq: 3, unread: 0, pinned: true })
  })
})
