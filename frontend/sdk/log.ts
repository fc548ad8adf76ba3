// The log of one conversation, as far as it was read: a gap-free range of `seq` up to the newest, and perhaps windows further up
// (log-window.ts). `seq` has no holes, so a jump is a gap, and it is filled with `after_seq` before anything behind it is shown.
// Operations take a `seq` and are not shown; what they did is, wherever the entry is held.
// Reads run one after the other; entries that arrive meanwhile are put in place when they fit.
import { backoffMs } from './backoff'
import { Emitter } from './emitter'
import { PosthouseError } from './errors'
import { Held, type Looking } from './held'
import { openWindow, type LogWindow, type WindowHost } from './log-window'
import { Span } from './span'
import type { Entry, MessageList, SyncChange } from './types'
import type { Waker } from './waker'

const PAGE = 50
const LARGEST_PAGE = 200
/** Further behind than this we begin anew at the newest page instead of reading everything between. */
const FAR = 1_000
/** So often an entry that should exist is looked for. */
const MOST_LOOKS = 5

export interface ConversationLog {
  readonly conversationId: string
  /** What is shown, oldest first, without gap or duplicate, each as it is now. A new array after each change. */
  readonly entries: readonly Entry[]
  /** The range of seq that `entries` covers completely; null before anything was read, `[n + 1, n]` if there is nothing. */
  readonly covers: readonly [number, number] | null
  /** Whether there is more above. False until the newest page was read. */
  readonly hasOlder: boolean
  /** Whether a page is being read now. */
  readonly loading: boolean
  /** Reads the newest page, or, if some is here, what came since. */
  loadNewest(): Promise<void>
  /** Reads one page upwards; nothing if there is none or one is being read. */
  loadOlder(limit?: number): Promise<void>
  /** A part of the log around an entry, for a jump; null if the entry is not there for this reader. */
  around(seq: number): Promise<LogWindow | null>
  /** Puts an entry in its place, or does what an operation says; fills a gap before it, patiently. */
  apply(entry: Entry): Promise<void>
  /** Called after each change, of windows too. Returns the way to stop. */
  subscribe(listener: () => void): () => void
}

export interface PageQueryOfLog {
  before_seq?: number
  around_seq?: number
  after_seq?: number
  limit: number
}

export interface LogParts {
  page: (query: PageQueryOfLog) => Promise<MessageList>
  waker: Waker
  random: () => number
  /** Called before the listeners, of whom it is none. */
  changed?: () => void
  /** Aborts when the log is not wanted any more. */
  signal: AbortSignal
}

export class Log implements ConversationLog, WindowHost {
  private readonly held = new Held()
  /** The highest seq that we know to exist. */
  private highest = 0
  /** What is here may be out of date in ways that nobody will tell: it is to be replaced. */
  private stale = false
  /** Grows when all is dropped: what was read before is of no use. */
  private life = 0
  private reading = 0
  private readonly emitter = new Emitter<{ change: () => void }>()
  private queue: Promise<void> = Promise.resolve()
  private filling: Promise<void> | null = null

  constructor(
    readonly conversationId: string,
    private readonly parts: LogParts,
  ) {}

  get newest(): Span | null {
    return this.held.newest
  }

  get windows(): Set<Looking> {
    return this.held.windows
  }

  get entries(): readonly Entry[] {
    return this.newest?.entries ?? NONE
  }

  get covers(): readonly [number, number] | null {
    return this.newest && [this.newest.low, this.newest.high]
  }

  get hasOlder(): boolean {
    return this.newest !== null && this.hasOlderThan(this.newest)
  }

  get loading(): boolean {
    return this.reading > 0
  }

  get isHeard(): boolean {
    return this.emitter.isHeard('change')
  }

  subscribe(listener: () => void): () => void {
    return this.emitter.on('change', listener)
  }

  loadNewest(): Promise<void> {
    return this.inTurn(async () => {
      // Dropped while it was read: what whoever asked wants is the log as it is now.
      for (let life = -1; life !== this.life; ) {
        life = this.life
        await (this.newest && !this.stale ? this.readForward() : this.readNewest())
      }
    })
  }

