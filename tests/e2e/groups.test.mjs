// Three people in three browsers make a group and do there what people do: they announce, mention, reply, edit, recall, react,
// forward, search, mute, leave; a fourth joins by a link, on a phone and in English. Pictures are in tests/e2e/shots/.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { until } from '../lib/house.mjs'
import { Browser, PHONE, house, scene } from './browser.mjs'
import { PASSWORD, Person } from './person.mjs'

const GROUP = '驿站信使 🐎'
const OLD = 320

let people
let anna
let bert
let cleo
let groupId
const all = () => [anna, bert, cleo].filter(Boolean)
/** Each step stands on those before it: after one that failed the others fail at once, and do not wait for what cannot come. */
let failed = ''
const step = (title, fn, who = all) => test(title, { timeout: 120_000 }, async () => {
  assert.equal(failed, '', `after “${failed}”`)
  failed = title
  await scene(title.replace(/\W+/g, '-'), who, fn)
  failed = ''
})

/** The dialogue that asks whether one is sure. */
const sure = (browser) => browser.page.locator('.el-message-box__btns .el-button--primary').click()
const message = (browser, text) => browser.page.locator('[data-test="message"]').filter({ hasText: text }).last()
const openGroup = (browser) => browser.click('conversation-row', `[data-id="${groupId}"]`)

/** Opens the menu of a message and chooses from it. */
async function act(browser, text, action) {
  await message(browser, text).locator('.bubble').click({ button: 'right' })
  await browser.see('action-menu')
  await browser.click(`action-${action}`)
  await browser.gone('action-menu')
}

/** Opens what is known about the group, does something there, and closes it. */
async function inPanel(browser, fn) {
  await browser.click('group-info')
  await browser.see('group-panel')
  await fn()
  await browser.page.keyboard.press('Escape')
  await browser.gone('group-panel')
}

async function memberMenu(browser, person, action) {
  await browser.page.locator(`[data-test="member"][data-user="${person.name}"] [data-test="member-actions"]`).click()
  await browser.click(`action-${action}`)
}

test.before(async () => {
  const [a, b, c, d] = await Promise.all(['安娜', '李雷', '陈小红', 'Doris'].map((name) => Person.register(name)))
  people = { a, b, c, d }
  for (const other of [b, c]) await a.befriend(other)
  await a.say('你好，陈小红')
  await b.befriend(c)
  const open = async (name, person, options) => {
    const browser = await Browser.open(name, options)
    await browser.signIn(person.name, PASSWORD)
    return browser
  }
  ;[anna, bert, cleo] = await Promise.all([open('anna', a), open('bert', b), open('cleo', c)])
})

step('one makes a group of friends, found by pinyin, and all see it', async () => {
  await anna.click('quick-menu')
  await anna.click('quick-group')
  await anna.fill('group-name', GROUP)
  await anna.fill('pick-friend-search', 'cxh')
  await anna.click('pick-friend', `[data-user="${people.c.name}"]`)
  await anna.fill('pick-friend-search', 'lilei')
  await anna.click('pick-friend', `[data-user="${people.b.name}"]`)
  await anna.shot('30-make-group')
  await anna.click('group-create')
  await anna.seeText('chat-title', GROUP)
  groupId = new URL(anna.page.url()).pathname.split('/').at(-1)
  await Promise.all([bert, cleo].map(async (browser) => {
    await openGroup(browser)
    await browser.seeText('system-entry', '安娜')
    await browser.see('composer-input')
  }))
  await anna.say('大家好！这里是信使的群。')
  await Promise.all([bert, cleo].map((browser) => browser.hears('这里是信使的群')))
  await bert.say('到了，马也到了 🐴')
  await cleo.say('我也到了')
  await cleo.say('路上下雨了')
  await anna.hears('路上下雨了')
  await anna.shot('31-group')
})

