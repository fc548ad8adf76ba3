// Assistants: what is asked is answered once, with what the person may see; every fault of a provider becomes an entry.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { PNG } from '../pictures.mjs'
import { Person, Poller, befriend, house, ok, refused, test, unique, until, uuid } from '../client.mjs'
import { cgi, operate, stub } from '../house.mjs'

const DAY_LIMIT = 200_000

/** A new assistant of a provider; its user's id. */
async function assistant(provider, ...options) {
  const username = unique('bot')
  await operate('assistant', 'add', username, '--provider', provider, ...options)
  const [[id]] = await house.sql(`SELECT id FROM users WHERE username = '${username}'`)
  return { id, username }
}

/** Somebody's conversation with an assistant. */
const talk = async (person, { id }) => ok(await person.post('/conversations', { user_id: id }), 201).id

const repliesTo = async (conversation, seq) => (await house.sql(
  `SELECT id, state FROM ai_replies WHERE conversation_id = ${conversation} AND ask_seq = ${seq} ORDER BY id`))

const shown = async (person, conversation) =>
  ok(await person.get(`/conversations/${conversation}/messages?after_seq=0&limit=200`)).items

/** The entry that ends the only reply to `seq`. */
const ending = (person, conversation, seq, ms) => until(`the end of the reply to ${conversation}/${seq}`,
  async () => (await shown(person, conversation)).find((entry) => entry.reply_to_seq === seq), ms)

/** Asks and waits for the end: [ask, end]. */
async function ask(person, conversation, text, ms) {
  const asked = await person.say(conversation, text)
  return [asked, await ending(person, conversation, asked.seq, ms)]
}

const held = (text) => until(`a call with ${text}`, () => {
  const at = stub.asked.filter(({ what }) => what === 'slow').findIndex(({ body }) => body.messages.at(-1).content === text)
  return at >= 0 && stub.held[at]
})

test('without a provider everything is ai_off, and nothing else is otherwise', async () => {
  for (const [method, path, body] of [['GET', '/ai/assistants'], ['GET', '/ai/usage'], ['GET', '/conversations/1/ai/replies/1'],
    ['POST', '/conversations/1/ai/replies/1/cancel'], ['POST', '/conversations/1/ai/replies/1/regenerate'],
    ['POST', '/ai/summary', { conversation_id: '1', after_seq: 0 }], ['POST', '/ai/suggestions', { conversation_id: '1' }],
    ['POST', '/ai/translate', { conversation_id: '1', seq: 1, target_language: 'de' }], ['GET', '/ai/helps/1']]) {
    const person = await Person.register()
    const answer = await cgi('ai', { method, uri: `/api/v1${path}`, body: body && JSON.stringify(body), env: { POSTHOUSE_PROVIDERS: '', HTTP_AUTHORIZATION: `Bearer ${person.token}` } })
    refused(answer, 403, 'ai_off')
  }
})

test('assistants are on offer to those that the operator names', async () => {
  const [a, b] = await Person.some(2)
  const everybodys = await assistant('fine')
  const as = await assistant('fine', '--nickname', '助手', '--for', a.username)
  const listed = async (person) => (await person.all('/ai/assistants', 2)).map(({ id }) => id)
  assert.ok((await listed(a)).includes(as.id) && (await listed(a)).includes(everybodys.id))
  assert.ok(!(await listed(b)).includes(as.id) && (await listed(b)).includes(everybodys.id))
  const one = (await a.all('/ai/assistants')).find(({ id }) => id === as.id)
  assert.equal(one.kind, 'assistant')
  assert.equal(one.nickname, '助手')
  refused(await b.post('/conversations', { user_id: as.id }), 404, 'not_found')
  assert.match(await operate('assistant', 'list'), new RegExp(`${as.id}\t${as.username}\tfine\tsome`))
  await assert.rejects(operate('assistant', 'add', unique(), '--provider', 'unknown'), /no file with a provider unknown/)
  await assert.rejects(operate('assistant', 'add', unique(), '--provider', 'fine', '--for', 'nobody-of-that-name'), /nobody called/)
})

