// Files on their way: what arrived is not sent again, some go at once but arrive in their order, and nothing is forgotten
// before its message is in the outbox.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryParcels, type Client, type ClientOptions, type Entry, type NewParcel, type SendBytes, type SendRequest } from '../index'
import { clientOf, entry, FakeEnvironment, hang, House, json, problem, SharedStorage, signedIn } from './house'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms)

interface Upload {
  name: string
  size: number
  bytes: number
}

/** What takes uploads: keeps what came, also of a piece that was cut. */
class Store {
  readonly uploads = new Map<string, Upload>()
  readonly asked: string[] = []
  /** What happens to a call before it is answered; undefined: nothing. */
  trouble: (call: Parameters<SendBytes>[0], upload: Upload | undefined) => Promise<Response> | Response | undefined = () => undefined
  private last = 500

  readonly send: SendBytes = async (call) => {
    const path = call.url.replace(/.*\/api\/v1/, '')
    const upload = this.uploads.get(path.split('/')[2] ?? '')
    this.asked.push(`${call.method} ${path} ${call.headers['Upload-Offset'] ?? ''}`.trim())
    const instead = this.trouble(call, upload)
    if (instead !== undefined) return instead
    if (call.method === 'POST' && path === '/files') return json({ id: String(++this.last) }, 201)
    if (call.method === 'POST') {
      const name = new TextDecoder().decode(Uint8Array.from(atob((call.headers['Upload-Metadata'] ?? '').replace('filename ', '')), (c) => c.charCodeAt(0)))
      this.uploads.set(String(++this.last), { name, size: Number(call.headers['Upload-Length']), bytes: 0 })
      return new Response(null, { status: 201, headers: { Location: `/api/v1/uploads/${this.last}` } })
    }
    if (upload === undefined) return problem(404, 'not_found')
    if (call.method === 'DELETE') {
      this.uploads.delete(path.split('/')[2] ?? '')
      return new Response(null, { status: 204 })
    }
    if (call.method === 'PATCH') {
      if (Number(call.headers['Upload-Offset']) !== upload.bytes) return problem(409, 'conflict')
      upload.bytes += call.body?.size ?? 0
      call.progress?.(call.body?.size ?? 0)
    }
    return new Response(null, { headers: { 'Upload-Offset': String(upload.bytes) } })
  }

  count(call: string): number {
    return this.asked.filter((one) => one.startsWith(call)).length
  }
}

const SEND = 'POST /conversations/9/messages'

function chat(house: House): SendRequest[] {
  const said: SendRequest[] = []
  house.on(SEND, ({ body }) => {
    const message = body as SendRequest
    said.push(message)
    return json(entry(said.length, { sender_id: '1', client_msg_id: message.client_msg_id, type: message.type, content: message.content as Entry['content'] }), 201)
  })
  return said
}

async function begin(options: Partial<ClientOptions> = {}): Promise<{ client: Client; store: Store; said: SendRequest[]; house: House }> {
  const house = new House()
  const store = new Store()
  const said = chat(house)
  const client = await signedIn(house, { sendBytes: store.send, ...options })
  return { client, store, said, house }
}

const blob = (size: number) => new Blob(['x'.repeat(size)])
const document = (name: string, size = 10): NewParcel => ({ kind: 'file', name, blob: blob(size) })
const states = (client: Client) => client.parcels.of('9').map((one) => `${one.name} ${one.state}${one.code === null ? '' : ` ${one.code}`}`)
const files = (said: SendRequest[]) => said.map(({ content }) => (content as { file_id: string }).file_id)

test('a file becomes a message under the id of its row', async () => {
  const { client, store, said } = await begin()
  client.parcels.add('9', [document('驿站.txt')], 7)
  expect(states(client)).toEqual(['驿站.txt waiting'])
  const id = client.parcels.of('9')[0]?.client_msg_id
  await tick()
  expect(client.parcels.of('9')).toEqual([])
  expect(said).toEqual([{ client_msg_id: id, type: 'file', content: { file_id: '501' }, reply_to_seq: 7 }])
  expect(store.uploads.get('501')).toEqual({ name: '驿站.txt', size: 10, bytes: 10 })
  expect(store.asked).toEqual(['POST /uploads', 'PATCH /uploads/501 0'])
})

