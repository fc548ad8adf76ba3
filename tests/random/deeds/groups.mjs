// What is done to groups: making them, coming in by each way, going out, roles, muting, everything that can be set.
import { Group } from '../ledger.mjs'

const membersKey = (id) => `members ${id}`
const SIZE = { least: 6, most: 16 }

/** A group, mostly one of this person's. */
function groupFor({ ledger }, { account }, draw, of = () => true) {
  const there = [...ledger.groups.values()].filter((group) => !group.isDismissed && of(group))
  const mine = there.filter((group) => group.members.has(account.id))
  return draw.chance(0.03) || !mine.length ? draw.pick(there) : draw.pick(mine)
}

const managed = ({ account }, draw) => draw.chance(0.85) ? (group) => group.isAdmin(account.id) : () => true

/** Something that is done to a group; `writes`: it changes who is in it, or what one may. */
function act(world, device, group, { method = 'POST', tail = '', body, expect, done, keys = [], reads = [], isChange = true }) {
  if (!group) return null
  const user = device.account.id
  const deed = {
    conversations: [group.id],
    reads: [...reads, ...(isChange ? [] : [membersKey(group.id)])], writes: [...keys, ...(isChange ? [membersKey(group.id)] : [])],
    request: { method, path: `/groups/${group.id}${tail}`, ...(body && { body }) },
    expect: () => (group.members.has(user) ? expect(user, group) : ['not_found']),
    done: (answer) => done?.(answer, deed),
  }
  return deed
}

// ---- making and dismissing ----
const friendsOf = ({ ledger, people }, { account }) => people.filter((one) => one !== account && ledger.pair(account.id, one.id).isFriends)

/** Whether these may be brought in by this person: each a friend, and nobody blocked. */
const mayBring = ({ ledger }, user, others) => {
  const codes = others.map(({ id }) => ledger.pair(user, id)).map((pair) => (pair.blockedBy.size ? 'blocked' : pair.isFriends ? 'ok' : 'not_friends'))
  const refusals = [...new Set(codes.filter((code) => code !== 'ok'))]
  return refusals.length ? refusals : ['ok']
}

const pairKeys = (user, others, { ledger }) => others.map(({ id }) => `pair ${ledger.pair(user, id).people}`)

function create(world, device, draw) {
  const { ledger } = world
  const user = device.account.id
  const others = draw.some(friendsOf(world, device), SIZE.least)
  const policy = draw.pick(['open', 'approval', 'invite'])
  const deed = {
    conversations: [], reads: pairKeys(user, others, world), writes: [],
    request: { method: 'POST', path: '/groups', body: { name: `驿站 ${draw.below(1e6)}`, member_ids: others.map(({ id }) => id), join_policy: policy } },
    expect: () => mayBring(world, user, others),
    done({ id }) {
      const group = new Group(id, { owner: user, members: [user, ...others.map((one) => one.id)], policy }, deed.began, deed.ended)
      ledger.groups.set(id, group)
      ledger.opened(id, { group })
    },
  }
  return deed
}

/** Only while there are more groups than there were at first; then another one takes its place. */
function dismiss(world, device, draw) {
  const isOwner = draw.chance(0.8)
  const left = [...world.ledger.groups.values()].filter(({ isDismissed }) => !isDismissed).length
  const group = groupFor(world, device, draw, (one) => !isOwner || one.owner === device.account.id)
  if (group?.owner === device.account.id && left <= world.size.groups) return null
  return act(world, device, group, { method: 'DELETE', expect: (user) => [group.owner === user ? 'ok' : 'forbidden'], done: () => end(group) })
}

function end(group) {
  group.isDismissed = true
  group.members.clear()
  group.requests.clear()
  group.links.clear()
}

// ---- coming in ----
function invite(world, device, draw) {
  const user = device.account.id
  const group = groupFor(world, device, draw, ({ members }) => members.size < SIZE.most)
  if (!group) return null
  const others = draw.some(draw.chance(0.9) ? friendsOf(world, device) : world.people.filter(({ id }) => id !== user), 1 + draw.below(3))
  const isNew = ({ id }) => !group.members.has(id)
  if (!others.length) return null
  return act(world, device, group, {
    tail: '/members', body: { user_ids: others.map(({ id }) => id) }, reads: pairKeys(user, others, world),
    expect: () => (group.policy === 'approval' && !group.isAdmin(user) ? ['forbidden'] : mayBring(world, user, others.filter(isNew))),
    done(_, { began, ended }) {
      for (const { id } of others.filter(isNew)) enter(world, group, id, began, ended)
    },
  })
}

