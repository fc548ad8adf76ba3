// What clients did and saw, as JSON lines: {"at":ms,"who":…,"op":"send","is":"invoke|ok|refused|unknown",…}.
// `unknown` means that the answer was lost: it may have happened. checker.mjs says what each line means and judges them all.
import { createWriteStream, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

export class History {
  constructor(file) {
    mkdirSync(dirname(file), { recursive: true })
    this.file = file
    this.started = performance.now()
    this.records = []
    this.calls = 0
    this.acks = new Set() // ids of sends
    this.answers = new Map() // "GET 200" → how many
    this.out = createWriteStream(file)
  }

  /** Counts an answer of any kind: a status, or "lost (why)". */
  answered(method, how) {
    const key = `${method} ${how}`
    this.answers.set(key, (this.answers.get(key) ?? 0) + 1)
  }

  now() {
    return Math.round((performance.now() - this.started) * 10) / 10
  }

  note(who, op, is, details = {}) {
    const record = { at: this.now(), who, op, is, ...details }
    this.records.push(record)
    if (op === 'send' && is === 'ok') this.acks.add(details.id)
    this.out.write(`${JSON.stringify(record)}\n`)
    return record
  }

  get acknowledged() {
    return this.acks.size
  }

  /** The number of a new request: its lines have it in common. */
  call() {
    return ++this.calls
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

/** A short fingerprint of a text (FNV-1a): the history holds these instead of what was said. */
export function sum(text) {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(36)
}

/** An entry of the API as the history has it: everything that may never change at its position. */
export const print = (entry) =>
  sum(`${entry.sender_id} ${entry.client_msg_id} ${entry.type} ${entry.content?.text ?? ''} ${entry.created_at}`)
