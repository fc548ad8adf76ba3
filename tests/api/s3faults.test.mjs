// What a house does when its S3 store answers badly, late, half, or not at all: errors that say so, nothing left
// behind, and the chat goes on.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { after } from 'node:test'

import { openProxy } from '../lib/s3proxy.mjs'
import { openS3 } from '../lib/s3.mjs'
import { presigned } from '../lib/s3sign.mjs'

const s3 = await openS3()
const proxy = await openProxy(s3.endpoint)
Object.assign(process.env, s3.settings, { TEST_BUCKET: JSON.stringify(s3), POSTHOUSE_S3_ENDPOINT: proxy.endpoint,
  POSTHOUSE_STORE_TIMEOUT_S: '1' })
after(async () => {
  await proxy.close()
  await s3.close()
})
const { call, house, ok, Person, refused, test, until } = await import('./client.mjs')
const { rowCounts } = await import('./house.mjs')
const { objects } = await import('./store.mjs')

const MIB = 1 << 20
const isObject = (request) => new RegExp(`^/${s3.bucket}/[0-9a-f]{2}/`).test(request.url)
const upload = (person, bytes) => person.call('POST', '/files', { raw: bytes, headers: { 'content-type': 'application/octet-stream' } })
const download = (person, id) => fetch(`${house.local_url}/api/v1/files/${id}`, { headers: { authorization: `Bearer ${person.token}` } })

/** Does something while there is trouble. */
async function during(of, act) {
  proxy.trouble.of = of
  try {
    return await act()
  } finally {
    proxy.trouble.of = () => undefined
  }
}

const state = async () => [await rowCounts(['file_usage']), await objects()]
/** Nothing is left once the courier has taken away what could not be removed at once. */
async function leavesNothing(person, act) {
  ok(await upload(person, 'the bucket is there'), 201)
  const before = await state()
  await act()
  await house.sql('UPDATE files SET touched_at = touched_at - 400000 WHERE state = 0')
  await until('nothing is left', async () => JSON.stringify(await state()) === JSON.stringify(before), 15_000).catch(async (problem) =>
    assert.deepEqual(await state(), before, problem.message))
}

for (const [what, trouble] of [
  ['refuses with 403', (request) => request.method === 'PUT' && isObject(request) && { status: 403 }],
  ['fails with 500', (request) => request.method === 'PUT' && isObject(request) && { status: 500 }],
  ['stores, and the answer is lost', (request) => request.method === 'PUT' && isObject(request) && { lose: true }],
  ['never answers', (request) => request.method === 'PUT' && isObject(request) && { hold: true }],
  ['has another size than it was given', (request) => request.method === 'HEAD' && isObject(request) && {
    answer: (answer) => { answer.headers['content-length'] = '7' } }],
  ['has another ETag than it said', (request) => request.method === 'HEAD' && isObject(request) && {
    answer: (answer) => { answer.headers.etag = '"other"' } }],
  ['cannot be asked what it has', (request) => request.method === 'HEAD' && isObject(request) && { status: 404 }],
  ['stores nothing and removes nothing', (request) => isObject(request) && { status: 500 }],
]) {
  test(`the store ${what}: unavailable, and nothing is left`, async () => {
    const [person] = await Person.some(1)
    await leavesNothing(person, async () => {
      for (const bytes of [randomBytes(10), randomBytes(3 * MIB)]) {
        refused(await during(trouble, () => upload(person, bytes)), 503, 'unavailable')
      }
      ok(await during(trouble, () => person.get('/me')))
    })
    ok(await upload(person, 'again'), 201)
  })
}

test('what may be repeated is: a look or a removal that fails twice', async () => {
  const [person] = await Person.some(1)
  ok(await upload(person, 'the bucket is there'), 201)
  let left = 2
  const { id } = ok(await during((request) => request.method === 'HEAD' && left-- > 0 && { status: 503 }, () => upload(person, 'bytes')), 201)
  assert.equal(await (await download(person, id)).text(), 'bytes')
})

test('downloads: whatever the store says, it is the house that is unavailable; half a file is no file', async () => {
  const [person] = await Person.some(1)
  const { id } = ok(await upload(person, randomBytes(300_000)), 201)
  for (const status of [400, 403, 404, 500, 503]) {
    const answer = await during((request) => request.method === 'GET' && { status }, () => download(person, id))
    assert.equal(answer.status, 503)
    assert.equal((await answer.json()).code, 'unavailable')
    assert.ok(answer.headers.get('retry-after'))
  }
  const held = await during((request) => request.method === 'GET' && { hold: true }, () => download(person, id))
  assert.equal(held.status, 503)
  await assert.rejects(during((request) => request.method === 'GET' && { cut: 1000 }, async () => (await download(person, id)).arrayBuffer()))
  assert.equal((await (await download(person, id)).arrayBuffer()).byteLength, 300_000)
})

test('a store that sends nginx elsewhere sends nobody there: the place would be a signed one', async () => {
  const [person] = await Person.some(1)
  const { id } = ok(await upload(person, 'bytes'), 201)
  for (const status of [301, 302, 303, 307, 308]) {
    const elsewhere = (answer) => Object.assign(answer, { status, headers: { location: 'http://elsewhere.example/x?X-Amz-Signature=1', 'content-length': '0' } })
    const answer = await during((request) => request.method === 'GET' && { answer: elsewhere }, () => fetch(
      `${house.local_url}/api/v1/files/${id}`, { headers: { authorization: `Bearer ${person.token}` }, redirect: 'manual' }))
    assert.deepEqual([answer.status, answer.headers.get('location')], [503, null])
  }
})

