// What an answer of `/poll` and `/stream` is. It comes through whatever stands between: believe nothing of its shape.
import { PosthouseError } from './errors'
import type { HouseEvent, PollAnswer } from './types'

/** How long the house is asked to wait. */
export const POLL_SECONDS = 25
/** The client's own deadline beyond that. */
export const POLL_MARGIN_MS = 10_000

export interface PollQuery {
  cursor?: string
  timeout: number
  /** `<id>:<offset>` of replies that grow. */
  reply?: string[]
}

export type Poll = (query: PollQuery, signal: AbortSignal) => Promise<PollAnswer>

const KNOWN: Readonly<Record<HouseEvent['type'], true>> = {
  entry: true,
  'entry.hidden': true,
  conversation: true,
  'conversation.removed': true,
  'conversation.read': true,
  friend: true,
  'friend.removed': true,
  friend_request: true,
  block: true,
  group: true,
  'group.left': true,
  join_request: true,
  me: true,
  user: true,
  'session.revoked': true,
  typing: true,
  presence: true,
  'ai.delta': true,
  'ai.finished': true,
}

/** Whether this SDK knows such an event; a newer house has others. */
export function isKnown(event: HouseEvent): boolean {
  return Object.hasOwn(KNOWN, event.type)
}

export function pollQuery(cursor: string | null, timeout: number, reply: string[] = []): PollQuery {
  return { timeout, ...(cursor === null ? {} : { cursor }), ...(reply.length === 0 ? {} : { reply }) }
}

export function checked(answer: PollAnswer): PollAnswer {
  const events: unknown = (answer as PollAnswer | null)?.events
  const whole =
    Array.isArray(events) &&
    events.every((event) => event !== null && typeof event === 'object' && typeof (event as HouseEvent).type === 'string') &&
    (answer.superseded === true || (typeof answer.cursor === 'string' && answer.cursor !== ''))
  if (!whole) throw new PosthouseError({ code: 'offline', detail: 'this is no answer of a poll' })
  return answer
}
