// What a house does on this machine: each figure beside its limit, measured in the same run.   make bench [ROWS="get pairs"]
// The load client runs on the same cores; what is acknowledged is synced to disk (checked). Short rows are medians of
// RUNS. The same as JSON is in build/bench.json.
import { execFile, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { openHouse, root, until } from '../lib/house.mjs'
import { addAssistant, measure, openModel } from './answers.mjs'
import { rowsOfFiles } from './files.mjs'
import { cpuUs, kernelKib, less, memoryKib, partsOf, sum } from './meter.mjs'
import { addCircle, addEntries, addGroup, addPeople, circleId, conversationId, pairsFile, seedCircle, tokensOf, userId } from './people.mjs'

const execute = promisify(execFile)
const RUNS = Number(process.env.RUNS ?? 3)
const SECONDS = Number(process.env.SECONDS ?? 4)
const PARKED = 10_000, PARKED_MORE = 20_000
const CONNECTIONS = '64'
// Goals were set on a machine whose nginx answered so many static GETs a second; here they count in that proportion.
const STATIC_OF_GOALS = 120_000
const bin = (name) => join(root, 'build/release/bin', `bench-${name}`)

const report = { machine: {}, rows: [], budget: {} }
const round = (n, digits = n < 10 ? 2 : n < 100 ? 1 : 0) => Number(n.toFixed(digits))

// goal: what would do here; limit: what it can be at most (of a rate) or at least (of a time or a size), and of what.
function row(name, figure, unit, { limit, of = '', goal, why = '', more = '' } = {}) {
  const rounded = { row: name, figure: round(figure), unit, limit: limit === undefined ? undefined : round(limit), of,
    ratio: limit ? round(figure / limit, 2) : undefined, goal: goal && round(goal), why, more }
  report.rows.push(rounded)
  const cells = [name.padEnd(54), `${rounded.figure} ${unit}`.padStart(15), `${rounded.limit ?? '-'}`.padStart(9),
    `${rounded.ratio ?? '-'}`.padStart(9), `${rounded.goal ?? '-'}`.padStart(8)]
  console.log(`${cells.join('')}   ${[more, limit && of && `limit: ${of}`, why].filter(Boolean).join('; ')}`)
}

const latencies = ({ p50_ms, p99_ms }) => `p50 ${p50_ms} ms, p99 ${p99_ms} ms`

async function run(tool, words, env = process.env) {
  const { stdout } = await execute(bin(tool), words.map(String), { env, maxBuffer: 1 << 26 })
  return JSON.parse(stdout)
}

async function median(task, by = 'per_s') {
  const results = []
  for (let i = 0; i < RUNS; i++) results.push(await task())
  return results.sort((x, y) => x[by] - y[by])[Math.floor(results.length / 2)]
}

// ---- a house with people ----

async function open(people, env = {}) {
  const house = await openHouse({ env: { POSTHOUSE_RATE_USER_PER_S: '0', POSTHOUSE_QUEUE: '4096', ...env } })
  try {
    const [[durable]] = await house.sql('SELECT @@innodb_flush_log_at_trx_commit')
    if (durable !== '1') throw new Error(`innodb_flush_log_at_trx_commit is ${durable}: not what is claimed`)
    await addPeople(house, 0, people)
    return { house, port: (env.TLS ? 'tls:' : '') + house.port, parts: await partsOf(house), tokens: await tokensOf(house, people) }
  } catch (problem) {
    await house.close()
    throw problem
  }
}

const get = (bench, path, token = '-', connections = CONNECTIONS, seconds = SECONDS) =>
  run('load', ['get', bench.port, path, token, connections, seconds])
const writer = (bench, senders) =>
  run('writer', [senders, senders, SECONDS], { ...process.env, ...bench.house.settings })

// What others are measured against, each once: static answers a second, durable sends a second of the writer alone.
const base = (bench) => ({
  static: () => (bench.static ??= median(() => get(bench, '/icon.svg'))),
  writer: () => (bench.writer ??= median(() => writer(bench, 256), 'sends_per_s')),
})
const here = async (bench, goal) => (goal * (await base(bench).static()).per_s) / STATIC_OF_GOALS
const hereTime = async (bench, goal) => (goal * STATIC_OF_GOALS) / (await base(bench).static()).per_s

// What was said before is in the search index: its work is no part of what is measured next.
const filed = (bench) => until('the search index to be up to date', async () =>
  (await bench.house.sql('SELECT COUNT(*) FROM search_queue'))[0][0] === '0', { deadlineMs: 120_000, everyMs: 200 })

// Runs a load and notes the µs of CPU that each part spent on one message, what comes after its answer included.
async function budgeted(bench, name, task) {
  await filed(bench)
  const before = cpuUs(bench.parts)
  const result = await task()
  await filed(bench)
  const spent = { ...less(cpuUs(bench.parts), before), client: result.cpu_s * 1e6 }
  const each = Object.fromEntries(Object.entries(spent).map(([part, us]) => [part, round(us / result.all, 1)]))
  report.budget[name] = { ...each, all: round(sum(spent) / result.all, 1) }
  return result
}

// ---- rows ----

async function rowsOfGets(bench) {
  const fixed = await base(bench).static()
  const limit = { limit: fixed.per_s, of: 'static' }
  row('nginx, a static file', fixed.per_s, '/s', { more: latencies(fixed), why: 'nginx and the client' })
  const trivial = await median(() => get(bench, '/api/v1/poll?timeout=0', bench.tokens[0]))
  row('GET /poll?timeout=0, signed in', trivial.per_s, '/s',
    { ...limit, goal: 0.45 * fixed.per_s, more: latencies(trivial), why: 'a thread and Redis for each' })
  const open = await median(() => get(bench, '/api/v1/server'))
  row('GET /server, nobody signed in', open.per_s, '/s', { ...limit, more: latencies(open), why: 'nginx, FastCGI' })
  const me = await median(() => get(bench, '/api/v1/me', bench.tokens[0]))
  row('GET /me, signed in', me.per_s, '/s', { ...limit, more: latencies(me), why: 'a prepared SELECT' })
}

async function rowsOfPairs(bench) {
  const [fixed, alone] = [await base(bench).static(), await base(bench).writer()]
  for (const [count, goal] of [[64, 12_000], [256, 14_000]]) {
    const file = pairsFile(bench.house, bench.tokens, count)
    const name = `messages, POST to poll and again, ${count} pairs`
    const result = await median(() => budgeted(bench, name, () => run('load', ['pairs', bench.port, file, SECONDS])))
    row(name, result.per_s, '/s', { limit: 1 / (2 / fixed.per_s + 1 / alone.sends_per_s), of: 'two static answers and one durable write',
      goal: await here(bench, goal), more: latencies(result), why: 'CPU, see the budget' })
  }
}

async function rowsOfSends(bench) {
  const alone = await base(bench).writer()
  row('durable writes, the log writer by itself', alone.sends_per_s, '/s', { more: latencies(alone), why: 'MariaDB' })
  const file = pairsFile(bench.house, bench.tokens, 256)
  const name = 'durable sends, 256 senders, nobody polls'
  const result = await median(() => budgeted(bench, name, () => run('load', ['sends', bench.port, file, SECONDS])))
  row(name, result.per_s, '/s', { limit: alone.sends_per_s, of: 'the writer by itself', goal: await here(bench, 20_000),
    more: latencies(result), why: 'CPU, see the budget' })
}

async function rowOfLatency(bench, parked, perS, seconds, goals) {
  const file = pairsFile(bench.house, bench.tokens, parked)
  const [alone, result] = [await writer(bench, 1), await run('load', ['paced', bench.port, file, perS, seconds])]
  const name = `delivery at ${perS}/s, ${parked} parked`
  const limit = { limit: alone.p50_ms, of: 'one durable write by itself' }
  row(`${name}, p50`, result.p50_ms, 'ms', { ...limit, goal: goals && await hereTime(bench, goals[0]), more: `${result.n} of them` })
  row(`${name}, p99`, result.p99_ms, 'ms', { limit: alone.p99_ms, of: limit.of, goal: goals && await hereTime(bench, goals[1]),
    more: `at most ${result.max_ms} ms` })
}

// Polls of `count` people, parked; what `task` does with them.
async function withParked(bench, count, task) {
  const child = spawn(bin('load'), ['park', bench.port, pairsFile(bench.house, bench.tokens, count)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error('the load client has ended')
    return JSON.parse(value)
  }
  try {
    await next()
    await until('all polls to be parked', async () => (await parkedNow(bench)) >= count, { deadlineMs: 60_000, everyMs: 200 })
    await task({ child, next })
  } finally {
    child.stdin.end()
    await ended
  }
}

async function parkedNow(bench) {
  const port = readFileSync(join(bench.house.run_dir, 'courier.port'), 'utf8').trim()
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return [...text.matchAll(/^posthouse_polls_parked\{[^}]*\} (\d+)/gm)].reduce((all, [, n]) => all + Number(n), 0)
}

const memoryOf = (bench) => ({ ...memoryKib(bench.parts), kernel: kernelKib() })

async function rowOfMemory(bench, count, goal) {
  const before = memoryOf(bench)
  await withParked(bench, count, async () => {
    const used = less(memoryOf(bench), before)
    const { kernel, mariadb, ...processes } = used // the database's cache grows by itself
    const each = Object.entries(processes).filter(([, kib]) => kib / count >= 0.01).map(([part, kib]) => `${part} ${round(kib / count)}`)
    row(`KiB of a parked poll, ${count} of them`, sum(processes) / count, 'KiB', { limit: used.nginx / count, of: "nginx's part", goal,
      why: "nginx's connection and request", more: `${each.join(', ')}, kernel with the client's ends ${round(kernel / count)}, MariaDB's cache ${round(mariadb / count)}` })
  })
}

async function rowOfWaking(bench) {
  const fixed = await base(bench).static()
  await withParked(bench, PARKED, async ({ child, next }) => {
    const wake = async () => {
      child.stdin.write('\n')
      const { began_us } = await run('ring', [userId(1), 2, PARKED], { ...process.env, ...bench.house.settings })
      const { woken_us } = await next()
      await until('all polls to be parked again', async () => (await parkedNow(bench)) >= PARKED, { deadlineMs: 60_000, everyMs: 200 })
      return { s: (woken_us - began_us) / 1e6 }
    }
    const { s } = await median(wake, 's')
    row(`waking ${PARKED} parked polls by one event`, s, 's', { limit: PARKED / fixed.per_s, of: 'so many static answers',
      goal: await hereTime(bench, 0.4), why: 'a box in Redis and an answer for each' })
  })
}

// How many polls the limits of descriptors allow: two of nginx's for each, in two workers that share unevenly.
function mostParked() {
  const files = Number(/Max open files\s+\d+\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))[1])
  return Math.min(PARKED_MORE, Math.floor((files * cpus().length * 0.45) / 100) * 100, files - 100)
}

