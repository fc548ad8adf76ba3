import type { Entry, Parcel } from '@sdk'
import { describe, expect, it } from 'vitest'
import { entry, ME } from '@/stores/testing'
import { withAlbums } from './albums'
import { messageRows } from './messageRows'

const picture = (seq: number, over: Partial<Entry> = {}, sender = '2') =>
  entry(seq, sender, { type: 'image', content: { file_id: String(100 + seq), name: `${seq}.png`, size: 9, width: 4, height: 3 }, ...over })

function parcel(over: Partial<Parcel> = {}): Parcel {
  return {
    client_msg_id: 'p1', conversation_id: '10', batch: 'b', kind: 'image', name: 'p.png', blob: new Blob(['xyz']), poster: null, width: 8, height: 6,
    duration_ms: null, reply_to_seq: null, created_at: 60_000, state: 'uploading', code: null, sent: 1, upload_id: null, poster_file_id: null, ...over,
  }
}

function rows(entries: Entry[], parcels: Parcel[] = []) {
  return messageRows({ entries, pending: [], parcels, myId: ME, withTicks: true, peerReadSeq: 0, newFromSeq: null })
}

const shape = (entries: Entry[], parcels: Parcel[] = []) =>
  withAlbums(rows(entries, parcels)).map((row) => (row.album === null ? (row.seq ?? row.clientMsgId) : row.album.map((one) => one.seq ?? one.clientMsgId)))

describe('withAlbums', () => {
  it('puts pictures of one sender in a row together, and nothing else', () => {
    expect(shape([picture(1), picture(2), entry(3, '2'), picture(4), picture(5, {}, ME), picture(6, {}, ME)])).toEqual([[1, 2], 3, 4, [5, 6]])
  })

  it('parts at answers, reactions, pauses, recalled ones and after nine', () => {
    expect(shape([picture(1), picture(2, { reply_to_seq: 1 }), picture(3)])).toEqual([1, [2, 3]])
    expect(shape([picture(1), picture(2, { reactions: [{ emoji: '👍', count: 1, mine: false }] }), picture(3)])).toEqual([1, 2, 3])
    expect(shape([picture(1), picture(2, { created_at: 900_000 })])).toEqual([1, 2])
    expect(shape([picture(1), picture(2, { recalled_at: 1 }), picture(3)])).toEqual([1, 2, 3])
    expect(shape(Array.from({ length: 10 }, (_, i) => picture(i + 1)))).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9], 10])
  })

  it('takes in what is on its way, and says so; what failed stands alone', () => {
    const [album] = withAlbums(rows([picture(1, {}, ME), picture(2, {}, ME)], [parcel()]))
    expect(album?.album?.map((row) => row.seq)).toEqual([1, 2, null])
    expect([album?.seq, album?.state, album?.key]).toEqual([2, 'sending', `${ME}:id-1`])
    expect(shape([picture(1, {}, ME)], [parcel({ state: 'failed', code: 'too_large' })])).toEqual([1, 'p1'])
  })
})

describe('rows of files on their way', () => {
  it('stand among what is unsent by their time, and become the message of the same id', () => {
    const message = { client_msg_id: 'p1', conversation_id: '10', type: 'image', content: { file_id: '7' }, reply_to_seq: null, mentions: [], created_at: 90_000, state: 'sending', code: null, entry: null } as const
    const text = { ...message, client_msg_id: 't', type: 'text', content: { text: 'later' }, created_at: 70_000 } as const
    const input = { entries: [], myId: ME, withTicks: true, peerReadSeq: 0, newFromSeq: null }
    const before = messageRows({ ...input, pending: [text], parcels: [parcel()] })
    const after = messageRows({ ...input, pending: [text, message], parcels: [parcel({ state: 'handed' })] })
    for (const made of [before, after]) {
      expect(made.map((row) => row.key)).toEqual([`${ME}:p1`, `${ME}:t`])
      expect(made[0]).toMatchObject({ kind: 'image', state: 'sending', body: { fileId: '', width: 8, height: 6 } })
    }
    const [shown] = messageRows({ ...input, entries: [picture(5, { client_msg_id: 'p1' }, ME)], pending: [], parcels: [parcel({ state: 'handed' })] })
    expect(shown).toMatchObject({ key: `${ME}:p1`, seq: 5, parcel: null })
  })

  it('say why they failed', () => {
    expect(rows([], [parcel({ state: 'failed', code: 'quota_exceeded' })])[0]).toMatchObject({ state: 'failed', failCode: 'quota_exceeded' })
  })
})
