// What clients did and saw, as JSON lines: {"at":ms,"who":…,"op":"send","is":"invoke|ok|refused|unknown",…}.
// `unknown` means that the answer was lost: it may have happened. A checker of any length reads these lines.
import { createWriteStream, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

export class History {
  constructor(file) {
    mkdirSync(dirname(file), { recursive: true })
    this.file = file
    this.started = performance.now()
    this.counts = new Map()
    this.out = createWriteStream(file)
  }

  note(who, op, is, details = {}) {
    const key = `${op} ${is}`
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
    this.out.write(`${JSON.stringify({ at: Math.round(performance.now() - this.started), who, op, is, ...details })}\n`)
  }

  close() {
    return new Promise((resolve) => this.out.end(resolve))
  }
}

/** A random generator that its seed decides: () → [0, 1). */
export function randomFrom(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
