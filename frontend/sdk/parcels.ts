// Files on their way into a conversation: each is kept, with its bytes, until it is a file of the house and its message is in the
// outbox, which takes it from there under the same client_msg_id. Some go at once; those that were chosen together arrive in
// their order. What the house has is never sent again, whatever breaks: the network, the house, or this page.
import { backoffMs } from './backoff'
import { Emitter } from './emitter'
import type { Environment } from './environment'
import { PosthouseError } from './errors'
import type { Outbox } from './outbox'
import type { ParcelStore } from './parcel-store'
import { NetworkChange, Turn } from './turn'
import type { Tus } from './tus'
import type { SendRequest } from './types'
import { uuid } from './uuid'
import type { Waker } from './waker'

/** So many go at once. */
const LANES = 3

export type ParcelKind = 'image' | 'file' | 'voice' | 'video'

export interface NewParcel {
  kind: ParcelKind
  name: string
  blob: Blob
  /** Of a picture or a video, as it is to be shown, if that is known. */
  width?: number | null
  height?: number | null
  /** Of sound and video. */
  durationMs?: number | null
  /** A picture that stands for a video. */
  poster?: Blob | null
}

export interface Parcel {
  readonly client_msg_id: string
  readonly conversation_id: string
  /** Chosen together. */
  readonly batch: string
  readonly kind: ParcelKind
  readonly name: string
  readonly blob: Blob
  readonly poster: Blob | null
  readonly width: number | null
  readonly height: number | null
  readonly duration_ms: number | null
  readonly reply_to_seq: number | null
  readonly created_at: number
  /**
   * waiting: for its turn, or, with a `code`, for the network or the house · uploading · uploaded: those before it are not yet ·
   * failed: refused, see `code` · handed: its message is in the outbox
   */
  readonly state: 'waiting' | 'uploading' | 'uploaded' | 'failed' | 'handed'
  readonly code: string | null
  /** Bytes that left. */
  readonly sent: number
  readonly upload_id: string | null
  readonly poster_file_id: string | null
}

export interface Parcels {
  /** Takes files and sends each as a message; the first answers `replyToSeq`, if that is given. */
  add(conversationId: string, files: readonly NewParcel[], replyToSeq?: number | null): void
  /** Those of a conversation, in order, whose messages its log does not show yet. */
  of(conversationId: string): readonly Parcel[]
  /** A failed one again, from where it was. */
  retry(clientMsgId: string): void
  /** Forgets one that is not handed to the outbox yet, here and at the house. */
  cancel(clientMsgId: string): void
  /** Called with the conversation whose parcels changed. Returns the way to stop. */
  subscribe(listener: (conversationId: string) => void): () => void
}

export interface ParcelParts {
  tus: Pick<Tus, 'store' | 'begin' | 'offset' | 'append' | 'remove'>
  outbox: Outbox
  store: ParcelStore
  /** Runs `work` while no other tab runs one under this name. */
  lock: <T>(name: string, work: () => Promise<T>) => Promise<T>
  environment: Environment
  waker: Waker
  now: () => number
  random: () => number
}

export class ParcelQueue implements Parcels {
  private readonly all = new Map<string, Parcel>()
  /** Those that a lane works on, and the way to stop it. */
  private readonly going = new Map<string, AbortController>()
  /** Those that the store could not take: they live as long as the page. */
  private readonly loose = new Set<string>()
  private readonly emitter = new Emitter<{ change: (conversationId: string) => void }>()
  private stop = new AbortController()
  private userId: string | null = null
  private lastAt = 0

  constructor(private readonly parts: ParcelParts) {
    parts.outbox.subscribe((conversationId) => this.settle(conversationId))
  }

  /** Somebody is signed in: takes up what was left. */
  async start(userId: string): Promise<void> {
    this.end(false)
    this.userId = userId
    const { signal } = this.stop
    const left = await this.parts.store.load(userId).catch(() => [])
    if (signal.aborted) return
    for (const parcel of left) {
      this.lastAt = Math.max(this.lastAt, parcel.created_at)
      // Refused once is refused until somebody says otherwise; all else goes on.
      const state = parcel.state === 'failed' ? 'failed' : 'waiting'
      if (!this.all.has(parcel.client_msg_id)) this.put({ ...parcel, state })
    }
    this.pump()
  }

  /** Nobody is signed in. What is here stays in the store for the same person, unless it is to be forgotten. */
  end(forget: boolean): void {
    if (forget && this.userId !== null) void this.parts.store.clear(this.userId).catch(() => undefined)
    this.userId = null
    this.stop.abort()
    this.stop = new AbortController()
    for (const one of this.going.values()) one.abort()
    this.going.clear()
    this.loose.clear()
    const conversations = new Set([...this.all.values()].map((one) => one.conversation_id))
    this.all.clear()
    for (const id of conversations) this.emitter.emit('change', id)
  }

