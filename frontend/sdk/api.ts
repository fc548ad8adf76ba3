// Every operation as a typed call. What an answer is comes from openapi.yaml; what may go wrong is a PosthouseError.
import { bodyOf, done, every, onceMore, type House } from './call'
import type { Client } from './client'
import { createGroupCalls } from './group-calls'
import { createMessageCalls, type Told } from './message-calls'
import type { Conversation, PageQuery, SyncAnswer, SyncRequest } from './types'
import { uuid } from './uuid'

export type Calls = Pick<
  Client,
  'me' | 'users' | 'friends' | 'requests' | 'blocks' | 'messages' | 'history' | 'groups' | 'sessions' | 'server'
> & {
  conversations: Omit<Client['conversations'], 'sync'>
  sync: (request: SyncRequest) => Promise<SyncAnswer>
}

const IDS_PER_CALL = 100
const COMMAS = { array: { style: 'form', explode: false } } as const

/** What a call of mine did that no answer of a poll need tell. */
export interface Deeds extends Told {
  accountDeleted: () => void
  /** A conversation as it is now. */
  seen: (conversation: Conversation) => void
  cleared: (conversationId: string) => void
  /** I am out of a group. */
  left: (groupId: string) => void
}

/** `open` has no session, `house` has. */
export function createCalls(open: House, house: House, deeds: Deeds): Calls {
  const { messages, history, ...pinning } = createMessageCalls(house, deeds)
  const friends = (query: PageQuery = {}) => bodyOf(house.GET('/friends', { params: { query } }))
  const blocks = (query: PageQuery = {}) => bodyOf(house.GET('/blocks', { params: { query } }))
  const sessions = (query: PageQuery = {}) => bodyOf(house.GET('/sessions', { params: { query } }))
  const conversations = async (query: PageQuery = {}) => {
    const page = await bodyOf(house.GET('/conversations', { params: { query } }))
    page.items.forEach(deeds.seen)
    return page
  }
  const seen = async (call: Promise<Conversation>) => {
    const conversation = await call
    deeds.seen(conversation)
    return conversation
  }
  const requests = (direction: 'in' | 'out', query: PageQuery = {}) =>
    bodyOf(house.GET('/friend-requests', { params: { query: { direction, ...query } } }))
  const byId = (id: string) => ({ params: { path: { id } } })
  const byUser = (userId: string) => ({ params: { path: { user_id: userId } } })

  return {
    me: {
      get: () => bodyOf(house.GET('/me')),
      update: (changes) => bodyOf(house.PATCH('/me', { body: changes })),
      changePassword: (change) => done(house.POST('/me/password', { body: change })),
      async delete(password) {
        await house.DELETE('/me', { body: { password } })
        deeds.accountDeleted()
      },
    },
    users: {
      search: (q, query = {}) => bodyOf(house.GET('/users', { params: { query: { q, ...query } } })),
      async byIds(ids) {
        const users = []
        for (let at = 0; at < ids.length; at += IDS_PER_CALL) {
          const query = { ids: ids.slice(at, at + IDS_PER_CALL) }
          users.push(...(await bodyOf(house.GET('/users', { params: { query }, querySerializer: COMMAS }))).items)
        }
        return users
      },
      get: (id) => bodyOf(house.GET('/users/{id}', byId(id))),
    },
    friends: {
      list: friends,
      all: () => every(friends),
      update: (userId, changes) => bodyOf(house.PATCH('/friends/{user_id}', { ...byUser(userId), body: changes })),
      remove: (userId) => done(house.DELETE('/friends/{user_id}', byUser(userId))),
    },
    requests: {
      list: requests,
      all: (direction) => every((query) => requests(direction, query)),
      create(userId, message) {
        const header = { 'Idempotency-Key': uuid() }
        const body = { user_id: userId, ...(message ? { message } : {}) }
        return onceMore(() => bodyOf(house.POST('/friend-requests', { params: { header }, body })))
      },
      get: (id) => bodyOf(house.GET('/friend-requests/{id}', byId(id))),
      accept: (id) => onceMore(() => bodyOf(house.POST('/friend-requests/{id}/accept', byId(id)))),
      decline: (id) => onceMore(() => bodyOf(house.POST('/friend-requests/{id}/decline', byId(id)))),
      withdraw: (id) => done(house.DELETE('/friend-requests/{id}', byId(id))),
    },
    blocks: {
      list: blocks,
      all: () => every(blocks),
      add: (userId) => onceMore(() => bodyOf(house.PUT('/blocks/{user_id}', byUser(userId)))),
      remove: (userId) => done(house.DELETE('/blocks/{user_id}', byUser(userId))),
    },
    conversations: {
      list: conversations,
      all: () => every(conversations),
      get: (id) => seen(bodyOf(house.GET('/conversations/{id}', byId(id)))),
      open: (userId) => onceMore(() => seen(bodyOf(house.POST('/conversations', { body: { user_id: userId } })))),
      update: (id, changes) => onceMore(() => seen(bodyOf(house.PATCH('/conversations/{id}', { ...byId(id), body: changes })))),
      async clear(id) {
        // Never twice: what is said in between would be gone unseen.
        await house.DELETE('/conversations/{id}', byId(id))
        deeds.cleared(id)
      },
      ...pinning,
      markRead: (id, seq) => onceMore(() => bodyOf(house.POST('/conversations/{id}/read', { ...byId(id), body: { seq } }))),
      typing: throttledTyping((id) => done(house.POST('/conversations/{id}/typing', byId(id)))),
    },
    messages,
    history,
    groups: createGroupCalls(house, deeds.left),
    sync: (request) => onceMore(() => bodyOf(house.POST('/sync', { body: request }))),
    sessions: {
      list: sessions,
      all: () => every(sessions),
      revoke: (id) => done(house.DELETE('/sessions/{id}', byId(id))),
    },
    server: {
      get: () => bodyOf(open.GET('/server')),
    },
  }
}

const TYPING_EVERY_MS = 3_000

/** Typing is a courtesy: said at most once in a while, and nobody minds if it is lost. */
function throttledTyping(say: (id: string) => Promise<void>): (id: string) => Promise<void> {
  let last = { id: '', at: -Infinity }
  return async (id) => {
    const at = performance.now()
    if (last.id === id && at - last.at < TYPING_EVERY_MS) return
    last = { id, at }
    await say(id).catch(() => undefined)
  }
}
