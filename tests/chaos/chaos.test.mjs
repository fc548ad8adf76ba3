// The history checker, with a fixed seed and a fresh one: people talk while everything that they talk through is killed,
// frozen, wiped, filled and cut off; then what they saw is judged (checker.mjs). A violation keeps the history.
//
//   CHAOS_SEED=…   instead of the fixed seed, to repeat the choices of a run
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, test } from 'node:test'

import { openPlace, report, run } from './run.mjs'

const SENDS = 15_000 // acknowledged, in each of the two
const KINDS = 8
const SEEDS = { fixed: Number(process.env.CHAOS_SEED ?? 20261121), fresh: randomInt(2 ** 31) }

const place = await openPlace()
after(() => place.close())

for (const [name, seed] of Object.entries(SEEDS)) {
  test(`nothing acknowledged is lost, doubled or out of order: the ${name} seed`, { timeout: 900_000 }, async () => {
    const result = await run(place, { seed, pairs: 20, seconds: 30, sends: SENDS, say: (line) => console.log(`# ${line}`) })
    for (const line of report(result)) console.log(`# ${line}`)
    assert.deepEqual(result.violations, [])
    assert.ok(result.counts.acknowledged >= SENDS)
    assert.ok(Object.keys(result.counts.faults).length >= KINDS)
  })
}
