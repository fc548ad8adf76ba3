// Two people in two browsers: they sign up, find each other, talk, go away and come back, and lose a device. Then the same
// house at phone width and in English. Pictures are in tests/e2e/shots/.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'

import { until } from '../lib/house.mjs'
import { Browser, PHONE, house, scene } from './browser.mjs'

const PASSWORD = 'a horse at every 驿站 1'
const tail = randomBytes(3).toString('hex')
const ANNA = `anna_${tail}`
const BERT = `bert_${tail}`

let anna
let bert
const both = () => [anna, bert].filter(Boolean)
const step = (title, fn) => test(title, { timeout: 120_000 }, () => scene(title.replace(/\W+/g, '-'), both, fn))

step('both sign up, each in a browser of one’s own', async () => {
  anna = await Browser.open('anna')
  bert = await Browser.open('bert')
  await anna.page.goto('/')
  await anna.see('sign-in-form')
  await anna.shot('01-sign-in')
  await Promise.all([anna.register(ANNA, '安娜 🌸', PASSWORD), bert.register(BERT, '伯特', PASSWORD)])
  await anna.shot('02-empty-house')
})

step('a username that is taken, and a short password, are said at the field', async () => {
  const other = await Browser.open('other')
  await other.page.goto('/register')
  await other.fill('register-username', ANNA.toUpperCase())
  await other.fill('register-nickname', 'x')
  await other.fill('register-password', 'short')
  await other.click('register-submit')
  await other.see('register-password-error')
  await other.fill('register-password', PASSWORD)
  await other.click('register-submit')
  await other.see('register-username-error')
  await other.shot('03-username-taken')
  await other.close()
})

step('one finds and asks the other, who accepts', async () => {
  await anna.click('quick-menu')
  await anna.click('quick-add-friend')
  await anna.fill('add-friend-search', BERT)
  await anna.page.keyboard.press('Enter')
  await anna.see('add-friend-result', `[data-user="${BERT}"]`)
  await anna.shot('04-found')
  await anna.click('add-friend-ask')
  await anna.fill('ask-message', '我是安娜，认识一下 👋')
  await anna.click('ask-send')
  await anna.gone('ask-form')
  await bert.see('nav-contacts-badge')
  await bert.click('nav-contacts')
  await bert.click('to-requests')
  await bert.see('request-in', `[data-user="${ANNA}"]`)
  await bert.shot('05-request')
  await bert.click('request-accept')
  await bert.gone('request-accept')
  await anna.page.keyboard.press('Escape')
  await anna.gone('add-friend')
  await anna.see('conversation-row', `[data-peer="${BERT}"]`)
})

step('they chat both ways, in Chinese and with emoji, and read ticks appear', async () => {
  await anna.openChat(BERT)
  await anna.say('你好，伯特！驿站的马都喂好了吗？🐎')
  await anna.ticked('驿站的马', 'sent')
  await bert.click('nav-chats')
  await bert.see('conversation-unread')
  await bert.shot('06-unread')
  await bert.openChat(ANNA)
  await bert.hears('你好，伯特！驿站的马都喂好了吗？🐎')
  await anna.ticked('驿站的马', 'read')
  await bert.say('都喂好了 👨‍👩‍👧‍👦🏳️‍🌈\n明天一早就出发。')
  await anna.hears('明天一早就出发。')
  await bert.ticked('明天一早', 'read')
  await Promise.all([ // it is shown for some seconds only
    anna.page.locator('[data-test="chat-status"].lively').waitFor(),
    bert.field('composer-input').pressSequentially('正在写', { delay: 30 }),
  ])
  await Promise.all([anna.shot('07-chat'), bert.shot('07-chat')])
})

step('one goes offline, writes and is written to, comes back, and has everything', async () => {
  await bert.goOffline(true)
  await bert.see('connection-bar')
  await bert.fill('composer-input', '')
  await bert.say('离线时写的一封信')
  await bert.ticked('离线时写的', 'sending')
  for (const text of ['第一封', '第二封', '第三封 📮']) {
    await anna.say(text)
    await anna.ticked(text, 'sent')
  }
  await bert.shot('08-offline')
  await bert.goOffline(false)
  for (const text of ['第一封', '第二封', '第三封 📮']) await bert.hears(text)
  await bert.gone('connection-bar')
  await anna.hears('离线时写的一封信')
  await bert.ticked('离线时写的', 'read')
  await anna.ticked('第三封', 'read')
  await bert.shot('09-back')
})

