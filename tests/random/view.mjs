// What one device knows: people, and of each conversation its facts, its marks, its log, and of a group its members and
// pins. It changes only by what the house says (events, pages, answers); asking is device.mjs's part. It judges one thing:
// whether what it is told fits what it was told before (`faults`).
import { Log, canonical } from './log.mjs'

const FACTS = ['kind', 'pinned', 'notify', 'draft', 'remark', 'marked_unread', 'first_seq']

/** Values by key and version: what is not newer than what is known is not taken. */
class Versioned {
  all = new Map()

  /** @param value null: it is no more */
  take(key, version, value) {
    const known = this.all.get(key)
    if (!known || version > known.version) this.all.set(key, { version, value })
  }

  /** A snapshot: what is not in it is no more, though no version says since when. */
  only(keys) {
    for (const key of this.all.keys()) if (!keys.includes(key)) this.all.delete(key)
  }

  get there() {
    return [...this.all.values()].filter(({ value }) => value !== null).map(({ value }) => value)
  }
}

export const friendOf = ({ user, remark, tag, conversation_id }) => ({ user, remark, tag, conversation_id })
export const requestOf = ({ id, from, to, message, state }) => ({ id, from: from.id, to: to.id, message, state })

export class View {
  constructor(me) {
    this.me = me
    this.faults = []
    this.forget()
  }

  fault = (what) => void (this.faults.length < 20 && this.faults.push(what))

  forget() {
    this.account = null
    this.friends = new Versioned()
    this.blocks = new Versioned()
    this.requests = new Map()
    this.conversations = new Map()
  }

  // ---- people ----
  takeMe(user) {
    if (!this.account || user.version >= this.account.version) this.account = user
  }

  /** The friendship has a version of its own, beside that of the person. */
  takeFriend(friend) {
    this.friends.take(friend.user.id, friend.version, { friend: friendOf(friend) })
    this.takeUser(friend.user)
  }

  takeUser(user) {
    for (const { friend } of this.friends.there) if (friend.user.id === user.id && user.version > friend.user.version) friend.user = user
  }

  takeRequest(request) {
    if (request.state === 'pending') this.requests.set(request.id, requestOf(request))
    else this.requests.delete(request.id)
  }

  // ---- conversations ----
  /** A conversation as it is now; the one that is held afterwards, and whether it was there before. */
  take(wire) {
    const { id, version } = wire
    let held = this.conversations.get(id)
    const isNew = !held
    const isCleared = wire.first_seq > 1 && !wire.last_entry // nothing is left of it: it is not in the list
    if (isNew) {
      held = new Conversation(this, wire)
      this.conversations.set(id, held)
    }
    const isNewer = isNew || version > held.version || (version === held.version && !held.isListed)
    const isCut = isNewer && wire.first_seq > (held.facts?.first_seq ?? wire.first_seq) // by another device, or he left and came again
    if (isCut) held.cut(wire.first_seq)
    if (isCut || isNew) held.isListed = !isCleared
    else if (isNewer && !held.isListed && wire.last_entry) held.show(wire.last_seq)
    if (isNewer) held.takeFacts(wire)
    if (wire.group) held.takeGroup(wire.group)
    held.raise(wire.read_seq, wire.peer_read_seq)
    return { held, isNew }
  }

  takeLeft({ conversation_id: id, version }) {
    const held = this.conversations.get(id)
    if (held && version >= held.version) this.conversations.delete(id)
  }

  /** Everything that the last message brings back is read anew then. */
  takeRemoved({ conversation_id: id, version }) {
    const held = this.conversations.get(id)
    if (held && version >= held.version) held.clear(version)
  }
}

class Conversation {
  constructor(view, wire) {
    Object.assign(this, { view, id: wire.id, me: view.me, version: 0, peer: wire.peer?.id ?? null, group: null, isListed: true })
    this.marks = { mine: 0, peer: null }
    this.reset(wire.last_seq)
  }

  /** Nothing is held of what was said up to `last`. */
  reset(last) {
    this.log = new Log(this.me, last, (what) => this.view.fault(`conversation ${this.id}: ${what}`))
    this.members = this.pins = null
  }

