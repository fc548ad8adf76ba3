// One exchange whose body is bytes. The browser's (browser-files.ts) tells how far it is, which fetch cannot; this one is for
// where there is no page. What the answer means is decided in tus.ts.

export interface BytesCall {
  method: string
  url: string
  headers: Record<string, string>
  body: Blob | null
  signal: AbortSignal
  /** Bytes of the body that left so far. */
  progress?: (sent: number) => void
}

/** Rejects if no answer came, also when `signal` aborts. The body of the answer is short and read whole. */
export type SendBytes = (call: BytesCall) => Promise<Response>

export function bytesByFetch(fetch: typeof globalThis.fetch): SendBytes {
  return async ({ method, url, headers, body, signal, progress }) => {
    const response = await fetch(url, { method, headers, body, signal, cache: 'no-store', credentials: 'omit', redirect: 'error' })
    const text = await response.text()
    progress?.(body?.size ?? 0)
    return new Response(text === '' ? null : text, { status: response.status, headers: response.headers })
  }
}
