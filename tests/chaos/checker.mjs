// Judges a history: does it contradict what the house promises? Pure: records in, sentences out.
//
// The lines that it reads (history.mjs writes them; `who` is a device, `call` joins the lines of one request):
//   send    invoke {conversation, id, user, text, trespass?} · ok {seq, print, status} · refused {code} · unknown
//   show    ok {conversation, seq, print}            the device's view of a conversation grew by this entry
//   poll    ok {session, from, to, entries, resync?} · snapshot ok {seqs}, what it read after a resync
//   page    invoke · ok {conversation, how, place, limit, covers, last_seq, items}
//   read    invoke {conversation, user, seq} · ok {seq}       mark ok {conversation, user, seq, version}, as it was told
//   truth   ok {conversation, isGroup, entries, last_seq, members, marks}    the final log, from the database, and who is in it
//   move    invoke {conversation, user, out} · ok    somebody goes out of a group, or comes in
//   sync    ok {conversation, held, limit, from, to, limited, entries}    one conversation of an answer
//   block   invoke {user, blocked} · ok · unknown, a try that was lost    blocks ok {account, users}, as they are at the end
//   conversation ok, ends ok: the last things that a handler and a device say; healed ok|late|never; anything `fault`

/** Everything by what the rules ask for. */
function index(records) {
  const h = { records, truths: new Map(), sends: new Map(), devices: new Map(), reads: [], pages: [], marks: [], moves: new Map(), refused: [],
    stays: new Map() } // group → user → [from, to] of each time that he was in it
  const invoked = new Map()
  const device = (who) => {
    if (!h.devices.has(who)) h.devices.set(who, { user: undefined, session: undefined, shows: [], polls: [], ends: undefined })
    return h.devices.get(who)
  }
  for (const record of records) {
    const { op, is, who, call } = record
    if (is === 'invoke') invoked.set(call, record)
    if (op === 'truth') h.truths.set(record.conversation, record)
    if (op === 'send' && is === 'invoke') {
      const send = h.sends.get(record.id) ?? { id: record.id, who, conversation: record.conversation, user: record.user, began: record.at, tries: [] }
      send.tries.push({ ...record, call, is: 'unknown', ended: Infinity })
      h.sends.set(record.id, send)
    }
    if (op === 'send' && is !== 'invoke') {
      const one = h.sends.get(record.id).tries.find((try_) => try_.call === call)
      Object.assign(one, record, { at: one.at, ended: record.at })
    }
    if (op === 'login') Object.assign(device(who), { user: record.user, session: record.session })
    if (op === 'show') device(who).shows.push(record)
    if ((op === 'poll' || op === 'snapshot') && is === 'ok') device(who).polls.push(record)
    if (op === 'ends') device(who).ends = record
    if (op === 'mark') h.marks.push(record)
    if (op === 'move' && is === 'invoke') h.moves.set(call, { ...record, ended: Infinity })
    if (op === 'move' && is === 'ok') h.moves.get(call).ended = record.at
    if ((op === 'read' || op === 'page') && is === 'refused' && record.code === 'not_found') h.refused.push({ ...record, began: invoked.get(call).at })
    if ((op === 'read' || op === 'page') && is === 'ok') h[`${op}s`].push({ ...record, began: invoked.get(call).at, asked: invoked.get(call).seq })
  }
  for (const [conversation, truth] of h.truths) if (truth.isGroup) h.stays.set(conversation, staysOf(truth))
  h.entry = (conversation, seq) => h.truths.get(conversation)?.entries[seq - 1]
  return h
}

/** Between which places each person was in a group, by what the house says in its log. */
function staysOf({ entries }) {
  const stays = new Map()
  const come = (user, seq) => stays.set(user, [...(stays.get(user) ?? []), [seq, Infinity]])
  const go = (user, seq) => (stays.get(user).at(-1)[1] = seq - 1)
  for (const { seq, code, params } of entries) {
    if (code === 'group.created' || code === 'member.joined') come(params.user_id, seq)
    if (code === 'member.added') for (const user of params.user_ids) come(user, seq)
    if (code === 'member.left' || code === 'member.removed') go(params.user_id, seq)
  }
  return stays
}

