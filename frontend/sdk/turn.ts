// Whose turn it is: notices that the person came to this window, and breaks off what is under way when the network changes under it.
import type { Environment } from './environment'

export class NetworkChange extends Error {}

export class Turn {
  private came = false
  private current: AbortController | null = null
  private readonly unsubscribe: () => void

  constructor(environment: Environment, changed: (what: 'network' | 'visible') => void) {
    this.unsubscribe = environment.subscribe((change) => {
      if (change === 'focus' || change === 'visible') this.came = true
      if (change === 'visible') changed('visible')
      if (change === 'online' || change === 'offline') {
        changed('network')
        // The old connection is gone or will never answer.
        this.current?.abort(new NetworkChange())
      }
    })
  }

  /** Whether the person came since the last time this was asked. */
  taken(): boolean {
    const came = this.came
    this.came = false
    return came
  }

  forget(): void {
    this.came = false
  }

  async during<T>(work: (end: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const current = new AbortController()
    const abort = () => current.abort(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    this.current = current
    try {
      return await work(current.signal)
    } finally {
      this.current = null
      signal.removeEventListener('abort', abort)
    }
  }

  close(): void {
    this.unsubscribe()
  }
}
