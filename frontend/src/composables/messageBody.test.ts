import { describe, expect, it } from 'vitest'
import { bodyOf } from './messageBody'

const body = (type: string, content: unknown) => bodyOf({ type: type as never, content, summary: 'S' })

describe('bodyOf', () => {
  it('takes each type apart', () => {
    expect(body('text', { text: 'hi' })).toEqual({ kind: 'text', text: 'hi' })
    expect(body('location', { lat: 1.5, lng: -2, name: 'Gate' })).toEqual({ kind: 'location', name: 'Gate', lat: 1.5, lng: -2 })
    expect(body('card', { user_id: '7' })).toEqual({ kind: 'card', userId: '7' })
    expect(body('custom', { kind: 'poll', data: {} })).toEqual({ kind: 'custom', name: 'poll', summary: 'S' })
    expect(body('merged', { title: 'T', items: [{ sender_id: '2', created_at: 5, type: 'text', content: { text: 'x' } }, { summary: 'y' }] })).toEqual({
      kind: 'merged',
      title: 'T',
      items: [
        { senderId: '2', senderName: '', at: 5, text: 'x', file: null },
        { senderId: null, senderName: '', at: null, text: 'y', file: null },
      ],
    })
  })

  it('takes files apart, whatever is missing of them', () => {
    const picture = { kind: 'image', fileId: '7', name: 'a.png', size: 9, width: 4, height: 3 }
    const content = { file_id: '7', name: 'a.png', size: 9, width: 4, height: 3 }
    expect(body('image', content)).toEqual(picture)
    expect(body('image', { ...content, width: null, height: -1 })).toEqual({ ...picture, width: null, height: null })
    expect(body('file', { file_id: '7', size: 'x' })).toEqual({ kind: 'file', fileId: '7', name: '', size: 0 })
    expect(body('voice', { file_id: '7', duration_ms: 1200 })).toEqual({ kind: 'voice', fileId: '7', durationMs: 1200 })
    expect(body('video', { file_id: '7', poster_file_id: '8', duration_ms: NaN, size: 2, width: 1, height: 1 })).toEqual({
      kind: 'video', fileId: '7', posterId: '8', durationMs: 0, size: 2, width: 1, height: 1,
    })
    expect(body('merged', { items: [{ type: 'image', content, summary: 'S' }] })).toMatchObject({ items: [{ text: 'S', file: picture }] })
  })

  it('shows the summary of what it does not know or what is not as it should be', () => {
    for (const [type, content] of [['hologram', {}], ['text', null], ['text', { text: 5 }], ['location', { lat: '1' }], ['card', {}], ['image', { file_id: 7 }], ['video', {}], ['merged', { items: {} }]] as const) {
      expect(body(type, content)).toEqual({ kind: 'unknown', summary: 'S' })
    }
  })
})
