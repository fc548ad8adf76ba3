// Accounts: signing up and in, the own profile, passwords, invitations, suspension and deletion.
import assert from 'node:assert/strict'

import { DEVICE, PASSWORD, Person, Poller, befriend, call, friends, house, ok, refused, signedOut, test, unique } from '../client.mjs'
import { cgi, rowCounts } from '../house.mjs'

const register = (fields) => call('POST', '/register', {
  body: { username: unique(), password: PASSWORD, nickname: 'n', device: DEVICE, ...fields },
})
const login = (username, password) => call('POST', '/login', { body: { username, password, device: DEVICE } })

test('register signs in, and the answers tell the same person', async () => {
  const person = await Person.register({ nickname: '张伟 🐴' })
  const me = ok(await person.get('/me'))
  assert.deepEqual({ ...me, online: false, last_seen_at: null }, { ...person.user, online: false, last_seen_at: null })
  assert.equal(me.nickname, '张伟 🐴')
  assert.equal(me.role, 'user')
  assert.equal(me.state, 'active')
  assert.deepEqual(me.settings, { strangers_may_write: me.settings.strangers_may_write, findable: true, show_last_seen: true })
  const again = await person.login()
  assert.equal(again.id, person.id)
  assert.notEqual(again.sessionId, person.sessionId)
})

test('usernames: any script, unique after normalisation and case folding, some reserved', async () => {
  const tail = unique('').slice(1)
  ok(await register({ username: `王小明${tail}` }), 201)
  ok(await register({ username: `Ünïcödé-${tail}` }), 201)
  const name = `Mixed.Case_${tail}`
  ok(await register({ username: name }), 201)
  refused(await register({ username: name.toLowerCase() }), 409, 'username_taken')
  refused(await register({ username: name.replace('M', 'M') }), 409, 'username_taken'); // the full-width M
  assert.equal(ok(await login(name.toUpperCase(), PASSWORD)).user.username, name)
  for (const bad of ['ab', 'with space', 'a@b.c', 'x'.repeat(33), 'tab\tname', '👍👍👍', '\u202eabc']) {
    refused(await register({ username: bad }), 400, 'invalid_request', 'username')
  }
  refused(await register({ username: 'admin' }), 409, 'username_taken')
})

test('the same username from many sides at once is given once', async () => {
  const username = unique('race')
  const answers = await Promise.all(Array.from({ length: 12 }, () => register({ username })))
  assert.equal(answers.filter((answer) => answer.status === 201).length, 1)
  for (const answer of answers) if (answer.status !== 201) refused(answer, 409, 'username_taken')
})

test('passwords: 8 to 128 characters of any kind, not the common ones', async () => {
  for (const password of ['password', '12345678', 'qwertyuiop']) refused(await register({ password }), 400, 'weak_password')
  refused(await register({ password: '短密码' }), 400, 'invalid_request', 'password')
  const long = '密'.repeat(128)
  const username = unique()
  ok(await register({ username, password: long }), 201)
  ok(await login(username, long))
  refused(await login(username, long.slice(1)), 403, 'wrong_password')
})

test('unknown user and wrong password are one answer, in about the same time', async () => {
  const person = await Person.register()
  const measure = async (name) => {
    const answer = await login(name(), 'not the password')
    refused(answer, 403, 'wrong_password')
    return answer
  }
  const known = []
  const unknown = []
  for (let i = 0; i < 3; i++) {
    known.push(await measure(() => person.username))
    unknown.push(await measure(() => unique('nobody')))
  }
  const strip = ({ body: { request_id, ...rest } }) => rest
  assert.deepEqual(strip(known[0]), strip(unknown[0]))
  const best = (answers) => Math.min(...answers.map((answer) => answer.ms))
  assert.ok(best(unknown) > best(known) / 3 && best(known) > best(unknown) / 3, `${best(known)} and ${best(unknown)} ms`)
})

test('failed sign-ins slow down, say for how long, and never lock the owner out for good', async () => {
  const person = await Person.register()
  let throttled
  for (let i = 0; i < 40 && !throttled; i++) {
    const answer = await login(person.username, `wrong ${i}`)
    if (answer.status === 429) throttled = answer
    else refused(answer, 403, 'wrong_password')
  }
  assert.ok(throttled, 'forty failures in a row were not slowed down')
  refused(throttled, 429, 'rate_limited')
  const wait = Number(throttled.headers['retry-after'])
  assert.ok(wait >= 1 && wait <= 900, `Retry-After ${wait}`)
  // Who is signed in goes on; others are not slowed down by this account's failures.
  ok(await person.get('/me'))
  await house.sql('UPDATE login_throttle SET last_at = last_at - 3600000')
  ok(await login(person.username, person.password))
  await house.sql('DELETE FROM login_throttle')
})

