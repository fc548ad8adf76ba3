// People in every relation to one person, the owner: for the table of roles and for hostile input.
import { randomBytes } from 'node:crypto'

import { Person, befriend, call, house, ok, signedOut } from './client.mjs'

const OTHER_APP = 2

/** Moves a person to another app, as if signed up there, with a token that says so. */
async function emigrate(person) {
  await house.sql(`INSERT IGNORE INTO apps (id, name, state, created_at) VALUES (${OTHER_APP}, 'other', 0, 0);
    UPDATE users SET app_id = ${OTHER_APP} WHERE id = ${person.id};
    UPDATE sessions SET app_id = ${OTHER_APP} WHERE user_id = ${person.id}`)
  person.take(ok(await call('POST', '/token/refresh', { body: { refresh_token: person.refreshToken } })))
  return person
}

/** owner, friend, former, blocked (by the owner), stranger, foreign, suspended; and the conversations of the owner with them. */
export async function makeScene() {
  const [owner, friend, former, blocked, stranger, foreign, suspended] = await Person.some(7)
  await emigrate(foreign)
  const conversations = {}
  for (const [role, person] of Object.entries({ friend, former, blocked, suspended })) {
    conversations[role] = await befriend(person, owner)
  }
  conversations.owner = conversations.stranger = conversations.foreign = conversations.anonymous = conversations.friend
  ok(await owner.post('/conversations', { user_id: owner.id }), 201)
  ok(await owner.delete(`/friends/${former.id}`), 204)
  ok(await owner.put(`/blocks/${blocked.id}`))
  await house.control('suspend', suspended.username)
  await signedOut(suspended)
  const anonymous = { username: `nobody_${randomBytes(6).toString('hex')}`, password: 'no password', refreshToken: 'none',
    token: undefined, call }
  return { people: { owner, friend, former, blocked, stranger, foreign, suspended, anonymous }, owner, conversations }
}

/** A group with somebody in each relation to it (grouproles.mjs), and `other`, one admin more. */
export async function makeGroupScene() {
  const [owner, admin, other, member, muted, former, invited, blocked, stranger, foreign, suspended] = await Person.some(11)
  await emigrate(foreign)
  const friendsOfOwner = [admin, other, member, muted, former, blocked, suspended]
  for (const person of friendsOfOwner) await befriend(person, owner)
  const inside = friendsOfOwner.filter((person) => person !== blocked).map(({ id }) => id)
  const group = ok(await owner.post('/groups', { name: '茶馆', member_ids: inside, join_policy: 'approval' }), 201).id
  for (const { id } of [admin, other]) ok(await owner.patch(`/groups/${group}/members/${id}`, { role: 'admin' }))
  ok(await owner.patch(`/groups/${group}/members/${muted.id}`, { muted_until: Date.now() + 86_400_000 }))
  ok(await owner.delete(`/groups/${group}/members/${former.id}`), 204)
  ok(await owner.put(`/blocks/${blocked.id}`))
  const { token } = ok(await owner.post(`/groups/${group}/invite-links`, {}), 201)
  await house.control('suspend', suspended.username)
  await signedOut(suspended)
  const anonymous = { token: undefined, call }
  return { owner, group, token,
    people: { owner, admin, other, member, muted, former, invited, blocked, stranger, foreign, suspended, anonymous } }
}

/** Somebody else's open request: to the owner, or from the owner. */
export async function pendingRequest(owner, direction) {
  const third = await Person.register()
  const [from, to] = direction === 'in' ? [third, owner] : [owner, third]
  return ok(await from.post('/friend-requests', { user_id: to.id, message: '' }), 201).id
}
