// What is done through the client reaches the logs at once, and what the house tells of it reaches them once.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemOf, textOf, type Client, type ClientEvent, type Conversation, type Entry, type Group, type HouseEvent } from '../index'
import { entry, hang, House, json, lost, nothing, problem, row, SharedStorage, signedIn } from './house'
import { LogHouse, range } from './log-house'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms)
const LOG = 'GET /conversations/9/messages'
const seqs = (client: Client) => client.log('9').entries.map(({ seq }) => seq)
const bodies = (house: House, route: string) => house.of(route).map(({ body }) => body)

function conversation(over: Partial<Conversation> = {}): Conversation {
  return {
    id: '9', kind: 'group', peer: null, group: null, last_entry: null, last_seq: 5, first_seq: 1, read_seq: 0, peer_read_seq: null, unread: 0,
    mentioned: false, pinned: false, notify: 'all', draft: null, remark: null, marked_unread: false, version: 5, ...over,
  }
}

const group = (over: Partial<Group> = {}): Group => ({
  id: '9', name: 'Walkers', avatar_file_id: null, announcement: null, announcement_by: null, announcement_at: null, join_policy: 'invite',
  mute_all: false, history_for_new: false, strangers_may_write: false, owner_id: '1', member_count: 3, my_role: 'owner', my_nickname: '',
  my_muted_until: null, version: 1, ...over,
})

/** Conversation 9 as `log` has it. */
function serve(house: House, log: LogHouse): void {
  house.on(LOG, async ({ query }) => {
    const asked = Object.fromEntries([...query].map(([name, value]) => [name, Number(value)]))
    return json(await log.page({ limit: 50, ...asked }))
  })
}

async function reader(said = 5) {
  const house = new House()
  const log = new LogHouse(said)
  serve(house, log)
  const client = await signedIn(house)
  await client.log('9').loadNewest()
  return { house, log, client }
}

/** Hears these events, after the first resync. */
async function hear(house: House, client: Client, ...events: HouseEvent[]): Promise<ClientEvent[]> {
  house.on('GET /stream', () => problem(404, 'not_found'))
  house.on('GET /poll', row(
    () => json({ cursor: 'e.0', events: [], resync: true }),
    () => json({ cursor: 'e.1', events }),
    ({ signal }) => hang(signal),
  ))
  const stop = new AbortController()
  const heard: ClientEvent[] = []
  const ended = (async () => {
    for await (const event of client.events({ signal: stop.signal })) heard.push(event)
  })()
  await tick(20_000)
  stop.abort()
  await ended
  return heard
}

test('an edit, a reaction: the answer is in the log, the event changes nothing more', async () => {
  const { house, log, client } = await reader()
  house.on('PATCH /conversations/9/messages/2', () => {
    log.operate('edit', 2)
    return json(log.wire(2))
  })
  const edited = await client.messages.edit('9', 2, 'better')
  expect(bodies(house, 'PATCH /conversations/9/messages/2')).toEqual([{ content: { text: 'better' } }])
  expect(client.log('9').entries[1]).toEqual(edited)

  const before = client.log('9').entries
  await hear(house, client, { type: 'entry', entry: log.wire(6) })
  expect(client.log('9').entries).toBe(before)
  expect(client.log('9').covers).toEqual([1, 6])
})

test('an emoji travels in the path, whatever it is made of', async () => {
  const { house, log, client } = await reader()
  const path = `/conversations/9/messages/3/reactions/${encodeURIComponent('👩‍🚀')}`
  house.on(`PUT ${path}`, row(lost, () => json(log.wire(3)))).on(`DELETE ${path}`, () => json(log.wire(3)))
  house.on('PUT /conversations/9/messages/3/reactions/%23', () => json(log.wire(3)))
  await expect(client.messages.react('9', 3, '👩‍🚀')).rejects.toMatchObject({ code: 'offline' })
  await client.messages.react('9', 3, '👩‍🚀')
  await client.messages.unreact('9', 3, '👩‍🚀')
  await client.messages.react('9', 3, '#')
})

test('a recall, and hiding for me', async () => {
  const { house, log, client } = await reader()
  house.on('DELETE /conversations/9/messages/4', ({ query }) => {
    expect(query.get('for')).toBe(null)
    return nothing()
  })
  await client.messages.recall('9', 4)
  house.on('DELETE /conversations/9/messages/2', ({ query }) => {
    expect(query.get('for')).toBe('me')
    return nothing()
  })
  await client.messages.hide('9', 2)
  expect(seqs(client)).toEqual([1, 3, 4, 5])
  await hear(house, client, { type: 'entry', entry: log.operate('recall', 4) }, { type: 'entry.hidden', conversation_id: '9', seq: 5 })
  expect(client.log('9').entries.map(({ seq, recalled_at }) => [seq, recalled_at])).toEqual([[1, null], [3, null], [4, 6]])
})

