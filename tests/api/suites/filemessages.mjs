// Files in messages: who may send one, what stands in the entry, and whoever sees the entry, and nobody else, reads the file.
import assert from 'node:assert/strict'

import { befriend, house, ok, Person, Poller, refused, test, until, uuid } from '../client.mjs'
import { rowCounts } from '../house.mjs'
import { PNG } from '../pictures.mjs'
import { open } from '../raw.mjs'

const WAV = Buffer.concat([Buffer.from('RIFF\x24\x08\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data', 'latin1'), Buffer.alloc(2048, 128)])
const MP4 = Buffer.concat([Buffer.from('\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41', 'latin1'), Buffer.alloc(512)])
const NAME = '图片 1.png'

const upload = async (person, raw, name = 'a file') => ok(await person.call('POST', '/files', { raw,
  headers: { 'content-type': 'application/octet-stream', 'x-file-name': encodeURIComponent(name) } }), 201)
const send = (person, conversation, type, content, more = {}) =>
  person.post(`/conversations/${conversation}/messages`, { client_msg_id: uuid(), type, content, ...more })
const reads = async (person, id) =>
  (await fetch(`${house.local_url}/api/v1/files/${id}`, { headers: { authorization: `Bearer ${person.token}` } })).status

async function two() {
  const people = await Person.some(2)
  return [...people, await befriend(...people)]
}

/** owner and member, and a group of them; the owner is everybody's friend, `outsider`'s too. */
async function makeGroup(more = {}) {
  const [owner, member, outsider] = await Person.some(3)
  for (const person of [member, outsider]) await befriend(person, owner)
  const { id } = ok(await owner.post('/groups', { name: '驿', member_ids: [member.id], join_policy: 'invite', ...more }), 201)
  return [owner, member, outsider, id]
}

test('a picture, a document, a voice message and a video: what the house knows of them stands in the entry', async () => {
  const [a, b, conversation] = await two()
  const theirs = await Poller.start(b)
  const [picture, document, voice, video] = [await upload(a, PNG, NAME), await upload(a, 'words', '报告.txt'), await upload(a, WAV), await upload(a, MP4)]
  const cases = [
    ['image', { file_id: picture.id }, { file_id: picture.id, name: NAME, size: PNG.length, width: 3, height: 2 }],
    ['file', { file_id: document.id }, { file_id: document.id, name: '报告.txt', size: 5, content_type: 'text/plain' }],
    ['voice', { file_id: voice.id, duration_ms: 1234 }, { file_id: voice.id, duration_ms: 255, size: WAV.length }],
    ['video', { file_id: video.id, poster_file_id: picture.id, duration_ms: 5000 },
      { file_id: video.id, poster_file_id: picture.id, duration_ms: 5000, size: MP4.length, width: 3, height: 2 }],
  ]
  for (const [type, content, stored] of cases) {
    assert.equal(await reads(b, content.file_id), 404)
    const entry = ok(await send(a, conversation, type, content), 201)
    assert.deepEqual(entry.content, stored)
    assert.deepEqual((await theirs.entry(conversation, entry.seq)).entry, entry)
    assert.equal(await reads(b, content.file_id), 200, type)
  }
  assert.equal(await reads(b, picture.id), 200)
  const sent = ok(await b.get(`/conversations/${conversation}/files`)).items
  assert.deepEqual(sent.map(({ type, id }) => [type, id]),
    [['video', video.id], ['voice', voice.id], ['file', document.id], ['image', picture.id]])
  assert.deepEqual(ok(await b.get(`/conversations/${conversation}/files?type=voice`)).items.map(({ id }) => id), [voice.id])
})

/** Ogg with Opus that lasts so many seconds, and says nothing. */
function ogg(seconds) {
  const page = (ticks, packet) => {
    const head = Buffer.alloc(28)
    head.write('OggS')
    head.writeBigUInt64LE(BigInt(ticks), 6)
    head.writeUInt8(1, 26)
    head.writeUInt8(packet.length, 27)
    return Buffer.concat([head, packet])
  }
  return Buffer.concat([page(0, Buffer.from('OpusHead\x01\x01\0\0\x80\xbb\0\0\0\0\0', 'latin1')), page(0, Buffer.from('OpusTags')),
    page(48000 * seconds, Buffer.alloc(100))])
}

