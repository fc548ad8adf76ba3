// The test of the test: each deliberate bug of lib/base/planted.h (and two that are not in C) must be caught by the checker
// in one of three short runs. One house for all; the programs that know the bug take the place of the good ones.
//
//   planted.mjs [NUMBER…]     only some
import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { root, until } from '../lib/house.mjs'
import { openPlace, run } from './run.mjs'

const execute = promisify(execFile)
const mode = process.env.MODE || 'release'
const RUNS = 3

// number → name, the programs that have it, the faults that bring it to light, habits of the people, seconds of faults.
const BUSY = { thinkMs: 250 }
const BUGS = {
  1: { name: 'acknowledge before commit', programs: ['messages'], faults: ['commit not asked'] },
  2: { name: 'ring before commit', programs: ['messages'], faults: ['commit late'] },
  3: { name: 'outbox row deleted before the ring', programs: ['messages'], faults: ['full redis'] },
  4: { name: 'the courier never rings', programs: ['courier'], faults: ['full redis'] },
  5: { name: 'read before register', programs: ['poll'], faults: ['redis slow'], habits: { thinkMs: 120, burst: 1, more: 0, refresh: 0.7, pollSeconds: [20] }, pairs: 8 },
  6: { name: "no reading after the bell's reconnect", programs: ['poll'], faults: ['bells lost on the way'], habits: { pollSeconds: [20] } },
  7: { name: 'an id as cursor', programs: ['courier'], faults: ['full redis'], seconds: 8 },
  8: { name: 'a cursor past what was read', programs: ['poll'], faults: ['redis slow'], habits: { thinkMs: 150, burst: 30, away: 0.5 } },
  9: { name: 'seq from the clock', programs: ['messages'], faults: ['redis slow'] },
  10: { name: 'a retry ignores the unique key', programs: ['messages'], faults: ['commit not answered'] },
  11: { name: 'the last read mark wins', programs: ['messages'], faults: ['mariadb slow'], habits: { potterMs: 300 } },
  12: { name: "an old snapshot's epoch is trusted", programs: ['poll', 'messages', 'courier'], faults: ['old redis'], habits: { ...BUSY, away: 0.5 } },
  13: { name: 'a page off by one', programs: ['history'], faults: ['redis slow'] },
  14: { name: 'nginx retries a POST', nginx: ['fastcgi_next_upstream error;', 'fastcgi_next_upstream error timeout invalid_header non_idempotent;'],
    faults: ['kill messages', 'commit late'], seconds: 8, habits: BUSY },
  15: { name: 'the cursor is taken after the snapshot', programs: [], faults: ['wipe redis'], habits: { ...BUSY, cursorAfterSnapshot: true } },
}

const chosen = process.argv.slice(2).length ? process.argv.slice(2) : Object.keys(BUGS)
const good = join(root, 'build', mode, 'bin')
const bin = await mkdtemp(join(tmpdir(), 'posthouse-planted.'))
const link = async (program, from) => {
  await unlink(join(bin, program)).catch(() => {})
  await symlink(join(from, program), join(bin, program))
}
for (const program of (await readdir(good)).filter((name) => name.startsWith('posthouse'))) await link(program, good)
const place = await openPlace({ bin })
const { house } = place

/** The house with a bug in it, or (from = good) without. */
async function change({ programs = [], nginx }, from) {
  for (const program of programs) {
    await link(`posthouse-${program}`, from)
    await house.restart(program)
  }
  if (nginx) {
    const file = join(house.folder, 'nginx.conf')
    const [off, on] = from === good ? [...nginx].reverse() : nginx
    const text = await readFile(file, 'utf8')
    if (!text.includes(off)) throw new Error(`nginx.conf has no "${off}"`)
    await writeFile(file, text.replace(off, on))
    const before = (await house.processes()).nginx.pid
    await house.restart('nginx')
    await until('nginx runs', async () => (await house.processes()).nginx.pid !== before)
  }
}

let missed = 0
for (const number of chosen) {
  const bug = BUGS[number]
  const built = join(root, 'build', mode, 'planted', number, 'bin')
  if (bug.programs?.length) {
    await execute('make', ['-s', '-C', root, `MODE=${mode}`, `PLANTED_BUG=${number}`,
      ...bug.programs.map((program) => `build/${mode}/planted/${number}/bin/posthouse-${program}`)], { env: { ...process.env, MAKEFLAGS: '' } })
  }
  const began = Date.now()
  let caught
  let runs = 0
  await change(bug, built)
  while (!caught && runs++ < RUNS) {
    const seed = randomInt(2 ** 31)
    const result = await run(place, { seed, pairs: bug.pairs ?? 3, rounds: 1, seconds: bug.seconds ?? 4, only: bug.faults, habits: bug.habits })
    caught = result.violations[0]
    await rm(result.file)
  }
  await change(bug, good)
  if (!caught) missed++
  console.log(`${caught ? 'ok' : 'not ok'} ${number} ${bug.name}: ` +
    `${caught ? `caught in run ${runs}, ${caught.rule}: ${caught.what.slice(0, 120)}` : `not caught in ${RUNS} runs`} (${Date.now() - began} ms)`)
}
await place.close()
await rm(bin, { recursive: true })
console.log(`${chosen.length - missed} of ${chosen.length} caught`)
process.exit(missed ? 1 : 0)
