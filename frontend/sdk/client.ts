// The client: what an app holds in its hands. See README.md in this folder for a tour.
import type { AiClient } from './ai-calls'
import type { Neighbours } from './channel'
import type { SendBytes } from './bytes'
import type { FileCalls } from './files'
import type { ConversationLog } from './log'
import type { GroupCalls } from './group-calls'
import type { Outbox } from './outbox'
import type { Parcels } from './parcels'
import type { ParcelStore } from './parcel-store'
import type { Environment } from './environment'
import type { Storage } from './storage'
import type { Missed } from './sync'
import type {
  Block,
  ClientEvent,
  Conversation,
  Device,
  Entry,
  Friend,
  FriendRequest,
  Me,
  MessageList,
  Page,
  PageQuery,
  Pin,
  ReactionBy,
  ReaderList,
  ReadMark,
  SearchHit,
  SearchQuery,
  SendRequest,
  Server,
  Session,
  UpdateConversation,
  UpdateFriend,
  UpdateMe,
  User,
} from './types'

export interface ClientOptions {
  /** With the prefix: `https://house.example/api/v1`, or `/api/v1` in a page of the same origin. */
  baseUrl: string
  /** How this device is named in the list of devices. */
  device: Device
  fetch?: typeof globalThis.fetch
  storage?: Storage
  environment?: Environment
  /** How files leave; by `fetch` if nothing is said. */
  sendBytes?: SendBytes
  /** Where files on their way are kept. */
  parcelStore?: ParcelStore
  /** Joins the tabs of one browser: one of them polls for all. Without it each client polls by itself. */
  neighbours?: Neighbours | null
  /** Milliseconds since the epoch. */
  now?: () => number
  /** 0 ≤ x < 1, for jitter. */
  random?: () => number
}

/**
 * connecting: the first poll is not answered yet · online: all is well · reconnecting: something failed, trying again ·
 * offline: there is no network · signed-out: there is no session, or no loop was started
 */
export type ConnectionState = 'connecting' | 'online' | 'reconnecting' | 'offline' | 'signed-out'

/** left: signed out here or in another tab · revoked: by another device or the operator · expired: the session is too old or unknown · deleted: the account is gone */
export type SignedOutReason = 'left' | 'revoked' | 'expired' | 'deleted'

export interface ClientNotices {
  'signed-in': (session: SessionInfo) => void
  'signed-out': (reason: SignedOutReason) => void
  connection: (state: ConnectionState) => void
  /** A message of this session was stored; sent here or in another tab. No event of the poll tells of it. */
  sent: (entry: Entry) => void
}

export interface SessionInfo {
  userId: string
  sessionId: string
  /** Reads files only; for addresses of pictures. */
  fileToken: string
}

export interface Client {
  /** null when signed out. */
  readonly session: SessionInfo | null
  readonly connection: ConnectionState
  /** Whether this tab, of those of one browser, has the way to the house; for what only one of them should do. */
  readonly leads: boolean
  /** Returns the way to stop listening. */
  on<K extends keyof ClientNotices>(notice: K, listener: ClientNotices[K]): () => void

  signUp(account: { username: string; password: string; nickname: string; invite?: string }): Promise<Me>
  signIn(account: { username: string; password: string }): Promise<Me>
  /** Signs out here at once, whatever the network says; the house is told as well as possible. */
  signOut(): Promise<void>
  resetPassword(reset: { token: string; new_password: string }): Promise<void>

