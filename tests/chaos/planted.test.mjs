// The test of the test: the checker must catch each deliberate bug of bugs.mjs in one of three short runs. Two houses stand
// side by side, since a run mostly waits; the programs that know a bug take the place of the good ones, and leave it again.
//
//   BUG="3 7"   only some
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtemp, readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'

import { root, until } from '../lib/house.mjs'
import { BUGS, scenarioOf } from './bugs.mjs'
import { openPlace, run } from './run.mjs'

const execute = promisify(execFile)
const mode = process.env.MODE || 'release'
const good = join(root, 'build', mode, 'bin')
const chosen = process.env.BUG ? process.env.BUG.split(' ') : Object.keys(BUGS)
const RUNS = 3
const HOUSES = 2

/** A house whose programs are links, and can be exchanged. */
class Stage {
  async open() {
    this.bin = await mkdtemp(join(tmpdir(), 'posthouse-planted.'))
    this.from = new Map()
    for (const program of (await readdir(good)).filter((name) => name.startsWith('posthouse'))) await this.link(program, good)
    this.place = await openPlace({ bin: this.bin })
    this.conf = join(this.place.house.folder, 'nginx.conf')
    this.goodConf = this.nowConf = await readFile(this.conf, 'utf8')
    return this
  }

  async link(program, folder) {
    await symlink(join(folder, program), join(this.bin, `${program}.new`))
    await rename(join(this.bin, `${program}.new`), join(this.bin, program))
    this.from.set(program, folder)
  }

  /** The house with this bug in it and no other. */
  async play(number, { programs = [], nginx }) {
    const changed = []
    for (const [program, folder] of this.from) {
      const wanted = programs.some((name) => program === `posthouse-${name}`) ? built(number) : good
      if (folder === wanted) continue
      await this.link(program, wanted)
      changed.push(program.replace('posthouse-', ''))
    }
    if (nginx) assert.ok(this.goodConf.includes(nginx[0]), `nginx.conf says "${nginx[0]}"`)
    const conf = nginx ? this.goodConf.replace(...nginx) : this.goodConf
    if (conf !== this.nowConf) {
      await writeFile(this.conf, (this.nowConf = conf))
      changed.push('nginx')
    }
    await this.again(changed)
  }

  /** Killed rather than stopped: nobody is there yet to whom grace would matter. */
  async again(programs) {
    const { house } = this.place
    const former = Object.entries(await house.processes()).filter(([name]) => programs.includes(name.split('.')[0]))
    for (const [name, { pid }] of former) process.kill(name === 'nginx' ? -pid : pid, 'SIGKILL')
    await until(`${programs} run again`, async () => {
      const now = await house.processes()
      return former.every(([name, { pid }]) => now[name].state === 'RUNNING' && now[name].pid !== pid)
    }, { deadlineMs: 30_000, everyMs: 50 })
  }

  async close() {
    await this.place.close()
    await rm(this.bin, { recursive: true })
  }
}

const built = (number) => join(root, 'build', mode, 'planted', number, 'bin')

/** Only the sources that know of bugs are compiled, and only when they changed; one bug after the other, while the first are played. */
async function build(number, { programs }) {
  await execute('make', ['-s', '-C', root, `MODE=${mode}`, `PLANTED_BUG=${number}`,
    ...programs.map((program) => `${built(number)}/posthouse-${program}`.slice(root.length))], { env: { ...process.env, MAKEFLAGS: '' } })
}
const builds = new Map()
for (const number of chosen.filter((one) => BUGS[one].programs)) {
  const former = [...builds.values()].at(-1)
  builds.set(number, Promise.resolve(former).catch(() => {}).then(() => build(number, BUGS[number])))
  builds.get(number).catch(() => {}) // whoever plays it says so
}

describe('each deliberate bug is caught', { concurrency: HOUSES }, () => {
  const stages = []
  before(async () => {
    stages.push(...await Promise.all(Array.from({ length: HOUSES }, () => new Stage().open())))
  })
  after(() => Promise.all(stages.map((stage) => stage.close())))

  for (const number of chosen) {
    const bug = BUGS[number]
    test(`${number} ${bug.name}`, { timeout: 300_000 }, async () => {
      const stage = stages.shift()
      try {
        await builds.get(number)
        await stage.play(number, bug)
        const seeds = []
        for (let caught; !caught;) {
          assert.ok(seeds.length < RUNS, `not caught with the seeds ${seeds}`)
          seeds.push(randomInt(2 ** 31))
          // A house with a bug may also hang: that is no catch by the rule, and the next run begins with other people.
          const result = await run(stage.place, { seed: seeds.at(-1), ...scenarioOf(bug, true) }).catch((problem) => ({ problem }))
          if (result.problem) {
            console.log(`${number} in run ${seeds.length} (seed ${seeds.at(-1)}): not caught, the run broke off: ${result.problem.message}`)
            continue
          }
          const said = result.violations.map(({ rule, what }) => `${rule}: ${what.slice(0, 120)}`)
          caught = said.find((one) => bug.shows.test(one))
          console.log(`${number} in run ${seeds.length} (seed ${seeds.at(-1)}): ${caught ?? `not caught, but: ${said[0] ?? 'nothing'}`}`)
          await rm(result.file)
        }
      } finally {
        stages.push(stage)
      }
    })
  }
})
