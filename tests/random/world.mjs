// One run: people with devices, a plan of deeds that the seed decides, and the judgement. Deeds are done by several hands
// at once. A deed says what it touches; one that overlaps another that changes the same may be answered either way, every
// other one has to be answered as the ledger says.
import { until } from '../lib/house.mjs'
import { ask } from '../chaos/http.mjs'
import { DEEDS } from './deeds.mjs'
import { Device } from './device.mjs'
import { Draw } from './draw.mjs'
import { Ledger } from './ledger.mjs'
import { giveFile, wrongFiles } from './files.mjs'
import { differences, readEverything } from './reading.mjs'
import { recount } from './recount.mjs'

const HANDS = 16
const [RECOUNTS, LOOKS] = [0.01, 0.03] // of the steps
const ARRIVE_MS = 15_000
const SHOWN_DEEDS = 12
const SHOWN_DIFFERENCES = 8
const HABITS = { away: 0.06, lost: 0.01, forgets: 0.006, streams: 0.45, shortPolls: 0.15, cuts: 0.04 }

export class World {
  constructor({ seed, house, people, groups, deeds, say = () => {} }) {
    Object.assign(this, { seed, house, size: { people, groups, deeds }, say, base: `${house.local_url}/api/v1`, habits: HABITS })
    this.draw = new Draw(seed, 'world')
    this.random = () => this.draw.random()
    this.ledger = new Ledger()
    this.people = []
    this.devices = []
    this.done = [] // deeds
    this.counts = { strict: 0, raced: 0, recounts: 0, kinds: {}, refusals: {} }
    this.wrong = [] // sentences: each is a failure
    this.tick = 0
    this.touched = new Map() // what is touched → {writers, changes}
    this.inFlight = new Map() // conversation → deeds
    this.held = new Map() // conversation → until when nobody begins something in it
    this.writing = new Map() // what is written → until when nobody else writes it
    this.quiet = this.over = false
    this.wakes = new Set()
    // What chaos/client.mjs tells of.
    this.history = { answered: () => {}, note: (who, op, is, details) => is === 'fault' && this.wrong.push(`${who} ${op}: ${JSON.stringify(details)}`) }
  }

  isQuiet = () => this.quiet
  isOver = () => this.over

  rest = (ms) => new Promise((done) => {
    const wake = () => {
      clearTimeout(timer)
      this.wakes.delete(wake)
      done()
    }
    const timer = setTimeout(wake, ms)
    this.wakes.add(wake)
  })

  turn(changes) {
    Object.assign(this, changes)
    for (const wake of [...this.wakes]) wake()
  }

  async run() {
    await this.populate()
    await this.live()
    await this.settle()
  }

  // ---- the beginning ----
  async register(n) {
    const credentials = { username: `r${this.seed}.${n}`, password: 'many hands 1' }
    const body = { ...credentials, nickname: `P${n}`, device: { name: 'first', platform: 'other' } }
    const answer = await ask(this.base, { method: 'POST', path: '/register', body, timeoutMs: 60_000, way: -1 })
    if (answer.status !== 201) throw new Error(`registering: ${answer.status} ${JSON.stringify(answer.body)}`)
    const account = { name: `P${n}`, id: answer.body.user.id, credentials, mayStrangers: answer.body.user.settings.strangers_may_write }
    const first = new Device(account, 0, this)
    first.adopt(answer.body)
    account.devices = [first, ...(n % 2 ? [new Device(account, 1, this)] : [])]
    for (const device of account.devices.slice(1)) await device.signIn()
    await giveFile(first)
    this.people[n] = account
  }

  /** A deed of the beginning, which has to succeed. */
  async must(device, kind, draw, wish) {
    const deed = DEEDS[kind][1](this, device, draw, wish)
    await this.carryOut(kind, device, deed)
    if (deed.outcome !== 'ok') throw new Error(`${kind} at the beginning: ${deed.outcome} (request ${deed.request_id})`)
    return deed
  }

