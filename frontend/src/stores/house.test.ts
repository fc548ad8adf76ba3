import { PosthouseError, type ClientEvent, type Conversation, type Entry } from '@sdk'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { useConversations } from './conversations'
import { useHouse } from './house'
import { usePeople } from './people'
import { useGroups } from './groups'
import { conversation, entry, group, useTestClient, user } from './testing'

const none = () => Promise.resolve([])
const getMe = vi.fn()
const getConversation = vi.fn()
const allJoinRequests = vi.fn()
let feed: ClientEvent[] = []
let sync: () => Conversation[]

beforeEach(() => {
  vi.useFakeTimers()
  getMe.mockReset().mockResolvedValue({ ...user('1'), id: '1' })
  getConversation.mockReset().mockResolvedValue(conversation())
  allJoinRequests.mockReset().mockResolvedValue([])
  sync = () => [conversation()]
  useTestClient({
    me: { get: getMe },
    server: { get: () => Promise.resolve({}) as never },
    friends: { all: none },
    requests: { all: none },
    blocks: { all: none },
    groups: { allJoinRequests },
    conversations: { sync: () => Promise.resolve({ conversations: sync(), removed: [] }), get: getConversation },
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

  it('hands groups, requests, what is hidden and what is gone to whom it concerns', async () => {
    const gone: unknown[] = []
    const house = useHouse()
    house.onHidden((id, seq) => gone.push([id, seq]))
    const request = { id: '7', group_id: '10', user: user('3'), message: '', state: 'pending', created_at: 1, decided_by: null, decided_at: null, version: 1 } as const
    const member = conversation({ kind: 'group', peer: null, group: group(), read_seq: 1 })
    await hear(
      { type: 'conversation', conversation: member },
      { type: 'group', group: group({ version: 2, name: 'New' }) },
      { type: 'join_request', join_request: request },
      { type: 'entry.hidden', conversation_id: '10', seq: 1 },
      { type: 'typing', conversation_id: '10', user_id: '3' },
    )
    const conversations = useConversations()
    expect(conversations.items.get('10')?.group?.name).toBe('New')
    expect(useGroups().waitingFor('10')).toEqual([request])
    expect(gone).toEqual([['10', 1]])
    expect(conversations.typing.get('10')).toEqual(['3'])
    await hear({ type: 'conversation', conversation: member }, { type: 'group.left', conversation_id: '10', reason: 'dismissed', version: 3 })
    expect([conversations.items.size, conversations.left.get('10')]).toEqual([0, 'dismissed'])
  })

  it('reads who asks to be let in with the snapshot, where that is for me to say', async () => {
    sync = () => [conversation({ kind: 'group', peer: null, group: group() }), conversation({ id: '11', kind: 'group', peer: null, group: group({ id: '11', my_role: 'member' }) })]
    await hear({ type: 'resync' })
    expect(allJoinRequests.mock.calls).toEqual([['10']])
  })

  it('forgets everything when it stops', async () => {
    const { house } = await hear({ type: 'resync' })
    house.stop()
    expect(useConversations().items.size).toBe(0)
    expect(house.snapshots).toBe(0)
  })
})
