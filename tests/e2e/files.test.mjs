// Files between two people in two browsers: pictures by button, paste and drop, documents, voice and video, what is cut off, what
// fails, and where it all is found again. Pictures of the pages are in tests/e2e/shots/.
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'

import { until } from '../lib/house.mjs'
import { Browser, PHONE, boxOf, house, scene } from './browser.mjs'
import { PASSWORD, Person } from './person.mjs'
import { film, give, picture, sha256, slowly } from './things.mjs'

const FAKE_SOUND = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']
const MIB = 1 << 20

let a
let b
let anna
let bert
let phone
const open = () => [anna, bert, phone].filter(Boolean)
const step = (title, fn) => test(title, { timeout: 120_000 }, () => scene(title.replace(/\W+/g, '-'), open, fn))

/** A picture that is loaded, of the last message or album. */
const seesPicture = (browser, more = '') => until(`${browser.name} sees the picture`, () => browser.page.evaluate((selector) => {
  const all = [...document.querySelectorAll(`[data-test="message"]${selector} img[data-test="picture"]`)]
  const last = all.at(-1)
  return last !== undefined && last.complete && last.naturalWidth > 0
}, more))
const pictures = (browser) => browser.at('picture-open').count()
const messages = (browser) => browser.at('message').count()
const choose = (browser, files) => browser.at('attach-input').setInputFiles(files)
const sentAll = (browser) => until('all is sent', async () => (await browser.at('message', '[data-state="sending"]').count()) === 0, { deadlineMs: 30_000 })

step('two friends open their conversation', async () => {
  ;[a, b] = await Promise.all([Person.register('安娜'), Person.register('伯特')])
  await a.befriend(b)
  ;[anna, bert] = await Promise.all([Browser.open('anna', { args: FAKE_SOUND }), Browser.open('bert')])
  await Promise.all([anna.signIn(a.name, PASSWORD), bert.signIn(b.name, PASSWORD)])
  await Promise.all([anna.openChat(b.name), bert.openChat(a.name)])
})

step('a picture by the button: there at once, its place kept, and seen by the other', async () => {
  await choose(anna, await picture(anna.page, '驿站.png', { colour: '#ab3629', word: '驿站' }))
  await anna.see('picture-open')
  await sentAll(anna)
  await seesPicture(anna)
  await bert.see('picture-open')
  const box = await boxOf(bert.at('picture-open'))
  await seesPicture(bert)
  assert.deepEqual(await boxOf(bert.at('picture-open')), box, 'it jumped')
  assert.ok(Math.abs(box.width / box.height - 1.6) < 0.02, `${box.width} x ${box.height}`)
  await Promise.all([anna.shot('60-picture'), bert.shot('60-picture')])
})

step('pictures by paste and by drop: shown first, and then sent; several stand together', async () => {
  const some = await Promise.all(['一', '二', '三'].map((word, i) => picture(anna.page, `${word}.png`, { word, colour: ['#2c6a62', '#44568f', '#746018'][i] })))
  await give(anna.page, 'composer-input', some.slice(0, 1), 'paste')
  await anna.see('file-ask')
  await until('Enter would send it', () => anna.at('file-ask-send').evaluate((button) => button === document.activeElement))
  await anna.page.keyboard.press('Enter')
  await give(anna.page, 'chat-pane', some.slice(1), 'drag')
  await anna.see('file-drop')
  await anna.shot('61-drag')
  await give(anna.page, 'chat-pane', some.slice(1), 'drop')
  await anna.gone('file-drop')
  await anna.see('file-ask')
  await anna.shot('61-ask')
  await anna.click('file-ask-send')
  await until('four pictures', async () => (await pictures(bert)) === 4)
  await sentAll(anna)
  await until('all were loaded', () => bert.page.evaluate(() => [...document.querySelectorAll('img[data-test="picture"]')].every((one) => one.naturalWidth > 0)))
  assert.equal(await bert.at('album').count(), 1)
  await Promise.all([anna.shot('62-album'), bert.shot('62-album')])
})

step('the viewer goes through them by the keys, makes them larger, and saves one', async () => {
  await bert.at('picture-open').last().click()
  await bert.see('viewer')
  const at = () => bert.at('viewer').getAttribute('data-seq').then(Number)
  const last = await at()
  await bert.page.locator('[data-test="viewer-picture"][data-loaded="true"]').waitFor()
  await bert.shot('63-viewer')
  await bert.page.keyboard.press('ArrowLeft')
  await until('the one before it', async () => (await at()) < last)
  await bert.page.keyboard.press('ArrowRight')
  await until('the last again', async () => (await at()) === last)
  await bert.click('viewer-closer')
  await until('it is larger', async () => !(await bert.at('viewer-fit').isDisabled()))
  const [saved] = await Promise.all([bert.page.waitForEvent('download'), bert.click('viewer-download')])
  assert.equal(saved.suggestedFilename(), '三.png')
  await bert.page.keyboard.press('Escape')
  await bert.gone('viewer')
})