step('an announcement, with who and when, is seen by all and said in the log', async () => {
  await inPanel(anna, async () => {
    await anna.click('announcement-edit')
    await anna.fill('announcement-text', '明天卯时出发，带好雨具。')
    await anna.click('announcement-save')
    await anna.seeText('announcement', '卯时出发')
    await anna.shot('32-panel')
  })
  await cleo.seeText('system-entry', '明天卯时出发')
  await inPanel(cleo, async () => {
    await cleo.seeText('announcement', '安娜')
    assert.equal(await cleo.at('announcement-edit').count(), 0)
    assert.equal(await cleo.at('group-policy').count(), 0)
  })
})

step('a mention is completed by pinyin, highlighted, and calls in the list', async () => {
  await bert.click('conversation-row', `[data-peer="${people.a.name}"]`)
  await anna.field('composer-input').pressSequentially('@lil', { delay: 20 })
  await anna.see('mention-hit', `[data-id="${people.b.id}"]`)
  await anna.shot('33-mention')
  await anna.page.keyboard.press('Enter')
  await anna.field('composer-input').pressSequentially('明天你带路', { delay: 5 })
  await anna.page.keyboard.press('Enter')
  await message(anna, '明天你带路').locator('[data-test="mention"]').waitFor()
  await bert.see('conversation-at')
  await bert.shot('34-mentioned')
  await openGroup(bert)
  await message(bert, '明天你带路').locator('[data-test="mention"]').waitFor()
  await bert.gone('conversation-at')
})

step('a reply quotes, an edit is seen, a reaction is counted', async () => {
  await act(bert, '明天你带路', 'reply')
  await bert.see('composer-context')
  await bert.shot('35-replying')
  await bert.say('好，走北边那条路')
  await cleo.hears('走北边那条路')
  await message(cleo, '走北边那条路').locator('[data-test="message-quote"]').filter({ hasText: '明天你带路' }).waitFor()
  await message(bert, '走北边那条路').locator('.bubble').hover()
  await act(bert, '走北边那条路', 'edit')
  await bert.say('好，走南边那条路')
  await cleo.hears('走南边那条路')
  await message(cleo, '走南边那条路').locator('[data-test="message-edited"]').waitFor()
  assert.equal(await cleo.page.getByText('走北边那条路').count(), 0)
  for (const browser of [anna, cleo]) {
    await message(browser, '走南边那条路').locator('.bubble').click({ button: 'right' })
    if (browser === anna) await anna.shot('36-menu')
    await browser.click('react', '[data-emoji="👍"]')
  }
  await message(bert, '走南边那条路').locator('[data-test="reaction"][data-emoji="👍"][data-count="2"]').waitFor()
  await message(bert, '走南边那条路').locator('[data-test="reactions-who"]').click()
  await until('both who reacted', async () => (await bert.at('reacted-by').count()) === 2)
  await bert.page.keyboard.press('Escape')
  await bert.gone('reacted')
  await message(anna, '走南边那条路').locator('[data-test="reaction"]').click()
  await message(bert, '走南边那条路').locator('[data-test="reaction"][data-count="1"]').waitFor()
})

step('a recalled message leaves a line, a deleted one is gone for me only', async () => {
  await cleo.say('这条写错了')
  await anna.hears('这条写错了')
  await act(cleo, '这条写错了', 'recall')
  await sure(cleo)
  await anna.seeText('recalled-entry', '陈小红')
  await cleo.see('recalled-entry')
  assert.equal(await anna.page.getByText('这条写错了').count(), 0)
  await act(anna, '路上下雨了', 'hide')
  await sure(anna)
  await until('it is gone', async () => (await message(anna, '路上下雨了').count()) === 0)
  await cleo.hears('路上下雨了')
})

step('the read list says who has read and who has not', async () => {
  await cleo.click('conversation-row', `[data-peer="${people.a.name}"]`)
  await anna.say('谁看到了？')
  await bert.hears('谁看到了？')
  await until('one has read, one has not', async () => {
    await act(anna, '谁看到了？', 'readers')
    await anna.see('readers')
    await anna.page.locator('[data-test="reader-read"], [data-test="readers-none"]').first().waitFor()
    const read = await anna.at('reader-read', `[data-user="${people.b.name}"]`).count()
    if (read === 1) return true
    await anna.page.keyboard.press('Escape')
    await anna.gone('readers')
    return false
  })
  await anna.shot('37-readers')
  await anna.click('readers-unread')
  await anna.see('reader-unread', `[data-user="${people.c.name}"]`)
  await anna.page.keyboard.press('Escape')
  await anna.gone('readers')
})

