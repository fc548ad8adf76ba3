// Where the SDK keeps the session and unsent messages. The browser's is in browser.ts; this one forgets everything.

export interface Storage {
  get(key: string): string | null
  set(key: string, value: string): void
  remove(key: string): void
  /** All keys that begin with `prefix`. */
  keys(prefix: string): string[]
  /** Changes made by others (another tab), never one's own. Returns the way to stop. */
  subscribe?(listener: (key: string, value: string | null) => void): () => void
  /** Runs `work` while nobody else (no other tab) runs one under this name; as well as the platform can. */
  lock?<T>(name: string, work: () => Promise<T>): Promise<T>
}

export function memoryStorage(): Storage {
  const values = new Map<string, string>()
  return {
    get: (key) => values.get(key) ?? null,
    set: (key, value) => void values.set(key, value),
    remove: (key) => void values.delete(key),
    keys: (prefix) => [...values.keys()].filter((key) => key.startsWith(prefix)),
  }
}
