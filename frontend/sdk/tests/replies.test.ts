// Replies of assistants as they grow: every word once and at its place, whatever is lost, doubled or reloaded on the way.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryStorage, messageIdOf, PosthouseError, replyIdIn, replyIdOf, type AiReply, type Entry, type HouseEvent, type Storage } from '../index'
import { Replies } from '../replies'
import { entry, House, json, problem, signedIn } from './house'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms)
const ID = '1234567890123456789'

const delta = (offset: number, text: string, id = ID): HouseEvent => ({
  type: 'ai.delta', conversation_id: '9', reply_id: id, assistant_id: '7', reply_to_seq: 3, offset, text,
})
const finished = (seq: number, id = ID): HouseEvent => ({
  type: 'ai.finished', conversation_id: '9', reply_id: id, seq, state: 'done', version: 1,
})
function reply(over: Partial<AiReply> = {}): AiReply {
  return {
    id: ID, conversation_id: '9', assistant_id: '7', asker_id: '1', reply_to_seq: 3, state: 'writing', text: '', offset: 0, seq: null,
    reason: null, input_tokens: 0, output_tokens: 0, created_at: 1, finished_at: null, ...over,
  } as AiReply
}

/** A house that has written `text`; the last seq that the log shows. */
function open(storage: Storage = memoryStorage()) {
  const house = { text: '', seq: null as number | null, shown: 0, asked: [] as number[], fail: null as unknown }
  const replies = new Replies({
    storage,
    shown: (_, seq) => seq <= house.shown,
    now: () => 1_000,
    random: () => 0.999,
    read: async (_id, id, offset) => {
      house.asked.push(offset)
      if (house.fail !== null) throw house.fail
      const characters = Array.from(house.text)
      const at = Math.min(offset, characters.length)
      return reply({ id, offset: at, text: characters.slice(at).join(''), seq: house.seq })
    },
  })
  replies.start('1')
  const now = () => replies.of('9').map(({ text, state }) => [text, state])
  return { house, replies, now }
}

test('the id of a reply and of the message that it will be', () => {
  expect(messageIdOf('1')).toBe('01000000-0000-0000-6169-2e7265706c79')
  expect(replyIdIn(messageIdOf(ID))).toBe(ID)
  expect(replyIdIn(messageIdOf('18446744073709551615'))).toBe('18446744073709551615')
  expect(replyIdOf(entry(4, { client_msg_id: messageIdOf(ID) }))).toBe(ID)
  expect(replyIdOf(entry(4, { client_msg_id: '01000000-0000-4000-8000-2e7265706c79' }))).toBeNull()
  expect(replyIdOf(entry(4))).toBeNull()
  const content = { code: 'ai.failed', params: { reply_id: ID } } as unknown as Entry['content']
  const failed = { type: 'system' as const, sender_id: null, content }
  expect(replyIdOf(entry(4, failed))).toBe(ID)
})

test('it waits, grows by what is new, counts characters and not units, and is over when its entry is shown', () => {
  const { house, replies, now } = open()
  const heard: string[] = []
  replies.subscribe((id) => heard.push(id))
  replies.hear(delta(0, ''))
  expect(now()).toEqual([['', 'waiting']])
  replies.hear(delta(0, '👍🏽 '))
  replies.hear(delta(3, 'two'))
  replies.hear(delta(3, 'two'))
  replies.hear(delta(4, 'wo three'))
  expect(now()).toEqual([['👍🏽 two three', 'writing']])
  expect(heard).toHaveLength(4)
  replies.hear(finished(4))
  expect(now()).toEqual([['👍🏽 two three', 'ended']])
  replies.hear(delta(12, ' late'))
  house.shown = 4
  replies.prune('9')
  expect(now()).toEqual([])
  expect(house.asked).toEqual([])
})

test('a gap is read; what comes while it is read is read again', async () => {
  const { house, replies, now } = open()
  replies.hear(delta(0, 'one '))
  house.text = 'one two three '
  replies.hear(delta(8, 'three '))
  house.text = 'one two three four '
  replies.hear(delta(14, 'four '))
  expect(now()).toEqual([['one ', 'writing']])
  await tick()
  expect(now()).toEqual([['one two three four ', 'writing']])
  expect(house.asked[0]).toBe(4)
  replies.hear(delta(19, 'five'))
  expect(now()).toEqual([['one two three four five', 'writing']])
})

