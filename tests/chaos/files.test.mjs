// A hundred files on their way, and whatever carries them is killed and frozen in the middle: upload, nginx, the store. In the
// end each is acknowledged and read with its digest, there is one file for each and nothing else: no row, no object, no place in
// a quota. Over a folder, and over a real S3 server. Those who went away in the middle leave nothing.
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import { openHouse, until } from '../lib/house.mjs'
import { openS3 } from '../lib/s3.mjs'
import { countObjects } from '../lib/s3sign.mjs'
import { pause } from './client.mjs'
import { Uploader } from './uploader.mjs'

const PEOPLE = 20, FILES = 100, QUITTERS = 20
const ALL_MS = 200_000
const FROZEN_MS = 2500 // longer than the house waits for a store or a client
const STILL_MS = 2000
const SETTINGS = { POSTHOUSE_RATE_USER_PER_S: '0', POSTHOUSE_STORE_TIMEOUT_S: '1', POSTHOUSE_UPLOAD_STALL_S: '2' }

/** Small ones, and pieces around the least that S3 joins. */
const SIZES = { post: [1, 20_000, 300_000, 1_500_000], tus: [5000, 400_000, 2_000_000, (5 << 20) + 1, 11 << 20] }
const sizeOf = (kind, i) => SIZES[kind][(i >> 1) % SIZES[kind].length]

async function register(house) {
  const body = { username: `u${Math.random().toString(36).slice(2, 12)}`, password: 'correct horse 电池 staple', nickname: 'u', device: { name: 'd', platform: 'other' } }
  const answer = await fetch(`${house.local_url}/api/v1/register`,
    { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  assert.equal(answer.status, 201)
  return answer.json()
}

async function objects(house, s3) {
  if (!s3) {
    const all = await readdir(join(house.folder, 'files'), { withFileTypes: true, recursive: true })
    return all.filter((one) => one.isFile()).length
  }
  return countObjects(s3)
}

/** What happens, in this order; each returns when all runs again. */
function faultsOf(house, s3) {
  const everything = () => until('everything runs again', async () =>
    Object.values(await house.processes()).every(({ state }) => state === 'RUNNING'), { deadlineMs: 40_000, everyMs: 50 })
  const pids = async (program) => Object.entries(await house.processes()).filter(([name]) => name.split('.')[0] === program)
    .map(([, { pid }]) => (program === 'nginx' ? -pid : pid)) // the whole of nginx is a process group
  const kill = async (program, most = Infinity) => {
    const victims = (await pids(program)).slice(0, most)
    for (const pid of victims) process.kill(pid, 'SIGKILL')
    await until(`${program} is another`, async () => (await pids(program)).every((pid) => pid && !victims.includes(pid)), { deadlineMs: 40_000 })
    await everything()
  }
  const freeze = async (program, most = Infinity) => {
    const victims = (await pids(program)).slice(0, most)
    for (const pid of victims) process.kill(pid, 'SIGSTOP')
    await pause(FROZEN_MS)
    for (const pid of victims) process.kill(pid, 'SIGCONT')
  }
  const store = !s3?.isOurs ? {} : {
    'kill the store': async () => {
      s3.signal('SIGKILL')
      await pause(300)
      await s3.restart()
    },
    'freeze the store': async () => {
      s3.signal('SIGSTOP')
      await pause(FROZEN_MS)
      s3.signal('SIGCONT')
    },
  }
  return {
    'kill one upload': () => kill('upload', 1),
    'kill nginx': () => kill('nginx'),
    ...store,
    'freeze one upload': () => freeze('upload', 1),
    'kill all uploads': () => kill('upload'),
    'freeze nginx': () => freeze('nginx'),
    'kill the database': () => kill('mariadb'),
    'kill all uploads again': () => kill('upload'),
  }
}

async function strikeAll(what, faults, all) {
  for (const [name, strike] of Object.entries(faults)) {
    await pause(700)
    const [underWay, done] = [all.filter(({ isOver }) => !isOver).length, all.filter(({ isOver }) => isOver).length]
    console.log(`# ${what}, ${name}: ${underWay} under way, ${done} acknowledged`)
    assert.ok(underWay >= FILES / 10, `${name}: only ${underWay} files were under way`)
    await strike()
  }
}

/** The store is through with what it was sent by those who died: it changes no more. */
async function settle(house, s3) {
  let [count, since] = [-1, 0]
  await until('the store is through', async () => {
    const now = await objects(house, s3)
    if (now !== count) [count, since] = [now, performance.now()]
    return performance.now() - since > STILL_MS
  }, { deadlineMs: 60_000, everyMs: 200 })
}

/** What was given up grows old at once, so that the courier takes it away now and not in minutes, when nothing of it can come any more. */
async function sweep(house) {
  await house.sql('UPDATE files SET touched_at = touched_at - 400000 WHERE state = 0; UPDATE uploads SET expires_at = 1 WHERE done = 0')
  await until('nothing is unfinished', async () =>
    (await house.sql('SELECT (SELECT COUNT(*) FROM files WHERE state <> 1) + (SELECT COUNT(*) FROM uploads WHERE done = 0)'))[0][0] === '0',
  { deadlineMs: 30_000, everyMs: 100 })
}

async function suffer(house, s3) {
  const people = await Promise.all(Array.from({ length: PEOPLE }, () => register(house)))
  const make = (i, quits) => {
    const kind = i % 2 ? 'tus' : 'post'
    return new Uploader({ house, token: people[i % PEOPLE].access_token, kind, size: quits ? 500_000 : sizeOf(kind, i), quits })
  }
  const all = Array.from({ length: FILES }, (_, i) => make(i, false))
  const quitters = Array.from({ length: QUITTERS }, (_, i) => make(i, true))
  const end = performance.now() + ALL_MS
  const running = [...all, ...quitters].map((one) => one.run(end))
  await strikeAll(s3 ? 's3' : 'folder', faultsOf(house, s3), all)
  await Promise.all(running)
  console.log(`# ${all.reduce((sum, one) => sum + one.tries, 0)} requests for ${FILES} files`)
  assert.deepEqual([...all, ...quitters].flatMap(({ violations }) => violations), [])
  assert.equal(new Set(all.map(({ id }) => id)).size, FILES)

  await settle(house, s3)
  await sweep(house)
  for (const one of all) assert.equal(await one.read(), one.sha256, `${one.kind} of ${one.size} bytes`)
  const [[files, bytes]] = await house.sql('SELECT COUNT(*), SUM(size) FROM files')
  assert.deepEqual([Number(files), Number(bytes)], [FILES, all.reduce((sum, { size }) => sum + size, 0)])
  assert.deepEqual(await house.sql(`SELECT u.user_id, u.bytes FROM file_usage AS u
    WHERE u.bytes <> (SELECT COALESCE(SUM(f.size), 0) FROM files AS f WHERE f.owner_id = u.user_id)`), [])
  assert.equal(await objects(house, s3), FILES)
}

// Both at once: most of the time is waiting.
describe('a hundred uploads', { concurrency: true }, () => {
  test('whatever dies among a hundred uploads, a folder has what was acknowledged and nothing else', { timeout: 300_000 }, async () => {
    const house = await openHouse({ env: SETTINGS })
    try {
      await suffer(house, null)
    } finally {
      await house.close()
    }
  })

  test('whatever dies among a hundred uploads, an S3 store has what was acknowledged and nothing else', { timeout: 300_000 }, async () => {
    const s3 = await openS3()
    const house = await openHouse({ env: { ...SETTINGS, ...s3.settings } })
    try {
      await suffer(house, s3)
    } finally {
      await house.close(() => s3.close())
    }
  })
})
