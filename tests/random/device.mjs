// A device: it listens by stream, long poll and short poll in turn, goes away, loses answers, comes back by its cursor or
// without one, and keeps its view (view.mjs) by the contract alone: events in order, gaps filled from the log, and after a
// `resync` the snapshot that openapi.yaml names. What its own session does it learns from the answers.
import { ANSWER_MS, Client } from '../chaos/client.mjs'
import { cutOff, stream } from '../chaos/http.mjs'
import { isOperation } from './log.mjs'
import { View } from './view.mjs'

const SYNC_NAMED_MAX = 500

export class Device extends Client {
  constructor(account, number, world) {
    super(account, number, world)
    this.view = new View(account.id)
    this.filling = new Map() // conversation → the gap filling that runs
    this.heard = 0 // events
  }

  /** Asks until there is an answer that will not change by asking again; null when it is over. */
  async ask(request) {
    for (let tries = 0; !this.abort.signal.aborted; tries++) {
      const answer = await this.once(request)
      if (!answer.later) return answer
      await this.backOff(tries)
    }
    return null
  }

  /** The body of a reading; null if it is refused, which is right of a group that was left and of nothing else. */
  async read(path) {
    const answer = await this.ask({ path })
    if (answer && answer.is !== 'ok' && answer.status !== 404) this.note('read', 'fault', { path, status: answer.status, code: answer.body?.code, id: answer.id })
    return answer?.is === 'ok' ? answer.body : null
  }

  /** All items of a list; null if one page is refused. */
  async all(path) {
    const items = []
    for (let cursor = ''; cursor !== null;) {
      const page = await this.read(`${path}${path.includes('?') ? '&' : '?'}limit=200${cursor}`)
      if (!page) return null
      items.push(...page.items)
      cursor = page.next_cursor === null ? null : `&cursor=${encodeURIComponent(page.next_cursor)}`
    }
    return items
  }

  async allRequests() {
    const [to, from] = [await this.all('/friend-requests?direction=in'), await this.all('/friend-requests?direction=out')]
    return to && from && [...to, ...from]
  }

  isHeld(held, log = held.log) {
    return this.view.conversations.get(held.id) === held && held.log === log
  }

  // ---- what comes ----
  async hear({ cursor, events, resync }) {
    if (cursor !== undefined) this.cursor = cursor
    if (resync) await this.resync()
    for (const event of events) {
      this.heard++
      await this.happened(event)
    }
  }

  async happened(event) {
    const { view } = this
    const held = view.conversations.get(event.conversation_id ?? event.conversation?.id ?? event.group?.id)
    switch (event.type) {
      case 'entry': return this.take(event.entry)
      case 'entry.hidden': return held && this.hide(held, event.seq)
      case 'conversation': return void view.take(event.conversation)
      case 'conversation.read': return held?.takeRead(event)
      case 'conversation.removed': return this.cleared(event)
      case 'group': return held?.takeGroup(event.group)
      case 'group.left': return view.takeLeft(event)
      case 'friend': return view.takeFriend(event.friend)
      case 'friend.removed': return view.friends.take(event.user_id, event.version, null)
      case 'friend_request': return view.takeRequest(event.friend_request)
      case 'block': return view.blocks.take(event.user_id, event.version, event.blocked ? event.user_id : null)
      case 'me': return view.takeMe(event.user)
      case 'user': return view.takeUser(event.user)
    }
  }

  /** An item of a log: the next one, one that is there, a jump that must be filled, or the first of what is not held. */
  async take(item) {
    let held = this.view.conversations.get(item.conversation_id)
    if (!held?.isListed) {
      if (held && isOperation(item)) return // of what was cleared
      held = await this.open(item.conversation_id)
    }
    if (held?.isListed && !held.next(item)) await this.fill(held, item.seq)
  }

  /** One that was hidden before this device heard of it is told no more: its place is in the log alone. */
  async hide(held, seq) {
    held.log.hide(seq)
    if (held.isListed && seq > held.log.hi) await this.fill(held, seq)
  }

  /** An entry as its change by this session left it; the change itself has the place `changed_seq`. */
  async takeChanged(entry) {
    const held = this.view.conversations.get(entry.conversation_id)
    if (!held?.isListed) return
    held.log.keep(entry)
    if (entry.changed_seq > held.log.hi) await this.fill(held, entry.changed_seq)
  }

