// A range of `seq` of one conversation that is known completely, and what is shown of it, oldest first.
// An entry is there in one version; a change makes a new array, so that whoever holds the former one sees no change under him.
import { isNewer, type Entry } from './types'

export class Span {
  /** Whether nothing is above, whatever `low` says. */
  topReached = false

  constructor(
    public low: number,
    public high: number,
    /** Oldest first. */
    public entries: readonly Entry[],
  ) {}

  prepend(entries: readonly Entry[], low: number): void {
    const older = entries.filter((entry) => entry.seq < this.low)
    if (older.length > 0) this.entries = [...older, ...this.entries]
    this.low = Math.min(low, this.low)
  }

  append(entries: readonly Entry[], high: number): void {
    const fresh = entries.filter((entry) => entry.seq > this.high)
    if (fresh.length > 0) this.entries = [...this.entries, ...fresh]
    this.high = Math.max(high, this.high)
  }

  /** Puts a later version in the place of an earlier one; false if there is nothing earlier. */
  replace(entry: Entry): boolean {
    const known = this.find(entry.seq)
    if (!known || !isNewer(entry, known)) return false
    this.entries = this.entries.map((one) => (one === known ? entry : one))
    return true
  }

  remove(seq: number): boolean {
    const known = this.find(seq)
    if (known) this.entries = this.entries.filter((one) => one !== known)
    return known !== null
  }

  /** Nothing below `floor` is to be seen any more. */
  cut(floor: number): void {
    if (floor <= this.low) return
    this.entries = this.entries.filter((entry) => entry.seq >= floor)
    this.low = floor
    this.high = Math.max(this.high, floor - 1)
  }

  find(seq: number): Entry | null {
    let [from, to] = [0, this.entries.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((this.entries[middle] as Entry).seq < seq) from = middle + 1
      else to = middle
    }
    const found = this.entries[from]
    return found?.seq === seq ? found : null
  }
}