  async loadOlder(limit = PAGE): Promise<void> {
    if (this.loading || !this.hasOlder) return
    await this.inTurn(async () => {
      if (this.newest) await this.readOlder(this.newest, limit)
    })
  }

  around(seq: number): Promise<LogWindow | null> {
    return openWindow(this, seq)
  }

  async apply(entry: Entry): Promise<void> {
    const changed = this.held.learn(entry)
    this.highest = Math.max(this.highest, entry.seq)
    // Nothing was read yet: the newest page, when it is wanted, brings this one too.
    if (!this.newest || entry.seq <= this.newest.high) return changed ? this.tell() : undefined
    if (entry.seq === this.newest.high + 1) this.append(this.newest, [entry], entry.seq)
    else await this.fill()
  }

  /** An entry that was changed, as it is now. */
  update(entry: Entry): void {
    if (this.held.learn(entry)) this.tell()
  }

  /**
   * I hid an entry. One that this device has not heard of is told no more, so its place is read; if that fails, the next entry or
   * resync shows the gap.
   */
  hide(seq: number): void {
    if (this.held.hide(seq)) this.tell()
    this.highest = Math.max(this.highest, seq)
    if (this.newest && seq > this.newest.high) void this.fill().catch(() => undefined)
  }

  /** From which seq on this reader sees the log. */
  raise(floor: number): void {
    if (floor === this.held.floor) return
    this.held.raise(floor)
    this.tell()
  }

  /** All of it is gone for this reader; who looks may see it anew. */
  drop(): void {
    this.life++
    this.held.clear()
    this.highest = 0
    this.stale = false
    this.tell()
  }

  /**
   * Puts in place what a sync brought; false if that must be read instead: a read is going on, or somebody looks at this log and
   * a gap stands between, which is filled so that nothing vanishes before his eyes.
   * `mayBeHidden`: entries that are held may have been hidden since, which a sync does not tell. Where nobody looks, they are dropped.
   */
  take({ from_seq, to_seq, items, changed, changed_limited }: SyncChange, mayBeHidden = false): boolean {
    for (const item of changed) this.held.learn(item)
    this.highest = Math.max(this.highest, to_seq)
    if (changed_limited || (mayBeHidden && !this.isHeard)) {
      this.stale = this.newest !== null
      this.held.closeWindows()
    }
    if (this.reading > 0) return false
    if (this.newest && !this.stale && from_seq <= this.newest.high + 1) {
      this.append(this.newest, items, to_seq)
      return true
    }
    if (this.newest && this.isHeard) return false
    if (items.length === 0) return this.forgetStale()
    this.begin(new Span(from_seq, to_seq, this.held.shown(items)))
    return true
  }

  /** Reads again what is held, for what was hidden; whatever is newer here stays. */
  reread(): Promise<void> {
    return this.inTurn(async () => {
      for (const { low, high } of this.held.spans()) {
        for (let after = low - 1, life = this.life; after < high && life === this.life; ) {
          const page = await this.read({ after_seq: after, limit: LARGEST_PAGE })
          if (life !== this.life) return
          for (const item of page.items) this.held.learn(item)
          const reached = coversOf(page)?.[1] ?? high
          after = Math.max(reached, after + 1)
        }
      }
    })
  }

  // ---- for windows ----

  hasOlderThan(span: Span): boolean {
    return span.low > this.held.floor && !span.topReached
  }

  hasNewerThan(span: Span): boolean {
    return span !== this.newest && span.high < this.highest
  }

  async readAround(seq: number): Promise<Span | null> {
    const life = this.life
    const page = await this.read({ around_seq: seq, limit: PAGE })
    const covers = coversOf(page)
    if (life !== this.life || !covers) return null
    const span = new Span(...covers, this.held.shown(page.items))
    this.meet(span)
    return this.newest && span.high >= this.newest.low - 1 ? this.newest : span
  }

  async readOlder(span: Span, limit: number): Promise<void> {
    const { low } = span
    const life = this.life
    const page = await this.read({ before_seq: low, limit })
    if (life !== this.life || span.low !== low) return
    const lowest = Math.min(coversOf(page)?.[0] ?? low, low)
    span.prepend(this.held.shown(page.items), lowest)
    // A page that brings nothing would be asked for for ever.
    span.topReached = lowest === low
    this.held.joinWindows()
    this.tell()
  }