step('Redis is wiped in the middle, and neither notices more than a pause', async () => {
  await anna.say('清空之前')
  await bert.hears('清空之前')
  await house.redis('FLUSHALL')
  await anna.say('清空之后')
  await bert.say('也收到了吗？')
  await bert.hears('清空之后')
  await anna.hears('也收到了吗？')
  await anna.ticked('清空之后', 'read')
  for (const browser of both()) {
    const texts = await browser.texts('message-text')
    for (const text of ['清空之前', '清空之后', '也收到了吗？']) {
      assert.equal(texts.filter((one) => one.includes(text)).length, 1, `${browser.name}: ${text}`)
    }
    assert.equal(await browser.at('sign-in-form').count(), 0)
  }
  await anna.shot('10-after-flush')
})

step('a long history loads upwards, and a reload comes back to where one was', async () => {
  const [[conversation]] = await house.sql(`SELECT c.id FROM conversations c JOIN users u ON u.id IN (c.low_id, c.high_id)
    WHERE u.username = '${ANNA}'`)
  await house.sql(`INSERT INTO entries (conversation_id, seq, sender_id, client_msg_id, part, request_hash, type, counts, content, created_at)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
    SELECT c.id, c.last_seq + i, IF(i % 3, c.low_id, c.high_id), UNHEX(MD5(CONCAT(c.id, i))), 0, UNHEX(MD5(i)), 0, 1,
      CONCAT('{"text":"旧信 ', i, ' 号"}'), c.last_at + i FROM n JOIN conversations c ON c.id = ${conversation};
    UPDATE conversations SET last_shown_seq = last_seq + 400, last_seq = last_seq + 400, version = version + 1 WHERE id = ${conversation}`)
  await anna.page.reload()
  await anna.hears('旧信 400 号')
  const list = anna.at('message-list')
  await until('the beginning of the conversation', async () => {
    await list.evaluate((element) => element.scrollTo(0, 0))
    return (await anna.at('system-entry').count()) > 0
  }, { deadlineMs: 20_000 })
  await anna.shot('11-beginning')
  await anna.click('jump-bottom')
  await anna.hears('旧信 400 号')
})

step('a kicked device is signed out at once', async () => {
  const third = await Browser.open('third')
  await third.signIn(ANNA, PASSWORD)
  await third.openChat(BERT)
  await anna.click('nav-me')
  await anna.click('me-devices')
  await until('two devices', async () => (await anna.at('device').count()) === 2)
  await anna.shot('12-devices')
  await anna.click('device-kick')
  await anna.page.locator('.el-message-box__btns .el-button--primary').click()
  await third.see('sign-in-form') // it asks for nothing itself: its stream tells it, which would stay for minutes else
  await third.see('sign-in-notice')
  await third.shot('13-kicked')
  await third.close()
  await anna.openChat(BERT)
  await anna.say('还在这里')
  await bert.hears('还在这里')
})

step('a person’s card, a remark, a block and its end', async () => {
  await bert.click('chat-card')
  await bert.see('person-card')
  await bert.shot('14-card')
  await bert.click('person-edit')
  await bert.fill('friend-remark', '小安')
  await bert.click('friend-save')
  await bert.seeText('chat-title', '小安')
  await bert.click('person-block')
  await bert.page.locator('.el-message-box__btns .el-button--primary').click()
  await bert.see('composer-disabled')
  await anna.say('听得到吗？')
  await anna.ticked('听得到吗？', 'failed')
  await anna.shot('15-refused')
  await bert.click('person-unblock')
  await bert.see('composer-input')
  await anna.page.locator('[data-test="message-resend"]').click()
  await anna.ticked('听得到吗？', 'sent')
  await bert.hears('听得到吗？')
})

step('nothing went wrong in either page', () => {
  for (const browser of both()) assert.deepEqual(browser.errors, [], browser.name)
})

test('at phone width and in English: the main path', { timeout: 120_000 }, async () => {
  let phone
  await scene('phone', () => [phone].filter(Boolean), async () => {
    phone = await Browser.open('phone', { locale: 'en-GB', viewport: PHONE, phone: true })
    await phone.page.goto('/')
    await phone.see('sign-in-form')
    await phone.shot('20-phone-sign-in')
    await phone.signIn(ANNA, PASSWORD)
    await phone.see('conversation-row')
    await phone.shot('21-phone-list')
    await phone.openChat(BERT)
    await phone.say('Hello from the road 🐎')
    await phone.ticked('Hello from the road', 'sent')
    await bert.hears('Hello from the road 🐎')
    await phone.ticked('Hello from the road', 'read')
    await phone.shot('22-phone-chat')
    // Nothing is wider than the screen.
    assert.ok(await phone.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth))
    await phone.click('back')
    await phone.click('nav-contacts')
    await phone.see('friend-row')
    await phone.shot('23-phone-contacts')
    await phone.click('nav-me')
    await phone.see('me-devices')
    await phone.shot('24-phone-me')
    await phone.click('sign-out')
    await phone.page.locator('.el-message-box__btns .el-button--primary').click()
    await phone.see('sign-in-form')
    assert.deepEqual(phone.errors, [])
  })
})
