/* Every person this page has heard of, newest version each, with presence. Other stores keep ids and ask here. */
import type { User } from '@sdk'
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'

export const usePeople = defineStore('people', () => {
  const users = shallowReactive(new Map<string, User>())

  function put(user: User): void {
    const known = users.get(user.id)
    if (known === undefined || user.version >= known.version) users.set(user.id, user)
  }

  function presence(userId: string, online: boolean, lastSeenAt: number | null): void {
    const user = users.get(userId)
    if (user !== undefined) users.set(userId, { ...user, online, last_seen_at: lastSeenAt })
  }

  function reset(): void {
    users.clear()
  }

  return { users, put, presence, reset }
})
