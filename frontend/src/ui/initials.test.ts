import { describe, expect, it } from 'vitest'
import { initials, pigment } from './initials'

describe('initials', () => {
  it('takes the last two of a Chinese name and the first letters of others', () => {
    expect(initials('陈博文')).toBe('博文')
    expect(initials('李')).toBe('李')
    expect(initials('Ann Mary Lee')).toBe('AL')
    expect(initials('tom_builder')).toBe('TB')
    expect(initials('zoe')).toBe('Z')
  })

  it('does not cut a character, and has something to show for nothing', () => {
    expect(initials('👩‍👩‍👧 family')).toBe('👩‍👩‍👧F')
    expect(initials('  ')).toBe('·')
    expect(initials('___')).not.toBe('')
  })
})

describe('pigment', () => {
  it('is the same for an id at any time', () => {
    expect(pigment('7203400000000000123')).toBe(pigment('7203400000000000123'))
  })
})
