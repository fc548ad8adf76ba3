// Who may do what with a group: a row per operation, a column per role, as in roles.mjs. The group is an approval group, so
// that outsiders see its card. `owner` comes last, since some rows end what the others need.
//
// Of the roles, `muted` is a member until tomorrow, `former` was removed, `invited` holds a link, `blocked` is blocked by
// the owner and not in it, `suspended` is a member whose account is.
import { randomUUID } from 'node:crypto'

import { Person, ok, unique } from './client.mjs'

export const GROUP_ROLES = ['admin', 'member', 'muted', 'former', 'invited', 'blocked', 'stranger', 'foreign', 'suspended',
  'anonymous', 'owner']

const SIGNED_OUT = { suspended: '401 unauthenticated', anonymous: '401 unauthenticated' }
const NOT_FOUND = '404 not_found'
const FORBIDDEN = '403 forbidden'
/** Who is in it, then who is not. */
const inside = (owner, admin, member, outside = NOT_FOUND, blocked = outside) => ({ owner, admin, member, muted: member,
  former: outside, invited: outside, stranger: outside, blocked, foreign: NOT_FOUND, ...SIGNED_OUT })
const members = (outcome) => inside(outcome, outcome, outcome)
const staff = (outcome) => inside(outcome, outcome, FORBIDDEN)
const ownerOnly = (outcome) => inside(outcome, FORBIDDEN, FORBIDDEN)
const everybody = (outcome) => ({ ...inside(outcome, outcome, outcome, outcome), foreign: outcome })

const group = (rest = '', body) => (scene) => ({ path: `/groups/${scene.group}${rest}`, body: body?.(scene) })
const inGroup = (rest = '', body) => (scene, role, person, made) =>
  ({ path: `/conversations/${scene.group}${typeof rest === 'function' ? rest(made) : rest}`, body: body?.(scene, made) })
/** The owner says something; its seq. */
const says = async ({ owner, group: id }) => (await owner.say(id, 'said by the owner')).seq
/** What is refused to who may not write, and otherwise as told. */
const writing = (outcomes) => ({ ...outcomes, muted: '403 muted' })
/** Somebody asks, each time anew. */
const asks = async ({ group: id }) => ok(await (await Person.register()).post(`/groups/${id}/join-requests`, {}), 201).id

