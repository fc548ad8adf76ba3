import type { FriendRequest } from '@sdk'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { useFriends } from './friends'
import { usePeople } from './people'
import { friend, ME, user, useTestClient } from './testing'

const getUser = vi.fn()
const none = () => Promise.resolve([])
let allFriends = none as () => Promise<unknown[]>

beforeEach(() => {
  getUser.mockReset()
  useTestClient({
    users: { get: getUser },
    friends: { all: (() => allFriends()) as never },
    requests: { all: none },
    blocks: { all: none },
  })
})

function request(id: string, from: string, to: string, state: FriendRequest['state'] = 'pending'): FriendRequest {
  return { id, from: user(from), to: user(to), message: '', state, created_at: 0 }
}

describe('friends', () => {
  it('keeps the newest version, and does not bring back who was removed later', () => {
    const store = useFriends()
    store.putFriend(friend('2', { version: 3, remark: 'new' }))
    store.putFriend(friend('2', { version: 2, remark: 'old' }))
    expect(store.friends.get('2')?.remark).toBe('new')

    store.dropFriend('2', 2)
    expect(store.friends.has('2')).toBe(true)
    store.dropFriend('2', 5)
    store.putFriend(friend('2', { version: 4 }))
    expect(store.friends.has('2')).toBe(false)
    store.putFriend(friend('2', { version: 6 }))
    expect(store.friends.has('2')).toBe(true)
  })

  it('sorts requests by direction and counts those that wait for me', () => {
    const store = useFriends()
    store.putRequest(request('a', '2', ME), ME)
    store.putRequest(request('b', ME, '3'), ME)
    expect(store.waiting.map((item) => item.id)).toEqual(['a'])
    store.putRequest(request('a', '2', ME, 'withdrawn'), ME)
    expect(store.waiting).toEqual([])
    expect(store.outgoing.size).toBe(1)
  })

  it('replaces what it has by the snapshot', async () => {
    const store = useFriends()
    store.putFriend(friend('2'))
    store.putRequest(request('a', '2', ME), ME)
    allFriends = () => Promise.resolve([friend('3')])
    await store.load(ME)
    expect([...store.friends.keys()]).toEqual(['3'])
    expect(store.incoming.size).toBe(0)
    expect(store.loaded).toBe(true)
  })

  it('learns who was blocked on another device', async () => {
    const store = useFriends()
    getUser.mockResolvedValue(user('9', { nickname: 'Nine' }))
    await store.onBlock('9', true)
    expect(store.blocks.get('9')?.user.nickname).toBe('Nine')
    await store.onBlock('9', false)
    expect(store.blocks.size).toBe(0)
  })
})

describe('people', () => {
  it('takes newer profiles only, and presence on top', () => {
    const people = usePeople()
    people.put(user('2', { version: 2, nickname: 'B' }))
    people.put(user('2', { version: 1, nickname: 'A' }))
    people.presence('2', true, 99)
    people.presence('unknown', true, 99)
    expect(people.users.get('2')).toMatchObject({ nickname: 'B', online: true, last_seen_at: 99 })
    expect(people.users.size).toBe(1)
  })
})