// In a house of its own: memory that nginx has used once it keeps.
async function rowOfMost() {
  const bench = await open(2 * mostParked())
  try {
    await rowOfMemory(bench, mostParked())
  } finally {
    await bench.house.close()
  }
}

async function rowsOfTls() {
  const bench = await open(128, { TLS: '1' })
  try {
    const plain = (name) => report.rows.find((one) => one.row.startsWith(name))?.figure
    const both = [['nginx, a static file', '/icon.svg', '-'], ['GET /poll?timeout=0', '/api/v1/poll?timeout=0', bench.tokens[0]]]
    for (const [name, path, token] of both) {
      const result = await median(() => get(bench, path, token))
      row(`HTTPS: ${name}`, result.per_s, '/s', { limit: plain(name), of: 'the same over HTTP', more: latencies(result), why: 'TLS records' })
    }
    const file = pairsFile(bench.house, bench.tokens, 64)
    const result = await median(() => run('load', ['pairs', bench.port, file, SECONDS]))
    row('HTTPS: messages, 64 pairs', result.per_s, '/s', { limit: plain('messages, POST to poll and again, 64'), of: 'the same over HTTP',
      more: latencies(result), why: 'TLS records' })
  } finally {
    await bench.house.close()
  }
}

// The same questions to a small house and, grown, to a large one.
async function rowsOfGrowth() {
  const bench = await open(1000)
  const { house, tokens } = bench
  const long = 499 // the pair that says so much; it is none of those that send
  const conversation = `/api/v1/conversations/${conversationId(long)}`
  const questions = {
    'GET /users?q=': '/api/v1/users?q=person9',
    'GET a page of messages': `${conversation}/messages?limit=50`,
    'GET a page in the middle': `${conversation}/messages?limit=50&before_seq=5000`,
    'GET /conversations': '/api/v1/conversations',
  }
  const look = async () => {
    const figures = {}
    for (const [name, path] of Object.entries(questions)) figures[name] = (await get(bench, path, tokens[2 * long], 1, 2)).p50_ms
    figures['durable sends'] = (await run('load', ['sends', bench.port, pairsFile(house, tokens, 256), SECONDS])).per_s
    figures['memory of all processes'] = sum(memoryKib(bench.parts)) / 1024
    return figures
  }
  try {
    await addEntries(house, long, 1, 10_001)
    const small = await look()
    await addPeople(house, 1000, 20_000)
    const people = await look()
    for (let from = 10_001; from < 1_000_001; from += 90_000) await addEntries(house, long, from, Math.min(from + 90_000, 1_000_001))
    const entries = await look()
    for (const [what, now] of [['20,000 people for 1,000', people], ['1,000,000 entries for 10,000', entries]])
      for (const name of Object.keys(small))
        row(`${what}: ${name}`, now[name], name.startsWith('GET') ? 'ms' : name.startsWith('mem') ? 'MiB' : '/s',
          { limit: small[name], of: '1,000 people, 10,000 entries' })
  } finally {
    await house.close()
  }
}

