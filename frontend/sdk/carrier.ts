// Which way the news come: a stream, a poll that waits, or looks now and then. Nothing here asks anybody; it only
// concludes from what happened. A way that failed is suspected, and only if a look shows that the house can be reached is it
// the way's fault: a house that is down says nothing about the proxies before it. Who is barred is tried again later.

/** Best first. */
export type Carrier = 'stream' | 'wait' | 'look'

export type Happening =
  /** It did what it should. */
  | { carrier: Exclude<Carrier, 'look'>; was: 'good' }
  /** The house does not have it. */
  | { carrier: 'stream'; was: 'absent' }
  /** Not through this network: nothing comes through before the end. */
  | { carrier: 'stream'; was: 'held back' }
  /** Broken off, or no answer. */
  | { carrier: Exclude<Carrier, 'look'>; was: 'broken' }
  /** A look was answered. */
  | { carrier: 'look'; was: 'good' }
  /** A look was not, or the house itself refused: nobody's fault here. */
  | { carrier: 'look'; was: 'broken' }
  /** Another network. */
  | { was: 'network' }
  /** The person looks again. */
  | { was: 'visible' }

interface Record {
  strikes: number
  /** Since when it is out; null if it is not. */
  barredAt: number | null
  /** How long it was out the last time, or is now. */
  barredForMs: number
}

export interface Experience {
  readonly stream: Record
  readonly wait: Record
  readonly suspect: { carrier: 'stream' | 'wait'; strikes: number } | null
}

/** So many failures in a row, with the house in reach, are the way's. */
const MOST_STRIKES = 3
/** An older house does not become a newer one soon. */
const ABSENT_MS = 15 * 60_000
const BARRED_MS = 5 * 60_000
/** Each trial that fails costs seconds of silence, so they become rarer. */
const BARRED_LONGEST_MS = 40 * 60_000
/** Somebody who looks again may be somewhere else by now, but a glance aside is no journey. */
const GLANCE_MS = 60_000

const NEW: Record = { strikes: 0, barredAt: null, barredForMs: 0 }
export const inexperienced: Experience = { stream: NEW, wait: NEW, suspect: null }

export function best({ stream, wait }: Experience, now: number): Carrier {
  return !barred(stream, now) ? 'stream' : !barred(wait, now) ? 'wait' : 'look'
}

export function after(experience: Experience, happened: Happening, now: number): Experience {
  switch (happened.was) {
    case 'network':
      return inexperienced
    case 'visible':
      return { ...experience, stream: glanced(experience.stream, now), wait: glanced(experience.wait, now) }
    case 'absent':
      return { ...experience, suspect: null, stream: { strikes: 0, barredAt: now, barredForMs: ABSENT_MS } }
    case 'held back':
      return { ...experience, suspect: { carrier: 'stream', strikes: MOST_STRIKES } }
    case 'broken':
      return { ...experience, suspect: happened.carrier === 'look' ? null : { carrier: happened.carrier, strikes: 1 } }
    case 'good':
      return happened.carrier === 'look' ? judged(experience, now) : { ...experience, suspect: null, [happened.carrier]: NEW }
  }
}

function judged(experience: Experience, now: number): Experience {
  const { suspect } = experience
  if (!suspect) return experience
  const { strikes: before, barredForMs: lastMs } = experience[suspect.carrier]
  const strikes = before + suspect.strikes
  const barredForMs = lastMs === 0 ? BARRED_MS : Math.min(BARRED_LONGEST_MS, 2 * lastMs)
  const record =
    strikes < MOST_STRIKES ? { strikes, barredAt: null, barredForMs: lastMs } : { strikes: 0, barredAt: now, barredForMs }
  return { ...experience, suspect: null, [suspect.carrier]: record }
}

/** A clock that was put back ends it too. */
function barred({ barredAt, barredForMs }: Record, now: number): boolean {
  return barredAt !== null && now >= barredAt && now < barredAt + barredForMs
}

function glanced(record: Record, now: number): Record {
  return record.barredAt !== null && Math.abs(now - record.barredAt) >= GLANCE_MS ? NEW : record
}
