// Files: how fast they come and go beside plain nginx in the same run, over a folder and over an S3 server, and what the
// handler's memory does while a hundred come at once. The client is curl, one process for each connection.
import { randomBytes } from 'node:crypto'
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open as openFile, readdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { until } from '../lib/house.mjs'
import { openS3 } from '../lib/s3.mjs'
import { presigned } from '../lib/s3sign.mjs'

const execute = promisify(execFile)
const MIB = 1 << 20, SIZE_MIB = 50
const CONNECTIONS = 4, DOWN_EACH = 10, UP_EACH = 2
const AT_ONCE = 100, GOAL_MIB = 100

async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** nginx and nothing else: a folder's files, and PUT passed on to the store that the house has. */
async function openPlain(folder, s3) {
  const [port, davPort] = [await freePort(), await freePort()]
  for (const name of ['body', 'proxy', 'put']) mkdirSync(join(folder, name), { recursive: true })
  const target = s3 ? s3.endpoint : `http://127.0.0.1:${davPort}`
  writeFileSync(join(folder, 'nginx.conf'), `
${process.getuid() === 0 ? 'user root;' : ''}
worker_processes auto; pid ${folder}/nginx.pid; error_log stderr crit; daemon off;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; client_max_body_size 0;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  upstream target { server ${target.replace(/^.*:\/\//, '')}; keepalive 16; }
  server {
    listen 127.0.0.1:${port};
    location /static/ { alias ${folder}/; }
    location /put/ {
      proxy_pass http://target/; proxy_http_version 1.1; proxy_request_buffering off;
      proxy_set_header Connection ""; proxy_set_header Host ${target.replace(/^.*:\/\//, '')};
    }
  }
  server { listen 127.0.0.1:${davPort}; root ${folder}/put; location / { dav_methods PUT; } }
}`)
  const nginx = spawn('nginx', ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')], { stdio: ['ignore', 'ignore', 'inherit'] })
  const gone = new Promise((resolve) => nginx.once('close', resolve))
  const url = `http://127.0.0.1:${port}`
  await until('plain nginx', () => fetch(`${url}/static/nginx.conf`).then(({ ok }) => ok, () => false))
  return { url, close: () => (nginx.kill(), gone) }
}

/** MiB a second of `CONNECTIONS` curls that move `each` files each; `words(n)` are those for file number n. */
async function throughput(each, words, after = () => {}) {
  const began = performance.now()
  await Promise.all(Array.from({ length: CONNECTIONS }, async (_, i) => {
    const all = Array.from({ length: each }, (__, k) => [...(k ? ['--next'] : []), '-sf', '-H', 'Expect:', ...words(i * each + k)])
    await execute('curl', all.flat(), { maxBuffer: 1 << 22 })
  }))
  await after()
  return (CONNECTIONS * each * SIZE_MIB) / ((performance.now() - began) / 1000)
}

/** The medians of two, measured in turn, so that both meet the same machine. */
async function inTurn(runs, one, other) {
  const [ones, others] = [[], []]
  for (let i = 0; i < runs; i++) {
    ones.push(await one())
    others.push(await other())
  }
  return [ones, others].map((all) => all.toSorted((a, b) => a - b)[runs >> 1])
}

async function syncAll(folder) {
  for (const name of await readdir(folder)) {
    const file = await openFile(join(folder, name))
    await file.sync()
    await file.close()
  }
}

const rssKib = (pids) => pids.reduce((sum, pid) => sum + Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]), 0)

