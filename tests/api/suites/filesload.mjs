// Much at once and much in one: two hundred slow phones hold nobody up, a gibibyte passes through a handler that holds none of it.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'

import { friends, house, ok, Person, test, until } from '../client.mjs'
import { open } from '../raw.mjs'

const MIB = 1 << 20
const auth = (person) => ({ Authorization: `Bearer ${person.token}` })

/** KiB that the processes of `upload` have now, and the most that they had since forget(). */
async function memory() {
  const pids = Object.entries(await house.processes()).filter(([name]) => name.startsWith('upload.')).map(([, { pid }]) => pid)
  const sum = (what) => pids.reduce((all, pid) => all + Number(new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]), 0)
  return { now: () => sum('VmRSS'), most: () => sum('VmHWM'), forget: () => pids.forEach((pid) => writeFileSync(`/proc/${pid}/clear_refs`, '5')) }
}

/** A body of so many times the same MiB: {status, headers, text}. */
function send(person, method, path, headers, block, times) {
  return new Promise((resolve, reject) => {
    const request = http.request(`${house.local_url}/api/v1${path}`, { method, agent: false,
      headers: { ...auth(person), 'Content-Length': block.length * times, ...headers } })
    request.on('error', reject).on('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (data) => (text += data)).on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }))
    })
    let left = times
    const more = () => {
      while (left-- > 0) if (!request.write(block)) return request.once('drain', more)
      return request.end()
    }
    more()
  })
}

const digest = (block, times) => {
  const hash = createHash('sha256')
  for (let i = 0; i < times; i++) hash.update(block)
  return hash.digest('hex')
}

async function isThere(person, id, block, times) {
  const url = `${house.local_url}/api/v1/files/${id}`
  const head = await fetch(url, { method: 'HEAD', headers: auth(person) })
  assert.deepEqual([head.status, Number(head.headers.get('content-length'))], [200, block.length * times])
  const from = block.length * (times - 1) - 5
  const end = await fetch(url, { headers: { ...auth(person), range: `bytes=${from}-` } })
  assert.equal(end.status, 206)
  assert.ok(Buffer.from(await end.arrayBuffer()).equals(Buffer.concat([block.subarray(-5), block])))
  const [[sha]] = await house.sql(`SELECT HEX(sha256) FROM files WHERE id = ${id} AND state = 1`)
  assert.equal(sha.toLowerCase(), digest(block, times))
}

test('a gibibyte passes through, and the handler holds next to nothing of it', { timeout: 240_000 }, async () => {
  const [person] = await Person.some(1)
  const block = randomBytes(MIB)
  await Promise.all(Array.from({ length: 10 }, () => send(person, 'POST', '/files', {}, block, 1))) // what is touched for the first time
  const rss = await memory()
  rss.forget()
  const before = rss.now()
  const { status, text } = await send(person, 'POST', '/files', {}, block, 1024)
  assert.equal(status, 201, text)
  const used = (rss.most() - before) / 1024
  assert.ok(used < 4, `${used} MiB`)
  await isThere(person, JSON.parse(text).id, block, 1024)
  // The store's room is needed by others; the courier takes away what is condemned.
  await house.sql(`UPDATE files SET state = 2 WHERE owner_id = ${person.id}`)
  await until('it is gone', async () => (await house.sql(`SELECT COUNT(*) FROM files WHERE owner_id = ${person.id}`))[0][0] === '0', 30_000)
})

test('pieces: one of the store\'s is in memory, however much comes', { timeout: 240_000 }, async () => {
  const [person] = await Person.some(1)
  const block = randomBytes(MIB)
  const tus = { 'Tus-Resumable': '1.0.0' }
  const sendPieces = async (mib) => {
    const { headers: { location } } = await person.call('POST', '/uploads', { raw: '', headers: { ...tus, 'upload-length': String(mib * MIB) } })
    const path = location.replace('/api/v1', '')
    const { status, text } = await send(person, 'PATCH', path, { ...tus, 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': '0' }, block, mib)
    assert.equal(status, 204, text)
    return path
  }
  await Promise.all(Array.from({ length: 8 }, () => sendPieces(1))) // what is touched for the first time
  const rss = await memory()
  rss.forget()
  const before = rss.now()
  const path = await sendPieces(300)
  const used = (rss.most() - before) / 1024
  assert.ok(used < 5 + 4, `${used} MiB`)
  await isThere(person, path.split('/').at(-1), block, 300)
  await house.sql(`UPDATE files SET state = 2 WHERE owner_id = ${person.id}`)
})

const median = (times) => times.toSorted((a, b) => a - b)[times.length >> 1]

/** How long it takes, in ms, at the median: a file that comes and goes, a look at oneself, a message. */
async function pace([a, , conversation]) {
  const times = { file: [], me: [], send: [] }
  const timed = async (what, act) => {
    const began = performance.now()
    await act()
    times[what].push(performance.now() - began)
  }
  for (let i = 0; i < 7; i++) {
    await timed('file', async () => {
      const raw = randomBytes(2 * MIB)
      const { id } = ok(await a.call('POST', '/files', { raw, headers: { 'content-type': 'application/octet-stream' } }), 201)
      const got = await fetch(`${house.local_url}/api/v1/files/${id}`, { headers: auth(a) })
      assert.ok(Buffer.from(await got.arrayBuffer()).equals(raw))
    })
    await timed('me', async () => ok(await a.get('/me')))
    await timed('send', async () => a.say(conversation, `${i}`))
  }
  return Object.fromEntries(Object.entries(times).map(([what, all]) => [what, median(all)]))
}

test('two hundred slow phones hold nobody up, and take under a MiB each', { timeout: 180_000 }, async () => {
  const SLOW = 200, KIB_S = 10
  const two = await friends()
  const people = await Person.some(SLOW / 10)
  const owners = people.map(({ id }) => id).join()
  const received = async () => Number((await house.sql(`SELECT COUNT(*) FROM files WHERE state = 0 AND owner_id IN (${owners})`))[0][0])
  await pace(two) // what is touched for the first time
  const alone = await pace(two)
  const rss = await memory()
  rss.forget()
  const before = rss.now()
  const slow = await Promise.all(people.flatMap((person) => Array.from({ length: 10 }, () =>
    open('POST', '/files', { ...auth(person), 'Content-Length': String(2 * MIB) }))))
  const trickle = setInterval(() => slow.forEach((one) => one.socket.write(Buffer.alloc(KIB_S * 102, 'x'))), 100)
  try {
    await until('all are being received', async () => (await received()) === SLOW, 20_000)
    const beside = await pace(two)
    // The machine carries the phones too: a share of it is theirs, but nobody waits for one of them.
    for (const what of Object.keys(alone)) {
      assert.ok(beside[what] < 4 * alone[what] + 250, `${what}: ${beside[what].toFixed(1)} ms beside them, ${alone[what].toFixed(1)} alone`)
    }
    assert.equal(await received(), SLOW)
    const each = (rss.most() - before) / 1024 / SLOW
    assert.ok(each < 1, `${each} MiB each`)
  } finally {
    clearInterval(trickle)
  }
  slow.forEach((one) => one.cut())
  await until('nothing is left', async () => (await received()) === 0, 20_000)
})
