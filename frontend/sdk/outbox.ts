// Messages on their way: each is kept, in the storage too, until the house stored it or refused it for good.
// One lane per conversation, one message of it at a time, so that they arrive in the order in which they were written.
// A message keeps its client_msg_id for ever: however often it is sent, it is stored once.
import { backoffMs } from './backoff'
import { Emitter } from './emitter'
import { PosthouseError } from './errors'
import { OutboxStore } from './outbox-store'
import type { Entry, SendRequest } from './types'
import { uuid } from './uuid'
import type { Waker } from './waker'

export interface PendingMessage {
  readonly client_msg_id: string
  readonly conversation_id: string
  readonly type: SendRequest['type']
  readonly content: SendRequest['content']
  readonly reply_to_seq: number | null
  readonly mentions: readonly string[]
  readonly created_at: number
  /** sending: on its way, also while waiting for the network · failed: refused, see `code` · sent: stored as `entry`, which the log shows in a moment */
  readonly state: 'sending' | 'failed' | 'sent'
  readonly code: string | null
  readonly entry: Entry | null
}

/** A text, or what `type` says; with the entry that it answers, and who is mentioned: ids, and `all`. */
export type NewMessage = ({ text: string } | { type: SendRequest['type']; content: SendRequest['content'] }) & {
  /** Where the message has an id already. */
  clientMsgId?: string
  replyToSeq?: number | null
  mentions?: readonly string[]
}

export interface Outbox {
  /** Takes a message and sends it in its turn; the same order per conversation always. */
  send(conversationId: string, message: NewMessage): PendingMessage
  /** The messages of a conversation, in order, that its log does not show yet. */
  pending(conversationId: string): readonly PendingMessage[]
  /** Tries a failed one again, with the same id, at the end of the row. */
  retry(clientMsgId: string): void
  /** Forgets a failed one. */
  discard(clientMsgId: string): void
  /** Called with the conversation whose messages changed. Returns the way to stop. */
  subscribe(listener: (conversationId: string) => void): () => void
}

export interface OutboxParts {
  send: (conversationId: string, message: SendRequest) => Promise<Entry>
  /** A message of ours was stored: puts it into its log. */
  stored: (entry: Entry) => void
  /** Whether the log of the conversation shows this seq, or nobody reads that log. */
  shown: (conversationId: string, seq: number) => boolean
  store: OutboxStore
  waker: Waker
  now: () => number
  random: () => number
}

export class MessageOutbox implements Outbox {
  private lanes = new Map<string, readonly PendingMessage[]>()
  private readonly running = new Set<string>()
  private readonly emitter = new Emitter<{ change: (conversationId: string) => void }>()
  private stop = new AbortController()
  private userId: string | null = null
  private lastAt = 0

  constructor(private readonly parts: OutboxParts) {}

  /** Somebody is signed in: takes up what was left unsent. */
  start(userId: string): void {
    this.pauseAll()
    this.userId = userId
    for (const message of this.parts.store.load(userId)) {
      this.lastAt = Math.max(this.lastAt, message.created_at)
      this.put(message.conversation_id, [...this.pending(message.conversation_id), message])
    }
    for (const id of this.lanes.keys()) void this.run(id)
  }

  /** Nobody is signed in. Unsent messages stay in the storage for the same person, unless they are to be forgotten. */
  end(forget: boolean): void {
    if (forget && this.userId !== null) this.parts.store.clear(this.userId)
    this.pauseAll()
  }

  send(conversationId: string, what: NewMessage): PendingMessage {
    const userId = this.userId
    if (userId === null) throw new PosthouseError({ code: 'unauthenticated', detail: 'there is no session' })
    const known = what.clientMsgId === undefined ? null : this.find(what.clientMsgId)
    if (known) return known
    const message: PendingMessage = {
      client_msg_id: what.clientMsgId ?? uuid(),
      conversation_id: conversationId,
      ...('text' in what ? { type: 'text', content: { text: what.text } } : { type: what.type, content: what.content }),
      reply_to_seq: what.replyToSeq ?? null,
      mentions: what.mentions ?? [],
      created_at: this.nextAt(),
      state: 'sending',
      code: null,
      entry: null,
    }
    this.parts.store.save(userId, message)
    this.put(conversationId, [...this.pending(conversationId), message])
    void this.run(conversationId)
    return message
  }

  pending(conversationId: string): readonly PendingMessage[] {
    return this.lanes.get(conversationId) ?? []
  }

  retry(clientMsgId: string): void {
    const message = this.find(clientMsgId)
    if (message?.state !== 'failed' || this.userId === null) return
    const again: PendingMessage = { ...message, state: 'sending', code: null, created_at: this.nextAt() }
    const others = this.pending(message.conversation_id).filter((one) => one.client_msg_id !== clientMsgId)
    this.parts.store.save(this.userId, again)
    this.put(message.conversation_id, [...others, again])
    void this.run(message.conversation_id)
  }

