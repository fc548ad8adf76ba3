// Many answers that are written at once: a model's server whose words are the time of day, and a reader with a stream for
// each of them. Both are this process, so that one clock is enough.
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'

import { until } from '../lib/house.mjs'

const WORD_MS = 100
const now = () => performance.timeOrigin + performance.now()
const chunk = (content) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`

/** {settings: of a house that asks it, running(), end(): all answers} */
export async function openModel() {
  const answers = new Map() // response → timer
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      // They began together; their words shall not.
      const begin = setTimeout(() => answers.set(response, setInterval(() => response.write(chunk(`@${now().toFixed(1)};`)), WORD_MS)), Math.random() * WORD_MS)
      answers.set(response, begin)
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', 1024, resolve))
  const file = join(tmpdir(), `posthouse-providers.${process.pid}.json`)
  const { port } = server.address()
  writeFileSync(file, JSON.stringify({ providers: [{ name: 'clock', base_url: `http://127.0.0.1:${port}/v1`, model: 'm', private_address: true }] }))
  return {
    settings: { POSTHOUSE_PROVIDERS: file, POSTHOUSE_POOL_AI: '1', POSTHOUSE_AI_USER_TOKENS_PER_DAY: '0' },
    running: () => answers.size,
    end() {
      for (const [response, timer] of answers) {
        clearInterval(timer)
        response.end('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
      }
      answers.clear()
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The assistant's id. */
export async function addAssistant(house, settings) {
  const words = ['assistant', 'add', 'clock', '--provider', 'clock']
  await promisify(execFile)(join(house.bin, 'posthousectl'), words, { env: { PATH: process.env.PATH, ...house.settings, ...settings } })
  return (await house.sql("SELECT id FROM users WHERE username = 'clock'"))[0][0]
}

async function call(house, token, path, body) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const answer = await fetch(`${house.local_url}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

/** Reads a stream until it is aborted; gives onDelays the ms that each word of a delta took. */
async function read(house, token, signal, onDelays) {
  const { body } = await fetch(`${house.local_url}/api/v1/stream`, { headers: { authorization: `Bearer ${token}` }, signal })
  const decoder = new TextDecoder()
  let text = ''
  for await (const bytes of body) {
    const at = now()
    const lines = (text + decoder.decode(bytes, { stream: true })).split('\n')
    text = lines.pop()
    const deltas = lines.filter((line) => line.startsWith('data: ')).flatMap((line) => JSON.parse(line.slice(6)).events).filter(({ type }) => type === 'ai.delta')
    if (deltas.length) onDelays(deltas.flatMap((delta) => [...delta.text.matchAll(/@([\d.]+);/g)].map(([, said]) => at - Number(said))))
  }
}

/** Each of these people asks, and reads for so long; {n, p50_ms, p99_ms, max_ms, kib: of the process for one answer}. */
export async function measure(house, model, tokens, assistant, seconds) {
  const pid = (await house.processes())['ai.0'].pid
  const memory = () => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1])
  const conversations = []
  for (const token of tokens) conversations.push((await call(house, token, '/conversations', { user_id: assistant })).id)
  const stop = new AbortController()
  let [counts, delays] = [false, []]
  const readers = tokens.map((token) => read(house, token, stop.signal, (some) => counts && delays.push(...some)).catch((problem) => {
    if (!stop.signal.aborted) throw problem
  }))
  const before = memory()
  await Promise.all(tokens.map((token, i) => call(house, token, `/conversations/${conversations[i]}/messages`,
    { client_msg_id: crypto.randomUUID(), type: 'text', content: { text: 'what time is it?' } })))
  await until('all answers to be written', () => model.running() === tokens.length, { deadlineMs: 60_000 })
  counts = true
  await Promise.race([Promise.all(readers), new Promise((resolve) => setTimeout(resolve, seconds * 1000))])
  counts = false
  const kib = (memory() - before) / tokens.length
  model.end()
  await until('all answers to be done', async () => (await house.sql('SELECT COUNT(*) FROM ai_replies WHERE state <> 2'))[0][0] === '0', { deadlineMs: 60_000 })
  stop.abort()
  await Promise.all(readers)
  delays.sort((a, b) => a - b)
  const part = (share) => delays[Math.floor(delays.length * share)]
  return { n: delays.length, p50_ms: part(0.5), p99_ms: part(0.99), max_ms: delays.at(-1), kib }
}
