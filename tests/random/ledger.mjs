// What the test knows of the house by the answers that it got, and which answer is right for whoever asks for what. An
// answer that could be right is 'ok' or the code of a refusal; a verdict is the list of them, mostly of one.
//
// Moments are numbers that only grow: a deed has a `began` and an `ended`. What overlaps has no order that a test could know.
const inOrder = (a, b) => (BigInt(a) < BigInt(b) ? [a, b] : [b, a])

/** Two people. */
class Pair {
  constructor(a, b) {
    Object.assign(this, { people: inOrder(a, b), conversation: null, isFriends: false, blockedBy: new Set(), mayStrangers: false, request: null })
  }

  /** Whether one of them may say something. */
  get open() {
    if (this.people[0] === this.people[1] || (this.isFriends && !this.blockedBy.size)) return ['ok']
    if (this.blockedBy.size) return ['blocked']
    return [this.mayStrangers ? 'ok' : 'not_friends']
  }
}

export class Group {
  constructor(id, { owner, members, policy }, began, ended) {
    Object.assign(this, { id, policy, isMuted: false, showsHistory: false, mayStrangers: false, isDismissed: false })
    this.members = new Map()
    this.mutes = new Map() // user → until when; leaving does not end it
    for (const user of members) this.join(user, began, ended)
    this.members.get(owner).role = 'owner'
    this.requests = new Map() // id → user, those that are open
    this.links = new Map() // id → {token, left}
  }

  join(user, began, ended) {
    this.members.set(user, { role: 'member', began, ended, showsHistory: this.showsHistory })
  }

  role(user) {
    return this.members.get(user)?.role
  }

  isAdmin(user) {
    return ['admin', 'owner'].includes(this.role(user))
  }

  get owner() {
    return [...this.members].find(([, { role }]) => role === 'owner')?.[0]
  }

  /** Whether he may act on somebody: not on the owner, and an admin not on admins. */
  isAbove(user, other) {
    return this.role(user) === 'owner' ? user !== other : this.role(user) === 'admin' && this.role(other) === 'member'
  }
}

export const NEAR_MS = 1500 // two clocks that look at one moment

export class Ledger {
  constructor() {
    this.pairs = new Map()
    this.groups = new Map()
    this.conversations = new Map() // id → {id, pair or group, entries}
  }

  pair(a, b) {
    const key = inOrder(a, b).join(' ')
    if (!this.pairs.has(key)) this.pairs.set(key, new Pair(a, b))
    return this.pairs.get(key)
  }

  /** A conversation that there is now. */
  opened(id, of) {
    if (!this.conversations.has(id)) this.conversations.set(id, { id, entries: [], ...of })
    return this.conversations.get(id)
  }

  of(user) {
    return [...this.conversations.values()].filter(({ pair, group }) => (pair ? pair.people.includes(user) : group.members.has(user)))
  }

  isIn(user, { pair, group }) {
    return pair ? pair.people.includes(user) : group.members.has(user) && !group.isDismissed
  }

  // ---- verdicts ----
  /** Saying something. @param mentions ids, or 'all' */
  maySend(user, conversation, mentions = []) {
    if (!this.isIn(user, conversation)) return ['not_found']
    const { pair, group } = conversation
    if (pair) {
      const isForeign = mentions.some((id) => id !== 'all' && !pair.people.includes(id))
      return pair.open[0] !== 'ok' ? pair.open : isForeign ? ['invalid_request'] : ['ok']
    }
    const { role } = group.members.get(user)
    const mutedUntil = group.mutes.get(user) ?? 0
    const near = Math.abs(mutedUntil - Date.now()) < NEAR_MS
    const muted = mutedUntil > Date.now() || near ? ['muted'] : []
    if (muted.length && !near) return muted
    if (group.isMuted && role === 'member') return [...muted, 'group_muted']
    if (mentions.includes('all') && role === 'member') return [...muted, 'forbidden']
    if (mentions.some((id) => id !== 'all' && !group.members.has(id))) return [...muted, 'invalid_request']
    return [...muted, 'ok']
  }

  /** Whether an entry stands where he sees it. */
  sees(user, conversation, entry) {
    if (!this.isIn(user, conversation)) return ['not_found']
    if (entry.hiddenBy?.has(user)) return ['not_found']
    if (!conversation.group) return entry.ended < (conversation.clearedBy?.get(user)?.began ?? -1) ? ['not_found'] : this.clear(user, conversation, entry)
    const { began, ended, showsHistory } = conversation.group.members.get(user)
    if (showsHistory || entry.began > ended) return this.clear(user, conversation, entry)
    return entry.ended < began ? ['not_found'] : ['ok', 'not_found']
  }

  /** What he cleared away he does not see. */
  clear(user, conversation, entry) {
    const cleared = conversation.clearedBy?.get(user)
    if (!cleared || entry.began > cleared.ended) return ['ok']
    return entry.ended < cleared.began ? ['not_found'] : ['ok', 'not_found']
  }
}

/**
 * Two verdicts on one thing. Who may not know of it hears just that; of two other refusals the contract does not say which
 * comes first.
 */
export function after(first, next) {
  if (first.includes('ok')) return [...first.filter((code) => code !== 'ok'), ...next]
  return first.length === 1 && first[0] === 'not_found' ? first : [...first, ...next.filter((code) => code !== 'ok')]
}
