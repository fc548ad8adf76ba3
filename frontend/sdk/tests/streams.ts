// Streams of a fake house: each is open until the test ends it, or the client does.
import type { Asked } from './house'

const utf8 = new TextEncoder()

export class Stream {
  readonly response: Response
  closed = false
  private controller!: ReadableStreamDefaultController<Uint8Array>

  constructor({ signal }: Asked) {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.controller = controller),
      cancel: () => void (this.closed = true),
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

  end(): void {
    if (!this.closed) this.controller.close()
    this.closed = true
  }

  fail(error: unknown = new TypeError('network error')): void {
    if (!this.closed) this.controller.error(error)
    this.closed = true
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
