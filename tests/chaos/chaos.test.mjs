// The history checker: people talk while everything that they talk through is killed, frozen, wiped, filled, slowed and cut
// off; then what they saw is judged (checker.mjs). One run repeats the choices of a fixed seed, one makes new ones. A
// violation keeps the history. `make campaign` goes on for as long as it is told.
//
//   CHAOS_SEED=…   instead of the fresh seed
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, test } from 'node:test'

import { openPlace, report, run, total } from './run.mjs'

const SENDS = 15_000 // acknowledged, in each run
const SEEDS = { 'a fixed seed': 20261121, 'a fresh seed': Number(process.env.CHAOS_SEED ?? randomInt(2 ** 31)) }
const FAMILIES = [/^kill /, /^freeze /, /^restart /, /^reload nginx/, /^wipe redis/, /^old redis/, /^full redis/, /^no bells|^bells lost/,
  /^redis (away|slow)/, /^mariadb away/, /^mariadb slow/, /^commit /]

const place = await openPlace()
after(() => place.close())
const done = []

for (const [name, seed] of Object.entries(SEEDS)) {
  test(`nothing acknowledged is lost, doubled or out of order, whatever dies: ${name}`, { timeout: 900_000 }, async () => {
    const result = await run(place, { seed, pairs: 20, groups: 5, seconds: 30, sends: SENDS, say: (line) => console.log(line) })
    for (const line of report(result)) console.log(line)
    assert.deepEqual(result.violations, [])
    assert.ok(result.counts.acknowledged >= SENDS, 'as many as were wanted')
    done.push(result.counts)
  })
}

test('it was not spared any family of faults', () => {
  const { acknowledged, tables: { faults } } = total(done)
  const kinds = Object.keys(faults)
  for (const family of [...FAMILIES, ...(place.isDiskOurs ? [/^full disk/] : [])]) assert.ok(kinds.some((kind) => family.test(kind)), String(family))
  assert.ok(acknowledged >= 30_000 && kinds.length >= 8, `${acknowledged} sends, ${kinds.length} kinds of fault`)
})
