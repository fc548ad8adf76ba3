// The one loop of a client that brings its news, and how well that goes. It takes what comes for this tab, answer by answer.
// The cursor is the acknowledgement: it moves on only after all events of an answer were taken, so what a consumer
// did not take comes again. With `resync` it moves first, because the snapshot must be read after it.
import { backoffMs } from './backoff'
import type { Neighbours } from './channel'
import type { ConnectionState } from './client'
import { PosthouseError } from './errors'
import { Inbox } from './inbox'
import { checked, isKnown, pollQuery } from './poll'
import type { Storage } from './storage'
import { Tab } from './tab'
import type { ClientEvent, HouseEvent, PollAnswer } from './types'
import { newWays, runWire, type WireParts } from './wire'

/** Of all that is said in so long, only the first ends a pause. */
const SPOKEN_MS = 2_000

export interface NewsParts extends Omit<WireParts, 'ways' | 'resumed' | 'spoken' | 'state' | 'publish' | 'signedIn' | 'succeeds'> {
  neighbours: Neighbours | null
  storage: Storage
  /** null when signed out. */
  sessionId: () => string | null
  /** The house says that this very session ended. */
  ownSessionRevoked: (event: HouseEvent) => boolean
  /** Before an event is yielded. */
  arrived: (event: ClientEvent) => void
  /** After it was taken: the consumer asked for the next one, or has enough. */
  taken: (event: ClientEvent) => void
  changed: (state: ConnectionState) => void
}

type Events = AsyncGenerator<ClientEvent, void, undefined>

export class News {
  state: ConnectionState = 'signed-out'
  private loop: AbortController | null = null
  private tab: Tab | null = null
  private inbox: Inbox | null = null
  /** Outlives a loop, so that the next one goes on where this one stopped. */
  private cursor: { value: string | null } = { value: null }
  private readonly resumed = { value: false }
  private readonly spoken = { value: false }
  private spokenAt = -Infinity
  private readonly ways = newWays()

  constructor(private readonly parts: NewsParts) {}

  /** Until `signal` aborts, the session ends, or another loop begins. */
  async *events(signal: AbortSignal | undefined): Events {
    this.loop?.abort()
    const sessionId = this.parts.sessionId()
    if (sessionId === null) return this.end()
    const mine = new AbortController()
    this.loop = mine
    const abort = () => mine.abort()
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort)
    const inbox = new Inbox(this.cursor.value)
    const tab = this.join(sessionId, inbox, mine.signal)
    this.inbox = inbox
    this.tab = tab
    void tab.run().catch((error: unknown) => inbox.fail(error))
    try {
      for (let item = await inbox.next(mine.signal); item !== null; item = await inbox.next(mine.signal)) {
        if (item === 'resync') yield* this.hand({ type: 'resync' })
        else yield* item === 'look' ? this.look(mine.signal) : this.deliver(item, this.cursor, mine.signal)
      }
    } finally {
      mine.abort()
      signal?.removeEventListener('abort', abort)
      // A loop that began since has a state of its own.
      if (this.loop === mine) this.end()
    }
  }

  get leads(): boolean {
    return this.tab?.leads ?? false
  }

  resume(): void {
    this.wake()
    this.tab?.resume()
  }

  /** Something was said here: an answer may come soon, however long nothing came. */
  speak(): void {
    const now = this.parts.now()
    this.spoken.value = true
    if (Math.abs(now - this.spokenAt) < SPOKEN_MS) return
    this.spokenAt = now
    this.parts.waker.wake()
  }

  /** Something was missed of which the house does not tell: the snapshot is to be read anew. */
  startOver(): void {
    this.inbox?.startOver()
  }

  /** The session is over: nothing of it is carried into the next. */
  forget(): void {
    this.cursor = { value: null }
    this.end()
  }

  private join(sessionId: string, inbox: Inbox, signal: AbortSignal): Tab {
    const { parts, ways, resumed, spoken } = this
    const state = (connection: ConnectionState) => {
      if (signal.aborted) return
      // Whoever of this tab waits to try again need not wait longer.
      if (connection === 'online' && this.state !== 'online') parts.waker.wake()
      this.change(connection)
    }
    const signedIn = () => parts.sessionId() === sessionId
    return new Tab(
      {
        ...parts,
        sessionId,
        inbox,
        ways,
        state,
        resume: () => this.wake(),
        lead: (lead, end) => runWire({ ...parts, ...lead, ways, resumed, spoken, signedIn }, lead.position, end),
      },
      signal,
    )
  }

  private wake(): void {
    this.resumed.value = true
    this.parts.waker.wake()
  }

  /** Something was missed: asks the house from one's own cursor, which takes nothing away from whoever leads. */
  private async *look(signal: AbortSignal): Events {
    const { poll, waker, random } = this.parts
    const { cursor } = this
    for (let attempt = 1, more = true; more && !signal.aborted; attempt++) {
      try {
        const answer = checked(await poll(pollQuery(cursor.value, 0), signal))
        attempt = 0
        more = answer.more === true
        yield* this.deliver(answer, cursor, signal)
      } catch (error) {
        // The loop ended over it, which is no error.
        if (signal.aborted) return
        if (!(error instanceof PosthouseError)) throw error
        await waker.pause(backoffMs(attempt, random, error), { signal, whole: error.retryAfter !== null })
      }
    }
  }

  private async *deliver(answer: PollAnswer, cursor: { value: string | null }, signal: AbortSignal): Events {
    if (answer.resync) {
      cursor.value = answer.cursor ?? null
      yield* this.hand({ type: 'resync' })
    }
    for (const event of answer.events) {
      if (signal.aborted) return
      if (!isKnown(event)) continue
      if (this.parts.ownSessionRevoked(event)) return
      yield* this.hand(event)
    }
    if (!signal.aborted) cursor.value = answer.cursor ?? null
  }

  private async *hand(event: ClientEvent): Events {
    this.parts.arrived(event)
    try {
      yield event
    } finally {
      this.parts.taken(event)
    }
  }

  private end(): void {
    this.loop?.abort()
    this.loop = null
    this.tab = null
    this.inbox = null
    this.change('signed-out')
  }

  private change(state: ConnectionState): void {
    if (state === this.state) return
    this.state = state
    this.parts.changed(state)
  }
}
