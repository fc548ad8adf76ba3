// What is held of one log: the range up to the newest, windows further up, and what is known of changes. It reads nothing.
import { Changes } from './changes'
import type { Span } from './span'
import { operationOf, type Entry, type MessageList } from './types'

export type Item = MessageList['items'][number]

/** Whoever looks at a part of the log. */
export interface Looking {
  span: Span
  close: () => void
}

export class Held {
  newest: Span | null = null
  readonly windows = new Set<Looking>()
  /** Nothing below is for me to see. */
  floor = 1
  private readonly changes = new Changes()

  spans(): Span[] {
    const spans = new Set([...this.windows].map(({ span }) => span))
    if (this.newest) spans.add(this.newest)
    return [...spans]
  }

  /** What an item says of itself or of another one; whether something that is held is otherwise now. */
  learn(item: Item): boolean {
    if (item.type === 'hidden') return this.hide(item.seq)
    const operation = operationOf(item)
    if (operation) {
      this.changes.operation(operation)
      return operation.entry ? this.replace(operation.entry) : this.remove(operation.target_seq)
    }
    if (item.changed_seq === null) return false
    this.changes.version(item)
    return this.replace(item)
  }

  hide(seq: number): boolean {
    this.changes.hide(seq)
    return this.remove(seq)
  }

  /** Of a page, what is shown of it, oldest first, each as it is now. */
  shown(items: Item[]): Entry[] {
    for (const item of items) if (item.type === 'hidden' || operationOf(item)) this.learn(item)
    return items
      .filter((item): item is Entry => item.type !== 'hidden' && operationOf(item) === null)
      .map((entry) => this.changes.present(entry))
      .filter((entry) => entry !== null)
      .filter((entry) => entry.seq >= this.floor)
      .sort((a, b) => a.seq - b.seq)
  }

  raise(floor: number): void {
    // In again, and now with what was said before: what was hidden then is not now.
    if (floor < this.floor) this.changes.clear()
    this.floor = floor
    for (const span of this.spans()) {
      span.topReached = false
      span.cut(floor)
    }
  }

  clear(): void {
    this.newest = null
    this.changes.clear()
    this.closeWindows()
  }

  closeWindows(): void {
    for (const window of [...this.windows]) window.close()
  }

  /** The range at the end has grown or is a new one: windows that it has come to are one with it. */
  joinWindows(): void {
    for (const { span } of [...this.windows]) this.join(span)
  }

  /** One with the range at the end, if it has come to it. */
  join(span: Span): void {
    const { newest } = this
    if (!newest || span === newest || span.high < newest.low - 1) return
    if (span.low < newest.low) {
      newest.prepend(span.entries, span.low)
      newest.topReached = span.topReached
    }
    for (const window of this.windows) if (window.span === span) window.span = newest
  }

  private replace(entry: Entry): boolean {
    return this.spans()
      .map((span) => span.replace(entry))
      .includes(true)
  }

  private remove(seq: number): boolean {
    return this.spans()
      .map((span) => span.remove(seq))
      .includes(true)
  }
}
