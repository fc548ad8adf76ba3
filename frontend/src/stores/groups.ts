/* Groups: what one does with them as a whole, and the requests to join them. A group itself is part of its conversation
   (stores/conversations), its members are in stores/members. */
import { isPosthouseError, type Conversation, type CreateGroup, type Group, type JoinRequest, type UpdateGroup } from '@sdk'
import { defineStore } from 'pinia'
import { computed, shallowReactive } from 'vue'
import { useClient } from './client'
import { useConversations } from './conversations'
import { usePeople } from './people'
import { useSession } from './session'

export const useGroups = defineStore('groups', () => {
  const client = useClient()
  const conversations = useConversations()
  const people = usePeople()
  const session = useSession()

  const requests = shallowReactive(new Map<string, JoinRequest>())

  const all = computed(() => [...conversations.items.values()].map(({ group }) => group).filter((group) => group !== null))
  const managed = computed(() => all.value.filter(({ my_role }) => my_role !== 'member'))
  /* Those that wait for me, the newest first. */
  const waiting = computed(() => {
    const mine = new Set(managed.value.map(({ id }) => id))
    return [...requests.values()]
      .filter(({ state, group_id, user }) => state === 'pending' && mine.has(group_id) && user.id !== session.userId)
      .sort((a, b) => b.created_at - a.created_at)
  })
  /* Mine, by group. */
  const asked = computed(() => {
    const mine = [...requests.values()].filter(({ user }) => user.id === session.userId)
    return new Map(mine.sort((a, b) => a.created_at - b.created_at).map((request) => [request.group_id, request]))
  })

  function groupOf(id: string): Group | null {
    return conversations.items.get(id)?.group ?? null
  }

  function waitingFor(groupId: string): JoinRequest[] {
    return waiting.value.filter(({ group_id }) => group_id === groupId)
  }

  function putRequest(request: JoinRequest): void {
    people.put(request.user)
    const known = requests.get(request.id)
    if (known === undefined || request.version >= known.version) requests.set(request.id, request)
  }

  /* The open ones of a group that I manage, or mine of one that I am not in, in place of what is here. */
  async function loadRequests(groupId: string): Promise<void> {
    const open = await client.groups.allJoinRequests(groupId)
    const ids = new Set(open.map(({ id }) => id))
    for (const { id, group_id, state } of [...requests.values()]) {
      if (group_id === groupId && state === 'pending' && !ids.has(id)) requests.delete(id)
    }
    open.forEach(putRequest)
  }

  /* After a resync: who asks to be let in where that is for me to say, and where I have asked. */
  async function load(): Promise<void> {
    const known = [...requests.values()].filter(({ state }) => state === 'pending').map(({ group_id }) => group_id)
    const asking = managed.value.filter(({ join_policy }) => join_policy === 'approval').map(({ id }) => id)
    for (const id of new Set([...known, ...asking])) {
      try {
        await loadRequests(id)
      } catch (error) {
        // No longer for me to know.
        if (!isPosthouseError(error, 'not_found') && !isPosthouseError(error, 'forbidden')) throw error
        forget(id)
      }
    }
  }

  function forget(groupId: string): void {
    for (const { id, group_id } of [...requests.values()]) if (group_id === groupId) requests.delete(id)
  }

  /* A group as an answer of the house tells it; its conversation is fetched if it is new. */
  async function put(group: Group): Promise<Conversation> {
    await conversations.onGroup(group)
    return conversations.ensure(group.id)
  }

  const create = async (group: CreateGroup) => put(await client.groups.create(group))
  const update = async (id: string, changes: UpdateGroup) => put(await client.groups.update(id, changes))
  const invite = async (id: string, userIds: string[]) => put(await client.groups.addMembers(id, userIds))
  const handOver = async (id: string, userId: string) => put(await client.groups.handOver(id, userId))
  const joinByInvite = async (token: string) => put(await client.groups.joinByInvite(token))

  /* Out of it at once; the event says the same. */
  async function gone(id: string, reason: 'left' | 'dismissed', call: Promise<void>): Promise<void> {
    await call
    forget(id)
    conversations.onLeft({ conversation_id: id, reason, version: conversations.items.get(id)?.version ?? 0 })
  }

  const leave = (id: string) => gone(id, 'left', client.groups.leave(id))
  const dismiss = (id: string) => gone(id, 'dismissed', client.groups.dismiss(id))

  async function ask(id: string, message?: string): Promise<JoinRequest> {
    const request = await client.groups.askToJoin(id, message)
    putRequest(request)
    if (request.state === 'accepted') await conversations.ensure(id)
    return request
  }

  async function accept(request: JoinRequest): Promise<void> {
    putRequest(await client.groups.acceptJoin(request.group_id, request.id))
  }

  async function decline(request: JoinRequest): Promise<void> {
    putRequest(await client.groups.declineJoin(request.group_id, request.id))
  }

  function reset(): void {
    requests.clear()
  }

  return {
    all, managed, waiting, asked, requests, groupOf, waitingFor,
    putRequest, loadRequests, load, forget, reset,
    create, update, invite, handOver, joinByInvite, leave, dismiss, ask, accept, decline,
  }
})
