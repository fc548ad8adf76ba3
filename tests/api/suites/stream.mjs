// The stream: one answer that goes on, with the same cursor as a poll; how it ends, and what comes after.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { get } from 'node:http'

import { Person, Poller, friends, house, ok, promptly, refused, test, until } from '../client.mjs'
import { cgi, metric } from '../house.mjs'
import { Stream } from '../stream.mjs'
import { tokenSmith } from '../tokens.mjs'
import { messageFaults, splitStream } from '../validate.mjs'

const entries = (events) => events.filter((event) => event.type === 'entry').map((event) => event.entry.seq)
const openStreams = () => metric('posthouse_streams')
const upTo = (last, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

/** A stream that stands at "now". */
async function streamFrom(person) {
  return Stream.open(person, (await Poller.start(person)).cursor)
}

test('the first byte comes at once: a resync without a cursor, else that it is open', async () => {
  const person = await Person.register()
  const first = await Stream.open(person)
  assert.deepEqual(first.messages.map(({ resync, events }) => [resync, events]), [[true, []]])
  const headers = first.response.headers
  assert.equal(headers.get('content-type'), 'text/event-stream; charset=utf-8')
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.equal(headers.get('content-encoding'), null)
  await first.close()
  const second = await Stream.open(person, first.cursor)
  assert.deepEqual(second.messages, [{ cursor: first.cursor, events: [] }])
  await second.close()
  await promptly('the first byte', 1000, async () => {
    const stream = await Stream.open(person)
    await stream.close()
    return stream.firstMs
  })
})

test('what happens comes while it is open, soon and in order', async () => {
  const [a, b, conversation] = await friends()
  const stream = await streamFrom(b)
  await promptly('the news', 1000, async (i) => {
    const { seq } = await a.say(conversation, `news ${i}`)
    await stream.entry(conversation, seq)
  })
  const said = []
  for (let i = 0; i < 40; i++) said.push((await a.say(conversation, `${i}`)).seq)
  await stream.entry(conversation, said.at(-1))
  assert.deepEqual(entries(stream.events), upTo(said.at(-1), 2))
  assert.equal(stream.ended, undefined)
  await stream.close()
})

test('an own entry is no event', async () => {
  const [a, b, conversation] = await friends()
  const stream = await streamFrom(b)
  await b.say(conversation, 'mine')
  const { seq } = await a.say(conversation, 'yours')
  await stream.entry(conversation, seq)
  assert.deepEqual(entries(stream.events), [seq])
  await stream.close()
})

test('silence is filled with comments', async () => {
  const stream = await Stream.open(await Person.register())
  await stream.until('two comments', () => stream.comments >= 2)
  assert.equal(stream.messages.length, 1)
  await stream.close()
})

test('stream, poll and stream on one cursor: no resync, nothing lost, nothing twice', async () => {
  const [a, b, conversation] = await friends()
  const poller = await Poller.start(b)
  const heard = []
  let last = 1
  let busy = true
  const talking = (async () => {
    while (busy) last = (await a.say(conversation, '不停地说')).seq
  })()
  for (let round = 0; round < 8; round++) {
    const stream = await Stream.open(b, poller.cursor)
    await stream.until('some events', () => stream.events.length >= 3)
    await stream.close()
    poller.cursor = stream.cursor
    heard.push(...stream.events)
    assert.equal(stream.resyncs, 0)
    for (const timeout of [0, 5]) heard.push(...(await poller.once(timeout)).events)
  }
  busy = false
  await talking
  const stream = await Stream.open(b, poller.cursor)
  if (!entries(heard).includes(last)) await stream.entry(conversation, last)
  heard.push(...stream.events)
  await stream.close()
  assert.deepEqual(entries(heard), upTo(last, 2))
  assert.deepEqual([poller.resyncs, stream.resyncs], [1, 0])
})

test('one of a session: a newer stream or poll ends the older, at whatever process', async () => {
  const person = await Person.register()
  const poller = await Poller.start(person)
  let older = await Stream.open(person, poller.cursor)
  for (let i = 0; i < 6; i++) {
    const newer = await Stream.open(person, poller.cursor)
    assert.deepEqual(await older.end(), { events: [], superseded: true })
    assert.equal(older.ended, 'whole')
    older = newer
    person.take(ok(await person.post('/token/refresh', { refresh_token: person.refreshToken }))) // leads to another process, or not
  }
  const waiting = poller.once(20)
  assert.equal((await older.end()).superseded, true)
  const last = await Stream.open(person, poller.cursor)
  assert.equal((await waiting).superseded, true)
  ok(await person.get(`/poll?timeout=0&cursor=${encodeURIComponent(poller.cursor)}`)) // a look ends nothing
  ok(await person.patch('/me', { signature: 'heard' }))
  await last.event('me', (event) => event.type === 'me')
  await last.close()
})

test('a session that is revoked is told so, and its stream ends', async () => {
  const person = await Person.register()
  const tablet = await person.login()
  const stream = await streamFrom(tablet)
  ok(await person.delete(`/sessions/${tablet.sessionId}`), 204)
  const { events } = await stream.end()
  assert.deepEqual(events, [{ type: 'session.revoked', session_id: tablet.sessionId }])
  assert.equal(stream.ended, 'whole')
  refused(await tablet.get('/stream'), 401, 'unauthenticated')
})

test('it ends with its token, and goes on under the next', async () => {
  const [a, b, conversation] = await friends()
  const { token } = b
  const { cursor } = await Poller.start(b)
  const { expiring } = await tokenSmith(b)
  b.token = expiring(Date.now() + 4000) // long enough to open one
  const stream = await Stream.open(b, cursor)
  const last = await stream.end()
  assert.equal(stream.ended, 'whole')
  assert.deepEqual(last, { cursor: stream.cursor, events: [] })
  refused(await b.get('/stream'), 401, 'token_expired')
  b.token = token
  const { seq } = await a.say(conversation, 'between two streams')
  const next = await Stream.open(b, stream.cursor)
  await next.entry(conversation, seq)
  assert.equal(next.resyncs, 0)
  await next.close()
})

test('unknown cursors are a resync; what is none is refused', async () => {
  const person = await Person.register()
  for (const bad of ['garbage.0', '驿站', '0']) {
    const stream = await Stream.open(person, bad)
    assert.equal(stream.messages[0].resync, true)
    await stream.close()
  }
  refused(await person.get(`/stream?cursor=${'x'.repeat(129)}`), 400, 'invalid_request', 'cursor')
})

test('many events come in messages of bounded size', async () => {
  const [a, b, conversation] = await friends()
  const { cursor } = await Poller.start(b)
  for (let i = 0; i < 40; i += 10) {
    await Promise.all(Array.from({ length: 10 }, async () => ok(await a.send(conversation, '驿'.repeat(7000)), 201)))
  }
  const stream = await Stream.open(b, cursor)
  await stream.entry(conversation, 41)
  assert.deepEqual(entries(stream.events), upTo(41, 2))
  assert.ok(stream.messages[0].more)
  for (const message of stream.messages) assert.ok(Buffer.byteLength(JSON.stringify(message)) <= 256 * 1024)
  await stream.close()
})

test('a client that takes nothing is cut off, and loses nothing', async () => {
  const [a, b, conversation] = await friends()
  const { cursor } = await Poller.start(b)
  const cut = await metric('posthouse_streams_cut_total')
  const options = { headers: { authorization: `Bearer ${b.token}` }, agent: false }
  const response = await new Promise((resolve, reject) =>
    get(`${house.local_url}/api/v1/stream?cursor=${cursor}`, options, resolve).on('error', reject))
  const text = '驿'.repeat(8000)
  let last = 1
  await until('it is cut off', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => a.send(conversation, text)))
    last = Math.max(last, ...answers.map((answer) => ok(answer, 201).seq))
    return (await metric('posthouse_streams_cut_total')) === cut + 1
  }, 30_000)
  const came = [] // from here on somebody reads
  await new Promise((resolve) => response.on('data', (bytes) => came.push(bytes)).on('error', resolve).on('close', resolve))
  const { messages } = splitStream(Buffer.concat(came).toString())
  assert.deepEqual(messages.flatMap(messageFaults), [])
  const next = await Stream.open(b, messages.at(-1).id)
  if (!next.resyncs) await next.entry(conversation, last)
  await next.close()
})

