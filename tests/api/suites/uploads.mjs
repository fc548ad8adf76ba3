// Files by pieces, as tus 1.0 says: what came is kept whatever breaks, and becomes a file once all is there.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'

import { house, ok, Person, refused, test, until } from '../client.mjs'
import { rowCounts } from '../house.mjs'
import { PNG } from '../pictures.mjs'
import { open } from '../raw.mjs'
import { isS3, objects } from '../store.mjs'

const MIB = 1 << 20
const VERSION = { 'tus-resumable': '1.0.0' }
const base64 = (text) => Buffer.from(text).toString('base64')
const digest = (algorithm, bytes) => `${algorithm} ${createHash(algorithm).update(bytes).digest('base64')}`

const create = (person, size, headers = {}, raw = '') => person.call('POST', '/uploads',
  { raw, headers: { ...VERSION, 'upload-length': String(size), ...headers } })
const begin = async (person, size, name = 'a.bin') => {
  const answer = await create(person, size, { 'upload-metadata': `filename ${base64(name)},filetype ${base64('x/y')}` })
  ok(answer, 201)
  return answer.headers.location.replace('/api/v1', '')
}
const patch = (person, path, offset, raw, headers = {}) => person.call('PATCH', path,
  { raw, headers: { ...VERSION, 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset), ...headers } })
const head = async (person, path) => {
  const response = await fetch(`${house.local_url}/api/v1${path}`, { method: 'HEAD', headers: { ...VERSION, authorization: `Bearer ${person.token}` } })
  return { status: response.status, offset: Number(response.headers.get('upload-offset')), headers: response.headers }
}
const fileOf = (path) => path.replace('uploads', 'files')
const bytesOf = async (person, path) => {
  const response = await fetch(`${house.local_url}/api/v1${fileOf(path)}`, { headers: { authorization: `Bearer ${person.token}` } })
  assert.equal(response.status, 200)
  return Buffer.from(await response.arrayBuffer())
}
const usage = async (person) => Number((await house.sql(`SELECT bytes FROM file_usage WHERE user_id = ${person.id}`))[0]?.[0] ?? 0)

test('pieces of every size become the file', async () => {
  const [person] = await Person.some(1)
  for (const pieces of [[1], [1, 1], [100, 65_536, 3], [5 * MIB, 1], [MIB, 4 * MIB, 1], [5 * MIB - 1, 2, 6 * MIB], [12 * MIB + 17]]) {
    const bytes = randomBytes(pieces.reduce((sum, n) => sum + n))
    const path = await begin(person, bytes.length, '大文件.bin')
    let at = 0
    for (const n of pieces) {
      refused(await person.get(fileOf(path)), 404, 'not_found')
      const answer = await patch(person, path, at, bytes.subarray(at, at + n))
      ok(answer, 204)
      at += n
      assert.equal(answer.headers['upload-offset'], String(at))
      assert.equal((await head(person, path)).offset, at)
    }
    assert.ok((await bytesOf(person, path)).equals(bytes), `${pieces}`)
    const [[name, sha, size]] = await house.sql(`SELECT name, HEX(sha256), size FROM files WHERE id = ${path.split('/').at(-1)}`)
    assert.deepEqual([name, sha.toLowerCase(), Number(size)], ['大文件.bin', createHash('sha256').update(bytes).digest('hex'), bytes.length])
  }
})

test('what it is follows from its bytes, however few of them came first', async () => {
  const [person] = await Person.some(1)
  for (const first of [1, 3, 20]) {
    const before = await objects()
    const path = await begin(person, PNG.length, 'a.png')
    ok(await patch(person, path, 0, PNG.subarray(0, first)), 204)
    ok(await patch(person, path, first, PNG.subarray(first)), 204)
    assert.ok((await bytesOf(person, path)).equals(PNG))
    assert.deepEqual(await house.sql(`SELECT content_type, width, height FROM files WHERE id = ${path.split('/').at(-1)}`), [['image/png', '3', '2']])
    assert.equal(await objects(), before + 1)
  }
})

test('nothing but the file is left in the store', async () => {
  const [person] = await Person.some(1)
  const before = await objects()
  const bytes = randomBytes(11 * MIB)
  const path = await begin(person, bytes.length)
  for (let at = 0; at < bytes.length; at += 3 * MIB) ok(await patch(person, path, at, bytes.subarray(at, at + 3 * MIB)), 204)
  assert.equal(await objects(), before + 1)
  assert.equal(await usage(person), bytes.length)
})

