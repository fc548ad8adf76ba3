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

/** Only tabs of the same page and session share a channel; the version keeps those of another release apart. */
export function channelName(sessionId: string): string {
  return `posthouse.news.1.${sessionId}`
}

export function isSaid(message: unknown): message is Said {
  const type = (message as { type?: unknown } | null)?.type
  return typeof type === 'string' && Object.hasOwn(TYPES, type)
}