  discard(clientMsgId: string): void {
    const message = this.find(clientMsgId)
    if (message?.state !== 'failed' || this.userId === null) return
    this.parts.store.drop(this.userId, clientMsgId)
    this.put(message.conversation_id, this.pending(message.conversation_id).filter((one) => one !== message))
  }

  subscribe(listener: (conversationId: string) => void): () => void {
    return this.emitter.on('change', listener)
  }

  /** One of ours was stored through another tab. */
  settle(entry: Entry): void {
    const message = entry.client_msg_id === null ? null : this.find(entry.client_msg_id)
    if (message) this.replace(message, { state: 'sent', entry, code: null })
    this.prune(entry.conversation_id)
  }

  /** The log of a conversation changed: what it shows now is pending no more. */
  prune(conversationId: string): void {
    const lane = this.pending(conversationId)
    const left = lane.filter((one) => !(one.entry && this.parts.shown(conversationId, one.entry.seq)))
    if (left.length !== lane.length) this.put(conversationId, left)
  }

  private async run(conversationId: string): Promise<void> {
    if (this.running.has(conversationId)) return
    this.running.add(conversationId)
    const { signal } = this.stop
    try {
      while (!signal.aborted) {
        const message = this.pending(conversationId).find((one) => one.state === 'sending')
        if (!message || !(await this.deliver(message, signal))) return
      }
    } finally {
      if (!signal.aborted) this.running.delete(conversationId)
    }
  }

  /** Until it is stored or refused. False if the session ended over it. */
  private async deliver(message: PendingMessage, signal: AbortSignal): Promise<boolean> {
    const { send, stored, store, waker, random } = this.parts
    for (let attempt = 1; ; attempt++) {
      try {
        const entry = await send(message.conversation_id, requestOf(message))
        if (signal.aborted) return false
        if (this.userId !== null) store.drop(this.userId, message.client_msg_id)
        this.replace(message, { state: 'sent', entry })
        stored(entry)
        this.prune(message.conversation_id)
        return true
      } catch (error) {
        if (signal.aborted) return false
        if (!passing(error)) {
          const failed = this.replace(message, { state: 'failed', code: error instanceof PosthouseError ? error.code : 'offline' })
          if (failed && this.userId !== null) store.save(this.userId, failed)
          return true
        }
        const asked = error instanceof PosthouseError && error.retryAfter !== null
        await waker.pause(backoffMs(attempt, random, error), { signal, whole: asked })
        // Stored through another tab meanwhile.
        if (signal.aborted || this.find(message.client_msg_id)?.state !== 'sending') return !signal.aborted
      }
    }
  }

  private replace(message: PendingMessage, change: Partial<PendingMessage>): PendingMessage | null {
    const now = this.find(message.client_msg_id)
    if (!now) return null
    const changed = { ...now, ...change }
    const lane = this.pending(message.conversation_id)
    this.put(message.conversation_id, lane.map((one) => (one === now ? changed : one)))
    return changed
  }

  private find(clientMsgId: string): PendingMessage | null {
    for (const lane of this.lanes.values()) {
      const found = lane.find((one) => one.client_msg_id === clientMsgId)
      if (found) return found
    }
    return null
  }

  private put(conversationId: string, lane: readonly PendingMessage[]): void {
    if (lane.length > 0) this.lanes.set(conversationId, lane)
    else this.lanes.delete(conversationId)
    this.emitter.emit('change', conversationId)
  }

  private pauseAll(): void {
    this.stop.abort()
    this.stop = new AbortController()
    this.running.clear()
    this.userId = null
    const conversations = [...this.lanes.keys()]
    this.lanes = new Map()
    for (const id of conversations) this.emitter.emit('change', id)
  }

  /** Never the same twice, so that the order survives a reload. */
  private nextAt(): number {
    this.lastAt = Math.max(this.parts.now(), this.lastAt + 1)
    return this.lastAt
  }
}

/** Not the message's fault: it waits, for the network, the house, or a token. If the session is over, its end stops the lane. */
function passing(error: unknown): boolean {
  if (!(error instanceof PosthouseError)) return false
  return error.retryable || error.code === 'token_expired' || error.code === 'unauthenticated'
}

function requestOf({ client_msg_id, type, content, reply_to_seq, mentions }: PendingMessage): SendRequest {
  return {
    client_msg_id,
    type,
    content,
    ...(reply_to_seq === null ? {} : { reply_to_seq }),
    ...(mentions.length === 0 ? {} : { mentions: [...mentions] }),
  }
}