test('what a store says about itself goes no further: the headers of a file are the house\'s', async () => {
  const [person] = await Person.some(1)
  const { id } = ok(await upload(person, 'bytes'), 201)
  const plain = await download(person, id)
  const chatty = { 'strict-transport-security': 'max-age=31536000', 'content-security-policy': 'block-all-mixed-content', 'x-content-type-options': 'nosniff',
    'x-xss-protection': '1', 'x-frame-options': 'DENY', 'set-cookie': 'a=b', 'x-amz-request-id': '1', 'x-amz-id-2': '2', 'x-amz-version-id': '3',
    vary: 'Origin', 'x-ratelimit-limit': '5', 'cache-control': 'public', 'content-disposition': 'inline', 'referrer-policy': 'unsafe-url' }
  const answer = await during((request) => request.method === 'GET' && { answer: ({ headers }) => Object.assign(headers, chatty) }, () => download(person, id))
  assert.equal(await answer.text(), 'bytes')
  const changing = ['x-request-id', 'date']
  const of = ({ headers }) => [...headers].filter(([name]) => !changing.includes(name))
  assert.deepEqual(of(answer), of(plain))
})

test('the URL by which nginx fetches is good for one object, one method and a minute', async () => {
  const [person] = await Person.some(1)
  const { id } = ok(await upload(person, 'bytes'), 201)
  let url
  await during((request) => void (url = request.url), () => download(person, id))
  const status = (method, path) => new Promise((resolve, reject) => request({ host: '127.0.0.1', port: new URL(s3.endpoint).port, method, path,
    headers: { host: new URL(proxy.endpoint).host } }, (answer) => resolve(answer.resume().statusCode)).on('error', reject).end())
  assert.match(url, /[?&]X-Amz-Expires=60(&|$)/)
  assert.deepEqual([await status('GET', url), await status('HEAD', url), await status('DELETE', url)], [200, 403, 403])
  assert.equal(await status('GET', url.replace(/\/[0-9a-f]{2}\/\w+/, '/00/00')), 403)
  assert.equal(await status('GET', url.replace('Expires=60', 'Expires=600')), 403)
  // One that was signed two minutes ago is refused by the server, and that is the store's failure to whoever asks the house.
  const path = url.split('?')[0]
  const signed = (at) => s3.endpoint + presigned(s3, 'GET', path, {}, { at, expiresS: 60 })
  assert.equal((await fetch(signed(new Date()))).status, 200)
  assert.equal((await fetch(signed(new Date(Date.now() - 120_000)))).status, 403)
})

test('pieces: one that fails is sent again; one that cannot be stored leaves the offset where it was', async () => {
  const [person] = await Person.some(1)
  const bytes = randomBytes(11 * MIB)
  const headers = { 'tus-resumable': '1.0.0', 'content-type': 'application/offset+octet-stream' }
  const { headers: { location } } = await person.call('POST', '/uploads', { raw: '', headers: { 'tus-resumable': '1.0.0', 'upload-length': String(bytes.length) } })
  const path = location.replace('/api/v1', '')
  const patch = (at) => person.call('PATCH', path, { raw: bytes.subarray(at), headers: { ...headers, 'upload-offset': String(at) } })
  const isPart = (request) => /partNumber=/.test(request.url)
  const offset = async () => Number((await person.get(path, { headers })).headers['upload-offset'])
  refused(await during((request) => isPart(request) && { status: 500 }, () => patch(0)), 503, 'unavailable')
  assert.equal(await offset(), 0)
  let left = 1
  refused(await during((request) => isPart(request) && /partNumber=2/.test(request.url) && { status: 403 }, () => patch(0)), 503, 'unavailable')
  assert.equal(await offset(), 5 * MIB)
  // The joining fails at first, or its answer is lost: the next look at it goes on.
  refused(await during((request) => request.method === 'POST' && /uploadId=/.test(request.url) && { status: 503 }, () => patch(5 * MIB)), 503, 'unavailable')
  await during((request) => request.method === 'POST' && /uploadId=/.test(request.url) && left-- > 0 && { lose: true }, async () =>
    assert.equal(await offset(), bytes.length))
  assert.ok(Buffer.from(await (await download(person, path.split('/').at(-1))).arrayBuffer()).equals(bytes))
})

test('readyz names the store, also one that never answers, and soon', async () => {
  const ready = () => call('GET', '/readyz')
  for (const [what, said] of [[{ status: 500 }, /status 500/], [{ status: 403 }, /status 403/], [{ hold: true }, /[Tt]imeout|timed out/]]) {
    await during(() => what, () => until('readyz says so', async () => {
      const answer = await ready() // what a process heard a second ago is as good
      if (answer.status === 200 || !said.test(answer.body.detail)) return false
      refused(answer, 503, 'unavailable', 'store')
      assert.deepEqual(answer.body.errors.map(({ field }) => field), ['store'])
      return true
    }))
  }
  await until('it is well again', async () => (await ready()).status === 200)
  // However many ask, one asks the store.
  proxy.trouble.seen.length = 0
  await Promise.all(Array.from({ length: 50 }, ready))
  assert.ok(proxy.trouble.seen.length <= 4, `${proxy.trouble.seen.length} times`)
})

test('no store at all: unavailable, and well again with it', async () => {
  const [person] = await Person.some(1)
  const { id } = ok(await upload(person, 'x'), 201)
  await leavesNothing(person, async () => {
    await during(() => ({ hold: true }), async () => refused(await upload(person, 'y'), 503, 'unavailable'))
    assert.equal((await during(() => ({ status: 500 }), () => download(person, id))).status, 503)
  })
  ok(await upload(person, 'z'), 201)
})

test('keys and signatures are in no answer and no log', async () => {
  const lines = [...await house.logged('X-Amz-Signature'), ...await house.logged(s3.settings.POSTHOUSE_S3_SECRET_KEY)]
  assert.deepEqual(lines, [])
})
