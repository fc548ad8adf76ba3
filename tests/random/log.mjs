// What a device holds of one conversation's log: the present state of what is shown between two places, and what it learned
// of other places. Of two versions of an entry it keeps the one that was changed later.
const OPERATIONS = new Set(['recall', 'edit', 'reaction'])
const strings = new Map() // many devices hold the same

/** JSON with sorted keys, one copy of each text. */
export function canonical(value) {
  const sorted = (one) => (Array.isArray(one) ? one.map(sorted) : one && typeof one === 'object'
    ? Object.fromEntries(Object.keys(one).sort().map((key) => [key, sorted(one[key])])) : one)
  const text = JSON.stringify(sorted(value))
  if (!strings.has(text)) strings.set(text, text)
  return strings.get(text)
}

export const isOperation = ({ type }) => OPERATIONS.has(type)

/** As the views keep it: what is asked for often, and all of it as one text. */
export function kept(entry, me) {
  const { seq, type, sender_id: sender, changed_seq: changed, recalled_at: recalled, mentions } = entry
  return {
    seq, type, sender, changed: changed ?? 0,
    isSystem: type === 'system',
    counts: type !== 'system' && !isOperation(entry) && recalled === null && sender !== me,
    mentions: sender !== me && recalled === null && (mentions ?? []).some((id) => id === me || id === 'all'),
    ...(type === 'system' && { content: entry.content }),
    text: canonical(entry),
  }
}

export class Log {
  /** Nothing yet: what comes next is above `last`. */
  constructor(me, last, fault) {
    Object.assign(this, { me, lo: last + 1, hi: last, fault })
    this.entries = new Map() // seq → as it is now
    this.hidden = new Set()
    this.operations = new Map() // seq → {type, target}
  }

  /** Of two versions the later one; two that differ cannot be of the same moment. */
  keep(entry) {
    if (this.hidden.has(entry.seq)) return
    const now = kept(entry, this.me)
    const before = this.entries.get(entry.seq)
    if (before && before.changed === now.changed && before.text !== now.text) {
      this.fault(`seq ${entry.seq} is, as changed by ${now.changed}, both ${before.text} and ${now.text}`)
    }
    if (!before || now.changed > before.changed) this.entries.set(entry.seq, now)
  }

  hide(seq) {
    this.hidden.add(seq)
    this.entries.delete(seq)
  }

  /** An item of the log itself, whether or not it is the next one. */
  learn(item) {
    if (item.type === 'hidden') return this.hide(item.seq)
    if (!isOperation(item)) return this.keep(item)
    const { target_seq: target, entry } = item.content
    this.operations.set(item.seq, { type: item.type, target })
    if (entry && entry.seq === target) this.keep(entry)
    else if (entry) this.fault(`operation ${item.seq} on ${target} brings ${canonical(entry)}`)
  }

  /** The next item of the log; false if something is missing before it. */
  next(item) {
    if (item.seq > this.hi + 1) return false
    this.learn(item)
    this.hi = Math.max(this.hi, item.seq)
    return true
  }

  /** A page of what is shown, directly below what is covered. */
  older({ items, covers }, first) {
    for (const entry of items) this.keep(entry)
    this.lo = covers ? covers[0] : first
  }

  forgetBelow(first) {
    for (const seq of this.entries.keys()) if (seq < first) this.entries.delete(seq)
    this.lo = Math.max(this.lo, first)
    this.hi = Math.max(this.hi, first - 1)
  }

  /** What is shown and covered, oldest first. */
  shown() {
    return [...this.entries.values()].filter(({ seq }) => seq >= this.lo && seq <= this.hi).sort((a, b) => a.seq - b.seq)
  }
}
