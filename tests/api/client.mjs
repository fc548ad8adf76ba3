// A client for tests: one request, one answer, and each answer checked against openapi.yaml on the way.
// `test` is node:test's, with one addition: when it fails it shows the last requests, their ids and the log lines
// of those ids.
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes, randomUUID } from 'node:crypto'
import { test as nodeTest } from 'node:test'

import { until as poll } from '../lib/house.mjs'
import { house, metric } from './house.mjs'
import { checkAnswer, splitStream } from './validate.mjs'

export { house }
const base = `${house.local_url}/api/v1`
export const PASSWORD = 'correct horse 电池 staple'
export const DEVICE = { name: 'Test on Node', platform: 'desktop' }
const SHOWN_REQUESTS = 4

const current = new AsyncLocalStorage()
/** Far more than a busy machine needs, and less than what would come by itself: a poll ends after 18 s, a registration after 60. */
const WAIT_MS = 15_000
/** Polls a condition until it holds; its value. The only way in which a test waits. */
export const until = (what, condition, ms = WAIT_MS) => poll(what, condition, { deadlineMs: ms })

/**
 * That something is as fast as promised: the median of `n` times that `once(i)` takes or says is below `limitMs`. A machine that
 * stands still for a moment makes one slow, a house that waits for something makes all so.
 */
export async function promptly(what, limitMs, once, n = 5) {
  const times = []
  for (let i = 0; i < n; i++) {
    const began = performance.now()
    times.push((await once(i)) ?? performance.now() - began)
  }
  const [median] = times.toSorted((a, b) => a - b).slice(n >> 1)
  assert.ok(median < limitMs, `${what}: after ${times.map(Math.round).join(', ')} ms`)
}

export function test(name, options, fn = options) {
  const body = async (t) => {
    const answers = []
    try {
      await current.run(answers, () => fn(t))
    } catch (error) {
      const lines = []
      for (const answer of answers.slice(-SHOWN_REQUESTS)) {
        lines.push(`  ${answer.method} ${answer.path} → ${answer.status} ${answer.body?.code ?? ''} id ${answer.id}`)
        if (answer.id) lines.push(...(await house.logged(answer.id)).slice(-3).map((line) => `    ${line}`))
      }
      if (lines.length) error.message += `\nThe last requests:\n${lines.join('\n')}`
      throw error
    }
  }
  return nodeTest(name, typeof options === 'function' ? { timeout: 60_000 } : { timeout: 60_000, ...options }, body)
}

const isStream = (response) => /^text\/event-stream/.test(response.headers.get('content-type') ?? '')

/** A stream is read to its first message, and left. */
async function firstMessage(response) {
  const decoder = new TextDecoder()
  let text = ''
  for await (const bytes of response.body) {
    text += decoder.decode(bytes, { stream: true })
    if (splitStream(text).messages.length) break
  }
  return text
}

/**
 * One request. `path` is below /api/v1 (or whole, with `whole`). `body` becomes JSON; `raw` is sent as it is.
 * Gives {status, headers, body, text, id, ms}.
 */
export async function call(method, path, options = {}) {
  const { token, body, raw, headers = {}, signal, whole = false, check = true } = options
  const all = { ...headers }
  if (token) all.authorization = `Bearer ${token}`
  let payload = raw
  if (raw === undefined && body !== undefined) payload = JSON.stringify(body)
  if (payload !== undefined) all['content-type'] ??= 'application/json'
  const started = performance.now()
  const response = await fetch((whole ? house.local_url : base) + path, { method, headers: all, body: payload, signal })
  const text = await (isStream(response) ? firstMessage(response) : response.text())
  const answer = {
    method, path, status: response.status, headers: Object.fromEntries(response.headers), text,
    ms: performance.now() - started,
  }
  answer.id = answer.headers['x-request-id']
  answer.body = /json/.test(answer.headers['content-type'] ?? '') ? JSON.parse(text) : undefined
  const answers = current.getStore()
  if (answers) {
    answers.push(answer)
    if (answers.length > 50) answers.shift()
  }
  if (check) checkOne(answer, headers)
  return answer
}

