// A real answer of a real model (llama.cpp), streamed end to end. Its packages are installed here and nowhere else, once, under build/.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { after } from 'node:test'
import { promisify } from 'node:util'

import { root } from '../lib/house.mjs'

const VERSION = '3.22.1'
const folder = join(root, 'build/llama')
const stamp = join(folder, `.installed-${VERSION}`)

/** The binary of this machine alone: all of them are 700 MB. */
async function install() {
  if (existsSync(stamp)) return
  mkdirSync(folder, { recursive: true })
  const wanted = [`node-llama-cpp@${VERSION}`, `@node-llama-cpp/linux-${process.arch}@${VERSION}`]
  await promisify(execFile)('npm', ['install', '--prefix', folder, '--no-save', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund',
    '--loglevel=error', ...wanted])
  writeFileSync(stamp, '')
}

await install()
const server = spawn(process.execPath, [join(root, 'tests/lib/model-server.mjs'), folder], { stdio: ['ignore', 'pipe', 'inherit'] })
const dead = new Promise((_, reject) => server.on('exit', (code) => reject(new Error(`the model's server ended with ${code}`))))
const port = await Promise.race([dead, new Promise((resolve) => createInterface(server.stdout).once('line', resolve))])
dead.catch(() => {})
const url = `http://127.0.0.1:${port}/v1`
process.env.TEST_MODEL_URL = url
after(() => server.kill())

const { Person, Poller, ok, test, unique, until } = await import('./client.mjs')
const { house, operate } = await import('./house.mjs')

test('what a real model says is seen growing, and is one entry at its end', async () => {
  const username = unique('noise')
  await operate('assistant', 'add', username, '--provider', 'real')
  const [[id]] = await house.sql(`SELECT id FROM users WHERE username = '${username}'`)
  const person = await Person.register()
  const conversation = ok(await person.post('/conversations', { user_id: id }), 201).id
  const poller = await Poller.start(person)
  const asked = await person.say(conversation, '你好, who are you?')
  const finished = await poller.event('ai.finished', ({ type }) => type === 'ai.finished', 60_000)
  assert.equal(finished.state, 'done')
  const deltas = poller.events.filter(({ type }) => type === 'ai.delta')
  assert.ok(deltas.length > 0, 'nothing was told while it was written')

  const reply = ok(await person.get(`/conversations/${conversation}/ai/replies/${finished.reply_id}`))
  const [{ text, input, output }] = await (await fetch(new URL('/said', url))).json()
  assert.ok(text.length > 0)
  assert.equal(reply.text, text)
  assert.equal(reply.reply_to_seq, asked.seq)
  assert.deepEqual([reply.input_tokens, reply.output_tokens], [input, output])
  assert.ok(input > 0 && output > 0)
  const grown = deltas.reduce((known, { offset, text: more }) => {
    assert.ok(offset <= [...known].length, 'nothing is missing')
    return [...known].slice(0, offset).join('') + more
  }, '')
  assert.ok(text.startsWith(grown))
  await until('nothing is reserved any more', async () =>
    (await house.sql(`SELECT reserved, used FROM ai_spending WHERE scope = 0 AND subject_id = ${person.id}`))[0].join() === `0,${input + output}`)
})
