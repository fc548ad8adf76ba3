// A real S3 server (Ceph's RADOS gateway) for a test: started with the test, gone with it.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { root } from './house.mjs'

export const ACCESS_KEY = 'posthouse-test'
export const SECRET_KEY = 'a secret/with+nasty=letters'

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

/**
 * {endpoint, folder, settings: of a house that keeps its files there, signal(name): to the gateway, restart(): after it was
 * killed, close()}
 */
export async function openS3(memoryGib = 3) {
  const folder = await mkdtemp(join(tmpdir(), 'posthouse-s3.'))
  const port = await freePorts()
  const server = spawn(join(root, 'tests/lib/ceph.sh'), [folder, String(port), ACCESS_KEY, SECRET_KEY, String(memoryGib)],
    { stdio: ['pipe', 'pipe', 'pipe'] })
  const gone = new Promise((resolve) => server.on('close', resolve))
  let complaints = ''
  server.stderr.on('data', (data) => (complaints += data))
  const close = async () => {
    server.stdin.end()
    await gone
    await rm(folder, { recursive: true, force: true })
  }
  const isReady = () => new Promise((resolve) => {
    server.stdout.once('data', () => resolve(true))
    server.once('close', () => resolve(false))
  })
  const failed = () => new Error(`the S3 server does not start:\n${complaints}`)
  if (!await isReady()) {
    await close()
    throw failed()
  }
  const endpoint = `http://127.0.0.1:${port}`
  return {
    endpoint,
    folder,
    settings: { POSTHOUSE_STORE: 's3', POSTHOUSE_S3_ENDPOINT: endpoint, POSTHOUSE_S3_ACCESS_KEY: ACCESS_KEY,
      POSTHOUSE_S3_SECRET_KEY: SECRET_KEY },
    signal: (name) => process.kill(Number(readFileSync(join(folder, 'run/rgw.pid'), 'utf8')), name),
    restart: async () => {
      const ready = isReady()
      server.stdin.write('\n')
      if (!await ready) throw failed()
    },
    close,
  }
}
