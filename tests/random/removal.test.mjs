// Somebody is removed from a group at the very moment when he says something in it, a thousand times, through nginx and
// several processes that write. The log decides: nothing of his stands after his removal, the answer to each try agrees with
// the log, and from the removal on nothing of the group reaches him, by any route.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'

import { Person, Poller, befriend, describe, house, ok, refused, test, until, uuid } from '../api/client.mjs'
import { Draw } from './draw.mjs'

const ROUNDS = 1000
const LANES = 10 // groups, side by side
const EACH = 10 // of the rounds ends with a look at every route
const SPREAD_MS = 6
const seed = Number(process.env.RANDOM_SEED ?? randomInt(2 ** 31))

const later = (draw, doing) => new Promise((done) => setTimeout(done, draw.random() * SPREAD_MS)).then(doing)

class Lane {
  constructor(n) {
    this.draw = new Draw(seed, `lane ${n}`)
    this.counts = { before: 0, after: 0, changes: 0 }
  }

  async open() {
    const [owner, victim] = await Person.some(2)
    await befriend(owner, victim)
    this.group = ok(await owner.post('/groups', { name: 'The moment', join_policy: 'invite' }), 201).id
    Object.assign(this, { owner, victim, path: `/conversations/${this.group}`, poller: await Poller.start(victim) })
    return this
  }

  async round(isThorough) {
    const { owner, victim, draw, path, group } = this
    ok(await owner.post(`/groups/${group}/members`, { user_ids: [victim.id] }), 201)
    const mine = await victim.say(group, 'Here I am')
    const listening = this.listen()
    listening.catch(() => {}) // it is awaited below
    const from = mine.seq
    const tries = Array.from({ length: 1 + draw.below(3) }, () => {
      const id = uuid()
      return later(draw, async () => ({ id, answer: await victim.send(group, `a last word ${from}`, id) }))
    })
    const change = draw.chance(0.5) ? () => victim.patch(`${path}/messages/${from}`, { content: { text: 'better said' } })
      : () => victim.put(`${path}/messages/${from}/reactions/${encodeURIComponent('👋')}`)
    const changing = later(draw, change)
    const removed = await later(draw, () => owner.delete(`/groups/${group}/members/${victim.id}`))
    ok(removed, 204)
    // Something that he must not hear of.
    const unheard = await owner.say(group, `without him ${from}`)
    this.judge(await this.logAfter(from), await Promise.all(tries), await changing, unheard.seq)
    await this.hears(await listening, from - 1)
    await this.isOutside(from, isThorough)
  }

  /** His device's polls until it hears that he is out. */
  async listen() {
    const { poller, group } = this
    const first = poller.events.length
    await poller.event('group.left', (event) => poller.events.indexOf(event) >= first && event.type === 'group.left' && event.conversation_id === group)
    return first
  }

  async logAfter(seq) {
    const items = []
    for (let after = seq, last = Infinity; after < last;) {
      const page = ok(await this.owner.get(`${this.path}/messages?after_seq=${after}&limit=200`))
      items.push(...page.items)
      after = page.covers[1]
      last = page.last_seq
    }
    return items
  }

  judge(log, tries, change, unheard) {
    const { victim, counts } = this
    const out = log.find(({ type, content }) => type === 'system' && content.code === 'member.removed' && content.params.user_id === victim.id)
    assert.ok(out, 'the removal is in the log')
    this.removedAt = out.seq
    assert.ok(unheard > out.seq, 'what was said after the answer to the removal stands after it')
    const his = log.filter(({ sender_id }) => sender_id === victim.id)
    assert.deepEqual(his.filter(({ seq }) => seq > out.seq), [], `nothing of his stands after his removal at ${out.seq}`)
    for (const { id, answer } of tries) {
      const entry = his.find(({ client_msg_id }) => client_msg_id === id)
      if (answer.status === 201) assert.deepEqual([entry?.seq, entry?.content], [answer.body.seq, answer.body.content], describe(answer))
      else {
        refused(answer, 404, 'not_found')
        assert.equal(entry, undefined, describe(answer))
      }
      counts[entry ? 'before' : 'after']++
    }
    const operation = log.find(({ type }) => type === 'edit' || type === 'reaction')
    if (change.status === 200) assert.equal(operation?.seq, change.body.changed_seq, describe(change))
    else refused(change, 404, 'not_found')
    assert.equal(Boolean(operation), change.status === 200, describe(change))
    if (operation) counts.changes++
  }

