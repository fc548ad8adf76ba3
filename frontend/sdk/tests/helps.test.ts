// A summary, a translation, suggested replies: asked for once, looked at until they are there.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { AiHelp } from '../index'
import { House, json, lost, problem, row, signedIn } from './house'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms)

function help(over: Partial<AiHelp> = {}): AiHelp {
  return {
    id: '5', kind: 'translation', conversation_id: '9', from_seq: 3, to_seq: 3, target_language: 'de', state: 'waiting', reason: null, text: null,
    points: [], suggestions: [], input_tokens: 0, output_tokens: 0, cost_micros: 0, created_at: 1, finished_at: null, ...over,
  }
}

/** What a promise has come to by now. */
function watched<T>(promise: Promise<T>): { value?: T; error?: unknown } {
  const seen: { value?: T; error?: unknown } = {}
  promise.then(
    (value) => (seen.value = value),
    (error: unknown) => (seen.error = error),
  )
  return seen
}

test('one that is there already is given at once', async () => {
  const house = new House().on('POST /ai/translate', () => json(help({ state: 'done', text: 'Wohin?' })))
  const client = await signedIn(house)
  expect((await client.ai.translate('9', 3, 'de')).text).toBe('Wohin?')
  expect(house.of('POST /ai/translate')[0]?.body).toEqual({ conversation_id: '9', seq: 3, target_language: 'de' })
  expect(house.of('GET /ai/helps/5')).toHaveLength(0)
})

test('one that is being made is looked at less and less often, through a bad moment, until its end', async () => {
  const house = new House().on('POST /ai/summary', () => json(help({ kind: 'summary' })))
  const points = [{ text: 'a', seqs: [3] }]
  house.on('GET /ai/helps/5', row(
    () => json(help({ state: 'writing' })),
    lost,
    () => json(help({ state: 'writing' })),
    () => json(help({ state: 'done', points })),
  ))
  const client = await signedIn(house)
  const seen = watched(client.ai.summary('9', 2, 'de'))
  await tick(260)
  expect(house.of('GET /ai/helps/5')).toHaveLength(1)
  await tick(10_000)
  expect(seen.value?.points).toEqual(points)
  expect(house.of('POST /ai/summary')).toHaveLength(1)
  expect(house.of('GET /ai/helps/5')).toHaveLength(4)
})

test('one that fails is an end too; what it was made of may be gone; off is off', async () => {
  const house = new House().on('POST /ai/suggestions', () => json(help({ kind: 'suggestions', state: 'failed', reason: 'provider_busy' })))
  house.on('POST /ai/translate', () => json(help()))
  house.on('GET /ai/helps/5', () => problem(404, 'not_found'))
  house.on('POST /ai/summary', () => problem(403, 'ai_off'))
  const client = await signedIn(house)
  expect(await client.ai.suggestions('9')).toMatchObject({ state: 'failed', reason: 'provider_busy' })
  const seen = watched(client.ai.translate('9', 3, 'de'))
  await tick(1_000)
  expect(seen.error).toMatchObject({ code: 'not_found' })
  await expect(client.ai.summary('9', 0, 'de')).rejects.toMatchObject({ code: 'ai_off' })
})

test('who does not want it any more waits no longer', async () => {
  const house = new House().on('POST /ai/translate', () => json(help())).on('GET /ai/helps/5', () => json(help()))
  const client = await signedIn(house)
  const stop = new AbortController()
  const seen = watched(client.ai.translate('9', 3, 'de', stop.signal))
  await tick(1_000)
  const before = house.of('GET /ai/helps/5').length
  stop.abort()
  await tick(30_000)
  expect(seen.error).toBeInstanceOf(Error)
  expect(house.of('GET /ai/helps/5')).toHaveLength(before)
})