const isIn = (h, conversation, user, seq) => (h.stays.get(conversation)?.get(user) ?? []).some(([from, to]) => seq >= from && seq <= to)

/** Whether somebody was, or may have been, out of a group between two moments: he went before, and was not known to be in again. */
function mayBeOut(h, group, user, began, ended) {
  const moves = h.movesOf.get(`${group} ${user}`) ?? []
  return moves.some((gone) => gone.out && gone.at < ended && !moves.some((back) => !back.out && back.at > gone.ended && back.ended < began))
}

const okTries = (send) => send.tries.filter(({ is }) => is === 'ok')

/** Groups of what has the same key, in order. */
function grouped(list, key) {
  const groups = new Map()
  for (const one of list) {
    const name = key(one)
    if (!groups.has(name)) groups.set(name, [])
    groups.get(name).push(one)
  }
  return groups
}

/** For each item, those that had ended before it began, by a running maximum: calls visit(item, the highest value). */
function inOrder(items, { began, ended, value, visit }) {
  const byEnd = items.filter((item) => ended(item) !== undefined).sort((a, b) => ended(a) - ended(b))
  let next = 0
  let highest
  for (const item of [...items].sort((a, b) => began(a) - began(b))) {
    for (; next < byEnd.length && ended(byEnd[next]) < began(item); next++) {
      if (highest === undefined || value(byEnd[next]) > value(highest)) highest = byEnd[next]
    }
    if (highest !== undefined) visit(item, value(highest))
  }
}

