// The history checker for as long as told, with fresh seeds: a run under every kind of fault, then some of the scenarios that
// are aimed at deliberate bugs, without the bug; each in a house of its own. Stops at the first violation and keeps its
// history. Ends with a table of what happened.   campaign.mjs SECONDS
import { randomInt } from 'node:crypto'
import { rm } from 'node:fs/promises'

import { BUGS, scenarioOf } from './bugs.mjs'
import { openPlace, report, run, total } from './run.mjs'

const AIMED = 4 // scenarios after each run
const seconds = Number(process.argv[2] ?? 1800)
const end = Date.now() + seconds * 1000
const aimed = Object.values(BUGS).map((bug) => ({ name: `as against "${bug.name}"`, ...scenarioOf(bug, false) }))
const done = []
let violated = false

async function one(place, { name, ...scenario }) {
  const result = await run(place, { seed: randomInt(2 ** 31), ...scenario })
  console.log(name)
  for (const line of report(result)) console.log(`  ${line}`)
  violated ||= result.violations.length > 0
  if (!result.violations.length) await rm(result.file)
  done.push(result)
}

/** A house, and everything in it until the time is over. */
async function visit(scenarios) {
  const place = await openPlace()
  const stop = () => place.close().finally(() => process.exit(1))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    for (const scenario of scenarios) if (!violated && Date.now() < end) await one(place, scenario)
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
    await place.close()
  }
}

for (let n = 0; Date.now() < end && !violated; n += AIMED) {
  const next = Array.from({ length: AIMED }, (_, i) => aimed[(n + i) % aimed.length])
  await visit([{ name: 'every kind of fault', pairs: 20, groups: 5, seconds: 30, sends: 15_000 }, ...next])
}

const { tables, ...numbers } = total(done.map(({ counts }) => counts))
console.log(`\n${done.length} runs in ${seconds} s, ${violated ? 'the last one violated' : '0 violations'}`)
console.table(numbers)
for (const [name, table] of Object.entries(tables)) {
  console.log(name)
  console.table(Array.isArray(table) ? { longest: Math.max(...table), rounds: table.length } : table)
}
console.log(`seeds: ${done.map(({ seed }) => seed).join(' ')}`)
process.exit(violated ? 1 : 0)
