// Pauses that end early when the surroundings change for the better: the network is back, the person looks, the app asks.
import type { Environment, EnvironmentChange } from './environment'

const GOOD: ReadonlySet<EnvironmentChange> = new Set(['online', 'visible', 'focus'])

export interface PauseOptions {
  signal?: AbortSignal | undefined
  /** Not to be cut short: somebody asked us to wait this long. */
  whole?: boolean
}

export class Waker {
  private readonly sleepers = new Set<() => void>()
  private readonly unsubscribe: () => void

  constructor(environment: Environment) {
    this.unsubscribe = environment.subscribe((change) => {
      if (GOOD.has(change)) this.wake()
    })
  }

  /** Ends all pauses that may be cut short. */
  wake(): void {
    for (const sleeper of [...this.sleepers]) sleeper()
  }

  /** Resolves after `ms`, when woken, or when `signal` aborts; never rejects. */
  pause(ms: number, { signal, whole = false }: PauseOptions = {}): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        this.sleepers.delete(end)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      signal?.addEventListener('abort', end)
      if (!whole) this.sleepers.add(end)
    })
  }

  close(): void {
    this.unsubscribe()
    this.wake()
  }
}