export const RULES = {
  'the log is dense': (h) => [...h.truths.values()].flatMap(({ conversation, entries, last_seq }) => [
    ...entries.flatMap(({ seq }, i) => (seq === i + 1 ? [] : [`${conversation}: seq ${seq} stands at place ${i + 1}`])),
    ...(last_seq === entries.length ? [] : [`${conversation}: last_seq is ${last_seq}, the log has ${entries.length} entries`]),
  ]),

  'an id is there once': (h) => [...h.truths.values()].flatMap(({ conversation, entries }) =>
    [...grouped(entries.filter(({ id }) => id), ({ id }) => id)].flatMap(([id, same]) =>
      (same.length > 1 ? [`${conversation}: ${id} is there at ${same.map(({ seq }) => seq)}`] : []))),

  'what was acknowledged is there': (h) => [...h.sends.values()].flatMap((send) => okTries(send).flatMap(({ seq, print }) => {
    const entry = h.entry(send.conversation, seq)
    if (entry?.id === send.id && entry.user === send.user && entry.print === print) return []
    return [`${send.conversation}: ${send.id} was acknowledged at ${seq}; there is ${JSON.stringify(entry) ?? 'nothing'}`]
  })),

  'nothing is there that nobody sent': (h) => [...h.truths.values()].flatMap(({ conversation, isGroup, entries }) => entries.flatMap((entry) => {
    if (entry.type === 'system') return entry.seq === 1 || isGroup ? [] : [`${conversation}: a system entry at ${entry.seq}`]
    const send = h.sends.get(entry.id)
    const said = send?.conversation === conversation && send.user === entry.user &&
      send.tries.some(({ is, text }) => is !== 'refused' && text === entry.text)
    return said ? [] : [`${conversation}: nobody said what stands at ${entry.seq} (${entry.id})`]
  })),

  'what was refused is not there': (h) => {
    const there = new Set([...h.truths.values()].flatMap(({ entries }) => entries.map(({ id }) => id)))
    return [...h.sends.values()].filter(({ id, tries }) => there.has(id) && tries.every(({ is }) => is === 'refused'))
      .map(({ conversation, id }) => `${conversation}: ${id} was refused and is there`)
  },

  'retries have one answer': (h) => [...h.sends.values()].flatMap((send) => {
    const answers = new Set(okTries(send).map(({ seq, print }) => `${seq} ${print}`))
    return answers.size > 1 ? [`${send.conversation}: ${send.id} was acknowledged as ${[...answers]}`] : []
  }),

  'nobody else repeats a send': (h) => [...h.sends.values()].flatMap((send) => okTries(send)
    .filter((one) => one.status === 200 && !send.tries.some((other) => other.call !== one.call && other.at <= one.ended))
    .map(({ seq }) => `${send.conversation}: ${send.id} at ${seq} was answered as a repetition of its only try`)),

  'only what must be is refused': (h) => [
    ...[...h.sends.values()].flatMap((send) => send.tries.flatMap(({ is, code, status, trespass, at, ended }) => {
      if (is === 'ok' && trespass) return [`${send.conversation}: ${send.id} was accepted, not answered by ${trespass}`]
      const fine = is !== 'refused' || code === trespass || ['unavailable', 'rate_limited', 'token_expired', 'unauthenticated'].includes(code) ||
        (code === 'not_found' && mayBeOut(h, send.conversation, send.user, at, ended))
      return fine ? [] : [`${send.conversation}: ${send.id} was refused: ${status} ${code}`]
    })),
    ...h.refused.filter(({ conversation, user, began, at }) => !mayBeOut(h, conversation, user, began, at))
      .map(({ who, op, conversation }) => `${conversation}: ${who} was refused a ${op}, and was in the group`),
  ],

  'who is not in a group says nothing in it': (h) => [...h.stays.keys()].flatMap((conversation) => h.truths.get(conversation).entries
    .filter(({ type, user, seq }) => type !== 'system' && !isIn(h, conversation, user, seq))
    .map(({ user, seq }) => `${conversation}: ${user} speaks at ${seq}, was in it ${JSON.stringify(h.stays.get(conversation).get(user))}`)),

  'who is not in a group hears nothing of it': (h) => {
    const wrong = []
    for (const [who, how, conversation, seq] of told(h)) {
      const { user } = h.devices.get(who)
      if (h.stays.has(conversation) && !isIn(h, conversation, user, seq)) {
        wrong.push(`${conversation}: ${who} was told by ${how} of ${seq}, was in it ${JSON.stringify(h.stays.get(conversation).get(user))}`)
      }
    }
    return wrong
  },

  'acknowledged before begun is before it': (h) => {
    const wrong = []
    const there = [...h.sends.values()].flatMap((send) => {
      const entry = h.place.get(send.id)
      return entry ? [{ ...send, seq: entry.seq, ended: Math.min(...okTries(send).map(({ ended }) => ended)) }] : []
    })
    for (const [conversation, sends] of grouped(there, (send) => send.conversation)) {
      inOrder(sends, { began: ({ began }) => began, ended: ({ ended }) => (ended === Infinity ? undefined : ended), value: ({ seq }) => seq,
        visit: (send, highest) => send.seq > highest ||
          wrong.push(`${conversation}: ${send.id} at ${send.seq} began after ${highest} was acknowledged`) })
    }
    return wrong
  },

  'a position never changes': (h) => told(h).filter(([, , conversation, seq, print]) => h.entry(conversation, seq)?.print !== print)
    .map(([who, how, conversation, seq]) => `${conversation}: ${who} got by ${how} at ${seq} what is not in the log there`),

  'a page is what it says': (h) => h.pages.flatMap(({ who, conversation, how, place, limit, covers, last_seq, items, first = 1 }) => {
    if (items.some(([, print]) => print === 'hidden')) return [] // asked of a time in a group that is over
    const expected = pageOf(how, place, limit, last_seq, first)
    const seqs = items.map(([seq]) => seq)
    const wanted = expected.flatMap(([lo, hi]) => Array.from({ length: hi - lo + 1 }, (_, i) => (how === 'after' ? lo + i : hi - i)))
    const same = String(seqs) === String(wanted) && (wanted.length ? String(covers) === String(expected[0]) : covers === null)
    return same ? [] : [`${conversation}: ${who} asked ${how} ${place}, ${limit} at most, of ${last_seq}: ` +
      `covers ${covers}, got ${seqs[0]} to ${seqs.at(-1)} (${seqs.length}), expected ${expected}`]
  }),

  'a sync is what it says': (h) => h.records.filter(({ op, is }) => op === 'sync' && is === 'ok')
    .filter(({ held, limit, from, to, limited, entries }) => {
      const seqs = entries.map(([, seq]) => seq)
      const whole = String(seqs) === String(Array.from({ length: to - from + 1 }, (_, i) => from + i))
      return !whole || seqs.length > limit || limited !== (from > held + 1) || (!limited && from !== held + 1)
    })
    .map(({ who, conversation, held, limit, from, to, limited }) =>
      `${conversation}: ${who} has ${held} and asked for ${limit} at most: got ${from} to ${to}${limited ? ', limited' : ''}`),

  'a page is as new as what was acknowledged': (h) => {
    const wrong = []
    const acks = [...h.sends.values()].flatMap((send) => okTries(send).map(({ seq, ended }) => ({ conversation: send.conversation, seq, began: Infinity, ended })))
    const pages = h.pages.map((page) => ({ ...page, seq: page.last_seq, ended: undefined }))
    for (const [conversation, events] of grouped([...acks, ...pages], (one) => one.conversation)) {
      inOrder(events, { began: ({ began }) => began, ended: ({ ended }) => ended, value: ({ seq }) => seq,
        visit: ({ who, began, seq }, highest) => began === Infinity || seq >= highest ||
          wrong.push(`${conversation}: ${who} read to ${seq} after ${highest} was acknowledged`) })
    }
    return wrong
  },

  'a view is a prefix, each entry once': (h) => [...h.devices].flatMap(([who, { shows }]) =>
    [...grouped(shows, ({ conversation, stay = 0 }) => `${conversation} ${stay}`).values()].flatMap((list) => {
      const [{ conversation, from = 1 }] = list
      const at = list.findIndex(({ seq }, i) => seq !== from + i)
      return at < 0 ? [] : [`${conversation}: ${who} showed ${list[at].seq} at place ${from + at}`]
    })),

  'no cursor hides an entry': (h) => [...h.devices].flatMap(([who, device]) => hidden(h, who, device)),

  'after healing all arrives in time': (h) => h.records.filter(({ op, is }) => op === 'healed' && is !== 'ok')
    .map(({ is, ms, late }) => `${is === 'never' ? 'never arrived' : 'not there'} ${ms} ms after healing: ${late.slice(0, 5).join('; ')}`),

  'read marks never move back': (h) => {
    const wrong = []
    for (const [key, reads] of grouped(h.reads, ({ conversation, user }) => `${conversation} ${user}`)) {
      inOrder(reads, { began: ({ began }) => began, ended: ({ at }) => at, value: ({ seq }) => seq,
        visit: ({ seq }, highest) => seq >= highest || wrong.push(`${key}: read to ${seq} after ${highest} was acknowledged`) })
      for (const { seq, asked } of reads) if (seq < asked) wrong.push(`${key}: asked to mark ${asked}, answered ${seq}`)
    }
    // A conversation's version is that of one person's view of it.
    for (const [key, marks] of grouped(h.marks, ({ conversation, user, who }) => `${conversation} ${user} as ${h.devices.get(who).user} hears of it`)) {
      const byVersion = [...marks].sort((a, b) => a.version - b.version || a.seq - b.seq)
      byVersion.forEach(({ seq, version }, i) => i && seq < byVersion[i - 1].seq &&
        wrong.push(`${key}: ${seq} in version ${version}, ${byVersion[i - 1].seq} in version ${byVersion[i - 1].version}`))
    }
    return wrong
  },

  'read marks agree': (h) => {
    const wrong = []
    const of = (conversation, user) => h.truths.get(conversation)?.marks[user]
    const isOut = (conversation, user) => h.stays.has(conversation) && !h.truths.get(conversation).members.includes(user)
    const differs = (who, conversation, user, seq) => isOut(conversation, user) || seq === of(conversation, user) ||
      wrong.push(`${conversation}: ${who} has the mark of ${user} at ${seq}, it is ${of(conversation, user)}`)
    for (const [who, { ends }] of h.devices) for (const [conversation, user, seq] of ends?.marks ?? []) differs(who, conversation, user, seq)
    for (const { op, who, conversation, user, read_seq } of h.records) if (op === 'conversation') differs(who, conversation, user, read_seq)
    for (const { conversation, user, seq } of h.reads) {
      if (h.truths.get(conversation)?.members.includes(user) && !(of(conversation, user) >= seq)) wrong.push(`${conversation}: ${user} was told ${seq} is read, the mark is ${of(conversation, user)}`)
    }
    return wrong
  },

  'a block is the last that was said': (h) => h.records.filter(({ op }) => op === 'blocks').flatMap(({ account, users }) => {
    const said = h.records.filter(({ op, is, who }) => op === 'block' && is !== 'invoke' && h.devices.get(who).user === account)
    return [...grouped(said, ({ user }) => user)].flatMap(([user, list]) => {
      const last = list.findLast(({ is }) => is === 'ok')
      // A lost try may still be carried out by a process that was frozen.
      const possible = new Set([last, ...list.filter(({ is }) => is === 'unknown')].map((one) => one?.blocked ?? false))
      return possible.has(users.includes(user)) ? [] : [`${account}: ${user} is ${last.blocked ? 'not ' : ''}blocked`]
    })
  }),

  'a conversation ends where its log ends': (h) => h.records.filter(({ op }) => op === 'conversation').flatMap(({ who, conversation, last_seq, print }) => {
    const truth = h.truths.get(conversation)
    return last_seq === truth?.last_seq && print === (truth.entries.at(-1)?.print ?? null) ? []
      : [`${conversation}: ${who} sees its end at ${last_seq}, it is ${truth?.last_seq}`]
  }),

  'every answer makes sense': (h) => h.records.filter(({ is }) => is === 'fault')
    .map(({ who, op, path, status, code, id }) => `${who} ${op} ${path ?? ''}: ${status} ${code} ${id ?? ''}`),
}

