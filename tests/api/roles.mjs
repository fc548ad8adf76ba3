// Who may do what: a row per operation of openapi.yaml, a column per role. `owner` is the person whose things are asked
// for; the others stand in a relation to the owner. A new operation without a row fails the suite.
//
// `ask(scene, role, person, made)` gives {path, body} or {path, raw, headers}; `fresh` rows change the scene and get one of their own; `make`
// prepares an object of the owner. A column is "status code" of the answer.
import { randomUUID } from 'node:crypto'

import { DEVICE, unique } from './client.mjs'
import { PNG } from './pictures.mjs'
import { pendingRequest } from './scene.mjs'

export const ROLES = ['friend', 'former', 'blocked', 'stranger', 'foreign', 'suspended', 'anonymous', 'owner']

const SIGNED_OUT = { suspended: '401 unauthenticated', anonymous: '401 unauthenticated' }
const NOT_FOUND = '404 not_found'
/** The same for all who are signed in. */
const signedIn = (outcome) => ({ friend: outcome, former: outcome, blocked: outcome, stranger: outcome, foreign: outcome,
  owner: outcome, ...SIGNED_OUT })
const everybody = (outcome) => Object.fromEntries(ROLES.map((role) => [role, outcome]))
/** Of the owner alone. */
const ownerOnly = (outcome) => ({ ...signedIn(NOT_FOUND), owner: outcome })
/** In a direct conversation: what both do, what changes for a former friend and somebody blocked. */
const inConversation = (outcome, former = outcome, blocked = outcome) => ({ owner: outcome, friend: outcome, former, blocked,
  stranger: NOT_FOUND, foreign: NOT_FOUND, ...SIGNED_OUT })

const conversation = (rest, body) => ({ conversations }, role) =>
  ({ path: `/conversations/${conversations[role]}${rest}`, body: body?.() })
const words = ({ owner, conversations }) => owner.say(conversations.owner, 'words')
const help = (what, body) => ({ conversations }, role) => ({ path: `/ai/${what}`, body: { conversation_id: conversations[role], ...body } })
const TUS = { 'tus-resumable': '1.0.0' }
const newUpload = async ({ owner }) =>
  (await owner.call('POST', '/uploads', { headers: { ...TUS, 'upload-length': '5' } })).headers.location.replace('/api/v1', '')
const plain = (path, body) => () => ({ path, body })

