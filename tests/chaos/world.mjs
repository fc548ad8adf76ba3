// The people of a run: pairs of friends and their notebooks, and groups in which some come and go, each person with some
// devices. They live in rounds: faults strike while they talk; then everything heals, everybody falls silent, and whatever
// was said has five seconds to arrive.
import { createHash } from 'node:crypto'

import { until } from '../lib/house.mjs'
import { pause } from './client.mjs'
import { Device } from './device.mjs'
import { ask } from './http.mjs'
import { print, sum } from './history.mjs'

export const HEAL_MS = 5000
const GIVEN_UP_MS = 20_000 // how long a late arrival is awaited, to say how late it was
const READY_MS = 60_000
const HABITS = { thinkMs: 700, burst: 4, potterMs: 2500, away: 0.02, refresh: 0.02, pollSeconds: [2, 8, 20, 20],
  shortPolls: 0.1, streams: 0.35, cuts: 0.05, pastNginx: 0.15, wander: 0.3, cursorAfterSnapshot: false }
const [STAY, WANDER] = [5, 3] // members of a group: its owner and some others, and those who come and go

export class World {
  constructor({ seed, house, history, random, habits = {}, stopsWhenLate = false }) {
    Object.assign(this, { seed, house, history, random, givenUpMs: stopsWhenLate ? HEAL_MS : GIVEN_UP_MS })
    this.base = `${house.local_url}/api/v1`
    this.sockets = house.sockets
    this.people = []
    this.devices = []
    this.groups = new Map() // id → {owner, wanderers}, accounts
    this.quiet = true
    this.over = false
    this.outside = false
    this.wakes = new Set()
    this.doing = new Set()
    this.habits = { ...HABITS, ...habits, foreign: (account) => this.foreign(account) }
  }

  isOver = () => this.over
  isQuiet = () => this.quiet
  /** Devices that do not listen, when they are all told so: every account's first one stays. */
  isOutside = ({ number }) => this.outside && number > 0 && !this.over

  /** A UUID that the seed decides. */
  uuid = () => {
    const hex = createHash('sha256').update(`${this.seed} ${this.random()} ${this.random()}`).digest('hex')
    return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5')
  }

  /** Think time; shorter when everybody falls silent or awakes. */
  rest = (ms) =>
    new Promise((done) => {
      const wake = () => {
        clearTimeout(timer)
        this.wakes.delete(wake)
        done()
      }
      const timer = setTimeout(wake, ms)
      this.wakes.add(wake)
    })

  /** Something that has to be through before it is silent. */
  busy = (doing) => {
    this.doing.add(doing)
    return doing.finally(() => this.doing.delete(doing))
  }

  turn(changes) {
    Object.assign(this, changes)
    for (const wake of [...this.wakes]) wake()
  }

  foreign(account) {
    const others = this.people.filter((one) => !one.conversations.some((id) => account.conversations.includes(id)))
    return others.length ? others[Math.floor(this.random() * others.length)].conversations[0] : '1'
  }

  /** The id of somebody whom this device alone of its account has to do with. */
  stranger({ account, number }) {
    const others = this.people.filter((one) => one !== account && !one.conversations.some((id) => account.conversations.includes(id)))
    return others[number]?.id
  }

