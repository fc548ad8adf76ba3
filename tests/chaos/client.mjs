// The part of a device that every client has: a session, its tokens, and requests that are tried again.
import { setMaxListeners } from 'node:events'

import { ask, askProcess } from './http.mjs'

export const ANSWER_MS = 15_000
const LOST = new Set([502, 504]) // it may have been carried out
const LATER = new Set([503, 429]) // certainly not; soon perhaps

export const pause = (ms) => new Promise((done) => setTimeout(done, ms))

export class Client {
  /** @param world {base, history, random, isOver(), habits} */
  constructor(account, number, world) {
    Object.assign(this, { account, number, world, who: `${account.name}/${number}`, cursor: null, refreshing: null })
    this.abort = new AbortController()
    setMaxListeners(0, this.abort.signal)
  }

  note(op, is, details) {
    return this.world.history.note(this.who, op, is, details)
  }

  chance(probability) {
    return this.world.random() < probability
  }

  below(n) {
    return Math.floor(this.world.random() * n)
  }

  /** A pause before the next try; longer each time. */
  backOff(tries) {
    return pause(Math.min(40 * 2 ** tries, 700) * (0.5 + this.world.random()))
  }

  /** One try: {is: ok|refused|unknown, later, status, body}. `later`: the same may be tried again. */
  async once(request) {
    const token = this.token
    let answer
    try {
      const { process } = request
      const how = { timeoutMs: ANSWER_MS, way: this.below(6) - 1, signal: this.abort.signal, ...request, token }
      answer = process ? await askProcess(process, { ...how, path: `/api/v1${request.path}` }) : await ask(this.world.base, how)
    } catch (error) {
      this.world.history.answered(request.method ?? 'GET', `lost (${error.message})`)
      return { is: 'unknown', later: true, status: 0, body: null, why: error.message }
    }
    this.world.history.answered(request.method ?? 'GET', answer.status)
    return this.judged(request.path, token, answer)
  }

  /** What an answer to a request with this token means. */
  async judged(path, token, answer) {
    const code = answer.body?.code
    if (answer.status < 300) return { is: 'ok', ...answer }
    if (LOST.has(answer.status)) return { is: 'unknown', later: true, ...answer }
    if (LATER.has(answer.status)) return { is: 'refused', later: true, ...answer }
    const isOld = code === 'unauthenticated' && (token !== this.token || this.refreshing)
    if ((code === 'token_expired' || isOld) && !path.startsWith('/token')) {
      await (isOld ? this.refreshing : this.refresh())
      return { is: 'refused', later: true, ...answer }
    }
    return { is: 'refused', later: false, ...answer }
  }

  /** Tries until it is answered (request.done: or refused like this, since it is so already), and calls request.lost() for each try without an answer; null when it is over. A refusal for good is for the checker to see. */
  async insist(op, request) {
    for (let tries = 0; !this.abort.signal.aborted; tries++) {
      const answer = await this.once(request)
      // What is gone is taken away, be it by a try whose answer was lost, or by one that nginx repeated; so is what is done.
      const done = request.done ?? (request.method === 'DELETE' && 404)
      if (answer.is === 'ok' || answer.status === done) return answer
      if (!answer.later) {
        this.note(op, 'fault', { path: request.path, status: answer.status, code: answer.body?.code, id: answer.id })
        return null
      }
      if (answer.is === 'unknown') request.lost?.()
      await this.backOff(tries)
    }
    return null
  }

  // ---- who it is ----
  adopt({ user, session_id, access_token, refresh_token }) {
    if (session_id) this.session = session_id
    if (user) this.account.id = user.id
    this.token = access_token
    this.refreshToken = refresh_token
  }

  async signIn() {
    const device = { name: this.who, platform: 'other' }
    const answer = await this.insist('login', { method: 'POST', path: '/login', body: { ...this.account.credentials, device }, timeoutMs: 60_000 })
    if (!answer) return
    this.adopt(answer.body)
    this.cursor = null
    this.note('login', 'ok', { user: this.account.id, session: this.session })
  }

  /** Rotates the refresh token; after a lost answer the same one again, and when that is over, a new session. */
  async refresh() {
    this.refreshing ??= this.rotate().finally(() => (this.refreshing = null))
    await this.refreshing
  }

  async rotate() {
    for (let tries = 0; !this.abort.signal.aborted; tries++) {
      const answer = await this.once({ method: 'POST', path: '/token/refresh', body: { refresh_token: this.refreshToken } })
      if (answer.is === 'ok') return this.adopt(answer.body)
      if (answer.status === 401) return this.signIn() // two lost answers in a row end a session
      await this.backOff(tries)
    }
  }

  stop() {
    this.abort.abort()
  }
}
