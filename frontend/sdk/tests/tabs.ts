// A browser with several tabs for tests: channels, locks and a storage that they share; a tab can freeze, crash or close.
import type { Locks, Neighbours } from '../channel'
import type { Client, ClientEvent, ConnectionState, Storage } from '../index'
import { clientOf, FakeEnvironment, House, SharedStorage } from './house'

interface Ear {
  tab: BrowserTab
  name: string
  hear: (message: unknown) => void
}

interface Request {
  tab: BrowserTab
  name: string
  work: () => Promise<void>
  resolve: () => void
  reject: (error: unknown) => void
}

const stolen = () => new DOMException('stolen', 'AbortError')

/** Web Locks: one holder a name, the others in a row. */
class FakeLocks {
  private readonly held = new Map<string, Request>()
  private waiting: Request[] = []

  of(tab: BrowserTab): Locks {
    return {
      request: (name, { signal, steal = false }, work) =>
        new Promise((resolve, reject) => {
          const request = { tab, name, work, resolve, reject }
          if (signal?.aborted) return reject(stolen())
          signal?.addEventListener('abort', () => {
            if (!this.waiting.includes(request)) return
            this.waiting = this.waiting.filter((one) => one !== request)
            reject(stolen())
          })
          const holder = this.held.get(name)
          if (steal && holder) {
            this.held.delete(name)
            holder.tab.later(() => holder.reject(stolen()), true)
          }
          if (steal) this.waiting.unshift(request)
          else this.waiting.push(request)
          this.grant(name)
        }),
    }
  }

  died(tab: BrowserTab): void {
    this.waiting = this.waiting.filter((one) => one.tab !== tab)
    for (const [name, holder] of this.held) if (holder.tab === tab) this.free(name, holder)
  }

  private grant(name: string): void {
    const next = this.waiting.find((one) => one.name === name)
    if (!next || this.held.has(name)) return
    this.waiting = this.waiting.filter((one) => one !== next)
    this.held.set(name, next)
    const work = () => next.work().then(() => {
      next.resolve()
      this.free(name, next)
    })
    next.tab.later(() => void work(), true)
  }

  private free(name: string, holder: Request): void {
    if (this.held.get(name) !== holder) return
    this.held.delete(name)
    this.grant(name)
  }
}

export class FakeBrowser {
  readonly shared = new SharedStorage()
  readonly tabs: BrowserTab[] = []
  readonly locks: FakeLocks | null
  readonly ears = new Set<Ear>()
  /** All that tabs said to each other. */
  readonly said: unknown[] = []

  /** Without `locks` it is one on plain http. */
  constructor(
    readonly house: House,
    { locks }: { locks: boolean },
  ) {
    this.locks = locks ? new FakeLocks() : null
  }

  /** A new tab, which follows its news if somebody is signed in. */
  tab(options: { visible?: boolean } = {}): BrowserTab {
    const tab = new BrowserTab(this, options)
    this.tabs.push(tab)
    if (tab.client.session) tab.follow()
    return tab
  }
}

export class BrowserTab {
  readonly environment = new FakeEnvironment()
  readonly client: Client
  readonly storage: Storage
  readonly seen: ClientEvent[] = []
  readonly states: ConnectionState[] = []
  /** As soon as the app has an event. */
  took: (event: ClientEvent) => void = () => undefined
  /** How its loop of events ended; null if it runs. */
  ended: unknown = null
  /** What the browser has kept for a page that does not run; null if it runs. */
  private kept: { work: () => void; certain: boolean }[] | null = null
  /** Hears nothing of the other tabs. */
  deaf = false
  isDead = false
  private readonly gone = new AbortController()

  constructor(
    private readonly browser: FakeBrowser,
    { visible = true }: { visible?: boolean },
  ) {
    this.environment.visible = visible
    const { house } = browser
    const fetch = async (input: string, init: RequestInit) => {
      if (this.isDead) return new Promise<Response>(() => undefined)
      const signal = AbortSignal.any([this.gone.signal, ...(init.signal ? [init.signal] : [])])
      const response = await house.fetch(input, { ...init, signal })
      return this.kept ? new Promise<Response>((resolve) => this.later(() => resolve(response), true)) : response
    }
    this.storage = this.ownStorage()
    this.client = clientOf(house, {
      fetch: fetch as typeof globalThis.fetch,
      storage: this.storage,
      environment: this.environment,
      neighbours: this.neighbours(),
    })
    this.client.on('connection', (state) => this.states.push(state))
  }

  follow(): void {
    const loop = async () => {
      for await (const event of this.client.events()) {
        this.seen.push(event)
        this.took(event)
      }
      return 'well'
    }
    void loop().then(
      (how) => (this.ended = how),
      (error: unknown) => (this.ended = error),
    )
  }

  types(): string[] {
    return this.seen.map(({ type }) => type)
  }

  /** In the page's own time. */
  later(work: () => void, certain = false): void {
    if (this.isDead) return
    if (this.kept) this.kept.push({ work, certain })
    else queueMicrotask(work)
  }

  freeze(): void {
    this.kept ??= []
  }

  /** `lossy`: the browser did not keep what the other tabs said meanwhile. */
  thaw({ lossy = false } = {}): void {
    const kept = this.kept ?? []
    this.kept = null
    for (const { work, certain } of kept) if (certain || !lossy) work()
  }

  show(visible: boolean): void {
    this.environment.change(visible ? 'visible' : 'hidden')
  }

  /** As a person closes it. */
  close(): void {
    this.environment.change('gone')
    this.crash()
  }

  crash(): void {
    this.isDead = true
    this.browser.locks?.died(this)
    for (const ear of this.browser.ears) if (ear.tab === this) this.browser.ears.delete(ear)
    this.gone.abort()
  }

  private ownStorage(): Storage {
    const storage = this.browser.shared.tab()
    return {
      ...storage,
      set: (key, value) => {
        if (!this.isDead && !this.kept) storage.set(key, value)
      },
      remove: (key) => {
        if (!this.isDead && !this.kept) storage.remove(key)
      },
      subscribe: (listener) => storage.subscribe?.((key, value) => this.later(() => listener(key, value))) ?? (() => undefined),
    }
  }

  private neighbours(): Neighbours {
    const { browser } = this
    return {
      open: (name, hear) => {
        const ear = { tab: this, name, hear }
        browser.ears.add(ear)
        const post = (message: unknown): void => {
          if (this.isDead) return
          // Its timers run on here; what they do a page that stands still does when it wakes.
          if (this.kept) return this.later(() => post(message))
          browser.said.push(message)
          for (const other of browser.ears) {
            if (other !== ear && other.name === name && !other.tab.deaf) other.tab.later(() => browser.ears.has(other) && other.hear(structuredClone(message)))
          }
        }
        return { post, close: () => void browser.ears.delete(ear) }
      },
      locks: browser.locks?.of(this) ?? null,
    }
  }
}