step('messages are forwarded, one and several as one, and a pin stays above', async () => {
  await act(anna, '走南边那条路', 'select')
  await message(anna, '谁看到了？').locator('[data-test="message-check"]').click()
  await anna.shot('38-selecting')
  await anna.click('selection-forward')
  await anna.click('forward-merged')
  await anna.click('forward-to', `[data-id="${people.c.id}"]`)
  await anna.shot('39-forward')
  await anna.click('forward-send')
  await anna.gone('forward')
  await cleo.see('message-merged')
  await cleo.click('message-merged')
  await cleo.seeText('merged', '走南边那条路')
  await cleo.shot('40-merged')
  await cleo.page.keyboard.press('Escape')
  await cleo.gone('merged')
  await act(anna, '走南边那条路', 'pin')
  await Promise.all([anna, bert].map((browser) => browser.seeText('pin', '走南边那条路')))
})

step('places, cards and types of another making are shown plainly', async () => {
  await people.b.send('location', { lat: 39.9163, lng: 116.3972, name: '北门驿' }, groupId)
  await people.b.send('card', { user_id: people.c.id }, groupId)
  await people.b.send('custom', { kind: 'com.example.dice', data: { eyes: 6 } }, groupId)
  await anna.seeText('message-location', '北门驿')
  await anna.seeText('message-card', '陈小红')
  await anna.shot('41-types')
})

step('what was said is found by Chinese and Latin words, and a hit leads there', async () => {
  await people.b.say('The courier waits at the north gate', groupId)
  await house.sql(`INSERT INTO entries (conversation_id, seq, sender_id, client_msg_id, part, request_hash, type, counts, content, created_at)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${OLD})
    SELECT c.id, c.last_seq + i, ${people.b.id}, UNHEX(MD5(CONCAT(c.id, i))), 0, UNHEX(MD5(i)), 0, 1,
      CONCAT('{"text":"流水 ', i, ' 号"}'), c.last_at + i FROM n JOIN conversations c ON c.id = ${groupId};
    UPDATE conversations SET last_seq = last_seq + ${OLD}, last_shown_seq = last_seq, version = version + 1 WHERE id = ${groupId}`)
  await cleo.page.reload()
  await openGroup(cleo)
  await cleo.hears(`流水 ${OLD} 号`)
  await until('the index has it', async () => {
    await cleo.click('chat-search')
    await cleo.fill('search-input', 'cour')
    await cleo.page.locator('[data-test="search-hit"], [data-test="search-none"]').first().waitFor()
    if ((await cleo.at('search-hit').count()) === 1) return true
    await cleo.page.keyboard.press('Escape')
    await cleo.page.keyboard.press('Escape')
    await cleo.gone('search')
    return false
  }, { everyMs: 200 })
  await cleo.shot('42-search')
  await cleo.page.keyboard.press('Enter')
  await cleo.gone('search')
  await cleo.hears('The courier waits at the north gate')
  await cleo.see('jump-bottom')
  await cleo.shot('43-jumped')
  await cleo.click('jump-bottom')
  await cleo.hears(`流水 ${OLD} 号`)
  await cleo.click('quick-menu')
  await cleo.click('quick-search')
  await cleo.fill('search-input', '南边')
  await cleo.see('search-hit')
  await cleo.click('search-hit')
  await cleo.hears('走南边那条路')
  await cleo.click('jump-bottom')
  await cleo.hears(`流水 ${OLD} 号`)
})