// Somebody with 300 conversations in which a million entries were said; and one in which a million were.
async function rowsOfHistory() {
  const CONVERSATIONS = 300, EACH = 3334, LONG = 1_000_000
  const bench = await open(2 * CONVERSATIONS + 2)
  const { house, tokens: [me] } = bench
  const ask = (path) => get(bench, path, me, 1)
  const timed = (name, result, more) => {
    row(`${name}, p50`, result.p50_ms, 'ms', { goal: more.goal, more: more.more })
    row(`${name}, p99`, result.p99_ms, 'ms', {})
  }
  try {
    await addCircle(house, CONVERSATIONS)
    const words = await seedCircle(house, CONVERSATIONS, EACH)
    const entries = CONVERSATIONS * EACH
    row('entries filed for searches', entries / words.filing_s, '/s', { more: 'by one connection, 512 at a time', why: 'MariaDB' })
    for (const [what, q] of [['a rare word', 'lighthouse'], ['a common word', words.common], ['a prefix of many words', words.common[0]],
      ['two common words', `${words.common} ${words.middle}`], ['a rare and a common word', `lighthouse ${words.common}`],
      ['Chinese', '丁丂'], ['nothing', 'nowhere']]) {
      const path = `/api/v1/search/messages?q=${encodeURIComponent(q)}&limit=20`
      const first = await (await fetch(`${house.local_url}${path}`, { headers: { authorization: `Bearer ${me}` } })).json()
      const more = `${first.items.length} hits on the first page`
      timed(`search of ${entries} entries: ${what}`, await ask(path), { goal: 50, more })
      if (first.next_cursor)
        timed(`search of ${entries} entries: ${what}, second page`, await ask(`${path}&cursor=${first.next_cursor}`), { goal: 50, more: '' })
    }
    const list = async (limit, more) =>
      timed(`GET /conversations of ${CONVERSATIONS}, ${limit} of them, ${more}`, await ask(`/api/v1/conversations?limit=${limit}`), { more: '' })
    await list(50, 'nothing read')
    await house.sql(`UPDATE members SET read_seq = ${EACH} - IF(conversation_id % 10 = 0, 30, 0) WHERE user_id = ${userId(0)}`)
    for (const limit of [50, 200]) await list(limit, '30 unread in a tenth')
    await rowsOfSync(bench, CONVERSATIONS, EACH, timed)
    for (let from = 1; from < LONG; from += 100_000) await addEntries(house, 0, from, Math.min(from + 100_000, LONG + 1))
    const log = `/api/v1/conversations/${conversationId(0)}/messages?limit=50`
    for (const seq of [100, LONG])
      timed(`a page of history before seq ${seq}`, await ask(`${log}&before_seq=${seq}`), { more: `of ${LONG}` })
  } finally {
    await house.close()
  }
}

