// Puts the client together. What belongs to which part is said there; here is only who tells whom.
import { createAccount } from './account'
import { createAiCalls } from './ai-calls'
import { createCalls } from './api'
import { bytesByFetch } from './bytes'
import { bodyOf, createHouse } from './call'
import type { Client, ClientNotices, ClientOptions, SignedOutReason } from './client'
import { Emitter } from './emitter'
import { alwaysOn } from './environment'
import { createFileCalls } from './files'
import { Logs } from './logs'
import { News } from './news'
import { MessageOutbox } from './outbox'
import { OutboxStore } from './outbox-store'
import { memoryParcels } from './parcel-store'
import { ParcelQueue } from './parcels'
import { patiently } from './patience'
import { POLL_MARGIN_MS } from './poll'
import { Replies } from './replies'
import { SentHere } from './sent'
import { SessionKeeper } from './session'
import { memoryStorage } from './storage'
import { sync } from './sync'
import { Tus } from './tus'
import { openTransport, sessionTransport, streamTransport } from './transport'
import type { ClientEvent, Entry, HouseEvent } from './types'
import { Waker } from './waker'

export function createClient(options: ClientOptions): Client {
  const { baseUrl, device, storage = memoryStorage(), environment = alwaysOn, neighbours = null, now = Date.now, random = Math.random } = options
  const fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const notices = new Emitter<ClientNotices>()
  const waker = new Waker(environment)
  const closing = new AbortController()

  const open = createHouse(baseUrl, openTransport(fetch))
  const keeper: SessionKeeper = new SessionKeeper({
    storage,
    waker,
    now,
    random,
    refresh: (refresh_token) => bodyOf(open.POST('/token/refresh', { body: { refresh_token } })),
    onSignedIn(session) {
      outbox.start(session.userId)
      replies.start(session.userId)
      void parcels.start(session.userId)
      notices.emit('signed-in', session)
    },
    onSignedOut(reason) {
      forget(reason)
      notices.emit('signed-out', reason)
    },
  })
  const house = createHouse(baseUrl, sessionTransport(fetch, keeper))
  const { sync: syncCall, ...calls } = createCalls(open, house, {
    accountDeleted: () => keeper.end('deleted'),
    seen: (conversation) => logs.see(conversation),
    cleared: (id) => logs.remove(id, { readable: true }),
    left: (id) => logs.remove(id, { readable: false }),
    changed: (entry) => logs.update(entry),
    hidden: (id, seq) => logs.hide(id, seq),
    said: (entry) => stored(entry),
  })

  const shown = (conversationId: string, seq: number) => logs.shows(conversationId, seq)
  const logs: Logs = new Logs({
    page: calls.history.page,
    waker,
    random,
    changed(id) {
      outbox.prune(id)
      replies.prune(id)
    },
  })
  const ai = createAiCalls(house, {
    took(reply) {
      replies.take(reply)
      news.speak()
    },
    patiently: untilClosed,
    pause: (ms, signal) => waker.pause(ms, { signal, whole: true }),
  })
  const replies: Replies = new Replies({ storage, read: ai.readReply, shown, now, random })
  const sent = (entry: Entry) => {
    logs.apply(entry)
    notices.emit('sent', entry)
    news.speak()
  }
  const stored = (entry: Entry) => {
    sent(entry)
    if (keeper.info) sentHere.tell({ userId: keeper.info.userId, entry })
  }
  const outbox = new MessageOutbox({
    send: calls.messages.send,
    stored,
    shown,
    store: new OutboxStore(storage),
    waker,
    now,
    random,
  })
  const tus = new Tus({ baseUrl, send: options.sendBytes ?? bytesByFetch(fetch), keeper })
  const parcels: ParcelQueue = new ParcelQueue({
    tus,
    outbox,
    store: options.parcelStore ?? memoryParcels(),
    lock: (name, work) => (storage.lock ? storage.lock(name, work) : work()),
    environment,
    waker,
    now,
    random,
  })
  const sentHere = new SentHere(storage, ({ userId, entry }) => {
    if (userId !== keeper.info?.userId) return
    outbox.settle(entry)
    sent(entry)
  })
  const stopLooking = environment.subscribe((change) => {
    if (change === 'visible' && sentHere.missed()) news.startOver()
  })

  const news = new News({
    poll: (query, signal) => {
      const timeoutMs = query.timeout * 1_000 + POLL_MARGIN_MS
      return bodyOf(house.GET('/poll', { params: { query }, fetch: sessionTransport(fetch, keeper, { timeoutMs, signal }) }))
    },
    stream: (cursor, signal) => {
      const url = `${baseUrl}/stream${cursor === null ? '' : `?cursor=${encodeURIComponent(cursor)}`}`
      return streamTransport(fetch, keeper, url)(signal)
    },
    ready: (forMs) => keeper.accessToken(forMs),
    growing: () => replies.growing(),
    environment,
    neighbours,
    storage,
    waker,
    now,
    random,
    sessionId: () => keeper.info?.sessionId ?? null,
    ownSessionRevoked(event: HouseEvent) {
      if (event.type !== 'session.revoked' || event.session_id !== keeper.info?.sessionId) return false
      keeper.end('revoked')
      return true
    },
    arrived(event: ClientEvent) {
      logs.hear(event)
      replies.hear(event)
    },
    taken(event: ClientEvent) {
      // What the app's snapshot has not brought up to date.
      if (event.type === 'resync') logs.catchUp()
    },
    changed: (state) => notices.emit('connection', state),
  })

  async function untilClosed<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const either = new AbortController()
    const abort = () => either.abort(signal?.reason ?? closing.signal.reason)
    const signals = [closing.signal, ...(signal ? [signal] : [])]
    for (const one of signals) one.addEventListener('abort', abort)
    if (signals.some((one) => one.aborted)) abort()
    try {
      return await patiently({ waker, random, signal: either.signal }, work)
    } finally {
      for (const one of signals) one.removeEventListener('abort', abort)
    }
  }

  function forget(reason: SignedOutReason): void {
    logs.clear()
    // A session that merely grew too old leaves its unsent messages to the next one of the same person.
    outbox.end(reason !== 'expired')
    replies.forget()
    parcels.end(reason !== 'expired')
    sentHere.forget()
    news.forget()
  }

  if (keeper.info) {
    outbox.start(keeper.info.userId)
    replies.start(keeper.info.userId)
    void parcels.start(keeper.info.userId)
  }

  return {
    ...calls,
    conversations: {
      ...calls.conversations,
      sync: (known) => sync({ call: syncCall, list: calls.conversations.all, logs }, known),
    },
    ai: { ...ai.calls, running: (id) => replies.of(id), subscribe: (listener) => replies.subscribe(listener) },
    ...createAccount(open, keeper, device, fetch),
    get session() {
      return keeper.info
    },
    get connection() {
      return news.state
    },
    get leads() {
      return news.leads
    },
    on: (notice, listener) => notices.on(notice, listener),
    outbox,
    parcels,
    files: createFileCalls(baseUrl, house, keeper, tus),
    log: (conversationId) => logs.get(conversationId),
    events: ({ signal } = {}) => news.events(signal),
    resume: () => news.resume(),
    patiently: untilClosed,
    close() {
      closing.abort()
      logs.clear()
      outbox.end(false)
      replies.end()
      parcels.end(false)
      news.forget()
      sentHere.close()
      stopLooking()
      keeper.close()
      waker.close()
    },
  }
}
