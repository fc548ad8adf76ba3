// Binds files on their way to a browser: XMLHttpRequest, which tells how far an upload is, and IndexedDB, which keeps bytes.
import type { BytesCall, SendBytes } from './bytes'
import type { Parcel } from './parcels'
import type { ParcelStore } from './parcel-store'

/** A connection that takes nothing, or answers nothing, for so long is dead. The house gives up sooner on a body that stalls. */
const STALL_MS = 45_000

export function browserBytes(): SendBytes {
  return (call) => new Promise((resolve, reject) => new Exchange(call, resolve, reject).begin())
}

class Exchange {
  private readonly request = new XMLHttpRequest()
  private watch: ReturnType<typeof setTimeout> | undefined

  constructor(
    private readonly call: BytesCall,
    private readonly resolve: (response: Response) => void,
    private readonly reject: (problem: unknown) => void,
  ) {}

  begin(): void {
    const { request, call } = this
    request.open(call.method, call.url)
    for (const [name, value] of Object.entries(call.headers)) request.setRequestHeader(name, value)
    request.upload.onprogress = ({ loaded }) => {
      this.alive()
      call.progress?.(loaded)
    }
    request.onload = () => this.end(() => this.resolve(answerOf(request)))
    request.onerror = () => this.end(() => this.reject(new TypeError('no answer')))
    call.signal.addEventListener('abort', this.abort)
    this.alive()
    request.send(call.body)
  }

  private readonly abort = () => {
    this.request.abort()
    this.end(() => this.reject(this.call.signal.reason))
  }

  private alive(): void {
    clearTimeout(this.watch)
    this.watch = setTimeout(() => {
      this.request.abort()
      this.end(() => this.reject(new Error('no answer in time')))
    }, STALL_MS)
  }

  private end(tell: () => void): void {
    clearTimeout(this.watch)
    this.call.signal.removeEventListener('abort', this.abort)
    tell()
  }
}

function answerOf(request: XMLHttpRequest): Response {
  const headers = new Headers()
  for (const line of request.getAllResponseHeaders().trim().split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.append(line.slice(0, colon).trim(), line.slice(colon + 1).trim())
  }
  const text = request.responseText
  return new Response(text === '' ? null : text, { status: request.status, headers })
}

const DATABASE = 'posthouse.parcels'
const MADE = 'parcels'
const BYTES = 'bytes'
type Bytes = Pick<Parcel, 'blob' | 'poster'>
type Made = Omit<Parcel, keyof Bytes>

/** One database for all people of this browser; keys are `[person, parcel]`. */
export function browserParcels(): ParcelStore {
  let opening: Promise<IDBDatabase> | null = null

  function open(): Promise<IDBDatabase> {
    opening ??= new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(DATABASE, 1)
      request.onupgradeneeded = () => {
        request.result.createObjectStore(MADE)
        request.result.createObjectStore(BYTES)
      }
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error ?? new Error('no database'))
    }).catch((problem: unknown) => {
      opening = null
      throw problem
    })
    return opening
  }

  /** Runs one transaction over both stores; its value is there when it is committed. */
  async function within<T>(mode: IDBTransactionMode, work: (made: IDBObjectStore, bytes: IDBObjectStore) => Promise<T> | T): Promise<T> {
    const transaction = (await open()).transaction([MADE, BYTES], mode)
    const over = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error ?? new Error('not stored'))
    })
    const [value] = await Promise.all([work(transaction.objectStore(MADE), transaction.objectStore(BYTES)), over])
    return value
  }

  return {
    async load(userId) {
      const all = await within('readonly', async (made, bytes) => {
        const keys = (await got(made.getAllKeys(ofPerson(userId)))) as [string, string][]
        return Promise.all(keys.map((key) => read(made, bytes, key)))
      })
      return all.filter((one) => one !== null).sort((a, b) => a.created_at - b.created_at)
    },
    get: (userId, id) => within('readonly', (made, bytes) => read(made, bytes, [userId, id])),
    add: (userId, parcel) =>
      within('readwrite', (made, bytes) => {
        const { blob, poster, client_msg_id: id } = parcel
        bytes.put({ blob, poster } satisfies Bytes, [userId, id])
        made.put(madeOf(parcel), [userId, id])
      }),
    change: (userId, parcel) =>
      within('readwrite', async (made) => {
        const key = [userId, parcel.client_msg_id]
        if ((await got(made.count(key))) > 0) made.put(madeOf(parcel), key)
      }),
    drop: (userId, id) =>
      within('readwrite', (made, bytes) => {
        made.delete([userId, id])
        bytes.delete([userId, id])
      }),
    clear: (userId) =>
      within('readwrite', (made, bytes) => {
        made.delete(ofPerson(userId))
        bytes.delete(ofPerson(userId))
      }),
  }
}

function madeOf(parcel: Parcel): Made {
  return { ...parcel, blob: undefined, poster: undefined } as Made
}

/** An array is above every string. */
function ofPerson(userId: string): IDBKeyRange {
  return IDBKeyRange.bound([userId], [userId, []])
}

async function read(made: IDBObjectStore, bytes: IDBObjectStore, key: [string, string]): Promise<Parcel | null> {
  const [rest, kept] = await Promise.all([got<Made | undefined>(made.get(key)), got<Bytes | undefined>(bytes.get(key))])
  return rest === undefined || kept === undefined ? null : { ...rest, ...kept }
}

function got<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('not read'))
  })
}
