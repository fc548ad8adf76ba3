// The way to the house of the tab that leads: stream after stream or poll after poll, each from the position that the last
// answer gave. It publishes answers and knows nothing of who consumes them; the position may be ahead of every consumer,
// who starts again from a cursor of his own.
import { Asks, type GrowingReply } from './asks'
import { backoffMs } from './backoff'
import { after, best, inexperienced, type Carrier, type Experience, type Happening } from './carrier'
import type { ConnectionState } from './client'
import type { Environment } from './environment'
import { PosthouseError } from './errors'
import { checked, POLL_SECONDS, pollQuery, type Poll } from './poll'
import { streamed, StreamFault } from './stream'
import { NetworkChange, Turn } from './turn'
import type { PollAnswer } from './types'
import type { Waker } from './waker'

/** Another window of this session has the poll: look now and then, without taking it away (`timeout=0` supersedes nothing). */
const QUIET_MS = 10_000
/** Between the polls of a hidden page: what comes meanwhile is answered together. */
const HIDDEN_MS = 3_000
const QUIET_HIDDEN_MS = 60_000
/** So long after the succession a last request of the former leader may arrive. */
const SUCCESSION_MS = 3_000
/** `online` may be wrong about the network: try in spite of it. */
const OFFLINE_MS = 30_000
/** An empty answer or a resync that comes sooner is no wait; several in a row are a fault somewhere on the way. */
const AT_ONCE_MS = 500
const AT_ONCE_ALLOWED = 3
/** A stream that ended by itself after less than this was cut by somebody who does it politely. */
const STREAM_LEAST_MS = 60_000
/** A stream ends with its token, so it begins with one that outlives that. */
const TOKEN_LEAST_MS = STREAM_LEAST_MS + 15_000
/** Short polling: soon again after news, less often while nothing comes. */
const LOOK_MS = 2_000
const LOOK_LONGEST_MS = 15_000
const LOOK_GROWTH = 1.5
/** While an answer of an assistant grows before somebody's eyes. */
const LOOK_GROWING_MS = 700

export interface WireParts {
  poll: Poll
  stream: (cursor: string | null, signal: AbortSignal) => Promise<Response>
  /** A token is there that is good for so long: what that takes is not a slow stream's time. */
  ready: (forMs: number) => Promise<unknown>
  environment: Environment
  waker: Waker
  now: () => number
  random: () => number
  signedIn: () => boolean
  /** What was learnt of this network; outlives a wire. */
  ways: { experience: Experience }
  /** Set when the app asks for the poll; taken back here. */
  resumed: { value: boolean }
  /** Set when something was said here, which may be answered soon; taken back here. */
  spoken: { value: boolean }
  /** Answers of assistants that are being written. */
  growing: () => readonly GrowingReply[]
  /** Another tab of this browser led a moment ago: what takes the poll away at first may be its last request. */
  succeeds: boolean
  state: (state: ConnectionState) => void
  publish: (before: string | null, answer: PollAnswer) => void
}

/** Until `signal` aborts or the session ends. */
export async function runWire(parts: WireParts, position: string | null, signal: AbortSignal): Promise<void> {
  await new Wire(parts, position, signal).run()
}

export function newWays(): { experience: Experience } {
  return { experience: inexperienced }
}

class Wire {
  private failures = 0
  /** Answers in a row that came at once and said nothing. */
  private idle = 0
  /** Whether the last answer proved that the house is reachable. Before that we ask without waiting, to know soon. */
  private proven = false
  /** Another window has the poll. */
  private quiet = false
  private lookMs = LOOK_MS
  /** Until then, once, the poll is taken back at once. */
  private insistsUntil: number
  private readonly turn: Turn
  private readonly asks: Asks

  constructor(
    private readonly parts: WireParts,
    private position: string | null,
    private readonly signal: AbortSignal,
  ) {
    this.insistsUntil = parts.succeeds ? parts.now() + SUCCESSION_MS : 0
    this.turn = new Turn(parts.environment, (was) => this.learn({ was }))
    this.asks = new Asks(parts.growing)
  }

  async run(): Promise<void> {
    const { parts, turn } = this
    parts.state('connecting')
    try {
      while (this.goesOn()) {
        await this.untilOnline()
        if (turn.taken() || parts.resumed.value) this.quiet = false
        parts.resumed.value = false
        const carrier = this.carrier()
        if (carrier === 'stream') await this.follow()
        else await this.ask(carrier, parts.now())
      }
    } finally {
      turn.close()
    }
  }

  private goesOn(): boolean {
    return !this.signal.aborted && this.parts.signedIn()
  }

  private learn(happened: Happening): void {
    this.parts.ways.experience = after(this.parts.ways.experience, happened, this.parts.now())
  }

  private carrier(): Carrier {
    const { experience } = this.parts.ways
    if (this.quiet || experience.suspect) return 'look'
    const carrier = best(experience, this.parts.now())
    // A stream proves itself by its first word; a poll that waits does not.
    return carrier === 'wait' && !this.proven && this.position !== null ? 'look' : carrier
  }

  private async untilOnline(): Promise<void> {
    const { environment, waker, state } = this.parts
    if (environment.isOnline()) return
    state('offline')
    this.proven = false
    await waker.pause(OFFLINE_MS, { signal: this.signal })
  }