test('a refusal of what I do to a message leaves it as it is', async () => {
  const { house, client } = await reader()
  house.on('DELETE /conversations/9/messages/2', () => problem(403, 'window_passed'))
  await expect(client.messages.recall('9', 2)).rejects.toMatchObject({ code: 'window_passed' })
  await expect(client.messages.hide('9', 2)).rejects.toMatchObject({ code: 'window_passed' })
  expect(seqs(client)).toEqual(range(1, 5))
})

test('a forward is repeated with the same id, and is in the log and told to the other tabs', async () => {
  const { house, log } = await reader()
  const shared = new SharedStorage()
  const client = await signedIn(house, { storage: shared.tab() })
  const heard: string[] = []
  shared.tab().subscribe?.((key, value) => value && heard.push(key))
  await client.log('9').loadNewest()
  const said: Entry[] = []
  client.on('sent', (one) => said.push(one))
  house.on('POST /conversations/9/forward', row(() => problem(504, 'outcome_unknown'), () => json({ items: [log.say({ sender_id: '1' }), log.say({ sender_id: '1' })] }, 201)))
  await client.messages.forward('9', { from: '8', seqs: [3, 7], mode: 'each' })
  const [first, second] = bodies(house, 'POST /conversations/9/forward')
  expect(first).toMatchObject({ from_conversation_id: '8', seqs: [3, 7], mode: 'each' })
  expect(second).toEqual(first)
  expect(seqs(client)).toEqual(range(1, 7))
  expect(said.map(({ seq }) => seq)).toEqual([6, 7])
  expect(heard.filter((key) => key === 'posthouse.sent')).toHaveLength(2)
})

test('clearing is never repeated by itself; then the log begins anew, for whoever looks at it too', async () => {
  const { house, log, client } = await reader()
  const stop = client.log('9').subscribe(() => undefined)
  house.on('DELETE /conversations/9', row(() => problem(504, 'outcome_unknown'), () => {
    log.floor = 6
    return nothing()
  }))
  await expect(client.conversations.clear('9')).rejects.toMatchObject({ code: 'outcome_unknown' })
  expect(house.of('DELETE /conversations/9')).toHaveLength(1)
  await client.conversations.clear('9')
  await tick(10)
  expect([seqs(client), client.log('9').covers]).toEqual([[], [6, 5]])
  stop()
})

test('a conversation removed on another device; an older word of it changes nothing', async () => {
  const { house, log, client } = await reader()
  house.on('GET /conversations/9', () => json(conversation({ version: 7 })))
  await client.conversations.get('9')
  await hear(house, client, { type: 'conversation.removed', conversation_id: '9', version: 6 })
  expect(seqs(client)).toEqual(range(1, 5))
  log.floor = 6
  await hear(house, client, { type: 'conversation.removed', conversation_id: '9', version: 8 })
  expect(seqs(client)).toEqual([])
  await client.log('9').loadNewest()
  expect(client.log('9').covers).toEqual([6, 5])
})

test('a conversation says from where on it is mine to see; an older one does not', async () => {
  const { house, client } = await reader()
  house.on('PATCH /conversations/9', row(() => json(conversation({ first_seq: 4, version: 9 })), () => json(conversation({ version: 8 }))))
  await client.conversations.update('9', { pinned: true })
  expect(seqs(client)).toEqual([4, 5])
  await client.conversations.update('9', { draft: 'half' })
  expect([client.log('9').covers, client.log('9').hasOlder]).toEqual([[4, 5], false])
})

test('out of a group: nothing of it is kept; in again, it begins where I came in', async () => {
  const { house, log, client } = await reader()
  await hear(house, client, { type: 'conversation', conversation: conversation({ version: 9 }) }, { type: 'group.left', conversation_id: '9', reason: 'removed', version: 8 })
  expect(seqs(client)).toEqual(range(1, 5))
  house.on(LOG, () => problem(404, 'not_found'))
  await hear(house, client, { type: 'group.left', conversation_id: '9', reason: 'removed', version: 10 })
  expect([seqs(client), client.log('9').covers]).toEqual([[], null])
  await expect(client.log('9').loadNewest()).rejects.toMatchObject({ code: 'not_found' })

  log.say()
  log.floor = 7
  const joined = log.say()
  serve(house, log)
  await hear(house, client, { type: 'conversation', conversation: conversation({ version: 12, first_seq: 7 }) }, { type: 'entry', entry: joined })
  await client.log('9').loadNewest()
  expect([seqs(client), client.log('9').hasOlder]).toEqual([[7], false])
})

