// The checker on histories made by hand: a good one that it accepts, and for each rule one that breaks that rule.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { RULES, check } from './checker.mjs'

/** A history in which nothing is wrong: two people, three entries, a page, a read mark, a group where one comes, goes and comes again, everything at the end. */
function good() {
  const entry = (seq, id, user, type = 'text') => ({ seq, print: `p${seq}`, id, user, type, text: `t${seq}` })
  const said = (seq, code, params) => ({ seq, print: `g${seq}`, id: null, user: null, type: 'system', text: '', code, params })
  const inGroup = (seq, id, user) => ({ ...entry(seq, id, user), print: `g${seq}` })
  const send = (at, who, user, call, id, seq) => [
    { at, who, op: 'send', is: 'invoke', call, conversation: 'g', id, user, text: `t${seq}` },
    { at: at + 1, who, op: 'send', is: 'ok', call, conversation: 'g', id, status: 201, seq, print: `g${seq}` },
  ]
  const move = (at, call, out) => ['invoke', 'ok'].map((is, i) => ({ at: at + i, who: 'b', op: 'move', is, call, conversation: 'g', user: 'u2', out }))
  const marks = [['c', 'u1', 2], ['c', 'u2', 1]]
  return {
    logins: [{ at: 0, who: 'a', op: 'login', is: 'ok', user: 'u1', session: 's1' }, { at: 0, who: 'b', op: 'login', is: 'ok', user: 'u2', session: 's2' }],
    start: [
      { at: 1, who: 'a', op: 'poll', is: 'ok', session: 's1', from: null, to: 'e.1', entries: [], resync: true },
      { at: 2, who: 'a', op: 'snapshot', is: 'ok', seqs: { c: 1 } },
      { at: 1, who: 'b', op: 'poll', is: 'ok', session: 's2', from: null, to: 'e.1', entries: [], resync: true },
      { at: 2, who: 'b', op: 'snapshot', is: 'ok', seqs: { c: 1 } },
    ],
    firstPage: [
      { at: 3, who: 'b', op: 'page', is: 'invoke', call: 1, conversation: 'c' },
      { at: 4, who: 'b', op: 'page', is: 'ok', call: 1, conversation: 'c', how: 'after', place: 0, limit: 50, covers: [1, 1], last_seq: 1, items: [[1, 'p1']] },
    ],
    first: [
      { at: 10, who: 'a', op: 'send', is: 'invoke', call: 2, conversation: 'c', id: 'x', user: 'u1', text: 't2' },
      { at: 20, who: 'a', op: 'send', is: 'unknown', call: 2, conversation: 'c', id: 'x', status: 502 },
      { at: 30, who: 'a', op: 'send', is: 'invoke', call: 3, conversation: 'c', id: 'x', user: 'u1', text: 't2' },
      { at: 40, who: 'a', op: 'send', is: 'ok', call: 3, conversation: 'c', id: 'x', status: 200, seq: 2, print: 'p2' },
    ],
    second: [
      { at: 50, who: 'b', op: 'send', is: 'invoke', call: 4, conversation: 'c', id: 'y', user: 'u2', text: 't3' },
      { at: 60, who: 'b', op: 'send', is: 'ok', call: 4, conversation: 'c', id: 'y', status: 201, seq: 3, print: 'p3' },
    ],
    refused: [
      { at: 61, who: 'b', op: 'send', is: 'invoke', call: 5, conversation: 'c', id: 'z', user: 'u2', text: 't9' },
      { at: 62, who: 'b', op: 'send', is: 'refused', call: 5, conversation: 'c', id: 'z', status: 503, code: 'unavailable' },
    ],
    polls: [
      { at: 45, who: 'b', op: 'poll', is: 'ok', by: 'poll', session: 's2', from: 'e.1', to: 'e.2', entries: [['c', 2, 'p2'], ['g', 7, 'g7']] },
      { at: 65, who: 'a', op: 'poll', is: 'ok', by: 'stream', session: 's1', from: 'e.1', to: 'e.3', entries: [['c', 3, 'p3'], ...[2, 3, 4, 6].map((seq) => ['g', seq, `g${seq}`])] },
    ],
    group: [
      ...send(10, 'b', 'u2', 20, 'gx', 3), ...move(20, 21, true), ...send(22, 'a', 'u1', 22, 'gy', 5),
      { at: 25, who: 'b', op: 'send', is: 'invoke', call: 23, conversation: 'g', id: 'gz', user: 'u2', text: 't9' },
      { at: 26, who: 'b', op: 'send', is: 'refused', call: 23, conversation: 'g', id: 'gz', status: 404, code: 'not_found' },
      ...move(30, 24, false), ...send(40, 'a', 'u1', 25, 'gw', 7),
    ],
    groupShows: [[1, 2], [2, 6]].map(([stay, seq]) => ({ at: 45, who: 'b', op: 'show', is: 'ok', conversation: 'g', stay, from: seq, seq, print: `g${seq}` })),
    groupTruth: [{ at: 90, who: 'house', op: 'truth', is: 'ok', conversation: 'g', isGroup: true, last_seq: 7, members: ['u1', 'u2'], marks: { u1: 0, u2: 6 },
      entries: [said(1, 'group.created', { user_id: 'u1' }), said(2, 'member.added', { by: 'u1', user_ids: ['u2'] }), inGroup(3, 'gx', 'u2'), said(4, 'member.left', { user_id: 'u2' }),
        inGroup(5, 'gy', 'u1'), said(6, 'member.joined', { user_id: 'u2' }), inGroup(7, 'gw', 'u1')] }],
    shows: ['a', 'b'].flatMap((who) => [1, 2, 3].map((seq) => ({ at: 66 + seq, who, op: 'show', is: 'ok', conversation: 'c', seq, print: `p${seq}` }))),
    reads: [
      { at: 70, who: 'a', op: 'read', is: 'invoke', call: 6, conversation: 'c', user: 'u1', seq: 2 },
      { at: 71, who: 'a', op: 'read', is: 'ok', call: 6, conversation: 'c', user: 'u1', seq: 2, status: 200 },
      { at: 72, who: 'b', op: 'mark', is: 'ok', conversation: 'c', user: 'u1', seq: 1, version: 4 },
      { at: 73, who: 'b', op: 'mark', is: 'ok', conversation: 'c', user: 'u1', seq: 2, version: 5 },
    ],
    syncs: [{ at: 74, who: 'b', op: 'sync', is: 'ok', conversation: 'c', held: 1, limit: 5, from: 2, to: 3, limited: false, entries: [['c', 2, 'p2'], ['c', 3, 'p3']] }],
    blocks: [
      { at: 75, who: 'a', op: 'block', is: 'invoke', call: 8, user: 'u9', blocked: true },
      { at: 76, who: 'a', op: 'block', is: 'ok', call: 8, user: 'u9', blocked: true },
      { at: 92, who: 'a', op: 'blocks', is: 'ok', account: 'u1', users: ['u9'] },
    ],
    healed: [{ at: 80, who: 'house', op: 'healed', is: 'ok', ms: 12 }],
    truth: [{ at: 90, who: 'house', op: 'truth', is: 'ok', conversation: 'c', last_seq: 3, members: ['u1', 'u2'], marks: { u1: 2, u2: 1 },
      entries: [entry(1, null, null, 'system'), entry(2, 'x', 'u1'), entry(3, 'y', 'u2')] }],
    lastPage: [
      { at: 91, who: 'a', op: 'page', is: 'invoke', call: 7, conversation: 'c' },
      { at: 92, who: 'a', op: 'page', is: 'ok', call: 7, conversation: 'c', how: 'before', place: 4, limit: 2, covers: [2, 3], last_seq: 3, items: [[3, 'p3'], [2, 'p2']] },
    ],
    end: [
      { at: 93, who: 'a', op: 'conversation', is: 'ok', conversation: 'c', user: 'u1', last_seq: 3, read_seq: 2, print: 'p3' },
      { at: 94, who: 'a', op: 'ends', is: 'ok', session: 's1', marks }, { at: 94, who: 'b', op: 'ends', is: 'ok', session: 's2', marks },
    ],
  }
}

