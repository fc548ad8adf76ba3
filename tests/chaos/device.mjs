// A simulated device: it sends and repeats until it has an answer, polls by its cursor, and builds its view of each
// conversation from events, from the answers to its own sends, and by filling gaps. From nothing else.
import assert from 'node:assert/strict'

const LOST = new Set([502, 504]) // it may have been carried out
const REFUSED = new Set([503, 429]) // certainly not
const ANSWER_MS = 40_000

export const pause = (ms) => new Promise((done) => setTimeout(done, ms))

export class Device {
  /** @param account {name, username, password} @param world {base, history, random, isOver} */
  constructor(account, number, world) {
    Object.assign(this, { account, world, who: `${account.name}/${number}`, cursor: null, refreshing: null })
    this.views = new Map() // conversation → entries, from seq 1 on, without holes
    this.filling = new Map() // conversation → the gap filling that runs
    this.faults = []
    this.resyncs = 0
    this.abort = new AbortController()
  }

  /** One try: {outcome: ok|refused|lost, status, body}. */
  async once(op, method, path, body, timeoutMs = ANSWER_MS) {
    const headers = { 'content-type': 'application/json' }
    if (this.token) headers.authorization = `Bearer ${this.token}`
    let answer
    try {
      const signal = AbortSignal.any([this.abort.signal, AbortSignal.timeout(timeoutMs)])
      const response = await fetch(this.world.base + path, { method, headers, body: body && JSON.stringify(body), signal })
      const text = await response.text()
      answer = { status: response.status, id: response.headers.get('x-request-id'), body: text ? JSON.parse(text) : null }
    } catch (error) {
      return { outcome: 'lost', status: 0, body: null, why: error.message }
    }
    if (answer.status < 300) return { outcome: 'ok', ...answer }
    if (LOST.has(answer.status)) return { outcome: 'lost', ...answer }
    if (REFUSED.has(answer.status)) return { outcome: 'refused', ...answer }
    if (answer.body?.code === 'token_expired') {
      await this.refresh()
      return { outcome: 'refused', ...answer }
    }
    this.faults.push(`${this.who} ${op}: ${method} ${path} → ${answer.status} ${JSON.stringify(answer.body)}`)
    return { outcome: 'fault', ...answer }
  }

  /** Tries until it is answered; null for what nobody can answer. */
  async insist(op, method, path, body) {
    for (let tries = 0; ; tries++) {
      const answer = await this.once(op, method, path, body)
      this.world.history.note(this.who, op, answer.outcome === 'lost' ? 'unknown' : answer.outcome, { status: answer.status })
      if (answer.outcome === 'ok') return answer
      if (answer.outcome === 'fault' || this.abort.signal.aborted) return null
      await pause(Math.min(50 * 2 ** tries, 500) * (0.5 + this.world.random()))
    }
  }

  async signIn() {
    const device = { name: this.who, platform: 'other' }
    const { body } = await this.insist('login', 'POST', '/login', { ...this.account.credentials, device })
    this.take(body)
    this.id = body.user.id
  }

  take({ access_token, refresh_token }) {
    this.token = access_token
    this.refreshToken = refresh_token
  }

  /** Rotates the refresh token; after a lost answer the same token again. */
  async refresh() {
    this.refreshing ??= this.insist('refresh', 'POST', '/token/refresh', { refresh_token: this.refreshToken })
      .then((answer) => answer && this.take(answer.body)).finally(() => (this.refreshing = null))
    await this.refreshing
  }

  /** Says something, with the same id until it is acknowledged. */
  async say(conversation, clientMsgId, text) {
    const { history } = this.world
    const path = `/conversations/${conversation}/messages`
    const body = { client_msg_id: clientMsgId, type: 'text', content: { text } }
    history.note(this.who, 'send', 'invoke', { conversation, id: clientMsgId, text })
    for (let tries = 0; ; tries++) {
      const answer = await this.once('send', 'POST', path, body)
      const is = answer.outcome === 'ok' ? 'ok' : answer.outcome === 'lost' ? 'unknown' : 'refused'
      history.note(this.who, 'send', is, { conversation, id: clientMsgId, seq: answer.body?.seq, status: answer.status })
      if (answer.outcome === 'ok') {
        this.take_entry(answer.body)
        return answer.body.seq
      }
      if (answer.outcome === 'fault' || this.abort.signal.aborted) return null
      await pause(Math.min(50 * 2 ** tries, 1000) * (0.5 + this.world.random()))
    }
  }

  view(conversation) {
    if (!this.views.has(conversation)) this.views.set(conversation, [])
    return this.views.get(conversation)
  }

  /** An entry that came: the next one, one that is there already, or a jump that must be filled. */
  take_entry(entry) {
    const view = this.view(entry.conversation_id)
    if (entry.seq === view.length + 1) view.push(entry)
    else if (entry.seq > view.length) this.fill(entry.conversation_id, entry.seq)
    else assert.deepEqual(entry, view[entry.seq - 1], `${this.who}: two entries with one seq`)
  }

  /** Reads what is missing below and at `seq`; one run per conversation, which sees to what comes meanwhile. */
  fill(conversation, seq) {
    const running = this.filling.get(conversation)
    if (running) {
      running.to = Math.max(running.to, seq)
      return
    }
    const run = { to: seq }
    this.filling.set(conversation, run)
    this.fillTo(conversation, run).catch((error) => this.faults.push(`${this.who} fill: ${error.message}`))
      .finally(() => this.filling.delete(conversation))
  }

  async fillTo(conversation, run) {
    const view = this.view(conversation)
    while (view.length < run.to) {
      const after = view.length
      const answer = await this.insist('fill', 'GET', `/conversations/${conversation}/messages?after_seq=${after}&limit=200`)
      if (!answer) return
      for (const entry of answer.body.items) if (entry.seq === view.length + 1) view.push(entry)
      run.to = Math.max(run.to, answer.body.last_seq)
      if (view.length === after) throw new Error(`after_seq=${after} of ${conversation} has nothing, last_seq is ${run.to}`)
    }
  }

  /** Polls until the world is over. */
  async listen() {
    while (!this.world.isOver() && !this.abort.signal.aborted) {
      const cursor = this.cursor === null ? '' : `&cursor=${encodeURIComponent(this.cursor)}`
      const answer = await this.once('poll', 'GET', `/poll?timeout=20${cursor}`)
      if (answer.outcome === 'ok') {
        await this.hear(answer.body)
      } else if (!this.abort.signal.aborted) {
        this.world.history.note(this.who, 'poll', answer.outcome === 'lost' ? 'unknown' : answer.outcome, { status: answer.status })
        await pause(100 * (0.5 + this.world.random()))
      }
    }
  }

  async hear({ cursor, events, resync, superseded }) {
    if (superseded) this.faults.push(`${this.who}: superseded, though nobody else polls for it`)
    if (cursor !== undefined) this.cursor = cursor
    this.world.history.note(this.who, 'poll', 'ok', { events: events.length, resync: resync ?? false })
    if (resync) {
      this.resyncs++
      const conversations = await this.insist('snapshot', 'GET', '/conversations?limit=200')
      for (const { id, last_seq } of conversations?.body.items ?? []) if (last_seq > this.view(id).length) this.fill(id, last_seq)
    }
    for (const event of events) if (event.type === 'entry') this.take_entry(event.entry)
  }

  stop() {
    this.abort.abort()
  }
}