test('the profile: patch changes what is named, null clears, absent stays, the same writes nothing', async () => {
  const person = await Person.register({ nickname: 'before' })
  const changed = ok(await person.patch('/me', {
    nickname: '之后', signature: '在路上\n🐎', gender: 'other', locale: 'zh-CN', timezone: 'Asia/Shanghai',
    settings: { findable: false },
  }))
  assert.equal(changed.nickname, '之后')
  assert.equal(changed.signature, '在路上\n🐎')
  assert.equal(changed.gender, 'other')
  assert.equal(changed.locale, 'zh-CN')
  assert.equal(changed.timezone, 'Asia/Shanghai')
  assert.equal(changed.settings.findable, false)
  assert.equal(changed.settings.show_last_seen, true)
  assert.ok(changed.version > person.user.version)
  const same = ok(await person.patch('/me', { nickname: '之后', settings: { findable: false } }))
  assert.equal(same.version, changed.version)
  const cleared = ok(await person.patch('/me', { signature: null, gender: null, locale: null, timezone: null }))
  assert.deepEqual([cleared.signature, cleared.gender, cleared.locale, cleared.timezone], ['', 'unknown', '', ''])
  assert.equal(cleared.nickname, '之后')
  const before = await rowCounts()
  assert.equal(ok(await person.patch('/me', {})).version, cleared.version)
  assert.deepEqual(await rowCounts(), before)
})

test('a changed profile reaches the own devices as `me` and friends as `user`', async () => {
  const [a, b] = await friends()
  const mine = await Poller.start(a)
  const theirs = await Poller.start(b)
  const changed = ok(await a.patch('/me', { nickname: '新名字' }))
  const me = await mine.event('me', (event) => event.type === 'me' && event.user.version >= changed.version)
  assert.equal(me.user.nickname, '新名字')
  const user = await theirs.event('user', (event) => event.type === 'user' && event.user.id === a.id)
  assert.equal(user.user.nickname, '新名字')
})

test('changing the password needs the old one and ends every other session', async () => {
  const person = await Person.register()
  const other = await person.login()
  const body = { old_password: 'not it, sorry', new_password: '新的 password 1' }
  refused(await person.post('/me/password', body), 403, 'wrong_password')
  refused(await person.post('/me/password', { old_password: PASSWORD, new_password: 'password' }), 400, 'weak_password')
  ok(await other.get('/me'))
  ok(await person.post('/me/password', { old_password: PASSWORD, new_password: body.new_password }), 204)
  ok(await person.get('/me'))
  await signedOut(other)
  refused(await call('POST', '/token/refresh', { body: { refresh_token: other.refreshToken } }), 401, 'unauthenticated')
  refused(await login(person.username, PASSWORD), 403, 'wrong_password')
  ok(await login(person.username, body.new_password))
})

test('a reset link of the operator works once, sets the password and ends every session', async () => {
  const person = await Person.register()
  const token = lastWord(await house.control('reset-link', person.username))
  refused(await call('POST', '/password-reset', { body: { token, new_password: 'password' } }), 400, 'weak_password')
  ok(await call('POST', '/password-reset', { body: { token, new_password: 'brand new 密码' } }), 204)
  refused(await call('POST', '/password-reset', { body: { token, new_password: 'another 密码 2' } }), 410, 'link_expired')
  refused(await call('POST', '/password-reset', { body: { token: 'x'.repeat(43), new_password: 'another 密码 2' } }), 410,
    'link_expired')
  await signedOut(person)
  refused(await login(person.username, PASSWORD), 403, 'wrong_password')
  ok(await login(person.username, 'brand new 密码'))
  const late = lastWord(await house.control('reset-link', person.username))
  await house.sql('UPDATE password_resets SET expires_at = created_at WHERE used_at IS NULL')
  refused(await call('POST', '/password-reset', { body: { token: late, new_password: 'another 密码 2' } }), 410, 'link_expired')
})

test('registration by invitation and closed, told by /server', async () => {
  const ask = (body, registration) => cgi('login', {
    method: 'POST', uri: '/api/v1/register', body: JSON.stringify(body), env: { POSTHOUSE_REGISTRATION: registration },
  })
  const fields = () => ({ username: unique(), password: PASSWORD, nickname: 'n', device: DEVICE })
  for (const registration of ['invite', 'closed', 'open']) {
    const server = await cgi('login', { uri: '/api/v1/server', env: { POSTHOUSE_REGISTRATION: registration } })
    assert.equal(ok(server).registration, registration)
  }
  refused(await ask(fields(), 'closed'), 403, 'registration_closed')
  refused(await ask(fields(), 'invite'), 403, 'registration_closed')
  refused(await ask({ ...fields(), invite: 'not-an-invitation' }, 'invite'), 403, 'registration_closed')
  const invite = lastWord(await house.control('invite', '--uses', '1'))
  refused(await ask({ ...fields(), invite }, 'closed'), 403, 'registration_closed')
  ok(await ask({ ...fields(), invite }, 'invite'), 201)
  refused(await ask({ ...fields(), invite }, 'invite'), 403, 'registration_closed')
})

