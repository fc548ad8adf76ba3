// The logs of one session, made when they are first asked for, forgotten when the session ends.
import { Log, type PageQueryOfLog } from './log'
import { patiently } from './patience'
import type { ClientEvent, Conversation, Entry, MessageList, SyncChange } from './types'
import type { Waker } from './waker'

export interface LogsParts {
  page: (conversationId: string, query: PageQueryOfLog) => Promise<MessageList>
  waker: Waker
  random: () => number
  changed: (conversationId: string) => void
}

export class Logs {
  private logs = new Map<string, Log>()
  /** Those that have to catch up since a resync. */
  private behind = new Set<string>()
  /** From where on I see a conversation, by the newest version of it that was heard of. */
  private floors = new Map<string, { version: number; floor: number }>()
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
    log.raise(this.floors.get(conversationId)?.floor ?? 1)
    return log
  }

  /** A conversation as it is now, from wherever: it says what of its log is mine to see. */
  see({ id, version, first_seq }: Conversation): void {
    const known = this.floors.get(id)
    if (known && version < known.version) return
    this.floors.set(id, { version, floor: first_seq })
    this.logs.get(id)?.raise(first_seq)
  }

  /** Whether the log shows this seq, or nobody reads it. */
  shows(conversationId: string, seq: number): boolean {
    const covers = this.logs.get(conversationId)?.covers
    return !covers || seq <= covers[1]
  }

  /** What an event says of the logs. */
  hear(event: ClientEvent): void {
    switch (event.type) {
      case 'resync':
        return this.fallBehind()
      case 'entry':
        return this.apply(event.entry)
      case 'entry.hidden':
        return this.hide(event.conversation_id, event.seq)
      case 'conversation':
        return this.see(event.conversation)
      case 'conversation.removed':
        return this.remove(event.conversation_id, { version: event.version, readable: true })
      case 'group.left':
        return this.remove(event.conversation_id, { version: event.version, readable: false })
    }
  }

  /** Nobody waits for this: a gap that cannot be filled now is seen again at the next entry or resync. */
  apply(entry: Entry): void {
    void this.logs.get(entry.conversation_id)?.apply(entry).catch(() => undefined)
  }

  /** An entry that a call of mine changed. */
  update(entry: Entry): void {
    this.logs.get(entry.conversation_id)?.update(entry)
  }

  hide(conversationId: string, seq: number): void {
    this.logs.get(conversationId)?.hide(seq)
  }

  /**
   * I cleared a conversation, or am no longer in it. Nothing of it is kept, unless I have heard of a later version; whoever looks
   * at a cleared one sees what was said since.
   */
  remove(conversationId: string, { version = Infinity, readable }: { version?: number; readable: boolean }): void {
    const known = this.floors.get(conversationId)
    if (known && known.version > version) return
    if (version === Infinity) this.floors.delete(conversationId)
    else this.floors.set(conversationId, { version, floor: known?.floor ?? 1 })
    this.behind.delete(conversationId)
    const log = this.logs.get(conversationId)
    log?.drop()
    if (log?.isHeard && readable) this.patiently(() => log.loadNewest())
  }

  /** The last seq that a log has; null of one that nobody has read. */
  reached(conversationId: string): number | null {
    return this.logs.get(conversationId)?.covers?.[1] ?? null
  }

  /** Something was missed: every log that somebody has read is behind until a sync or a reading says otherwise. */
  fallBehind(): void {
    for (const [id, log] of this.logs) if (log.covers) this.behind.add(id)
  }

  /** What a sync brought of one conversation, also of one that nobody has read yet; `known` is its version before. */
  take(change: SyncChange, known: number | null): void {
    const { id, version } = change.conversation
    this.see(change.conversation)
    const log = this.get(id)
    const mayBeHidden = known !== null && version > known
    const hasSome = log.covers !== null
    if (log.take(change, mayBeHidden)) this.behind.delete(id)
    if (mayBeHidden && hasSome && log.isHeard) this.patiently(() => log.reread())
  }

  /** A sync says that there is nothing new. */
  current(conversationId: string): void {
    this.behind.delete(conversationId)
  }

  /** Reads what no sync has brought. */
  catchUp(): void {
    const behind = [...this.behind]
    this.behind.clear()
    for (const id of behind) this.patiently(() => this.get(id).loadNewest())
  }

  clear(): void {
    this.life.abort()
    this.life = new AbortController()
    this.logs = new Map()
    this.behind = new Set()
    this.floors = new Map()
  }

  /** Nobody waits for it. */
  private patiently(work: () => Promise<void>): void {
    const { waker, random } = this.parts
    void patiently({ waker, random, signal: this.life.signal }, work).catch(() => undefined)
  }
}