  add(conversationId: string, files: readonly NewParcel[], replyToSeq: number | null = null): void {
    if (this.userId === null) throw new PosthouseError({ code: 'unauthenticated', detail: 'there is no session' })
    const batch = uuid()
    files.forEach((file, i) => {
      this.lastAt = Math.max(this.parts.now(), this.lastAt + 1)
      this.put({
        client_msg_id: uuid(),
        conversation_id: conversationId,
        batch,
        kind: file.kind,
        name: file.name,
        blob: file.blob,
        poster: file.poster ?? null,
        width: file.width ?? null,
        height: file.height ?? null,
        duration_ms: file.durationMs ?? null,
        reply_to_seq: i === 0 ? replyToSeq : null,
        created_at: this.lastAt,
        state: 'waiting',
        code: null,
        sent: 0,
        upload_id: null,
        poster_file_id: null,
      })
    })
    this.pump()
  }

  of(conversationId: string): readonly Parcel[] {
    return [...this.all.values()].filter((one) => one.conversation_id === conversationId).sort((a, b) => a.created_at - b.created_at)
  }

  retry(clientMsgId: string): void {
    const parcel = this.all.get(clientMsgId)
    if (parcel?.state !== 'failed') return
    this.change(clientMsgId, { state: 'waiting', code: null })
    this.pump()
  }

  cancel(clientMsgId: string): void {
    const parcel = this.all.get(clientMsgId)
    if (parcel === undefined || parcel.state === 'handed') return
    this.going.get(clientMsgId)?.abort()
    this.going.delete(clientMsgId)
    this.forget(parcel)
    // As well as possible: what stays there ends by itself.
    if (parcel.upload_id !== null) void this.parts.tus.remove(parcel.upload_id, { signal: this.stop.signal }).catch(() => undefined)
    this.handOver(parcel.batch)
    this.pump()
  }

  subscribe(listener: (conversationId: string) => void): () => void {
    return this.emitter.on('change', listener)
  }

  private pump(): void {
    const waiting = [...this.all.values()].filter((one) => one.state === 'waiting' && !this.going.has(one.client_msg_id))
    for (const parcel of waiting.sort((a, b) => a.created_at - b.created_at)) {
      if (this.going.size >= LANES) return
      void this.run(parcel.client_msg_id)
    }
  }

  private async run(id: string): Promise<void> {
    const stop = new AbortController()
    this.going.set(id, stop)
    const { signal } = stop
    try {
      await this.keep(id)
      await this.parts.lock(`posthouse.parcel.${id}`, async () => {
        if (!signal.aborted && (await this.stillThere(id, signal))) await this.deliver(id, signal)
      })
    } finally {
      if (this.going.get(id) === stop) this.going.delete(id)
      if (!signal.aborted) this.pump()
    }
  }

  /** Into the store, before the first byte leaves. */
  private async keep(id: string): Promise<void> {
    const parcel = this.all.get(id)
    const userId = this.userId
    if (parcel === undefined || userId === null || this.loose.has(id) || (await this.parts.store.get(userId, id).catch(() => null))) return
    await this.parts.store.add(userId, parcel).catch(() => this.loose.add(id))
    // Cancelled while it was being written.
    if (!this.all.has(id) && this.userId === userId) await this.parts.store.drop(userId, id).catch(() => undefined)
  }

  /** Another tab may have carried it on, or to its end, while this one waited for its turn. */
  private async stillThere(id: string, signal: AbortSignal): Promise<boolean> {
    const parcel = this.all.get(id)
    if (parcel === undefined || this.userId === null) return false
    if (this.loose.has(id)) return true
    const stored = await this.parts.store.get(this.userId, id).catch(() => parcel)
    if (signal.aborted) return false
    if (stored !== null) this.change(id, { upload_id: stored.upload_id, poster_file_id: stored.poster_file_id })
    else this.remove(parcel)
    return stored !== null
  }

  /** Until it is a file or was refused. A connection over which the network changed is not waited for. */
  private async deliver(id: string, signal: AbortSignal): Promise<void> {
    const turn = new Turn(this.parts.environment, () => undefined)
    try {
      await this.attempts(id, turn, signal)
      if (!signal.aborted) this.arrived(id)
    } catch (error) {
      if (!signal.aborted) this.failed(id, error)
    } finally {
      turn.close()
    }
  }

  /** Rejects with what will not pass by itself, or when `signal` aborts. */
  private async attempts(id: string, turn: Turn, signal: AbortSignal): Promise<void> {
    const { waker, random } = this.parts
    for (let attempt = 1; ; attempt++) {
      const before = this.all.get(id)?.sent ?? 0
      try {
        this.change(id, { state: 'uploading', code: null })
        return await turn.during((end) => this.upload(id, end), signal)
      } catch (error) {
        if (signal.aborted || !passing(error)) throw error
        const problem = error instanceof PosthouseError ? error : null
        // The upload took too long, or somebody took it back: it begins anew.
        if (problem?.code === 'not_found') this.change(id, { upload_id: null, sent: 0 })
        if ((this.all.get(id)?.sent ?? 0) > before) attempt = 1
        this.change(id, { state: 'waiting', code: problem?.code ?? 'offline' })
        await waker.pause(backoffMs(attempt, random, error), { signal, whole: problem !== null && problem.retryAfter !== null })
        signal.throwIfAborted()
      }
    }
  }

