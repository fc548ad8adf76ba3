// Fill the running house with a few people and conversations to look at (`make demo`), through the public API alone.
// Safe to run twice: people who are there sign in, friends stay friends, and each message has an id of its own that
// the house knows again.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = process.env.POSTHOUSE_VAR ?? join(root, 'var')
const PASSWORD = 'relay-station-驿站'

const PEOPLE = [
  ['lihua', '李华', '山高水长，来日方长'],
  ['wangfang', '王芳', '今天也要好好吃饭 🍜'],
  ['zhangwei', '张伟', '写代码的驿卒'],
  ['alice', 'Alice Chen', 'Letters, not meetings.'],
  ['ben', 'Ben Carter', 'Usually on a train'],
  ['mia', 'Mia Novak', ''],
]
const FRIENDS = [
  ['lihua', 'wangfang'], ['lihua', 'zhangwei'], ['lihua', 'alice'], ['wangfang', 'zhangwei'],
  ['alice', 'ben'], ['alice', 'mia'], ['ben', 'mia'],
]
// Requests that wait for an answer.
const ASKS = [['ben', 'lihua', '你好，I am Ben from the reading club'], ['mia', 'wangfang', 'Alice told me about you 🙂']]
const TALKS = [
  ['lihua', 'wangfang', [
    [0, '周末去爬香山吗？听说红叶正好 🍁'],
    [1, '好啊！周六还是周日？'],
    [0, '周六吧，周日有雨。早上八点，地铁站见'],
    [1, '没问题，我带早饭：豆浆油条各两份 🥢'],
    [0, '太好了，那我带茶和相机 📷'],
    [1, '👌 不见不散'],
  ]],
  ['lihua', 'zhangwei', [
    [1, '新版的驿站上线了，延迟从 12 毫秒降到 4 毫秒'],
    [0, '怎么做到的？'],
    [1, '一批消息只提交一次事务，其余时间都在等磁盘'],
    [0, '厉害 👏 周一分享给大家吧'],
  ]],
  ['lihua', 'alice', [
    [1, 'Hi 李华! How do you say “relay station” in Chinese?'],
    [0, '驿站 (yìzhàn). Couriers changed horses there, and letters waited for their readers.'],
    [1, 'So it is a poste restante with horses 🐎'],
    [0, '哈哈，exactly'],
  ]],
  ['alice', 'ben', [
    [0, 'Are you still on the 7:40 to Leeds?'],
    [1, 'Yes. The tunnel ate my last three messages and then gave them all back, in order.'],
    [0, 'That is the whole idea.'],
    [1, '😄'],
  ]],
  ['alice', 'mia', [[1, 'Dinner on Friday? There is a new place by the river.'], [0, 'Friday at seven. I will book.']]],
  ['wangfang', 'zhangwei', [[0, '会议改到三点了，别忘了带上投影仪的转接头'], [1, '收到 ✅']]],
]

class Refused extends Error {}

async function call(person, method, path, body) {
  const answer = await fetch(`${house.local_url}/api/v1${path}`, {
    method,
    headers: {
      ...(body ? { 'Content-Type': 'application/json' } : {}),
      ...(person ? { Authorization: `Bearer ${person.token}` } : {}),
    },
    body: body && JSON.stringify(body),
  })
  const said = answer.status === 204 ? null : await answer.json()
  if (!answer.ok) throw Object.assign(new Refused(`${method} ${path}: ${said.detail || said.title}`), { code: said.code })
  return said
}

// A UUID made of the text: the same message has the same id in every run.
function idOf(text) {
  const hex = createHash('sha256').update(text).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

async function person([username, nickname, signature]) {
  const device = { name: 'make demo', platform: 'other' }
  const signIn = () => call(null, 'POST', '/login', { username, password: PASSWORD, device })
  let session
  try {
    session = await call(null, 'POST', '/register', { username, password: PASSWORD, nickname, device })
  } catch (problem) {
    if (problem.code === 'wrong_password' || problem.code === 'username_taken') session = await signIn()
    else if (problem.code === 'registration_closed') session = await signIn()
    else throw problem
  }
  const made = { id: session.user.id, token: session.access_token }
  if (session.user.signature !== signature) await call(made, 'PATCH', '/me', { signature })
  return made
}

// friend's id -> conversation's id
async function friendsOf(someone) {
  const { items } = await call(someone, 'GET', '/friends?limit=200')
  return new Map(items.map(({ user, conversation_id }) => [user.id, conversation_id]))
}

async function befriend(a, b) {
  if ((await friendsOf(a)).has(b.id)) return
  const asked = await call(a, 'POST', '/friend-requests', { user_id: b.id, message: '' })
  if (asked.state === 'pending') await call(b, 'POST', `/friend-requests/${asked.id}/accept`)
}

async function ask(a, b, message) {
  if ((await friendsOf(a)).has(b.id)) return
  const { items } = await call(a, 'GET', '/friend-requests?direction=out&limit=200')
  if (!items.some(({ to, state }) => to.id === b.id && state === 'pending')) {
    await call(a, 'POST', '/friend-requests', { user_id: b.id, message })
  }
}

async function talk(names, people, lines) {
  const [a, b] = names.map((name) => people[name])
  const conversation = (await friendsOf(a)).get(b.id)
  for (const [number, [who, text]] of lines.entries()) {
    await call([a, b][who], 'POST', `/conversations/${conversation}/messages`, {
      client_msg_id: idOf(`${names.join()} ${number} ${text}`), type: 'text', content: { text },
    })
  }
}

let house
try {
  house = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))
} catch {
  console.error('demo: no house is running here; start one with `make run` in another terminal')
  process.exit(1)
}
// Node reads additional authorities only at its start.
if (house.ca && process.env.NODE_EXTRA_CA_CERTS !== house.ca) {
  const again = spawnSync(process.execPath, process.argv.slice(1), {
    stdio: 'inherit', env: { ...process.env, NODE_EXTRA_CA_CERTS: house.ca },
  })
  process.exit(again.status ?? 1)
}

try {
  const people = {}
  for (const row of PEOPLE) people[row[0]] = await person(row)
  for (const [a, b] of FRIENDS) await befriend(people[a], people[b])
  for (const [a, b, message] of ASKS) await ask(people[a], people[b], message)
  for (const [a, b, lines] of TALKS) await talk([a, b], people, lines)
} catch (problem) {
  if (!(problem instanceof Refused)) throw problem
  console.error(`demo: ${problem.message}`)
  process.exit(1)
}

console.log(`\n  ${house.url}\n`)
for (const [username, nickname] of PEOPLE) console.log(`  ${username.padEnd(10)} ${PASSWORD}   ${nickname}`)
console.log('')
