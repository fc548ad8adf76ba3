// A simulated device: it sends and repeats until it has an answer, listens by its cursor (polls, short polls, streams,
// changing between them), marks as read, and builds its view of each conversation from events, from the answers to its own
// sends, from a sync, and by filling gaps. From nothing else. Whatever it asks and hears goes into the history; it judges nothing.
import { ANSWER_MS, Client } from './client.mjs'
import { cutOff, stream } from './http.mjs'
import { print, sum } from './history.mjs'

const TEXT_MAX = 120
const OUTSIDE_MS = 60_000 // it is called in before

export class Device extends Client {
  /** @param world also {sockets, uuid, isQuiet(), isOutside(device), rest(ms), busy(doing), stranger(device)} */
  constructor(account, number, world) {
    super(account, number, world)
    this.logs = new Map() // conversation → {from, to}: it shows the entries between them, without holes
    this.stays = 0 // logs that it began: who comes into a group again begins anew
    this.lefts = new Map() // group → version in which it was left
    this.marks = new Map() // "conversation user" → {seq, version}
    this.versions = new Map() // conversation → that of the last snapshot or sync
    this.filling = new Map() // log → the gap filling that runs
    this.unsure = new Set() // conversations where it gave up a send without knowing what became of it
  }

  // ---- sending ----
  /** One try of a send, by nginx or straight to one process. */
  async send(conversation, id, text, trespass) {
    const { history, sockets } = this.world
    const call = history.call()
    const body = { client_msg_id: id, type: 'text', content: { text }, ...trespass?.body }
    const process = sockets.messages && this.chance(this.world.habits.pastNginx) ? sockets.messages[this.below(sockets.messages.length)] : undefined
    this.note('send', 'invoke', { call, conversation, id, user: this.account.id, text: sum(text), ...(trespass && { trespass: trespass.code }) })
    const answer = await this.once({ method: 'POST', path: `/conversations/${conversation}/messages`, body, process })
    const entry = answer.is === 'ok' ? answer.body : null
    this.note('send', answer.is, { call, conversation, id, status: answer.status, code: answer.body?.code, request: answer.id,
      ...(entry && { seq: entry.seq, print: print(entry) }) })
    if (entry) this.take(entry)
    return answer
  }

  /** Says something, with the same id until it is acknowledged, sometimes twice at once; now and then it gives up. */
  async say(conversation, id, text) {
    for (let tries = 0; !this.abort.signal.aborted; tries++) {
      const both = this.chance(0.05)
      const [answer] = await Promise.all([this.send(conversation, id, text), ...(both ? [this.send(conversation, id, text)] : [])])
      if (answer.is === 'ok' || !answer.later) return
      if (this.chance(0.03)) {
        this.unsure.add(conversation)
        return
      }
      await this.backOff(tries)
    }
  }

  /** Sends that must be refused: an id used for something else, an answer to what is not there, a foreign conversation. */
  async trespass(conversation) {
    const { uuid, habits } = this.world
    const id = uuid()
    if (this.chance(0.3)) return this.send(conversation, id, 'an answer to nothing', { code: 'invalid_request', body: { reply_to_seq: 1e9 } })
    if (this.chance(0.4)) return this.send(habits.foreign(this.account), id, 'where I do not belong', { code: 'not_found' })
    const first = await this.send(conversation, id, 'the first')
    if (first.is === 'ok') return this.send(conversation, id, 'and another', { code: 'conflict' })
    this.unsure.add(conversation)
  }

  async talk() {
    const { world } = this
    while (!world.isOver()) {
      await world.rest(world.habits.thinkMs * (0.2 + 1.6 * world.random()))
      if (world.isQuiet() || world.isOver()) continue
      const conversation = this.account.conversations[this.below(this.account.conversations.length)]
      const burst = 1 + this.below(world.habits.burst)
      const saying = Array.from({ length: burst }, (_, n) => this.say(conversation, world.uuid(),
        `${this.who} ${n} ${'驿🐎'.repeat(this.below(TEXT_MAX / 3))}`))
      await world.busy(Promise.all(this.chance(0.02) ? [...saying, this.trespass(conversation)] : saying))
    }
  }

