// How long to wait after a failure: exponential with full jitter, never less than the house asked for.
import { PosthouseError } from './errors'

const FIRST_MS = 1_000
const LONGEST_MS = 30_000

/** `attempt` is 1 after the first failure. */
export function backoffMs(attempt: number, random: () => number, error?: unknown): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 16))
  const jitter = random() * ceiling
  const asked = error instanceof PosthouseError ? (error.retryAfter ?? 0) * 1_000 : 0
  // Everybody was told the same Retry-After: spread them over the next second.
  return asked > 0 ? Math.max(asked + random() * 1_000, jitter) : jitter
}
