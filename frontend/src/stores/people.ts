/* Every person this page has heard of, newest version each, with presence. Other stores keep ids and ask here. */
import { isPosthouseError, type User } from '@sdk'
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import { useClient } from './client'

export const usePeople = defineStore('people', () => {
  const client = useClient()
  const users = shallowReactive(new Map<string, User>())
  /* Asked for and not there: deleted, or of whom we may not know. */
  const absent = new Set<string>()
  const wanted = new Set<string>()

  function put(user: User): void {
    const known = users.get(user.id)
    if (known === undefined || user.version >= known.version) users.set(user.id, user)
  }

  function presence(userId: string, online: boolean, lastSeenAt: number | null): void {
    const user = users.get(userId)
    if (user !== undefined) users.set(userId, { ...user, online, last_seen_at: lastSeenAt })
  }

  async function fetchWanted(): Promise<void> {
    const ids = [...wanted]
    wanted.clear()
    for (const id of ids) absent.add(id)
    try {
      for (const user of await client.users.byIds(ids)) {
        put(user)
        absent.delete(user.id)
      }
    } catch (error) {
      // Whoever still shows them asks again the next time.
      for (const id of ids) absent.delete(id)
      if (!isPosthouseError(error)) throw error
    }
  }

  /* Sees to it that a person is here soon; those asked for in one go are fetched by one call. */
  function want(id: string): void {
    if (users.has(id) || absent.has(id) || wanted.has(id)) return
    wanted.add(id)
    if (wanted.size === 1) queueMicrotask(() => void fetchWanted())
  }

  function reset(): void {
    users.clear()
    absent.clear()
    wanted.clear()
  }

  return { users, put, presence, want, reset }
})