test('what is asked is answered once: told while it comes, then one entry; what is not seen is not sent', async () => {
  const person = await Person.register()
  const bot = await assistant('fine')
  const conversation = await talk(person, bot)
  const poller = await Poller.start(person)
  await poller.park()
  const [asked, answer] = await ask(person, conversation, 'wie geht\u200b es\u{E0041} 你好')
  assert.equal(answer.type, 'text')
  assert.equal(answer.content.text, 'You said: wie geht es 你好')
  assert.equal(answer.sender_id, bot.id)
  const finished = await poller.event('ai.finished', ({ type }) => type === 'ai.finished')
  assert.equal(finished.seq, answer.seq)
  assert.equal(finished.state, 'done')
  const first = poller.events.find(({ type }) => type === 'ai.delta')
  assert.deepEqual([first.offset, first.reply_to_seq, first.reply_id], [0, asked.seq, finished.reply_id])
  const reply = ok(await person.get(`/conversations/${conversation}/ai/replies/${finished.reply_id}`))
  assert.deepEqual([reply.state, reply.text, reply.seq], ['done', answer.content.text, answer.seq])
  assert.deepEqual([reply.input_tokens, reply.output_tokens, reply.cost_micros], [30, 20, 28]) // 7.5 + 20
  const usage = ok(await person.get('/ai/usage'))
  assert.deepEqual([usage.used, usage.limit, usage.left, usage.cost_micros, usage.currency], [50, DAY_LIMIT, DAY_LIMIT - 50, 28, 'CNY'])
  const [call] = stub.asked.filter(({ body }) => body.messages.at(-1).content === 'wie geht es 你好')
  assert.equal(call.authorization, 'Bearer sk-of-the-stub')
  assert.equal(call.body.model, 'model-fine')
  assert.equal(call.body.stream, true)

  await ask(person, conversation, 'and again')
  const { messages } = stub.asked.at(-1).body
  assert.deepEqual(messages.map(({ role }) => role), ['user', 'assistant', 'user'])
  assert.deepEqual((await house.logged('sk-of-the-stub')), [])
})

test('a prompt stands first; what was recalled is told to no model', async () => {
  const person = await Person.register()
  const conversation = await talk(person, await assistant('fine'))
  const [asked] = await ask(person, conversation, 'a secret')
  ok(await person.delete(`/conversations/${conversation}/messages/${asked.seq}`), 204)
  await ask(person, conversation, 'what did I say?')
  assert.ok(!JSON.stringify(stub.asked.at(-1).body.messages.filter(({ role }) => role === 'user')).includes('a secret'))
})

test('an assistant has a picture that its operator gives it', async () => {
  const bot = await assistant('fine')
  const path = join(house.folder, `${bot.username}.png`)
  writeFileSync(path, PNG)
  await operate('assistant', 'avatar', bot.username, path)
  const person = await Person.register()
  const { avatar_file_id: avatar } = ok(await person.get(`/users/${bot.id}`))
  assert.equal((await person.get(`/files/${avatar}`)).status, 200)
  writeFileSync(path, 'no picture')
  await assert.rejects(operate('assistant', 'avatar', bot.username, path), /picture/)
  await assert.rejects(operate('assistant', 'avatar', unique(), path), /no assistant called/)
  assert.equal(ok(await person.get(`/users/${bot.id}`)).avatar_file_id, avatar)
  await operate('assistant', 'remove', bot.username)
  refused(await person.get(`/files/${avatar}`), 404, 'not_found')
})

test('pictures are shown to a model that takes them, if the assistant says so', async () => {
  const person = await Person.register()
  const [seeing, blind] = [await assistant('fine', '--pictures'), await assistant('fine')]
  const file = ok(await person.post('/files', undefined, { raw: PNG, headers: { 'content-type': 'image/png' } }), 201).id
  const shown = async (bot, question) => {
    const conversation = await talk(person, bot)
    const sent = ok(await person.post(`/conversations/${conversation}/messages`,
      { client_msg_id: uuid(), type: 'image', content: { file_id: file } }), 201)
    await ask(person, conversation, question)
    return { conversation, sent, messages: stub.asked.at(-1).body.messages }
  }
  const { conversation, sent, messages: [picture, question] } = await shown(seeing, 'what is it?')
  assert.equal(question.content, 'what is it?')
  assert.equal(picture.content[0].type, 'text')
  const [, data] = /^data:image\/webp;base64,(.+)$/.exec(picture.content[1].image_url.url)
  assert.equal(Buffer.from(data, 'base64').toString('latin1', 8, 12), 'WEBP')
  ok(await person.delete(`/conversations/${conversation}/messages/${sent.seq}`), 204)
  await ask(person, conversation, 'and now?')
  assert.ok(!JSON.stringify(stub.asked.at(-1).body).includes('image_url'))
  assert.ok(!JSON.stringify((await shown(blind, 'and you?')).messages).includes('image_url'))
})

