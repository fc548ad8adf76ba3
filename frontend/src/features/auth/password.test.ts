import { describe, expect, it } from 'vitest'
import { passwordStrength } from './password'

describe('passwordStrength', () => {
  it('says nothing of nothing, and calls short, common or repeated ones weak', () => {
    expect(passwordStrength('')).toBe('none')
    for (const weak of ['abc', 'password123', '12345678', 'aaaaaaaaaaaa', 'Qwerty!2']) {
      expect(passwordStrength(weak), weak).toBe('weak')
    }
  })

  it('distrusts a password that holds the username', () => {
    expect(passwordStrength('mailin-2024-x', 'MaiLin')).toBe('weak')
  })

  it('grows with length and variety', () => {
    expect(passwordStrength('tgbxlwqz')).toBe('fair')
    expect(passwordStrength('Tgb7xl-wq')).not.toBe('weak')
    expect(passwordStrength('correct horse battery staple')).toBe('strong')
    expect(passwordStrength('落花时节又逢君，江南好')).not.toBe('weak')
  })
})
