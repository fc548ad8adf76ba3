// Unread and mentioned, counted anew from the log as one reader sees it, while nothing happens in the conversation.
import { kept } from './log.mjs'

/** What differs, as a sentence; null if nothing does, or if he may not read the conversation. */
export async function recount(device, id) {
  const wire = await device.read(`/conversations/${id}`)
  if (!wire) return null
  const waiting = []
  for (let after = Math.max(wire.read_seq, wire.first_seq - 1); after < wire.last_seq;) {
    const page = await device.read(`/conversations/${id}/messages?limit=200&after_seq=${after}`)
    if (!page?.covers) return `conversation ${id}: ${wire.last_seq} is the last, and after ${after} there is nothing`
    for (const item of page.items) if (item.type !== 'hidden' && kept(item, device.account.id).counts) waiting.push(kept(item, device.account.id))
    after = page.covers[1]
  }
  const counted = { unread: Math.min(999, waiting.length), mentioned: waiting.some(({ mentions }) => mentions) }
  const same = wire.unread === counted.unread && wire.mentioned === counted.mentioned
  return same ? null : `conversation ${id}: ${device.who} has unread ${wire.unread}, mentioned ${wire.mentioned}; in the log, ` +
    `read to ${wire.read_seq}, there are ${counted.unread} and ${counted.mentioned}: ${waiting.map(({ seq }) => seq)}`
}