export const rows = {
  getServer: { ask: plain('/server'), ...everybody('200') },
  getHealth: { ask: plain('/healthz'), ...everybody('200') },
  getReadiness: { ask: plain('/readyz'), ...everybody('200') },

  register: {
    ask: () => ({ path: '/register', body: { username: unique(), password: 'a fine password 1', nickname: 'n', device: DEVICE } }),
    ...everybody('201'),
  },
  login: {
    ask: (scene, role, person) =>
      ({ path: '/login', body: { username: person.username, password: person.password, device: DEVICE } }),
    ...everybody('200'),
    suspended: '403 account_suspended',
    foreign: '403 wrong_password', // there is no such person in the house's own app
    anonymous: '403 wrong_password',
  },
  refreshToken: {
    fresh: true,
    ask: (scene, role, person) => ({ path: '/token/refresh', body: { refresh_token: person.refreshToken } }),
    ...everybody('200'),
    suspended: '403 account_suspended',
    anonymous: '401 unauthenticated',
  },
  logout: { fresh: true, ask: plain('/logout'), ...signedIn('204') },
  resetPassword: {
    ask: plain('/password-reset', { token: 'x'.repeat(43), new_password: 'a fine password 2' }),
    ...everybody('410 link_expired'),
  },

  getMe: { ask: plain('/me'), ...signedIn('200') },
  updateMe: { ask: plain('/me', { signature: 'here' }), ...signedIn('200') },
  deleteMe: {
    fresh: true,
    ask: (scene, role, person) => ({ path: '/me', body: { password: person.password } }),
    ...signedIn('204'),
  },
  changePassword: {
    fresh: true,
    ask: (scene, role, person) =>
      ({ path: '/me/password', body: { old_password: person.password, new_password: 'a fine password 3' } }),
    ...signedIn('204'),
  },
  listSessions: { ask: plain('/sessions'), ...signedIn('200') },
  revokeSession: {
    make: async ({ owner }) => (await owner.login()).sessionId,
    ask: (scene, role, person, sessionId) => ({ path: `/sessions/${sessionId}` }),
    ...ownerOnly('204'),
  },

  listUsers: { ask: ({ owner }) => ({ path: `/users?ids=${owner.id}` }), ...signedIn('200') },
  getUser: { ask: ({ owner }) => ({ path: `/users/${owner.id}` }), ...signedIn('200'), foreign: NOT_FOUND },

  listFriends: { ask: plain('/friends'), ...signedIn('200') },
  updateFriend: {
    ask: ({ owner }) => ({ path: `/friends/${owner.id}`, body: { remark: 'r' } }),
    ...signedIn(NOT_FOUND),
    friend: '200',
    blocked: '200',
  },
  deleteFriend: { fresh: true, ask: ({ owner }) => ({ path: `/friends/${owner.id}` }), ...signedIn(NOT_FOUND), friend: '204', blocked: '204' },
  listFriendRequests: { ask: plain('/friend-requests?direction=out'), ...signedIn('200') },
  createFriendRequest: {
    fresh: true,
    ask: ({ owner }) => ({ path: '/friend-requests', body: { user_id: owner.id } }),
    ...SIGNED_OUT,
    owner: '400 invalid_request',
    friend: '409 conflict',
    former: '201',
    blocked: '403 blocked',
    stranger: '201',
    foreign: NOT_FOUND,
  },
  getFriendRequest: {
    make: ({ owner }) => pendingRequest(owner, 'out'),
    ask: (scene, role, person, id) => ({ path: `/friend-requests/${id}` }),
    ...ownerOnly('200'),
  },
  withdrawFriendRequest: {
    make: ({ owner }) => pendingRequest(owner, 'out'),
    ask: (scene, role, person, id) => ({ path: `/friend-requests/${id}` }),
    ...ownerOnly('204'),
  },
  acceptFriendRequest: {
    make: ({ owner }) => pendingRequest(owner, 'in'),
    ask: (scene, role, person, id) => ({ path: `/friend-requests/${id}/accept` }),
    ...ownerOnly('200'),
  },
  declineFriendRequest: {
    make: ({ owner }) => pendingRequest(owner, 'in'),
    ask: (scene, role, person, id) => ({ path: `/friend-requests/${id}/decline` }),
    ...ownerOnly('200'),
  },
  listBlocks: { ask: plain('/blocks'), ...signedIn('200') },
  blockUser: {
    fresh: true,
    ask: ({ owner }) => ({ path: `/blocks/${owner.id}` }),
    ...signedIn('200'),
    owner: '400 invalid_request',
    foreign: NOT_FOUND,
  },
  unblockUser: { ask: ({ owner }) => ({ path: `/blocks/${owner.id}` }), ...signedIn(NOT_FOUND) },

  listConversations: { ask: plain('/conversations'), ...signedIn('200') },
  openConversation: {
    ask: ({ owner }) => ({ path: '/conversations', body: { user_id: owner.id } }),
    ...signedIn('200'),
    stranger: '403 not_friends',
    foreign: NOT_FOUND,
  },
  getConversation: { ask: conversation(''), ...inConversation('200') },
  listMessages: { ask: conversation('/messages'), ...inConversation('200') },
  searchMessages: {
    ask: ({ conversations }, role) => ({ path: `/search/messages?q=hello&conversation_id=${conversations[role]}` }),
    ...inConversation('200'),
  },
  sync: { ask: plain('/sync', { conversations: [] }), ...signedIn('200') },
  sendMessage: {
    ask: conversation('/messages', () => ({ client_msg_id: randomUUID(), type: 'text', content: { text: '在吗' } })),
    ...inConversation('201', '403 not_friends', '403 blocked'),
  },
  updateConversation: { ask: conversation('', () => ({ pinned: true })), ...inConversation('200') },
  clearConversation: { fresh: true, ask: conversation(''), ...inConversation('204') },
  // What the house says can be edited and recalled by nobody; it was the first to say something.
  editMessage: {
    ask: conversation('/messages/1', () => ({ content: { text: 'x' } })),
    ...inConversation('403 forbidden', '403 not_friends', '403 blocked'),
  },
  deleteMessage: { ask: conversation('/messages/1'), ...inConversation('403 forbidden') },
  addReaction: {
    ask: conversation(`/messages/1/reactions/${encodeURIComponent('👍')}`),
    ...inConversation('200', '403 not_friends', '403 blocked'),
  },
  removeReaction: {
    ask: conversation(`/messages/1/reactions/${encodeURIComponent('👎')}`),
    ...inConversation('200', '403 not_friends', '403 blocked'),
  },
  listReactions: { ask: conversation('/messages/1/reactions'), ...inConversation('200') },
  listReaders: { ask: conversation('/messages/1/readers'), ...inConversation('200') },
  forwardMessages: {
    // Nobody has anything to forward: who may not write there is told that first.
    ask: ({ conversations }, role) => ({ path: `/conversations/${conversations[role]}/forward`,
      body: { from_conversation_id: conversations[role], seqs: [1], mode: 'each', client_msg_id: randomUUID() } }),
    ...inConversation(NOT_FOUND, '403 not_friends', '403 blocked'),
  },
  listPins: { ask: conversation('/pins'), ...inConversation('200') },
  pinMessage: { ask: conversation('/pins/1'), ...inConversation('204', '403 not_friends', '403 blocked') },
  unpinMessage: { ask: conversation('/pins/1'), ...inConversation('204', '403 not_friends', '403 blocked') },
  markRead: { ask: conversation('/read', () => ({ seq: 1 })), ...inConversation('200') },
  sendTyping: { ask: conversation('/typing'), ...inConversation('204', '403 not_friends', '403 blocked') },

  createFile: { ask: () => ({ path: '/files', raw: 'some bytes' }), ...signedIn('201') },
  getFile: {
    make: async ({ owner }) => (await owner.post('/files', undefined, { raw: 'bytes of the owner' })).body.id,
    ask: (scene, role, person, id) => ({ path: `/files/${id}` }),
    ...ownerOnly('200'),
  },
  getThumbnail: {
    make: async ({ owner }) => (await owner.post('/files', undefined, { raw: PNG })).body.id,
    ask: (scene, role, person, id) => ({ path: `/files/${id}/thumbnail?size=160` }),
    ...ownerOnly('200'),
  },
  createUpload: { ask: () => ({ path: '/uploads', headers: { ...TUS, 'upload-length': '5' } }), ...signedIn('201') },
  getUpload: { make: newUpload, ask: (scene, role, person, path) => ({ path, headers: TUS }), ...ownerOnly('200') },
  resumeUpload: {
    make: newUpload,
    ask: (scene, role, person, path) => ({ path, raw: '01234', headers: { ...TUS, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' } }),
    ...ownerOnly('204'),
  },
  deleteUpload: { make: newUpload, ask: (scene, role, person, path) => ({ path, headers: TUS }), ...ownerOnly('204') },
  listConversationFiles: { ask: conversation('/files'), ...inConversation('200') },
  listAssistants: { ask: plain('/ai/assistants'), ...signedIn('200') },
  getAiUsage: { ask: plain('/ai/usage'), ...signedIn('200') },
  askAiSummary: { make: words, ask: help('summary', { after_seq: 0 }), ...inConversation('200', NOT_FOUND, NOT_FOUND) }, // nothing was said to those
  askAiTranslation: { ask: help('translate', { seq: 1, target_language: 'de' }), ...inConversation(NOT_FOUND) }, // it has no words
  askAiSuggestions: { make: words, ask: help('suggestions'), ...inConversation('200', NOT_FOUND, NOT_FOUND) },
  getAiHelp: {
    make: async (scene) => (await words(scene)) &&
      (await scene.owner.call('POST', '/ai/summary', { body: { conversation_id: scene.conversations.owner, after_seq: 0 } })).body.id,
    ask: (scene, role, person, id) => ({ path: `/ai/helps/${id}` }),
    ...ownerOnly('200'),
  },
  // Nobody asked an assistant there.
  getAiReply: { ask: conversation('/ai/replies/1'), ...inConversation(NOT_FOUND) },
  cancelAiReply: { ask: conversation('/ai/replies/1/cancel'), ...inConversation(NOT_FOUND) },
  regenerateAiReply: { ask: conversation('/ai/replies/1/regenerate'), ...inConversation(NOT_FOUND) },

  poll: { ask: plain('/poll?timeout=0'), ...signedIn('200') },
  stream: { ask: plain('/stream'), ...signedIn('200') },
}