test('who only looks now and then finds that it has begun, and each time what it says more', async () => {
  const person = await Person.register()
  const conversation = await talk(person, await assistant('slow'))
  const poller = await Poller.start(person)
  const asked = await person.say(conversation, 'slowly, I look now and then')
  const call = await held('slowly, I look now and then')
  let [id, known] = ['', '']
  /** Looks until it has said so much. */
  const grown = (text) => until(`it is ${text}`, async () => {
    const reply = id && `&reply=${id}:${[...known].length}`
    const { cursor, events } = ok(await person.get(`/poll?timeout=0&cursor=${poller.cursor}${reply}`))
    poller.cursor = cursor
    for (const event of events.filter(({ type }) => type === 'ai.delta')) {
      assert.ok(event.reply_to_seq === asked.seq && event.offset <= [...known].length)
      id = event.reply_id
      known = [...known].slice(0, event.offset).join('') + event.text
    }
    return known === text
  })
  await grown('one ')
  call.next('👍🏽 two')
  await grown('one 👍🏽 two')
  call.end()
  assert.equal((await ending(person, conversation, asked.seq)).content.text, 'one 👍🏽 two')
  await until('its end is told', async () => (await poller.once(0)) && poller.events.some(({ type }) => type === 'ai.finished'))
  assert.ok(!poller.events.some(({ type }) => type === 'ai.delta'))
})

test('it is seen growing, stopped by who asked, and asked for again', async () => {
  const person = await Person.register()
  const conversation = await talk(person, await assistant('slow'))
  const poller = await Poller.start(person)
  const asked = await person.say(conversation, 'count slowly')
  const call = await held('count slowly')
  const words = (told) => ({ type, text }) => type === 'ai.delta' && text.endsWith(told)
  const first = await poller.event('the first words', words('one '))
  assert.equal(first.offset, 0)
  call.next('zwei 👍🏽 ')
  const second = await poller.event('the next words', words('zwei 👍🏽 '))
  assert.equal(second.offset + [...second.text].length, 12)
  const path = `/conversations/${conversation}/ai/replies/${first.reply_id}`
  const reply = ok(await person.get(`${path}?offset=9`))
  assert.deepEqual([reply.state, reply.text, reply.offset], ['writing', '👍🏽 ', 9])
  refused(await person.post(`${path}/regenerate`), 409, 'conflict')

  const { cursor } = poller
  const asking = (who, offset, wait, more = '') => who.get(`/poll?timeout=${wait}&cursor=${cursor}&reply=${first.reply_id}:${offset}${more}`)
  const missed = [{ ...second, offset: 9, text: '👍🏽 ' }]
  for (const [wait, more] of [[0, ''], [25, ''], [25, `&reply=${first.reply_id}:0`]]) {
    const began = Date.now()
    const { events } = ok(await asking(person, 9, wait, more))
    assert.deepEqual(events.filter(({ type }) => type === 'ai.delta'), missed)
    assert.ok(Date.now() - began < 10_000, 'it waited for what was there')
  }
  assert.deepEqual(ok(await asking(person, 12, 0)).events.filter(({ type }) => type === 'ai.delta'), [])
  const stream = await fetch(`${house.url}/api/v1/stream?cursor=${cursor}&reply=${first.reply_id}:9`, { headers: { authorization: `Bearer ${person.token}` } })
  const told = (await stream.text()).split('\n').filter((line) => line.startsWith('data: ')).map((line) => JSON.parse(line.slice(6)))
  assert.deepEqual(told.flatMap(({ events }) => events).filter(({ type }) => type === 'ai.delta'), missed)
  refused(await person.get(`/poll?reply=${first.reply_id}`), 400, 'invalid_request')
  refused(await person.get(`/poll?${`reply=${first.reply_id}:0&`.repeat(9)}`), 400, 'invalid_request')

  const stranger = await Person.register()
  refused(await stranger.get(path), 404, 'not_found')
  refused(await stranger.post(`${path}/cancel`), 404, 'not_found')
  const theirs = ok(await stranger.get('/poll?timeout=0')).cursor
  const look = ok(await stranger.get(`/poll?timeout=0&cursor=${theirs}&reply=${first.reply_id}:0`))
  assert.deepEqual([look.events, look.resync], [[], undefined])

  ok(await person.post(`${path}/cancel`))
  const end = await ending(person, conversation, asked.seq)
  assert.deepEqual([end.type, end.content.text], ['text', 'one zwei 👍🏽 '])
  assert.equal(ok(await person.get(path)).state, 'cancelled')
  await call.closed

  const key = { headers: { 'Idempotency-Key': uuid() } }
  const again = ok(await person.post(`${path}/regenerate`, undefined, key), 201)
  assert.equal(ok(await person.post(`${path}/regenerate`, undefined, key)).id, again.id)
  assert.equal(again.reply_to_seq, asked.seq)
  const other = await until('the second call', () => stub.held.length > 0 && stub.held.at(-1) !== call && stub.held.at(-1))
  other.next('two')
  other.end()
  await until('the second answer', async () => ok(await person.get(`/conversations/${conversation}/ai/replies/${again.id}`)).state === 'done')
  const texts = (await shown(person, conversation)).filter(({ reply_to_seq: seq }) => seq === asked.seq)
  assert.deepEqual(texts.map(({ content }) => content.text), ['one zwei 👍🏽 ', 'one two'])
})