test('suspension refuses at once, the way back works', async () => {
  const person = await Person.register()
  await house.control('suspend', person.username)
  await signedOut(person)
  refused(await login(person.username, PASSWORD), 403, 'account_suspended')
  refused(await login(person.username, 'not the password'), 403, 'wrong_password')
  await house.control('resume', person.username)
  ok(await login(person.username, PASSWORD))
})

test('deletion asks for the password and really deletes', async () => {
  const [a, b, conversation] = await friends()
  const c = await Person.register()
  const other = await a.login()
  ok(await a.post('/friend-requests', { user_id: c.id, message: 'hello' }), 201)
  ok(await a.put(`/blocks/${c.id}`))
  const entry = await a.say(conversation, 'something that b was told')
  ok(await a.patch('/me', { signature: 'find this afterwards', nickname: 'personal-name' }))
  refused(await a.delete('/me', { body: { password: 'not the password' } }), 403, 'wrong_password')
  const watching = await Poller.start(b)
  ok(await a.delete('/me', { body: { password: PASSWORD } }), 204)
  await signedOut(a)
  await signedOut(other)
  await watching.event('friend.removed', (event) => event.type === 'friend.removed' && event.user_id === a.id)

  refused(await login(a.username, PASSWORD), 403, 'wrong_password')
  refused(await call('POST', '/token/refresh', { body: { refresh_token: a.refreshToken } }), 401, 'unauthenticated')
  refused(await b.get(`/users/${a.id}`), 404, 'not_found')
  assert.deepEqual(ok(await b.get(`/users?q=${a.username}`)).items, [])
  assert.deepEqual(ok(await b.get('/friends')).items, [])
  assert.deepEqual(ok(await c.get('/friend-requests')).items, [])
  // What b was told stays b's; nobody can write there any more.
  const page = ok(await b.get(`/conversations/${conversation}/messages`))
  assert.ok(page.items.some((item) => item.seq === entry.seq))
  assert.notEqual((await b.send(conversation, 'are you there?')).status, 201)

  for (const [table, column] of [['sessions', 'user_id'], ['friendships', 'user_id'], ['friendships', 'friend_id'],
    ['friend_requests', 'from_id'], ['friend_requests', 'to_id'], ['blocks', 'user_id'], ['idempotency_keys', 'user_id'],
    ['password_resets', 'user_id']]) {
    const [[n]] = await house.sql(`SELECT COUNT(*) FROM ${table} WHERE ${column} = ${a.id}`)
    assert.equal(n, '0', `${table}.${column}`)
  }
  const [row] = await house.sql(`SELECT username, username_key, password_hash, signature, nickname FROM users WHERE id = ${a.id}`)
  if (row) {
    assert.deepEqual(row.slice(0, 4), ['NULL', 'NULL', 'NULL', ''])
    assert.notEqual(row[4], 'personal-name')
  }
  ok(await register({ username: a.username }), 201)
})

test('sign-in, failure, password, revocation and deletion leave audit rows', async () => {
  const person = await Person.register()
  await login(person.username, 'not the password')
  const other = await person.login()
  ok(await person.delete(`/sessions/${other.sessionId}`), 204)
  ok(await person.post('/me/password', { old_password: PASSWORD, new_password: 'something else 9' }), 204)
  ok(await person.delete('/me', { body: { password: 'something else 9' } }), 204)
  const rows = await house.sql(
    `SELECT action, detail FROM audit WHERE actor_id = ${person.id} OR object LIKE '%:${person.id}' ORDER BY id`)
  assert.ok(rows.length >= 5, JSON.stringify(rows))
  assert.ok(rows.every(([, detail]) => !detail.includes(PASSWORD)))
})

test('a befriended person keeps working after the other one was deleted', async () => {
  const [a, b] = await friends()
  const c = await Person.register()
  await befriend(b, c)
  ok(await a.delete('/me', { body: { password: PASSWORD } }), 204)
  assert.equal((await b.all('/friends')).length, 1)
  const conversations = await b.all('/conversations')
  assert.equal(conversations.length, 2)
})

/** The token at the end of what the tool printed, as an address ends with it. */
function lastWord(text) {
  return text.trim().split(/[\s=#/]+/).at(-1)
}
