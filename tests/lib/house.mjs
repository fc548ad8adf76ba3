// A house of one's own for a test: started under a temporary folder on a free port, stopped and removed with close().
// Rate limits by address are off unless the test asks for them: everything comes from one address here.
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { promisify } from 'node:util'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const execute = promisify(execFile)
const quiet = { POSTHOUSE_LISTEN: '127.0.0.1', POSTHOUSE_RATE_ADDRESS_PER_S: '0', POSTHOUSE_RATE_LOGIN_PER_S: '0' }

// Asks until the condition holds; its value. The deadline is an error that says what was awaited.
export async function until(what, condition, { deadlineMs = 10_000, everyMs = 20 } = {}) {
  const end = Date.now() + deadlineMs
  for (;;) {
    const value = await condition()
    if (value) return value
    if (Date.now() > end) throw new Error(`${what}: not within ${deadlineMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

// env: more POSTHOUSE_* settings, or TLS: '1'. mode: which build. run (below) is what run.json says: url, local_url,
// sockets, db_socket, redis_socket, run_dir, bin.
export async function openHouse({ env = {}, mode = process.env.MODE ?? 'release', build = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'posthouse-house.'))
  const tool = join(root, 'tools/run.py')
  const environment = { ...process.env, ...quiet, ...env }
  const ask = async (...words) =>
    (await execute('python3', [tool, ...words, '--var', folder], { env: environment, maxBuffer: 1 << 24 })).stdout

  let run
  try {
    run = JSON.parse(await ask('up', '--json', '--port', '0', '--mode', mode, ...(build ? [] : ['--no-build'])))
  } catch (problem) {
    await rm(folder, { recursive: true, force: true })
    throw new Error(`the house does not open:\n${problem.stderr || problem.message}`)
  }

  const processes = async () => JSON.parse(await ask('status', '--json'))
  const settings = {
    POSTHOUSE_RUN_DIR: run.run_dir,
    POSTHOUSE_TOKEN_SECRET_FILE: join(folder, 'secret'),
    POSTHOUSE_DB_SOCKET: run.db_socket,
    POSTHOUSE_DB_NAME: run.db_name,
    POSTHOUSE_DB_USER: run.db_admin,
    POSTHOUSE_REDIS_SOCKET: run.redis_socket,
  }

  return {
    ...run,
    folder,
    processes,
    // kill -9 of one process (login.0, courier, redis, mariadb, ...); the pid that died. The supervisor starts it again.
    async kill(name, signal = 'SIGKILL') {
      const pid = await until(`${name} runs`, async () => (await processes())[name].pid)
      process.kill(pid, signal)
      return pid
    },
    // Until it runs again under another pid.
    restarted: (name, formerPid) =>
      until(`${name} runs again`, async () => {
        const { pid, state } = (await processes())[name]
        return state === 'RUNNING' && pid !== formerPid && pid
      }, { deadlineMs: 30_000, everyMs: 250 }),
    restart: (name) => ask('restart', name),
    stop: (name) => ask('stop', name),
    start: (name) => ask('start', name),
    // posthousectl with this house's settings; what it prints.
    control: async (...words) =>
      (await execute(join(run.bin, 'posthousectl'), words, { env: { PATH: process.env.PATH, ...settings } })).stdout,
    // One SQL text as the database's administrator; rows of columns.
    async sql(text) {
      const { stdout } = await execute('mariadb', ['--no-defaults', `--socket=${run.db_socket}`, `--user=${run.db_admin}`,
        '--batch', '--skip-column-names', '--default-character-set=utf8mb4', run.db_name, '-e', text], { maxBuffer: 1 << 26 })
      return stdout.split('\n').filter((line) => line !== '').map((line) => line.split('\t'))
    },
    redis: async (...words) => (await execute('redis-cli', ['-s', run.redis_socket, ...words])).stdout.trimEnd(),
    // The lines of all logs that hold a text, say a request id.
    async logged(text) {
      return new Promise((resolve) => {
        const found = spawn('grep', ['-rhF', '--', text, join(folder, 'log')])
        let lines = ''
        found.stdout.on('data', (part) => (lines += part))
        found.on('close', () => resolve(lines.split('\n').filter(Boolean)))
      })
    },
    async close() {
      await ask('down').catch(() => {})
      await rm(folder, { recursive: true, force: true })
    },
  }
}