const FAULTS = {
  401: ['provider_refused', ''],
  429: ['provider_busy', ''],
  500: ['provider_unavailable', ''],
  hang: ['timeout', ''],
  hanghead: ['timeout', ''],
  hangmiddle: ['timeout', 'half a '],
  truncated: ['cut_off', 'half an answer'],
  unended: ['cut_off', 'half an answer'],
  garbage: ['provider_error', ''],
  errorinside: ['provider_error', 'well, '],
  empty: ['empty', ''],
  longline: ['provider_error', ''],
  redirect: ['provider_refused', ''],
  public: ['provider_unavailable', ''], // its address is not, and others keep connections to it
  nowhere: ['provider_unavailable', ''],
}
for (const [provider, [reason, text]] of Object.entries(FAULTS)) {
  test(`a provider that does this: ${provider}: an entry says ${reason}`, async () => {
    const person = await Person.register()
    const conversation = await talk(person, await assistant(provider))
    const [asked, end] = await ask(person, conversation, 'hello')
    assert.equal(end.type, 'system')
    assert.equal(end.content.code, 'ai.failed')
    assert.deepEqual([end.content.params.reason, end.content.params.text], [reason, text])
    const [[id, state]] = await repliesTo(conversation, asked.seq)
    assert.equal(end.content.params.reply_id, id)
    assert.equal(state, '3')
    await until('what was reserved is free', async () =>
      (await house.sql(`SELECT reserved + running FROM ai_spending WHERE scope = 0 AND subject_id = ${person.id}`))[0][0] === '0')
  })
}

test('bytes cut anywhere, a pause that is asked for, a provider to fall back on: an answer', async () => {
  const person = await Person.register()
  for (const [provider, text] of [['split', '你好 👍🏽é'], ['busy', 'You said: hello'], ['behind', 'You said: hello']]) {
    const [, end] = await ask(person, await talk(person, await assistant(provider)), 'hello')
    assert.deepEqual([provider, end.content.text], [provider, text])
  }
})

test('who is asked instead is told no more than tokens were reserved for', async () => {
  const person = await Person.register()
  const bot = await assistant('narrow')
  const { id } = ok(await person.post('/groups', { name: '驿', member_ids: [bot.id], join_policy: 'invite' }), 201)
  for (let i = 0; i < 5; i++) await person.say(id, `${i}${' and so on'.repeat(30)}`)
  const asked = ok(await person.post(`/conversations/${id}/messages`,
    { client_msg_id: uuid(), type: 'text', content: { text: '@Bot what is narrow?' }, mentions: [bot.id] }), 201)
  await ending(person, id, asked.seq)
  const [instead, first] = ['fine', '500'].map((way) => stub.asked.findLast(({ what, body }) =>
    what === way && body.messages.at(-1).content.endsWith('@Bot what is narrow?')).body.messages)
  assert.deepEqual(instead, first)
  assert.ok(first.length > 1 && first.length < 6)
})

