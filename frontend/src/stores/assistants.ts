/* The assistants that I may use. Without a model in the house's configuration there are none, and nobody is asked for them. */
import type { AiUsage, User } from '@sdk'
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { useClient } from './client'
import { usePeople } from './people'
import { useServer } from './server'

export const useAssistants = defineStore('assistants', () => {
  const client = useClient()
  const people = usePeople()
  const server = useServer()
  const items = shallowRef<readonly User[]>([])
  const loaded = ref(false)
  const usage = shallowRef<AiUsage | null>(null)

  /* null as long as it is not known. */
  const on = computed(() => (server.info === null ? null : server.info.features.includes('ai')))

  const currency = computed(() => usage.value?.currency ?? null)

  async function load(): Promise<void> {
    if (on.value !== true) return
    const found = await client.ai.assistants()
    found.forEach((user) => people.put(user))
    items.value = found
    loaded.value = true
  }

  async function loadUsage(): Promise<void> {
    usage.value = await client.ai.usage()
  }

  function isAssistant(userId: string | null): boolean {
    return userId !== null && people.users.get(userId)?.kind === 'assistant'
  }

  function reset(): void {
    items.value = []
    loaded.value = false
    usage.value = null
  }

  return { on, items, loaded, usage, currency, load, loadUsage, isAssistant, reset }
})
