import { describe, expect, it } from 'vitest'
import { markMentions, mentionAt, mentionedIn, putMention } from './mentions'

const ANN = { id: '1', name: 'Ann' }
const ANNA = { id: '2', name: 'Anna B' }
const ALL = { id: 'all', name: '所有人' }

describe('mentions', () => {
  it('knows what is typed behind an @, and leaves addresses alone', () => {
    expect(mentionAt('hi @an', 6)).toEqual({ from: 3, query: 'an' })
    expect(mentionAt('@', 1)).toEqual({ from: 0, query: '' })
    expect(mentionAt('你好@李', 4)).toEqual({ from: 2, query: '李' })
    expect(mentionAt('hi @an and', 10)).toBeNull()
    expect(mentionAt('me@example', 10)).toBeNull()
    expect(mentionAt('hi @anna', 2)).toBeNull()
    expect(mentionAt(`@${'x'.repeat(40)}`, 41)).toBeNull()
  })

  it('puts the name in place of what was typed and keeps what follows', () => {
    const at = mentionAt('hi @an!', 6)
    expect(at && putMention('hi @an!', 6, at, 'Anna B')).toEqual({ text: 'hi @Anna B !', caret: 11 })
  })

  it('marks the longest name, and loses no character', () => {
    const text = '@Anna B and @Ann, @所有人 a@b @nobody'
    const parts = markMentions(text, [ANN, ANNA, ALL])
    expect(parts.map((part) => part.text).join('')).toBe(text)
    expect(parts.flatMap((part) => part.mention ?? [])).toEqual(['2', '1', 'all'])
    expect(markMentions('', [ANN])).toEqual([])
    expect(markMentions('@', [{ id: '3', name: '' }])).toEqual([{ text: '@' }])
  })

  it('mentions each of the picked ones once, and not those whose name was taken out again', () => {
    expect(mentionedIn('@Ann @Ann', [ANN, ANNA])).toEqual(['1'])
    expect(mentionedIn('nobody', [ANN])).toEqual([])
  })
})
