// Pictures: their size, small copies, what they say of a place; and those that are made to do harm.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { deflateSync } from 'node:zlib'

import { friends, house, ok, Person, refused, test, until } from '../client.mjs'
import { rowCounts } from '../house.mjs'
import { JPEG, PNG, png, withExif } from '../pictures.mjs'
import { objects } from '../store.mjs'

const upload = (person, raw) => person.call('POST', '/files', { raw, headers: { 'content-type': 'application/octet-stream' } })
async function bytesOf(person, path) {
  const response = await fetch(`${house.local_url}/api/v1${path}`, { headers: { authorization: `Bearer ${person.token}` } })
  return { status: response.status, type: response.headers.get('content-type'), bytes: Buffer.from(await response.arrayBuffer()) }
}

/** [width, height] of a WebP that is one frame. */
function webpSize(bytes) {
  assert.equal(bytes.toString('latin1', 0, 4) + bytes.toString('latin1', 8, 12), 'RIFFWEBP')
  const kind = bytes.toString('latin1', 12, 16)
  if (kind === 'VP8 ') return [bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff]
  if (kind === 'VP8X') return [bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1]
  const bits = bytes.readUInt32LE(21)
  return [(bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1]
}

test('width and height, as it is to be shown', async () => {
  const [person] = await Person.some(1)
  for (const [bytes, width, height] of [[PNG, 3, 2], [png(300, 1000), 300, 1000], [JPEG, 40, 20], [withExif(JPEG, 1), 40, 20],
    [withExif(JPEG, 6), 20, 40], [Buffer.from('no picture'), null, null]]) {
    const file = ok(await upload(person, bytes), 201)
    assert.deepEqual([file.width, file.height], [width, height])
  }
})

test('small copies: a fixed set, made once, never larger than the picture, upright', async () => {
  const [person] = await Person.some(1)
  const { id } = ok(await upload(person, png(2000, 1000)), 201)
  for (const [size, width, height] of [['160', 160, 80], ['480', 480, 240], ['1280', 1280, 640]]) {
    const before = await objects()
    const all = await Promise.all(Array.from({ length: 3 }, () => bytesOf(person, `/files/${id}/thumbnail?size=${size}`)))
    for (const { status, type, bytes } of all) {
      assert.deepEqual([status, type], [200, 'image/webp'])
      assert.deepEqual(webpSize(bytes), [width, height])
    }
    assert.equal(await objects(), before + 1)
  }
  const small = ok(await upload(person, PNG), 201)
  assert.deepEqual(webpSize((await bytesOf(person, `/files/${small.id}/thumbnail?size=480`)).bytes), [3, 2])
  const turned = ok(await upload(person, withExif(JPEG, 6)), 201)
  assert.deepEqual(webpSize((await bytesOf(person, `/files/${turned.id}/thumbnail?size=480`)).bytes), [20, 40])
  for (const size of ['', '0', '161', '99999', '160x']) refused(await person.get(`/files/${id}/thumbnail?size=${size}`), 400, 'invalid_request', 'size')
  refused(await person.get(`/files/${id}/thumbnail`), 400, 'invalid_request', 'size')
  const text = ok(await upload(person, 'no picture'), 201)
  refused(await person.get(`/files/${text.id}/thumbnail?size=160`), 404, 'not_found')
  const [stranger] = await Person.some(1)
  refused(await stranger.get(`/files/${id}/thumbnail?size=160`), 404, 'not_found')
})

test('while small copies are being made, whoever wants a file has it at once', async () => {
  const [person, other] = await Person.some(2)
  const word = ok(await upload(other, 'a word'), 201)
  const ids = []
  for (let i = 0; i < 8; i++) ids.push(ok(await upload(person, png(3000, 3000)), 201).id)
  let made = 0
  const all = ids.flatMap((id) => ['160', '480', '1280'].map(async (size) => {
    assert.equal((await fetch(`${house.local_url}/api/v1/files/${id}/thumbnail?size=${size}`, { headers: { authorization: `Bearer ${person.token}` } })).status, 200)
    made++
  }))
  await Promise.any(all)
  assert.equal((await other.get(`/files/${word.id}`)).status, 200)
  assert.ok(made < all.length / 3, `it came after ${made} of ${all.length}`)
  await Promise.all(all)
})

test('where it was taken is its owner\'s alone', async () => {
  const [a, b, conversation] = await friends()
  const original = withExif(JPEG, 6)
  const { id } = ok(await upload(a, original), 201)
  const { seq } = await a.say(conversation, 'look')
  await house.sql(`INSERT INTO file_refs (conversation_id, seq, file_id, kind) VALUES (${conversation}, ${seq}, ${id}, 0)`)
  assert.ok((await bytesOf(a, `/files/${id}`)).bytes.equals(original))
  const seen = await bytesOf(b, `/files/${id}`)
  assert.deepEqual([seen.status, seen.type], [200, 'image/jpeg'])
  assert.equal(seen.bytes.indexOf('Exif'), -1)
  const again = ok(await upload(b, seen.bytes), 201) // upright in its own pixels
  assert.deepEqual([again.width, again.height], [20, 40])
  const small = ok(await upload(b, (await bytesOf(b, `/files/${id}/thumbnail?size=160`)).bytes), 201)
  // Bit 8: it says where it was taken.
  const says = async (file) => (await house.sql(`SELECT thumbnails & 256 FROM files WHERE id = ${file}`))[0][0]
  assert.deepEqual([await says(id), await says(again.id), await says(small.id)], ['256', '0', '0'])
})

test('pictures that are made to do harm leave nothing, and hurt nobody', async () => {
  const [person] = await Person.some(1)
  const before = [await rowCounts(['file_usage']), await objects()]
  const bombs = [png(100_000, 100_000, deflateSync(Buffer.alloc(1000))), png(2 ** 31 - 1, 1, randomBytes(100)),
    png(20_000, 20_000, deflateSync(Buffer.alloc(20_001 * 20_000 / 8)))]
  for (const bomb of bombs) {
    const answer = await upload(person, bomb)
    if (answer.status === 201) assert.deepEqual([answer.body.width, answer.body.height], [null, null]) // not even libpng takes it
    else refused(answer, 400, 'invalid_request')
    if (answer.status === 201) await house.sql(`UPDATE files SET state = 2 WHERE id = ${answer.body.id}`)
  }
  await until('nothing is left', async () => {
    try {
      assert.deepEqual([await rowCounts(['file_usage']), await objects()], before)
      return true
    } catch {
      return false
    }
  }, 15_000)
  // Cut off, and garbage behind a good head: a file like any other, without a small copy.
  for (const bytes of [png(500, 500).subarray(0, 60), Buffer.concat([JPEG.subarray(0, 100), randomBytes(500)]), png(300, 300, randomBytes(50))]) {
    const file = ok(await upload(person, bytes), 201)
    const { status } = await bytesOf(person, `/files/${file.id}/thumbnail?size=160`)
    assert.ok(status === 404 || status === 200)
    ok(await person.get('/me'))
  }
})

test('a picture by pieces is looked at too, and its copies go with it', async () => {
  const [person] = await Person.some(1)
  const before = await objects()
  const bytes = withExif(JPEG, 6)
  const headers = { 'tus-resumable': '1.0.0', 'content-type': 'application/offset+octet-stream' }
  const { headers: { location } } = await person.call('POST', '/uploads', { raw: bytes, headers: { ...headers, 'upload-length': String(bytes.length) } })
  const id = location.split('/').at(-1)
  assert.deepEqual(await house.sql(`SELECT width, height FROM files WHERE id = ${id} AND state = 1`), [['20', '40']])
  assert.equal((await bytesOf(person, `/files/${id}/thumbnail?size=160`)).status, 200)
  assert.equal(await objects(), before + 3)
  await house.sql(`UPDATE files SET state = 2 WHERE id = ${id}`)
  await until('all of it is gone', async () => (await objects()) === before, 15_000)
})
