// A house with its limits on, over TLS: who asks too often is told how long to wait, and others go on.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect as connectH2 } from 'node:http2'
import { Agent, request } from 'node:https'
import { after, test } from 'node:test'

import { openHouse, until } from '../lib/house.mjs'
import { checkAnswer } from './validate.mjs'

const LOGIN = { perSecond: 2, burst: 5 }
const house = await openHouse({
  env: {
    TLS: '1',
    POSTHOUSE_RATE_USER_PER_S: '5',
    POSTHOUSE_RATE_USER_BURST: '20',
    POSTHOUSE_RATE_ADDRESS_PER_S: '2000',
    POSTHOUSE_RATE_ADDRESS_BURST: '2000',
    POSTHOUSE_RATE_LOGIN_PER_S: String(LOGIN.perSecond),
    POSTHOUSE_RATE_LOGIN_BURST: String(LOGIN.burst),
    POSTHOUSE_POLLS_PER_PROCESS: '10',
    POSTHOUSE_POOL_POLL: '1',
    POSTHOUSE_GROUP_MEMBERS_MAX: '2',
  },
})
const agent = new Agent({ ca: readFileSync(house.ca), keepAlive: true })
after(async () => {
  agent.destroy()
  await house.close()
})

function call(method, path, { token, body } = {}) {
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) }
  return new Promise((resolve, reject) => {
    const sent = request(`${house.local_url}/api/v1${path}`, { method, headers, agent }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (data) => (text += data))
      response.on('end', () => {
        const { problems } = checkAnswer(method, path, response.statusCode, response.headers, text)
        if (problems.length) return reject(new Error(`${method} ${path} ${response.statusCode} ${text}: ${problems.join('; ')}`))
        resolve({ status: response.statusCode, headers: response.headers, body: text ? JSON.parse(text) : undefined, text })
      })
    })
    sent.on('error', reject)
    sent.end(body && JSON.stringify(body))
  })
}

const DEVICE = { name: 'limits', platform: 'other' }
let number = 0
/** Registers, as soon as the limit of the address lets it. */
async function person() {
  const body = { username: `limit-${number++}`, password: 'a password to limit', nickname: 'n', device: DEVICE }
  const answer = await until('a registration', async () => {
    const answer = await call('POST', '/register', { body })
    return answer.status === 201 && answer
  }, { everyMs: 200 })
  return { ...answer.body, ...body }
}

const many = (n, fn) => Promise.all(Array.from({ length: n }, (_, i) => fn(i)))
const count = (answers, status) => answers.filter((answer) => answer.status === status).length

test('TLS: HTTP/2 as well, and the page', async () => {
  const session = connectH2(house.local_url, { ca: readFileSync(house.ca) })
  const status = await new Promise((resolve, reject) => {
    session.on('error', reject)
    const stream = session.request({ ':path': '/api/v1/server' })
    stream.on('response', (headers) => resolve(headers[':status'])).on('error', reject).resume()
    stream.end()
  })
  session.close()
  assert.equal(status, 200)
})

test('sign-ins of one address are limited before any password is computed', async () => {
  const began = performance.now()
  const answers = await many(40, (i) => call('POST', '/login', { body: { username: `nobody${i}`, password: 'nothing', device: DEVICE } }))
  const most = 1 + LOGIN.burst + Math.ceil((LOGIN.perSecond * (performance.now() - began)) / 1000) // in the time that they took
  assert.ok(most < 40 && count(answers, 429) >= 40 - most, `${count(answers, 429)} of 40 were refused, ${most} may be let through`)
  for (const answer of answers.filter(({ status }) => status === 429)) assert.equal(answer.body.code, 'rate_limited')
  assert.equal((await call('GET', '/server')).status, 200)
})

test('requests of one person are limited, those of another go on', async () => {
  const [a, b] = [await person(), await person()]
  const answers = await many(150, () => call('GET', '/me', { token: a.access_token }))
  assert.ok(count(answers, 200) >= 10, `${count(answers, 200)} were answered`)
  assert.ok(count(answers, 429) >= 30, `${count(answers, 429)} were refused`)
  assert.equal((await call('GET', '/me', { token: b.access_token })).status, 200)
  await until('the person is welcome again', async () => (await call('GET', '/me', { token: a.access_token })).status === 200, { everyMs: 100 })
})

test('a group larger than the house lets one be is not made', async () => {
  const [a, ...others] = [await person(), await person(), await person()]
  for (const { access_token: token } of others) {
    const request = await call('POST', '/friend-requests', { token: a.access_token, body: { user_id: (await call('GET', '/me', { token })).body.id } })
    assert.equal((await call('POST', `/friend-requests/${request.body.id}/accept`, { token })).status, 200)
  }
  const ids = (await call('GET', '/friends', { token: a.access_token })).body.items.map(({ user }) => user.id)
  const make = (member_ids) => call('POST', '/groups', { token: a.access_token, body: { name: 'n', member_ids } })
  const refused = await make(ids)
  assert.deepEqual([ids.length, refused.status, refused.body.code], [2, 409, 'group_full'])
  assert.equal((await make(ids.slice(1))).status, 201)
})

test('more polls than the house takes are told to come again, and find room when others leave', async () => {
  const people = []
  for (let i = 0; i < 3; i++) people.push(await person())
  const sessions = []
  for (const { username, password } of people) {
    for (let i = 0; i < 5; i++) {
      const signedIn = await until('a sign-in', async () => {
        const answer = await call('POST', '/login', { body: { username, password, device: DEVICE } })
        return answer.status === 200 && answer.body
      }, { everyMs: 150 })
      sessions.push(signedIn.access_token)
    }
  }
  const cursors = [] // one after the other: a look takes a place for a moment too
  for (const token of sessions) cursors.push((await call('GET', '/poll?timeout=0', { token })).body.cursor)
  const polls = sessions.map((token, i) => call('GET', `/poll?timeout=12&cursor=${cursors[i]}`, { token }))
  const answers = await Promise.all(polls)
  assert.equal(count(answers, 200) + count(answers, 503), sessions.length, answers.map(({ status }) => status).join())
  assert.ok(count(answers, 503) >= 1, 'ten places were enough for fifteen')
  assert.equal((await call('GET', '/poll?timeout=1', { token: sessions[0] })).status, 200)
})