test('a call that is stopped before its first word is paid for as far as we can tell', async () => {
  const person = await Person.register()
  const conversation = await talk(person, await assistant('thinking'))
  const asked = await person.say(conversation, 'think about it')
  await until('it is asked', () => stub.asked.some(({ body }) => body.messages.at(-1).content === 'think about it'))
  const [[id]] = await repliesTo(conversation, asked.seq)
  ok(await person.post(`/conversations/${conversation}/ai/replies/${id}/cancel`))
  await ending(person, conversation, asked.seq)
  const reply = ok(await person.get(`/conversations/${conversation}/ai/replies/${id}`))
  assert.deepEqual([reply.state, reply.output_tokens], ['cancelled', 1])
  assert.ok(reply.input_tokens > 0)
  assert.equal(ok(await person.get('/ai/usage')).used, reply.input_tokens + reply.output_tokens)
})

test('a reply that another process has taken is written no further, and ends once', async () => {
  const person = await Person.register()
  const conversation = await talk(person, await assistant('slow'))
  const asked = await person.say(conversation, 'whose is it?')
  const call = await held('whose is it?')
  const [[id]] = await repliesTo(conversation, asked.seq)
  await until('it is told', async () => ok(await person.get(`/conversations/${conversation}/ai/replies/${id}`)).text === 'one ')
  let isClosed = false
  void call.closed.then(() => (isClosed = true))
  await house.sql(`UPDATE ai_replies SET claimed_by = 1, lease_until = lease_until + 60000 WHERE id = ${id}`)
  await until('the call is given up', () => isClosed)
  await house.sql(`UPDATE ai_replies SET lease_until = 1 WHERE id = ${id}`)
  const end = await ending(person, conversation, asked.seq)
  assert.deepEqual([end.content.params.reason, end.content.params.text], ['interrupted', 'one '])
})

test('an answer without end is cut at 8000 characters', async () => {
  const person = await Person.register()
  const [, end] = await ask(person, await talk(person, await assistant('endless')), 'go on')
  assert.equal([...end.content.text].length, 8000)
})

test('50 questions at once do not pass the tokens of a day', async () => {
  const person = await Person.register()
  const conversation = await talk(person, await assistant('dear'))
  const before = stub.held.length
  const asked = await Promise.all(Array.from({ length: 50 }, (_, i) => person.say(conversation, `dear ${i}`)))
  const seqs = new Set(asked.map(({ seq }) => seq))
  const failed = await until('those for which nothing is left', async () => {
    const ends = (await shown(person, conversation)).filter(({ reply_to_seq: seq }) => seqs.has(seq))
    return ends.length >= 41 && ends
  })
  assert.ok(failed.every(({ content }) => content.params.reason === 'limit'))
  assert.equal(failed.length, 41) // nine times 20,000 and a little is below 200,000
  await until('the others are asked', () => stub.held.length === before + 9)
  assert.ok(ok(await person.get('/ai/usage')).used <= DAY_LIMIT)
  for (const call of stub.held.slice(before)) call.end()
  await until('all have an end', async () => (await house.sql(
    `SELECT COUNT(*) FROM ai_replies WHERE conversation_id = ${conversation} AND state < 2`))[0][0] === '0')
  assert.equal(ok(await person.get('/ai/usage')).used, 9 * 50)
})

test('20 questions of two people at once do not pass the tokens of their assistant', async () => {
  const people = await Person.some(2)
  const bot = await assistant('dear')
  const conversations = [await talk(people[0], bot), await talk(people[1], bot)]
  const before = stub.held.length
  await Promise.all(Array.from({ length: 20 }, (_, i) => people[i % 2].say(conversations[i % 2], `dear ${i}`)))
  const sum = (what) => house.sql(`SELECT ${what} FROM ai_replies WHERE assistant_id = ${bot.id}`).then(([[n]]) => n)
  await until('those for which nothing is left', async () => await sum("SUM(state = 3 AND reason = 'limit')") === '8')
  await until('the others are asked', () => stub.held.length === before + 12) // twelve times 20,000 and a little is below 250,000
  for (const call of stub.held.slice(before)) call.end()
  await until('all have an end', async () => await sum('SUM(state < 2)') === '0')
  for (const scope of [`1 AND subject_id = ${bot.id}`, '2', '3']) {
    const rows = await house.sql(`SELECT SUM(reserved), SUM(running) FROM ai_spending WHERE scope = ${scope}`)
    assert.deepEqual(rows, [['0', '0']], `what is reserved in scope ${scope}`)
  }
})

