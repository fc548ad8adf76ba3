// Every operation as a typed call. What an answer is comes from openapi.yaml; what may go wrong is a PosthouseError.
import createFetchClient from 'openapi-fetch'
import type { Client } from './client'
import { PosthouseError } from './errors'
import type { paths } from './schema.gen'
import type { Page, PageQuery, SyncAnswer, SyncRequest } from './types'
import { uuid } from './uuid'

export type Calls = Pick<
  Client,
  'me' | 'users' | 'friends' | 'requests' | 'blocks' | 'messages' | 'history' | 'sessions' | 'server'
> & {
  conversations: Omit<Client['conversations'], 'sync'>
  sync: (request: SyncRequest) => Promise<SyncAnswer>
}

export type House = ReturnType<typeof createFetchClient<paths>>

export function createHouse(baseUrl: string, fetch: (request: Request) => Promise<Response>): House {
  return createFetchClient<paths>({ baseUrl, fetch })
}

/** The body of a success. A body that is no JSON object was not written, or not wholly, by the house. */
export async function bodyOf<T>(call: Promise<{ data?: T; response: Response }>): Promise<T> {
  let answer
  try {
    answer = await call
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new PosthouseError({ code: 'offline', detail: 'the answer was cut off' }, { cause })
    throw cause
  }
  if (answer.data === null || typeof answer.data !== 'object') {
    throw new PosthouseError({ code: 'offline', status: answer.response.status, detail: 'the answer is no object' })
  }
  return answer.data
}

/** For an answer without a body. */
export async function done(call: Promise<unknown>): Promise<void> {
  await call
}

const LARGEST_PAGE = 200
const IDS_PER_CALL = 100
const COMMAS = { array: { style: 'form', explode: false } } as const
/** No list of a person is longer; a house that never ends a list would keep us for ever. */
const MOST_PAGES = 500

/** All pages of a list. */
async function every<T>(read: (query: PageQuery) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = []
  let cursor: string | null = null
  for (let page = 0; page < MOST_PAGES; page++) {
    const answer: Page<T> = await read({ limit: LARGEST_PAGE, ...(cursor === null ? {} : { cursor }) })
    items.push(...answer.items)
    if (answer.next_cursor === null || answer.next_cursor === cursor) break
    cursor = answer.next_cursor
  }
  return items
}

/** Once more after a lost answer: only for what is safe to repeat, by its key or its nature. */
async function onceMore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof PosthouseError && error.code === 'outcome_unknown') return work()
    throw error
  }
}

/** `open` has no session, `house` has. `endSession` is called when the account is deleted. */
export function createCalls(open: House, house: House, endSession: () => void): Calls {
  const friends = (query: PageQuery = {}) => bodyOf(house.GET('/friends', { params: { query } }))
  const blocks = (query: PageQuery = {}) => bodyOf(house.GET('/blocks', { params: { query } }))
  const sessions = (query: PageQuery = {}) => bodyOf(house.GET('/sessions', { params: { query } }))
  const conversations = (query: PageQuery = {}) => bodyOf(house.GET('/conversations', { params: { query } }))
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
        endSession()
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
      get: (id) => bodyOf(house.GET('/conversations/{id}', byId(id))),
      open: (userId) => onceMore(() => bodyOf(house.POST('/conversations', { body: { user_id: userId } }))),
      markRead: (id, seq) => onceMore(() => bodyOf(house.POST('/conversations/{id}/read', { ...byId(id), body: { seq } }))),
      typing: throttledTyping((id) => done(house.POST('/conversations/{id}/typing', byId(id)))),
    },
    messages: {
      send: (id, message) => bodyOf(house.POST('/conversations/{id}/messages', { ...byId(id), body: message })),
    },
    history: {
      page: (id, query = {}) => bodyOf(house.GET('/conversations/{id}/messages', { params: { path: { id }, query } })),
    },
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
