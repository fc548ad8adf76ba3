// Chromium for tests: a profile of its own per person, screenshots, and what a page said when a test fails.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { after } from 'node:test'
import { chromium } from 'playwright-core'

import { openHouse, until } from '../lib/house.mjs'

const SHOTS = fileURLToPath(new URL('shots', import.meta.url))
const CHROMIUM = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync']
export const DESKTOP = { width: 1180, height: 780 }
export const PHONE = { width: 390, height: 844 }
const WAIT_MS = 15_000

export const house = await openHouse({ env: { POSTHOUSE_RATE_USER_PER_S: '0' } })
const people = []
after(async () => {
  await Promise.all(people.map((person) => person.close()))
  await house.close()
})

/** Where something stands; a list that measures its rows may have hidden it for a moment. */
export const boxOf = (locator) => until('it has a place', () => locator.boundingBox())

/** A browser with one page. `locale` is the browser's language. */
export class Browser {
  static async open(name, { locale = 'zh-CN', viewport = DESKTOP, phone = false, url = house.local_url, args = [] } = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'ph-profile-'))
    const context = await chromium.launchPersistentContext(folder, {
      executablePath: CHROMIUM, headless: true, args: [...ARGS, ...args], locale, viewport, hasTouch: phone, isMobile: phone,
      timezoneId: 'Asia/Shanghai', baseURL: url,
    })
    context.setDefaultTimeout(WAIT_MS)
    const browser = new Browser(name, folder, context, context.pages()[0] ?? (await context.newPage()))
    people.push(browser)
    return browser
  }

  constructor(name, folder, context, page) {
    Object.assign(this, { name, folder, context, page, errors: [] })
    page.on('pageerror', (error) => this.errors.push(String(error)))
    page.on('console', (message) => {
      // A refused request is the house's answer, which the page shows; anything else is a fault of the page.
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) this.errors.push(message.text())
    })
  }

  /** Another tab of the same browser. */
  async tab(name) {
    return new Browser(name, this.folder, this.context, await this.context.newPage())
  }

  /** What carries this data-test; `more` narrows it by other attributes. */
  at(test, more = '') {
    return this.page.locator(`[data-test="${test}"]${more}`)
  }

  /** The input or text field of a form's field. */
  field(test) {
    return this.page.locator(`input[data-test="${test}"], textarea[data-test="${test}"], [data-test="${test}"] input, [data-test="${test}"] textarea`).first()
  }

  click(test, more) {
    return this.at(test, more).first().click()
  }

  fill(test, text) {
    return this.field(test).fill(text)
  }

  /** Waits until it is there to see. */
  see(test, more) {
    return this.at(test, more).first().waitFor({ state: 'visible' })
  }

  /** Waits until it is gone, or never was there. */
  gone(test, more) {
    return this.at(test, more).first().waitFor({ state: 'hidden' })
  }

  /** Waits until its connection is online, or offline. */
  is(state) {
    return this.at('connection', `[data-state="${state}"]`).waitFor({ state: 'attached' })
  }

  async seeText(test, text, more = '') {
    await this.page.locator(`[data-test="${test}"]${more}`).filter({ hasText: text }).first().waitFor({ state: 'visible' })
  }

  texts(test) {
    return this.at(test).allInnerTexts()
  }

  async shot(title) {
    await mkdir(SHOTS, { recursive: true })
    await this.page.screenshot({ path: join(SHOTS, `${title}-${this.name}.png`), animations: 'disabled' })
  }

  goOffline(offline) {
    return this.context.setOffline(offline)
  }

  // ---- what people do ---------------------------------------------------------------------------
  async register(username, nickname, password) {
    await this.page.goto('/register')
    await this.fill('register-username', username)
    await this.fill('register-nickname', nickname)
    await this.fill('register-password', password)
    await this.click('register-submit')
    await this.see('nav-chats')
  }

  async signIn(username, password) {
    await this.page.goto('/signin')
    await this.fill('sign-in-username', username)
    await this.fill('sign-in-password', password)
    await this.click('sign-in-submit')
    await this.see('nav-chats')
  }

  async openChat(peer) {
    await this.click('nav-chats')
    await this.click('conversation-row', `[data-peer="${peer}"]`)
    await this.see('composer-input')
  }

  async say(text) {
    await this.fill('composer-input', text)
    await this.click('composer-send')
  }

  async hears(text) {
    await this.seeText('message-text', text)
  }

  /** Waits until an own message with this text has this tick: sending, sent (or even read), read, failed. */
  async ticked(text, state) {
    const message = this.page.locator('[data-test="message"][data-mine="true"]').filter({ hasText: text })
    const ticks = (state === 'sent' ? ['sent', 'read'] : [state]).map((one) => `[data-test="tick"][data-state="${one}"]`)
    await message.locator(ticks.join(', ')).first().waitFor({ state: 'visible' })
  }

  async close() {
    await this.context.close().catch(() => {})
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Runs steps, and when one fails keeps a picture of each page and what it complained about. */
export async function scene(title, browsers, fn) {
  try {
    await fn()
  } catch (error) {
    for (const browser of browsers()) {
      await browser.shot(`failed-${title}`).catch(() => {})
      const requests = await house.logged('"status":5').catch(() => [])
      error.message += `\n${browser.name}: ${browser.page.url()} ${browser.errors.join(' | ')}\n${requests.slice(-5).join('\n')}`
    }
    throw error
  }
}
