// What this session stored, told to the other tabs of it: no poll tells them, since an entry is no event for its own session.
import type { Storage } from './storage'
import type { Entry } from './types'

const KEY = 'posthouse.sent'

interface Sent {
  userId: string
  entry: Entry
}

export function tellSent(storage: Storage, sent: Sent): void {
  // Only the event matters; nothing said is left lying in the storage.
  storage.set(KEY, JSON.stringify(sent))
  storage.remove(KEY)
}

/** Returns the way to stop. */
export function hearSent(storage: Storage, listener: (sent: Sent) => void): () => void {
  const stop = storage.subscribe?.((key, value) => {
    const sent = key === KEY && value !== null ? parse(value) : null
    if (sent) listener(sent)
  })
  return stop ?? (() => undefined)
}

function parse(text: string): Sent | null {
  try {
    const value = JSON.parse(text) as { userId?: unknown; entry?: { seq?: unknown } } | null
    return typeof value?.userId === 'string' && typeof value.entry?.seq === 'number' ? (value as Sent) : null
  } catch {
    return null
  }
}
