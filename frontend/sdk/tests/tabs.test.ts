// Several tabs of one browser: one has the stream, all hear; whoever dies, freezes or hides is replaced; nothing is missed.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { entry, hang, House, json, lost, row, signedIn } from './house'
import { Newsroom } from './streams'
import { FakeBrowser, type BrowserTab } from './tabs'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms)
let marks = 0
const mark = () => ({ type: 'user', user: { id: String(++marks) } })
const marksOf = (tab: BrowserTab) => tab.seen.flatMap((event) => (event.type === 'user' ? [Number(event.user.id)] : []))

async function browser(locks: boolean) {
  const house = new House()
  const news = new Newsroom(house)
  const window = new FakeBrowser(house, { locks })
  await signedIn(house, { storage: window.shared.tab() })
  marks = 0
  return { house, news, window }
}

/** A browser with tabs that are there since a while; the first leads. */
async function tabs(locks: boolean, count: number) {
  const { house, news, window } = await browser(locks)
  const all: BrowserTab[] = []
  for (let i = 0; i < count; i++) {
    all.push(window.tab())
    await tick(1_000)
  }
  return { house, news, window, all: all as [BrowserTab, BrowserTab, ...BrowserTab[]] }
}

describe.each([
  ['with locks', true],
  ['on plain http', false],
])('%s', (_, locks) => {
  test('one stream for all; each tab begins with a snapshot, the house tells only one so', async () => {
    const { news, all } = await tabs(locks, 3)
    news.tell(mark())
    await tick(10)
    for (const tab of all) expect(tab.types()).toEqual(['resync', 'user'])
    expect(news.opened).toHaveLength(1)
    expect(news.resyncs).toBe(1)
    expect(news.looks).toEqual([])
    for (const tab of all) expect(tab.states).toEqual(['connecting', 'online'])
  })

  test('one tab leads, and a last request of the one before does not silence it', async () => {
    const { house, news, all } = await tabs(locks, 2)
    const [first, second] = all
    expect(all.map((tab) => tab.client.leads)).toEqual([true, false])
    first.crash()
    await tick(2_000)
    expect(second.client.leads).toBe(true)
    // It was on its way when the tab died.
    await house.fetch('http://house.test/api/v1/stream?cursor=e.0')
    await tick(10)
    expect(news.opened).toHaveLength(4)
    news.tell(mark())
    await tick(10)
    expect(marksOf(second)).toEqual([1])
    await house.fetch('http://house.test/api/v1/stream?cursor=e.0')
    await tick(60_000)
    expect(news.opened).toHaveLength(5)
  })

  test('twenty tabs talk little more than two', async () => {
    const { window, news } = await tabs(locks, 20)
    const before = window.said.length
    await tick(9_000)
    // Twice in half a second, question and answer.
    expect(window.said.length - before).toBeLessThanOrEqual(2 * 2 * 20)
    expect(news.opened).toHaveLength(1)
    window.tabs[0]?.crash()
    await tick(1_800)
    expect(news.open).toHaveLength(1)
    expect(window.tabs.filter((tab) => tab.client.leads && !tab.isDead)).toHaveLength(1)
  })

  test('tabs that open together agree', async () => {
    const { news, window } = await browser(locks)
    const all = [window.tab(), window.tab(), window.tab(), window.tab()]
    await tick(3_000)
    expect(news.open).toHaveLength(1)
    news.tell(mark())
    await tick(10)
    for (const tab of all) expect(marksOf(tab)).toEqual([1])
    await tick(60_000)
    expect(news.opened.length).toBeLessThanOrEqual(2)
  })

  test.each([
    ['closed', 100, (tab: BrowserTab) => tab.close()],
    ['crashed', 1_800, (tab: BrowserTab) => tab.crash()],
    ['frozen', 1_800, (tab: BrowserTab) => tab.freeze()],
  ])('a leader that is %s is replaced in time, and what was said meanwhile is heard', async (__, withinMs, end) => {
    const { news, all } = await tabs(locks, 3)
    const [first, ...others] = all
    end(first)
    news.tell(mark())
    await tick(withinMs)
    for (const tab of others) expect(marksOf(tab)).toEqual([1])
    expect(news.open).toHaveLength(1)
    expect(news.resyncs).toBe(1)
    news.tell(mark())
    await tick(10)
    for (const tab of others) expect(marksOf(tab)).toEqual([1, 2])
    await tick(60_000)
    expect(news.opened).toHaveLength(2)
  })

  test.each([
    ['kept', false],
    ['lost', true],
  ])('a leader that wakes follows, hears what it missed, and does not fight (messages %s)', async (__, lossy) => {
    const { news, all } = await tabs(locks, 2)
    const [first, second] = all
    first.freeze()
    await tick(2_000)
    news.tell(mark())
    await tick(10)
    first.thaw({ lossy })
    await tick(2_000)
    news.tell(mark())
    await tick(10)
    expect(marksOf(second)).toEqual([1, 2])
    expect([...new Set(marksOf(first))]).toEqual([1, 2])
    await tick(60_000)
    expect(news.opened).toHaveLength(2)
    expect(news.resyncs).toBe(1)
    expect(first.types().filter((type) => type === 'resync')).toHaveLength(1)
  })

  test('a leader that wakes with a request of its own does not silence the one that leads since', async () => {
    const { house, news, all } = await tabs(locks, 2)
    const [first, second] = all
    first.freeze()
    await tick(60_000)
    await house.fetch('http://house.test/api/v1/stream?cursor=e.0')
    await tick(10)
    first.thaw()
    await tick(600)
    await tick(10_000)
    expect(second.client.leads).toBe(true)
    expect(news.opened).toHaveLength(4)
    news.tell(mark())
    await tick(10)
    for (const tab of all) expect(marksOf(tab)).toEqual([1])
    await tick(60_000)
    expect(news.opened).toHaveLength(4)
  })

  test('a leader that loses the seat while it waits for a token follows at once', async () => {
    const { house, news, all } = await tabs(locks, 2)
    const [first, second] = all
    house.on('POST /token/refresh', row(({ signal }) => hang(signal), () => json(house.tokens())))
    await tick(890_000)
    news.opened[0]?.end()
    await tick(10)
    expect(house.of('POST /token/refresh')).toHaveLength(1)
    first.show(false)
    await tick(1_000)
    expect([first.client.leads, second.client.leads]).toEqual([false, true])
  })

  test('a follower that missed messages asks for them from its own cursor', async () => {
    const { news, all } = await tabs(locks, 3)
    const sleeper = all[2] as BrowserTab
    news.tell(mark())
    await tick(10)
    sleeper.deaf = true
    for (let i = 0; i < 3; i++) news.tell(mark())
    await tick(500)
    sleeper.deaf = false
    await tick(500)
    expect(marksOf(sleeper)).toEqual([1, 2, 3, 4])
    expect(news.looks).toEqual(['e.1'])
    expect(news.opened).toHaveLength(1)
    news.tell(mark())
    await tick(10_000)
    expect(marksOf(sleeper)).toEqual([1, 2, 3, 4, 5])
    expect(news.looks).toHaveLength(1)
  })

  test('a tab that ends while it looks ends without an error', async () => {
    const { house, news, all } = await tabs(locks, 2)
    const [, second] = all
    second.deaf = true
    news.tell(mark())
    await tick(500)
    second.deaf = false
    house.on('GET /poll', ({ signal }) => hang(signal))
    await tick(1_000)
    expect(house.of('GET /poll').at(-1)?.signal.aborted).toBe(false)
    second.client.close()
    await tick(10)
    expect(second.ended).toBe('well')
  })

  test('a hidden leader hands over to a tab that is looked at, and back only when that is hidden', async () => {
    const { news, all } = await tabs(locks, 2)
    const [first, second] = all
    first.show(false)
    await tick(1_000)
    expect(news.opened).toHaveLength(2)
    news.tell(mark())
    await tick(10)
    first.show(true)
    await tick(60_000)
    expect(news.opened).toHaveLength(2)
    for (const tab of [first, second]) expect(marksOf(tab)).toEqual([1])
    second.show(false)
    await tick(1_000)
    expect(news.opened).toHaveLength(3)
    expect(news.resyncs).toBe(1)
  })

  test('hidden tabs leave the seat where it is, until one is looked at', async () => {
    const { news, all } = await tabs(locks, 2)
    const [first, second] = all
    second.show(false)
    first.show(false)
    await tick(5 * 60_000)
    expect(news.opened).toHaveLength(1)
    second.show(true)
    await tick(1_000)
    expect(news.opened).toHaveLength(2)
  })

  test('a page that was put away and comes back follows', async () => {
    const { news, all } = await tabs(locks, 2)
    const [first, second] = all
    first.environment.change('gone')
    await tick(100)
    expect(news.opened).toHaveLength(2)
    first.show(true)
    await tick(1_000)
    news.tell(mark())
    await tick(10)
    for (const tab of [first, second]) expect(marksOf(tab)).toEqual([1])
    expect(news.opened).toHaveLength(2)
  })

  test('another browser with this session took the stream: the leader is quiet, and nobody of its tabs fights', async () => {
    const { house, news, all } = await tabs(locks, 2)
    await house.fetch('http://house.test/api/v1/stream?cursor=e.0')
    await tick(8_000)
    expect(news.opened).toHaveLength(2)
    news.tell(mark())
    await tick(3_000)
    for (const tab of all) expect(marksOf(tab)).toEqual([1])
    all[1].environment.change('focus')
    await tick(100)
    expect(news.opened).toHaveLength(3)
  })

  test('all say how the road is, and a wish of any reaches the leader', async () => {
    const { house, news, all } = await tabs(locks, 2)
    const [first, second] = all
    for (const route of ['GET /poll', 'GET /stream']) house.on(route, lost)
    news.opened[0]?.fail()
    await tick(200_000)
    expect(first.states.at(-1)).toBe('reconnecting')
    expect(second.states.at(-1)).toBe('reconnecting')
    new Newsroom(house)
    second.client.resume()
    await tick(100)
    expect(first.states.at(-1)).toBe('online')
    expect(second.states.at(-1)).toBe('online')
  })

  test('who waits to try again does so as soon as the leader has reached the house', async () => {
    const { house, news, all } = await tabs(locks, 2)
    const [first, second] = all
    const up = [...house.routes]
    second.deaf = true
    news.tell(mark())
    await tick(10)
    second.deaf = false
    for (const route of ['GET /poll', 'GET /stream']) house.on(route, lost)
    news.opened[0]?.fail()
    await tick(200_000)
    for (const [route, answer] of up) house.on(route, answer)
    first.client.resume()
    await tick(100)
    expect(second.states.at(-1)).toBe('online')
    expect(marksOf(second)).toEqual([1])
  })

  test('a new leader knows what the last one learnt of the way', async () => {
    const { house, window } = await browser(locks)
    house.routes.delete('GET /stream')
    const first = window.tab()
    await tick(1_000)
    const second = window.tab()
    await tick(1_000)
    first.close()
    await tick(1_000)
    expect(second.states.at(-1)).toBe('online')
    expect(house.of('GET /stream')).toHaveLength(1)
  })

  test('what one tab sends the others show', async () => {
    const { house, all } = await tabs(locks, 3)
    const heard: [number, number][] = []
    all.forEach((tab, i) => tab.client.on('sent', ({ seq }) => heard.push([i, seq])))
    house.on('POST /conversations/9/messages', () => json(entry(5, { sender_id: '1' }), 201))
    all[1].client.outbox.send('9', { text: 'x' })
    await tick(100)
    expect(heard.sort()).toEqual([[0, 5], [1, 5], [2, 5]])
  })

  test.each([
    ['was lost', true, ['resync', 'resync']],
    ['was kept', false, ['resync']],
  ])('what one tab sent while another was put away, and %s, is seen when that is looked at', async (__, lossy, types) => {
    const { house, all } = await tabs(locks, 2)
    const [first, second] = all
    house.on('POST /conversations/9/messages', row(() => json(entry(4), 201), () => json(entry(5), 201)))
    first.client.outbox.send('9', { text: 'x' })
    await tick(100)
    second.show(false)
    second.freeze()
    first.client.outbox.send('9', { text: 'y' })
    await tick(100)
    second.thaw({ lossy })
    second.show(true)
    await tick(100)
    second.show(false)
    second.show(true)
    await tick(100)
    expect(second.types()).toEqual(types)
    expect(first.types()).toEqual(['resync'])
    await first.client.signOut()
    expect(house.of('POST /conversations/9/messages')).toHaveLength(2)
    expect(first.storage.keys('posthouse.')).toEqual([])
  })

  test('signing out ends all, and the next session is led anew', async () => {
    const { news, window, all } = await tabs(locks, 2)
    const [first, second] = all
    await first.client.signOut()
    await tick(10)
    expect(news.open).toHaveLength(0)
    for (const tab of [first, second]) expect(tab.client.connection).toBe('signed-out')
    expect(window.ears.size).toBe(0)
    await second.client.signIn({ username: 'ada', password: 'correct horse' })
    for (const tab of [first, second]) tab.follow()
    await tick(1_000)
    expect(news.open).toHaveLength(1)
    news.tell(mark())
    await tick(10)
    for (const tab of [first, second]) expect(marksOf(tab)).toEqual([1])
  })

  test('a client that closes leaves nothing behind', async () => {
    const { all, window } = await tabs(locks, 2)
    for (const { client } of all) client.close()
    await tick(2_000)
    expect(window.ears.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
    expect(window.shared.tab().keys('posthouse.seat')).toEqual([])
  })
})

test('the lease of a browser that crashed does not keep the next one waiting', async () => {
  const { news, window } = await browser(false)
  window.tab()
  await tick(1_000)
  window.tabs[0]?.crash()
  await tick(60_000)
  const again = window.tab()
  await tick(100)
  expect(again.states).toEqual(['connecting', 'online'])
  expect(news.open).toHaveLength(1)
})

test('where locks are forbidden a tab leads by itself', async () => {
  const house = new House()
  const news = new Newsroom(house)
  const locks = { request: () => Promise.reject(new DOMException('no', 'SecurityError')) }
  const client = await signedIn(house, { neighbours: { open: () => ({ post: () => undefined, close: () => undefined }), locks } })
  const events = client.events()
  expect((await events.next()).value).toEqual({ type: 'resync' })
  expect(news.open).toHaveLength(1)
  await events.return?.()
})
