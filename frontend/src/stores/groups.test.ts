import { PosthouseError, type JoinRequest } from '@sdk'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { useConversations } from './conversations'
import { useGroups } from './groups'
import { conversation, group, ME, user, useTestClient } from './testing'

const get = vi.fn()
const calls = {
  allJoinRequests: vi.fn(),
  create: vi.fn(),
  leave: vi.fn(),
  askToJoin: vi.fn(),
  acceptJoin: vi.fn(),
}

beforeEach(() => {
  for (const call of [get, ...Object.values(calls)]) call.mockReset()
  useTestClient({ conversations: { get }, groups: calls })
  useConversations().put(conversation({ kind: 'group', peer: null, group: group() }))
})

function request(id: string, over: Partial<JoinRequest> = {}): JoinRequest {
  return { id, group_id: '10', user: user('3'), message: '', state: 'pending', created_at: Number(id), decided_by: null, decided_at: null, version: 1, ...over }
}

describe('groups', () => {
  it('shows who waits for me, in groups that I manage, the newest first', () => {
    const store = useGroups()
    for (const one of [request('1'), request('2'), request('3', { group_id: '99' }), request('4', { user: user(ME), group_id: '98' })]) store.putRequest(one)
    expect(store.waiting.map(({ id }) => id)).toEqual(['2', '1'])
    expect(store.asked.get('98')?.id).toBe('4')
    void useConversations().onGroup(group({ my_role: 'member', version: 2 }))
    expect([store.waiting, store.managed]).toEqual([[], []])
  })

  it('ignores an older state of a request', async () => {
    const store = useGroups()
    store.putRequest(request('1'))
    calls.acceptJoin.mockResolvedValue(request('1', { state: 'accepted', version: 2 }))
    await store.accept(request('1'))
    store.putRequest(request('1'))
    expect(store.waitingFor('10')).toEqual([])
  })

  it('after a resync forgets what is open no more, and what is no longer for me to know', async () => {
    const store = useGroups()
    store.putRequest(request('1'))
    store.putRequest(request('9', { group_id: '77' }))
    calls.allJoinRequests.mockImplementation((id: string) =>
      id === '10' ? Promise.resolve([request('2')]) : Promise.reject(new PosthouseError({ code: 'not_found' })),
    )
    await store.load()
    expect([...store.requests.keys()]).toEqual(['2'])
    calls.allJoinRequests.mockRejectedValue(new PosthouseError({ code: 'unavailable' }))
    await expect(store.load()).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('has the conversation of a group as soon as it is made', async () => {
    calls.create.mockResolvedValue(group({ id: '12' }))
    get.mockResolvedValue(conversation({ id: '12', kind: 'group', peer: null, group: group({ id: '12' }) }))
    expect(await useGroups().create({ name: 'Walkers' })).toMatchObject({ id: '12' })
    expect(get).toHaveBeenCalledTimes(1)
  })

  it('is out at once when I leave; a refusal changes nothing', async () => {
    const conversations = useConversations()
    calls.leave.mockRejectedValueOnce(new PosthouseError({ code: 'conflict' }))
    await expect(useGroups().leave('10')).rejects.toMatchObject({ code: 'conflict' })
    expect(conversations.items.has('10')).toBe(true)
    calls.leave.mockResolvedValueOnce(undefined)
    await useGroups().leave('10')
    expect([conversations.items.size, conversations.left.get('10')]).toEqual([0, 'left'])
  })

  it('asks to be let in, and is in an open group at once', async () => {
    calls.askToJoin.mockResolvedValueOnce(request('5', { group_id: '13', user: user(ME) }))
    await useGroups().ask('13', 'hi')
    expect(get).not.toHaveBeenCalled()
    calls.askToJoin.mockResolvedValueOnce(request('6', { group_id: '14', user: user(ME), state: 'accepted' }))
    get.mockResolvedValue(conversation({ id: '14', kind: 'group' }))
    await useGroups().ask('14')
    expect(useConversations().items.has('14')).toBe(true)
  })
})
