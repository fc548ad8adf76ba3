// The `fetch` that openapi-fetch is given: adds the token, and refreshes and repeats once where that helps.
import { isPosthouseError } from './errors'
import { exchange, type Call } from './http'
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
    const token = await keeper.accessToken()
    try {
      return await exchange(fetch, withToken(call, token), limits)
    } catch (error) {
      if (isPosthouseError(error, 'token_expired')) {
        return exchange(fetch, withToken(call, await keeper.refreshed(token)), limits)
      }
      if (isPosthouseError(error, 'unauthenticated')) {
        return exchange(fetch, withToken(call, keeper.replacement(token)), limits)
      }
      throw error
    }
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