test('leaving and dismissing drop the log; a sync that says so too', async () => {
  for (const [route, leave] of [
    ['DELETE /groups/9/members/me', (client: Client) => client.groups.leave('9')],
    ['DELETE /groups/9', (client: Client) => client.groups.dismiss('9')],
    ['POST /sync', (client: Client) => client.conversations.sync([conversation()])],
  ] as const) {
    const { house, client } = await reader()
    house.on(route, () => (route === 'POST /sync' ? json({ items: [], removed: ['9'], next: null }) : nothing()))
    await leave(client)
    expect([route, client.log('9').covers]).toEqual([route, null])
  }
})

test('groups: what makes something carries a key, and the same one when it is repeated', async () => {
  const { house, client } = await reader()
  const once = row(() => problem(504, 'outcome_unknown'), () => json(group(), 201))
  house.on('POST /groups', once).on('POST /groups/9/members', row(() => problem(504, 'outcome_unknown'), () => json(group())))
  expect(await client.groups.create({ name: 'Walkers', member_ids: ['2'] })).toEqual(group())
  await client.groups.addMembers('9', ['3', '4'])
  expect(bodies(house, 'POST /groups')).toEqual(Array(2).fill({ name: 'Walkers', member_ids: ['2'], join_policy: 'invite' }))
  expect(bodies(house, 'POST /groups/9/members')).toEqual(Array(2).fill({ user_ids: ['3', '4'] }))
  for (const route of ['POST /groups', 'POST /groups/9/members']) {
    const keys = house.of(route).map(({ headers }) => headers.get('Idempotency-Key'))
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/)
    expect(keys[1]).toBe(keys[0])
  }
  house.on('POST /groups/9/owner', () => problem(504, 'outcome_unknown'))
  await expect(client.groups.handOver('9', '2')).rejects.toMatchObject({ code: 'outcome_unknown' })
  expect(house.of('POST /groups/9/owner')).toHaveLength(1)
})

test('lists are read whole, page by page', async () => {
  const { house, client } = await reader()
  const pages = (items: unknown[][]) => row(...items.map((page, at) => () => json({ items: page, next_cursor: at + 1 < items.length ? `c${at}` : null })))
  house.on('GET /groups', pages([[group()], [group({ id: '10' })]]))
  house.on('GET /groups/9/join-requests', pages([[{ id: '1' }], [{ id: '2' }]]))
  house.on('GET /conversations/9/pins', pages([[{ pinned_by: '1' }], []]))
  expect((await client.groups.all()).map(({ id }) => id)).toEqual(['9', '10'])
  expect((await client.groups.allJoinRequests('9')).map(({ id }) => id)).toEqual(['1', '2'])
  expect(await client.conversations.pins('9')).toHaveLength(1)
  expect(house.of('GET /groups')[1]?.query.get('cursor')).toBe('c0')
})

test('search, readers and who reacted ask for what was said', async () => {
  const { house, client } = await reader()
  const empty = () => json({ items: [], next_cursor: null, read_count: 0, unread_count: 0 })
  house.on('GET /search/messages', empty).on('GET /conversations/9/messages/3/readers', empty).on('GET /conversations/9/messages/3/reactions', empty)
  await client.history.search({ q: '驿站 post', type: 'text', from: 5, limit: 20 })
  await client.messages.readers('9', 3, { read: false })
  await client.messages.reactions('9', 3, { emoji: '👍' })
  const asked = house.asked.slice(-3).map(({ query }) => Object.fromEntries(query))
  expect(asked).toEqual([{ q: '驿站 post', type: 'text', from: '5', limit: '20' }, { read: 'false' }, { emoji: '👍' }])
})

test('what an entry says: a text, the house, nothing of a recalled one', () => {
  expect([textOf(entry(1)), systemOf(entry(1))]).toEqual(['text 1', null])
  expect(textOf(entry(1, { content: {}, recalled_at: 2 }))).toBe(null)
  const system = entry(1, { type: 'system', content: { code: 'group.muted', params: { by: '1' } as never } })
  expect([textOf(system), systemOf(system)]).toEqual([null, { code: 'group.muted', params: { by: '1' } }])
})
