// One stream of the house, as the answers that it brings. It ends by itself after some minutes, which is no fault.
// A proxy that holds a stream back is known by its silence: the house says a first word at once and one every 15 s.
import { PosthouseError } from './errors'
import { checked } from './poll'
import { SseParser } from './sse'
import type { PollAnswer } from './types'

const FIRST_WORD_MS = 5_000
const HEARTBEAT_MS = 15_000
export const SILENCE_MS = 2 * HEARTBEAT_MS + 10_000

/** The house has no streams (older), or this browser or network cannot read them. */
const ABSENT: ReadonlySet<number> = new Set([404, 405, 406, 501])

/** absent: there is none · held back: nothing came through, or nothing that is a stream · broken: it ended within */
export class StreamFault extends Error {
  override readonly name = 'StreamFault'
  constructor(
    readonly was: 'absent' | 'held back' | 'broken',
    options?: ErrorOptions,
  ) {
    super(was, options)
  }
}

export interface StreamParts {
  /** Resolves with a success only. */
  open: (signal: AbortSignal) => Promise<Response>
  /** Something came. */
  alive: () => void
  signal: AbortSignal
}

/** Throws a StreamFault, the house's refusal, or the reason of `signal`. */
export async function* streamed({ open, alive, signal }: StreamParts): AsyncGenerator<PollAnswer, void, undefined> {
  const end = new AbortController()
  const abort = () => end.abort(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort)
  let timer: ReturnType<typeof setTimeout> | undefined
  const expect = (ms: number, otherwise: 'held back' | 'broken') => {
    clearTimeout(timer)
    timer = setTimeout(() => end.abort(new StreamFault(otherwise)), ms)
  }
  try {
    expect(FIRST_WORD_MS, 'held back')
    const response = await open(end.signal)
    for await (const answers of pieces(response, end.signal)) {
      expect(SILENCE_MS, 'broken')
      alive()
      yield* answers
    }
  } catch (error) {
    end.signal.throwIfAborted()
    throw faultOf(error)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    end.abort()
  }
}

/** The answers that each piece completes, piece by piece. */
async function* pieces(response: Response, signal: AbortSignal): AsyncGenerator<PollAnswer[], void, undefined> {
  const reader = response.body?.getReader()
  if (!reader) throw new StreamFault('absent')
  const cancel = () => void reader.cancel(signal.reason).catch(() => undefined)
  signal.addEventListener('abort', cancel)
  const parser = new SseParser()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      signal.throwIfAborted()
      if (done) return
      yield parser.push(value).map(({ data }) => checked(JSON.parse(data) as PollAnswer))
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    cancel()
  }
}

function faultOf(error: unknown): unknown {
  if (error instanceof StreamFault) return error
  if (!(error instanceof PosthouseError)) return new StreamFault('broken', { cause: error })
  if (ABSENT.has(error.status)) return new StreamFault('absent', { cause: error })
  // Somebody answered, but with a page or a body of another kind.
  if (error.status >= 200 && error.status < 300) return new StreamFault('held back', { cause: error })
  return error
}
