/* Answers among the rows: one row from the first word to the entry, and after a failure as well. */
import { messageIdOf, type Entry, type RunningReply } from '@sdk'
import { expect, test } from 'vitest'
import { entry } from '@/stores/testing'
import { messageRows, type RowsInput } from './messageRows'

const BOT = '7'
const rows = (over: Partial<RowsInput>) => messageRows({ entries: [], pending: [], myId: '1', withTicks: true, peerReadSeq: 0, newFromSeq: null, ...over })
const running = (over: Partial<RunningReply> = {}): RunningReply => ({
  id: '55', conversationId: '10', assistantId: BOT, replyToSeq: 3, text: 'half', state: 'writing', beganAt: 4_000, ...over,
})
const said = (over: Partial<Entry> = {}) => entry(4, BOT, { client_msg_id: messageIdOf('55'), reply_to_seq: 3, ...over })
const failure = (params: Record<string, unknown>) =>
  entry(4, null, { reply_to_seq: 3, content: { code: 'ai.failed', params: { assistant_id: BOT, reply_id: '55', ...params } } as unknown as Entry['content'] })

test('what is being written stands at the end, and its entry takes its place under the same key', () => {
  const before = rows({ entries: [entry(3, '1')], replies: [running()] })
  expect(before.map(({ seq, answer }) => [seq, answer?.state])).toEqual([[3, undefined], [null, 'writing']])
  const both = rows({ entries: [entry(3, '1'), said()], replies: [running({ state: 'ended' })] })
  expect(both.map(({ seq, answer }) => [seq, answer?.state])).toEqual([[3, undefined], [4, 'said']])
  expect(both[1]?.key).toBe(before[1]?.key)
})

test('a failure takes its place too, with who failed, why, and what there was', () => {
  const [, row] = rows({ entries: [entry(3, '1'), failure({ reason: 'timeout', text: 'half' })], replies: [running()] })
  expect(row).toMatchObject({ key: 'reply:55', senderId: BOT, body: { kind: 'text', text: 'half' }, answer: { state: 'failed', reason: 'timeout', askSeq: 3 } })
})

test('a failure of which nothing is as it should be is still a row', () => {
  const [row] = rows({ entries: [failure({ assistant_id: 3, reply_id: '55', reason: {}, text: [] })] })
  expect(row).toMatchObject({ senderId: null, body: { text: '' }, answer: { reason: '' } })
  expect(rows({ entries: [failure({ reply_id: null })] })[0]?.answer).toBeNull()
})

test('the id of an answer in the hand of somebody else hides nothing', () => {
  const result = rows({ entries: [said({ sender_id: '2' })], replies: [running()] })
  expect(result.map(({ senderId }) => senderId)).toEqual(['2', BOT])
  expect(new Set(result.map(({ key }) => key)).size).toBe(2)
})

test('it quotes what it answers only if that does not stand above it', () => {
  expect(rows({ entries: [entry(3, '1'), said()] })[1]?.replyToSeq).toBeNull()
  expect(rows({ entries: [entry(3, '1'), said(), entry(5, BOT, { client_msg_id: messageIdOf('56'), reply_to_seq: 3 })] })[2]?.replyToSeq).toBeNull()
  expect(rows({ entries: [entry(2, '1'), said()] })[1]?.replyToSeq).toBe(3)
})

test('a recalled answer is no answer', () => {
  expect(rows({ entries: [said({ recalled_at: 9 })] })[0]?.answer).toBeNull()
})
