// The history checker in its short form: people talk while each process that they talk through is killed, again and
// again; then what they saw is judged (checker.mjs). A violation keeps the history. `make campaign` does the same with
// every kind of fault: frozen, wiped, filled, slow, cut off.
//
//   CHAOS_SEED=…   instead of the fixed seed, to repeat the choices of a run
import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { openPlace, report, run } from './run.mjs'

const SENDS = 10_000 // acknowledged
const KILLED = ['login', 'friends', 'messages', 'history', 'poll', 'courier', 'redis', 'mariadb', 'nginx']
const seed = Number(process.env.CHAOS_SEED ?? 20261121)

const place = await openPlace()
after(() => place.close())

test('nothing acknowledged is lost, doubled or out of order while everything is killed', { timeout: 900_000 }, async () => {
  const only = KILLED.map((program) => `kill ${program}`)
  const result = await run(place, { seed, pairs: 20, seconds: 30, sends: SENDS, only, say: (line) => console.log(`# ${line}`) })
  for (const line of report(result)) console.log(`# ${line}`)
  assert.deepEqual(result.violations, [])
  assert.ok(result.counts.acknowledged >= SENDS)
  for (const kind of only) assert.ok(result.counts.faults[kind] >= 1, kind)
})