/** The rules that hold for each answer, and openapi.yaml's for this one. */
export function checkOne(answer, headers = {}) {
  assert.ok(answer.id, `no X-Request-Id: ${describe(answer)}`)
  if (answer.status >= 400) {
    assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/, describe(answer))
    assert.equal(answer.body.request_id, answer.id, describe(answer))
  }
  const override = Object.entries(headers).find(([name]) => name.toLowerCase() === 'x-http-method-override')
  const method = override && answer.method === 'POST' ? override[1] : answer.method
  const { problems } = checkAnswer(method, answer.path, answer.status, answer.headers, answer.body ?? answer.text)
  assert.deepEqual(problems, [], `openapi.yaml says otherwise: ${describe(answer)}`)
}

export function describe(answer) {
  return `${answer.method} ${answer.path} → ${answer.status} ${answer.text.slice(0, 600)} (request ${answer.id})`
}

/** The body of an answer that must have this status. */
export function ok(answer, status = 200) {
  assert.equal(answer.status, status, describe(answer))
  return answer.body
}

/** An answer that must be this problem; `field` must be among its errors. */
export function refused(answer, status, code, field) {
  assert.equal(answer.status, status, describe(answer))
  assert.equal(answer.body.code, code, describe(answer))
  if (field !== undefined) {
    const named = (answer.body.errors ?? []).map((error) => error.field)
    assert.ok(named.includes(field), `${field} is not named: ${describe(answer)}`)
  }
  return answer.body
}

export const uuid = () => randomUUID()
export const unique = (prefix = 'u') => `${prefix}_${randomBytes(6).toString('hex')}`

/** A person with one session. Its calls carry the session's token. */
export class Person {
  constructor(signedIn, password) {
    this.take(signedIn)
    this.password = password
    this.user = signedIn.user
    this.id = signedIn.user.id
    this.username = signedIn.user.username
  }

  take(signedIn) {
    this.token = signedIn.access_token
    this.refreshToken = signedIn.refresh_token
    this.sessionId = signedIn.session_id ?? this.sessionId
  }

  static async register(fields = {}) {
    const body = { username: unique(), password: PASSWORD, nickname: '测试', device: DEVICE, ...fields }
    return new Person(ok(await call('POST', '/register', { body }), 201), body.password)
  }

  /** Several at once. */
  static async some(n) {
    return Promise.all(Array.from({ length: n }, () => Person.register()))
  }

  /** Another session of the same person. */
  async login(device = DEVICE) {
    const body = { username: this.username, password: this.password, device }
    return new Person(ok(await call('POST', '/login', { body })), this.password)
  }

  call(method, path, options = {}) {
    return call(method, path, { token: this.token, ...options })
  }

  get(path, options) {
    return this.call('GET', path, options)
  }

  post(path, body, options = {}) {
    return this.call('POST', path, { body, ...options })
  }

  patch(path, body, options = {}) {
    return this.call('PATCH', path, { body, ...options })
  }

  put(path, body, options = {}) {
    return this.call('PUT', path, { body, ...options })
  }

  delete(path, options) {
    return this.call('DELETE', path, options)
  }

  /** Sends a text and expects it to be stored; the entry. */
  async say(conversationId, text, clientMsgId = uuid()) {
    return ok(await this.send(conversationId, text, clientMsgId), 201)
  }

  send(conversationId, text, clientMsgId = uuid(), options = {}) {
    const body = { client_msg_id: clientMsgId, type: 'text', content: { text } }
    return this.post(`/conversations/${conversationId}/messages`, body, options)
  }

