// The other tabs of this browser that have the same session: what they say to each other, and what it needs of a platform.
import type { Experience } from './carrier'
import type { ConnectionState } from './client'
import type { PollAnswer } from './types'

export interface Channel {
  post(message: unknown): void
  close(): void
}

/** `navigator.locks`, as far as it is used. */
export interface Locks {
  request(name: string, options: { signal?: AbortSignal; steal?: boolean }, work: () => Promise<void>): Promise<void>
}

/** What joins the tabs of one browser. The browser's is in browser.ts. */
export interface Neighbours {
  /** Messages of the other tabs, never one's own. */
  open(name: string, hear: (message: unknown) => void): Channel
  /** null where there are none: on plain http. */
  locks: Locks | null
}

export type Said =
  /** A follower asks whether the leader lives. */
  | { type: 'ask' }
  /** It does. */
  | { type: 'beat'; visible: boolean; state: ConnectionState; position: string | null; experience: Experience }
  /** The house answered. */
  | { type: 'news'; before: string | null; answer: PollAnswer }
  /** The person is here, or the app asks: don't wait. */
  | { type: 'resume' }

const TYPES: Readonly<Record<Said['type'], true>> = { ask: true, beat: true, news: true, resume: true }

/** Of what is said; keeps the tabs of another release apart. */
const VERSION = 1

/** Only tabs of the same page and session share a channel. */
export function channelName(sessionId: string): string {
  return `posthouse.news.${VERSION}.${sessionId}`
}

/**
 * Where the seat is kept without Web Locks. A storage has one session, so one name will do, and nothing is left lying there;
 * but tabs that cannot hear each other would take one seat from each other for ever.
 */
export const LEASE = `posthouse.seat.${VERSION}`

export function isSaid(message: unknown): message is Said {
  const type = (message as { type?: unknown } | null)?.type
  return typeof type === 'string' && Object.hasOwn(TYPES, type)
}
