// Again and again, while it fails for a reason that may pass.
import { backoffMs } from './backoff'
import { PosthouseError } from './errors'
import type { Waker } from './waker'

export interface Patience {
  waker: Waker
  random: () => number
  signal?: AbortSignal | undefined
  /** Give up after so many tries. */
  tries?: number
}

export async function patiently<T>({ waker, random, signal, tries = Infinity }: Patience, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const again = error instanceof PosthouseError && error.retryable && attempt < tries
      if (!again) throw error
      await waker.pause(backoffMs(attempt, random, error), { signal, whole: error.retryAfter !== null })
      signal?.throwIfAborted()
    }
  }
}
