// First figures on this machine, client and all: requests/s of a trivial authenticated GET beside nginx's static answer,
// one-to-one messages/s from POST to poll, KiB of a parked poll.   make bench [PAIRS=64 POLLS=5000 SECONDS=5 RUNS=3]
// A house of its own, without rate limits; each figure is the median of the runs. The same as JSON is in build/bench.json.
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { join } from 'node:path'

import { openHouse, root, until } from '../lib/house.mjs'

const PAIRS = Number(process.env.PAIRS ?? 64)
const POLLS = Number(process.env.POLLS ?? 5000)
const SECONDS = Number(process.env.SECONDS ?? 5)
const RUNS = Number(process.env.RUNS ?? 3)
const DEVICES_PER_PERSON = 50
const PASSWORD = 'a password for figures'
const load = join(root, 'build/release/bin/bench-load')

const house = await openHouse({ env: { POSTHOUSE_RATE_USER_PER_S: '0', POSTHOUSE_REGISTRATION: 'open' } })
const port = String(house.port)
const device = { name: 'bench', platform: 'other' }

async function call(method, path, token, body) {
  const answer = await fetch(`${house.local_url}/api/v1${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    body: body && JSON.stringify(body),
  })
  const said = answer.status === 204 ? null : await answer.json()
  if (!answer.ok) throw new Error(`${method} ${path}: ${JSON.stringify(said)}`)
  return said
}

// The tasks, a few at a time.
async function each(items, task, atOnce = 8) {
  const results = []
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const index = next++
      results[index] = await task(items[index])
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}

const numbers = (count) => Array.from({ length: count }, (_, index) => index)
const cursorOf = async (token) => (await call('GET', '/poll?timeout=0', token)).cursor

async function register(name) {
  const { user, access_token } = await call('POST', '/register', null, { username: name, password: PASSWORD, nickname: name, device })
  return { id: user.id, name, token: access_token }
}

async function pair(number) {
  const a = await register(`left${number}`)
  const b = await register(`right${number}`)
  const { id } = await call('POST', '/friend-requests', a.token, { user_id: b.id, message: '' })
  await call('POST', `/friend-requests/${id}/accept`, b.token)
  const { id: conversation } = await call('POST', '/conversations', a.token, { user_id: b.id })
  return { a, b, conversation }
}

function runLoad(...words) {
  return new Promise((resolve, reject) => {
    const child = spawn(load, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    let out = ''
    child.stdout.on('data', (part) => (out += part))
    child.on('close', (code) => (code === 0 ? resolve(JSON.parse(out)) : reject(new Error(`load ended with ${code}`))))
  })
}

async function median(run) {
  const results = []
  for (let i = 0; i < RUNS; i++) results.push(await run())
  return results.sort((x, y) => x.per_s - y.per_s)[Math.floor(RUNS / 2)]
}

const figures = {}
function show(what, figure) {
  const { per_s, p50_ms, p99_ms } = (figures[what] = figure)
  console.log(`${what.padEnd(44)} ${String(per_s).padStart(8)}/s   p50 ${p50_ms} ms   p99 ${p99_ms} ms`)
}

// Resident KiB of a process and its children.
async function residentKib(names) {
  const processes = await house.processes()
  const pids = Object.keys(processes).filter((name) => names.includes(name.split('.')[0])).map((name) => processes[name].pid)
  const all = pids.flatMap((pid) => [pid, ...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)])
  return all.reduce((sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]), 0)
}

// What the kernel holds for sockets and their epoll entries, of all processes and the client's ends too.
function kernelKib() {
  const memory = readFileSync('/proc/meminfo', 'utf8')
  const sockets = readFileSync('/proc/net/sockstat', 'utf8')
  const pages = [...sockets.matchAll(/ mem (\d+)/g)].reduce((sum, [, n]) => sum + Number(n), 0)
  return Number(/Slab:\s+(\d+)/.exec(memory)[1]) + pages * 4
}

async function figuresOfRequests({ token }) {
  show('nginx, a static file', await median(() => runLoad('get', port, '/icon.svg', '-', '64', String(SECONDS))))
  show('GET /me, signed in', await median(() => runLoad('get', port, '/api/v1/me', token, '64', String(SECONDS))))
  show('GET /poll?timeout=0, signed in',
    await median(() => runLoad('get', port, '/api/v1/poll?timeout=0', token, '64', String(SECONDS))))
  show('GET /server', await median(() => runLoad('get', port, '/api/v1/server', '-', '64', String(SECONDS))))
}

async function figuresOfMessages(pairs) {
  const file = join(house.folder, 'pairs')
  for (const count of [1, PAIRS]) {
    const result = await median(async () => {
      const rows = await each(pairs.slice(0, count), async ({ a, b, conversation }) =>
        [a.token, b.token, conversation, await cursorOf(b.token)].join(' '))
      writeFileSync(file, rows.join('\n') + '\n')
      return runLoad('pairs', port, file, String(SECONDS))
    })
    show(`messages, POST to poll, ${count} pair${count > 1 ? 's' : ''}`, result)
  }
}

async function figureOfPolls() {
  const people = await each(numbers(Math.ceil(POLLS / DEVICES_PER_PERSON)), (number) => register(`waiter${number}`))
  const tokens = await each(numbers(POLLS), async (number) => {
    const { name } = people[number % people.length]
    return (await call('POST', '/login', null, { username: name, password: PASSWORD, device })).access_token
  })
  const rows = await each(tokens, async (token) => `${token} ${await cursorOf(token)}`)
  const file = join(house.folder, 'polls')
  writeFileSync(file, rows.join('\n') + '\n')
  const everybody = Object.keys(await house.processes()).map((name) => name.split('.')[0])
  const memory = async () =>
    ({ handler: await residentKib(['poll']), nginx: await residentKib(['nginx']), all: await residentKib(everybody), kernel: kernelKib() })
  const before = await memory()
  const sockets = () => Number(/TCP: inuse (\d+)/.exec(readFileSync('/proc/net/sockstat', 'utf8'))[1])
  const child = spawn(load, ['park', port, file], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [said] = await new Promise((resolve) => createInterface(child.stdout).once('line', (line) => resolve([JSON.parse(line)])))
  // Parked is what no longer changes: every poll is there, and memory has come to rest.
  let last = -1
  await until('the polls to be parked', async () => {
    const kib = await residentKib(['poll', 'nginx'])
    const still = kib === last && sockets() >= said.asked
    last = kib
    return still
  }, { deadlineMs: 30_000, everyMs: 500 })
  const now = await memory()
  const perPoll = Object.fromEntries(Object.keys(now).map((name) => [name, Number(((now[name] - before[name]) / said.asked).toFixed(2))]))
  figures['KiB per parked poll'] = { polls: said.asked, ...perPoll }
  console.log(`${`KiB per parked poll, of ${said.asked}`.padEnd(44)} handler ${perPoll.handler}   nginx ${perPoll.nginx}   ` +
    `all processes ${perPoll.all}   kernel, with the client's ends ${perPoll.kernel}`)
  child.stdin.end()
}

try {
  const pairs = await each(numbers(PAIRS), pair)
  await figuresOfRequests(pairs[0].a)
  await figuresOfMessages(pairs)
  await figureOfPolls()
  writeFileSync(join(root, 'build/bench.json'), `${JSON.stringify(figures, null, 1)}\n`)
} finally {
  await house.close()
}
