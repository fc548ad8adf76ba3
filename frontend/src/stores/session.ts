/* Who is signed in here, and the own account as the house knows it. */
import type { ConnectionState, Me, SignedOutReason, UpdateMe } from '@sdk'
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { useClient } from './client'

export const useSession = defineStore('session', () => {
  const client = useClient()

  const sessionId = ref(client.session?.sessionId ?? null)
  const userId = ref(client.session?.userId ?? null)
  const me = shallowRef<Me | null>(null)
  const ended = ref<SignedOutReason | null>(null)
  const connection = ref<ConnectionState>(client.connection)
  const signedIn = computed(() => userId.value !== null)

  client.on('signed-in', (session) => {
    sessionId.value = session.sessionId
    userId.value = session.userId
    ended.value = null
  })
  client.on('signed-out', (reason) => {
    sessionId.value = null
    userId.value = null
    me.value = null
    ended.value = reason
  })
  client.on('connection', (state) => {
    connection.value = state
  })

  function apply(account: Me): void {
    if (account.id !== userId.value) return
    if (me.value === null || account.version >= me.value.version) me.value = account
  }

  async function load(): Promise<void> {
    apply(await client.me.get())
  }

  async function update(changes: UpdateMe): Promise<void> {
    apply(await client.me.update(changes))
  }

  async function signIn(account: { username: string; password: string }): Promise<void> {
    apply(await client.signIn(account))
  }

  async function signUp(account: { username: string; password: string; nickname: string; invite?: string }): Promise<void> {
    apply(await client.signUp(account))
  }

  return { sessionId, userId, me, ended, connection, signedIn, apply, load, update, signIn, signUp }
})
