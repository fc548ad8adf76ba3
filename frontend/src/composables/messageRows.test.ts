import type { Entry, PendingMessage } from '@sdk'
import { describe, expect, it } from 'vitest'
import { messageRows, type RowsInput } from './messageRows'

const NOON = new Date(2026, 2, 5, 12).getTime()

function entry(seq: number, sender: string | null, over: Partial<Entry> = {}): Entry {
  return {
    conversation_id: '1',
    seq,
    type: sender === null ? 'system' : 'text',
    sender_id: sender,
    client_msg_id: sender === null ? null : `id-${seq}`,
    content: sender === null ? { code: 'friends_now', params: {} } : { text: `t${seq}` },
    summary: `t${seq}`,
    reply_to_seq: null,
    mentions: [],
    reactions: [],
    changed_seq: null,
    created_at: NOON + seq * 1000,
    edited_at: null,
    recalled_at: null,
    ...over,
  }
}

function rows(over: Partial<RowsInput>) {
  return messageRows({ entries: [], pending: [], myId: 'me', withTicks: true, peerReadSeq: 0, newFromSeq: null, ...over })
}

describe('messageRows', () => {
  it('groups what one sender says in a row, and breaks at others, pauses and system entries', () => {
    const result = rows({
      entries: [entry(1, null), entry(2, 'a'), entry(3, 'a'), entry(4, 'me'), entry(5, 'me', { created_at: NOON + 600_000 })],
    })
    expect(result.map((row) => [row.groupStart, row.groupEnd])).toEqual([
      [true, true],
      [true, false],
      [false, true],
      [true, true],
      [true, true],
    ])
  })

  it('draws a day line at the first row and where the date changes', () => {
    const result = rows({ entries: [entry(1, 'a'), entry(2, 'a'), entry(3, 'a', { created_at: NOON + 86_400_000 })] })
    expect(result.map((row) => row.dayAt !== null)).toEqual([true, false, true])
  })

  it('ticks only my own, read up to where the other has read', () => {
    const result = rows({ entries: [entry(1, 'me'), entry(2, 'a'), entry(3, 'me')], peerReadSeq: 2 })
    expect(result.map((row) => row.state)).toEqual(['read', 'none', 'sent'])
    expect(rows({ entries: [entry(1, 'me')], withTicks: false })[0]?.state).toBe('none')
  })

  it('keeps the key of a message when it arrives, and never shows it twice', () => {
    const pending: PendingMessage = {
      client_msg_id: 'id-7',
      conversation_id: '1',
      type: 'text',
      content: { text: 'hi' },
      reply_to_seq: null,
      mentions: [],
      created_at: NOON,
      state: 'sending',
      code: null,
      entry: null,
    }
    const before = rows({ pending: [pending] })
    const after = rows({ pending: [pending], entries: [entry(7, 'me')] })
    expect(after).toHaveLength(1)
    expect(after[0]?.key).toBe(before[0]?.key)
    expect(before[0]?.state).toBe('sending')
  })

  it('shows the summary of what it does not know, and hides what was recalled', () => {
    const unknown = { ...entry(1, 'a'), type: 'hologram', summary: '[hologram]' } as unknown as Entry
    const result = rows({ entries: [unknown, entry(2, 'a', { recalled_at: NOON })] })
    expect(result.map((row) => row.kind)).toEqual(['unknown', 'recalled'])
    expect(result[0]?.body).toEqual({ kind: 'unknown', summary: '[hologram]' })
  })

  it('sets people of a group apart from each other', () => {
    const result = rows({ entries: [entry(1, 'a'), entry(2, 'b'), entry(3, 'b')] })
    expect(result.map((row) => [row.senderId, row.groupStart, row.groupEnd])).toEqual([
      ['a', true, true],
      ['b', true, false],
      ['b', false, true],
    ])
  })

  it('gives the parts of one forward keys of their own', () => {
    const result = rows({ entries: [entry(1, 'a', { client_msg_id: 'f' }), entry(2, 'a', { client_msg_id: 'f' })] })
    expect(new Set(result.map((row) => row.key)).size).toBe(2)
  })

  it('draws nothing of a recalled message: no quote, no edit, no tick', () => {
    const [row] = rows({ entries: [entry(2, 'me', { recalled_at: NOON, edited_at: NOON, reply_to_seq: 1, content: {} as never })] })
    expect(row).toMatchObject({ kind: 'recalled', replyToSeq: null, edited: false, state: 'none' })
  })
})
