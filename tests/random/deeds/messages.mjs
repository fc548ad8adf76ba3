// What is done in a conversation: saying, changing what was said, reacting, forwarding, pinning.
import { NEAR_MS, after } from '../ledger.mjs'

const EMOJI = ['👍', '❤️', '😂', '🐎', '驿', '🎉', '🙏']
const LAST = 40 // entries among which one is chosen
const PLACES = ['驿站', 'The long road']

/** A conversation of this person, a group mostly; now and then one that is none of his. */
export function where({ ledger }, { account }, draw, of = () => true) {
  if (draw.chance(0.015)) return draw.pick([...ledger.conversations.values()].filter(of))
  const mine = ledger.of(account.id).filter(of)
  const groups = mine.filter(({ group }) => group)
  return draw.pick(groups.length && draw.chance(0.7) ? groups : mine)
}

/** What decides about writing: who is in it, or how two people stand. */
export const rights = ({ id, pair }) => (pair ? `pair ${pair.people}` : `members ${id}`)

export const path = ({ id }) => `/conversations/${id}`

/** An entry that the test knows of, a late one. */
export const entryOf = ({ entries }, draw, of = () => true) => draw.pick(entries.slice(-LAST).filter(of))

const said = (conversation, deed, body, sender) => {
  const { seq, type } = body
  const { began, ended } = deed
  if (!conversation.entries.some((entry) => entry.seq === seq)) {
    conversation.entries.push({ seq, sender, type, began, ended, at: Date.now(), hiddenBy: new Map(), body: deed.request.body })
  }
}

/** A send of this message. */
function say({ ledger }, { account }, draw, conversation, message, device, more = {}) {
  const user = account.id
  const deed = {
    conversations: [conversation.id], reads: [rights(conversation)],
    cut: draw.chance(0.04) && 1 + draw.below(20),
    request: { method: 'POST', path: `${path(conversation)}/messages`, body: { client_msg_id: draw.uuid(), ...message } },
    expect: () => ledger.maySend(user, conversation, message.mentions),
    done(entry) {
      said(conversation, deed, entry, user)
      return device.take(entry)
    },
    ...more,
  }
  return deed
}

const words = (draw) => `${draw.pick(['信使', 'the courier', 'наездник', 'à cheval'])} ${draw.below(1e6)} ${'驿🐎'.repeat(draw.below(8))}`

const sayThat = (message) => (world, device, draw) => {
  const conversation = where(world, device, draw)
  const content = conversation && message(draw, world, conversation, device)
  return content && say(world, device, draw, conversation, content, device)
}

const text = sayThat((draw) => ({ type: 'text', content: { text: words(draw) } }))
const location = sayThat((draw) => ({ type: 'location', content: { lat: draw.below(180) - 90, lng: draw.below(360) - 180, name: draw.pick(PLACES) } }))
const card = sayThat((draw, { people }) => ({ type: 'card', content: { user_id: draw.pick(people).id } }))
const custom = sayThat((draw) => ({ type: 'custom', content: { kind: 'test.dice', data: { eyes: 1 + draw.below(6), of: [null, true, '骰'] } } }))
const file = sayThat((draw, world, conversation, device) => ({ type: 'file', content: { file_id: device.account.file } }))

function mention(world, device, draw) {
  const conversation = where(world, device, draw, ({ group }) => group)
  if (!conversation) return null
  const members = [...conversation.group.members.keys()]
  const mentions = draw.chance(0.2) ? ['all'] : draw.some(members, 1 + draw.below(3))
  if (draw.chance(0.05)) mentions.push(draw.pick(world.people).id)
  return say(world, device, draw, conversation, { type: 'text', content: { text: `@ ${words(draw)}` }, mentions: [...new Set(mentions)] }, device)
}

