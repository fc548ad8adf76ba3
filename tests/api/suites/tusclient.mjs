// tus-js-client as it comes from npm, unmodified: it uploads, goes on after cuts and after the handler was killed, resumes
// what another left, and takes back.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { connect, createServer } from 'node:net'

import * as tus from 'tus-js-client'

import { house, ok, Person, test, until } from '../client.mjs'
import { objects } from '../store.mjs'

const MIB = 1 << 20
const base = `${house.local_url}/api/v1`
const headersOf = (person) => ({ Authorization: `Bearer ${person.token}` })
const digestOf = async (person, url) => {
  const response = await fetch(url.replace('/uploads/', '/files/').replace(/^.*\/api\/v1/, base), { headers: headersOf(person) })
  assert.equal(response.status, 200)
  return createHash('sha256').update(Buffer.from(await response.arrayBuffer())).digest('hex')
}
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** An upload to its end: its URL, and how often something was tried again. */
function upload(person, bytes, options = {}) {
  let retries = 0
  return new Promise((resolve, reject) => {
    const one = new tus.Upload(bytes, {
      endpoint: `${base}/uploads`, headers: headersOf(person), metadata: { filename: '报告 📄.bin', filetype: 'x/y' },
      retryDelays: [0, 100, 300, 1000, 2000, 2000, 2000], chunkSize: 4 * MIB,
      onShouldRetry: (error) => (retries++, (error.originalResponse?.getStatus() ?? 0) < 400 || error.originalResponse.getStatus() >= 500 ||
        error.originalResponse.getStatus() === 409),
      onError: reject, onSuccess: () => resolve({ url: one.url, retries }), ...options,
    })
    one.start()
  })
}

/** A road to the house that breaks: each connection ends after so many bytes of what is sent on it, as long as `cuts` lasts. */
async function openRoad(cuts) {
  const sockets = new Set()
  const server = createServer((near) => {
    const far = connect(house.port, '127.0.0.1')
    const most = cuts.shift()
    let sent = 0
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => (near.destroy(), far.destroy()))
    }
    near.on('data', (data) => {
      sent += data.length
      if (!far.write(data)) near.pause()
      if (sent > most) far.end(() => far.destroy()) // what was written goes on its way
    })
    far.on('drain', () => near.resume())
    far.pipe(near)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${server.address().port}/api/v1/uploads`,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

test('tus-js-client: pieces of its size, in one piece, with the first one in the creation', async () => {
  const [person] = await Person.some(1)
  for (const options of [{ chunkSize: 4 * MIB }, { chunkSize: Infinity }, { chunkSize: 3 * MIB, uploadDataDuringCreation: true },
    { chunkSize: 2 * MIB, overridePatchMethod: true }]) {
    const bytes = randomBytes(7 * MIB + 11)
    const { url } = await upload(person, bytes, options)
    assert.equal(await digestOf(person, url), sha256(bytes), JSON.stringify(options))
    const id = url.split('/').at(-1)
    assert.deepEqual(await house.sql(`SELECT name, size FROM files WHERE id = ${id} AND state = 1`), [['报告 📄.bin', String(bytes.length)]])
  }
})

test('tus-js-client: the connection is cut again and again', async () => {
  const [person] = await Person.some(1)
  const bytes = randomBytes(9 * MIB)
  const road = await openRoad([2000, 700_000, 3 * MIB, 400_000, 2 * MIB])
  try {
    const { url, retries } = await upload(person, bytes, { endpoint: road.endpoint, chunkSize: Infinity })
    assert.equal(await digestOf(person, url), sha256(bytes))
    assert.ok(retries >= 3, `only ${retries} retries`)
  } finally {
    await road.close()
  }
})

test('tus-js-client: the handler is killed half-way', async () => {
  const [person] = await Person.some(1)
  const bytes = randomBytes(24 * MIB)
  const before = await objects()
  let killing
  const kill = async () => {
    const pids = await Promise.all(['upload.0', 'upload.1'].map(async (name) => [name, await house.kill(name)]))
    await Promise.all(pids.map(([name, pid]) => house.restarted(name, pid)))
  }
  const { url, retries } = await upload(person, bytes, {
    chunkSize: Infinity, onProgress: (sent) => { if (sent >= bytes.length / 2) killing ??= kill() },
  })
  await killing
  assert.ok(killing && retries >= 1)
  assert.equal(await digestOf(person, url), sha256(bytes))
  // Told by nginx that nobody is there, it begins a new upload and leaves the other one, which expires.
  await house.sql(`UPDATE uploads SET expires_at = 1 WHERE done = 0 AND owner_id = ${person.id}`)
  await until('nothing but the file is left', async () => (await objects()) === before + 1)
})

test('tus-js-client: it goes on where another stopped, and takes back what it began', async () => {
  const [person] = await Person.some(1)
  const bytes = randomBytes(10 * MIB)
  const url = await new Promise((resolve, reject) => {
    const one = new tus.Upload(bytes, {
      endpoint: `${base}/uploads`, headers: headersOf(person), chunkSize: 2 * MIB, onError: reject,
      onChunkComplete: (_, accepted) => { if (accepted === 6 * MIB) one.abort().then(() => resolve(one.url), reject) },
    })
    one.start()
  })
  const offset = async () => {
    const response = await fetch(url, { method: 'HEAD', headers: { ...headersOf(person), 'tus-resumable': '1.0.0' } })
    return response.status === 200 ? Number(response.headers.get('upload-offset')) : response.status
  }
  assert.ok(await offset() >= 6 * MIB)
  let first
  await upload(person, bytes, { endpoint: undefined, uploadUrl: url, onProgress: (sent) => (first ??= sent) })
  assert.ok(first >= 6 * MIB, `it began again at ${first}`)
  assert.equal(await digestOf(person, url), sha256(bytes))

  const other = await new Promise((resolve, reject) => {
    const one = new tus.Upload(bytes, { endpoint: `${base}/uploads`, headers: headersOf(person), chunkSize: 2 * MIB, onError: reject,
      onChunkComplete: () => one.abort(true).then(() => resolve(one.url), reject) })
    one.start()
  })
  await until('it is gone', async () => (await fetch(other, { method: 'HEAD', headers: { ...headersOf(person), 'tus-resumable': '1.0.0' } })).status === 404)
  ok(await person.get('/me'))
})