/** Somebody is in, and begins anew: what he asked for is settled, what he once cleared away is as for anybody else. */
function enter({ ledger }, group, user, began, ended) {
  group.join(user, began, ended)
  ledger.conversations.get(group.id).clearedBy?.delete(user)
  for (const [id, of] of group.requests) if (of === user) group.requests.delete(id)
}

/** Somebody who is outside asks, or walks in where the door is open. */
function ask(world, device, draw) {
  const { ledger } = world
  const user = device.account.id
  const group = draw.pick([...ledger.groups.values()].filter(({ isDismissed, members }) => !isDismissed && members.size < SIZE.most && (draw.chance(0.1) || !members.has(user))))
  const deed = act(world, device, group, {
    tail: '/join-requests', body: { message: `let me in ${draw.below(100)}` },
    done({ id, state }, { began, ended }) {
      if (state === 'accepted') enter(world, group, user, began, ended)
      else group.requests.set(id, user)
    },
  })
  if (!deed) return null
  const withOwner = () => ledger.pair(user, group.owner)
  deed.reads.push(`pair ${withOwner().people}`)
  deed.expect = () => {
    if (group.isDismissed || (group.policy === 'invite' && !group.members.has(user))) return ['not_found']
    return [group.members.has(user) ? 'conflict' : withOwner().blockedBy.has(group.owner) ? 'blocked' : 'ok']
  }
  return deed
}

const decide = (word) => (world, device, draw) => {
  const group = groupFor(world, device, draw, (one) => one.requests.size > 0 && managed(device, draw)(one))
  if (!group) return null
  const [id, user] = draw.pick([...group.requests])
  return act(world, device, group, {
    tail: `/join-requests/${id}/${word}`, keys: [`request ${id}`],
    // What was decided meanwhile is a conflict, unless it was decided the same way.
    expect: (me) => (group.isAdmin(me) ? ['ok', ...(group.requests.has(id) ? [] : ['conflict'])] : ['forbidden']),
    done(_, { began, ended }) {
      if (group.requests.delete(id) && word === 'accept') enter(world, group, user, began, ended)
    },
  })
}

function makeLink(world, device, draw) {
  const uses = draw.chance(0.5) ? 1 + draw.below(3) : undefined
  return act(world, device, groupFor(world, device, draw, managed(device, draw)), {
    tail: '/invite-links', body: { expires_in: 3600, ...(uses && { max_uses: uses }) }, isChange: false,
    expect: (user, group) => [group.isAdmin(user) ? 'ok' : 'forbidden'],
    done({ id, token }, { request }) {
      world.ledger.groups.get(request.path.split('/')[2]).links.set(id, { token, left: uses ?? Infinity })
    },
  })
}

function revokeLink(world, device, draw) {
  const group = groupFor(world, device, draw, ({ links }) => links.size > 0)
  if (!group) return null
  const [id] = draw.pick([...group.links])
  return act(world, device, group, { method: 'DELETE', tail: `/invite-links/${id}`, keys: [`link ${id}`], isChange: false,
    expect: (user) => [group.isAdmin(user) ? 'ok' : 'forbidden'], done: () => (group.links.get(id).left = 0) })
}

function joinByLink(world, device, draw) {
  const user = device.account.id
  const all = [...world.ledger.groups.values()].filter(({ members }) => members.size < SIZE.most).flatMap((group) => [...group.links].map(([id, link]) => ({ id, group, link })))
  if (!all.length) return null
  const { id, group, link } = draw.pick(all)
  return {
    conversations: [group.id], writes: [membersKey(group.id), `link ${id}`], request: { method: 'POST', path: `/join/${link.token}` },
    expect: () => [link.left && !group.isDismissed ? 'ok' : 'link_expired'],
    done(_, { status }) {
      if (status !== 201) return
      link.left--
      enter(world, group, user, this.began, this.ended)
    },
  }
}

// ---- going out ----
function leave(world, device, draw) {
  const group = groupFor(world, device, draw, ({ members }) => members.size > SIZE.least)
  return act(world, device, group, { method: 'DELETE', tail: '/members/me', expect: (user) => [group.owner === user ? 'conflict' : 'ok'],
    done: () => group.members.delete(device.account.id) })
}

const somebodyIn = (group, draw) => draw.pick([...group.members.keys()])