  private async upload(id: string, signal: AbortSignal): Promise<void> {
    const { tus } = this.parts
    const parcel = this.all.get(id)
    if (parcel === undefined) return
    if (parcel.poster !== null && parcel.poster_file_id === null) {
      const poster = await tus.store(parcel.poster, 'poster.jpg', { signal })
      this.change(id, { poster_file_id: poster.id })
    }
    let uploadId = parcel.upload_id
    let offset = 0
    if (uploadId === null) {
      uploadId = await tus.begin(parcel.name, parcel.blob.size, { signal })
      // Taken back meanwhile.
      if (this.change(id, { upload_id: uploadId }) === null) void tus.remove(uploadId, { signal: this.stop.signal }).catch(() => undefined)
      signal.throwIfAborted()
    } else {
      offset = await tus.offset(uploadId, { signal })
    }
    const progress = (sent: number) => signal.aborted || this.change(id, { sent })
    progress(offset)
    while (offset < parcel.blob.size) offset = await tus.append(uploadId, parcel.blob, offset, { signal, progress })
  }

  private arrived(id: string): void {
    const parcel = this.change(id, { state: 'uploaded', sent: this.all.get(id)?.blob.size ?? 0 })
    if (parcel !== null) this.handOver(parcel.batch)
  }

  private failed(id: string, error: unknown): void {
    // A file that is gone from the disk, or changed since it was chosen, cannot be read.
    const parcel = this.change(id, { state: 'failed', code: error instanceof PosthouseError ? error.code : 'unreadable' })
    if (parcel !== null) this.handOver(parcel.batch)
  }

  /** To the outbox, as far as none before them is still on its way; one that was refused holds nobody up. */
  private handOver(batch: string): void {
    const together = [...this.all.values()].filter((one) => one.batch === batch).sort((a, b) => a.created_at - b.created_at)
    for (const parcel of together) {
      if (parcel.state === 'waiting' || parcel.state === 'uploading') return
      if (parcel.state === 'uploaded') this.hand(parcel)
    }
  }

  private hand(parcel: Parcel): void {
    const { outbox, store } = this.parts
    const { client_msg_id: id, conversation_id, reply_to_seq } = parcel
    this.change(id, { state: 'handed' })
    outbox.send(conversation_id, { clientMsgId: id, ...messageOf(parcel), replyToSeq: reply_to_seq })
    if (this.userId !== null) void store.drop(this.userId, id).catch(() => undefined)
    this.settle(conversation_id)
  }

  /** What the outbox holds no more, the log shows. */
  private settle(conversationId: string): void {
    const pending = new Set(this.parts.outbox.pending(conversationId).map((one) => one.client_msg_id))
    const over = this.of(conversationId).filter((one) => one.state === 'handed' && !pending.has(one.client_msg_id))
    for (const parcel of over) this.remove(parcel)
  }

  private change(id: string, changes: Partial<Parcel>): Parcel | null {
    const known = this.all.get(id)
    if (known === undefined) return null
    const changed = { ...known, ...changes }
    this.put(changed)
    // Progress alone is not worth writing down: the house knows it better.
    const lasting = 'upload_id' in changes || 'poster_file_id' in changes || changes.state === 'failed'
    if (lasting && this.userId !== null && !this.loose.has(id)) void this.parts.store.change(this.userId, changed).catch(() => undefined)
    return changed
  }

  private put(parcel: Parcel): void {
    this.all.set(parcel.client_msg_id, parcel)
    this.emitter.emit('change', parcel.conversation_id)
  }

  private remove(parcel: Parcel): void {
    this.all.delete(parcel.client_msg_id)
    this.emitter.emit('change', parcel.conversation_id)
  }

  private forget(parcel: Parcel): void {
    if (this.userId !== null) void this.parts.store.drop(this.userId, parcel.client_msg_id).catch(() => undefined)
    this.loose.delete(parcel.client_msg_id)
    this.remove(parcel)
  }
}

/** Not the file's fault: it waits for the network, the house or a token, or takes up another offset. */
function passing(error: unknown): boolean {
  if (error instanceof NetworkChange) return true
  if (!(error instanceof PosthouseError)) return false
  return error.retryable || ['token_expired', 'unauthenticated', 'conflict', 'not_found'].includes(error.code)
}

function messageOf(parcel: Parcel): { type: SendRequest['type']; content: SendRequest['content'] } {
  const file_id = parcel.upload_id ?? ''
  const duration_ms = Math.max(1, Math.round(parcel.duration_ms ?? 1))
  switch (parcel.kind) {
    case 'voice':
      return { type: 'voice', content: { file_id, duration_ms } }
    case 'video':
      return { type: 'video', content: { file_id, poster_file_id: parcel.poster_file_id, duration_ms } }
    default:
      return { type: parcel.kind, content: { file_id } }
  }
}
