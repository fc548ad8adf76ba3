// A fresh reading through the API as one person, and how a device's view differs from it: sentences.
import { canonical, isOperation, kept } from './log.mjs'
import { friendOf, requestOf } from './view.mjs'

const byKey = (list, key) => new Map(list.map((one) => [key(one), one]))

/** A person without what comes and goes, and without the version, which also rises with what nobody is told. */
const plain = ({ online, last_seen_at, version, ...rest }) => rest
const plainFriend = ({ user, ...rest }) => ({ ...rest, user: plain(user) })

/** Everything that this person may read now, by a device of his. */
export async function readEverything(device, isByLog) {
  const [me, friends, requests, blocks, conversations, groups] = [await device.read('/me'), await device.all('/friends'),
    await device.allRequests(), await device.all('/blocks'), await device.all('/conversations'), await device.all('/groups')]
  const fresh = {
    me: plain(me),
    friends: byKey(friends.map(friendOf).map(plainFriend), ({ user }) => user.id),
    requests: byKey(requests.filter(({ state }) => state === 'pending').map(requestOf), ({ id }) => id),
    blocks: new Set(blocks.map(({ user }) => user.id)),
    groups: byKey(groups, ({ id }) => id),
    conversations: new Map(),
  }
  for (const wire of conversations) {
    const entries = isByLog ? await byLog(device, wire) : await byPages(device, wire)
    const pins = await device.all(`/conversations/${wire.id}/pins`)
    const members = wire.group && (await device.all(`/groups/${wire.id}/members`))
    fresh.conversations.set(wire.id, { wire, entries, pins: new Set(pins.map(({ entry }) => entry.seq)),
      members: members && byKey(members.map(({ user, role, muted_until }) => ({ id: user.id, role, muted_until })), ({ id }) => id) })
  }
  return fresh
}

/** What is shown, page by page. */
async function byPages(device, { id, last_seq, first_seq }) {
  const entries = new Map()
  for (let before = last_seq + 1; before > first_seq;) {
    const { items, covers } = await device.read(`/conversations/${id}/messages?limit=200&before_seq=${before}`)
    for (const entry of items) entries.set(entry.seq, kept(entry, device.account.id).text)
    if (!covers) break
    before = covers[0]
  }
  return entries
}

/** The log itself, of which what is shown is taken. */
async function byLog(device, { id, last_seq, first_seq }) {
  const entries = new Map()
  for (let after = first_seq - 1; after < last_seq;) {
    const { items, covers } = await device.read(`/conversations/${id}/messages?limit=200&after_seq=${after}`)
    for (const item of items) if (item.type !== 'hidden' && !isOperation(item)) entries.set(item.seq, kept(item, device.account.id).text)
    if (!covers) break
    after = covers[1]
  }
  return entries
}

// ---- comparing ----
/** Calls say(what, view, fresh) for each key whose values differ. */
function compareMaps(view, fresh, say) {
  for (const key of new Set([...view.keys(), ...fresh.keys()])) {
    const [a, b] = [view.get(key), fresh.get(key)].map((one) => (one === undefined ? 'nothing' : typeof one === 'string' ? one : canonical(one)))
    if (a !== b) say(key, a, b)
  }
}

const setMap = (set) => new Map([...set].map((key) => [key, 'there']))

/** [{conversation?, what}]: where the view is not what a fresh reading says. */
export function differences(view, fresh) {
  const found = [...view.faults.map((what) => ({ what, conversation: /^(?:conversation|group) (\d+)/.exec(what)?.[1] }))]
  const say = (name, conversation) => (key, a, b) => found.push({ conversation, what: `${name} ${key}: the view has ${a}, a reading ${b}` })

  compareMaps(new Map([['me', plain(view.account ?? {})]]), new Map([['me', fresh.me]]), say('account'))
  compareMaps(byKey(view.friends.there.map(({ friend }) => plainFriend(friend)), ({ user }) => user.id), fresh.friends, say('friend'))
  compareMaps(setMap(view.blocks.there), setMap(fresh.blocks), say('block'))
  compareMaps(view.requests, fresh.requests, say('friend request'))
  const listed = [...view.conversations.values()].filter(({ isListed }) => isListed)
  compareMaps(setMap(listed.map(({ id }) => id)), setMap(fresh.conversations.keys()), (key, a, b) => say('conversation', key)(key, a, b))
  const groups = [...view.conversations.values()].filter(({ group }) => group)
  compareMaps(byKey(groups.map(groupSeen), ({ id }) => id), new Map([...fresh.groups].map(([id, group]) => [id, withoutVersion(group)])),
    (key, a, b) => say('group', key)(key, a, b))
  for (const held of listed) if (fresh.conversations.has(held.id)) compareConversation(held, fresh.conversations.get(held.id), say)
  return found
}

/** A time that is over mutes nobody. */
const untilNow = (time) => (time > Date.now() ? time : null)
const withoutVersion = ({ version, my_muted_until, ...rest }) => ({ ...rest, my_muted_until: untilNow(my_muted_until) })
/** @param seen leaves out what the view was not told of */
const membersSeen = (members, seen = members) => new Map([...(members ?? [])].map(([id, { role, muted_until }]) =>
  [id, { role, ...(seen?.get(id)?.muted_until !== undefined && { muted_until: untilNow(muted_until) }) }]))

/** Whether I am muted is said in the log, as it is of others. */
function groupSeen({ group, members, me }) {
  return withoutVersion({ ...group, my_muted_until: members?.get(me)?.muted_until === undefined ? group.my_muted_until : members.get(me).muted_until })
}

function compareConversation(held, { wire, entries, pins, members }, say) {
  const { id, log } = held
  const shown = log.shown()
  const seen = { ...held.facts, peer: held.peer, last_seq: log.hi, read_seq: held.marks.mine, peer_read_seq: held.marks.peer,
    unread: held.unread, mentioned: held.mentioned, last_entry: shown.at(-1)?.text ?? null }
  const read = Object.fromEntries(Object.keys(seen).map((name) => [name, wire[name]]))
  Object.assign(read, { peer: wire.peer?.id ?? null, last_entry: wire.last_entry && kept(wire.last_entry, held.me).text })
  compareMaps(new Map(Object.entries(seen)), new Map(Object.entries(read)), say(`conversation ${id}:`, id))
  compareMaps(new Map(shown.map(({ seq, text }) => [seq, text])), entries, say(`conversation ${id}: seq`, id))
  const seesPin = (seq) => seq >= held.facts.first_seq && !log.hidden.has(seq)
  compareMaps(setMap([...(held.pins ?? [])].filter(seesPin)), setMap(pins), say(`conversation ${id}: pin`, id))
  if (members) compareMaps(membersSeen(held.members), membersSeen(members, held.members), say(`conversation ${id}: member`, id))
  if (held.version > wire.version) say(`conversation ${id}:`, id)('version', held.version, wire.version)
}
