// Which way next, given what happened: nothing but conclusions.
import { describe, expect, test } from 'vitest'
import { after, best, inexperienced, type Experience, type Happening } from '../carrier'

const MINUTE = 60_000
const reached: Happening = { carrier: 'look', was: 'good' }
const unreached: Happening = { carrier: 'look', was: 'broken' }
const streamBroke: Happening = { carrier: 'stream', was: 'broken' }
const waitBroke: Happening = { carrier: 'wait', was: 'broken' }
const absent: Happening = { carrier: 'stream', was: 'absent' }
const heldBack: Happening = { carrier: 'stream', was: 'held back' }

function lived(now: number, ...happened: Happening[]): Experience {
  return happened.reduce((experience, one) => after(experience, one, now), inexperienced)
}

const times = (count: number, ...happened: Happening[]) => Array.from({ length: count }, () => happened).flat()

test('a stream first', () => {
  expect(best(inexperienced, 0)).toBe('stream')
})

describe('fall-back', () => {
  test('an older house has no stream, for a quarter of an hour', () => {
    const experience = lived(0, absent)
    expect([0, 14, 15].map((minutes) => best(experience, minutes * MINUTE))).toEqual(['wait', 'wait', 'stream'])
  })

  test('a stream that is held back goes as soon as the house answers a look', () => {
    expect(best(lived(0, heldBack), 0)).toBe('stream')
    expect(lived(0, heldBack).suspect).not.toBeNull()
    const experience = lived(0, heldBack, reached)
    expect([0, 4, 5].map((minutes) => best(experience, minutes * MINUTE))).toEqual(['wait', 'wait', 'stream'])
  })

  test('whoever fails again is tried less often, until it works', () => {
    const minutes: number[] = []
    let experience = inexperienced
    for (let i = 0, now = 0; i < 6; i++) {
      experience = after(after(experience, heldBack, now), reached, now)
      const from = now
      while (best(experience, now) !== 'stream') now += MINUTE
      minutes.push((now - from) / MINUTE)
    }
    expect(minutes).toEqual([5, 10, 20, 40, 40, 40])
    experience = after(experience, { carrier: 'stream', was: 'good' }, 0)
    expect(experience.stream).toEqual(inexperienced.stream)
  })

  test('one that breaks goes at the third time', () => {
    expect(best(lived(0, ...times(2, streamBroke, reached)), 0)).toBe('stream')
    expect(best(lived(0, ...times(3, streamBroke, reached)), 0)).toBe('wait')
  })

  test('polls that are cut lead to looks', () => {
    const experience = lived(0, absent, ...times(3, waitBroke, reached))
    expect([0, 4, 5, 15].map((minutes) => best(experience, minutes * MINUTE))).toEqual(['look', 'look', 'wait', 'stream'])
  })

  test('in a row: one that works in between begins the count anew', () => {
    const good: Happening = { carrier: 'wait', was: 'good' }
    expect(best(lived(0, absent, ...times(2, waitBroke, reached), good, ...times(2, waitBroke, reached)), 0)).toBe('wait')
  })
})

describe('no conclusion', () => {
  test('a house that is down says nothing about the way', () => {
    expect(best(lived(0, ...times(20, streamBroke, unreached)), 0)).toBe('stream')
    expect(best(lived(0, ...times(20, heldBack, unreached)), 0)).toBe('stream')
    expect(best(lived(0, absent, ...times(20, waitBroke, unreached)), 0)).toBe('wait')
  })

  test('looks alone say nothing', () => {
    expect(lived(0, ...times(9, reached, unreached))).toEqual(inexperienced)
  })
})

describe('another chance', () => {
  test('with another network', () => {
    expect(lived(0, absent, ...times(3, waitBroke, reached), { was: 'network' })).toEqual(inexperienced)
  })

  test('when the person looks again, but not after a glance aside', () => {
    const experience = lived(0, heldBack, reached)
    expect(best(after(experience, { was: 'visible' }, MINUTE - 1), MINUTE)).toBe('wait')
    expect(best(after(experience, { was: 'visible' }, MINUTE), MINUTE)).toBe('stream')
  })

  test('when the clock was put back', () => {
    expect(best(lived(1_000 * MINUTE, absent), 0)).toBe('stream')
  })
})