test('a video takes its still along', async () => {
  const { client, store, said } = await begin()
  client.parcels.add('9', [{ kind: 'video', name: 'a.webm', blob: blob(5), poster: blob(3), durationMs: 1234.4, width: 4, height: 3 }])
  await tick()
  expect(said[0]).toMatchObject({ type: 'video', content: { file_id: '502', poster_file_id: '501', duration_ms: 1234 } })
  expect(store.asked[0]).toBe('POST /files')
})

test('what arrived before a cut is not sent again', async () => {
  const { client, store, said } = await begin()
  let cuts = 0
  store.trouble = (call, upload) => {
    if (call.method !== 'PATCH' || upload === undefined || cuts === 2) return undefined
    cuts++
    upload.bytes += 3
    call.progress?.(4)
    return Promise.reject(new TypeError('cut'))
  }
  client.parcels.add('9', [document('a', 10)])
  await tick()
  expect(states(client)).toEqual(['a waiting offline'])
  await tick(60_000)
  expect(store.asked).toEqual([
    'POST /uploads', 'PATCH /uploads/501 0', 'GET /uploads/501', 'PATCH /uploads/501 3', 'GET /uploads/501', 'PATCH /uploads/501 6',
  ])
  expect(files(said)).toEqual(['501'])
})

test('a connection over which the network changed is not waited for', async () => {
  const environment = new FakeEnvironment()
  const { client, store, said } = await begin({ environment })
  store.trouble = (call) => (call.method === 'PATCH' && environment.online && said.length === 0 && store.count('PATCH') === 1 ? hang(call.signal) : undefined)
  client.parcels.add('9', [document('a')])
  await tick()
  expect(states(client)).toEqual(['a uploading'])
  environment.change('offline')
  await tick()
  expect(states(client)).toEqual(['a waiting offline'])
  environment.change('online')
  await tick()
  expect(files(said)).toEqual(['501'])
})

test('an upload that the house no longer knows begins anew', async () => {
  const { client, store, said } = await begin()
  let cut = false
  store.trouble = (call) => {
    if (call.method !== 'PATCH' || cut) return undefined
    cut = true
    store.uploads.clear()
    return Promise.reject(new TypeError('cut'))
  }
  client.parcels.add('9', [document('a')])
  await tick(60_000)
  expect(files(said)).toEqual(['502'])
})

test('three at once, and those that were chosen together arrive in their order', async () => {
  const { client, store, said } = await begin()
  const waiting: (() => void)[] = []
  store.trouble = (call, upload) => {
    if (call.method !== 'PATCH' || upload === undefined) return undefined
    return new Promise((resolve) => waiting.push(() => {
      upload.bytes = upload.size
      resolve(new Response(null, { headers: { 'Upload-Offset': String(upload.size) } }))
    }))
  }
  client.parcels.add('9', ['a', 'b', 'c', 'd'].map((name) => document(name)))
  await tick()
  expect(states(client)).toEqual(['a uploading', 'b uploading', 'c uploading', 'd waiting'])
  waiting[2]?.()
  waiting[1]?.()
  await tick()
  expect(states(client)).toEqual(['a uploading', 'b uploaded', 'c uploaded', 'd uploading'])
  expect(said).toEqual([])
  waiting[0]?.()
  await tick()
  expect(files(said)).toEqual(['501', '502', '503'])
  waiting[3]?.()
  await tick()
  expect(files(said)).toEqual(['501', '502', '503', '504'])
})

test('a refusal is kept with its reason, holds nobody up, and is tried again only when asked', async () => {
  const { client, store, said } = await begin()
  let full = true
  store.trouble = (call) => (call.method === 'POST' && full && atob((call.headers['Upload-Metadata'] ?? '').slice(9)) === 'a' ? problem(403, 'quota_exceeded') : undefined)
  client.parcels.add('9', [document('a'), document('b')])
  await tick(60_000)
  expect(states(client)).toEqual(['a failed quota_exceeded'])
  expect(said).toHaveLength(1)
  full = false
  const id = client.parcels.of('9')[0]?.client_msg_id ?? ''
  client.parcels.retry(id)
  await tick()
  expect(said[1]?.client_msg_id).toBe(id)
})