test('a hang-up is noticed; a friend is online as long as the stream is', async () => {
  const [a, b] = await friends()
  await until('no streams', async () => (await openStreams()) === 0)
  const watching = await streamFrom(a)
  const stream = await streamFrom(b)
  await watching.event('presence', (event) => event.type === 'presence' && event.user_id === b.id && event.online)
  assert.equal(ok(await a.get(`/users/${b.id}`)).online, true)
  await until('the gauge', async () => (await openStreams()) === 2)
  await stream.close()
  await watching.close()
  await until('nobody is there', async () => (await openStreams()) === 0)
})

/** Whether a worker of nginx has been told to end when its requests have; one that is gone has nothing to tell. */
function isLeaving(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('is shutting down')
  } catch {
    return false
  }
}

test('nginx is reloaded: the stream goes on', async () => {
  const [a, b, conversation] = await friends()
  const stream = await streamFrom(b)
  const master = (await house.processes()).nginx.pid
  const workers = () => readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ')
  const before = workers()
  await house.kill('nginx', 'SIGHUP')
  await until('new workers, and old ones that close what is idle', () => {
    const now = workers()
    return now.some((pid) => !before.includes(pid)) && now.filter((pid) => before.includes(pid)).every(isLeaving)
  })
  await house.processes() // by then it is known here too: no request goes out on a kept connection that was closed
  const { seq } = await a.say(conversation, 'through the old worker')
  await stream.entry(conversation, seq)
  assert.equal(stream.ended, undefined)
  assert.ok(workers().some((pid) => before.includes(pid)), 'an old worker carries it')
  await stream.close()
})

