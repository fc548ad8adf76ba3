// `make run STORE=s3` with the README's lines, as somebody types them who has MinIO or any other S3 server beside it: the bucket
// is made, a file goes there and comes back; with a wrong key the house opens, says what is wrong, and only misses files.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

import { root, until } from '../lib/house.mjs'
import { openS3 } from '../lib/s3.mjs'
import { countObjects } from '../lib/s3sign.mjs'

const s3 = await openS3()
after(() => s3.close())

/** The settings that the README shows, with this server's address, keys and bucket in the places of its examples. */
async function linesOfReadme(secretKey) {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const lines = readme.match(/^ +s3_\w+ = .*$/gm).map((line) => line.trim())
  const values = { s3_endpoint: s3.endpoint, s3_access_key: s3.accessKey, s3_secret_key: secretKey, s3_bucket: s3.bucket }
  return lines.map((line) => line.replace(/^(\w+) = \S+/, (all, name) => (values[name] ? `${name} = ${values[name]}` : all))).join('\n')
}

/** make run, until Ctrl-C: {url, said(): all that it printed, close()}. */
async function makeRun(secretKey) {
  const folder = await mkdtemp(join(tmpdir(), 'posthouse-run.'))
  await writeFile(join(folder, 'posthouse.conf'), await linesOfReadme(secretKey))
  const make = spawn('make', ['-s', 'run', 'STORE=s3'], {
    cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true,
    env: { ...process.env, POSTHOUSE_VAR: folder, POSTHOUSE_PORT: '0', POSTHOUSE_LISTEN: '127.0.0.1' },
  })
  let said = ''
  for (const out of [make.stdout, make.stderr]) out.on('data', (data) => (said += data))
  const gone = new Promise((resolve) => make.once('close', resolve))
  const close = async () => {
    if (make.exitCode === null) process.kill(-make.pid, 'SIGINT') // as a terminal does
    await gone
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const [, url] = await until('the house is open', () => {
      if (make.exitCode !== null) throw new Error('make run has ended')
      return /is open:\s+(\S+)/.exec(said)
    }, { deadlineMs: 120_000 })
    return { url, said: () => said, close }
  } catch (problem) {
    await close()
    throw new Error(`${problem.message}\n${said}`)
  }
}

async function register(url) {
  const body = { username: 'somebody', password: 'correct horse 电池 staple', nickname: 's', device: { name: 'd', platform: 'other' } }
  const answer = await fetch(`${url}/api/v1/register`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  assert.equal(answer.status, 201)
  return { authorization: `Bearer ${(await answer.json()).access_token}` }
}

test('make run STORE=s3: a file is in the bucket, which was made, and comes back', { timeout: 180_000 }, async () => {
  const run = await makeRun(s3.secretKey)
  try {
    const headers = await register(run.url)
    const answer = await fetch(`${run.url}/api/v1/files`, { method: 'POST', headers, body: '驿站' })
    assert.equal(answer.status, 201)
    const { id } = await answer.json()
    assert.equal(await (await fetch(`${run.url}/api/v1/files/${id}`, { headers })).text(), '驿站')
    assert.equal(await countObjects(s3), 1)
    assert.equal((await fetch(`${run.url}/readyz`)).status, 200)
  } finally {
    await run.close()
  }
})

test('make run STORE=s3 with a wrong key: it says so, and the chat is open', { timeout: 180_000 }, async () => {
  const run = await makeRun(`${s3.secretKey}x`)
  try {
    assert.match(run.said(), /files can be neither stored nor read: .*status 403/)
    const ready = await fetch(`${run.url}/readyz`)
    assert.equal(ready.status, 503)
    assert.deepEqual((await ready.json()).errors.map(({ field }) => field), ['store'])
    const headers = await register(run.url)
    const answer = await fetch(`${run.url}/api/v1/files`, { method: 'POST', headers, body: 'x' })
    assert.equal(answer.status, 503)
    assert.match((await answer.json()).detail, /status 403/)
    assert.equal((await fetch(`${run.url}/api/v1/me`, { headers })).status, 200)
    assert.equal(await countObjects(s3), 1)
  } finally {
    await run.close()
  }
})
