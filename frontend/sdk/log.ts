// The log of one conversation, as far as it was read: a gap-free range of `seq`, oldest first.
// `seq` has no holes, so a jump is a gap, and it is filled with `after_seq` before anything behind it is shown.
// Reads run one after the other; entries that arrive meanwhile are put in place when they fit.
import { backoffMs } from './backoff'
import { Emitter } from './emitter'
import { PosthouseError } from './errors'
import type { Entry, HiddenEntry, MessageList, SyncChange } from './types'
import type { Waker } from './waker'

const PAGE = 50
const LARGEST_PAGE = 200
/** Further behind than this we begin anew at the newest page instead of reading everything between. */
const FAR = 1_000
/** So often an entry that should exist is looked for. */
const MOST_LOOKS = 5

export interface ConversationLog {
  readonly conversationId: string
  /** Oldest first, without gap or duplicate. A new array after each change. */
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
  /** Puts an entry in its place; fills a gap before it, patiently. */
  apply(entry: Entry): Promise<void>
  /** Called after each change. Returns the way to stop. */
  subscribe(listener: () => void): () => void
}

export interface LogParts {
  page: (query: { before_seq?: number; after_seq?: number; limit: number }) => Promise<MessageList>
  waker: Waker
  random: () => number
  /** Called before the listeners, of whom it is none. */
  changed?: () => void
  /** Aborts when the log is not wanted any more. */
  signal: AbortSignal
}

export class Log implements ConversationLog {
  entries: readonly Entry[] = []
  private range: [number, number] | null = null
  /** The highest seq that we know to exist. */
  private highest = 0
  private topReached = false
  private reading = 0
  private readonly emitter = new Emitter<{ change: () => void }>()
  private queue: Promise<void> = Promise.resolve()
  private filling: Promise<void> | null = null

  constructor(
    readonly conversationId: string,
    private readonly parts: LogParts,
  ) {}

  get covers(): readonly [number, number] | null {
    return this.range
  }

  get hasOlder(): boolean {
    return this.range !== null && this.range[0] > 1 && !this.topReached
  }

  get loading(): boolean {
    return this.reading > 0
  }

  subscribe(listener: () => void): () => void {
    return this.emitter.on('change', listener)
  }

  loadNewest(): Promise<void> {
    return this.inTurn(async () => {
      if (this.range) await this.readForward()
      else await this.readNewest()
    })
  }

  async loadOlder(limit = PAGE): Promise<void> {
    if (this.loading || !this.hasOlder) return
    await this.inTurn(async () => {
      if (!this.range) return
      const before = this.range[0]
      const page = await this.parts.page({ before_seq: before, limit })
      if (this.range[0] !== before) return
      const lowest = Math.min(coversOf(page)?.[0] ?? before, before)
      const older = shown(page.items).filter((entry) => entry.seq < before)
      this.entries = [...older.reverse(), ...this.entries]
      this.range = [lowest, this.range[1]]
      // A page that brings nothing would be asked for for ever.
      this.topReached = lowest === before
    })
  }

  async apply(entry: Entry): Promise<void> {
    this.highest = Math.max(this.highest, entry.seq)
    // Nothing was read yet: the newest page, when it is wanted, brings this one too.
    if (!this.range || entry.seq <= this.range[1]) return
    if (entry.seq === this.range[1] + 1) this.append([entry], entry.seq)
    else await this.fill()
  }

  /**
   * Puts in place what a sync brought; false if that must be read instead: a read is going on, or somebody looks at this log and
   * a gap stands between, which is filled so that nothing vanishes before his eyes.
   */
  take({ from_seq, to_seq, items }: SyncChange): boolean {
    this.highest = Math.max(this.highest, to_seq)
    if (this.reading > 0) return false
    if (this.range && from_seq <= this.range[1] + 1) {
      this.append(shown(items), to_seq)
      return true
    }
    if (this.range && this.emitter.isHeard('change')) return false
    if (items.length === 0) return true
    this.entries = shown(items)
    this.range = [from_seq, to_seq]
    this.topReached = false
    this.tell()
    return true
  }

  /** Reads what is missing up to `highest`, again while it fails for a reason that may pass. */
  private fill(): Promise<void> {
    this.filling ??= this.inTurn(async () => {
      for (let attempt = 1; this.range && this.behind() && !this.parts.signal.aborted; attempt++) {
        const before = this.range[1]
        let failure: unknown = null
        try {
          await this.readForward()
          if (!this.behind()) return
          if (this.range && this.range[1] > before) attempt = 0
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
    return this.range !== null && this.highest > this.range[1]
  }

  private async readNewest(): Promise<void> {
    const page = await this.parts.page({ limit: PAGE })
    const [lowest, highest] = coversOf(page) ?? [page.last_seq + 1, page.last_seq]
    this.entries = shown(page.items).reverse()
    this.range = [lowest, highest]
    this.topReached = false
    // An entry may have arrived after the page was read and before it was here.
    if (this.behind()) await this.readForward()
  }

  private async readForward(): Promise<void> {
    while (this.range) {
      const after: number = this.range[1]
      const page = await this.parts.page({ after_seq: after, limit: LARGEST_PAGE })
      if (page.last_seq - after > FAR) {
        this.range = null
        this.entries = []
        return this.readNewest()
      }
      const reached = coversOf(page)?.[1] ?? after
      this.append(shown(page.items), reached)
      if (reached <= after || reached >= page.last_seq) return
    }
  }

  private append(entries: Entry[], reached: number): void {
    if (!this.range) return
    const last = this.range[1]
    const fresh = entries.filter((entry) => entry.seq > last).sort((a, b) => a.seq - b.seq)
    if (fresh.length > 0) this.entries = [...this.entries, ...fresh]
    this.range = [this.range[0], Math.max(last, reached)]
    this.highest = Math.max(this.highest, this.range[1])
    this.tell()
  }

  private tell(): void {
    this.parts.changed?.()
    this.emitter.emit('change')
  }

  /** One read at a time; a failed one does not keep the next from running. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    this.reading++
    this.tell()
    const run = this.queue.then(work).finally(() => {
      this.reading--
      this.tell()
    })
    this.queue = run.catch(() => undefined)
    return run
  }
}

function coversOf(page: MessageList): [number, number] | null {
  const [lowest, highest] = page.covers ?? []
  return lowest === undefined || highest === undefined ? null : [lowest, highest]
}

function shown(items: (Entry | HiddenEntry)[]): Entry[] {
  return items.filter((item): item is Entry => item.type !== 'hidden')
}
