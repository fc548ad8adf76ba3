import { describe, expect, it } from 'vitest'
import { durationText, extensionOf, fitted, safeName, sizeText } from './fileNames'

const bytes = (text: string) => new TextEncoder().encode(text).length

describe('safeName', () => {
  it('leaves good names as they are', () => {
    for (const name of ['a.txt', '驿站 报告（最终）.docx', '...', 'a\'b"c;d.tar.gz', '👍.png']) expect(safeName(name)).toBe(name)
  })

  it('replaces what the house refuses', () => {
    expect(safeName('a/b\\c')).toBe('a_b_c')
    expect(safeName('a\u0000b\nc\u0085d')).toBe('a_b_c_d')
    expect(safeName('x\u202egpj.exe')).toBe('x_gpj.exe')
    expect(safeName('a\ud800b')).toBe('a_b')
    for (const name of ['', ' ', '.', '..']) expect(safeName(name)).toBe('file')
  })

  it('cuts before the extension, between characters', () => {
    const cut = safeName('驿'.repeat(200) + '.docx')
    expect(cut).toMatch(/^驿+\.docx$/)
    expect(bytes(cut)).toBeLessThanOrEqual(255)
    expect(bytes(cut)).toBeGreaterThan(250)
    expect(bytes(safeName('👍'.repeat(100)))).toBe(252)
  })
})

describe('what people read', () => {
  it('says sizes and durations', () => {
    expect(sizeText(1, 'en')).toBe('1 byte')
    expect(sizeText(999, 'en')).toBe('999 bytes')
    expect(sizeText(1000, 'en')).toBe('1 kB')
    expect(sizeText(1_440_000, 'en')).toBe('1.4 MB')
    expect(sizeText(999_999, 'en')).toBe('1 MB')
    expect(sizeText(5_000_000_000_000, 'en')).toBe('5,000 GB')
    expect([0, 7_400, 65_000, 3_723_000, -1].map(durationText)).toEqual(['0:00', '0:07', '1:05', '1:02:03', '0:00'])
    expect(['a.TAR.GZ', 'README', '.hidden', 'a.b c'].map(extensionOf)).toEqual(['gz', '', 'hidden', ''])
  })
})

describe('fitted', () => {
  const most = { width: 320, height: 340 }

  it('keeps the shape, within the largest and the smallest', () => {
    expect(fitted(640, 400, most)).toEqual({ width: 320, height: 200 })
    expect(fitted(100, 100, most)).toEqual({ width: 100, height: 100 })
    expect(fitted(100, 10_000, most)).toEqual({ width: 72, height: 340 })
    expect(fitted(1, 1, most)).toEqual({ width: 72, height: 72 })
    expect(fitted(null, null, most)).toEqual({ width: 224, height: 224 })
  })
})
