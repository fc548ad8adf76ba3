import { describe, expect, it } from 'vitest'
import { localeOf } from './preferences'

describe('localeOf', () => {
  it('takes the first language that we speak, and English if there is none', () => {
    expect(localeOf(['zh-TW', 'en'])).toBe('zh-CN')
    expect(localeOf(['fr', 'en-GB', 'zh'])).toBe('en')
    expect(localeOf(['fr'])).toBe('en')
    expect(localeOf([])).toBe('en')
  })
})
