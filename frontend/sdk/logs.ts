// The logs of one session, made when they are first asked for, forgotten when the session ends.
import { Log } from './log'
import { patiently } from './patience'
import type { Entry, MessageList } from './types'
import type { Waker } from './waker'

export interface LogsParts {
  page: (conversationId: string, query: { before_seq?: number; after_seq?: number; limit: number }) => Promise<MessageList>
  waker: Waker
  random: () => number
  changed: (conversationId: string) => void
}

export class Logs {
  private logs = new Map<string, Log>()
  private life = new AbortController()

  constructor(private readonly parts: LogsParts) {}

  get(conversationId: string): Log {
    const known = this.logs.get(conversationId)
    if (known) return known
    const { page, waker, random, changed } = this.parts
    const log = new Log(conversationId, { page: (query) => page(conversationId, query), waker, random, signal: this.life.signal })
    log.subscribe(() => changed(conversationId))
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

  /** After a resync: what came meanwhile, for every log that somebody has read. */
  catchUp(): void {
    const { waker, random } = this.parts
    for (const log of this.logs.values()) {
      if (!log.covers) continue
      void patiently({ waker, random, signal: this.life.signal }, () => log.loadNewest()).catch(() => undefined)
    }
  }

  clear(): void {
    this.life.abort()
    this.life = new AbortController()
    this.logs = new Map()
  }
}
