// The long-poll loop: one poll after the other, each with the cursor of the last answer that was consumed whole.
// The cursor is the acknowledgement: it moves on only after all events of an answer were taken, so what a consumer
// did not take comes again. With `resync` it moves first, because the snapshot must be read after it.
import { backoffMs } from './backoff'
import type { ConnectionState } from './client'
import type { Environment } from './environment'
import { PosthouseError } from './errors'
import type { ClientEvent, HouseEvent, PollAnswer } from './types'
import type { Waker } from './waker'

/** How long the house is asked to wait. */
export const POLL_SECONDS = 25
/** The client's own deadline beyond that. */
export const POLL_MARGIN_MS = 10_000

/** Another window of this session has the poll: look now and then, without taking it away (`timeout=0` supersedes nothing). */
const QUIET_MS = 10_000
/** Between the polls of a hidden page: what comes meanwhile is answered together. */
const HIDDEN_MS = 3_000
const QUIET_HIDDEN_MS = 60_000
/** `online` may be wrong about the network: try in spite of it. */
const OFFLINE_MS = 30_000
/** An empty answer or a resync that comes sooner is no wait; several in a row are a fault somewhere on the way. */
const AT_ONCE_MS = 500
const AT_ONCE_ALLOWED = 3

const KNOWN: Readonly<Record<HouseEvent['type'], true>> = {
  entry: true,
  conversation: true,
  'conversation.read': true,
  friend: true,
  'friend.removed': true,
  friend_request: true,
  block: true,
  me: true,
  user: true,
  'session.revoked': true,
  typing: true,
  presence: true,
}

export interface PollParts {
  poll: (query: { cursor?: string; timeout: number }, signal: AbortSignal) => Promise<PollAnswer>
  environment: Environment
  waker: Waker
  now: () => number
  random: () => number
  /** The cursor outlives a loop, so that the next one of this client goes on where this one stopped. */
  cursor: { value: string | null }
  signedIn: () => boolean
  state: (state: ConnectionState) => void
  /** Set when the app asks for the poll; taken back here. */
  resumed: { value: boolean }
  /** The house says that this very session ended. */
  ownSessionRevoked: (event: HouseEvent) => boolean
}

export function pollLoop(parts: PollParts, signal: AbortSignal): AsyncGenerator<ClientEvent, void, undefined> {
  return new Loop(parts, signal).run()
}

class Loop {
  private failures = 0
  /** Answers in a row that came at once and said nothing. */
  private idle = 0
  /** Whether the last answer proved that the house is reachable. Before that we ask without waiting, to know soon. */
  private proven = false
  /** Another window has the poll. */
  private quiet = false
  private readonly turn: Turn

  constructor(
    private readonly parts: PollParts,
    private readonly signal: AbortSignal,
  ) {
    this.turn = new Turn(parts.environment)
  }

  async *run(): AsyncGenerator<ClientEvent, void, undefined> {
    const { parts, turn } = this
    parts.state('connecting')
    try {
      while (this.goesOn()) {
        await this.untilOnline()
        if (turn.taken() || parts.resumed.value) this.quiet = false
        parts.resumed.value = false
        const looking = this.quiet || (!this.proven && parts.cursor.value !== null)
        const began = parts.now()
        const answer = await this.ask(looking)
        if (!answer) continue
        yield* this.deliver(answer)
        if (!answer.more && this.goesOn()) await this.rest(answer, looking, parts.now() - began)
      }
    } finally {
      turn.close()
    }
  }

  private goesOn(): boolean {
    return !this.signal.aborted && this.parts.signedIn()
  }

  private async untilOnline(): Promise<void> {
    const { environment, waker, state } = this.parts
    if (environment.isOnline()) return
    state('offline')
    this.proven = false
    await waker.pause(OFFLINE_MS, { signal: this.signal })
  }

