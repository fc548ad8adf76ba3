// The `fetch` that openapi-fetch is given: adds the token, and refreshes and repeats once where that helps.
import { isPosthouseError } from './errors'
import { exchange, openStream, type Call } from './http'
import type { SessionKeeper } from './session'

/** Longer than the house's own deadline of a request, so that its answer wins. */
export const REQUEST_TIMEOUT_MS = 30_000

export interface TransportOptions {
  timeoutMs?: number
  signal?: AbortSignal | undefined
}

type Fetch = (request: Request) => Promise<Response>

/** For calls without a session. */
export function openTransport(fetch: typeof globalThis.fetch, options: TransportOptions = {}): Fetch {
  return async (request) => exchange(fetch, await callOf(request), limitsOf(options))
}

/** For calls with one: `token_expired` refreshes and repeats once, `unauthenticated` ends the session. */
export function sessionTransport(fetch: typeof globalThis.fetch, keeper: SessionKeeper, options: TransportOptions = {}): Fetch {
  const limits = limitsOf(options)
  return async (request) => {
    const call = await callOf(request)
    return authorised(keeper, (token) => exchange(fetch, withToken(call, token), limits))
  }
}

/** A stream, with the token in its header. */
export function streamTransport(fetch: typeof globalThis.fetch, keeper: SessionKeeper, url: string) {
  return (signal: AbortSignal): Promise<Response> => {
    const call: Call = { url, method: 'GET', headers: new Headers({ Accept: 'text/event-stream' }), body: undefined }
    return authorised(keeper, (token) => openStream(fetch, withToken(call, token), signal))
  }
}

export async function authorised(keeper: SessionKeeper, attempt: (token: string) => Promise<Response>): Promise<Response> {
  const token = await keeper.accessToken()
  try {
    return await attempt(token)
  } catch (error) {
    if (isPosthouseError(error, 'token_expired')) return attempt(await keeper.refreshed(token))
    if (isPosthouseError(error, 'unauthenticated')) return attempt(keeper.replacement(token))
    throw error
  }
}

/** A call with a token of one's own, after the session has ended here. */
export function tokenTransport(fetch: typeof globalThis.fetch, token: string): Fetch {
  return async (request) => exchange(fetch, withToken(await callOf(request), token), limitsOf({}))
}

async function callOf(request: Request): Promise<Call> {
  const body = request.method === 'GET' ? '' : await request.text()
  return { url: request.url, method: request.method, headers: request.headers, body: body === '' ? undefined : body }
}

function withToken(call: Call, token: string): Call {
  const headers = new Headers(call.headers)
  headers.set('Authorization', `Bearer ${token}`)
  return { ...call, headers }
}

function limitsOf({ timeoutMs = REQUEST_TIMEOUT_MS, signal }: TransportOptions) {
  return { timeoutMs, signal }
}
