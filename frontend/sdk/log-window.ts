// A part of a log further up, to which somebody jumped: to a quote, a pin, something found. It grows both ways, follows what is done
// to its entries, and becomes one with the end of the log when it gets there; then it goes on as the log does.
import type { Looking } from './held'
import type { Span } from './span'
import type { Entry } from './types'

const PAGE = 50

export interface LogWindow {
  /** What is shown of it, oldest first. A new array after each change. */
  readonly entries: readonly Entry[]
  readonly covers: readonly [number, number]
  readonly hasOlder: boolean
  /** Whether there is more below; false when it shows the end of the log. */
  readonly hasNewer: boolean
  readonly loading: boolean
  /** The log was dropped, or somebody closed this: it shows nothing any more. */
  readonly closed: boolean
  loadOlder(limit?: number): Promise<void>
  loadNewer(limit?: number): Promise<void>
  /** Called after each change of the log. Returns the way to stop. */
  subscribe(listener: () => void): () => void
  /** Nobody looks at it any more. */
  close(): void
}

/** The log that it is a part of. */
export interface WindowHost {
  readonly newest: Span | null
  readonly windows: Set<Looking>
  inTurn<T>(work: () => Promise<T>): Promise<T>
  readAround(seq: number): Promise<Span | null>
  readOlder(span: Span, limit: number): Promise<void>
  readNewer(span: Span, limit: number): Promise<void>
  hasOlderThan(span: Span): boolean
  hasNewerThan(span: Span): boolean
  subscribe(listener: () => void): () => void
}

/** null if the entry is not there for this reader. */
export function openWindow(host: WindowHost, seq: number): Promise<LogWindow | null> {
  return host.inTurn(async () => {
    const { newest } = host
    const span = newest && newest.low <= seq && seq <= newest.high ? newest : await host.readAround(seq)
    return span?.find(seq) ? new Window(host, span) : null
  })
}

class Window implements LogWindow, Looking {
  closed = false
  private reading = false

  constructor(
    private readonly host: WindowHost,
    /** The log moves it to its newest one when they meet. */
    public span: Span,
  ) {
    host.windows.add(this)
  }

  get entries(): readonly Entry[] {
    return this.closed ? [] : this.span.entries
  }

  get covers(): readonly [number, number] {
    return [this.span.low, this.span.high]
  }

  get hasOlder(): boolean {
    return !this.closed && this.host.hasOlderThan(this.span)
  }

  get hasNewer(): boolean {
    return !this.closed && this.host.hasNewerThan(this.span)
  }

  get loading(): boolean {
    return this.reading
  }

  loadOlder(limit = PAGE): Promise<void> {
    return this.read(this.hasOlder, () => this.host.readOlder(this.span, limit))
  }

  loadNewer(limit = PAGE): Promise<void> {
    return this.read(this.hasNewer, () => this.host.readNewer(this.span, limit))
  }

  subscribe(listener: () => void): () => void {
    return this.host.subscribe(listener)
  }

  close(): void {
    this.closed = true
    this.host.windows.delete(this)
  }

  /** One page at a time; what is asked for meanwhile is not wanted twice. */
  private async read(isMore: boolean, page: () => Promise<void>): Promise<void> {
    if (this.reading || !isMore) return
    this.reading = true
    try {
      await this.host.inTurn(async () => {
        if (!this.closed) await page()
      })
    } finally {
      this.reading = false
    }
  }
}