  // ---- this and that ----
  async markRead(conversation) {
    const { history } = this.world
    const log = this.log(conversation)
    if (!log || log.to < log.from) return
    const seq = Math.max(log.from, log.to - this.below(6))
    const call = history.call()
    this.note('read', 'invoke', { call, conversation, user: this.account.id, seq })
    const answer = await this.once({ method: 'POST', path: `/conversations/${conversation}/read`, body: { seq } })
    this.note('read', answer.later || answer.is === 'ok' || this.mayBeOut(conversation, answer) ? answer.is : 'fault', { call, conversation, user: this.account.id,
      seq: answer.body?.read_seq, status: answer.status, code: answer.body?.code })
    if (answer.is === 'ok') this.raiseMark(conversation, answer.body.read_seq)
  }

  /** A page of the log at a random place, as one who scrolls would ask for it. */
  async browse(conversation) {
    const log = this.log(conversation)
    if (!log || this.wanders(conversation)) return // who comes and goes may be elsewhere when the page comes
    const at = log.from + this.below(log.to - log.from + 3)
    await this.page(conversation, ['before', 'around', 'after'][this.below(3)], at, 1 + this.below(40))
  }

  /** Blocks somebody whom only this device blocks, or lifts that. */
  async toggle() {
    const { world } = this
    const user = world.stranger(this)
    if (!user) return
    this.blocks = !this.blocks
    const call = world.history.call()
    this.note('block', 'invoke', { call, user, blocked: this.blocks })
    const request = { method: this.blocks ? 'PUT' : 'DELETE', path: `/blocks/${user}` }
    const answer = await this.insist('block', { ...request, lost: () => this.note('block', 'unknown', { call, user, blocked: this.blocks }) })
    if (answer) this.note('block', 'ok', { call, user, blocked: this.blocks })
  }

  // ---- coming and going ----
  wanders(conversation) {
    return this.world.groups.get(conversation)?.wanderers.includes(this.account)
  }

  /** Whether this refusal may be right: of a group, to one who comes and goes. Whether it was the checker says. */
  mayBeOut(conversation, { status }) {
    return status === 404 && this.wanders(conversation)
  }

  /** Leaves a group, is removed by its owner, or comes in again. @param out whom: this one, or one of its own group's wanderers */
  async move(group, wanderer, out) {
    const call = this.world.history.call()
    const record = { call, conversation: group, user: wanderer.id, out }
    this.note('move', 'invoke', record)
    const way = wanderer === this.account ? 'me' : wanderer.id
    const answer = await this.insist('move', out ? { method: 'DELETE', path: `/groups/${group}/members/${way}` }
      : { method: 'POST', path: `/groups/${group}/join-requests`, body: {}, done: 409 }) // he is in it already
    if (answer) this.note('move', 'ok', record)
  }

  async wander() {
    const groups = [...this.world.groups].filter(([, { owner, wanderers }]) => owner === this.account || wanderers.includes(this.account))
    if (this.number || !groups.length) return
    const [id, { owner, wanderers }] = groups[this.below(groups.length)]
    if (owner === this.account) await this.move(id, wanderers[this.below(wanderers.length)], true)
    else await this.move(id, this.account, this.logs.has(id) && this.chance(0.3))
  }

  async potter() {
    const { world } = this
    while (!world.isOver()) {
      await world.rest(world.habits.potterMs * (0.2 + 1.6 * world.random()))
      if (world.isQuiet() || world.isOver()) continue
      if (this.chance(world.habits.wander)) await world.busy(this.wander())
      const conversation = this.account.conversations[this.below(this.account.conversations.length)]
      const what = world.random()
      if (what < 0.5) await world.busy(Promise.all(Array.from({ length: 1 + this.below(3) }, () => this.markRead(conversation))))
      else if (what < 0.8) await world.busy(this.browse(conversation))
      else if (what < 0.85) await world.busy(this.refresh())
      else if (what < 0.93) await world.busy(this.toggle())
      else await world.busy(this.insist('look', { path: ['/me', '/friends', '/friend-requests', '/conversations'][this.below(4)] }))
    }
  }

