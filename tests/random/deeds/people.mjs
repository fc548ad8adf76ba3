// What people do to each other outside of groups: requests, friendships, remarks, blocks, strangers; and their accounts.
const pairKey = ({ people }) => `pair ${people}`
const other = ({ people }, { account }, draw) => draw.pick(people.filter((one) => one !== account))

/** Something between two people. */
function between(pair, request, expect, done, more = {}) {
  return { conversations: pair.conversation ? [pair.conversation] : [], writes: [pairKey(pair)], request, expect, done, ...more }
}

/** Those with whom this person stands like this. */
function those({ ledger, people }, { account }, how) {
  return people.filter((one) => one !== account && how(ledger.pair(account.id, one.id), one))
}

function becomeFriends(ledger, pair, conversation) {
  Object.assign(pair, { isFriends: true, request: null, conversation })
  ledger.opened(conversation, { pair })
}

// ---- requests ----
function befriend(world, device, draw, wish) {
  const { ledger } = world
  const { id } = device.account
  const to = wish?.to ?? other(world, device, draw)
  const pair = ledger.pair(id, to.id)
  return between(pair, { method: 'POST', path: '/friend-requests', body: { user_id: to.id, message: `n ${draw.below(1000)}` } },
    () => [pair.blockedBy.size ? 'blocked' : pair.isFriends ? 'conflict' : 'ok'],
    async (request) => {
      if (request.state === 'pending') pair.request = { id: request.id, from: request.from.id }
      else becomeFriends(ledger, pair, pair.conversation ?? (await device.read(`/friends?limit=200`)).items.find(({ user }) => user.id === to.id)?.conversation_id)
    }, { reads: [] })
}

/** Who asks whom, by `mine` I or the other. */
function requested(world, device, draw, mine) {
  const { id } = device.account
  const is = ({ request }) => request && (request.from === id) === mine
  const somebody = draw.pick(those(world, device, is))
  return somebody && world.ledger.pair(id, somebody.id)
}

/** What was decided meanwhile is a conflict, unless it was decided the same way. */
const stillOpen = (pair, { id } = pair.request) => () => (pair.request?.id === id ? ['ok'] : ['ok', 'conflict'])

function accept(world, device, draw, wish) {
  const { ledger } = world
  const pair = wish ? ledger.pair(device.account.id, wish.from.id) : requested(world, device, draw, false)
  if (!pair?.request) return null
  return between(pair, { method: 'POST', path: `/friend-requests/${pair.request.id}/accept` }, stillOpen(pair),
    (friend) => becomeFriends(ledger, pair, friend.conversation_id))
}

const endOf = (mine, method, way) => (world, device, draw) => {
  const pair = requested(world, device, draw, mine)
  if (!pair) return null
  const { id } = pair.request
  return between(pair, { method, path: `/friend-requests/${id}${way}` }, stillOpen(pair), () => pair.request?.id === id && (pair.request = null))
}

// ---- friends and blocks ----
function ofFriend(world, device, draw, request, done) {
  const friend = draw.pick(those(world, device, ({ isFriends }) => isFriends))
  if (!friend) return null
  const pair = world.ledger.pair(device.account.id, friend.id)
  return between(pair, { ...request, path: `/friends/${friend.id}` }, () => [pair.isFriends ? 'ok' : 'not_found'], () => done?.(pair))
}

const unfriend = (world, device, draw) => ofFriend(world, device, draw, { method: 'DELETE' }, (pair) => Object.assign(pair, { isFriends: false, mayStrangers: false }))
const remark = (world, device, draw) => ofFriend(world, device, draw,
  { method: 'PATCH', body: draw.chance(0.7) ? { remark: `老${draw.below(50)}` } : { tag: draw.chance(0.3) ? null : `t${draw.below(3)}` } })

function block(world, device, draw) {
  const somebody = other(world, device, draw)
  const pair = world.ledger.pair(device.account.id, somebody.id)
  return between(pair, { method: 'PUT', path: `/blocks/${somebody.id}` }, () => ['ok'], () => {
    pair.blockedBy.add(device.account.id)
    pair.request = null
  })
}

function unblock(world, device, draw) {
  const somebody = draw.pick(those(world, device, ({ blockedBy }) => blockedBy.has(device.account.id)))
  if (!somebody) return null
  const pair = world.ledger.pair(device.account.id, somebody.id)
  return between(pair, { method: 'DELETE', path: `/blocks/${somebody.id}` }, () => ['ok'], () => pair.blockedBy.delete(device.account.id))
}

// ---- conversations ----
function notebook({ ledger }, device) {
  const { id } = device.account
  const pair = ledger.pair(id, id)
  return between(pair, { method: 'POST', path: '/conversations', body: { user_id: id } }, () => ['ok'],
    (conversation) => ledger.opened((pair.conversation = conversation.id), { pair }))
}

/** Begins a conversation with somebody, who is mostly no friend: his setting decides, or a group where both are. */
function stranger(world, device, draw) {
  const { ledger } = world
  const { id } = device.account
  const somebody = other(world, device, draw)
  const pair = ledger.pair(id, somebody.id)
  const mayBegin = () => somebody.mayStrangers || [...ledger.groups.values()].some((group) => group.mayStrangers && !group.isDismissed && group.members.has(id) && group.members.has(somebody.id))
  return between(pair, { method: 'POST', path: '/conversations', body: { user_id: somebody.id } },
    () => {
      if (pair.conversation) return ['ok']
      return pair.blockedBy.size ? ['blocked'] : [pair.isFriends || pair.mayStrangers || mayBegin() ? 'ok' : 'not_friends']
    },
    (conversation) => {
      pair.conversation = conversation.id
      ledger.opened(conversation.id, { pair })
      if (!pair.isFriends && !pair.blockedBy.size && mayBegin()) pair.mayStrangers = true
    }, { reads: [`stranger ${somebody.id}`, `stranger ${id}`] })
}

// ---- the own account ----
function account({ ledger }, device, draw) {
  const { account: me } = device
  const mayStrangers = draw.chance(0.5)
  const body = draw.chance(0.5) ? { nickname: `${me.name} ${draw.below(100)}` } : { settings: { strangers_may_write: mayStrangers, findable: draw.chance(0.5) } }
  const isSetting = body.settings !== undefined
  const pairs = isSetting ? [...ledger.pairs.values()].filter(({ people }) => people.includes(me.id)) : []
  return { conversations: [], writes: isSetting ? [`stranger ${me.id}`, ...pairs.map(pairKey)] : [], request: { method: 'PATCH', path: '/me', body }, expect: () => ['ok'],
    done() {
      if (!isSetting) return
      if (!mayStrangers && me.mayStrangers) for (const pair of ledger.pairs.values()) if (pair.people.includes(me.id)) pair.mayStrangers = false
      me.mayStrangers = mayStrangers
    } }
}

export const PEOPLE = {
  befriend: [0.8, befriend], accept: [0.6, accept], decline: [0.4, endOf(false, 'POST', '/decline')], withdraw: [0.3, endOf(true, 'DELETE', '')],
  unfriend: [0.15, unfriend], remark: [0.6, remark], block: [0.2, block], unblock: [0.4, unblock], notebook: [0.05, notebook], stranger: [0.6, stranger], account: [0.6, account],
}
