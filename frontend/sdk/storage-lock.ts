// A lock between tabs made of a shared storage without compare-and-set: write one's name, wait, see whether it still stands.
// Two tabs may slip through together in theory. The house forgives that: the refresh token before the current one
// is accepted once more, and whoever finds its token replaced takes the newer one from the storage.
import type { Storage } from './storage'
import { uuid } from './uuid'

const SETTLE_MS = 40
const LOOK_MS = 100
/** A tab that died inside is forgotten after this. Longer than a refresh with its repetitions usually takes. */
const HELD_MS = 20_000

interface Hold {
  owner: string
  until: number
}

export async function storageLock<T>(
  storage: Storage,
  name: string,
  work: () => Promise<T>,
  now: () => number = Date.now,
): Promise<T> {
  const key = `${name}.lock`
  const owner = uuid()
  const giveUp = now() + HELD_MS
  while (!(await taken(storage, key, owner, now)) && now() < giveUp) await after(LOOK_MS)
  try {
    return await work()
  } finally {
    if (holder(storage, key)?.owner === owner) storage.remove(key)
  }
}

async function taken(storage: Storage, key: string, owner: string, now: () => number): Promise<boolean> {
  const hold = holder(storage, key)
  // `until` far ahead: the clock was put back since.
  if (hold && hold.until > now() && hold.until <= now() + HELD_MS) return false
  storage.set(key, JSON.stringify({ owner, until: now() + HELD_MS } satisfies Hold))
  await after(SETTLE_MS)
  return holder(storage, key)?.owner === owner
}

function holder(storage: Storage, key: string): Hold | null {
  try {
    const value: unknown = JSON.parse(storage.get(key) ?? 'null')
    return value !== null && typeof value === 'object' && typeof (value as Hold).until === 'number' ? (value as Hold) : null
  } catch {
    return null
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