test('creation with upload, and the method override of networks that block PATCH', async () => {
  const [person] = await Person.some(1)
  const answer = await create(person, 6, { 'content-type': 'application/offset+octet-stream' }, 'abc')
  ok(answer, 201)
  assert.equal(answer.headers['upload-offset'], '3')
  const path = answer.headers.location.replace('/api/v1', '')
  const rest = await person.call('POST', path, { raw: 'def', headers: { ...VERSION, 'content-type': 'application/offset+octet-stream',
    'upload-offset': '3', 'x-http-method-override': 'PATCH' } })
  ok(rest, 204)
  assert.equal((await bytesOf(person, path)).toString(), 'abcdef')
})

test('a phone that is cut off again and again gets on, byte by byte', async () => {
  const [person] = await Person.some(1)
  const bytes = randomBytes(700_000)
  const path = await begin(person, bytes.length)
  const headers = () => ({ Authorization: `Bearer ${person.token}`, 'Tus-Resumable': '1.0.0', 'Content-Type': 'application/offset+octet-stream' })
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    assert.ok(i < 100, `still at ${at}`)
    const one = await open('PATCH', path, { ...headers(), 'Upload-Offset': String(at), 'Content-Length': String(bytes.length - at) })
    const some = Math.min(90_000 + i, bytes.length - at)
    await one.send(bytes.subarray(at, at + some))
    if (at + some < bytes.length) one.socket.destroySoon()
    else await one.answer
    // Whatever reached the handler counts; what nginx still held does not, which may be all of it.
    const former = at
    await until('what came counts', async () => (at = (await head(person, path)).offset) > former, 500).catch(() => {})
    one.cut()
  }
  assert.ok((await bytesOf(person, path)).equals(bytes))
})

test('a handler that dies loses nothing that was counted', async () => {
  const [person] = await Person.some(1)
  const bytes = randomBytes(20 * MIB)
  const path = await begin(person, bytes.length)
  ok(await patch(person, path, 0, bytes.subarray(0, 1000)), 204)
  let at = 1000
  for (let i = 0; i < 3; i++) {
    const one = await open('PATCH', path, { Authorization: `Bearer ${person.token}`, 'Tus-Resumable': '1.0.0',
      'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': String(at), 'Content-Length': String(bytes.length - at) })
    await one.send(bytes.subarray(at, at + 6 * MIB))
    await until('a piece was counted', async () => (await head(person, path)).offset > at)
    const pids = await Promise.all(['upload.0', 'upload.1'].map(async (name) => [name, await house.kill(name)]))
    await one.answer
    for (const [name, pid] of pids) await house.restarted(name, pid)
    const now = await until('the house is back', async () => {
      const seen = await head(person, path)
      return seen.status === 200 && seen.offset
    }, 10_000)
    assert.ok(now > at, `${now} after ${at}`)
    at = now
  }
  ok(await patch(person, path, at, bytes.subarray(at)), 204)
  assert.ok((await bytesOf(person, path)).equals(bytes))
})

test('two at one place: the file is never of both', async () => {
  const [person] = await Person.some(1)
  const both = [randomBytes(6 * MIB), randomBytes(6 * MIB)]
  const path = await begin(person, 6 * MIB)
  const answers = await Promise.all(both.map((bytes) => patch(person, path, 0, bytes)))
  for (const answer of answers) if (answer.status !== 204) refused(answer, 409, 'conflict')
  const { status } = await head(person, path)
  // An S3 store notices when the pieces are joined, and then nobody's counts.
  if (isS3 && status === 404) return
  assert.equal(status, 200)
  const bytes = await bytesOf(person, path)
  assert.ok(both.some((one) => one.equals(bytes)), 'it is of both')
})

test('a digest that does not match takes nothing', async () => {
  const [person] = await Person.some(1)
  const bytes = randomBytes(7 * MIB)
  const path = await begin(person, bytes.length)
  for (const algorithm of ['sha1', 'sha256']) {
    const answer = await patch(person, path, 0, bytes, { 'upload-checksum': digest(algorithm, 'something else') })
    refused(answer, 460, 'invalid_request')
    assert.equal((await head(person, path)).offset, 0)
  }
  for (const bad of ['sha1', 'sha1 !!!', `sha1 ${base64('short')}`, `md5 ${base64('x'.repeat(16))}`, 'sha256']) {
    refused(await patch(person, path, 0, bytes.subarray(0, 10), { 'upload-checksum': bad }), 400, 'invalid_request', 'Upload-Checksum')
  }
  ok(await patch(person, path, 0, bytes.subarray(0, 6 * MIB), { 'upload-checksum': digest('sha1', bytes.subarray(0, 6 * MIB)) }), 204)
  ok(await patch(person, path, 6 * MIB, bytes.subarray(6 * MIB), { 'upload-checksum': digest('sha256', bytes.subarray(6 * MIB)) }), 204)
  assert.ok((await bytesOf(person, path)).equals(bytes))
})