test('one that is taken back is gone here and at the house, at whatever moment', async () => {
  const { client, store, said } = await begin()
  store.trouble = (call) => (call.method === 'PATCH' ? hang(call.signal) : undefined)
  client.parcels.add('9', [document('a')])
  await tick()
  client.parcels.cancel(client.parcels.of('9')[0]?.client_msg_id ?? '')
  expect(states(client)).toEqual([])
  await tick()
  expect(store.uploads.size).toBe(0)

  let answer: () => void = () => undefined
  store.trouble = (call) => {
    if (call.method !== 'POST') return undefined
    return new Promise((resolve) => (answer = () => {
      store.uploads.set('900', { name: 'b', size: 10, bytes: 0 })
      resolve(new Response(null, { status: 201, headers: { Location: '/api/v1/uploads/900' } }))
    }))
  }
  client.parcels.add('9', [document('b')])
  await tick()
  client.parcels.cancel(client.parcels.of('9')[0]?.client_msg_id ?? '')
  answer()
  await tick(60_000)
  expect(store.uploads.size).toBe(0)
  expect(said).toEqual([])
})

test('after a reload it goes on where it was, under the same id; what was refused stays refused', async () => {
  const parcelStore = memoryParcels()
  const values = new Map<string, string>()
  const storage = {
    get: (key: string) => values.get(key) ?? null,
    set: (key: string, value: string) => void values.set(key, value),
    remove: (key: string) => void values.delete(key),
    keys: (prefix: string) => [...values.keys()].filter((key) => key.startsWith(prefix)),
  }
  const { client, store, said, house } = await begin({ parcelStore, storage })
  store.trouble = (call, upload) => {
    if (call.method === 'POST' && call.headers['Upload-Length'] === '99') return problem(413, 'too_large')
    if (call.method !== 'PATCH' || upload === undefined) return undefined
    upload.bytes = 4
    return hang(call.signal)
  }
  client.parcels.add('9', [document('a'), document('big', 99)])
  await tick()
  const [id] = client.parcels.of('9').map((one) => one.client_msg_id)
  client.close()
  await tick()
  store.trouble = () => undefined
  const again = clientOf(house, { sendBytes: store.send, parcelStore, storage })
  await tick()
  expect(store.asked.slice(-2)).toEqual(['GET /uploads/501', 'PATCH /uploads/501 4'])
  expect(said.map((one) => one.client_msg_id)).toEqual([id])
  expect(states(again)).toEqual(['big failed too_large'])
  expect(await parcelStore.load('1')).toHaveLength(1)
  await again.signOut()
  await tick()
  expect(await parcelStore.load('1')).toEqual([])
})

test('two tabs: one carries it, the other takes it over when that one dies, and finds nothing when it is done', async () => {
  const parcelStore = memoryParcels()
  const shared = new SharedStorage()
  const held = new Map<string, Promise<unknown>>()
  const lock = <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const mine = (held.get(name) ?? Promise.resolve()).then(work, work)
    held.set(name, mine.catch(() => undefined))
    return mine
  }
  const tab = () => ({ parcelStore, storage: { ...shared.tab(), lock } })
  const { client: first, store, said, house } = await begin(tab())
  store.trouble = (call) => (call.method === 'PATCH' ? hang(call.signal) : undefined)
  first.parcels.add('9', [document('a')])
  await tick()
  const second = clientOf(house, { sendBytes: store.send, ...tab() })
  const third = clientOf(house, { sendBytes: store.send, ...tab() })
  await tick()
  expect([states(second), states(third)]).toEqual([['a waiting'], ['a waiting']])
  store.trouble = () => undefined
  first.close()
  await tick()
  expect(files(said)).toEqual(['501'])
  expect([states(second), states(third)]).toEqual([[], []])
  expect(store.count('POST')).toBe(1)
})

test('a store that is full keeps nothing, and the file is sent all the same', async () => {
  const full = { ...memoryParcels(), add: () => Promise.reject(new Error('no room')) }
  const { client, said } = await begin({ parcelStore: full })
  client.parcels.add('9', [document('a')])
  await tick()
  expect(files(said)).toEqual(['501'])
})

test('the address of a file has a token that is good for a while', async () => {
  const { client, house } = await begin()
  house.on('POST /token/refresh', () => json(house.tokens()))
  expect((await client.files.address('7')).url).toBe('http://house.test/api/v1/files/7?t=f1')
  await tick(10 * 60_000)
  expect((await client.files.address('7', '160')).url).toBe('http://house.test/api/v1/files/7/thumbnail?size=160&t=f1')
  await tick(4.5 * 60_000)
  const { url, until } = await client.files.address('7')
  expect(url).toBe('http://house.test/api/v1/files/7?t=f2')
  expect(until).toBeGreaterThan(Date.now() + 10 * 60_000)
})