export const groupRows = {
  listGroups: { ask: () => ({ path: '/groups' }), ...everybody('200') },
  createGroup: { ask: () => ({ path: '/groups', body: { name: unique('g') } }), ...everybody('201') },
  getGroup: { ask: group(), ...inside('200', '200', '200', '200') },
  updateGroup: { ask: group('', () => ({ name: unique('g') })), ...staff('200') },
  dismissGroup: { fresh: true, ask: group(), ...ownerOnly('204') },
  changeGroupOwner: { fresh: true, ask: group('/owner', ({ people }) => ({ user_id: people.member.id })), ...ownerOnly('200') },
  listGroupMembers: { ask: group('/members'), ...members('200') },
  addGroupMembers: { ask: group('/members', ({ people }) => ({ user_ids: [people.member.id] })), ...staff('200') },
  updateGroupMember: { ask: group('/members/me', () => ({ nickname: unique('n') })), ...members('200') },
  'updateGroupMember: role': {
    ask: ({ group: id, people }) => ({ path: `/groups/${id}/members/${people.muted.id}`, body: { role: 'member' } }),
    ...ownerOnly('200'),
  },
  'updateGroupMember: mute': {
    ask: ({ group: id, people }) => ({ path: `/groups/${id}/members/${people.muted.id}`, body: { muted_until: 4_000_000_000_000 } }),
    ...staff('200'),
  },
  'updateGroupMember: nickname of another': {
    ask: ({ group: id, people }) => ({ path: `/groups/${id}/members/${people.muted.id}`, body: { nickname: 'x' } }),
    ...inside(FORBIDDEN, FORBIDDEN, FORBIDDEN),
    muted: '200', // it is his own
  },
  'updateGroupMember: mute an admin': {
    ask: ({ group: id, people }) => ({ path: `/groups/${id}/members/${people.admin.id}`, body: { muted_until: null } }),
    ...ownerOnly('200'),
  },
  removeGroupMember: { fresh: true, ask: group('/members/me'), ...inside('409 conflict', '204', '204') },
  'removeGroupMember: an admin': {
    fresh: true,
    ask: ({ group: id, people }) => ({ path: `/groups/${id}/members/${people.other.id}` }),
    ...ownerOnly('204'),
  },
  listJoinRequests: { ask: group('/join-requests'), ...inside('200', '200', FORBIDDEN, '200') },
  createJoinRequest: {
    fresh: true,
    ask: group('/join-requests', () => ({ message: '让我进来' })),
    ...inside('409 conflict', '409 conflict', '409 conflict', '201', '403 blocked'),
  },
  acceptJoinRequest: {
    make: asks,
    ask: ({ group: id }, role, person, request) => ({ path: `/groups/${id}/join-requests/${request}/accept` }),
    ...staff('200'),
  },
  declineJoinRequest: {
    make: asks,
    ask: ({ group: id }, role, person, request) => ({ path: `/groups/${id}/join-requests/${request}/decline` }),
    ...staff('200'),
  },
  listInviteLinks: { ask: group('/invite-links'), ...staff('200') },
  createInviteLink: { ask: group('/invite-links', () => ({})), ...staff('201') },
  revokeInviteLink: {
    make: async ({ owner, group: id }) => ok(await owner.post(`/groups/${id}/invite-links`, {}), 201).id,
    ask: ({ group: id }, role, person, link) => ({ path: `/groups/${id}/invite-links/${link}` }),
    ...staff('204'),
  },
  lookAtInviteLink: { ask: ({ token }) => ({ path: `/join/${token}` }), ...inside('200', '200', '200', '200') },
  joinByInviteLink: {
    fresh: true,
    ask: ({ token }) => ({ path: `/join/${token}` }),
    ...inside('200', '200', '200', '201'),
  },

  // The conversation of the group.
  getConversation: { ask: inGroup(), ...members('200') },
  updateConversation: { ask: inGroup('', () => ({ pinned: true })), ...members('200') },
  clearConversation: { fresh: true, ask: inGroup(), ...members('204') },
  listMessages: { ask: inGroup('/messages'), ...members('200') },
  sendMessage: {
    ask: inGroup('/messages', () => ({ client_msg_id: randomUUID(), type: 'text', content: { text: '在吗' } })),
    ...writing(members('201')),
  },
  'sendMessage: to all': {
    ask: inGroup('/messages', () => ({ client_msg_id: randomUUID(), type: 'text', content: { text: 'x' }, mentions: ['all'] })),
    ...writing(staff('201')),
  },
  editMessage: {
    make: says,
    ask: inGroup((seq) => `/messages/${seq}`, () => ({ content: { text: 'better' } })),
    ...writing(inside('200', FORBIDDEN, FORBIDDEN)),
  },
  deleteMessage: { make: says, ask: inGroup((seq) => `/messages/${seq}`), ...staff('204') },
  'deleteMessage: for me': { make: says, ask: inGroup((seq) => `/messages/${seq}?for=me`), ...members('204') },
  addReaction: {
    make: says,
    ask: inGroup((seq) => `/messages/${seq}/reactions/${encodeURIComponent('👍')}`),
    ...writing(members('200')),
  },
  removeReaction: {
    make: says,
    ask: inGroup((seq) => `/messages/${seq}/reactions/${encodeURIComponent('👎')}`),
    ...writing(members('200')),
  },
  listReactions: { make: says, ask: inGroup((seq) => `/messages/${seq}/reactions`), ...members('200') },
  listReaders: { make: says, ask: inGroup((seq) => `/messages/${seq}/readers`), ...members('200') },
  forwardMessages: {
    make: says,
    ask: inGroup('/forward', ({ group: id }, seq) =>
      ({ from_conversation_id: id, seqs: [seq], mode: 'each', client_msg_id: randomUUID() })),
    ...writing(members('201')),
  },
  listPins: { ask: inGroup('/pins'), ...members('200') },
  pinMessage: { make: says, ask: inGroup((seq) => `/pins/${seq}`), ...writing(staff('204')) },
  unpinMessage: { make: says, ask: inGroup((seq) => `/pins/${seq}`), ...writing(staff('204')) },
  markRead: { ask: inGroup('/read', () => ({ seq: 1 })), ...members('200') },
  sendTyping: { ask: inGroup('/typing'), ...writing(members('204')) },
}
