// The log of one conversation, as far as it was read: a gap-free range of `seq`, oldest first.
import type { Entry } from './types'

export interface ConversationLog {
  readonly conversationId: string
  /** Oldest first, without gap or duplicate. A new array after each change. */
  readonly entries: readonly Entry[]
  /** The range of seq that `entries` covers completely; null before anything was read. */
  readonly covers: readonly [number, number] | null
  /** Whether there is more above. False until the newest page was read. */
  readonly hasOlder: boolean
  /** Whether a page is being read now. */
  readonly loading: boolean
  /** Reads the newest page, or, if some is here, what came since. */
  loadNewest(): Promise<void>
  /** Reads one page upwards; nothing if there is none or one is being read. */
  loadOlder(limit?: number): Promise<void>
  /** Puts an entry in its place; fills a gap before it. */
  apply(entry: Entry): Promise<void>
  /** Called after each change. Returns the way to stop. */
  subscribe(listener: () => void): () => void
}
