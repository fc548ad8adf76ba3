// Binds the SDK to a browser: localStorage and its events, online and visible, the other tabs. The only file here that touches the page.
import type { Locks, Neighbours } from './channel'
import type { Environment, EnvironmentChange } from './environment'
import type { Storage } from './storage'
import { storageLock } from './storage-lock'

/** localStorage, shared by all tabs. What it refuses to take (forbidden, or full) lives in memory until the page goes. */
export function browserStorage(): Storage {
  const memory = new Map<string, string | null>()
  const attempt = <T>(work: () => T, otherwise: T): T => {
    try {
      return work()
    } catch {
      return otherwise
    }
  }
  const storage: Storage = {
    get: (key) => memory.get(key) ?? (memory.has(key) ? null : attempt(() => localStorage.getItem(key), null)),
    set(key, value) {
      memory.delete(key)
      attempt(() => localStorage.setItem(key, value), undefined)
      if (attempt(() => localStorage.getItem(key), null) !== value) memory.set(key, value)
    },
    remove(key) {
      memory.delete(key)
      attempt(() => localStorage.removeItem(key), undefined)
      if (attempt(() => localStorage.getItem(key), null) !== null) memory.set(key, null)
    },
    keys(prefix) {
      const kept = attempt(() => Object.keys(localStorage), [] as string[])
      const all = new Set([...kept, ...memory.keys()])
      return [...all].filter((key) => key.startsWith(prefix) && storage.get(key) !== null)
    },
    subscribe(listener) {
      // key is null when the whole storage was cleared.
      const hear = (event: StorageEvent) => {
        if (event.key === null) for (const key of watched) listener(key, null)
        else listener(event.key, event.newValue)
      }
      const watched = ['posthouse.session']
      window.addEventListener('storage', hear)
      return () => window.removeEventListener('storage', hear)
    },
    // Web Locks exist on https and localhost only; a house on plain http has to do with the storage itself.
    lock: <T>(name: string, work: () => Promise<T>): Promise<T> =>
      'locks' in navigator && navigator.locks
        ? (navigator.locks.request(name, work) as Promise<T>)
        : storageLock(storage, name, work),
  }
  return storage
}

export function browserEnvironment(): Environment {
  return {
    isOnline: () => navigator.onLine,
    isVisible: () => document.visibilityState === 'visible',
    subscribe(listener) {
      const tell = (change: EnvironmentChange) => () => listener(change)
      const online = tell('online')
      const offline = tell('offline')
      const focus = tell('focus')
      const gone = tell('gone')
      const visibility = () => listener(document.visibilityState === 'visible' ? 'visible' : 'hidden')
      const shown = (event: PageTransitionEvent) => event.persisted && visibility()
      window.addEventListener('online', online)
      window.addEventListener('offline', offline)
      window.addEventListener('focus', focus)
      window.addEventListener('pagehide', gone)
      window.addEventListener('pageshow', shown)
      document.addEventListener('visibilitychange', visibility)
      return () => {
        window.removeEventListener('online', online)
        window.removeEventListener('offline', offline)
        window.removeEventListener('focus', focus)
        window.removeEventListener('pagehide', gone)
        window.removeEventListener('pageshow', shown)
        document.removeEventListener('visibilitychange', visibility)
      }
    },
  }
}

/** The other tabs of this browser; null if it is too old to let them speak to each other, or forbids it with the storage. */
export function browserNeighbours(): Neighbours | null {
  try {
    new BroadcastChannel('posthouse.trial').close()
  } catch {
    return null
  }
  return {
    open(name, hear) {
      const channel = new BroadcastChannel(name)
      channel.onmessage = (event: MessageEvent<unknown>) => hear(event.data)
      return { post: (message) => channel.postMessage(message), close: () => channel.close() }
    },
    locks: 'locks' in navigator && navigator.locks ? (navigator.locks as Locks) : null,
  }
}