  // ---- its view ----
  /** What it shows of a conversation; of a group nothing, until it knows from where on it may. */
  log(conversation) {
    if (!this.logs.has(conversation) && !this.world.groups.has(conversation)) this.begin(conversation, 1, 0)
    return this.logs.get(conversation)
  }

  begin(conversation, from, version) {
    this.logs.set(conversation, { from, to: from - 1, version, stay: ++this.stays })
  }

  show(conversation, seq, mark) {
    const log = this.log(conversation)
    log.to = seq
    this.note('show', 'ok', { conversation, stay: log.stay, from: log.from, seq, print: mark })
  }

  /** An entry that came: the next one, one that is there already, or a jump that must be filled. */
  take(entry) {
    const { conversation_id: conversation, seq } = entry
    const log = this.log(conversation)
    if (!log) return this.enter(conversation)
    if (seq === log.to + 1) this.show(conversation, seq, print(entry))
    else if (seq > log.to) this.fill(conversation, seq)
  }

  /** A group of which it holds nothing, though it was told of it. */
  async enter(conversation) {
    for (let tries = 0; !this.abort.signal.aborted; tries++) {
      const answer = await this.once({ path: `/conversations/${conversation}` })
      if (answer.is === 'ok') return this.takeConversation(answer.body)
      if (!answer.later) return this.mayBeOut(conversation, answer) || this.note('enter', 'fault', { path: conversation, status: answer.status, code: answer.body?.code })
      await this.backOff(tries)
    }
  }

  /** Reads what is missing below and at `seq`; one run per log, which sees to what comes meanwhile. */
  fill(conversation, seq) {
    const log = this.log(conversation)
    const running = this.filling.get(log)
    if (running) {
      running.to = Math.max(running.to, seq)
      return running.done
    }
    const run = { to: seq }
    this.filling.set(log, run)
    run.done = this.fillTo(conversation, log, run).finally(() => this.filling.delete(log))
    return run.done
  }

  async fillTo(conversation, log, run) {
    for (let tries = 0; log.to < run.to && !this.abort.signal.aborted;) {
      const page = await this.page(conversation, 'after', log.to, 1 + this.below(200))
      if (this.logs.get(conversation) !== log) return
      if (page?.isOut || page?.items.some(({ type }) => type === 'hidden')) { // it left, and perhaps came in again
        this.logs.delete(conversation)
        return this.enter(conversation)
      }
      for (const entry of page?.items ?? []) if (entry.seq === log.to + 1) this.show(conversation, entry.seq, print(entry))
      if (page) run.to = Math.max(run.to, page.last_seq)
      else await this.backOff(tries++)
    }
  }

  /** A page of history: its body, or null. */
  async page(conversation, how, at, limit) {
    const call = this.world.history.call()
    const where = at === undefined ? '' : `&${how}_seq=${at}`
    this.note('page', 'invoke', { call, conversation })
    const answer = await this.once({ path: `/conversations/${conversation}/messages?limit=${limit}${where}` })
    if (answer.is !== 'ok') {
      const isOut = this.mayBeOut(conversation, answer)
      this.note('page', answer.later || isOut ? answer.is : 'fault', { call, conversation, user: this.account.id, status: answer.status, code: answer.body?.code })
      return isOut ? { isOut } : null
    }
    const { items, covers, last_seq } = answer.body
    this.note('page', 'ok', { call, conversation, how, place: at, limit, covers, last_seq, first: this.log(conversation)?.from ?? 1,
      items: items.map((entry) => [entry.seq, entry.type === 'hidden' ? 'hidden' : print(entry)]) })
    return answer.body
  }

  raiseMark(conversation, seq) {
    const key = `${conversation} ${this.account.id}`
    const known = this.marks.get(key)
    if (!known || known.seq < seq) this.marks.set(key, { seq, version: known?.version ?? 0 })
  }

