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
        { senderId: '2', senderName: '', at: 5, text: 'x' },
        { senderId: null, senderName: '', at: null, text: 'y' },
      ],
    })
  })

  it('shows the summary of what it does not know or what is not as it should be', () => {
    for (const [type, content] of [['hologram', {}], ['text', null], ['text', { text: 5 }], ['location', { lat: '1' }], ['card', {}], ['merged', { items: {} }]] as const) {
      expect(body(type, content)).toEqual({ kind: 'unknown', summary: 'S' })
    }
  })
})