test('a poll process is stopped, or killed: the stream ends, or breaks, and goes on elsewhere', async () => {
  const [a, b, conversation] = await friends()
  let { cursor } = await Poller.start(b)
  for (const kill of [false, true]) {
    const stream = await Stream.open(b, cursor)
    if (kill) {
      const names = Object.keys(await house.processes()).filter((name) => name.startsWith('poll.'))
      const pids = await Promise.all(names.map((name) => house.kill(name)))
      await stream.end()
      await Promise.all(names.map((name, i) => house.restarted(name, pids[i])))
    } else {
      await house.restart('poll')
      assert.deepEqual(await stream.end(), { cursor: stream.cursor, events: [] })
      assert.equal(stream.ended, 'whole')
    }
    const { seq } = await a.say(conversation, 'meanwhile')
    const next = await until('a process that answers', () => Stream.open(b, stream.cursor).catch(() => undefined), 10_000)
    await next.entry(conversation, seq)
    assert.equal(next.resyncs, 0)
    await next.close()
    cursor = next.cursor
  }
})

test('Redis is away: the database tells, to who comes and to who was here', async () => {
  const [a, b, conversation] = await friends()
  const tablet = await b.login()
  const stream = await streamFrom(b)
  const { cursor } = stream
  await house.stop('redis')
  try {
    await stream.until('a resync', () => stream.resyncs === 1, 20_000)
    const late = await Stream.open(tablet)
    assert.equal(late.resyncs, 1)
    await a.say(conversation, 'without a bell')
    await stream.until('it, as a resync', () => stream.resyncs === 2, 20_000)
    await late.until('it, as a resync', () => late.resyncs === 2, 20_000)
    await late.close()
  } finally {
    await house.start('redis')
  }
  await stream.until('the resync after', () => stream.resyncs === 3, 20_000)
  assert.notEqual(stream.cursor.split('.')[0], cursor.split('.')[0])
  assert.notEqual(stream.cursor.split('.')[0], 'm')
  await stream.close()
})

test('as plain CGI: the first message, and the end', async () => {
  const person = await Person.register()
  const answer = await cgi('poll', { uri: '/api/v1/stream', env: { HTTP_AUTHORIZATION: `Bearer ${person.token}` } })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8')
  const { messages, rest } = splitStream(answer.text)
  assert.deepEqual([messages.length, rest, JSON.parse(messages[0].data).resync], [1, '', true])
})
