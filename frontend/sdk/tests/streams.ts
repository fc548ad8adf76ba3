// Streams of a fake house: each is open until the test ends it, or the client does.
import { hang, json, type Asked, type House } from './house'

const utf8 = new TextEncoder()

export class Stream {
  readonly response: Response
  closed = false
  private heart: ReturnType<typeof setInterval> | undefined
  private controller!: ReadableStreamDefaultController<Uint8Array>

  constructor({ signal }: Asked) {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.controller = controller),
      cancel: () => this.close(),
    })
    signal.addEventListener('abort', () => this.fail(signal.reason))
    this.response = new Response(body, { headers: { 'Content-Type': 'text/event-stream' } })
  }

  say(text: string): this {
    if (!this.closed) this.controller.enqueue(utf8.encode(text))
    return this
  }

  /** The first word of the house, and its heartbeat. */
  beat(): this {
    return this.say(':\n\n')
  }

  tell(answer: { cursor?: string; events?: unknown[]; resync?: boolean; superseded?: boolean }): this {
    const id = answer.cursor === undefined ? '' : `id: ${answer.cursor}\n`
    return this.say(`${id}data: ${JSON.stringify({ events: [], ...answer })}\n\n`)
  }

  /** As the house does it, for as long as the stream is open. */
  beatOn(): this {
    this.heart = setInterval(() => this.beat(), 15_000)
    return this.beat()
  }

  end(): void {
    if (!this.closed) this.controller.close()
    this.close()
  }

  fail(error: unknown = new TypeError('network error')): void {
    if (!this.closed) this.controller.error(error)
    this.close()
  }

  private close(): void {
    this.closed = true
    clearInterval(this.heart)
  }
}

/** A route of streams that say their first word and wait; a newcomer is told to begin. */
export function streams(opened: Stream[] = [], first: (stream: Stream, asked: Asked) => void = begin) {
  return (asked: Asked): Response => {
    const stream = new Stream(asked)
    opened.push(stream)
    first(stream, asked)
    return stream.response
  }
}

function begin(stream: Stream, { query }: Asked): void {
  stream.beat()
  if (!query.has('cursor')) stream.tell({ cursor: 'e.0', resync: true })
}

/** The news of a house with one person: a log of events, one stream or poll at a time, `e.<n>` as cursor. */
export class Newsroom {
  /** Of the streams that were opened, the last is the one that is served. */
  readonly opened: Stream[] = []
  readonly looks: string[] = []
  resyncs = 0
  superseded = 0
  private readonly events: unknown[] = []

  constructor(house: House) {
    house.on('GET /stream', (asked) => {
      const before = this.opened.at(-1)
      if (before && !before.closed) {
        this.superseded++
        before.tell({ superseded: true }).end()
      }
      return streams(this.opened, (stream) => stream.beatOn().tell(this.since(asked.query.get('cursor'))))(asked)
    })
    house.on('GET /poll', ({ query, signal }) => {
      if (query.get('timeout') !== '0' && query.has('cursor')) return hang(signal)
      this.looks.push(query.get('cursor') ?? '-')
      return json(this.since(query.get('cursor')))
    })
  }

  get open(): Stream[] {
    return this.opened.filter((stream) => !stream.closed)
  }

  tell(event: unknown): void {
    this.events.push(event)
    this.opened.at(-1)?.tell({ cursor: `e.${this.events.length}`, events: [event] })
  }

  private since(cursor: string | null): { cursor: string; events: unknown[]; resync?: boolean } {
    const now = `e.${this.events.length}`
    if (cursor !== null) return { cursor: now, events: this.events.slice(Number(cursor.slice(2))) }
    this.resyncs++
    return { cursor: now, events: [], resync: true }
  }
}