test('who comes late hears its next word and reads what was said before', async () => {
  const { house, replies, now } = open()
  house.text = 'long before now'
  replies.hear(delta(12, 'now'))
  await tick()
  expect(now()).toEqual([['long before now', 'writing']])
})

test('after a reload it is found again, and in the storage is nothing of what it says', async () => {
  const storage = memoryStorage()
  const first = open(storage)
  first.replies.hear(delta(0, 'secret'))
  first.replies.end()
  expect(storage.get('posthouse.replies.1')).not.toContain('secret')
  const again = open(storage)
  again.house.text = 'secret words'
  again.replies.start('1')
  await tick()
  expect(again.now()).toEqual([['secret words', 'writing']])
  again.house.shown = 4
  again.replies.hear(finished(4))
  expect(storage.get('posthouse.replies.1')).toBeNull()
})

test('one that ended while nobody was here is dropped at once', async () => {
  const storage = memoryStorage()
  const first = open(storage)
  first.replies.hear(delta(0, 'a'))
  first.replies.end()
  const again = open(storage)
  Object.assign(again.house, { seq: 5, shown: 5 })
  again.replies.start('1')
  await tick()
  expect(again.now()).toEqual([])
})

test('a storage of which somebody made nonsense is no harm', () => {
  for (const nonsense of ['{', '[1,null,{"id":"x"}]', '{"a":1}', '[{"id":"1","conversationId":"9","assistantId":"7","replyToSeq":"3"}]']) {
    const storage = memoryStorage()
    storage.set('posthouse.replies.1', nonsense)
    expect(open(storage).now()).toEqual([])
  }
})

test('silence is looked into, less often while that fails, and what is not there any more is dropped', async () => {
  const { house, replies, now } = open()
  replies.hear(delta(0, 'a'))
  await tick(7_900)
  expect(house.asked).toEqual([])
  house.text = 'ab'
  await tick(200)
  expect(now()).toEqual([['ab', 'writing']])
  house.fail = new PosthouseError({ code: 'unavailable', status: 503 })
  await tick(8_100)
  expect(house.asked).toHaveLength(2)
  await tick(8_000)
  expect(house.asked).toHaveLength(2)
  await tick(1_500)
  expect(house.asked).toHaveLength(3)
  house.fail = new PosthouseError({ code: 'not_found', status: 404 })
  await tick(30_000)
  expect(now()).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})

test('a resync reads what is under way; its entry ends it too', async () => {
  const { house, replies, now } = open()
  replies.hear(delta(0, 'a'))
  house.text = 'abc'
  replies.hear({ type: 'resync' })
  await tick()
  expect(now()).toEqual([['abc', 'writing']])
  house.shown = 6
  const end = (sender_id: string): HouseEvent => ({ type: 'entry', entry: entry(6, { sender_id, client_msg_id: messageIdOf(ID), reply_to_seq: 3 }) }) as HouseEvent
  replies.hear(end('2'))
  expect(now()).toEqual([['abc', 'writing']])
  replies.hear(end('7'))
  expect(now()).toEqual([])
})

test('two at once stand in the order in which they began', () => {
  const { replies } = open()
  replies.hear(delta(0, 'a', '5'))
  replies.hear(delta(0, 'b', '4'))
  replies.hear(delta(1, 'a', '5'))
  expect(replies.of('9').map(({ text }) => text)).toEqual(['aa', 'b'])
  expect(replies.of('8')).toEqual([])
})

test('through the client: asked for again it waits at once, stopped it is told to the house, off is ai_off', async () => {
  const house = new House()
  const path = `/conversations/9/ai/replies/${ID}`
  house.on(`POST ${path}/regenerate`, () => json(reply({ id: '77', state: 'waiting' }), 201))
  house.on('POST /conversations/9/ai/replies/77/cancel', () => json(reply({ id: '77' })))
  house.on('GET /ai/assistants', () => problem(403, 'ai_off'))
  const client = await signedIn(house)
  await client.ai.regenerate('9', ID)
  expect(client.ai.running('9').map(({ id, state }) => [id, state])).toEqual([['77', 'waiting']])
  expect(house.of(`POST ${path}/regenerate`)[0]?.headers.get('Idempotency-Key')).toMatch(/^[0-9a-f-]{36}$/)
  await client.ai.cancel('9', '77')
  expect(house.of('POST /conversations/9/ai/replies/77/cancel')).toHaveLength(1)
  await expect(client.ai.assistants()).rejects.toMatchObject({ code: 'ai_off' })
  await client.signOut()
  expect(client.ai.running('9')).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})
