// Assistants in the web app, with a model server whose words come when the test says so: seen growing, stopped, asked again,
// mentioned in a group, harmless whatever it writes; a summary, a translation, suggested replies; and a house without any model.
// Pictures are in tests/e2e/shots/.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'

import { openHouse, until } from '../lib/house.mjs'
import { openStub } from '../lib/model-stub.mjs'
import { Browser, PHONE, boxOf, scene } from './browser.mjs'
import { PASSWORD, Person } from './person.mjs'

const stub = await openStub()
const WAITS = { private_address: true, first_token_s: 60, between_tokens_s: 60, answer_s: 120 }

/** Providers of the stub's ways; the words that the house helps with have a price. */
function configure(folder) {
  const providers = ['fine', 'slow', 'help', '500'].map((what) =>
    ({ name: what, base_url: stub.url(what), model: what, ...WAITS, input_price: 2, output_price: 8 }))
  writeFileSync(join(folder, 'providers.json'), JSON.stringify({ currency: 'CNY', providers }))
  writeFileSync(join(folder, 'posthouse.conf'), `providers = ${join(folder, 'providers.json')}\nai_helper = help\n`)
}
const house = await openHouse({ env: { POSTHOUSE_RATE_USER_PER_S: '0' }, prepare: configure })
after(async () => {
  await anna?.close()
  await house.close()
  await stub.close()
})
const url = house.local_url

let anna
let a
let b
let groupId
/** Each step stands on those before it. */
let failed = ''
const step = (title, fn) => test(title, { timeout: 120_000 }, async () => {
  assert.equal(failed, '', `after “${failed}”`)
  failed = title
  await scene(title.replace(/\W+/g, '-'), () => [anna].filter(Boolean), fn)
  failed = ''
})

async function assistant(username, provider, nickname) {
  await house.control('--config', join(house.folder, 'posthouse.conf'), 'assistant', 'add', username, '--provider', provider, '--nickname', nickname)
  return (await house.sql(`SELECT id FROM users WHERE username = '${username}'`))[0][0]
}

const bubbles = (more = '') => anna.page.locator(`[data-test="message"][data-mine="false"]${more}`)
const foot = (state) => anna.at('answer-foot', `[data-state="${state}"]`).last()
const lastText = async () => (await anna.at('message-text').last().innerText()).replace(/\s+/g, ' ').trim()

/** The call that waits for its words, after so many. */
const call = (before) => until('a call of the model', () => stub.held.length > before && stub.held.at(-1))

async function pick(username) {
  await anna.click('nav-contacts')
  await anna.click('to-assistants')
  await anna.click('assistant-row', `[data-user="${username}"]`)
  await anna.see('composer-input')
}

async function act(text, action) {
  await anna.page.locator('[data-test="message"]').filter({ hasText: text }).last().locator('.bubble').click({ button: 'right', position: { x: 14, y: 8 } })
  await anna.see('action-menu')
  await anna.click(`action-${action}`)
  await anna.gone('action-menu')
}

test.before(async () => {
  ;[a, b] = await Promise.all(['安娜', '李雷'].map((name) => Person.register(name, url)))
  await a.befriend(b)
  await assistant('guide', 'slow', '向导')
  await assistant('scribe', 'fine', '书记')
  await assistant('broken', '500', '坏马车')
  await house.sql("UPDATE users SET signature = '熟悉每一条路' WHERE username = 'guide'")
  anna = await Browser.open('anna', { url })
  await anna.signIn(a.name, PASSWORD)
})

step('an assistant is picked from a list, with what it is', async () => {
  await anna.click('nav-contacts')
  await anna.click('to-assistants')
  await anna.seeText('assistant-row', '熟悉每一条路')
  await anna.shot('60-assistants')
  await pick('guide')
  await anna.seeText('chat-title', '向导')
  await anna.seeText('chat-status', '助手')
})

step('its answer is seen growing, and is one bubble when it is done', async () => {
  await anna.say('北京到西安怎么走？')
  const words = await call(0)
  await until('its first word', async () => (await lastText()) === 'one')
  await foot('writing').waitFor()
  const first = (await boxOf(anna.at('message-text').last())).height
  words.next('\n\n- 先到 **保定**\n- 再到石家庄\n')
  await until('more of it', async () => (await lastText()).includes('石家庄'))
  await anna.page.locator('[data-test="message-text"] strong', { hasText: '保定' }).waitFor()
  assert.ok((await boxOf(anna.at('message-text').last())).height > first + 20)
  assert.equal(await anna.page.locator('.markdown.writing').count(), 1)
  await anna.shot('61-writing')

  // Another page of the same person finds it again, and so does this one after a reload.
  await anna.page.reload()
  await until('it is found again', async () => (await lastText()).includes('石家庄'), { deadlineMs: 15_000 })
  words.next('- 最后到西安。')
  await until('the end of it', async () => (await lastText()).includes('最后到西安'))
  words.end()
  await foot('said').waitFor()
  assert.equal(await bubbles().count(), 1)
  await anna.seeText('answer-took', '50 个词元 · ¥')
  await anna.shot('62-answered')
})

