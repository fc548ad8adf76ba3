// One exchange with the house: a deadline, the whole body, and a judgement. Everything that is not an answer of the house
// (no network, a captive portal's page, a proxy's error, half a body) becomes a PosthouseError here and nowhere else.
import { PosthouseError, type ErrorCode } from './errors'
import type { Problem } from './types'

export interface Call {
  url: string
  method: string
  headers: Headers
  body: string | undefined
}

export interface CallLimits {
  timeoutMs: number
  signal?: AbortSignal | undefined
}

// What a gateway's own error means when it has no problem body. Any other such answer is not the house speaking.
const BARE: Readonly<Record<number, ErrorCode>> = {
  413: 'too_large',
  429: 'rate_limited',
  502: 'outcome_unknown',
  503: 'unavailable',
  504: 'outcome_unknown',
}

const OPTIONS = {
  cache: 'no-store',
  credentials: 'omit',
  // The house never redirects; a captive portal does.
  redirect: 'error',
} as const

/** Resolves only with a success whose body (if any) is JSON by its type and was read whole. */
export async function exchange(fetch: typeof globalThis.fetch, call: Call, limits: CallLimits): Promise<Response> {
  const { signal, timeoutMs } = limits
  signal?.throwIfAborted()
  const deadline = new AbortController()
  const abort = () => deadline.abort(signal?.reason)
  signal?.addEventListener('abort', abort)
  const timer = setTimeout(() => deadline.abort(new Error('no answer in time')), timeoutMs)
  let response: Response
  let text: string
  try {
    response = await fetch(call.url, {
      method: call.method,
      headers: call.headers,
      ...(call.body === undefined ? {} : { body: call.body }),
      signal: deadline.signal,
      ...OPTIONS,
    })
    text = await response.text()
  } catch (cause) {
    signal?.throwIfAborted()
    throw new PosthouseError({ code: 'offline', detail: String(cause) }, { cause })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
  return judge(response, text)
}

/** Resolves with a stream as soon as it begins; the body is the caller's, until `signal` aborts. */
export async function openStream(fetch: typeof globalThis.fetch, call: Call, signal: AbortSignal): Promise<Response> {
  try {
    const response = await fetch(call.url, { ...OPTIONS, method: call.method, headers: call.headers, signal })
    if (response.ok && mediaType(response) === 'text/event-stream') return response
    throw refusal(response, await response.text())
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof PosthouseError) throw cause
    throw new PosthouseError({ code: 'offline', detail: String(cause) }, { cause })
  }
}

function judge(response: Response, text: string): Response {
  if (!response.ok) throw refusal(response, text)
  const type = mediaType(response)
  if (response.status === 204) return new Response(null, { status: 204 })
  if (type === 'application/json') return new Response(text, { status: response.status })
  throw stranger(response, `an answer of type ${type || 'unknown'}`)
}

/** What an answer that is no success, or none of the type that was asked for, means. */
export function refusal(response: Response, text: string): PosthouseError {
  const problem = mediaType(response) === 'application/problem+json' ? parseProblem(text) : null
  if (problem) {
    return new PosthouseError({
      code: problem.code,
      status: response.status,
      detail: problem.detail,
      errors: Array.isArray(problem.errors) ? problem.errors : [],
      requestId: problem.request_id ?? response.headers.get('X-Request-Id'),
      retryAfter: retryAfter(response),
    })
  }
  return stranger(response, response.ok ? 'an answer of another type' : 'an error without a problem body')
}

function stranger(response: Response, detail: string): PosthouseError {
  return new PosthouseError({
    code: (response.ok ? undefined : BARE[response.status]) ?? 'offline',
    status: response.status,
    detail,
    requestId: response.headers.get('X-Request-Id'),
    retryAfter: retryAfter(response),
  })
}

function mediaType(response: Response): string {
  return (response.headers.get('Content-Type') ?? '').replace(/;.*/s, '').trim().toLowerCase()
}

function parseProblem(text: string): Problem | null {
  try {
    const value: unknown = JSON.parse(text)
    return value !== null && typeof value === 'object' && typeof (value as Problem).code === 'string' ? (value as Problem) : null
  } catch {
    return null
  }
}

/** Whole seconds only, as the house writes it; at most an hour, so that a wrong gateway cannot silence us for days. */
function retryAfter(response: Response): number | null {
  const value = response.headers.get('Retry-After')
  return value !== null && /^\d{1,9}$/.test(value.trim()) ? Math.min(Number(value), 3_600) : null
}
