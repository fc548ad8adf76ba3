// One session's stream: reads messages and comments as they come, and checks each against openapi.yaml.
import assert from 'node:assert/strict'

import { house, until } from './client.mjs'
import { messageFaults, splitStream } from './validate.mjs'

export class Stream {
  constructor(person) {
    this.person = person
    this.cursor = undefined
    this.messages = []
    this.comments = 0
    this.ended = undefined // 'whole' or what broke it
    this.firstMs = undefined // after which the first bytes of the body came
    this.controller = new AbortController()
  }

  /** Opens one after this cursor, and comes back with its first message. */
  static async open(person, cursor) {
    const stream = new Stream(person)
    const query = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`
    stream.cursor = cursor
    stream.began = performance.now()
    stream.response = await fetch(`${house.local_url}/api/v1/stream${query}`, {
      headers: { authorization: `Bearer ${person.token}` }, signal: stream.controller.signal,
    })
    assert.equal(stream.response.status, 200, await (stream.response.ok ? '' : stream.response.text()))
    stream.reading = stream.read()
    await stream.until('the first message', () => stream.messages[0])
    return stream
  }

  async read() {
    const decoder = new TextDecoder()
    let text = ''
    try {
      for await (const bytes of this.response.body) {
        this.firstMs ??= performance.now() - this.began
        const { messages, comments, rest } = splitStream(text + decoder.decode(bytes, { stream: true }))
        text = rest
        this.comments += comments
        for (const message of messages) this.take(message)
      }
      this.ended = 'whole'
    } catch (error) {
      this.ended = error.message
    }
  }

  take(message) {
    assert.deepEqual(messageFaults(message), [])
    const body = JSON.parse(message.data)
    if (body.cursor !== undefined) this.cursor = body.cursor
    this.messages.push(body)
  }

  get events() {
    return this.messages.flatMap(({ events }) => events)
  }

  get resyncs() {
    return this.messages.filter(({ resync }) => resync).length
  }

  until(what, condition, ms) {
    return until(`${what}; came: ${JSON.stringify(this.messages).slice(0, 1500)}`, condition, ms)
  }

  event(what, wanted, ms) {
    return this.until(`event ${what}`, () => this.events.find(wanted), ms)
  }

  entry(conversationId, seq, ms) {
    const wanted = (event) => event.type === 'entry' && event.entry.conversation_id === conversationId && event.entry.seq === seq
    return this.event(`entry ${conversationId}/${seq}`, wanted, ms)
  }

  /** Waits for the end; its last message. */
  async end(ms) {
    await this.until('the end', () => this.ended, ms)
    return this.messages.at(-1)
  }

  async close() {
    this.controller.abort()
    await this.reading
  }
}