  /** A read mark with its version; an older one is ignored. */
  takeMark(conversation, user, seq, version) {
    this.note('mark', 'ok', { conversation, user, seq, version })
    const key = `${conversation} ${user}`
    const known = this.marks.get(key)
    if (!known || version > known.version) this.marks.set(key, { seq: Math.max(seq, user === this.account.id ? known?.seq ?? 0 : 0), version })
  }

  // ---- listening ----
  /** Everything that can be read now, after the cursor was taken: the list of conversations, or what changed since. */
  resync() {
    return this.chance(0.5) ? this.snapshot() : this.sync()
  }

  async snapshot() {
    const answer = await this.insist('snapshot', { path: '/conversations?limit=200' })
    if (!answer) return
    const { items } = answer.body
    this.note('snapshot', 'ok', { seqs: Object.fromEntries(items.map(({ id, last_seq }) => [id, last_seq])) })
    for (const id of this.world.groups.keys()) if (!items.some((one) => one.id === id)) this.logs.delete(id)
    for (const conversation of items) this.takeConversation(conversation)
  }

  async sync() {
    const held = [...new Set(this.account.conversations)].filter((id) => this.log(id)).map((id) => ({ id, seq: this.log(id).to, version: this.versions.get(id) ?? 0 }))
    const seqs = Object.fromEntries(held.map(({ id, seq }) => [id, seq]))
    const above = (next) => held.filter(({ id }) => next === null || BigInt(id) > BigInt(next))
    const limit = 1 + this.below(100)
    for (let next = null, more = true; more; more = next !== null) {
      const body = { conversations: above(next), limit, ...(next !== null && { next }) }
      const answer = await this.insist('sync', { method: 'POST', path: '/sync', body })
      if (!answer) return
      for (const { conversation, items, from_seq, to_seq, limited } of answer.body.items) {
        const entries = items.map((entry) => [conversation.id, entry.seq, print(entry)])
        const knows = Math.max(seqs[conversation.id] ?? 0, conversation.first_seq - 1)
        this.note('sync', 'ok', { conversation: conversation.id, held: knows, limit, from: from_seq, to: to_seq, limited, entries })
        seqs[conversation.id] = to_seq
        this.stayIn(conversation)
        for (const [id, seq, mark] of entries) if (seq === this.log(id)?.to + 1) this.show(id, seq, mark)
        this.takeConversation(conversation)
      }
      for (const id of answer.body.removed) {
        if (!this.wanders(id)) this.note('sync', 'fault', { code: `removed ${id}` })
        this.logs.delete(id)
      }
      next = answer.body.next
    }
    this.note('snapshot', 'ok', { seqs })
  }

  /** Of a group: from where on it may read. An older word than that it left says nothing. */
  stayIn({ id, kind, first_seq, version }) {
    if (kind !== 'group' || version <= (this.lefts.get(id) ?? -1)) return
    const log = this.logs.get(id)
    if (!log || first_seq > log.from) this.begin(id, first_seq, version)
    else log.version = Math.max(log.version, version)
  }

  left({ conversation_id: id, version }) {
    this.lefts.set(id, Math.max(version, this.lefts.get(id) ?? 0))
    if (version >= (this.logs.get(id)?.version ?? 0)) this.logs.delete(id)
  }

  takeConversation(conversation) {
    this.stayIn(conversation)
    const { id, last_seq, read_seq, peer_read_seq, peer, version } = conversation
    this.takeMark(id, this.account.id, read_seq, version)
    if (peer && peer.id !== this.account.id) this.takeMark(id, peer.id, peer_read_seq, version)
    this.versions.set(id, Math.max(version, this.versions.get(id) ?? 0))
    if (last_seq > this.log(id)?.to) this.fill(id, last_seq)
  }

  /** The cursor that a client must not take, for the checker's own test: the one after the snapshot. */
  async cursorAfterwards() {
    const answer = await this.insist('poll', { path: '/poll?timeout=0' })
    if (answer) this.cursor = answer.body.cursor
  }