  async open(id) {
    const wire = await this.read(`/conversations/${id}`)
    return wire && this.view.take(wire).held
  }

  /** Something may have been said before this was heard: then it is listed. */
  async cleared(event) {
    this.view.takeRemoved(event)
    if (this.view.conversations.get(event.conversation_id)?.isListed === false) await this.open(event.conversation_id)
  }

  // ---- gaps ----
  /** Reads what is missing below and at `seq`; one run per log, which sees to what comes meanwhile. */
  fill(held, seq) {
    const running = this.filling.get(held.log)
    if (running) {
      running.to = Math.max(running.to, seq)
      return running.done
    }
    const run = { to: seq }
    this.filling.set(held.log, run)
    const { log } = held
    run.done = this.fillTo(held, log, run).finally(() => this.filling.delete(log))
    return run.done
  }

  async fillTo(held, log, run) {
    while (log.hi < run.to && this.isHeld(held, log) && !this.abort.signal.aborted) {
      const from = log.hi
      const page = await this.read(`/conversations/${held.id}/messages?limit=${1 + this.below(200)}&after_seq=${from}`)
      if (!page || !this.isHeld(held, log)) return
      for (const item of page.items) held.next(item)
      if (log.hi === from) return this.note('fill', 'fault', { path: `${held.id} after ${from}`, code: `nothing up to ${run.to}, the last is ${page.last_seq}` })
    }
  }

  /** One page of what was said before; false when there is no more. */
  async scroll(held) {
    const { log } = held
    const first = held.facts.first_seq
    if (log.lo <= first) return false
    const page = await this.read(`/conversations/${held.id}/messages?limit=${20 + this.below(181)}&before_seq=${log.lo}`)
    if (!page || !this.isHeld(held, log)) return false
    log.older(page, first)
    return true
  }

  async loadPins(held) {
    const { log } = held
    const asOf = log.hi
    const items = await this.all(`/conversations/${held.id}/pins`)
    if (items && this.isHeld(held, log)) held.takeList('pins', new Set(items.map(({ entry }) => entry.seq)), asOf)
  }

  async loadMembers(held) {
    const { log } = held
    const asOf = log.hi
    const items = await this.all(`/groups/${held.id}/members`)
    if (items && this.isHeld(held, log)) held.takeList('members', new Map(items.map(({ user, role, muted_until }) => [user.id, { role, muted_until }])), asOf)
  }

  /** What a screen would show of a conversation that is opened. */
  async look(held) {
    if (!held.pins) await this.loadPins(held)
    if (held.group && !held.members && this.isHeld(held)) await this.loadMembers(held)
  }

  /** As one who opens a conversation and reads back in it. */
  async browse(draw) {
    const held = draw.pick([...this.view.conversations.values()].filter(({ isListed }) => isListed))
    if (!held) return
    await this.look(held)
    await this.scroll(held)
  }

  // ---- the snapshot ----
  async resync() {
    const { view } = this
    const [me, friends, requests, blocks] = [await this.read('/me'), await this.all('/friends'), await this.allRequests(), await this.all('/blocks')]
    if (!me || !friends || !requests || !blocks) return
    view.takeMe(me)
    view.friends.only(friends.map(({ user }) => user.id))
    for (const friend of friends) view.takeFriend(friend)
    view.requests.clear()
    for (const request of requests) view.takeRequest(request)
    view.blocks.all.clear() // a list of blocks has no versions: what is told of them later is told in order
    for (const { user } of blocks) view.blocks.take(user.id, 0, user.id)
    await this.sync()
  }

