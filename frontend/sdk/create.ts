// Puts the client together. What belongs to which part is said there; here is only who tells whom.
import { bodyOf, createCalls, createHouse, done } from './api'
import { backoffMs } from './backoff'
import type { Client, ClientNotices, ClientOptions, ConnectionState } from './client'
import { Emitter } from './emitter'
import { alwaysOn } from './environment'
import { isPosthouseError, PosthouseError } from './errors'
import { Log } from './log'
import { MessageOutbox } from './outbox'
import { OutboxStore } from './outbox-store'
import { POLL_MARGIN_MS, pollLoop } from './poll'
import { SessionKeeper } from './session'
import { memoryStorage } from './storage'
import { openTransport, sessionTransport, tokenTransport } from './transport'
import type { ClientEvent, Entry } from './types'
import { Waker } from './waker'

/** What this session stored, told to the other tabs of it: no poll tells them. */
const SENT_KEY = 'posthouse.sent'

export function createClient(options: ClientOptions): Client {
  const { baseUrl, device, storage = memoryStorage(), environment = alwaysOn, now = Date.now, random = Math.random } = options
  const fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const notices = new Emitter<ClientNotices>()
  const waker = new Waker(environment)
  const open = createHouse(baseUrl, openTransport(fetch))

  let closed = false
  let connection: ConnectionState = 'signed-out'
  const setConnection = (state: ConnectionState) => {
    if (state === connection) return
    connection = state
    notices.emit('connection', state)
  }

  // What belongs to one session and ends with it.
  let life = new AbortController()
  let logs = new Map<string, Log>()
  const cursor: { value: string | null } = { value: null }
  const resumed = { value: false }
  let loop: AbortController | null = null

  const renew = () => {
    life.abort()
    life = new AbortController()
    logs = new Map()
    cursor.value = null
    loop = null
  }

  const keeper: SessionKeeper = new SessionKeeper({
    storage,
    waker,
    now,
    random,
    refresh: (refresh_token) => bodyOf(open.POST('/token/refresh', { body: { refresh_token } })),
    onSignedIn(session) {
      outbox.start(session.userId)
      notices.emit('signed-in', session)
    },
    onSignedOut(reason) {
      renew()
      // A session that merely grew too old leaves its unsent messages to the next one of the same person.
      outbox.end(reason !== 'expired')
      setConnection('signed-out')
      notices.emit('signed-out', reason)
    },
  })
  const house = createHouse(baseUrl, sessionTransport(fetch, keeper))
  const calls = createCalls(open, house, () => keeper.end('deleted'))

  const log = (conversationId: string): Log => {
    const known = logs.get(conversationId)
    if (known) return known
    const made = new Log(conversationId, {
      page: (query) => calls.history.page(conversationId, query),
      waker,
      random,
      signal: life.signal,
    })
    made.subscribe(() => outbox.prune(conversationId))
    logs.set(conversationId, made)
    return made
  }

  /** A gap that cannot be filled is seen again at the next entry or resync; nobody waits for this one. */
  const applyToLog = (entry: Entry) => void logs.get(entry.conversation_id)?.apply(entry).catch(() => undefined)

  const sent = (entry: Entry) => {
    applyToLog(entry)
    notices.emit('sent', entry)
  }

  const outbox = new MessageOutbox({
    send: calls.messages.send,
    stored(entry) {
      sent(entry)
      // Only the event matters; nothing said is left lying in the storage.
      storage.set(SENT_KEY, JSON.stringify({ userId: keeper.info?.userId, entry }))
      storage.remove(SENT_KEY)
    },
    shown(conversationId, seq) {
      const covers = logs.get(conversationId)?.covers
      return !covers || seq <= covers[1]
    },
    store: new OutboxStore(storage),
    waker,
    now,
    random,
  })

  const unsubscribe = storage.subscribe?.((key, value) => {
    if (key !== SENT_KEY || value === null) return
    const told = parseSent(value)
    if (!told || told.userId !== keeper.info?.userId) return
    outbox.settle(told.entry)
    sent(told.entry)
  })

  const patiently = async <T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof PosthouseError && error.retryable) || closed) throw error
        await waker.pause(backoffMs(attempt, random, error), { signal, whole: error.retryAfter !== null })
        signal?.throwIfAborted()
      }
    }
  }

  async function* events({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<ClientEvent, void, undefined> {
    loop?.abort()
    const mine = (loop = new AbortController())
    const abort = () => mine.abort()
    signal?.addEventListener('abort', abort)
    if (signal?.aborted) abort()
    life.signal.addEventListener('abort', abort)
    const sessionLife = life
    const parts = {
      poll: (query: { cursor?: string; timeout: number }, end: AbortSignal) =>
        bodyOf(
          house.GET('/poll', {
            params: { query },
            fetch: sessionTransport(fetch, keeper, { timeoutMs: query.timeout * 1_000 + POLL_MARGIN_MS, signal: end }),
          }),
        ),
      environment,
      waker,
      now,
      random,
      cursor,
      resumed,
      signedIn: () => keeper.info !== null && life === sessionLife,
      state: setConnection,
      ownSessionRevoked(event: ClientEvent) {
        if (event.type !== 'session.revoked' || event.session_id !== keeper.info?.sessionId) return false
        keeper.end('revoked')
        return true
      },
    }
    try {
      for await (const event of pollLoop(parts, mine.signal)) {
        if (event.type === 'entry') applyToLog(event.entry)
        if (event.type === 'resync') {
          for (const one of logs.values()) {
            if (one.covers) void patiently(() => one.loadNewest(), sessionLife.signal).catch(() => undefined)
          }
        }
        yield event
      }
    } finally {
      signal?.removeEventListener('abort', abort)
      if (loop === mine) {
        loop = null
        setConnection('signed-out')
      }
    }
  }

  if (keeper.info) outbox.start(keeper.info.userId)

  return {
    ...calls,
    get session() {
      return keeper.info
    },
    get connection() {
      return connection
    },
    outbox,
    log,
    events,
    patiently,
    on: (notice, listener) => notices.on(notice, listener),
    resume() {
      resumed.value = true
      waker.wake()
    },

    async signUp(account) {
      const answer = await bodyOf(open.POST('/register', { body: { ...account, device } }))
      keeper.start(answer)
      return answer.user
    },
    async signIn(account) {
      const answer = await bodyOf(open.POST('/login', { body: { ...account, device } }))
      keeper.start(answer)
      return answer.user
    },
    async signOut() {
      const tokens = keeper.tokens
      keeper.end('left')
      if (tokens) await farewell(tokens).catch(() => undefined)
    },
    resetPassword: (reset) => done(open.POST('/password-reset', { body: reset })),
    close() {
      closed = true
      renew()
      outbox.end(false)
      unsubscribe?.()
      keeper.close()
      waker.close()
    },
  }

  /** Ends the session at the house too; it would end by itself in 30 days. */
  async function farewell({ accessToken, refreshToken }: { accessToken: string; refreshToken: string }): Promise<void> {
    const logout = (token: string) => done(open.POST('/logout', { fetch: tokenTransport(fetch, token) }))
    try {
      await logout(accessToken)
    } catch (error) {
      if (!isPosthouseError(error, 'token_expired')) throw error
      const fresh = await bodyOf(open.POST('/token/refresh', { body: { refresh_token: refreshToken } }))
      await logout(fresh.access_token)
    }
  }
}

function parseSent(text: string): { userId: string; entry: Entry } | null {
  try {
    const value = JSON.parse(text) as { userId?: unknown; entry?: { seq?: unknown } } | null
    return typeof value?.userId === 'string' && typeof value.entry?.seq === 'number' ? (value as { userId: string; entry: Entry }) : null
  } catch {
    return null
  }
}