  /** All items of a list, page by page. */
  async all(path, limit = 200) {
    const items = []
    let cursor = null
    do {
      const more = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const page = ok(await this.get(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}${more}`))
      items.push(...page.items)
      cursor = page.next_cursor
    } while (cursor !== null)
    return items
  }
}

/** A path of each handler. */
const EVERYWHERE = ['/me', '/friends', '/groups', '/conversations', '/conversations/1/messages', '/poll?timeout=0', '/uploads/1', '/ai/usage']

/** Waits until every process refuses the session; the last answer. */
export async function signedOut(person, paths = EVERYWHERE) {
  const seen = await until(`${person.username} is signed out everywhere`, async () => {
    const answers = await Promise.all(paths.flatMap((path) => Array.from({ length: 6 }, () => person.get(path))))
    return answers.every(({ status }) => status === 401) && answers
  })
  return seen[0]
}

/** Makes two people friends; their conversation's id. */
export async function befriend(a, b) {
  const request = ok(await a.post('/friend-requests', { user_id: b.id, message: '你好' }), 201)
  return ok(await b.post(`/friend-requests/${request.id}/accept`)).conversation_id
}

/** Two people who are friends: [a, b, conversation id]. */
export async function friends() {
  const [a, b] = await Person.some(2)
  return [a, b, await befriend(a, b)]
}

/** One session's polling: keeps the cursor and all events that came. */
export class Poller {
  constructor(person) {
    this.person = person
    this.cursor = undefined
    this.events = []
    this.resyncs = 0
  }

  /** A poller that stands at "now": what happened before is rung, so that none of it comes late. */
  static async start(person) {
    await until('all is rung', async () => (await house.sql('SELECT COUNT(*) FROM outbox'))[0][0] === '0')
    const poller = new Poller(person)
    const answer = await poller.once(0)
    assert.equal(answer.resync, true)
    return poller
  }

  /** One poll; its answer. */
  async once(timeout, options = {}) {
    const cursor = this.cursor === undefined ? '' : `&cursor=${encodeURIComponent(this.cursor)}`
    const answer = await this.person.get(`/poll?timeout=${timeout}${cursor}`, options)
    const body = ok(answer)
    if (body.cursor !== undefined) this.cursor = body.cursor
    if (body.resync) this.resyncs++
    this.events.push(...body.events)
    return body
  }

  /** Polls until an event for which `wanted` holds has come (now or before); the event. */
  async event(what, wanted, ms = WAIT_MS) {
    const end = Date.now() + ms
    for (;;) {
      const found = this.events.find(wanted)
      if (found) return found
      const left = end - Date.now()
      if (left <= 0) {
        throw new Error(`not within ${ms} ms: event ${what}; came: ${JSON.stringify(this.events).slice(0, 1500)}`)
      }
      const body = await this.once(Math.max(1, Math.ceil(left / 1000)))
      if (body.superseded) throw new Error(`superseded while waiting for ${what}`)
    }
  }

  entry(conversationId, seq, ms) {
    const wanted = (event) => event.type === 'entry' && event.entry.conversation_id === conversationId && event.entry.seq === seq
    return this.event(`entry ${conversationId}/${seq}`, wanted, ms)
  }

  /** Reads until there is nothing more. */
  async drain() {
    for (;;) {
      const before = this.cursor
      const body = await this.once(0)
      if (!body.more && (body.events.length === 0 || body.cursor === before)) return
    }
  }

  /**
   * Starts a waiting poll and comes back when the house has parked it; {answer: promise, abort()}. The gauge follows
   * a moment later, so it is awaited before as well: it must say what is known here, then one more.
   */
  async park(timeout = 20) {
    await until('the gauge of parked polls', async () => (await parkedPolls()) === parked)
    const controller = new AbortController()
    parked++
    const answer = this.once(timeout, { signal: controller.signal }).finally(() => parked--)
    answer.catch(() => {})
    await until('the poll is parked', async () => (await parkedPolls()) === parked)
    return { answer, abort: () => controller.abort() }
  }
}

let parked = 0 // by park(), now
/** How many polls wait in the house at this moment. */
export const parkedPolls = () => metric('posthouse_polls_parked')