  async readNewer(span: Span, limit: number): Promise<void> {
    const life = this.life
    const page = await this.read({ after_seq: span.high, limit })
    if (life !== this.life) return
    this.append(span, page.items, coversOf(page)?.[1] ?? span.high)
    this.meet(span)
    this.tell()
  }

  /** One read at a time; a failed one does not keep the next from running. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.reading++
    this.tell()
    const run = this.queue.then(work).finally(() => {
      this.reading--
      this.tell()
    })
    this.queue = run.then(
      () => undefined,
      () => undefined,
    )
    return run
  }

  // ---- within ----

  /** Reads what is missing up to `highest`, again while it fails for a reason that may pass. */
  private fill(): Promise<void> {
    this.filling ??= this.inTurn(async () => {
      for (let attempt = 1; this.behind() && !this.parts.signal.aborted; attempt++) {
        const before = this.newest?.high ?? 0
        let failure: unknown = null
        try {
          await this.readForward()
          if (!this.behind()) return
          if (this.newest && this.newest.high > before) attempt = 0
          // The house told of an entry that it does not give us: a reader behind its writer, or rights that changed.
          else if (attempt >= MOST_LOOKS) this.highest = before
        } catch (error) {
          if (!(error instanceof PosthouseError && error.retryable)) throw error
          failure = error
        }
        await this.pause(Math.max(attempt, 1), failure)
      }
    }).finally(() => {
      this.filling = null
    })
    return this.filling
  }

  private pause(attempt: number, failure: unknown): Promise<void> {
    const { waker, random, signal } = this.parts
    return waker.pause(backoffMs(attempt, random, failure), { signal })
  }

  private behind(): boolean {
    return this.newest !== null && this.highest > this.newest.high
  }

  private async readNewest(): Promise<void> {
    const life = this.life
    const page = await this.read({ limit: PAGE })
    if (life !== this.life) return
    this.begin(new Span(...(coversOf(page) ?? [page.last_seq + 1, page.last_seq]), this.held.shown(page.items)))
    // An entry may have arrived after the page was read and before it was here.
    if (this.behind()) await this.readForward()
  }

  private async readForward(): Promise<void> {
    const life = this.life
    for (let span = this.newest; span; ) {
      const after = span.high
      const page = await this.read({ after_seq: after, limit: LARGEST_PAGE })
      if (life !== this.life) return
      if (page.last_seq - after > FAR) {
        // What was done to entries in between is not read.
        this.held.closeWindows()
        return this.readNewest()
      }
      const reached = coversOf(page)?.[1] ?? after
      this.append(span, page.items, reached)
      if (reached <= after || reached >= page.last_seq) return
    }
  }

  private async read(query: PageQueryOfLog): Promise<MessageList> {
    const life = this.life
    const page = await this.parts.page(query)
    if (life === this.life) this.highest = Math.max(this.highest, page.last_seq)
    return page
  }

  /** A new range at the end, in place of the one that was there. */
  private begin(span: Span): void {
    span.cut(this.held.floor)
    this.held.newest = span
    this.stale = false
    this.highest = Math.max(this.highest, span.high)
    this.held.joinWindows()
    this.tell()
  }

  private append(span: Span, items: MessageList['items'], reached: number): void {
    span.append(this.held.shown(items), reached)
    this.highest = Math.max(this.highest, span.high)
    this.tell()
  }

  private forgetStale(): boolean {
    if (this.stale) this.held.newest = null
    this.stale = false
    return true
  }

  /** A window that has come to the end is one with it, or is it, if nobody has read the end yet. */
  private meet(span: Span): void {
    if (this.newest) this.held.join(span)
    else if (span.high >= this.highest) this.held.newest = span
  }

  private tell(): void {
    this.parts.changed?.()
    this.emitter.emit('change')
  }
}

const NONE: readonly Entry[] = []

function coversOf(page: MessageList): [number, number] | null {
  const [lowest, highest] = page.covers ?? []
  return lowest === undefined || highest === undefined ? null : [lowest, highest]
}
