// Sessions: refresh tokens that rotate, reuse that is noticed, devices that are kicked, tokens that are forged.
import assert from 'node:assert/strict'

import { DEVICE, Person, Poller, call, house, ok, promptly, refused, signedOut, test, until } from '../client.mjs'

const refresh = (token) => call('POST', '/token/refresh', { body: { refresh_token: token } })

test('refresh rotates, and the new access token works', async () => {
  const person = await Person.register()
  const first = ok(await refresh(person.refreshToken))
  assert.notEqual(first.refresh_token, person.refreshToken)
  ok(await call('GET', '/me', { token: first.access_token }))
  const second = ok(await refresh(first.refresh_token))
  ok(await call('GET', '/me', { token: second.access_token }))
  ok(await person.get('/me')); // the older access token lives until its own end
})

test('a lost reply: the token before is taken once more and replaces its successor', async () => {
  const person = await Person.register()
  const lost = ok(await refresh(person.refreshToken))
  const repeated = ok(await refresh(person.refreshToken))
  assert.notEqual(repeated.refresh_token, lost.refresh_token)
  ok(await call('GET', '/me', { token: repeated.access_token }))
  ok(await refresh(repeated.refresh_token))
})

test('the replaced successor, or the old token a third time, is theft: the session ends', async () => {
  for (const which of ['replaced', 'third']) {
    const person = await Person.register()
    const lost = ok(await refresh(person.refreshToken))
    const repeated = ok(await refresh(person.refreshToken))
    refused(await refresh(which === 'replaced' ? lost.refresh_token : person.refreshToken), 401, 'unauthenticated')
    refused(await refresh(repeated.refresh_token), 401, 'unauthenticated')
    await signedOut(person)
  }
})

test('the old token after its successor was used is theft', async () => {
  const person = await Person.register()
  const other = await person.login()
  const next = ok(await refresh(person.refreshToken))
  const third = ok(await refresh(next.refresh_token))
  refused(await refresh(person.refreshToken), 401, 'unauthenticated')
  refused(await refresh(third.refresh_token), 401, 'unauthenticated')
  await signedOut(person)
  ok(await other.get('/me')); // that session only
})

test('the old token is not taken any more after 60 seconds', async () => {
  const person = await Person.register()
  ok(await refresh(person.refreshToken))
  await house.sql(`UPDATE sessions SET rotated_at = rotated_at - 61000 WHERE id = ${person.sessionId}`)
  refused(await refresh(person.refreshToken), 401, 'unauthenticated')
})

test('the same refresh token from many sides at once gives one session that still works, or none', async () => {
  const person = await Person.register()
  const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(person.refreshToken)))
  const good = answers.filter((answer) => answer.status === 200)
  assert.ok(good.length >= 1 && good.length <= 2, `${good.length} were answered`)
  for (const answer of answers) if (answer.status !== 200) refused(answer, 401, 'unauthenticated')
  await signedOut(person)
})

test('a session past its 30 days cannot be refreshed', async () => {
  const person = await Person.register()
  await house.sql(`UPDATE sessions SET expires_at = created_at WHERE id = ${person.sessionId}`)
  refused(await refresh(person.refreshToken), 401, 'unauthenticated')
})

test('the list of devices tells which one asks; logout ends only this one', async () => {
  const person = await Person.register()
  const phone = await person.login({ name: '手机 📱', platform: 'android' })
  const sessions = await person.all('/sessions', 1)
  assert.equal(sessions.length, 2)
  assert.deepEqual(sessions.filter((session) => session.current).map((session) => session.id), [person.sessionId])
  assert.deepEqual(sessions.find((session) => session.id === phone.sessionId).device, { name: '手机 📱', platform: 'android' })
  ok(await phone.post('/logout'), 204)
  await signedOut(phone)
  refused(await refresh(phone.refreshToken), 401, 'unauthenticated')
  ok(await person.get('/me'))
  assert.equal((await person.all('/sessions')).length, 1)
})