/** [who, how, conversation, seq, print] of every entry that a device got. */
function told(h) {
  return h.records.flatMap(({ who, op, is, conversation, seq, print, entries, items, how }) => {
    if (op === 'show') return [[who, 'its view', conversation, seq, print]]
    if (op === 'poll' || op === 'sync') return (entries ?? []).map(([id, at, mark]) => [who, op, id, at, mark])
    if (op === 'page' && is === 'ok') return items.filter(([, mark]) => mark !== 'hidden').map(([at, mark]) => [who, how, conversation, at, mark])
    return []
  })
}

/** [[lo, hi]] that a page must cover, or [] when it has to be empty. `first` is the first that he may see. */
function pageOf(how, at, limit, last, first) {
  const range = (lo, hi) => (lo <= hi ? [[lo, hi]] : [])
  if (how === 'after') return range(at + 1, Math.min(at + limit, last))
  const below = (hi, n) => Math.max(first, hi - n + 1)
  if (how === 'before') return range(below(Math.min(at - 1, last), limit), Math.min(at - 1, last))
  const middle = Math.min(at, last)
  const lo = below(middle, Math.ceil(limit / 2))
  return range(lo, Math.min(last, lo + limit - 1))
}

/** What no poll of the device's last cursor told it, though it came after what it had read when it took that cursor. */
function hidden(h, who, { user, polls, ends }) {
  if (!ends) return []
  const from = polls.findLastIndex(({ op, resync }) => op === 'poll' && resync)
  if (from < 0) return polls.length ? [`${who} has a cursor that nobody gave it`] : []
  const lived = polls.slice(from)
  const read = lived.find(({ op }) => op === 'snapshot')?.seqs ?? {}
  const told = new Set(lived.flatMap(({ entries = [] }) => entries.map(([conversation, seq]) => `${conversation} ${seq}`)))
  const missing = []
  for (const [conversation, truth] of h.truths) {
    if (!truth.members.includes(user)) continue
    // The entry that says that he came need not be told: he hears of the group.
    const came = h.stays.get(conversation)?.get(user)?.at(-1)[0] ?? 0
    for (const { seq, id } of truth.entries.slice(Math.max(came, read[conversation] ?? 0))) {
      if (h.sends.get(id)?.who !== who && !told.has(`${conversation} ${seq}`)) missing.push(`${conversation}: no poll told ${who} of ${seq}`)
    }
  }
  return missing
}

