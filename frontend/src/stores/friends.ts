/* Friends, requests and blocks. Actions throw what the SDK throws; whoever calls shows it. */
import type { Block, Friend, FriendRequest, UpdateFriend } from '@sdk'
import { defineStore } from 'pinia'
import { computed, ref, shallowReactive } from 'vue'
import { useClient } from './client'
import { usePeople } from './people'

export const useFriends = defineStore('friends', () => {
  const client = useClient()
  const people = usePeople()

  const friends = shallowReactive(new Map<string, Friend>())
  const incoming = shallowReactive(new Map<string, FriendRequest>())
  const outgoing = shallowReactive(new Map<string, FriendRequest>())
  const blocks = shallowReactive(new Map<string, Block>())
  const loaded = ref(false)
  /* The version at which a friendship ended, so that an older event does not bring it back. */
  const removedAt = new Map<string, number>()

  const waiting = computed(() => [...incoming.values()].filter((request) => request.state === 'pending'))

  function putFriend(friend: Friend): void {
    const known = friends.get(friend.user.id)
    people.put(friend.user)
    if (friend.version <= (removedAt.get(friend.user.id) ?? -1)) return
    if (known === undefined || friend.version >= known.version) friends.set(friend.user.id, friend)
  }

  function dropFriend(userId: string, version: number): void {
    const known = friends.get(userId)
    if (known !== undefined && known.version > version) return
    removedAt.set(userId, version)
    friends.delete(userId)
    // Who left the house takes his open requests along.
    for (const box of [incoming, outgoing])
      for (const request of [...box.values()])
        if (request.state === 'pending' && [request.from.id, request.to.id].includes(userId)) box.delete(request.id)
  }

  function putRequest(request: FriendRequest, myId: string): void {
    people.put(request.from)
    people.put(request.to)
    const box = request.to.id === myId ? incoming : outgoing
    box.set(request.id, request)
  }

  function putBlock(block: Block): void {
    people.put(block.user)
    blocks.set(block.user.id, block)
  }

  async function onBlock(userId: string, blocked: boolean): Promise<void> {
    if (!blocked) blocks.delete(userId)
    else if (!blocks.has(userId)) {
      const user = people.users.get(userId) ?? (await client.users.get(userId))
      putBlock({ user, created_at: Date.now() })
    }
  }

  /* What the house holds replaces what is here in one step: nothing blinks. */
  async function load(myId: string): Promise<void> {
    const [allFriends, allIn, allOut, allBlocks] = await Promise.all([
      client.friends.all(),
      client.requests.all('in'),
      client.requests.all('out'),
      client.blocks.all(),
    ])
    const keep = new Set(allFriends.map((friend) => friend.user.id))
    for (const id of [...friends.keys()]) if (!keep.has(id)) friends.delete(id)
    removedAt.clear()
    allFriends.forEach(putFriend)

    incoming.clear()
    outgoing.clear()
    for (const request of [...allIn, ...allOut]) putRequest(request, myId)

    blocks.clear()
    allBlocks.forEach(putBlock)
    loaded.value = true
  }

  async function ask(userId: string, message: string, myId: string): Promise<FriendRequest> {
    const request = await client.requests.create(userId, message)
    putRequest(request, myId)
    return request
  }

  async function accept(request: FriendRequest, myId: string): Promise<Friend> {
    const friend = await client.requests.accept(request.id)
    putFriend(friend)
    putRequest({ ...request, state: 'accepted' }, myId)
    return friend
  }

  async function decline(request: FriendRequest, myId: string): Promise<void> {
    putRequest(await client.requests.decline(request.id), myId)
  }

  async function withdraw(request: FriendRequest, myId: string): Promise<void> {
    await client.requests.withdraw(request.id)
    putRequest({ ...request, state: 'withdrawn' }, myId)
  }

  async function update(userId: string, changes: UpdateFriend): Promise<void> {
    putFriend(await client.friends.update(userId, changes))
  }

  async function remove(userId: string): Promise<void> {
    await client.friends.remove(userId)
    friends.delete(userId)
  }

  async function block(userId: string): Promise<void> {
    putBlock(await client.blocks.add(userId))
  }

  async function unblock(userId: string): Promise<void> {
    await client.blocks.remove(userId)
    blocks.delete(userId)
  }

  function reset(): void {
    for (const map of [friends, incoming, outgoing, blocks]) map.clear()
    removedAt.clear()
    loaded.value = false
  }

  return {
    friends, incoming, outgoing, blocks, loaded, waiting,
    putFriend, dropFriend, putRequest, onBlock, load, reset,
    ask, accept, decline, withdraw, update, remove, block, unblock,
  }
})
