// The history checker for as long as told, each run with a fresh seed and a house of its own; stops at the first violation
// and keeps its history.   campaign.mjs SECONDS
import { randomInt } from 'node:crypto'
import { rm } from 'node:fs/promises'

import { openPlace, report, run } from './run.mjs'

const seconds = Number(process.argv[2] ?? 1800)
const end = Date.now() + seconds * 1000
const totals = { runs: 0, acknowledged: 0, deliveries: 0, faults: {}, longestMs: 0 }
let violated = false

while (Date.now() < end && !violated) {
  const place = await openPlace()
  const stop = () => place.close().finally(() => process.exit(1))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    const result = await run(place, { seed: randomInt(2 ** 31), pairs: 20, seconds: 30, sends: 15_000 })
    const { acknowledged, deliveries, faults, longestMs } = result.counts
    for (const line of report(result)) console.log(line)
    violated = result.violations.length > 0
    if (!violated) await rm(result.file)
    totals.runs++
    totals.acknowledged += acknowledged
    totals.deliveries += deliveries
    totals.longestMs = Math.max(totals.longestMs, longestMs)
    for (const [kind, n] of Object.entries(faults)) totals.faults[kind] = (totals.faults[kind] ?? 0) + n
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
    await place.close()
  }
}
console.log(JSON.stringify({ ...totals, violated }, null, 1))
process.exit(violated ? 1 : 0)
