// The objects of the API under short names. They are generated from openapi.yaml; nothing is written twice.
import type { components } from './schema.gen'

type Schemas = components['schemas']

export type User = Schemas['User']
export type Me = Schemas['Me']
export type Settings = Schemas['Settings']
export type Device = Schemas['Device']
export type Session = Schemas['Session']
export type Friend = Schemas['Friend']
export type FriendRequest = Schemas['FriendRequest']
export type Block = Schemas['Block']
export type Conversation = Schemas['Conversation']
export type Entry = Schemas['Entry']
export type HiddenEntry = Schemas['HiddenEntry']
export type MessageList = Schemas['MessageList']
export type SyncKnown = Schemas['SyncKnown']
export type SyncRequest = Schemas['SyncRequest']
export type SyncChange = Schemas['SyncChange']
export type SyncAnswer = Schemas['SyncAnswer']
export type ReadMark = Schemas['ReadMark']
export type Server = Schemas['Server']
export type SendRequest = Schemas['SendRequest']
export type SignedIn = Schemas['SignedIn']
export type Refreshed = Schemas['Refreshed']
export type UpdateMe = Schemas['UpdateMeRequest']
export type UpdateFriend = Schemas['UpdateFriendRequest']
export type PollAnswer = Schemas['PollAnswer']
export type FieldError = Schemas['FieldError']
export type Problem = Schemas['Problem']
export type Code = Schemas['Code']
export type HouseEvent = Schemas['Event']

/** Read everything anew: the house cannot say what was missed. The cursor is already stored, so read the snapshot now. */
export interface ResyncEvent {
  type: 'resync'
}

/** What `client.events()` yields. Unknown types of a newer house are left out. */
export type ClientEvent = HouseEvent | ResyncEvent

/** One page of a list. */
export interface Page<T> {
  items: T[]
  next_cursor: string | null
}

export interface PageQuery {
  limit?: number
  cursor?: string
}

/** The text of a text entry, or null for any other type. */
export function textOf(entry: Entry): string | null {
  return entry.type === 'text' && 'text' in entry.content ? entry.content.text : null
}

/** What the house says in a system entry, or null for any other type. */
export function systemOf(entry: Entry): { code: string; params: Record<string, unknown> } | null {
  return entry.type === 'system' && 'code' in entry.content ? entry.content : null
}