const lines = (history) => Object.values(history).flat()
const broken = (records) => [...new Set(check(records).violations.map(({ rule }) => rule))]

/** rule → how the good history is made to break it. */
const SPOILT = {
  'the log is dense': ({ truth }) => (truth[0].entries[2].seq = 4),
  'an id is there once': ({ truth }) => (truth[0].entries[2].id = 'x'),
  'what was acknowledged is there': ({ truth }) => truth[0].entries.pop(),
  'nothing is there that nobody sent': ({ truth }) => (truth[0].entries[1].text = 'something else'),
  'what was refused is not there': ({ truth }) => truth[0].entries.push({ seq: 4, print: 'p4', id: 'z', user: 'u2', type: 'text', text: 't9' }),
  'retries have one answer': ({ first }) => Object.assign(first[1], { is: 'ok', status: 201, seq: 5, print: 'p5' }),
  'nobody else repeats a send': ({ second }) => (second[1].status = 200),
  'only what must be is refused': ({ refused }) => Object.assign(refused[1], { status: 404, code: 'not_found' }),
  'acknowledged before begun is before it': ({ first, second }) => {
    for (const line of second) line.at -= 41 // the second in the log was acknowledged before the first began …
    first[0].at = 30 // … which is also before its own first try
  },
  'who is not in a group says nothing in it': ({ groupTruth }) => Object.assign(groupTruth[0].entries[4], { id: 'gx2', user: 'u2' }),
  'who is not in a group hears nothing of it': ({ polls }) => polls[0].entries.push(['g', 5, 'g5']),
  'a position never changes': ({ polls }) => (polls[0].entries[0][2] = 'another'),
  'a page is what it says': ({ lastPage }) => lastPage[1].items.pop(),
  'a sync is what it says': ({ syncs }) => syncs[0].entries.shift(),
  'a page is as new as what was acknowledged': ({ lastPage }) =>
    Object.assign(lastPage[1], { last_seq: 2, covers: [1, 2], items: [[2, 'p2'], [1, 'p1']] }),
  'a view is a prefix, each entry once': ({ shows }) => shows.splice(1, 1),
  'no cursor hides an entry': ({ polls }) => (polls[0].entries = []),
  'after healing all arrives in time': ({ healed }) => Object.assign(healed[0], { is: 'late', late: ['b shows 2 of 3'] }),
  'read marks never move back': ({ reads }) => (reads[2].version = 6),
  'read marks agree': ({ end }) => (end[2].marks = [['c', 'u1', 1]]),
  'a block is the last that was said': ({ blocks }) => (blocks[2].users = []),
  'a conversation ends where its log ends': ({ end }) => (end[0].last_seq = 2),
  'every answer makes sense': ({ healed }) => healed.push({ at: 81, who: 'a', op: 'look', is: 'fault', status: 500 }),
}

