// Replies of assistants while they are written. `ai.delta` brings their words by place, and is never told twice: a reply whose words
// do not fit, or that has been silent for long, is read as a whole. It is over when its entry is in the log, so that a reader never
// sees both or neither. Which ones are under way is kept in the storage, since a page that was reloaded is not told again.
import type { GrowingReply } from './asks'
import { backoffMs } from './backoff'
import { Emitter } from './emitter'
import { PosthouseError } from './errors'
import type { Storage } from './storage'
import { systemOf, type AiReply, type ClientEvent, type Entry } from './types'

export interface RunningReply {
  readonly id: string
  readonly conversationId: string
  readonly assistantId: string
  /** The entry that asks. */
  readonly replyToSeq: number
  /** What it has said so far. */
  readonly text: string
  /** waiting: nothing is said yet · ended: its entry, which is on its way to the log, says how */
  readonly state: 'waiting' | 'writing' | 'ended'
  /** When it was first heard of here. */
  readonly beganAt: number
}

export interface RepliesParts {
  storage: Storage
  /** The reply without its first `offset` characters. */
  read: (conversationId: string, replyId: string, offset: number) => Promise<AiReply>
  /** Whether the log shows this seq, or nobody reads it. */
  shown: (conversationId: string, seq: number) => boolean
  now: () => number
  random: () => number
}

interface Held {
  reply: RunningReply
  /** Of its text, in characters as the house counts them. */
  length: number
  endSeq: number | null
  failures: number
  timer: ReturnType<typeof setTimeout> | undefined
  reading: boolean
  /** Words came meanwhile that did not fit. */
  again: boolean
}

/** After so long without a word it is read: the last words, or its end, may have been lost on the way. */
const SILENCE_MS = 8_000
/** The last eight bytes of a message's id: "ai.reply". */
const MARK = '-6169-2e7265706c79'

/** The reply that this entry is the end of, or null. */
export function replyIdOf(entry: Entry): string | null {
  const system = systemOf(entry)
  if (system !== null) return system.code === 'ai.failed' && typeof system.params['reply_id'] === 'string' ? system.params['reply_id'] : null
  return entry.client_msg_id === null ? null : replyIdIn(entry.client_msg_id)
}

/** The id of the reply that a message's id names (its bytes, the least first), or null. */
export function replyIdIn(clientMsgId: string): string | null {
  if (!clientMsgId.endsWith(MARK)) return null
  const hex = clientMsgId.slice(0, -MARK.length).replaceAll('-', '')
  if (!/^[0-9a-f]{16}$/.test(hex)) return null
  return BigInt(`0x${swapped(hex)}`).toString()
}