  async populate() {
    const { people, groups } = this.size
    const { body: server } = await ask(this.base, { path: '/server', timeoutMs: 60_000, way: -1 })
    this.recallMs = server.limits.recall_seconds * 1000
    await this.byHands(people, (n) => this.register(n))
    this.devices = this.people.flatMap(({ devices }) => devices)
    // Each knows the next three, and opens the notebook.
    await this.byHands(people * 3, async (n) => {
      const [a, b] = [this.people[n % people], this.people[(n + 1 + Math.floor(n / people)) % people]]
      await this.must(a.devices[0], 'befriend', new Draw(this.seed, `friend ${n}`), { to: b })
      await this.must(b.devices[0], 'accept', new Draw(this.seed, `accept ${n}`), { from: a })
    })
    await this.byHands(people, (n) => this.must(this.people[n].devices[0], 'notebook', new Draw(this.seed, `notebook ${n}`)))
    await this.byHands(groups, (n) => this.must(this.people[n % people].devices[0], 'create', new Draw(this.seed, `group ${n}`)))
  }

  /** All of them, a few at a time. */
  async byHands(n, work) {
    let next = 0
    const hand = async () => {
      while (next < n) await work(next++)
    }
    await Promise.all(Array.from({ length: HANDS }, hand))
  }

  // ---- deeds ----
  async live() {
    this.listening = this.devices.map((device) => device.listen())
    const failed = Promise.all(this.listening)
    await Promise.race([this.byHands(this.size.deeds, (n) => this.step(n)), failed])
  }

  /** The n-th step of the plan; what cannot be done now is something said instead. */
  async step(n) {
    const draw = new Draw(this.seed, n)
    const kind = draw.weighted(this.weights)
    const device = draw.pick(this.devices)
    const deed = DEEDS[kind][1](this, device, draw)
    if (draw.chance(LOOKS)) await device.browse(draw)
    if (draw.chance(RECOUNTS)) await this.recount(device, draw.pick(this.ledger.of(device.account.id)).id)
    if (!deed) return this.carryOut('text', device, DEEDS.text[1](this, device, draw), n)
    return this.carryOut(kind, device, deed, n)
  }

  weights = Object.fromEntries(Object.entries(DEEDS).map(([kind, [weight]]) => [kind, weight]))

  /** Waits while one of the conversations is being counted, or something that is written is written by another; a function that leaves. */
  async enter(conversations, writes) {
    const holds = () => [...conversations.map((id) => this.held.get(id)), ...writes.map((key) => this.writing.get(key))].filter(Boolean)
    for (let holding; (holding = holds()).length;) await Promise.all(holding)
    let release
    const done = new Promise((resolve) => (release = resolve))
    for (const id of conversations) this.inFlight.set(id, (this.inFlight.get(id) ?? 0) + 1)
    for (const key of writes) this.writing.set(key, done)
    return () => {
      for (const id of conversations) this.inFlight.set(id, this.inFlight.get(id) - 1)
      for (const key of writes) this.writing.delete(key)
      release()
    }
  }

  /** What a deed touches while it lasts: a function that ends it and says whether another one changed any of it. */
  touch(reads, writes) {
    const of = (key) => {
      if (!this.touched.has(key)) this.touched.set(key, { writers: 0, changes: 0 })
      return this.touched.get(key)
    }
    const mine = writes.map(of)
    const all = [...reads.map(of), ...mine]
    let raced = all.some(({ writers }) => writers > 0)
    const change = (by) => mine.forEach((one) => Object.assign(one, { writers: one.writers + by, changes: one.changes + 1 }))
    change(1)
    const seen = all.map(({ changes }) => changes)
    return () => {
      raced ||= all.some(({ changes }, i) => changes !== seen[i])
      change(-1)
      return raced
    }
  }

  async carryOut(kind, device, deed, n) {
    const { conversations = [], reads = [], writes = [], changes = [] } = deed
    const leave = await this.enter(conversations, writes)
    Object.assign(deed, { kind, n, who: device.who, began: ++this.tick })
    const end = this.touch(reads, [...writes, ...changes])
    const expected = deed.expect()
    try {
      const answer = await this.answerTo(device, deed)
      deed.ended = ++this.tick
      const raced = end() || deed.lost > 0
      Object.assign(deed, { request_id: answer.id, outcome: answer.is === 'ok' ? 'ok' : answer.body?.code ?? String(answer.status) })
      this.judge(deed, raced, expected)
      if (answer.is === 'ok') await deed.done?.(answer.body, answer)
    } finally {
      leave()
      this.done.push(deed)
    }
    return deed
  }

