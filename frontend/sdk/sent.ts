// What this session stored, told to the other tabs of it: no poll tells them, since an entry is no event for its own session.
// A page that was put away may not have heard of it, and nothing else would ever say so: the place of the last one stays in
// the storage, and a tab that finds a place of which it never heard has missed something.
import type { Storage } from './storage'
import type { Entry } from './types'

const KEY = 'posthouse.sent'
/** `<conversation> <seq>`, nothing of what was said. */
const LAST = 'posthouse.sent.last'

interface Sent {
  userId: string
  entry: Entry
}

interface Place {
  conversationId: string
  seq: number
}

export class SentHere {
  /** The highest seq of which this tab knows, by conversation. */
  private readonly known = new Map<string, number>()
  private readonly stop: () => void

  constructor(
    private readonly storage: Storage,
    hear: (sent: Sent) => void,
  ) {
    this.missed()
    const stop = storage.subscribe?.((key, value) => {
      const sent = key === KEY && value !== null ? parse(value) : null
      if (!sent) return
      this.know(placeOf(sent))
      hear(sent)
    })
    this.stop = stop ?? (() => undefined)
  }

  tell(sent: Sent): void {
    const place = placeOf(sent)
    this.know(place)
    // Only the event matters; nothing said is left lying in the storage.
    this.storage.set(KEY, JSON.stringify(sent))
    this.storage.remove(KEY)
    this.storage.set(LAST, `${place.conversationId} ${place.seq}`)
  }

  /** Whether another tab told something that was not heard here; says so once. */
  missed(): boolean {
    const [conversationId = '', seq] = this.storage.get(LAST)?.split(' ') ?? []
    return this.know({ conversationId, seq: Number(seq) })
  }

  /** The session is over. */
  forget(): void {
    this.known.clear()
    this.storage.remove(LAST)
  }

  close(): void {
    this.stop()
  }

  /** Whether it was news. */
  private know({ conversationId, seq }: Place): boolean {
    if (!(seq > (this.known.get(conversationId) ?? 0))) return false
    this.known.set(conversationId, seq)
    return true
  }
}

function placeOf({ entry }: Sent): Place {
  return { conversationId: entry.conversation_id, seq: entry.seq }
}

function parse(text: string): Sent | null {
  try {
    const value = JSON.parse(text) as { userId?: unknown; entry?: { seq?: unknown } } | null
    return typeof value?.userId === 'string' && typeof value.entry?.seq === 'number' ? (value as Sent) : null
  } catch {
    return null
  }
}