  /** What he heard in this round: only what stands between the entry of his coming and that of his removal, and nothing after he heard of it. */
  async hears(first, from) {
    const { poller, removedAt } = this
    await poller.drain()
    const events = poller.events.slice(first).filter((event) => this.isOurs(event))
    const left = events.findIndex(({ type }) => type === 'group.left')
    assert.equal(events[left].reason, 'removed')
    assert.deepEqual(events.slice(left + 1), [], 'nothing comes after group.left')
    assert.deepEqual(events.filter(({ type, entry }) => type === 'entry' && (entry.seq < from || entry.seq >= removedAt)), [], `${from} to ${removedAt} was his time`)
    poller.events.length = 0
  }

  isOurs(event) {
    return [event.conversation_id, event.entry?.conversation_id, event.conversation?.id, event.group?.id].includes(this.group)
  }

  /** What was still on its way when he was removed for the last time. */
  async hearsNoMore() {
    await this.poller.drain()
    assert.deepEqual(this.poller.events.filter((event) => this.isOurs(event)), [], 'nothing comes after all that')
  }

  async isOutside(seq, isThorough) {
    const { victim, path, group } = this
    const paths = [path, `${path}/messages?after_seq=${seq - 1}`, ...(isThorough ? [`${path}/messages`, `${path}/messages?around_seq=${seq}`, `${path}/pins`,
      `${path}/messages/${seq}/readers`, `${path}/messages/${seq}/reactions`, `/groups/${group}`, `/groups/${group}/members`, `/search/messages?q=word&conversation_id=${group}`] : [])]
    for (const answer of await Promise.all(paths.map((one) => victim.get(one)))) refused(answer, 404, 'not_found')
    const sync = ok(await victim.post('/sync', { conversations: [{ id: group, seq: seq - 1, version: 0 }] }))
    assert.deepEqual([sync.items.map(({ conversation }) => conversation.id).includes(group), sync.removed], [false, [group]])
    if (!isThorough) return
    for (const list of ['/conversations', '/groups']) assert.ok(!(await victim.all(list)).some(({ id }) => id === group), `${list} does not have it`)
    const hits = await victim.all('/search/messages?q=word')
    assert.deepEqual(hits.filter(({ entry }) => entry.conversation_id === group), [], 'search finds nothing of it')
  }
}

test('removal and send at the same moment: nothing comes in after it, nothing goes out', { timeout: 600_000 }, async () => {
  const lanes = await Promise.all(Array.from({ length: LANES }, (_, n) => new Lane(n).open()))
  let failed
  await Promise.all(lanes.map(async (lane, n) => {
    for (let round = 0; round < ROUNDS / LANES && !failed; round++) {
      await lane.round(round % EACH === n % EACH).catch((error) => {
        error.message = `seed ${seed}, lane ${n}, round ${round}, group ${lane.group}: ${error.message}`
        failed ??= error
      })
    }
  }))
  if (failed) throw failed
  await until('all is rung', async () => (await house.sql('SELECT COUNT(*) FROM outbox'))[0][0] === '0')
  await Promise.all(lanes.map((lane) => lane.hearsNoMore()))
  const sum = (name) => lanes.reduce((all, { counts }) => all + counts[name], 0)
  console.log(`seed ${seed}: ${ROUNDS} rounds, ${sum('before')} sends came before the removal, ${sum('after')} after it; ${sum('changes')} changes came before it`)
  assert.ok(sum('before') > ROUNDS / 10 && sum('after') > ROUNDS / 10, 'both orders happened')
})
