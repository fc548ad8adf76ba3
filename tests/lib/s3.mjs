// A real S3 server for a test: Ceph's RADOS gateway, started with the test and gone with it; or any other, named by
// TEST_S3_ENDPOINT, TEST_S3_ACCESS_KEY and TEST_S3_SECRET_KEY. Either way in a bucket of the test's own.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { root } from './house.mjs'
import { removeBucket } from './s3sign.mjs'

const ACCESS_KEY = 'posthouse-test'
const SECRET_KEY = 'a secret/with+nasty=letters'

/** The first of three ports in a row that are free at this moment. */
async function freePorts() {
  const open = (port) => new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(null))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
  for (;;) {
    const first = await open(0)
    const { port } = first.address()
    const others = [await open(port + 1), await open(port + 2)]
    for (const server of [first, ...others]) if (server) await new Promise((resolve) => server.close(resolve))
    if (others.every(Boolean)) return port
  }
}

/** {…, bucket, settings}: where a house keeps its files; it makes the bucket. */
function placeOn(server) {
  const bucket = `posthouse-test-${randomBytes(6).toString('hex')}`
  return { ...server, bucket, settings: {
    POSTHOUSE_STORE: 's3', POSTHOUSE_S3_ENDPOINT: server.endpoint, POSTHOUSE_S3_BUCKET: bucket,
    POSTHOUSE_S3_ACCESS_KEY: server.accessKey, POSTHOUSE_S3_SECRET_KEY: server.secretKey,
  } }
}

/** The server that somebody else has started. It can be neither killed nor frozen. */
function useOther({ TEST_S3_ENDPOINT: endpoint, TEST_S3_ACCESS_KEY: accessKey, TEST_S3_SECRET_KEY: secretKey }) {
  const place = placeOn({ endpoint, accessKey, secretKey })
  return { ...place, isOurs: false, close: () => removeBucket(place) }
}

/**
 * {endpoint, accessKey, secretKey, bucket, settings: of a house that keeps its files there, close(); if it isOurs: signal(name): to the
 * gateway, restart(): after it was killed}
 */
export async function openS3(memoryGib = 3) {
  if (process.env.TEST_S3_ENDPOINT) return useOther(process.env)
  const folder = await mkdtemp(join(tmpdir(), 'posthouse-s3.'))
  const port = await freePorts()
  const program = spawn(join(root, 'tests/lib/ceph.sh'), [folder, String(port), ACCESS_KEY, SECRET_KEY, String(memoryGib)],
    { stdio: ['pipe', 'pipe', 'pipe'] })
  const gone = new Promise((resolve) => program.on('close', resolve))
  let complaints = ''
  program.stderr.on('data', (data) => (complaints += data))
  const close = async () => {
    program.stdin.end()
    await gone
    await rm(folder, { recursive: true, force: true })
  }
  const isReady = () => new Promise((resolve) => {
    program.stdout.once('data', () => resolve(true))
    program.once('close', () => resolve(false))
  })
  const failed = () => new Error(`the S3 server does not start:\n${complaints}`)
  if (!await isReady()) {
    await close()
    throw failed()
  }
  return {
    ...placeOn({ endpoint: `http://127.0.0.1:${port}`, accessKey: ACCESS_KEY, secretKey: SECRET_KEY }),
    isOurs: true,
    signal: (name) => process.kill(Number(readFileSync(join(folder, 'run/rgw.pid'), 'utf8')), name),
    restart: async () => {
      const ready = isReady()
      program.stdin.write('\n')
      if (!await ready) throw failed()
    },
    close,
  }
}