test('a kicked device: its open poll ends with the event', async () => {
  const person = await Person.register()
  const phone = await person.login()
  const poller = await Poller.start(phone)
  const { answer } = await poller.park(25)
  ok(await person.delete(`/sessions/${phone.sessionId}`), 204)
  const body = await answer
  assert.deepEqual(body.events.at(-1), { type: 'session.revoked', session_id: phone.sessionId })
  refused(await signedOut(phone), 401, 'unauthenticated')
  refused(await person.delete(`/sessions/${phone.sessionId}`), 404, 'not_found')
})

test('a kick reaches every handler within a second, and the open poll', async () => {
  const person = await Person.register()
  await promptly('the kick', 1000, async () => {
    const phone = await person.login()
    const { answer } = await (await Poller.start(phone)).park(25)
    const kicked = performance.now()
    ok(await person.delete(`/sessions/${phone.sessionId}`), 204)
    await Promise.all([answer, signedOut(phone)])
    return performance.now() - kicked
  })
})

test('the session of another person cannot be kicked', async () => {
  const [a, b] = await Person.some(2)
  refused(await a.delete(`/sessions/${b.sessionId}`), 404, 'not_found')
  ok(await b.get('/me'))
})

test('signing in on one device too many ends the oldest', async () => {
  const person = await Person.register()
  const max = 50 // sessions_max
  await house.sql(`INSERT INTO sessions (id, app_id, user_id, device_name, platform, address, refresh_hash, rotated_at,
    retried, created_at, last_seen_at, expires_at)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${max - 1})
    SELECT ${person.sessionId} + i, 1, ${person.id}, 'd', 0, '', UNHEX(SHA2(CONCAT('s', ${person.sessionId}, i), 256)), 1, 0,
    created_at + i, last_seen_at + i, expires_at FROM n JOIN sessions ON sessions.id = ${person.sessionId}`)
  ok(await call('POST', '/login', { body: { username: person.username, password: person.password, device: DEVICE } }))
  await signedOut(person)
  const [[n]] = await house.sql(`SELECT COUNT(*) FROM sessions WHERE user_id = ${person.id} AND revoked_at IS NULL`)
  assert.equal(Number(n), max)
})

test('forged, cut and foreign tokens are unauthenticated', async () => {
  const [a, b] = await Person.some(2)
  const flipped = Array.from({ length: a.token.length }, (_, i) => i).filter((i) => i % 3 === 0).map((i) => {
    const letter = a.token[i] === 'A' ? 'B' : 'A'
    return a.token.slice(0, i) + letter + a.token.slice(i + 1)
  })
  const half = Math.floor(a.token.length / 2)
  const bad = [...flipped, a.token.slice(0, -1), a.token.slice(1), `${a.token}A`, '', 'x', '.', '....', a.refreshToken,
    a.token.slice(0, half) + b.token.slice(half), a.token.repeat(4), '%00', 'null']
  for (const token of bad) {
    if (token === b.token) continue
    const answer = await call('GET', '/me', { headers: { authorization: `Bearer ${token}` } })
    refused(answer, 401, 'unauthenticated')
  }
  for (const authorization of ['Bearer', 'bearer', `Basic ${a.token}`, a.token, `Bearer  `, `Bearer ${a.token} ${a.token}`]) {
    refused(await call('GET', '/me', { headers: { authorization } }), 401, 'unauthenticated')
  }
})

test('rotating the key keeps who is signed in; a retired key ends its tokens', async () => {
  const person = await Person.register()
  await house.control('rotate-key')
  ok(await person.get('/me'))
  const next = await until('the new key signs', async () => {
    const answer = await refresh((await person.login()).refreshToken)
    return answer.status === 200 && answer.body
  })
  for (let i = 0; i < 6; i++) ok(await call('GET', '/me', { token: next.access_token }))
})