async function rowsOfSync(bench, conversations, each, timed) {
  const sync = async (name, behind, more) => {
    const file = join(bench.house.folder, 'sync.json')
    const known = Array.from({ length: conversations }, (_, i) => ({ id: String(circleId(i)), seq: each - (i < behind ? 20 : 0) }))
    writeFileSync(file, JSON.stringify({ conversations: known, limit: 20 }))
    timed(`POST /sync of ${conversations} conversations, ${name}`,
      await run('load', ['post', bench.port, '/api/v1/sync', bench.tokens[0], file, 1, SECONDS]), { more })
  }
  await sync('nothing is new', 0, 'all are named')
  await sync('20 entries in each of 20', 20, 'all are named')
}

async function rowsOfGroup() {
  const MEMBERS = 500
  const bench = await open(MEMBERS + 2)
  try {
    const file = await addGroup(bench.house, bench.tokens, MEMBERS)
    const name = `one message at a time to ${MEMBERS} who poll`
    const result = await median(() => budgeted(bench, name, () => run('load', ['group', bench.port, file, SECONDS])))
    row(`${name}, deliveries`, result.per_s * MEMBERS, '/s', { goal: await here(bench, 50_000), more: `${result.per_s} messages/s`,
      limit: (await base(bench).static()).per_s, of: 'static', why: 'an answer and a new poll for each' })
    row(`${name}, to the last of them`, result.p50_ms, 'ms', { goal: await hereTime(bench, 10), more: latencies(result) })
  } finally {
    await bench.house.close()
  }
}