  async sync() {
    const held = [...this.view.conversations.values()].map(({ id, log, version }) => ({ id, seq: log.hi, version })).sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1))
    const limit = 1 + this.below(100)
    for (let next, isFirst = true; isFirst || next !== null; isFirst = false) {
      const conversations = held.filter(({ id }) => isFirst || BigInt(id) > BigInt(next)).slice(0, SYNC_NAMED_MAX)
      const answer = await this.ask({ method: 'POST', path: '/sync', body: { conversations, limit, ...(!isFirst && { next }) } })
      if (answer?.is !== 'ok') return answer && this.note('sync', 'fault', { status: answer.status, code: answer.body?.code, id: answer.id })
      for (const change of answer.body.items) await this.takeChange(change)
      for (const id of answer.body.removed) this.view.conversations.delete(id)
      next = answer.body.next
    }
  }

  /** A conversation of a sync: with a gap, the log is begun anew or the gap is filled, as one likes. */
  async takeChange({ conversation, from_seq, to_seq, limited, items, changed, changed_limited }) {
    const known = this.view.conversations.get(conversation.id)?.version
    const { held, isNew } = this.view.take(conversation)
    const reached = held.log.hi
    const isAnew = isNew || changed_limited || (limited && this.chance(0.5))
    if (isAnew) held.reset(from_seq - 1)
    for (const entry of changed) held.log.keep(entry)
    const isWhole = items.every((item) => held.next(item))
    if (!isWhole || (!isNew && reached > to_seq)) await this.fill(held, Math.max(to_seq, reached))
    if (!isAnew && conversation.version > known) await this.lookForHidden(held)
  }

  /** A sync does not say which entries another device hid; that the version rose says that it may have. */
  async lookForHidden(held) {
    const { log } = held
    for (let after = log.lo - 1; after < log.hi;) {
      const page = await this.read(`/conversations/${held.id}/messages?limit=200&after_seq=${after}`)
      if (!page?.covers || !this.isHeld(held, log)) return
      for (const { seq, type } of page.items) if (type === 'hidden') log.hide(seq)
      after = page.covers[1]
    }
  }

  // ---- listening ----
  async listen() {
    const { world } = this
    for (let tries = 0; !world.isOver();) {
      const { away, lost, forgets, streams, shortPolls } = world.habits
      if (!world.isQuiet() && this.chance(away)) await world.rest(4000 * world.random())
      if (!world.isQuiet() && this.chance(lost)) this.cursor = null
      if (!world.isQuiet() && this.chance(forgets)) {
        this.view.forget()
        this.cursor = null
      }
      const how = world.random()
      const heard = how < streams ? await this.listenStream() : await this.listenPoll(how < streams + shortPolls)
      if (heard) tries = 0
      else if (!this.abort.signal.aborted) await this.backOff(tries++)
    }
  }

  /** Whether something was heard. */
  async listenPoll(isShort) {
    const { world } = this
    const seconds = isShort ? 0 : world.isQuiet() ? 2 : 1 + this.below(8)
    const path = `/poll?timeout=${seconds}${this.cursor === null ? '' : `&cursor=${this.cursor}`}`
    if (!world.isQuiet() && this.chance(world.habits.cuts)) {
      await cutOff(world.base, { path, token: this.token, bytes: 1 + this.below(3000), afterMs: 1000 * world.random() })
      return true
    }
    const answer = await this.once({ path, timeoutMs: seconds * 1000 + ANSWER_MS })
    if (answer.is !== 'ok') return this.deaf(answer)
    await this.hear(answer.body)
    if (isShort && !answer.body.events.length) await world.rest(300 * world.random())
    return true
  }

  /** Until it ends, or this device leaves it: of its own will, or cut off in the middle of a message. */
  async listenStream() {
    const { world, token } = this
    const cut = !world.isQuiet() && this.chance(6 * world.habits.cuts) ? 1 + this.below(40_000) : Infinity
    let heard = Promise.resolve()
    const path = `/stream${this.cursor === null ? '' : `?cursor=${this.cursor}`}`
    const end = await stream(world.base, { path, token, bytes: cut, leaveMs: 500 + 12_000 * world.random(), silenceMs: ANSWER_MS + 20_000,
      signal: this.abort.signal, message: (_, body) => (heard = heard.then(() => this.hear(body))) })
    await heard
    if (end.messages) return true
    return this.deaf(end.status >= 300 ? await this.judged(path, token, end) : { is: 'unknown', later: true, status: 0, why: end.why })
  }

  deaf({ later, status, body }) {
    if (!later && !this.abort.signal.aborted) this.note('poll', 'fault', { status, code: body?.code })
    return false
  }

  /** At the end: everything that there is to read of what is held. */
  async complete() {
    for (const held of this.view.conversations.values()) {
      if (!held.isListed) continue
      while (await this.scroll(held));
      await this.look(held)
    }
  }
}
