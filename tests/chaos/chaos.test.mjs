// kill -9 of everything, once each, while messages flow. Afterwards: what was acknowledged is in the log, once, at the seq
// that was told; the log has no hole and nothing that nobody sent; every device, by events and gap filling alone, has come
// to the same log within five seconds.
//
//   CHAOS_SEED=…      repeats the choices of a run      CHAOS_SECONDS=…   between the first and the last kill (24)
//   CHAOS_PAIRS=…     pairs of people (10)
import assert from 'node:assert/strict'
import { createHash, randomInt } from 'node:crypto'
import { after, test } from 'node:test'

import { openHouse, root, until } from '../lib/house.mjs'
import { Device, pause } from './device.mjs'
import { History, randomFrom } from './history.mjs'

const seed = Number(process.env.CHAOS_SEED ?? randomInt(2 ** 31))
const seconds = Number(process.env.CHAOS_SECONDS ?? 24)
const pairs = Number(process.env.CHAOS_PAIRS ?? 10)
const HEAL_MS = 5000
const TARGETS = ['login', 'friends', 'messages', 'history', 'poll', 'courier', 'redis', 'mariadb']

const random = randomFrom(seed)
const pick = (list) => list[Math.floor(random() * list.length)]
const house = await openHouse({ env: { POSTHOUSE_RATE_USER_PER_S: '0' } })
after(() => house.close())
const history = new History(`${root}/build/chaos/${seed}.jsonl`)

let silent = false // nobody says anything any more
let over = false // nobody listens any more
const world = { base: `${house.local_url}/api/v1`, history, random, isOver: () => over }

/** A UUID that the seed decides. */
function uuid() {
  const hex = createHash('sha256').update(`${seed} ${random()} ${random()}`).digest('hex')
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5')
}

async function post(path, token, body) {
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) }
  const answer = await fetch(world.base + path, { method: 'POST', headers, body: JSON.stringify(body) })
  const text = await answer.text()
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`)
  return JSON.parse(text)
}

/** Two people who are friends, each with devices that listen: {conversation, devices: [[…], […]]}. */
async function makePair(n) {
  const accounts = await Promise.all(['a', 'b'].map(async (side) => {
    const credentials = { username: `chaos-${seed}-${n}${side}`, password: 'chaos and order 1' }
    const made = await post('/register', null, { ...credentials, nickname: side, device: { name: 'setup', platform: 'other' } })
    return { name: `${n}${side}`, credentials, id: made.user.id, token: made.access_token }
  }))
  const request = await post('/friend-requests', accounts[0].token, { user_id: accounts[1].id })
  const friend = await post(`/friend-requests/${request.id}/accept`, accounts[1].token, {})
  const devices = await Promise.all(accounts.map((account, side) =>
    Promise.all(Array.from({ length: side === 0 ? 2 : 1 }, async (_, number) => {
      const device = new Device(account, number, world)
      await device.signIn()
      return device
    }))))
  return { conversation: friend.conversation_id, devices, sent: [] }
}

/** One device keeps talking, each message acknowledged before its next. */
async function talk(pair, device) {
  for (let n = 0; !silent; n++) {
    const id = uuid()
    const text = `${device.who} 第 ${n} 句 ${'驿'.repeat(Math.floor(random() * 40))}🐎`
    const sent = { id, text, sender: device.account.id, seq: undefined }
    pair.sent.push(sent)
    sent.seq = await device.say(pair.conversation, id, text)
    await pause(random() * 80)
  }
}

/** And does this and that which needs the other handlers. */
async function potter(pair, device) {
  while (!silent) {
    const what = pick(['/me', '/friends', '/friend-requests', '/conversations', `/conversations/${pair.conversation}`, 'refresh'])
    if (what === 'refresh') await device.refresh()
    else await device.insist('read', 'GET', what)
    await pause(300 + random() * 1500)
  }
}

async function killAll() {
  const order = [...TARGETS].sort(() => random() - 0.5)
  for (const target of order) {
    await pause((seconds * 1000) / order.length * (0.5 + random() / 2))
    const names = Object.keys(await house.processes()).filter((name) => name.split('.')[0] === target)
    const name = pick(names)
    const pid = await house.kill(name)
    history.note('chaos', 'kill', 'ok', { name })
    const died = Date.now()
    await house.restarted(name, pid)
    console.log(`# killed ${name} (${pid}); it runs again after ${Date.now() - died} ms`)
  }
}

