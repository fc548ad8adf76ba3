// Files to the house: in one go for what is small, or by pieces as tus 1.0 says, where nothing that arrived is sent again.
// Each function is one call; who repeats it, and when, is parcels.ts.
import type { SendBytes } from './bytes'
import { PosthouseError } from './errors'
import { refusal } from './http'
import type { SessionKeeper } from './session'
import { authorised } from './transport'
import type { StoredFile } from './types'

/** The largest piece of one request: a gateway on the way may not let more pass. */
const PIECE_BYTES = 32 << 20

export interface Going {
  signal: AbortSignal
  /** Bytes of the whole file that left so far. */
  progress?: (sent: number) => void
}

export interface TusParts {
  baseUrl: string
  send: SendBytes
  keeper: SessionKeeper
}

interface Ask {
  method: string
  path: string
  headers?: Record<string, string>
  body?: Blob
}

export class Tus {
  constructor(private readonly parts: TusParts) {}

  /** All of it in one request, for what is small. */
  async store(blob: Blob, name: string, going: Going): Promise<StoredFile> {
    const headers = { 'Content-Type': 'application/octet-stream', 'X-File-Name': encodeURIComponent(name) }
    const answer = await this.ask({ method: 'POST', path: '/files', headers, body: blob }, going)
    return (await answer.json()) as StoredFile
  }

  /** The id of a new upload, which is that of the file it becomes. */
  async begin(name: string, size: number, going: Going): Promise<string> {
    const headers = { 'Upload-Length': String(size), 'Upload-Metadata': `filename ${base64(name)}` }
    const answer = await this.ask({ method: 'POST', path: '/uploads', headers }, going)
    const id = /\/uploads\/(\d+)$/.exec(answer.headers.get('Location') ?? '')?.[1]
    if (id === undefined) throw new PosthouseError({ code: 'offline', status: answer.status, detail: 'an upload without a place' })
    return id
  }

  /** How many bytes the house has. */
  async offset(id: string, going: Going): Promise<number> {
    return offsetOf(await this.ask({ method: 'GET', path: `/uploads/${id}` }, going))
  }

  /** Sends the next piece of `blob`; how many bytes the house has after it. */
  async append(id: string, blob: Blob, offset: number, { signal, progress }: Going): Promise<number> {
    const body = blob.slice(offset, offset + PIECE_BYTES)
    const headers = { 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': String(offset) }
    const going = { signal, progress: (sent: number) => progress?.(offset + sent) }
    return offsetOf(await this.ask({ method: 'PATCH', path: `/uploads/${id}`, headers, body }, going))
  }

  async remove(id: string, going: Going): Promise<void> {
    await this.ask({ method: 'DELETE', path: `/uploads/${id}` }, going)
  }

  private ask({ method, path, headers = {}, body }: Ask, { signal, progress }: Going): Promise<Response> {
    const { baseUrl, keeper } = this.parts
    const all = { 'Tus-Resumable': '1.0.0', Accept: 'application/json', ...headers }
    return authorised(keeper, async (token) => {
      const call = { method, url: baseUrl + path, headers: { ...all, Authorization: `Bearer ${token}` }, body: body ?? null, signal }
      const response = await this.attempt({ ...call, ...(progress && { progress }) })
      if (!response.ok) throw refusal(response, await response.text())
      return response
    })
  }

  private async attempt(call: Parameters<SendBytes>[0]): Promise<Response> {
    call.signal.throwIfAborted()
    try {
      return await this.parts.send(call)
    } catch (cause) {
      call.signal.throwIfAborted()
      throw new PosthouseError({ code: 'offline', detail: String(cause) }, { cause })
    }
  }
}

function offsetOf(answer: Response): number {
  const text = answer.headers.get('Upload-Offset') ?? ''
  if (!/^\d{1,15}$/.test(text)) throw new PosthouseError({ code: 'offline', status: answer.status, detail: 'an answer without an offset' })
  return Number(text)
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}