  private async ask(carrier: 'wait' | 'look', began: number): Promise<void> {
    const { poll, now } = this.parts
    const query = pollQuery(this.position, carrier === 'look' ? 0 : POLL_SECONDS, this.asks.list())
    try {
      const answer = checked(await this.turn.during((end) => poll(query, end), this.signal))
      this.learn({ carrier, was: 'good' })
      // That a look succeeds does not say that a wait will.
      if (carrier === 'wait' || best(this.parts.ways.experience, now()) === 'look') this.failures = 0
      this.take(answer)
      if (!answer.more && this.goesOn()) await this.rest(answer, carrier, now() - began)
    } catch (error) {
      await this.failed(carrier, error)
    }
  }

  private async follow(): Promise<void> {
    const { parts } = this
    let opened: number | null = null
    const lasted = () => (opened === null ? 0 : parts.now() - opened)
    let said = false
    let superseded = false
    try {
      await this.turn.during(async (end) => {
        await parts.ready(TOKEN_LEAST_MS)
        opened = parts.now()
        const alive = () => this.prove()
        for await (const answer of streamed({ open: (signal) => parts.stream(this.position, signal), alive, signal: end })) {
          said = true
          superseded = answer.superseded === true
          this.take(answer)
          if (superseded) return
        }
      }, this.signal)
    } catch (error) {
      this.served(lasted())
      // Without a token no stream was asked for.
      return this.failed(opened === null ? 'look' : 'stream', error)
    }
    if (superseded) return this.quiet ? this.beQuiet() : undefined
    if (!this.goesOn()) return
    if (!this.served(lasted())) this.learn({ carrier: 'stream', was: 'broken' })
    await this.unlessAtOnce(lasted(), said)
  }

  /** Whether a stream lasted so long that what failed before it is past, however it ended. */
  private served(ms: number): boolean {
    if (ms < STREAM_LEAST_MS) return false
    this.learn({ carrier: 'stream', was: 'good' })
    this.failures = 0
    return true
  }

  private take(answer: PollAnswer): void {
    if (answer.superseded) {
      this.quiet = this.parts.now() >= this.insistsUntil
      this.insistsUntil = 0
      this.turn.forget()
      return
    }
    this.prove()
    this.asks.hear(answer)
    const before = this.position
    this.position = answer.cursor ?? null
    this.parts.publish(before, answer)
  }

  private prove(): void {
    if (this.proven) return
    this.proven = true
    this.parts.state('online')
  }

  /** The pause that a failure costs, if it costs one. */
  private async failed(carrier: Carrier, error: unknown): Promise<void> {
    const { environment, waker, random, state } = this.parts
    this.proven = false
    if (!this.goesOn() || error instanceof NetworkChange) return
    this.blame(carrier, error)
    // The house can be reached, or a look will tell at once.
    if (error instanceof StreamFault && error.was !== 'broken') return
    this.failures++
    state(environment.isOnline() ? 'reconnecting' : 'offline')
    await waker.pause(backoffMs(this.failures, random, error), { signal: this.signal, whole: asked(error) })
  }

  private blame(carrier: Carrier, error: unknown): void {
    const refused = error instanceof PosthouseError && error.code !== 'offline' && error.code !== 'outcome_unknown'
    if (carrier === 'look' || refused) this.learn({ carrier: 'look', was: 'broken' })
    else if (carrier === 'wait') this.learn({ carrier, was: 'broken' })
    else this.learn({ carrier, was: error instanceof StreamFault ? error.was : 'broken' })
  }

  private async rest(answer: PollAnswer, carrier: 'wait' | 'look', tookMs: number): Promise<void> {
    const { waker, environment, now } = this.parts
    if (carrier === 'wait' && (await this.unlessAtOnce(tookMs, answer.events.length > 0))) return
    if (this.quiet) return this.beQuiet()
    if (best(this.parts.ways.experience, now()) === 'look') return this.restOfLooks(answer)
    // After a look the better way follows at once.
    if (carrier === 'wait' && !environment.isVisible()) await waker.pause(HIDDEN_MS, { signal: this.signal })
  }

  private beQuiet(): Promise<void> {
    const { waker, environment } = this.parts
    return waker.pause(environment.isVisible() ? this.sooner(QUIET_MS) : QUIET_HIDDEN_MS, { signal: this.signal })
  }

  private async restOfLooks(answer: PollAnswer): Promise<void> {
    const { waker, random, environment, spoken } = this.parts
    const soon = answer.events.length > 0 || spoken.value
    spoken.value = false
    this.lookMs = soon ? LOOK_MS : Math.min(LOOK_LONGEST_MS, this.lookMs * LOOK_GROWTH)
    const ms = environment.isVisible() ? this.sooner(this.lookMs) : LOOK_LONGEST_MS
    // Shortened by up to a tenth, so that those who began together do not stay together.
    await waker.pause(ms * (1 - random() / 10), { signal: this.signal })
  }

  private sooner(ms: number): number {
    return this.asks.grows ? LOOK_GROWING_MS : ms
  }

  /** Pauses, and answers true, if answers that say nothing come at once again and again. */
  private async unlessAtOnce(tookMs: number, said: boolean): Promise<boolean> {
    const { waker, random } = this.parts
    this.idle = tookMs < AT_ONCE_MS && !said ? this.idle + 1 : 0
    const excess = this.idle - AT_ONCE_ALLOWED
    if (excess <= 0) return false
    await waker.pause(backoffMs(excess, random), { signal: this.signal, whole: true })
    return true
  }
}

function asked(error: unknown): boolean {
  return error instanceof PosthouseError && error.retryAfter !== null
}
