/* For tests of stores: the objects of the API with what a test does not care about filled in, and a client that only
   knows the calls a test gives it. */
import type { Client, Conversation, Entry, Friend, Group, User } from '@sdk'
import { createPinia, setActivePinia } from 'pinia'
import { provideClient } from './client'

export const ME = '1'

export function user(id: string, over: Partial<User> = {}): User {
  return {
    id,
    username: `user${id}`,
    nickname: `User ${id}`,
    signature: '',
    avatar_file_id: null,
    gender: 'unknown',
    kind: 'human',
    online: false,
    last_seen_at: null,
    version: 1,
    ...over,
  }
}

export function entry(seq: number, senderId: string | null, over: Partial<Entry> = {}): Entry {
  return {
    conversation_id: '10',
    seq,
    type: senderId === null ? 'system' : 'text',
    sender_id: senderId,
    client_msg_id: senderId === null ? null : `id-${seq}`,
    content: senderId === null ? { code: 'friends_now', params: {} } : { text: `text ${seq}` },
    summary: `text ${seq}`,
    reply_to_seq: null,
    mentions: [],
    reactions: [],
    changed_seq: null,
    created_at: 1_000 * seq,
    edited_at: null,
    recalled_at: null,
    ...over,
  }
}

export function conversation(over: Partial<Conversation> = {}): Conversation {
  return {
    id: '10',
    kind: 'direct',
    peer: user('2'),
    group: null,
    last_entry: null,
    last_seq: 0,
    first_seq: 1,
    read_seq: 0,
    peer_read_seq: 0,
    unread: 0,
    mentioned: false,
    pinned: false,
    notify: 'all',
    draft: '',
    remark: '',
    marked_unread: false,
    version: 1,
    ...over,
  }
}

export function group(over: Partial<Group> = {}): Group {
  return {
    id: '10',
    name: 'Walkers',
    avatar_file_id: null,
    announcement: null,
    announcement_by: null,
    announcement_at: null,
    join_policy: 'approval',
    mute_all: false,
    history_for_new: false,
    strangers_may_write: false,
    owner_id: ME,
    member_count: 3,
    my_role: 'owner',
    my_nickname: '',
    my_muted_until: null,
    version: 1,
    ...over,
  }
}

/* An operation on an entry, as it is told; `target` is the entry as it is now. */
export function operation(seq: number, type: 'recall' | 'edit' | 'reaction', target: Entry): Entry {
  return entry(seq, target.sender_id, { type, content: { target_seq: target.seq, entry: { ...target, changed_seq: seq } } })
}

export function friend(id: string, over: Partial<Friend> = {}): Friend {
  return { user: user(id), remark: '', tag: '', conversation_id: '10', created_at: 0, version: 1, ...over }
}

type Loose = { [K in keyof Client]?: Partial<Client[K]> }

export function useTestClient(calls: Loose): void {
  setActivePinia(createPinia())
  const session = { userId: ME, sessionId: '5', fileToken: '' }
  const ai = { running: () => [], subscribe: () => () => undefined }
  provideClient({ session, connection: 'online', on: () => () => undefined, ai, ...calls } as unknown as Client)
}
