// The house that all API suites share: opened once, without limits per person or address (the suites are one address
// that is always in a hurry), closed after the last test. And what these suites look into besides HTTP.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { readFileSync, writeFileSync } from 'node:fs'
import { after } from 'node:test'

import { openHouse } from '../lib/house.mjs'
import { openStub } from '../lib/model-stub.mjs'

export const CORS_ORIGIN = 'https://chat.example.org'

const settings = {
  POSTHOUSE_RATE_USER_PER_S: '0',
  POSTHOUSE_CORS_ORIGINS: CORS_ORIGIN,
  POSTHOUSE_STREAM_BEAT_S: '1',
  POSTHOUSE_OUTPUT_TIMEOUT_S: '2',
  POSTHOUSE_AI_USER_ANSWERS: '40',
  POSTHOUSE_AI_ASSISTANT_TOKENS_PER_DAY: '250000',
}
/** The server of models: a provider of the house for each of its ways; the waits are short only where one is waited for. */
export const stub = await openStub()
const WAITS = { private_address: true, first_token_s: 20, between_tokens_s: 20, answer_s: 60, context_tokens: 4000, max_output_tokens: 500 }
/** For those whose next word comes when a test says so. */
const PATIENT = { first_token_s: 60, between_tokens_s: 60, answer_s: 120 }

function configure(folder) {
  const providers = stub.ways.map((what) => ({ name: what, base_url: stub.url(what), model: `model-${what}`, ...WAITS }))
  for (const one of providers.filter(({ name }) => name.startsWith('hang'))) Object.assign(one, { first_token_s: 1, between_tokens_s: 1 })
  Object.assign(providers.find(({ name }) => name === 'slow'), PATIENT)
  writeFileSync(join(folder, 'model.key'), 'sk-of-the-stub\n', { mode: 0o600 })
  Object.assign(providers.find(({ name }) => name === 'fine'), { key_file: join(folder, 'model.key'), temperature: 0.5, pictures: true, input_price: 0.25, output_price: 1 })
  providers.push(
    { name: 'public', base_url: stub.url('fine'), model: 'm', ...WAITS, private_address: false },
    { name: 'nowhere', base_url: 'http://127.0.0.1:1/v1', model: 'm', ...WAITS },
    { name: 'behind', base_url: stub.url('500'), model: 'm', ...WAITS, fallback: 'fine' },
    { name: 'narrow', base_url: stub.url('500'), model: 'm', ...WAITS, context_tokens: 800, fallback: 'fine' },
    { name: 'dear', base_url: stub.url('slow'), model: 'm', ...WAITS, ...PATIENT, context_tokens: 40000, max_output_tokens: 20000 },
  )
  if (process.env.TEST_MODEL_URL) providers.push({ name: 'real', base_url: process.env.TEST_MODEL_URL, model: 'noise', ...WAITS, max_output_tokens: 400, temperature: 0.9 })
  writeFileSync(join(folder, 'providers.json'), JSON.stringify({ currency: 'CNY', providers }))
  writeFileSync(join(folder, 'posthouse.conf'), `providers = ${join(folder, 'providers.json')}\nai_helper = help\nstore_dir = ${join(folder, 'files')}\n`)
}
export const house = await openHouse({ env: settings, prepare: configure })
after(async () => {
  await house.close()
  await stub.close()
})

/** posthousectl with all settings of the house. */
export const operate = (...words) => house.control('--config', join(house.folder, 'posthouse.conf'), ...words)

const SEARCH = ['search_terms', 'search_queue', 'search_sweeps'] // the courier's, a moment later
/**
 * Table → number of rows, for "nothing was stored". `but` are tables that change by themselves or by right. The courier
 * sweeps once a minute what is a day old: no test may leave such rows, or a count that this minute falls into is another.
 */
let tables
export async function rowCounts(but = []) {
  tables ??= (await house.sql('SHOW TABLES')).flat()
  const counts = tables.filter((name) => !['outbox', ...SEARCH, ...but].includes(name))
    .map((name) => `SELECT '${name}', COUNT(*) FROM ${name}`)
  return Object.fromEntries(await house.sql(counts.join(' UNION ALL ')))
}

/** The sum of one of the courier's counters over its labels. */
export async function metric(name) {
  const port = readFileSync(join(house.run_dir, 'courier.port'), 'utf8').trim()
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`)
  const rows = (await answer.text()).split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  return rows.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

/** The environment of a process of this house. */
function environment(extra) {
  return {
    PATH: process.env.PATH,
    ...settings,
    POSTHOUSE_RUN_DIR: house.run_dir,
    POSTHOUSE_TOKEN_SECRET_FILE: join(house.folder, 'secret'),
    POSTHOUSE_DB_SOCKET: house.db_socket,
    POSTHOUSE_DB_NAME: house.db_name,
    POSTHOUSE_DB_USER: 'posthouse',
    POSTHOUSE_DB_PASSWORD: readFileSync(join(house.folder, 'db_password'), 'utf8').trim(),
    POSTHOUSE_REDIS_SOCKET: house.redis_socket,
    ...extra,
  }
}

/** One request to a handler started as a plain CGI program with settings of its own; an answer as client.mjs gives it. */
export async function cgi(program, { method = 'GET', uri, body = '', env = {} }) {
  const params = {
    GATEWAY_INTERFACE: 'CGI/1.1',
    REQUEST_METHOD: method,
    REQUEST_URI: uri,
    QUERY_STRING: uri.split('?')[1] ?? '',
    CONTENT_TYPE: 'application/json',
    CONTENT_LENGTH: String(Buffer.byteLength(body)),
    REMOTE_ADDR: '127.0.0.1',
    REQUEST_SCHEME: 'http',
    HTTP_HOST: 'localhost',
  }
  const child = spawn(join(house.bin, `posthouse-${program}`), [], {
    env: { ...environment(env), ...params },
    cwd: house.folder,
  })
  let out = ''
  let log = ''
  child.stdout.setEncoding('utf8').on('data', (data) => (out += data))
  child.stderr.setEncoding('utf8').on('data', (data) => (log += data))
  child.stdin.on('error', () => {})
  child.stdin.end(body)
  const code = await new Promise((resolve) => child.on('close', resolve))
  const [, head, text] = /^(.*?)\r?\n\r?\n(.*)$/s.exec(out) ?? []
  if (head === undefined) throw new Error(`no CGI answer (exit ${code}): ${out}\n${log}`)
  const headers = Object.fromEntries(head.split(/\r?\n/).map((line) => {
    const [, name, value] = /^([^:]+):\s*(.*)$/.exec(line)
    return [name.toLowerCase(), value]
  }))
  const status = Number.parseInt(headers.status ?? '200', 10)
  return { method, path: uri, status, headers, text, body: /json/.test(headers['content-type'] ?? '') ? JSON.parse(text) : undefined, id: headers['x-request-id'] }
}
