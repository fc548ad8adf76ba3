import { describe, expect, it } from 'vitest'
import { inside, sideOf } from './crop'
import { loudness } from './useRecorder'
import { bounded } from './useZoom'

describe('inside', () => {
  it('keeps the section in the picture, at every size', () => {
    expect(inside({ scale: 1, x: 0, y: 0 }, 400, 200)).toEqual({ scale: 1, x: 100, y: 100 })
    expect(inside({ scale: 2, x: 390, y: 10 }, 400, 200)).toEqual({ scale: 2, x: 350, y: 50 })
    expect(inside({ scale: 0.2, x: 200, y: 100 }, 400, 200).scale).toBe(1)
    expect(inside({ scale: 99, x: 200, y: 100 }, 400, 200).scale).toBe(5)
    expect(sideOf({ scale: 4, x: 0, y: 0 }, 400, 200)).toBe(50)
  })
})

describe('bounded', () => {
  it('lets no edge inside the window, and keeps what is smaller in the middle', () => {
    expect([bounded(500, 1000, 400), bounded(-500, 1000, 400), bounded(120, 1000, 400), bounded(50, 300, 400)]).toEqual([300, -300, 120, 0])
  })
})

describe('loudness', () => {
  it('is nothing for silence and never more than all', () => {
    expect(loudness(new Uint8Array(64).fill(128))).toBe(0)
    expect(loudness(Uint8Array.from({ length: 64 }, (_, i) => (i % 2 ? 255 : 0)))).toBe(1)
    expect(loudness(Uint8Array.from({ length: 64 }, (_, i) => (i % 2 ? 140 : 116)))).toBeGreaterThan(0.2)
    expect(loudness(new Uint8Array(0))).toBe(0)
  })
})
