// Every operation asked by everybody, against the table of roles; and that lists hold only what is one's own.
import assert from 'node:assert/strict'

import { call, describe, house, ok, test } from '../client.mjs'
import { operations } from '../openapi.mjs'
import { ROLES, rows } from '../roles.mjs'
import { makeScene } from '../scene.mjs'

let made
const shared = () => (made ??= makeScene())

test('each operation has a row, and each row has all roles', () => {
  assert.deepEqual(Object.keys(rows).sort(), operations.map((operation) => operation.id).sort())
  for (const [id, row] of Object.entries(rows)) for (const role of ROLES) assert.ok(row[role], `${id} says nothing of ${role}`)
})

for (const operation of operations) {
  const row = rows[operation.id]
  if (!row) continue
  test(`${operation.id}: everybody gets what the table says`, async () => {
    const scene = await (row.fresh ? makeScene() : shared())
    const object = row.make ? await row.make(scene) : undefined
    for (const role of ROLES) {
      const person = scene.people[role]
      const { path, ...options } = row.ask(scene, role, person, object)
      const answer = await call(operation.method, path, { token: person.token, ...options })
      const outcome = `${answer.status}${answer.status >= 400 ? ` ${answer.body.code}` : ''}`
      assert.equal(outcome, row[role], `${role}: ${describe(answer)}`)
    }
    if (operation.id === 'login') await house.sql('DELETE FROM login_throttle')
  })
}

test('nobody of another app finds anybody, and is found by nobody', async () => {
  const { owner, people: { foreign, stranger } } = await shared()
  for (const [asking, asked] of [[foreign, owner], [owner, foreign], [stranger, foreign]]) {
    assert.deepEqual(ok(await asking.get(`/users?ids=${asked.id}`)).items, [])
    assert.deepEqual(ok(await asking.get(`/users?q=${asked.username}`)).items, [])
  }
})

test('lists of one person hold nothing of another', async () => {
  const { people: { stranger } } = await shared()
  for (const path of ['/friends', '/friend-requests?direction=in', '/blocks', '/conversations']) {
    assert.deepEqual(await stranger.all(path), [], path)
  }
  // Signed in twice at most: once when made, once by the row of login.
  assert.ok((await stranger.all('/sessions')).length <= 2)
})
