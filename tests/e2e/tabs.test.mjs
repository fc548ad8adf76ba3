// Several tabs of one browser: one of them waits at the house for all, over http and where a page may be trusted, and is
// replaced when it goes or hangs. Then the road gets worse and better again: stream, long poll, short poll, stream.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { until } from '../lib/house.mjs'
import { Browser, house, scene } from './browser.mjs'
import { PASSWORD, Person } from './person.mjs'
import { outerAddress, Road } from './road.mjs'

/** Noticed within 2 s; the rest is what the machine takes to answer and to paint, by how long it took just before. */
const REPLACED_MS = 2000
const marginMs = (ordinaryMs) => Math.max(1500, 10 * ordinaryMs)

const road = await Road.open(house.local_url)
after(() => road.close())

let anna
let bert
test.before(async () => {
  anna = await Person.register()
  bert = await Person.register()
  await bert.befriend(anna)
})

/** One request that waits, and only one, for a while. */
async function oneWaits(kind) {
  let since = 0
  await until(`one ${kind} waits`, () => {
    const kinds = road.kinds()
    if (kinds.length !== 1 || kinds[0] !== kind) since = 0
    else since ||= Date.now()
    return since > 0 && Date.now() - since > 700
  }, { deadlineMs: 20_000 })
}

/** The tab whose request for news is under way; its page keeps count. */
async function leaderOf(tabs) {
  const open = (tab) => tab.waits.size > 0
  await until('a tab waits', () => tabs.filter(open).length === 1)
  return tabs.find(open)
}

function watchNews(tab) {
  tab.waits = new Set()
  const isNews = (request) => /\/api\/v1\/(stream|poll)\b/.test(request.url()) && !request.url().includes('timeout=0')
  tab.page.on('request', (request) => isNews(request) && tab.waits.add(request))
  for (const end of ['requestfinished', 'requestfailed']) tab.page.on(end, (request) => tab.waits.delete(request))
}

async function openTabs(url, count) {
  const first = await Browser.open('tab1', { url })
  watchNews(first)
  await first.signIn(anna.name, PASSWORD)
  const tabs = [first]
  while (tabs.length < count) {
    const tab = await first.tab(`tab${tabs.length + 1}`)
    watchNews(tab)
    await tab.page.goto(url)
    tabs.push(tab)
  }
  for (const tab of tabs) await tab.openChat(bert.name)
  return tabs
}

/** Milliseconds until all of them show it. */
async function heardBy(tabs, text, began = Date.now()) {
  await Promise.all(tabs.map((tab) => tab.hears(text)))
  return Date.now() - began
}

async function once(tab, texts) {
  const shown = await tab.texts('message-text')
  for (const text of texts) assert.equal(shown.filter((one) => one.trim() === text).length, 1, `${tab.name}: ${text}`)
}

const outer = outerAddress()
const places = [
  { place: 'localhost, with locks', url: road.url('127.0.0.1'), secure: true },
  { place: outer ? 'plain http' : 'localhost, locks taken away', url: road.url(outer ?? '127.0.0.1'), secure: outer === null },
]