  /** An answer to a poll, or a message of a stream. @param by how it came */
  async hear(by, { cursor, events, resync, superseded }) {
    const entries = events.filter(({ type }) => type === 'entry').map(({ entry }) => [entry.conversation_id, entry.seq, print(entry)])
    this.note('poll', 'ok', { by, session: this.session, from: this.cursor, to: cursor, entries, ...(resync && { resync }), ...(superseded && { superseded }) })
    if (cursor !== undefined) this.cursor = cursor
    if (resync) await this.resync()
    if (resync && this.world.habits.cursorAfterSnapshot) await this.cursorAfterwards()
    for (const event of events) {
      if (event.type === 'entry') this.take(event.entry)
      if (event.type === 'conversation.read') this.takeMark(event.conversation_id, event.user_id, event.read_seq, event.version)
      if (event.type === 'conversation' && event.conversation.kind === 'group') this.takeConversation(event.conversation)
      if (event.type === 'group.left') this.left(event)
    }
  }

  /** A short poll, a long one, or a stream, by habit; the cursor is the same. */
  async listen() {
    const { world } = this
    for (let tries = 0; !world.isOver();) {
      const { away, refresh, streams, shortPolls } = world.habits
      while (world.isOutside(this)) await world.rest(OUTSIDE_MS)
      if (!world.isQuiet() && this.chance(away)) await world.rest(3000 * world.random())
      if (!world.isQuiet() && this.chance(refresh)) await this.refresh() // the next poll may reach another process
      const how = world.random()
      const heard = how < streams ? await this.listenStream() : await this.listenPoll(how < streams + shortPolls)
      if (heard) tries = 0
      else if (!this.abort.signal.aborted) await this.backOff(tries++)
    }
  }

  /** Whether something was heard. */
  async listenPoll(isShort) {
    const { world } = this
    const { pollSeconds, cuts } = world.habits
    const seconds = isShort ? 0 : pollSeconds[this.below(pollSeconds.length)]
    const path = `/poll?timeout=${seconds}${this.cursor === null ? '' : `&cursor=${this.cursor}`}`
    if (!world.isQuiet() && this.chance(cuts)) {
      const bytes = await cutOff(world.base, { path, token: this.token, bytes: 1 + this.below(1500), afterMs: 1500 * world.random() })
      this.note('poll', 'unknown', { by: isShort ? 'short poll' : 'poll', session: this.session, from: this.cursor, bytes })
      return true
    }
    const answer = await this.once({ path, timeoutMs: seconds * 1000 + ANSWER_MS })
    if (answer.is !== 'ok') return this.deaf(answer)
    await this.hear(isShort ? 'short poll' : 'poll', answer.body)
    if (isShort && !answer.body.events.length) await world.rest(300 * world.random())
    return true
  }

  /** Until it ends, or this device leaves it: of its own will, or cut off in the middle of a message. */
  async listenStream() {
    const { world } = this
    const cut = !world.isQuiet() && this.chance(6 * world.habits.cuts) ? 1 + this.below(4000) : Infinity
    const { token } = this
    let heard = Promise.resolve()
    const message = (cursor, body) => {
      if (cursor !== body.cursor && !body.superseded) this.note('stream', 'fault', { code: `id ${cursor}, cursor ${body.cursor}` })
      heard = heard.then(() => this.hear('stream', body))
    }
    const path = `/stream${this.cursor === null ? '' : `?cursor=${this.cursor}`}`
    const end = await stream(world.base, { path, token, bytes: cut, leaveMs: 500 + 12_000 * world.random(), silenceMs: ANSWER_MS + 20_000,
      signal: this.abort.signal, message })
    await heard
    world.history.answered('STREAM', `${end.status || (end.why === 'left' ? 'left' : 'lost')} (${end.why})`)
    if (end.messages) return true
    return this.deaf(end.status >= 300 ? await this.judged(path, token, end) : { is: 'unknown', later: true, status: 0, why: end.why })
  }

  deaf({ is, later, status, body, why }) {
    if (!this.abort.signal.aborted) {
      this.note('poll', later ? is : 'fault', { session: this.session, status, code: body?.code, why })
    }
    return false
  }

  /** What a client does about sends that it gave up: it asks the log. */
  async lookUp() {
    for (const conversation of this.unsure) await this.enter(conversation)
    this.unsure.clear()
  }
}
