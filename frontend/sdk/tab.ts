// This tab among the others of its browser: one leads and has the only way to the house, the others hear from it.
// A leader has no timer of its own to show that it lives: the followers ask, and it answers as it hears, since a message
// reaches a hidden page at once and a timer may reach it once a minute. Who does not answer loses the seat.
import { channelName, isSaid, LEASE, type Channel, type Neighbours, type Said } from './channel'
import type { Experience } from './carrier'
import type { ConnectionState } from './client'
import type { Environment } from './environment'
import type { Inbox } from './inbox'
import { leaseSeat, lockSeat, type Hold, type Seat } from './seat'
import type { Storage } from './storage'
import type { PollAnswer } from './types'

/** Between two questions; with the unanswered ones it is how long a death stays unnoticed: 1.35 s. */
const ASK_MS = 450
const UNANSWERED = 2
/** A hidden tab leaves it to one that is looked at, if there is one. */
const UNANSWERED_HIDDEN = 4
/** Those who notice together do not act together. */
const SPREAD_MS = 150
/** A glance at this tab does not move the seat. */
const LOOKED_AT_MS = 300
const MOMENT_MS = 5_000

export interface Lead {
  position: string | null
  /** Another tab led a moment ago: what it still has under way may come to the house after our first request. */
  succeeds: boolean
  publish: (before: string | null, answer: PollAnswer) => void
  state: (state: ConnectionState) => void
}

export interface TabParts {
  /** null: this tab is alone, as far as it can know. */
  neighbours: Neighbours | null
  sessionId: string
  storage: Storage
  environment: Environment
  now: () => number
  random: () => number
  inbox: Inbox
  ways: { experience: Experience }
  state: (state: ConnectionState) => void
  /** The way to the house, until the signal aborts. */
  lead: (lead: Lead, signal: AbortSignal) => Promise<void>
  /** Another tab wants the house to be asked now. */
  resume: () => void
}

export class Tab {
  private readonly channel: Channel | null
  private readonly seat: Seat | null
  private hold: Hold | null = null
  private connection: ConnectionState = 'connecting'
  private unanswered = 0
  private heardAt = -Infinity
  private othersAskedAt = -Infinity
  private leaderHidden = false
  /** Put away by the browser, perhaps for ever: no candidate for the seat. */
  private away = false
  private force = false
  /** Ends waiting for the seat, or holding it. */
  private turn = new AbortController()
  private readonly timers = new Set<ReturnType<typeof setTimeout>>()

  constructor(
    private readonly parts: TabParts,
    private readonly signal: AbortSignal,
  ) {
    const { neighbours, sessionId, storage, environment, now } = parts
    const name = channelName(sessionId)
    this.channel = neighbours?.open(name, (message) => isSaid(message) && this.hear(message)) ?? null
    const isVisible = () => environment.isVisible()
    if (!neighbours) this.seat = null
    else this.seat = neighbours.locks ? lockSeat(neighbours.locks, name) : leaseSeat({ storage, now, isVisible }, LEASE)
  }

  /** Leads and follows by turns, until the signal aborts. */
  async run(): Promise<void> {
    const { parts, signal, seat } = this
    parts.state('connecting')
    if (!seat) return this.lead(signal)
    const stopHearing = parts.environment.subscribe((change) => {
      if (change === 'gone') this.leave()
      else if (change === 'hidden') this.beat()
      else if (change === 'visible' || change === 'focus') this.come()
    })
    const abort = () => this.turn.abort()
    signal.addEventListener('abort', abort)
    try {
      this.say({ type: 'ask' })
      this.after(ASK_MS, () => this.watch())
      while (!signal.aborted) await this.sit(seat)
    } finally {
      signal.removeEventListener('abort', abort)
      for (const timer of this.timers) clearTimeout(timer)
      stopHearing()
      this.channel?.close()
    }
  }

  /** Whether this tab has the way to the house. */
  get leads(): boolean {
    return this.seat === null || this.hold !== null
  }

  /** Don't wait: the person is here, or the app asks. */
  resume(): void {
    if (!this.hold) this.say({ type: 'resume' })
  }

