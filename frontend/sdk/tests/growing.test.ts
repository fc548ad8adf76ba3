// Answers of assistants where nothing waits for news: they grow about as fast as they are written, and cost little when nothing grows.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Asks } from '../asks'
import type { HouseEvent, PollAnswer } from '../index'
import { entry, FakeEnvironment, hang, House, json, page, signedIn } from './house'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms)
const ID = '77'
const delta = (offset: number, text: string, id = ID): HouseEvent => ({
  type: 'ai.delta', conversation_id: '9', reply_id: id, assistant_id: '7', reply_to_seq: 3, offset, text,
})
const finished: HouseEvent = { type: 'ai.finished', conversation_id: '9', reply_id: ID, seq: 4, state: 'done', version: 1 }
const answer = (...events: HouseEvent[]): PollAnswer => ({ cursor: 'e.1', events })

/** A house beyond a network on which only looks come through; `news` is told once, `text` is what is written of the reply. */
function shortHouse() {
  const house = new House()
  const writer = { news: [] as HouseEvent[], text: '' }
  house.on('GET /poll', async ({ query }) => {
    const cursor = query.get('cursor')
    if (cursor === null) return json({ cursor: 'e.0', events: [], resync: true })
    if (query.get('timeout') !== '0') {
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      return page('<h1>504</h1>', 504)
    }
    const events = writer.news.splice(0)
    for (const [id, offset] of query.getAll('reply').map((one) => one.split(':'))) {
      const more = Array.from(writer.text).slice(Number(offset)).join('')
      if (id === ID && more !== '') events.push(delta(Number(offset), more))
    }
    return json({ cursor, events })
  })
  house.on('POST /conversations/9/messages', () => json(entry(3, { sender_id: '1' }), 201))
  return { house, writer, looks: () => house.of('GET /poll').length }
}

async function shortPolling() {
  const environment = new FakeEnvironment()
  const short = shortHouse()
  const client = await signedIn(short.house, { environment })
  void (async () => {
    for await (const _ of client.events()) void _
  })()
  await tick(120_000)
  const running = () => client.ai.running('9').map(({ text }) => text)
  return { ...short, client, environment, running }
}

test('over short polls an answer grows within a second of its words, and nothing else is asked', async () => {
  const { client, house, writer, looks, running } = await shortPolling()
  client.outbox.send('9', { text: 'how far is it?' })
  await tick(100)
  writer.news = [delta(0, '')]
  await tick(2_000)
  expect(running()).toEqual([''])
  for (const words of ['👍🏽', ' three', ' days', ' by horse']) {
    writer.text += words
    await tick(1_000)
    expect(running()).toEqual([writer.text])
  }
  expect(house.asked.filter(({ path }) => path.includes('/ai/'))).toEqual([])
  await tick(1_000)
  expect(house.of('GET /poll').at(-1)?.query.getAll('reply')).toEqual([`${ID}:22`])

  writer.news = [finished]
  await tick(1_000)
  await tick(60_000)
  const before = looks()
  await tick(60_000)
  expect(house.of('GET /poll').at(-1)?.query.has('reply')).toBe(false)
  expect(looks() - before).toBeLessThanOrEqual(6)
})

test('in a hidden page it is left to grow', async () => {
  const { environment, writer, looks } = await shortPolling()
  writer.news = [delta(0, 'a')]
  environment.change('hidden')
  await tick(20_000)
  const before = looks()
  await tick(30_000)
  expect(looks() - before).toBeLessThanOrEqual(3)
})

test('who says something looks soon, but not for each thing that is said', async () => {
  const { client, looks } = await shortPolling()
  const before = looks()
  for (let n = 0; n < 10; n++) {
    client.outbox.send('9', { text: `one of many, ${n}` })
    await tick(20)
  }
  expect(looks() - before).toBe(1)
  await tick(2_000)
  expect(looks() - before).toBe(2)
})

test('a poll that waits names what is known, and not again what was told and is not taken yet', async () => {
  const house = new House()
  let told = 0
  house.on('GET /poll', ({ query, signal }) => {
    if (!query.has('cursor')) return json({ cursor: 'e.0', events: [], resync: true })
    const [, offset] = (query.getAll('reply').find((one) => one.startsWith(ID)) ?? ':0').split(':')
    if (Number(offset) >= 12) return hang(signal)
    told++
    return json({ cursor: query.get('cursor'), events: [delta(0, 'three days, ')] })
  })
  const client = await signedIn(house)
  const loop = client.events()
  await loop.next()
  void loop.next()
  await tick(100)
  // The first answer was taken up to its only event; the next one shows how far the words are known.
  expect(told).toBeLessThanOrEqual(2)
  expect(house.of('GET /poll').at(-1)?.query.getAll('reply')).toEqual([`${ID}:12`])
})

test('eight are asked for at once, those that began last; what is at its end is forgotten', () => {
  const growing = Array.from({ length: 10 }, (_, n) => ({ id: `${n}`, length: n }))
  const asks = new Asks(() => growing)
  expect(asks.list()).toEqual(['2:2', '3:3', '4:4', '5:5', '6:6', '7:7', '8:8', '9:9'])
  asks.hear(answer(delta(5, '👍🏽!', '9'), delta(0, 'a', '8')))
  expect(asks.list().slice(-2)).toEqual(['8:8', '9:9'])
  asks.hear(answer(delta(8, '👍🏽!', '9')))
  expect(asks.list().at(-1)).toBe('9:11')
  expect(asks.grows).toBe(true)

  const over = new Asks(() => [])
  over.hear(answer(delta(0, 'a')))
  expect([over.grows, over.list()]).toEqual([true, []])
  over.hear(answer(finished))
  expect(over.grows).toBe(false)
})