step('a document with a Chinese name is saved under it, byte by byte', async () => {
  const bytes = randomBytes(300_000)
  const name = '驿站年度报告（最终版）2026.docx'
  await choose(anna, { name, mimeType: 'application/octet-stream', buffer: bytes })
  await bert.seeText('file-name', name)
  await sentAll(anna)
  const [saved] = await Promise.all([bert.page.waitForEvent('download'), bert.click('file-download')])
  assert.equal(saved.suggestedFilename(), name)
  assert.equal(sha256(await readFile(await saved.path())), sha256(bytes))
  await Promise.all([anna.shot('64-document'), bert.shot('64-document')])
})

step('what is empty is told, and not sent', async () => {
  const before = await messages(anna)
  await choose(anna, { name: '空.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) })
  await anna.page.locator('.el-message').filter({ hasText: '空.txt' }).waitFor()
  assert.equal(await messages(anna), before)
})

step('one on its way is taken back, here and at the house', async () => {
  const before = await messages(anna)
  await slowly(anna, 100_000)
  await choose(anna, { name: '大.bin', mimeType: 'application/octet-stream', buffer: randomBytes(4 * MIB) })
  await anna.see('file-progress', '[data-state="uploading"]')
  const open = async () => Number((await house.sql(`SELECT COUNT(*) FROM uploads WHERE done = 0 AND owner_id = ${a.id}`))[0][0])
  await until('the house has begun', async () => (await open()) === 1)
  await anna.shot('65-on-its-way')
  await anna.click('file-cancel')
  await until('it is gone here', async () => (await messages(anna)) === before)
  await until('it is gone there', async () => (await open()) === 0)
  await slowly(anna, null)
})

step('a reload and a cut connection in the middle: it goes on where it was', async () => {
  const bytes = randomBytes(4 * MIB)
  const name = '续传.bin'
  await slowly(anna, 300_000)
  const offsets = []
  anna.page.on('request', (request) => request.method() === 'PATCH' && offsets.push(Number(request.headers()['upload-offset'])))
  await choose(anna, { name, mimeType: 'application/octet-stream', buffer: bytes })
  const offset = async () => Number((await house.sql(`SELECT COALESCE(MAX(received), 0) FROM uploads WHERE done = 0 AND owner_id = ${a.id}`))[0][0])
  await until('a part is there', async () => (await offset()) > 0 || (await anna.page.evaluate(() =>
    Number(document.querySelector('[data-test="file-progress"]')?.getAttribute('aria-valuenow')) > 30)), { deadlineMs: 20_000 })
  await anna.page.reload()
  await anna.see('file-progress')
  await until('it goes on', () => offsets.length >= 2)
  assert.ok(offsets[1] > 0, `from ${offsets}`)
  await slowly(anna, 0)
  await anna.see('file-progress', '[data-state="waiting"]')
  await anna.shot('66-waiting')
  await slowly(anna, null)
  await bert.seeText('file-name', name)
  await sentAll(anna)
  const [saved] = await Promise.all([bert.page.waitForEvent('download'), bert.at('file-download').last().click()])
  assert.equal(sha256(await readFile(await saved.path())), sha256(bytes))
})

step('what the house refuses is said in words, and sent again without choosing it again', async () => {
  const usage = (bytes) => house.sql(`INSERT INTO file_usage VALUES (${a.id}, ${bytes}) ON DUPLICATE KEY UPDATE bytes = ${bytes}`)
  await usage(10240 * MIB)
  await choose(anna, { name: '满了.txt', mimeType: 'text/plain', buffer: Buffer.from('满') })
  await anna.see('message', '[data-state="failed"]')
  await anna.page.locator('[role="alert"]').filter({ hasText: '空间已满' }).waitFor()
  await anna.shot('67-refused')
  await usage(0)
  await anna.page.reload()
  await anna.see('message', '[data-state="failed"]')
  await anna.click('message-resend')
  await bert.seeText('file-name', '满了.txt')
  await sentAll(anna)
})

step('a voice message: spoken, seen to be loud, thrown away once, sent, and heard', async () => {
  const before = await messages(anna)
  await anna.click('record')
  await anna.see('recorder')
  await anna.page.keyboard.press('Escape')
  await anna.gone('recorder')
  assert.equal(await messages(anna), before)
  await anna.click('record')
  await until('the meter moves', () => anna.page.evaluate(() => {
    const strokes = [...document.querySelectorAll('[data-test="record-meter"] span')].map((one) => parseInt(one.style.height))
    return strokes.length > 20 && Math.max(...strokes) > 20
  }))
  await anna.shot('68-recording')
  await anna.click('record-send')
  await anna.see('voice')
  await sentAll(anna)
  await bert.see('voice')
  const said = await bert.at('voice-clock').innerText()
  assert.match(said, /^0:0[1-9]$/)
  const position = () => bert.at('voice-position').evaluate((slider) => Number(slider.value))
  await bert.click('voice-play')
  await until('it is heard', async () => (await bert.at('voice').getAttribute('data-playing')) === 'true' && (await position()) > 200)
  await until('it is over', async () => (await bert.at('voice').getAttribute('data-playing')) === 'false', { deadlineMs: 20_000 })
  await bert.at('voice-position').fill('1000')
  await bert.click('voice-play')
  await until('it goes on from there', async () => (await position()) > 1000)
  await Promise.all([anna.shot('69-voice'), bert.shot('69-voice')])
})

step('a video: its still and its length in the conversation, and it plays', async () => {
  await choose(anna, await film(anna.page, '驿马.webm'))
  await anna.see('message-video')
  await sentAll(anna)
  await bert.see('message-video')
  await seesPicture(bert, ' [data-test="message-video"]')
  await Promise.all([anna.shot('70-video'), bert.shot('70-video')])
  await bert.page.locator('[data-test="message-video"] [data-test="picture-open"]').click()
  await until('it plays', () => bert.page.evaluate(() => {
    const video = document.querySelector('[data-test="viewer-video"]')
    return video !== null && video.videoWidth === 320 && video.currentTime > 0.3
  }))
  await bert.shot('71-playing')
  await bert.page.keyboard.press('Escape')
  await bert.gone('viewer')
})

step('what was sent is found again by its kind, and leads to where it was said', async () => {
  await bert.say('之后说的话')
  await bert.click('chat-files')
  await bert.see('files-panel')
  await until('all pictures', async () => (await bert.at('files-picture').count()) === 4)
  await until('all are loaded', () => bert.page.evaluate(() => [...document.querySelectorAll('[data-test="files-panel"] img')].every((one) => one.naturalWidth > 0)))
  await bert.shot('72-panel')
  await bert.at('files-picture').first().click()
  await bert.see('viewer')
  await bert.page.keyboard.press('ArrowLeft')
  await bert.page.keyboard.press('Escape')
  await bert.gone('viewer')
  await bert.click('files-tab-file')
  await until('all documents', async () => (await bert.at('files-row').count()) === 3)
  await bert.shot('72-documents')
  await bert.click('files-tab-video')
  await bert.page.locator('[data-test="files-row"]').first().waitFor()
  await bert.page.keyboard.press('ArrowRight')
  await bert.page.keyboard.press('ArrowLeft')
  await bert.click('files-tab-file')
  await bert.at('files-row').filter({ hasText: '年度报告' }).locator('[data-test="files-jump"]').click()
  await bert.gone('files-panel')
  await bert.page.locator('.flashed').waitFor()
  await bert.seeText('file-name', '年度报告')
})

step('a picture in an album has its own menu: one is recalled, and is gone for both', async () => {
  await anna.at('picture-open').first().scrollIntoViewIfNeeded()
  await anna.at('album').locator('[data-test="picture-open"]').nth(1).click({ button: 'right' })
  await anna.page.locator('[role="menuitem"]').filter({ hasText: '撤回' }).click()
  await anna.page.locator('.el-message-box__btns .el-button--primary').click()
  await until('three are left', async () => (await pictures(anna)) + (await anna.at('message-video').count()) <= 5 && (await anna.at('recalled-entry').count()) === 1)
  await bert.see('recalled-entry')
})

step('a picture and a document are forwarded as one, and opened from there', async () => {
  const entries = (await b.call('GET', `/conversations/${a.conversation}/messages?limit=50`)).items
  const seqs = ['image', 'file', 'voice'].map((type) => entries.find((one) => one.type === type && one.recalled_at === null).seq).sort((x, y) => x - y)
  await b.call('POST', `/conversations/${a.conversation}/forward`, { from_conversation_id: a.conversation, seqs, mode: 'merged', client_msg_id: randomUUID() })
  await until('the end is in view', async () => {
    await anna.at('message-list').evaluate((list) => list.scrollTo(0, list.scrollHeight))
    return anna.at('message-merged').isVisible()
  })
  await anna.click('message-merged')
  await until('its picture is there', () => anna.page.evaluate(() => {
    const image = document.querySelector('[data-test="merged-picture"] img')
    return image !== null && image.naturalWidth > 0
  }))
  await anna.shot('76-merged')
  await anna.click('merged-picture')
  await anna.page.locator('[data-test="viewer-picture"][data-loaded="true"]').waitFor()
  await anna.page.keyboard.press('Escape')
  await anna.gone('viewer')
  await anna.see('merged')
  await anna.page.keyboard.press('Escape')
  await anna.gone('merged')
})

step('a picture of oneself: its section is chosen, and it is seen everywhere at once', async () => {
  await anna.click('nav-me')
  await anna.click('me-profile')
  await anna.at('avatar-input').setInputFiles(await picture(anna.page, 'me.png', { width: 900, height: 500, colour: '#67498a', word: '安' }))
  await anna.see('avatar-crop')
  await until('it can be moved', () => anna.at('avatar-frame').locator('img').evaluate((image) => image.naturalWidth > 0))
  await anna.at('avatar-zoom').fill('1.5')
  await anna.at('avatar-frame').focus()
  await anna.page.keyboard.press('ArrowLeft')
  await anna.shot('73-crop')
  await anna.click('avatar-use')
  await anna.gone('avatar-crop')
  const face = (browser, where) => until(`${browser.name} sees the face`, () => browser.page.evaluate((selector) => {
    const image = document.querySelector(`${selector} img[data-test="avatar-picture"]`)
    return image !== null && image.naturalWidth > 0 && image.naturalWidth === image.naturalHeight
  }, where))
  await face(anna, '[data-test="me-self"]')
  await anna.shot('73-avatar')
  await face(bert, '[data-test="conversation-row"]')
  await face(bert, '[data-test="chat-card"]')
  await bert.shot('73-avatar')
  await anna.click('avatar-remove')
  await anna.gone('avatar-remove')
  await until('initials again', async () => (await bert.at('avatar-picture').count()) === 0)
})

step('the picture of a group, given by who manages it, is seen by its members', async () => {
  const { id } = await a.call('POST', '/groups', { name: '驿卒', member_ids: [b.id], join_policy: 'invite' })
  await anna.page.goto(`/chats/${id}`)
  await anna.click('chat-card')
  await anna.see('group-panel')
  await anna.at('group-panel').locator('[data-test="avatar-input"]').setInputFiles(await picture(anna.page, 'g.png', { width: 400, height: 600, colour: '#46693f', word: '驿' }))
  await anna.click('avatar-use')
  await anna.gone('avatar-crop')
  await until('the other sees it in the list', () => bert.page.evaluate(() => {
    const image = document.querySelector('[data-test="conversation-row"] img[data-test="avatar-picture"]')
    return image !== null && image.naturalWidth > 0
  }))
  await anna.shot('74-group')
})

step('at phone width, in the dark and in English: sent and seen', async () => {
  phone = await Browser.open('phone', { locale: 'en-GB', viewport: PHONE, phone: true, args: FAKE_SOUND })
  await phone.page.emulateMedia({ colorScheme: 'dark' })
  await phone.signIn(b.name, PASSWORD)
  await phone.openChat(a.name)
  await until('pictures', async () => (await phone.at('message').count()) > 3)
  await choose(phone, await Promise.all([['a.png', 500, 900], ['b.png', 1400, 300]].map(([name, width, height]) => picture(phone.page, name, { width, height, colour: '#2d6284' }))))
  await until('both are there', async () => (await phone.page.locator('[data-mine="true"] [data-test="picture-open"]').count()) === 2)
  await sentAll(phone)
  await phone.say('Two pictures from the road')
  await phone.ticked('Two pictures', 'sent')
  await choose(phone, await picture(phone.page, 'tall.png', { width: 500, height: 1400, colour: '#9c3b2e', word: '高' }))
  await phone.page.locator('[data-mine="true"] [data-test="message-image"]').waitFor()
  await sentAll(phone)
  await seesPicture(phone)
  await phone.shot('75-phone')
  assert.ok(await phone.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'wider than the screen')
  await phone.at('picture-open').last().click()
  await phone.page.locator('[data-test="viewer-picture"][data-loaded="true"]').waitFor()
  await phone.shot('75-phone-viewer')
  await phone.click('viewer-close')
  await phone.click('record')
  await phone.see('recorder')
  await phone.shot('75-phone-recording')
  await phone.click('record-discard')
  await phone.click('chat-files')
  await until('six pictures', async () => (await phone.at('files-picture').count()) === 6)
  await until('all are loaded', () => phone.page.evaluate(() => [...document.querySelectorAll('[data-test="files-panel"] img')].every((one) => one.naturalWidth > 0)))
  await phone.shot('75-phone-panel')
})

step('nothing went wrong in any page', () => {
  for (const browser of open()) assert.deepEqual(browser.errors, [], browser.name)
})
