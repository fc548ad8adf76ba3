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
export type UpdateConversation = Schemas['UpdateConversationRequest']
export type ReadMark = Schemas['ReadMark']
export type Reaction = Schemas['Reaction']
export type ReactionBy = Schemas['ReactionBy']
export type ReaderList = Schemas['ReaderList']
export type Pin = Schemas['Pin']
export type ForwardAnswer = Schemas['ForwardAnswer']
export type MergedItem = Schemas['MergedItem']
export type SearchHit = Schemas['SearchHit']
export type Group = Schemas['Group']
export type GroupCard = Schemas['GroupCard']
export type GroupView = Schemas['GroupView']
export type GroupMember = Schemas['GroupMember']
export type CreateGroup = Pick<Schemas['CreateGroupRequest'], 'name'> & Partial<Schemas['CreateGroupRequest']>
export type UpdateGroup = Schemas['UpdateGroupRequest']
export type UpdateGroupMember = Schemas['UpdateGroupMemberRequest']
export type JoinRequest = Schemas['JoinRequest']
export type InviteLink = Schemas['InviteLink']
export type NewInviteLink = Schemas['NewInviteLink']
export type CreateInviteLink = Partial<Schemas['CreateInviteLinkRequest']>
export type InviteLook = Schemas['InviteLook']
export type StoredFile = Schemas['File']
export type SentFile = Schemas['SentFile']
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
export type AiReply = Schemas['AiReply']
export type AiUsage = Schemas['AiUsage']
export type AiHelp = Schemas['AiHelp']

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

/** What is looked for in what was said. Times in milliseconds: from the first on, before the second. */
export interface SearchQuery extends PageQuery {
  q: string
  conversation_id?: string
  sender_id?: string
  type?: MergedItem['type']
  from?: number
  to?: number
}

/** What an operation did: to which entry, and that entry as I see it now; null if I may not see it. */
export interface Operation {
  kind: 'recall' | 'edit' | 'reaction'
  target_seq: number
  entry: Entry | null
}

/** The text of an entry or of an unsent message, or null for any other type and for a recalled one. */
export function textOf({ type, content }: { type: string; content: Entry['content'] | SendRequest['content'] }): string | null {
  return type === 'text' && 'text' in content ? (content as Schemas['TextContent']).text : null
}

/** What the house says in a system entry, or null for any other type. */
export function systemOf(entry: Entry): { code: string; params: Record<string, unknown> } | null {
  return entry.type === 'system' && 'code' in entry.content ? (entry.content as Schemas['SystemContent']) : null
}

/** What an operation on an earlier entry says, or null for an entry that is shown by itself. */
export function operationOf(entry: Entry): Operation | null {
  const { type, content } = entry
  if (type !== 'recall' && type !== 'edit' && type !== 'reaction') return null
  // One without a target changes nothing, and is not shown either.
  if (!('target_seq' in content)) return { kind: type, target_seq: 0, entry: null }
  return { kind: type, target_seq: content.target_seq, entry: content.entry }
}

/** Whether `other` is a later version of the same entry. */
export function isNewer(other: Entry, known: Entry): boolean {
  return (other.changed_seq ?? 0) > (known.changed_seq ?? 0)
}
