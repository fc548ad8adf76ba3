// Files through nginx: stored whole or not at all, read by whoever may, as what they are.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'

import { call, describe, friends, house, ok, Person, refused, test, until } from '../client.mjs'
import { rowCounts } from '../house.mjs'
import { PNG } from '../pictures.mjs'
import { open } from '../raw.mjs'
import { isS3, objects } from '../store.mjs'

const MIB = 1 << 20
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

const upload = (person, bytes, name, headers = {}) => person.call('POST', '/files', {
  raw: bytes, headers: { 'content-type': 'application/octet-stream', ...(name === undefined ? {} : { 'x-file-name': name }), ...headers },
})

/** The bytes of a file, or of a part of it: {status, headers, bytes}. */
async function download(person, id, { headers = {}, method = 'GET', path = `/files/${id}` } = {}) {
  const response = await fetch(`${house.local_url}/api/v1${path}`,
    { method, headers: { ...(person ? { authorization: `Bearer ${person.token}` } : {}), ...headers } })
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) }
}

/** Nothing is left of what `act` tried: no row, no object. */
async function leavesNothing(act) {
  const before = [await rowCounts(['file_usage']), await objects()]
  await act()
  await until('nothing is left behind', async () => {
    try {
      assert.deepEqual([await rowCounts(['file_usage']), await objects()], before)
      return true
    } catch {
      return false
    }
  }, 10_000).catch(async (problem) => {
    assert.deepEqual([await rowCounts(['file_usage']), await objects()], before, problem.message)
  })
}

const usage = async (person) => Number((await house.sql(`SELECT bytes FROM file_usage WHERE user_id = ${person.id}`))[0]?.[0] ?? 0)

test('what was stored comes back, byte by byte, at every size', async () => {
  const [person] = await Person.some(1)
  let all = 0
  for (const size of [1, 2, 4095, 4096, 4097, 65_535, 65_536, 65_537, 300_000, 5 * MIB + 1]) {
    const bytes = randomBytes(size)
    const file = ok(await upload(person, bytes), 201)
    assert.equal(file.size, size)
    assert.equal(file.sha256, sha256(bytes))
    const got = await download(person, file.id)
    assert.equal(got.status, 200)
    assert.equal(sha256(got.bytes), file.sha256, `${size} bytes`)
    all += size
  }
  assert.equal(await usage(person), all)
})

test('a download: type, name, range, ETag, HEAD', async () => {
  const [person] = await Person.some(1)
  const file = ok(await upload(person, PNG, encodeURIComponent('图片 "1".png'), { 'content-type': 'text/html' }), 201)
  assert.equal(file.content_type, 'image/png')
  assert.equal(file.name, '图片 "1".png')
  const whole = await download(person, file.id)
  assert.equal(whole.headers.get('content-type'), 'image/png')
  assert.equal(whole.headers.get('content-length'), String(PNG.length))
  assert.equal(whole.headers.get('content-disposition'), "inline; filename=\"__ _1_.png\"; filename*=UTF-8''%E5%9B%BE%E7%89%87%20%221%22.png")
  assert.equal(whole.headers.get('x-content-type-options'), 'nosniff')
  assert.match(whole.headers.get('content-security-policy'), /sandbox/)
  assert.equal(whole.headers.get('cache-control'), 'private, no-cache')
  assert.deepEqual(whole.bytes, PNG)
  const etag = whole.headers.get('etag')
  assert.equal((await download(person, file.id, { headers: { 'if-none-match': etag } })).status, 304)
  const part = await download(person, file.id, { headers: { range: 'bytes=1-3' } })
  assert.equal(part.status, 206)
  assert.equal(part.headers.get('content-range'), `bytes 1-3/${PNG.length}`)
  assert.equal(part.bytes.toString(), 'PNG')
  const beyond = await download(person, file.id, { headers: { range: 'bytes=99999-' } })
  assert.equal(beyond.status, 416)
  assert.equal(JSON.parse(beyond.bytes).code, 'invalid_request')
  assert.equal(JSON.parse(beyond.bytes).request_id, beyond.headers.get('x-request-id'))
  if (!isS3) { // such a store is not asked that
    const other = await download(person, file.id, { headers: { 'if-match': '"another"' } })
    assert.deepEqual([other.status, other.headers.get('x-request-id')], [412, JSON.parse(other.bytes).request_id])
    for (const headers of [whole.headers, other.headers]) assert.equal(headers.get('x-content-type-options'), 'nosniff')
  }
  const head = await download(person, file.id, { method: 'HEAD' })
  assert.equal(head.status, 200)
  assert.equal(head.headers.get('content-length'), String(PNG.length))
  assert.equal(head.headers.get('etag'), etag)
  assert.equal(head.bytes.length, 0)
  for (const [name] of whole.headers) assert.doesNotMatch(name, /^x-(amz|rgw|accel)/)
})

