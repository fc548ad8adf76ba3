import { PosthouseError, type ClientEvent, type Entry } from '@sdk'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { useConversations } from './conversations'
import { useHouse } from './house'
import { usePeople } from './people'
import { conversation, entry, useTestClient, user } from './testing'

const none = () => Promise.resolve([])
const getMe = vi.fn()
const getConversation = vi.fn()
let feed: ClientEvent[] = []

beforeEach(() => {
  vi.useFakeTimers()
  getMe.mockReset().mockResolvedValue({ ...user('1'), id: '1' })
  getConversation.mockReset()
  useTestClient({
    me: { get: getMe },
    server: { get: () => Promise.resolve({}) as never },
    friends: { all: none },
    requests: { all: none },
    blocks: { all: none },
    conversations: { sync: () => Promise.resolve({ conversations: [conversation()], removed: [] }), get: getConversation },
    events: async function* () {
      yield* feed
    } as never,
  })
})
afterEach(() => vi.useRealTimers())

async function hear(...events: ClientEvent[]) {
  feed = events
  const house = useHouse()
  const heard: Entry[] = []
  house.onEntry((item) => heard.push(item))
  house.start()
  await vi.advanceTimersByTimeAsync(0)
  return { house, heard }
}

describe('house', () => {
  it('reads the snapshot before it takes what came after', async () => {
    const { house, heard } = await hear({ type: 'resync' }, { type: 'entry', entry: entry(1, '2') })
    expect(house.snapshots).toBe(1)
    expect(house.resyncing).toBe(false)
    expect(useConversations().unread).toBe(1)
    expect(heard.map((item) => item.seq)).toEqual([1])
  })

  it('tries the snapshot again until it is whole', async () => {
    getMe.mockRejectedValueOnce(new PosthouseError({ code: 'unavailable', retryAfter: 3 }))
    const { house } = await hear({ type: 'resync' })
    expect(house.resyncing).toBe(true)
    await vi.advanceTimersByTimeAsync(2_900)
    expect(house.snapshots).toBe(0)
    await vi.advanceTimersByTimeAsync(200)
    expect(house.snapshots).toBe(1)
    expect(house.resyncing).toBe(false)
  })

  it('goes on after an event whose object is gone', async () => {
    getConversation.mockRejectedValue(new PosthouseError({ code: 'not_found' }))
    await hear(
      { type: 'entry', entry: entry(1, '2', { conversation_id: '77' }) },
      { type: 'user', user: user('3', { nickname: 'Still heard' }) },
    )
    expect(usePeople().users.get('3')?.nickname).toBe('Still heard')
  })

  it('forgets everything when it stops', async () => {
    const { house } = await hear({ type: 'resync' })
    house.stop()
    expect(useConversations().items.size).toBe(0)
    expect(house.snapshots).toBe(0)
  })
})
