import { describe, expect, it } from 'vitest'
import { loadPinyin, matchesName } from './pinyin'

describe('matchesName', () => {
  it('finds Chinese names by sound once the table is there, and by their letters before', async () => {
    expect(matchesName('liu', ['刘德华'])).toBe(false)
    expect(matchesName('德华', ['刘德华'])).toBe(true)
    await loadPinyin()
    for (const query of ['liu', 'LDH', 'liudehua', 'liu de hua', 'dehua', 'ldh']) expect(matchesName(query, ['刘德华']), query).toBe(true)
    for (const query of ['zhang', 'ldx', '刘x']) expect(matchesName(query, ['刘德华']), query).toBe(false)
  })

  it('takes Latin names, mixed ones and none as they are', async () => {
    await loadPinyin()
    expect(matchesName('anna', ['Ánna'])).toBe(true)
    expect(matchesName('lily', ['李雷', null, 'Lily'])).toBe(true)
    expect(matchesName('axiao', ['A小明'])).toBe(true)
    expect(matchesName('', ['x'])).toBe(true)
    expect(matchesName('x', [null, undefined])).toBe(false)
    expect(matchesName('nv', ['吕女士'])).toBe(true)
  })
})
