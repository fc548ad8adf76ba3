// What happened to entries of a conversation, whether they are here already or not: later versions and hidden places. A page
// that was read before a change may come after it, so what is known of a change is kept and laid over each page.
import { isNewer, type Entry, type Operation } from './types'

/** Older ones are forgotten: no page is under way for so long. */
const MOST = 1_000

export class Changes {
  private versions = new Map<number, Entry>()
  private hidden = new Set<number>()

  /** What an operation did. Its target is hidden from me if the house does not show it. */
  operation({ target_seq, entry }: Operation): void {
    if (entry) this.version(entry)
    else this.hide(target_seq)
  }

  version(entry: Entry): void {
    const known = this.versions.get(entry.seq)
    if (known && !isNewer(entry, known)) return
    this.versions.delete(entry.seq)
    this.versions.set(entry.seq, entry)
    forgetOldest(this.versions)
  }

  hide(seq: number): void {
    this.versions.delete(seq)
    this.hidden.add(seq)
    forgetOldest(this.hidden)
  }

  /** An entry as it is now, as far as is known; null if it is not to be seen. */
  present(entry: Entry): Entry | null {
    if (this.hidden.has(entry.seq)) return null
    const known = this.versions.get(entry.seq)
    return known && isNewer(known, entry) ? known : entry
  }

  clear(): void {
    this.versions.clear()
    this.hidden.clear()
  }
}

function forgetOldest(kept: Map<number, unknown> | Set<number>): void {
  if (kept.size <= MOST) return
  for (const oldest of kept.keys()) return void kept.delete(oldest)
}
