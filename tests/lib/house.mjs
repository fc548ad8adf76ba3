// A house of one's own for a test: started under a temporary folder on a free port, stopped and removed with close().
// Rate limits by address are off unless the test asks for them: everything comes from one address here.
import { execFile, spawn } from 'node:child_process'
import http from 'node:http'
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

// One question to a house's supervisord; the text of its answer.
function supervisor(runDir, method, ...words) {
  const params = words.map((word) => `<param><value><string>${word}</string></value></param>`).join('')
  const body = `<?xml version="1.0"?><methodCall><methodName>supervisor.${method}</methodName><params>${params}</params></methodCall>`
  return new Promise((resolve, reject) => {
    const options = { socketPath: `${runDir}/supervisor.sock`, path: '/RPC2', method: 'POST', headers: { 'content-type': 'text/xml' } }
    const request = http.request(options, (response) => {
      let text = ''
      response.on('data', (part) => (text += part))
      response.on('end', () => (text.includes('<fault>') ? reject(new Error(`${method} ${words}: ${text}`)) : resolve(text)))
    })
    request.on('error', reject)
    request.end(body)
  })
}

// Every process: {name: {group, pid, state}}.
async function processesOf(runDir) {
  const value = (member, name) => new RegExp(`<name>${name}</name>\\s*<value><\\w+>([^<]*)<`).exec(member)?.[1]
  return Object.fromEntries((await supervisor(runDir, 'getAllProcessInfo')).split('<struct>').slice(1).map((one) =>
    [value(one, 'name'), { group: value(one, 'group'), pid: Number(value(one, 'pid')), state: value(one, 'statename') }]))
}

// Stops and starts a process ("login.0") or a program's processes, one after the other; each call returns when that is done.
async function supervise(runDir, name, methods) {
  for (const [process, { group }] of Object.entries(await processesOf(runDir))) {
    if (process !== name && process.split('.')[0] !== name) continue
    for (const method of methods) await supervisor(runDir, method, `${group}:${process}`)
  }
}

// env: more POSTHOUSE_* settings, or TLS: '1'. mode: which build; bin: a folder with the programs instead. prepare(folder):
// before the start, gives more settings. run (below) is what run.json says: url, local_url, sockets, db_socket,
// redis_socket, run_dir, bin.
export async function openHouse({ env = {}, mode = process.env.MODE ?? 'release', build = false, bin, prepare } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'posthouse-house.'))
  const tool = join(root, 'tools/run.py')
  const environment = { ...process.env, ...quiet, ...env, ...(await prepare?.(folder)) }
  const ask = async (...words) =>
    (await execute('python3', [tool, ...words, '--var', folder], { env: environment, maxBuffer: 1 << 24 })).stdout

  let run
  try {
    run = JSON.parse(await ask('up', '--json', '--port', '0', '--mode', mode, ...(build ? [] : ['--no-build']), ...(bin ? ['--bin', bin] : [])))
  } catch (problem) {
    await rm(folder, { recursive: true, force: true })
    throw new Error(`the house does not open:\n${problem.stderr || problem.message}`)
  }

  const processes = () => processesOf(run.run_dir)
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
    settings,
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
      }, { deadlineMs: 30_000, everyMs: 50 }),
    restart: (name) => supervise(run.run_dir, name, ['stopProcess', 'startProcess']),
    // Every handler and the courier as an operator restarts them.
    restartRolling: () => ask('restart', '--rolling'),
    stop: (name) => supervise(run.run_dir, name, ['stopProcess']),
    start: (name) => supervise(run.run_dir, name, ['startProcess']),
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
    // before(): what else has to go before the folder does.
    async close(before = () => {}) {
      await ask('down').catch(() => {})
      await before()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