  private async sit(seat: Seat): Promise<void> {
    this.turn = new AbortController()
    const { signal } = this.turn
    if (this.away || this.signal.aborted) return aborted(this.signal.aborted ? this.signal : signal)
    const { force } = this
    this.force = false
    const hold = await seat.take(signal, force)
    if (!hold) return
    const lost = () => this.turn.abort()
    hold.lost.addEventListener('abort', lost)
    this.hold = hold
    try {
      if (!signal.aborted && !hold.lost.aborted) await this.lead(signal)
    } finally {
      this.hold = null
      this.unanswered = 0
      hold.release()
      // A last request of ours may have silenced the one who leads now.
      if (hold.lost.aborted) this.say({ type: 'resume' })
    }
  }

  private async lead(signal: AbortSignal): Promise<void> {
    const { inbox, state, lead, now } = this.parts
    const succeeds = Math.abs(now() - this.heardAt) < MOMENT_MS
    const publish = (before: string | null, answer: PollAnswer) => {
      if (signal.aborted) return
      inbox.push(before, answer)
      this.say({ type: 'news', before, answer })
    }
    const tell = (connection: ConnectionState) => {
      if (signal.aborted) return
      this.connection = connection
      state(connection)
      this.beat()
    }
    const end = aborted(signal)
    const whole = lead({ position: inbox.position, succeeds, publish, state: tell }, signal)
    // Who comes to an end by himself: his session is over, and so will this be. Nobody waits for what he still has under way.
    await Promise.race([whole.then(() => end), end])
  }

  private hear(said: Said): void {
    if (said.type === 'ask') {
      this.othersAskedAt = this.parts.now()
      this.hold?.renew()
      return this.beat()
    }
    if (said.type === 'resume') return this.hold ? this.parts.resume() : undefined
    // Another one leads too: the seat says which of us is wrong.
    if (this.hold) return this.hold.renew()
    const { inbox, state, ways, now } = this.parts
    this.unanswered = 0
    this.heardAt = now()
    if (said.type === 'news') return inbox.push(said.before, said.answer)
    state(said.state)
    ways.experience = said.experience
    inbox.reach(said.position)
    if (!said.visible && !this.leaderHidden) this.after(LOOKED_AT_MS, () => this.leaderHidden && this.claimIfLookedAt())
    this.leaderHidden = !said.visible
  }

  private beat(): void {
    if (!this.hold) return
    const { environment, inbox, ways } = this.parts
    const { connection: state } = this
    this.say({ type: 'beat', visible: environment.isVisible(), state, position: inbox.position, experience: ways.experience })
  }

  private watch(): void {
    this.after(ASK_MS, () => this.watch())
    if (this.hold || this.away) return
    if (this.unanswered >= (this.parts.environment.isVisible() ? UNANSWERED : UNANSWERED_HIDDEN)) {
      this.after(SPREAD_MS * this.parts.random(), () => this.unanswered > 0 && this.claim())
    } else {
      this.unanswered++
      // All hear the answer, so of many tabs a few ask.
      if (Math.abs(this.parts.now() - this.othersAskedAt) >= ASK_MS / 2) this.say({ type: 'ask' })
    }
  }

  private claimIfLookedAt(): void {
    this.leaderHidden = false
    if (this.parts.environment.isVisible()) this.claim()
  }

  private claim(): void {
    if (this.hold || this.away || this.signal.aborted) return
    this.unanswered = 0
    this.force = true
    this.turn.abort()
  }

  private leave(): void {
    this.away = true
    // Now: the page may have no other moment.
    this.hold?.release()
    this.turn.abort()
  }

  private come(): void {
    if (this.away) {
      this.away = false
      this.turn.abort()
    }
    this.beat()
    if (!this.hold) {
      this.say({ type: 'ask' })
      this.say({ type: 'resume' })
    }
  }

  private say(said: Said): void {
    this.channel?.post(said)
  }

  private after(ms: number, work: () => unknown): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      work()
    }, ms)
    this.timers.add(timer)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