step('a quote far up leads there, and back to the newest', async () => {
  await anna.page.reload()
  await openGroup(anna)
  await anna.hears(`流水 ${OLD} 号`)
  await anna.click('pin')
  await anna.hears('走南边那条路')
  await message(anna, '走南边那条路').locator('[data-test="message-quote"]').click()
  await anna.hears('明天你带路')
  await anna.say('我还在这里')
  await bert.hears('我还在这里')
  await anna.ticked('我还在这里', 'sent')
})

step('muted for all: members are told so, owner and admins go on', async () => {
  await inPanel(anna, async () => {
    await memberMenu(anna, people.b, 'makeAdmin')
    await anna.see('member', `[data-user="${people.b.name}"][data-role="admin"]`)
    await anna.at('group-mute_all').click()
    await cleo.see('composer-disabled', '[data-reason="groupMuted"]')
    await anna.at('group-mute_all').scrollIntoViewIfNeeded()
    await anna.shot('44-manage')
  })
  await cleo.shot('45-muted')
  await bert.say('管理员还能说话')
  await cleo.hears('管理员还能说话')
  await inPanel(anna, async () => {
    await anna.at('group-mute_all').click()
    await cleo.see('composer-input')
    await memberMenu(anna, people.c, 'mute')
    await anna.click('member-mute-do')
    await cleo.see('composer-disabled', '[data-reason="muted"]')
    await anna.gone('member-mute')
    await memberMenu(anna, people.c, 'unmute')
    await cleo.see('composer-input')
  })
})

step('settings of my own: remark, pinned on top, quiet, marked as unread', async () => {
  await inPanel(bert, async () => {
    await bert.fill('group-my-nickname', '带路的')
    await bert.fill('group-remark', '信使们')
    await bert.click('group-names-save')
    await bert.seeText('chat-title', '信使们')
    await bert.at('group-pin').click()
    await bert.click('group-notify-none')
  })
  await bert.page.locator(`[data-test="conversation-row"][data-index="0"][data-id="${groupId}"]`).waitFor()
  await bert.say('换了个名字')
  await cleo.hears('换了个名字')
  await cleo.click('conversation-row', `[data-peer="${people.a.name}"]`)
  await openGroup(cleo)
  await message(cleo, '换了个名字').locator('[data-test="message-sender"]').filter({ hasText: '带路的' }).waitFor()
  await bert.click('conversation-row', `[data-peer="${people.a.name}"]`)
  await bert.at('conversation-row', `[data-id="${groupId}"]`).click({ button: 'right' })
  await bert.shot('46-list-menu')
  await bert.click('action-markUnread')
  await bert.at('conversation-row', `[data-id="${groupId}"]`).locator('[data-test="conversation-unread"]').waitFor()
  await openGroup(bert)
  await bert.gone('conversation-unread')
})

step('a draft stands in the list, and waits', async () => {
  await bert.fill('composer-input', '还没写完')
  await bert.click('conversation-row', `[data-peer="${people.a.name}"]`)
  await bert.see('conversation-draft')
  await openGroup(bert)
  assert.equal(await bert.field('composer-input').inputValue(), '还没写完')
  await bert.fill('composer-input', '')
})

