// The seat of the tab that leads: at most one holds it, as well as the platform can say. That two hold it for a moment is
// harmless, since the house serves one of them. By Web Locks its holder's death is known at once; on plain http the seat is
// a lease in the storage. Whether the holder still answers is not asked here: whoever knows that he does not takes it by force.
import type { Locks } from './channel'
import type { Storage } from './storage'
import { uuid } from './uuid'

export interface Hold {
  /** Aborts when somebody else took the seat. */
  readonly lost: AbortSignal
  /** Says that the holder is alive, and finds out whether he still holds. */
  renew(): void
  release(): void
}

export interface Seat {
  /** Waits until the seat is free, or takes it from its holder; null when `signal` aborts. */
  take(signal: AbortSignal, force: boolean): Promise<Hold | null>
}

export function lockSeat(locks: Locks, name: string): Seat {
  return {
    take: (signal, force) =>
      new Promise((resolve) => {
        const lost = new AbortController()
        const work = () =>
          new Promise<void>((release) => {
            resolve({ lost: lost.signal, renew: () => undefined, release })
          })
        // A request to steal cannot be broken off, nor need it be: it is granted at once.
        locks.request(name, force ? { steal: true } : { signal }, work).catch((error: unknown) => {
          lost.abort()
          // Where a page may keep nothing it may lock nothing, and no other tab has its session.
          resolve(isAbort(error) ? null : { lost: new AbortController().signal, renew: () => undefined, release: () => undefined })
        })
      }),
  }
}

function isAbort(error: unknown): boolean {
  return (error as { name?: unknown } | null)?.name === 'AbortError'
}

interface Lease {
  owner: string
  at: number
}

/** Other processes see what is written here a little later. */
const SETTLE_MS = 60
/** A storage that tells nobody of changes is looked at. */
const LOOK_MS = 400
const RENEW_MS = 500
/** Nobody who is alive and whose timers run renews so late. */
const STALE_MS = 1_500

export interface LeaseParts {
  storage: Storage
  now: () => number
  /** A hidden tab's timers may stand still, and so may the holder's: only who is looked at concludes anything from a late lease. */
  isVisible: () => boolean
}

export function leaseSeat({ storage, now, isVisible }: LeaseParts, name: string): Seat {
  const read = () => parse(storage.get(name))
  const isFree = () => {
    const lease = read()
    return lease === null || (isVisible() && Math.abs(now() - lease.at) > STALE_MS)
  }
  return {
    async take(signal, force) {
      const owner = uuid()
      for (let mayTake = force || isFree(); !signal.aborted; mayTake = isFree()) {
        if (mayTake) {
          storage.set(name, JSON.stringify({ owner, at: now() } satisfies Lease))
          await pause(SETTLE_MS, signal)
          if (!signal.aborted && read()?.owner === owner) return hold(storage, name, owner, now)
        } else await untilWritten(storage, name, signal)
      }
      if (read()?.owner === owner) storage.remove(name)
      return null
    },
  }
}

function hold(storage: Storage, name: string, owner: string, now: () => number): Hold {
  const lost = new AbortController()
  let writtenAt = now()
  const isMine = () => parse(storage.get(name))?.owner === owner
  const end = () => {
    clearInterval(timer)
    stopHearing?.()
  }
  const renew = () => {
    if (lost.signal.aborted) return
    if (!isMine()) {
      end()
      return lost.abort()
    }
    // Each follower asks, and one answer is enough for all.
    if (Math.abs(now() - writtenAt) < RENEW_MS / 2) return
    writtenAt = now()
    storage.set(name, JSON.stringify({ owner, at: writtenAt } satisfies Lease))
  }
  const timer = setInterval(renew, RENEW_MS)
  const stopHearing = storage.subscribe?.((key) => key === name && !isMine() && renew())
  return {
    lost: lost.signal,
    renew,
    release() {
      end()
      if (isMine()) storage.remove(name)
    },
  }
}

function untilWritten(storage: Storage, name: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      stop?.()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, LOOK_MS)
    const stop = storage.subscribe?.((key, value) => key === name && value === null && end())
    signal.addEventListener('abort', end)
  })
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}

function parse(text: string | null): Lease | null {
  try {
    const value = JSON.parse(text ?? 'null') as Partial<Lease> | null
    return typeof value?.owner === 'string' && typeof value.at === 'number' ? (value as Lease) : null
  } catch {
    return null
  }
}