/** {violations: [{rule, what}], counts} of a history's records. */
export function check(records) {
  const h = index(records)
  h.movesOf = grouped([...h.moves.values()], ({ conversation, user }) => `${conversation} ${user}`)
  h.place = new Map([...h.truths.values()].flatMap(({ entries }) => entries.filter(({ id }) => id).map((entry) => [entry.id, entry])))
  const violations = Object.entries(RULES).flatMap(([rule, judge]) => judge(h).map((what) => ({ rule, what })))
  return { violations, counts: count(h) }
}

/** [[kind of fault, ms]] of each delivery: from the acknowledgement to the view of another device, and what was wrong meanwhile. */
function deliveries(h) {
  const acknowledged = new Map([...h.sends.values()].flatMap((send) => okTries(send).map(({ seq, ended }) => [`${send.conversation} ${seq}`, ended])).reverse())
  const spans = faultSpans(h.records)
  return [...h.devices.values()].flatMap(({ shows }) => shows).flatMap(({ at, conversation, seq }) => {
    const from = acknowledged.get(`${conversation} ${seq}`)
    if (from === undefined) return []
    const kinds = new Set(spans.filter(({ began, ended }) => began <= at && ended >= from).map(({ kind }) => kind))
    return [[kinds.size > 1 ? 'several at once' : [...kinds][0] ?? 'none', Math.max(0, at - from)]]
  })
}