  /** Asked until there is an answer; a deed that may be repeated is sometimes cut off before it has one. */
  async answerTo(device, deed) {
    deed.lost = 0
    for (let tries = 0; ; tries++) {
      const isCut = deed.cut && !tries
      const answer = await device.once({ ...deed.request, ...(isCut && { signal: AbortSignal.timeout(deed.cut) }) })
      if (!answer.later) return answer
      if (answer.is === 'unknown' && !isCut) deed.lost++
      await device.backOff(tries)
    }
  }

  judge(deed, raced, expected) {
    const { kind, outcome } = deed
    this.counts.kinds[kind] = (this.counts.kinds[kind] ?? 0) + 1
    this.counts[raced ? 'raced' : 'strict']++
    if (outcome !== 'ok') this.counts.refusals[outcome] = (this.counts.refusals[outcome] ?? 0) + 1
    if (expected.includes(outcome) || (raced && [...deed.expect(), ...(deed.races ?? []), ...RACES].includes(outcome))) return
    this.wrong.push(`${describe(deed)}: expected ${expected}${raced ? ', raced' : ''}\n${this.lastDeeds(deed.conversations?.[0], deed)}`)
  }

  // ---- counting anew ----
  /** While nothing happens in a conversation: unread and mentioned of one who reads it. */
  async recount(device, id) {
    if (this.held.has(id)) return
    let release
    this.held.set(id, new Promise((done) => (release = done)))
    try {
      await until('a conversation is quiet', () => !this.inFlight.get(id), { deadlineMs: 30_000, everyMs: 5 })
      const wrong = await recount(device, id)
      this.counts.recounts++
      if (wrong) this.wrong.push(`${wrong}\n${this.lastDeeds(id)}`)
    } finally {
      this.held.delete(id)
      release()
    }
  }

  // ---- the end ----
  /** Every device has heard all and read all: is what it holds what a reading says? */
  async settle() {
    this.turn({ quiet: true })
    const left = async () => Number((await this.house.sql('SELECT COUNT(*) FROM outbox'))[0][0])
    await until('all is rung', async () => !(await left()), { deadlineMs: ARRIVE_MS, everyMs: 50 })
    await this.byHands(this.people.length, (n) => this.compare(this.people[n], n % 2 === 1))
    this.turn({ over: true })
    for (const device of this.devices) device.stop()
    await Promise.all(this.listening)
  }

  async compare({ devices }, isByLog) {
    const fresh = await readEverything(devices[0], isByLog)
    for (const { conversation, what } of await wrongFiles(devices[0], fresh, this.people)) {
      this.wrong.push(`${devices[0].who}: ${what}\n${this.lastDeeds(conversation)}`)
    }
    for (const device of devices) {
      let found = []
      await until('the same', async () => {
        await device.complete()
        return !(found = differences(device.view, fresh)).length
      }, { deadlineMs: ARRIVE_MS, everyMs: 250 }).catch(() => {})
      for (const { conversation, what } of found.slice(0, SHOWN_DIFFERENCES)) {
        this.wrong.push(`${device.who} differs (of ${found.length}): ${what}\n${this.lastDeeds(conversation)}`)
      }
    }
  }

  /** What was last done in a conversation, and by which requests. */
  lastDeeds(conversation, but) {
    if (!conversation) return ''
    const there = this.done.filter((deed) => deed !== but && deed.conversations?.includes(conversation)).slice(-SHOWN_DEEDS)
    return there.map((deed) => `      ${describe(deed)}`).join('\n')
  }
}

/** What may become of a deed while somebody changes what it touches. */
const RACES = ['ok', 'not_found', 'forbidden', 'conflict', 'muted', 'group_muted', 'not_friends', 'blocked', 'invalid_request', 'link_expired']

function describe({ n, kind, who, request, outcome, request_id, began, ended }) {
  const text = request.body ? ` ${JSON.stringify(request.body).slice(0, 160)}` : ''
  return `#${n ?? 'begin'} [${began}-${ended}] ${kind} by ${who}: ${request.method} ${request.path}${text} → ${outcome} (request ${request_id})`
}