// Answers of assistants, all written by one process. Each word comes with the next telling, four times a second.
async function rowsOfAnswers() {
  const ANSWERS = 200, TELL_MS = 250
  const model = await openModel()
  const bench = await open(ANSWERS, model.settings)
  try {
    const result = await measure(bench.house, model, bench.tokens.slice(0, ANSWERS), await addAssistant(bench.house, model.settings), 15)
    const name = `${ANSWERS} answers at once, from the model to the reader`
    row(`${name}, p50`, result.p50_ms, 'ms', { limit: TELL_MS / 2, of: 'half of the time between two tellings', more: `${result.n} words` })
    row(`${name}, p99`, result.p99_ms, 'ms', { limit: TELL_MS, of: 'the time between two tellings', more: `at most ${round(result.max_ms)} ms` })
    row('KiB of ai for an answer that is written', result.kib, 'KiB', { why: "libcurl's buffers" })
  } finally {
    await bench.house.close()
    await model.close()
  }
}

const rows = {
  memory: (bench) => rowOfMemory(bench, PARKED, 11), // the first: memory that nginx has used once it keeps
  get: rowsOfGets,
  sends: rowsOfSends,
  pairs: rowsOfPairs,
  latency: (bench) => rowOfLatency(bench, 1000, 100, 20, [1.3, 6]),
  waking: rowOfWaking,
  crowd: (bench) => rowOfLatency(bench, PARKED, 1000, 60),
  more: rowOfMost,
  tls: rowsOfTls,
  growth: rowsOfGrowth,
  history: rowsOfHistory,
  group: rowsOfGroup,
  files: () => rowsOfFiles(open, { row, runs: RUNS }),
  ai: rowsOfAnswers,
}
const OWN_HOUSE = ['more', 'tls', 'growth', 'history', 'group', 'files', 'ai']

const chosen = process.env.ROWS ? process.env.ROWS.split(/[ ,]+/) : Object.keys(rows)
const unknown = chosen.filter((name) => !rows[name])
if (unknown.length) throw new Error(`ROWS: ${unknown} is none of ${Object.keys(rows)}`)

report.machine = { cpu: cpus()[0].model.trim(), cores: cpus().length, durable: 'innodb_flush_log_at_trx_commit = 1' }
console.log(`${report.machine.cores} cores (${report.machine.cpu}) for everything, the client too; ${report.machine.durable}`)
console.log(`${'row'.padEnd(54)}${'figure'.padStart(15)}${'limit'.padStart(9)}${'ratio'.padStart(9)}${'goal'.padStart(8)}   notes`)
if (chosen.some((name) => !OWN_HOUSE.includes(name))) {
  const bench = await open(2 * PARKED)
  try {
    for (const name of chosen.filter((one) => !OWN_HOUSE.includes(one))) await rows[name](bench)
  } finally {
    await bench.house.close()
  }
}
for (const name of chosen.filter((one) => OWN_HOUSE.includes(one))) await rows[name]()

if (Object.keys(report.budget).length) console.log('\nµs of CPU for one message')
for (const [name, parts] of Object.entries(report.budget))
  console.log(`${name.padEnd(54)}${Object.entries(parts).map(([part, us]) => `${part} ${us}`).join('   ')}`)
writeFileSync(join(root, 'build/bench.json'), `${JSON.stringify(report, null, 1)}\n`)
