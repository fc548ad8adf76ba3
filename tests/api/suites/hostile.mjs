// Bad input, generated from openapi.yaml: every operation, every field and parameter. Each is refused with 4xx, the field
// named, and nothing is stored.
import assert from 'node:assert/strict'

import { DEVICE, call, describe, house, ok, refused, test as plainTest, unique, uuid } from '../client.mjs'
import { rowCounts } from '../house.mjs'
import { operation, operations, resolve } from '../openapi.mjs'
import { PNG } from '../pictures.mjs'
import { makeScene, pendingRequest } from '../scene.mjs'
import { tokenSmith } from '../tokens.mjs'

const UNKNOWN_ID = '4611686018427387904'
const BAD_IDS = ['0', '-1', 'x', '1x', '01', '+1', '1.0', '18446744073709551616', '9'.repeat(40), '%F0%9F%90%8E', '%FF', '..%2Fme']
/** What a request needs beside the parameter that is tried. */
const BESIDE = { listUsers: { cursor: 'q=abc&', limit: 'q=abc&' }, searchMessages: { cursor: 'q=abc&' }, getThumbnail: { t: 'size=160&' } }
const BAD_INTEGERS = ['', 'x', '1.5', '1e3', '0x10', '%201', '-9223372036854775809', '9223372036854775808', '9'.repeat(30), '%00']

let scene
let asking
let valid // operationId → {parameters of the path, body}: a request that would be carried out