  clear(version) {
    this.version = version
    this.isListed = false
    this.reset(this.log.hi)
  }

  /** What was said before is no more for this reader. */
  cut(first) {
    this.log.forgetBelow(first)
    this.members = this.pins = null
  }

  /** Something is shown in it again. */
  show(last) {
    this.isListed = true
    this.reset(last)
  }

  takeFacts(wire) {
    this.version = wire.version
    this.facts = Object.fromEntries(FACTS.map((name) => [name, wire[name]]))
  }

  takeGroup(group) {
    if (this.group && group.version < this.group.version) return
    const [before, now] = [this.group ?? group, group].map(({ my_muted_until, ...rest }) => canonical(rest)) // a mute ends by itself
    if (this.group?.version === group.version && before !== now) this.view.fault(`group ${this.id} in version ${group.version} is ${before} and ${now}`)
    this.group = group
  }

  raise(mine, peer) {
    this.marks.mine = Math.max(this.marks.mine, mine)
    if (peer !== null && peer !== undefined) this.marks.peer = Math.max(this.marks.peer ?? 0, peer)
  }

  /** Reading takes the mark "unread" away; an old event that is told again does not. */
  takeRead({ user_id, read_seq, version }) {
    if (user_id !== this.me) return this.raise(0, read_seq)
    this.raise(read_seq, this.peer === this.me ? read_seq : null)
    if (version >= this.version) this.facts.marked_unread = false
  }

  // ---- its log ----
  /** The next item of the log; false if something is missing before it. */
  next(item) {
    const { hi } = this.log
    if (!this.log.next(item)) return false
    if (item.seq > hi) this.happened(item)
    return true
  }

  /** What the house says, and what a recall does to pins, done to what is held of members and pins. */
  happened({ seq, type, content }) {
    if (type === 'recall') this.pins?.delete(content.target_seq)
    if (type !== 'system') return
    const { code, params } = content
    if (code === 'entry.pinned') this.pins?.add(params.seq)
    if (code === 'entry.unpinned') this.pins?.delete(params.seq)
    if (this.members && CHANGES[code]) CHANGES[code](this.members, params, seq)
  }

  /** Members or pins as they were read when the log was held up to `asOf`: what was said since is done to them again. */
  takeList(name, value, asOf) {
    this[name] = value
    for (let seq = asOf + 1; seq <= this.log.hi; seq++) {
      const said = this.log.entries.get(seq)
      const operation = this.log.operations.get(seq)
      if (said?.isSystem) this.happened({ seq, type: 'system', content: said.content })
      if (operation) this.happened({ seq, type: operation.type, content: { target_seq: operation.target } })
    }
  }

  // ---- what follows from it ----
  get unread() {
    return Math.min(999, this.waiting().length)
  }

  get mentioned() {
    return this.waiting().some(({ mentions }) => mentions)
  }

  waiting() {
    return this.log.shown().filter(({ seq, counts }) => counts && seq > this.marks.mine)
  }
}

/** Somebody came; whether he is muted still from an earlier time is not said. */
const member = () => ({ role: 'member', muted_until: undefined })
const change = (members, id, to) => void (members.has(id) && Object.assign(members.get(id), to))

/** What each system entry of a group does to its members. */
const CHANGES = {
  'member.added': (members, { user_ids }) => user_ids.forEach((id) => members.set(id, member())),
  'member.joined': (members, { user_id }) => members.set(user_id, member()),
  'member.left': (members, { user_id }) => members.delete(user_id),
  'member.removed': (members, { user_id }) => members.delete(user_id),
  'group.owner': (members, { from, to }) => {
    change(members, from, { role: 'admin' })
    change(members, to, { role: 'owner', muted_until: null }) // nobody could let him speak again
  },
  'group.role': (members, { user_id, role }) => change(members, user_id, { role }),
  'group.member_muted': (members, { user_id, until }) => change(members, user_id, { muted_until: until }),
  'group.member_unmuted': (members, { user_id }) => change(members, user_id, { muted_until: null }),
}
