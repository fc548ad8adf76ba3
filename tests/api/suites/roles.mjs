// Every operation asked by everybody, against the table of roles; and that lists hold only what is one's own.
import assert from 'node:assert/strict'

import { call, describe, house, ok, test } from '../client.mjs'
import { GROUP_ROLES, groupRows } from '../grouproles.mjs'
import { operation, operations } from '../openapi.mjs'
import { ROLES, rows } from '../roles.mjs'
import { makeGroupScene, makeScene } from '../scene.mjs'

let made
const shared = () => (made ??= makeScene())
let madeGroup
const sharedGroup = () => (madeGroup ??= makeGroupScene())

/** [the table, its roles, how its scene is made, the scene that its rows share]; a row may be `operation: a case of it`. */
const TABLES = [[rows, ROLES, makeScene, shared], [groupRows, GROUP_ROLES, makeGroupScene, sharedGroup]]
const operationOf = (name) => name.split(':')[0]

test('each operation has a row, and each row has all roles', () => {
  const named = new Set(TABLES.flatMap(([table]) => Object.keys(table).map(operationOf)))
  assert.deepEqual([...named].sort(), operations.map(({ id }) => id).sort())
  for (const [table, roles] of TABLES) {
    for (const [name, row] of Object.entries(table)) for (const role of roles) assert.ok(row[role], `${name} says nothing of ${role}`)
  }
})

for (const [name, row, roles, make, share] of TABLES.flatMap(([table, ...rest]) =>
  Object.entries(table).map(([name, row]) => [name, row, ...rest]))) {
  const { id, method } = operation(operationOf(name)) ?? {}
  if (!id) continue
  test(`${name}: everybody gets what the table says${roles === GROUP_ROLES ? ', in a group' : ''}`, async () => {
    const scene = await (row.fresh ? make() : share())
    const object = row.make ? await row.make(scene) : undefined
    for (const role of roles) {
      const person = scene.people[role]
      const { path, body } = row.ask(scene, role, person, object)
      const answer = await call(method, path, { token: person.token, body })
      const outcome = `${answer.status}${answer.status >= 400 ? ` ${answer.body.code}` : ''}`
      assert.equal(outcome, row[role], `${role}: ${describe(answer)}`)
    }
    if (id === 'login') await house.sql('DELETE FROM login_throttle')
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