async function prepare() {
  scene = await makeScene()
  asking = scene.people.friend
  const conversation = scene.conversations.friend
  const pending = await pendingRequest(asking, 'in')
  const sent = await pendingRequest(asking, 'out')
  const device = DEVICE
  const group = ok(await asking.post('/groups', { name: 'n', member_ids: [scene.owner.id], join_policy: 'approval' }), 201).id
  const asks = ok(await scene.people.stranger.post(`/groups/${group}/join-requests`, {}), 201).id
  const link = ok(await asking.post(`/groups/${group}/invite-links`, {}), 201)
  valid = {
    register: { body: { username: unique(), password: 'a fine password 1', nickname: 'n', device, invite: 'i' } },
    login: { body: { username: asking.username, password: asking.password, device } },
    refreshToken: { body: { refresh_token: 'not one of ours' } },
    resetPassword: { body: { token: 'x'.repeat(43), new_password: 'a fine password 1' } },
    updateMe: {
      body: { nickname: 'n', signature: 's', avatar_file_id: null, gender: 'other', locale: 'zh-CN', timezone: 'Asia/Shanghai',
        settings: { strangers_may_write: true, findable: true, show_last_seen: true } },
    },
    deleteMe: { body: { password: 'not the password' } },
    changePassword: { body: { old_password: 'not the password', new_password: 'a fine password 1' } },
    revokeSession: { id: asking.sessionId },
    getUser: { id: scene.owner.id },
    updateFriend: { user_id: scene.owner.id, body: { remark: 'r', tag: 't' } },
    deleteFriend: { user_id: scene.owner.id },
    createFriendRequest: { body: { user_id: scene.people.stranger.id, message: 'm' } },
    getFriendRequest: { id: pending },
    acceptFriendRequest: { id: pending },
    declineFriendRequest: { id: pending },
    withdrawFriendRequest: { id: sent },
    blockUser: { user_id: scene.owner.id },
    unblockUser: { user_id: scene.owner.id },
    openConversation: { body: { user_id: scene.owner.id } },
    getConversation: { id: conversation },
    listMessages: { id: conversation },
    sendMessage: { id: conversation, body: { client_msg_id: uuid(), type: 'text', content: { text: 'hi' }, reply_to_seq: 1, mentions: [] } },
    sync: { body: { conversations: [{ id: conversation, seq: 1, version: 1 }], limit: 20, next: conversation } },
    markRead: { id: conversation, body: { seq: 1 } },
    updateConversation: { id: conversation, body: { pinned: true, notify: 'all', draft: 'd', remark: 'r', marked_unread: true } },
    clearConversation: { id: conversation },
    editMessage: { id: conversation, seq: 1, body: { content: { text: 'better' } } },
    deleteMessage: { id: conversation, seq: 1 },
    addReaction: { id: conversation, seq: 1, emoji: encodeURIComponent('👍') },
    removeReaction: { id: conversation, seq: 1, emoji: encodeURIComponent('👍') },
    listReactions: { id: conversation, seq: 1 },
    listReaders: { id: conversation, seq: 1 },
    forwardMessages: { id: conversation, body: { from_conversation_id: conversation, seqs: [1], mode: 'each', client_msg_id: uuid() } },
    listPins: { id: conversation },
    pinMessage: { id: conversation, seq: 1 },
    unpinMessage: { id: conversation, seq: 1 },
    createGroup: { body: { name: 'n', member_ids: [scene.owner.id], join_policy: 'approval' } },
    getGroup: { id: group },
    updateGroup: {
      id: group,
      body: { name: 'n', avatar_file_id: null, announcement: 'a', join_policy: 'approval', mute_all: false, history_for_new: false,
        strangers_may_write: false },
    },
    dismissGroup: { id: group },
    changeGroupOwner: { id: group, body: { user_id: scene.people.stranger.id } },
    listGroupMembers: { id: group },
    addGroupMembers: { id: group, body: { user_ids: [scene.owner.id] } },
    updateGroupMember: { id: group, user_id: 'me', body: { role: 'member', muted_until: 0, nickname: 'n' } },
    removeGroupMember: { id: group, user_id: scene.owner.id },
    listJoinRequests: { id: group },
    createJoinRequest: { id: group, body: { message: 'm' } },
    acceptJoinRequest: { id: group, request_id: asks },
    declineJoinRequest: { id: group, request_id: asks },
    listInviteLinks: { id: group },
    createInviteLink: { id: group, body: { expires_in: 60, max_uses: 1 } },
    revokeInviteLink: { id: group, link_id: link.id },
    lookAtInviteLink: { token: link.token },
    joinByInviteLink: { token: link.token },
    sendTyping: { id: conversation },
    getFile: { id: (await asking.post('/files', undefined, { raw: 'bytes' })).body.id },
    getThumbnail: { id: (await asking.post('/files', undefined, { raw: PNG })).body.id, query: '?size=160' },
    listConversationFiles: { id: conversation },
    ...Object.fromEntries(['getUpload', 'resumeUpload', 'deleteUpload'].map((id) => [id, { id: UNKNOWN_ID, headers: {
      'tus-resumable': '1.0.0', 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' } }])),
    askAiSummary: { body: { conversation_id: conversation, after_seq: 0, target_language: 'de' } },
    askAiTranslation: { body: { conversation_id: conversation, seq: 1, target_language: 'de' } },
    askAiSuggestions: { body: { conversation_id: conversation } },
    getAiHelp: { help_id: UNKNOWN_ID },
    getAiReply: { id: conversation, reply_id: '1' }, // nobody asked an assistant
    cancelAiReply: { id: conversation, reply_id: '1' },
    regenerateAiReply: { id: conversation, reply_id: '1' },
  }
}

let prepared
/** A test for which the people and the valid requests are ready. */
const test = (name, fn) => plainTest(name, async () => {
  await (prepared ??= prepare())
  await fn()
})

/** The path of an operation with its parameters filled in, some of them otherwise. */
function pathOf(one, otherwise = {}) {
  const values = { ...valid[one.id], ...otherwise }
  return one.path.replace(/\{(\w+)\}/g, (_, name) => values[name])
}

const send = (one, options, otherwise) => call(one.method, pathOf(one, otherwise) + (valid[one.id]?.query ?? ''),
  { token: asking.token, headers: valid[one.id]?.headers, ...options })

/** Of a choice the first one, which is that of the valid request. */
const chosen = (schema) => (resolve(schema).anyOf ? resolve(resolve(schema).anyOf[0]) : resolve(schema))

/** Every field of a body: {at: ['device', 'name'], schema, required}. */
function fieldsOf(schema, at = []) {
  const { properties = {}, required = [] } = resolve(schema)
  return Object.entries(properties).flatMap(([name, property]) => {
    const field = { at: [...at, name], schema: chosen(property), required: required.includes(name) }
    return field.schema.properties ? [field, ...fieldsOf(field.schema, field.at)] : [field]
  })
}

const typesOf = (schema) => [schema.type].flat()

/** The body with one field changed; `undefined` leaves it out. */
function withField(body, at, value) {
  const copy = structuredClone(body)
  const parent = at.slice(0, -1).reduce((object, name) => object[name], copy)
  if (value === undefined) delete parent[at.at(-1)]
  else parent[at.at(-1)] = value
  return copy
}

const WRONG = { string: [17, true, [], {}], integer: ['1', true, [], {}, 1.5], boolean: ['true', 0, 1, [], {}], object: ['x', 1, true, [[]]],
  array: ['x', 1, true, {}] }

/** [what, value] of values that this field must refuse, as JSON values. */
function* badValues({ schema, required }) {
  const types = typesOf(schema)
  if (required) yield ['missing', undefined]
  if (!types.includes('null')) yield ['null', null]
  for (const value of WRONG[types[0]] ?? []) yield [`wrong type ${JSON.stringify(value)}`, value]
  if (types[0] === 'string') {
    if (schema.maxLength) yield ['too long', 'a'.repeat(schema.maxLength + 1)]
    if (schema.maxLength) yield ['too long by bytes and characters', '驿'.repeat(schema.maxLength + 1)]
    if (schema.minLength) yield ['too short', 'a'.repeat(schema.minLength - 1)]
    if (schema.enum) yield ['unknown word', 'unknown-word']
    if (schema.pattern && !'!'.repeat(schema.minLength ?? 5).match(new RegExp(schema.pattern, 'u'))) {
      yield ['not of its form', '!'.repeat(schema.minLength ?? 5)]
    }
  }
  if (types[0] === 'integer') {
    if (schema.minimum !== undefined) yield ['below', schema.minimum - 1]
    if (schema.maximum !== undefined) yield ['above', schema.maximum + 1]
  }
}

/** [what, bytes] of bodies whose field cannot be said in JSON.stringify's terms. */
function* badBytes(body, { at, schema }) {
  const mark = '@@here@@'
  const text = JSON.stringify(withField(body, at, mark))
  const at_ = text.indexOf(`"${mark}"`)
  const put = (value) => Buffer.concat([Buffer.from(text.slice(0, at_)), Buffer.from(value), Buffer.from(text.slice(at_ + mark.length + 2))])
  const string = (bytes) => put(Buffer.concat([Buffer.from('"aaaa'), Buffer.from(bytes), Buffer.from('aaaa"')]))
  if (typesOf(schema)[0] === 'string') {
    for (const [what, bytes] of [['a stray byte', [0xff]], ['half a character', [0xe9, 0xa9]], ['overlong', [0xc0, 0x80]],
      ['a surrogate in UTF-8', [0xed, 0xa0, 0x80]], ['past U+10FFFF', [0xf4, 0x90, 0x80, 0x80]]]) yield [what, string(bytes)]
    for (const escape of ['\\ud800', '\\udc00', '\\udc00\\ud800', '\\ud83d\\u0041', '\\u0000']) yield [escape, string(escape)]
  }
  if (typesOf(schema)[0] === 'integer') {
    for (const number of ['9223372036854775808', '-9223372036854775809', '99999999999999999999', '1e400', '-1e400', '1e2', '1.0']) {
      // A whole number within the bounds, however it is written, is none of the bad ones.
      if (['1e2', '1.0'].includes(number) && Number(number) <= (schema.maximum ?? Infinity)) continue
      yield [number, put(number)]
    }
  }
  const name = at.at(-1)
  const value = JSON.stringify(at.reduce((object, key) => object[key], body))
  yield ['duplicate key', put(`${value},"${name}":${value}`)]
  yield ['escaped', put(`${value},"\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}":${value}`)]
}

/** Bodies that are wrong as a whole. */
const BAD_BODIES = [
  ['nothing', ''], ['a space', ' '], ['no JSON', 'hello'], ['an array', '[]'], ['a text', '"x"'], ['a number', '1'], ['null', 'null'],
  ['true', 'true'], ['cut off', '{"a":'], ['two values', '{}{}'], ['a comma too much', '{"a":1,}'], ['single quotes', "{'a':1}"],
  ['NaN', '{"a":NaN}'], ['a comment', '{/*x*/"a":1}'], ['a bare tab', '{"a":"\t"}'], ['NUL', '\0'], ['NUL behind', '{}\0'],
  ['17 deep', `{"a":${'['.repeat(16)}${']'.repeat(16)}}`], ['very deep', `{"a":${'['.repeat(20_000)}`],
  ['deep objects', `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`], ['invalid UTF-8 in a key', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ['another encoding', Buffer.from('{"a":1}', 'utf16le')],
]

async function storesNothing(act) {
  const before = await rowCounts()
  await act()
  assert.deepEqual(await rowCounts(), before, 'something was stored')
}

/** 400 invalid_request that names the field (or the object in which it stands). */
function mustName(answer, at, what) {
  assert.ok(answer.status === 400 && answer.body.code === 'invalid_request', `${at.join('.')} ${what}: ${describe(answer)}`)
  const named = (answer.body.errors ?? []).map((error) => error.field)
  assert.ok(named.includes(at.join('.')), `${at.join('.')} ${what} is not named: ${describe(answer)}`)
}

for (const one of operations.filter(({ body }) => body)) {
  test(`${one.id}: each field missing, null, of a wrong type, out of its bounds`, async () => {
    const { body } = valid[one.id]
    await storesNothing(async () => {
      for (const field of fieldsOf(one.body)) {
        for (const [what, value] of badValues(field)) {
          mustName(await send(one, { body: withField(body, field.at, value) }), field.at, what)
        }
      }
    })
  })

  test(`${one.id}: each field in bytes that are no text, numbers that are too large, keys that come twice`, async () => {
    const { body } = valid[one.id]
    await storesNothing(async () => {
      for (const field of fieldsOf(one.body)) {
        for (const [what, raw] of badBytes(body, field)) {
          const answer = await send(one, { raw })
          // A key that comes again in other letters is named in those.
          if (what === 'escaped') assert.match(refused(answer, 400, 'invalid_request').errors[0].field, /(^|\.)\\u00../)
          else mustName(answer, field.at, what)
        }
      }
    })
  })

  test(`${one.id}: bodies that are wrong as a whole`, async () => {
    await storesNothing(async () => {
      for (const [what, raw] of BAD_BODIES) {
        if (what === 'nothing' && !one.body.required) continue // as good as {}
        const answer = await send(one, { raw })
        assert.ok(answer.status === 400 && answer.body.code === 'invalid_request', `${what}: ${describe(answer)}`)
      }
      refused(await send(one, { raw: `{"a":"${'x'.repeat(65_536)}"}` }), 413, 'too_large')
    })
  })
}

for (const one of operations.filter(({ parameters }) => parameters.some((parameter) => parameter.in === 'query'))) {
  test(`${one.id}: each parameter of the query out of its form and bounds`, async () => {
    await storesNothing(async () => {
      for (const { name, in: place, schema: raw } of one.parameters) {
        if (place !== 'query') continue
        const path = `${pathOf(one)}?${BESIDE[one.id]?.[name] ?? ''}${name}=`
        const schema = resolve(raw)
        const bad = schema.type === 'integer'
          ? [...BAD_INTEGERS, String(schema.minimum - 1), ...(schema.maximum ? [String(schema.maximum + 1)] : [])]
          : schema.type === 'array'
          ? ['', 'x', '0', '1,,2', '1,', ',1', '%FF', '%00', '18446744073709551616', '1,2'.padEnd(600, ',3')]
          : ['%FF', '%ED%A0%80', '%00', 'a%00b', ...(schema.maxLength ? ['x'.repeat(schema.maxLength + 1)] : []),
            ...(schema.minLength ? [''] : []), ...(schema.enum ? ['unknown-word'] : []),
            ...(name === 'cursor' && !['poll', 'stream'].includes(one.id) ? ['garbage', '%00', 'x'.repeat(256)] : [])]
        for (const value of bad) {
          const answer = await call(one.method, path + value, { token: asking.token })
          mustName(answer, [name], `= ${value.slice(0, 40)}`)
        }
        const twice = await call(one.method, `${path}1&${name}=2`, { token: asking.token })
        mustName(twice, [name], 'twice')
      }
    })
  })
}

for (const one of operations.filter(({ parameters }) => parameters.some((parameter) => parameter.in === 'path'))) {
  test(`${one.id}: ids that are none, unknown, and of other people and apps`, async () => {
    const [{ name }] = one.parameters.filter((parameter) => parameter.in === 'path')
    const body = valid[one.id].body
    await storesNothing(async () => {
      for (const id of [...BAD_IDS, UNKNOWN_ID, '18446744073709551615']) {
        const answer = await send(one, { body }, { [name]: id })
        if (answer.status === 404) refused(answer, 404, 'not_found')
        else mustName(answer, [name], id) // no id at all
      }
      refused(await send(one, { body }, { [name]: '%31%00' }), 400, 'invalid_request')
    })
  })
}

test('ids in bodies that are unknown or of another app', async () => {
  await storesNothing(async () => {
    for (const user_id of [UNKNOWN_ID, '18446744073709551615', scene.people.foreign.id]) {
      for (const id of ['createFriendRequest', 'openConversation']) {
        refused(await send(operation(id), { body: { ...valid[id].body, user_id } }), 404, 'not_found')
      }
      refused(await send(operation('changeGroupOwner'), { body: { user_id } }), 404, 'not_found')
      refused(await send(operation('removeGroupMember'), {}, { user_id }), 404, 'not_found')
      refused(await send(operation('addGroupMembers'), { body: { user_ids: [user_id] } }), 404, 'not_found')
      refused(await send(operation('createGroup'), { body: { name: 'n', member_ids: [scene.owner.id, user_id] } }), 404, 'not_found')
    }
  })
})

test('unknown fields are ignored, at any depth', async () => {
  const answer = await asking.patch('/me', { nickname: 'n', unknown: { deep: [1, { x: null }] }, settings: { findable: true, later: 1 } })
  assert.equal(answer.status, 200)
})

test('expired, forged and misused tokens open nothing', async () => {
  const { sign, keyOf, expiring } = await tokenSmith(asking)
  const expired = expiring(Date.now() - 1000)
  const { file_token } = (await call('POST', '/token/refresh', { body: { refresh_token: asking.refreshToken } })).body
  const forged = [
    sign(() => {}, keyOf('another secret')),
    sign(() => {}, Buffer.alloc(32)),
    sign((payload) => payload.writeUInt8(0, 0)),
    sign((payload) => payload.writeUInt8(2, 1)),
    sign((payload) => payload.writeUInt16BE(999, 2)),
    file_token,
    `${asking.token.slice(0, -1)}`,
  ]
  for (const one of operations.filter(({ open }) => !open)) {
    const body = valid[one.id]?.body
    const options = body ? { body } : {}
    refused(await send(one, { ...options, token: expired }), 401, 'token_expired')
    for (const token of forged) refused(await send(one, { ...options, token }), 401, 'unauthenticated')
  }
})
