/* Who asks to be let into the groups that I manage. */
import type { JoinRequest } from '@sdk'
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import { useClient } from './client'
import { usePeople } from './people'

export const useJoinRequests = defineStore('joinRequests', () => {
  const client = useClient()
  const people = usePeople()
  const items = shallowReactive(new Map<string, JoinRequest>())

  function put(request: JoinRequest): void {
    people.put(request.user)
    const known = items.get(request.id)
    if (known === undefined || request.version >= known.version) items.set(request.id, request)
  }

  /* The open ones of a group, the newest first. */
  function waitingIn(groupId: string): JoinRequest[] {
    return [...items.values()]
      .filter((request) => request.group_id === groupId && request.state === 'pending')
      .sort((a, b) => b.created_at - a.created_at)
  }

  async function load(groupId: string): Promise<void> {
    const open = await client.groups.allJoinRequests(groupId)
    const present = new Set(open.map((request) => request.id))
    for (const request of waitingIn(groupId)) if (!present.has(request.id)) items.delete(request.id)
    open.forEach(put)
  }

  async function accept(request: JoinRequest): Promise<void> {
    put(await client.groups.acceptJoin(request.group_id, request.id))
  }

  async function decline(request: JoinRequest): Promise<void> {
    put(await client.groups.declineJoin(request.group_id, request.id))
  }

  function reset(): void {
    items.clear()
  }

  return { items, put, waitingIn, load, accept, decline, reset }
})
