// The Posthouse SDK: pure TypeScript, no Vue, no DOM beyond fetch, AbortController and crypto.getRandomValues
// (browser.ts alone binds it to a page). Begin at client.ts.
export { createClient } from './create'
export type {
  Client,
  ClientNotices,
  ClientOptions,
  ConnectionState,
  SessionInfo,
  SignedOutReason,
} from './client'
export { PosthouseError, isPosthouseError, type ErrorCode } from './errors'
export type { AiCalls, AiClient } from './ai-calls'
export { messageIdOf, replyIdIn, replyIdOf, type RunningReply } from './replies'
export type { GroupCalls } from './group-calls'
export type { BytesCall, SendBytes } from './bytes'
export type { FileAddress, FileCalls, ThumbnailSize } from './files'
export type { NewParcel, Parcel, ParcelKind, Parcels } from './parcels'
export { memoryParcels, type ParcelStore } from './parcel-store'
export { browserBytes, browserParcels } from './browser-files'
export type { ConversationLog } from './log'
export type { LogWindow } from './log-window'
export type { Missed } from './sync'
export type { NewMessage, Outbox, PendingMessage } from './outbox'
export { memoryStorage, type Storage } from './storage'
export { alwaysOn, type Environment, type EnvironmentChange } from './environment'
export type { Channel, Locks, Neighbours } from './channel'
export { browserEnvironment, browserNeighbours, browserStorage } from './browser'
export { uuid } from './uuid'
export * from './types'
