// The one loop of a client that brings its news, and how well that goes.
import type { ConnectionState } from './client'
import { pollLoop, type PollParts } from './poll'
import type { ClientEvent } from './types'

export interface NewsParts extends Omit<PollParts, 'cursor' | 'resumed' | 'state' | 'signedIn'> {
  signedIn: () => boolean
  /** Before an event is yielded. */
  arrived: (event: ClientEvent) => void
  /** After it was taken: the consumer asked for the next one, or has enough. */
  taken: (event: ClientEvent) => void
  changed: (state: ConnectionState) => void
}

export class News {
  state: ConnectionState = 'signed-out'
  private loop: AbortController | null = null
  private cursor: { value: string | null } = { value: null }
  private readonly resumed = { value: false }

  constructor(private readonly parts: NewsParts) {}

  /** Until `signal` aborts, the session ends, or another loop begins. */
  async *events(signal: AbortSignal | undefined): AsyncGenerator<ClientEvent, void, undefined> {
    this.loop?.abort()
    const mine = new AbortController()
    this.loop = mine
    const abort = () => mine.abort()
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort)
    const { cursor, resumed } = this
    const parts = { ...this.parts, cursor, resumed, state: (state: ConnectionState) => this.change(state) }
    try {
      for await (const event of pollLoop(parts, mine.signal)) {
        this.parts.arrived(event)
        try {
          yield event
        } finally {
          this.parts.taken(event)
        }
      }
    } finally {
      signal?.removeEventListener('abort', abort)
      // A loop that began since has a state of its own.
      if (this.loop === mine) this.end()
    }
  }

  resume(): void {
    this.resumed.value = true
    this.parts.waker.wake()
  }

  /** The session is over: nothing of it is carried into the next. */
  forget(): void {
    this.cursor = { value: null }
    this.end()
  }

  private end(): void {
    this.loop?.abort()
    this.loop = null
    this.change('signed-out')
  }

  private change(state: ConnectionState): void {
    if (state === this.state) return
    this.state = state
    this.parts.changed(state)
  }
}