  /** One poll; null if it failed, after the pause that this costs. */
  private async ask(looking: boolean): Promise<PollAnswer | null> {
    const { cursor, poll, environment, waker, random, state } = this.parts
    const query = { timeout: looking ? 0 : POLL_SECONDS, ...(cursor.value === null ? {} : { cursor: cursor.value }) }
    try {
      const answer = checked(await this.turn.poll((end) => poll(query, end), this.signal))
      // That a look succeeds does not say that a wait will.
      if (!looking) this.failures = 0
      return answer
    } catch (error) {
      this.proven = false
      if (!this.goesOn() || error instanceof NetworkChange) return null
      this.failures++
      state(environment.isOnline() ? 'reconnecting' : 'offline')
      await waker.pause(backoffMs(this.failures, random, error), { signal: this.signal, whole: asked(error) })
      return null
    }
  }

  private async *deliver(answer: PollAnswer): AsyncGenerator<ClientEvent, void, undefined> {
    const { cursor, state, ownSessionRevoked } = this.parts
    if (answer.superseded) {
      this.quiet = true
      this.turn.forget()
      return
    }
    this.proven = true
    state('online')
    if (answer.resync) {
      cursor.value = answer.cursor ?? null
      yield { type: 'resync' }
    }
    for (const event of answer.events) {
      if (!this.goesOn()) return
      if (!Object.hasOwn(KNOWN, event.type)) continue
      if (ownSessionRevoked(event)) return
      yield event
    }
    cursor.value = answer.cursor ?? null
  }

  private async rest(answer: PollAnswer, looking: boolean, tookMs: number): Promise<void> {
    const { waker, environment, random } = this.parts
    const { signal } = this
    if (!looking) this.idle = tookMs < AT_ONCE_MS && answer.events.length === 0 ? this.idle + 1 : 0
    const excess = this.idle - AT_ONCE_ALLOWED
    if (excess > 0 && !looking) await waker.pause(backoffMs(excess, random), { signal, whole: true })
    else if (this.quiet) await waker.pause(environment.isVisible() ? QUIET_MS : QUIET_HIDDEN_MS, { signal })
    else if (!environment.isVisible()) await waker.pause(HIDDEN_MS, { signal })
  }
}

function asked(error: unknown): boolean {
  return error instanceof PosthouseError && error.retryAfter !== null
}

/** A poll's answer comes through whatever stands between: believe nothing of its shape. */
function checked(answer: PollAnswer): PollAnswer {
  const events: unknown = answer.events
  const whole =
    Array.isArray(events) &&
    events.every((event) => event !== null && typeof event === 'object' && typeof (event as HouseEvent).type === 'string') &&
    (answer.superseded === true || (typeof answer.cursor === 'string' && answer.cursor !== ''))
  if (!whole) throw new PosthouseError({ code: 'offline', detail: 'this is no answer of a poll' })
  return answer
}

/** Whose turn it is: notices that the person came to this window, and breaks off a poll when the network changes under it. */
class Turn {
  private came = false
  private current: AbortController | null = null
  private readonly unsubscribe: () => void

  constructor(environment: Environment) {
    this.unsubscribe = environment.subscribe((change) => {
      if (change === 'focus' || change === 'visible') this.came = true
      // The old connection is gone or will never answer.
      if (change === 'online' || change === 'offline') this.current?.abort(new NetworkChange())
    })
  }

  /** Whether the person came since the last time this was asked. */
  taken(): boolean {
    const came = this.came
    this.came = false
    return came
  }

  forget(): void {
    this.came = false
  }

  async poll<T>(start: (end: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const current = new AbortController()
    const abort = () => current.abort(signal.reason)
    signal.addEventListener('abort', abort)
    this.current = current
    try {
      return await start(current.signal)
    } finally {
      this.current = null
      signal.removeEventListener('abort', abort)
    }
  }

  close(): void {
    this.unsubscribe()
  }
}

class NetworkChange extends Error {}