/** How much more memory the handler's processes have while a hundred files come, at most, in MiB. */
async function memoryOfMany(bench, file) {
  const pids = Object.entries(await bench.house.processes()).filter(([name]) => name.startsWith('upload.')).map(([, { pid }]) => pid)
  const before = rssKib(pids)
  let most = before
  const look = setInterval(() => (most = Math.max(most, rssKib(pids))), 20)
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, async (_, i) => {
      const { stdout } = await execute('curl', ['-s', '-H', 'Expect:', '-X', 'POST', '-T', file, '--limit-rate', '5M',
        '-H', `Authorization: Bearer ${bench.tokens[i]}`, `${bench.house.local_url}/api/v1/files`])
      if (!JSON.parse(stdout).sha256) throw new Error(`an upload failed: ${stdout}`)
    }))
  } finally {
    clearInterval(look)
  }
  return { mib: (most - before) / 1024, idle: before / 1024 }
}

async function rowsOver(bench, what, s3, { row, runs }) {
  const folder = join(bench.house.folder, 'plain')
  mkdirSync(folder)
  const file = join(folder, 'file.bin')
  writeFileSync(file, randomBytes(SIZE_MIB * MIB))
  const plain = await openPlain(folder, s3)
  const api = `${bench.house.local_url}/api/v1/files`
  const bearer = (n) => ['-H', `Authorization: Bearer ${bench.tokens[n]}`]
  const put = (n) => `${plain.url}/put${s3 ? presigned(s3, 'PUT', `/${s3.bucket}/plain-${n}`) : `/${n}`}`
  try {
    const { stdout } = await execute('curl', ['-sf', '-X', 'POST', '-T', file, ...bearer(0), api])
    const { id } = JSON.parse(stdout)
    if (s3) await execute('curl', ['-sf', '-T', file, put(0)])
    const same = s3 ? `${plain.url}/put${presigned(s3, 'GET', `/${s3.bucket}/plain-0`)}` : `${plain.url}/static/file.bin`
    const [down, plainDown] = await inTurn(runs, () => throughput(DOWN_EACH, () => ['-o', '/dev/null', ...bearer(0), `${api}/${id}`]),
      () => throughput(DOWN_EACH, () => ['-o', '/dev/null', same]))
    row(`files in ${what}: download, ${CONNECTIONS} connections`, down, 'MiB/s', { limit: plainDown,
      of: s3 ? 'GET through plain nginx from the same server' : 'a static file by plain nginx', why: s3 ? 'the S3 server' : 'nginx and the client' })
    const [up, plainUp] = await inTurn(runs, () => throughput(UP_EACH, (n) => ['-o', '/dev/null', '-X', 'POST', '-T', file, ...bearer(n), api]),
      () => throughput(UP_EACH, (n) => ['-o', '/dev/null', '-T', file, put(n)], s3 ? undefined : () => syncAll(join(folder, 'put'))))
    row(`files in ${what}: upload, ${CONNECTIONS} connections`, up, 'MiB/s', { limit: plainUp,
      of: `PUT through plain nginx to ${s3 ? 'the same server' : 'a folder, and fsync'}`, why: 'SHA-256, one process more on the way' })
    rmSync(join(folder, 'put'), { recursive: true })
    const { mib, idle } = await memoryOfMany(bench, file)
    row(`files in ${what}: memory of upload, ${AT_ONCE} × ${SIZE_MIB} MiB at once`, mib, 'MiB', { goal: GOAL_MIB,
      more: `above ${idle.toFixed(0)} MiB when idle, ${(mib / AT_ONCE).toFixed(2)} for each` })
  } finally {
    await plain.close()
  }
}

/** @param open(people, env) a house @param tools {row, runs: of which the median counts} */
export async function rowsOfFiles(open, tools) {
  const env = { POSTHOUSE_FILE_QUOTA_MIB: '100000' }
  const inFolder = await open(AT_ONCE, env)
  try {
    await rowsOver(inFolder, 'a folder', null, tools)
  } finally {
    await inFolder.house.close()
  }
  const s3 = await openS3(10)
  const inS3 = await open(AT_ONCE, { ...env, ...s3.settings, POSTHOUSE_STORE_TIMEOUT_S: '120' })
  try {
    await rowsOver(inS3, 'S3', s3, tools)
  } finally {
    await inS3.house.close(() => s3.close())
  }
}
