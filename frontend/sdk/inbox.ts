// What came for this tab and was not taken yet. Answers fit one behind the other: each says from which position it starts.
// If one does not fit, something was missed (a tab that slept, another leader), and a look from one's own cursor
// replaces all that waits here.
import type { PollAnswer } from './types'

/** What a tab has to do next: take an answer, look by itself, or read its snapshot anew, from the cursor that it has. */
export type Item = PollAnswer | 'look' | 'resync'

/** A tab whose app does not come round to taking begins with a look instead of keeping everything. */
const MOST = 256

export class Inbox {
  private items: (PollAnswer | 'look')[] = []
  private startsOver = false
  private wake: () => void = () => undefined
  private failure: { error: unknown } | null = null

  /** `position`: up to there the tab has everything; null for one that has nothing. */
  constructor(public position: string | null) {}

  /** An answer of the house to `before`. */
  push(before: string | null, answer: PollAnswer): void {
    const { position } = this
    if (answer.resync || before === position) this.add(answer)
    else if (position !== null) this.look()
    // Somebody new begins here, and reads his snapshot after it.
    else this.add({ events: [], resync: true, ...(answer.cursor === undefined ? {} : { cursor: answer.cursor }) })
    this.position = answer.cursor ?? position
  }

  /** Whoever leads has come to `position`; nothing is told of that if one has come there too. */
  reach(position: string | null): void {
    if (position !== null && position !== this.position) this.push(position, { events: [], cursor: position })
  }

  /** Before all that waits here: a snapshot may be newer than what is told after it. Who has nothing will begin so anyway. */
  startOver(): void {
    this.startsOver = this.position !== null
    this.wake()
  }

  /** The next thing to do; null when `signal` aborts. */
  async next(signal: AbortSignal): Promise<Item | null> {
    while (!signal.aborted) {
      if (this.failure) throw this.failure.error
      if (this.startsOver) {
        this.startsOver = false
        return 'resync'
      }
      const item = this.items.shift()
      if (item !== undefined) return item
      await new Promise<void>((resolve) => {
        this.wake = () => {
          signal.removeEventListener('abort', this.wake)
          resolve()
        }
        signal.addEventListener('abort', this.wake)
      })
    }
    return null
  }

  /** Whoever fills this has come to an end that nobody foresaw. */
  fail(error: unknown): void {
    this.failure = { error }
    this.wake()
  }

  private add(item: PollAnswer): void {
    if (this.items.length >= MOST) return this.look()
    this.items.push(item)
    this.wake()
  }

  private look(): void {
    this.items = ['look']
    this.wake()
  }
}