test('more than a person may have at once wait for their turn', async () => {
  const person = await Person.register()
  const conversation = await talk(person, await assistant('slow'))
  const before = stub.held.length
  for (let i = 0; i < 42; i++) await person.say(conversation, `turn ${i}`)
  const count = async (state) => Number((await house.sql(`SELECT COUNT(*) FROM ai_replies WHERE conversation_id = ${conversation} AND state = ${state}`))[0][0])
  await until('forty are asked', () => stub.held.length === before + 40)
  await until('two wait', async () => await count(0) === 2)
  for (const call of stub.held.slice(before, before + 2)) call.end()
  await until('the others are asked', () => stub.held.length === before + 42)
  for (const call of stub.held.slice(before + 2)) call.end()
  await until('all are done', async () => await count(2) === 42)
})

test('in a group a mention is answered, with what who asks may read; nothing else is', async () => {
  const [owner, late] = await Person.some(2)
  await befriend(owner, late)
  const bot = await assistant('fine', '--nickname', 'Bot')
  const { id } = ok(await owner.post('/groups', { name: '驿', member_ids: [bot.id], join_policy: 'invite' }), 201)
  await owner.say(id, 'before he came')
  ok(await owner.post(`/groups/${id}/members`, { user_ids: [late.id] }), 201)
  const plain = await late.say(id, 'nobody is asked')
  const body = { client_msg_id: uuid(), type: 'text', content: { text: '@Bot what is this?' }, mentions: [bot.id] }
  const asked = ok(await late.post(`/conversations/${id}/messages`, body), 201)
  ok(await late.post(`/conversations/${id}/messages`, body)) // a repetition asks nothing
  const end = await ending(owner, id, asked.seq)
  assert.equal(end.sender_id, bot.id)
  const { messages } = stub.asked.at(-1).body
  assert.deepEqual(messages.map(({ content }) => content), ['测试: nobody is asked', '测试: @Bot what is this?'])
  assert.deepEqual(await repliesTo(id, plain.seq), [])
  assert.equal((await repliesTo(id, asked.seq)).length, 1)
})

test('an assistant that is removed answers no more, and says so', async () => {
  const person = await Person.register()
  const bot = await assistant('fine')
  const conversation = await talk(person, bot)
  await operate('assistant', 'remove', bot.username)
  const [, end] = await ask(person, conversation, 'are you there?')
  assert.equal(end.content.params.reason, 'not_allowed')
  assert.ok(!(await person.all('/ai/assistants')).some(({ id }) => id === bot.id))
})

test('kill -9 in the middle of 20 answers: each ends once, as interrupted, and can be asked for again', async () => {
  const person = await Person.register()
  const bot = await assistant('slow')
  const conversation = await talk(person, bot)
  const before = stub.held.length
  const asked = await Promise.all(Array.from({ length: 20 }, (_, i) => person.say(conversation, `slow ${i}`)))
  await until('all are begun', () => stub.held.length === before + 20)
  for (const { seq } of asked) {
    const [[id]] = await repliesTo(conversation, seq)
    await until('it is told', async () => ok(await person.get(`/conversations/${conversation}/ai/replies/${id}`)).text === 'one ')
  }
  for (const name of ['ai.0', 'ai.1']) await house.restarted(name, await house.kill(name))
  const seqs = new Set(asked.map(({ seq }) => seq))
  const endings = async () => (await shown(person, conversation)).filter(({ reply_to_seq: seq }) => seqs.has(seq))
  await until('all have an end', async () => (await endings()).length >= 20, 30_000)
  const ends = await endings()
  assert.equal(new Set(ends.map(({ reply_to_seq: seq }) => seq)).size, 20)
  assert.equal(ends.length, 20)
  for (const { content } of ends) assert.deepEqual([content.params.reason, content.params.text], ['interrupted', 'one '])
  const [[id]] = await repliesTo(conversation, asked[0].seq)
  const again = ok(await person.post(`/conversations/${conversation}/ai/replies/${id}/regenerate`), 201)
  const call = await until('it is asked again', () => stub.held.length === before + 21 && stub.held.at(-1))
  call.end()
  await until('an answer', async () => ok(await person.get(`/conversations/${conversation}/ai/replies/${again.id}`)).state === 'done')
})