  me: {
    get(): Promise<Me>
    update(changes: UpdateMe): Promise<Me>
    changePassword(change: { old_password: string; new_password: string }): Promise<void>
    /** Deletes the account and signs out. */
    delete(password: string): Promise<void>
  }
  users: {
    search(q: string, query?: PageQuery): Promise<Page<User>>
    /** Any number; asked in portions of 100. */
    byIds(ids: string[]): Promise<User[]>
    get(id: string): Promise<User>
  }
  friends: {
    list(query?: PageQuery): Promise<Page<Friend>>
    all(): Promise<Friend[]>
    update(userId: string, changes: UpdateFriend): Promise<Friend>
    remove(userId: string): Promise<void>
  }
  requests: {
    list(direction: 'in' | 'out', query?: PageQuery): Promise<Page<FriendRequest>>
    all(direction: 'in' | 'out'): Promise<FriendRequest[]>
    create(userId: string, message?: string): Promise<FriendRequest>
    get(id: string): Promise<FriendRequest>
    accept(id: string): Promise<Friend>
    decline(id: string): Promise<FriendRequest>
    withdraw(id: string): Promise<void>
  }
  blocks: {
    list(query?: PageQuery): Promise<Page<Block>>
    all(): Promise<Block[]>
    add(userId: string): Promise<Block>
    remove(userId: string): Promise<void>
  }
  conversations: {
    list(query?: PageQuery): Promise<Page<Conversation>>
    all(): Promise<Conversation[]>
    /**
     * What is otherwise than `known`, for the snapshot after `resync`: few calls, however many conversations there are. It brings
     * their logs up to date as well. All of them if none is known.
     */
    sync(known: readonly Conversation[]): Promise<Missed>
    get(id: string): Promise<Conversation>
    /** The direct conversation with somebody; with oneself the notebook. */
    open(userId: string): Promise<Conversation>
    update(id: string, changes: UpdateConversation): Promise<Conversation>
    /** For me: what was said is gone, and it is not listed until something is said again. */
    clear(id: string): Promise<void>
    markRead(id: string, seq: number): Promise<ReadMark>
    /** Says at most once in 3 seconds per conversation that I type; never fails. */
    typing(id: string): Promise<void>
    pins(id: string): Promise<Pin[]>
    pin(id: string, seq: number): Promise<void>
    unpin(id: string, seq: number): Promise<void>
  }
  /** What is done to a message reaches its log at once, here and by the event on other devices. */
  messages: {
    /** The bare call. An app uses `outbox.send`, which repeats, keeps the order and survives a reload. */
    send(conversationId: string, message: SendRequest): Promise<Entry>
    /** Of a text of one's own. */
    edit(conversationId: string, seq: number, text: string): Promise<Entry>
    /** For everybody. */
    recall(conversationId: string, seq: number): Promise<void>
    /** For me only. */
    hide(conversationId: string, seq: number): Promise<void>
    react(conversationId: string, seq: number, emoji: string): Promise<Entry>
    unreact(conversationId: string, seq: number, emoji: string): Promise<Entry>
    /** Who reacted; with one emoji if it is given. */
    reactions(conversationId: string, seq: number, query?: PageQuery & { emoji?: string }): Promise<Page<ReactionBy>>
    /** Who has read it, or who has not. */
    readers(conversationId: string, seq: number, query?: PageQuery & { read?: boolean }): Promise<ReaderList>
    /** To a conversation, out of another or the same: each by itself, or merged into one. What it made is in its log already. */
    forward(conversationId: string, what: { from: string; seqs: number[]; mode: 'each' | 'merged' }): Promise<Entry[]>
  }
  history: {
    /** At most one of the three; none is the newest page. */
    page(
      conversationId: string,
      query?: { before_seq?: number; around_seq?: number; after_seq?: number; limit?: number },
    ): Promise<MessageList>
    /** The newest first. */
    search(query: SearchQuery): Promise<Page<SearchHit>>
  }
  groups: GroupCalls
  /** Assistants, and what they are writing. */
  ai: AiClient
  files: FileCalls
  sessions: {
    list(query?: PageQuery): Promise<Page<Session>>
    all(): Promise<Session[]>
    revoke(id: string): Promise<void>
  }
  server: {
    get(): Promise<Server>
  }

  /** Messages on their way. */
  readonly outbox: Outbox
  /** Files on their way; each becomes a message of the outbox. */
  readonly parcels: Parcels
  /** The log of a conversation, always the same object; events and sends reach it by themselves while `events()` runs. */
  log(conversationId: string): ConversationLog

  /**
   * News, until `signal` aborts or the session ends; then the loop ends without an error. One loop at a time: a second call ends the first.
   * It begins with `resync`. Entries are already applied to their logs when they are yielded.
   */
  events(options?: { signal?: AbortSignal }): AsyncIterableIterator<ClientEvent>
  /** Poll again now: after another window took over, or to cut a pause short. */
  resume(): void
  /** Runs `work` again, with back-off, while it fails for a reason that may pass; for reading a snapshot. */
  patiently<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /** Stops everything; the client is not usable after it. The session stays in the storage. */
  close(): void
}
