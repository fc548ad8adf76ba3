// What was missed, in all conversations at once: a few calls that stand for listing the conversations and reading each log.
import type { Logs } from './logs'
import type { Conversation, SyncAnswer, SyncKnown, SyncRequest } from './types'

/** Of each conversation; who is further behind begins anew at the end of its log. */
const ENTRIES = 50
/** As many as one call may name. */
const NAMED = 500

export interface Missed {
  /** New, or otherwise than they were. */
  conversations: Conversation[]
  /** Ids of those that are not mine to read any more. */
  removed: string[]
}

export interface SyncParts {
  call: (request: SyncRequest) => Promise<SyncAnswer>
  /** All of them, for who knows none. */
  list: () => Promise<Conversation[]>
  logs: Logs
}

export async function sync({ call, list, logs }: SyncParts, known: readonly Conversation[]): Promise<Missed> {
  if (known.length === 0) return { conversations: await list(), removed: [] }
  const versions = new Map(known.map(({ id, version }) => [id, version]))
  let left = held(known, logs)
  const missed: Missed = { conversations: [], removed: [] }
  for (let next: string | null = null; ; ) {
    const named = left.slice(0, NAMED)
    const answer: SyncAnswer = await call({ conversations: named, limit: ENTRIES, ...(next === null ? {} : { next }) })
    const told = new Set(answer.items.map((change) => change.conversation.id))
    for (const change of answer.items) {
      logs.take(change, versions.get(change.conversation.id) ?? null)
      missed.conversations.push(change.conversation)
    }
    missed.removed.push(...answer.removed)
    for (const id of answer.removed) logs.remove(id, { readable: false })
    const end = answer.next === null ? null : BigInt(answer.next)
    for (const { id } of named) if (!told.has(id) && (end === null || BigInt(id) <= end)) logs.current(id)
    // A place that does not move would keep us for ever.
    if (end === null || (next !== null && end <= BigInt(next))) return missed
    next = answer.next
    left = left.filter(({ id }) => BigInt(id) > end)
  }
}

/** In the order of ids. Of a log that is behind its conversation, what the log has. */
function held(known: readonly Conversation[], logs: Logs): SyncKnown[] {
  return known
    .map(({ id, last_seq, version }) => ({ id, seq: Math.min(last_seq, logs.reached(id) ?? last_seq), version }))
    .sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1))
}