/** The id of the message that a reply will be. */
export function messageIdOf(replyId: string): string {
  const hex = swapped(BigInt(replyId).toString(16).padStart(16, '0'))
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12)}${MARK}`
}

function swapped(hex: string): string {
  return (hex.match(/../g) ?? []).reverse().join('')
}

export class Replies {
  private readonly held = new Map<string, Held>()
  private readonly emitter = new Emitter<{ change: (conversationId: string) => void }>()
  private userId: string | null = null

  constructor(private readonly parts: RepliesParts) {}

  /** Those of a conversation, in the order in which they began. */
  of(conversationId: string): readonly RunningReply[] {
    return [...this.held.values()].map(({ reply }) => reply).filter((reply) => reply.conversationId === conversationId)
  }

  /** Those that are not at their end. */
  growing(): GrowingReply[] {
    return [...this.held.values()].filter(({ endSeq }) => endSeq === null).map(({ reply, length }) => ({ id: reply.id, length }))
  }

  subscribe(listener: (conversationId: string) => void): () => void {
    return this.emitter.on('change', listener)
  }

  start(userId: string): void {
    this.end()
    this.userId = userId
    for (const reply of this.load()) this.read(this.hold(reply))
  }

  end(): void {
    for (const { timer } of this.held.values()) clearTimeout(timer)
    this.held.clear()
    this.userId = null
  }

  /** The session is over for good: nothing of it stays in the storage. */
  forget(): void {
    if (this.userId !== null) this.parts.storage.remove(keyOf(this.userId))
    this.end()
  }

  hear(event: ClientEvent): void {
    switch (event.type) {
      case 'resync':
        return this.held.forEach((one) => this.read(one))
      case 'ai.delta':
        return this.write(event)
      case 'ai.finished':
        return this.finish(event.reply_id, event.seq)
      case 'entry':
        return this.see(event.entry)
    }
  }

  /** A reply as the house answers it: one that I asked for again, or stopped. */
  take(answer: AiReply): void {
    const known = this.held.get(answer.id)
    if (answer.seq !== null) return this.finish(answer.id, answer.seq)
    const one = known ?? this.begin(answer.id, answer.conversation_id, answer.assistant_id, answer.reply_to_seq)
    this.add(one, answer.offset, answer.text)
  }

  /** A log changed: what it shows now is no reply any more. */
  prune(conversationId: string): void {
    for (const [id, { reply, endSeq }] of this.held) {
      if (reply.conversationId === conversationId && endSeq !== null && this.parts.shown(conversationId, endSeq)) this.drop(id)
    }
  }

  private write(event: Extract<ClientEvent, { type: 'ai.delta' }>): void {
    const known = this.held.get(event.reply_id)
    // Words that were under way when it ended.
    if (known?.endSeq != null) return
    const one = known ?? this.begin(event.reply_id, event.conversation_id, event.assistant_id, event.reply_to_seq)
    if (!this.add(one, event.offset, event.text)) this.read(one)
  }

  private see(entry: Entry): void {
    const id = replyIdOf(entry)
    // Anybody may choose the id of a message, but not who sends it.
    const isEnd = entry.type === 'system' || entry.sender_id === this.held.get(id ?? '')?.reply.assistantId
    if (id !== null && isEnd) this.finish(id, entry.seq)
  }

  private finish(id: string, seq: number): void {
    const one = this.held.get(id)
    if (!one) return
    clearTimeout(one.timer)
    one.endSeq = seq
    one.reply = { ...one.reply, state: 'ended' }
    this.prune(one.reply.conversationId)
    if (this.held.has(id)) this.tell(one)
  }

  private begin(id: string, conversationId: string, assistantId: string, replyToSeq: number): Held {
    const one = this.hold({ id, conversationId, assistantId, replyToSeq, text: '', state: 'waiting', beganAt: this.parts.now() })
    this.save()
    this.tell(one)
    return one
  }

  private hold(reply: RunningReply): Held {
    const one: Held = { reply, length: 0, endSeq: null, failures: 0, timer: undefined, reading: false, again: false }
    this.held.set(reply.id, one)
    this.watch(one, SILENCE_MS)
    return one
  }

  /** Words at their place; false if something before them is missing. */
  private add(one: Held, offset: number, text: string): boolean {
    if (offset > one.length) return false
    const characters = Array.from(text)
    const fresh = characters.slice(one.length - offset)
    one.failures = 0
    this.watch(one, SILENCE_MS)
    if (fresh.length === 0) return true
    one.length += fresh.length
    one.reply = { ...one.reply, text: one.reply.text + fresh.join(''), state: 'writing' }
    this.tell(one)
    return true
  }

  private watch(one: Held, ms: number): void {
    clearTimeout(one.timer)
    one.timer = setTimeout(() => this.read(one), ms)
  }

  /** Nobody waits for it. */
  private read(one: Held): void {
    one.again = one.reading
    if (!one.reading) void this.readNow(one)
  }

  private async readNow(one: Held): Promise<void> {
    const { reply } = one
    one.reading = true
    try {
      const answer = await this.parts.read(reply.conversationId, reply.id, one.length)
      if (this.held.get(reply.id) === one && one.endSeq === null) this.take(answer)
    } catch (error) {
      if (this.held.get(reply.id) === one) this.failed(one, error)
    } finally {
      one.reading = false
    }
    if (one.again && this.held.get(reply.id) === one) this.read(one)
  }

  private failed(one: Held, error: unknown): void {
    if (!(error instanceof PosthouseError)) throw error
    // It is not there for me any more, or there are no assistants.
    if (!error.retryable) return this.drop(one.reply.id)
    one.failures++
    this.watch(one, SILENCE_MS + backoffMs(one.failures, this.parts.random, error))
  }

  private drop(id: string): void {
    const one = this.held.get(id)
    if (!one) return
    clearTimeout(one.timer)
    this.held.delete(id)
    this.save()
    this.tell(one)
  }

  private tell({ reply }: Held): void {
    this.emitter.emit('change', reply.conversationId)
  }

  // ---- the storage: which ones, never what they say ----

  private save(): void {
    if (this.userId === null) return
    const key = keyOf(this.userId)
    const replies = [...this.held.values()].map(({ reply }) => ({ ...reply, text: '', state: 'waiting' }))
    if (replies.length === 0) this.parts.storage.remove(key)
    else this.parts.storage.set(key, JSON.stringify(replies))
  }

  private load(): RunningReply[] {
    if (this.userId === null) return []
    try {
      const stored: unknown = JSON.parse(this.parts.storage.get(keyOf(this.userId)) ?? '[]')
      return Array.isArray(stored) ? stored.filter(isReply) : []
    } catch {
      return []
    }
  }
}

function keyOf(userId: string): string {
  return `posthouse.replies.${userId}`
}

function isReply(value: unknown): value is RunningReply {
  const reply = value as Partial<RunningReply> | null
  const ids = [reply?.id, reply?.conversationId, reply?.assistantId]
  const numbers = [reply?.replyToSeq, reply?.beganAt]
  const known = ids.every((id) => typeof id === 'string' && /^\d+$/.test(id)) && numbers.every((number) => typeof number === 'number')
  return known && reply?.text === '' && reply.state === 'waiting'
}