step('a long answer is followed at the end, and leaves alone who reads further up', async () => {
  const before = stub.held.length
  await anna.say('说长一点')
  const words = await call(before)
  const atEnd = () => anna.page.evaluate(() => {
    const list = document.querySelector('[data-test="message-list"]')
    return list.scrollHeight - list.clientHeight - list.scrollTop < 40
  })
  const line = (n) => `第 ${n} 行：一路走来，一路看过去。\n\n`
  words.next(Array.from({ length: 30 }, (_, n) => line(n)).join(''))
  await until('the end is followed', async () => (await lastText()).includes('第 29 行') && (await atEnd()))
  await anna.at('message-list').hover()
  await until('one has scrolled up', async () => {
    await anna.page.mouse.wheel(0, -200)
    return !(await atEnd())
  })
  await anna.see('jump-bottom')
  const top = () => anna.page.evaluate(() => document.querySelector('[data-test="message-list"]').scrollTop)
  let rest
  await until('the wheel has come to rest', async () => rest === (rest = await top()), { everyMs: 200 })
  words.next(Array.from({ length: 10 }, (_, n) => line(30 + n)).join(''))
  await until('more is there', async () => (await lastText()).includes('第 39 行'))
  assert.ok(Math.abs(rest - await top()) < 3, `from ${rest} to ${await top()}`)
  words.end()
  await anna.gone('answer-stop')
  await anna.click('jump-bottom')
})

step('it is stopped, and asked again', async () => {
  const before = stub.held.length
  await anna.say('数到一百')
  const words = await call(before)
  await until('its first word', async () => (await lastText()) === 'one')
  words.next('two three')
  await until('more', async () => (await lastText()) === 'one two three')
  await anna.click('answer-stop')
  await words.closed
  await anna.see('answer-stopped')
  assert.equal(await lastText(), 'one two three')
  await anna.shot('63-stopped')
  await anna.click('answer-again')
  const again = await call(before + 1)
  await foot('writing').waitFor()
  again.next('hundred')
  again.end()
  await until('another answer', async () => (await lastText()) === 'one hundred')
  await anna.seeText('message-text', 'one two three')
})

step('a failure says in words why, and can be asked again', async () => {
  await pick('broken')
  await anna.say('走吗？')
  await anna.see('answer-failed', '[data-reason="provider_unavailable"]')
  await anna.seeText('answer-failed', '暂时无法连接模型')
  await anna.see('answer-again')
  await anna.shot('64-failed')
})

step('code is coloured and copied; what is hostile is text', async () => {
  await pick('scribe')
  await anna.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url })
  await anna.say('看\n\n```js\nconst road = "驿站" // <b>\n```\n\n| 站 | 里 |\n|---|---|\n| 保定 | 150 |')
  const block = anna.page.locator('.markdown .code').last()
  await block.locator('.hljs-keyword').waitFor()
  await anna.at('copy-code').last().click()
  assert.equal(await anna.page.evaluate(() => navigator.clipboard.readText()), 'const road = "驿站" // <b>\n')
  await anna.shot('65-code')
  const asked = []
  anna.page.on('request', (request) => asked.push(request.url()))
  await anna.say('<img src="https://evil.example/a.png" onerror="document.title=1">\n\n![x](https://evil.example/b.png) [银行](https://evil.example/login) [y](javascript:document.title=1)\n\n<script>document.title=1</script>')
  const answer = anna.page.locator('.markdown').last()
  await answer.locator('a.outward').nth(2).waitFor()
  await foot('said').waitFor()
  assert.equal(await answer.locator('img, script, iframe').count(), 0)
  // The address that stands in the text, the picture, the bank; all three say where they lead.
  assert.equal(await answer.locator('a').count(), 3)
  assert.equal(await answer.locator('a[rel="noopener noreferrer nofollow"]').count(), 3)
  assert.match(await answer.locator('a').nth(2).innerText(), /evil\.example/)
  assert.match(await answer.innerText(), /<script>document\.title=1<\/script>/)
  assert.notEqual(await anna.page.title(), '1')
  assert.deepEqual(asked.filter((one) => one.includes('evil.example')), [])
  await anna.shot('66-hostile')
})

step('in a group a mention is completed and answered', async () => {
  await anna.click('quick-menu')
  await anna.click('quick-group')
  await anna.fill('group-name', '问路')
  await anna.click('pick-friend', `[data-user="${b.name}"]`)
  await anna.click('pick-friend', '[data-user="scribe"]')
  await anna.shot('67-group')
  await anna.click('group-create')
  await anna.seeText('chat-title', '问路')
  groupId = new URL(anna.page.url()).pathname.split('/').at(-1)
  await anna.field('composer-input').pressSequentially('@书', { delay: 20 })
  await anna.see('mention-hit')
  await anna.page.keyboard.press('Enter')
  await anna.field('composer-input').pressSequentially('还远吗', { delay: 5 })
  await anna.page.keyboard.press('Enter')
  await until('an answer', async () => /You said: .*还远吗/.test(await lastText()))
  await foot('said').waitFor()
  await anna.shot('68-mentioned')
})