function kick(world, device, draw) {
  const group = groupFor(world, device, draw, (one) => one.members.size > SIZE.least && managed(device, draw)(one))
  if (!group) return null
  const victim = draw.chance(0.05) ? draw.pick(world.people).id : somebodyIn(group, draw)
  if (victim === device.account.id) return null
  return act(world, device, group, {
    method: 'DELETE', tail: `/members/${victim}`,
    expect: (user) => [!group.members.has(victim) ? 'not_found' : group.isAbove(user, victim) ? 'ok' : 'forbidden'],
    done: () => group.members.delete(victim),
  })
}

// ---- what members may ----
/** A change of one member. */
function member(world, device, draw, body, expect, done) {
  const group = groupFor(world, device, draw, managed(device, draw))
  if (!group?.members.size) return null
  const one = somebodyIn(group, draw)
  return act(world, device, group, { method: 'PATCH', tail: `/members/${one}`, body,
    expect: (user) => (group.members.has(one) ? expect(user, group, one) : ['not_found']), done: () => done(group, one) })
}

function role(world, device, draw) {
  const to = draw.pick(['admin', 'member'])
  return member(world, device, draw, { role: to },
    (user, group, one) => [group.owner === user && one !== user ? 'ok' : 'forbidden'], (group, one) => (group.members.get(one).role = to))
}

function mute(world, device, draw) {
  const until = draw.chance(0.3) ? null : Date.now() + draw.pick([-1000, 3000, 10_000, 3_600_000])
  return member(world, device, draw, { muted_until: until },
    (user, group, one) => [group.isAbove(user, one) ? 'ok' : 'forbidden'], (group, one) => group.mutes.set(one, until ?? 0))
}

function nickname(world, device, draw) {
  return act(world, device, groupFor(world, device, draw), { method: 'PATCH', tail: '/members/me', isChange: false,
    body: { nickname: draw.chance(0.2) ? null : `nick ${draw.below(100)}` }, expect: () => ['ok'] })
}

function owner(world, device, draw) {
  const group = groupFor(world, device, draw, (one) => draw.chance(0.2) || one.owner === device.account.id)
  if (!group?.members.size) return null
  const to = draw.chance(0.05) ? draw.pick(world.people).id : somebodyIn(group, draw)
  return act(world, device, group, {
    tail: '/owner', body: { user_id: to },
    expect: (user) => [group.owner !== user ? 'forbidden' : group.members.has(to) ? 'ok' : 'not_found'],
    done() {
      group.members.get(device.account.id).role = 'admin'
      group.members.get(to).role = 'owner'
      group.mutes.delete(to)
    },
  })
}

// ---- what a group is ----
const settings = (choose) => (world, device, draw) => {
  const body = choose(draw)
  return act(world, device, groupFor(world, device, draw, managed(device, draw)), {
    method: 'PATCH', body, expect: (user, group) => [group.isAdmin(user) ? 'ok' : 'forbidden'],
    keys: 'strangers_may_write' in body ? world.people.map(({ id }) => `stranger ${id}`) : [],
    done: (_, { request }) => apply(world.ledger.groups.get(request.path.split('/')[2]), body),
  })
}

function apply(group, { join_policy: policy, mute_all: isMuted, history_for_new: showsHistory, strangers_may_write: mayStrangers }) {
  const said = Object.entries({ policy, isMuted, showsHistory, mayStrangers }).filter(([, value]) => value !== undefined)
  Object.assign(group, Object.fromEntries(said))
}

const rename = settings((draw) => ({ name: `${draw.pick(['茶馆', 'Post', 'Почта'])} ${draw.below(1000)}` }))
const announce = settings((draw) => ({ announcement: draw.chance(0.2) ? null : `Today at ${draw.below(24)}` }))
const muteAll = settings((draw) => ({ mute_all: draw.chance(0.35) }))
const rules = settings((draw) => draw.pick([{ join_policy: draw.pick(['open', 'approval', 'invite']) }, { history_for_new: draw.chance(0.5) },
  { strangers_may_write: draw.chance(0.5) }, { join_policy: 'open', name: `open ${draw.below(99)}` }]))

export const GROUPS = {
  create: [0.08, create], dismiss: [0.1, dismiss], invite: [1.2, invite], ask: [1.2, ask], accept_in: [0.6, decide('accept')], decline_in: [0.15, decide('decline')],
  makeLink: [0.3, makeLink], revokeLink: [0.1, revokeLink], joinByLink: [0.6, joinByLink], leave: [0.8, leave], kick: [1, kick], role: [0.7, role], mute: [0.8, mute],
  nickname: [0.5, nickname], owner: [0.3, owner], rename: [0.4, rename], announce: [0.4, announce], muteAll: [0.3, muteAll], rules: [0.5, rules],
}