test('a voice message lasts as long as its bytes say, whatever its sender says, in one go and by pieces', async () => {
  const [a, , conversation] = await two()
  const whole = await upload(a, ogg(2))
  assert.match(whole.content_type, /ogg/)
  const { headers: { location } } = await a.call('POST', '/uploads', { raw: ogg(61), headers: { 'tus-resumable': '1.0.0',
    'content-type': 'application/offset+octet-stream', 'upload-length': String(ogg(61).length) } })
  for (const [id, said, stands] of [[whole.id, 99_000, 2000], [whole.id, 1, 2000], [location.split('/').at(-1), 5, 61_000]]) {
    const { content } = ok(await send(a, conversation, 'voice', { file_id: id, duration_ms: said }), 201)
    assert.equal(content.duration_ms, stands)
  }
  const long = await upload(a, ogg(3601))
  const before = await rowCounts()
  refused(await send(a, conversation, 'voice', { file_id: long.id, duration_ms: 1000 }), 400, 'invalid_request', 'content.file_id')
  assert.deepEqual(await rowCounts(), before)
  ok(await send(a, conversation, 'file', { file_id: long.id }), 201)
})

test('another person’s file, one that is not there, and one of another kind: refused, the field named, nothing stored', async () => {
  const [a, b, conversation] = await two()
  const [theirs, mine, picture] = [await upload(b, PNG), await upload(a, 'words'), await upload(a, PNG)]
  const before = await rowCounts()
  for (const type of ['image', 'file']) refused(await send(a, conversation, type, { file_id: theirs.id }), 404, 'not_found', 'content.file_id')
  refused(await send(a, conversation, 'file', { file_id: '1' }), 404, 'not_found', 'content.file_id')
  refused(await send(a, conversation, 'image', { file_id: mine.id }), 400, 'invalid_request', 'content.file_id')
  refused(await send(a, conversation, 'voice', { file_id: mine.id, duration_ms: 1 }), 400, 'invalid_request', 'content.file_id')
  refused(await send(a, conversation, 'video', { file_id: picture.id, poster_file_id: null, duration_ms: 1 }), 400, 'invalid_request', 'content.file_id')
  assert.deepEqual(await rowCounts(), before)
})

test('the same id twice is one message; a recall takes the file from everybody else', async () => {
  const [a, b, conversation] = await two()
  const file = await upload(a, 'words')
  const id = uuid()
  const entry = ok(await send(a, conversation, 'file', { file_id: file.id }, { client_msg_id: id }), 201)
  assert.deepEqual(ok(await send(a, conversation, 'file', { file_id: file.id }, { client_msg_id: id }), 200), entry)
  assert.deepEqual(await house.sql(`SELECT COUNT(*) FROM file_refs WHERE file_id = ${file.id}`), [['1']])
  assert.equal(await reads(b, file.id), 200)
  ok(await a.delete(`/conversations/${conversation}/messages/${entry.seq}`), 204)
  assert.deepEqual([await reads(a, file.id), await reads(b, file.id)], [200, 404])
  assert.deepEqual(ok(await b.get(`/conversations/${conversation}/files`)).items, [])
})

test('in a group: members from where they see, nobody who left, and what was hidden for me is gone for me', async () => {
  const [owner, member, outsider, group] = await makeGroup()
  const file = await upload(member, 'words')
  const entry = ok(await send(member, group, 'file', { file_id: file.id }), 201)
  assert.deepEqual([await reads(owner, file.id), await reads(outsider, file.id)], [200, 404])
  ok(await owner.post(`/groups/${group}/members`, { user_ids: [outsider.id] }), 201)
  assert.equal(await reads(outsider, file.id), 404) // it was said before he came
  refused(await send(outsider, group, 'file', { file_id: file.id }), 404, 'not_found', 'content.file_id')
  const later = await upload(owner, 'more words')
  ok(await send(owner, group, 'file', { file_id: later.id }), 201)
  assert.deepEqual([await reads(outsider, later.id), await reads(member, later.id)], [200, 200])
  ok(await owner.delete(`/groups/${group}/members/${outsider.id}`), 204)
  assert.equal(await reads(outsider, later.id), 404)
  ok(await owner.delete(`/conversations/${group}/messages/${entry.seq}?for=me`), 204)
  assert.equal(await reads(owner, file.id), 404)
  for (const [person, listed] of [[owner, [later.id]], [member, [later.id, file.id]]])
    for (const type of ['', '?type=file']) assert.deepEqual(ok(await person.get(`/conversations/${group}/files${type}`)).items.map(({ id }) => id), listed)
})

