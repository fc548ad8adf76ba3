/* What follows from a conversation as it is: whether it is listed, how much it counts, what an older and a newer object make. Pure. */
import type { Conversation, Entry } from '@sdk'

/* One that I cleared is not, until something is said in it. */
export function isListed({ first_seq, last_entry }: Conversation): boolean {
  return first_seq <= 1 || last_entry !== null
}

/* How much it adds to the number of what is unread. */
export function weight({ notify, unread, mentioned, marked_unread }: Conversation): number {
  if (notify === 'none') return 0
  const calls = notify === 'all' || mentioned ? unread : 0
  return Math.max(calls, marked_unread ? 1 : 0)
}

/* Whether an entry of somebody else calls me. */
export function mentions(entry: Entry, myId: string): boolean {
  return entry.mentions.some((id) => id === myId || id === 'all')
}

/* A newer object over what is here; but it may have been read before what came or was read since. */
export function merged(known: Conversation, newer: Conversation): Conversation {
  const before = newer.last_seq < known.last_seq
  const unreadBefore = before || newer.read_seq < known.read_seq
  const last = before && known.last_entry !== null && known.last_entry.seq >= newer.first_seq
  return {
    ...newer,
    last_seq: Math.max(newer.last_seq, known.last_seq),
    ...(last && { last_entry: known.last_entry }),
    ...(unreadBefore && { unread: known.unread, mentioned: known.mentioned }),
    read_seq: Math.max(newer.read_seq, known.read_seq),
    peer_read_seq: maxOrNull(newer.peer_read_seq, known.peer_read_seq),
    ...(newer.group !== null && (known.group?.version ?? -1) > newer.group.version && { group: known.group }),
  }
}

function maxOrNull(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b)
}
