// The same file sent twice with one Idempotency-Key, in one go and by pieces: one file, whatever was lost on the way.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'

import { describe, house, ok, Person, refused, test, until, uuid } from '../client.mjs'
import { rowCounts } from '../house.mjs'
import { open } from '../raw.mjs'
import { objects } from '../store.mjs'

const MIB = 1 << 20
const VERSION = { 'tus-resumable': '1.0.0' }
const PIECE = { ...VERSION, 'content-type': 'application/offset+octet-stream' }
const upload = (person, raw, key, name = 'a.bin') => person.call('POST', '/files',
  { raw, headers: { 'content-type': 'application/octet-stream', 'x-file-name': name, 'idempotency-key': key } })
const create = (person, size, key, headers = {}, raw = '') => person.call('POST', '/uploads',
  { raw, headers: { ...VERSION, 'upload-length': String(size), 'idempotency-key': key, ...headers } })
const bytesOf = async (person, id) => {
  const response = await fetch(`${house.local_url}/api/v1/files/${id}`, { headers: { authorization: `Bearer ${person.token}` } })
  assert.equal(response.status, 200)
  return Buffer.from(await response.arrayBuffer())
}
const usage = async (person) => Number((await house.sql(`SELECT bytes FROM file_usage WHERE user_id = ${person.id}`))[0]?.[0] ?? 0)
const state = async () => [await rowCounts(['file_usage']), await objects()]

test('a repeated POST answers the first file and stores nothing; another file under the key is a conflict', async () => {
  const [person, stranger] = await Person.some(2)
  const bytes = randomBytes(300_000)
  const key = uuid()
  const first = ok(await upload(person, bytes, key), 201)
  const before = await state()
  assert.deepEqual(ok(await upload(person, bytes, key), 200), first)
  // Nobody needs room for what is there already.
  await house.sql(`UPDATE file_usage SET bytes = bytes + ${10240 * MIB - bytes.length} WHERE user_id = ${person.id}`)
  assert.deepEqual(ok(await upload(person, bytes, key), 200), first)
  const other = Buffer.from(bytes)
  other[299_999] ^= 1
  for (const [raw, name] of [[other, 'a.bin'], [bytes, 'b.bin'], [bytes.subarray(1), 'a.bin']]) {
    refused(await upload(person, raw, key, name), 409, 'conflict')
  }
  for (const bad of ['a b', 'x'.repeat(65), 'é']) refused(await upload(person, bytes, bad), 400, 'invalid_request', 'Idempotency-Key')
  const cut = await open('POST', '/files', { Authorization: `Bearer ${person.token}`, 'Content-Length': '300000', 'Idempotency-Key': key })
  await cut.send(bytes.subarray(0, 200_000))
  cut.cut()
  assert.deepEqual(await state(), before)
  assert.notEqual(ok(await upload(stranger, bytes, key), 201).id, first.id) // a key belongs to a person
  assert.ok((await bytesOf(person, first.id)).equals(bytes))
  await house.sql(`UPDATE idempotency_keys SET created_at = created_at - 86400001 WHERE user_id = ${person.id}`)
  await house.sql(`UPDATE file_usage SET bytes = ${bytes.length} WHERE user_id = ${person.id}`)
  assert.notEqual(ok(await upload(person, other, key), 201).id, first.id)
})

test('what failed keeps no key: the next try is the first', async () => {
  const [person] = await Person.some(1)
  const key = uuid()
  const before = await state()
  const cut = await open('POST', '/files', { Authorization: `Bearer ${person.token}`, 'Content-Length': '70000', 'Idempotency-Key': key })
  await cut.send(Buffer.alloc(60_000))
  cut.cut()
  await until('its place is free', async () => (await usage(person)) === 0)
  assert.deepEqual(await state(), before)
  ok(await upload(person, 'whole', key), 201)
})

test('the same POST many times at once makes one file', async () => {
  const [person] = await Person.some(1)
  const bytes = randomBytes(200_000)
  const key = uuid()
  const before = await objects()
  const answers = await Promise.all(Array.from({ length: 8 }, () => upload(person, bytes, key)))
  for (const answer of answers) assert.ok(answer.status < 300, describe(answer))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 200, 200, 201])
  assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1)
  assert.equal(await objects(), before + 1)
  assert.equal(await usage(person), bytes.length)
})

test('an upload by pieces is begun once; the answer says how far it is', async () => {
  const [person] = await Person.some(1)
  const bytes = randomBytes(6 * MIB)
  const key = uuid()
  const began = await create(person, bytes.length, key, PIECE, bytes.subarray(0, 1000))
  ok(began, 201)
  const { location } = began.headers
  assert.equal(began.headers['upload-offset'], '1000')
  const again = await create(person, bytes.length, key, PIECE, bytes.subarray(0, 1000))
  ok(again, 200)
  assert.deepEqual([again.headers.location, again.headers['upload-offset']], [location, '1000'])
  refused(await create(person, bytes.length + 1, key), 409, 'conflict')
  refused(await create(person, bytes.length, key, { 'upload-metadata': `filename ${btoa('other')}` }), 409, 'conflict')
  assert.equal(await usage(person), bytes.length)
  const path = location.replace('/api/v1', '')
  ok(await person.call('PATCH', path, { raw: bytes.subarray(1000), headers: { ...PIECE, 'upload-offset': '1000' } }), 204)
  const done = await create(person, bytes.length, key)
  ok(done, 200)
  assert.equal(done.headers['upload-offset'], String(bytes.length))
  assert.ok((await bytesOf(person, location.split('/').at(-1))).equals(bytes))
  const all = await Promise.all(Array.from({ length: 6 }, () => create(person, 5, 'the-same')))
  assert.equal(new Set(all.map(({ headers }) => headers.location)).size, 1)
  ok(await person.delete(all[0].headers.location.replace('/api/v1', ''), { headers: VERSION }), 204)
  refused(await create(person, 5, 'the-same'), 404, 'not_found')
  assert.equal(await usage(person), bytes.length)
})