test('the file token reads files, and nothing else does in its place', async () => {
  const [person] = await Person.some(1)
  const { id } = ok(await upload(person, 'secret'), 201)
  const { file_token: token, access_token: access } = ok(await call('POST', '/token/refresh', { body: { refresh_token: person.refreshToken } }))
  const got = await download(null, id, { path: `/files/${id}?t=${token}` })
  assert.equal(got.bytes.toString(), 'secret')
  refused(await call('GET', `/files/${id}?t=${access}`), 401, 'unauthenticated')
  refused(await call('GET', `/files/${id}?t=${token.slice(0, -1)}`), 401, 'unauthenticated')
  refused(await call('GET', `/files/${id}`), 401, 'unauthenticated')
  refused(await call('GET', `/me?t=${token}`), 401, 'unauthenticated')
  refused(await call('POST', `/files?t=${token}`, { raw: 'x' }), 401, 'unauthenticated')
  ok(await call('POST', '/logout', { token: access }), 204)
  await until('signed out', async () => (await call('GET', `/files/${id}?t=${token}`)).status === 401)
  assert.deepEqual(await house.logged(token), [], 'the token is in a log')
})

test('whoever may read an entry may read its file, until it is recalled; an avatar is everybody\'s', async () => {
  const [a, b, conversation] = await friends()
  const [stranger] = await Person.some(1)
  const { id } = ok(await upload(a, PNG), 201)
  const isRead = async (person) => (await download(person, id)).status
  assert.equal(await isRead(b), 404)
  const { seq } = await a.say(conversation, 'a picture')
  await house.sql(`INSERT INTO file_refs (conversation_id, seq, file_id, kind) VALUES (${conversation}, ${seq}, ${id}, 0)`)
  assert.deepEqual([await isRead(a), await isRead(b), await isRead(stranger)], [200, 200, 404])
  const [sent] = ok(await b.get(`/conversations/${conversation}/files`)).items
  assert.deepEqual([sent.id, sent.seq, sent.sender_id, sent.type], [id, seq, a.id, 'image'])
  assert.deepEqual(ok(await b.get(`/conversations/${conversation}/files?type=voice`)).items, [])
  assert.equal(ok(await b.get(`/conversations/${conversation}/files?type=image&limit=1`)).items.length, 1)
  refused(await stranger.get(`/conversations/${conversation}/files`), 404, 'not_found')
  await house.sql(`UPDATE members SET visible_from_seq = ${seq + 1} WHERE conversation_id = ${conversation} AND user_id = ${b.id}`)
  assert.equal(await isRead(b), 404)
  await house.sql(`UPDATE members SET visible_from_seq = 1 WHERE conversation_id = ${conversation} AND user_id = ${b.id}`)
  assert.equal(await isRead(b), 200)
  await house.sql(`UPDATE entries SET recalled_at = 1 WHERE conversation_id = ${conversation} AND seq = ${seq}`)
  assert.deepEqual([await isRead(a), await isRead(b)], [200, 404])
  assert.deepEqual(ok(await b.get(`/conversations/${conversation}/files`)).items, [])
  await house.sql(`UPDATE users SET avatar_file_id = ${id} WHERE id = ${a.id}`)
  assert.deepEqual([await isRead(b), await isRead(stranger)], [200, 200])
  await house.sql(`UPDATE users SET app_id = 2 WHERE id = ${stranger.id}`)
  await house.sql(`UPDATE users SET avatar_file_id = NULL WHERE id = ${a.id}`)
  assert.equal(await isRead(b), 404)
})