/** When each fault began and ended. */
export function faultSpans(records) {
  const spans = []
  for (const { op, is, kind, at } of records) {
    if (op !== 'fault') continue
    if (is === 'begin') spans.push({ kind, began: at, ended: Infinity })
    else spans.findLast((span) => span.kind === kind && span.ended === Infinity).ended = at
  }
  return spans
}

const sizes = (groups) => Object.fromEntries([...groups].map(([name, list]) => [name, list.length]).sort())

/** What happened, in numbers: those of a run, and tables of some. */
function count(h) {
  const sends = [...h.sends.values()]
  const waits = deliveries(h)
  const sorted = waits.map(([, ms]) => ms).sort((a, b) => a - b)
  const polls = h.records.filter(({ op, is }) => op === 'poll' && is === 'ok')
  const those = (wanted, how) => h.records.filter(({ op, is }) => op === wanted && is === how)
  const longest = new Map() // of more than a call could take as arguments
  for (const [kind, ms] of waits) longest.set(kind, Math.max(longest.get(kind) ?? 0, Math.round(ms)))
  return {
    devices: h.devices.size,
    sends: sends.length,
    acknowledged: sends.filter((send) => okTries(send).length).length,
    polls: polls.length,
    cut: those('poll', 'unknown').length,
    resyncs: polls.filter(({ resync }) => resync).length,
    pages: h.pages.length,
    marks: h.reads.length,
    syncs: those('sync', 'ok').length,
    blocks: those('block', 'ok').length,
    moves: those('move', 'ok').length,
    medianMs: Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0),
    longestMs: Math.round(sorted.at(-1) ?? 0),
    tables: {
      tries: sizes(grouped(sends.flatMap((send) => send.tries), ({ is }) => is)),
      deliveries: sizes(grouped(polls.flatMap(({ by, entries }) => entries.map(() => by)), (by) => by)),
      answers: Object.assign({}, ...those('answers', 'ok').map(({ at, who, op, is, ...answers }) => answers)),
      faults: sizes(grouped(those('fault', 'begin'), ({ kind }) => kind)),
      longestMsDuring: Object.fromEntries([...longest].sort()),
      healingMs: those('healed', 'ok').map(({ ms }) => ms),
    },
  }
}