/** The log as the database has it: [{seq, sender, id, text}]. */
async function logOf(conversation) {
  const rows = await house.sql(`SELECT seq, sender_id, LOWER(HEX(client_msg_id)), HEX(content) FROM entries
    WHERE conversation_id = ${conversation} ORDER BY seq`)
  return rows.map(([seq, sender, id, content]) => ({ seq: Number(seq), sender,
    id: id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    text: JSON.parse(Buffer.from(content, 'hex').toString()).text }))
}

/** What contradicts the promises, as sentences. */
function contradictions(pair, log) {
  const wrong = []
  log.forEach(({ seq }, i) => seq === i + 1 || wrong.push(`seq ${seq} stands at place ${i + 1}`))
  const said = log.filter(({ sender }) => sender !== '0')
  const byId = new Map()
  for (const entry of said) {
    if (byId.has(entry.id)) wrong.push(`${entry.id} is there twice, at ${byId.get(entry.id).seq} and ${entry.seq}`)
    byId.set(entry.id, entry)
  }
  for (const sent of pair.sent) {
    const entry = byId.get(sent.id)
    byId.delete(sent.id)
    if (sent.seq && entry?.seq !== sent.seq) wrong.push(`${sent.id} was acknowledged at ${sent.seq}, the log has ${entry?.seq}`)
    if (entry && (entry.text !== sent.text || entry.sender !== sent.sender)) wrong.push(`${sent.id} is there with another text or sender`)
  }
  for (const entry of byId.values()) wrong.push(`nobody sent ${entry.id} at ${entry.seq}`)
  return wrong.map((sentence) => `conversation ${pair.conversation}: ${sentence}`)
}

const isSame = (device, conversation, log) => {
  const view = device.view(conversation)
  return view.length === log.length && log.every(({ seq, id, sender }, i) =>
    view[i].seq === seq && (sender === '0' || view[i].client_msg_id === id))
}

/** Of many complaints the first ones say it all. */
function none(complaints, what) {
  const shown = complaints.slice(0, 10).join('\n')
  assert.equal(complaints.length, 0, `${what}: ${complaints.length}, the first:\n${shown}`)
}

test('kill -9 of everything while messages flow: nothing acknowledged is lost, doubled or out of order', { timeout: 300_000 }, async () => {
  console.log(`# seed ${seed}, ${pairs} pairs, kills within ${seconds} s, history in ${history.file}`)
  const all = []
  for (let n = 0; n < pairs; n++) all.push(await makePair(n))
  const devices = all.flatMap((pair) => pair.devices.flat())
  const listening = devices.map((device) => device.listen())
  const talking = all.flatMap((pair) => pair.devices.map(([device]) => talk(pair, device)))
  const pottering = all.flatMap((pair) => pair.devices.map(([device]) => potter(pair, device)))

  await killAll()
  await pause(1000)
  silent = true
  await Promise.all([...talking, ...pottering])
  const healed = Date.now()

  const logs = new Map()
  for (const pair of all) logs.set(pair, await logOf(pair.conversation))
  const behind = () => all.flatMap((pair) => pair.devices.flat()
    .filter((device) => !isSame(device, pair.conversation, logs.get(pair)))
    .map((device) => `${device.who} has ${device.view(pair.conversation).length} of ${logs.get(pair).length}`))
  const late = await until('every device has the whole log', () => behind().length === 0, { deadlineMs: HEAL_MS })
    .then(() => [], behind)
  console.log(`# ${late.length} devices were late; it was over ${Date.now() - healed} ms after the last message`)
  over = true
  devices.forEach((device) => device.stop())
  await Promise.all(listening)
  await history.close()

  const sent = all.flatMap((pair) => pair.sent)
  console.log(`# ${sent.length} messages, ${devices.length} devices, ${devices.reduce((n, { resyncs }) => n + resyncs, 0)} resyncs`)
  for (const [what, n] of [...history.counts].sort()) console.log(`#   ${what}: ${n}`)
  none(devices.flatMap(({ faults }) => faults), 'answers that nobody may get')
  none(sent.filter(({ seq }) => !seq).map(({ id }) => id), 'sends that were never acknowledged')
  none(all.flatMap((pair) => contradictions(pair, logs.get(pair))), 'contradictions')
  none(late, `not within ${HEAL_MS} ms`)
  assert.ok(sent.length > pairs * seconds, `only ${sent.length} messages`)
})
