/* What was begun in a composer and not sent. It follows me to my other devices: the house is told when the typing pauses, and what
   another device began is shown here unless something of my own waits here. What the house has not heard yet is kept in this
   browser, over a reload too. */
import { isPosthouseError } from '@sdk'
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import { useClient } from './client'
import { useConversations } from './conversations'
import { useSession } from './session'

/* So long after the last key. */
const PAUSE_MS = 1_500
const AGAIN_MS = 15_000
/* As long as the house takes one; the rest stays here. */
const LONGEST = 8_000

export const useDrafts = defineStore('drafts', () => {
  const client = useClient()
  const conversations = useConversations()
  const session = useSession()

  /* What the house has not heard yet, by conversation. */
  const waiting = shallowReactive(new Map<string, string>())
  const telling = new Set<string>()
  const timers = new Map<string, ReturnType<typeof setTimeout>>()

  const keyOf = (id: string) => `ph.draft.${session.userId ?? ''}.${id}`

  function keep(id: string, text: string | null): void {
    try {
      if (text === null) localStorage.removeItem(keyOf(id))
      else localStorage.setItem(keyOf(id), text)
    } catch {
      // A browser that keeps nothing: the house keeps it a moment later.
    }
  }

  /* Somebody is signed in: what an earlier page left here is told now. */
  function start(): void {
    if (session.userId === null) return
    const prefix = keyOf('')
    try {
      for (const key of Object.keys(localStorage).filter((one) => one.startsWith(prefix))) {
        const id = key.slice(prefix.length)
        waiting.set(id, localStorage.getItem(key) ?? '')
        later(id, PAUSE_MS)
      }
    } catch {
      return
    }
  }

  function stored(id: string): string {
    return conversations.items.get(id)?.draft ?? ''
  }

  function get(id: string): string {
    return waiting.get(id) ?? stored(id)
  }

  function later(id: string, ms: number): void {
    clearTimeout(timers.get(id))
    timers.set(id, setTimeout(() => void tell(id), ms))
  }

  function settle(id: string): void {
    clearTimeout(timers.get(id))
    timers.delete(id)
    waiting.delete(id)
    keep(id, null)
  }

  /* A draft that could not be told is told later; one that the house refuses stays here. */
  async function tell(id: string): Promise<void> {
    const text = waiting.get(id)
    const userId = session.userId
    if (text === undefined || userId === null) return
    if (telling.has(id)) return later(id, PAUSE_MS)
    telling.add(id)
    try {
      const draft = Array.from(text).slice(0, LONGEST).join('')
      const conversation = await client.conversations.update(id, { draft: draft || null })
      if (session.userId !== userId) return
      conversations.put(conversation)
      if (waiting.get(id) === text) settle(id)
    } catch (error) {
      if (!isPosthouseError(error)) throw error
      if (session.userId !== userId || waiting.get(id) !== text) return
      if (error.retryable) later(id, AGAIN_MS)
      else if (error.code === 'not_found') settle(id)
    } finally {
      telling.delete(id)
    }
  }

  function set(id: string, typed: string): void {
    const text = typed.trim() === '' ? '' : typed
    if (text === get(id)) return
    // As the house has it, and nothing else is on its way there.
    if (text === stored(id) && !telling.has(id)) return settle(id)
    waiting.set(id, text)
    keep(id, text)
    // One that was sent is not to be sent again from another device.
    later(id, text === '' ? 0 : PAUSE_MS)
  }

  function reset(): void {
    for (const timer of timers.values()) clearTimeout(timer)
    for (const map of [timers, waiting]) map.clear()
  }

  /* Whether something of this device's own waits to be told. */
  const isMine = (id: string) => waiting.has(id)

  start()
  return { get, set, isMine, start, reset }
})
