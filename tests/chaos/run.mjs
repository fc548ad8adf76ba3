// One run: a house behind a proxy, people, rounds of faults, and what the checker says of it.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

import { openHouse, root } from '../lib/house.mjs'
import { check } from './checker.mjs'
import { Faults } from './faults.mjs'
import { History, randomFrom } from './history.mjs'
import { openProxy } from './proxy.mjs'
import { World } from './world.mjs'

const DISK_MIB = 1024

/** A house whose processes reach their servers through the proxy; as root on a file system of its own, which can be full. */
export async function openPlace({ bin, mode } = {}) {
  const place = { isDiskOurs: false }
  place.house = await openHouse({ bin, mode, env: { POSTHOUSE_RATE_USER_PER_S: '0' }, prepare: async (folder) => {
    place.isDiskOurs = mounted(folder)
    const via = (name) => join(folder, `${name}.via`)
    place.proxy = await openProxy([
      { kind: 'mariadb', listen: via('mysql'), target: join(folder, 'run/mysql.sock') },
      { kind: 'redis', listen: via('redis'), target: join(folder, 'run/redis.sock') },
    ])
    return { POSTHOUSE_DB_VIA: via('mysql'), POSTHOUSE_REDIS_VIA: via('redis') }
  } })
  place.close = () => place.house.close(async () => {
    await place.proxy.close()
    if (place.isDiskOurs) execFileSync('umount', ['--lazy', place.house.folder])
  })
  return place
}

function mounted(folder) {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m,mode=0700`, 'posthouse-chaos', folder], { stdio: 'ignore' })
    return true
  } catch {
    return false // not allowed here: there is no fault "full disk" then
  }
}

/**
 * Rounds of faults among people, then the judgement: {violations, counts, file}.
 * @param sends how many must be acknowledged before it ends, after whole rounds, at most `rounds` of them
 * @param seconds of faults per round @param only the kinds of fault that strike (all)
 * @param trouble(faults, silence, world) instead of faults at random moments
 * @param stopsWhenLate something that does not arrive in time ends it: how late it comes is not asked
 */
export async function run(place, { seed, pairs, groups = 0, rounds = 12, seconds, sends = Infinity, only, habits, trouble, stopsWhenLate = false, say = () => {} }) {
  const history = new History(join(root, `build/chaos/${seed}.jsonl`))
  const faults = new Faults({ ...place, history, random: randomFrom(seed) })
  const world = new World({ seed, house: place.house, history, random: randomFrom(seed ^ 0x5bd1e995), habits, stopsWhenLate })
  try {
    await world.populate(pairs, groups)
    world.start()
    for (let n = 1; n <= rounds && history.acknowledged < sends; n++) {
      await world.round((silence) => (trouble ? trouble(faults, silence, world) : faults.rage(seconds * 1000, silence, only)))
      const { is, ms } = history.records.findLast(({ op }) => op === 'healed')
      say(`round ${n}: ${history.acknowledged} acknowledged, healed ${is}, all there after ${ms} ms`)
      if (stopsWhenLate && is !== 'ok') break
    }
    await world.readEverything()
  } finally {
    await world.end()
    await history.close()
  }
  return { ...check(history.records), file: history.file, seed }
}

const words = (numbers) => (Array.isArray(numbers) ? numbers.join(', ') : Object.entries(numbers).map(([name, n]) => `${name} ${n}`).join(', '))

/** What happened, as lines for people. */
export function report({ counts, violations, seed, file }) {
  const { tables, ...numbers } = counts
  return [`seed ${seed}: ${words(numbers)}`, ...Object.entries(tables).map(([name, table]) => `${name}: ${words(table)}`),
    ...[...new Set(violations.map(({ rule }) => rule))].flatMap((rule) => {
      const of = violations.filter((one) => one.rule === rule)
      return [`VIOLATED ${of.length} times: ${rule}`, ...of.slice(0, 5).map(({ what }) => `    ${what}`)]
    }), ...(violations.length ? [`history: ${file}`] : [])]
}

/** The counts of several runs as one: sums, and the longest of what is a time. */
export function total(all) {
  const sum = {}
  for (const counts of all) {
    for (const [name, n] of Object.entries(counts)) {
      if (name === 'tables' || name === 'medianMs') continue
      sum[name] = name.endsWith('Ms') ? Math.max(sum[name] ?? 0, n) : (sum[name] ?? 0) + n
    }
    for (const [name, table] of Object.entries(counts.tables)) {
      const into = ((sum.tables ??= {})[name] ??= Array.isArray(table) ? [] : {})
      if (Array.isArray(table)) into.push(...table)
      else for (const [key, n] of Object.entries(table)) into[key] = name === 'longestMsDuring' ? Math.max(into[key] ?? 0, n) : (into[key] ?? 0) + n
    }
  }
  return sum
}