test('forwarded one by one or merged: whoever reads the copy reads the file', async () => {
  const [owner, member, outsider, group] = await makeGroup()
  const conversation = ok(await owner.post('/conversations', { user_id: outsider.id })).id
  const [one, two] = [await upload(member, PNG), await upload(member, 'words')]
  const seqs = []
  for (const [type, file] of [['image', one], ['file', two]]) seqs.push(ok(await send(member, group, type, { file_id: file.id }), 201).seq)
  const forward = (mode, chosen) => owner.post(`/conversations/${conversation}/forward`,
    { from_conversation_id: group, seqs: chosen, mode, client_msg_id: uuid() })
  assert.deepEqual([await reads(outsider, one.id), await reads(outsider, two.id)], [404, 404])
  ok(await forward('each', [seqs[0]]), 201)
  assert.deepEqual([await reads(outsider, one.id), await reads(outsider, two.id)], [200, 404])
  const merged = ok(await forward('merged', seqs), 201).items[0]
  assert.deepEqual([await reads(outsider, one.id), await reads(outsider, two.id)], [200, 200])
  ok(await owner.delete(`/conversations/${conversation}/messages/${merged.seq}`), 204)
  assert.deepEqual([await reads(outsider, one.id), await reads(outsider, two.id)], [200, 404])
})

test('an avatar of a person or a group: a picture that one may read, and then anybody of the app may', async () => {
  const [owner, member, outsider, group] = await makeGroup()
  const stranger = await Person.register()
  const [mine, theirs, words, other] = [await upload(owner, PNG), await upload(member, PNG), await upload(owner, 'words'), await upload(owner, PNG)]
  for (const path of ['/me', `/groups/${group}`]) {
    refused(await owner.patch(path, { avatar_file_id: theirs.id }), 404, 'not_found', 'avatar_file_id')
    refused(await owner.patch(path, { avatar_file_id: words.id }), 400, 'invalid_request', 'avatar_file_id')
  }
  assert.deepEqual([await reads(stranger, mine.id), await reads(stranger, other.id)], [404, 404])
  assert.equal(ok(await owner.patch('/me', { avatar_file_id: mine.id })).avatar_file_id, mine.id)
  assert.equal(ok(await owner.patch(`/groups/${group}`, { avatar_file_id: other.id })).avatar_file_id, other.id)
  assert.deepEqual([await reads(stranger, mine.id), await reads(outsider, other.id)], [200, 200])
  assert.equal(ok(await owner.patch('/me', { avatar_file_id: null })).avatar_file_id, null)
  assert.equal(ok(await owner.patch(`/groups/${group}`, { avatar_file_id: null })).avatar_file_id, null)
  assert.deepEqual([await reads(stranger, mine.id), await reads(outsider, other.id)], [404, 404])
})

test('of who leaves for good stay what was sent and what others are seen by; what is on its way comes to nothing', async () => {
  const [owner, member, , group] = await makeGroup()
  ok(await owner.patch(`/groups/${group}/members/${member.id}`, { role: 'admin' }))
  const [sent, theirs, groups, unused] = [await upload(member, 'words'), await upload(member, PNG), await upload(member, PNG), await upload(member, PNG)]
  for (const [type, file] of [['file', sent], ['image', theirs]]) ok(await send(member, group, type, { file_id: file.id }), 201)
  ok(await owner.patch('/me', { avatar_file_id: theirs.id }))
  ok(await member.patch(`/groups/${group}`, { avatar_file_id: groups.id }))
  const coming = await open('POST', '/files', { Authorization: `Bearer ${member.token}`, 'Content-Length': '200000' })
  await coming.send(Buffer.alloc(100_000))
  const count = async () => (await house.sql(`SELECT COUNT(*) FROM files WHERE owner_id = ${member.id}`))[0][0]
  await until('it is being received', async () => await count() === '5')
  ok(await member.call('DELETE', '/me', { body: { password: member.password } }), 204)
  await coming.send(Buffer.alloc(100_000))
  assert.equal((await coming.answer).status, 503)
  await until('what nobody needs is gone', async () => await count() === '3')
  assert.deepEqual(await Promise.all([sent, theirs, groups, unused].map(({ id }) => reads(owner, id))), [200, 200, 200, 404])
})
