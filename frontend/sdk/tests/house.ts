// A house for tests: a fake `fetch` that answers by a table of routes, records what it was asked, and can be told to fail.
import { createClient, memoryStorage, type Client, type ClientOptions, type Entry, type Me, type Storage } from '../index'
import type { Environment, EnvironmentChange } from '../environment'

export interface Asked {
  method: string
  path: string
  query: URLSearchParams
  body: unknown
  token: string | null
  headers: Headers
  signal: AbortSignal
}

export type Answer = Response | Promise<Response>
type Route = (asked: Asked) => Answer

export const BASE = 'http://house.test/api/v1'

export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(value), { status, headers: { 'Content-Type': 'application/json', ...headers } })
}

export function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  const body = { type: 'about:blank', title: code, status, detail: `because ${code}`, code, request_id: 'r1', errors: [] }
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/problem+json', ...headers } })
}

export const nothing = () => new Response(null, { status: 204 })
export const page = (html = '<h1>Please sign in to the café</h1>', status = 200) =>
  new Response(html, { status, headers: { 'Content-Type': 'text/html' } })

export const me: Me = {
  id: '1',
  username: 'ada',
  nickname: 'Ada',
  signature: '',
  avatar_file_id: null,
  gender: 'unknown',
  kind: 'human',
  online: true,
  last_seen_at: null,
  version: 1,
  role: 'user',
  state: 'active',
  locale: '',
  timezone: '',
  settings: { strangers_may_write: false, findable: true, show_last_seen: true },
  created_at: 1,
}

export function entry(seq: number, fields: Partial<Entry> = {}): Entry {
  return {
    conversation_id: '9',
    seq,
    type: 'text',
    sender_id: '2',
    client_msg_id: null,
    content: { text: `text ${seq}` },
    summary: `text ${seq}`,
    reply_to_seq: null,
    mentions: [],
    reactions: [],
    changed_seq: null,
    created_at: seq,
    edited_at: null,
    recalled_at: null,
    ...fields,
  }
}

/** Routes are `METHOD /path`, without ids: `/conversations/9/messages` is looked up as it is. */
export class House {
  readonly asked: Asked[] = []
  readonly routes = new Map<string, Route>()
  /** Each pair of tokens that was given out is `a<n>`, `r<n>`. */
  pair = 0

  constructor() {
    this.on('POST /login', () => json({ user: me, session_id: '100', ...this.tokens() }))
    this.on('GET /me', () => json(me))
    // A poll without news waits until it is broken off.
    this.on('GET /poll', ({ query, signal }) =>
      query.has('cursor') ? (query.get('timeout') === '0' ? json({ cursor: query.get('cursor'), events: [] }) : hang(signal)) : json({ cursor: 'e.0', events: [], resync: true }),
    )
  }

  on(route: string, answer: Route): this {
    this.routes.set(route, answer)
    return this
  }

  tokens() {
    this.pair++
    return { access_token: `a${this.pair}`, refresh_token: `r${this.pair}`, file_token: `f${this.pair}`, expires_in: 900 }
  }

  /** The requests of one route. */
  of(route: string): Asked[] {
    return this.asked.filter((one) => `${one.method} ${one.path}` === route)
  }

  readonly fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(String(input))
    const headers = new Headers(init.headers)
    const one: Asked = {
      method: init.method ?? 'GET',
      path: url.pathname.replace('/api/v1', ''),
      query: url.searchParams,
      body: typeof init.body === 'string' ? JSON.parse(init.body) : null,
      token: headers.get('Authorization')?.replace('Bearer ', '') ?? null,
      headers,
      signal: init.signal ?? new AbortController().signal,
    }
    this.asked.push(one)
    const route = this.routes.get(`${one.method} ${one.path}`)
    if (!route) return problem(404, 'not_found')
    return route(one)
  }
}

/** An answer that never comes; rejects as fetch does when it is broken off. */
export function hang(signal: AbortSignal): Promise<Response> {
  return new Promise((_, reject) => {
    const end = () => reject(signal.reason as Error)
    if (signal.aborted) end()
    signal.addEventListener('abort', end)
  })
}

export const lost = () => Promise.reject(new TypeError('fetch failed'))

/** Answers one after the other; the last one again and again. */
export function row(...answers: Route[]): Route {
  let at = 0
  return (asked) => (answers[Math.min(at++, answers.length - 1)] as Route)(asked)
}

export class FakeEnvironment implements Environment {
  online = true
  visible = true
  private readonly listeners = new Set<(change: EnvironmentChange) => void>()
  isOnline = () => this.online
  isVisible = () => this.visible
  subscribe = (listener: (change: EnvironmentChange) => void) => {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }
  change(change: EnvironmentChange): void {
    if (change === 'online' || change === 'offline') this.online = change === 'online'
    if (change === 'visible' || change === 'hidden') this.visible = change === 'visible'
    for (const listener of this.listeners) listener(change)
  }
}

/** One storage seen by several tabs: a tab hears what the others write. */
export class SharedStorage {
  private readonly values = memoryStorage()
  private readonly tabs: { storage: Storage; listeners: Set<(key: string, value: string | null) => void> }[] = []

  tab(): Storage {
    const listeners = new Set<(key: string, value: string | null) => void>()
    const tell = (key: string, value: string | null) => {
      for (const other of this.tabs) if (other.listeners !== listeners) for (const listener of other.listeners) listener(key, value)
    }
    const storage: Storage = {
      get: (key) => this.values.get(key),
      keys: (prefix) => this.values.keys(prefix),
      set: (key, value) => {
        this.values.set(key, value)
        tell(key, value)
      },
      remove: (key) => {
        this.values.remove(key)
        tell(key, null)
      },
      subscribe: (listener) => {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    }
    this.tabs.push({ storage, listeners })
    return storage
  }
}

export function clientOf(house: House, options: Partial<ClientOptions> = {}): Client {
  return createClient({
    baseUrl: BASE,
    device: { name: 'test', platform: 'web' },
    fetch: house.fetch as typeof fetch,
    // The longest jitter, so that the time of a test is known.
    random: () => 0.999,
    ...options,
  })
}

export async function signedIn(house: House, options: Partial<ClientOptions> = {}): Promise<Client> {
  const client = clientOf(house, options)
  await client.signIn({ username: 'ada', password: 'correct horse' })
  return client
}