function reply(world, device, draw) {
  const conversation = where(world, device, draw)
  const entry = conversation && entryOf(conversation, draw)
  if (!entry) return null
  const user = device.account.id
  const { ledger } = world
  // It names a place, whatever became of what stood there; in a group one that he sees. What he cleared away is his own affair.
  const place = () => (conversation.pair ? ['ok'] : conversation.clearedBy?.has(user) ? ['ok', 'invalid_request']
    : ledger.sees(user, conversation, { ...entry, hiddenBy: undefined }).map((code) => (code === 'not_found' ? 'invalid_request' : code)))
  return say(world, device, draw, conversation, { type: 'text', content: { text: words(draw) }, reply_to_seq: entry.seq }, device,
    { reads: [rights(conversation), `clear ${conversation.id} ${user}`], expect: () => after(ledger.maySend(user, conversation), place()) })
}

/** The same id again: with the same body it is the same entry, with another one a conflict; even after he left. */
function repeat(world, device, draw) {
  const user = device.account.id
  const conversation = where(world, device, draw)
  const entry = conversation && entryOf(conversation, draw, ({ sender, body }) => sender === user && body?.client_msg_id && body.type)
  if (!entry) return null
  const isSame = draw.chance(0.7)
  const body = isSame ? entry.body : { ...entry.body, type: 'text', content: { text: 'something else' } }
  return say(world, device, draw, conversation, body, device, {
    cut: false,
    expect: () => [isSame ? 'ok' : 'conflict'],
    done(again) {
      if (again.seq !== entry.seq) world.wrong.push(`${conversation.id}: ${entry.body.client_msg_id} is at ${entry.seq} and at ${again.seq}`)
    },
  })
}

// ---- changing what was said ----
/**
 * An operation on an entry that this person may see: `judge()` is the verdict then. Writing is decided first where it is
 * needed, and what only owner and admins may before what is there.
 */
function operate(world, device, draw, { of, mustWrite = true, mustManage = false, request, judge, done }) {
  const { ledger } = world
  const conversation = where(world, device, draw)
  const entry = conversation && entryOf(conversation, draw, of)
  if (!entry) return null
  const user = device.account.id
  const manages = () => (!mustManage || !conversation.group || conversation.group.isAdmin(user) ? ['ok'] : ['forbidden'])
  const sees = () => after(manages(), after(ledger.sees(user, conversation, entry), judge(conversation, entry)))
  const { tail = '', ...asked } = request(conversation, entry)
  return {
    conversations: [conversation.id], reads: [rights(conversation), `clear ${conversation.id} ${user}`], changes: [`entry ${conversation.id} ${entry.seq}`],
    request: { path: `${path(conversation)}/messages/${entry.seq}${tail}`, ...asked },
    expect: () => (mustWrite ? after(ledger.maySend(user, conversation), sees()) : sees()),
    done: (answer) => done(conversation, entry, answer),
  }
}

function edit(world, device, draw) {
  const { id } = device.account
  const isForeign = draw.chance(0.05)
  return operate(world, device, draw, {
    of: ({ sender, type }) => isForeign || (sender === id && (type === 'text' || draw.chance(0.1))),
    request: () => ({ method: 'PATCH', body: { content: { text: `better: ${words(draw)}` } } }),
    judge: (_, { sender, type, recalled }) => [sender !== id ? 'forbidden' : recalled ? 'conflict' : type !== 'text' ? 'invalid_request' : 'ok'],
    done: (_, entry, changed) => device.takeChanged(changed),
  })
}

/** What he said himself, or as an admin what anybody said; recalled again it is what it was. */
function recall(world, device, draw) {
  const { id } = device.account
  const isAny = draw.chance(0.3)
  return operate(world, device, draw, {
    of: ({ sender }) => isAny || sender === id,
    mustWrite: false,
    request: () => ({ method: 'DELETE' }),
    judge: ({ group }, { sender, recalled, at }) => {
      if (group?.isAdmin(id)) return ['ok']
      if (sender !== id) return ['forbidden']
      const left = at + world.recallMs - Date.now()
      return recalled || Math.abs(left) < NEAR_MS ? ['ok', 'window_passed'] : [left > 0 ? 'ok' : 'window_passed']
    },
    done(conversation, entry) {
      if (entry.pinned) conversation.pins--
      Object.assign(entry, { recalled: world.tick, pinned: false })
    },
  })
}

