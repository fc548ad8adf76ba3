// One who sends a file and does not rest until it is acknowledged: in one go (POST /files) or by pieces (tus), slowly, with one
// Idempotency-Key, and again after whatever happened. What must never happen is noted as a violation.
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import http from 'node:http'

import { pause } from './client.mjs'

const STEPS = 40, STEP_MS = 100 // undisturbed, a file takes four seconds
const ANSWER_MS = 20_000
const VERSION = { 'Tus-Resumable': '1.0.0' }

/** How much a quitter has sent before he goes: half. */
const isHalf = (sent, size) => sent >= size / 2

export class Uploader {
  /** @param kind 'post' or 'tus' @param quits goes away in the middle, for ever */
  constructor({ house, token, kind, size, quits = false }) {
    Object.assign(this, { house, token, kind, size, quits, id: null, told: 0, tries: 0, violations: [] })
    this.bytes = randomBytes(size)
    this.sha256 = createHash('sha256').update(this.bytes).digest('hex')
    this.key = randomUUID()
    this.isOver = false
  }

  /** One request: {status, headers, body}; status 0 if it was lost. The body goes in steps. */
  ask(method, path, headers, body = Buffer.alloc(0)) {
    this.tries++
    return new Promise((resolve) => {
      const all = { Authorization: `Bearer ${this.token}`, 'Idempotency-Key': this.key, 'Content-Length': body.length, ...headers }
      const request = http.request(`${this.house.local_url}/api/v1${path}`, { method, headers: all, agent: false, timeout: ANSWER_MS })
      let isDone = false
      const done = (answer) => {
        isDone = true
        request.destroy()
        resolve(answer)
      }
      request.on('error', () => done({ status: 0 })).on('timeout', () => done({ status: 0 }))
      request.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (data) => (text += data)).on('error', () => done({ status: 0 }))
        response.on('end', () => done({ status: response.statusCode, headers: response.headers, text }))
      })
      this.trickle(request, body, () => isDone, () => done({ status: 0 }))
    })
  }

  async trickle(request, body, isDone, quit) {
    const step = Math.ceil(this.size / STEPS)
    for (let at = 0; at < body.length && !isDone(); at += step) {
      if (this.quits && isHalf(this.size - body.length + at, this.size)) return quit()
      if (!request.write(body.subarray(at, at + step))) {
        await Promise.race([new Promise((resolve) => request.once('drain', resolve)), pause(ANSWER_MS)])
      }
      await pause(STEP_MS * (0.5 + Math.random()))
    }
    if (!isDone()) request.end()
  }

  violated(what) {
    this.violations.push(`${this.kind} of ${this.size} bytes, after ${this.tries} requests: ${what}`)
  }

  acknowledged(id) {
    this.id = id
    this.isOver = true
  }

  async post() {
    const { status, text } = await this.ask('POST', '/files', {}, this.bytes)
    if (status !== 200 && status !== 201) return
    const file = JSON.parse(text)
    if (file.sha256 !== this.sha256 || file.size !== this.size) this.violated(`acknowledged is another file: ${text}`)
    this.acknowledged(file.id)
  }

  /** What the house says of an upload: it never takes back what it told. */
  heard(offset) {
    if (!Number.isInteger(offset) || offset < this.told || offset > this.size) this.violated(`the offset is ${offset} after ${this.told}`)
    this.told = offset
    if (offset === this.size) this.acknowledged(this.path.split('/').at(-1))
  }

  async piece() {
    if (!this.path) {
      const { status, headers } = await this.ask('POST', '/uploads', { ...VERSION, 'Upload-Length': this.size })
      if (status !== 200 && status !== 201) return
      this.path = headers.location.replace('/api/v1', '')
    }
    const looked = await this.ask('HEAD', this.path, VERSION)
    if (looked.status === 404) this.violated('an upload that was begun is not there')
    if (looked.status !== 200) return
    this.heard(Number(looked.headers['upload-offset']))
    if (this.isOver) return
    const { status, headers } = await this.ask('PATCH', this.path,
      { ...VERSION, 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': this.told }, this.bytes.subarray(this.told))
    if (status === 204) this.heard(Number(headers['upload-offset']))
  }

  /** Until it is acknowledged; a quitter's only try. */
  async run(until) {
    while (!this.isOver && performance.now() < until) {
      await (this.kind === 'post' ? this.post() : this.piece())
      if (this.quits) return
      if (!this.isOver) await pause(100 + 300 * Math.random())
    }
    if (!this.isOver) this.violated('it was never acknowledged')
  }

  /** The digest of what is read now. */
  async read() {
    const response = await fetch(`${this.house.local_url}/api/v1/files/${this.id}`, { headers: { authorization: `Bearer ${this.token}` } })
    if (response.status !== 200) return `status ${response.status}`
    return createHash('sha256').update(Buffer.from(await response.arrayBuffer())).digest('hex')
  }
}
