// Power loss. MariaDB's files lie on a disk that forgets what was not synced; people send through nginx; at random moments
// the power of that disk is cut and MariaDB killed. Afterwards every acknowledged send is in the log, at the seq that was
// told. The same with a database that syncs its log once a second loses some: so the test can see.
//
//   POWER_CUTS=…    cuts of the durable database (20)      POWER_SEED=…    repeats the moments
import assert from 'node:assert/strict'
import { randomInt, randomUUID } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'

import { pause } from '../chaos/client.mjs'
import { randomFrom } from '../chaos/history.mjs'
import { openHouse, until } from '../lib/house.mjs'
import { Disk } from './disk.mjs'

const cuts = Number(process.env.POWER_CUTS ?? 20)
const seed = Number(process.env.POWER_SEED ?? randomInt(2 ** 31))
const PAIRS = 4
const SENDERS = 4 // of each person, at once
const RELAXED_CUTS = 3
const SENDS_BEFORE = 20 // acknowledged between the return of the database and the next cut
const EARLIEST_MS = 50, LATEST_MS = 1200 // of a cut, after those

const random = randomFrom(seed)
const house = await openHouse({ env: { POSTHOUSE_RATE_USER_PER_S: '0' } })
const data = join(house.folder, 'mysql')
const disk = new Disk(join(house.bin, 'power-forgetful'), join(house.folder, 'disk'), data)
let mounted = false
after(() => {
  over = true
  return house.close(() => mounted && disk.unmount())
})

let over = false
let acknowledged = [] // {conversation, id, seq}
let unanswered = 0

async function ask(method, path, token, body) {
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) }
  return fetch(`${house.local_url}/api/v1${path}`, { method, headers, body: JSON.stringify(body) })
}

async function post(path, token, body) {
  const answer = await ask('POST', path, token, body)
  const text = await answer.text()
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`)
  return JSON.parse(text)
}

/** Two people who are friends: {conversation, tokens}. */
async function makePair(n) {
  const [a, b] = await Promise.all(['a', 'b'].map((side) => post('/register', null, {
    username: `power-${n}${side}`, password: 'light and dark 1', nickname: side, device: { name: 'sender', platform: 'other' } })))
  const request = await post('/friend-requests', a.access_token, { user_id: b.user.id })
  const friend = await post(`/friend-requests/${request.id}/accept`, b.access_token, {})
  return { conversation: friend.conversation_id, tokens: [a.access_token, b.access_token] }
}

/** Sends, one after the other, and notes what was acknowledged. A refused or unanswered one is left as it is. */
async function talk({ conversation }, token) {
  while (!over) {
    const id = randomUUID()
    const body = { client_msg_id: id, type: 'text', content: { text: `灯 ${id}` } }
    const answer = await ask('POST', `/conversations/${conversation}/messages`, token, body).catch(() => null)
    const entry = answer?.ok ? await answer.json().catch(() => null) : null
    if (entry) {
      acknowledged.push({ conversation, id, seq: entry.seq })
    } else {
      unanswered++
      await answer?.arrayBuffer().catch(() => {})
      await pause(50)
    }
  }
}

/** Those of the acknowledged that the log has not, or has elsewhere. */
async function lost() {
  const told = [...acknowledged] // before the log is read
  const rows = await house.sql('SELECT conversation_id, seq, LOWER(HEX(client_msg_id)) FROM entries')
  const log = new Map(rows.map(([conversation, seq, id]) => [`${conversation} ${id}`, Number(seq)]))
  return told.filter(({ conversation, id, seq }) => log.get(`${conversation} ${id.replaceAll('-', '')}`) !== seq)
}

/** How often the database syncs its log is in the house's own configuration. */
async function setDurable(value) {
  const file = join(house.folder, 'mariadb.cnf')
  const text = await readFile(file, 'utf8')
  const changed = text.replace(/^innodb-flush-log-at-trx-commit = \d$/m, `innodb-flush-log-at-trx-commit = ${value}`)
  assert.match(changed, new RegExp(`^innodb-flush-log-at-trx-commit = ${value}$`, 'm'))
  await writeFile(file, changed)
}

/** It is down and stays so, also if its supervisor was about to start it, or has given up. */
const stopDatabase = () => until('the database is down', async () => {
  await house.stop('mariadb').catch(() => {})
  return ['STOPPED', 'FATAL'].includes((await house.processes()).mariadb.state)
}, { deadlineMs: 60_000 })

async function open() {
  await disk.mount()
  mounted = true
  await house.start('mariadb')
  await until('the database answers', () => house.sql('SELECT 1').catch(() => null), { deadlineMs: 60_000 })
}

/** Off at a random moment while people send, and on again. What the disk had pending. */
async function cutAndReturn() {
  const before = acknowledged.length
  await until('sends are acknowledged', () => acknowledged.length >= before + SENDS_BEFORE, { deadlineMs: 60_000 })
  const { pid } = (await house.processes()).mariadb
  await pause(EARLIEST_MS + random() * (LATEST_MS - EARLIEST_MS))
  disk.cut()
  process.kill(pid, 'SIGKILL')
  await stopDatabase()
  mounted = false
  const pending = await disk.unmount()
  await open()
  return pending
}

test('cuts of the power lose nothing that was acknowledged', { timeout: 1_200_000 }, async () => {
  console.log(`# seed ${seed}, ${cuts} cuts`)
  const pairs = []
  for (let n = 0; n < PAIRS; n++) pairs.push(await makePair(n))
  await stopDatabase()
  await rename(data, disk.folder)
  await open()
  for (const pair of pairs) for (const token of pair.tokens) for (let n = 0; n < SENDERS; n++) void talk(pair, token)

  let pages = 0
  for (let n = 0; n < cuts; n++) {
    const pending = await cutAndReturn()
    assert.ok(pending.cut, 'the power was cut')
    pages += pending.pages
    assert.deepEqual(await lost(), [], `after cut ${n + 1}`)
  }
  console.log(`# ${acknowledged.length} acknowledged, ${unanswered} not; ${pages} pages were forgotten, 0 sends lost`)
  assert.ok(pages > 0, 'something was pending when the power went')
  const [[holes]] = await house.sql('SELECT COUNT(*) FROM conversations c WHERE kind = 0 AND last_seq <> ' +
    '(SELECT COUNT(*) FROM entries e WHERE e.conversation_id = c.id)')
  assert.equal(Number(holes), 0, 'conversations with a hole')
})

test('a database that syncs its log once a second loses some: it is seen', { timeout: 300_000 }, async () => {
  await setDurable(2)
  await stopDatabase()
  await disk.unmount()
  await open()
  let found = 0
  for (let n = 0; n < RELAXED_CUTS; n++) {
    await cutAndReturn()
    found += (await lost()).length
    acknowledged = []
  }
  console.log(`# ${found} acknowledged sends were lost over ${RELAXED_CUTS} cuts`)
  assert.ok(found > 0, 'nothing was lost, although nothing was synced')
})