function react(world, device, draw) {
  const { id } = device.account
  const emoji = draw.pick(EMOJI)
  const isTaken = draw.chance(0.3)
  return operate(world, device, draw, {
    request: () => ({ method: isTaken ? 'DELETE' : 'PUT', tail: `/reactions/${encodeURIComponent(emoji)}` }),
    judge: (_, { recalled }) => [recalled && !isTaken ? 'conflict' : 'ok'],
    done(_, entry, changed) {
      const mine = changed.reactions.some((one) => one.emoji === emoji && one.mine)
      if (mine === isTaken) world.wrong.push(`${changed.conversation_id}/${entry.seq}: ${emoji} of ${device.who} is ${mine} after ${isTaken ? 'DELETE' : 'PUT'}`)
      return device.takeChanged(changed)
    },
  })
}

// ---- forwarding and pinning ----
const PINS_MAX = 50

function forward(world, device, draw) {
  const { ledger } = world
  const user = device.account.id
  const [from, to] = [where(world, device, draw), where(world, device, draw)]
  if (!from || !to || !from.entries.length) return null
  const entries = draw.some(from.entries.slice(-LAST), 1 + draw.below(4)).sort((a, b) => a.seq - b.seq)
  const mode = draw.pick(['each', 'merged'])
  const sees = () => entries.map((entry) => after(ledger.sees(user, from, entry), [entry.recalled ? 'not_found' : 'ok'])).find((one) => one[0] !== 'ok') ?? ['ok']
  const deed = {
    conversations: [...new Set([to.id, from.id])], writes: [],
    reads: [rights(from), rights(to), `clear ${from.id} ${user}`, ...entries.map(({ seq }) => `entry ${from.id} ${seq}`)],
    request: { method: 'POST', path: `${path(to)}/forward`, body: { from_conversation_id: from.id, seqs: entries.map(({ seq }) => seq), mode, client_msg_id: draw.uuid() } },
    cut: draw.chance(0.05) && 1 + draw.below(20),
    expect: () => after(ledger.maySend(user, to), sees()),
    async done({ items }) {
      for (const entry of items) {
        said(to, deed, entry, user)
        await device.take(entry)
      }
    },
  }
  return deed
}

function pin(world, device, draw) {
  const isTaken = draw.chance(0.35)
  return operate(world, device, draw, {
    of: ({ pinned }) => !isTaken || pinned,
    request: () => ({ method: isTaken ? 'DELETE' : 'PUT' }),
    mustManage: true,
    judge: ({ pins = 0 }, { recalled, pinned }) => [isTaken || pinned ? 'ok' : recalled || pins >= PINS_MAX ? 'conflict' : 'ok'],
    done(conversation, entry) {
      if (Boolean(entry.pinned) === isTaken) conversation.pins = (conversation.pins ?? 0) + (isTaken ? -1 : 1)
      entry.pinned = !isTaken
    },
  })
}

const pinned = (world, device, draw) => {
  const deed = pin(world, device, draw)
  if (!deed) return null
  deed.request.path = deed.request.path.replace('/messages/', '/pins/')
  deed.writes = [`pins ${deed.conversations[0]}`]
  return deed
}

/** Who read it: both counts, over those who see it. */
function readers(world, device, draw) {
  return operate(world, device, draw, {
    mustWrite: false,
    request: () => ({ method: 'GET', tail: `/readers?read=${draw.chance(0.5)}` }),
    judge: () => ['ok'],
    done({ group }, _, { read_count, unread_count }) {
      if (group && read_count + unread_count > group.members.size + 1) world.wrong.push(`${group.id}: ${read_count} read it, ${unread_count} did not, of ${group.members.size}`)
    },
  })
}

export const MESSAGES = {
  text: [34, text], location: [2, location], card: [2, card], custom: [1, custom], file: [3, file], mention: [5, mention], reply: [4, reply], repeat: [1.5, repeat],
  edit: [5, edit], recall: [4, recall], react: [9, react], forward: [3, forward], pin: [2, pinned], readers: [0.7, readers],
}