for (const { place, url, secure } of places) {
  test(`${place}: one tab waits for all, and is replaced when it goes or hangs`, { timeout: 180_000 }, async (t) => {
    let tabs = []
    await scene(`tabs-${place.replace(/\W+/g, '-')}`, () => tabs, async () => {
      tabs = await openTabs(url, 3)
      assert.equal(await tabs[0].page.evaluate(() => window.isSecureContext), secure)
      assert.equal(await tabs[0].page.evaluate(() => Boolean(navigator.locks)), secure)

      // One waits; all hear; what one sends or reads is sent and read in all.
      await oneWaits('stream')
      await bert.say(`to all, ${place}`)
      const ordinary = await heardBy(tabs, `to all, ${place}`)
      t.diagnostic(`three tabs show a message after ${ordinary} ms`)
      const limit = REPLACED_MS + marginMs(ordinary)
      const asides = road.asked.filter(({ kind }) => kind === 'poll').length
      await tabs[1].say(`from the second tab, ${place}`)
      await heardBy(tabs, `from the second tab, ${place}`)
      await tabs[2].click('nav-contacts')
      await bert.say(`unread, ${place}`)
      await heardBy(tabs.slice(0, 2), `unread, ${place}`)
      await tabs[2].click('nav-chats')
      await tabs[2].gone('conversation-unread')
      await tabs[2].openChat(bert.name)
      assert.deepEqual(road.kinds(), ['stream'])
      assert.equal(road.asked.filter(({ kind }) => kind === 'poll').length, asides, 'nobody polls beside the stream')
      const snapshots = road.count('GET /api/v1/me')

      // It hangs: its scripts stand still, and its stream is open as ever.
      const frozen = await leaderOf(tabs)
      const others = () => tabs.filter((tab) => tab !== frozen)
      const devtools = await frozen.context.newCDPSession(frozen.page)
      await devtools.send('Debugger.enable')
      await devtools.send('Debugger.pause')
      const stuck = frozen.page.evaluate(() => 0).catch(() => {})
      await new Promise((resolve) => devtools.once('Debugger.paused', resolve))
      const hungAt = Date.now()
      await bert.say(`while one hangs, ${place}`)
      const hung = await heardBy(others(), `while one hangs, ${place}`, hungAt)
      t.diagnostic(`the leader hung: heard after ${hung} ms`)
      assert.ok(hung <= limit, `${hung} of ${limit} ms`)
      await devtools.send('Debugger.resume')
      await devtools.send('Debugger.disable')
      await stuck
      await frozen.hears(`while one hangs, ${place}`)
      await oneWaits('stream')

      // It goes.
      const gone = await leaderOf(tabs)
      assert.notEqual(gone, frozen)
      await gone.page.close()
      const closedAt = Date.now()
      tabs = tabs.filter((tab) => tab !== gone)
      await bert.say(`after one closed, ${place}`)
      const closed = await heardBy(tabs, `after one closed, ${place}`, closedAt)
      t.diagnostic(`the leader was closed: heard after ${closed} ms`)
      assert.ok(closed <= limit, `${closed} of ${limit} ms`)
      await oneWaits('stream')

      assert.equal(road.count('GET /api/v1/me'), snapshots, 'nobody had to begin anew')
      for (const tab of tabs) {
        await once(tab, ['to all', 'from the second tab', 'unread', 'while one hangs', 'after one closed'].map((text) => `${text}, ${place}`))
        await tab.is('online')
        assert.deepEqual(tab.errors, [])
      }
      await tabs[0].close()
    })
  })
}

test('the road gets worse and better: nothing is lost, said twice or read anew', { timeout: 180_000 }, async (t) => {
  let tabs = []
  await scene('road', () => tabs, async () => {
    road.become('fair')
    tabs = await openTabs(road.url('127.0.0.1'), 2)
    await oneWaits('stream')
    const snapshots = road.count('GET /api/v1/me')
    const said = []
    const say = async () => {
      said.push(`letter ${said.length + 1}`)
      await bert.say(said.at(-1))
    }
    await say()
    await heardBy(tabs, said.at(-1))

    road.become('holds')
    const held = Date.now()
    await say()
    await heardBy(tabs, said.at(-1))
    await oneWaits('poll')
    t.diagnostic(`streams held back: polls after ${Date.now() - held} ms`)
    await say()
    t.diagnostic(`by a long poll: heard after ${await heardBy(tabs, said.at(-1))} ms`)

    road.become('cuts')
    const looksSince = () => {
      const recent = road.asked.filter(({ kind, at }) => kind === 'poll' && at > Date.now() - 8_000)
      return recent.length >= 2 && recent.every(({ timeout }) => timeout === '0')
    }
    await say()
    await heardBy(tabs, said.at(-1))
    await until('only looks', looksSince, { deadlineMs: 60_000 })
    await say()
    t.diagnostic(`by a look: heard after ${await heardBy(tabs, said.at(-1))} ms`)
    for (const tab of tabs) await tab.is('online')

    road.become('fair')
    await tabs[0].goOffline(true)
    for (const tab of tabs) await tab.is('offline')
    await say()
    await tabs[0].goOffline(false)
    await heardBy(tabs, said.at(-1))
    await oneWaits('stream')
    await say()
    await heardBy(tabs, said.at(-1))

    assert.equal(road.count('GET /api/v1/me'), snapshots, 'nobody had to begin anew')
    for (const tab of tabs) {
      await once(tab, said)
      assert.deepEqual(tab.errors, [])
    }
  })
})
