// @vitest-environment happy-dom
// The binding to a browser: localStorage with its refusals, its events, the lock on plain http.
import { afterEach, expect, test, vi } from 'vitest'
import { browserEnvironment, browserNeighbours, browserStorage } from '../index'

afterEach(() => {
  localStorage.clear()
  vi.restoreAllMocks()
})

test('values live in localStorage', () => {
  const storage = browserStorage()
  storage.set('posthouse.a', '1')
  expect(browserStorage().get('posthouse.a')).toBe('1')
  expect(storage.keys('posthouse.')).toEqual(['posthouse.a'])
  storage.remove('posthouse.a')
  expect(localStorage.getItem('posthouse.a')).toBeNull()
})

test('what localStorage refuses lives in memory, and is newer than what is there', () => {
  const storage = browserStorage()
  storage.set('posthouse.session', 'old')
  vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
    throw new DOMException('full', 'QuotaExceededError')
  })
  storage.set('posthouse.session', 'new')
  storage.set('posthouse.other', 'x')
  expect(storage.get('posthouse.session')).toBe('new')
  expect(storage.keys('posthouse.').sort()).toEqual(['posthouse.other', 'posthouse.session'])
  storage.remove('posthouse.other')
  expect(storage.get('posthouse.other')).toBeNull()
})

test('hears other tabs, also when everything is cleared', () => {
  const heard: unknown[] = []
  const stop = browserStorage().subscribe?.((key, value) => heard.push([key, value]))
  window.dispatchEvent(new StorageEvent('storage', { key: 'posthouse.sent', newValue: '{}' }))
  window.dispatchEvent(new StorageEvent('storage', { key: null }))
  stop?.()
  window.dispatchEvent(new StorageEvent('storage', { key: 'posthouse.sent', newValue: 'late' }))
  expect(heard).toEqual([['posthouse.sent', '{}'], ['posthouse.session', null]])
})

test('a lock works where the browser has none', async () => {
  const order: string[] = []
  const work = (name: string) => async () => {
    order.push(`${name} in`)
    await Promise.resolve()
    order.push(`${name} out`)
  }
  await Promise.all(['a', 'b'].map((name) => browserStorage().lock?.('posthouse.refresh', work(name))))
  expect(order).toHaveLength(4)
  expect(order[1]?.[0]).toBe(order[0]?.[0])
  expect(localStorage.length).toBe(0)
})

test('tells what happens to the page, until it is stopped', () => {
  const heard: string[] = []
  const environment = browserEnvironment()
  const stop = environment.subscribe((change) => heard.push(change))
  for (const name of ['online', 'offline', 'focus']) window.dispatchEvent(new Event(name))
  document.dispatchEvent(new Event('visibilitychange'))
  stop()
  window.dispatchEvent(new Event('focus'))
  expect(heard).toEqual(['online', 'offline', 'focus', environment.isVisible() ? 'visible' : 'hidden'])
})

test('the other tabs are out of reach where the browser is too old, or refuses', () => {
  vi.stubGlobal('BroadcastChannel', undefined)
  expect(browserNeighbours()).toBeNull()
  vi.stubGlobal('BroadcastChannel', function () {
    throw new DOMException('no', 'SecurityError')
  })
  expect(browserNeighbours()).toBeNull()
  vi.unstubAllGlobals()
  expect(browserNeighbours()).not.toBeNull()
})