test('pages of a conversation\'s files', async () => {
  const [a, b, conversation] = await friends()
  const { id } = ok(await upload(a, 'x'), 201)
  const seqs = []
  for (let i = 0; i < 5; i++) seqs.unshift((await a.say(conversation, `${i}`)).seq)
  await house.sql(`INSERT INTO file_refs SELECT ${conversation}, seq, ${id}, 1 FROM entries WHERE conversation_id = ${conversation} AND seq >= ${seqs.at(-1)}`)
  assert.deepEqual((await b.all(`/conversations/${conversation}/files`, 2)).map(({ seq }) => seq), seqs)
})

test('the bytes decide what it is; what a browser would run is only saved', async () => {
  const [person] = await Person.some(1)
  const cases = [
    ['<!DOCTYPE html><html><script>alert(1)</script></html>', /^text\/html$/, 'attachment'],
    ['<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', /^image\/svg\+xml$/, 'attachment'],
    ['<?xml version="1.0"?><a/>', /^text\/xml$/, 'attachment'],
    ['%PDF-1.4\n%\xe2\xe3', /^application\/pdf$/, 'attachment'],
    ['#!/bin/sh\nrm -rf /', /^text\/x-shellscript$/, 'attachment'],
    ['GIF89a\x01\0\x01\0\0\0\0;<script>alert(1)</script>', /^image\/gif$/, 'inline'],
    ['MZ\x90\0', /^application\//, 'attachment'],
  ]
  for (const [text, type, how] of cases) {
    const bytes = Buffer.from(text, 'latin1')
    const file = ok(await upload(person, bytes, 'a.png', { 'content-type': 'image/png' }), 201)
    assert.match(file.content_type, type)
    const got = await download(person, file.id)
    assert.equal(got.headers.get('content-type'), file.content_type)
    assert.ok(got.headers.get('content-disposition').startsWith(`${how};`), `${file.content_type}: ${got.headers.get('content-disposition')}`)
    assert.equal(got.headers.get('x-content-type-options'), 'nosniff')
    assert.deepEqual(got.bytes, bytes)
  }
})

test('names that are none leave nothing', async () => {
  const [person] = await Person.some(1)
  const bad = ['..', '.', '%2E%2E', '..%2Fetc%2Fpasswd', 'a%2Fb', 'a%5Cb', 'a%00b', '%00', 'a%0Ab', 'a%0D%0AX-Evil: 1', '%7F', '%C2%85', '%FF',
    '%C0%AF', '%ED%A0%80', 'x%E2%80%AEgpj.exe', '%E2%81%A6x', '%D8%9C', '%E', '%', '%GG', 'a'.repeat(256), '%E9%A9%BF'.repeat(86)]
  await leavesNothing(async () => {
    for (const name of bad) refused(await upload(person, 'x', name), 400, 'invalid_request', 'X-File-Name')
  })
  for (const [name, kept] of [['', 'file'], ['%25%32%46', '%2F'], ['...', '...'], ['a'.repeat(255), 'a'.repeat(255)],
    [encodeURIComponent('a\'b;c="d" 驿站 👍.tar.gz'), 'a\'b;c="d" 驿站 👍.tar.gz']]) {
    const file = ok(await upload(person, 'x', name), 201)
    assert.equal(file.name, kept)
    assert.equal((await download(person, file.id)).status, 200)
  }
})

const auth = (person) => ({ Authorization: `Bearer ${person.token}` })

test('sizes: none, nothing, too much; before the bytes are read', async () => {
  const [person] = await Person.some(1)
  await leavesNothing(async () => {
    refused(await upload(person, ''), 400, 'invalid_request')
    const chunked = await open('POST', '/files', { ...auth(person), 'Transfer-Encoding': 'chunked' })
    await chunked.send(`100000\r\n${'x'.repeat(70_000)}`)
    assert.equal((await chunked.answer).code, 'length_required')
    chunked.cut()
    for (const length of ['2000000000', '99999999999999']) {
      const huge = await open('POST', '/files', { ...auth(person), 'Content-Length': length })
      const { status, code } = await huge.answer
      assert.deepEqual([status, code], [413, 'too_large'], length)
      huge.cut()
    }
    for (const length of ['-1', 'x', '1 1', '99999999999999999999']) {
      const broken = await open('POST', '/files', { ...auth(person), 'Content-Length': length })
      assert.equal((await broken.answer).status, 400, length)
      broken.cut()
    }
    const nobody = await open('POST', '/files', { 'Content-Length': '1000000' })
    assert.equal((await nobody.answer).code, 'unauthenticated')
    nobody.cut()
  })
})

test('a quota, and only so many at once; what came to nothing gives its place back', async () => {
  const [person] = await Person.some(1)
  await house.sql(`INSERT INTO file_usage VALUES (${person.id}, ${10240 * MIB - 10})`)
  await leavesNothing(async () => {
    const over = await open('POST', '/files', { ...auth(person), 'Content-Length': '1000000' })
    assert.equal((await over.answer).code, 'quota_exceeded')
    over.cut()
    assert.equal(await usage(person), 10240 * MIB - 10)
  })
  ok(await upload(person, '0123456789'), 201)
  refused(await upload(person, 'x'), 403, 'quota_exceeded')

  const [other] = await Person.some(1)
  await leavesNothing(async () => {
    const slow = await Promise.all(Array.from({ length: 20 }, () => open('POST', '/files', { ...auth(other), 'Content-Length': '100000' })))
    await Promise.all(slow.map((one) => one.send('x'.repeat(1000))))
    await until('all are being received', async () =>
      (await house.sql(`SELECT COUNT(*) FROM files WHERE owner_id = ${other.id} AND state = 0`))[0][0] === '20')
    refused(await upload(other, 'x'), 429, 'rate_limited')
    slow.forEach((one) => one.cut())
    await until('their places are free', async () => (await usage(other)) === 0)
  })
  ok(await upload(other, 'x'), 201)
})

test('a body that is cut off leaves nothing', async () => {
  const [person] = await Person.some(1)
  await leavesNothing(async () => {
    for (const [length, sent] of [[100, 0], [100, 99], [70_000, 10], [300_000, 65_536], [3 * MIB, MIB], [20 * MIB, 19 * MIB]]) {
      const one = await open('POST', '/files', { ...auth(person), 'Content-Length': String(length) })
      await one.send(Buffer.alloc(sent, 'x'))
      one.cut()
    }
    await until('their places are free', async () => (await usage(person)) === 0)
  })
})

test('a handler that dies in the middle: nothing is seen, and the courier takes it away', async () => {
  const [person] = await Person.some(1)
  await leavesNothing(async () => {
    const some = await Promise.all(Array.from({ length: 6 }, () => open('POST', '/files', { ...auth(person), 'Content-Length': String(4 * MIB) })))
    await Promise.all(some.map((one) => one.send(Buffer.alloc(MIB))))
    await until('all are being received', async () =>
      (await house.sql(`SELECT COUNT(*) FROM files WHERE owner_id = ${person.id} AND state = 0`))[0][0] === '6')
    const pids = await Promise.all(['upload.0', 'upload.1'].map(async (name) => [name, await house.kill(name)]))
    // 503 if nginx noticed before it was sent on: nothing was stored either way.
    for (const one of some) assert.match(String((await one.answer).status), /^(0|503|504)$/)
    for (const [name, pid] of pids) await house.restarted(name, pid)
    const ids = await house.sql(`SELECT id FROM files WHERE owner_id = ${person.id}`)
    assert.equal(ids.length, 6)
    for (const [id] of ids) refused(await person.get(`/files/${id}`), 404, 'not_found')
    await house.sql(`UPDATE files SET touched_at = touched_at - 400000 WHERE owner_id = ${person.id} AND state = 0`)
    await until('their places are free', async () => (await usage(person)) === 0, 15_000)
  })
})

test('deleting the account takes its files away, but not what others were given', async () => {
  const [a, b, conversation] = await friends()
  const mine = ok(await upload(a, 'mine'), 201)
  const given = ok(await upload(a, 'given'), 201)
  const { seq } = await a.say(conversation, 'a gift')
  await house.sql(`INSERT INTO file_refs VALUES (${conversation}, ${seq}, ${given.id}, 1)`)
  const before = await objects()
  ok(await a.delete('/me', { body: { password: a.password } }), 204)
  await until('it is gone', async () => (await house.sql(`SELECT COUNT(*) FROM files WHERE id = ${mine.id}`))[0][0] === '0', 15_000)
  assert.equal(await objects(), before - 1)
  assert.equal((await download(b, given.id)).bytes.toString(), 'given')
})

test(`the store that is used is ${isS3 ? 's3' : 'file'}`, async () => {
  const [person] = await Person.some(1)
  const before = await objects()
  const answer = await upload(person, 'x')
  assert.equal(answer.status, 201, describe(answer))
  assert.equal(await objects(), before + 1)
})
