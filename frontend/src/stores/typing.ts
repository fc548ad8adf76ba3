/* Who is typing where. It ends by itself if nobody says it again. */
import { shallowReactive } from 'vue'

const TYPING_MS = 6_000

export function useTyping() {
  /* Ids of people, by conversation; there is no empty list. */
  const typing = shallowReactive(new Map<string, readonly string[]>())
  const timers = new Map<string, ReturnType<typeof setTimeout>>()

  /* That of one person, or of all in a conversation. */
  function stopTyping(id: string, userId?: string): void {
    for (const one of typing.get(id) ?? []) {
      if (userId !== undefined && one !== userId) continue
      clearTimeout(timers.get(`${id} ${one}`))
      timers.delete(`${id} ${one}`)
    }
    const others = userId === undefined ? [] : (typing.get(id) ?? []).filter((one) => one !== userId)
    if (others.length > 0) typing.set(id, others)
    else typing.delete(id)
  }

  function onTyping(id: string, userId: string): void {
    stopTyping(id, userId)
    typing.set(id, [...(typing.get(id) ?? []), userId])
    timers.set(`${id} ${userId}`, setTimeout(() => stopTyping(id, userId), TYPING_MS))
  }

  function stopAll(): void {
    for (const id of [...typing.keys()]) stopTyping(id)
  }

  return { typing, onTyping, stopTyping, stopAll }
}
