// The log of one conversation as the house keeps it: entries, operations on them, what one reader hid or may not see. A page is what
// is true when it is asked for, and comes when the test lets it.
import { operationOf, type Entry, type MessageList, type SyncChange } from '../index'
import type { PageQueryOfLog } from '../log'
import { entry } from './house'

type Item = MessageList['items'][number]
type Kind = 'edit' | 'recall' | 'reaction'

export class LogHouse {
  /** The first is seq 1. Of an operation `content.entry` is set when it is read. */
  readonly rows: Entry[] = []
  readonly hidden = new Set<number>()
  readonly asked: PageQueryOfLog[] = []
  floor = 1
  /** Between the reading of a page and its coming. */
  delay: () => Promise<void> = () => Promise.resolve()
  fail: (() => unknown) | null = null

  constructor(said = 0) {
    for (let n = 0; n < said; n++) this.say()
  }

  get last(): number {
    return this.rows.length
  }

  say(fields: Partial<Entry> = {}): Entry {
    const made = entry(this.last + 1, fields)
    this.rows.push(made)
    return made
  }

  /** An operation as it is told now. */
  operate(kind: Kind, target: number): Entry {
    const seq = this.last + 1
    const before = this.rows[target - 1] as Entry
    const now: Partial<Entry> =
      kind === 'recall'
        ? { content: {}, summary: '', recalled_at: seq, reactions: [] }
        : kind === 'edit'
          ? { content: { text: `edited by ${seq}` }, edited_at: seq }
          : { reactions: [{ emoji: '👍', count: seq, mine: false }] }
    this.rows[target - 1] = { ...before, ...now, changed_seq: seq }
    this.rows.push(entry(seq, { type: kind, content: { target_seq: target, entry: null } }))
    return this.wire(seq)
  }

  hide(seq: number): void {
    this.hidden.add(seq)
  }

  /** As the reader gets it now. */
  wire(seq: number): Entry {
    const row = this.rows[seq - 1] as Entry
    const operation = operationOf(row)
    if (!operation) return row
    const { target_seq } = operation
    const seen = target_seq >= this.floor && !this.hidden.has(target_seq)
    return { ...row, content: { target_seq, entry: seen ? (this.rows[target_seq - 1] as Entry) : null } }
  }

  /** What a fresh reader sees of a range. */
  shown(low = 1, high = this.last): Entry[] {
    return range(Math.max(low, this.floor), high)
      .map((seq) => this.wire(seq))
      .filter((one) => operationOf(one) === null && !this.hidden.has(one.seq))
  }

  readonly page = async (query: PageQueryOfLog): Promise<MessageList> => {
    this.asked.push(query)
    const page = this.read(query)
    await this.delay()
    if (this.fail) throw this.fail()
    return page
  }

  sync(from: number, held: number, limit = 50): SyncChange {
    const from_seq = Math.max(from, this.last - limit + 1)
    const changed = this.shown(1, held).filter((one) => (one.changed_seq ?? 0) > held)
    return {
      conversation: { id: '9', version: 1, first_seq: this.floor } as SyncChange['conversation'],
      from_seq,
      to_seq: this.last,
      limited: from_seq > from,
      items: range(from_seq, this.last).map((seq) => this.item(seq)),
      changed,
      changed_limited: false,
    }
  }

  private read({ before_seq, around_seq, after_seq, limit }: PageQueryOfLog): MessageList {
    if (after_seq !== undefined) {
      const seqs = range(Math.max(after_seq + 1, this.floor), Math.min(this.last, after_seq + limit))
      return { items: seqs.map((seq) => this.item(seq)), covers: ends(seqs), last_seq: this.last }
    }
    const half = Math.floor(limit / 2)
    const high = around_seq !== undefined ? Math.min(this.last, around_seq + half) : before_seq === undefined ? this.last : before_seq - 1
    const seqs = range(Math.max(this.floor, high - limit + 1), high)
    return { items: seqs.length ? this.shown(seqs[0], high).reverse() : [], covers: ends(seqs), last_seq: this.last }
  }

  private item(seq: number): Item {
    return this.hidden.has(seq) || seq < this.floor ? { seq, type: 'hidden' } : this.wire(seq)
  }
}

export const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at)
const ends = (seqs: number[]): [number, number] | null => (seqs.length ? [Math.min(...seqs), Math.max(...seqs)] : null)