test('what is refused, and what of it is left: nothing', async () => {
  const [person, stranger] = await Person.some(2)
  const path = await begin(person, 100)
  const before = [await rowCounts(['file_usage']), await objects()]
  for (const size of ['0', '-1', 'x', '', '1.5']) refused(await create(person, size), 400, 'invalid_request')
  refused(await create(person, 1025 * MIB), 413, 'too_large')
  const foreign = await create(person, 1, { 'tus-resumable': '0.2.2' })
  refused(foreign, 412, 'invalid_request')
  assert.deepEqual([foreign.headers['tus-resumable'], foreign.headers['tus-version']], ['1.0.0', '1.0.0'])
  refused(await create(person, '', { 'upload-defer-length': '1' }), 400, 'invalid_request', 'Upload-Length') // which is not on offer
  for (const name of ['../x', 'a\0b', 'x\u202egpj', '驿'.repeat(86)]) {
    refused(await create(person, 1, { 'upload-metadata': `filename ${base64(name)}` }), 400, 'invalid_request', 'Upload-Metadata')
  }
  refused(await create(person, 1, { 'upload-metadata': 'filename !!' }), 400, 'invalid_request', 'Upload-Metadata')
  refused(await patch(person, path, 1, 'x'), 409, 'conflict')
  refused(await patch(person, path, '-1', 'x'), 400, 'invalid_request', 'Upload-Offset')
  refused(await patch(person, path, 0, 'x'.repeat(101)), 413, 'too_large')
  refused(await patch(person, path, 0, 'x', { 'content-type': 'text/plain' }), 400, 'invalid_request', 'Content-Type')
  refused(await patch(person, path, 0, 'x', { 'tus-resumable': '' }), 412, 'invalid_request')
  for (const answer of [await patch(stranger, path, 0, 'x'), await stranger.delete(path, { headers: VERSION }),
    await stranger.get(path, { headers: VERSION })]) refused(answer, 404, 'not_found')
  assert.equal((await head(person, path)).offset, 0)
  assert.deepEqual([await rowCounts(['file_usage']), await objects()], before)
})

test('taken back: it and its place are gone; a file that is there stays', async () => {
  const [person] = await Person.some(1)
  const before = [await rowCounts(['file_usage']), await objects()]
  const path = await begin(person, 12 * MIB)
  ok(await patch(person, path, 0, randomBytes(7 * MIB)), 204)
  const answer = await person.delete(path, { headers: VERSION })
  ok(answer, 204)
  assert.equal((await head(person, path)).status, 404)
  refused(await patch(person, path, 0, 'x'), 404, 'not_found')
  assert.deepEqual([await rowCounts(['file_usage']), await objects()], before)
  assert.equal(await usage(person), 0)
  const done = await begin(person, 3)
  ok(await patch(person, done, 0, 'abc'), 204)
  refused(await person.delete(done, { headers: VERSION }), 404, 'not_found')
  assert.equal((await bytesOf(person, done)).toString(), 'abc')
})

test('so many open and no more; what expires makes room', async () => {
  const [person] = await Person.some(1)
  const before = await objects()
  const paths = []
  for (let i = 0; i < 20; i++) paths.push(await begin(person, 6 * MIB))
  ok(await patch(person, paths[0], 0, randomBytes(5 * MIB + 5)), 204)
  refused(await create(person, 1), 429, 'rate_limited')
  await house.sql(`UPDATE uploads SET expires_at = 1 WHERE owner_id = ${person.id}`)
  assert.equal((await head(person, paths[0])).status, 404)
  await until('they are gone', async () => (await usage(person)) === 0, 15_000)
  assert.equal(await objects(), before)
  const path = await begin(person, 3)
  assert.match((await head(person, path)).headers.get('upload-expires'), /GMT$/)
  await house.sql(`UPDATE file_usage SET bytes = ${10240 * MIB} WHERE user_id = ${person.id}`)
  refused(await create(person, 1), 403, 'quota_exceeded')
})

test('what the server can do is told to whoever asks', async () => {
  const response = await fetch(`${house.local_url}/api/v1/uploads`, { method: 'OPTIONS' })
  assert.equal(response.status, 204)
  assert.equal(response.headers.get('tus-version'), '1.0.0')
  assert.equal(response.headers.get('tus-extension'), 'creation,creation-with-upload,termination,checksum,expiration')
  assert.equal(response.headers.get('tus-checksum-algorithm'), 'sha1,sha256')
})
