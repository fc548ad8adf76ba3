// What a person does to a conversation for himself: read marks, settings, drafts, clearing, hiding an entry.
import { entryOf, path, rights, where } from './messages.mjs'

/** Something that everybody may do who is in it. */
function own(world, device, draw, request, { done, expect = () => ['ok'], of, ...more } = {}) {
  const { ledger } = world
  const conversation = more.conversation ?? where(world, device, draw, of)
  if (!conversation) return null
  const user = device.account.id
  const { method = 'PATCH', tail = '', body } = request(conversation)
  return {
    conversations: [conversation.id], reads: [rights(conversation)], request: { method, path: path(conversation) + tail, ...(body && { body }) },
    expect: () => (ledger.isIn(user, conversation) ? expect(conversation) : ['not_found']),
    done: (answer) => done?.(conversation, answer),
    ...more,
  }
}

const setting = (world, device, draw) => own(world, device, draw, () => ({ body: draw.pick([
  { pinned: draw.chance(0.5) }, { notify: draw.pick(['all', 'mentions', 'none']) }, { remark: draw.chance(0.2) ? null : `群${draw.below(30)}` },
  { pinned: draw.chance(0.5), notify: draw.pick(['all', 'none']) },
]) }))

const draft = (world, device, draw) => own(world, device, draw, () => ({ body: { draft: draw.chance(0.3) ? null : `so far ${draw.below(1000)} 草稿` } }))
const markUnread = (world, device, draw) => own(world, device, draw, () => ({ body: { marked_unread: draw.chance(0.7) } }))

/** Up to something that this device shows, or a little below; now and then further than there is anything. */
function read(world, device, draw) {
  const isPast = draw.chance(0.02)
  return own(world, device, draw, ({ id }) => {
    const last = device.view.conversations.get(id)?.log.hi ?? 0
    return { method: 'POST', tail: '/read', body: { seq: isPast ? 1e9 : Math.max(0, last - draw.below(8)) } }
  }, { expect: () => [isPast ? 'invalid_request' : 'ok'] })
}

/** Clears it away: what was said before is not seen any more. */
function clear(world, device, draw) {
  const user = device.account.id
  const deed = own(world, device, draw, () => ({ method: 'DELETE' }), { done: (conversation) => {
    conversation.clearedBy ??= new Map()
    conversation.clearedBy.set(user, { began: deed.began, ended: deed.ended })
  } })
  if (deed) deed.writes = [`clear ${deed.conversations[0]} ${user}`]
  return deed
}

function hide(world, device, draw) {
  const conversation = where(world, device, draw)
  const entry = conversation && entryOf(conversation, draw)
  if (!entry) return null
  const user = device.account.id
  return own(world, device, draw, () => ({ method: 'DELETE', tail: `/messages/${entry.seq}?for=me` }), {
    conversation, reads: [rights(conversation), `clear ${conversation.id} ${user}`], changes: [`entry ${conversation.id} ${entry.seq}`],
    expect: () => world.ledger.sees(user, conversation, { ...entry, hiddenBy: undefined }),
    done: () => entry.hiddenBy.set(user, world.tick),
  })
}

const typing = (world, device, draw) => {
  const deed = own(world, device, draw, () => ({ method: 'POST', tail: '/typing' }))
  if (deed) deed.expect = () => world.ledger.maySend(device.account.id, world.ledger.conversations.get(deed.conversations[0]))
  return deed
}

export const SETTINGS = { setting: [3, setting], draft: [2, draft], markUnread: [1.5, markUnread], read: [8, read], clear: [0.5, clear], hide: [2.5, hide], typing: [0.5, typing] }