step('what one missed, in lines that lead to it', async () => {
  await anna.click('conversation-row', `[data-peer="${b.name}"]`)
  await anna.seeText('chat-title', '李雷')
  for (let n = 1; n <= 26; n++) await b.say(`第 ${n} 封信：路上一切都好`, groupId)
  await anna.click('conversation-row', `[data-id="${groupId}"]`)
  await anna.see('missed-bar')
  await anna.click('missed-ask')
  await anna.see('missed', '[data-state="done"]')
  await anna.seeText('missed-point', 'First this')
  await anna.shot('69-missed')
  const seq = await anna.at('missed-jump').first().getAttribute('data-seq')
  await anna.at('missed-jump').first().click()
  await anna.page.locator(`[data-test="message"][data-seq="${seq}"]`).waitFor({ state: 'visible' })
  await anna.click('missed-close')
  await anna.gone('missed-bar')
})

step('a message is translated below its text, and back', async () => {
  await anna.click('conversation-row', `[data-peer="${b.name}"]`)
  await b.say('Where does the road go?', a.conversation)
  await anna.hears('Where does the road go?')
  await act('Where does the road go?', 'translate')
  await anna.seeText('translation-text', 'Where does the road go?')
  assert.match(await anna.at('translation-text').innerText(), /<zh-CN>/)
  await anna.shot('70-translated')
  await anna.click('translation-original')
  await anna.gone('translation')
})

step('three replies are suggested; one goes into the composer and is not sent', async () => {
  await anna.click('suggest')
  await anna.see('suggestions', '[data-state="shown"]')
  assert.equal(await anna.at('suggestion').count(), 3)
  await anna.shot('71-suggestions')
  await anna.at('suggestion').nth(1).click()
  assert.equal(await anna.field('composer-input').inputValue(), '好的')
  await anna.gone('suggestions')
  assert.equal(await anna.page.locator('[data-test="message"][data-mine="true"]').count(), 0)
  await anna.click('composer-send')
  await anna.ticked('好的', 'sent')
  await anna.gone('suggest')
})

step('what it took today, and what is left', async () => {
  await anna.click('nav-me')
  await anna.click('me-usage')
  await anna.seeText('usage-used', '/ 200,000')
  await anna.seeText('usage-cost', '¥')
  await anna.shot('72-usage')
  assert.deepEqual(anna.errors, [])
})

test('on a phone, in English and in the dark', { timeout: 120_000 }, async () => {
  const phone = await Browser.open('phone', { url, locale: 'en-US', viewport: PHONE, phone: true })
  await scene('phone', () => [phone], async () => {
    await phone.page.emulateMedia({ colorScheme: 'dark' })
    await phone.signIn(b.name, PASSWORD)
    await phone.page.goto('/contacts/assistants')
    await phone.see('assistant-row')
    await phone.shot('73-assistants')
    await phone.click('assistant-row', '[data-user="scribe"]')
    await phone.say('Show me\n\n```python\ndef road(stage: int) -> str:\n    return f"stage {stage} of the very long road to the west, with all its houses"\n```\n\n1. **Baoding**\n2. Xi’an, see https://example.org/road')
    await phone.see('answer-foot', '[data-state="said"]')
    await phone.page.locator('.hljs-keyword').first().waitFor()
    await phone.seeText('answer-took', 'tokens')
    await phone.shot('74-answer')
    const overflows = await phone.page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)
    assert.equal(overflows, false)
    assert.deepEqual(phone.errors, [])
  })
})

test('without a model the app says how to connect one, and offers nothing that would not work', { timeout: 120_000 }, async () => {
  const [c, d] = await Promise.all([Person.register(), Person.register()])
  await c.befriend(d)
  const browser = await Browser.open('off', { locale: 'en-US' })
  await scene('off', () => [browser], async () => {
    await browser.signIn(c.name, PASSWORD)
    await browser.click('nav-contacts')
    await browser.click('to-assistants')
    await browser.see('assistants-off')
    await browser.seeText('assistants-off', 'posthousectl assistant add')
    await browser.shot('75-off')
    await browser.click('nav-chats')
    await d.say('Is anybody there?', c.conversation)
    await browser.openChat(d.name)
    await browser.hears('Is anybody there?')
    assert.equal(await browser.at('suggest').count(), 0)
    await browser.page.locator('[data-test="message"]').last().locator('.bubble').click({ button: 'right' })
    await browser.see('action-menu')
    assert.equal(await browser.at('action-translate').count(), 0)
    await browser.page.keyboard.press('Escape')
    await browser.click('nav-me')
    await browser.see('me-account')
    assert.equal(await browser.at('me-usage').count(), 0)
    assert.deepEqual(browser.errors, [])
  })
})
