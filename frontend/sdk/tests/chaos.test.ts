// Whatever tabs do to each other, each shows in the end all that was said, and one leads. By dice.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { House, json, signedIn } from './house'
import { Newsroom } from './streams'
import { FakeBrowser, type BrowserTab } from './tabs'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const tick = (ms: number) => vi.advanceTimersByTimeAsync(ms)

/** Of each kind of browser; some hundreds after a change to who leads or what is missed. */
const SEEDS = 10

/** mulberry32 */
function dice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

async function chaos(locks: boolean, seed: number) {
  const roll = dice(seed)
  const house = new House()
  house.on('POST /token/refresh', () => json(house.tokens()))
  const news = new Newsroom(house)
  const window = new FakeBrowser(house, { locks })
  await signedIn(house, { storage: window.shared.tab() })
  let said = 0
  const shown = new Map<BrowserTab, Set<number>>()
  const living = () => window.tabs.filter((tab) => !tab.isDead)
  const open = () => {
    const tab = window.tab()
    const has = new Set<number>()
    shown.set(tab, has)
    tab.took = (event) => {
      if (event.type === 'user') has.add(Number(event.user.id))
      // A snapshot has all that was said.
      if (event.type === 'resync') for (let id = 1; id <= said; id++) has.add(id)
    }
  }
  const acts: ((tab: BrowserTab) => void)[] = [
    () => living().length < 5 && open(),
    (tab) => living().length > 1 && tab.close(),
    (tab) => living().length > 1 && tab.crash(),
    (tab) => tab.freeze(),
    (tab) => tab.thaw({ lossy: roll(2) === 0 }),
    (tab) => tab.show(roll(2) === 0),
    (tab) => tab.environment.change('focus'),
    (tab) => void (tab.deaf = !tab.deaf),
    (tab) => tab.environment.change('gone'),
    () => news.opened.at(-1)?.fail(),
    () => news.opened.at(-1)?.end(),
    () => void house.fetch(`http://house.test/api/v1/stream?cursor=e.${said}`),
    (tab) => tab.environment.change('online'),
  ]
  open()
  for (let i = 0; i < 60; i++) {
    const tab = living()[roll(living().length)] as BrowserTab
    acts[roll(acts.length)]?.(tab)
    for (let n = roll(4); n > 0; n--) news.tell({ type: 'user', user: { id: String(++said) } })
    await tick([0, 1, 20, 70, 300, 2_000, 8_000][roll(7)] as number)
  }
  for (const tab of living()) {
    tab.deaf = false
    tab.thaw({ lossy: true })
    tab.show(true)
  }
  await tick(60_000)
  const openedBefore = news.opened.length
  news.tell({ type: 'user', user: { id: String(++said) } })
  await tick(60_000)
  return { living: living(), shown, said, news, opened: news.opened.length - openedBefore }
}

describe.each([
  ['with locks', true],
  ['on plain http', false],
])('%s', (_, locks) => {
  test.each(Array.from({ length: SEEDS }, (__, seed) => seed))('seed %i', async (seed) => {
    const { living, shown, said, news, opened } = await chaos(locks, seed)
    for (const tab of living) {
      const missing = Array.from({ length: said }, (___, i) => i + 1).filter((id) => !shown.get(tab)?.has(id))
      expect(missing).toEqual([])
    }
    expect(living.filter((tab) => tab.client.leads)).toHaveLength(1)
    // None, if streams broke so often that it polls; it may try one again.
    expect(news.open.length).toBeLessThanOrEqual(1)
    expect(opened).toBeLessThanOrEqual(1)
  })
})
