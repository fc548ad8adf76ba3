// The logs of one session, made when they are first asked for, forgotten when the session ends.
import { Log } from './log'
import { patiently } from './patience'
import type { Entry, MessageList, SyncChange } from './types'
import type { Waker } from './waker'

export interface LogsParts {
  page: (conversationId: string, query: { before_seq?: number; after_seq?: number; limit: number }) => Promise<MessageList>
  waker: Waker
  random: () => number
  changed: (conversationId: string) => void
}

export class Logs {
  private logs = new Map<string, Log>()
  /** Those that have to catch up since a resync. */
  private behind = new Set<string>()
  private life = new AbortController()

  constructor(private readonly parts: LogsParts) {}

  get(conversationId: string): Log {
    const known = this.logs.get(conversationId)
    if (known) return known
    const { page, waker, random, changed } = this.parts
    const log = new Log(conversationId, {
      page: (query) => page(conversationId, query),
      waker,
      random,
      changed: () => changed(conversationId),
      signal: this.life.signal,
    })
    this.logs.set(conversationId, log)
    return log
  }

  /** Whether the log shows this seq, or nobody reads it. */
  shows(conversationId: string, seq: number): boolean {
    const covers = this.logs.get(conversationId)?.covers
    return !covers || seq <= covers[1]
  }

  /** Nobody waits for this: a gap that cannot be filled now is seen again at the next entry or resync. */
  apply(entry: Entry): void {
    void this.logs.get(entry.conversation_id)?.apply(entry).catch(() => undefined)
  }

  /** The last seq that a log has; null of one that nobody has read. */
  reached(conversationId: string): number | null {
    return this.logs.get(conversationId)?.covers?.[1] ?? null
  }

  /** Something was missed: every log that somebody has read is behind until a sync or a reading says otherwise. */
  fallBehind(): void {
    for (const [id, log] of this.logs) if (log.covers) this.behind.add(id)
  }

  /** What a sync brought of one conversation, also of one that nobody has read yet. */
  take(change: SyncChange): void {
    const { id } = change.conversation
    if (this.get(id).take(change)) this.behind.delete(id)
  }

  /** A sync says that there is nothing new. */
  current(conversationId: string): void {
    this.behind.delete(conversationId)
  }

  /** Reads what no sync has brought. */
  catchUp(): void {
    const { waker, random } = this.parts
    const behind = [...this.behind]
    this.behind.clear()
    for (const id of behind) {
      const log = this.get(id)
      void patiently({ waker, random, signal: this.life.signal }, () => log.loadNewest()).catch(() => undefined)
    }
  }

  clear(): void {
    this.life.abort()
    this.life = new AbortController()
    this.logs = new Map()
    this.behind = new Set()
  }
}