  // ---- the beginning ----
  async post(path, token, body) {
    const answer = await ask(this.base, { method: 'POST', path, token, body, timeoutMs: 60_000, way: -1 })
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  async person(name) {
    const credentials = { username: `p${this.seed}-${name}`, password: 'chaos and order 1' }
    const account = { name, credentials, conversations: [] }
    const made = await this.post('/register', null, { ...credentials, nickname: name, device: { name: 'first', platform: 'other' } })
    const first = new Device(account, 0, this)
    first.adopt(made)
    first.note('login', 'ok', { user: account.id, session: first.session })
    const more = this.habits.more ?? 1 + Math.floor(this.random() * 2)
    const others = Array.from({ length: more }, (_, n) => new Device(account, n + 1, this))
    await Promise.all(others.map((device) => device.signIn()))
    this.devices.push(first, ...others)
    account.first = first
    this.people.push(account)
    return { account, token: made.access_token }
  }

  /** Two people who are friends, one of them with a notebook. */
  async pair(n) {
    const [a, b] = await Promise.all([this.person(`${n}a`), this.person(`${n}b`)])
    const request = await this.post('/friend-requests', a.token, { user_id: b.account.id })
    const friend = await this.post(`/friend-requests/${request.id}/accept`, b.token, {})
    const notebook = await this.post('/conversations', a.token, { user_id: a.account.id })
    a.account.conversations.push(friend.conversation_id, friend.conversation_id, friend.conversation_id, notebook.id)
    b.account.conversations.push(friend.conversation_id)
  }

  /** A group whose door is open, for one after the other of the people; the last ones come and go. */
  async group(n) {
    const members = Array.from({ length: Math.min(STAY + WANDER, this.people.length) }, (_, i) => this.people[(n * STAY + i) % this.people.length])
    const [owner, ...others] = members
    const { id } = await this.post('/groups', owner.first.token, { name: `group ${n}`, join_policy: 'open' })
    for (const one of others) await this.post(`/groups/${id}/join-requests`, one.first.token, {})
    for (const one of members) one.conversations.push(id, id)
    this.groups.set(id, { owner, wanderers: others.slice(-Math.min(WANDER, others.length - 1)) })
  }

  async populate(pairs, groups) {
    for (let n = 0; n < pairs; n += 4) await Promise.all(Array.from({ length: Math.min(4, pairs - n) }, (_, i) => this.pair(n + i)))
    for (let n = 0; n < groups; n++) await this.group(n)
  }

  start() {
    this.living = this.devices.flatMap((device) => [device.listen(), device.talk(), device.potter()])
    this.failed = Promise.all(this.living)
  }

  // ---- rounds ----
  async round(trouble) {
    this.turn({ quiet: false })
    await Promise.race([trouble(() => this.turn({ quiet: true })), this.failed])
    await this.heal()
    await until('everybody is silent', () => !this.doing.size, { deadlineMs: READY_MS })
    await this.arrive()
  }

  async heal() {
    await until('everything runs', async () => Object.values(await this.house.processes()).every(({ state }) => state === 'RUNNING'),
      { deadlineMs: READY_MS })
    await until('readyz', async () => (await ask(this.house.local_url, { path: '/api/v1/readyz', timeoutMs: READY_MS, way: -1 }).catch(() => ({}))).status === 200,
      { deadlineMs: READY_MS })
  }

  /** What the log's ends and, of who is in them now, the read marks are in the database. */
  async truth() {
    const ours = [...new Set(this.people.flatMap(({ conversations }) => conversations))]
    const ends = new Map((await this.house.sql(`SELECT id, last_seq FROM conversations WHERE id IN (${ours})`)).map(([id, seq]) => [id, Number(seq)]))
    const marks = new Map((await this.house.sql(`SELECT conversation_id, user_id, read_seq FROM members WHERE conversation_id IN (${ours}) AND left_seq IS NULL`))
      .map(([conversation, user, seq]) => [`${conversation} ${user}`, Number(seq)]))
    const [[outbox]] = await this.house.sql('SELECT COUNT(*) FROM outbox')
    return { ends, marks, outbox: Number(outbox) }
  }

  /** The sentences that say who lacks what. */
  behind({ ends, marks }) {
    const late = []
    for (const device of this.devices) {
      for (const id of new Set(device.account.conversations)) {
        const log = device.log(id)
        if (!marks.has(`${id} ${device.account.id}`)) log && late.push(`${device.who} shows the group ${id}, and is not in it`)
        else if (!(log?.to >= ends.get(id))) late.push(`${device.who} shows ${log?.to ?? 'nothing'} of ${ends.get(id)} of ${id}`)
      }
      for (const [key, { seq }] of device.marks) if (marks.has(key) && seq !== marks.get(key)) late.push(`${device.who} has ${key} read to ${seq}, it is ${marks.get(key)}`)
    }
    return late
  }

  /** Everybody has everything, in time; then the outbox, which the courier may still go through, has to be empty. */
  async arrive() {
    const began = this.history.now()
    const ms = () => Math.round(this.history.now() - began)
    const look = async () => {
      await Promise.all(this.devices.map((device) => device.lookUp()))
      const truth = await this.truth()
      return { late: this.behind(truth), outbox: truth.outbox }
    }
    const all = async (deadlineMs) => {
      let seen = await look()
      while (seen.late.length && ms() < deadlineMs) seen = await pause(50).then(look)
      return seen
    }
    let { late, outbox } = await all(HEAL_MS)
    const there = ms()
    if (late.length) {
      this.history.note('house', 'healed', 'late', { ms: there, late: late.slice(0, 20), all: late.length })
      late = (await all(this.givenUpMs)).late
    }
    while (outbox && ms() < this.givenUpMs) ({ outbox, late } = await pause(100).then(look))
    if (outbox) late.unshift(`${outbox} rows are in the outbox`)
    for (const device of this.devices) device.unsure.clear()
    this.history.note('house', 'healed', late.length ? 'never' : 'ok', { ms: late.length ? ms() : there, ...(late.length && { late: late.slice(0, 20) }) })
  }

  // ---- the end ----
  async end() {
    this.turn({ over: true })
    for (const device of this.devices) device.stop()
    await this.failed
  }

  /** The final log of each conversation, from the database and through every handler. */
  async readEverything() {
    const { ends, marks } = await this.truth()
    const members = new Map()
    for (const key of marks.keys()) {
      const [conversation, user] = key.split(' ')
      members.set(conversation, [...(members.get(conversation) ?? []), user])
    }
    const rows = await this.house.sql('SELECT conversation_id, seq, sender_id, LOWER(HEX(client_msg_id)), type, HEX(content), created_at ' +
      `FROM entries WHERE conversation_id IN (${[...ends.keys()]}) ORDER BY conversation_id, seq`)
    const logs = new Map([...ends.keys()].map((id) => [id, []]))
    for (const [conversation, seq, sender, id, type, content, created] of rows) {
      const isText = type === '0'
      const entry = { seq: Number(seq), type: isText ? 'text' : 'system', created_at: Number(created), sender_id: isText ? sender : null,
        client_msg_id: isText ? id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') : null,
        content: JSON.parse(Buffer.from(content, 'hex').toString()) }
      const { code, params, text } = entry.content
      logs.get(conversation).push({ seq: entry.seq, print: print(entry), id: entry.client_msg_id, user: entry.sender_id, type: entry.type,
        text: sum(text ?? ''), ...(this.groups.has(conversation) && !isText && { code, params }) })
    }
    for (const [conversation, entries] of logs) {
      this.history.note('house', 'truth', 'ok', { conversation, isGroup: this.groups.has(conversation), entries, last_seq: ends.get(conversation), members: members.get(conversation) ?? [],
        marks: Object.fromEntries((members.get(conversation) ?? []).map((user) => [user, marks.get(`${conversation} ${user}`)])) })
    }
    const readers = this.people.map((account) => this.devices.find((device) => device.account === account))
    await Promise.all(readers.map((device) => this.readAll(device, ends, members)))
    for (const device of readers) {
      const blocks = await device.insist('look', { path: '/blocks?limit=200' })
      device.note('blocks', 'ok', { account: device.account.id, users: blocks.body.items.map(({ user }) => user.id) })
    }
    this.history.note('house', 'answers', 'ok', Object.fromEntries([...this.history.answers].sort()))
    for (const device of this.devices) {
      device.note('ends', 'ok', { session: device.session,
        marks: [...device.marks].map(([key, { seq }]) => [...key.split(' '), seq]) })
    }
  }

  pageOf = (device, id, how, at) =>
    until('a page', () => device.page(id, how, at, 50 + device.below(150)), { deadlineMs: READY_MS })

  async readAll(device, ends, members) {
    for (const id of new Set(device.account.conversations)) {
      const log = device.log(id)
      if (!log || !members.get(id).includes(device.account.id)) continue // a group that it is not in
      for (let after = log.from - 1; after < ends.get(id);) {
        const page = await this.pageOf(device, id, 'after', after)
        after = page.covers ? page.covers[1] : Infinity
      }
      for (let before = ends.get(id) + 1; before > log.from;) {
        const page = await this.pageOf(device, id, 'before', before)
        before = page.covers ? page.covers[0] : 0
      }
      await device.page(id, 'around', log.from + device.below(ends.get(id) - log.from + 1), 1 + device.below(30))
      const one = await device.insist('look', { path: `/conversations/${id}` })
      const { last_seq, last_entry, read_seq } = one.body
      device.note('conversation', 'ok', { conversation: id, user: device.account.id, last_seq, read_seq, print: last_entry && print(last_entry) })
    }
  }
}