test('a history without fault is accepted, and counted', () => {
  const { violations, counts } = check(lines(good()))
  assert.deepEqual(violations, [])
  assert.equal(counts.acknowledged, 5)
  assert.deepEqual(counts.tables.deliveries, { poll: 2, stream: 5 })
  assert.deepEqual(counts.tables.tries, { unknown: 1, ok: 5, refused: 2 })
})

test('a delivery counts as slow for the fault during which it was slow', () => {
  const history = good()
  const fault = (at, is, kind) => ({ at, who: 'house', op: 'fault', is, kind })
  history.polls.push(fault(41, 'begin', 'slow'), fault(45, 'end', 'slow')) // both views of the entry at 2, acknowledged at 40, are of 68
  assert.deepEqual(check(lines(history)).counts.tables.longestMsDuring, { none: 9, slow: 28 })
  history.polls.push(fault(67, 'begin', 'other'), fault(90, 'end', 'other'))
  assert.deepEqual(check(lines(history)).counts.tables.longestMsDuring, { other: 9, 'several at once': 28 })
})

test('a lost try of a block may still be carried out', () => {
  const history = good()
  history.blocks.splice(2, 0, { at: 77, who: 'a', op: 'block', is: 'unknown', call: 9, user: 'u9', blocked: false })
  history.blocks[3].users = []
  assert.deepEqual(check(lines(history)).violations, [])
})

test('to one who is in a group nothing is refused', () => {
  const history = good()
  history.group.find(({ id, is }) => id === 'gz' && is === 'invoke').at = 35
  history.group.find(({ id, is }) => id === 'gz' && is === 'refused').at = 36
  assert.deepEqual(broken(lines(history)), ['only what must be is refused'])
  const page = { who: 'b', op: 'page', conversation: 'g', call: 30 }
  history.group.push({ ...page, at: 37, is: 'invoke' }, { ...page, at: 38, is: 'refused', user: 'u2', status: 404, code: 'not_found' })
  assert.equal(check(lines(history)).violations.length, 2)
})

test('a message that he missed in a group is missed', () => {
  const history = good()
  history.polls[0].entries.pop()
  assert.deepEqual(broken(lines(history)), ['no cursor hides an entry'])
})

test('each rule has a history that breaks it', () => assert.deepEqual(Object.keys(SPOILT).sort(), Object.keys(RULES).sort()))

for (const [rule, spoil] of Object.entries(SPOILT)) {
  test(`noticed: ${rule}`, () => {
    const history = good()
    spoil(history)
    assert.ok(broken(lines(history)).includes(rule), `only ${broken(lines(history))}`)
  })
}

test('a send that overlaps another may come before or after it', () => {
  const history = good()
  history.second[0].at = 15
  assert.deepEqual(check(lines(history)).violations, [])
})

test('an unknown send may be there or not', () => {
  const history = good()
  history.refused[1].is = 'unknown'
  assert.deepEqual(check(lines(history)).violations, [])
  Object.assign(history.truth[0], { last_seq: 4, entries: [...history.truth[0].entries, { seq: 4, print: 'p4', id: 'z', user: 'u2', type: 'text', text: 't9' }] })
  Object.assign(history.end[0], { last_seq: 4, print: 'p4' })
  history.polls.push({ at: 66, who: 'a', op: 'poll', is: 'ok', session: 's1', from: 'e.3', to: 'e.4', entries: [['c', 4, 'p4']] })
  Object.assign(history.lastPage[1], { place: 5, last_seq: 4, covers: [3, 4], items: [[4, 'p4'], [3, 'p3']] })
  assert.deepEqual(check(lines(history)).violations, [])
})

test('what was said before a resync need not be told by a poll', () => {
  const history = good()
  history.polls[0] = { at: 45, who: 'b', op: 'poll', is: 'ok', session: 's2', from: 'e.1', to: 'f.1', entries: [], resync: true }
  history.polls.push({ at: 46, who: 'b', op: 'snapshot', is: 'ok', seqs: { c: 2, g: 7 } })
  assert.deepEqual(check(lines(history)).violations, [])
})
