// Finding people: by username, by its beginning, by nickname, by id; and who does not want to be found.
import assert from 'node:assert/strict'

import { Person, befriend, friends, house, ok, refused, test, unique } from '../client.mjs'

const find = async (person, q) => (await person.all(`/users?q=${encodeURIComponent(q)}`)).map((user) => user.id)

test('found by username, its beginning and the nickname, in any case', async () => {
  const asking = await Person.register()
  const tail = unique('').slice(1)
  const found = await Person.register({ username: `Lin.${tail}`, nickname: `林黛玉${tail}` })
  for (const q of [`Lin.${tail}`, `lin.${tail}`, `LIN.${tail.slice(0, -2)}`, `林黛玉${tail}`]) {
    assert.ok((await find(asking, q)).includes(found.id), q)
  }
  for (const q of [`in.${tail}`, `${tail}x`, '%', '_', `Lin_${tail}`, `Lin%${tail}`, '\\', "' OR 1=1 -- "]) {
    assert.ok(!(await find(asking, q)).includes(found.id), q)
  }
})

test('who is not findable is found by nobody, and a friend still reads the profile', async () => {
  const [a, b] = await friends()
  const stranger = await Person.register()
  ok(await b.patch('/me', { settings: { findable: false } }))
  for (const person of [stranger, a]) assert.ok(!(await find(person, b.username)).includes(b.id))
  assert.equal(ok(await a.get(`/users/${b.id}`)).id, b.id)
})

test('a suspended person is not found', async () => {
  const [a, b] = await Person.some(2)
  await house.control('suspend', b.username)
  assert.ok(!(await find(a, b.username)).includes(b.id))
  await house.control('resume', b.username)
})

test('pages of a search hold everybody once', async () => {
  const beginning = unique('page')
  const people = []
  for (let i = 0; i < 7; i++) people.push(await Person.register({ username: `${beginning}.${i}` }))
  for (const limit of [1, 2, 3, 7, 200]) {
    const ids = (await people[0].all(`/users?q=${beginning}`, limit)).map((user) => user.id)
    assert.deepEqual([...ids].sort(), people.map((person) => person.id).sort(), `limit ${limit}`)
  }
})

test('up to 100 by id: those that exist, once each', async () => {
  const [a, b, c] = await Person.some(3)
  const items = ok(await a.get(`/users?ids=${b.id},${c.id},${b.id},1,${a.id}`)).items
  assert.deepEqual(items.map((user) => user.id).sort(), [a.id, b.id, c.id].sort())
  const many = (n) => Array.from({ length: n }, (_, i) => String(BigInt(b.id) + BigInt(i))).join(',')
  assert.equal(ok(await a.get(`/users?ids=${many(100)}`)).items.some((user) => user.id === b.id), true)
  refused(await a.get(`/users?ids=${many(101)}`), 400, 'invalid_request', 'ids')
  refused(await a.get(`/users?ids=${b.id},,${c.id}`), 400, 'invalid_request', 'ids')
  refused(await a.get(`/users?ids=${b.id},x`), 400, 'invalid_request', 'ids')
  refused(await a.get(`/users?ids=${b.id}&q=x`), 400, 'invalid_request')
  refused(await a.get('/users'), 400, 'invalid_request')
})

test('presence and last seen: friends only, and only from who shows it', async () => {
  const [a, b] = await friends()
  const stranger = await Person.register()
  ok(await b.get('/poll?timeout=0'))
  ok(await b.get('/poll?timeout=1'))
  assert.equal(ok(await stranger.get(`/users/${b.id}`)).online, false)
  ok(await b.patch('/me', { settings: { show_last_seen: false } }))
  const seen = ok(await a.get(`/users/${b.id}`))
  assert.equal(seen.last_seen_at, null)
  assert.equal(seen.online, false)
})

test('unknown people are not found', async () => {
  const a = await Person.register()
  refused(await a.get('/users/999999999999'), 404, 'not_found')
  refused(await a.get('/users/18446744073709551615'), 404, 'not_found')
})

test('who blocked me still has a profile', async () => {
  const [a, b] = await Person.some(2)
  await befriend(a, b)
  ok(await b.put(`/blocks/${a.id}`))
  assert.equal(ok(await a.get(`/users/${b.id}`)).username, b.username)
})
