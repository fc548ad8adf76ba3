/* What was begun in a composer and not sent, per person and conversation, kept in this browser only. */
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import { useSession } from './session'

export const useDrafts = defineStore('drafts', () => {
  const session = useSession()
  const texts = shallowReactive(new Map<string, string>())

  const keyOf = (conversationId: string) => `ph.draft.${session.userId ?? ''}.${conversationId}`

  function get(conversationId: string): string {
    const key = keyOf(conversationId)
    const known = texts.get(key)
    if (known !== undefined) return known
    try {
      return localStorage.getItem(key) ?? ''
    } catch {
      return ''
    }
  }

  function set(conversationId: string, text: string): void {
    const key = keyOf(conversationId)
    texts.set(key, text)
    try {
      if (text.trim() === '') localStorage.removeItem(key)
      else localStorage.setItem(key, text)
    } catch {
      return
    }
  }

  return { get, set }
})