let phone
step('a link, on a phone and in English: joining, and the group there', async () => {
  let address
  await inPanel(anna, async () => {
    await anna.click('link-make')
    await anna.see('link-qr')
    address = await anna.at('link-address').innerText()
    await anna.at('link-fresh').scrollIntoViewIfNeeded()
    await anna.shot('47-link')
  })
  phone = await Browser.open('phone', { locale: 'en-GB', viewport: PHONE, phone: true })
  await phone.page.goto(new URL(address).pathname)
  await phone.see('sign-in-form')
  await phone.fill('sign-in-username', people.d.name)
  await phone.fill('sign-in-password', PASSWORD)
  await phone.click('sign-in-submit')
  await phone.seeText('join-name', GROUP)
  await phone.shot('48-join')
  await phone.click('join-do')
  await phone.seeText('chat-title', GROUP)
  await phone.seeText('system-entry', 'You joined by a link')
  await anna.seeText('system-entry', 'Doris')
  // What was said before is not for who comes later.
  assert.equal(await phone.page.getByText('管理员还能说话').count(), 0)
  await phone.say('Hello from the phone')
  await anna.hears('Hello from the phone')
  await act(anna, 'Hello from the phone', 'reply')
  await anna.say('Welcome, Doris!')
  await phone.hears('Welcome, Doris!')
  await phone.shot('49-phone-group')
  assert.ok(await phone.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth))
  await message(phone, 'Welcome, Doris!').locator('.bubble').click({ button: 'right' })
  await phone.see('action-menu')
  await phone.shot('50-phone-menu')
  await phone.click('react', '[data-emoji="🎉"]')
  await message(anna, 'Welcome, Doris!').locator('[data-test="reaction"]').waitFor()
  await phone.click('chat-card')
  await phone.see('member')
  await phone.shot('51-phone-panel')
  await phone.click('group-leave')
  await sure(phone)
  await phone.gone('group-panel')
  await phone.at('conversation-row', `[data-id="${groupId}"]`).waitFor({ state: 'detached' })
  await anna.seeText('system-entry', 'Doris退出了群聊')
  assert.deepEqual(phone.errors, [])
}, () => [...all(), phone].filter(Boolean))

step('whoever is removed sees so at once, and nothing more of the group', async () => {
  await inPanel(anna, async () => {
    await memberMenu(anna, people.c, 'kick')
    await sure(anna)
    await anna.at('member', `[data-user="${people.c.name}"]`).waitFor({ state: 'detached' })
  })
  await cleo.see('chat-gone', '[data-reason="removed"]')
  await cleo.shot('52-removed')
  await cleo.at('conversation-row', `[data-id="${groupId}"]`).waitFor({ state: 'detached' })
})

step('somebody asks to be let in, and is', async () => {
  await inPanel(anna, async () => {
    await anna.click('group-policy-approval')
    await anna.seeText('group-address', `/groups/${groupId}`)
  })
  await cleo.page.goto(`/groups/${groupId}`)
  await cleo.seeText('join-name', GROUP)
  await cleo.fill('join-message', '我还想回来')
  await cleo.shot('53-ask')
  await cleo.click('join-do')
  await cleo.see('join-asked')
  await anna.see('group-waiting')
  await bert.see('conversation-asking')
  await inPanel(anna, async () => {
    await anna.seeText('join-request', '我还想回来')
    await anna.shot('54-asked')
    await anna.click('join-accept')
    await anna.gone('join-request')
  })
  await cleo.see('join-open')
  await cleo.click('join-open')
  await cleo.seeText('system-entry', '安娜同意您加入了群聊')
  await anna.gone('group-waiting')
})

step('in the dark, and by the keyboard alone', async () => {
  await anna.click('theme-toggle')
  await anna.hears('Welcome, Doris!')
  await anna.shot('55-dark')
  const said = anna.at('message-text').filter({ hasText: 'Hello from the phone' })
  await anna.at('message').filter({ has: said }).locator('.bubble').focus()
  await anna.page.keyboard.press('ArrowDown')
  await anna.page.keyboard.press('Enter')
  await anna.see('action-menu')
  await anna.shot('56-dark-menu')
  await anna.page.keyboard.press('Escape')
  await anna.gone('action-menu')
  await anna.page.keyboard.press('r')
  await anna.seeText('composer-context', 'Welcome, Doris!')
  await anna.page.keyboard.press('Escape')
  await anna.gone('composer-context')
  await anna.click('theme-toggle')
})

step('the owner hands the group over, leaves, and the new owner dismisses it', async () => {
  await inPanel(anna, async () => {
    await memberMenu(anna, people.b, 'handOver')
    await sure(anna)
    await anna.see('group-leave')
    await anna.click('group-leave')
    await sure(anna)
    await anna.gone('group-panel')
  })
  await bert.click('group-info')
  await bert.click('group-dismiss')
  await sure(bert)
  await bert.at('conversation-row', `[data-id="${groupId}"]`).waitFor({ state: 'detached' })
})

step('nothing went wrong in any page', () => {
  for (const browser of all()) assert.deepEqual(browser.errors, [], browser.name)
})
